/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A revert that is done when the volume is next activated: it waits, over restarts of umbrad, without a worker, and nobody
 * can stop it. A provider of the test's says when that is; vm-revert-merge does it with lvm.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vsadmin.h>
#include <vsmgmt.h>
#include <vswriter.h>

#include "api/storage/storage.h"
#include "base/alloc.h"
#include "provider/provider-state.h"

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

/* On the file system that the state directory is on, too. */
static int setup_beside_state(void **state) {
        world = world_new();
        world_kill_umbrad(world);
        assert_true(geteuid() != 0 || umount2(world->volume, 0) == 0);
        world_start_umbrad(world);
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

static VSS_ID make_and_change(void) {
        VSS_ID id;

        write_file(world->volume, "data/file", "before\n");
        id = storage_make(world);
        write_file(world->volume, "data/file", "changed\n");
        return id;
}

static void revert(VSS_ID id) {
        IVssBackupComponentsEx4 *b = storage_object();

        assert_int_equal(IVssBackupComponentsEx4_RevertToSnapshot(b, id, TRUE), S_OK);
        storage_release(b);
}

static HRESULT query(IVssAsync **ret) {
        IVssBackupComponentsEx4 *b = storage_object();
        HRESULT hr;

        hr = IVssBackupComponentsEx4_QueryRevertStatus(b, wide(world->volume), ret);
        storage_release(b);
        return hr;
}

static bool no_revert_runs(void *arg) {
        IVssAsync *async;
        HRESULT hr;

        hr = query(&async);
        if (SUCCEEDED(hr))
                IVssAsync_Release(async);
        return hr == VSS_E_OBJECT_NOT_FOUND;
}

static bool no_worker_runs(void *arg) {
        return world_child(world, "umbra-provider") <= 0;
}

/* It has not ended, and is seen to wait. */
static void assert_waits(void) {
        HRESULT status = E_FAIL;
        IVssAsync *async;

        world_await_status(world, "\"kind\":\"revert\",\"doing\":false,\"waiting\":true");
        assert_int_equal(query(&async), S_OK);
        assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        assert_int_equal(status, VSS_S_ASYNC_PENDING);
        assert_int_equal(IVssAsync_Cancel(async), VSS_E_UNEXPECTED);
        IVssAsync_Release(async);
        assert_true(storage_reads(world->volume, "data/file", "changed\n"));
}

static void assert_ends(void) {
        assert_true(eventually(no_revert_runs, NULL, TEST_PATIENCE_USEC));
        assert_true(storage_reads(world->volume, "data/file", "before\n"));
        world_await_status(world, "\"done\":true");
}

static void test_that_a_revert_may_wait_and_is_done_when_it_can_be(void **state) {
        VSS_ID id = make_and_change(), nondeleted;
        IVssBackupComponentsEx4 *b;
        LONG deleted = 7;

        world_script(world, "reverted = waits");
        revert(id);
        assert_waits();
        assert_true(eventually(no_worker_runs, NULL, TEST_PATIENCE_USEC));

        /* What is waited for is needed, whoever has forgotten it. */
        b = storage_backup((LONG) VSS_CTX_ALL);
        assert_int_equal(IVssBackupComponentsEx4_DeleteSnapshots(b, id, VSS_OBJECT_SNAPSHOT, TRUE, &deleted,
                                                                 &nondeleted),
                         VSS_E_PROVIDER_VETO);
        assert_int_equal(deleted, 0);
        assert_int_equal(IVssBackupComponentsEx4_RevertToSnapshot(b, id, TRUE), VSS_E_REVERT_IN_PROGRESS);
        storage_release(b);

        world_script(world, NULL);
        assert_ends();
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_it_waits_over_restarts(void **state) {
        VSS_ID id = make_and_change();

        world_script(world, "reverted = waits");
        revert(id);
        assert_waits();
        for (unsigned i = 0; i < 2; ++i) {
                world_kill_umbrad(world);
                world_start_umbrad(world);
                assert_waits();
        }

        /* In another life, and by what was decided in the first one. */
        world_kill_umbrad(world);
        world_script(world, NULL);
        world_start_umbrad(world);
        assert_ends();
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_one_that_is_used_up_is_forgotten_when_it_has_ended(void **state) {
        VSS_ID id = make_and_change();
        IVssBackupComponentsEx4 *b;
        VSS_SNAPSHOT_PROP p;

        world_script(world, "reverted = waits");
        revert(id);
        assert_waits();
        p = storage_properties(id); /* it is there still */
        VssFreeSnapshotProperties(&p);

        world_script(world, "reverted = with-all");
        assert_ends();
        b = storage_backup((LONG) VSS_CTX_ALL);
        assert_int_equal(IVssBackupComponentsEx4_GetSnapshotProperties(b, id, &p), VSS_E_OBJECT_NOT_FOUND);
        storage_release(b);
        world_script(world, NULL);
        world_assert_clean(world);
}

static HRESULT start_set(void) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_APP_ROLLBACK);
        HRESULT hr;
        VSS_ID set;

        hr = IVssBackupComponentsEx4_StartSnapshotSet(b, &set);
        storage_release(b);
        return hr;
}

static HRESULT register_provider(void) {
        static const VSS_ID id = { 0x10000001, 1, 1, { 1, 2, 3, 4, 5, 6, 7, 8 } };
        IVssAdmin *admin;
        HRESULT hr;

        assert_int_equal(CoCreateInstance(&CLSID_VSSCoordinator, NULL, CLSCTX_ALL, &IID_IVssAdmin, (void **) &admin), S_OK);
        hr = IVssAdmin_RegisterProvider(admin, id, id, wide("provider"), VSS_PROV_HARDWARE, wide("1"), id);
        IVssAdmin_Release(admin);
        return hr;
}

static HRESULT add_area(void) {
        IVssDifferentialSoftwareSnapshotMgmt *diff;
        IVssSnapshotMgmt *mgmt;
        HRESULT hr;

        assert_int_equal(CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssSnapshotMgmt, (void **) &mgmt), S_OK);
        assert_int_equal(IVssSnapshotMgmt_GetProviderMgmtInterface(mgmt, fake_provider, &IID_IVssDifferentialSoftwareSnapshotMgmt,
                                                                   (IUnknown **) &diff),
                         S_OK);
        hr = IVssDifferentialSoftwareSnapshotMgmt_AddDiffArea(diff, wide(world->volume), wide(world->dir), -1);
        IVssDifferentialSoftwareSnapshotMgmt_Release(diff);
        IVssSnapshotMgmt_Release(mgmt);
        return hr;
}

static HRESULT unregister_writer(void) {
        IVssExpressWriter *w;
        HRESULT hr;

        assert_int_equal(CreateVssExpressWriterInternal(&w), S_OK);
        hr = IVssExpressWriter_Unregister(w, GUID_NULL);
        IVssExpressWriter_Release(w);
        return hr;
}

static void assert_nothing_is_begun(void) {
        static HRESULT (*const calls[])(void) = { start_set, register_provider, add_area, unregister_writer };

        for (size_t i = 0; i < ELEMENTSOF(calls); ++i) {
                assert_int_equal(calls[i](), VSS_E_REVERT_IN_PROGRESS);
                assert_non_null(strstr(umbra_last_error(), "restart the machine first"));
        }
}

static void move_state(const char *from, const char *to) {
        _cleanup_(freep) char *from_path = path_in(world->state, from), *to_path = path_in(world->state, to);

        assert_int_equal(rename(from_path, to_path), 0);
}

/* What the machine would start with: @taken, which was put into the snapshot, and nothing of what came later. */
static void restart_with(const char *taken) {
        static const char *const left[] = { STATE_CATALOG_JOURNAL, STATE_LEFT_BEHIND };

        for (size_t i = 0; i < ELEMENTSOF(left); ++i) {
                _cleanup_(freep) char *path = path_in(world->state, left[i]);

                assert_int_equal(unlink(path), 0);
        }
        move_state(taken, STATE_CATALOG);
        world_start_umbrad(world);
}

static void test_that_what_umbra_knows_is_taken_along_where_it_would_be_reverted(void **state) {
        VSS_ID id = make_and_change(), other = storage_make(world);

        world_script(world, "reverted = waits");
        assert_int_equal(start_set(), S_OK);
        revert(id); /* of the volume that the state directory is on */
        assert_waits();
        move_state(STATE_CATALOG_TAKEN, "taken");
        assert_nothing_is_begun();
        storage_delete(other, VSS_OBJECT_SNAPSHOT); /* that it is ended may be forgotten */
        world_kill_umbrad(world);
        world_start_umbrad(world);
        assert_waits();
        assert_nothing_is_begun();

        world_kill_umbrad(world);
        restart_with("taken");
        assert_waits();
        assert_int_equal(start_set(), S_OK);
        storage_delete(other, VSS_OBJECT_SNAPSHOT); /* which has gone long ago */

        world_script(world, NULL);
        assert_ends();
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_a_set_that_is_being_made_is_not_forgotten(void **state) {
        VSS_ID id = make_and_change(), set, added;
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK), *other = storage_object();
        _cleanup_(freep) char *beside = path_in(world->dir, "beside");
        IVssAsync *async;
        pid_t worker;

        assert_int_equal(mkdir(beside, 0755), 0);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &set), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(beside), fake_provider, &added), S_OK);
        world_script(world, "surface = hang; reverted = waits");
        assert_int_equal(IVssBackupComponentsEx4_DoSnapshotSet(b, &async), S_OK);
        world_await_status(world, "\"phase\":\"surface\"");
        assert_int_equal(IVssBackupComponentsEx4_RevertToSnapshot(other, id, TRUE), VSS_E_VOLUME_IN_USE);
        assert_non_null(strstr(umbra_last_error(), "a snapshot set is just being made"));
        assert_true(no_revert_runs(NULL));

        world_script(world, NULL);
        worker = world_child(world, "umbra-provider");
        assert_true(worker > 0);
        assert_int_equal(kill(worker, SIGKILL), 0);
        assert_true(FAILED(storage_end(async)));
        storage_release(other);
        storage_release(b);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_all_goes_on_when_there_is_no_revert_after_all(void **state) {
        static const char *const names[] = { STATE_CATALOG_TAKEN, STATE_LEFT_BEHIND };
        VSS_ID id = make_and_change();

        world_script(world, "reverted = waits");
        revert(id);
        assert_waits();
        for (size_t i = 0; i < ELEMENTSOF(names); ++i)
                assert_true(file_exists(world->state, names[i]));
        world_script(world, "revert = fail EIO");
        assert_true(eventually(no_revert_runs, NULL, TEST_PATIENCE_USEC));
        for (size_t i = 0; i < ELEMENTSOF(names); ++i)
                assert_false(file_exists(world->state, names[i]));
        assert_int_equal(start_set(), S_OK);
        world_script(world, NULL);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_revert_may_wait_and_is_done_when_it_can_be),
                cmocka_unit_test(test_that_it_waits_over_restarts),
                cmocka_unit_test(test_that_one_that_is_used_up_is_forgotten_when_it_has_ended),
        };

        const struct CMUnitTest beside_state[] = {
                cmocka_unit_test(test_that_what_umbra_knows_is_taken_along_where_it_would_be_reverted),
                cmocka_unit_test(test_that_a_set_that_is_being_made_is_not_forgotten),
                cmocka_unit_test(test_that_all_goes_on_when_there_is_no_revert_after_all),
        };

        return cmocka_run_group_tests(tests, setup, teardown) + cmocka_run_group_tests(beside_state, setup_beside_state, teardown);
}
