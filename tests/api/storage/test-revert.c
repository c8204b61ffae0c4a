/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reverting a volume, all the way: it goes on whoever dies, everybody can follow it, and nobody can stop it.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/storage/storage.h"
#include "base/alloc.h"
#include "base/fd-util.h"

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

/* A shadow copy, and then the volume is another one. */
static VSS_ID make_and_change(void) {
        VSS_ID id;

        write_file(world->volume, "data/file", "the one thing to save\n");
        write_file(world->volume, "gone/soon", "here before\n");
        id = storage_make(world);
        write_file(world->volume, "data/file", "changed\n");
        write_file(world->volume, "data/new", "was not there\n");
        return id;
}

static void assert_reverted(void) {
        assert_true(storage_reads(world->volume, "data/file", "the one thing to save\n"));
        assert_true(storage_reads(world->volume, "gone/soon", "here before\n"));
        assert_false(file_exists(world->volume, "data/new"));
}

static HRESULT revert(VSS_ID id, BOOL force) {
        IVssBackupComponentsEx4 *b = storage_object();
        HRESULT hr;

        hr = IVssBackupComponentsEx4_RevertToSnapshot(b, id, force);
        storage_release(b);
        return hr;
}

/* By an object that knows nothing else; it lives as long as the IVssAsync. */
static HRESULT query(const char *volume, IVssAsync **ret) {
        IVssBackupComponentsEx4 *b = storage_object();
        HRESULT hr;

        *ret = (void *) 1;
        hr = IVssBackupComponentsEx4_QueryRevertStatus(b, wide(volume), ret);
        assert_int_equal(FAILED(hr), !*ret);
        storage_release(b);
        return hr;
}

static HRESULT status_of(IVssAsync *async) {
        HRESULT status = E_FAIL;

        assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        return status;
}

static bool no_revert_runs(void *arg) {
        IVssAsync *async;
        HRESULT hr;

        hr = query(world->volume, &async);
        if (SUCCEEDED(hr))
                IVssAsync_Release(async);
        return hr == VSS_E_OBJECT_NOT_FOUND;
}

static void assert_no_revert(void) {
        assert_true(eventually(no_revert_runs, NULL, TEST_PATIENCE_USEC));
}

/* It hangs, unless it has read the script late and is done. */
static void kill_worker(void) {
        pid_t worker = world_child(world, "umbra-provider");

        if (worker > 0)
                (void) kill(worker, SIGKILL);
}

static void test_that_a_volume_becomes_what_it_was(void **state) {
        VSS_ID id = make_and_change();
        IVssAsync *async;
        HRESULT hr;

        ASSERT_RETURNS(IVssBackupComponents, RevertToSnapshot, S_OK, revert(id, FALSE));
        /* It may be over before anybody has asked. */
        hr = query(world->volume, &async);
        if (hr != VSS_E_OBJECT_NOT_FOUND) {
                ASSERT_RETURNS(IVssBackupComponents, QueryRevertStatus, S_OK, hr);
                assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        }
        assert_reverted();
        assert_no_revert();

        /* Once more, from the same shadow copy. */
        write_file(world->volume, "data/file", "changed again\n");
        assert_int_equal(revert(id, TRUE), S_OK);
        assert_no_revert();
        assert_reverted();
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_a_running_revert_is_seen_by_all_and_stopped_by_none(void **state) {
        IVssBackupComponentsEx4 *b;
        VSS_ID id = make_and_change(), nondeleted;
        IVssAsync *async, *other;
        LONG deleted = 7;

        world_script(world, "revert = hang");
        assert_int_equal(revert(id, FALSE), S_OK);
        REACHES_RULE(IVssBackupComponents, "RevertToSnapshot", "returns no IVssAsync");

        ASSERT_RETURNS(IVssBackupComponents, QueryRevertStatus, S_OK, query(world->volume, &async));
        assert_int_equal(query(world->volume, &other), S_OK);
        assert_int_equal(status_of(async), VSS_S_ASYNC_PENDING);
        assert_int_equal(IVssAsync_Wait(async, 0), S_OK);

        ASSERT_RETURNS(IVssBackupComponents, RevertToSnapshot, VSS_E_REVERT_IN_PROGRESS, revert(id, FALSE));
        assert_int_equal(revert(id, TRUE), VSS_E_REVERT_IN_PROGRESS);

        assert_int_equal(IVssAsync_Cancel(async), VSS_E_UNEXPECTED);
        assert_int_equal(status_of(async), VSS_S_ASYNC_PENDING);
        assert_int_equal(IVssAsync_Cancel(async), VSS_E_UNEXPECTED);
        assert_int_equal(status_of(other), VSS_S_ASYNC_PENDING);

        /* What is reverted to is needed. */
        b = storage_backup((LONG) VSS_CTX_ALL);
        assert_int_equal(IVssBackupComponentsEx4_DeleteSnapshots(b, id, VSS_OBJECT_SNAPSHOT, TRUE, &deleted,
                                                                 &nondeleted),
                         VSS_E_PROVIDER_VETO);
        assert_int_equal(deleted, 0);
        assert_memory_equal(&nondeleted, &id, sizeof(id));
        storage_release(b);

        /* Its worker dies, and another one goes on. */
        world_await_status(world, "\"kind\":\"revert\",\"doing\":true");
        world_script(world, NULL);
        kill_worker();
        assert_int_equal(IVssAsync_Wait(async, INFINITE), S_OK);
        assert_int_equal(status_of(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssAsync_Cancel(async), VSS_S_ASYNC_FINISHED);
        IVssAsync_Release(async);
        assert_int_equal(storage_end(other), VSS_S_ASYNC_FINISHED);
        REACHES_RULE(IVssBackupComponents, "QueryRevertStatus", "can never report VSS_S_ASYNC_CANCELLED");
        REACHES_RULE(IVssBackupComponents, "QueryRevertStatus", "caller releases the IVssAsync");
        assert_reverted();
        ASSERT_RETURNS(IVssBackupComponents, QueryRevertStatus, VSS_E_OBJECT_NOT_FOUND,
                       query(world->volume, &async));
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

/* The set has a worker of its own, which is older. */
static void kill_newest_worker(void) {
        _cleanup_(freep) char *path = NULL;
        int pid = 0, next;
        FILE *children;

        assert_int_equal(format_to(&path, "/proc/%d/task/%d/children", world->umbrad, world->umbrad), 0);
        children = fopen(path, "re");
        assert_non_null(children);
        while (fscanf(children, "%d", &next) == 1) /* NOLINT(cert-err34-c): the kernel's numbers */
                pid = next;
        (void) fclose(children);
        assert_true(pid > 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
}

/* Hangs until the script is taken away and its worker killed. */
static IVssAsync *revert_and_hang(VSS_ID id) {
        IVssAsync *async;

        world_script(world, "revert = hang");
        assert_int_equal(revert(id, FALSE), S_OK);
        assert_int_equal(query(world->volume, &async), S_OK);
        world_await_status(world, "\"kind\":\"revert\",\"doing\":true");
        return async;
}

static HRESULT do_snapshot_set(IVssBackupComponentsEx4 *b) {
        IVssAsync *async;

        assert_int_equal(IVssBackupComponentsEx4_DoSnapshotSet(b, &async), S_OK);
        return storage_end(async);
}

static void test_that_a_volume_is_not_in_a_set_while_it_is_reverted(void **state) {
        VSS_ID id = make_and_change(), set_id, added;
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        IVssAsync *async;

        /* It is, when it is to be added. */
        async = revert_and_hang(id);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &set_id), S_OK);
        ASSERT_RETURNS(IVssBackupComponents, AddToSnapshotSet, VSS_E_PROVIDER_VETO,
                       IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(world->volume), fake_provider, &added));
        assert_non_null(strstr(umbra_last_error(), "QueryRevertStatus()"));
        world_script(world, NULL);
        kill_worker();
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(world->volume), fake_provider, &added),
                         S_OK);

        /* It is since it was added. */
        async = revert_and_hang(id);
        assert_int_equal(do_snapshot_set(b), VSS_E_PROVIDER_VETO);
        world_script(world, NULL);
        kill_newest_worker();
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        storage_release(b);
        storage_delete(storage_make(world), VSS_OBJECT_SNAPSHOT);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_a_volume_is_not_reverted_while_it_is_in_a_set(void **state) {
        VSS_ID id = make_and_change(), set_id, added;
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        IVssAsync *async;

        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &set_id), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(world->volume), fake_provider, &added),
                         S_OK);
        world_script(world, "surface = hang");
        assert_int_equal(IVssBackupComponentsEx4_DoSnapshotSet(b, &async), S_OK);
        world_await_status(world, "\"phase\":\"surface\"");
        assert_int_equal(revert(id, FALSE), VSS_E_VOLUME_IN_USE);
        assert_int_equal(revert(id, TRUE), VSS_E_VOLUME_IN_USE);
        assert_no_revert();
        assert_true(storage_reads(world->volume, "data/file", "changed\n"));

        world_script(world, NULL);
        kill_worker();
        assert_true(FAILED(storage_end(async)));
        storage_release(b);
        assert_int_equal(revert(id, FALSE), S_OK);
        assert_no_revert();
        assert_reverted();
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_a_revert_goes_on_after_a_crash(void **state) {
        static const char *const scripts[] = { "revert = hang", "revert = hang after" };

        for (size_t i = 0; i < ELEMENTSOF(scripts); ++i) {
                VSS_ID id = make_and_change();

                world_script(world, scripts[i]);
                assert_int_equal(revert(id, FALSE), S_OK);
                world_await_status(world, "\"kind\":\"revert\",\"doing\":true");
                if (i == 1)
                        world_await_status(world, "\"permille\":1000"); /* as far as one can get */
                world_kill_umbrad(world);
                world_script(world, NULL);
                world_start_umbrad(world);
                assert_no_revert();
                assert_reverted();
                storage_delete(id, VSS_OBJECT_SNAPSHOT);
                world_assert_clean(world);
        }
        REACHES_RULE(IVssBackupComponents, "RevertToSnapshot",
                     "cannot be cancelled or undone; continues after reboot");
}

static void test_that_a_revert_that_cannot_be_is_refused(void **state) {
        static const struct {
                const char *script;
                HRESULT hr;
        } cases[] = {
                { "may_revert = fail EOPNOTSUPP", VSS_E_VOLUME_NOT_SUPPORTED },
                { "may_revert = fail ENOSYS",     E_NOTIMPL },
                { "may_revert = fail EIO",        VSS_E_PROVIDER_VETO },
                { "may_revert = kill",            VSS_E_UNEXPECTED_PROVIDER_ERROR },
        };
        VSS_ID id = make_and_change(), other, set_id, nobody = { 1, 2, 3, { 4 } };
        _cleanup_(freep) char *file = path_in(world->volume, "data/file");
        _cleanup_(closep) int fd = -EBADF;
        IVssBackupComponentsEx4 *b;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr;

                world_script(world, cases[i].script);
                hr = revert(id, FALSE);
                if (hr != cases[i].hr)
                        fail_msg("%s: 0x%08x %s", cases[i].script, (unsigned) hr, umbra_last_error());
                assert_no_revert();
        }
        REACHES_RETURN(IVssBackupComponents, RevertToSnapshot, "VSS_E_VOLUME_NOT_SUPPORTED");
        world_script(world, NULL);

        ASSERT_RETURNS(IVssBackupComponents, RevertToSnapshot, E_INVALIDARG, revert(GUID_NULL, FALSE));
        ASSERT_RETURNS(IVssBackupComponents, RevertToSnapshot, VSS_E_OBJECT_NOT_FOUND,
                       revert(nobody, FALSE));

        fd = open(file, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        ASSERT_RETURNS(IVssBackupComponents, RevertToSnapshot, VSS_E_VOLUME_IN_USE, revert(id, FALSE));
        assert_true(storage_reads(world->volume, "data/file", "changed\n"));

        b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        storage_make_set(b, &world->volume, 1, fake_provider, &set_id, &other);
        ASSERT_RETURNS(IVssBackupComponents, RevertToSnapshot, VSS_E_UNSUPPORTED_CONTEXT,
                       revert(other, FALSE));
        storage_release(b);
        REACHES_RULE(IVssBackupComponents, "RevertToSnapshot", "only contexts APP_ROLLBACK");

        world_kill_umbrad(world);
        assert_int_equal(unsetenv("UMBRA_FAKE_PROVIDER"), 0);
        world_start_umbrad(world);
        ASSERT_RETURNS(IVssBackupComponents, RevertToSnapshot, VSS_E_PROVIDER_NOT_REGISTERED,
                       revert(id, FALSE));
        world_kill_umbrad(world);
        setenv("UMBRA_FAKE_PROVIDER", "1", 1);
        world_start_umbrad(world);

        /* Forced, it goes over whoever is there. */
        assert_int_equal(revert(id, TRUE), S_OK);
        assert_no_revert();
        assert_reverted();
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

/* One that is not there any more cannot either. */
static void test_that_a_provider_that_cannot_revert_says_so(void **state) {
        VSS_ID id = make_and_change();
        IVssAsync *async;

        world_script(world, "may_revert = fail ENOSYS");
        ASSERT_RETURNS(IVssBackupComponents, RevertToSnapshot, E_NOTIMPL, revert(id, FALSE));
        world_script(world, NULL);

        world_kill_umbrad(world);
        assert_int_equal(unsetenv("UMBRA_FAKE_PROVIDER"), 0);
        world_start_umbrad(world);
        ASSERT_RETURNS(IVssBackupComponents, QueryRevertStatus, E_NOTIMPL, query(world->volume, &async));
        world_kill_umbrad(world);
        setenv("UMBRA_FAKE_PROVIDER", "1", 1);
        world_start_umbrad(world);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static VSS_ID make_with_files(void) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        VSS_ID set_id, id;

        storage_make_set(b, &world->volume, 1, files_copy_provider, &set_id, &id);
        storage_release(b);
        return id;
}

static void test_that_the_files_provider_reverts(void **state) {
        _cleanup_(freep) char *gone = path_in(world->volume, "gone/soon"), *new_path = path_in(world->volume, "data/new");
        VSS_ID id;

        (void) unlink(new_path); /* an earlier test left it */
        write_file(world->volume, "data/file", "the one thing to save\n");
        write_file(world->volume, "gone/soon", "here before\n");
        id = make_with_files();
        write_file(world->volume, "data/file", "changed\n");
        write_file(world->volume, "data/new", "was not there\n");
        assert_int_equal(unlink(gone), 0);
        assert_int_equal(revert(id, FALSE), S_OK);
        assert_no_revert();
        assert_reverted();
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_only_volumes_are_asked_about(void **state) {
        _cleanup_(freep) char *file = path_in(world->volume, "data/file"), *trailing = NULL;
        IVssBackupComponentsEx4 *b = storage_object();
        IVssAsync *async = (void *) 1;
        VSS_ID id = make_and_change();

        ASSERT_RETURNS(IVssBackupComponents, QueryRevertStatus, E_POINTER,
                       IVssBackupComponentsEx4_QueryRevertStatus(b, wide(world->volume), NULL));
        ASSERT_RETURNS(IVssBackupComponents, QueryRevertStatus, E_INVALIDARG,
                       IVssBackupComponentsEx4_QueryRevertStatus(b, NULL, &async));
        assert_null(async);
        storage_release(b);
        assert_int_equal(query("", &async), E_INVALIDARG);
        assert_int_equal(query("relative", &async), E_INVALIDARG);
        assert_int_equal(query("/nowhere", &async), VSS_E_OBJECT_NOT_FOUND);
        ASSERT_RETURNS(IVssBackupComponents, QueryRevertStatus, VSS_E_VOLUME_NOT_SUPPORTED,
                       query("/proc/", &async));
        assert_int_equal(query(file, &async), VSS_E_VOLUME_NOT_SUPPORTED);
        assert_int_equal(query(world->volume, &async), VSS_E_OBJECT_NOT_FOUND);

        world_script(world, "revert = hang");
        assert_int_equal(revert(id, FALSE), S_OK);
        assert_int_equal(format_to(&trailing, "%s/", world->volume), 0);
        assert_int_equal(query(trailing, &async), S_OK);
        REACHES_RULE(IVssBackupComponents, "QueryRevertStatus",
                     "takes a volume name with trailing backslash");
        world_script(world, NULL);
        world_await_status(world, "\"kind\":\"revert\",\"doing\":true");
        kill_worker();
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
}

static void test_that_a_revert_that_fails_says_why_and_can_be_begun_anew(void **state) {
        static const struct {
                const char *script;
                HRESULT hr;
        } cases[] = {
                { "revert = fail EIO",    VSS_E_PROVIDER_VETO },
                { "revert = fail ENOSPC", VSS_E_INSUFFICIENT_STORAGE },
                { "revert = kill",        VSS_E_UNEXPECTED_PROVIDER_ERROR }, /* again and again */
        };
        VSS_ID id = make_and_change();

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                IVssAsync *async;
                HRESULT hr;

                /* It must not be over before we ask. */
                world_script(world, "revert = hang");
                assert_int_equal(revert(id, FALSE), S_OK);
                assert_int_equal(query(world->volume, &async), S_OK);
                world_await_status(world, "\"kind\":\"revert\",\"doing\":true");
                world_script(world, cases[i].script);
                kill_worker();
                hr = storage_end(async);
                if (hr != cases[i].hr)
                        fail_msg("%s: 0x%08x", cases[i].script, (unsigned) hr);
                assert_no_revert();
        }
        world_script(world, NULL);
        assert_int_equal(revert(id, FALSE), S_OK);
        assert_no_revert();
        assert_reverted();
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_losing_umbrad_is_an_internal_error_here(void **state) {
        IVssBackupComponentsEx4 *b = storage_object();
        IVssAsync *async = (void *) 1;

        world_kill_umbrad(world);
        ASSERT_RETURNS(IVssBackupComponents, RevertToSnapshot, E_FAIL,
                       IVssBackupComponentsEx4_RevertToSnapshot(b, fake_provider, FALSE));
        ASSERT_RETURNS(IVssBackupComponents, QueryRevertStatus, E_FAIL,
                       IVssBackupComponentsEx4_QueryRevertStatus(b, wide(world->volume), &async));
        assert_null(async);
        storage_release(b);
        world_start_umbrad(world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_volume_becomes_what_it_was),
                cmocka_unit_test(test_that_a_running_revert_is_seen_by_all_and_stopped_by_none),
                cmocka_unit_test(test_that_a_volume_is_not_in_a_set_while_it_is_reverted),
                cmocka_unit_test(test_that_a_volume_is_not_reverted_while_it_is_in_a_set),
                cmocka_unit_test(test_that_a_revert_goes_on_after_a_crash),
                cmocka_unit_test(test_that_a_revert_that_cannot_be_is_refused),
                cmocka_unit_test(test_that_a_provider_that_cannot_revert_says_so),
                cmocka_unit_test(test_that_the_files_provider_reverts),
                cmocka_unit_test(test_that_only_volumes_are_asked_about),
                cmocka_unit_test(test_that_a_revert_that_fails_says_why_and_can_be_begun_anew),
                cmocka_unit_test(test_that_losing_umbrad_is_an_internal_error_here),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
