/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra-guard, spoken to in its own words. Takes the path of the program as its argument, and that of one that is
 * linked with fake-device-mapper.c. Whatever happens to whom, the write that was held up must go on; how soon it did
 * is printed, as it should be within 100 ms.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/strv.h"
#include "base/time-util.h"
#include "guard/guard-protocol.h"
#include "guard/held-list.h"
#include "guard/hold.h"
#include "lib/test-util.h"
#include "loop-fs.h"

#define LONG_USEC (TEST_PATIENCE_USEC)             /* a deadline that is not meant to pass */
#define SHORT_USEC (200 * USEC_PER_MSEC)           /* one that is */
#define BLOCKED_USEC (50 * (uint64_t) USEC_PER_MSEC) /* how long we look at something that must not happen */

static char *guard_path, *fake_guard_path;

typedef struct Guard {
        char *dir;
        HoldKind kinds[3]; /* HOLD_FREEZE where nothing is said */
        LoopFs *a, *b; /* @b lies in a file on @a in some tests */
        int socket, pidfd;
} Guard;

static int set_up(void **state) {
        Guard *g;

        g = calloc_checked(1, sizeof(*g));
        assert_non_null(g);
        g->socket = g->pidfd = -EBADF;
        g->dir = temp_dir_new();
        *state = g;
        return 0;
}

static int tear_down(void **state) {
        Guard *g = *state;

        g->socket = fd_close(g->socket);
        if (g->pidfd >= 0)
                (void) process_end(g->pidfd, TEST_PATIENCE_USEC, NULL);
        fd_close(g->pidfd);

        if (g->a)
                (void) hold_end(&(Hold){ .kind = HOLD_FREEZE, .fd = g->a->fd }, -EBADF);
        loop_fs_free(g->b);
        loop_fs_free(g->a);
        temp_dir_free(g->dir);
        free(g);
        return 0;
}

static void guard_start(Guard *g, usec_t deadline, const int *fds, size_t n) {
        char *program = guard_path;
        _cleanup_(freep) char *deadline_text = NULL;
        _cleanup_(strv_freep) char **argv = NULL;
        int all[8], pair[2];

        assert_int_equal(format_to(&deadline_text, "%llu", (unsigned long long) deadline), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        g->socket = pair[0];

        assert_true(n < ELEMENTSOF(all));
        all[0] = pair[1];
        memcpy(all + 1, fds, n * sizeof(int));
        for (size_t i = 0; i < n; ++i)
                if (i < ELEMENTSOF(g->kinds) && g->kinds[i] != HOLD_FREEZE)
                        program = fake_guard_path;

        assert_int_equal(strv_append(&argv, program), 0);
        assert_int_equal(strv_append(&argv, deadline_text), 0);
        for (size_t i = 0; i < n; ++i)
                assert_int_equal(strv_append(&argv, hold_kind_to_string(g->kinds[i])), 0);
        assert_int_equal(process_spawn(&(SpawnOptions){ .path = program, .argv = argv, .fds = all, .n_fds = n + 1 },
                                       NULL, &g->pidfd),
                         0);
        fd_close(pair[1]);
}

static void guard_tell(Guard *g, GuardCommand command) {
        uint32_t message = (uint32_t) command;

        assert_int_equal(send(g->socket, &message, sizeof(message), MSG_NOSIGNAL), sizeof(message));
}

static GuardReport guard_hear(Guard *g, GuardReportKind kind) {
        GuardReport report = {};

        assert_true(eventually_readable(g->socket, TEST_PATIENCE_USEC));
        assert_int_equal(recv(g->socket, &report, sizeof(report), 0), sizeof(report));
        assert_int_equal(report.kind, kind);
        return report;
}

static void guard_hear_end(Guard *g) {
        int status;

        assert_int_equal(process_end(g->pidfd, TEST_PATIENCE_USEC, &status), 0);
        assert_int_equal(status, 0);
}

/* Starts a guard and has it hold @g->a, and @g->b if there is one. */
static void guard_start_holding(Guard *g, usec_t deadline) {
        int fds[2] = { -EBADF, -EBADF };
        size_t n = 0;

        if (g->b)
                fds[n++] = g->b->fd;
        fds[n++] = g->a->fd;

        guard_start(g, deadline, fds, n);
        guard_hear(g, GUARD_SAYS_READY);
        guard_tell(g, GUARD_FREEZE);
        guard_hear(g, GUARD_SAYS_HELD);
}

/* What @w waited for since @begun is over. */
static void assert_goes_on(Writer *w, usec_t begun) {
        char span[SPAN_STRING_MAX];

        assert_true(writer_is_done(w, TEST_PATIENCE_USEC));
        print_message("           went on after %s\n",
                      span_to_string(now_usec(CLOCK_MONOTONIC) - begun, span));
        writer_free(w);
}

static int run_program(char *const *argv) {
        _cleanup_(closep) int pidfd = -EBADF;
        int status;

        assert_int_equal(process_spawn(&(SpawnOptions){ .path = argv[0], .argv = argv }, NULL, &pidfd), 0);
        assert_int_equal(process_end(pidfd, TEST_PATIENCE_USEC, &status), 0);
        return status;
}

static void test_that_wrong_arguments_are_refused(void **state) {
        static const struct {
                const char *deadline, *kind;
                size_t n; /* of the second; 0 is 1 */
        } cases[] = {
                { NULL,                   NULL      },
                { "1000000",              NULL      },
                { "",                     "freeze"  },
                { "0",                    "freeze"  },
                { "-1",                   "freeze"  },
                { " 1000000",             "freeze"  },
                { "1000000x",             "freeze"  },
                { "10s",                  "freeze"  },
                { "600000001",            "freeze"  }, /* ten minutes is the most */
                { "99999999999999999999", "freeze"  },
                { "1000000",              ""        },
                { "1000000",              "1"       },
                { "1000000",              "none"    },
                { "1000000",              "freeze", 65 },
                { "1000000",              "freeze"  }, /* right, but there is no such descriptor */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(strv_freep) char **argv = NULL;

                assert_int_equal(strv_append(&argv, guard_path), 0);
                if (cases[i].deadline)
                        assert_int_equal(strv_append(&argv, cases[i].deadline), 0);
                for (size_t k = 0; cases[i].kind && k < (cases[i].n ?: 1); ++k)
                        assert_int_equal(strv_append(&argv, cases[i].kind), 0);

                assert_int_equal(run_program(argv), EXIT_FAILURE);
        }
}

static void test_that_it_says_what_it_is(void **state) {
        char help[] = "--help", version[] = "--version", unknown[] = "--unknown";

        assert_int_equal(run_program((char *[]){ guard_path, help, NULL }), EXIT_SUCCESS);
        assert_int_equal(run_program((char *[]){ guard_path, version, NULL }), EXIT_SUCCESS);
        assert_int_equal(run_program((char *[]){ guard_path, unknown, NULL }), EXIT_FAILURE);
}

static void test_that_it_ends_when_nobody_needs_it(void **state) {
        Guard *g = *state;
        _cleanup_(closep) int fd = open(g->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        guard_start(g, LONG_USEC, &fd, 1);
        guard_hear(g, GUARD_SAYS_READY);
        g->socket = fd_close(g->socket);
        guard_hear_end(g);
}

/* Not as root: not permitted. As root: tmpfs and the like cannot be frozen. */
static void test_that_what_cannot_be_frozen_is_named(void **state) {
        Guard *g = *state;
        _cleanup_(closep) int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        GuardReport report;

        guard_start(g, LONG_USEC, &fd, 1);
        guard_hear(g, GUARD_SAYS_READY);
        guard_tell(g, GUARD_FREEZE);

        report = guard_hear(g, GUARD_SAYS_THAWING);
        assert_int_equal(report.reason, GUARD_REFUSED);
        assert_int_equal(report.index, 0);
        assert_int_equal(report.error, geteuid() == 0 ? EOPNOTSUPP : EPERM);

        report = guard_hear(g, GUARD_SAYS_THAWED);
        assert_int_equal(report.error, 0);
        guard_hear_end(g);
}

static void test_that_a_write_waits_until_the_guard_is_told(void **state) {
        Guard *g = *state;
        GuardReport report;
        Writer *w;
        usec_t begun;

        enter_private_mounts();
        g->a = loop_fs_new(g->dir, "a", "ext4");
        guard_start_holding(g, LONG_USEC);

        w = writer_start(g->a->target);
        assert_false(writer_is_done(w, BLOCKED_USEC));

        begun = now_usec(CLOCK_MONOTONIC);
        guard_tell(g, GUARD_THAW);
        assert_goes_on(w, begun);

        report = guard_hear(g, GUARD_SAYS_THAWING);
        assert_int_equal(report.reason, GUARD_TOLD);
        report = guard_hear(g, GUARD_SAYS_THAWED);
        assert_int_equal(report.error, 0);
        assert_true(report.held_usec >= BLOCKED_USEC && report.held_usec < LONG_USEC);
        guard_hear_end(g);
}

static void test_that_a_write_goes_on_when_the_coordinator_is_gone(void **state) {
        Guard *g = *state;
        Writer *w;
        usec_t begun;

        enter_private_mounts();
        g->a = loop_fs_new(g->dir, "a", "ext4");
        guard_start_holding(g, LONG_USEC);

        w = writer_start(g->a->target);
        assert_false(writer_is_done(w, BLOCKED_USEC));

        begun = now_usec(CLOCK_MONOTONIC);
        g->socket = fd_close(g->socket);
        assert_goes_on(w, begun);
        guard_hear_end(g);
}

static void test_that_a_write_goes_on_at_the_deadline(void **state) {
        Guard *g = *state;
        GuardReport report;
        Writer *w;
        usec_t begun = now_usec(CLOCK_MONOTONIC);

        enter_private_mounts();
        g->a = loop_fs_new(g->dir, "a", "ext4");
        guard_start_holding(g, SHORT_USEC);

        w = writer_start(g->a->target);
        assert_goes_on(w, begun);

        report = guard_hear(g, GUARD_SAYS_THAWING);
        assert_int_equal(report.reason, GUARD_DEADLINE);
        assert_int_equal(report.error, 0);
        guard_hear(g, GUARD_SAYS_THAWED);
        guard_hear_end(g);
}

static void test_that_signals_do_not_end_a_hold(void **state) {
        static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGQUIT, SIGUSR1, SIGALRM };
        Guard *g = *state;

        enter_private_mounts();
        g->a = loop_fs_new(g->dir, "a", "ext4");
        guard_start_holding(g, LONG_USEC);

        for (size_t i = 0; i < ELEMENTSOF(signals); ++i)
                assert_int_equal(pidfd_send_signal(g->pidfd, signals[i], NULL, 0), 0);

        assert_false(eventually_readable(g->socket, BLOCKED_USEC));
        assert_true(loop_fs_is_frozen(g->a));

        guard_tell(g, GUARD_THAW);
        guard_hear(g, GUARD_SAYS_THAWING);
        guard_hear(g, GUARD_SAYS_THAWED);
        guard_hear_end(g);
        assert_false(loop_fs_is_frozen(g->a));
}

static void test_that_junk_is_ignored(void **state) {
        static const char junk[] = "thaw, please";
        Guard *g = *state;

        enter_private_mounts();
        g->a = loop_fs_new(g->dir, "a", "ext4");
        guard_start_holding(g, LONG_USEC);

        assert_int_equal(send(g->socket, junk, sizeof(junk), 0), sizeof(junk));
        guard_tell(g, (GuardCommand) 7);
        guard_tell(g, GUARD_FREEZE);
        assert_false(eventually_readable(g->socket, BLOCKED_USEC));
        assert_true(loop_fs_is_frozen(g->a));
}

static void test_that_when_one_cannot_be_frozen_none_is(void **state) {
        Guard *g = *state;
        GuardReport report;
        int fds[2];

        enter_private_mounts();
        g->a = loop_fs_new(g->dir, "a", "ext4");
        g->b = loop_fs_new(g->dir, "b", "ext4");

        fds[0] = g->a->fd;
        fds[1] = g->b->fd;
        guard_start(g, LONG_USEC, fds, 2);
        guard_hear(g, GUARD_SAYS_READY);

        loop_fs_freeze(g->b); /* somebody else has */
        guard_tell(g, GUARD_FREEZE);

        report = guard_hear(g, GUARD_SAYS_THAWING);
        assert_int_equal(report.reason, GUARD_REFUSED);
        assert_int_equal(report.index, 1);
        assert_int_equal(report.error, EBUSY);
        guard_hear(g, GUARD_SAYS_THAWED);
        guard_hear_end(g);

        assert_false(loop_fs_is_frozen(g->a));
        assert_true(loop_fs_is_frozen(g->b)); /* and still does */
}

static void test_that_every_file_system_of_ours_can_be_held(void **state) {
        static const char *const types[] = { "ext4", "xfs", "btrfs" };
        Guard *g = *state;

        enter_private_mounts();

        for (size_t i = 0; i < ELEMENTSOF(types); ++i) {
                Writer *w;

                g->a = loop_fs_new(g->dir, types[i], types[i]);
                guard_start_holding(g, LONG_USEC);

                w = writer_start(g->a->target);
                assert_false(writer_is_done(w, BLOCKED_USEC));
                guard_tell(g, GUARD_THAW);
                assert_goes_on(w, now_usec(CLOCK_MONOTONIC));

                guard_hear(g, GUARD_SAYS_THAWING);
                guard_hear(g, GUARD_SAYS_THAWED);
                guard_hear_end(g);
                g->socket = fd_close(g->socket);
                g->pidfd = fd_close(g->pidfd);
                g->a = loop_fs_free(g->a);
        }
}

static void test_that_somebody_else_may_thaw_before_us(void **state) {
        Guard *g = *state;
        GuardReport report;

        enter_private_mounts();
        g->a = loop_fs_new(g->dir, "a", "ext4");
        guard_start_holding(g, LONG_USEC);

        loop_fs_thaw(g->a);
        guard_tell(g, GUARD_THAW);
        guard_hear(g, GUARD_SAYS_THAWING);
        report = guard_hear(g, GUARD_SAYS_THAWED);
        assert_int_equal(report.error, 0);
}

static void test_that_stacked_file_systems_are_held_and_let_go(void **state) {
        Guard *g = *state;
        Writer *w;

        enter_private_mounts();
        g->a = loop_fs_new(g->dir, "outer", "ext4");
        g->b = loop_fs_new(g->a->target, "inner", "ext4");
        guard_start_holding(g, LONG_USEC);

        w = writer_start(g->b->target);
        assert_false(writer_is_done(w, BLOCKED_USEC));

        guard_tell(g, GUARD_THAW);
        assert_goes_on(w, now_usec(CLOCK_MONOTONIC));
        guard_hear(g, GUARD_SAYS_THAWING);
        guard_hear(g, GUARD_SAYS_THAWED);
        guard_hear_end(g);
}

/* The file system that @g->b lies on is frozen by us, so freezing @g->b waits for us. */
static void freeze_that_waits(Guard *g, const char *command, bool dirty) {
        GuardReport report;

        enter_private_mounts();
        g->a = loop_fs_new(g->dir, "outer", "ext4");
        g->b = loop_fs_new(g->a->target, "inner", "ext4");

        guard_start(g, SHORT_USEC, &g->b->fd, 1);
        guard_hear(g, GUARD_SAYS_READY);

        if (dirty)
                write_file(g->b->target, "dirty", "dirty");
        loop_fs_freeze(g->a);
        guard_tell(g, GUARD_FREEZE);

        if (strcmp(command, "deadline") == 0) {
                report = guard_hear(g, GUARD_SAYS_THAWING);
                assert_int_equal(report.reason, GUARD_DEADLINE);
                assert_int_equal(report.error, ETIMEDOUT);
                assert_int_equal(report.index, 0);
                assert_false(eventually_readable(g->socket, BLOCKED_USEC));
        } else if (strcmp(command, "thaw") == 0) {
                guard_tell(g, GUARD_THAW);
                report = guard_hear(g, GUARD_SAYS_THAWING);
                assert_int_equal(report.reason, GUARD_TOLD);
        } else
                g->socket = fd_close(g->socket);

        loop_fs_thaw(g->a);
        if (g->socket >= 0)
                guard_hear(g, GUARD_SAYS_THAWED);
        guard_hear_end(g);
        assert_false(loop_fs_is_frozen(g->b));
}

static void test_that_the_deadline_covers_a_freeze_that_waits(void **state) {
        freeze_that_waits(*state, "deadline", false);
}

static void test_that_the_deadline_covers_writing_out(void **state) {
        freeze_that_waits(*state, "deadline", true);
}

static void test_that_a_freeze_that_waits_can_be_called_off(void **state) {
        freeze_that_waits(*state, "thaw", true);
}

static void test_that_a_freeze_that_waits_is_undone_when_the_coordinator_is_gone(void **state) {
        freeze_that_waits(*state, "close", false);
}

/* The wrong order: the lower one is frozen first, and the upper one's freeze waits for it. */
static void test_that_even_the_wrong_order_ends_at_the_deadline(void **state) {
        Guard *g = *state;
        GuardReport report;
        int fds[2];

        enter_private_mounts();
        g->a = loop_fs_new(g->dir, "outer", "ext4");
        g->b = loop_fs_new(g->a->target, "inner", "ext4");

        fds[0] = g->a->fd;
        fds[1] = g->b->fd;
        guard_start(g, SHORT_USEC, fds, 2);
        guard_hear(g, GUARD_SAYS_READY);
        guard_tell(g, GUARD_FREEZE);

        report = guard_hear(g, GUARD_SAYS_THAWING);
        assert_int_equal(report.reason, GUARD_DEADLINE);
        assert_int_equal(report.error, ETIMEDOUT);
        assert_int_equal(report.index, 1);
        report = guard_hear(g, GUARD_SAYS_THAWED);
        assert_int_equal(report.error, 0);
        guard_hear_end(g);

        assert_false(loop_fs_is_frozen(g->b));
        assert_false(loop_fs_is_frozen(g->a));
}

static void test_that_the_list_of_what_is_held_is_thawed(void **state) {
        Guard *g = *state;
        _cleanup_(freep) char *list = path_in(g->dir, "held"), *gone = path_in(g->dir, "gone");
        char option[] = "--thaw-held";
        Writer *w;

        enter_private_mounts();
        g->a = loop_fs_new(g->dir, "a line feed\nand a \\ backslash", "ext4");
        assert_int_equal(held_list_write(list, (char *[]){ g->a->target, gone, NULL }), 0);
        loop_fs_freeze(g->a);
        w = writer_start(g->a->target);

        assert_int_equal(run_program((char *[]){ guard_path, option, list, NULL }), EXIT_SUCCESS);
        assert_goes_on(w, now_usec(CLOCK_MONOTONIC));
        assert_false(file_exists(g->dir, "held"));

        /* Once more: nothing is held, and that is fine. */
        assert_int_equal(run_program((char *[]){ guard_path, option, list, NULL }), EXIT_SUCCESS);
}

static void test_that_a_list_that_is_none_is_refused_and_kept(void **state) {
        Guard *g = *state;
        _cleanup_(freep) char *list = path_in(g->dir, "held");
        char option[] = "--thaw-held";

        write_file(g->dir, "held", "not a list\n");
        assert_int_equal(run_program((char *[]){ guard_path, option, list, NULL }), EXIT_FAILURE);
        assert_true(file_exists(g->dir, "held"));
}

/* Two directories of file systems that lie, as far as the fake device mapper knows, on a device each. */
static void fake_mapper(Guard *g, int fds[static 2]) {
        static const char *const dirs[] = { "/proc", "/sys" };
        _cleanup_(freep) char *mapper = path_in(g->dir, "mapper");

        assert_int_equal(mkdir(mapper, 0700), 0);
        assert_int_equal(setenv("UMBRA_FAKE_MAPPER", mapper, 1), 0);
        for (size_t i = 0; i < 2; ++i) {
                fds[i] = open(dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(fds[i] >= 0);
        }
}

static char *device_file(Guard *g, int fd) {
        struct stat st;
        char *path;

        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(format_to(&path, "%s/mapper/%u:%u", g->dir, major(st.st_dev), minor(st.st_dev)), 0);
        return path;
}

static bool is_suspended(Guard *g, int fd) {
        _cleanup_(freep) char *path = device_file(g, fd);

        return access(path, F_OK) == 0;
}

static void suspend_by_somebody(Guard *g, int fd) {
        _cleanup_(freep) char *path = device_file(g, fd);
        int file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

        assert_true(file >= 0);
        fd_close(file);
}

static void resume_by_somebody(Guard *g, int fd) {
        _cleanup_(freep) char *path = device_file(g, fd);

        assert_int_equal(unlink(path), 0);
}

static void guard_start_suspending(Guard *g, const int fds[static 2], HoldKind second) {
        g->kinds[0] = HOLD_SUSPEND;
        g->kinds[1] = second;
        guard_start(g, LONG_USEC, fds, 2);
        guard_hear(g, GUARD_SAYS_READY);
        assert_false(is_suspended(g, fds[0]) || is_suspended(g, fds[1]));
}

static void test_that_devices_are_suspended_and_resumed(void **state) {
        Guard *g = *state;
        int fds[2];

        fake_mapper(g, fds);
        guard_start_suspending(g, fds, HOLD_SUSPEND);
        guard_tell(g, GUARD_FREEZE);
        guard_hear(g, GUARD_SAYS_HELD);
        assert_true(is_suspended(g, fds[0]) && is_suspended(g, fds[1]));

        resume_by_somebody(g, fds[0]); /* as lvm does */
        guard_tell(g, GUARD_THAW);
        guard_hear(g, GUARD_SAYS_THAWING);
        assert_int_equal(guard_hear(g, GUARD_SAYS_THAWED).error, 0);
        assert_false(is_suspended(g, fds[0]) || is_suspended(g, fds[1]));
        guard_hear_end(g);
        fd_close(fds[0]);
        fd_close(fds[1]);
}

static void test_that_devices_are_resumed_when_the_coordinator_is_gone(void **state) {
        Guard *g = *state;
        int fds[2];

        fake_mapper(g, fds);
        guard_start_suspending(g, fds, HOLD_WATCH);
        guard_tell(g, GUARD_FREEZE);
        guard_hear(g, GUARD_SAYS_HELD);
        assert_true(is_suspended(g, fds[0]));
        assert_false(is_suspended(g, fds[1])); /* that is lvm's to do */
        suspend_by_somebody(g, fds[1]);        /* which is killed then */

        g->socket = fd_close(g->socket);
        guard_hear_end(g);
        assert_false(is_suspended(g, fds[0]) || is_suspended(g, fds[1]));
        fd_close(fds[0]);
        fd_close(fds[1]);
}

static void test_that_what_others_have_suspended_stays_so(void **state) {
        Guard *g = *state;
        GuardReport report;
        int fds[2];

        fake_mapper(g, fds);
        guard_start_suspending(g, fds, HOLD_SUSPEND);
        suspend_by_somebody(g, fds[1]);
        guard_tell(g, GUARD_FREEZE);

        report = guard_hear(g, GUARD_SAYS_THAWING);
        assert_int_equal(report.reason, GUARD_REFUSED);
        assert_int_equal(report.index, 1);
        assert_int_equal(report.error, EBUSY);
        guard_hear(g, GUARD_SAYS_THAWED);
        guard_hear_end(g);
        assert_false(is_suspended(g, fds[0]));
        assert_true(is_suspended(g, fds[1]));
        fd_close(fds[0]);
        fd_close(fds[1]);
}

static void test_that_without_a_device_mapper_nothing_is_suspended(void **state) {
        Guard *g = *state;
        int fds[2], status;

        fake_mapper(g, fds);
        assert_int_equal(unsetenv("UMBRA_FAKE_MAPPER"), 0);
        g->kinds[0] = HOLD_SUSPEND;
        guard_start(g, LONG_USEC, fds, 1);
        assert_int_equal(process_end(g->pidfd, TEST_PATIENCE_USEC, &status), 0);
        assert_int_equal(status, EXIT_FAILURE);
        fd_close(fds[0]);
        fd_close(fds[1]);
}

static void test_that_the_devices_of_a_list_are_resumed(void **state) {
        Guard *g = *state;
        _cleanup_(freep) char *list = path_in(g->dir, "held"), *entry = NULL;
        char option[] = "--thaw-held", gone[] = "/not/there";
        struct stat st;
        int fds[2];

        fake_mapper(g, fds);
        suspend_by_somebody(g, fds[0]);
        assert_int_equal(fstat(fds[0], &st), 0);
        assert_int_equal(held_list_entry(&(Hold){ .kind = HOLD_SUSPEND, .dev = st.st_dev }, "/proc", &entry), 0);
        assert_int_equal(held_list_write(list, (char *[]){ gone, entry, NULL }), 0);

        assert_int_equal(run_program((char *[]){ fake_guard_path, option, list, NULL }), EXIT_SUCCESS);
        assert_false(is_suspended(g, fds[0]));
        assert_false(file_exists(g->dir, "held"));
        fd_close(fds[0]);
        fd_close(fds[1]);
}

#define guard_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                guard_test(test_that_wrong_arguments_are_refused),
                guard_test(test_that_it_says_what_it_is),
                guard_test(test_that_it_ends_when_nobody_needs_it),
                guard_test(test_that_what_cannot_be_frozen_is_named),
                guard_test(test_that_a_write_waits_until_the_guard_is_told),
                guard_test(test_that_a_write_goes_on_when_the_coordinator_is_gone),
                guard_test(test_that_a_write_goes_on_at_the_deadline),
                guard_test(test_that_signals_do_not_end_a_hold),
                guard_test(test_that_junk_is_ignored),
                guard_test(test_that_when_one_cannot_be_frozen_none_is),
                guard_test(test_that_every_file_system_of_ours_can_be_held),
                guard_test(test_that_somebody_else_may_thaw_before_us),
                guard_test(test_that_stacked_file_systems_are_held_and_let_go),
                guard_test(test_that_the_deadline_covers_a_freeze_that_waits),
                guard_test(test_that_the_deadline_covers_writing_out),
                guard_test(test_that_a_freeze_that_waits_can_be_called_off),
                guard_test(test_that_a_freeze_that_waits_is_undone_when_the_coordinator_is_gone),
                guard_test(test_that_even_the_wrong_order_ends_at_the_deadline),
                guard_test(test_that_the_list_of_what_is_held_is_thawed),
                guard_test(test_that_a_list_that_is_none_is_refused_and_kept),
                guard_test(test_that_devices_are_suspended_and_resumed),
                guard_test(test_that_devices_are_resumed_when_the_coordinator_is_gone),
                guard_test(test_that_what_others_have_suspended_stays_so),
                guard_test(test_that_without_a_device_mapper_nothing_is_suspended),
                guard_test(test_that_the_devices_of_a_list_are_resumed),
        };

        if (argc != 3)
                return EXIT_FAILURE;

        guard_path = argv[1];
        fake_guard_path = argv[2];
        return cmocka_run_group_tests(tests, private_mounts_group_setup, NULL);
}
