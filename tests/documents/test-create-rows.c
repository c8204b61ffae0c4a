/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssCreateWriterMetadata and Ex: what every method returns, and when. A table of all methods, and for each
 * thing that can be the matter a test that walks over it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/bstr.h"
#include "doc/doc-limits.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "view/create-metadata.h"

#define ID "11111111-2222-3333-4444-555555555555"
#define HEAD "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\""
#define WHO "><IDENTIFICATION writerId=\"" ID "\" instanceId=\"" ID "\"/>"
#define METHOD "<RESTORE_METHOD method=\"CUSTOM\" writerRestore=\"always\"/>"
#define COMPONENTS "<DATABASE componentName=\"db\"/><FILE_GROUP componentName=\"fg\"/>"
#define TAIL "</WRITER_METADATA>"
#define WHOLE HEAD WHO METHOD "<BACKUP_LOCATIONS>" COMPONENTS "</BACKUP_LOCATIONS>" TAIL

/* A document that somebody began and that was damaged since. */
#define DAMAGED                                                                                     \
        HEAD " backupSchema=\"?\"" WHO METHOD METHOD                                                \
             "<BACKUP_LOCATIONS>" COMPONENTS "</BACKUP_LOCATIONS><BACKUP_LOCATIONS/>" TAIL
#define DAMAGED_COMPONENTS                                                                          \
        HEAD WHO "<BACKUP_LOCATIONS><DATABASE componentName=\"db\" selectable=\"?\"/>"              \
                 "<FILE_GROUP componentName=\"fg\" selectable=\"?\"/></BACKUP_LOCATIONS>" TAIL

#define MASK (VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED)

typedef struct Fixture {
        WriterDoc *doc;
        CreateMetadata *create;
        IVssCreateWriterMetadataEx *m;
} Fixture;

static void fixture_open(Fixture *f, const char *text) {
        assert_int_equal(writer_doc_read(text, strlen(text), &f->doc), S_OK);
        assert_int_equal(create_metadata_new(f->doc, &f->create), S_OK);
        f->m = create_metadata_iface(f->create);
}

static void fixture_close(Fixture *f) {
        f->create = create_metadata_free(f->create);
        f->doc = writer_doc_free(f->doc);
}

#define CALL(method, good, ...)                                                                     \
        static HRESULT method(Fixture *f) {                                                         \
                return IVssCreateWriterMetadataEx_##method good;                                    \
        }                                                                                           \
        static HRESULT bad_##method(Fixture *f) {                                                   \
                return IVssCreateWriterMetadataEx_##method __VA_ARGS__;                             \
        }

static const VSS_ID other = { .Data1 = 1 };

CALL(AddExcludeFiles, (f->m, L"/a", L"*", true), (f->m, L"/a", L"b/c", true))
CALL(AddComponent,
     (f->m, VSS_CT_FILEGROUP, L"p", L"n", L"c", NULL, 0, false, false, true, true, 0),
     (f->m, VSS_CT_FILEGROUP, L"p", L"n\\m", L"c", NULL, 0, false, false, true, true, 0))
CALL(AddDatabaseFiles, (f->m, NULL, L"db", L"/a", L"*", MASK), (f->m, NULL, L"db", L"", L"*", MASK))
CALL(AddDatabaseLogFiles, (f->m, NULL, L"db", L"/a", L"*", MASK), (f->m, NULL, L"fg", L"/a", L"*", MASK))
CALL(AddFilesToFileGroup,
     (f->m, NULL, L"fg", L"/a", L"*", true, L"/b", MASK),
     (f->m, NULL, L"db", L"/a", L"*", true, L"/b", MASK))
CALL(SetRestoreMethod,
     (f->m, VSS_RME_STOP_RESTORE_START, L"s", L"u", VSS_WRE_ALWAYS, false),
     (f->m, VSS_RME_CUSTOM, L"s", NULL, VSS_WRE_ALWAYS, false))
CALL(AddAlternateLocationMapping, (f->m, L"/a", L"*", true, L"/b"), (f->m, L"/a", L"*", true, NULL))
CALL(AddComponentDependency,
     (f->m, NULL, L"db", other, L"p", L"n"),
     (f->m, NULL, L"db", (VSS_ID){ 0 }, L"p", L"n"))
CALL(SetBackupSchema, (f->m, VSS_BS_DIFFERENTIAL | VSS_BS_INCREMENTAL), (f->m, 0x80000000))
CALL(AddExcludeFilesFromSnapshot, (f->m, L"/a", L"*", true), (f->m, NULL, L"*", true))

static HRESULT SaveAsXML(Fixture *f) {
        BSTR s = (BSTR) 1;
        HRESULT hr = IVssCreateWriterMetadataEx_SaveAsXML(f->m, &s);

        assert_true(SUCCEEDED(hr) == !!s);
        bstr_free(s);
        return hr;
}

static HRESULT bad_SaveAsXML(Fixture *f) {
        return IVssCreateWriterMetadataEx_SaveAsXML(f->m, NULL);
}

/* Of a component that is not there; or without what has to come first. */
static HRESULT lost_AddDatabaseFiles(Fixture *f) {
        return IVssCreateWriterMetadataEx_AddDatabaseFiles(f->m, L"p", L"db", L"/a", L"*", MASK);
}

static HRESULT lost_AddDatabaseLogFiles(Fixture *f) {
        return IVssCreateWriterMetadataEx_AddDatabaseLogFiles(f->m, L"p", L"db", L"/a", L"*", MASK);
}

static HRESULT lost_AddFilesToFileGroup(Fixture *f) {
        return IVssCreateWriterMetadataEx_AddFilesToFileGroup(f->m, L"p", L"fg", L"/a", L"*", true, NULL,
                                                              MASK);
}

static HRESULT lost_AddAlternateLocationMapping(Fixture *f) {
        f->doc->has_restore_method = false;
        return AddAlternateLocationMapping(f);
}

static HRESULT lost_AddComponentDependency(Fixture *f) {
        return IVssCreateWriterMetadataEx_AddComponentDependency(f->m, L"p", L"db", other, L"p", L"n");
}

static const struct {
        const char *iface, *name;
        HRESULT (*call)(Fixture *f);
        HRESULT (*bad)(Fixture *f);
        HRESULT (*lost)(Fixture *f);
        bool allocates, unexpected_row, of_component;
} methods[] = {
#define M(iface, method, ...) { #iface, #method, method, bad_##method, __VA_ARGS__ }
        M(IVssCreateWriterMetadata, AddExcludeFiles, NULL, true, true, false),
        M(IVssCreateWriterMetadata, AddComponent, NULL, true, true, false),
        M(IVssCreateWriterMetadata, AddDatabaseFiles, lost_AddDatabaseFiles, true, true, true),
        M(IVssCreateWriterMetadata, AddDatabaseLogFiles, lost_AddDatabaseLogFiles, true, true, true),
        M(IVssCreateWriterMetadata, AddFilesToFileGroup, lost_AddFilesToFileGroup, true, true, true),
        M(IVssCreateWriterMetadata, SetRestoreMethod, NULL, true, true, false),
        M(IVssCreateWriterMetadata, AddAlternateLocationMapping, lost_AddAlternateLocationMapping, true,
          true, false),
        M(IVssCreateWriterMetadata, AddComponentDependency, lost_AddComponentDependency, true, true, true),
        M(IVssCreateWriterMetadata, SetBackupSchema, NULL, false, false, false),
        M(IVssCreateWriterMetadata, SaveAsXML, NULL, true, true, false),
        M(IVssCreateWriterMetadataEx, AddExcludeFilesFromSnapshot, NULL, true, true, false),
#undef M
};

static void reached(size_t i, const char *symbol, HRESULT expected, HRESULT actual) {
        reference_assert_returned(methods[i].iface, methods[i].name, symbol, expected, actual, __FILE__,
                                  __LINE__);
}
#define REACHED(i, symbol, actual) reached(i, #symbol, symbol, actual)

static char *written(const Fixture *f) {
        char *text = NULL;

        assert_int_equal(writer_doc_write(f->doc, &text, &(size_t){ 0 }), S_OK);
        return text;
}

static void test_that_what_is_good_is_taken_and_what_is_bad_changes_nothing(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                _cleanup_(freep) char *before = NULL, *after = NULL, *changed = NULL;
                Fixture f;

                fixture_open(&f, WHOLE);
                before = written(&f);
                REACHED(i, E_INVALIDARG, methods[i].bad(&f));
                after = written(&f);
                assert_string_equal(before, after);

                REACHED(i, S_OK, methods[i].call(&f));
                changed = written(&f);
                assert_true(methods[i].call == SaveAsXML || strcmp(before, changed) != 0);
                fixture_close(&f);
        }
}

static void test_that_no_memory_is_said_and_nothing_changed(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                HRESULT hr = E_OUTOFMEMORY;
                Fixture f;

                fixture_open(&f, WHOLE);
                for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                        _cleanup_(freep) char *before = written(&f), *after = NULL;

                        fault_fail_allocation(n);
                        hr = methods[i].call(&f);
                        fault_clear();

                        assert_true(n > 0 || !methods[i].allocates || hr == E_OUTOFMEMORY);
                        if (hr != E_OUTOFMEMORY)
                                break;

                        REACHED(i, E_OUTOFMEMORY, hr);
                        after = written(&f);
                        assert_string_equal(before, after);
                }
                assert_int_equal(hr, S_OK);
                fixture_close(&f);
        }
}

static void test_that_what_has_to_be_there_first_is_missed(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                Fixture f;

                if (!methods[i].lost)
                        continue;

                fixture_open(&f, WHOLE);
                REACHED(i, VSS_E_OBJECT_NOT_FOUND, methods[i].lost(&f));
                fixture_close(&f);
        }
}

static void test_that_a_component_is_there_once(void **state) {
        Fixture f;

        fixture_open(&f, WHOLE);
        assert_int_equal(AddComponent(&f), S_OK);
        ASSERT_RETURNS(IVssCreateWriterMetadata, AddComponent, VSS_E_OBJECT_ALREADY_EXISTS,
                       AddComponent(&f));
        /* Whatever its type. */
        ASSERT_RETURNS(IVssCreateWriterMetadata, AddComponent, VSS_E_OBJECT_ALREADY_EXISTS,
                       IVssCreateWriterMetadataEx_AddComponent(f.m, VSS_CT_DATABASE, L"p", L"n", NULL, NULL,
                                                               0, false, false, true, true, 0));
        fixture_close(&f);
}

/* A handler that keeps the object, with a reference that it may take. */
static void test_that_nothing_can_be_said_after_the_handler(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                _cleanup_(freep) char *before = NULL, *after = NULL;
                Fixture f;

                fixture_open(&f, WHOLE);
                before = written(&f);
                create_metadata_close(f.create);
                if (methods[i].unexpected_row)
                        REACHED(i, VSS_E_UNEXPECTED, methods[i].call(&f));
                else
                        assert_int_equal(methods[i].call(&f), VSS_E_UNEXPECTED);
                after = written(&f);
                assert_string_equal(before, after);
                fixture_close(&f);
        }
        REACHES_RULE(IVssCreateWriterMetadata, "*", "usable only inside OnIdentify");
}

static void test_that_what_is_damaged_is_not_built_upon(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                Fixture f;

                if (methods[i].call == SaveAsXML)
                        continue;

                fixture_open(&f, methods[i].of_component ? DAMAGED_COMPONENTS : DAMAGED);
                REACHED(i, VSS_E_INVALID_XML_DOCUMENT, methods[i].call(&f));
                fixture_close(&f);
        }
}

static void test_that_a_document_nobody_could_read_is_not_saved(void **state) {
        _cleanup_(freep) WCHAR *s = calloc_checked(DOCUMENT_ATTRIBUTE_SIZE_MAX + 1, sizeof(WCHAR));
        Fixture f;

        assert_non_null(s);
        for (size_t i = 0; i < DOCUMENT_ATTRIBUTE_SIZE_MAX; ++i)
                s[i] = L'a';

        fixture_open(&f, WHOLE);
        for (size_t i = 0; i < WRITER_DOCUMENT_SIZE_MAX / DOCUMENT_ATTRIBUTE_SIZE_MAX; ++i)
                assert_int_equal(IVssCreateWriterMetadataEx_AddExcludeFiles(f.m, s, L"*", true), S_OK);
        ASSERT_RETURNS(IVssCreateWriterMetadata, SaveAsXML, VSS_E_INVALID_XML_DOCUMENT, SaveAsXML(&f));
        fixture_close(&f);
}

static void test_that_reserved_slots_are_there_and_answer(void **state) {
        IXMLDOMDocument *document = (IXMLDOMDocument *) 1;
        Fixture f;

        fixture_open(&f, WHOLE);
        assert_int_equal(IVssCreateWriterMetadataEx_AddIncludeFiles(f.m, L"/a", L"*", true, NULL),
                         E_NOTIMPL);
        REACHES_RETURN(IVssCreateWriterMetadata, AddIncludeFiles, "-");
        REACHES_RULE(IVssCreateWriterMetadata, "AddIncludeFiles", "reserved; slot must exist");
        assert_int_equal(IVssCreateWriterMetadataEx_GetDocument(f.m, &document), E_NOTIMPL);
        assert_null(document);
        REACHES_RETURN(IVssCreateWriterMetadata, GetDocument, "-");
        REACHES_RULE(IVssCreateWriterMetadata, "GetDocument", "reserved; slot must exist");
        fixture_close(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_what_is_good_is_taken_and_what_is_bad_changes_nothing),
                cmocka_unit_test(test_that_no_memory_is_said_and_nothing_changed),
                cmocka_unit_test(test_that_what_has_to_be_there_first_is_missed),
                cmocka_unit_test(test_that_a_component_is_there_once),
                cmocka_unit_test(test_that_nothing_can_be_said_after_the_handler),
                cmocka_unit_test(test_that_what_is_damaged_is_not_built_upon),
                cmocka_unit_test(test_that_a_document_nobody_could_read_is_not_saved),
                cmocka_unit_test(test_that_reserved_slots_are_there_and_answer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
