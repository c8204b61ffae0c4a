/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Processes
 *
 * Children are held by pidfd: a number may be somebody else's by the time one kills it, a descriptor is not.
 */

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* What a child is to become. @fds[i] becomes descriptor 3 + i there (close-on-exec cleared); 0 to 2 are
 * inherited unless given; everything else is closed. The child gets SIGKILL when the thread that spawned it
 * dies, if @die_with_parent. Signals are reset. */
typedef struct SpawnOptions {
        const char *path; /* absolute */
        char *const *argv;
        char *const *envp; /* NULL: environ */
        const int *fds;
        size_t n_fds;
        int stdin_fd, stdout_fd, stderr_fd; /* zero or negative: inherited */
        bool die_with_parent;
        bool new_session; /* setsid(), so that a terminal's ^C does not reach it */
        /* Called before the program is begun, in us; a failure has it never begin, and is returned. NULL: nothing. */
        int (*about_to_begin)(pid_t pid, void *userdata);
        void *userdata;
} SpawnOptions;

/* Starts the program; *ret_pidfd becomes readable when it ends. The caller closes it and reaps with
 * process_reap(). -ENOENT, -EACCES … when it cannot be executed (reported here, not by an exit status).
 * @ret_pid may be NULL. */
int process_spawn(const SpawnOptions *options, pid_t *ret_pid, int *ret_pidfd);

/* waitid(P_PIDFD) without waiting: 0 when reaped, -EAGAIN while it runs. *ret_status as siginfo si_status,
 * negative signal number when killed; @ret_status may be NULL. */
int process_reap(int pidfd, int *ret_status);

/* Blocks up to @timeout_usec for the end, and reaps. -ETIMEDOUT: it goes on. */
int process_wait(int pidfd, unsigned long timeout_usec, int *ret_status);

/* Blocks up to @timeout_usec for the end, then SIGKILLs and reaps. -ETIMEDOUT when a second later it still
 * has not gone: then it sleeps in the kernel and can only be reaped once it wakes up. */
int process_end(int pidfd, unsigned long timeout_usec, int *ret_status);

/* The path of a sibling program: $UMBRA_LIBEXECDIR/@name, else beside this program's own binary, else
 * @fallback_dir/@name. The first that can be executed; -ENOENT when none can. */
int program_path(const char *name, const char *fallback_dir, char **ret);
/* The same for a file that is loaded, and need not be executable. */
int sibling_path(const char *name, const char *fallback_dir, char **ret);

/* From now on the calling thread runs before all those that wait their turn (real time, the lowest priority), and
 * what it starts does not; for moments in which others are kept from working. process_take_time() ends it. A machine
 * that is busy makes the difference. Where it is not allowed nothing happens. */
void process_hurry(void);
void process_take_time(void);
