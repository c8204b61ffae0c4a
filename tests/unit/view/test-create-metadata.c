/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A writer describes itself: what is accepted, what is refused with which code, and what stands in the
 * document then.
 */

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/utf.h"
#include "view-test.h"
#include "view/create-metadata.h"

typedef struct Fixture {
        WriterDoc *doc;
        CreateMetadata *create;
        IVssCreateWriterMetadataEx *m;
} Fixture;

static const GUID own = { .Data1 = 0xABCD }, other = { .Data1 = 0x1234 };

static int setup(void **state) {
        Fixture *f;

        f = calloc_checked(1, sizeof(*f));
        assert_non_null(f);
        assert_int_equal(writer_doc_new(&f->doc), 0);
        f->doc->writer_id = own;
        assert_int_equal(create_metadata_new(f->doc, &f->create), S_OK);
        f->m = create_metadata_iface(f->create);

        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        create_metadata_free(f->create);
        writer_doc_free(f->doc);
        free(f);
        return 0;
}

#define MASK (VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED)

static HRESULT add(Fixture *f, VSS_COMPONENT_TYPE type, const WCHAR *path, const WCHAR *name) {
        return IVssCreateWriterMetadataEx_AddComponent(f->m, type, path, name, NULL, NULL, 0, false, false,
                                                       true, true, 0);
}

static void test_that_components_are_checked_and_added(void **state) {
        static const BYTE icon[] = { 0, 1, 2, 255 };
        static const struct {
                VSS_COMPONENT_TYPE type;
                const WCHAR *path, *name;
                const BYTE *icon;
                UINT icon_size;
                DWORD flags;
                HRESULT hr;
        } cases[] = {
                { VSS_CT_UNDEFINED,       NULL,     L"a",    NULL, 0, 0, E_INVALIDARG                },
                { (VSS_COMPONENT_TYPE) 3, NULL,     L"a",    NULL, 0, 0, E_INVALIDARG                },
                { VSS_CT_DATABASE,        NULL,     NULL,    NULL, 0, 0, E_INVALIDARG                },
                { VSS_CT_DATABASE,        NULL,     L"",     NULL, 0, 0, E_INVALIDARG                },
                { VSS_CT_DATABASE,        NULL,     L"a\\b", NULL, 0, 0, E_INVALIDARG                },
                { VSS_CT_DATABASE,        NULL,     L"a",    NULL, 4, 0, E_INVALIDARG                },
                { VSS_CT_DATABASE,        NULL,     L"a",    icon, 0, 0, E_INVALIDARG                },
                { VSS_CT_DATABASE,        NULL,     L"a",    NULL, 0, 8, E_INVALIDARG                },
                { VSS_CT_DATABASE,        L"\xD800", L"a",   NULL, 0, 0, E_INVALIDARG                },
                { VSS_CT_DATABASE,        NULL,     L"a",    icon, 4, 7, S_OK                        },
                { VSS_CT_DATABASE,        L"",      L"a",    NULL, 0, 0, VSS_E_OBJECT_ALREADY_EXISTS },
                /* one name, whatever the type */
                { VSS_CT_FILEGROUP,       NULL,     L"a",    NULL, 0, 0, VSS_E_OBJECT_ALREADY_EXISTS },
                { VSS_CT_FILEGROUP,       L"x\\y",  L"a",    NULL, 0, 0, S_OK                        },
        };
        const WriterDocComponent *c;
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr = IVssCreateWriterMetadataEx_AddComponent(
                        f->m, cases[i].type, cases[i].path, cases[i].name, L"caption", cases[i].icon,
                        cases[i].icon_size, true, false, true, false, cases[i].flags);

                if (hr != cases[i].hr)
                        fail_msg("case %zu: %08x", i, (unsigned) hr);
        }

        assert_int_equal(f->doc->n_components, 2);
        c = &f->doc->components[0];
        assert_null(c->logical_path);
        assert_string_equal(c->name, "a");
        assert_string_equal(c->caption, "caption");
        assert_int_equal(c->icon_size, 4);
        assert_memory_equal(c->icon, icon, 4);
        assert_int_equal(c->flags, 7);
        assert_true(c->restore_metadata && !c->notify_on_backup_complete && c->selectable &&
                    !c->selectable_for_restore);
        assert_string_equal(f->doc->components[1].logical_path, "x\\y");
}

static void test_that_files_go_to_components_that_were_added(void **state) {
        Fixture *f = *state;

        assert_int_equal(add(f, VSS_CT_DATABASE, NULL, L"db"), S_OK);
        assert_int_equal(add(f, VSS_CT_FILEGROUP, L"p", L"files"), S_OK);

#define FILES(...) IVssCreateWriterMetadataEx_AddFilesToFileGroup(f->m, __VA_ARGS__)
        assert_int_equal(FILES(L"p", L"files", L"/srv", L"*", true, L"/alt", MASK), S_OK);
        assert_int_equal(
                FILES(L"p", L"files", L"/srv", L"a\\b", false, L"", MASK | VSS_FSBT_CREATED_DURING_BACKUP),
                S_OK);
        assert_int_equal(FILES(NULL, L"files", L"/srv", L"*", true, NULL, MASK), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(FILES(L"p", L"nothing", L"/srv", L"*", true, NULL, MASK), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(FILES(NULL, L"db", L"/srv", L"*", true, NULL, MASK), E_INVALIDARG); /* a database */
        assert_int_equal(FILES(L"p", NULL, L"/srv", L"*", true, NULL, MASK), E_INVALIDARG);
        assert_int_equal(FILES(L"p", L"", L"/srv", L"*", true, NULL, MASK), E_INVALIDARG);
        assert_int_equal(FILES(L"p", L"files", NULL, L"*", true, NULL, MASK), E_INVALIDARG);
        assert_int_equal(FILES(L"p", L"files", L"", L"*", true, NULL, MASK), E_INVALIDARG);
        assert_int_equal(FILES(L"p", L"files", L"/srv", NULL, true, NULL, MASK), E_INVALIDARG);
        assert_int_equal(FILES(L"p", L"files", L"/srv", L"", true, NULL, MASK), E_INVALIDARG);
        assert_int_equal(FILES(L"p", L"files", L"/srv", L"a/b", true, NULL, MASK), E_INVALIDARG);
        assert_int_equal(FILES(L"p", L"files", L"/srv", L"*", true, NULL, 0x10), E_INVALIDARG);
#undef FILES

#define DATABASE(what, ...) IVssCreateWriterMetadataEx_AddDatabase##what(f->m, __VA_ARGS__)
        assert_int_equal(DATABASE(Files, NULL, L"db", L"/srv/db", L"*", MASK), S_OK);
        assert_int_equal(DATABASE(Files, NULL, L"no", L"/srv/db", L"*", MASK), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(DATABASE(Files, L"p", L"files", L"/srv/db", L"*", MASK), E_INVALIDARG);
        assert_int_equal(DATABASE(Files, NULL, L"db", NULL, L"*", MASK), E_INVALIDARG);
        assert_int_equal(DATABASE(Files, NULL, L"db", L"/srv/db", NULL, MASK), E_INVALIDARG);
        assert_int_equal(DATABASE(Files, NULL, NULL, L"/srv/db", L"*", MASK), E_INVALIDARG);
        assert_int_equal(DATABASE(LogFiles, NULL, L"db", L"/srv/log", L"*.log", 0), S_OK);
        assert_int_equal(DATABASE(LogFiles, NULL, L"no", L"/srv/log", L"*", MASK), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(DATABASE(LogFiles, L"p", L"files", L"/srv/log", L"*", MASK), E_INVALIDARG);
        assert_int_equal(DATABASE(LogFiles, NULL, L"db", L"/srv/log", L"*", 0xF0000000), E_INVALIDARG);
#undef DATABASE

        assert_int_equal(f->doc->components[0].database_files.n, 1);
        assert_int_equal(f->doc->components[0].log_files.n, 1);
        assert_int_equal(f->doc->components[0].log_files.items[0].backup_type, 0);
        assert_int_equal(f->doc->components[1].files.n, 2);
        assert_string_equal(f->doc->components[1].files.items[0].alternate, "/alt");
        assert_true(f->doc->components[1].files.items[0].recursive);
        assert_null(f->doc->components[1].files.items[1].alternate);
        assert_string_equal(f->doc->components[1].files.items[1].filespec,
                            "a\\b"); /* a letter of names here */
}

static void test_that_exclusions_need_a_path_and_a_pattern(void **state) {
        Fixture *f = *state;

        assert_int_equal(IVssCreateWriterMetadataEx_AddExcludeFiles(f->m, L"/tmp", L"*", true), S_OK);
        assert_int_equal(IVssCreateWriterMetadataEx_AddExcludeFiles(f->m, NULL, L"*", true), E_INVALIDARG);
        assert_int_equal(IVssCreateWriterMetadataEx_AddExcludeFiles(f->m, L"/tmp", L"", true), E_INVALIDARG);
        assert_int_equal(
                IVssCreateWriterMetadataEx_AddExcludeFilesFromSnapshot(f->m, L"/var/tmp", L"*.swp", false),
                S_OK);
        assert_int_equal(IVssCreateWriterMetadataEx_AddExcludeFilesFromSnapshot(f->m, L"", L"*", true),
                         E_INVALIDARG);
        assert_int_equal(IVssCreateWriterMetadataEx_AddExcludeFilesFromSnapshot(f->m, L"/tmp", NULL, true),
                         E_INVALIDARG);
        assert_int_equal(IVssCreateWriterMetadataEx_AddIncludeFiles(f->m, L"/tmp", L"*", true, NULL),
                         E_NOTIMPL);

        assert_int_equal(f->doc->exclude_files.n, 1);
        assert_int_equal(f->doc->exclude_from_snapshot.n, 1);
        assert_string_equal(f->doc->exclude_from_snapshot.items[0].path, "/var/tmp");
        assert_int_equal(f->doc->include_files.n, 0);
}

static void test_that_a_mapping_needs_a_restore_method_first(void **state) {
        static const struct {
                VSS_RESTOREMETHOD_ENUM method;
                const WCHAR *service;
                VSS_WRITERRESTORE_ENUM restore;
                HRESULT hr;
        } cases[] = {
                { VSS_RME_UNDEFINED,               NULL,    VSS_WRE_ALWAYS,             E_INVALIDARG },
                { (VSS_RESTOREMETHOD_ENUM) 9,      NULL,    VSS_WRE_ALWAYS,             E_INVALIDARG },
                { VSS_RME_CUSTOM,                  NULL,    VSS_WRE_UNDEFINED,          E_INVALIDARG },
                { VSS_RME_CUSTOM,                  NULL,    (VSS_WRITERRESTORE_ENUM) 4, E_INVALIDARG },
                { VSS_RME_CUSTOM,                  L"pg",   VSS_WRE_ALWAYS,             E_INVALIDARG },
                { VSS_RME_RESTORE_AT_REBOOT,       L"",     VSS_WRE_NEVER,              S_OK         },
                { VSS_RME_STOP_RESTORE_START,      L"pg",   VSS_WRE_ALWAYS,             S_OK         },
                { VSS_RME_RESTORE_STOP_START,      L"pg2",  VSS_WRE_IF_REPLACE_FAILS,   S_OK         },
        };
        Fixture *f = *state;

        assert_int_equal(
                IVssCreateWriterMetadataEx_AddAlternateLocationMapping(f->m, L"/a", L"*", true, L"/b"),
                VSS_E_OBJECT_NOT_FOUND);

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(IVssCreateWriterMetadataEx_SetRestoreMethod(f->m, cases[i].method,
                                                                             cases[i].service, NULL,
                                                                             cases[i].restore, true),
                                 cases[i].hr);

        assert_true(f->doc->has_restore_method);
        assert_int_equal(f->doc->restore_method, VSS_RME_RESTORE_STOP_START);
        assert_string_equal(f->doc->service, "pg2");
        assert_int_equal(f->doc->writer_restore, VSS_WRE_IF_REPLACE_FAILS);
        assert_true(f->doc->reboot_required);

        assert_int_equal(
                IVssCreateWriterMetadataEx_AddAlternateLocationMapping(f->m, L"/a", L"*", true, L"/b"),
                S_OK);
        assert_int_equal(
                IVssCreateWriterMetadataEx_AddAlternateLocationMapping(f->m, L"/a", L"*", true, NULL),
                E_INVALIDARG);
        assert_int_equal(
                IVssCreateWriterMetadataEx_AddAlternateLocationMapping(f->m, NULL, L"*", true, L"/b"),
                E_INVALIDARG);
        assert_int_equal(
                IVssCreateWriterMetadataEx_AddAlternateLocationMapping(f->m, L"/a", L"", true, L"/b"),
                E_INVALIDARG);
        assert_int_equal(f->doc->mappings.n, 1);
        assert_string_equal(f->doc->mappings.items[0].alternate, "/b");
}

static void test_that_a_dependency_is_on_another_writer(void **state) {
        Fixture *f = *state;

        assert_int_equal(add(f, VSS_CT_DATABASE, NULL, L"db"), S_OK);
#define DEPEND(...) IVssCreateWriterMetadataEx_AddComponentDependency(f->m, __VA_ARGS__)
        assert_int_equal(DEPEND(NULL, L"db", other, L"\\\\host\\p", L"x"), S_OK);
        assert_int_equal(DEPEND(NULL, L"no", other, NULL, L"x"), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(DEPEND(L"p", L"db", other, NULL, L"x"), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(DEPEND(NULL, L"db", own, NULL, L"x"), E_INVALIDARG);
        assert_int_equal(DEPEND(NULL, L"db", GUID_NULL, NULL, L"x"), E_INVALIDARG);
        assert_int_equal(DEPEND(NULL, L"db", other, NULL, NULL), E_INVALIDARG);
        assert_int_equal(DEPEND(NULL, NULL, other, NULL, L"x"), E_INVALIDARG);
#undef DEPEND

        assert_int_equal(f->doc->components[0].n_dependencies, 1);
        assert_true(guid_equal(&f->doc->components[0].dependencies[0].writer_id, &other));
        assert_string_equal(f->doc->components[0].dependencies[0].logical_path, "\\\\host\\p");
}

static void test_that_some_bits_of_the_schema_need_others(void **state) {
        static const struct {
                DWORD schema;
                HRESULT hr;
        } cases[] = {
                { VSS_BS_UNDEFINED, S_OK },
                { 0x371, S_OK }, /* SQL Server's */
                { VSS_BS_COPY, S_OK },
                { VSS_BS_TIMESTAMPED, E_INVALIDARG },
                { VSS_BS_TIMESTAMPED | VSS_BS_INCREMENTAL, S_OK },
                { VSS_BS_LAST_MODIFY, E_INVALIDARG },
                { VSS_BS_LAST_MODIFY | VSS_BS_DIFFERENTIAL, S_OK },
                { VSS_BS_EXCLUSIVE_INCREMENTAL_DIFFERENTIAL, E_INVALIDARG },
                { VSS_BS_EXCLUSIVE_INCREMENTAL_DIFFERENTIAL | VSS_BS_INCREMENTAL, E_INVALIDARG },
                { VSS_BS_EXCLUSIVE_INCREMENTAL_DIFFERENTIAL | VSS_BS_INCREMENTAL | VSS_BS_DIFFERENTIAL,
                  S_OK },
                { 0x800, E_INVALIDARG },
                { 0x10000, E_INVALIDARG },
        };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                DWORD before = f->doc->backup_schema;

                assert_int_equal(IVssCreateWriterMetadataEx_SetBackupSchema(f->m, cases[i].schema),
                                 cases[i].hr);
                assert_int_equal(f->doc->backup_schema, SUCCEEDED(cases[i].hr) ? cases[i].schema : before);
        }
}

static void test_that_the_document_can_be_seen_meanwhile(void **state) {
        _cleanup_(freep) char *text = NULL, *saved = NULL;
        IXMLDOMDocument *dom = (IXMLDOMDocument *) 1;
        Fixture *f = *state;
        size_t size;
        BSTR s;

        assert_int_equal(add(f, VSS_CT_DATABASE, NULL, L"db"), S_OK);
        assert_int_equal(IVssCreateWriterMetadataEx_GetDocument(f->m, &dom), E_NOTIMPL);
        assert_null(dom);
        assert_int_equal(IVssCreateWriterMetadataEx_SaveAsXML(f->m, NULL), E_INVALIDARG);
        assert_int_equal(IVssCreateWriterMetadataEx_SaveAsXML(f->m, &s), S_OK);

        assert_int_equal(utf8_from_bstr(s, &saved), 0);
        bstr_free(s);
        assert_int_equal(writer_doc_write(f->doc, &text, &size), S_OK);
        assert_string_equal(saved, text);
}

static void test_that_references_keep_the_object_and_not_the_document(void **state) {
        Fixture *f = *state;
        void *p = NULL;

        table_is_complete(f->m->lpVtbl, sizeof(*f->m->lpVtbl));
        table_is_complete(f->m->unknown.lpVtbl, sizeof(*f->m->unknown.lpVtbl));

        assert_int_equal(IUnknown_QueryInterface(&f->m->unknown, &IID_IVssCreateWriterMetadataEx, &p), S_OK);
        assert_ptr_equal(p, f->m);
        assert_int_equal(IUnknown_QueryInterface(&f->m->unknown, &IID_IUnknown, &p), S_OK);
        assert_ptr_equal(p, &f->m->unknown);
        assert_int_equal(IUnknown_QueryInterface(&f->m->unknown, &IID_IVssComponent, &p), E_NOINTERFACE);
        assert_null(p);
        assert_int_equal(IUnknown_QueryInterface(&f->m->unknown, &IID_IUnknown, NULL), E_POINTER);

        assert_int_equal(IUnknown_Release(&f->m->unknown), 2);
        assert_int_equal(IUnknown_Release(&f->m->unknown), 1);
        assert_int_equal(add(f, VSS_CT_DATABASE, NULL, L"db"), S_OK);

        /* One that is kept: the handler is over, and the document is finished. */
        assert_int_equal(IUnknown_AddRef(&f->m->unknown), 2);
        f->create = create_metadata_free(f->create);
        assert_int_equal(add(f, VSS_CT_DATABASE, NULL, L"late"), VSS_E_UNEXPECTED);
        assert_int_equal(IUnknown_Release(&f->m->unknown), 0);
}

static HRESULT describe(Fixture *f) {
        static const BYTE icon[4] = { 1, 2, 3, 4 };
        HRESULT hr;
        BSTR s;

        hr = IVssCreateWriterMetadataEx_AddComponent(f->m, VSS_CT_FILEGROUP, L"p", L"n", L"c", icon, 4, true,
                                                     true, true, true, 1);
        if (hr == VSS_E_OBJECT_ALREADY_EXISTS)
                hr = S_OK;
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadataEx_AddFilesToFileGroup(f->m, L"p", L"n", L"/a", L"*", true,
                                                                    L"/b", MASK);
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadataEx_AddComponentDependency(f->m, L"p", L"n", other, L"q", L"m");
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadataEx_SetRestoreMethod(f->m, VSS_RME_STOP_RESTORE_START, L"s",
                                                                 L"u", VSS_WRE_ALWAYS, false);
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadataEx_AddAlternateLocationMapping(f->m, L"/a", L"*", true, L"/b");
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadataEx_SaveAsXML(f->m, &s);
        if (SUCCEEDED(hr))
                bstr_free(s);
        return hr;
}

static void test_that_it_survives_any_failed_allocation(void **state) {
        HRESULT hr = E_OUTOFMEMORY;
        Fixture *f = *state;

        for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                fault_fail_allocation(n);
                hr = describe(f);
                fault_clear();
        }

        assert_int_equal(hr, S_OK);
        assert_int_equal(f->doc->n_components, 1);
}

#define CREATE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                CREATE_TEST(test_that_components_are_checked_and_added),
                CREATE_TEST(test_that_files_go_to_components_that_were_added),
                CREATE_TEST(test_that_exclusions_need_a_path_and_a_pattern),
                CREATE_TEST(test_that_a_mapping_needs_a_restore_method_first),
                CREATE_TEST(test_that_a_dependency_is_on_another_writer),
                CREATE_TEST(test_that_some_bits_of_the_schema_need_others),
                CREATE_TEST(test_that_the_document_can_be_seen_meanwhile),
                CREATE_TEST(test_that_references_keep_the_object_and_not_the_document),
                CREATE_TEST(test_that_it_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
