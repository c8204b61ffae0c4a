/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the methods of IVssBackupComponents to Ex3 return, one table for all of them: each method with how it
 * is called rightly, wrongly and in vain, and where in a backup or a restore. The tests go through the table
 * and make one thing wrong at a time.
 */

#include <string.h>
#include <umbra.h>

#include "api/stages.h"
#include "base/alloc.h"
#include "lib/reference.h"
#include "lib/test-util.h"

#define ALLOCATIONS_MAX 200U

static BSTR empty_document, broken_document;

typedef enum Mode {
        RIGHT,
        INVALID,   /* a pointer is missing, or a value is none */
        ELSEWHERE, /* what it names is not there */
        BROKEN,    /* the document that it is given, or asks for, is none */
} Mode;

/* The rows of a method, beside S_OK. */
#define ARG (1U << 0)        /* E_INVALIDARG */
#define MEMORY (1U << 1)     /* E_OUTOFMEMORY, in the method itself */
#define STATE (1U << 2)      /* VSS_E_BAD_STATE */
#define NOT_FOUND (1U << 3)  /* VSS_E_OBJECT_NOT_FOUND */
#define XML (1U << 4)        /* VSS_E_INVALID_XML_DOCUMENT */
#define UNEXPECTED (1U << 5) /* VSS_E_UNEXPECTED */
#define ACCESS (1U << 6)     /* E_ACCESSDENIED */

/* And that it asks umbrad, which here is a thread that allocates as well. */
#define REMOTE (1U << 7)

typedef struct Method {
        const char *iface, *name;
        HRESULT (*call)(IVssBackupComponentsEx4 *b, Mode mode); /* gives back what it got */
        unsigned rows;
        Stage right, wrong; /* where it works, and where not */
        Damage damage;      /* the one it notices at the stage @right */
} Method;

#define DB stage_writer, VSS_CT_DATABASE, L"path", L"db"
#define NAME(mode) ((mode) == INVALID ? NULL : (mode) == ELSEWHERE ? L"no" : L"db")
#define TEXT(mode) ((mode) == INVALID ? NULL : L"text")

static HRESULT run_mode(Mode mode,
                        HRESULT (*begin)(IVssBackupComponentsEx4 *b, IVssAsync **ret),
                        IVssBackupComponentsEx4 *b) {
        IVssAsync *async = NULL;
        HRESULT hr, status;

        if (mode == INVALID)
                return begin(b, NULL);

        hr = begin(b, &async);
        status = stage_settle(hr, async);
        return SUCCEEDED(hr) && FAILED(status) ? status : hr;
}

#define OPERATION(function, Method)                                                                         \
        static HRESULT begin_##function(IVssBackupComponentsEx4 *b, IVssAsync **ret) {                      \
                return IVssBackupComponents_##Method(b, ret);                                               \
        }                                                                                                   \
        static HRESULT function(IVssBackupComponentsEx4 *b, Mode mode) {                                    \
                return run_mode(mode, begin_##function, b);                                                 \
        }

OPERATION(gather_writer_metadata, GatherWriterMetadata)
OPERATION(gather_writer_status, GatherWriterStatus)
OPERATION(prepare_for_backup, PrepareForBackup)
OPERATION(backup_complete, BackupComplete)
OPERATION(pre_restore, PreRestore)
OPERATION(post_restore, PostRestore)

static HRESULT get_writer_components_count(IVssBackupComponentsEx4 *b, Mode mode) {
        UINT n = 77;
        HRESULT hr = IVssBackupComponents_GetWriterComponentsCount(b, mode == INVALID ? NULL : &n);

        if (hr == S_OK)
                assert_int_equal(n, 1);
        return hr;
}

static HRESULT get_writer_components(IVssBackupComponentsEx4 *b, Mode mode) {
        IVssWriterComponentsExt *components = NULL;
        HRESULT hr = IVssBackupComponents_GetWriterComponents(b, mode == ELSEWHERE ? 1 : 0,
                                                              mode == INVALID ? NULL : &components);

        assert_int_equal(hr == S_OK, components != NULL);
        if (components)
                IVssWriterComponentsExt_Release(components);
        return hr;
}

static HRESULT initialize(IVssBackupComponentsEx4 *b,
                          Mode mode,
                          HRESULT (*call)(IVssBackupComponentsEx4 *b, BSTR xml)) {
        return call(b, mode == BROKEN ? broken_document : mode == INVALID ? NULL : empty_document);
}

static HRESULT call_initialize_for_backup(IVssBackupComponentsEx4 *b, BSTR xml) {
        return IVssBackupComponents_InitializeForBackup(b, xml);
}

static HRESULT call_initialize_for_restore(IVssBackupComponentsEx4 *b, BSTR xml) {
        return IVssBackupComponents_InitializeForRestore(b, xml);
}

static HRESULT initialize_for_backup(IVssBackupComponentsEx4 *b, Mode mode) {
        return initialize(b, mode, call_initialize_for_backup);
}

static HRESULT initialize_for_restore(IVssBackupComponentsEx4 *b, Mode mode) {
        return initialize(b, mode, call_initialize_for_restore);
}

static HRESULT set_backup_state(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_SetBackupState(b, true, false, mode == INVALID ? 99 : VSS_BT_FULL,
                                                   false);
}

static HRESULT set_restore_state(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_SetRestoreState(b, mode == INVALID ? 99 : VSS_RTYPE_BY_COPY);
}

static HRESULT get_writer_metadata_count(IVssBackupComponentsEx4 *b, Mode mode) {
        UINT n;

        return IVssBackupComponents_GetWriterMetadataCount(b, mode == INVALID ? NULL : &n);
}

static HRESULT get_writer_metadata(IVssBackupComponentsEx4 *b, Mode mode) {
        IVssExamineWriterMetadata *metadata = NULL;
        VSS_ID id;
        HRESULT hr = IVssBackupComponents_GetWriterMetadata(b,
                                                            mode == BROKEN    ? 1 :
                                                            mode == ELSEWHERE ? 2 :
                                                                                0,
                                                            &id, mode == INVALID ? NULL : &metadata);

        if (metadata)
                IVssExamineWriterMetadata_Release(metadata);
        return hr;
}

static HRESULT get_writer_metadata_ex(IVssBackupComponentsEx4 *b, Mode mode) {
        IVssExamineWriterMetadataEx *metadata = NULL;
        VSS_ID id;
        HRESULT hr = IVssBackupComponentsEx_GetWriterMetadataEx(b,
                                                                mode == BROKEN    ? 1 :
                                                                mode == ELSEWHERE ? 2 :
                                                                                    0,
                                                                &id, mode == INVALID ? NULL : &metadata);

        if (metadata)
                IVssExamineWriterMetadataEx_Release(metadata);
        return hr;
}

static HRESULT free_writer_metadata(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_FreeWriterMetadata(b);
}

static HRESULT add_component(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_AddComponent(b, stage_instance, stage_writer, VSS_CT_FILEGROUP, NULL,
                                                 mode == INVALID ? NULL : L"files");
}

static HRESULT abort_backup(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_AbortBackup(b);
}

static HRESULT get_writer_status_count(IVssBackupComponentsEx4 *b, Mode mode) {
        UINT n;

        return IVssBackupComponents_GetWriterStatusCount(b, mode == INVALID ? NULL : &n);
}

static HRESULT free_writer_status(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_FreeWriterStatus(b);
}

static HRESULT get_writer_status(IVssBackupComponentsEx4 *b, Mode mode) {
        VSS_WRITER_STATE state;
        VSS_ID id, instance;
        BSTR name = NULL;
        HRESULT hr, failure;

        hr = IVssBackupComponents_GetWriterStatus(b, mode == ELSEWHERE ? 2 : 0, &instance, &id,
                                                  mode == INVALID ? NULL : &name, &state, &failure);
        SysFreeString(name);
        return hr;
}

static HRESULT get_writer_status_ex(IVssBackupComponentsEx4 *b, Mode mode) {
        VSS_WRITER_STATE state;
        BSTR name = NULL, message = NULL;
        HRESULT hr, failure, application;
        VSS_ID id, instance;

        hr = IVssBackupComponentsEx3_GetWriterStatusEx(b, mode == ELSEWHERE ? 2 : 0, &instance,
                                                       mode == INVALID ? NULL : &id, &name, &state, &failure,
                                                       &application, &message);
        SysFreeString(name);
        SysFreeString(message);
        return hr;
}

static HRESULT set_backup_succeeded(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_SetBackupSucceeded(b, stage_instance, stage_writer, VSS_CT_DATABASE,
                                                       L"path", NAME(mode), true);
}

static HRESULT set_backup_options(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_SetBackupOptions(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                     mode == ELSEWHERE ? L"no" : L"db", TEXT(mode));
}

static HRESULT set_previous_backup_stamp(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_SetPreviousBackupStamp(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                           mode == ELSEWHERE ? L"no" : L"db", TEXT(mode));
}

static HRESULT set_selected_for_restore(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_SetSelectedForRestore(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                          NAME(mode), true);
}

static HRESULT set_selected_for_restore_ex(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponentsEx_SetSelectedForRestoreEx(b, DB, true,
                                                              mode == INVALID   ? stage_other :
                                                              mode == ELSEWHERE ? fake_set_id :
                                                                                  stage_instance);
}

static HRESULT set_restore_options(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_SetRestoreOptions(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                      mode == ELSEWHERE ? L"no" : L"db", TEXT(mode));
}

static HRESULT set_additional_restores(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_SetAdditionalRestores(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                          NAME(mode), true);
}

static HRESULT set_authoritative_restore(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponentsEx2_SetAuthoritativeRestore(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                               NAME(mode), true);
}

static HRESULT set_roll_forward(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponentsEx2_SetRollForward(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                      mode == ELSEWHERE ? L"no" : L"db", VSS_RF_PARTIAL,
                                                      TEXT(mode));
}

static HRESULT set_restore_name(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponentsEx2_SetRestoreName(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                      mode == ELSEWHERE ? L"no" : L"db", TEXT(mode));
}

static HRESULT save_as_xml(IVssBackupComponentsEx4 *b, Mode mode) {
        BSTR xml = NULL;
        HRESULT hr = IVssBackupComponents_SaveAsXML(b, mode == INVALID ? NULL : &xml);

        assert_int_equal(hr == S_OK, xml != NULL);
        SysFreeString(xml);
        return hr;
}

static HRESULT add_alternative_location_mapping(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_AddAlternativeLocationMapping(
                b, DB, L"/srv/db", mode == ELSEWHERE ? L"*.no" : L"*.db", false,
                mode == INVALID ? NULL : L"/alternative");
}

static HRESULT add_restore_subcomponent(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_AddRestoreSubcomponent(b, DB, mode == INVALID ? NULL : L"path\\db",
                                                           mode == ELSEWHERE ? L"no" : L"table", false);
}

static HRESULT set_file_restore_status(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_SetFileRestoreStatus(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                         mode == ELSEWHERE ? L"no" : L"db",
                                                         mode == INVALID ? 99 : VSS_RS_ALL);
}

static HRESULT add_new_target(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_AddNewTarget(b, DB, L"/srv/db", mode == ELSEWHERE ? L"*.no" : L"*.db",
                                                 false, mode == INVALID ? L"not/whole" : L"/new");
}

static HRESULT set_ranges_file_path(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_SetRangesFilePath(b, DB, mode == ELSEWHERE ? 1 : 0,
                                                      mode == INVALID ? NULL : L"/ranges");
}

static HRESULT set_context(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_SetContext(b, mode == INVALID ? VSS_VOLSNAP_ATTR_PERSISTENT :
                                                                    VSS_CTX_BACKUP);
}

static HRESULT disable_writer_classes(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_DisableWriterClasses(b, mode == INVALID ? NULL : &stage_other, 1);
}

static HRESULT enable_writer_classes(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_EnableWriterClasses(b, mode == INVALID ? NULL : &stage_writer, 1);
}

static HRESULT disable_writer_instances(IVssBackupComponentsEx4 *b, Mode mode) {
        return IVssBackupComponents_DisableWriterInstances(b, mode == INVALID ? NULL : &stage_other, 1);
}

static const char base[] = "IVssBackupComponents", ex[] = "IVssBackupComponentsEx",
                  ex2[] = "IVssBackupComponentsEx2", ex3[] = "IVssBackupComponentsEx3";

/* Restores where a method of backups is wrong, and the other way round; else too early or too late. */
/* clang-format off */
static const Method methods[] = {
        { base, "GetWriterComponentsCount", get_writer_components_count, ARG | STATE | UNEXPECTED, STAGE_SET, STAGE_NEW },
        { base, "GetWriterComponents", get_writer_components, ARG | MEMORY | STATE | NOT_FOUND | UNEXPECTED, STAGE_SET, STAGE_NEW },
        { base, "InitializeForBackup", initialize_for_backup, REMOTE | MEMORY | STATE | XML | UNEXPECTED | ACCESS, STAGE_NEW, STAGE_RESTORE },
        { base, "SetBackupState", set_backup_state, ARG | STATE | XML | UNEXPECTED, STAGE_GATHERED, STAGE_RESTORE, DAMAGE_HEAD },
        { base, "InitializeForRestore", initialize_for_restore, REMOTE | MEMORY | STATE | XML | UNEXPECTED | ACCESS, STAGE_NEW, STAGE_BACKUP },
        { base, "SetRestoreState", set_restore_state, ARG | STATE | XML | UNEXPECTED, STAGE_LOADED, STAGE_BACKUP, DAMAGE_HEAD },
        { base, "GatherWriterMetadata", gather_writer_metadata, REMOTE | ARG | MEMORY | STATE | UNEXPECTED | ACCESS, STAGE_BACKUP, STAGE_NEW },
        { base, "GetWriterMetadataCount", get_writer_metadata_count, ARG | STATE | UNEXPECTED, STAGE_GATHERED, STAGE_BACKUP },
        { base, "GetWriterMetadata", get_writer_metadata, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_GATHERED, STAGE_BACKUP },
        { base, "FreeWriterMetadata", free_writer_metadata, STATE, STAGE_GATHERED, STAGE_BACKUP },
        { base, "AddComponent", add_component, ARG | MEMORY | STATE | XML | UNEXPECTED, STAGE_GATHERED, STAGE_BACKUP, DAMAGE_WRITER },
        { base, "PrepareForBackup", prepare_for_backup, REMOTE | ARG | MEMORY | STATE | UNEXPECTED, STAGE_SET, STAGE_GATHERED },
        { base, "AbortBackup", abort_backup, REMOTE | MEMORY | STATE | UNEXPECTED, STAGE_PREPARED, STAGE_NEW },
        { base, "GatherWriterStatus", gather_writer_status, REMOTE | ARG | MEMORY | STATE | UNEXPECTED | ACCESS, STAGE_PREPARED, STAGE_BACKUP },
        { base, "GetWriterStatusCount", get_writer_status_count, ARG | STATE | UNEXPECTED, STAGE_STATUS, STAGE_PREPARED },
        { base, "FreeWriterStatus", free_writer_status, STATE, STAGE_STATUS, STAGE_NEW },
        { base, "GetWriterStatus", get_writer_status, ARG | MEMORY | STATE | NOT_FOUND | UNEXPECTED, STAGE_STATUS, STAGE_PREPARED },
        { base, "SetBackupSucceeded", set_backup_succeeded, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_CREATED, STAGE_GATHERED, DAMAGE_COMPONENT },
        { base, "SetBackupOptions", set_backup_options, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_SET, STAGE_PREPARED, DAMAGE_COMPONENT },
        { base, "SetSelectedForRestore", set_selected_for_restore, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_RESTORE, STAGE_RESTORING, DAMAGE_COMPONENT },
        { base, "SetRestoreOptions", set_restore_options, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_RESTORE, STAGE_RESTORING, DAMAGE_COMPONENT },
        { base, "SetAdditionalRestores", set_additional_restores, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_RESTORE, STAGE_RESTORING, DAMAGE_COMPONENT },
        { base, "SetPreviousBackupStamp", set_previous_backup_stamp, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_SET, STAGE_PREPARED, DAMAGE_COMPONENT },
        { base, "SaveAsXML", save_as_xml, ARG | MEMORY | STATE, STAGE_COMPLETE, STAGE_NEW },
        { base, "BackupComplete", backup_complete, REMOTE | ARG | MEMORY | STATE | UNEXPECTED, STAGE_CREATED, STAGE_SET },
        { base, "AddAlternativeLocationMapping", add_alternative_location_mapping, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_RESTORING, STAGE_SET, DAMAGE_COMPONENT },
        { base, "AddRestoreSubcomponent", add_restore_subcomponent, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_SELECTED, STAGE_RESTORE, DAMAGE_COMPONENT },
        { base, "SetFileRestoreStatus", set_file_restore_status, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_RESTORING, STAGE_RESTORE, DAMAGE_COMPONENT },
        { base, "AddNewTarget", add_new_target, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_RESTORE, STAGE_RESTORING, DAMAGE_COMPONENT },
        { base, "SetRangesFilePath", set_ranges_file_path, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_RESTORING, STAGE_SET, DAMAGE_COMPONENT },
        { base, "PreRestore", pre_restore, REMOTE | ARG | MEMORY | STATE | UNEXPECTED, STAGE_SELECTED, STAGE_LOADED },
        { base, "PostRestore", post_restore, REMOTE | ARG | MEMORY | STATE | UNEXPECTED | ACCESS, STAGE_RESTORING, STAGE_SELECTED },
        { base, "SetContext", set_context, ARG | STATE | UNEXPECTED, STAGE_BACKUP, STAGE_RESTORE },
        { base, "DisableWriterClasses", disable_writer_classes, REMOTE | MEMORY | STATE | UNEXPECTED | ACCESS, STAGE_BACKUP, STAGE_NEW },
        { base, "EnableWriterClasses", enable_writer_classes, REMOTE | MEMORY | STATE | UNEXPECTED | ACCESS, STAGE_BACKUP, STAGE_RESTORE },
        { base, "DisableWriterInstances", disable_writer_instances, REMOTE | MEMORY | STATE | UNEXPECTED | ACCESS, STAGE_BACKUP, STAGE_NEW },
        { ex, "GetWriterMetadataEx", get_writer_metadata_ex, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_GATHERED, STAGE_BACKUP },
        { ex, "SetSelectedForRestoreEx", set_selected_for_restore_ex, ARG | MEMORY | STATE | NOT_FOUND | XML | UNEXPECTED, STAGE_RESTORE, STAGE_RESTORING, DAMAGE_COMPONENT },
        { ex2, "SetAuthoritativeRestore", set_authoritative_restore, ARG | MEMORY | STATE | NOT_FOUND | UNEXPECTED, STAGE_RESTORE, STAGE_BACKUP },
        { ex2, "SetRollForward", set_roll_forward, ARG | MEMORY | STATE | NOT_FOUND | UNEXPECTED, STAGE_RESTORE, STAGE_BACKUP },
        { ex2, "SetRestoreName", set_restore_name, ARG | MEMORY | STATE | NOT_FOUND | UNEXPECTED, STAGE_RESTORE, STAGE_BACKUP },
        { ex3, "GetWriterStatusEx", get_writer_status_ex, ARG | MEMORY | STATE | NOT_FOUND, STAGE_STATUS, STAGE_PREPARED },
};
/* clang-format on */

#define EXPECT(method, symbol, hr)                                                                          \
        reference_assert_returned((method)->iface, (method)->name, #symbol, symbol, (hr), __FILE__, __LINE__)

#define FOR_ALL(m, with)                                                                                    \
        for (const Method *m = methods; m < methods + ELEMENTSOF(methods); ++m)                             \
                if (((m)->rows & (with)) == (with))

static void test_that_each_method_works_where_it_belongs(void **state) {
        FOR_ALL(m, 0) {
                IVssBackupComponentsEx4 *b = stage_new(m->right, DAMAGE_NONE);

                EXPECT(m, S_OK, m->call(b, RIGHT));
                stage_release(b);
        }
}

/* The documentation names the same code for the wrong moment in all of them, and an argument that is wrong as
 * well is not looked for then. */
static void test_that_each_method_has_its_time(void **state) {
        FOR_ALL(m, STATE) {
                IVssBackupComponentsEx4 *b = stage_new(m->wrong, DAMAGE_NONE);

                EXPECT(m, VSS_E_BAD_STATE, m->call(b, RIGHT));
                assert_non_null(strstr(umbra_last_error(), m->name));
                stage_release(b);

                if (m->wrong == STAGE_NEW || m->right == STAGE_NEW || m->call == set_context)
                        continue;
                b = stage_new(STAGE_NEW, DAMAGE_NONE);
                EXPECT(m, VSS_E_BAD_STATE, m->call(b, RIGHT));
                stage_release(b);
        }
}

static void test_that_a_wrong_argument_is_refused_and_changes_nothing(void **state) {
        FOR_ALL(m, ARG) {
                IVssBackupComponentsEx4 *b = stage_new(m->right, DAMAGE_NONE);

                EXPECT(m, E_INVALIDARG, m->call(b, INVALID));
                assert_int_equal(m->call(b, RIGHT), S_OK);
                stage_release(b);
        }
}

static void test_that_what_is_not_there_is_not_found(void **state) {
        FOR_ALL(m, NOT_FOUND) {
                IVssBackupComponentsEx4 *b = stage_new(m->right, DAMAGE_NONE);

                EXPECT(m, VSS_E_OBJECT_NOT_FOUND, m->call(b, ELSEWHERE));
                assert_int_equal(m->call(b, RIGHT), S_OK);
                stage_release(b);
        }
}

static void test_that_damage_is_named_and_not_written_over(void **state) {
        FOR_ALL(m, XML) {
                IVssBackupComponentsEx4 *b = stage_new(m->right, m->damage);

                EXPECT(m, VSS_E_INVALID_XML_DOCUMENT, m->call(b, m->damage == DAMAGE_NONE ? BROKEN : RIGHT));
                stage_release(b);
        }
}

/* Each allocation in turn; where umbrad is asked only the first, and the others in test-requester-faults.c. */
static void test_that_no_memory_is_said_and_the_next_try_works(void **state) {
        FOR_ALL(m, MEMORY) {
                IVssBackupComponentsEx4 *b = stage_new(m->right, DAMAGE_NONE);
                HRESULT hr = E_OUTOFMEMORY;
                unsigned n;

                for (n = 0; hr != S_OK && n < ALLOCATIONS_MAX && (n == 0 || !(m->rows & REMOTE)); ++n) {
                        fault_fail_allocation(n);
                        hr = m->call(b, RIGHT);
                        fault_clear();
                        if (hr != S_OK)
                                EXPECT(m, E_OUTOFMEMORY, hr);
                }
                assert_in_range(n, m->rows & REMOTE ? 1 : 2, ALLOCATIONS_MAX - 1);
                if (hr != S_OK)
                        assert_int_equal(m->call(b, RIGHT), S_OK);
                stage_release(b);
        }
}

static void test_that_a_lost_session_cannot_be_resumed(void **state) {
        FOR_ALL(m, UNEXPECTED) {
                IVssBackupComponentsEx4 *b = stage_new(m->right, DAMAGE_NONE);

                fake_umbrad_end_connections(stage_umbrad, false);
                EXPECT(m, VSS_E_UNEXPECTED, m->call(b, RIGHT));
                assert_non_null(strstr(umbra_last_error(), "cannot be resumed"));
                stage_release(b);
        }
        REACHES_RULE(IVssBackupComponents, "*", "interface cannot be resumed");
}

static void test_that_access_taken_away_ends_the_session(void **state) {
        FOR_ALL(m, 0) {
                IVssBackupComponentsEx4 *b = stage_new(m->right, DAMAGE_NONE);
                HRESULT hr;

                fake_umbrad_end_connections(stage_umbrad, true);
                hr = m->call(b, RIGHT);
                if (m->rows & ACCESS)
                        EXPECT(m, E_ACCESSDENIED, hr);
                else if (m->rows & UNEXPECTED)
                        assert_int_equal(hr, E_ACCESSDENIED);
                stage_release(b);
        }
}

/* What nothing else must be lost for: see SaveAsXML() in backup-document.c. */
static void test_that_a_document_that_is_torn_is_not_saved(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        BSTR xml = NULL;

        fake_umbrad_set(stage_umbrad, "DoSnapshotSet", FAKE_GOES, S_OK);
        assert_int_equal(STAGE_RUN(b, DoSnapshotSet), VSS_E_UNEXPECTED);
        fake_umbrad_set(stage_umbrad, "DoSnapshotSet", FAKE_ANSWERS, S_OK);
        ASSERT_RETURNS(IVssBackupComponents, SaveAsXML, VSS_E_UNEXPECTED,
                       IVssBackupComponents_SaveAsXML(b, &xml));
        stage_release(b);

        b = stage_new(STAGE_COMPLETE, DAMAGE_NONE);
        fake_umbrad_end_connections(stage_umbrad, false);
        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), S_OK);
        SysFreeString(xml);
        assert_int_equal(IVssBackupComponents_FreeWriterStatus(b), S_OK);
        assert_int_equal(IVssBackupComponents_FreeWriterMetadata(b), S_OK);
        stage_release(b);
}

static void test_that_writers_cannot_be_asked_without_umbrad(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_BACKUP, DAMAGE_NONE);

        fake_umbrad_set(stage_umbrad, "GatherWriterMetadata", FAKE_GOES, S_OK);
        ASSERT_RETURNS(IVssBackupComponents, GatherWriterMetadata, VSS_E_WRITER_INFRASTRUCTURE,
                       STAGE_RUN(b, GatherWriterMetadata));
        fake_umbrad_set(stage_umbrad, "GatherWriterMetadata", FAKE_ANSWERS, S_OK);
        stage_release(b);

        b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        fake_umbrad_set(stage_umbrad, "GatherWriterStatus", FAKE_GOES, S_OK);
        ASSERT_RETURNS(IVssBackupComponents, GatherWriterStatus, VSS_E_WRITER_INFRASTRUCTURE,
                       STAGE_RUN(b, GatherWriterStatus));
        fake_umbrad_set(stage_umbrad, "GatherWriterStatus", FAKE_ANSWERS, S_OK);
        stage_release(b);
}

static void test_that_components_and_session_ids_have_their_own_codes(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_SET, DAMAGE_NONE);
        VSS_ID id = GUID_NULL;

        ASSERT_RETURNS(IVssBackupComponents, AddComponent, VSS_E_OBJECT_ALREADY_EXISTS,
                       IVssBackupComponents_AddComponent(b, stage_instance, DB));
        REACHES_RULE(IVssBackupComponents, "AddComponent", "must be unique per writer instance");
        ASSERT_RETURNS(IVssBackupComponentsEx3, GetSessionId, S_OK,
                       IVssBackupComponentsEx3_GetSessionId(b, &id));
        assert_true(memcmp(&id, &GUID_NULL, sizeof(id)) != 0);
        assert_int_equal(IVssBackupComponentsEx3_GetSessionId(b, NULL), E_INVALIDARG);
        REACHES_RETURN(IVssBackupComponentsEx3, GetSessionId, "HRESULT");
        stage_release(b);
}

static int setup(void **state) {
        empty_document = SysAllocString(L"<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" "
                                        L"version=\"1.2\"/>");
        broken_document = SysAllocString(L"<BACKUP_COMPONENTS");
        return stage_setup(state);
}

static int teardown(void **state) {
        SysFreeString(empty_document);
        SysFreeString(broken_document);
        return stage_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_that_each_method_works_where_it_belongs),
                TEST(test_that_each_method_has_its_time),
                TEST(test_that_a_wrong_argument_is_refused_and_changes_nothing),
                TEST(test_that_what_is_not_there_is_not_found),
                TEST(test_that_damage_is_named_and_not_written_over),
                TEST(test_that_no_memory_is_said_and_the_next_try_works),
                TEST(test_that_a_lost_session_cannot_be_resumed),
                TEST(test_that_access_taken_away_ends_the_session),
                TEST(test_that_a_document_that_is_torn_is_not_saved),
                TEST(test_that_writers_cannot_be_asked_without_umbrad),
                TEST(test_that_components_and_session_ids_have_their_own_codes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
