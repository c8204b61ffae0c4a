/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The coordinator's end of the guard, with the real guard at the other end ($UMBRA_LIBEXECDIR says where it
 * is), which is killed, stopped and replaced in every state. How soon a write goes on is printed, as it
 * should be within 100 ms.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "guard/guard-client.h"
#include "guard/held-list.h"
#include "lib/test-util.h"
#include "loop-fs.h"

#define LONG_USEC ((usec_t) TEST_PATIENCE_USEC)
#define SHORT_USEC (200 * USEC_PER_MSEC)
#define BLOCKED_USEC (50 * (uint64_t) USEC_PER_MSEC)

typedef struct Told {
        GuardEvent event;
        HRESULT hr;
        char message[512];
} Told;

typedef struct Fixture {
        char *dir;
        LoopFs *fs;
        HoldKind kind;
        dev_t device;
        sd_event *event;
        GuardClient *client;
        Told told[8];
        size_t n_told;
        bool free_when_told;
} Fixture;

static int set_up(void **state) {
        Fixture *f;

        f = calloc_checked(1, sizeof(*f));
        assert_non_null(f);
        f->dir = temp_dir_new();
        assert_true(sd_event_new(&f->event) >= 0);
        *state = f;
        return 0;
}

static int tear_down(void **state) {
        Fixture *f = *state;

        guard_client_free(f->client);
        sd_event_unref(f->event);
        loop_fs_free(f->fs);
        temp_dir_free(f->dir);
        free(f);
        return 0;
}

static void on_event(GuardClient *g, GuardEvent event, HRESULT hr, const char *message, void *userdata) {
        Fixture *f = userdata;
        Told *told;

        assert_true(f->n_told < ELEMENTSOF(f->told));
        told = f->told + f->n_told++;
        told->event = event;
        told->hr = hr;
        (void) snprintf(told->message, sizeof(told->message), "%s", message ?: "");

        if (f->free_when_told)
                f->client = guard_client_free(f->client);
}

/* Runs the loop until there is news, and checks that it is this. */
static const Told *expect(Fixture *f, GuardEvent event, HRESULT hr) {
        usec_t deadline = now_usec(CLOCK_MONOTONIC) + LONG_USEC;
        const Told *told = f->told;

        while (f->n_told == 0) {
                assert_true(now_usec(CLOCK_MONOTONIC) < deadline);
                assert_true(sd_event_run(f->event, USEC_PER_SEC) >= 0);
        }

        if (told->event != event || told->hr != hr)
                fail_msg("Told %d with %s: '%s'", (int) told->event, hresult_name(told->hr), told->message);

        f->n_told = 0; /* the answer is read before the next question */
        return told;
}

/* A while in which nothing more is said. */
static void expect_silence(Fixture *f) {
        usec_t until = now_usec(CLOCK_MONOTONIC) + BLOCKED_USEC;

        while (now_usec(CLOCK_MONOTONIC) < until)
                assert_true(sd_event_run(f->event, 10 * USEC_PER_MSEC) >= 0);

        assert_int_equal(f->n_told, 0);
}

static int client_new(Fixture *f, int fd, const char *name, usec_t max_hold) {
        _cleanup_(strv_freep) char **mounts = NULL;

        assert_int_equal(strv_append(&mounts, name), 0);
        return guard_client_new(f->event, f->dir, &(Hold){ .kind = f->kind, .fd = fd, .dev = f->device }, mounts, 1,
                                max_hold, on_event, f, &f->client);
}

static void start(Fixture *f, usec_t max_hold) {
        enter_private_mounts();
        f->fs = loop_fs_new(f->dir, "fs", "ext4");
        assert_int_equal(client_new(f, f->fs->fd, f->fs->target, max_hold), 0);
        assert_false(guard_client_is_holding(f->client));
        expect(f, GUARD_READY, S_OK);
}

static void start_holding(Fixture *f, usec_t max_hold) {
        start(f, max_hold);
        assert_int_equal(guard_client_hold(f->client), 0);
        expect(f, GUARD_HELD, S_OK);
        assert_true(guard_client_is_holding(f->client));
        assert_true(file_exists(f->dir, "held"));
}

static void assert_went_on(Fixture *f, Writer *w, usec_t begun) {
        char span[SPAN_STRING_MAX];

        assert_true(writer_is_done(w, TEST_PATIENCE_USEC));
        print_message("           went on after %s\n",
                      span_to_string(now_usec(CLOCK_MONOTONIC) - begun, span));
        writer_free(w);
        assert_false(loop_fs_is_frozen(f->fs));
        assert_false(file_exists(f->dir, "held"));
}

static void test_that_a_hold_is_held_and_released(void **state) {
        Fixture *f = *state;
        usec_t begun;
        Writer *w;

        start_holding(f, LONG_USEC);
        w = writer_start(f->fs->target);
        assert_false(writer_is_done(w, BLOCKED_USEC));
        assert_int_equal(guard_client_held_usec(f->client), 0);

        begun = now_usec(CLOCK_MONOTONIC);
        assert_int_equal(guard_client_release(f->client), 0);
        assert_int_equal(guard_client_release(f->client), 0); /* once more changes nothing */
        expect(f, GUARD_THAWED, S_OK);
        assert_went_on(f, w, begun);

        assert_false(guard_client_is_holding(f->client));
        assert_true(guard_client_held_usec(f->client) >= BLOCKED_USEC);
        expect_silence(f);
}

static void test_that_calls_at_the_wrong_time_are_refused(void **state) {
        Fixture *f = *state;

        enter_private_mounts();
        f->fs = loop_fs_new(f->dir, "fs", "ext4");
        assert_int_equal(client_new(f, f->fs->fd, f->fs->target, LONG_USEC), 0);

        assert_int_equal(guard_client_hold(f->client), -EBADFD);
        assert_int_equal(guard_client_release(f->client), -EBADFD);
        expect(f, GUARD_READY, S_OK);
        assert_int_equal(guard_client_release(f->client), -EBADFD);
        guard_client_release_now(f->client); /* allowed, and nothing to do */

        assert_int_equal(guard_client_hold(f->client), 0);
        assert_int_equal(guard_client_hold(f->client), -EBADFD);
        expect(f, GUARD_HELD, S_OK);
        assert_int_equal(guard_client_hold(f->client), -EBADFD);

        assert_int_equal(guard_client_release(f->client), 0);
        expect(f, GUARD_THAWED, S_OK);
        assert_int_equal(guard_client_hold(f->client), -EBADFD); /* a guard holds once */
        assert_int_equal(guard_client_release(f->client), -EBADFD);
}

static void test_that_a_write_goes_on_when_the_guard_is_killed(void **state) {
        Fixture *f = *state;
        const Told *told;
        usec_t begun;
        Writer *w;

        start_holding(f, LONG_USEC);
        w = writer_start(f->fs->target);
        assert_false(writer_is_done(w, BLOCKED_USEC));

        begun = now_usec(CLOCK_MONOTONIC);
        assert_int_equal(kill(guard_client_pid(f->client), SIGKILL), 0);
        told = expect(f, GUARD_FAILED, VSS_E_UNEXPECTED);
        assert_went_on(f, w, begun);
        assert_string_equal(told->message, "the freeze guard was killed (KILL)");
        assert_false(guard_client_is_holding(f->client));
        expect_silence(f);
}

static void test_that_a_write_goes_on_when_the_guard_is_stopped(void **state) {
        Fixture *f = *state;
        usec_t begun;
        Writer *w;

        start_holding(f, LONG_USEC);
        w = writer_start(f->fs->target);
        assert_int_equal(kill(guard_client_pid(f->client), SIGSTOP), 0);

        begun = now_usec(CLOCK_MONOTONIC);
        assert_int_equal(guard_client_release(f->client), 0);
        expect(f, GUARD_FAILED, VSS_E_UNEXPECTED);
        assert_went_on(f, w, begun);
}

static void test_that_a_stopped_guard_does_not_stop_a_blocking_release(void **state) {
        Fixture *f = *state;
        usec_t begun;
        Writer *w;

        start_holding(f, LONG_USEC);
        w = writer_start(f->fs->target);
        assert_int_equal(kill(guard_client_pid(f->client), SIGSTOP), 0);

        begun = now_usec(CLOCK_MONOTONIC);
        guard_client_release_now(f->client);
        assert_false(guard_client_is_holding(f->client));
        assert_went_on(f, w, begun);
        expect_silence(f);
}

static void test_that_a_killed_guard_does_not_stop_a_blocking_release(void **state) {
        Fixture *f = *state;
        usec_t begun;
        Writer *w;

        start_holding(f, LONG_USEC);
        w = writer_start(f->fs->target);
        assert_int_equal(kill(guard_client_pid(f->client), SIGKILL), 0);

        begun = now_usec(CLOCK_MONOTONIC);
        guard_client_release_now(f->client);
        assert_went_on(f, w, begun);
        expect_silence(f);
}

static void test_that_the_deadline_is_told(void **state) {
        Fixture *f = *state;
        usec_t begun;
        Writer *w;

        start_holding(f, SHORT_USEC);
        begun = now_usec(CLOCK_MONOTONIC);
        w = writer_start(f->fs->target);
        expect(f, GUARD_THAWED, VSS_E_HOLD_WRITES_TIMEOUT);
        assert_went_on(f, w, begun);
        assert_true(guard_client_held_usec(f->client) > 0);
        expect_silence(f);
}

static void test_that_what_somebody_else_froze_is_refused(void **state) {
        Fixture *f = *state;
        const Told *told;

        start(f, LONG_USEC);
        loop_fs_freeze(f->fs);
        assert_int_equal(guard_client_hold(f->client), 0);
        told = expect(f, GUARD_FAILED, VSS_E_VOLUME_IN_USE);
        assert_non_null(strstr(told->message, f->fs->target));

        assert_true(loop_fs_is_frozen(f->fs)); /* it is not ours to thaw */
        assert_false(file_exists(f->dir, "held"));
        expect_silence(f);
}

static void test_that_a_freeze_that_waits_is_told_as_such(void **state) {
        Fixture *f = *state;
        LoopFs *outer;
        usec_t begun;
        bool still_holding;

        enter_private_mounts();
        outer = loop_fs_new(f->dir, "outer", "ext4");
        f->fs = loop_fs_new(outer->target, "inner", "ext4");
        assert_int_equal(client_new(f, f->fs->fd, f->fs->target, SHORT_USEC), 0);
        expect(f, GUARD_READY, S_OK);

        loop_fs_freeze(outer); /* now freezing what lies on it waits */
        begun = now_usec(CLOCK_MONOTONIC);
        assert_int_equal(guard_client_hold(f->client), 0);
        while (now_usec(CLOCK_MONOTONIC) < begun + 2 * SHORT_USEC)
                assert_true(sd_event_run(f->event, 10 * USEC_PER_MSEC) >= 0);
        still_holding = guard_client_is_holding(f->client) && f->n_told == 0;

        loop_fs_thaw(outer);
        expect(f, GUARD_FAILED, VSS_E_FLUSH_WRITES_TIMEOUT);
        assert_false(loop_fs_is_frozen(f->fs));
        f->fs = loop_fs_free(f->fs);
        loop_fs_free(outer);
        assert_true(still_holding);
}

static void test_that_freeing_the_client_thaws(void **state) {
        Fixture *f = *state;
        usec_t begun;
        Writer *w;

        start_holding(f, LONG_USEC);
        w = writer_start(f->fs->target);
        begun = now_usec(CLOCK_MONOTONIC);
        f->client = guard_client_free(f->client);
        assert_went_on(f, w, begun);
}

static void test_that_the_handler_may_free_the_client(void **state) {
        Fixture *f = *state;

        /* Whatever is said: READY … */
        enter_private_mounts();
        f->fs = loop_fs_new(f->dir, "fs", "ext4");
        f->free_when_told = true;
        assert_int_equal(client_new(f, f->fs->fd, f->fs->target, LONG_USEC), 0);
        expect(f, GUARD_READY, S_OK);

        /* … HELD … */
        f->free_when_told = false;
        assert_int_equal(client_new(f, f->fs->fd, f->fs->target, LONG_USEC), 0);
        expect(f, GUARD_READY, S_OK);
        f->free_when_told = true;
        assert_int_equal(guard_client_hold(f->client), 0);
        expect(f, GUARD_HELD, S_OK);
        assert_false(loop_fs_is_frozen(f->fs));

        /* … THAWED … */
        f->free_when_told = false;
        assert_int_equal(client_new(f, f->fs->fd, f->fs->target, LONG_USEC), 0);
        expect(f, GUARD_READY, S_OK);
        assert_int_equal(guard_client_hold(f->client), 0);
        expect(f, GUARD_HELD, S_OK);
        f->free_when_told = true;
        assert_int_equal(guard_client_release(f->client), 0);
        expect(f, GUARD_THAWED, S_OK);

        /* … and FAILED. */
        f->free_when_told = false;
        assert_int_equal(client_new(f, f->fs->fd, f->fs->target, LONG_USEC), 0);
        expect(f, GUARD_READY, S_OK);
        f->free_when_told = true;
        assert_int_equal(kill(guard_client_pid(f->client), SIGKILL), 0);
        expect(f, GUARD_FAILED, VSS_E_UNEXPECTED);
}

/* The next ones need no rights: the guard starts, and cannot freeze. */
static void test_that_what_cannot_be_frozen_is_told(void **state) {
        Fixture *f = *state;
        _cleanup_(closep) int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(client_new(f, fd, "/proc", LONG_USEC), 0);
        expect(f, GUARD_READY, S_OK);
        assert_int_equal(guard_client_hold(f->client), 0);
        expect(f, GUARD_FAILED, geteuid() == 0 ? VSS_E_VOLUME_NOT_SUPPORTED : E_ACCESSDENIED);
        assert_false(file_exists(f->dir, "held"));
}

static void test_that_a_guard_that_dies_early_is_told(void **state) {
        Fixture *f = *state;
        _cleanup_(closep) int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(client_new(f, fd, "/proc", LONG_USEC), 0);
        assert_int_equal(kill(guard_client_pid(f->client), SIGKILL), 0);
        if (f->n_told == 0)
                (void) sd_event_run(f->event, USEC_PER_SEC);
        if (f->n_told == 1 && f->told[0].event == GUARD_READY)
                f->n_told = 0; /* it was quick */
        expect(f, GUARD_FAILED, VSS_E_UNEXPECTED);
}

static void test_that_nothing_is_held_when_it_cannot_be_listed(void **state) {
        Fixture *f = *state;
        _cleanup_(closep) int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(freep) char *held = path_in(f->dir, "held");

        assert_int_equal(client_new(f, fd, "/proc", LONG_USEC), 0);
        expect(f, GUARD_READY, S_OK);
        assert_int_equal(mkdir(held, 0755), 0);
        assert_true(guard_client_hold(f->client) < 0);
        assert_false(guard_client_is_holding(f->client));
        expect_silence(f);
}

static void test_that_senseless_holds_are_refused(void **state) {
        static const struct {
                size_t n;
                usec_t max_hold;
                int r;
        } cases[] = {
                { 0,  LONG_USEC,     -EINVAL },
                { 1,  0,             -EINVAL },
                { 65, LONG_USEC,     -E2BIG  },
                { 1,  USEC_INFINITY, -E2BIG  },
                { 1,  LONG_USEC,     -EBADF  }, /* no such descriptor */
        };
        Fixture *f = *state;
        char *mounts[65] = {};
        Hold holds[65] = {};

        for (size_t i = 0; i < ELEMENTSOF(mounts); ++i)
                mounts[i] = f->dir;

        holds[0].fd = -EBADF;
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                int r = guard_client_new(f->event, f->dir, holds, mounts, cases[i].n, cases[i].max_hold,
                                         on_event, f, &f->client);

                assert_int_equal(r, cases[i].r);
                assert_null(f->client);
        }
}

static void test_that_starting_survives_any_failed_allocation(void **state) {
        Fixture *f = *state;
        _cleanup_(closep) int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const Hold hold = { .kind = HOLD_FREEZE, .fd = fd };
        char *mounts[] = { f->dir };
        unsigned before = count_open_fds();
        int r = -ENOMEM;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                fault_fail_allocation(n);
                r = guard_client_new(f->event, f->dir, &hold, mounts, 1, LONG_USEC, on_event, f, &f->client);
                fault_clear();
                assert_int_equal(f->client != NULL, r == 0);
                if (r < 0)
                        assert_int_equal(count_open_fds(), before);
        }

        assert_int_equal(r, 0);
        expect(f, GUARD_READY, S_OK);
        f->client = guard_client_free(f->client);
}

/* A coordinator of its own, which holds f->fs, tells the pid of its guard, and goes on for ever. */
static pid_t fork_coordinator(Fixture *f, pid_t *ret_guard) {
        int pipe_fds[2];
        pid_t pid;

        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                pid_t guard;

                sd_event_unref(f->event);
                if (sd_event_new(&f->event) < 0 || client_new(f, f->fs->fd, f->fs->target, LONG_USEC) < 0)
                        _exit(1);
                while (f->n_told < 1)
                        (void) sd_event_run(f->event, USEC_PER_SEC);
                if (guard_client_hold(f->client) < 0)
                        _exit(1);
                while (f->n_told < 2)
                        (void) sd_event_run(f->event, USEC_PER_SEC);

                guard = guard_client_pid(f->client);
                (void) fd_write_all(pipe_fds[1], &guard, sizeof(guard));
                (void) sd_event_loop(f->event);
                _exit(1);
        }

        fd_close(pipe_fds[1]);
        assert_int_equal(fd_read_full(pipe_fds[0], ret_guard, sizeof(*ret_guard)), sizeof(*ret_guard));
        fd_close(pipe_fds[0]);
        return pid;
}

static void test_that_a_write_goes_on_when_the_coordinator_is_killed(void **state) {
        Fixture *f = *state;
        pid_t pid, guard;
        usec_t begun;
        Writer *w;

        enter_private_mounts();
        f->fs = loop_fs_new(f->dir, "fs", "ext4");
        pid = fork_coordinator(f, &guard);
        w = writer_start(f->fs->target);
        assert_false(writer_is_done(w, BLOCKED_USEC));

        begun = now_usec(CLOCK_MONOTONIC);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_true(writer_is_done(w, TEST_PATIENCE_USEC));

        /* The list is still there, and whoever comes next finds nothing to do. */
        assert_true(file_exists(f->dir, "held"));
        assert_int_equal(guard_thaw_leftovers(f->dir), 0);
        assert_went_on(f, w, begun);
}

static void test_that_a_write_goes_on_when_both_are_killed(void **state) {
        Fixture *f = *state;
        pid_t pid, guard;
        usec_t begun;
        Writer *w;

        enter_private_mounts();
        f->fs = loop_fs_new(f->dir, "fs", "ext4");
        pid = fork_coordinator(f, &guard);

        /* Stopped, so that it does not see the guard go. */
        assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
        assert_int_equal(kill(guard, SIGKILL), 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);

        w = writer_start(f->fs->target);
        assert_false(writer_is_done(w, BLOCKED_USEC));

        begun = now_usec(CLOCK_MONOTONIC);
        assert_int_equal(guard_thaw_leftovers(f->dir), 0);
        assert_went_on(f, w, begun);
}

static void test_that_no_leftovers_are_no_failure(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *nowhere = path_in(f->dir, "nowhere");

        assert_int_equal(guard_thaw_leftovers(f->dir), 0);
        assert_int_equal(guard_thaw_leftovers(nowhere), 0);
}

static void test_that_leftovers_that_are_gone_are_forgotten(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *held = path_in(f->dir, "held"), *gone = path_in(f->dir, "gone");

        assert_int_equal(held_list_write(held, (char *[]){ gone, NULL }), 0);
        assert_int_equal(guard_thaw_leftovers(f->dir), 0);
        assert_false(file_exists(f->dir, "held"));

        write_file(f->dir, "held", "not a list\n");
        assert_int_equal(guard_thaw_leftovers(f->dir), -EBADMSG);
        assert_true(file_exists(f->dir, "held"));
}

#define client_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                client_test(test_that_a_hold_is_held_and_released),
                client_test(test_that_calls_at_the_wrong_time_are_refused),
                client_test(test_that_a_write_goes_on_when_the_guard_is_killed),
                client_test(test_that_a_write_goes_on_when_the_guard_is_stopped),
                client_test(test_that_a_stopped_guard_does_not_stop_a_blocking_release),
                client_test(test_that_a_killed_guard_does_not_stop_a_blocking_release),
                client_test(test_that_the_deadline_is_told),
                client_test(test_that_what_somebody_else_froze_is_refused),
                client_test(test_that_a_freeze_that_waits_is_told_as_such),
                client_test(test_that_freeing_the_client_thaws),
                client_test(test_that_the_handler_may_free_the_client),
                client_test(test_that_what_cannot_be_frozen_is_told),
                client_test(test_that_a_guard_that_dies_early_is_told),
                client_test(test_that_nothing_is_held_when_it_cannot_be_listed),
                client_test(test_that_senseless_holds_are_refused),
                client_test(test_that_starting_survives_any_failed_allocation),
                client_test(test_that_a_write_goes_on_when_the_coordinator_is_killed),
                client_test(test_that_a_write_goes_on_when_both_are_killed),
                client_test(test_that_no_leftovers_are_no_failure),
                client_test(test_that_leftovers_that_are_gone_are_forgotten),
        };

        return cmocka_run_group_tests(tests, private_mounts_group_setup, NULL);
}
