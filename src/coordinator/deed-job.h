/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Deeds of One Operation
 *
 * They run at once; the operation settles when the last of them has been told.
 */

#include <stdbool.h>
#include <stddef.h>

#include <wintypes.h>

#include "coordinator/coordinator-forward.h"
#include "coordinator/deed.h"

typedef struct DeedJob {
        Operation *op;
        DeedQueue *queue;
        size_t pending, n_done;
        HRESULT hr; /* of the first that failed */
        char *message;
        char *path; /* the last that was told */
        void (*settle)(struct DeedJob *j); /* ends the job */
} DeedJob;

/* @hr, @why: may the requester? NULL: it may not, or there is no memory, and @op is settled. The job counts
 * itself as pending until deed_job_answered(). */
DeedJob *deed_job_new(Session *s,
                      Operation *op,
                      HRESULT hr,
                      const char *why,
                      void (*settle)(DeedJob *j));
void deed_job_answered(DeedJob *j);
void deed_job_failed(DeedJob *j, HRESULT hr, const char *message);

/* Takes the contents of options->snapshot over. */
void deed_job_start(DeedJob *j, DeedOptions *options, bool until_begin);
/* For those that only await an end. */
void deed_job_await(DeedJob *j, Deed *d);

/* For settle: S_OK, or the first failure. */
void deed_job_settle(DeedJob *j);
