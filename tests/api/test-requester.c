/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Backup programs against the real umbrad: the sequences of calls that programs in use make, with a writer
 * that checks the events it gets. They disagree with each other; all must work.
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <umbra.h>
#include <unistd.h>
#include <vsbackup.h>
#include <wchar.h>

#include "api/fixture.h"
#include "base/bstr.h"
#include "base/guid.h"
#include "lib/test-util.h"

#define WHOLE_BACKUP "PrepareBackup PrepareSnapshot Freeze Thaw PostSnapshot"

static Fixture *fixture;
static FixtureWriter *writer;
static IVssBackupComponentsEx4 *backup; /* the one of the test */
static VSS_ID set_id, snapshot_id;
static VSS_SNAPSHOT_PROP prop;

static int setup(void **state) {
        IVssBackupComponents *created = NULL;

        fixture = fixture_new();
        writer = fixture_writer_new(fixture);
        assert_int_equal(CreateVssBackupComponents(&created), S_OK);
        backup = (IVssBackupComponentsEx4 *) created;
        return 0;
}

static int teardown(void **state) {
        if (backup)
                IVssBackupComponents_Release(backup);
        backup = NULL;
        VssFreeSnapshotProperties(&prop);
        writer = fixture_writer_free(writer);
        fixture = fixture_free(fixture);
        return 0;
}

static void ok_at(HRESULT hr, const char *what, int line) {
        if (FAILED(hr))
                fail_msg("line %d: %s: 0x%08x %s", line, what, (unsigned) hr, umbra_last_error());
}
#define OK(call) ok_at((call), #call, __LINE__)

/* Waits for the end of an operation. */
static HRESULT end_of(HRESULT hr, IVssAsync *async) {
        HRESULT status = E_FAIL;

        if (FAILED(hr))
                return hr;
        hr = IVssAsync_Wait(async, INFINITE);
        assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        assert_int_equal(hr, FAILED(status) ? status : S_OK);
        IVssAsync_Release(async);
        return status;
}

#define RUN(Method)                                                                                         \
        ({                                                                                                  \
                IVssAsync *_async = NULL;                                                                   \
                HRESULT _hr = IVssBackupComponents_##Method(backup, &_async);                               \
                end_of(_hr, _async);                                                                        \
        })

static void expect_events(const char *expected) {
        _cleanup_(freep) char *events = fixture_writer_take_events(writer);

        assert_string_equal(events, expected);
}

/* Takes the test writer's component. */
static void add_component(void) {
        bool found = false;
        UINT n = 0;

        OK(IVssBackupComponents_GetWriterMetadataCount(backup, &n));
        for (UINT i = 0; i < n; ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_ID instance, instance2, class;
                IVssWMComponent *component = NULL;
                PVSSCOMPONENTINFO info = NULL;
                VSS_SOURCE_TYPE source;
                VSS_USAGE_TYPE usage;
                UINT includes, excludes, components;
                BSTR name = NULL;

                OK(IVssBackupComponents_GetWriterMetadata(backup, i, &instance, &metadata));
                OK(IVssExamineWriterMetadata_GetIdentity(metadata, &instance2, &class, &name, &usage,
                                                         &source));
                assert_true(guid_equal(&instance, &instance2));
                OK(IVssExamineWriterMetadata_GetFileCounts(metadata, &includes, &excludes, &components));
                if (guid_equal(&class, &fixture_writer_id)) {
                        assert_true(wcscmp(name, L"Test Writer") == 0);
                        assert_int_equal(components, 1);
                        OK(IVssExamineWriterMetadata_GetComponent(metadata, 0, &component));
                        OK(IVssWMComponent_GetComponentInfo(component, &info));
                        OK(IVssBackupComponents_AddComponent(backup, instance, class, info->type,
                                                             info->bstrLogicalPath,
                                                             info->bstrComponentName));
                        IVssWMComponent_FreeComponentInfo(component, info);
                        IVssWMComponent_Release(component);
                        found = true;
                }
                SysFreeString(name);
                IVssExamineWriterMetadata_Release(metadata);
        }
        assert_true(found);
}

static void set_backup_succeeded(void) {
        IVssWriterComponentsExt *components = NULL;
        VSS_ID instance, class;

        OK(IVssBackupComponents_GetWriterComponents(backup, 0, &components));
        OK(IVssWriterComponents_GetWriterInfo(&components->components, &instance, &class));
        OK(IVssBackupComponents_SetBackupSucceeded(backup, instance, class, VSS_CT_FILEGROUP, NULL, L"files",
                                                   true));
        IUnknown_Release(&components->unknown);
}

static void check_writer_status(VSS_WRITER_STATE expected, HRESULT failure) {
        VSS_WRITER_STATE writer_state;
        VSS_ID instance, class;
        BSTR name = NULL;
        HRESULT hr;
        UINT n = 0;

        assert_int_equal(RUN(GatherWriterStatus), VSS_S_ASYNC_FINISHED);
        OK(IVssBackupComponents_GetWriterStatusCount(backup, &n));
        assert_int_equal(n, 1);
        OK(IVssBackupComponents_GetWriterStatus(backup, 0, &instance, &class, &name, &writer_state, &hr));
        assert_true(guid_equal(&class, &fixture_writer_id));
        assert_true(wcscmp(name, L"Test Writer") == 0);
        SysFreeString(name);
        assert_int_equal(writer_state, expected);
        assert_int_equal(hr, failure);
        OK(IVssBackupComponents_FreeWriterStatus(backup));
}

/* The shadow copy is what was there, whatever has happened since. */
static void check_shadow_copy(void) {
        size_t length;

        OK(IVssBackupComponents_GetSnapshotProperties(backup, snapshot_id, &prop));
        assert_true(guid_equal(&prop.m_SnapshotId, &snapshot_id));
        assert_true(guid_equal(&prop.m_SnapshotSetId, &set_id));
        assert_int_equal(prop.m_eStatus, VSS_SS_CREATED);
        assert_int_equal(prop.m_lSnapshotsCount, 1);

        length = wcslen(prop.m_pwszSnapshotDeviceObject);
        assert_true(length > 1 && prop.m_pwszSnapshotDeviceObject[length - 1] != L'/');
        fixture_write(fixture, "one", "changed\n");
        assert_true(fixture_reads(prop.m_pwszSnapshotDeviceObject, "one", "first\n"));
        assert_true(fixture_reads(prop.m_pwszSnapshotDeviceObject, "two/three", "second\n"));
}

static bool shadow_copy_is_gone(void *arg) {
        return !fixture_exists(prop.m_pwszSnapshotDeviceObject);
}

static void delete_set(void) {
        VSS_ID nondeleted;
        LONG deleted = 0;

        OK(IVssBackupComponents_DeleteSnapshots(backup, set_id, VSS_OBJECT_SNAPSHOT_SET, TRUE, &deleted,
                                                &nondeleted));
        assert_int_equal(deleted, 1);
        assert_true(guid_is_null(&nondeleted));
        assert_false(fixture_exists(prop.m_pwszSnapshotDeviceObject));
}

/* The end of the object is the end of the backup for the writer, too. */
static void release_and_expect(const char *events) {
        IVssBackupComponents_Release(backup);
        backup = NULL;
        assert_true(fixture_writer_await(writer, "BackupShutdown"));
        expect_events(events);
}

static void test_that_a_vshadow_backup_works(void **state) {
        BSTR xml = NULL;

        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        OK(IVssBackupComponents_SetContext(backup, VSS_CTX_BACKUP));
        OK(IVssBackupComponents_SetBackupState(backup, true, true, VSS_BT_FULL, false));
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        expect_events("Identify");
        add_component();
        OK(IVssBackupComponents_StartSnapshotSet(backup, &set_id));
        OK(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &snapshot_id));
        assert_int_equal(RUN(PrepareForBackup), VSS_S_ASYNC_FINISHED);
        check_writer_status(VSS_WS_STABLE, S_OK);
        assert_int_equal(RUN(DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        expect_events(WHOLE_BACKUP);
        check_writer_status(VSS_WS_WAITING_FOR_BACKUP_COMPLETE, S_OK);
        OK(IVssBackupComponents_SaveAsXML(backup, &xml));
        assert_non_null(wcsstr(xml, L"from PrepareBackup")); /* what the writer said has come back */
        SysFreeString(xml);
        check_shadow_copy();
        set_backup_succeeded();
        assert_int_equal(RUN(BackupComplete), VSS_S_ASYNC_FINISHED);
        expect_events("BackupComplete");
        check_writer_status(VSS_WS_STABLE, S_OK);
        release_and_expect("BackupShutdown");
        assert_true(
                eventually(shadow_copy_is_gone, NULL, TEST_PATIENCE_USEC)); /* released with the object */
}

static void test_that_restic_works(void **state) {
        IVssBackupComponents *second = NULL;
        BOOL supported = FALSE;
        VSS_ID other;
        void *p;

        OK(CoInitializeEx(NULL, COINIT_MULTITHREADED));
        OK(CoInitializeSecurity(NULL, -1, NULL, NULL, RPC_C_AUTHN_LEVEL_PKT_PRIVACY,
                                RPC_C_IMP_LEVEL_IDENTIFY, NULL, EOAC_DYNAMIC_CLOAKING, NULL));
        OK(IVssBackupComponents_QueryInterface(backup, &IID_IVssBackupComponents, &p));
        IVssBackupComponents_Release(backup);

        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        OK(IVssBackupComponents_SetContext(backup, VSS_CTX_BACKUP));
        OK(IVssBackupComponents_SetBackupState(backup, false, false, VSS_BT_COPY, false));
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        OK(IVssBackupComponents_IsVolumeSupported(backup, GUID_NULL, fixture->wide, &supported));
        assert_int_equal(supported, TRUE);
        OK(IVssBackupComponents_StartSnapshotSet(backup, &set_id));

        /* Another one meanwhile. */
        OK(CreateVssBackupComponents(&second));
        OK(IVssBackupComponents_InitializeForBackup(second, NULL));
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(second, &other),
                         VSS_E_SNAPSHOT_SET_IN_PROGRESS);

        OK(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &snapshot_id));
        assert_int_equal(RUN(PrepareForBackup), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        expect_events("Identify " WHOLE_BACKUP); /* without components all writers take part */
        OK(IVssBackupComponents_StartSnapshotSet(second, &other));
        IVssBackupComponents_Release(second);

        check_shadow_copy();
        assert_int_equal(RUN(BackupComplete), VSS_S_ASYNC_FINISHED);
        delete_set();
        CoUninitialize();
}

static void test_that_qemu_works(void **state) {
        LONG context = VSS_CTX_APP_ROLLBACK | VSS_VOLSNAP_ATTR_TRANSPORTABLE |
                       VSS_VOLSNAP_ATTR_NO_AUTORECOVERY | VSS_VOLSNAP_ATTR_TXF_RECOVERY;
        HRESULT status = VSS_S_ASYNC_PENDING;
        IVssAsync *async = NULL;
        HRESULT hr;

        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        OK(IVssBackupComponents_SetBackupState(backup, true, true, VSS_BT_FULL, false));
        hr = IVssBackupComponents_SetContext(backup, context);
        if (hr == VSS_E_UNSUPPORTED_CONTEXT)
                hr = IVssBackupComponents_SetContext(backup, context & ~VSS_VOLSNAP_ATTR_TRANSPORTABLE);
        OK(hr);
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        add_component();
        OK(IVssBackupComponents_StartSnapshotSet(backup, &set_id));
        OK(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &snapshot_id));
        assert_int_equal(RUN(PrepareForBackup), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(GatherWriterStatus), VSS_S_ASYNC_FINISHED); /* and not looked at */

        /* Nothing but QueryStatus() keeps it going. */
        OK(IVssBackupComponents_DoSnapshotSet(backup, &async));
        for (unsigned i = 0; status == VSS_S_ASYNC_PENDING; ++i) {
                assert_true(i < 3000);
                usleep(10 * 1000);
                assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        }
        assert_int_equal(status, VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssAsync_Wait(async, INFINITE), S_OK);
        IVssAsync_Release(async);
        assert_int_equal(RUN(BackupComplete), VSS_S_ASYNC_FINISHED);
        expect_events("Identify " WHOLE_BACKUP " BackupComplete");

        /* This context keeps its shadow copies, so they must be deleted. */
        check_shadow_copy();
        delete_set();
}

static void test_that_urbackup_works(void **state) {
        BSTR xml = NULL;

        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        OK(IVssBackupComponents_SetBackupState(backup, true, true, VSS_BT_FULL, false));
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        OK(IVssBackupComponents_SetContext(backup, VSS_CTX_APP_ROLLBACK)); /* after it */
        add_component();
        check_writer_status(VSS_WS_STABLE, S_OK);
        OK(IVssBackupComponents_StartSnapshotSet(backup, &set_id));
        OK(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &snapshot_id));
        assert_int_equal(RUN(PrepareForBackup), VSS_S_ASYNC_FINISHED);
        check_writer_status(VSS_WS_STABLE, S_OK);
        assert_int_equal(RUN(DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        check_writer_status(VSS_WS_WAITING_FOR_BACKUP_COMPLETE, S_OK);
        check_shadow_copy();
        set_backup_succeeded();
        assert_int_equal(RUN(BackupComplete), VSS_S_ASYNC_FINISHED);
        OK(IVssBackupComponents_SaveAsXML(backup, &xml));
        SysFreeString(xml);
        release_and_expect("Identify " WHOLE_BACKUP " BackupComplete BackupShutdown");

        /* Later, in another session. */
        {
                IVssBackupComponents *later = NULL;

                OK(CreateVssBackupComponents(&later));
                backup = (IVssBackupComponentsEx4 *) later;
                OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
                OK(IVssBackupComponents_SetContext(backup, VSS_CTX_APP_ROLLBACK));
                assert_true(fixture_reads(prop.m_pwszSnapshotDeviceObject, "one", "first\n"));
                delete_set();
                VssFreeSnapshotProperties(&prop);
                assert_int_equal(IVssBackupComponents_GetSnapshotProperties(backup, snapshot_id, &prop),
                                 VSS_E_OBJECT_NOT_FOUND);
        }
}

static void test_that_bareos_works(void **state) {
        IVssEnumObject *list = NULL;
        bool found = false;

        OK(IVssBackupComponents_SetContext(backup, VSS_CTX_APP_ROLLBACK)); /* before */
        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        OK(IVssBackupComponents_SetBackupState(backup, true, true, VSS_BT_INCREMENTAL, false));
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        add_component();
        OK(IVssBackupComponents_StartSnapshotSet(backup, &set_id));
        OK(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &snapshot_id));
        assert_int_equal(RUN(PrepareForBackup), VSS_S_ASYNC_FINISHED);
        check_writer_status(VSS_WS_STABLE, S_OK);
        assert_int_equal(RUN(DoSnapshotSet), VSS_S_ASYNC_FINISHED);

        OK(IVssBackupComponents_Query(backup, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list));
        for (;;) {
                VSS_OBJECT_PROP object;
                ULONG fetched = 0;

                OK(IVssEnumObject_Next(list, 1, &object, &fetched));
                if (fetched == 0)
                        break;
                found = found || guid_equal(&object.Obj.Snap.m_SnapshotId, &snapshot_id);
                VssFreeSnapshotProperties(&object.Obj.Snap);
        }
        assert_true(found);
        IVssEnumObject_Release(list);

        check_shadow_copy();
        assert_int_equal(RUN(BackupComplete), VSS_S_ASYNC_FINISHED);
        delete_set();
        OK(IVssBackupComponents_FreeWriterStatus(backup));
}

static void test_that_duplicati_works(void **state) {
        static const VSS_ID nobody = { 0xDEADBEEF, 0, 0, { 0 } };
        UINT n = 1;

        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        OK(IVssBackupComponents_SetContext(backup, VSS_CTX_BACKUP));
        OK(IVssBackupComponents_SetBackupState(backup, false, true, VSS_BT_FULL, false));
        OK(IVssBackupComponents_EnableWriterClasses(backup, &nobody, 1));
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        OK(IVssBackupComponents_GetWriterMetadataCount(backup, &n));
        assert_int_equal(n, 0);
        OK(IVssBackupComponents_StartSnapshotSet(backup, &set_id));
        OK(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &snapshot_id));
        assert_int_equal(RUN(PrepareForBackup), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        check_shadow_copy();
        assert_int_equal(RUN(BackupComplete), VSS_S_ASYNC_FINISHED);
        delete_set();
        expect_events(""); /* it was not asked, and nothing happened to it */
}

static void test_that_shadowspawn_works(void **state) {
        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        OK(IVssBackupComponents_StartSnapshotSet(backup, &set_id));
        OK(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &snapshot_id));
        add_component();
        OK(IVssBackupComponents_SetBackupState(backup, true, true, VSS_BT_FULL, false)); /* here */
        assert_int_equal(RUN(PrepareForBackup), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        check_shadow_copy();
        assert_int_equal(RUN(BackupComplete), VSS_S_ASYNC_FINISHED);
        expect_events("Identify " WHOLE_BACKUP " BackupComplete");
        delete_set();
}

static void test_that_xenserver_works(void **state) {
        IVssEnumObject *list = NULL;
        VSS_OBJECT_PROP object;
        BOOL supported = FALSE;
        ULONG fetched = 0;
        BSTR xml = NULL;

        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        OK(IVssBackupComponents_SetContext(backup, VSS_VOLSNAP_ATTR_TRANSPORTABLE | VSS_CTX_APP_ROLLBACK));
        OK(IVssBackupComponents_SetBackupState(backup, true, false, VSS_BT_FULL, false));
        OK(IVssBackupComponents_Query(backup, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_PROVIDER, &list));
        OK(IVssEnumObject_Next(list, 1, &object, &fetched));
        assert_int_equal(fetched, 1);
        assert_int_equal(object.Type, VSS_OBJECT_PROVIDER);
        CoTaskMemFree(object.Obj.Prov.m_pwszProviderName);
        CoTaskMemFree(object.Obj.Prov.m_pwszProviderVersion);
        IVssEnumObject_Release(list);
        OK(IVssBackupComponents_IsVolumeSupported(backup, GUID_NULL, fixture->wide, &supported));
        assert_int_equal(supported, TRUE);
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        add_component();
        OK(IVssBackupComponents_StartSnapshotSet(backup, &set_id));
        OK(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &snapshot_id));
        assert_int_equal(RUN(PrepareForBackup), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        OK(IVssBackupComponents_SaveAsXML(backup, &xml));
        SysFreeString(xml);
        set_backup_succeeded();
        assert_int_equal(RUN(BackupComplete), VSS_S_ASYNC_FINISHED);
        check_shadow_copy();
        delete_set();
}

/* Up to the point where the writer knows of the backup. */
static void prepare(void) {
        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        OK(IVssBackupComponents_SetBackupState(backup, true, false, VSS_BT_FULL, false));
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        add_component();
        OK(IVssBackupComponents_StartSnapshotSet(backup, &set_id));
        OK(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &snapshot_id));
        assert_int_equal(RUN(PrepareForBackup), VSS_S_ASYNC_FINISHED);
        expect_events("Identify PrepareBackup");
}

static void test_that_a_vshadow_restore_works(void **state) {
        IVssBackupComponents *restore = NULL;
        BSTR xml = NULL;

        prepare();
        assert_int_equal(RUN(DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        set_backup_succeeded();
        assert_int_equal(RUN(BackupComplete), VSS_S_ASYNC_FINISHED);
        OK(IVssBackupComponents_SaveAsXML(backup, &xml));
        release_and_expect("PrepareSnapshot Freeze Thaw PostSnapshot BackupComplete BackupShutdown");

        OK(CreateVssBackupComponents(&restore));
        backup = (IVssBackupComponentsEx4 *) restore;
        OK(IVssBackupComponents_InitializeForRestore(backup, xml));
        SysFreeString(xml);
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        OK(IVssBackupComponents_SetSelectedForRestore(backup, fixture_writer_id, VSS_CT_FILEGROUP, NULL,
                                                      L"files", true));
        assert_int_equal(RUN(PreRestore), VSS_S_ASYNC_FINISHED);
        fixture_write(fixture, "one", "first\n");
        OK(IVssBackupComponents_SetFileRestoreStatus(backup, fixture_writer_id, VSS_CT_FILEGROUP, NULL,
                                                     L"files", VSS_RS_ALL));
        assert_int_equal(RUN(PostRestore), VSS_S_ASYNC_FINISHED);
        check_writer_status(VSS_WS_STABLE, S_OK);
        expect_events("Identify PreRestore PostRestore");
}

static void test_that_releasing_too_early_gives_the_backup_up(void **state) {
        prepare();
        release_and_expect("Abort BackupShutdown");
}

static void test_that_aborting_tells_the_writer(void **state) {
        IVssBackupComponents *next = NULL;
        VSS_ID other;

        prepare();
        OK(IVssBackupComponents_AbortBackup(backup));
        assert_true(fixture_writer_await(writer, "Abort"));
        assert_int_equal(RUN(DoSnapshotSet), VSS_E_BAD_STATE);

        /* The way is free for others. */
        OK(CreateVssBackupComponents(&next));
        OK(IVssBackupComponents_InitializeForBackup(next, NULL));
        OK(IVssBackupComponents_StartSnapshotSet(next, &other));
        IVssBackupComponents_Release(next);
}

static void test_that_a_failed_freeze_is_seen_in_the_status(void **state) {
        prepare();
        fixture_writer_fail(writer, "Freeze", VSS_E_WRITERERROR_RETRYABLE);
        (void) RUN(DoSnapshotSet); /* how bad that is, is the policy's business */
        assert_true(fixture_writer_await(writer, "Freeze"));
        check_writer_status(VSS_WS_FAILED_AT_FREEZE, VSS_E_WRITERERROR_RETRYABLE);
        OK(IVssBackupComponents_AbortBackup(backup));
}

static void test_that_shadow_copies_are_made_without_writers(void **state) {
        OK(IVssBackupComponents_SetContext(backup, VSS_CTX_FILE_SHARE_BACKUP));
        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        OK(IVssBackupComponents_StartSnapshotSet(backup, &set_id));
        OK(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &snapshot_id));
        assert_int_equal(RUN(DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        check_shadow_copy();
        expect_events("");
        IVssBackupComponents_Release(backup);
        backup = NULL;
}

static void test_that_volumes_and_shadow_copies_that_are_not_there_are_told(void **state) {
        WCHAR nowhere[] = L"\\nonexistent\\directory\\";
        static const VSS_ID nobody = { 0xDEADBEEF, 0, 0, { 0 } };
        BOOL supported = TRUE;
        LONG deleted;
        VSS_ID id;

        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        OK(IVssBackupComponents_StartSnapshotSet(backup, &set_id));
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(backup, nowhere, GUID_NULL, &id),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, nobody, &id),
                         VSS_E_PROVIDER_NOT_REGISTERED);
        assert_int_equal(IVssBackupComponents_IsVolumeSupported(backup, GUID_NULL, nowhere, &supported),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(supported, FALSE);
        assert_int_equal(IVssBackupComponents_GetSnapshotProperties(backup, nobody, &prop),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_DeleteSnapshots(backup, nobody, VSS_OBJECT_SNAPSHOT, FALSE,
                                                              &deleted, &id),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(deleted, 0);
}

static void test_that_the_death_of_umbrad_is_told(void **state) {
        prepare();
        fixture_kill(fixture);
        assert_int_equal(RUN(DoSnapshotSet), VSS_E_UNEXPECTED);
        assert_true(*umbra_last_error());
}

static void test_that_the_status_names_us(void **state) {
        char *json = NULL;

        OK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        OK(umbra_get_status(&json));
        assert_non_null(strstr(json, "sessions"));
        CoTaskMemFree(json);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_that_a_vshadow_backup_works),
                TEST(test_that_restic_works),
                TEST(test_that_qemu_works),
                TEST(test_that_urbackup_works),
                TEST(test_that_bareos_works),
                TEST(test_that_duplicati_works),
                TEST(test_that_shadowspawn_works),
                TEST(test_that_xenserver_works),
                TEST(test_that_a_vshadow_restore_works),
                TEST(test_that_releasing_too_early_gives_the_backup_up),
                TEST(test_that_aborting_tells_the_writer),
                TEST(test_that_a_failed_freeze_is_seen_in_the_status),
                TEST(test_that_shadow_copies_are_made_without_writers),
                TEST(test_that_volumes_and_shadow_copies_that_are_not_there_are_told),
                TEST(test_that_the_death_of_umbrad_is_told),
                TEST(test_that_the_status_names_us),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
