/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rules of the reference that need no writers: what comes before what, and what may be said of a
 * component. Those that are about events are in tests/api/requesters/test-rules.c.
 */

#include <stdlib.h>
#include <string.h>
#include <umbra.h>
#include <wchar.h>

#include "api/rows/stages.h"
#include "lib/reference.h"
#include "lib/test-util.h"

#define RULE(method, part) REACHES_RULE(IVssBackupComponents, method, part)

static FakeUmbrad *umbrad;

#define OK(call) assert_int_equal((call), S_OK)
#define BAD_STATE(call) assert_int_equal((call), VSS_E_BAD_STATE)

/* Each call at each stage, S_OK or VSS_E_BAD_STATE. */
typedef struct Order {
        const char *method, *rule;
        HRESULT (*call)(IVssBackupComponentsEx4 *b);
        Stage right, wrong;
} Order;

static WCHAR volume[] = L"\\srv\\data\\";

#define THUNK(name, ...)                                                                                    \
        static HRESULT name(IVssBackupComponentsEx4 *b) {                                                   \
                return __VA_ARGS__;                                                                         \
        }

static HRESULT set_file_share(IVssBackupComponentsEx4 *b, LONG context) {
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

/* An operation whose IVssAsync the caller releases, which is the last that holds it. */
static HRESULT release_last(HRESULT hr, IVssAsync *async) {
        HRESULT status;

        if (FAILED(hr))
                return hr;
        assert_int_equal(IVssAsync_Wait(async, INFINITE), S_OK);
        assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        assert_int_equal(status, VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssAsync_Release(async), 0);
        return hr;
}

#define RUN(b, Method)                                                                                      \
        ({                                                                                                  \
                IVssAsync *_async = NULL;                                                                   \
                HRESULT _hr = IVssBackupComponents_##Method(b, &_async);                                    \
                release_last(_hr, _async);                                                                  \
        })

THUNK(add_component, IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_FILEGROUP, NULL, L"files"))
THUNK(start_snapshot_set, IVssBackupComponents_StartSnapshotSet(b, &(VSS_ID){ 0 }))
THUNK(gather_metadata, RUN(b, GatherWriterMetadata))
THUNK(gather_status, RUN(b, GatherWriterStatus))
THUNK(prepare, RUN(b, PrepareForBackup))
THUNK(complete, RUN(b, BackupComplete))
THUNK(pre_restore, RUN(b, PreRestore))
THUNK(post_restore, RUN(b, PostRestore))
THUNK(first_metadata, metadata_at(b, 0))
THUNK(first_status, status_at(b, 0))
THUNK(metadata_count, IVssBackupComponents_GetWriterMetadataCount(b, &(UINT){ 0 }))
THUNK(status_count, IVssBackupComponents_GetWriterStatusCount(b, &(UINT){ 0 }))
THUNK(free_metadata, IVssBackupComponents_FreeWriterMetadata(b))
THUNK(abort_backup, IVssBackupComponents_AbortBackup(b))
THUNK(restore_state, IVssBackupComponents_SetRestoreState(b, VSS_RTYPE_BY_COPY))
THUNK(backup_options, IVssBackupComponents_SetBackupOptions(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"x"))
THUNK(previous_stamp, IVssBackupComponents_SetPreviousBackupStamp(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"x"))
THUNK(succeeded, IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer, VSS_CT_DATABASE, L"path", L"db", true))
THUNK(select_db, IVssBackupComponents_SetSelectedForRestore(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", true))
THUNK(select_ex, IVssBackupComponentsEx_SetSelectedForRestoreEx(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", true, GUID_NULL))
THUNK(restore_options, IVssBackupComponents_SetRestoreOptions(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"x"))
THUNK(additional, IVssBackupComponents_SetAdditionalRestores(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", true))
THUNK(subcomponent, IVssBackupComponents_AddRestoreSubcomponent(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"path\\db",
                                                                L"table", false))
THUNK(new_target, IVssBackupComponents_AddNewTarget(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"/srv/db", L"*.db", false,
                                                    L"/new"))
THUNK(mapping, IVssBackupComponents_AddAlternativeLocationMapping(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"/srv/db",
                                                                  L"*.db", false, L"/other"))
THUNK(ranges, IVssBackupComponents_SetRangesFilePath(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", 0, L"/ranges"))
THUNK(file_status, IVssBackupComponents_SetFileRestoreStatus(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", VSS_RS_ALL))
THUNK(authoritative, IVssBackupComponentsEx2_SetAuthoritativeRestore(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", true))
THUNK(roll_forward, IVssBackupComponentsEx2_SetRollForward(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", VSS_RF_ALL, NULL))
THUNK(restore_name, IVssBackupComponentsEx2_SetRestoreName(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"new"))

static void test_that_things_have_their_order(void **state) {
        /* clang-format off */
        static const Order orders[] = {
                { "InitializeForBackup", "must be called before AddComponent", add_component, STAGE_GATHERED, STAGE_NEW },
                { "InitializeForBackup", "required before any shadow copy creation", start_snapshot_set, STAGE_BACKUP, STAGE_NEW },
                { "SetRestoreState", "optional; if used", restore_state, STAGE_RESTORE, STAGE_RESTORING },
                { "GatherWriterMetadata", "call only once", gather_metadata, STAGE_BACKUP, STAGE_GATHERED },
                { "GatherWriterMetadata", "needed for both", select_db, STAGE_RESTORE, STAGE_LOADED },
                { "GetWriterMetadataCount", "must have completed", metadata_count, STAGE_GATHERED, STAGE_BACKUP },
                { "GetWriterMetadata", "must have completed", first_metadata, STAGE_GATHERED, STAGE_BACKUP },
                { "GetWriterMetadata", "not normally used during restore", first_metadata, STAGE_RESTORING, STAGE_LOADED },
                { "FreeWriterMetadata", "never call before", free_metadata, STAGE_GATHERED, STAGE_BACKUP },
                { "AddComponent", "requires InitializeForBackup", add_component, STAGE_GATHERED, STAGE_CREATED },
                /* ShadowSpawn comes later, and is let. */
                { "AddComponent", "must come before StartSnapshotSet", add_component, STAGE_SET, STAGE_PREPARED },
                { "PrepareForBackup", "should be called in writer contexts", prepare, STAGE_SET, STAGE_GATHERED },
                { "AbortBackup", "restores cannot be aborted", abort_backup, STAGE_PREPARED, STAGE_RESTORING },
                { "GatherWriterStatus", "expected after", gather_status, STAGE_GATHERED, STAGE_BACKUP },
                { "GatherWriterStatus", "after BackupComplete, GatherWriterStatus must", gather_status, STAGE_COMPLETE, STAGE_BACKUP },
                { "GetWriterStatusCount", "must have completed", status_count, STAGE_STATUS, STAGE_CREATED },
                { "GetWriterStatus", "must have completed", first_status, STAGE_STATUS, STAGE_CREATED },
                { "SetBackupSucceeded", "component mode", succeeded, STAGE_CREATED, STAGE_COMPLETE },
                { "SetBackupOptions", "must be called before", backup_options, STAGE_SET, STAGE_PREPARED },
                { "SetPreviousBackupStamp", "backup only", previous_stamp, STAGE_SET, STAGE_RESTORE },
                { "SetSelectedForRestore", "component-mode restores only", select_db, STAGE_RESTORE, STAGE_RESTORING },
                { "SetSelectedForRestore", "is a copy-paste", select_db, STAGE_RESTORE, STAGE_SET },
                { "SetRestoreOptions", "must be called before", restore_options, STAGE_RESTORE, STAGE_RESTORING },
                { "SetAdditionalRestores", "must be called before", additional, STAGE_RESTORE, STAGE_RESTORING },
                { "BackupComplete", "SetBackupSucceeded for every component first", complete, STAGE_CREATED, STAGE_SET },
                { "AddAlternativeLocationMapping", "called after the restore", mapping, STAGE_RESTORING, STAGE_CREATED },
                { "AddRestoreSubcomponent", "must be called before", subcomponent, STAGE_SELECTED, STAGE_RESTORING },
                { "AddRestoreSubcomponent", "must first be selected", subcomponent, STAGE_SELECTED, STAGE_RESTORE },
                { "SetFileRestoreStatus", "between PreRestore and PostRestore", file_status, STAGE_RESTORING, STAGE_SELECTED },
                { "AddNewTarget", "restore only", new_target, STAGE_RESTORE, STAGE_RESTORING },
                { "SetRangesFilePath", "restore only", ranges, STAGE_RESTORING, STAGE_CREATED },
                { "PreRestore", "must follow InitializeForRestore", pre_restore, STAGE_SELECTED, STAGE_LOADED },
                { "PreRestore", "caller releases", pre_restore, STAGE_SELECTED, STAGE_LOADED },
                { "PostRestore", "caller releases", post_restore, STAGE_RESTORING, STAGE_SELECTED },
                { "GatherWriterMetadata", "caller releases", gather_metadata, STAGE_BACKUP, STAGE_NEW },
                { "PrepareForBackup", "caller releases", prepare, STAGE_SET, STAGE_GATHERED },
                { "GatherWriterStatus", "caller releases", gather_status, STAGE_PREPARED, STAGE_BACKUP },
                { "BackupComplete", "follow with GatherWriterStatus", gather_status, STAGE_COMPLETE, STAGE_BACKUP },
                { "GetWriterMetadata", "caller releases", first_metadata, STAGE_GATHERED, STAGE_BACKUP },
                { "GetWriterStatus", "caller frees pbstrWriter", first_status, STAGE_STATUS, STAGE_CREATED },
                { "SaveAsXML", "never call before PrepareForBackup", save, STAGE_BACKUP, STAGE_NEW }, /* XenServer does, and gets what there is */
                { "SaveAsXML", "may be saved earlier", save, STAGE_CREATED, STAGE_NEW },
        };
        static const Order orders_ex[] = {
                { "IVssBackupComponentsEx", "SetSelectedForRestoreEx component-mode", select_ex, STAGE_RESTORE, STAGE_RESTORING },
                { "IVssBackupComponentsEx2", "SetAuthoritativeRestore restore only", authoritative, STAGE_RESTORE, STAGE_SET },
                { "IVssBackupComponentsEx2", "SetRollForward restore only", roll_forward, STAGE_RESTORE, STAGE_SET },
                { "IVssBackupComponentsEx2", "SetRestoreName restore only", restore_name, STAGE_RESTORE, STAGE_SET },
        };
        /* clang-format on */

        for (size_t i = 0; i < ELEMENTSOF(orders); ++i) {
                IVssBackupComponentsEx4 *b = stage_new(orders[i].wrong, DAMAGE_NONE);

                if (orders[i].call(b) != VSS_E_BAD_STATE)
                        fail_msg("%s: %s: not refused", orders[i].method, orders[i].rule);
                stage_release(b);
                b = stage_new(orders[i].right, DAMAGE_NONE);
                if (orders[i].call(b) != S_OK)
                        fail_msg("%s: %s: %s", orders[i].method, orders[i].rule, umbra_last_error());
                stage_release(b);
                reference_reach_rule("IVssBackupComponents", orders[i].method, orders[i].rule);
        }

        for (size_t i = 0; i < ELEMENTSOF(orders_ex); ++i) {
                const char *rule = strchr(orders_ex[i].rule, ' ') + 1;
                IVssBackupComponentsEx4 *b = stage_new(orders_ex[i].wrong, DAMAGE_NONE);
                char method[64] = "";

                strncat(method, orders_ex[i].rule, (size_t) (rule - orders_ex[i].rule) - 1);
                BAD_STATE(orders_ex[i].call(b));
                stage_release(b);
                b = stage_new(orders_ex[i].right, DAMAGE_NONE);
                OK(orders_ex[i].call(b));
                stage_release(b);
                reference_reach_rule(orders_ex[i].method, method, rule);
        }
}

static void test_that_the_state_of_a_backup_is_said_before_writers_prepare(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_BACKUP, DAMAGE_NONE);
        VSS_ID id;

        OK(RUN(b, GatherWriterMetadata));
        OK(start_snapshot_set(b));
        OK(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id));
        BAD_STATE(RUN(b, PrepareForBackup));
        assert_non_null(strstr(umbra_last_error(), "SetBackupState()"));
        OK(IVssBackupComponents_SetBackupState(b, false, false, VSS_BT_COPY, false));
        OK(RUN(b, PrepareForBackup));
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

        OK(set_file_share(b, VSS_CTX_BACKUP));
        BAD_STATE(set_file_share(b, VSS_CTX_BACKUP));
        RULE("SetContext", "only once per object");
        stage_release(b);

        b = stage_new(STAGE_BACKUP, DAMAGE_NONE);
        OK(set_file_share(b, VSS_CTX_APP_ROLLBACK | VSS_VOLSNAP_ATTR_NO_AUTORECOVERY));
        RULE("SetContext", "value is one VSS_SNAPSHOT_CONTEXT");
        stage_release(b);

        for (size_t i = 0; i < ELEMENTSOF(without_writers); ++i) {
                b = stage_new(STAGE_BACKUP, DAMAGE_NONE);
                OK(set_file_share(b, without_writers[i]));
                OK(RUN(b, GatherWriterMetadata)); /* may be, and has no effect */
                BAD_STATE(add_component(b));
                OK(start_snapshot_set(b));
                OK(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id));
                BAD_STATE(RUN(b, PrepareForBackup));
                OK(RUN(b, DoSnapshotSet));
                BAD_STATE(RUN(b, BackupComplete));
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
        BAD_STATE(RUN(b, PrepareForBackup));
        BAD_STATE(RUN(b, DoSnapshotSet)); /* nobody said a context: it has writers */
        stage_release(b);
        b = stage_new(STAGE_BACKUP, DAMAGE_NONE);
        OK(set_file_share(b, VSS_CTX_FILE_SHARE_BACKUP));
        OK(start_snapshot_set(b));
        OK(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id));
        OK(RUN(b, DoSnapshotSet));
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
        REACHES_RULE(IVssBackupComponentsEx, "GetWriterMetadataEx", "GatherWriterMetadata must have completed");

        OK(RUN(b, GatherWriterStatus));
        OK(IVssBackupComponents_GetWriterStatusCount(b, &n_status));
        assert_int_equal(n, n_status);
        RULE("GetWriterMetadataCount", "expected to equal");
        RULE("GetWriterStatusCount", "expected to equal");

        OK(RUN(b, GatherWriterStatus)); /* what was not freed before is then */
        RULE("GatherWriterStatus", "call FreeWriterStatus");
        OK(IVssBackupComponents_FreeWriterStatus(b));
        BAD_STATE(status_at(b, 0));
        RULE("FreeWriterStatus", "frees what");

        OK(IVssBackupComponents_FreeWriterMetadata(b));
        BAD_STATE(metadata_at(b, 0));
        BAD_STATE(RUN(b, GatherWriterMetadata));
        RULE("FreeWriterMetadata", "cannot be gathered again");
        stage_release(b);
}

static void test_that_a_status_has_two_outputs_that_may_be_missing(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        VSS_WRITER_STATE state_of_writer;
        HRESULT failure, application;
        VSS_ID instance, id;
        BSTR name = NULL, message = NULL;

        BAD_STATE(IVssBackupComponentsEx3_GetWriterStatusEx(b, 0, &instance, &id, &name, &state_of_writer, &failure, NULL, NULL));
        OK(RUN(b, GatherWriterStatus));
        REACHES_RULE(IVssBackupComponentsEx3, "GetWriterStatusEx", "GatherWriterStatus must have completed");
        OK(IVssBackupComponentsEx3_GetWriterStatusEx(b, 1, &instance, &id, &name, &state_of_writer, &failure, NULL, NULL));
        SysFreeString(name);
        assert_int_equal(IVssBackupComponentsEx3_GetWriterStatusEx(b, 1, NULL, &id, &name, &state_of_writer, &failure, NULL, NULL),
                         E_INVALIDARG);
        REACHES_RULE(IVssBackupComponentsEx3, "GetWriterStatusEx", "are optional");
        OK(IVssBackupComponentsEx3_GetWriterStatusEx(b, 1, &instance, &id, &name, &state_of_writer, &failure, &application,
                                                     &message));
        assert_int_equal(application, 7);
        assert_non_null(message);
        SysFreeString(name);
        SysFreeString(message);
        REACHES_RULE(IVssBackupComponentsEx3, "GetWriterStatusEx", "caller frees");
        stage_release(b);
}

/* The component of the writer number @i in the document. */
static IVssComponent *component_of(IVssBackupComponentsEx4 *b, UINT i) {
        IVssWriterComponentsExt *writer = NULL;
        IVssComponent *c = NULL;

        OK(IVssBackupComponents_GetWriterComponents(b, i, &writer));
        OK(IVssWriterComponents_GetComponent(&writer->components, 0, &c));
        assert_int_equal(IVssWriterComponentsExt_Release(writer), 0);
        return c;
}

static bool says(HRESULT hr, BSTR text, const WCHAR *expected) {
        bool same = hr == S_OK && text && wcscmp(text, expected) == 0;

        SysFreeString(text);
        return same;
}

#define SAYS(component, Method, expected)                                                                   \
        ({                                                                                                  \
                BSTR _text = NULL;                                                                          \
                HRESULT _hr = IVssComponent_##Method(component, &_text);                                    \
                says(_hr, _text, expected);                                                                 \
        })

static void test_that_components_are_those_that_the_writers_have(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_GATHERED, DAMAGE_NONE);
        UINT n = 7;

        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_DATABASE, L"path", L"no"),
                         VSS_E_OBJECT_NOT_FOUND);
        RULE("AddComponent", "must exist in the gathered metadata");
        OK(IVssBackupComponents_GetWriterComponentsCount(b, &n));
        assert_int_equal(n, 0);
        OK(add_component(b)); /* without a path, and not selectable: nothing selectable is above it */
        RULE("AddComponent", "all its nonselectable components");
        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_FILEGROUP, NULL, NULL),
                         E_INVALIDARG);
        OK(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_FILEGROUP, L"\\", L"odd <&>\"\\ \t"));
        RULE("AddComponent", "no character restrictions");
        /* What that does is not defined; here it is taken as it was said. */
        OK(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_DATABASE, L"path\\db", L"hidden"));
        RULE("AddComponent", "add only selectable-for-backup");
        OK(IVssBackupComponents_GetWriterComponentsCount(b, &n));
        assert_int_equal(n, 1); /* three components, one writer */
        RULE("GetWriterComponentsCount", "counts writers");
        {
                IVssWriterComponentsExt *writer = NULL;

                assert_int_equal(IVssBackupComponents_GetWriterComponents(b, n, &writer), VSS_E_OBJECT_NOT_FOUND);
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
                IVssComponent *c = component_of(b, 0), *again;
                BSTR name = NULL;

                assert_true(SAYS(c, GetComponentName, L"db"));
                OK(steps[i].step(b));
                assert_int_equal(IVssComponent_GetComponentName(c, &name), VSS_E_OBJECT_NOT_FOUND);
                assert_null(name);
                again = component_of(b, 0);
                assert_true(SAYS(again, GetComponentName, L"db"));
                IVssComponent_Release(again);
                IVssComponent_Release(c);
                stage_release(b);
        }
        RULE("GetWriterComponents", "must not be cached");
}

static void test_that_options_belong_to_a_class_and_are_its_own_business(void **state) {
        static const WCHAR odd[] = L"<a=\"b\">\\x \t;[](){}";
        IVssBackupComponentsEx4 *b;

        stage_add_second(umbrad);
        b = stage_new(STAGE_GATHERED, DAMAGE_NONE);
        OK(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_DATABASE, L"path", L"db"));
        OK(IVssBackupComponents_AddComponent(b, stage_second, stage_writer, VSS_CT_DATABASE, L"path", L"db"));
        OK(IVssBackupComponents_SetBackupOptions(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", odd));
        OK(IVssBackupComponents_SetPreviousBackupStamp(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", odd));
        for (UINT i = 0; i < 2; ++i) {
                IVssComponent *c = component_of(b, i);

                assert_true(SAYS(c, GetBackupOptions, odd));
                assert_true(SAYS(c, GetPreviousBackupStamp, odd));
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

        fake_umbrad_set(umbrad, "DoSnapshotSet", FAKE_FAILS, VSS_E_PROVIDER_VETO);
        assert_int_equal(STAGE_RUN(b, DoSnapshotSet), VSS_E_PROVIDER_VETO);
        BAD_STATE(succeeded(b));
        BAD_STATE(complete(b));
        RULE("SetBackupSucceeded", "do not call if DoSnapshotSet failed");
        RULE("BackupComplete", "do not call if DoSnapshotSet failed");
        OK(abort_backup(b));
        assert_int_equal(fake_umbrad_count(umbrad, "AbortBackup"), 1); /* it is passed on, to be sure */
        RULE("AbortBackup", "after DoSnapshotSet reported failure");
        BAD_STATE(complete(b));
        stage_release(b);
        RULE("BackupComplete", "not needed after AbortBackup");

        fake_umbrad_set(umbrad, "DoSnapshotSet", FAKE_ANSWERS, S_OK);
        b = stage_new(STAGE_CREATED, DAMAGE_NONE);
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer, VSS_CT_DATABASE, L"path", NULL,
                                                                 true),
                         E_INVALIDARG);
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer, VSS_CT_DATABASE, L"other", L"db",
                                                                 true),
                         VSS_E_OBJECT_NOT_FOUND);
        /* "hidden" is saved with "db", so one of its files that fails makes "db" fail: it has no place of its own. */
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer, VSS_CT_DATABASE, L"path\\db",
                                                                 L"hidden", false),
                         VSS_E_OBJECT_NOT_FOUND);
        OK(IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer, VSS_CT_DATABASE, L"path", L"db", false));
        c = component_of(b, 0);
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
        assert_int_equal(fake_umbrad_count(umbrad, "AbortBackup"), 0);
        RULE("AbortBackup", "ignored (no error)");
}

static void test_that_a_document_is_not_saved_in_the_middle(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        IVssAsync *async = NULL;
        HRESULT status;

        fake_umbrad_set(umbrad, "DoSnapshotSet", FAKE_NEVER, S_OK);
        OK(IVssBackupComponents_DoSnapshotSet(b, &async));
        BAD_STATE(save(b));
        RULE("SaveAsXML", "not before DoSnapshotSet has completed");
        assert_true(SUCCEEDED(IVssAsync_Cancel(async)));
        IVssAsync_Release(async);
        stage_release(b);

        fake_umbrad_set(umbrad, "DoSnapshotSet", FAKE_ANSWERS, S_OK);
        fake_umbrad_set(umbrad, "BackupComplete", FAKE_NEVER, S_OK);
        b = stage_new(STAGE_CREATED, DAMAGE_NONE);
        OK(IVssBackupComponents_BackupComplete(b, &async));
        assert_true(SUCCEEDED(IVssAsync_Cancel(async)));
        OK(IVssAsync_QueryStatus(async, &status, NULL));
        assert_int_equal(status, VSS_S_ASYNC_CANCELLED);
        assert_int_equal(IVssAsync_Release(async), 0);
        RULE("BackupComplete", "caller releases the IVssAsync");
        stage_release(b);
}

/* What was saved is where a restore begins; who edits it loses what was edited. */
static void test_that_a_restore_begins_with_what_was_saved(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_COMPLETE, DAMAGE_NONE), *r;
        IVssBackupComponents *created = NULL;
        BSTR xml = NULL, cut;
        IVssComponent *c;

        OK(IVssBackupComponents_SaveAsXML(b, &xml));
        assert_null(wcsstr(xml, L"restoreType"));
        stage_release(b);
        OK(CreateVssBackupComponents(&created));
        r = (IVssBackupComponentsEx4 *) created;
        cut = SysAllocStringLen(xml, SysStringLen(xml) - 3);
        assert_int_equal(IVssBackupComponents_InitializeForRestore(r, cut), VSS_E_INVALID_XML_DOCUMENT);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(r, cut), VSS_E_INVALID_XML_DOCUMENT);
        SysFreeString(cut);
        OK(IVssBackupComponents_InitializeForRestore(r, xml));
        RULE("InitializeForRestore", "saved with SaveAsXML");
        RULE("InitializeForBackup", "must not edit");
        OK(RUN(r, GatherWriterMetadata));
        c = component_of(r, 0); /* of the document, whatever the writers say now */
        assert_true(SAYS(c, GetComponentName, L"db"));
        IVssComponent_Release(c);
        RULE("GatherWriterMetadata", "at restore it is still called");
        OK(select_db(r));
        OK(RUN(r, PreRestore)); /* without SetRestoreState() */
        OK(IVssBackupComponents_SaveAsXML(r, &cut));
        assert_null(wcsstr(cut, L"restoreType"));
        RULE("SetRestoreState", "if not called");
        SysFreeString(cut);
        stage_release(r);

        OK(CreateVssBackupComponents(&created));
        b = (IVssBackupComponentsEx4 *) created;
        OK(IVssBackupComponents_InitializeForBackup(b, xml)); /* to import what it speaks of */
        RULE("InitializeForBackup", "bstrXML is optional");
        stage_release(b);
        SysFreeString(xml);
}

static void test_that_what_a_restore_chooses_is_in_the_document(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_RESTORE, DAMAGE_NONE);
        VSS_FILE_RESTORE_STATUS status;
        IVssComponent *c;
        bool flag = false;
        UINT n = 0;

        /* Not selectable for restore, and explicitly saved. */
        OK(select_db(b));
        RULE("SetSelectedForRestore", "regardless of its selectability");
        assert_int_equal(IVssBackupComponents_SetSelectedForRestore(b, stage_writer, VSS_CT_DATABASE, L"path\\db", L"table", true),
                         VSS_E_OBJECT_NOT_FOUND);
        RULE("SetSelectedForRestore", "only for components explicitly added");
        OK(IVssBackupComponents_SetRestoreOptions(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"<any>\"thing\""));
        RULE("SetRestoreOptions", "private to the writer");
        BAD_STATE(IVssBackupComponents_SetRestoreOptions(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"other"));
        RULE("SetRestoreOptions", "at most once");
        OK(additional(b));

        OK(subcomponent(b));
        assert_int_equal(IVssBackupComponents_AddRestoreSubcomponent(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"path\\db",
                                                                     L"hidden", false),
                         E_INVALIDARG);
        RULE("AddRestoreSubcomponent", "must be selectable for restore");
        assert_int_equal(IVssBackupComponents_AddRestoreSubcomponent(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"path\\db",
                                                                     L"table", true),
                         E_INVALIDARG);
        RULE("AddRestoreSubcomponent", "bRepair is reserved");

        c = component_of(b, 0);
        assert_true(SAYS(c, GetRestoreOptions, L"<any>\"thing\""));
        OK(IVssComponent_GetAdditionalRestores(c, &flag));
        assert_true(flag);
        RULE("SetAdditionalRestores", "true tells the writer");
        OK(IVssComponent_GetRestoreSubcomponentCount(c, &n));
        assert_int_equal(n, 1);
        RULE("AddRestoreSubcomponent", "only the named subcomponent");
        IVssComponent_Release(c);
        OK(IVssBackupComponents_GetWriterComponentsCount(b, &n));
        assert_int_equal(n, 1);
        RULE("AddRestoreSubcomponent", "creates no IVssComponent");

        OK(RUN(b, PreRestore));
        for (int i = VSS_RS_NONE; i <= VSS_RS_FAILED; ++i) {
                OK(IVssBackupComponents_SetFileRestoreStatus(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", i));
                c = component_of(b, 0);
                OK(IVssComponent_GetFileRestoreStatus(c, &status));
                assert_int_equal(status, i);
                IVssComponent_Release(c);
        }
        RULE("SetFileRestoreStatus", "FAILED means partial");
        stage_release(b);
}

static void test_that_files_are_named_as_the_writer_names_them(void **state) {
        static const struct {
                const WCHAR *path, *filespec;
                bool recursive;
                HRESULT hr;
        } cases[] = {
                { L"/srv/db",     L"*.db",   true,  VSS_E_OBJECT_NOT_FOUND }, /* another depth */
                { L"/srv/db",     L"*.DB",   false, VSS_E_OBJECT_NOT_FOUND },
                { L"/srv/files",  L"*",      true,  VSS_E_OBJECT_NOT_FOUND }, /* of another component */
                { L"/srv/db",     L"db/*.x", false, E_INVALIDARG           },
                { L"/srv/db/",    L"*.db",   false, S_OK                   }, /* a separator more is forgiven */
                { L"/srv/tables", L"*.t",    true,  S_OK                   }, /* of a subcomponent */
        };
        IVssBackupComponentsEx4 *b = stage_new(STAGE_RESTORE, DAMAGE_NONE);
        IVssComponent *c;
        UINT n = 0;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                assert_int_equal(IVssBackupComponents_AddNewTarget(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", cases[i].path,
                                                                   cases[i].filespec, cases[i].recursive, L"/new"),
                                 cases[i].hr);
                assert_int_equal(IVssBackupComponents_AddAlternativeLocationMapping(
                                         b, stage_writer, VSS_CT_DATABASE, L"path", L"db", cases[i].path, cases[i].filespec,
                                         cases[i].recursive, L"/other"),
                                 cases[i].hr);
        }
        RULE("AddNewTarget", "must equal a file set");
        RULE("AddNewTarget", "file arguments of the subcomponent");
        RULE("AddAlternativeLocationMapping", "must equal a file set");
        RULE("AddAlternativeLocationMapping", "may hold environment variables");
        assert_int_equal(IVssBackupComponents_AddNewTarget(b, stage_writer, VSS_CT_DATABASE, L"path\\db", L"table", L"/srv/tables",
                                                           L"*.t", true, L"/new"),
                         VSS_E_OBJECT_NOT_FOUND);
        RULE("AddNewTarget", "must be explicitly in");
        assert_int_equal(IVssBackupComponents_AddNewTarget(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", L"/srv/db", L"*.db",
                                                           false, L"new"),
                         E_INVALIDARG);
        RULE("AddNewTarget", "must be fully qualified");
        c = component_of(b, 0);
        OK(IVssComponent_GetNewTargetCount(c, &n));
        assert_int_equal(n, 2);
        /* This writer has no mapping at all: that something was put elsewhere is noted for it all the same. */
        OK(IVssComponent_GetAlternateLocationMappingCount(c, &n));
        assert_int_equal(n, 2);
        RULE("AddAlternativeLocationMapping", "do not call for files");
        RULE("AddAlternativeLocationMapping", "was really used");
        IVssComponent_Release(c);

        OK(IVssBackupComponents_SetRangesFilePath(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", 0, L"/r"));
        assert_int_equal(IVssBackupComponents_SetRangesFilePath(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", 1, L"/r"),
                         VSS_E_OBJECT_NOT_FOUND);
        RULE("SetRangesFilePath", "iPartialFile 0..n-1");
        stage_release(b);
}

static void test_that_a_component_is_restored_to_an_instance_of_its_writer(void **state) {
        IVssBackupComponentsEx4 *b;

        stage_add_second(umbrad); /* it does not declare that it can be moved to */
        b = stage_new(STAGE_RESTORE, DAMAGE_NONE);
        OK(IVssBackupComponentsEx_SetSelectedForRestoreEx(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", true, stage_instance));
        assert_int_equal(IVssBackupComponentsEx_SetSelectedForRestoreEx(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", true,
                                                                        stage_other),
                         E_INVALIDARG);
        REACHES_RULE(IVssBackupComponentsEx, "SetSelectedForRestoreEx", "instanceId defaults to GUID_NULL");
        assert_int_equal(IVssBackupComponentsEx_SetSelectedForRestoreEx(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", true,
                                                                        stage_second),
                         E_INVALIDARG);
        assert_non_null(strstr(umbra_last_error(), "VSS_BS_WRITER_SUPPORTS_RESTORE_WITH_MOVE"));
        REACHES_RULE(IVssBackupComponentsEx, "SetSelectedForRestoreEx", "needs writer schema support");
        stage_release(b);
}

static void test_that_a_writer_is_not_asked_for_what_it_does_not_declare(void **state) {
        static const struct {
                const char *iface, *method, *rule, *schema;
                HRESULT (*call)(IVssBackupComponentsEx4 *b);
        } cases[] = {
                { "IVssBackupComponents", "AddNewTarget", "writer must declare", "VSS_BS_WRITER_SUPPORTS_NEW_TARGET", new_target },
                { "IVssBackupComponentsEx2", "SetAuthoritativeRestore", "writer must declare", "VSS_BS_AUTHORITATIVE_RESTORE",
                  authoritative },
                { "IVssBackupComponentsEx2", "SetRollForward", "restore only", "VSS_BS_ROLLFORWARD_RESTORE", roll_forward },
                { "IVssBackupComponentsEx2", "SetRestoreName", "restore only", "VSS_BS_RESTORE_RENAME", restore_name },
        };
        IVssBackupComponentsEx4 *b;

        fake_umbrad_stop(umbrad);
        umbrad = stage_start_with(0);
        b = stage_new(STAGE_RESTORE, DAMAGE_NONE);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                assert_int_equal(cases[i].call(b), E_INVALIDARG);
                assert_non_null(strstr(umbra_last_error(), cases[i].schema));
                reference_reach_rule(cases[i].iface, cases[i].method, cases[i].rule);
        }

        /* Nothing of it is asked of the writer, so nothing of it must be declared. */
        OK(IVssBackupComponentsEx2_SetAuthoritativeRestore(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", false));
        OK(IVssBackupComponentsEx2_SetRollForward(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", VSS_RF_NONE, NULL));
        stage_release(b);
}

static void test_that_rolling_forward_to_a_point_needs_the_point(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_RESTORE, DAMAGE_NONE);

        assert_int_equal(IVssBackupComponentsEx2_SetRollForward(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", VSS_RF_PARTIAL,
                                                                NULL),
                         E_INVALIDARG);
        OK(IVssBackupComponentsEx2_SetRollForward(b, stage_writer, VSS_CT_DATABASE, L"path", L"db", VSS_RF_PARTIAL, L"<0:1>&"));
        REACHES_RULE(IVssBackupComponentsEx2, "SetRollForward", "format is private");
        stage_release(b);
}

static void test_that_somebody_must_be_there_to_be_restored(void **state) {
        IVssBackupComponentsEx4 *b;

        fake_umbrad_stop(umbrad);
        umbrad = fake_umbrad_start();
        b = stage_new(STAGE_RESTORE, DAMAGE_NONE);
        assert_int_equal(select_db(b), VSS_E_OBJECT_NOT_FOUND);
        RULE("SetSelectedForRestore", "must be running");
        stage_release(b);
}

static int setup(void **state) {
        umbrad = stage_start();
        return 0;
}

static int teardown(void **state) {
        assert_true(fake_umbrad_await_connections(umbrad, 0));
        fake_umbrad_stop(umbrad);
        return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_that_things_have_their_order),
                TEST(test_that_the_state_of_a_backup_is_said_before_writers_prepare),
                TEST(test_that_a_context_is_chosen_once_and_decides_about_writers),
                TEST(test_that_metadata_is_gathered_and_freed_once),
                TEST(test_that_a_status_has_two_outputs_that_may_be_missing),
                TEST(test_that_components_are_those_that_the_writers_have),
                TEST(test_that_what_was_handed_out_ends_with_the_next_step),
                TEST(test_that_options_belong_to_a_class_and_are_its_own_business),
                TEST(test_that_success_is_said_of_what_was_added),
                TEST(test_that_aborting_nothing_is_ignored),
                TEST(test_that_a_document_is_not_saved_in_the_middle),
                TEST(test_that_a_restore_begins_with_what_was_saved),
                TEST(test_that_what_a_restore_chooses_is_in_the_document),
                TEST(test_that_files_are_named_as_the_writer_names_them),
                TEST(test_that_a_component_is_restored_to_an_instance_of_its_writer),
                TEST(test_that_a_writer_is_not_asked_for_what_it_does_not_declare),
                TEST(test_that_rolling_forward_to_a_point_needs_the_point),
                TEST(test_that_somebody_must_be_there_to_be_restored),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
