/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Somebody Stands Still
 *
 * For scripts. Runs a program, and as long as a file MARK exists counts each step (steps.h) of it and of all that it
 * starts. Whoever is about to take the one whose number is in MARK stands still from then on (0: nobody does); the others
 * run on. Says a line for each step, and "stands still" after the one that is not taken. Ends with the program.
 *
 * The kernel stops the traced only where there may be a step: others of their system calls, of which lvm makes thousands, cost nothing.
 */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/deaths/steps.h"

#define OPTIONS                                                                                                  \
        (PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |                \
         PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

typedef struct Walk {
        const char *mark;
        unsigned at, n;
} Walk;

/* Stops before what may be a step. */
static int filter_steps(void) {
        unsigned numbers[STEP_NUMBERS_MAX];
        struct sock_filter code[STEP_NUMBERS_MAX + 3];
        size_t n = step_numbers(numbers), size = 0;
        const struct sock_fprog program = { .len = (unsigned short) (n + 3), .filter = code };

        code[size++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        for (size_t i = 0; i < n; ++i)
                code[size++] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i], (unsigned char) (n - i), 0);
        code[size++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        code[size++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);

        return (int) syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

/* Whether it is to stand still. */
static int walk_step(Walk *w, pid_t pid) {
        struct __ptrace_syscall_info call;
        unsigned at = 0;
        const char *name;
        FILE *f;

        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(call), &call) <= 0 || call.op != PTRACE_SYSCALL_INFO_SECCOMP)
                return 0;
        name = step_name(call.seccomp.nr, call.seccomp.args);
        if (!name)
                return 0;
        f = fopen(w->mark, "re");
        if (!f) {
                w->n = 0;
                return 0;
        }
        (void) !fscanf(f, "%u", &at); /* NOLINT(cert-err34-c): a script's */
        (void) fclose(f);
        if (at != w->at) /* another walk */
                w->n = 0;
        w->at = at;

        (void) printf("%u %d %s\n", ++w->n, (int) pid, name);
        if (w->n == at)
                (void) printf("stands still\n");
        (void) fflush(stdout);
        return w->n == at;
}

/* Until @root has ended; returns its status. */
static int walk(Walk *w, pid_t root) {
        int status, event;
        pid_t pid;

        while ((pid = waitpid(-1, &status, __WALL)) > 0) {
                if (!WIFSTOPPED(status)) {
                        if (pid == root)
                                return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                        continue;
                }
                event = status >> 16;
                if (event == PTRACE_EVENT_SECCOMP && walk_step(w, pid))
                        continue;
                /* What is no event is a signal, and its own affair, or a stop by one. */
                (void) ptrace(event == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP ? PTRACE_LISTEN : PTRACE_CONT, pid, 0,
                              event == 0 ? WSTOPSIG(status) : 0);
        }
        return EXIT_FAILURE;
}

int main(int argc, char **argv) {
        Walk w = { .mark = argv[1] };
        int status;
        pid_t pid;

        if (argc < 3) {
                (void) fprintf(stderr, "Usage: %s MARK PROGRAM [ARGUMENT…]\n", argv[0]);
                return EXIT_FAILURE;
        }
        pid = fork();
        if (pid == 0) {
                (void) raise(SIGSTOP); /* until it is traced */
                if (filter_steps() == 0)
                        (void) execvp(argv[2], argv + 2);
                _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid || ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) < 0 ||
            kill(pid, SIGCONT) < 0) {
                (void) fprintf(stderr, "%s cannot be traced: %s\n", argv[2], strerror(errno));
                return EXIT_FAILURE;
        }
        return walk(&w, pid);
}
