/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every Step of a Process
 */

#include "api/deaths/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/deaths/steps.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "lib/test-util.h"

#define COMM_MAX 15U /* of a program's name, that the kernel keeps */
#define OPTIONS                                                                                               \
        (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC)
#define SYSCALL_STOP (SIGTRAP | 0x80)

/* In the tracer's process */

typedef struct Watch {
        pid_t root;
        const char *program;
        unsigned at, n;
        int said_fd;
} Watch;

/* Threads have the name of their process. */
static bool is_watched(const Watch *w, pid_t pid) {
        char path[64], comm[64] = "";
        FILE *f;

        if (!w->program)
                return pid == w->root;

        (void) snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", (int) pid, (int) pid);
        f = fopen(path, "re");
        if (!f)
                return false;
        (void) !fgets(comm, sizeof(comm), f);
        (void) fclose(f);
        comm[strcspn(comm, "\n")] = '\0';
        return strncmp(comm, w->program, COMM_MAX) == 0 && strlen(comm) == MIN(strlen(w->program), COMM_MAX);
}

/* Whether it is to stand still. */
static bool watch_step(Watch *w, pid_t pid) {
        struct __ptrace_syscall_info call;
        const char *name;

        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(call), &call) <= 0 || call.op != PTRACE_SYSCALL_INFO_ENTRY)
                return false;
        name = step_name(call.entry.nr, call.entry.args);
        if (!name || !is_watched(w, pid) || ++w->n != w->at)
                return false;

        dprintf(w->said_fd, "%d %s\n", (int) pid, name);
        return true;
}

static bool watch_stop(Watch *w, pid_t pid, int status, int *ret_signal) {
        int signo = WSTOPSIG(status), event = status >> 16;

        *ret_signal = 0;
        if (signo == SYSCALL_STOP)
                return watch_step(w, pid);
        if (event == 0)
                *ret_signal = signo; /* its own affair */
        return false;
}

static _Noreturn void watch_run(Watch *w) {
        int status, signo;
        pid_t pid;

        if (ptrace(PTRACE_SEIZE, w->root, 0, OPTIONS) < 0 || ptrace(PTRACE_INTERRUPT, w->root, 0, 0) < 0) {
                dprintf(w->said_fd, "0 %s\n", strerror(errno));
                _exit(EXIT_FAILURE);
        }
        /* Whatever it does from here on is seen. */
        if (waitpid(w->root, &status, __WALL) != w->root || ptrace(PTRACE_SYSCALL, w->root, 0, 0) < 0)
                _exit(EXIT_FAILURE);
        dprintf(w->said_fd, "%d traced\n", (int) w->root);

        while ((pid = waitpid(-1, &status, __WALL)) > 0)
                if (WIFSTOPPED(status) && !watch_stop(w, pid, status, &signo))
                        (void) ptrace(PTRACE_SYSCALL, pid, 0, signo);
        _exit(EXIT_SUCCESS);
}

/* In the test's process */

static bool tracer_read(Tracer *t, pid_t *ret_pid, char step[STEP_NAME_MAX]) {
        char *end;
        ssize_t n;
        int pid;

        while (!(end = memchr(t->text, '\n', t->n))) {
                n = read(t->said_fd, t->text + t->n, sizeof(t->text) - t->n);
                if (n <= 0)
                        return false;
                t->n += (size_t) n;
        }
        *end++ = '\0';
        assert_int_equal(sscanf(t->text, "%d %63[^\n]", &pid, step), 2); /* NOLINT(cert-err34-c): ours */
        t->n -= (size_t) (end - t->text);
        memmove(t->text, end, t->n);
        *ret_pid = pid;
        return true;
}

Tracer *tracer_new(pid_t root, const char *program, unsigned at) {
        Watch w = { .root = root, .program = program, .at = at };
        Tracer *t = calloc(1, sizeof(*t));
        char step[STEP_NAME_MAX];
        int said[2];
        pid_t pid;

        assert_non_null(t);
        assert_int_equal(pipe2(said, O_CLOEXEC), 0);
        t->pid = fork();
        assert_true(t->pid >= 0);
        if (t->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                w.said_fd = said[1];
                (void) close(said[0]);
                watch_run(&w);
        }
        (void) close(said[1]);
        t->said_fd = said[0];
        t->pidfd = (int) syscall(SYS_pidfd_open, t->pid, 0);
        assert_true(t->pidfd >= 0);

        assert_true(tracer_read(t, &pid, step));
        if (pid == 0) {
                print_message("Nobody may trace here: %s\n", step);
                tracer_free(t);
                skip();
        }
        return t;
}

Tracer *tracer_free(Tracer *t) {
        int status;

        if (!t)
                return NULL;

        (void) kill(t->pid, SIGKILL);
        assert_true(eventually_readable(t->pidfd, TEST_PATIENCE_USEC));
        (void) process_reap(t->pidfd, &status);
        (void) close(t->pidfd);
        (void) close(t->said_fd);
        free(t);
        return NULL;
}

pid_t tracer_await(Tracer *t, int pidfd, char ret_step[STEP_NAME_MAX]) {
        struct pollfd fds[] = { { .fd = t->said_fd, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
        pid_t pid;
        int n;

        do
                n = poll(fds, ELEMENTSOF(fds), (int) (TEST_PATIENCE_USEC / 1000));
        while (n < 0 && errno == EINTR);
        if (n <= 0)
                fail_msg("the process neither ends nor comes to its step");
        if (!(fds[0].revents & POLLIN))
                return 0;

        assert_true(tracer_read(t, &pid, ret_step));
        return pid;
}
