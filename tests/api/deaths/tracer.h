/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Every Step of a Process
 *
 * Between its steps (steps.h) a process only thinks, so who has been killed before each of its steps has been killed
 * everywhere. The programs know nothing of it: they are traced, as by a debugger, which is a process of
 * its own; when that ends they run on as if nothing had been.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/macro.h"

#define STEP_NAME_MAX 64U

typedef struct Tracer {
        pid_t pid;
        int pidfd, said_fd;
        char text[256]; /* said, and not read yet */
        size_t n;
} Tracer;

/* Traces @root and whatever it starts from now on. The process that is about to make the @at-th step (the first
 * is 1) of all that run @program stands still before it; NULL: those of @root itself. Skips the test where nobody
 * may trace. */
Tracer *tracer_new(pid_t root, const char *program, unsigned at);
/* Ends it: everybody runs on, also who stood still. */
Tracer *tracer_free(Tracer *t);
DEFINE_CLEANUP(Tracer *, tracer_free)

/* The process that stands still now, and before what; 0: @pidfd has become readable instead. */
pid_t tracer_await(Tracer *t, int pidfd, char ret_step[STEP_NAME_MAX]);
