/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Requester for Measuring
 *
 * What the programs of the benchmark share. Whatever fails ends the program.
 */

#include <stdbool.h>
#include <stddef.h>

#include <vsbackup.h>

void die(const char *what, HRESULT hr) __attribute__((noreturn));

/* CLOCK_MONOTONIC, in microseconds. */
double now(void);
/* Sorts @v. */
double median(double *v, size_t n);

void finish(IVssAsync *async, const char *what);
#define ASYNC(call, what)                                       \
        do {                                                    \
                IVssAsync *async_ = NULL;                       \
                HRESULT hr_ = call;                             \
                if (FAILED(hr_))                                \
                        die(what, hr_);                         \
                finish(async_, what);                           \
        } while (0)

/* A backup that has heard of its writers. @selects: whether it chooses components. */
IVssBackupComponents *begin(bool selects, double *ret_identify);
/* From StartSnapshotSet() to BackupComplete(). Returns the set. */
VSS_ID take(IVssBackupComponents *backup, WCHAR *const *volumes, size_t n, VSS_ID provider);
/* Microseconds of the last set: the whole window, or one phase of it. */
double last_window(const char *phase);
