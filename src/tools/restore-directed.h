/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Directed Targets
 *
 * A writer may want certain bytes of a saved file at certain places of another one (or of several, or of the
 * same). Such a file does not go where it was: its bytes are dealt out while it is unpacked, to copies of the
 * destinations, which get their names together at the end. [MS: working-with-directed-targets]
 */

#include "tools/restore-link.h"

typedef struct RestoreDirected RestoreDirected;

/* For the targets of all that was chosen. */
int restore_directed_new(RestoreLink *l, RestoreDirected **ret);
RestoreDirected *restore_directed_free(RestoreDirected *d);
DEFINE_CLEANUP(RestoreDirected *, restore_directed_free)

/* Is the file the source of a target? */
bool restore_directed_has(const RestoreDirected *d, const char *path);

/* Deals out the bytes of the file that the stream is at. What goes wrong with a destination is told to
 * failed(); what goes wrong with the set is the result. */
int restore_directed_add(RestoreDirected *d,
                         SetStream *stream,
                         struct archive_entry *entry,
                         const SetIndexLine *line,
                         const char *path);

/* After the last file: hands the destinations to the tree. */
int restore_directed_finish(RestoreDirected *d);
