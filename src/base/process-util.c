/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Processes
 *
 * umbra's helpers are processes because processes can be killed. Starting one takes more care than fork()
 * and exec(): the child must not keep descriptors alive whose closing means something to others, must not
 * run our signal handlers, must not outlive us where it could hold a disk frozen, and must tell why it could
 * not be executed.
 *
 * Rule for everything named child_…(): it runs between fork() and exec(), perhaps in a copy of a threaded
 * program, so it calls async-signal-safe functions only, and allocates nothing.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/macro.h"
#include "base/process-util.h"
#include "base/time-util.h"

#define FIRST_FD 3 /* after stdin, stdout and stderr */

/* How long a process may take to die of SIGKILL. */
#define KILL_WAIT_USEC (1 * USEC_PER_SEC)

typedef struct FdMove {
        int from, to;
} FdMove;

/* What child_… need, prepared before fork(). */
typedef struct Spawn {
        const SpawnOptions *options;
        pid_t parent;
        FdMove *moves;
        size_t n_moves;
        int beyond;   /* the first number that is no target */
        int error_fd; /* takes an errno; closes with exec() */
        int leave_fds[2]; /* a pipe for the byte that lets it begin; negative: nobody has to */
} Spawn;

/* Handlers are ours and make no sense there; ignored signals would stay ignored through exec(). */
static void child_reset_signals(void) {
        struct sigaction action = { .sa_handler = SIG_DFL };
        sigset_t none;

        /* SIGKILL, SIGSTOP and those of the C library refuse, and have nothing to reset. */
        for (int signo = 1; signo < _NSIG; ++signo)
                (void) sigaction(signo, &action, NULL);

        (void) sigemptyset(&none);
        (void) pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* Gives the descriptors their numbers. A target may be the number of another source, so all sources first
 * move beyond the targets. */
static int child_arrange_fds(Spawn *spawn) {
        int error_fd;

        error_fd = fcntl(spawn->error_fd, F_DUPFD_CLOEXEC, spawn->beyond + 1);
        if (error_fd < 0)
                return -errno;
        spawn->error_fd = error_fd;

        for (size_t i = 0; i < spawn->n_moves; ++i) {
                FdMove *move = &spawn->moves[i];

                move->from = fcntl(move->from, F_DUPFD_CLOEXEC, spawn->beyond + 1);
                if (move->from < 0)
                        return -errno;
        }

        for (size_t i = 0; i < spawn->n_moves; ++i)
                if (dup2(spawn->moves[i].from, spawn->moves[i].to) < 0)
                        return -errno;

        /* Errors come next in line, so that all the rest can be closed in one go. */
        if (dup3(spawn->error_fd, spawn->beyond, O_CLOEXEC) < 0)
                return -errno;
        spawn->error_fd = spawn->beyond;

        return close_range((unsigned) spawn->beyond + 1, UINT_MAX, 0) < 0 ? -errno : 0;
}

/* When whoever has to give leave dies instead, that is the end of it. */
static int child_await_leave(Spawn *spawn) {
        ssize_t n;
        char c;

        if (spawn->leave_fds[0] < 0)
                return 0;

        (void) close(spawn->leave_fds[1]);
        n = fd_read_full(spawn->leave_fds[0], &c, 1);
        return n == 1 ? 0 : -ESRCH;
}

static int child_become(Spawn *spawn) {
        const SpawnOptions *options = spawn->options;
        int r;

        if (options->die_with_parent) {
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                        return -errno;

                /* It may have died before we asked. */
                if (getppid() != spawn->parent)
                        return -ESRCH;
        }

        if (options->new_session && setsid() < 0)
                return -errno;

        r = child_await_leave(spawn);
        if (r >= 0)
                r = child_arrange_fds(spawn);
        if (r < 0)
                return r;

        child_reset_signals();
        (void) execve(options->path, options->argv, options->envp ? options->envp : environ);
        return -errno;
}

static _Noreturn void child_run(Spawn *spawn) {
        int r = child_become(spawn);

        (void) fd_write_all(spawn->error_fd, &r, sizeof(r));
        _exit(EXIT_FAILURE);
}

/* With all signals blocked until the child has reset them, so that no handler of ours runs in it. */
static pid_t fork_with_signals_blocked(void) {
        sigset_t all, saved;
        pid_t pid;
        int error;

        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &saved);

        pid = fork();
        if (pid == 0)
                return 0;

        error = -errno;
        (void) pthread_sigmask(SIG_SETMASK, &saved, NULL);
        return pid < 0 ? error : pid;
}

/* For a child that is as good as dead. */
static void reap_blocking(pid_t pid) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

static int spawn_plan_fds(Spawn *spawn, const SpawnOptions *options) {
        spawn->moves = calloc_checked(options->n_fds + 3, sizeof(FdMove));
        if (!spawn->moves)
                return -ENOMEM;

        for (size_t i = 0; i < options->n_fds; ++i)
                spawn->moves[spawn->n_moves++] = (FdMove) { options->fds[i], FIRST_FD + (int) i };
        if (options->stdin_fd > 0)
                spawn->moves[spawn->n_moves++] = (FdMove) { options->stdin_fd, STDIN_FILENO };
        if (options->stdout_fd > 0)
                spawn->moves[spawn->n_moves++] = (FdMove) { options->stdout_fd, STDOUT_FILENO };
        if (options->stderr_fd > 0)
                spawn->moves[spawn->n_moves++] = (FdMove) { options->stderr_fd, STDERR_FILENO };

        spawn->beyond = FIRST_FD + (int) options->n_fds;
        return 0;
}

static void spawn_done(Spawn *spawn) {
        free(spawn->moves);
        closep(&spawn->error_fd);
        closep(&spawn->leave_fds[0]);
        closep(&spawn->leave_fds[1]);
}

static int spawn_open_pipes(Spawn *spawn, int *ret_error_read) {
        int pipe_fds[2];

        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        *ret_error_read = pipe_fds[0];
        spawn->error_fd = pipe_fds[1];

        return spawn->options->about_to_begin && pipe2(spawn->leave_fds, O_CLOEXEC) < 0 ? -errno : 0;
}

/* Lets the child begin, or not. */
static int spawn_give_leave(Spawn *spawn, pid_t pid) {
        const SpawnOptions *options = spawn->options;
        int r;

        if (!options->about_to_begin)
                return 0;

        spawn->leave_fds[0] = fd_close(spawn->leave_fds[0]);
        r = options->about_to_begin(pid, options->userdata);
        if (r >= 0)
                r = fd_write_all(spawn->leave_fds[1], "", 1);
        spawn->leave_fds[1] = fd_close(spawn->leave_fds[1]);
        return r;
}

int process_spawn(const SpawnOptions *options, pid_t *ret_pid, int *ret_pidfd) {
        _cleanup_(spawn_done) Spawn spawn = {
                .options = options,
                .parent = getpid(),
                .error_fd = -EBADF,
                .leave_fds = { -EBADF, -EBADF },
        };
        _cleanup_(closep) int pidfd = -EBADF, error_read = -EBADF;
        int r, error;
        ssize_t n;
        pid_t pid;

        assert(options->path && options->argv);

        r = spawn_plan_fds(&spawn, options);
        if (r < 0)
                return r;

        r = spawn_open_pipes(&spawn, &error_read);
        if (r < 0)
                return r;

        pid = fork_with_signals_blocked();
        if (pid < 0)
                return pid;
        if (pid == 0)
                child_run(&spawn);

        spawn.error_fd = fd_close(spawn.error_fd);

        pidfd = pidfd_open(pid, 0);
        if (pidfd < 0) {
                r = -errno;
                (void) kill(pid, SIGKILL);
                reap_blocking(pid);
                return r;
        }

        r = spawn_give_leave(&spawn, pid);

        /* Ends when exec() closes the other end: nothing to read means that all went well. */
        n = fd_read_full(error_read, &error, sizeof(error));
        if (n != 0) {
                reap_blocking(pid);
                return r < 0 ? r : n == sizeof(error) ? error : -EIO;
        }

        if (ret_pid)
                *ret_pid = pid;
        *ret_pidfd = TAKE_FD(pidfd);
        return 0;
}

int process_reap(int pidfd, int *ret_status) {
        siginfo_t info = {};

        while (waitid(P_PIDFD, (id_t) pidfd, &info, WEXITED | WNOHANG) < 0)
                if (errno != EINTR)
                        return -errno;

        if (info.si_pid == 0)
                return -EAGAIN;

        if (ret_status)
                *ret_status = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
        return 0;
}

/* Until @pidfd is readable; -ETIMEDOUT: it is not by then. */
static int wait_for_end(int pidfd, usec_t deadline) {
        for (;;) {
                struct pollfd pollfd = { .fd = pidfd, .events = POLLIN };
                usec_t now = MIN(now_usec(CLOCK_MONOTONIC), deadline);
                struct timespec left = timespec_from_usec(deadline - now);
                int n;

                n = ppoll(&pollfd, 1, deadline == USEC_INFINITY ? NULL : &left, NULL);
                if (n > 0)
                        return 0;
                if (n == 0)
                        return -ETIMEDOUT;
                if (errno != EINTR)
                        return -errno;
        }
}

/* Whoever is traced is for his tracer first, and has ended before we may reap him. */
int process_wait(int pidfd, unsigned long timeout_usec, int *ret_status) {
        const struct timespec moment = timespec_from_usec(USEC_PER_MSEC);
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), timeout_usec);
        int r;

        r = wait_for_end(pidfd, deadline);
        if (r < 0)
                return r;

        while ((r = process_reap(pidfd, ret_status)) == -EAGAIN && now_usec(CLOCK_MONOTONIC) < deadline)
                (void) nanosleep(&moment, NULL);
        return r == -EAGAIN ? -ETIMEDOUT : r;
}

int process_end(int pidfd, unsigned long timeout_usec, int *ret_status) {
        int r;

        r = process_wait(pidfd, timeout_usec, ret_status);
        if (r != -ETIMEDOUT)
                return r;

        if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
                return -errno;

        return process_wait(pidfd, KILL_WAIT_USEC, ret_status);
}

/* The directory of the running program, without the last slash. */
static int own_directory(char **ret) {
        char path[PATH_MAX];
        ssize_t n;

        n = readlink("/proc/self/exe", path, sizeof(path));
        if (n < 0)
                return -errno;
        if (n == sizeof(path))
                return -ENAMETOOLONG;

        /* What follows the last slash may carry " (deleted)" after an upgrade; the directory does not. */
        while (n > 0 && path[n - 1] != '/')
                --n;

        return format_to(ret, "%.*s", n > 0 ? (int) n - 1 : 0, path);
}

static int find_in(const char *dir, const char *name, int mode, char **ret) {
        _cleanup_(freep) char *path = NULL;
        int r;

        if (!dir)
                return -ENOENT;

        r = format_to(&path, "%s/%s", dir, name);
        if (r < 0)
                return r;

        if (access(path, mode) < 0)
                return -ENOENT;

        *ret = TAKE_PTR(path);
        return 0;
}

static int find_sibling(const char *name, const char *fallback_dir, int mode, char **ret) {
        _cleanup_(freep) char *own = NULL;
        const char *dirs[3] = {};
        int r;

        r = own_directory(&own);
        if (r == -ENOMEM)
                return r;

        dirs[0] = secure_getenv("UMBRA_LIBEXECDIR");
        dirs[1] = own;
        dirs[2] = fallback_dir;

        for (size_t i = 0; i < ELEMENTSOF(dirs); ++i) {
                r = find_in(dirs[i], name, mode, ret);
                if (r != -ENOENT)
                        return r;
        }

        return -ENOENT;
}

/* Whoever has been given real time already keeps it. */
void process_hurry(void) {
        struct sched_param first = { .sched_priority = sched_get_priority_min(SCHED_RR) };

        if ((sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_OTHER)
                (void) sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &first);
}

void process_take_time(void) {
        struct sched_param none = { .sched_priority = 0 };

        if (sched_getscheduler(0) != (SCHED_RR | SCHED_RESET_ON_FORK))
                return;

        /* Not everybody may take back what concerns children. */
        if (sched_setscheduler(0, SCHED_OTHER, &none) < 0)
                (void) sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none);
}

int program_path(const char *name, const char *fallback_dir, char **ret) {
        return find_sibling(name, fallback_dir, X_OK, ret);
}

int sibling_path(const char *name, const char *fallback_dir, char **ret) {
        return find_sibling(name, fallback_dir, F_OK, ret);
}
