/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssExamineWriterMetadata … Ex2 and the small objects that come out of it: what every method returns, and
 * when. A table of all methods, and for each thing that can be the matter a test that walks over it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/bstr.h"
#include "base/utf.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "view/component.h"
#include "view/examine-metadata.h"

#define ID "11111111-2222-3333-4444-555555555555"
#define HEAD "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\" backupSchema=\"3\">"
#define WHO                                                                                                 \
        "<IDENTIFICATION writerId=\"" ID "\" instanceId=\"" ID "\" friendlyName=\"f\" instanceName=\"i\"/>"
#define METHOD                                                                                                              \
        "<RESTORE_METHOD method=\"CUSTOM\" service=\"s\" writerRestore=\"always\"><ALTERNATE_LOCATION_MAPPING path=\"/a\" " \
        "filespec=\"*\" alternatePath=\"/b\"/></RESTORE_METHOD>"
#define FILE_SET " path=\"/a\" filespec=\"*\" alternatePath=\"/b\"/>"
#define COMPONENT                                                                                           \
        "<DATABASE logicalPath=\"p\" componentName=\"n\" caption=\"c\" icon=\"AAAA\"><FILE_LIST" FILE_SET   \
        "<DATABASE_FILES" FILE_SET "<DATABASE_LOGFILES" FILE_SET "<DEPENDENCY writerId=\"" ID               \
        "\" logicalPath=\"q\" componentName=\"m\"/></DATABASE>"
#define EXCLUDED "<EXCLUDE_FILES" FILE_SET "<EXCLUDE_FILES_FROM_SNAPSHOT" FILE_SET
#define LOCATIONS "<BACKUP_LOCATIONS>" COMPONENT EXCLUDED "</BACKUP_LOCATIONS>"
#define TAIL "</WRITER_METADATA>"
#define WHOLE HEAD WHO METHOD LOCATIONS TAIL

/* Each method says which of these keeps it from answering. */
#define DAMAGED_HEAD                                                                                        \
        "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" backupSchema=\"?\">" WHO TAIL
#define DAMAGED_WHO HEAD "<IDENTIFICATION/>" METHOD LOCATIONS TAIL
#define DAMAGED_METHOD HEAD WHO METHOD METHOD LOCATIONS TAIL
#define DAMAGED_LOCATIONS HEAD WHO METHOD LOCATIONS LOCATIONS TAIL
#define DAMAGED_COMPONENT                                                                                   \
        HEAD WHO "<BACKUP_LOCATIONS><DATABASE selectable=\"?\"><FILE_LIST" FILE_SET                         \
                 "<DATABASE_FILES" FILE_SET "<DATABASE_LOGFILES" FILE_SET                                   \
                 "</DATABASE></BACKUP_LOCATIONS>" TAIL
#define DAMAGED_ENTRIES                                                                                     \
        HEAD WHO "<BACKUP_LOCATIONS><DATABASE componentName=\"n\"><FILE_LIST recursive=\"?\"/>"             \
                 "<DEPENDENCY componentName=\"m\"/></DATABASE></BACKUP_LOCATIONS>" TAIL

typedef struct Fixture {
        IVssExamineWriterMetadataEx2 *m;
        IVssWMComponent *c;
        IVssWMFiledesc *f;
        IVssWMDependency *d;
        BSTR xml;
        UINT i; /* of the entry that is asked for */
} Fixture;

static BSTR wide(const char *text) {
        BSTR s = NULL;

        assert_int_equal(bstr_from_utf8(text, &s), 0);
        return s;
}

/* The objects exist as far as the document has them. */
static void fixture_open(Fixture *f, const char *text) {
        *f = (Fixture){ .xml = wide(text) };

        assert_int_equal(examine_metadata_from_xml(f->xml, &f->m), S_OK);
        (void) IVssExamineWriterMetadataEx2_GetComponent(f->m, 0, &f->c);
        if (f->c) {
                (void) IVssWMComponent_GetFile(f->c, 0, &f->f);
                (void) IVssWMComponent_GetDependency(f->c, 0, &f->d);
        }
}

static void fixture_close(Fixture *f) {
        if (f->d)
                assert_int_equal(IVssWMDependency_Release(f->d), 0);
        if (f->f)
                assert_int_equal(IVssWMFiledesc_Release(f->f), 0);
        if (f->c)
                assert_int_equal(IVssWMComponent_Release(f->c), 0);
        assert_int_equal(IVssExamineWriterMetadataEx2_Release(f->m), 0);
        bstr_free(f->xml);
}

/* On failure nothing came out; on success it is freed. */
static HRESULT took(HRESULT hr, BSTR *texts, size_t n) {
        for (size_t i = 0; i < n; ++i) {
                assert_true(SUCCEEDED(hr) || !texts[i]);
                bstr_free(texts[i]);
        }

        return hr;
}

static HRESULT took_filedesc(HRESULT hr, IVssWMFiledesc *d) {
        if (SUCCEEDED(hr))
                assert_int_equal(IVssWMFiledesc_Release(d), 0);
        else
                assert_null(d);

        return hr;
}

#define TEXT_OUT(Interface, object, method)                                                         \
        static HRESULT method(Fixture *f) {                                                         \
                BSTR s = NULL;                                                                      \
                HRESULT hr = Interface##_##method(f->object, &s);                                   \
                                                                                                    \
                return took(hr, &s, 1);                                                             \
        }                                                                                           \
        static HRESULT bad_##method(Fixture *f) {                                                   \
                return Interface##_##method(f->object, NULL);                                       \
        }
#define VALUE_OUT(Interface, object, method, Type)                                                  \
        static HRESULT method(Fixture *f) {                                                         \
                return Interface##_##method(f->object, &(Type){ 0 });                               \
        }                                                                                           \
        static HRESULT bad_##method(Fixture *f) {                                                   \
                return Interface##_##method(f->object, NULL);                                       \
        }
#define FILEDESC_OUT(Interface, object, method)                                                     \
        static HRESULT method(Fixture *f) {                                                         \
                IVssWMFiledesc *d = NULL;                                                           \
                HRESULT hr = Interface##_##method(f->object, f->i, &d);                             \
                                                                                                    \
                return took_filedesc(hr, d);                                                        \
        }                                                                                           \
        static HRESULT bad_##method(Fixture *f) {                                                   \
                return Interface##_##method(f->object, 0, NULL);                                    \
        }

FILEDESC_OUT(IVssExamineWriterMetadataEx2, m, GetExcludeFile)
FILEDESC_OUT(IVssExamineWriterMetadataEx2, m, GetAlternateLocationMapping)
FILEDESC_OUT(IVssExamineWriterMetadataEx2, m, GetExcludeFromSnapshotFile)
VALUE_OUT(IVssExamineWriterMetadataEx2, m, GetBackupSchema, DWORD)
VALUE_OUT(IVssExamineWriterMetadataEx2, m, GetExcludeFromSnapshotCount, UINT)
TEXT_OUT(IVssExamineWriterMetadataEx2, m, SaveAsXML)
FILEDESC_OUT(IVssWMComponent, c, GetFile)
FILEDESC_OUT(IVssWMComponent, c, GetDatabaseFile)
FILEDESC_OUT(IVssWMComponent, c, GetDatabaseLogFile)
TEXT_OUT(IVssWMFiledesc, f, GetPath)
TEXT_OUT(IVssWMFiledesc, f, GetFilespec)
VALUE_OUT(IVssWMFiledesc, f, GetRecursive, bool)
TEXT_OUT(IVssWMFiledesc, f, GetAlternateLocation)
VALUE_OUT(IVssWMFiledesc, f, GetBackupTypeMask, DWORD)
VALUE_OUT(IVssWMDependency, d, GetWriterId, VSS_ID)
TEXT_OUT(IVssWMDependency, d, GetLogicalPath)
TEXT_OUT(IVssWMDependency, d, GetComponentName)

static HRESULT GetIdentity(Fixture *f) {
        VSS_SOURCE_TYPE source;
        VSS_USAGE_TYPE usage;
        BSTR s = NULL;
        VSS_ID id;
        HRESULT hr;

        hr = IVssExamineWriterMetadataEx2_GetIdentity(f->m, &id, &id, &s, &usage, &source);
        return took(hr, &s, 1);
}

static HRESULT bad_GetIdentity(Fixture *f) {
        VSS_USAGE_TYPE usage;
        VSS_ID id;
        BSTR s;

        return IVssExamineWriterMetadataEx2_GetIdentity(f->m, &id, &id, &s, &usage, NULL);
}

static HRESULT GetIdentityEx(Fixture *f) {
        VSS_SOURCE_TYPE source;
        VSS_USAGE_TYPE usage;
        BSTR s[2] = { 0 };
        HRESULT hr;
        VSS_ID id;

        hr = IVssExamineWriterMetadataEx2_GetIdentityEx(f->m, &id, &id, &s[0], &s[1], &usage, &source);
        return took(hr, s, 2);
}

static HRESULT bad_GetIdentityEx(Fixture *f) {
        VSS_SOURCE_TYPE source;
        VSS_USAGE_TYPE usage;
        VSS_ID id;
        BSTR s;

        return IVssExamineWriterMetadataEx2_GetIdentityEx(f->m, &id, &id, &s, NULL, &usage, &source);
}

static HRESULT GetFileCounts(Fixture *f) {
        UINT n[3];

        return IVssExamineWriterMetadataEx2_GetFileCounts(f->m, &n[0], &n[1], &n[2]);
}

static HRESULT bad_GetFileCounts(Fixture *f) {
        UINT n;

        return IVssExamineWriterMetadataEx2_GetFileCounts(f->m, &n, &n, NULL);
}

static HRESULT GetComponent(Fixture *f) {
        IVssWMComponent *c = NULL;
        HRESULT hr;

        hr = IVssExamineWriterMetadataEx2_GetComponent(f->m, f->i, &c);
        if (SUCCEEDED(hr))
                (void) IVssWMComponent_Release(c);
        else
                assert_null(c);
        return hr;
}

static HRESULT bad_GetComponent(Fixture *f) {
        return IVssExamineWriterMetadataEx2_GetComponent(f->m, 0, NULL);
}

static HRESULT GetRestoreMethod(Fixture *f) {
        VSS_WRITERRESTORE_ENUM restore;
        VSS_RESTOREMETHOD_ENUM method;
        BSTR s[2] = { 0 };
        bool reboot;
        HRESULT hr;
        UINT n;

        hr = IVssExamineWriterMetadataEx2_GetRestoreMethod(f->m, &method, &s[0], &s[1], &restore, &reboot,
                                                           &n);
        return took(hr, s, 2);
}

static HRESULT bad_GetRestoreMethod(Fixture *f) {
        VSS_WRITERRESTORE_ENUM restore;
        VSS_RESTOREMETHOD_ENUM method;
        BSTR s[2] = { 0 };
        bool reboot;

        return IVssExamineWriterMetadataEx2_GetRestoreMethod(f->m, &method, &s[0], &s[1], &restore, &reboot,
                                                             NULL);
}

static HRESULT LoadFromXML(Fixture *f) {
        return IVssExamineWriterMetadataEx2_LoadFromXML(f->m, f->xml);
}

static HRESULT bad_LoadFromXML(Fixture *f) {
        return IVssExamineWriterMetadataEx2_LoadFromXML(f->m, NULL);
}

static HRESULT GetVersion(Fixture *f) {
        DWORD n[2];

        return IVssExamineWriterMetadataEx2_GetVersion(f->m, &n[0], &n[1]);
}

static HRESULT bad_GetVersion(Fixture *f) {
        return IVssExamineWriterMetadataEx2_GetVersion(f->m, &(DWORD){ 0 }, NULL);
}

static HRESULT GetComponentInfo(Fixture *f) {
        PVSSCOMPONENTINFO info = NULL;
        HRESULT hr;

        hr = IVssWMComponent_GetComponentInfo(f->c, &info);
        if (SUCCEEDED(hr))
                assert_int_equal(IVssWMComponent_FreeComponentInfo(f->c, info), S_OK);
        else
                assert_null(info);
        return hr;
}

static HRESULT bad_GetComponentInfo(Fixture *f) {
        return IVssWMComponent_GetComponentInfo(f->c, NULL);
}

static HRESULT GetDependency(Fixture *f) {
        IVssWMDependency *d = NULL;
        HRESULT hr;

        hr = IVssWMComponent_GetDependency(f->c, f->i, &d);
        if (SUCCEEDED(hr))
                assert_int_equal(IVssWMDependency_Release(d), 0);
        else
                assert_null(d);
        return hr;
}

static HRESULT bad_GetDependency(Fixture *f) {
        return IVssWMComponent_GetDependency(f->c, 0, NULL);
}

typedef enum MethodFlags {
        ALLOCATES = 1U << 0,
        ENTRY = 1U << 1,         /* of a list, by its number */
        NOT_FOUND_ROW = 1U << 2, /* the page knows VSS_E_OBJECT_NOT_FOUND */
        INVALID_ROW = 1U << 3,   /* the page knows VSS_E_INVALID_XML_DOCUMENT */
        UNEXPECTED_ROW = 1U << 4,
} MethodFlags;

static const struct {
        const char *iface, *name;
        HRESULT (*call)(Fixture *f);
        HRESULT (*bad)(Fixture *f);
        unsigned flags;
        const char *damaged; /* the document that keeps it from answering; NULL: it never is */
} methods[] = {
#define M(iface, method, flags, damaged) { #iface, #method, method, bad_##method, flags, damaged }
#define E (ALLOCATES | INVALID_ROW | UNEXPECTED_ROW)
#define L (E | ENTRY | NOT_FOUND_ROW)
        M(IVssExamineWriterMetadata, GetIdentity, E, DAMAGED_WHO),
        M(IVssExamineWriterMetadata, GetFileCounts, INVALID_ROW | UNEXPECTED_ROW, DAMAGED_LOCATIONS),
        M(IVssExamineWriterMetadata, GetExcludeFile, L, DAMAGED_LOCATIONS),
        M(IVssExamineWriterMetadata, GetComponent, L, DAMAGED_LOCATIONS),
        M(IVssExamineWriterMetadata, GetRestoreMethod, E, DAMAGED_METHOD),
        M(IVssExamineWriterMetadata, GetAlternateLocationMapping, L, DAMAGED_METHOD),
        M(IVssExamineWriterMetadata, GetBackupSchema, INVALID_ROW, DAMAGED_HEAD),
        M(IVssExamineWriterMetadata, SaveAsXML, ALLOCATES | UNEXPECTED_ROW, NULL),
        M(IVssExamineWriterMetadata, LoadFromXML, ALLOCATES, NULL),
        M(IVssExamineWriterMetadataEx, GetIdentityEx, E, DAMAGED_WHO),
        M(IVssExamineWriterMetadataEx2, GetVersion, UNEXPECTED_ROW, DAMAGED_WHO),
        M(IVssExamineWriterMetadataEx2, GetExcludeFromSnapshotCount, UNEXPECTED_ROW, DAMAGED_LOCATIONS),
        M(IVssExamineWriterMetadataEx2,
          GetExcludeFromSnapshotFile,
          ALLOCATES | ENTRY | UNEXPECTED_ROW,
          DAMAGED_LOCATIONS),
        M(IVssWMComponent, GetComponentInfo, ALLOCATES | INVALID_ROW, DAMAGED_COMPONENT),
        M(IVssWMComponent, GetFile, ALLOCATES | INVALID_ROW | ENTRY | NOT_FOUND_ROW, DAMAGED_COMPONENT),
        M(IVssWMComponent,
          GetDatabaseFile,
          ALLOCATES | INVALID_ROW | ENTRY | NOT_FOUND_ROW,
          DAMAGED_COMPONENT),
        M(IVssWMComponent,
          GetDatabaseLogFile,
          ALLOCATES | INVALID_ROW | ENTRY | NOT_FOUND_ROW,
          DAMAGED_COMPONENT),
        M(IVssWMComponent,
          GetDependency,
          ALLOCATES | INVALID_ROW | ENTRY | NOT_FOUND_ROW,
          DAMAGED_COMPONENT),
        M(IVssWMFiledesc, GetPath, ALLOCATES | INVALID_ROW, DAMAGED_ENTRIES),
        M(IVssWMFiledesc, GetFilespec, ALLOCATES | INVALID_ROW, DAMAGED_ENTRIES),
        M(IVssWMFiledesc, GetRecursive, INVALID_ROW, DAMAGED_ENTRIES),
        M(IVssWMFiledesc, GetAlternateLocation, ALLOCATES | INVALID_ROW, DAMAGED_ENTRIES),
        M(IVssWMFiledesc, GetBackupTypeMask, INVALID_ROW, DAMAGED_ENTRIES),
        M(IVssWMDependency, GetWriterId, INVALID_ROW, DAMAGED_ENTRIES),
        M(IVssWMDependency, GetLogicalPath, ALLOCATES | INVALID_ROW, DAMAGED_ENTRIES),
        M(IVssWMDependency, GetComponentName, ALLOCATES | INVALID_ROW, DAMAGED_ENTRIES),
#undef E
#undef L
#undef M
};

static void reached(size_t i, const char *symbol, HRESULT expected, HRESULT actual, bool has_row) {
        if (has_row)
                reference_assert_returned(methods[i].iface, methods[i].name, symbol, expected, actual,
                                          __FILE__, __LINE__);
        else if (actual != expected)
                fail_msg("%s::%s() returned %08x, not %s", methods[i].iface, methods[i].name,
                         (unsigned) actual, symbol);
}
#define REACHED(i, symbol, actual) reached(i, #symbol, symbol, actual, true)

static void test_that_every_method_answers(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                Fixture f;

                fixture_open(&f, WHOLE);
                REACHED(i, S_OK, methods[i].call(&f));
                REACHED(i, E_INVALIDARG, methods[i].bad(&f));
                fixture_close(&f);
        }
        REACHES_RETURN(IVssWMComponent, FreeComponentInfo, "S_OK");
}

static void test_that_no_memory_is_said_and_the_next_call_answers(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                HRESULT hr = E_OUTOFMEMORY;
                Fixture f;

                fixture_open(&f, WHOLE);
                for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                        fault_fail_allocation(n);
                        hr = methods[i].call(&f);
                        fault_clear();
                        if (hr == E_OUTOFMEMORY)
                                REACHED(i, E_OUTOFMEMORY, hr);
                        assert_true(n > 0 || !(methods[i].flags & ALLOCATES) || hr == E_OUTOFMEMORY);
                }
                assert_int_equal(hr, S_OK);
                fixture_close(&f);
        }
}

static void test_that_an_entry_that_is_not_there_is_not_found(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                Fixture f;

                if (!(methods[i].flags & ENTRY))
                        continue;

                fixture_open(&f, WHOLE);
                f.i = 1;
                reached(i, "VSS_E_OBJECT_NOT_FOUND", VSS_E_OBJECT_NOT_FOUND, methods[i].call(&f),
                        methods[i].flags & NOT_FOUND_ROW);
                f.i = UINT32_MAX;
                assert_int_equal(methods[i].call(&f), VSS_E_OBJECT_NOT_FOUND);
                fixture_close(&f);
        }
}

static void test_that_damage_is_met_where_it_is_and_nowhere_else(void **state) {
        static const char *const documents[] = {
                DAMAGED_HEAD,      DAMAGED_WHO,       DAMAGED_METHOD,
                DAMAGED_LOCATIONS, DAMAGED_COMPONENT, DAMAGED_ENTRIES,
        };

        for (size_t i = 0; i < ELEMENTSOF(methods); ++i)
                for (size_t k = 0; k < ELEMENTSOF(documents); ++k) {
                        bool damaged = methods[i].damaged && strcmp(methods[i].damaged, documents[k]) == 0;
                        Fixture f;
                        HRESULT hr;

                        fixture_open(&f, documents[k]);
                        /* What cannot be had cannot be asked. */
                        if ((f.c || strcmp(methods[i].iface, "IVssWMComponent") != 0) &&
                            (f.f || strcmp(methods[i].iface, "IVssWMFiledesc") != 0) &&
                            (f.d || strcmp(methods[i].iface, "IVssWMDependency") != 0)) {
                                hr = methods[i].call(&f);
                                if (damaged)
                                        reached(i, "VSS_E_INVALID_XML_DOCUMENT", VSS_E_INVALID_XML_DOCUMENT,
                                                hr, methods[i].flags & INVALID_ROW);
                                else
                                        assert_int_not_equal(hr, VSS_E_INVALID_XML_DOCUMENT);
                        } else
                                assert_false(damaged);
                        fixture_close(&f);
                }
}

/* S_FALSE is a success: who does not look must not take the writer of before for the one meant. */
static void test_that_nothing_is_left_of_a_writer_whose_successor_did_not_load(void **state) {
        BSTR no_xml = wide("<WRITER_METADATA"), not_ours = wide("<html/>");

        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                Fixture f;

                fixture_open(&f, WHOLE);
                ASSERT_RETURNS(IVssExamineWriterMetadata, LoadFromXML, S_FALSE,
                               IVssExamineWriterMetadataEx2_LoadFromXML(f.m, no_xml));
                if (strncmp(methods[i].iface, "IVssExamine", 11) != 0)
                        REACHED(i, S_OK, methods[i].call(&f)); /* what was handed out is kept */
                else if (methods[i].call != LoadFromXML)
                        reached(i, "VSS_E_UNEXPECTED", VSS_E_UNEXPECTED, methods[i].call(&f),
                                methods[i].flags & UNEXPECTED_ROW);

                ASSERT_RETURNS(IVssExamineWriterMetadata, LoadFromXML, VSS_E_INVALID_XML_DOCUMENT,
                               IVssExamineWriterMetadataEx2_LoadFromXML(f.m, not_ours));
                assert_int_equal(SaveAsXML(&f), VSS_E_UNEXPECTED);
                assert_int_equal(LoadFromXML(&f), S_OK);
                REACHED(i, S_OK, methods[i].call(&f));
                fixture_close(&f);
        }

        bstr_free(no_xml);
        bstr_free(not_ours);
}

static void test_that_what_was_never_said_is_a_success_of_its_own(void **state) {
        Fixture f;

        fixture_open(&f, HEAD WHO TAIL);
        ASSERT_RETURNS(IVssExamineWriterMetadata, GetRestoreMethod, S_FALSE, GetRestoreMethod(&f));
        fixture_close(&f);

        fixture_open(&f, HEAD WHO
                     "<BACKUP_LOCATIONS><FILE_GROUP componentName=\"n\"><FILE_LIST path=\"/\"/></FILE_GROUP>"
                     "</BACKUP_LOCATIONS>" TAIL);
        ASSERT_RETURNS(IVssWMFiledesc, GetAlternateLocation, S_FALSE, GetAlternateLocation(&f));
        assert_int_equal(GetFilespec(&f), S_OK);
        fixture_close(&f);
}

static void test_that_a_dependency_on_nobody_is_told(void **state) {
        Fixture f;

        fixture_open(&f, HEAD WHO
                     "<BACKUP_LOCATIONS><FILE_GROUP componentName=\"n\"><FILE_LIST/><DEPENDENCY writerId=\""
                     "00000000-0000-0000-0000-000000000000\" componentName=\"m\"/></FILE_GROUP>"
                     "</BACKUP_LOCATIONS>" TAIL);
        ASSERT_RETURNS(IVssWMDependency, GetWriterId, S_FALSE, GetWriterId(&f));
        ASSERT_RETURNS(IVssWMDependency, GetLogicalPath, S_FALSE, GetLogicalPath(&f));
        ASSERT_RETURNS(IVssWMDependency, GetComponentName, S_FALSE, GetComponentName(&f));
        fixture_close(&f);
}

/* What came out of a view of a backup ends with the view. */
static void test_that_a_file_set_of_a_closed_view_is_unexpected(void **state) {
        static const char *const getters[] = { "GetPath", "GetFilespec", "GetRecursive",
                                               "GetAlternateLocation", "GetBackupTypeMask" };
        static const GUID id = { .Data1 = 1 };
        IVssComponentEx2 *component;
        Fixture f = { 0 };
        BackupComponent *c;
        BackupWriter *w;
        ViewOwner *owner;
        BackupDoc *doc;
        size_t n = 0;

        assert_int_equal(backup_doc_new(&doc), 0);
        assert_int_equal(backup_doc_add_writer(doc, &id, &id, NULL, 0, &w), S_OK);
        assert_int_equal(backup_writer_add_component(w, VSS_CT_DATABASE, NULL, "n", &c), S_OK);
        assert_int_equal(doc_filespecs_add(&c->mappings, "/a", "*", true, "/b", 0), 0);
        assert_int_equal(view_owner_new(doc, VIEW_RESTORE, &owner), 0);
        assert_int_equal(component_new(owner, c, &component), S_OK);
        assert_int_equal(IVssComponentEx2_GetAlternateLocationMapping(component, 0, &f.f), S_OK);

        assert_int_equal(GetPath(&f), S_OK);
        view_owner_invalidate(owner);
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i)
                for (size_t k = 0; k < ELEMENTSOF(getters); ++k)
                        if (strcmp(methods[i].name, getters[k]) == 0) {
                                REACHED(i, VSS_E_UNEXPECTED, methods[i].call(&f));
                                ++n;
                        }
        assert_int_equal(n, ELEMENTSOF(getters));

        view_owner_unref(owner);
        assert_int_equal(IVssComponentEx2_Release(component), 0);
        assert_int_equal(IVssWMFiledesc_Release(f.f), 0);
}

static void test_that_reserved_slots_are_there_and_answer(void **state) {
        IXMLDOMDocument *document = (IXMLDOMDocument *) 1;
        IVssWMFiledesc *d = (IVssWMFiledesc *) 1;
        Fixture f;

        fixture_open(&f, WHOLE);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetIncludeFile(f.m, 0, &d), E_NOTIMPL);
        assert_null(d);
        REACHES_RETURN(IVssExamineWriterMetadata, GetIncludeFile, "-");
        REACHES_RULE(IVssExamineWriterMetadata, "GetIncludeFile", "reserved; slot must exist");
        assert_int_equal(IVssExamineWriterMetadataEx2_GetDocument(f.m, &document), E_NOTIMPL);
        assert_null(document);
        REACHES_RETURN(IVssExamineWriterMetadata, GetDocument, "-");
        REACHES_RULE(IVssExamineWriterMetadata, "GetDocument", "reserved; slot must exist");
        fixture_close(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_every_method_answers),
                cmocka_unit_test(test_that_no_memory_is_said_and_the_next_call_answers),
                cmocka_unit_test(test_that_an_entry_that_is_not_there_is_not_found),
                cmocka_unit_test(test_that_damage_is_met_where_it_is_and_nowhere_else),
                cmocka_unit_test(test_that_nothing_is_left_of_a_writer_whose_successor_did_not_load),
                cmocka_unit_test(test_that_what_was_never_said_is_a_success_of_its_own),
                cmocka_unit_test(test_that_a_dependency_on_nobody_is_told),
                cmocka_unit_test(test_that_a_file_set_of_a_closed_view_is_unexpected),
                cmocka_unit_test(test_that_reserved_slots_are_there_and_answer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
