/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Freeze Guard
 *
 * A small process that holds file systems, so that the coordinator does not have to. The coordinator
 * may crash, or wait for the very file system it froze; the guard thaws whatever happens. A hold ends when
 *
 *     1. the coordinator says so (it is done),
 *     2. the coordinator's end of the socket closes (it died),
 *     3. the deadline passes (it forgot), or
 *     4. one of the file systems cannot be held.
 *
 * It holds one by freezing it (FIFREEZE), or by suspending the device-mapper device that it lies on. Logical
 * volumes need the latter: lvm suspends what it takes a snapshot of, which fails on a frozen file system; but what is
 * suspended already it takes as it is, and resumes it afterwards, so that when all goes well nothing is left for us to
 * resume. Reading waits there as well as writing, so a file system that umbra's own programs lie on cannot be held
 * in this way (volume/hold-plan.c).
 *
 * Rule for this file: between the first hold and the last release we do not allocate, do not open files
 * and do not log. Each of these may wait for a frozen file system, and then nobody thaws. That is also why
 * we link nothing but the C library, lock ourselves in memory, tell the kernel not to write to file systems
 * on our behalf (IO_FLUSHER), and never dump core.
 *
 * Two threads
 *
 * Holding writes out what is dirty, which takes as long as it takes, and nothing can interrupt it. So a
 * thread that was started long before, the freezer, makes these calls, while the main thread watches socket
 * and deadline. They share one number, g.progress: how many file systems are held, and whether the hold is
 * over.
 *
 *     freezer, after each of them:   0 ──> 1 ──> 2 ──> … ──> n   fails when it is OVER; then ends this one
 *     main thread, to end the hold:  k ──> k | OVER              and ends k - 1, …, 0
 *
 * Whoever comes second sees what the first one did, so each file system that was held is let go by exactly
 * one of them, those that are held already at once and the one still being frozen as soon as the kernel
 * lets go of it. (Thawing a file system that lies in a file on that one may have to wait for it; the
 * freezer's thaw ends that.)
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd-util.h"
#include "base/macro.h"
#include "base/strv.h"
#include "base/time-util.h"
#include "guard/device-mapper.h"
#include "guard/guard-protocol.h"
#include "guard/held-list.h"
#include "guard/hold.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#ifndef SANITIZED
#define SANITIZED 0
#endif

#define STACK_USED ((size_t) 64 * 1024)  /* touched before, so that it is there; more than we need */
#define STACK_SIZE ((size_t) 512 * 1024) /* of the freezer; room for what the C library puts there, too */
#define OVER 0x80000000U                 /* in g.progress */

/* What was written out so recently is not once more before it is held: nearly all that this took would be waiting for
 * disks that have nothing to write. */
#define FRESH_USEC (50 * USEC_PER_MSEC)

static struct {
        Hold holds[GUARD_FDS_MAX];
        unsigned n;
        int control; /* of the device mapper; -EBADF: not needed */
        usec_t max_hold;
        pthread_t freezer;
        int go_fd;   /* eventfd: the freezer may begin */
        int done_fd; /* eventfd: it holds all or failed */
        atomic_uint progress;
        usec_t synced; /* when all had been written out, before READY */

        /* The freezer's, and everybody's once done_fd says so or the thread has ended. */
        usec_t begun; /* before the first hold; 0: there was none */
        unsigned failed_index;
        int failed_error;
        int freezer_thaw_error;
} g = { .control = -EBADF };

/* Before READY and after THAWED only. */
#define complain(format, ...) ((void) fprintf(stderr, "umbra-guard: " format "\n", ##__VA_ARGS__))

static void report(GuardReportKind kind, GuardReason reason, unsigned index, int error, usec_t held) {
        GuardReport message = {
                .kind = (uint32_t) kind,
                .reason = (uint32_t) reason,
                .index = index,
                .error = error,
                .held_usec = held,
        };

        /* Never waits. Whether anybody hears it changes nothing of what we do. */
        (void) send(GUARD_SOCKET_FD, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool is_over(void) {
        return atomic_load(&g.progress) & OVER;
}

/* Holds all in order, until one fails or the hold is over. */
static void hold_all(void) {
        for (unsigned i = 0; i < g.n; ++i) {
                unsigned expected = i;
                int r;

                if (is_over())
                        return;

                r = hold_begin(g.holds + i, g.control);
                if (r < 0) {
                        g.failed_index = i;
                        g.failed_error = -r;
                        return;
                }

                if (!atomic_compare_exchange_strong(&g.progress, &expected, i + 1)) {
                        g.freezer_thaw_error = -hold_end(g.holds + i, g.control);
                        return;
                }
        }
}

/* What became dirty since READY, so that the hold finds little to do: that is by far the cheapest way.
 * Failures show there, too, as it writes out again. */
static void sync_all(void) {
        for (unsigned i = 0; i < g.n && !is_over(); ++i)
                (void) syncfs(g.holds[i].fd);
}

static void touch_stack(void) {
        volatile char room[STACK_USED];

        for (size_t i = 0; i < sizeof(room); i += 1024)
                room[i] = 1;
}

static void *freezer_run(void *unused) {
        uint64_t one = 1, go;

        touch_stack();

        /* As a rehearsal: the main thread waits for this before it says READY. */
        (void) fd_write_all(g.done_fd, &one, sizeof(one));

        if (fd_read_full(g.go_fd, &go, sizeof(go)) != sizeof(go))
                return NULL;

        if (now_usec(CLOCK_MONOTONIC) - g.synced > FRESH_USEC)
                sync_all();
        g.begun = now_usec(CLOCK_MONOTONIC);
        hold_all();
        (void) fd_write_all(g.done_fd, &one, sizeof(one));
        return NULL;
}

/* The next command, -EAGAIN when there is none, -EPIPE when there will be none. */
static int receive(void) {
        uint32_t command;
        ssize_t n;

        n = recv(GUARD_SOCKET_FD, &command, sizeof(command), MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
        if (n == 0)
                return -EPIPE;

        return n == sizeof(command) && command <= GUARD_THAW ? (int) command : -EAGAIN;
}

/* Waits for FREEZE; false when the coordinator has changed its mind or died. */
static bool wait_for_freeze(void) {
        for (;;) {
                struct pollfd socket = { .fd = GUARD_SOCKET_FD, .events = POLLIN };
                int command;

                if (poll(&socket, 1, -1) < 0 && errno != EINTR)
                        return false;

                command = receive();
                if (command == GUARD_FREEZE)
                        return true;
                if (command != -EAGAIN)
                        return false;
        }
}

/* Returns when the hold is to end. *ret_held: whether all were held before. */
static GuardReason hold_until(usec_t deadline, bool *ret_held) {
        bool held = false;

        for (;;) {
                struct pollfd fds[] = {
                        { .fd = GUARD_SOCKET_FD, .events = POLLIN },
                        { .fd = held ? -1 : g.done_fd, .events = POLLIN },
                };
                usec_t now = now_usec(CLOCK_MONOTONIC);
                struct timespec left;
                int command;

                *ret_held = held;
                if (now >= deadline)
                        return GUARD_DEADLINE;

                left = timespec_from_usec(deadline - now);
                if (ppoll(fds, ELEMENTSOF(fds), &left, NULL) < 0 && errno != EINTR)
                        return GUARD_LOST;

                command = receive();
                if (command == GUARD_THAW)
                        return GUARD_TOLD;
                if (command == -EPIPE)
                        return GUARD_LOST;

                if (!held && fds[1].revents & POLLIN) {
                        if (g.failed_error != 0)
                                return GUARD_REFUSED;

                        held = true;
                        report(GUARD_SAYS_HELD, GUARD_TOLD, 0, 0, 0);
                }
        }
}

/* In reverse, together with the freezer. Returns the first failure as a positive errno. */
static int thaw_all(unsigned n_held) {
        int error = 0;

        for (unsigned i = n_held; i-- > 0;) {
                int r = hold_end(g.holds + i, g.control);

                if (r < 0 && error == 0)
                        error = -r;
        }

        /* It ends once the kernel lets it. */
        (void) pthread_join(g.freezer, NULL);
        return error != 0 ? error : g.freezer_thaw_error;
}

static void hold(void) {
        uint64_t one = 1;
        usec_t deadline, held_usec;
        GuardReason reason;
        unsigned n_held;
        bool held;
        int error;

        deadline = usec_add(now_usec(CLOCK_MONOTONIC), g.max_hold);
        (void) fd_write_all(g.go_fd, &one, sizeof(one));

        reason = hold_until(deadline, &held);
        n_held = atomic_fetch_or(&g.progress, OVER);

        if (reason == GUARD_REFUSED)
                report(GUARD_SAYS_THAWING, reason, g.failed_index, g.failed_error, 0);
        else if (reason == GUARD_DEADLINE && !held)
                report(GUARD_SAYS_THAWING, reason, n_held, ETIMEDOUT, 0);
        else
                report(GUARD_SAYS_THAWING, reason, 0, 0, 0);

        error = thaw_all(n_held);
        held_usec = g.begun > 0 ? now_usec(CLOCK_MONOTONIC) - g.begun : 0;
        report(GUARD_SAYS_THAWED, reason, 0, error, held_usec);
}

/* It is the socket that ends us. What a service manager or a terminal sends to all processes comes too
 * early. */
static void ignore_signals(void) {
        static const int ignored[] = {
                SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP,
        };

        for (size_t i = 0; i < ELEMENTSOF(ignored); ++i)
                (void) signal(ignored[i], SIG_IGN);
}

/* All of it best effort: an unprivileged guard, or one in a container, still keeps its promise in all but
 * the strangest moments. */
static void harden(void) {
        static const char spare_me[] = "-1000";
        struct sched_param priority = { .sched_priority = 1 };
        struct rlimit no_core = { 0, 0 };
        _cleanup_(closep) int fd = -EBADF;

        /* Our working directory should not keep anybody from unmounting. */
        if (chdir("/") < 0)
                complain("Failed to change to the root directory, staying: %m");

        fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        if (fd >= 0)
                (void) fd_write_all(fd, spare_me, strlen(spare_me));

        /* A crash must close our descriptors, not write a core file to what we froze. */
        (void) setrlimit(RLIMIT_CORE, &no_core);
        (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);

        /* When the kernel needs memory for us, it may not wait for a file system to get it. */
        (void) prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);

        if (sched_setscheduler(0, SCHED_RR, &priority) < 0)
                (void) setpriority(PRIO_PROCESS, 0, -20);
}

/* With the sanitizers' shadow memory this would be terabytes. */
static int lock_memory(void) {
        if (SANITIZED) {
                complain("Built with a sanitizer, going on without locking memory");
                return 0;
        }

        if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0)
                return 0;

        if (errno != EPERM && errno != ENOMEM)
                return -errno;

        complain("Not allowed to lock memory, going on without: %m");
        return 0;
}

static int start_freezer(void) {
        pthread_attr_t attributes;
        uint64_t started;
        int error;

        g.go_fd = eventfd(0, EFD_CLOEXEC);
        g.done_fd = eventfd(0, EFD_CLOEXEC);
        if (g.go_fd < 0 || g.done_fd < 0)
                return -errno;

        (void) pthread_attr_init(&attributes);
        (void) pthread_attr_setstacksize(&attributes, STACK_SIZE);
        error = pthread_create(&g.freezer, &attributes, freezer_run, NULL);
        (void) pthread_attr_destroy(&attributes);
        if (error != 0)
                return -error;

        return fd_read_full(g.done_fd, &started, sizeof(started)) == sizeof(started) ? 0 : -EIO;
}

static int check_hold(Hold *hold) {
        struct stat st;

        if (fstat(hold->fd, &st) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode))
                return -ENOTDIR;
        if (hold->kind == HOLD_FREEZE)
                return 0;

        if (g.control < 0)
                g.control = dm_open_control();
        if (g.control < 0)
                return g.control;

        hold->dev = st.st_dev;
        return dm_is_suspended(g.control, hold->dev);
}

static int check_descriptors(void) {
        for (unsigned i = 0; i < g.n; ++i) {
                int r = check_hold(g.holds + i);

                if (r < 0)
                        return r;
        }

        return 0;
}

static int run_hold(void) {
        int r;

        ignore_signals();
        harden();

        r = check_descriptors();
        if (r < 0) {
                errno = -r;
                complain("Failed to check the descriptors, refusing: %m");
                return EXIT_FAILURE;
        }

        r = start_freezer();
        if (r < 0) {
                errno = -r;
                complain("Failed to start the freezing thread, refusing: %m");
                return EXIT_FAILURE;
        }

        touch_stack();
        r = lock_memory();
        if (r < 0) {
                errno = -r;
                complain("Failed to lock memory, refusing: %m");
                return EXIT_FAILURE;
        }

        sync_all();
        g.synced = now_usec(CLOCK_MONOTONIC);
        report(GUARD_SAYS_READY, GUARD_TOLD, 0, 0, 0);

        if (wait_for_freeze())
                hold();

        /* Not exit(): the freezer may still be waiting for its word. */
        _exit(EXIT_SUCCESS);
}

/* For the service manager, after coordinator and guard have been killed. */
static int run_thaw_held(const char *path) {
        _cleanup_(strv_freep) char **entries = NULL;
        int status = EXIT_SUCCESS, r;

        r = held_list_read(path, &entries);
        if (r == -ENOENT)
                return EXIT_SUCCESS;
        if (r < 0) {
                errno = -r;
                complain("Failed to read '%s', thawing nothing: %m", path);
                return EXIT_FAILURE;
        }

        for (size_t i = strv_length(entries); i-- > 0;) {
                r = held_list_end(entries[i]);
                if (r == 0)
                        continue;

                errno = -r;
                complain("Failed to thaw '%s', going on with the others: %m", entries[i]);

                /* What is not there any more is not held either. */
                if (r != -ENOENT)
                        status = EXIT_FAILURE;
        }

        if (status == EXIT_SUCCESS && unlink(path) < 0 && errno != ENOENT) {
                complain("Failed to remove '%s', leaving it: %m", path);
                status = EXIT_FAILURE;
        }

        return status;
}

static bool parse_number(const char *s, uint64_t max, uint64_t *ret) {
        unsigned long long n;
        char *end;

        if (*s < '0' || *s > '9')
                return false;

        errno = 0;
        n = strtoull(s, &end, 10);
        if (errno != 0 || *end != '\0' || n == 0 || n > max)
                return false;

        *ret = n;
        return true;
}

static bool parse_kinds(int argc, char **argv) {
        if (argc < 1 || (unsigned) argc > GUARD_FDS_MAX)
                return false;

        for (; g.n < (unsigned) argc; ++g.n) {
                g.holds[g.n].kind = hold_kind_from_string(argv[g.n]);
                g.holds[g.n].fd = (int) g.n + GUARD_FIRST_FD;
                if (g.holds[g.n].kind < 0)
                        return false;
        }

        return true;
}

static int help(void) {
        (void) puts("umbra-guard DEADLINE KIND…\n"
                    "umbra-guard --thaw-held FILE\n"
                    "\n"
                    "Holds file systems for umbrad, for at most DEADLINE microseconds, and lets go of them\n"
                    "whatever happens. Each KIND is freeze (the file system), suspend (its device-mapper\n"
                    "device) or watch (that the device runs in the end). Not for use by hand: it expects a\n"
                    "socket and directories as descriptors.\n"
                    "\n"
                    "  --thaw-held FILE  thaw and resume what FILE lists, and remove it\n"
                    "  --help            show this text\n"
                    "  --version         show the version\n"
                    "\n"
                    "See umbra-guard(8).");
        return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "help",      no_argument,       NULL, 'h' },
                { "version",   no_argument,       NULL, 'V' },
                { "thaw-held", required_argument, NULL, 't' },
                {},
        };

        switch (getopt_long(argc, argv, "", options, NULL)) {
        case 'h':
                return help();
        case 'V':
                (void) puts("umbra-guard " UMBRA_VERSION);
                return EXIT_SUCCESS;
        case 't':
                return run_thaw_held(optarg);
        case -1:
                break;
        default:
                return EXIT_FAILURE;
        }

        if (optind >= argc || !parse_number(argv[optind], GUARD_DEADLINE_MAX, &g.max_hold) ||
            !parse_kinds(argc - optind - 1, argv + optind + 1)) {
                complain("Expected a deadline and how to hold each file system, refusing; see --help");
                return EXIT_FAILURE;
        }

        return run_hold();
}
