/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Copying Ahead
 *
 * The copy of one volume, from the first byte to the last. While applications run, prepare() passes over the
 * volume until there is next to nothing left to do, or until it is plain that there always will be. In the window
 * commit() passes once more and copies what has changed since, which takes as long as there is of that, however
 * large the volume is; or, where changes cannot be followed (files-watch.h), as looking at all its files does.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"
#include "provider/provider.h"
#include "providers/files/files-copy.h"
#include "providers/files/files-store.h"

#define FILES_PASSES_MAX 8U

/* What it took. For tests, and for people who wonder. */
typedef struct FilesStatistics {
        FilesWork ahead, window;
        unsigned passes;  /* ahead of the window */
        bool converged;   /* the last of them found nothing to do */
        FilesWork last;   /* that one alone */
        bool followed;    /* the window looked at what was touched, and at nothing else */
        unsigned lost;    /* how often events were lost */
        uint64_t files;   /* known when the window closed, directories included */
        uint64_t needed;  /* bytes that a copy of everything takes; 0 for clones */
        uint64_t unfit;   /* attributes and owners that the store cannot have */
        uint64_t skipped; /* device nodes that we may not make */
} FilesStatistics;

typedef struct FilesAhead FilesAhead;

/* Makes the store. @clone: share extents with the volume where that is possible. */
int files_ahead_new(const ProviderEnv *env,
                    const ProviderSnapshot *s,
                    const FilesPlan *plan,
                    FilesAhead **ret);
FilesAhead *files_ahead_free(FilesAhead *ahead);
DEFINE_CLEANUP(FilesAhead *, files_ahead_free)

int files_ahead_prepare(FilesAhead *ahead);
/* Applications are frozen, the volume is not yet held: copies what has changed, for a second or so, and only if that
 * is known without looking at everything. */
int files_ahead_catch_up(FilesAhead *ahead);
int files_ahead_commit(FilesAhead *ahead);

const FilesStatistics *files_ahead_statistics(const FilesAhead *ahead);
/* After the window: nothing is followed any more. Says in the log what is not as one may expect. */
void files_ahead_report(FilesAhead *ahead);
