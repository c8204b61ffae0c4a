/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where paths lie, who may expose where, and who is against reverting.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/storage/storage.h"
#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/utf.h"
#include "phases/actors.h"
#include "provider/provider-busy.h"
#include "provider/provider-expose.h"

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

static HRESULT split(const char *path, BOOL normalize, char **ret_root, char **ret_prefix) {
        IVssBackupComponentsEx4 *b = storage_object();
        VSS_PWSZ root = (void *) 1, prefix = (void *) 1;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_GetRootAndLogicalPrefixPaths(b, wide(path), &root, &prefix, normalize);
        assert_int_equal(FAILED(hr), !root);
        assert_int_equal(FAILED(hr), !prefix);
        if (SUCCEEDED(hr)) {
                assert_int_equal(utf8_from_wide(root, ret_root), 0);
                assert_int_equal(utf8_from_wide(prefix, ret_prefix), 0);
        }
        CoTaskMemFree(root);
        CoTaskMemFree(prefix);
        storage_release(b);
        return hr;
}

static void test_that_a_path_has_a_root_that_can_be_added(void **state) {
        static const char *const below[] = {
                "", "/", "/data", "/data/file", "/data/file/", "/not/there/yet", "\\data\\file"
        };
        _cleanup_(freep) char *expected = NULL, *guid_name = NULL;
        IVssBackupComponentsEx4 *b;
        VSS_ID set_id, id;

        skip_unless_root(); /* then the volume is a mount */
        assert_int_equal(format_to(&expected, "%s/", world->volume), 0);
        for (size_t i = 0; i < ELEMENTSOF(below); ++i) {
                _cleanup_(freep) char *path = NULL, *root = NULL, *prefix = NULL;

                assert_int_equal(format_to(&path, "%s%s", world->volume, below[i]), 0);
                ASSERT_RETURNS(IVssBackupComponentsEx4, GetRootAndLogicalPrefixPaths, S_OK,
                               split(path, i % 2, &root, &prefix));
                assert_string_equal(root, expected);
                assert_int_equal(strncmp(prefix, "\\\\?\\Volume{", 11), 0);
                assert_int_equal(prefix[strlen(prefix) - 1], '\\');
                if (guid_name)
                        assert_string_equal(prefix, guid_name); /* the same for all, normalised or not */
                else
                        guid_name = TAKE_PTR(prefix);
        }

        /* Both are names of the volume. */
        for (size_t i = 0; i < 2; ++i) {
                b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
                assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &set_id), S_OK);
                assert_int_equal(IVssBackupComponentsEx4_AddToSnapshotSet(
                                         b, wide(i == 0 ? expected : guid_name), fake_provider, &id),
                                 S_OK);
                storage_release(b);
        }
        REACHES_RULE(IVssBackupComponentsEx4, "GetRootAndLogicalPrefixPaths",
                     "root path is what AddToSnapshotSet expects");
        REACHES_RULE(IVssBackupComponentsEx4, "GetRootAndLogicalPrefixPaths",
                     "bNormalizeFQDNforRootPath defaults to FALSE");

        {
                _cleanup_(freep) char *path = NULL, *root = NULL, *prefix = NULL;

                assert_int_equal(format_to(&path, "%sdata\\file", guid_name), 0);
                assert_int_equal(split(path, FALSE, &root, &prefix), S_OK);
                assert_string_equal(root, expected);
                assert_string_equal(prefix, guid_name);
        }
}

static void test_that_what_is_no_path_has_no_root(void **state) {
        static const struct {
                const char *path;
                HRESULT hr;
        } cases[] = {
                { "",                                                          E_INVALIDARG },
                { "relative/path",                                             E_INVALIDARG },
                { "C:\\Windows",                                               E_INVALIDARG },
                { "/proc/self",                                                VSS_E_VOLUME_NOT_SUPPORTED },
                { "\\\\?\\Volume{12345678-0000-0000-0000-000000000000}\\data", VSS_E_OBJECT_NOT_FOUND },
        };
        IVssBackupComponentsEx4 *b = storage_object();
        VSS_PWSZ root = (void *) 1;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                char *ignored, *ignored_too;
                HRESULT hr = split(cases[i].path, FALSE, &ignored, &ignored_too);

                if (hr != cases[i].hr)
                        fail_msg("'%s': 0x%08x %s", cases[i].path, (unsigned) hr, umbra_last_error());
        }
        assert_int_equal(
                IVssBackupComponentsEx4_GetRootAndLogicalPrefixPaths(b, wide("/"), &root, NULL, FALSE),
                E_INVALIDARG);
        assert_null(root);
        assert_int_equal(
                IVssBackupComponentsEx4_GetRootAndLogicalPrefixPaths(b, wide("/"), NULL, &root, FALSE),
                E_INVALIDARG);
        storage_release(b);
}

static void test_that_nobody_exposes_at_what_is_anothers(void **state) {
        _cleanup_(freep) char *place = path_in(world->dir, "place"), *link = path_in(world->dir, "link"),
                              *path = NULL;
        ProviderEnv env = { .state_dir = world->state, .runtime_dir = world->runtime, .privileged = true };
        uid_t other = geteuid() + 1;

        assert_int_equal(mkdir(place, 0755), 0);
        assert_int_equal(symlink(place, link), 0);

        /* What is root's is root's to give, and a link says nothing about who owns it. */
        assert_int_equal(provider_check_exposure(&env, place, other, &path), -EPERM);
        assert_int_equal(provider_check_exposure(&env, link, other, &path), -EPERM);
        assert_int_equal(provider_check_exposure(&env, place, geteuid(), &path), 0);
        free(TAKE_PTR(path));
        assert_int_equal(provider_check_exposure(&env, link, 0, &path), 0);
        assert_string_equal(path, place);
        assert_int_equal(provider_check_exposure(&env, world->state, 0, &(char *) { NULL }), -EINVAL);

        /* Without the right to mount nothing is exposed, and that is said first. */
        env.privileged = false;
        assert_int_equal(provider_check_exposure(&env, place, geteuid(), &(char *) { NULL }), -EPERM);
        assert_int_equal(provider_unexpose_bind(&env, world->volume, place), 0);
}

static void test_that_who_uses_a_directory_is_seen(void **state) {
        _cleanup_(freep) char *inside = path_in(world->volume, "data"),
                              *beside = path_in(world->dir, "volume2");
        int status, pipes[2];
        pid_t pid;

        assert_int_equal(provider_check_unused(world->volume), 0);
        assert_int_equal(pipe(pipes), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (chdir(inside) < 0 || write(pipes[1], "x", 1) != 1)
                        _exit(1);
                pause();
                _exit(0);
        }
        assert_true(eventually_readable(pipes[0], TEST_PATIENCE_USEC));
        assert_int_equal(provider_check_unused(world->volume), -EBUSY);
        assert_int_equal(mkdir(beside, 0755), 0);
        assert_int_equal(provider_check_unused(beside), 0); /* the name begins alike, and is another */
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(provider_check_unused(world->volume), 0);
        fd_close(pipes[0]);
        fd_close(pipes[1]);
}

/* Sleeps, or has ended. */
static bool is_at_rest(void *arg) {
        _cleanup_(freep) char *path = NULL, *text = NULL;
        const char *end;

        assert_int_equal(format_to(&path, "/proc/%d/stat", (int) *(pid_t *) arg), 0);
        assert_int_equal(file_read_text(path, 4096, &text), 0);
        end = strrchr(text, ')');
        return end && (end[2] == 'S' || end[2] == 'Z');
}

/* As the worker of a session that has just ended is one for the worker of the next. */
static void test_that_a_sibling_that_is_about_to_end_is_waited_for(void **state) {
        int status, pipes[2];
        pid_t user, looker;

        assert_int_equal(pipe(pipes), 0);
        user = fork();
        assert_true(user >= 0);
        if (user == 0) {
                char c;

                fd_close(pipes[1]);
                _exit(chdir(world->volume) < 0 || read(pipes[0], &c, 1) != 0);
        }
        assert_true(eventually(is_at_rest, &user, TEST_PATIENCE_USEC));
        looker = fork();
        assert_true(looker >= 0);
        if (looker == 0) {
                fd_close(pipes[1]);
                _exit(provider_check_unused(world->volume) < 0);
        }
        assert_true(eventually(is_at_rest, &looker, TEST_PATIENCE_USEC));
        fd_close(pipes[1]);
        fd_close(pipes[0]);
        assert_int_equal(waitpid(user, &status, 0), user);
        assert_int_equal(status, 0);
        assert_int_equal(waitpid(looker, &status, 0), looker);
        assert_int_equal(status, 0);
}

static bool should_block(const char *volume) {
        bool block = true, twin = false;

        assert_int_equal(ShouldBlockRevert(wide(volume), &block), S_OK);
        assert_int_equal(ShouldBlockRevertInternal(wide(volume), &twin), S_OK);
        assert_int_equal(block, twin);
        return block;
}

static bool writer_is_there(void *arg) {
        bool block = false;

        return ShouldBlockRevert(wide(arg), &block) == S_OK && block;
}

/* Where the volume lies, if it is one of its own. */
static char *device_of_volume(void) {
        char *device = NULL;
        struct stat st;

        assert_int_equal(stat(world->volume, &st), 0);
        assert_int_equal(format_to(&device, "/dev/loop%u", minor(st.st_dev)), 0);
        return device;
}

static void test_that_a_writer_may_be_against_reverting(void **state) {
        _cleanup_(freep) char *elsewhere = path_in(world->dir, "elsewhere"), *root = NULL, *name = NULL;
        Actor *writer;
        bool block = true;

        assert_int_equal(ShouldBlockRevert(L"/", &block), S_OK);
        assert_true(block); /* the system runs on it */
        assert_int_equal(ShouldBlockRevert(NULL, &block), E_INVALIDARG);
        assert_false(block);
        assert_int_equal(ShouldBlockRevert(wide(world->volume), NULL), E_INVALIDARG);

        /* Nobody is on the list. */
        writer = actor_writer("against", world->volume, NULL);
        assert_false(should_block(world->volume));

        /* It is, and its files lie here and not there. */
        write_file(world->dir, "umbra.conf",
                   "[revert]\nblocked-by = 5f0e7a11-1c2d-4e3f-8a9b-706861736573\n");
        world_kill_umbrad(world);
        world->config = path_in(world->dir, "umbra.conf");
        world_start_umbrad(world);
        assert_true(eventually(writer_is_there, world->volume,
                               TEST_PATIENCE_USEC)); /* it comes back by itself */
        assert_false(should_block(elsewhere));

        /* By whatever name. */
        assert_int_equal(split(world->volume, FALSE, &root, &name), S_OK);
        assert_true(should_block(name));
        if (world->held) {
                _cleanup_(freep) char *device = device_of_volume();

                assert_true(should_block(device));
        }
        assert_int_equal(ShouldBlockRevert(L"\\\\?\\Volume{5f0e7a11-1c2d-4e3f-8a9b-000000000000}\\", &block),
                         VSS_E_OBJECT_NOT_FOUND);
        actor_free(writer);

        world_kill_umbrad(world);
        assert_int_equal(ShouldBlockRevert(wide(world->volume), &block), VSS_E_UNEXPECTED);
        assert_false(block);
        world_start_umbrad(world);
        assert_false(should_block(world->volume)); /* who does not run has nothing here */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_path_has_a_root_that_can_be_added),
                cmocka_unit_test(test_that_what_is_no_path_has_no_root),
                cmocka_unit_test(test_that_nobody_exposes_at_what_is_anothers),
                cmocka_unit_test(test_that_who_uses_a_directory_is_seen),
                cmocka_unit_test(test_that_a_sibling_that_is_about_to_end_is_waited_for),
                cmocka_unit_test(test_that_a_writer_may_be_against_reverting),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
