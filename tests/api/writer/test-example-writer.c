/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Writer of the Manual
 *
 * docs/example-writer.c keeps its promise: whenever a shadow copy is made, its two files hold the same
 * number, and it goes on afterwards.
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <umbra.h>

#include "api/writer/backup.h"
#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/utf.h"
#include "lib/test-util.h"
#include "phases/world.h"

static bool is_there(void *arg) {
        Backup *b = backup_new();
        bool there = backup_gather(b) == S_OK && backup_writer_count(b) == 1;

        backup_free(b);
        return there;
}

static bool has_gone_on(void *arg) {
        const char *const *argument = arg; /* directory, the number then */
        _cleanup_(freep) char *left = read_file(argument[0], "left");

        return left && *left && strcmp(left, argument[1]) != 0;
}

static char *shadow_copy(Backup *b) {
        _cleanup_(freep) char *device = NULL;
        VSS_SNAPSHOT_PROP prop;

        assert_int_equal(IVssBackupComponents_GetSnapshotProperties(b->api, b->snapshot, &prop), S_OK);
        assert_int_equal(utf8_from_wide(prop.m_pwszSnapshotDeviceObject, &device), 0);
        VssFreeSnapshotProperties(&prop);
        return path_in(device, "data");
}

static void test_that_the_example_is_consistent_in_every_shadow_copy(void **state) {
        World *world = world_new();
        _cleanup_(freep) char *data = path_in(world->volume, "data");
        const char *const argv[] = { "example-writer", data, NULL };
        const SpawnOptions options = {
                .path = getenv("EXAMPLE_WRITER"),
                .argv = (char *const *) (uintptr_t) argv,
                .stdout_fd = -EBADF,
                .stderr_fd = -EBADF,
                .die_with_parent = true,
        };
        int pidfd, status;
        pid_t pid;

        assert_non_null(options.path);
        assert_int_equal(process_spawn(&options, &pid, &pidfd), 0);
        assert_true(eventually(is_there, NULL, TEST_PATIENCE_USEC));
        for (unsigned round = 0; round < 5; ++round) {
                Backup *b = backup_new();
                _cleanup_(freep) char *copy = NULL, *left = NULL, *right = NULL;

                assert_int_equal(backup_run(b, world->volume), S_OK);
                copy = shadow_copy(b);
                left = read_file(copy, "left");
                right = read_file(copy, "right");
                assert_non_null(left);
                assert_non_null(right);
                assert_string_equal(left, right);
                assert_true(eventually(has_gone_on, (const char *[]){ data, left }, TEST_PATIENCE_USEC));
                assert_int_equal(backup_complete(b), S_OK);
                backup_free(b);
        }
        assert_int_equal(kill(pid, SIGTERM), 0);
        assert_true(eventually_readable(pidfd, TEST_PATIENCE_USEC));
        (void) process_reap(pidfd, &status);
        fd_close(pidfd);
        world_assert_clean(world);
        world_free(world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_the_example_is_consistent_in_every_shadow_copy),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
