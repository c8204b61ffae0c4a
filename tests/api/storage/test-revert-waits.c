/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A revert that is done when the volume is next activated: it waits, over restarts of umbrad, without a worker, and nobody
 * can stop it. A provider of the test's says when that is; vm-revert-merge does it with lvm.
 */

#include <stdio.h>
#include <string.h>

#include "api/storage/storage.h"
#include "base/alloc.h"

static World *world;

static int setup(void **state) {
        world = world_new();
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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_revert_may_wait_and_is_done_when_it_can_be),
                cmocka_unit_test(test_that_it_waits_over_restarts),
                cmocka_unit_test(test_that_one_that_is_used_up_is_forgotten_when_it_has_ended),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
