/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra-guard, spoken to in its own words. Takes the path of the program as its argument. Whatever happens
 * to whom, the write that was held up must go on; how soon it did is printed, as it should be within 100 ms.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/strv.h"
#include "base/time-util.h"
#include "guard/guard-protocol.h"
#include "guard/held-list.h"
#include "lib/test-util.h"
#include "loop-fs.h"

#define LONG_USEC (TEST_PATIENCE_USEC)             /* a deadline that is not meant to pass */
#define SHORT_USEC (200 * USEC_PER_MSEC)           /* one that is */
#define BLOCKED_USEC (50 * (uint64_t) USEC_PER_MSEC) /* how long we look at something that must not happen */

static char *guard_path;

typedef struct Guard {
        char *dir;
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
                (void) thaw_fd(g->a->fd);
        loop_fs_free(g->b);
        loop_fs_free(g->a);
        temp_dir_free(g->dir);
        free(g);
        return 0;
}

static void guard_start(Guard *g, usec_t deadline, const int *fds, size_t n) {
        _cleanup_(freep) char *deadline_text = NULL, *count = NULL;
        int all[8], pair[2];

        assert_int_equal(format_to(&deadline_text, "%llu", (unsigned long long) deadline), 0);
        assert_int_equal(format_to(&count, "%zu", n), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        g->socket = pair[0];

        assert_true(n < ELEMENTSOF(all));
        all[0] = pair[1];
        memcpy(all + 1, fds, n * sizeof(int));
        assert_int_equal(process_spawn(&(SpawnOptions){
                                               .path = guard_path,
                                               .argv = (char *[]){ guard_path, deadline_text, count, NULL },
                                               .fds = all,
                                               .n_fds = n + 1,
                                       },
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

        assert_int_equal(process_spawn(&(SpawnOptions){ .path = guard_path, .argv = argv }, NULL, &pidfd),
                         0);
        assert_int_equal(process_end(pidfd, TEST_PATIENCE_USEC, &status), 0);
        return status;
}

static void test_that_wrong_arguments_are_refused(void **state) {
        static const struct {
                const char *deadline, *count;
        } cases[] = {
                { NULL,                   NULL  },
                { "1000000",              NULL  },
                { "",                     "1"   },
                { "0",                    "1"   },
                { "-1",                   "1"   },
                { " 1000000",             "1"   },
                { "1000000x",             "1"   },
                { "10s",                  "1"   },
                { "600000001",            "1"   }, /* ten minutes is the most */
                { "99999999999999999999", "1"   },
                { "1000000",              "0"   },
                { "1000000",              "65"  },
                { "1000000",              "1.5" },
                { "1000000",              "1"   }, /* right, but there is no such descriptor */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(strv_freep) char **argv = NULL;

                assert_int_equal(strv_append(&argv, guard_path), 0);
                if (cases[i].deadline)
                        assert_int_equal(strv_append(&argv, cases[i].deadline), 0);
                if (cases[i].count)
                        assert_int_equal(strv_append(&argv, cases[i].count), 0);

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
        };

        if (argc != 2)
                return EXIT_FAILURE;

        guard_path = argv[1];
        return cmocka_run_group_tests(tests, private_mounts_group_setup, NULL);
}
