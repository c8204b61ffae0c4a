/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Recovering several volumes at once from the shadow copies that a backup's document names.
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/storage/storage.h"
#include "base/alloc.h"

static World *world;
static char *second;    /* another volume */
static VSS_ID ids[2];   /* of world->volume, and of it */
static BSTR document;

static int setup(void **state) {
        world = world_new();
        second = path_in(world->dir, "second");
        return mkdir(second, 0755);
}

static int teardown(void **state) {
        free(TAKE_PTR(second));
        world = world_free(world);
        return 0;
}

/* Two volumes and their backup; then both change. */
static void back_up_with(VSS_ID provider) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        char *volumes[2] = { world->volume, second };
        VSS_ID set_id;

        write_file(world->volume, "data/file", "the one thing to save\n");
        write_file(second, "more", "another thing\n");
        storage_make_set(b, volumes, 2, provider, &set_id, ids);
        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(b, &document), S_OK);
        storage_release(b);
        write_file(world->volume, "data/file", "changed\n");
        write_file(second, "more", "changed\n");
}

static void forget_backup(void) {
        SysFreeString(document);
        document = NULL;
        storage_delete(ids[0], VSS_OBJECT_SNAPSHOT);
        storage_delete(ids[1], VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static IVssBackupComponentsEx4 *restorer(void) {
        IVssBackupComponentsEx4 *b = storage_object();

        assert_int_equal(IVssBackupComponentsEx4_InitializeForRestore(b, document), S_OK);
        return b;
}

static HRESULT add(IVssBackupComponentsEx4 *b, VSS_ID id, const char *destination) {
        return IVssBackupComponentsEx4_AddSnapshotToRecoverySet(b, id, 0,
                                                                destination ? wide(destination) : NULL);
}

static HRESULT recover(IVssBackupComponentsEx4 *b, DWORD flags) {
        IVssAsync *async = (void *) 1;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_RecoverSet(b, flags, &async);
        assert_int_equal(FAILED(hr), !async);
        return FAILED(hr) ? hr : storage_end(async);
}

static void test_that_all_volumes_come_back(void **state) {
        IVssBackupComponentsEx4 *b;

        back_up_with(fake_provider);
        b = restorer();
        ASSERT_RETURNS(IVssBackupComponentsEx3, AddSnapshotToRecoverySet, S_OK, add(b, ids[0], NULL));
        assert_int_equal(add(b, ids[1], second), S_OK);
        ASSERT_RETURNS(IVssBackupComponentsEx3, RecoverSet, S_OK,
                       recover(b, 0) == VSS_S_ASYNC_FINISHED ? S_OK : E_FAIL);
        storage_release(b);
        assert_true(storage_reads(world->volume, "data/file", "the one thing to save\n"));
        assert_true(storage_reads(second, "more", "another thing\n"));
        REACHES_RULE(IVssBackupComponentsEx3, "AddSnapshotToRecoverySet",
                     "NULL destination means the original volume");
        REACHES_RULE(IVssBackupComponentsEx3, "RecoverSet", "caller releases the IVssAsync");
        forget_backup();
}

static void test_that_another_volume_can_be_the_destination(void **state) {
        _cleanup_(freep) char *elsewhere = path_in(world->dir, "elsewhere");
        IVssBackupComponentsEx4 *b;

        assert_int_equal(mkdir(elsewhere, 0755), 0);
        write_file(elsewhere, "old", "in the way\n");
        back_up_with(fake_provider);
        b = restorer();
        assert_int_equal(add(b, ids[1], elsewhere), S_OK);
        assert_int_equal(recover(b, VSS_RECOVERY_REVERT_IDENTITY_ALL), VSS_S_ASYNC_FINISHED);
        storage_release(b);
        assert_true(storage_reads(elsewhere, "more", "another thing\n"));
        assert_false(file_exists(elsewhere, "old"));
        assert_true(storage_reads(second, "more", "changed\n"));
        forget_backup();
}

/* Whoever recovers a machine wants to go on with it, and not to hear that it is done at the next restart. */
static void test_that_a_recovery_does_not_wait(void **state) {
        IVssBackupComponentsEx4 *b;

        back_up_with(fake_provider);
        world_script(world, "reverted = waits");
        b = restorer();
        assert_int_equal(add(b, ids[0], NULL), S_OK);
        assert_int_equal(recover(b, 0), VSS_S_ASYNC_FINISHED);
        storage_release(b);
        assert_true(storage_reads(world->volume, "data/file", "the one thing to save\n"));
        world_script(world, NULL);
        forget_backup();
}

static void test_that_only_what_can_be_recovered_is_added(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        VSS_ID nobody = { 1, 2, 3, { 4 } }, gone, set_id;

        assert_int_equal(add(b, nobody, NULL), VSS_E_BAD_STATE);
        ASSERT_RETURNS(IVssBackupComponentsEx3, AddSnapshotToRecoverySet, VSS_E_BAD_STATE,
                       add(b, nobody, NULL));
        storage_release(b);

        back_up_with(fake_provider);
        b = restorer();
        assert_int_equal(add(b, GUID_NULL, NULL), E_INVALIDARG);
        assert_int_equal(IVssBackupComponentsEx4_AddSnapshotToRecoverySet(b, ids[0], 1, NULL), E_INVALIDARG);
        REACHES_RULE(IVssBackupComponentsEx3, "AddSnapshotToRecoverySet",
                     "snapshotId must not be GUID_NULL");
        ASSERT_RETURNS(IVssBackupComponentsEx3, AddSnapshotToRecoverySet, VSS_E_SNAPSHOT_NOT_IN_SET,
                       add(b, nobody, NULL));
        ASSERT_RETURNS(IVssBackupComponentsEx3, AddSnapshotToRecoverySet, VSS_E_VOLUME_NOT_SUPPORTED,
                       add(b, ids[0], "/proc"));
        assert_int_equal(add(b, ids[0], "/nowhere"), VSS_E_VOLUME_NOT_SUPPORTED);
        assert_int_equal(add(b, ids[0], NULL), S_OK);
        assert_int_equal(add(b, ids[0], NULL), VSS_E_BAD_STATE);         /* twice */
        assert_int_equal(add(b, ids[1], world->volume), VSS_E_BAD_STATE); /* both over one volume */
        storage_release(b);

        gone = ids[0];
        storage_delete(gone, VSS_OBJECT_SNAPSHOT);
        b = restorer();
        ASSERT_RETURNS(IVssBackupComponentsEx3, AddSnapshotToRecoverySet, VSS_E_OBJECT_NOT_FOUND,
                       add(b, gone, NULL));
        storage_release(b);
        SysFreeString(document);
        storage_delete(ids[1], VSS_OBJECT_SNAPSHOT);

        b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        storage_make_set(b, &world->volume, 1, files_copy_provider, &set_id, ids);
        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(b, &document), S_OK);
        storage_release(b);
        b = restorer();
        assert_int_equal(add(b, ids[0], NULL), S_OK);
        storage_release(b);
        SysFreeString(TAKE_PTR(document));
        storage_delete(ids[0], VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_recovering_needs_a_restore_and_a_set(void **state) {
        IVssBackupComponentsEx4 *b = storage_object();

        ASSERT_RETURNS(IVssBackupComponentsEx3, RecoverSet, VSS_E_BAD_STATE, recover(b, 0));
        assert_int_equal(IVssBackupComponentsEx4_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(recover(b, 0), VSS_E_BAD_STATE);
        storage_release(b);

        back_up_with(fake_provider);
        b = restorer();
        assert_int_equal(recover(b, 0), VSS_E_BAD_STATE); /* nothing was added */
        assert_int_equal(IVssBackupComponentsEx4_RecoverSet(b, 0, NULL), E_INVALIDARG);
        assert_int_equal(recover(b, 1), E_INVALIDARG);
        REACHES_RULE(IVssBackupComponentsEx3, "RecoverSet", "InitializeForRestore must have been called");
        REACHES_RULE(IVssBackupComponentsEx3, "RecoverSet", "flags are VSS_RECOVERY_OPTIONS");
        storage_release(b);
        forget_backup();
}

static void test_that_what_else_lies_on_a_destination_is_not_forgotten(void **state) {
        _cleanup_(freep) char *inner = path_in(second, "inner");
        IVssBackupComponentsEx4 *b;

        skip_unless_root();
        back_up_with(fake_provider);
        assert_int_equal(mkdir(inner, 0755), 0);
        assert_int_equal(mount(world->volume, inner, NULL, MS_BIND, NULL), 0);

        b = restorer();
        assert_int_equal(add(b, ids[1], NULL), S_OK);
        ASSERT_RETURNS(IVssBackupComponentsEx3, RecoverSet, VSS_E_UNSELECTED_VOLUME, recover(b, 0));
        assert_true(storage_reads(second, "more", "changed\n"));
        assert_int_equal(recover(b, VSS_RECOVERY_NO_VOLUME_CHECK), VSS_S_ASYNC_FINISHED);
        assert_true(storage_reads(second, "more", "another thing\n"));
        assert_true(storage_reads(inner, "data/file", "changed\n")); /* it was spared */
        storage_release(b);
        assert_int_equal(umount2(inner, MNT_DETACH), 0);
        forget_backup();
}

static void test_that_a_provider_that_fails_says_why(void **state) {
        static const struct {
                const char *script;
                HRESULT hr;
        } cases[] = {
                { "may_revert = fail ENOSYS",     E_NOTIMPL },
                { "may_revert = fail EOPNOTSUPP", VSS_E_VOLUME_NOT_SUPPORTED },
                { "revert = fail EIO",            VSS_E_PROVIDER_VETO },
                { "revert = fail ENOTUNIQ",       VSS_E_CANNOT_REVERT_DISKID },
                { "revert = kill",                VSS_E_UNEXPECTED_PROVIDER_ERROR },
        };
        IVssBackupComponentsEx4 *b;

        back_up_with(fake_provider);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr;

                world_script(world, cases[i].script);
                b = restorer();
                assert_int_equal(add(b, ids[0], NULL), S_OK);
                hr = recover(b, VSS_RECOVERY_REVERT_IDENTITY_ALL);
                if (hr != cases[i].hr)
                        fail_msg("%s: 0x%08x %s", cases[i].script, (unsigned) hr, umbra_last_error());
                storage_release(b);
        }
        REACHES_RETURN(IVssBackupComponentsEx3, RecoverSet, "E_NOTIMPL");
        REACHES_RETURN(IVssBackupComponentsEx3, RecoverSet, "VSS_E_PROVIDER_VETO");
        REACHES_RETURN(IVssBackupComponentsEx3, RecoverSet, "VSS_E_CANNOT_REVERT_DISKID");
        world_script(world, NULL);
        forget_backup();
}

static void test_that_one_recovery_runs_at_a_time(void **state) {
        IVssBackupComponentsEx4 *b, *other;
        IVssAsync *async = NULL;
        pid_t worker;

        back_up_with(fake_provider);
        other = restorer();
        b = restorer();
        assert_int_equal(add(b, ids[0], NULL), S_OK);
        assert_int_equal(add(other, ids[0], NULL), S_OK);
        world_script(world, "revert = hang");
        assert_int_equal(IVssBackupComponentsEx4_RecoverSet(b, 0, &async), S_OK);
        world_await_status(world, "\"kind\":\"revert\",\"doing\":true");

        assert_int_equal(recover(other, 0), VSS_E_RESYNC_IN_PROGRESS);
        storage_release(other);
        other = restorer();
        ASSERT_RETURNS(IVssBackupComponentsEx3, AddSnapshotToRecoverySet, VSS_E_RESYNC_IN_PROGRESS,
                       add(other, ids[0], NULL));
        assert_int_equal(add(other, ids[1], world->volume), VSS_E_RESYNC_IN_PROGRESS);
        storage_release(other);

        /* Cancelling it is waiting for its end. */
        world_script(world, NULL);
        worker = world_child(world, "umbra-provider");
        if (worker > 0)
                assert_int_equal(kill(worker, SIGKILL), 0);
        assert_int_equal(IVssAsync_Cancel(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        storage_release(b);
        assert_true(storage_reads(world->volume, "data/file", "the one thing to save\n"));
        forget_backup();
}

static void test_that_fast_recovery_is_reserved(void **state) {
        IVssBackupComponentsEx4 *b = storage_object();
        IVssAsync *async = (void *) 1;

        assert_int_equal(IVssBackupComponentsEx4_PreFastRecovery(b, ids[0], 0, &async), E_NOTIMPL);
        assert_null(async);
        async = (void *) 1;
        assert_int_equal(IVssBackupComponentsEx4_FastRecovery(b, ids[0], 0, &async), E_NOTIMPL);
        assert_null(async);
        REACHES_RETURN(IVssBackupComponentsEx2, PreFastRecovery, "-");
        REACHES_RETURN(IVssBackupComponentsEx2, FastRecovery, "-");
        REACHES_RULE(IVssBackupComponentsEx2, "PreFastRecovery", "slot must exist");
        REACHES_RULE(IVssBackupComponentsEx2, "FastRecovery", "slot must exist");
        storage_release(b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_all_volumes_come_back),
                cmocka_unit_test(test_that_another_volume_can_be_the_destination),
                cmocka_unit_test(test_that_a_recovery_does_not_wait),
                cmocka_unit_test(test_that_only_what_can_be_recovered_is_added),
                cmocka_unit_test(test_that_recovering_needs_a_restore_and_a_set),
                cmocka_unit_test(test_that_what_else_lies_on_a_destination_is_not_forgotten),
                cmocka_unit_test(test_that_a_provider_that_fails_says_why),
                cmocka_unit_test(test_that_one_recovery_runs_at_a_time),
                cmocka_unit_test(test_that_fast_recovery_is_reserved),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
