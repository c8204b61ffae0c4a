/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rules of the reference about restores that need no writers: what may be said of a component, and of which
 * writer.
 */

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

#define THUNK(name, ...)                                                                                    \
        static HRESULT name(IVssBackupComponentsEx4 *b) {                                                   \
                return __VA_ARGS__;                                                                         \
        }

THUNK(select_db, IVssBackupComponents_SetSelectedForRestore(b, DB, true))
THUNK(additional, IVssBackupComponents_SetAdditionalRestores(b, DB, true))
THUNK(subcomponent, IVssBackupComponents_AddRestoreSubcomponent(b, DB, L"path\\db", L"table", false))
THUNK(new_target, IVssBackupComponents_AddNewTarget(b, DB, L"/srv/db", L"*.db", false, L"/new"))
THUNK(authoritative, IVssBackupComponentsEx2_SetAuthoritativeRestore(b, DB, true))
THUNK(roll_forward, IVssBackupComponentsEx2_SetRollForward(b, DB, VSS_RF_ALL, NULL))
THUNK(restore_name, IVssBackupComponentsEx2_SetRestoreName(b, DB, L"new"))

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
        OK(STAGE_FINISH(r, GatherWriterMetadata));
        c = stage_component(r, 0); /* of the document, whatever the writers say now */
        assert_true(STAGE_SAYS(c, GetComponentName, L"db"));
        IVssComponent_Release(c);
        RULE("GatherWriterMetadata", "at restore it is still called");
        OK(select_db(r));
        OK(STAGE_FINISH(r, PreRestore)); /* without SetRestoreState() */
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
        assert_int_equal(IVssBackupComponents_SetSelectedForRestore(b, stage_writer, VSS_CT_DATABASE,
                                                                    L"path\\db", L"table", true),
                         VSS_E_OBJECT_NOT_FOUND);
        RULE("SetSelectedForRestore", "only for components explicitly added");
        OK(IVssBackupComponents_SetRestoreOptions(b, DB, L"<any>\"thing\""));
        RULE("SetRestoreOptions", "private to the writer");
        BAD_STATE(IVssBackupComponents_SetRestoreOptions(b, DB, L"other"));
        RULE("SetRestoreOptions", "at most once");
        OK(additional(b));

        OK(subcomponent(b));
        assert_int_equal(IVssBackupComponents_AddRestoreSubcomponent(b, DB, L"path\\db", L"hidden", false),
                         E_INVALIDARG);
        RULE("AddRestoreSubcomponent", "must be selectable for restore");
        assert_int_equal(IVssBackupComponents_AddRestoreSubcomponent(b, DB, L"path\\db", L"table", true),
                         E_INVALIDARG);
        RULE("AddRestoreSubcomponent", "bRepair is reserved");

        c = stage_component(b, 0);
        assert_true(STAGE_SAYS(c, GetRestoreOptions, L"<any>\"thing\""));
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

        OK(STAGE_FINISH(b, PreRestore));
        for (int i = VSS_RS_NONE; i <= VSS_RS_FAILED; ++i) {
                OK(IVssBackupComponents_SetFileRestoreStatus(b, DB, i));
                c = stage_component(b, 0);
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
                { L"/srv/db", L"*.db", true, VSS_E_OBJECT_NOT_FOUND }, /* another depth */
                { L"/srv/db", L"*.DB", false, VSS_E_OBJECT_NOT_FOUND },
                { L"/srv/files", L"*", true, VSS_E_OBJECT_NOT_FOUND }, /* of another component */
                { L"/srv/db", L"db/*.x", false, E_INVALIDARG },
                { L"/srv/db/", L"*.db", false, S_OK },  /* a separator more is forgiven */
                { L"/srv/tables", L"*.t", true, S_OK }, /* of a subcomponent */
        };
        IVssBackupComponentsEx4 *b = stage_new(STAGE_RESTORE, DAMAGE_NONE);
        IVssComponent *c;
        UINT n = 0;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                assert_int_equal(IVssBackupComponents_AddNewTarget(b, DB, cases[i].path, cases[i].filespec,
                                                                   cases[i].recursive, L"/new"),
                                 cases[i].hr);
                assert_int_equal(
                        IVssBackupComponents_AddAlternativeLocationMapping(
                                b, DB, cases[i].path, cases[i].filespec, cases[i].recursive, L"/other"),
                        cases[i].hr);
        }
        RULE("AddNewTarget", "must equal a file set");
        RULE("AddNewTarget", "file arguments of the subcomponent");
        RULE("AddAlternativeLocationMapping", "must equal a file set");
        RULE("AddAlternativeLocationMapping", "may hold environment variables");
        assert_int_equal(IVssBackupComponents_AddNewTarget(b, stage_writer, VSS_CT_DATABASE, L"path\\db",
                                                           L"table", L"/srv/tables", L"*.t", true, L"/new"),
                         VSS_E_OBJECT_NOT_FOUND);
        RULE("AddNewTarget", "must be explicitly in");
        assert_int_equal(IVssBackupComponents_AddNewTarget(b, DB, L"/srv/db", L"*.db", false, L"new"),
                         E_INVALIDARG);
        RULE("AddNewTarget", "must be fully qualified");
        c = stage_component(b, 0);
        OK(IVssComponent_GetNewTargetCount(c, &n));
        assert_int_equal(n, 2);
        /* This writer has no mapping at all: that something was put elsewhere is noted for it all the same. */
        OK(IVssComponent_GetAlternateLocationMappingCount(c, &n));
        assert_int_equal(n, 2);
        RULE("AddAlternativeLocationMapping", "do not call for files");
        RULE("AddAlternativeLocationMapping", "was really used");
        IVssComponent_Release(c);

        OK(IVssBackupComponents_SetRangesFilePath(b, DB, 0, L"/r"));
        assert_int_equal(IVssBackupComponents_SetRangesFilePath(b, DB, 1, L"/r"), VSS_E_OBJECT_NOT_FOUND);
        RULE("SetRangesFilePath", "iPartialFile 0..n-1");
        stage_release(b);
}

static void test_that_a_component_is_restored_to_an_instance_of_its_writer(void **state) {
        IVssBackupComponentsEx4 *b;

        stage_add_second(stage_umbrad); /* it does not declare that it can be moved to */
        b = stage_new(STAGE_RESTORE, DAMAGE_NONE);
        OK(IVssBackupComponentsEx_SetSelectedForRestoreEx(b, DB, true, stage_instance));
        assert_int_equal(IVssBackupComponentsEx_SetSelectedForRestoreEx(b, DB, true, stage_other),
                         E_INVALIDARG);
        REACHES_RULE(IVssBackupComponentsEx, "SetSelectedForRestoreEx", "instanceId defaults to GUID_NULL");
        assert_int_equal(IVssBackupComponentsEx_SetSelectedForRestoreEx(b, DB, true, stage_second),
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
                { "IVssBackupComponents", "AddNewTarget", "writer must declare",
                  "VSS_BS_WRITER_SUPPORTS_NEW_TARGET", new_target },
                { "IVssBackupComponentsEx2", "SetAuthoritativeRestore", "writer must declare",
                  "VSS_BS_AUTHORITATIVE_RESTORE", authoritative },
                { "IVssBackupComponentsEx2", "SetRollForward", "restore only", "VSS_BS_ROLLFORWARD_RESTORE",
                  roll_forward },
                { "IVssBackupComponentsEx2", "SetRestoreName", "restore only", "VSS_BS_RESTORE_RENAME",
                  restore_name },
        };
        IVssBackupComponentsEx4 *b;

        fake_umbrad_stop(stage_umbrad);
        stage_umbrad = stage_start_with(0);
        b = stage_new(STAGE_RESTORE, DAMAGE_NONE);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                assert_int_equal(cases[i].call(b), E_INVALIDARG);
                assert_non_null(strstr(umbra_last_error(), cases[i].schema));
                reference_reach_rule(cases[i].iface, cases[i].method, cases[i].rule);
        }

        /* Nothing of it is asked of the writer, so nothing of it must be declared. */
        OK(IVssBackupComponentsEx2_SetAuthoritativeRestore(b, DB, false));
        OK(IVssBackupComponentsEx2_SetRollForward(b, DB, VSS_RF_NONE, NULL));
        stage_release(b);
}

static void test_that_rolling_forward_to_a_point_needs_the_point(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_RESTORE, DAMAGE_NONE);

        assert_int_equal(IVssBackupComponentsEx2_SetRollForward(b, DB, VSS_RF_PARTIAL, NULL), E_INVALIDARG);
        OK(IVssBackupComponentsEx2_SetRollForward(b, DB, VSS_RF_PARTIAL, L"<0:1>&"));
        REACHES_RULE(IVssBackupComponentsEx2, "SetRollForward", "format is private");
        stage_release(b);
}

static void test_that_somebody_must_be_there_to_be_restored(void **state) {
        IVssBackupComponentsEx4 *b;

        fake_umbrad_stop(stage_umbrad);
        stage_umbrad = fake_umbrad_start();
        b = stage_new(STAGE_RESTORE, DAMAGE_NONE);
        assert_int_equal(select_db(b), VSS_E_OBJECT_NOT_FOUND);
        RULE("SetSelectedForRestore", "must be running");
        stage_release(b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STAGE_TEST(test_that_a_restore_begins_with_what_was_saved),
                STAGE_TEST(test_that_what_a_restore_chooses_is_in_the_document),
                STAGE_TEST(test_that_files_are_named_as_the_writer_names_them),
                STAGE_TEST(test_that_a_component_is_restored_to_an_instance_of_its_writer),
                STAGE_TEST(test_that_a_writer_is_not_asked_for_what_it_does_not_declare),
                STAGE_TEST(test_that_rolling_forward_to_a_point_needs_the_point),
                STAGE_TEST(test_that_somebody_must_be_there_to_be_restored),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
