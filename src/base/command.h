/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Commands
 *
 * Programs of others that do one thing and end: zfs, for instance. What they are told is a list of words and
 * never a line for a shell; what they say is kept until somebody reads it.
 *
 * A command is never killed. Nobody can know what it is in the middle of, and what that leaves behind. Who
 * waits gives up at a deadline; the command goes on, and keeps the locks that it was given until it has
 * ended. For what an administrator wrote there is base/command-leash.h.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/macro.h"
#include "base/time-util.h"

typedef struct Command {
        pid_t pid;
        int pidfd, out_fd, err_fd;
} Command;

#define COMMAND_INIT { .pidfd = -EBADF, .out_fd = -EBADF, .err_fd = -EBADF }

/* Forgets it, in whatever state it is. */
void command_clear(Command *c);

typedef struct CommandOptions {
        const int *locks; /* inherited from 3 on; those that are not positive are skipped */
        size_t n_locks;
        int stdin_fd;          /* zero or negative: ours */
        int out_fd, err_fd;    /* positive: it writes there, and nothing is kept */
        const char *const *variables; /* for its environment, NULL at the end; NULL: none */
        bool only_variables;   /* and nothing of our environment */
        bool die_with_parent;  /* with the thread that started it */
        int (*about_to_begin)(pid_t pid, void *userdata); /* see SpawnOptions */
        void *userdata;
} CommandOptions;

/* Starts @argv (NULL at the end), whose first word is an absolute path, or looked for where $PATH says, and where
 * administrators' programs are. In a session of its own, with LC_ALL=C. -ENOENT: there is no such program. */
int command_start_with(const char *const *argv, const CommandOptions *options, Command *ret);
int command_start(const char *const *argv, const int *locks, size_t n_locks, Command *ret);

/* Waits until @deadline (CLOCK_MONOTONIC). 0: it has ended, *@ret_status is its exit status, or negative the
 * signal that killed it. -ETIMEDOUT: it goes on. */
int command_wait(Command *c, usec_t deadline, int *ret_status);

/* What it has written to standard output, as one text. -E2BIG over @max bytes. */
int command_output(const Command *c, size_t max, char **ret);

/* The last line that it has written to standard error, where programs say why they failed; "" when there is
 * none. */
int command_reason(const Command *c, char **ret);

/* Is there such a program? */
bool command_exists(const char *name);
