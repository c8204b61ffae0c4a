/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What providers of others may rely on: with which arguments they are called, when, and when not.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <oleauto.h>

#include "base/alloc.h"
#include "base/utf.h"
#include "providers/puppeteer.h"

static Puppeteer *puppeteer;

static int setup(void **state) {
        puppeteer = puppeteer_new(VSS_PROV_SOFTWARE);
        return 0;
}

static int teardown(void **state) {
        puppeteer = puppeteer_free(puppeteer);
        return 0;
}

static VSS_ID make(LONG context) {
        IVssBackupComponentsEx4 *b = storage_backup(context);
        HRESULT hr;
        VSS_ID id;

        hr = puppeteer_make(puppeteer, b, puppet_id, &id);
        if (hr != VSS_S_ASYNC_FINISHED)
                fail_msg("0x%08x %s", (unsigned) hr, umbra_last_error());
        storage_release(b);
        return id;
}

static unsigned count(const char *text, const char *what) {
        unsigned n = 0;

        for (; (text = strstr(text, what)); text += strlen(what))
                ++n;
        return n;
}

/* The last three steps stand in this order in @text. */
static void assert_order(const char *text, const char *const *steps, size_t n) {
        for (size_t i = 0; i < n; ++i) {
                text = strstr(text, steps[i]);
                if (!text)
                        fail_msg("'%s' does not come, or comes too early", steps[i]);
                text += strlen(steps[i]);
        }
}

static void test_that_each_step_comes_once_for_all_volumes(void **state) {
        static const char *const phases[] = {
                "\"freeze\"", "\"pre-commit\"", "\"hold\"", "\"commit\"", "\"release\"", "\"post-commit\"",
                "\"thaw\"",
        };
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        _cleanup_(freep) char *second = path_in(puppeteer->world->dir, "second"), *calls = NULL;
        char *volumes[] = { puppeteer->world->volume, second }, *json = NULL;
        VSS_ID set_id, ids[2];

        assert_int_equal(mkdir(second, 0755), 0);
        free(puppeteer_take_calls(puppeteer));
        storage_make_set(b, volumes, 2, puppet_id, &set_id, ids);
        storage_release(b);
        calls = puppeteer_take_calls(puppeteer);
        assert_int_equal(count(calls, "BeginPrepareSnapshot "), 2);
        assert_int_equal(count(calls, "EndPrepareSnapshots\n"), 1);
        assert_int_equal(count(calls, "\nCommitSnapshots\n"), 1);
        assert_int_equal(count(calls, "PostCommitSnapshots 2\n"), 1);
        assert_int_equal(count(calls, "PreFinalCommitSnapshots\n"), 1);
        assert_int_equal(count(calls, "GetSnapshotProperties\n"), 2);
        assert_int_equal(count(calls, "PostFinalCommitSnapshots\n"), 1);
        REACHES_RULE(IVssProviderCreateSnapshotSet, "EndPrepareSnapshots", "once per set after the last");
        REACHES_RULE(IVssSoftwareSnapshotProvider, "BeginPrepareSnapshot", "called by VSS once per shadow copy");

        assert_int_equal(umbra_get_status(&json), S_OK);
        assert_order(json, phases, ELEMENTSOF(phases));
        CoTaskMemFree(json);
        REACHES_RULE(IVssProviderCreateSnapshotSet, "PreCommitSnapshots", "after applications are frozen");
        REACHES_RULE(IVssProviderCreateSnapshotSet, "PostCommitSnapshots", "after all providers committed");
        storage_delete(set_id, VSS_OBJECT_SNAPSHOT_SET);
        puppeteer_assert_clean(puppeteer);
}

static void test_that_a_provider_is_not_told_a_context_before_there_is_one(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        _cleanup_(freep) char *calls = NULL;
        VSS_ID set_id, id;

        free(puppeteer_take_calls(puppeteer));
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &set_id), S_OK);
        assert_int_equal(
                IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(puppeteer->world->volume), puppet_id, &id), S_OK);
        storage_release(b);
        assert_true(puppeteer_await_call(puppeteer, "Gone\n"));
        calls = puppeteer_take_calls(puppeteer);
        assert_non_null(strstr(calls, "IsVolumeSupported "));
        assert_null(strstr(calls, "SetContext"));
        REACHES_RULE(IVssSoftwareSnapshotProvider, "SetContext", "default VSS_CTX_BACKUP");
        /* And what was never begun is not aborted. */
        assert_null(strstr(calls, "AbortSnapshots"));
        REACHES_RULE(IVssProviderCreateSnapshotSet, "AbortSnapshots", "only called after the requester");
}

/* Whichever context it is, one of others is not asked for what is umbra's own to make. */
static void test_that_client_accessible_copies_are_of_umbras_own_providers(void **state) {
        static const LONG contexts[] = { VSS_CTX_CLIENT_ACCESSIBLE, VSS_CTX_CLIENT_ACCESSIBLE_WRITERS };

        for (size_t i = 0; i < ELEMENTSOF(contexts); ++i) {
                IVssBackupComponentsEx4 *b = storage_backup(contexts[i]);
                _cleanup_(freep) char *calls = NULL;
                BOOL supported = TRUE;
                VSS_ID id;

                free(puppeteer_take_calls(puppeteer));
                assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), S_OK);
                assert_int_equal(IVssBackupComponentsEx4_IsVolumeSupported(b, puppet_id, wide(puppeteer->world->volume),
                                                                          &supported),
                                 S_OK);
                assert_false(supported);
                ASSERT_RETURNS(IVssBackupComponents, AddToSnapshotSet, VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER,
                               IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(puppeteer->world->volume), puppet_id, &id));
                assert_non_null(strstr(umbra_last_error(), "umbra's own"));

                /* Whoever leaves the choice to umbra gets one of them. */
                assert_int_equal(IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(puppeteer->world->volume), GUID_NULL, &id),
                                 S_OK);
                calls = puppeteer_take_calls(puppeteer);
                assert_null(strstr(calls, "IsVolumeSupported"));
                storage_release(b);
        }
        puppeteer_assert_clean(puppeteer);
}

static void test_that_a_provider_may_say_yes_and_then_have_no_room(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        VSS_ID id;

        puppeteer_script(puppeteer, "BeginPrepareSnapshot = VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED");
        assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id),
                         VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED);
        storage_release(b);
        puppeteer_script(puppeteer, NULL);
        puppeteer_assert_clean(puppeteer);
        REACHES_RULE(IVssSoftwareSnapshotProvider, "IsVolumeSupported", "TRUE even if creation is impossible");
}

/* The puppet looks at the structure, and at the arguments of Query(). */
static void test_that_structures_are_zero_and_queries_are_for_everything(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        _cleanup_(freep) char *calls = NULL;
        VSS_ID id;

        storage_delete(make(VSS_CTX_NAS_ROLLBACK), VSS_OBJECT_SNAPSHOT);
        REACHES_RULE(IVssSoftwareSnapshotProvider, "GetSnapshotProperties", "all members required");

        free(puppeteer_take_calls(puppeteer));
        puppeteer_script(puppeteer, "PostFinalCommitSnapshots = VSS_E_PROVIDER_VETO");
        assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id), VSS_E_PROVIDER_VETO);
        storage_release(b);
        puppeteer_script(puppeteer, NULL);
        puppeteer_assert_clean(puppeteer);
        calls = puppeteer_take_calls(puppeteer);
        assert_non_null(strstr(calls, "Query everything\n"));
        REACHES_RULE(IVssSoftwareSnapshotProvider, "Query", "GUID_NULL, VSS_OBJECT_NONE");
}

static void test_that_what_was_not_deleted_is_not_forgotten(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        VSS_ID id = make(VSS_CTX_NAS_ROLLBACK), nondeleted = GUID_NULL;
        LONG n = 0;

        puppeteer_script(puppeteer, "DeleteSnapshots = lie");
        assert_int_equal(
                IVssBackupComponentsEx4_DeleteSnapshots(b, id, VSS_OBJECT_SNAPSHOT, TRUE, &n, &nondeleted),
                VSS_E_UNEXPECTED_PROVIDER_ERROR);
        assert_memory_equal(&nondeleted, &id, sizeof(id));
        storage_release(b);
        puppeteer_script(puppeteer, NULL);
        world_kill_umbrad(puppeteer->world);
        world_start_umbrad(puppeteer->world);
        puppeteer_assert_clean(puppeteer);
        REACHES_RULE(IVssSoftwareSnapshotProvider, "DeleteSnapshots", "id in pNondeletedSnapshotID");
}

static void test_that_nothing_is_forbidden_where_there_is_no_shadow_copy(void **state) {
        BOOL present = TRUE;
        LONG bits = -1;

        assert_int_equal(IsVolumeSnapshotted(wide(puppeteer->world->volume), &present, &bits), S_OK);
        assert_false(present);
        assert_int_equal(bits, 0);
        REACHES_RULE(IVssSoftwareSnapshotProvider, "IsVolumeSnapshotted", "compatibility mask 0");
}

static void test_that_a_provider_learns_where_its_shadow_copy_is_exposed(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        _cleanup_(freep) char *place = path_in(puppeteer->dir, "place"), *call = NULL, *calls = NULL;
        VSS_ID id = make(VSS_CTX_NAS_ROLLBACK);
        VSS_PWSZ exposed = NULL;

        skip_unless_root();
        assert_int_equal(mkdir(place, 0755), 0);
        free(puppeteer_take_calls(puppeteer));
        assert_int_equal(IVssBackupComponentsEx4_ExposeSnapshot(b, id, NULL, VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,
                                                                wide(place), &exposed),
                         S_OK);
        CoTaskMemFree(exposed);
        assert_true(storage_reads(place, "data/file", "the one thing to save\n"));
        assert_int_equal(IVssBackupComponentsEx4_UnexposeSnapshot(b, id), S_OK);
        storage_release(b);
        calls = puppeteer_take_calls(puppeteer);
        assert_int_equal(
                format_to(&call, "SetSnapshotProperty %d %s\n", (int) VSS_SPROPID_EXPOSED_NAME, place), 0);
        assert_non_null(strstr(calls, call));
        assert_non_null(strstr(calls, "SetSnapshotProperty 8 -\n"));
        REACHES_RULE(IVssSoftwareSnapshotProvider, "SetSnapshotProperty", "VARIANT type follows");
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        puppeteer_assert_clean(puppeteer);
}

static void test_that_a_shadow_copy_is_read_only_when_it_is_made(void **state) {
        _cleanup_(freep) char *device = NULL, *file = NULL;
        VSS_SNAPSHOT_PROP p;
        VSS_ID id;

        skip_unless_root();
        puppeteer_script(puppeteer, "PreFinalCommitSnapshots = E_NOTIMPL"); /* it has no auto-recovery */
        id = make(VSS_CTX_NAS_ROLLBACK);
        puppeteer_script(puppeteer, NULL);
        REACHES_RULE(IVssProviderCreateSnapshotSet, "PreFinalCommitSnapshots", "auto-recovery");

        p = storage_properties(id);
        assert_int_equal(utf8_from_wide(p.m_pwszSnapshotDeviceObject, &device), 0);
        VssFreeSnapshotProperties(&p);
        file = path_in(device, "data/file");
        assert_true(open(file, O_WRONLY | O_CLOEXEC) < 0);
        REACHES_RULE(IVssProviderCreateSnapshotSet, "PostFinalCommitSnapshots", "read-only from now");
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        puppeteer_assert_clean(puppeteer);
}

static HRESULT revert(VSS_ID id, HRESULT *ret_status) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        IVssAsync *async = NULL;
        HRESULT hr;

        *ret_status = S_OK;
        hr = IVssBackupComponentsEx4_RevertToSnapshot(b, id, TRUE);
        if (hr == S_OK &&
            IVssBackupComponentsEx4_QueryRevertStatus(b, wide(puppeteer->world->volume), &async) == S_OK)
                *ret_status = storage_end(async);
        storage_release(b);
        return hr;
}

static void test_that_a_provider_reverts_persistent_shadow_copies(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        HRESULT status;
        VSS_ID id;

        assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_RevertToSnapshot(b, id, TRUE), VSS_E_UNSUPPORTED_CONTEXT);
        storage_release(b);
        puppeteer_assert_clean(puppeteer);

        /* The provider is busy reverting already: that is over before ours begins, and ours is waited for. */
        id = make(VSS_CTX_NAS_ROLLBACK);
        write_file(puppeteer->world->volume, "data/file", "changed since\n");
        assert_int_equal(revert(id, &status), S_OK);
        assert_true(status == S_OK || status == VSS_S_ASYNC_FINISHED);
        assert_true(storage_reads(puppeteer->world->volume, "data/file", "the one thing to save\n"));
        REACHES_RULE(IVssSoftwareSnapshotProvider, "RevertToSnapshot", "persistent contexts only");

        /* Nobody can cancel it, whatever the provider says. */
        puppeteer_script(puppeteer, "status = VSS_S_ASYNC_CANCELLED");
        assert_int_equal(revert(id, &status), S_OK);
        assert_true(status == VSS_E_UNEXPECTED_PROVIDER_ERROR);
        REACHES_RULE(IVssSoftwareSnapshotProvider, "QueryRevertStatus", "never report VSS_S_ASYNC_CANCELLED");

        puppeteer_script(puppeteer, "QueryRevertStatus = E_NOTIMPL");
        assert_int_equal(revert(id, &status), E_NOTIMPL);
        puppeteer_script(puppeteer, "QueryRevertStatus = lie");
        assert_int_equal(revert(id, &status), VSS_E_UNEXPECTED_PROVIDER_ERROR);
        puppeteer_script(puppeteer, NULL);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        puppeteer_assert_clean(puppeteer);
}

static void test_that_a_recovery_set_is_for_providers_that_can_resync(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        BSTR document = NULL;
        VSS_ID id;

        assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(b, &document), S_OK);
        storage_release(b);
        b = storage_object();
        assert_int_equal(IVssBackupComponentsEx4_InitializeForRestore(b, document), S_OK);
        SysFreeString(document);
        ASSERT_RETURNS(IVssBackupComponentsEx3, AddSnapshotToRecoverySet, VSS_E_LEGACY_PROVIDER,
                       IVssBackupComponentsEx4_AddSnapshotToRecoverySet(b, id, 0, NULL));
        storage_release(b);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        puppeteer_assert_clean(puppeteer);
}

static void test_that_a_provider_of_file_shares_is_asked_like_one_of_volumes(void **state) {
        static const char *const steps[] = {
                "IsPathSupported ", "SetContext 0x",          "BeginPrepareSnapshot ",  "EndPrepareSnapshots",
                "CommitSnapshots",  "PreFinalCommitSnapshots", "GetSnapshotProperties", "PostFinalCommitSnapshots",
        };
        static const char share[] = "faces = share set notifications\n";
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        _cleanup_(freep) char *added = NULL, *made = NULL, *deleted = NULL;
        VSS_ID set_id, id;
        IVssAsync *async = NULL;

        puppeteer_script(puppeteer, share);
        free(puppeteer_take_calls(puppeteer));
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &set_id), S_OK);
        assert_int_equal(
                IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(puppeteer->world->volume), puppet_id, &id), S_OK);
        added = read_file(puppeteer->dir, "calls");
        assert_non_null(strstr(added, "IsPathSupported "));
        assert_null(strstr(added, "SetContext"));
        REACHES_RULE(IVssFileShareSnapshotProvider, "IsPathSupported", "inside AddToSnapshotSet");
        REACHES_RULE(IVssFileShareSnapshotProvider, "SetContext", "default VSS_CTX_BACKUP");

        assert_int_equal(IVssBackupComponentsEx4_DoSnapshotSet(b, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        made = puppeteer_take_calls(puppeteer);
        assert_order(made, steps, ELEMENTSOF(steps));
        REACHES_RULE(IVssFileShareSnapshotProvider, "GetSnapshotProperties", "after PreFinalCommitSnapshots");
        assert_non_null(strstr(made, "ProviderId 11111111-2222-3333-4444-555555555501\n"));
        REACHES_RULE(IVssFileShareSnapshotProvider, "BeginPrepareSnapshot", "also receives the provider id");

        storage_release(b); /* auto-release */
        assert_true(puppeteer_await_call(puppeteer, "DeleteSnapshots snapshot\n"));
        puppeteer_assert_clean(puppeteer);
        free(puppeteer_take_calls(puppeteer));
        storage_delete(make(VSS_CTX_NAS_ROLLBACK), VSS_OBJECT_SNAPSHOT);
        deleted = puppeteer_take_calls(puppeteer);
        assert_non_null(strstr(deleted, "DeleteSnapshots snapshot\n"));
        REACHES_RULE(IVssFileShareSnapshotProvider, "DeleteSnapshots", "auto-release and for requester");

        puppeteer_script(puppeteer, "faces = share set notifications\nCommitSnapshots = VSS_E_PROVIDER_VETO");
        b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id), VSS_E_PROVIDER_VETO);
        storage_release(b);
        assert_true(puppeteer_await_call(puppeteer, "Query everything\n"));
        REACHES_RULE(IVssFileShareSnapshotProvider, "Query", "GUID_NULL, VSS_OBJECT_NONE");
        puppeteer_script(puppeteer, NULL);
        puppeteer_assert_clean(puppeteer);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_each_step_comes_once_for_all_volumes),
                cmocka_unit_test(test_that_a_provider_is_not_told_a_context_before_there_is_one),
                cmocka_unit_test(test_that_client_accessible_copies_are_of_umbras_own_providers),
                cmocka_unit_test(test_that_a_provider_may_say_yes_and_then_have_no_room),
                cmocka_unit_test(test_that_structures_are_zero_and_queries_are_for_everything),
                cmocka_unit_test(test_that_what_was_not_deleted_is_not_forgotten),
                cmocka_unit_test(test_that_nothing_is_forbidden_where_there_is_no_shadow_copy),
                cmocka_unit_test(test_that_a_provider_learns_where_its_shadow_copy_is_exposed),
                cmocka_unit_test(test_that_a_shadow_copy_is_read_only_when_it_is_made),
                cmocka_unit_test(test_that_a_provider_reverts_persistent_shadow_copies),
                cmocka_unit_test(test_that_a_recovery_set_is_for_providers_that_can_resync),
                cmocka_unit_test(test_that_a_provider_of_file_shares_is_asked_like_one_of_volumes),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
