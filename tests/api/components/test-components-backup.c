/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A backup and a restore from end to end, and what the document says afterwards.
 */

#include <umbra.h>
#include <vsbackup.h>
#include <wchar.h>

#include "api/stages.h"
#include "base/bstr.h"

static void test_that_a_backup_goes_from_end_to_end(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *doc = NULL;
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        const BackupComponent *c;
        VSS_ID id;

        assert_int_equal(IVssBackupComponentsEx3_GetSessionId(b, &id), S_OK);
        assert_memory_not_equal(&id, &GUID_NULL, sizeof(id));
        assert_int_equal(STAGE_RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);
        assert_int_equal(STAGE_RUN(b, DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        assert_int_equal(STAGE_RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer,
                                                                 VSS_CT_DATABASE, L"path", L"db", true),
                         S_OK);
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer,
                                                                 VSS_CT_DATABASE, L"path", L"no", true),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(STAGE_RUN(b, BackupComplete), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer,
                                                                 VSS_CT_DATABASE, L"path", L"db", true),
                         VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), S_OK);
        assert_int_equal(fake_umbrad_count(stage_umbrad, "AbortBackup"), 0);

        doc = stage_document(b);
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
        stage_release(b);
}

static void test_that_components_are_those_of_the_writers(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_GATHERED, DAMAGE_NONE);
        UINT n;

        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_DATABASE,
                                                           L"path", L"db"),
                         S_OK);
        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_DATABASE,
                                                           L"path", L"db"),
                         VSS_E_OBJECT_ALREADY_EXISTS);
        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_DATABASE,
                                                           NULL, L"db"),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_FILEGROUP,
                                                           L"path", L"db"),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_other, stage_writer, VSS_CT_DATABASE,
                                                           L"path", L"db"),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_instance, stage_other, VSS_CT_DATABASE,
                                                           L"path", L"db"),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_other, stage_other, VSS_CT_DATABASE,
                                                           L"path", L"db"),
                         VSS_E_OBJECT_NOT_FOUND); /* what it said is nonsense */

        /* Freeing what they said does not make them go away. */
        assert_int_equal(IVssBackupComponents_FreeWriterMetadata(b), S_OK);
        assert_int_equal(IVssBackupComponents_FreeWriterMetadata(b), S_OK);
        assert_int_equal(IVssBackupComponents_GetWriterMetadataCount(b, &n), VSS_E_BAD_STATE);
        assert_int_equal(STAGE_RUN(b, GatherWriterMetadata), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_FILEGROUP,
                                                           NULL, L"files"),
                         S_OK);
        assert_int_equal(IVssBackupComponents_GetWriterComponentsCount(b, &n), S_OK);
        assert_int_equal(n, 1); /* writers, not components */
        stage_release(b);
}

static void test_that_metadata_is_handed_out_per_writer(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_GATHERED, DAMAGE_NONE);
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
        assert_memory_equal(&id, &stage_instance, sizeof(id));
        assert_int_equal(IVssExamineWriterMetadata_GetIdentity(metadata, &id2, &id3, &name, &usage, &source),
                         S_OK);
        assert_memory_equal(&id2, &stage_instance, sizeof(id));
        assert_memory_equal(&id3, &stage_writer, sizeof(id));
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
        stage_release(b);
        assert_int_equal(IVssExamineWriterMetadata_GetFileCounts(metadata, &n, &n, &n), S_OK);
        assert_int_equal(n, 5);
        IVssExamineWriterMetadata_Release(metadata);
}

static void test_that_a_status_tells_all(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_GATHERED, DAMAGE_NONE);
        VSS_WRITER_STATE writer_state;
        HRESULT failure, application;
        VSS_ID id, id2;
        BSTR name, message;
        UINT n;

        assert_int_equal(IVssBackupComponents_GetWriterStatusCount(b, &n), VSS_E_BAD_STATE);
        assert_int_equal(STAGE_RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);
        assert_int_equal(STAGE_RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponents_GetWriterStatusCount(b, &n), S_OK);
        assert_int_equal(n, 2);

        assert_int_equal(
                IVssBackupComponents_GetWriterStatus(b, 0, &id, &id2, &name, &writer_state, &failure), S_OK);
        assert_memory_equal(&id, &stage_instance, sizeof(id));
        assert_memory_equal(&id2, &stage_writer, sizeof(id));
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
        stage_release(b);
}

static void test_that_components_become_stale_with_the_next_step(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_SET, DAMAGE_NONE);
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
        assert_int_equal(IVssBackupComponents_SetBackupOptions(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                               L"db", L"fast"),
                         S_OK);
        assert_int_equal(IVssComponent_GetBackupOptions(component, &name), S_OK);
        assert_true(wcscmp(name, L"fast") == 0);
        SysFreeString(name);

        assert_int_equal(STAGE_RUN(b, PrepareForBackup), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssWriterComponents_GetComponentCount(&writer->components, &n),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssComponent_GetComponentName(component, &name), VSS_E_OBJECT_NOT_FOUND);

        assert_int_equal(IVssBackupComponents_GetWriterComponents(b, 0, &fresh), S_OK);
        assert_int_equal(IVssWriterComponents_GetComponentCount(&fresh->components, &n), S_OK);

        /* The object goes first; what hangs on it stays safe to hold and to release. */
        stage_release(b);
        assert_int_equal(IVssWriterComponents_GetComponentCount(&fresh->components, &n),
                         VSS_E_OBJECT_NOT_FOUND);
        IUnknown_Release(&fresh->unknown);
        IVssComponent_Release(component);
        IUnknown_Release(&writer->unknown);
}

static void test_that_writers_can_be_chosen_until_they_are_asked(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_NEW, DAMAGE_NONE);

        assert_int_equal(IVssBackupComponents_EnableWriterClasses(b, &stage_writer, 1), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_EnableWriterClasses(b, &stage_writer, 1), S_OK);
        assert_int_equal(IVssBackupComponents_DisableWriterClasses(b, &stage_other, 1), S_OK);
        assert_int_equal(IVssBackupComponents_DisableWriterInstances(b, &stage_other, 1), S_OK);
        assert_int_equal(IVssBackupComponents_DisableWriterInstances(b, NULL, 0), S_OK);
        assert_int_equal(fake_umbrad_count(stage_umbrad, "SetWriterSelection"), 3);
        assert_int_equal(STAGE_RUN(b, GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponents_DisableWriterClasses(b, &stage_writer, 1),
                         S_OK); /* without effect */
        assert_int_equal(fake_umbrad_count(stage_umbrad, "SetWriterSelection"), 3);
        stage_release(b);
}

static void test_that_without_writers_it_is_shorter(void **state) {
        static const LONG contexts[] = { VSS_CTX_FILE_SHARE_BACKUP, VSS_CTX_NAS_ROLLBACK,
                                         VSS_CTX_CLIENT_ACCESSIBLE };

        for (size_t i = 0; i < ELEMENTSOF(contexts); ++i) {
                IVssBackupComponentsEx4 *b = stage_new(STAGE_NEW, DAMAGE_NONE);
                WCHAR volume[] = L"/srv/";
                VSS_ID id;

                assert_int_equal(IVssBackupComponents_SetContext(b, contexts[i]), S_OK); /* Bareos: before */
                assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
                assert_int_equal(IVssBackupComponents_SetContext(b, contexts[i]), VSS_E_BAD_STATE);
                assert_int_equal(IVssBackupComponents_SetBackupState(b, true, false, VSS_BT_FULL, false),
                                 S_OK);
                assert_int_equal(STAGE_RUN(b, GatherWriterMetadata),
                                 VSS_S_ASYNC_FINISHED); /* allowed, not needed */
                assert_int_equal(IVssBackupComponents_AddComponent(b, stage_instance, stage_writer,
                                                                   VSS_CT_DATABASE, L"path", L"db"),
                                 VSS_E_BAD_STATE);
                assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), S_OK);
                assert_int_equal(IVssBackupComponents_AddToSnapshotSet(b, volume, GUID_NULL, &id), S_OK);
                assert_int_equal(STAGE_RUN(b, PrepareForBackup), VSS_E_BAD_STATE);
                assert_int_equal(STAGE_RUN(b, DoSnapshotSet), VSS_S_ASYNC_FINISHED);
                assert_int_equal(STAGE_RUN(b, BackupComplete), VSS_E_BAD_STATE);
                stage_release(b);
        }
}

/* A document as a backup left it, with the component that the writer has and one that nobody knows any more.
 */
static BSTR backed_up(void) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        BSTR xml = NULL;

        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), S_OK);
        stage_release(b);
        return xml;
}

static void test_that_a_restore_goes_from_end_to_end(void **state) {
        _cleanup_(bstr_freep) BSTR xml = backed_up();
        _cleanup_(backup_doc_freep) BackupDoc *doc = NULL;
        IVssBackupComponentsEx4 *b = stage_new(STAGE_NEW, DAMAGE_NONE);
        const BackupComponent *c;
        VSS_ID id;

        assert_int_equal(IVssBackupComponents_InitializeForRestore(b, xml), S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_SetRestoreState(b, VSS_RTYPE_BY_COPY), S_OK);
        assert_int_equal(STAGE_RUN(b, PreRestore), VSS_E_BAD_STATE); /* writers first */
        assert_int_equal(STAGE_RUN(b, GatherWriterMetadata), VSS_S_ASYNC_FINISHED);

        assert_int_equal(IVssBackupComponents_AddRestoreSubcomponent(b, stage_writer, VSS_CT_DATABASE,
                                                                     L"path", L"db", L"path\\db", L"table",
                                                                     false),
                         VSS_E_BAD_STATE); /* its component is not selected */
        assert_int_equal(IVssBackupComponents_SetSelectedForRestore(b, stage_writer, VSS_CT_DATABASE,
                                                                    L"path", L"db", true),
                         S_OK);
        assert_int_equal(IVssBackupComponents_SetSelectedForRestore(b, stage_writer, VSS_CT_DATABASE,
                                                                    L"path", L"no", true),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_SetSelectedForRestore(b, stage_other, VSS_CT_DATABASE, L"path",
                                                                    L"db", true),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponentsEx_SetSelectedForRestoreEx(b, stage_writer, VSS_CT_DATABASE,
                                                                        L"path", L"db", true, fake_set_id),
                         VSS_E_OBJECT_NOT_FOUND); /* no such instance runs */
        assert_int_equal(IVssBackupComponentsEx_SetSelectedForRestoreEx(b, stage_writer, VSS_CT_DATABASE,
                                                                        L"path", L"db", true, stage_other),
                         E_INVALIDARG); /* it is one of another writer */
        assert_int_equal(IVssBackupComponentsEx_SetSelectedForRestoreEx(
                                 b, stage_writer, VSS_CT_DATABASE, L"path", L"db", true, stage_instance),
                         S_OK);
        assert_int_equal(IVssBackupComponents_AddRestoreSubcomponent(b, stage_writer, VSS_CT_DATABASE,
                                                                     L"path", L"db", L"path\\db", L"table",
                                                                     false),
                         S_OK);
        assert_int_equal(IVssBackupComponents_SetRestoreOptions(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                                L"db", L"quick"),
                         S_OK);
        assert_int_equal(IVssBackupComponents_SetAdditionalRestores(b, stage_writer, VSS_CT_DATABASE,
                                                                    L"path", L"db", true),
                         S_OK);
        assert_int_equal(IVssBackupComponentsEx2_SetAuthoritativeRestore(b, stage_writer, VSS_CT_DATABASE,
                                                                         L"path", L"db", true),
                         S_OK);
        assert_int_equal(IVssBackupComponentsEx2_SetRollForward(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                                L"db", VSS_RF_PARTIAL, L"noon"),
                         S_OK);
        assert_int_equal(IVssBackupComponentsEx2_SetRestoreName(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                                L"db", L"copy"),
                         S_OK);
        assert_int_equal(IVssBackupComponents_AddNewTarget(b, stage_writer, VSS_CT_DATABASE, L"path", L"db",
                                                           L"/srv/elsewhere", L"*.db", false, L"/new"),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_AddNewTarget(b, stage_writer, VSS_CT_DATABASE, L"path", L"db",
                                                           L"/srv/db/", L"*.db", false, L"/new"),
                         S_OK);
        assert_int_equal(IVssBackupComponents_SetRangesFilePath(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                                L"db", 0, L"/x"),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssBackupComponents_SetFileRestoreStatus(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                                   L"db", VSS_RS_ALL),
                         VSS_E_BAD_STATE);

        assert_int_equal(STAGE_RUN(b, PostRestore), VSS_E_BAD_STATE);
        assert_int_equal(STAGE_RUN(b, PreRestore), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponents_SetSelectedForRestore(b, stage_writer, VSS_CT_DATABASE,
                                                                    L"path", L"db", false),
                         VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_AddAlternativeLocationMapping(b, stage_writer, VSS_CT_DATABASE,
                                                                            L"path", L"db", L"/srv/db",
                                                                            L"*.db", false, L"/alt"),
                         S_OK);
        assert_int_equal(IVssBackupComponents_SetFileRestoreStatus(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                                   L"db", VSS_RS_ALL),
                         S_OK);
        assert_int_equal(STAGE_RUN(b, PostRestore), VSS_S_ASYNC_FINISHED);
        assert_int_equal(STAGE_RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);

        doc = stage_document(b);
        assert_int_equal(doc->restore_type, VSS_RTYPE_BY_COPY);
        c = doc->writers[0]->components[0];
        assert_int_equal(c->selected_for_restore, TRI_YES);
        assert_memory_equal(&c->restore_instance_id, &stage_instance, sizeof(GUID));
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
        stage_release(b);
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
                IVssBackupComponentsEx4 *b = stage_new(STAGE_NEW, DAMAGE_NONE);
                BSTR xml = SysAllocString(texts[i]);

                assert_int_equal(IVssBackupComponents_InitializeForRestore(b, xml),
                                 VSS_E_INVALID_XML_DOCUMENT);
                assert_int_equal(IVssBackupComponents_InitializeForBackup(b, xml),
                                 VSS_E_INVALID_XML_DOCUMENT);
                /* It is still a new object. */
                assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
                assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), VSS_E_BAD_STATE);
                SysFreeString(xml);
                stage_release(b);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STAGE_TEST(test_that_a_backup_goes_from_end_to_end),
                STAGE_TEST(test_that_components_are_those_of_the_writers),
                STAGE_TEST(test_that_metadata_is_handed_out_per_writer),
                STAGE_TEST(test_that_a_status_tells_all),
                STAGE_TEST(test_that_components_become_stale_with_the_next_step),
                STAGE_TEST(test_that_writers_can_be_chosen_until_they_are_asked),
                STAGE_TEST(test_that_without_writers_it_is_shorter),
                STAGE_TEST(test_that_a_restore_goes_from_end_to_end),
                STAGE_TEST(test_that_documents_that_are_none_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
