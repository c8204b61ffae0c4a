/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What an Express Writer Says of Itself
 *
 * Each method of IVssCreateExpressWriterMetadata with each of its results, and what is no document of an
 * express writer at all.
 */

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <umbra.h>
#include <vswriter.h>

#include "base/alloc.h"
#include "base/utf.h"
#include "doc/doc-limits.h"
#include "doc/writer-doc.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "view/create-express-metadata.h"

#define INTERFACE_NAME "IVssCreateExpressWriterMetadata"

static const VSS_ID writer_id = { 0xe1, 2, 3, { 0x80, 4 } };
static const VSS_ID other_id = { 0xe2, 2, 3, { 0x80, 4 } };

typedef IVssCreateExpressWriterMetadata Metadata;

static Metadata *metadata_new(void) {
        IVssExpressWriter *w = NULL;
        Metadata *m = NULL;

        assert_int_equal(CreateVssExpressWriterInternal(&w), S_OK);
        ASSERT_RETURNS(IVssExpressWriter, CreateMetadata, S_OK,
                       IVssExpressWriter_CreateMetadata(w, writer_id, L"express", VSS_UT_SYSTEMSERVICE, 1, 4,
                                                        0, &m));
        IVssExpressWriter_Release(w); /* the document lives on */
        return m;
}

/* With a group "g" of files. */
static Metadata *metadata_with_group(void) {
        Metadata *m = metadata_new();

        assert_int_equal(IVssCreateExpressWriterMetadata_AddComponent(m, VSS_CT_FILEGROUP, L"a\\b", L"g",
                                                                      NULL, NULL, 0, false, false, true,
                                                                      true, 0),
                         S_OK);
        return m;
}

static char *text_of(Metadata *m) {
        char *text = NULL;
        BSTR xml = NULL;

        ASSERT_RETURNS(IVssCreateExpressWriterMetadata, SaveAsXML, S_OK,
                       IVssCreateExpressWriterMetadata_SaveAsXML(m, &xml));
        assert_int_equal(utf8_from_wide(xml, &text), 0);
        SysFreeString(xml);
        return text;
}

static void test_that_the_document_is_what_was_said(void **state) {
        static const char expected[] =
                "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\" backupSchema=\"1040\">"
                "<IDENTIFICATION writerId=\"000000e1-0002-0003-8004-000000000000\" "
                "instanceId=\"000000e1-0002-0003-8004-000000000000\" friendlyName=\"express\" usage=\"SYSTEM_SERVICE\" "
                "dataSource=\"OTHER\" majorVersion=\"1\" minorVersion=\"4\"/>"
                "<RESTORE_METHOD method=\"STOP_RESTORE_START\" service=\"svc\" writerRestore=\"never\" rebootRequired=\"yes\"/>"
                "<BACKUP_LOCATIONS>"
                "<FILE_GROUP logicalPath=\"a\\b\" componentName=\"g\" restoreMetadata=\"no\" notifyOnBackupComplete=\"no\" "
                "selectable=\"yes\" selectableForRestore=\"yes\" componentFlags=\"0\">"
                "<FILE_LIST path=\"/etc/x\" filespec=\"*\" recursive=\"yes\" filespecBackupType=\"3855\"/>"
                "<DEPENDENCY writerId=\"000000e2-0002-0003-8004-000000000000\" logicalPath=\"p\" componentName=\"c\"/>"
                "</FILE_GROUP>"
                "<EXCLUDE_FILES path=\"/etc/x\" filespec=\"*.tmp\" recursive=\"yes\"/>"
                "</BACKUP_LOCATIONS></WRITER_METADATA>";
        _cleanup_(freep) char *text = NULL;
        Metadata *m = metadata_with_group();

#define SAYS(method, ...)                                                                                   \
        ASSERT_RETURNS(IVssCreateExpressWriterMetadata, method, S_OK,                                       \
                       IVssCreateExpressWriterMetadata_##method(m, __VA_ARGS__))
        SAYS(AddFilesToFileGroup, L"a\\b", L"g", L"/etc/x", L"*", true, NULL, 0xF0F);
        SAYS(AddExcludeFiles, L"/etc/x", L"*.tmp", true);
        SAYS(SetRestoreMethod, VSS_RME_STOP_RESTORE_START, L"svc", NULL, VSS_WRE_NEVER, true);
        SAYS(AddComponentDependency, L"a\\b", L"g", other_id, L"p", L"c");
        SAYS(SetBackupSchema, VSS_BS_COPY | VSS_BS_INDEPENDENT_SYSTEM_STATE);
        text = text_of(m);
        assert_string_equal(text, expected);
        REACHES_RETURN(IVssCreateExpressWriterMetadata, AddComponent, "S_OK");
        IVssCreateExpressWriterMetadata_Release(m);
}

static HRESULT add_component(Metadata *m, VSS_COMPONENT_TYPE type, const WCHAR *name, DWORD flags) {
        return IVssCreateExpressWriterMetadata_AddComponent(m, type, NULL, name, NULL, NULL, 0, false, false,
                                                            true, false, flags);
}

static HRESULT add_files(Metadata *m, const WCHAR *path, const WCHAR *alternate, DWORD mask) {
        return IVssCreateExpressWriterMetadata_AddFilesToFileGroup(m, L"a\\b", L"g", path, L"*", false,
                                                                   alternate, mask);
}

static HRESULT set_method(Metadata *m, VSS_RESTOREMETHOD_ENUM method, VSS_WRITERRESTORE_ENUM asks) {
        return IVssCreateExpressWriterMetadata_SetRestoreMethod(m, method, NULL, NULL, asks, false);
}

static void test_that_less_is_allowed_than_to_writers_that_run(void **state) {
        Metadata *m = metadata_with_group();
        _cleanup_(freep) char *before = text_of(m), *after = NULL;
        BSTR none = NULL;
        const struct {
                const char *method;
                HRESULT hr;
        } cases[] = {
                { "AddExcludeFiles",        IVssCreateExpressWriterMetadata_AddExcludeFiles(m, NULL, L"*", false)              },
                { "AddExcludeFiles",        IVssCreateExpressWriterMetadata_AddExcludeFiles(m, L"/a", L"", false)              },
                { "AddExcludeFiles",        IVssCreateExpressWriterMetadata_AddExcludeFiles(m, L"\\\\host\\share", L"*", false) },
                { "AddComponent",           add_component(m, VSS_CT_DATABASE, L"c", 0)                                         },
                { "AddComponent",           add_component(m, VSS_CT_UNDEFINED, L"c", 0)                                        },
                { "AddComponent",           add_component(m, VSS_CT_FILEGROUP, NULL, 0)                                        },
                { "AddComponent",           add_component(m, VSS_CT_FILEGROUP, L"a\\c", 0)                                     },
                { "AddComponent",           add_component(m, VSS_CT_FILEGROUP, L"c", VSS_CF_BACKUP_RECOVERY)                   },
                { "AddComponent",           add_component(m, VSS_CT_FILEGROUP, L"c", VSS_CF_APP_ROLLBACK_RECOVERY)             },
                { "AddFilesToFileGroup",    add_files(m, NULL, NULL, 0xF0F)                                                    },
                { "AddFilesToFileGroup",    add_files(m, L"/a", L"/b", 0xF0F)                                                  },
                { "AddFilesToFileGroup",    add_files(m, L"/a", NULL, VSS_FSBT_DIFFERENTIAL_BACKUP_REQUIRED)                   },
                { "AddFilesToFileGroup",    add_files(m, L"/a", NULL, VSS_FSBT_INCREMENTAL_BACKUP_REQUIRED)                    },
                { "AddFilesToFileGroup",    add_files(m, L"/a", NULL, VSS_FSBT_FULL_BACKUP_REQUIRED | VSS_FSBT_LOG_BACKUP_REQUIRED) },
                { "SetRestoreMethod",       set_method(m, VSS_RME_UNDEFINED, VSS_WRE_NEVER)                                    },
                { "SetRestoreMethod",       set_method(m, VSS_RME_RESTORE_TO_ALTERNATE_LOCATION, VSS_WRE_NEVER)                },
                { "SetRestoreMethod",       set_method(m, VSS_RME_CUSTOM, VSS_WRE_NEVER)                                       },
                { "SetRestoreMethod",       set_method(m, VSS_RME_RESTORE_IF_NOT_THERE, VSS_WRE_ALWAYS)                        },
                { "SetRestoreMethod",       set_method(m, VSS_RME_RESTORE_IF_NOT_THERE, VSS_WRE_IF_REPLACE_FAILS)              },
                { "AddComponentDependency", IVssCreateExpressWriterMetadata_AddComponentDependency(m, L"a\\b", L"g", other_id, NULL, NULL) },
                { "AddComponentDependency", IVssCreateExpressWriterMetadata_AddComponentDependency(m, L"a\\b", L"g", GUID_NULL, NULL, L"c") },
                { "SetBackupSchema",        IVssCreateExpressWriterMetadata_SetBackupSchema(m, VSS_BS_INCREMENTAL)             },
                { "SetBackupSchema",        IVssCreateExpressWriterMetadata_SetBackupSchema(m, VSS_BS_COPY | VSS_BS_LOG)       },
                { "SaveAsXML",              IVssCreateExpressWriterMetadata_SaveAsXML(m, NULL)                                 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                if (cases[i].hr != E_INVALIDARG)
                        fail_msg("case %zu: %s() returned 0x%08x", i, cases[i].method,
                                 (unsigned) cases[i].hr);
                reference_reach_return("IVssCreateExpressWriterMetadata", cases[i].method, "E_INVALIDARG");
        }
        after = text_of(m);
        assert_string_equal(after, before);
        REACHES_RULE(IVssCreateExpressWriterMetadata, "AddExcludeFiles", "local paths only");
        REACHES_RULE(IVssCreateExpressWriterMetadata, "AddComponent", "only VSS_CT_FILEGROUP");
        REACHES_RULE(IVssCreateExpressWriterMetadata, "AddFilesToFileGroup",
                     "wszAlternateLocation must be NULL");
        REACHES_RULE(IVssCreateExpressWriterMetadata, "SetBackupSchema", "only VSS_BS_UNDEFINED");

        assert_int_equal(IVssCreateExpressWriterMetadata_SetBackupSchema(m, VSS_BS_UNDEFINED), S_OK);
        assert_int_equal(add_files(m, L"/a", NULL, VSS_FSBT_FULL_BACKUP_REQUIRED), S_OK);
        ASSERT_RETURNS(IVssCreateExpressWriterMetadata, AddComponent, VSS_E_OBJECT_ALREADY_EXISTS,
                       IVssCreateExpressWriterMetadata_AddComponent(m, VSS_CT_FILEGROUP, L"a\\b", L"g", NULL,
                                                                    NULL, 0, false, false, true, true, 0));
        ASSERT_RETURNS(IVssCreateExpressWriterMetadata, AddFilesToFileGroup, VSS_E_OBJECT_NOT_FOUND,
                       IVssCreateExpressWriterMetadata_AddFilesToFileGroup(m, NULL, L"g", L"/a", L"*", false,
                                                                           NULL, 0xF0F));
        ASSERT_RETURNS(
                IVssCreateExpressWriterMetadata, AddComponentDependency, VSS_E_OBJECT_NOT_FOUND,
                IVssCreateExpressWriterMetadata_AddComponentDependency(m, NULL, L"x", other_id, NULL, L"c"));
        assert_null(none);
        IVssCreateExpressWriterMetadata_Release(m);
}

static void test_that_a_description_begins_with_who_and_what(void **state) {
        static const struct {
                bool without_id;
                const WCHAR *name;
                VSS_USAGE_TYPE usage;
                DWORD reserved;
                HRESULT hr;
        } cases[] = {
                { true,  L"x", VSS_UT_USERDATA,            0, E_INVALIDARG },
                { false, NULL, VSS_UT_USERDATA,            0, E_INVALIDARG },
                { false, L"",  VSS_UT_USERDATA,            0, E_INVALIDARG },
                { false, L"x", VSS_UT_USERDATA,            1, E_INVALIDARG },
                { false, L"x", VSS_UT_UNDEFINED,           0, E_INVALIDARG },
                { false, L"x", VSS_UT_OTHER,               0, E_INVALIDARG },
                { false, L"x", VSS_UT_BOOTABLESYSTEMSTATE, 0, S_OK         },
                { false, L"x", VSS_UT_SYSTEMSERVICE,       0, S_OK         },
                { false, L"x", VSS_UT_USERDATA,            0, S_OK         },
        };
        IVssExpressWriter *w = NULL;

        assert_int_equal(CreateVssExpressWriterInternal(NULL), E_INVALIDARG);
        assert_int_equal(CreateVssExpressWriter(&w), S_OK);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                Metadata *m = (void *) w;
                HRESULT hr = IVssExpressWriter_CreateMetadata(w, cases[i].without_id ? GUID_NULL : writer_id,
                                                              cases[i].name, cases[i].usage, 0, 0,
                                                              cases[i].reserved, &m);

                assert_int_equal(hr, cases[i].hr);
                assert_int_equal(!m, FAILED(hr));
                if (m)
                        IVssCreateExpressWriterMetadata_Release(m);
        }
        assert_int_equal(
                IVssExpressWriter_CreateMetadata(w, writer_id, L"x", VSS_UT_USERDATA, 0, 0, 0, NULL),
                E_INVALIDARG);
        REACHES_RETURN(IVssExpressWriter, CreateMetadata, "HRESULT");
        REACHES_RULE(IVssExpressWriter, "CreateMetadata", "usageType only VSS_UT_BOOTABLESYSTEMSTATE");
        IVssExpressWriter_Release(w);
}

/* What is around it is right. */
#define DOCUMENT(identification, restore, locations)                                                                     \
        "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\">" identification restore             \
        "<BACKUP_LOCATIONS>" locations "</BACKUP_LOCATIONS></WRITER_METADATA>"
#define IDENTIFICATION(usage)                                                                                            \
        "<IDENTIFICATION writerId=\"000000e1-0002-0003-8004-000000000000\" "                                             \
        "instanceId=\"000000e1-0002-0003-8004-000000000000\" friendlyName=\"x\" usage=\"" usage "\" dataSource=\"OTHER\"/>"
#define RESTORE(method, asks)                                                                               \
        "<RESTORE_METHOD method=\"" method "\" writerRestore=\"" asks "\" rebootRequired=\"no\"/>"
#define GOOD_IDENTIFICATION IDENTIFICATION("USER_DATA")
#define GOOD_RESTORE RESTORE("RESTORE_IF_CAN_BE_REPLACED", "never")

static void test_that_only_documents_of_express_writers_are_loaded(void **state) {
        static const char *const cases[] = {
                "",
                "<WRITER_METADATA",
                "<SOMETHING_ELSE/>",
                DOCUMENT("", GOOD_RESTORE, ""),
                DOCUMENT(GOOD_IDENTIFICATION, "", ""),
                DOCUMENT(IDENTIFICATION("OTHER"), GOOD_RESTORE, ""),
                DOCUMENT(
                        "<IDENTIFICATION writerId=\"000000e1-0002-0003-8004-000000000000\" friendlyName=\"x\" usage=\"USER_DATA\" "
                        "dataSource=\"OTHER\"/>",
                        GOOD_RESTORE, ""),
                DOCUMENT(
                        "<IDENTIFICATION writerId=\"000000e1-0002-0003-8004-000000000000\" "
                        "instanceId=\"000000e1-0002-0003-8004-000000000000\" usage=\"USER_DATA\" dataSource=\"OTHER\"/>",
                        GOOD_RESTORE, ""),
                DOCUMENT(GOOD_IDENTIFICATION, RESTORE("CUSTOM", "never"), ""),
                DOCUMENT(GOOD_IDENTIFICATION, RESTORE("RESTORE_IF_CAN_BE_REPLACED", "always"), ""),
                DOCUMENT(
                        GOOD_IDENTIFICATION,
                        "<RESTORE_METHOD method=\"RESTORE_IF_CAN_BE_REPLACED\" writerRestore=\"never\"><ALTERNATE_LOCATION_MAPPING "
                        "path=\"/a\" filespec=\"*\" alternatePath=\"/b\"/></RESTORE_METHOD>",
                        ""),
                DOCUMENT(GOOD_IDENTIFICATION, GOOD_RESTORE, "<DATABASE componentName=\"d\"/>"),
                DOCUMENT(GOOD_IDENTIFICATION, GOOD_RESTORE,
                         "<FILE_GROUP componentName=\"g\" componentFlags=\"1\"/>"),
                DOCUMENT(GOOD_IDENTIFICATION, GOOD_RESTORE,
                         "<FILE_GROUP componentName=\"g\" selectable=\"perhaps\"/>"), /* damaged */
                DOCUMENT(GOOD_IDENTIFICATION, GOOD_RESTORE, "<FILE_GROUP/>"),
                DOCUMENT(
                        GOOD_IDENTIFICATION, GOOD_RESTORE,
                        "<FILE_GROUP componentName=\"g\"><FILE_LIST path=\"/a\" filespec=\"*\" alternatePath=\"/b\"/></FILE_GROUP>"),
                DOCUMENT(
                        GOOD_IDENTIFICATION, GOOD_RESTORE,
                        "<FILE_GROUP componentName=\"g\"><FILE_LIST path=\"/a\" filespec=\"*\" filespecBackupType=\"2\"/></FILE_GROUP>"),
                DOCUMENT(
                        GOOD_IDENTIFICATION, GOOD_RESTORE,
                        "<FILE_GROUP componentName=\"g\"><FILE_LIST path=\"/a\" filespec=\"*\" recursive=\"2\"/></FILE_GROUP>"),
                DOCUMENT(GOOD_IDENTIFICATION, GOOD_RESTORE,
                         "<EXCLUDE_FILES path=\"\\\\host\\share\" filespec=\"*\"/>"),
                DOCUMENT(GOOD_IDENTIFICATION, GOOD_RESTORE,
                         "<EXCLUDE_FILES filespec=\"*\" recursive=\"maybe\"/>"),
                DOCUMENT(GOOD_IDENTIFICATION, GOOD_RESTORE,
                         "<EXCLUDE_FILES filespec=\"*\"/>"), /* no path is NULL */
                DOCUMENT(GOOD_IDENTIFICATION, GOOD_RESTORE, "<EXCLUDE_FILES path=\"/a\"/>"),
                DOCUMENT(GOOD_IDENTIFICATION, GOOD_RESTORE,
                         "<FILE_GROUP componentName=\"g\"><FILE_LIST filespec=\"*\"/></FILE_GROUP>"),
                DOCUMENT(GOOD_IDENTIFICATION, GOOD_RESTORE,
                         "<FILE_GROUP componentName=\"g\"><FILE_LIST path=\"/a\"/></FILE_GROUP>"),
        };
        IVssExpressWriter *w = NULL;

        assert_int_equal(CreateVssExpressWriter(&w), S_OK);
        assert_int_equal(IVssExpressWriter_LoadMetadata(w, NULL, 0), E_INVALIDARG);
        assert_int_equal(IVssExpressWriter_LoadMetadata(w, L"", 1), E_INVALIDARG);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) WCHAR *wide = NULL;
                HRESULT hr;

                assert_int_equal(wide_from_utf8(cases[i], &wide), 0);
                hr = IVssExpressWriter_LoadMetadata(w, wide, 0);
                if (hr != VSS_E_INVALID_XML_DOCUMENT)
                        fail_msg("case %zu: 0x%08x", i, (unsigned) hr);
                assert_int_equal(IVssExpressWriter_Register(w), VSS_E_BAD_STATE); /* there is still none */
        }
        REACHES_RETURN(IVssExpressWriter, LoadMetadata, "VSS_E_INVALID_XML_DOCUMENT");
        IVssExpressWriter_Release(w);
}

/* Documents that are full, or damaged */

static Metadata *metadata_over(const char *text) {
        WriterDoc *doc = NULL;
        Metadata *m = NULL;

        assert_int_equal(writer_doc_read(text, strlen(text), &doc), S_OK);
        assert_int_equal(create_express_metadata_new(doc, &m), S_OK);
        return m;
}

static void test_that_what_is_damaged_is_not_added_to(void **state) {
        Metadata *m = metadata_over(
                "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\" backupSchema=\"all\">" GOOD_IDENTIFICATION
                "<RESTORE_METHOD method=\"RESTORE_IF_CAN_BE_REPLACED\" rebootRequired=\"perhaps\"/>"
                "<BACKUP_LOCATIONS><FILE_GROUP logicalPath=\"a\\b\" componentName=\"g\" selectable=\"2\"/>"
                "</BACKUP_LOCATIONS></WRITER_METADATA>");

        ASSERT_RETURNS(IVssCreateExpressWriterMetadata, SetRestoreMethod, VSS_E_INVALID_XML_DOCUMENT,
                       set_method(m, VSS_RME_RESTORE_IF_NOT_THERE, VSS_WRE_NEVER));
        ASSERT_RETURNS(IVssCreateExpressWriterMetadata, SetBackupSchema, VSS_E_INVALID_XML_DOCUMENT,
                       IVssCreateExpressWriterMetadata_SetBackupSchema(m, VSS_BS_COPY));
        ASSERT_RETURNS(IVssCreateExpressWriterMetadata, AddFilesToFileGroup, VSS_E_INVALID_XML_DOCUMENT,
                       add_files(m, L"/a", NULL, 0xF0F));
        ASSERT_RETURNS(IVssCreateExpressWriterMetadata, AddComponentDependency, VSS_E_INVALID_XML_DOCUMENT,
                       IVssCreateExpressWriterMetadata_AddComponentDependency(m, L"a\\b", L"g", other_id,
                                                                              NULL, L"c"));
        IVssCreateExpressWriterMetadata_Release(m);
}

static void test_that_no_list_grows_over_its_limit(void **state) {
        Metadata *m = metadata_new();
        HRESULT hr = S_OK;
        BSTR xml = NULL;
        WCHAR name[16];
        unsigned n;

        for (n = 0; n < DOCUMENT_LIST_MAX && hr == S_OK; ++n)
                hr = IVssCreateExpressWriterMetadata_AddExcludeFiles(m, L"/a", L"*", false);
        assert_int_equal(hr, S_OK);
        ASSERT_RETURNS(IVssCreateExpressWriterMetadata, AddExcludeFiles, VSS_E_INVALID_XML_DOCUMENT,
                       IVssCreateExpressWriterMetadata_AddExcludeFiles(m, L"/a", L"*", false));

        for (n = 0; n < DOCUMENT_COMPONENTS_MAX && hr == S_OK; ++n) {
                swprintf(name, ELEMENTSOF(name), L"%u", n);
                hr = add_component(m, VSS_CT_FILEGROUP, name, 0);
        }
        assert_int_equal(hr, S_OK);
        ASSERT_RETURNS(IVssCreateExpressWriterMetadata, AddComponent, VSS_E_INVALID_XML_DOCUMENT,
                       add_component(m, VSS_CT_FILEGROUP, L"one more", 0));
        ASSERT_RETURNS(IVssCreateExpressWriterMetadata, SaveAsXML, VSS_E_INVALID_XML_DOCUMENT,
                       IVssCreateExpressWriterMetadata_SaveAsXML(m, &xml)); /* it has more than 16 MiB */
        assert_null(xml);
        IVssCreateExpressWriterMetadata_Release(m);
}

/* Memory */

static HRESULT exclude(Metadata *m) {
        return IVssCreateExpressWriterMetadata_AddExcludeFiles(m, L"/a", L"*", false);
}

static HRESULT add(Metadata *m) {
        return IVssCreateExpressWriterMetadata_AddComponent(m, VSS_CT_FILEGROUP, L"p", L"c", L"caption",
                                                            (const BYTE *) "icon", 4, true, true, true, true,
                                                            0);
}

static HRESULT files(Metadata *m) {
        return add_files(m, L"/a", NULL, 0xF0F);
}

static HRESULT method(Metadata *m) {
        return IVssCreateExpressWriterMetadata_SetRestoreMethod(m, VSS_RME_STOP_RESTORE_START, L"service",
                                                                L"procedure", VSS_WRE_NEVER, false);
}

static HRESULT depend(Metadata *m) {
        return IVssCreateExpressWriterMetadata_AddComponentDependency(m, L"a\\b", L"g", other_id, L"p",
                                                                      L"c");
}

static HRESULT save(Metadata *m) {
        BSTR xml = NULL;
        HRESULT hr = IVssCreateExpressWriterMetadata_SaveAsXML(m, &xml);

        SysFreeString(xml);
        return hr;
}

static HRESULT load(Metadata *m) {
        IVssExpressWriter *w = NULL;
        HRESULT hr;

        hr = CreateVssExpressWriter(&w);
        if (FAILED(hr))
                return hr;
        hr = IVssExpressWriter_LoadMetadata(w, L"" DOCUMENT(GOOD_IDENTIFICATION, GOOD_RESTORE, ""), 0);
        IVssExpressWriter_Release(w);
        return hr;
}

static HRESULT create(Metadata *m) {
        IVssExpressWriter *w = NULL;
        Metadata *second = NULL;
        HRESULT hr;

        hr = CreateVssExpressWriter(&w);
        if (FAILED(hr))
                return hr;
        hr = IVssExpressWriter_CreateMetadata(w, other_id, L"x", VSS_UT_USERDATA, 0, 0, 0, &second);
        if (second)
                IVssCreateExpressWriterMetadata_Release(second);
        IVssExpressWriter_Release(w);
        return hr;
}

static void test_that_each_call_survives_any_failed_allocation(void **state) {
        static const struct {
                const char *method;
                HRESULT (*call)(Metadata *m);
                bool in_the_table;
        } cases[] = {
                { "AddExcludeFiles",        exclude, true  },
                { "AddComponent",           add,     true  },
                { "AddFilesToFileGroup",    files,   true  },
                { "SetRestoreMethod",       method,  true  },
                { "AddComponentDependency", depend,  true  },
                { "SaveAsXML",              save,    true  },
                { "LoadMetadata",           load,    false },
                { "CreateMetadata",         create,  false },
        };
        Metadata *m = metadata_with_group();

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr = E_OUTOFMEMORY;
                unsigned n;

                for (n = 0; hr == E_OUTOFMEMORY && n < 1000; ++n) {
                        fault_fail_allocation(n);
                        hr = cases[i].call(m);
                        fault_clear();
                }
                if (hr != S_OK || n < 2)
                        fail_msg("%s, allocation %u: 0x%08x", cases[i].method, n, (unsigned) hr);
                if (cases[i].in_the_table)
                        reference_reach_return("IVssCreateExpressWriterMetadata", cases[i].method,
                                               "E_OUTOFMEMORY");
        }
        IVssCreateExpressWriterMetadata_Release(m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_the_document_is_what_was_said),
                cmocka_unit_test(test_that_less_is_allowed_than_to_writers_that_run),
                cmocka_unit_test(test_that_a_description_begins_with_who_and_what),
                cmocka_unit_test(test_that_only_documents_of_express_writers_are_loaded),
                cmocka_unit_test(test_that_what_is_damaged_is_not_added_to),
                cmocka_unit_test(test_that_no_list_grows_over_its_limit),
                cmocka_unit_test(test_that_each_call_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
