/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssBackupComponents against an umbrad that does as it is told: arguments, order, operations and their
 * ends, and what the document says afterwards. Also run under ThreadSanitizer.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <umbra.h>
#include <unistd.h>
#include <vsadmin.h>
#include <vsbackup.h>
#include <vsmgmt.h>
#include <wchar.h>

#include "api/fake-umbrad.h"
#include "base/bstr.h"
#include "base/time-util.h"
#include "doc/backup-doc.h"
#include "lib/test-util.h"

static const GUID instance = { 0xAAAAAAAA, 1, 2, { 1, 2, 3, 4, 5, 6, 7, 8 } };
static const GUID class = { 0xBBBBBBBB, 1, 2, { 1, 2, 3, 4, 5, 6, 7, 8 } };
static const GUID other = { 0xCCCCCCCC, 1, 2, { 1, 2, 3, 4, 5, 6, 7, 8 } };

static FakeUmbrad *umbrad;

/* A writer with the database L"path" \ L"db" and the files L"files". */
static char *writer_xml(void) {
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        WriterDocComponent *c;
        char *text;
        size_t size;

        assert_int_equal(writer_doc_new(&doc), 0);
        doc->instance_id = instance;
        doc->writer_id = class;
        doc->friendly_name = strdup("Writer");
        doc->instance_name = strdup("One");
        doc->usage = VSS_UT_USERDATA;
        doc->source = VSS_ST_TRANSACTEDDB;
        doc->has_backup_schema = true;
        doc->backup_schema = VSS_BS_WRITER_SUPPORTS_NEW_TARGET | VSS_BS_ROLLFORWARD_RESTORE |
                             VSS_BS_RESTORE_RENAME | VSS_BS_AUTHORITATIVE_RESTORE;
        assert_int_equal(writer_doc_add_component(doc, VSS_CT_DATABASE, "path", "db", &c), S_OK);
        assert_int_equal(doc_filespecs_add(&c->database_files, "/srv/db", "*.db", false, NULL, 0xF0F), 0);
        assert_int_equal(writer_doc_add_component(doc, VSS_CT_FILEGROUP, NULL, "files", &c), S_OK);
        assert_int_equal(doc_filespecs_add(&c->files, "/srv/files", "*", true, NULL, 0xF0F), 0);
        assert_int_equal(writer_doc_add_component(doc, VSS_CT_DATABASE, "path\\db", "table", &c), S_OK);
        c->selectable_for_restore = true;
        assert_int_equal(writer_doc_write(doc, &text, &size), S_OK);
        return text;
}

static int setup(void **state) {
        _cleanup_(freep) char *xml = writer_xml();

        umbrad = fake_umbrad_start();
        fake_umbrad_add_writer(umbrad, &instance, &class, "Writer", xml);
        fake_umbrad_add_writer(umbrad, &other, &other, "Nonsense", "<nonsense/>");
        return 0;
}

static int teardown(void **state) {
        assert_true(fake_umbrad_await_connections(umbrad, 0));
        fake_umbrad_stop(umbrad);
        return 0;
}

static IVssBackupComponentsEx4 *create(void) {
        IVssBackupComponents *backup = NULL;

        assert_int_equal(CreateVssBackupComponents(&backup), S_OK);
        return (IVssBackupComponentsEx4 *) backup;
}

/* How an operation ends, waited for. */
static HRESULT end_of(HRESULT hr, IVssAsync *async) {
        HRESULT status;

        if (FAILED(hr)) {
                assert_null(async);
                return hr;
        }

        hr = IVssAsync_Wait(async, INFINITE);
        assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        assert_int_equal(FAILED(status) ? status : S_OK, hr);
        IVssAsync_Release(async);
        return status;
}

/* For methods that take nothing but the IVssAsync. */
#define RUN(backup, Method)                                                                                 \
        ({                                                                                                  \
                IVssAsync *_async = NULL;                                                                   \
                HRESULT _hr = IVssBackupComponents_##Method(backup, &_async);                               \
                end_of(_hr, _async);                                                                        \
        })
#define BEGIN(backup, Method)                                                                               \
        ({                                                                                                  \
                IVssAsync *_async = NULL;                                                                   \
                assert_int_equal(IVssBackupComponents_##Method(backup, &_async), S_OK);                     \
                assert_non_null(_async);                                                                    \
                _async;                                                                                     \
        })

static HRESULT status_of(IVssAsync *async) {
        HRESULT status = E_FAIL;

        assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        return status;
}

static IVssBackupComponentsEx4 *create_gathered(void) {
        IVssBackupComponentsEx4 *backup = create();

        assert_int_equal(IVssBackupComponents_InitializeForBackup(backup, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_SetBackupState(backup, true, true, VSS_BT_FULL, false), S_OK);
        assert_int_equal(RUN(backup, GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        return backup;
}

static IVssBackupComponentsEx4 *create_with_set(void) {
        IVssBackupComponentsEx4 *backup = create_gathered();
        WCHAR volume[] = L"\\srv\\data\\";
        VSS_ID id;

        assert_int_equal(
                IVssBackupComponents_AddComponent(backup, instance, class, VSS_CT_DATABASE, L"path", L"db"),
                S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(backup, &id), S_OK);
        assert_memory_equal(&id, &fake_set_id, sizeof(id));
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(backup, volume, GUID_NULL, &id), S_OK);
        assert_memory_equal(&id, &fake_snapshot_id, sizeof(id));
        return backup;
}

static IVssBackupComponentsEx4 *create_prepared(void) {
        IVssBackupComponentsEx4 *backup = create_with_set();

        assert_int_equal(RUN(backup, PrepareForBackup), VSS_S_ASYNC_FINISHED);
        return backup;
}

static void release(IVssBackupComponentsEx4 *backup) {
        assert_int_equal(IVssBackupComponents_Release(backup), 0);
}

/* What the object holds, as umbrad would get it. */
static BackupDoc *document_of(IVssBackupComponentsEx4 *backup) {
        _cleanup_(bstr_freep) BSTR xml = NULL;
        _cleanup_(freep) char *text = NULL;
        BackupDoc *doc = NULL;

        assert_int_equal(IVssBackupComponents_SaveAsXML(backup, &xml), S_OK);
        assert_int_equal(utf8_from_bstr(xml, &text), 0);
        assert_int_equal(backup_doc_read(text, strlen(text), &doc), S_OK);
        return doc;
}

static void test_that_nobody_listening_is_told_with_what_to_do(void **state) {
        IVssBackupComponents *backup = (void *) 1;
        char *json = (void *) 1;

        assert_int_equal(umbra_set_socket("/nonexistent/umbra.sock"), S_OK);
        assert_int_equal(CreateVssBackupComponents(&backup), VSS_E_UNEXPECTED);
        assert_null(backup);
        assert_string_equal(umbra_last_error(),
                            "umbrad does not listen on '/nonexistent/umbra.sock': start it with "
                            "`systemctl start umbrad.socket` or set UMBRA_SOCKET.");
        assert_int_equal(umbra_get_status(&json), VSS_E_UNEXPECTED);
        assert_null(json);
        assert_int_equal(umbra_set_socket(NULL), S_OK);
}

static void test_that_strangers_are_refused(void **state) {
        IVssBackupComponents *backup = (void *) 1;

        fake_umbrad_set(umbrad, "OpenSession", FAKE_FAILS, E_ACCESSDENIED);
        assert_int_equal(CreateVssBackupComponents(&backup), E_ACCESSDENIED);
        assert_null(backup);
        assert_string_equal(umbra_last_error(), "told to fail");
}

static void test_that_an_umbrad_of_another_kind_is_told(void **state) {
        IVssBackupComponents *backup = (void *) 1;

        fake_umbrad_set(umbrad, "OpenSession", FAKE_TALKS, S_OK);
        assert_int_equal(CreateVssBackupComponents(&backup), VSS_E_UNEXPECTED);
        fake_umbrad_set(umbrad, "OpenSession", FAKE_GOES, S_OK);
        assert_int_equal(CreateVssBackupComponents(&backup), VSS_E_UNEXPECTED);
        assert_int_equal(CreateVssBackupComponents(NULL), E_INVALIDARG);
}

static void test_that_all_its_interfaces_are_one_pointer(void **state) {
        const IID *const iids[] = {
                &IID_IUnknown,
                &IID_IVssBackupComponents,
                &IID_IVssBackupComponentsEx,
                &IID_IVssBackupComponentsEx2,
                &IID_IVssBackupComponentsEx3,
                &IID_IVssBackupComponentsEx4,
        };
        IVssBackupComponentsEx4 *backup = create();
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
        release(backup);
}

/* The order of calls is looked at after the arguments, so one state does for all. */
static void test_that_no_pointer_may_be_missing(void **state) {
        IVssBackupComponentsEx4 *b = create_gathered();
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
                IVssBackupComponents_AddComponent(b, instance, class, VSS_CT_DATABASE, L"path", NULL),
                IVssBackupComponents_AddComponent(b, instance, class, VSS_CT_UNDEFINED, L"path", L"db"),
                IVssBackupComponents_AddComponent(b, instance, class, 3, L"path", L"db"),
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
                IVssBackupComponents_SetBackupSucceeded(b, instance, class, VSS_CT_DATABASE, L"path", NULL,
                                                        true),
                IVssBackupComponents_SetBackupOptions(b, class, VSS_CT_DATABASE, L"path", NULL, L"x"),
                IVssBackupComponents_SetBackupOptions(b, class, VSS_CT_DATABASE, L"path", L"db", NULL),
                IVssBackupComponents_SetBackupOptions(b, class, 0, L"path", L"db", L"x"),
                IVssBackupComponents_SetSelectedForRestore(b, class, VSS_CT_DATABASE, L"path", NULL, true),
                IVssBackupComponents_SetRestoreOptions(b, class, VSS_CT_DATABASE, L"path", NULL, L"x"),
                IVssBackupComponents_SetRestoreOptions(b, class, VSS_CT_DATABASE, L"path", L"db", NULL),
                IVssBackupComponents_SetAdditionalRestores(b, class, VSS_CT_DATABASE, L"path", NULL, true),
                IVssBackupComponents_SetPreviousBackupStamp(b, class, VSS_CT_DATABASE, L"path", NULL, L"x"),
                IVssBackupComponents_SetPreviousBackupStamp(b, class, VSS_CT_DATABASE, L"path", L"db", NULL),
                IVssBackupComponents_SaveAsXML(b, NULL),
                IVssBackupComponents_BackupComplete(b, NULL),
                IVssBackupComponents_AddAlternativeLocationMapping(b, class, VSS_CT_DATABASE, NULL, NULL,
                                                                   text, text, false, text),
                IVssBackupComponents_AddAlternativeLocationMapping(b, class, VSS_CT_DATABASE, NULL, text,
                                                                   NULL, text, false, text),
                IVssBackupComponents_AddAlternativeLocationMapping(b, class, VSS_CT_DATABASE, NULL, text,
                                                                   text, NULL, false, text),
                IVssBackupComponents_AddAlternativeLocationMapping(b, class, VSS_CT_DATABASE, NULL, text,
                                                                   text, text, false, NULL),
                IVssBackupComponents_AddRestoreSubcomponent(b, class, VSS_CT_DATABASE, NULL, NULL, text,
                                                            text, false),
                IVssBackupComponents_AddRestoreSubcomponent(b, class, VSS_CT_DATABASE, NULL, text, NULL,
                                                            text, false),
                IVssBackupComponents_AddRestoreSubcomponent(b, class, VSS_CT_DATABASE, NULL, text, text,
                                                            NULL, false),
                IVssBackupComponents_AddRestoreSubcomponent(b, class, VSS_CT_DATABASE, NULL, text, text,
                                                            text, true),
                IVssBackupComponents_SetFileRestoreStatus(b, class, VSS_CT_DATABASE, NULL, NULL, VSS_RS_ALL),
                IVssBackupComponents_SetFileRestoreStatus(b, class, VSS_CT_DATABASE, NULL, text,
                                                          VSS_RS_UNDEFINED),
                IVssBackupComponents_SetFileRestoreStatus(b, class, VSS_CT_DATABASE, NULL, text, 4),
                IVssBackupComponents_AddNewTarget(b, class, VSS_CT_DATABASE, NULL, NULL, text, text, false,
                                                  text),
                IVssBackupComponents_AddNewTarget(b, class, VSS_CT_DATABASE, NULL, text, NULL, text, false,
                                                  text),
                IVssBackupComponents_AddNewTarget(b, class, VSS_CT_DATABASE, NULL, text, text, NULL, false,
                                                  text),
                IVssBackupComponents_AddNewTarget(b, class, VSS_CT_DATABASE, NULL, text, text, text, false,
                                                  NULL),
                IVssBackupComponents_SetRangesFilePath(b, class, VSS_CT_DATABASE, NULL, NULL, 0, text),
                IVssBackupComponents_SetRangesFilePath(b, class, VSS_CT_DATABASE, NULL, text, 0, NULL),
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
                IVssBackupComponentsEx_SetSelectedForRestoreEx(b, class, VSS_CT_DATABASE, NULL, NULL, true,
                                                               GUID_NULL),
                IVssBackupComponentsEx2_SetAuthoritativeRestore(b, class, VSS_CT_DATABASE, NULL, NULL, true),
                IVssBackupComponentsEx2_SetRollForward(b, class, VSS_CT_DATABASE, NULL, NULL, VSS_RF_ALL,
                                                       NULL),
                IVssBackupComponentsEx2_SetRollForward(b, class, VSS_CT_DATABASE, NULL, text, VSS_RF_PARTIAL,
                                                       NULL),
                IVssBackupComponentsEx2_SetRollForward(b, class, VSS_CT_DATABASE, NULL, text,
                                                       VSS_RF_UNDEFINED, NULL),
                IVssBackupComponentsEx2_SetRestoreName(b, class, VSS_CT_DATABASE, NULL, NULL, text),
                IVssBackupComponentsEx2_SetRestoreName(b, class, VSS_CT_DATABASE, NULL, text, NULL),
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
        release(b);
}

/* COM says so: who looks at an output after a failure finds nothing to free. */
static void test_that_outputs_are_cleared_when_a_call_fails(void **state) {
        IVssBackupComponentsEx4 *b = create(); /* not initialised: all of these are too early */
        VSS_WRITER_STATE writer_state = VSS_WS_STABLE;
        HRESULT failure = 1, application = 1;
        WCHAR volume[] = L"/srv/";
        BSTR xml = (void *) 1, name = (void *) 1, message = (void *) 1;
        VSS_SNAPSHOT_PROP prop;
        UINT n = 1;
        VSS_ID id = instance, id2 = instance;
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
        id = instance;
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), VSS_E_BAD_STATE);
        assert_memory_equal(&id, &GUID_NULL, sizeof(id));
        id = instance;
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id), VSS_E_BAD_STATE);
        assert_memory_equal(&id, &GUID_NULL, sizeof(id));
        assert_int_equal(IVssBackupComponents_IsVolumeSupported(b, GUID_NULL, volume, &supported),
                         VSS_E_BAD_STATE);
        assert_int_equal(supported, FALSE);
        memset(&prop, 1, sizeof(prop));
        assert_int_equal(IVssBackupComponents_GetSnapshotProperties(b, instance, &prop), VSS_E_BAD_STATE);
        assert_null(prop.m_pwszSnapshotDeviceObject);
        id = instance;
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
        release(b);
}

static void test_that_what_is_reserved_says_so(void **state) {
        IVssBackupComponentsEx4 *b = create();
        IVssAsync *async = (void *) 1;

        assert_int_equal(IVssBackupComponentsEx2_PreFastRecovery(b, instance, 0, &async), E_NOTIMPL);
        assert_null(async);
        async = (void *) 1;
        assert_int_equal(IVssBackupComponentsEx2_FastRecovery(b, instance, 0, &async), E_NOTIMPL);
        assert_null(async);
        assert_int_equal(IVssBackupComponentsEx2_FastRecovery(b, instance, 0, NULL), E_NOTIMPL);
        release(b);
}

static void test_that_a_backup_goes_from_end_to_end(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *doc = NULL;
        IVssBackupComponentsEx4 *b = create_prepared();
        const BackupComponent *c;
        VSS_ID id;

        assert_int_equal(IVssBackupComponentsEx3_GetSessionId(b, &id), S_OK);
        assert_memory_not_equal(&id, &GUID_NULL, sizeof(id));
        assert_int_equal(RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(b, DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, instance, class, VSS_CT_DATABASE,
                                                                 L"path", L"db", true),
                         S_OK);
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, instance, class, VSS_CT_DATABASE,
                                                                 L"path", L"no", true),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(RUN(b, BackupComplete), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, instance, class, VSS_CT_DATABASE,
                                                                 L"path", L"db", true),
                         VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), S_OK);
        assert_int_equal(fake_umbrad_count(umbrad, "AbortBackup"), 0);

        doc = document_of(b);
        assert_true(doc->has_state && doc->select_components && doc->bootable_system_state);
        assert_int_equal(doc->backup_type, VSS_BT_FULL);
        assert_memory_equal(&doc->snapshot_set_id, &fake_set_id, sizeof(GUID));
        assert_int_equal(doc->n_volumes, 1);
        assert_memory_equal(&doc->volumes[0].snapshot_id, &fake_snapshot_id, sizeof(GUID));
        assert_string_equal(doc->volumes[0].volume, "\\srv\\data\\"); /* as umbrad named it */
        assert_int_equal(doc->n_writers, 1);
        assert_string_equal(doc->writers[0]->instance_name, "One");
        assert_int_equal(doc->writers[0]->n_components, 1);
        c = doc->writers[0]->components[0];
        assert_string_equal(c->name, "db");
        assert_string_equal(c->logical_path, "path");
        assert_int_equal(c->backup_succeeded, TRI_YES);
        release(b);
}

static void test_that_components_are_those_of_the_writers(void **state) {
        IVssBackupComponentsEx4 *b = create_gathered();
        UINT n;

        assert_int_equal(
                IVssBackupComponents_AddComponent(b, instance, class, VSS_CT_DATABASE, L"path", L"db"),
                S_OK);
        assert_int_equal(
                IVssBackupComponents_AddComponent(b, instance, class, VSS_CT_DATABASE, L"path", L"db"),
                VSS_E_OBJECT_ALREADY_EXISTS);
        assert_int_equal(IVssBackupComponents_AddComponent(b, instance, class, VSS_CT_DATABASE, NULL, L"db"),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(
                IVssBackupComponents_AddComponent(b, instance, class, VSS_CT_FILEGROUP, L"path", L"db"),
                VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_AddComponent(b, other, class, VSS_CT_DATABASE, L"path", L"db"),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(
                IVssBackupComponents_AddComponent(b, instance, other, VSS_CT_DATABASE, L"path", L"db"),
                VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_AddComponent(b, other, other, VSS_CT_DATABASE, L"path", L"db"),
                         VSS_E_OBJECT_NOT_FOUND); /* what it said is nonsense */

        /* Freeing what they said does not make them go away. */
        assert_int_equal(IVssBackupComponents_FreeWriterMetadata(b), S_OK);
        assert_int_equal(IVssBackupComponents_FreeWriterMetadata(b), S_OK);
        assert_int_equal(IVssBackupComponents_GetWriterMetadataCount(b, &n), VSS_E_BAD_STATE);
        assert_int_equal(RUN(b, GatherWriterMetadata), VSS_E_BAD_STATE);
        assert_int_equal(
                IVssBackupComponents_AddComponent(b, instance, class, VSS_CT_FILEGROUP, NULL, L"files"),
                S_OK);
        assert_int_equal(IVssBackupComponents_GetWriterComponentsCount(b, &n), S_OK);
        assert_int_equal(n, 1); /* writers, not components */
        release(b);
}

static void test_that_metadata_is_handed_out_per_writer(void **state) {
        IVssBackupComponentsEx4 *b = create_gathered();
        IVssExamineWriterMetadata *metadata;
        IVssExamineWriterMetadataEx *metadata_ex;
        _cleanup_(bstr_freep) BSTR name = NULL;
        VSS_SOURCE_TYPE source;
        VSS_USAGE_TYPE usage;
        VSS_ID id, id2, id3;
        UINT n;

        assert_int_equal(IVssBackupComponents_GetWriterMetadataCount(b, &n), S_OK);
        assert_int_equal(n, 2);
        assert_int_equal(IVssBackupComponents_GetWriterMetadata(b, 0, &id, &metadata), S_OK);
        assert_memory_equal(&id, &instance, sizeof(id));
        assert_int_equal(IVssExamineWriterMetadata_GetIdentity(metadata, &id2, &id3, &name, &usage, &source),
                         S_OK);
        assert_memory_equal(&id2, &instance, sizeof(id));
        assert_memory_equal(&id3, &class, sizeof(id));
        assert_int_equal(IVssBackupComponentsEx_GetWriterMetadataEx(b, 0, &id, &metadata_ex), S_OK);
        IVssExamineWriterMetadataEx_Release(metadata_ex);

        assert_int_equal(IVssBackupComponents_GetWriterMetadata(b, 2, &id,
                                                                (IVssExamineWriterMetadata **) &metadata_ex),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_null(metadata_ex);
        assert_int_equal(IVssBackupComponents_GetWriterMetadata(b, 1, &id,
                                                                (IVssExamineWriterMetadata **) &metadata_ex),
                         VSS_E_INVALID_XML_DOCUMENT);

        /* What was handed out is the caller's. */
        release(b);
        assert_int_equal(IVssExamineWriterMetadata_GetFileCounts(metadata, &n, &n, &n), S_OK);
        assert_int_equal(n, 3);
        IVssExamineWriterMetadata_Release(metadata);
}

static void test_that_a_status_tells_all(void **state) {
        IVssBackupComponentsEx4 *b = create_gathered();
        VSS_WRITER_STATE writer_state;
        HRESULT failure, application;
        VSS_ID id, id2;
        BSTR name, message;
        UINT n;

        assert_int_equal(IVssBackupComponents_GetWriterStatusCount(b, &n), VSS_E_BAD_STATE);
        assert_int_equal(RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponents_GetWriterStatusCount(b, &n), S_OK);
        assert_int_equal(n, 2);

        assert_int_equal(
                IVssBackupComponents_GetWriterStatus(b, 0, &id, &id2, &name, &writer_state, &failure), S_OK);
        assert_memory_equal(&id, &instance, sizeof(id));
        assert_memory_equal(&id2, &class, sizeof(id));
        assert_int_equal(writer_state, VSS_WS_STABLE);
        assert_int_equal(failure, S_OK);
        assert_true(wcscmp(name, L"Writer") == 0);
        SysFreeString(name);

        assert_int_equal(IVssBackupComponentsEx3_GetWriterStatusEx(b, 1, &id, &id2, &name, &writer_state,
                                                                   &failure, &application, &message),
                         S_OK);
        assert_int_equal(writer_state, VSS_WS_FAILED_AT_FREEZE);
        assert_int_equal(failure, VSS_E_WRITERERROR_TIMEOUT);
        assert_int_equal(application, 7);
        assert_true(wcscmp(message, L"Nonsense") == 0);
        SysFreeString(name);
        SysFreeString(message);
        assert_int_equal(IVssBackupComponentsEx3_GetWriterStatusEx(b, 1, &id, &id2, &name, &writer_state,
                                                                   NULL, NULL, NULL),
                         S_OK);
        SysFreeString(name);
        assert_int_equal(
                IVssBackupComponents_GetWriterStatus(b, 2, &id, &id2, &name, &writer_state, &failure),
                VSS_E_OBJECT_NOT_FOUND);

        assert_int_equal(IVssBackupComponents_FreeWriterStatus(b), S_OK);
        assert_int_equal(IVssBackupComponents_FreeWriterStatus(b), S_OK);
        assert_int_equal(IVssBackupComponents_GetWriterStatusCount(b, &n), VSS_E_BAD_STATE);
        release(b);
}

static void test_that_components_become_stale_with_the_next_step(void **state) {
        IVssBackupComponentsEx4 *b = create_with_set();
        IVssWriterComponentsExt *writer, *fresh;
        IVssComponent *component;
        BSTR name = NULL;
        UINT n;

        assert_int_equal(IVssBackupComponents_GetWriterComponents(b, 1, &writer), VSS_E_OBJECT_NOT_FOUND);
        assert_null(writer);
        assert_int_equal(IVssBackupComponents_GetWriterComponents(b, 0, &writer), S_OK);
        assert_int_equal(IVssWriterComponents_GetComponentCount(&writer->components, &n), S_OK);
        assert_int_equal(n, 1);
        assert_int_equal(IVssWriterComponents_GetComponent(&writer->components, 0, &component), S_OK);
        assert_int_equal(IVssComponent_GetComponentName(component, &name), S_OK);
        SysFreeString(name);

        /* They show what is said of them meanwhile. */
        assert_int_equal(
                IVssBackupComponents_SetBackupOptions(b, class, VSS_CT_DATABASE, L"path", L"db", L"fast"),
                S_OK);
        assert_int_equal(IVssComponent_GetBackupOptions(component, &name), S_OK);
        assert_true(wcscmp(name, L"fast") == 0);
        SysFreeString(name);

        assert_int_equal(RUN(b, PrepareForBackup), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssWriterComponents_GetComponentCount(&writer->components, &n),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssComponent_GetComponentName(component, &name), VSS_E_OBJECT_NOT_FOUND);

        assert_int_equal(IVssBackupComponents_GetWriterComponents(b, 0, &fresh), S_OK);
        assert_int_equal(IVssWriterComponents_GetComponentCount(&fresh->components, &n), S_OK);

        /* The object goes first; what hangs on it stays safe to hold and to release. */
        release(b);
        assert_int_equal(IVssWriterComponents_GetComponentCount(&fresh->components, &n),
                         VSS_E_OBJECT_NOT_FOUND);
        IUnknown_Release(&fresh->unknown);
        IVssComponent_Release(component);
        IUnknown_Release(&writer->unknown);
}

static void test_that_polling_is_enough(void **state) {
        IVssBackupComponentsEx4 *b = create_prepared();
        unsigned rounds = 0;
        IVssAsync *async;
        HRESULT status;

        fake_umbrad_delay(umbrad, "DoSnapshotSet", 150);
        async = BEGIN(b, DoSnapshotSet);
        while ((status = status_of(async)) == VSS_S_ASYNC_PENDING) {
                usleep(10 * 1000);
                assert_true(++rounds < 2000);
        }
        assert_int_equal(status, VSS_S_ASYNC_FINISHED);
        assert_true(rounds > 0);
        IVssAsync_Release(async);
        release(b);
}

static void test_that_a_wait_may_run_out(void **state) {
        IVssBackupComponentsEx4 *b = create_prepared();
        IVssAsync *async;
        usec_t begin;

        fake_umbrad_set(umbrad, "DoSnapshotSet", FAKE_NEVER, S_OK);
        async = BEGIN(b, DoSnapshotSet);
        begin = now_usec(CLOCK_MONOTONIC);
        assert_int_equal(IVssAsync_Wait(async, 0), S_OK);
        assert_int_equal(IVssAsync_Wait(async, 100), S_OK);
        assert_true(now_usec(CLOCK_MONOTONIC) - begin >= 100 * USEC_PER_MSEC);
        assert_int_equal(status_of(async), VSS_S_ASYNC_PENDING);
        assert_int_equal(IVssAsync_Cancel(async), S_OK);
        IVssAsync_Release(async);
        release(b);
}

static void test_that_one_operation_runs_at_a_time(void **state) {
        IVssBackupComponentsEx4 *b = create_with_set();
        IVssAsync *async, *second = (void *) 1;
        BSTR xml;

        fake_umbrad_delay(umbrad, "PrepareForBackup", 100);
        async = BEGIN(b, PrepareForBackup);
        assert_int_equal(IVssBackupComponents_GatherWriterStatus(b, &second), VSS_E_BAD_STATE);
        assert_null(second);
        assert_string_equal(umbra_last_error(),
                            "GatherWriterStatus() was called while PrepareForBackup() is still "
                            "running: wait for its IVssAsync.");
        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), VSS_E_BAD_STATE);
        assert_int_equal(
                IVssBackupComponents_SetBackupOptions(b, class, VSS_CT_DATABASE, L"path", L"db", L"x"),
                VSS_E_BAD_STATE);
        assert_int_equal(end_of(S_OK, async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);
        release(b);
}

static void *waiter_main(void *arg) {
        IVssAsync *async = arg;

        return (void *) (intptr_t) IVssAsync_Wait(async, INFINITE);
}

static atomic_bool stop_polling;

static void *poller_main(void *arg) {
        HRESULT status = VSS_S_ASYNC_PENDING;

        while (status == VSS_S_ASYNC_PENDING && !atomic_load(&stop_polling)) {
                status = status_of(arg);
                usleep(1000);
        }
        return (void *) (intptr_t) status;
}

static void test_that_cancelling_ends_the_operation_for_all(void **state) {
        IVssBackupComponentsEx4 *b = create_prepared();
        pthread_t waiter, poller;
        IVssAsync *async;
        void *result;

        fake_umbrad_set(umbrad, "DoSnapshotSet", FAKE_NEVER, S_OK);
        async = BEGIN(b, DoSnapshotSet);
        atomic_store(&stop_polling, false);
        assert_int_equal(pthread_create(&waiter, NULL, waiter_main, async), 0);
        assert_int_equal(pthread_create(&poller, NULL, poller_main, async), 0);
        usleep(50 * 1000);

        assert_int_equal(IVssAsync_Cancel(async), S_OK);
        assert_int_equal(fake_umbrad_count(umbrad, "Cancel"), 1);
        assert_int_equal(IVssAsync_Cancel(async), VSS_S_ASYNC_CANCELLED);
        assert_int_equal(pthread_join(waiter, &result), 0);
        assert_int_equal((intptr_t) result, S_OK);
        assert_int_equal(pthread_join(poller, &result), 0);
        assert_int_equal((intptr_t) result, VSS_S_ASYNC_CANCELLED);
        IVssAsync_Release(async);

        /* Nothing is left to go on with. */
        assert_int_equal(RUN(b, DoSnapshotSet), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), S_OK);
        release(b);
}

static void test_that_finished_operations_cannot_be_cancelled(void **state) {
        IVssBackupComponentsEx4 *b = create_with_set();
        IVssAsync *async = BEGIN(b, PrepareForBackup);

        assert_int_equal(IVssAsync_Wait(async, INFINITE), S_OK);
        assert_int_equal(IVssAsync_Cancel(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(fake_umbrad_count(umbrad, "Cancel"), 0);
        IVssAsync_Release(async);
        release(b);
}

static void test_that_aborting_ends_what_runs(void **state) {
        IVssBackupComponentsEx4 *b = create_with_set();
        IVssAsync *async;

        fake_umbrad_set(umbrad, "PrepareForBackup", FAKE_NEVER, S_OK);
        async = BEGIN(b, PrepareForBackup);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), S_OK);
        assert_int_equal(status_of(async), VSS_S_ASYNC_CANCELLED);
        IVssAsync_Release(async);
        assert_int_equal(RUN(b, PrepareForBackup), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), S_OK); /* again: it does not hurt */
        release(b);
}

static void test_that_aborting_nothing_is_ignored(void **state) {
        IVssBackupComponentsEx4 *b = create();
        VSS_ID id;

        assert_int_equal(IVssBackupComponents_AbortBackup(b), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), S_OK);
        assert_int_equal(fake_umbrad_count(umbrad, "AbortBackup"), 0);

        /* A failed StartSnapshotSet() may be tried again; restic does every five seconds. */
        fake_umbrad_set(umbrad, "StartSnapshotSet", FAKE_FAILS, VSS_E_SNAPSHOT_SET_IN_PROGRESS);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), VSS_E_SNAPSHOT_SET_IN_PROGRESS);
        fake_umbrad_set(umbrad, "StartSnapshotSet", FAKE_ANSWERS, S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), S_OK);
        release(b);
}

static void test_that_a_failure_arrives_with_its_sentence(void **state) {
        IVssBackupComponentsEx4 *b = create_with_set();
        IVssAsync *async;

        fake_umbrad_set(umbrad, "PrepareForBackup", FAKE_FAILS, VSS_E_PROVIDER_VETO);
        async = BEGIN(b, PrepareForBackup);
        assert_int_equal(IVssAsync_Wait(async, INFINITE), VSS_E_PROVIDER_VETO);
        assert_string_equal(umbra_last_error(), "told to fail");
        assert_int_equal(status_of(async), VSS_E_PROVIDER_VETO);
        IVssAsync_Release(async);

        /* Nobody knows of the backup yet, so it may be tried again. */
        fake_umbrad_set(umbrad, "PrepareForBackup", FAKE_ANSWERS, S_OK);
        assert_int_equal(RUN(b, PrepareForBackup), VSS_S_ASYNC_FINISHED);
        release(b);
}

static void test_that_a_lost_umbrad_ends_everything_in_order(void **state) {
        IVssBackupComponentsEx4 *b = create_prepared();
        BSTR xml = NULL;
        VSS_ID id;

        fake_umbrad_set(umbrad, "BackupComplete", FAKE_GOES, S_OK);
        assert_int_equal(RUN(b, BackupComplete), VSS_E_UNEXPECTED);
        assert_non_null(strstr(umbra_last_error(), "connection to umbrad was lost"));

        assert_int_equal(RUN(b, GatherWriterStatus), VSS_E_UNEXPECTED);
        assert_non_null(strstr(umbra_last_error(), "cannot be resumed"));
        assert_int_equal(IVssBackupComponents_AbortBackup(b), VSS_E_UNEXPECTED);
        assert_int_equal(IVssBackupComponents_DeleteSnapshots(b, instance, VSS_OBJECT_SNAPSHOT, TRUE,
                                                              &(LONG){ 0 }, &id),
                         VSS_E_UNEXPECTED);

        /* What the library does by itself still works. */
        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), S_OK);
        SysFreeString(xml);
        release(b);
}

/* A document that looks complete and is not would be found out years later. */
static void test_that_what_writers_said_is_missed_when_it_is_lost(void **state) {
        IVssBackupComponentsEx4 *b = create_prepared();
        BSTR xml = NULL;

        fake_umbrad_set(umbrad, "DoSnapshotSet", FAKE_GOES, S_OK);
        assert_int_equal(RUN(b, DoSnapshotSet), VSS_E_UNEXPECTED);
        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), VSS_E_UNEXPECTED);
        assert_null(xml);
        assert_non_null(strstr(umbra_last_error(), "DoSnapshotSet()"));
        release(b);
}

static void test_that_access_that_is_taken_away_is_no_crash(void **state) {
        IVssBackupComponentsEx4 *b = create_prepared(), *waiting = create_prepared();
        IVssAsync *async;
        BSTR xml = NULL;
        VSS_ID id;

        fake_umbrad_set(umbrad, "BackupComplete", FAKE_NEVER, S_OK);
        async = BEGIN(waiting, BackupComplete);
        fake_umbrad_end_connections(umbrad, true);

        assert_int_equal(IVssAsync_Wait(async, INFINITE), E_ACCESSDENIED);
        assert_int_equal(status_of(async), E_ACCESSDENIED);
        IVssAsync_Release(async);
        assert_int_equal(RUN(b, GatherWriterStatus), E_ACCESSDENIED);
        assert_non_null(strstr(umbra_last_error(), "umbra.conf"));
        assert_int_equal(IVssBackupComponents_AbortBackup(b), E_ACCESSDENIED);
        assert_int_equal(IVssBackupComponents_DeleteSnapshots(b, instance, VSS_OBJECT_SNAPSHOT, TRUE,
                                                              &(LONG){ 0 }, &id),
                         E_ACCESSDENIED);
        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), S_OK);
        SysFreeString(xml);
        release(b);
        release(waiting);
}

static void test_that_a_lost_umbrad_while_gathering_is_its_own_code(void **state) {
        IVssBackupComponentsEx4 *b = create();

        fake_umbrad_set(umbrad, "GatherWriterMetadata", FAKE_GOES, S_OK);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(RUN(b, GatherWriterMetadata), VSS_E_WRITER_INFRASTRUCTURE);
        release(b);
}

static void test_that_the_connection_lives_as_long_as_somebody_waits(void **state) {
        IVssBackupComponentsEx4 *b = create_with_set();
        IVssAsync *async;

        fake_umbrad_delay(umbrad, "PrepareForBackup", 150);
        async = BEGIN(b, PrepareForBackup);
        release(b);
        assert_true(fake_umbrad_await_connections(umbrad, 1));
        assert_int_equal(IVssAsync_Wait(async, INFINITE), S_OK);
        assert_int_equal(status_of(async), VSS_S_ASYNC_FINISHED);

        /* Settled: nothing is waited for any more, though it is still held. */
        assert_true(fake_umbrad_await_connections(umbrad, 0));
        IVssAsync_Release(async);
}

static void test_that_releasing_both_ends_the_connection(void **state) {
        static const bool async_first[] = { false, true };

        fake_umbrad_set(umbrad, "PrepareForBackup", FAKE_NEVER, S_OK);
        for (size_t i = 0; i < ELEMENTSOF(async_first); ++i) {
                IVssBackupComponentsEx4 *b = create_with_set();
                IVssAsync *async = BEGIN(b, PrepareForBackup);

                if (async_first[i]) {
                        IVssAsync_Release(async);
                        release(b);
                } else {
                        release(b);
                        IVssAsync_Release(async);
                }
                assert_true(fake_umbrad_await_connections(umbrad, 0));
        }
}

static void test_that_an_operation_nobody_holds_still_moves_on(void **state) {
        IVssBackupComponentsEx4 *b = create_with_set();
        unsigned rounds = 0;
        IVssAsync *async;
        HRESULT hr;

        fake_umbrad_delay(umbrad, "PrepareForBackup", 50);
        async = BEGIN(b, PrepareForBackup);
        IVssAsync_Release(async);

        /* Any later call brings the answer in. */
        while ((hr = IVssBackupComponents_DoSnapshotSet(b, &async)) == VSS_E_BAD_STATE) {
                usleep(10 * 1000);
                assert_true(++rounds < 1000);
        }
        assert_int_equal(end_of(hr, async), VSS_S_ASYNC_FINISHED);
        release(b);
}

static void test_that_nonsense_from_umbrad_is_no_crash(void **state) {
        static const char *const members[] = {
                "GatherWriterMetadata", "StartSnapshotSet", "AddToSnapshotSet",      "PrepareForBackup",
                "GatherWriterStatus",   "DoSnapshotSet",    "GetSnapshotProperties", "Query",
                "IsVolumeSupported",    "DeleteSnapshots",
        };
        IVssBackupComponentsEx4 *b = create();
        WCHAR volume[] = L"/srv/";
        VSS_SNAPSHOT_PROP prop;
        IVssEnumObject *list;
        BOOL supported;
        VSS_ID id = instance;
        LONG n;

        for (size_t i = 0; i < ELEMENTSOF(members); ++i)
                fake_umbrad_set(umbrad, members[i], FAKE_TALKS, S_OK);

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
        assert_int_equal(RUN(b, GatherWriterMetadata), VSS_E_UNEXPECTED);
        fake_umbrad_set(umbrad, "GatherWriterMetadata", FAKE_ANSWERS, S_OK);
        assert_int_equal(RUN(b, GatherWriterMetadata),
                         VSS_S_ASYNC_FINISHED); /* it has not been, so it may be */
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), VSS_E_UNEXPECTED);
        fake_umbrad_set(umbrad, "StartSnapshotSet", FAKE_ANSWERS, S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), S_OK);
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id), VSS_E_UNEXPECTED);
        assert_int_equal(RUN(b, PrepareForBackup), VSS_E_UNEXPECTED);
        fake_umbrad_set(umbrad, "PrepareForBackup", FAKE_ANSWERS, S_OK);
        assert_int_equal(RUN(b, PrepareForBackup), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(b, GatherWriterStatus), VSS_E_UNEXPECTED);
        assert_int_equal(RUN(b, DoSnapshotSet), VSS_E_UNEXPECTED);
        release(b);
}

static void test_that_without_writers_it_is_shorter(void **state) {
        static const LONG contexts[] = { VSS_CTX_FILE_SHARE_BACKUP, VSS_CTX_NAS_ROLLBACK,
                                         VSS_CTX_CLIENT_ACCESSIBLE };

        for (size_t i = 0; i < ELEMENTSOF(contexts); ++i) {
                IVssBackupComponentsEx4 *b = create();
                WCHAR volume[] = L"/srv/";
                VSS_ID id;

                assert_int_equal(IVssBackupComponents_SetContext(b, contexts[i]), S_OK); /* Bareos: before */
                assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
                assert_int_equal(IVssBackupComponents_SetContext(b, contexts[i]), VSS_E_BAD_STATE);
                assert_int_equal(IVssBackupComponents_SetBackupState(b, true, false, VSS_BT_FULL, false),
                                 S_OK);
                assert_int_equal(RUN(b, GatherWriterMetadata),
                                 VSS_S_ASYNC_FINISHED); /* allowed, not needed */
                assert_int_equal(IVssBackupComponents_AddComponent(b, instance, class, VSS_CT_DATABASE,
                                                                   L"path", L"db"),
                                 VSS_E_BAD_STATE);
                assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), S_OK);
                assert_int_equal(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id), S_OK);
                assert_int_equal(RUN(b, PrepareForBackup), VSS_E_BAD_STATE);
                assert_int_equal(RUN(b, DoSnapshotSet), VSS_S_ASYNC_FINISHED);
                assert_int_equal(RUN(b, BackupComplete), VSS_E_BAD_STATE);
                release(b);
        }
}

/* A document as a backup left it, with the component that the writer has and one that nobody knows any more.
 */
static BSTR backed_up(void) {
        IVssBackupComponentsEx4 *b = create_prepared();
        BSTR xml = NULL;

        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), S_OK);
        release(b);
        return xml;
}

static void test_that_a_restore_goes_from_end_to_end(void **state) {
        _cleanup_(bstr_freep) BSTR xml = backed_up();
        _cleanup_(backup_doc_freep) BackupDoc *doc = NULL;
        IVssBackupComponentsEx4 *b = create();
        const BackupComponent *c;
        VSS_ID id;

        assert_int_equal(IVssBackupComponents_InitializeForRestore(b, xml), S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_SetRestoreState(b, VSS_RTYPE_BY_COPY), S_OK);
        assert_int_equal(RUN(b, PreRestore), VSS_E_BAD_STATE); /* writers first */
        assert_int_equal(RUN(b, GatherWriterMetadata), VSS_S_ASYNC_FINISHED);

        assert_int_equal(IVssBackupComponents_AddRestoreSubcomponent(b, class, VSS_CT_DATABASE, L"path",
                                                                     L"db", L"path\\db", L"table", false),
                         VSS_E_BAD_STATE); /* its component is not selected */
        assert_int_equal(
                IVssBackupComponents_SetSelectedForRestore(b, class, VSS_CT_DATABASE, L"path", L"db", true),
                S_OK);
        assert_int_equal(
                IVssBackupComponents_SetSelectedForRestore(b, class, VSS_CT_DATABASE, L"path", L"no", true),
                VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(
                IVssBackupComponents_SetSelectedForRestore(b, other, VSS_CT_DATABASE, L"path", L"db", true),
                VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponentsEx_SetSelectedForRestoreEx(b, class, VSS_CT_DATABASE, L"path",
                                                                        L"db", true, fake_set_id),
                         VSS_E_OBJECT_NOT_FOUND); /* no such instance runs */
        assert_int_equal(IVssBackupComponentsEx_SetSelectedForRestoreEx(b, class, VSS_CT_DATABASE, L"path",
                                                                        L"db", true, other),
                         E_INVALIDARG); /* it is one of another writer */
        assert_int_equal(IVssBackupComponentsEx_SetSelectedForRestoreEx(b, class, VSS_CT_DATABASE, L"path",
                                                                        L"db", true, instance),
                         S_OK);
        assert_int_equal(IVssBackupComponents_AddRestoreSubcomponent(b, class, VSS_CT_DATABASE, L"path",
                                                                     L"db", L"path\\db", L"table", false),
                         S_OK);
        assert_int_equal(
                IVssBackupComponents_SetRestoreOptions(b, class, VSS_CT_DATABASE, L"path", L"db", L"quick"),
                S_OK);
        assert_int_equal(
                IVssBackupComponents_SetAdditionalRestores(b, class, VSS_CT_DATABASE, L"path", L"db", true),
                S_OK);
        assert_int_equal(IVssBackupComponentsEx2_SetAuthoritativeRestore(b, class, VSS_CT_DATABASE, L"path",
                                                                         L"db", true),
                         S_OK);
        assert_int_equal(IVssBackupComponentsEx2_SetRollForward(b, class, VSS_CT_DATABASE, L"path", L"db",
                                                                VSS_RF_PARTIAL, L"noon"),
                         S_OK);
        assert_int_equal(
                IVssBackupComponentsEx2_SetRestoreName(b, class, VSS_CT_DATABASE, L"path", L"db", L"copy"),
                S_OK);
        assert_int_equal(IVssBackupComponents_AddNewTarget(b, class, VSS_CT_DATABASE, L"path", L"db",
                                                           L"/srv/elsewhere", L"*.db", false, L"/new"),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_AddNewTarget(b, class, VSS_CT_DATABASE, L"path", L"db",
                                                           L"/srv/db/", L"*.db", false, L"/new"),
                         S_OK);
        assert_int_equal(
                IVssBackupComponents_SetRangesFilePath(b, class, VSS_CT_DATABASE, L"path", L"db", 0, L"/x"),
                VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_SetFileRestoreStatus(b, class, VSS_CT_DATABASE, L"path", L"db",
                                                                   VSS_RS_ALL),
                         VSS_E_BAD_STATE);

        assert_int_equal(RUN(b, PostRestore), VSS_E_BAD_STATE);
        assert_int_equal(RUN(b, PreRestore), VSS_S_ASYNC_FINISHED);
        assert_int_equal(
                IVssBackupComponents_SetSelectedForRestore(b, class, VSS_CT_DATABASE, L"path", L"db", false),
                VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_AddAlternativeLocationMapping(b, class, VSS_CT_DATABASE,
                                                                            L"path", L"db", L"/srv/db",
                                                                            L"*.db", false, L"/alt"),
                         S_OK);
        assert_int_equal(IVssBackupComponents_SetFileRestoreStatus(b, class, VSS_CT_DATABASE, L"path", L"db",
                                                                   VSS_RS_ALL),
                         S_OK);
        assert_int_equal(RUN(b, PostRestore), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);

        doc = document_of(b);
        assert_int_equal(doc->restore_type, VSS_RTYPE_BY_COPY);
        c = doc->writers[0]->components[0];
        assert_int_equal(c->selected_for_restore, TRI_YES);
        assert_memory_equal(&c->restore_instance_id, &instance, sizeof(GUID));
        assert_string_equal(c->restore_options, "quick");
        assert_int_equal(c->additional_restores, TRI_YES);
        assert_true(c->authoritative_restore);
        assert_int_equal(c->roll_forward, VSS_RF_PARTIAL);
        assert_string_equal(c->roll_forward_point, "noon");
        assert_string_equal(c->restore_name, "copy");
        assert_int_equal(c->file_restore_status, VSS_RS_ALL);
        assert_int_equal(c->n_restore_subcomponents, 1);
        assert_int_equal(c->new_targets.n, 1);
        assert_string_equal(c->new_targets.items[0].alternate, "/new");
        assert_int_equal(c->mappings.n, 1);
        release(b);
}

static void test_that_documents_that_are_none_are_refused(void **state) {
        static const WCHAR *const texts[] = {
                L"",
                L"no document",
                L"<OTHER_DOCUMENT/>",
                L"<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\">",
                L"<!DOCTYPE x [<!ENTITY y \"z\">]><BACKUP_COMPONENTS/>",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                IVssBackupComponentsEx4 *b = create();
                BSTR xml = SysAllocString(texts[i]);

                assert_int_equal(IVssBackupComponents_InitializeForRestore(b, xml),
                                 VSS_E_INVALID_XML_DOCUMENT);
                assert_int_equal(IVssBackupComponents_InitializeForBackup(b, xml),
                                 VSS_E_INVALID_XML_DOCUMENT);
                /* It is still a new object. */
                assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
                assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), VSS_E_BAD_STATE);
                SysFreeString(xml);
                release(b);
        }
}

static void test_that_shadow_copies_can_be_looked_at_and_deleted(void **state) {
        IVssBackupComponentsEx4 *b = create();
        VSS_OBJECT_PROP objects[2];
        WCHAR volume[] = L"\\srv\\data\\";
        VSS_SNAPSHOT_PROP prop;
        IVssEnumObject *list;
        BOOL supported = FALSE;
        ULONG fetched;
        VSS_ID id;
        LONG n;

        assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_SetContext(b, (LONG) VSS_CTX_ALL), S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_IsVolumeSupported(b, GUID_NULL, volume, &supported), S_OK);
        assert_int_equal(supported, TRUE);

        assert_int_equal(IVssBackupComponents_GetSnapshotProperties(b, fake_snapshot_id, &prop), S_OK);
        assert_memory_equal(&prop.m_SnapshotId, &fake_snapshot_id, sizeof(GUID));
        assert_memory_equal(&prop.m_SnapshotSetId, &fake_set_id, sizeof(GUID));
        assert_true(wcscmp(prop.m_pwszSnapshotDeviceObject, L"/run/umbra/shadow/x") == 0);
        assert_true(wcscmp(prop.m_pwszOriginalVolumeName, L"/srv/data/") == 0);
        assert_null(prop.m_pwszExposedName);
        assert_int_equal(prop.m_eStatus, VSS_SS_CREATED);
        assert_true(prop.m_tsCreationTimestamp == 132000000000000000);
        VssFreeSnapshotProperties(&prop);
        assert_null(prop.m_pwszSnapshotDeviceObject);
        VssFreeSnapshotProperties(&prop); /* once more does no harm */
        VssFreeSnapshotProperties(NULL);

        assert_int_equal(
                IVssBackupComponents_Query(b, instance, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list),
                E_INVALIDARG);
        assert_int_equal(IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_SNAPSHOT_SET,
                                                    VSS_OBJECT_SNAPSHOT, &list),
                         E_INVALIDARG);
        assert_int_equal(
                IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT_SET, &list),
                E_INVALIDARG);
        assert_int_equal(
                IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list), S_OK);
        assert_int_equal(IVssEnumObject_Next(list, 2, objects, &fetched), S_FALSE);
        assert_int_equal(fetched, 1);
        assert_int_equal(objects[0].Type, VSS_OBJECT_SNAPSHOT);
        VssFreeSnapshotProperties(&objects[0].Obj.Snap);
        IVssEnumObject_Release(list);
        assert_int_equal(
                IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_PROVIDER, &list), S_OK);
        assert_int_equal(IVssEnumObject_Next(list, 1, objects, NULL), S_OK);
        assert_true(wcscmp(objects[0].Obj.Prov.m_pwszProviderName, L"fake") == 0);
        CoTaskMemFree(objects[0].Obj.Prov.m_pwszProviderName);
        CoTaskMemFree(objects[0].Obj.Prov.m_pwszProviderVersion);
        IVssEnumObject_Release(list);

        /* What was deleted before it stopped counts, and the one on which it did is named. */
        assert_int_equal(
                IVssBackupComponents_DeleteSnapshots(b, fake_set_id, VSS_OBJECT_SNAPSHOT_SET, TRUE, &n, &id),
                VSS_E_PROVIDER_VETO);
        assert_int_equal(n, 2);
        assert_memory_equal(&id, &fake_snapshot_id, sizeof(id));
        release(b);
}

static void test_that_writers_can_be_chosen_until_they_are_asked(void **state) {
        IVssBackupComponentsEx4 *b = create();

        assert_int_equal(IVssBackupComponents_EnableWriterClasses(b, &class, 1), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_EnableWriterClasses(b, &class, 1), S_OK);
        assert_int_equal(IVssBackupComponents_DisableWriterClasses(b, &other, 1), S_OK);
        assert_int_equal(IVssBackupComponents_DisableWriterInstances(b, &other, 1), S_OK);
        assert_int_equal(IVssBackupComponents_DisableWriterInstances(b, NULL, 0), S_OK);
        assert_int_equal(fake_umbrad_count(umbrad, "SetWriterSelection"), 3);
        assert_int_equal(RUN(b, GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponents_DisableWriterClasses(b, &class, 1), S_OK); /* without effect */
        assert_int_equal(fake_umbrad_count(umbrad, "SetWriterSelection"), 3);
        release(b);
}

static void test_that_volumes_can_be_listed(void **state) {
        WCHAR named[] = L"\\srv\\data", device[] = L"/dev/sdz", unknown[] = L"/home/";
        VSS_MGMT_OBJECT_PROP object;
        IVssEnumMgmtObject *list;
        IVssSnapshotMgmt *mgmt;
        BOOL present;
        LONG bits;

        assert_int_equal(CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssSnapshotMgmt,
                                          (void **) &mgmt),
                         S_OK);
        assert_int_equal(
                IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(mgmt, GUID_NULL, VSS_CTX_BACKUP, NULL),
                E_INVALIDARG);
        assert_int_equal(
                IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(mgmt, GUID_NULL, VSS_CTX_BACKUP, &list),
                S_OK);
        assert_int_equal(IVssEnumMgmtObject_Next(list, 1, &object, NULL), S_OK);
        assert_int_equal(object.Type, VSS_MGMT_OBJECT_VOLUME);
        assert_true(wcscmp(object.Obj.Vol.m_pwszVolumeName, L"\\\\?\\Volume{1}\\") == 0);
        assert_true(wcscmp(object.Obj.Vol.m_pwszVolumeDisplayName, L"/srv/data/") == 0);
        CoTaskMemFree(object.Obj.Vol.m_pwszVolumeName);
        CoTaskMemFree(object.Obj.Vol.m_pwszVolumeDisplayName);
        IVssEnumMgmtObject_Release(list);
        IVssSnapshotMgmt_Release(mgmt);

        assert_int_equal(CoCreateInstance(&class, NULL, CLSCTX_ALL, &IID_IUnknown, (void **) &mgmt),
                         REGDB_E_CLASSNOTREG);
        assert_int_equal(
                CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssAsync, (void **) &mgmt),
                E_NOINTERFACE);
        assert_null(mgmt);
        assert_int_equal(CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IUnknown, NULL),
                         E_POINTER);

        assert_int_equal(IsVolumeSnapshotted(named, &present, &bits), S_OK);
        assert_int_equal(present, TRUE);
        assert_int_equal(IsVolumeSnapshotted(device, &present, &bits), S_OK);
        assert_int_equal(present, TRUE);
        assert_int_equal(IsVolumeSnapshotted(unknown, &present, &bits), S_OK);
        assert_int_equal(present, FALSE);
        fake_umbrad_set(umbrad, "IsVolumeSupported", FAKE_FAILS, VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IsVolumeSnapshotted(unknown, &present, &bits), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IsVolumeSnapshotted(NULL, &present, &bits), E_INVALIDARG);
        assert_int_equal(IsVolumeSnapshotted(named, NULL, &bits), E_INVALIDARG);
        assert_int_equal(IsVolumeSnapshotted(named, &present, NULL), E_INVALIDARG);
}

static void test_that_providers_can_be_listed(void **state) {
        IVssEnumObject *list = (void *) 1;
        VSS_OBJECT_PROP object;
        IVssAdmin *admin;

        assert_int_equal(
                CoCreateInstance(&CLSID_VSSCoordinator, NULL, CLSCTX_ALL, &IID_IVssAdmin, (void **) &admin),
                S_OK);
        assert_int_equal(IVssAdmin_QueryProviders(admin, NULL), E_INVALIDARG);
        assert_int_equal(IVssAdmin_QueryProviders(admin, &list), S_OK);
        assert_int_equal(IVssEnumObject_Next(list, 1, &object, NULL), S_OK);
        assert_int_equal(object.Type, VSS_OBJECT_PROVIDER);
        assert_memory_equal(&object.Obj.Prov.m_ProviderId, &fake_provider_id, sizeof(GUID));
        CoTaskMemFree(object.Obj.Prov.m_pwszProviderName);
        CoTaskMemFree(object.Obj.Prov.m_pwszProviderVersion);
        IVssEnumObject_Release(list);

        fake_umbrad_set(umbrad, "Query", FAKE_FAILS, E_ACCESSDENIED);
        assert_int_equal(IVssAdmin_QueryProviders(admin, &list), E_ACCESSDENIED);
        assert_null(list);
        IVssAdmin_Release(admin);
}

static void test_that_a_program_without_the_rest_works(void **state) {
        IVssExamineWriterMetadata *metadata = (void *) 1;
        _cleanup_(freep) char *text = writer_xml();
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

static void *backup_main(void *arg) {
        IVssBackupComponentsEx4 *b = create_prepared();

        assert_int_equal(RUN(b, DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(b, BackupComplete), VSS_S_ASYNC_FINISHED);
        release(b);
        return NULL;
}

static void test_that_threads_have_their_own_objects(void **state) {
        pthread_t threads[8];

        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(pthread_create(threads + i, NULL, backup_main, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void *use_main(void *arg) {
        IVssBackupComponentsEx4 *b = arg;

        for (unsigned i = 0; i < 20; ++i) {
                VSS_SNAPSHOT_PROP prop;
                BSTR xml = NULL;
                UINT n;

                assert_int_equal(IVssBackupComponents_GetSnapshotProperties(b, fake_snapshot_id, &prop),
                                 S_OK);
                VssFreeSnapshotProperties(&prop);
                (void) IVssBackupComponents_SaveAsXML(b, &xml); /* not while it is prepared */
                SysFreeString(xml);
                assert_int_equal(IVssBackupComponents_GetWriterMetadataCount(b, &n), S_OK);
        }
        return NULL;
}

static void test_that_threads_share_an_object(void **state) {
        IVssBackupComponentsEx4 *b = create_with_set();
        pthread_t threads[4];

        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(pthread_create(threads + i, NULL, use_main, b), 0);
        assert_int_equal(RUN(b, PrepareForBackup), VSS_S_ASYNC_FINISHED);
        assert_int_equal(RUN(b, DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        release(b);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_that_nobody_listening_is_told_with_what_to_do),
                TEST(test_that_strangers_are_refused),
                TEST(test_that_an_umbrad_of_another_kind_is_told),
                TEST(test_that_all_its_interfaces_are_one_pointer),
                TEST(test_that_no_pointer_may_be_missing),
                TEST(test_that_outputs_are_cleared_when_a_call_fails),
                TEST(test_that_what_is_reserved_says_so),
                TEST(test_that_a_backup_goes_from_end_to_end),
                TEST(test_that_components_are_those_of_the_writers),
                TEST(test_that_metadata_is_handed_out_per_writer),
                TEST(test_that_a_status_tells_all),
                TEST(test_that_components_become_stale_with_the_next_step),
                TEST(test_that_polling_is_enough),
                TEST(test_that_a_wait_may_run_out),
                TEST(test_that_one_operation_runs_at_a_time),
                TEST(test_that_cancelling_ends_the_operation_for_all),
                TEST(test_that_finished_operations_cannot_be_cancelled),
                TEST(test_that_aborting_ends_what_runs),
                TEST(test_that_aborting_nothing_is_ignored),
                TEST(test_that_a_failure_arrives_with_its_sentence),
                TEST(test_that_a_lost_umbrad_ends_everything_in_order),
                TEST(test_that_what_writers_said_is_missed_when_it_is_lost),
                TEST(test_that_access_that_is_taken_away_is_no_crash),
                TEST(test_that_a_lost_umbrad_while_gathering_is_its_own_code),
                TEST(test_that_the_connection_lives_as_long_as_somebody_waits),
                TEST(test_that_releasing_both_ends_the_connection),
                TEST(test_that_an_operation_nobody_holds_still_moves_on),
                TEST(test_that_nonsense_from_umbrad_is_no_crash),
                TEST(test_that_without_writers_it_is_shorter),
                TEST(test_that_a_restore_goes_from_end_to_end),
                TEST(test_that_documents_that_are_none_are_refused),
                TEST(test_that_shadow_copies_can_be_looked_at_and_deleted),
                TEST(test_that_writers_can_be_chosen_until_they_are_asked),
                TEST(test_that_volumes_can_be_listed),
                TEST(test_that_providers_can_be_listed),
                TEST(test_that_a_program_without_the_rest_works),
                TEST(test_that_threads_have_their_own_objects),
                TEST(test_that_threads_share_an_object),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
