/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Somebody Stands Still
 *
 * stand-still MARK CONSOLE PROGRAM…: runs a program, and as long as a file MARK exists counts each step (steps.h) of it
 * and of all that it starts. In MARK are two words, N and NAME: whoever is about to take each Nth step stands still until
 * CONSOLE has been told "disks take NAME-STEP" and has answered "ok"; the others run on. Says a line for each step.
 * Ends with the program, and at once when the answer is another one.
 *
 * The kernel stops the traced only where there may be a step: others of their system calls, of which lvm makes thousands, cost nothing.
 */

#include <errno.h>
#include <fcntl.h>
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

#define ANSWER "ok\n"

typedef struct Walk {
        const char *mark;
        int console;
        unsigned n;
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

/* What the machine's power going off now would leave. */
static int take_disks(Walk *w, const char *name) {
        char answer[64];
        ssize_t n;

        n = dprintf(w->console, "disks take %s-%u\n", name, w->n);
        if (n > 0)
                n = read(w->console, answer, sizeof(answer)); /* a line */
        if (n != strlen(ANSWER) || !!strncmp(answer, ANSWER, strlen(ANSWER))) {
                (void) fprintf(stderr, "The disks cannot be had at step %u\n", w->n);
                return -EIO;
        }
        return 0;
}

static int walk_step(Walk *w, pid_t pid) {
        struct __ptrace_syscall_info call;
        char name[64];
        const char *step;
        unsigned every;
        FILE *f;
        int n;

        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(call), &call) <= 0 || call.op != PTRACE_SYSCALL_INFO_SECCOMP)
                return 0;
        step = step_name(call.seccomp.nr, call.seccomp.args);
        if (!step)
                return 0;
        f = fopen(w->mark, "re");
        if (!f) {
                w->n = 0;
                return 0;
        }
        n = fscanf(f, "%u %63s", &every, name); /* NOLINT(cert-err34-c): a script's */
        (void) fclose(f);
        if (n != 2 || every == 0)
                return 0;

        (void) printf("%u %d %s\n", ++w->n, (int) pid, step);
        (void) fflush(stdout);
        return w->n % every == 0 ? take_disks(w, name) : 0;
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
                if (event == PTRACE_EVENT_SECCOMP && walk_step(w, pid) < 0)
                        return EXIT_FAILURE;
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

        if (argc < 4) {
                (void) fprintf(stderr, "Usage: %s MARK CONSOLE PROGRAM [ARGUMENT…]\n", argv[0]);
                return EXIT_FAILURE;
        }
        w.console = open(argv[2], O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (w.console < 0) {
                (void) fprintf(stderr, "%s cannot be opened: %s\n", argv[2], strerror(errno));
                return EXIT_FAILURE;
        }
        pid = fork();
        if (pid == 0) {
                (void) raise(SIGSTOP); /* until it is traced */
                if (filter_steps() == 0)
                        (void) execvp(argv[3], argv + 3);
                _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid || ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) < 0 ||
            kill(pid, SIGCONT) < 0) {
                (void) fprintf(stderr, "%s cannot be traced: %s\n", argv[3], strerror(errno));
                return EXIT_FAILURE;
        }
        return walk(&w, pid);
}
