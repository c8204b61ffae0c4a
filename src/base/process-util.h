/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Processes
 */

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* What a child is to become. @fds[i] becomes descriptor 3 + i there (close-on-exec cleared); everything else is closed.
 * The child gets SIGKILL when the thread that spawned it dies, if @die_with_parent. Signals are reset. */
typedef struct SpawnOptions {
        const char *path;        /* absolute */
        char *const *argv;
        char *const *envp;       /* NULL: environ */
        const int *fds;
        size_t n_fds;
        int stdout_fd, stderr_fd; /* negative: inherited */
        bool die_with_parent;
        bool new_session;        /* setsid(), so that a terminal's ^C does not reach it */
} SpawnOptions;

/* Starts the program; *ret_pidfd becomes readable when it ends. The caller closes it and reaps with process_reap(). 
 * -ENOENT, -EACCES … when it cannot be executed (reported here, not by an exit status). */
int process_spawn(const SpawnOptions *options, pid_t *ret_pid, int *ret_pidfd);
/* waitid(P_PIDFD) without waiting: 0 when reaped (*ret_status as siginfo si_status, negative signal number when killed), -EAGAIN. */
int process_reap(int pidfd, int *ret_status);
/* Blocks up to @timeout_usec for the end, then SIGKILLs and reaps. */
int process_end(int pidfd, unsigned long timeout_usec, int *ret_status);
/* The path of a sibling program: $UMBRA_LIBEXECDIR/@name, else beside this program's own binary, else @fallback_dir/@name. */
int program_path(const char *name, const char *fallback_dir, char **ret);
