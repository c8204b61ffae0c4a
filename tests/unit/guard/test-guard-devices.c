/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The coordinator's end of the guard, holding devices of a device mapper that is linked in place of the real one, at
 * both ends. Its argument is a guard of that kind. Whoever is killed, the devices are resumed.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/hresult.h"
#include "guard/guard-client.h"
#include "guard/held-list.h"
#include "lib/test-util.h"

static char *guard_path;

typedef struct Fixture {
        char *dir, *device; /* the file that is there while the device is suspended */
        int fd;
        dev_t dev;
        sd_event *event;
        GuardClient *client;
        bool is_told;
        GuardEvent told;
        HRESULT hr;
} Fixture;

static int set_up(void **state) {
        _cleanup_(freep) char *libexec = NULL, *guard = NULL, *mapper = NULL;
        struct stat st;
        Fixture *f;

        f = calloc_checked(1, sizeof(*f));
        assert_non_null(f);
        f->dir = temp_dir_new();
        libexec = path_in(f->dir, "libexec");
        mapper = path_in(f->dir, "mapper");
        assert_int_equal(mkdir(libexec, 0700) | mkdir(mapper, 0700), 0);
        guard = path_in(libexec, "umbra-guard");
        assert_int_equal(symlink(guard_path, guard), 0);
        assert_int_equal(setenv("UMBRA_LIBEXECDIR", libexec, 1) | setenv("UMBRA_FAKE_MAPPER", mapper, 1), 0);

        f->fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(fstat(f->fd, &st), 0);
        f->dev = st.st_dev;
        assert_int_equal(format_to(&f->device, "%s/%u:%u", mapper, major(st.st_dev), minor(st.st_dev)), 0);
        assert_true(sd_event_new(&f->event) >= 0);
        *state = f;
        return 0;
}

static int tear_down(void **state) {
        Fixture *f = *state;

        guard_client_free(f->client);
        sd_event_unref(f->event);
        fd_close(f->fd);
        temp_dir_free(f->dir);
        free(f->device);
        free(f);
        return 0;
}

static void on_event(GuardClient *g, GuardEvent event, HRESULT hr, const char *message, void *userdata) {
        Fixture *f = userdata;

        assert_false(f->is_told);
        f->is_told = true;
        f->told = event;
        f->hr = hr;
}

static void expect(Fixture *f, GuardEvent event, HRESULT hr) {
        usec_t deadline = now_usec(CLOCK_MONOTONIC) + TEST_PATIENCE_USEC;

        while (!f->is_told) {
                assert_true(now_usec(CLOCK_MONOTONIC) < deadline);
                assert_true(sd_event_run(f->event, USEC_PER_SEC) >= 0);
        }

        f->is_told = false;
        assert_int_equal(f->told, event);
        assert_string_equal(hresult_name(f->hr), hresult_name(hr));
}

static void start_holding(Fixture *f, HoldKind kind) {
        const Hold hold = { .kind = kind, .fd = f->fd, .dev = f->dev };
        char *mounts[] = { (char[]){ "/proc" }, NULL };

        assert_int_equal(
                guard_client_new(f->event, f->dir, &hold, mounts, 1, TEST_PATIENCE_USEC, on_event, f, &f->client), 0);
        expect(f, GUARD_READY, S_OK);
        assert_int_equal(access(f->device, F_OK), -1);
        assert_int_equal(guard_client_hold(f->client), 0);
        expect(f, GUARD_HELD, S_OK);
        assert_int_equal(access(f->device, F_OK), kind == HOLD_SUSPEND ? 0 : -1);
}

/* What lvm does, and is killed. */
static void suspend_by_lvm(Fixture *f) {
        int fd = open(f->device, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        fd_close(fd);
}

static void assert_runs(Fixture *f) {
        assert_int_equal(access(f->device, F_OK), -1);
        assert_false(file_exists(f->dir, "held"));
}

static void test_that_a_device_is_suspended_and_resumed(void **state) {
        Fixture *f = *state;

        start_holding(f, HOLD_SUSPEND);
        assert_int_equal(guard_client_release(f->client), 0);
        expect(f, GUARD_THAWED, S_OK);
        assert_runs(f);
}

static void test_that_a_device_that_was_resumed_by_its_commit_is_left_alone(void **state) {
        Fixture *f = *state;

        start_holding(f, HOLD_SUSPEND);
        assert_int_equal(unlink(f->device), 0);
        assert_int_equal(guard_client_release(f->client), 0);
        expect(f, GUARD_THAWED, S_OK);
        assert_runs(f);
}

static void test_that_a_device_is_resumed_when_the_guard_is_killed(void **state) {
        Fixture *f = *state;

        start_holding(f, HOLD_SUSPEND);
        assert_int_equal(kill(guard_client_pid(f->client), SIGKILL), 0);
        expect(f, GUARD_FAILED, VSS_E_UNEXPECTED);
        assert_runs(f);
}

static void test_that_a_device_that_lvm_has_left_suspended_is_resumed(void **state) {
        Fixture *f = *state;

        start_holding(f, HOLD_WATCH);
        suspend_by_lvm(f);
        assert_int_equal(guard_client_release(f->client), 0);
        expect(f, GUARD_THAWED, S_OK);
        assert_runs(f);

        f->client = guard_client_free(f->client);
        start_holding(f, HOLD_WATCH);
        suspend_by_lvm(f);
        assert_int_equal(kill(guard_client_pid(f->client), SIGKILL), 0);
        expect(f, GUARD_FAILED, VSS_E_UNEXPECTED);
        assert_runs(f);
}

static void test_that_the_next_umbrad_resumes_a_device(void **state) {
        const Hold hold = { .kind = HOLD_WATCH, .dev = ((Fixture *) *state)->dev };
        Fixture *f = *state;
        _cleanup_(freep) char *list = path_in(f->dir, "held"), *entry = NULL;

        suspend_by_lvm(f);
        assert_int_equal(held_list_entry(&hold, "/proc", &entry), 0);
        assert_int_equal(held_list_write(list, (char *[]){ entry, NULL }), 0);
        assert_int_equal(guard_thaw_leftovers(f->dir), 0);
        assert_runs(f);
}

static void test_that_without_a_device_mapper_no_guard_is_started(void **state) {
        Fixture *f = *state;
        const Hold hold = { .kind = HOLD_SUSPEND, .fd = f->fd, .dev = f->dev };
        char *mounts[] = { (char[]){ "/proc" }, NULL };

        assert_int_equal(unsetenv("UMBRA_FAKE_MAPPER"), 0);
        assert_int_equal(
                guard_client_new(f->event, f->dir, &hold, mounts, 1, TEST_PATIENCE_USEC, on_event, f, &f->client),
                -ENOENT);
}

#define device_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                device_test(test_that_a_device_is_suspended_and_resumed),
                device_test(test_that_a_device_that_was_resumed_by_its_commit_is_left_alone),
                device_test(test_that_a_device_is_resumed_when_the_guard_is_killed),
                device_test(test_that_a_device_that_lvm_has_left_suspended_is_resumed),
                device_test(test_that_the_next_umbrad_resumes_a_device),
                device_test(test_that_without_a_device_mapper_no_guard_is_started),
        };

        int failed;

        if (argc != 2)
                return EXIT_FAILURE;

        guard_path = realpath(argv[1], NULL);
        if (!guard_path)
                return EXIT_FAILURE;

        failed = cmocka_run_group_tests(tests, NULL, NULL);
        free(guard_path);
        return failed;
}
