/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Deeds of One Operation
 */

#include "coordinator/deed-job.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "coordinator/manager.h"
#include "coordinator/operation.h"
#include "coordinator/session.h"

static void *deed_job_free(void *userdata) {
        DeedJob *j = userdata;

        deed_queue_forget(j->queue, j);
        free(j->message);
        free(j->path);
        free(j);
        return NULL;
}

void deed_job_settle(DeedJob *j) {
        operation_settle(j->op, j->hr, j->message);
}

DeedJob *deed_job_new(Session *s,
                      Operation *op,
                      HRESULT hr,
                      const char *why,
                      void (*settle)(DeedJob *j)) {
        DeedJob *j;

        if (FAILED(hr)) {
                operation_settle(op, hr, why);
                return NULL;
        }

        j = calloc(1, sizeof(*j));
        if (!j) {
                operation_settle(op, E_OUTOFMEMORY, NULL);
                return NULL;
        }
        j->op = op;
        j->queue = s->manager->deeds;
        j->settle = settle;
        j->pending = 1;
        op->job = j;
        op->job_free = deed_job_free;
        return j;
}

void deed_job_answered(DeedJob *j) {
        if (--j->pending == 0)
                j->settle(j);
}

void deed_job_failed(DeedJob *j, HRESULT hr, const char *message) {
        if (FAILED(j->hr))
                return;
        j->hr = hr;
        (void) free_and_strdup(&j->message, message);
}

static void deed_job_told(HRESULT hr, const char *message, const char *path, void *userdata) {
        DeedJob *j = userdata;

        if (FAILED(hr))
                deed_job_failed(j, hr, message);
        else {
                ++j->n_done;
                if (path && free_and_strdup(&j->path, path) < 0)
                        deed_job_failed(j, E_OUTOFMEMORY, NULL);
        }
        deed_job_answered(j);
}

void deed_job_start(DeedJob *j, DeedOptions *options, bool until_begin) {
        Deed *d;
        int r;

        r = deed_start(j->queue, options, &d);
        if (r >= 0)
                r = until_begin ? deed_await_begin(d, deed_job_told, j) :
                                  deed_await_end(d, deed_job_told, j);
        if (r < 0)
                deed_job_failed(j, hresult_from_errno(r), NULL);
        else
                ++j->pending;
}

void deed_job_await(DeedJob *j, Deed *d) {
        if (deed_await_end(d, deed_job_told, j) < 0)
                deed_job_failed(j, E_OUTOFMEMORY, NULL);
        else
                ++j->pending;
}
