/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What each call takes and gives, at whatever point of a backup: interfaces, arguments, and outputs of a call that fails.
 */

#include <string.h>
#include <umbra.h>
#include <vsbackup.h>
#include <vsmgmt.h>

#include "api/stages.h"
#include "base/alloc.h"
#include "base/bstr.h"

static void test_that_all_its_interfaces_are_one_pointer(void **state) {
        const IID *const iids[] = {
                &IID_IUnknown,
                &IID_IVssBackupComponents,
                &IID_IVssBackupComponentsEx,
                &IID_IVssBackupComponentsEx2,
                &IID_IVssBackupComponentsEx3,
                &IID_IVssBackupComponentsEx4,
        };
        IVssBackupComponentsEx4 *backup = stage_new(STAGE_NEW, DAMAGE_NONE);
        void *p;

        for (size_t i = 0; i < ELEMENTSOF(iids); ++i) {
                assert_int_equal(IVssBackupComponents_QueryInterface(backup, iids[i], &p), S_OK);
                assert_ptr_equal(p, backup);
                IVssBackupComponents_Release(backup);
        }
        assert_int_equal(IVssBackupComponents_QueryInterface(backup, &IID_IVssAsync, &p), E_NOINTERFACE);
        assert_null(p);
        assert_int_equal(IVssBackupComponents_QueryInterface(backup, &IID_IUnknown, NULL), E_POINTER);

        for (size_t i = 0; i < sizeof(IVssBackupComponentsEx4Vtbl) / sizeof(void *); ++i)
                assert_non_null(((void *const *) backup->lpVtbl)[i]);
        stage_release(backup);
}

/* The order of calls is looked at after the arguments, so one state does for all. */
static void test_that_no_pointer_may_be_missing(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_GATHERED, DAMAGE_NONE);
        VSS_WRITER_STATE writer_state;
        WCHAR text[] = L"text";
        IVssExamineWriterMetadata *metadata;
        IVssExamineWriterMetadataEx *metadata_ex;
        BSTR name;
        VSS_ID id;
        HRESULT hr;
        LONG n;
        const HRESULT results[] = {
                IVssBackupComponents_GetWriterComponentsCount(b, NULL),
                IVssBackupComponents_GetWriterComponents(b, 0, NULL),
                IVssBackupComponents_InitializeForRestore(b, NULL),
                IVssBackupComponents_GatherWriterMetadata(b, NULL),
                IVssBackupComponents_GetWriterMetadataCount(b, NULL),
                IVssBackupComponents_GetWriterMetadata(b, 0, NULL, &metadata),
                IVssBackupComponents_GetWriterMetadata(b, 0, &id, NULL),
                IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_DATABASE, L"path",
                                                  NULL),
                IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_UNDEFINED, L"path",
                                                  L"db"),
                IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, 3, L"path", L"db"),
                IVssBackupComponents_PrepareForBackup(b, NULL),
                IVssBackupComponents_GatherWriterStatus(b, NULL),
                IVssBackupComponents_GetWriterStatusCount(b, NULL),
                IVssBackupComponents_GetWriterStatus(b, 0, NULL, &id, &name, &writer_state, &hr),
                IVssBackupComponents_GetWriterStatus(b, 0, &id, NULL, &name, &writer_state, &hr),
                IVssBackupComponents_GetWriterStatus(b, 0, &id, &id, NULL, &writer_state, &hr),
                IVssBackupComponents_GetWriterStatus(b, 0, &id, &id, &name, NULL, &hr),
                IVssBackupComponents_GetWriterStatus(b, 0, &id, &id, &name, &writer_state, NULL),
                IVssBackupComponents_SetBackupState(b, true, true, VSS_BT_UNDEFINED, false),
                IVssBackupComponents_SetBackupState(b, true, true, 7, false),
                IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer, VSS_CT_DATABASE,
                                                        L"path", NULL, true),
                IVssBackupComponents_SetBackupOptions(b, stage_writer, VSS_CT_DATABASE, L"path", NULL, L"x"),
                IVssBackupComponents_SetBackupOptions(b, stage_writer, VSS_CT_DATABASE, L"path", L"db",
                                                      NULL),
                IVssBackupComponents_SetBackupOptions(b, stage_writer, 0, L"path", L"db", L"x"),
                IVssBackupComponents_SetSelectedForRestore(b, stage_writer, VSS_CT_DATABASE, L"path", NULL,
                                                           true),
                IVssBackupComponents_SetRestoreOptions(b, stage_writer, VSS_CT_DATABASE, L"path", NULL,
                                                       L"x"),
                IVssBackupComponents_SetRestoreOptions(b, stage_writer, VSS_CT_DATABASE, L"path", L"db",
                                                       NULL),
                IVssBackupComponents_SetAdditionalRestores(b, stage_writer, VSS_CT_DATABASE, L"path", NULL,
                                                           true),
                IVssBackupComponents_SetPreviousBackupStamp(b, stage_writer, VSS_CT_DATABASE, L"path", NULL,
                                                            L"x"),
                IVssBackupComponents_SetPreviousBackupStamp(b, stage_writer, VSS_CT_DATABASE, L"path", L"db",
                                                            NULL),
                IVssBackupComponents_SaveAsXML(b, NULL),
                IVssBackupComponents_BackupComplete(b, NULL),
                IVssBackupComponents_AddAlternativeLocationMapping(b, stage_writer, VSS_CT_DATABASE, NULL,
                                                                   NULL, text, text, false, text),
                IVssBackupComponents_AddAlternativeLocationMapping(b, stage_writer, VSS_CT_DATABASE, NULL,
                                                                   text, NULL, text, false, text),
                IVssBackupComponents_AddAlternativeLocationMapping(b, stage_writer, VSS_CT_DATABASE, NULL,
                                                                   text, text, NULL, false, text),
                IVssBackupComponents_AddAlternativeLocationMapping(b, stage_writer, VSS_CT_DATABASE, NULL,
                                                                   text, text, text, false, NULL),
                IVssBackupComponents_AddRestoreSubcomponent(b, stage_writer, VSS_CT_DATABASE, NULL, NULL,
                                                            text, text, false),
                IVssBackupComponents_AddRestoreSubcomponent(b, stage_writer, VSS_CT_DATABASE, NULL, text,
                                                            NULL, text, false),
                IVssBackupComponents_AddRestoreSubcomponent(b, stage_writer, VSS_CT_DATABASE, NULL, text,
                                                            text, NULL, false),
                IVssBackupComponents_AddRestoreSubcomponent(b, stage_writer, VSS_CT_DATABASE, NULL, text,
                                                            text, text, true),
                IVssBackupComponents_SetFileRestoreStatus(b, stage_writer, VSS_CT_DATABASE, NULL, NULL,
                                                          VSS_RS_ALL),
                IVssBackupComponents_SetFileRestoreStatus(b, stage_writer, VSS_CT_DATABASE, NULL, text,
                                                          VSS_RS_UNDEFINED),
                IVssBackupComponents_SetFileRestoreStatus(b, stage_writer, VSS_CT_DATABASE, NULL, text, 4),
                IVssBackupComponents_AddNewTarget(b, stage_writer, VSS_CT_DATABASE, NULL, NULL, text, text,
                                                  false, text),
                IVssBackupComponents_AddNewTarget(b, stage_writer, VSS_CT_DATABASE, NULL, text, NULL, text,
                                                  false, text),
                IVssBackupComponents_AddNewTarget(b, stage_writer, VSS_CT_DATABASE, NULL, text, text, NULL,
                                                  false, text),
                IVssBackupComponents_AddNewTarget(b, stage_writer, VSS_CT_DATABASE, NULL, text, text, text,
                                                  false, NULL),
                IVssBackupComponents_SetRangesFilePath(b, stage_writer, VSS_CT_DATABASE, NULL, NULL, 0,
                                                       text),
                IVssBackupComponents_SetRangesFilePath(b, stage_writer, VSS_CT_DATABASE, NULL, text, 0,
                                                       NULL),
                IVssBackupComponents_SetRestoreState(b, -1),
                IVssBackupComponents_SetRestoreState(b, 4),
                IVssBackupComponents_PreRestore(b, NULL),
                IVssBackupComponents_PostRestore(b, NULL),
                IVssBackupComponents_SetContext(b, VSS_VOLSNAP_ATTR_PERSISTENT),
                IVssBackupComponents_StartSnapshotSet(b, NULL),
                IVssBackupComponents_AddToSnapshotSet(b, NULL, GUID_NULL, &id),
                IVssBackupComponents_AddToSnapshotSet(b, text, GUID_NULL, NULL),
                IVssBackupComponents_DoSnapshotSet(b, NULL),
                IVssBackupComponents_DeleteSnapshots(b, id, VSS_OBJECT_SNAPSHOT, TRUE, NULL, &id),
                IVssBackupComponents_DeleteSnapshots(b, id, VSS_OBJECT_SNAPSHOT, TRUE, &n, NULL),
                IVssBackupComponents_DeleteSnapshots(b, id, VSS_OBJECT_PROVIDER, TRUE, &n, &id),
                IVssBackupComponents_GetSnapshotProperties(b, id, NULL),
                IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, NULL),
                IVssBackupComponents_IsVolumeSupported(b, GUID_NULL, NULL, &(BOOL){ 0 }),
                IVssBackupComponents_IsVolumeSupported(b, GUID_NULL, text, NULL),
                IVssBackupComponents_DisableWriterClasses(b, NULL, 1),
                IVssBackupComponents_EnableWriterClasses(b, NULL, 1),
                IVssBackupComponents_DisableWriterInstances(b, NULL, 1),
                IVssBackupComponentsEx_GetWriterMetadataEx(b, 0, NULL, &metadata_ex),
                IVssBackupComponentsEx_GetWriterMetadataEx(b, 0, &id, NULL),
                IVssBackupComponentsEx_SetSelectedForRestoreEx(b, stage_writer, VSS_CT_DATABASE, NULL, NULL,
                                                               true, GUID_NULL),
                IVssBackupComponentsEx2_SetAuthoritativeRestore(b, stage_writer, VSS_CT_DATABASE, NULL, NULL,
                                                                true),
                IVssBackupComponentsEx2_SetRollForward(b, stage_writer, VSS_CT_DATABASE, NULL, NULL,
                                                       VSS_RF_ALL, NULL),
                IVssBackupComponentsEx2_SetRollForward(b, stage_writer, VSS_CT_DATABASE, NULL, text,
                                                       VSS_RF_PARTIAL, NULL),
                IVssBackupComponentsEx2_SetRollForward(b, stage_writer, VSS_CT_DATABASE, NULL, text,
                                                       VSS_RF_UNDEFINED, NULL),
                IVssBackupComponentsEx2_SetRestoreName(b, stage_writer, VSS_CT_DATABASE, NULL, NULL, text),
                IVssBackupComponentsEx2_SetRestoreName(b, stage_writer, VSS_CT_DATABASE, NULL, text, NULL),
                IVssBackupComponentsEx3_GetWriterStatusEx(b, 0, NULL, &id, &name, &writer_state, &hr, NULL,
                                                          NULL),
                IVssBackupComponentsEx3_GetWriterStatusEx(b, 0, &id, NULL, &name, &writer_state, &hr, NULL,
                                                          NULL),
                IVssBackupComponentsEx3_GetWriterStatusEx(b, 0, &id, &id, NULL, &writer_state, &hr, NULL,
                                                          NULL),
                IVssBackupComponentsEx3_GetWriterStatusEx(b, 0, &id, &id, &name, NULL, &hr, NULL, NULL),
                IVssBackupComponentsEx3_GetSessionId(b, NULL),
        };

        for (size_t i = 0; i < ELEMENTSOF(results); ++i)
                if (results[i] != E_INVALIDARG)
                        fail_msg("case %zu: 0x%08x", i, (unsigned) results[i]);
        stage_release(b);
}

/* COM says so: who looks at an output after a failure finds nothing to free. */
static void test_that_outputs_are_cleared_when_a_call_fails(void **state) {
        IVssBackupComponentsEx4 *b =
                stage_new(STAGE_NEW, DAMAGE_NONE); /* not initialised: all of these are too early */
        VSS_WRITER_STATE writer_state = VSS_WS_STABLE;
        HRESULT failure = 1, application = 1;
        WCHAR volume[] = L"/srv/";
        BSTR xml = (void *) 1, name = (void *) 1, message = (void *) 1;
        VSS_SNAPSHOT_PROP prop;
        UINT n = 1;
        VSS_ID id = stage_instance, id2 = stage_instance;
        BOOL supported = TRUE;
        void *p;

#define ASSERT_CLEARED(call)                                                                                \
        do {                                                                                                \
                p = (void *) 1;                                                                             \
                assert_int_equal(call, VSS_E_BAD_STATE);                                                    \
                assert_null(p);                                                                             \
        } while (0)
        ASSERT_CLEARED(IVssBackupComponents_GatherWriterMetadata(b, (IVssAsync **) &p));
        ASSERT_CLEARED(IVssBackupComponents_GatherWriterStatus(b, (IVssAsync **) &p));
        ASSERT_CLEARED(IVssBackupComponents_PrepareForBackup(b, (IVssAsync **) &p));
        ASSERT_CLEARED(IVssBackupComponents_DoSnapshotSet(b, (IVssAsync **) &p));
        ASSERT_CLEARED(IVssBackupComponents_BackupComplete(b, (IVssAsync **) &p));
        ASSERT_CLEARED(IVssBackupComponents_PreRestore(b, (IVssAsync **) &p));
        ASSERT_CLEARED(IVssBackupComponents_PostRestore(b, (IVssAsync **) &p));
        ASSERT_CLEARED(IVssBackupComponents_GetWriterComponents(b, 0, (IVssWriterComponentsExt **) &p));
        ASSERT_CLEARED(IVssBackupComponents_GetWriterMetadata(b, 0, &id, (IVssExamineWriterMetadata **) &p));
        ASSERT_CLEARED(
                IVssBackupComponentsEx_GetWriterMetadataEx(b, 0, &id, (IVssExamineWriterMetadataEx **) &p));
        ASSERT_CLEARED(IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT,
                                                  (IVssEnumObject **) &p));
        assert_memory_equal(&id, &GUID_NULL, sizeof(id));

        assert_int_equal(IVssBackupComponents_GetWriterComponentsCount(b, &n), VSS_E_BAD_STATE);
        assert_int_equal(n, 0);
        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), VSS_E_BAD_STATE);
        assert_null(xml);
        id = stage_instance;
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), VSS_E_BAD_STATE);
        assert_memory_equal(&id, &GUID_NULL, sizeof(id));
        id = stage_instance;
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id), VSS_E_BAD_STATE);
        assert_memory_equal(&id, &GUID_NULL, sizeof(id));
        assert_int_equal(IVssBackupComponents_IsVolumeSupported(b, GUID_NULL, volume, &supported),
                         VSS_E_BAD_STATE);
        assert_int_equal(supported, FALSE);
        memset(&prop, 1, sizeof(prop));
        assert_int_equal(IVssBackupComponents_GetSnapshotProperties(b, stage_instance, &prop),
                         VSS_E_BAD_STATE);
        assert_null(prop.m_pwszSnapshotDeviceObject);
        id = stage_instance;
        assert_int_equal(IVssBackupComponentsEx3_GetWriterStatusEx(b, 0, &id, &id2, &name, &writer_state,
                                                                   &failure, &application, &message),
                         VSS_E_BAD_STATE);
        assert_memory_equal(&id, &GUID_NULL, sizeof(id));
        assert_memory_equal(&id2, &GUID_NULL, sizeof(id));
        assert_null(name);
        assert_null(message);
        assert_int_equal(writer_state, VSS_WS_UNKNOWN);
        assert_int_equal(failure, S_OK);
        assert_int_equal(application, S_OK);
        stage_release(b);
}

static void test_that_what_is_reserved_says_so(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_NEW, DAMAGE_NONE);
        IVssAsync *async = (void *) 1;

        assert_int_equal(IVssBackupComponentsEx2_PreFastRecovery(b, stage_instance, 0, &async), E_NOTIMPL);
        assert_null(async);
        async = (void *) 1;
        assert_int_equal(IVssBackupComponentsEx2_FastRecovery(b, stage_instance, 0, &async), E_NOTIMPL);
        assert_null(async);
        assert_int_equal(IVssBackupComponentsEx2_FastRecovery(b, stage_instance, 0, NULL), E_NOTIMPL);
        stage_release(b);
}

static void test_that_nonsense_from_umbrad_is_no_crash(void **state) {
        static const char *const members[] = {
                "GatherWriterMetadata", "StartSnapshotSet", "AddToSnapshotSet",      "PrepareForBackup",
                "GatherWriterStatus",   "DoSnapshotSet",    "GetSnapshotProperties", "Query",
                "IsVolumeSupported",    "DeleteSnapshots",
        };
        IVssBackupComponentsEx4 *b = stage_new(STAGE_NEW, DAMAGE_NONE);
        WCHAR volume[] = L"/srv/";
        VSS_SNAPSHOT_PROP prop;
        IVssEnumObject *list;
        BOOL supported;
        VSS_ID id = stage_instance;
        LONG n;

        for (size_t i = 0; i < ELEMENTSOF(members); ++i)
                fake_umbrad_set(stage_umbrad, members[i], FAKE_TALKS, S_OK);

        assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_SetBackupState(b, false, false, VSS_BT_COPY, false), S_OK);
        assert_int_equal(IVssBackupComponents_IsVolumeSupported(b, GUID_NULL, volume, &supported),
                         VSS_E_UNEXPECTED);
        assert_int_equal(IVssBackupComponents_GetSnapshotProperties(b, id, &prop), VSS_E_UNEXPECTED);
        assert_int_equal(
                IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_PROVIDER, &list),
                VSS_E_UNEXPECTED);
        assert_int_equal(IVssBackupComponents_DeleteSnapshots(b, id, VSS_OBJECT_SNAPSHOT, FALSE, &n, &id),
                         VSS_E_UNEXPECTED);
        assert_int_equal(STAGE_RUN(b, GatherWriterMetadata), VSS_E_UNEXPECTED);
        fake_umbrad_set(stage_umbrad, "GatherWriterMetadata", FAKE_ANSWERS, S_OK);
        assert_int_equal(STAGE_RUN(b, GatherWriterMetadata),
                         VSS_S_ASYNC_FINISHED); /* it has not been, so it may be */
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), VSS_E_UNEXPECTED);
        fake_umbrad_set(stage_umbrad, "StartSnapshotSet", FAKE_ANSWERS, S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), S_OK);
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id), VSS_E_UNEXPECTED);
        assert_int_equal(STAGE_RUN(b, PrepareForBackup), VSS_E_UNEXPECTED);
        fake_umbrad_set(stage_umbrad, "PrepareForBackup", FAKE_ANSWERS, S_OK);
        assert_int_equal(STAGE_RUN(b, PrepareForBackup), VSS_S_ASYNC_FINISHED);
        assert_int_equal(STAGE_RUN(b, GatherWriterStatus), VSS_E_UNEXPECTED);
        assert_int_equal(STAGE_RUN(b, DoSnapshotSet), VSS_E_UNEXPECTED);
        stage_release(b);
}

static void test_that_a_program_without_the_rest_works(void **state) {
        IVssExamineWriterMetadata *metadata = (void *) 1;
        _cleanup_(freep) char *text = stage_writer_xml();
        IUnknown *unknown = (void *) 1;
        BSTR xml = NULL;
        char *json;
        bool block;

        assert_int_equal(bstr_from_utf8(text, &xml), 0);
        assert_int_equal(CreateVssExamineWriterMetadata(NULL, &metadata), E_INVALIDARG);
        assert_null(metadata);
        assert_int_equal(CreateVssExamineWriterMetadata(xml, NULL), E_INVALIDARG);
        assert_int_equal(CreateVssExamineWriterMetadata(xml, &metadata), S_OK);
        IVssExamineWriterMetadata_Release(metadata);
        SysFreeString(xml);
        xml = SysAllocString(L"<nonsense/>");
        assert_int_equal(CreateVssExamineWriterMetadata(xml, &metadata), VSS_E_INVALID_XML_DOCUMENT);
        SysFreeString(xml);

        assert_int_equal(ShouldBlockRevert(NULL, &block), E_INVALIDARG);
        assert_int_equal(ShouldBlockRevert(L"/srv/", NULL), E_INVALIDARG);
        assert_int_equal(GetProviderMgmtInterface(GUID_NULL, IID_IVssSnapshotMgmt, NULL), E_INVALIDARG);
        assert_int_equal(GetProviderMgmtInterface(GUID_NULL, IID_IVssSnapshotMgmt, &unknown), E_NOINTERFACE);
        assert_null(unknown);

        assert_int_equal(umbra_get_status(NULL), E_INVALIDARG);
        assert_int_equal(umbra_get_status(&json), S_OK);
        assert_string_equal(json, "{}");
        CoTaskMemFree(json);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STAGE_TEST(test_that_all_its_interfaces_are_one_pointer),
                STAGE_TEST(test_that_no_pointer_may_be_missing),
                STAGE_TEST(test_that_outputs_are_cleared_when_a_call_fails),
                STAGE_TEST(test_that_what_is_reserved_says_so),
                STAGE_TEST(test_that_nonsense_from_umbrad_is_no_crash),
                STAGE_TEST(test_that_a_program_without_the_rest_works),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
