/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rules of the reference that need no writers: what comes before what, and what may be said of a backup.
 * Those of restores are in test-restore-rules.c, those about events in tests/api/requesters/test-rules.c.
 */

#include <stdlib.h>
#include <string.h>
#include <umbra.h>
#include <wchar.h>

#include "api/stages.h"
#include "lib/reference.h"
#include "lib/test-util.h"

#define RULE(method, part) REACHES_RULE(IVssBackupComponents, method, part)

#define OK(call) assert_int_equal((call), S_OK)
#define BAD_STATE(call) assert_int_equal((call), VSS_E_BAD_STATE)
#define DB stage_writer, VSS_CT_DATABASE, L"path", L"db"

/* Each call at each stage, S_OK or VSS_E_BAD_STATE. */
typedef struct Order {
        const char *iface, *method, *rule;
        HRESULT (*call)(IVssBackupComponentsEx4 *b);
        Stage right, wrong;
} Order;

static const char base[] = "IVssBackupComponents", ex[] = "IVssBackupComponentsEx",
                  ex2[] = "IVssBackupComponentsEx2";

static WCHAR volume[] = L"\\srv\\data\\";

#define THUNK(name, ...)                                                                                    \
        static HRESULT name(IVssBackupComponentsEx4 *b) {                                                   \
                return __VA_ARGS__;                                                                         \
        }

static HRESULT set_context(IVssBackupComponentsEx4 *b, LONG context) {
        return IVssBackupComponents_SetContext(b, context);
}

static HRESULT metadata_at(IVssBackupComponentsEx4 *b, UINT i) {
        IVssExamineWriterMetadata *metadata = NULL;
        VSS_ID id;
        HRESULT hr = IVssBackupComponents_GetWriterMetadata(b, i, &id, &metadata);

        if (metadata)
                assert_int_equal(IVssExamineWriterMetadata_Release(metadata), 0);
        return hr;
}

static HRESULT status_at(IVssBackupComponentsEx4 *b, UINT i) {
        VSS_WRITER_STATE state;
        VSS_ID instance, id;
        BSTR name = NULL;
        HRESULT hr, failure;

        hr = IVssBackupComponents_GetWriterStatus(b, i, &instance, &id, &name, &state, &failure);
        SysFreeString(name);
        return hr;
}

static HRESULT save(IVssBackupComponentsEx4 *b) {
        BSTR xml = NULL;
        HRESULT hr = IVssBackupComponents_SaveAsXML(b, &xml);

        SysFreeString(xml);
        return hr;
}

THUNK(add_component,
      IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_FILEGROUP, NULL, L"files"))
THUNK(start_snapshot_set, IVssBackupComponents_StartSnapshotSet(b, &(VSS_ID){ 0 }))
THUNK(gather_metadata, STAGE_FINISH(b, GatherWriterMetadata))
THUNK(gather_status, STAGE_FINISH(b, GatherWriterStatus))
THUNK(prepare, STAGE_FINISH(b, PrepareForBackup))
THUNK(complete, STAGE_FINISH(b, BackupComplete))
THUNK(pre_restore, STAGE_FINISH(b, PreRestore))
THUNK(post_restore, STAGE_FINISH(b, PostRestore))
THUNK(first_metadata, metadata_at(b, 0))
THUNK(first_status, status_at(b, 0))
THUNK(metadata_count, IVssBackupComponents_GetWriterMetadataCount(b, &(UINT){ 0 }))
THUNK(status_count, IVssBackupComponents_GetWriterStatusCount(b, &(UINT){ 0 }))
THUNK(free_metadata, IVssBackupComponents_FreeWriterMetadata(b))
THUNK(abort_backup, IVssBackupComponents_AbortBackup(b))
THUNK(restore_state, IVssBackupComponents_SetRestoreState(b, VSS_RTYPE_BY_COPY))
THUNK(backup_options, IVssBackupComponents_SetBackupOptions(b, DB, L"x"))
THUNK(previous_stamp, IVssBackupComponents_SetPreviousBackupStamp(b, DB, L"x"))
THUNK(succeeded, IVssBackupComponents_SetBackupSucceeded(b, stage_instance, DB, true))
THUNK(select_db, IVssBackupComponents_SetSelectedForRestore(b, DB, true))
THUNK(select_ex, IVssBackupComponentsEx_SetSelectedForRestoreEx(b, DB, true, GUID_NULL))
THUNK(restore_options, IVssBackupComponents_SetRestoreOptions(b, DB, L"x"))
THUNK(additional, IVssBackupComponents_SetAdditionalRestores(b, DB, true))
THUNK(subcomponent, IVssBackupComponents_AddRestoreSubcomponent(b, DB, L"path\\db", L"table", false))
THUNK(new_target, IVssBackupComponents_AddNewTarget(b, DB, L"/srv/db", L"*.db", false, L"/new"))
THUNK(mapping,
      IVssBackupComponents_AddAlternativeLocationMapping(b, DB, L"/srv/db", L"*.db", false, L"/other"))
THUNK(ranges, IVssBackupComponents_SetRangesFilePath(b, DB, 0, L"/ranges"))
THUNK(file_status, IVssBackupComponents_SetFileRestoreStatus(b, DB, VSS_RS_ALL))
THUNK(authoritative, IVssBackupComponentsEx2_SetAuthoritativeRestore(b, DB, true))
THUNK(roll_forward, IVssBackupComponentsEx2_SetRollForward(b, DB, VSS_RF_ALL, NULL))
THUNK(restore_name, IVssBackupComponentsEx2_SetRestoreName(b, DB, L"new"))

static void test_that_things_have_their_order(void **state) {
        /* clang-format off */
        static const Order orders[] = {
                { base, "InitializeForBackup", "must be called before AddComponent", add_component, STAGE_GATHERED, STAGE_NEW },
                { base, "InitializeForBackup", "required before any shadow copy creation", start_snapshot_set, STAGE_BACKUP, STAGE_NEW },
                { base, "SetRestoreState", "optional; if used", restore_state, STAGE_RESTORE, STAGE_RESTORING },
                { base, "GatherWriterMetadata", "call only once", gather_metadata, STAGE_BACKUP, STAGE_GATHERED },
                { base, "GatherWriterMetadata", "needed for both", select_db, STAGE_RESTORE, STAGE_LOADED },
                { base, "GetWriterMetadataCount", "must have completed", metadata_count, STAGE_GATHERED, STAGE_BACKUP },
                { base, "GetWriterMetadata", "must have completed", first_metadata, STAGE_GATHERED, STAGE_BACKUP },
                { base, "GetWriterMetadata", "not normally used during restore", first_metadata, STAGE_RESTORING, STAGE_LOADED },
                { base, "FreeWriterMetadata", "never call before", free_metadata, STAGE_GATHERED, STAGE_BACKUP },
                { base, "AddComponent", "requires InitializeForBackup", add_component, STAGE_GATHERED, STAGE_CREATED },
                /* ShadowSpawn comes later, and is let. */
                { base, "AddComponent", "must come before StartSnapshotSet", add_component, STAGE_SET, STAGE_PREPARED },
                { base, "PrepareForBackup", "should be called in writer contexts", prepare, STAGE_SET, STAGE_GATHERED },
                { base, "AbortBackup", "restores cannot be aborted", abort_backup, STAGE_PREPARED, STAGE_RESTORING },
                { base, "GatherWriterStatus", "expected after", gather_status, STAGE_GATHERED, STAGE_BACKUP },
                { base, "GatherWriterStatus", "after BackupComplete, GatherWriterStatus must", gather_status, STAGE_COMPLETE, STAGE_BACKUP },
                { base, "GetWriterStatusCount", "must have completed", status_count, STAGE_STATUS, STAGE_CREATED },
                { base, "GetWriterStatus", "must have completed", first_status, STAGE_STATUS, STAGE_CREATED },
                { base, "SetBackupSucceeded", "component mode", succeeded, STAGE_CREATED, STAGE_COMPLETE },
                { base, "SetBackupOptions", "must be called before", backup_options, STAGE_SET, STAGE_PREPARED },
                { base, "SetPreviousBackupStamp", "backup only", previous_stamp, STAGE_SET, STAGE_RESTORE },
                { base, "SetSelectedForRestore", "component-mode restores only", select_db, STAGE_RESTORE, STAGE_RESTORING },
                { base, "SetSelectedForRestore", "is a copy-paste", select_db, STAGE_RESTORE, STAGE_SET },
                { base, "SetRestoreOptions", "must be called before", restore_options, STAGE_RESTORE, STAGE_RESTORING },
                { base, "SetAdditionalRestores", "must be called before", additional, STAGE_RESTORE, STAGE_RESTORING },
                { base, "BackupComplete", "SetBackupSucceeded for every component first", complete, STAGE_CREATED, STAGE_SET },
                { base, "AddAlternativeLocationMapping", "called after the restore", mapping, STAGE_RESTORING, STAGE_CREATED },
                { base, "AddRestoreSubcomponent", "must be called before", subcomponent, STAGE_SELECTED, STAGE_RESTORING },
                { base, "AddRestoreSubcomponent", "must first be selected", subcomponent, STAGE_SELECTED, STAGE_RESTORE },
                { base, "SetFileRestoreStatus", "between PreRestore and PostRestore", file_status, STAGE_RESTORING, STAGE_SELECTED },
                { base, "AddNewTarget", "restore only", new_target, STAGE_RESTORE, STAGE_RESTORING },
                { base, "SetRangesFilePath", "restore only", ranges, STAGE_RESTORING, STAGE_CREATED },
                { base, "PreRestore", "must follow InitializeForRestore", pre_restore, STAGE_SELECTED, STAGE_LOADED },
                { base, "PreRestore", "caller releases", pre_restore, STAGE_SELECTED, STAGE_LOADED },
                { base, "PostRestore", "caller releases", post_restore, STAGE_RESTORING, STAGE_SELECTED },
                { base, "GatherWriterMetadata", "caller releases", gather_metadata, STAGE_BACKUP, STAGE_NEW },
                { base, "PrepareForBackup", "caller releases", prepare, STAGE_SET, STAGE_GATHERED },
                { base, "GatherWriterStatus", "caller releases", gather_status, STAGE_PREPARED, STAGE_BACKUP },
                { base, "BackupComplete", "follow with GatherWriterStatus", gather_status, STAGE_COMPLETE, STAGE_BACKUP },
                { base, "GetWriterMetadata", "caller releases", first_metadata, STAGE_GATHERED, STAGE_BACKUP },
                { base, "GetWriterStatus", "caller frees pbstrWriter", first_status, STAGE_STATUS, STAGE_CREATED },
                { base, "SaveAsXML", "never call before PrepareForBackup", save, STAGE_BACKUP, STAGE_NEW }, /* XenServer does, and gets what there is */
                { base, "SaveAsXML", "may be saved earlier", save, STAGE_CREATED, STAGE_NEW },
                { ex, "SetSelectedForRestoreEx", "component-mode", select_ex, STAGE_RESTORE, STAGE_RESTORING },
                { ex2, "SetAuthoritativeRestore", "restore only", authoritative, STAGE_RESTORE, STAGE_SET },
                { ex2, "SetRollForward", "restore only", roll_forward, STAGE_RESTORE, STAGE_SET },
                { ex2, "SetRestoreName", "restore only", restore_name, STAGE_RESTORE, STAGE_SET },
        };
        /* clang-format on */

        for (const Order *o = orders; o < orders + ELEMENTSOF(orders); ++o) {
                IVssBackupComponentsEx4 *b = stage_new(o->wrong, DAMAGE_NONE);

                if (o->call(b) != VSS_E_BAD_STATE)
                        fail_msg("%s: %s: not refused", o->method, o->rule);
                stage_release(b);
                b = stage_new(o->right, DAMAGE_NONE);
                if (o->call(b) != S_OK)
                        fail_msg("%s: %s: %s", o->method, o->rule, umbra_last_error());
                stage_release(b);
                reference_reach_rule(o->iface, o->method, o->rule);
        }
}

static void test_that_the_state_of_a_backup_is_said_before_writers_prepare(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_BACKUP, DAMAGE_NONE);
        VSS_ID id;

        OK(STAGE_FINISH(b, GatherWriterMetadata));
        OK(start_snapshot_set(b));
        OK(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id));
        BAD_STATE(STAGE_FINISH(b, PrepareForBackup));
        assert_non_null(strstr(umbra_last_error(), "SetBackupState()"));
        OK(IVssBackupComponents_SetBackupState(b, false, false, VSS_BT_COPY, false));
        OK(STAGE_FINISH(b, PrepareForBackup));
        BAD_STATE(IVssBackupComponents_SetBackupState(b, false, false, VSS_BT_COPY, false));
        RULE("SetBackupState", "must be called before PrepareForBackup");
        RULE("SetBackupState", "required before PrepareForBackup");
        RULE("PrepareForBackup", "SetBackupState must have been called");
        stage_release(b);
}

static void test_that_a_context_is_chosen_once_and_decides_about_writers(void **state) {
        static const LONG without_writers[] = { VSS_CTX_FILE_SHARE_BACKUP, VSS_CTX_NAS_ROLLBACK };
        IVssBackupComponentsEx4 *b = stage_new(STAGE_BACKUP, DAMAGE_NONE);
        VSS_ID id;

        OK(set_context(b, VSS_CTX_BACKUP));
        BAD_STATE(set_context(b, VSS_CTX_BACKUP));
        RULE("SetContext", "only once per object");
        stage_release(b);

        b = stage_new(STAGE_BACKUP, DAMAGE_NONE);
        OK(set_context(b, VSS_CTX_APP_ROLLBACK | VSS_VOLSNAP_ATTR_NO_AUTORECOVERY));
        RULE("SetContext", "value is one VSS_SNAPSHOT_CONTEXT");
        stage_release(b);

        for (size_t i = 0; i < ELEMENTSOF(without_writers); ++i) {
                b = stage_new(STAGE_BACKUP, DAMAGE_NONE);
                OK(set_context(b, without_writers[i]));
                OK(STAGE_FINISH(b, GatherWriterMetadata)); /* may be, and has no effect */
                BAD_STATE(add_component(b));
                OK(start_snapshot_set(b));
                OK(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id));
                BAD_STATE(STAGE_FINISH(b, PrepareForBackup));
                OK(STAGE_FINISH(b, DoSnapshotSet));
                BAD_STATE(STAGE_FINISH(b, BackupComplete));
                stage_release(b);
        }
        RULE("AddComponent", "fails in writerless contexts");
        RULE("PrepareForBackup", "fails in writerless contexts");
        RULE("BackupComplete", "fails in writerless contexts");

        /* With writers they must have been asked, without they need not. */
        b = stage_new(STAGE_BACKUP, DAMAGE_NONE);
        OK(IVssBackupComponents_SetBackupState(b, false, false, VSS_BT_COPY, false));
        OK(start_snapshot_set(b));
        OK(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id));
        BAD_STATE(STAGE_FINISH(b, PrepareForBackup));
        BAD_STATE(STAGE_FINISH(b, DoSnapshotSet)); /* nobody said a context: it has writers */
        stage_release(b);
        b = stage_new(STAGE_BACKUP, DAMAGE_NONE);
        OK(set_context(b, VSS_CTX_FILE_SHARE_BACKUP));
        OK(start_snapshot_set(b));
        OK(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id));
        OK(STAGE_FINISH(b, DoSnapshotSet));
        stage_release(b);
        RULE("GatherWriterMetadata", "mandatory before DoSnapshotSet");
        RULE("SetContext", "without it the context is VSS_CTX_BACKUP");
}

static void test_that_metadata_is_gathered_and_freed_once(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_GATHERED, DAMAGE_NONE);
        UINT n = 0, n_status = 0;

        OK(IVssBackupComponents_GetWriterMetadataCount(b, &n));
        assert_int_equal(metadata_at(b, n), VSS_E_OBJECT_NOT_FOUND);
        OK(metadata_at(b, 0));
        RULE("GetWriterMetadata", "index 0..n-1");
        REACHES_RULE(IVssBackupComponentsEx, "GetWriterMetadataEx",
                     "GatherWriterMetadata must have completed");

        OK(STAGE_FINISH(b, GatherWriterStatus));
        OK(IVssBackupComponents_GetWriterStatusCount(b, &n_status));
        assert_int_equal(n, n_status);
        RULE("GetWriterMetadataCount", "expected to equal");
        RULE("GetWriterStatusCount", "expected to equal");

        OK(STAGE_FINISH(b, GatherWriterStatus)); /* what was not freed before is then */
        RULE("GatherWriterStatus", "call FreeWriterStatus");
        OK(IVssBackupComponents_FreeWriterStatus(b));
        BAD_STATE(status_at(b, 0));
        RULE("FreeWriterStatus", "frees what");

        OK(IVssBackupComponents_FreeWriterMetadata(b));
        BAD_STATE(metadata_at(b, 0));
        BAD_STATE(STAGE_FINISH(b, GatherWriterMetadata));
        RULE("FreeWriterMetadata", "cannot be gathered again");
        stage_release(b);
}

static void test_that_a_status_has_two_outputs_that_may_be_missing(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        VSS_WRITER_STATE state_of_writer;
        HRESULT failure, application;
        VSS_ID instance, id;
        BSTR name = NULL, message = NULL;

        BAD_STATE(IVssBackupComponentsEx3_GetWriterStatusEx(b, 0, &instance, &id, &name, &state_of_writer,
                                                            &failure, NULL, NULL));
        OK(STAGE_FINISH(b, GatherWriterStatus));
        REACHES_RULE(IVssBackupComponentsEx3, "GetWriterStatusEx", "GatherWriterStatus must have completed");
        OK(IVssBackupComponentsEx3_GetWriterStatusEx(b, 1, &instance, &id, &name, &state_of_writer, &failure,
                                                     NULL, NULL));
        SysFreeString(name);
        assert_int_equal(IVssBackupComponentsEx3_GetWriterStatusEx(b, 1, NULL, &id, &name, &state_of_writer,
                                                                   &failure, NULL, NULL),
                         E_INVALIDARG);
        REACHES_RULE(IVssBackupComponentsEx3, "GetWriterStatusEx", "are optional");
        OK(IVssBackupComponentsEx3_GetWriterStatusEx(b, 1, &instance, &id, &name, &state_of_writer, &failure,
                                                     &application, &message));
        assert_int_equal(application, 7);
        assert_non_null(message);
        SysFreeString(name);
        SysFreeString(message);
        REACHES_RULE(IVssBackupComponentsEx3, "GetWriterStatusEx", "caller frees");
        stage_release(b);
}

static void test_that_components_are_those_that_the_writers_have(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_GATHERED, DAMAGE_NONE);
        UINT n = 7;

        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_DATABASE,
                                                           L"path", L"no"),
                         VSS_E_OBJECT_NOT_FOUND);
        RULE("AddComponent", "must exist in the gathered metadata");
        OK(IVssBackupComponents_GetWriterComponentsCount(b, &n));
        assert_int_equal(n, 0);
        OK(add_component(b)); /* without a path, and not selectable: nothing selectable is above it */
        RULE("AddComponent", "all its nonselectable components");
        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_FILEGROUP,
                                                           NULL, NULL),
                         E_INVALIDARG);
        OK(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_FILEGROUP, L"\\",
                                             L"odd <&>\"\\ \t"));
        RULE("AddComponent", "no character restrictions");
        /* What that does is not defined; here it is taken as it was said. */
        OK(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_DATABASE, L"path\\db",
                                             L"hidden"));
        RULE("AddComponent", "add only selectable-for-backup");
        OK(IVssBackupComponents_GetWriterComponentsCount(b, &n));
        assert_int_equal(n, 1); /* three components, one writer */
        RULE("GetWriterComponentsCount", "counts writers");
        {
                IVssWriterComponentsExt *writer = NULL;

                assert_int_equal(IVssBackupComponents_GetWriterComponents(b, n, &writer),
                                 VSS_E_OBJECT_NOT_FOUND);
                OK(IVssBackupComponents_GetWriterComponents(b, n - 1, &writer));
                assert_int_equal(IVssWriterComponentsExt_Release(writer), 0);
        }
        RULE("GetWriterComponents", "index 0..n-1");
        RULE("GetWriterComponents", "caller releases");
        stage_release(b);
}

static void test_that_what_was_handed_out_ends_with_the_next_step(void **state) {
        static const struct {
                Stage before;
                HRESULT (*step)(IVssBackupComponentsEx4 *b);
        } steps[] = {
                { STAGE_SET, prepare },
                { STAGE_CREATED, complete },
                { STAGE_SELECTED, pre_restore },
                { STAGE_RESTORING, post_restore },
        };

        for (size_t i = 0; i < ELEMENTSOF(steps); ++i) {
                IVssBackupComponentsEx4 *b = stage_new(steps[i].before, DAMAGE_NONE);
                IVssComponent *c = stage_component(b, 0), *again;
                BSTR name = NULL;

                assert_true(STAGE_SAYS(c, GetComponentName, L"db"));
                OK(steps[i].step(b));
                assert_int_equal(IVssComponent_GetComponentName(c, &name), VSS_E_OBJECT_NOT_FOUND);
                assert_null(name);
                again = stage_component(b, 0);
                assert_true(STAGE_SAYS(again, GetComponentName, L"db"));
                IVssComponent_Release(again);
                IVssComponent_Release(c);
                stage_release(b);
        }
        RULE("GetWriterComponents", "must not be cached");
}

static void test_that_options_belong_to_a_class_and_are_its_own_business(void **state) {
        static const WCHAR odd[] = L"<a=\"b\">\\x \t;[](){}";
        IVssBackupComponentsEx4 *b;

        stage_add_second(stage_umbrad);
        b = stage_new(STAGE_GATHERED, DAMAGE_NONE);
        OK(IVssBackupComponents_AddComponent(b, stage_instance, DB));
        OK(IVssBackupComponents_AddComponent(b, stage_second, DB));
        OK(IVssBackupComponents_SetBackupOptions(b, DB, odd));
        OK(IVssBackupComponents_SetPreviousBackupStamp(b, DB, odd));
        for (UINT i = 0; i < 2; ++i) {
                IVssComponent *c = stage_component(b, i);

                assert_true(STAGE_SAYS(c, GetBackupOptions, odd));
                assert_true(STAGE_SAYS(c, GetPreviousBackupStamp, odd));
                IVssComponent_Release(c);
        }
        RULE("SetBackupOptions", "takes no writer instance id");
        RULE("SetBackupOptions", "private to the writer");
        RULE("SetPreviousBackupStamp", "stamp is opaque");
        stage_release(b);
}

static void test_that_success_is_said_of_what_was_added(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        IVssComponent *c;
        bool success = true;

        fake_umbrad_set(stage_umbrad, "DoSnapshotSet", FAKE_FAILS, VSS_E_PROVIDER_VETO);
        assert_int_equal(STAGE_RUN(b, DoSnapshotSet), VSS_E_PROVIDER_VETO);
        BAD_STATE(succeeded(b));
        BAD_STATE(complete(b));
        RULE("SetBackupSucceeded", "do not call if DoSnapshotSet failed");
        RULE("BackupComplete", "do not call if DoSnapshotSet failed");
        OK(abort_backup(b));
        assert_int_equal(fake_umbrad_count(stage_umbrad, "AbortBackup"), 1); /* passed on, to be sure */
        RULE("AbortBackup", "after DoSnapshotSet reported failure");
        BAD_STATE(complete(b));
        stage_release(b);
        RULE("BackupComplete", "not needed after AbortBackup");

        fake_umbrad_set(stage_umbrad, "DoSnapshotSet", FAKE_ANSWERS, S_OK);
        b = stage_new(STAGE_CREATED, DAMAGE_NONE);
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer,
                                                                 VSS_CT_DATABASE, L"path", NULL, true),
                         E_INVALIDARG);
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer,
                                                                 VSS_CT_DATABASE, L"other", L"db", true),
                         VSS_E_OBJECT_NOT_FOUND);
        /* "hidden" is saved with "db", so one of its files that fails makes "db" fail: it has no place of its own. */
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer,
                                                                 VSS_CT_DATABASE, L"path\\db", L"hidden",
                                                                 false),
                         VSS_E_OBJECT_NOT_FOUND);
        OK(IVssBackupComponents_SetBackupSucceeded(b, stage_instance, DB, false));
        c = stage_component(b, 0);
        OK(IVssComponent_GetBackupSucceeded(c, &success));
        assert_false(success);
        IVssComponent_Release(c);
        RULE("SetBackupSucceeded", "path/name must equal");
        RULE("SetBackupSucceeded", "counts as failed when any one");
        stage_release(b);
}

static void test_that_aborting_nothing_is_ignored(void **state) {
        static const Stage stages[] = { STAGE_BACKUP, STAGE_GATHERED, STAGE_COMPLETE };

        for (size_t i = 0; i < ELEMENTSOF(stages); ++i) {
                IVssBackupComponentsEx4 *b = stage_new(stages[i], DAMAGE_NONE);

                OK(abort_backup(b));
                stage_release(b);
        }
        assert_int_equal(fake_umbrad_count(stage_umbrad, "AbortBackup"), 0);
        RULE("AbortBackup", "ignored (no error)");
}

static void test_that_a_document_is_not_saved_in_the_middle(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        IVssAsync *async = NULL;
        HRESULT status;

        fake_umbrad_set(stage_umbrad, "DoSnapshotSet", FAKE_NEVER, S_OK);
        OK(IVssBackupComponents_DoSnapshotSet(b, &async));
        BAD_STATE(save(b));
        RULE("SaveAsXML", "not before DoSnapshotSet has completed");
        assert_true(SUCCEEDED(IVssAsync_Cancel(async)));
        IVssAsync_Release(async);
        stage_release(b);

        fake_umbrad_set(stage_umbrad, "DoSnapshotSet", FAKE_ANSWERS, S_OK);
        fake_umbrad_set(stage_umbrad, "BackupComplete", FAKE_NEVER, S_OK);
        b = stage_new(STAGE_CREATED, DAMAGE_NONE);
        OK(IVssBackupComponents_BackupComplete(b, &async));
        assert_true(SUCCEEDED(IVssAsync_Cancel(async)));
        OK(IVssAsync_QueryStatus(async, &status, NULL));
        assert_int_equal(status, VSS_S_ASYNC_CANCELLED);
        assert_int_equal(IVssAsync_Release(async), 0);
        RULE("BackupComplete", "caller releases the IVssAsync");
        stage_release(b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STAGE_TEST(test_that_things_have_their_order),
                STAGE_TEST(test_that_the_state_of_a_backup_is_said_before_writers_prepare),
                STAGE_TEST(test_that_a_context_is_chosen_once_and_decides_about_writers),
                STAGE_TEST(test_that_metadata_is_gathered_and_freed_once),
                STAGE_TEST(test_that_a_status_has_two_outputs_that_may_be_missing),
                STAGE_TEST(test_that_components_are_those_that_the_writers_have),
                STAGE_TEST(test_that_what_was_handed_out_ends_with_the_next_step),
                STAGE_TEST(test_that_options_belong_to_a_class_and_are_its_own_business),
                STAGE_TEST(test_that_success_is_said_of_what_was_added),
                STAGE_TEST(test_that_aborting_nothing_is_ignored),
                STAGE_TEST(test_that_a_document_is_not_saved_in_the_middle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
