/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a requester reads of a writer's metadata, down to the last file set.
 */

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/utf.h"
#include "view-test.h"
#include "view/examine-metadata.h"

#define WM L"<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\""
#define ID_A L"11111111-2222-3333-4444-555555555555"
#define ID_B L"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define LEAST WM L"><IDENTIFICATION writerId=\"" ID_A L"\" instanceId=\"" ID_B L"\"/></WRITER_METADATA>"
#define FULL \
        WM L" backupSchema=\"17\"><IDENTIFICATION writerId=\"" ID_A L"\" instanceId=\"" ID_B \
        L"\" instanceName=\"main\"" \
        L" friendlyName=\"PostgreSQL \xFC\" usage=\"USER_DATA\" dataSource=\"TRANSACTION_DB\"" \
        L" majorVersion=\"15\" minorVersion=\"4\"/>" \
        L"<RESTORE_METHOD method=\"STOP_RESTORE_START\" service=\"pg\" userProcedure=\"u\"" \
        L" writerRestore=\"always\" rebootRequired=\"yes\">" \
        L"<ALTERNATE_LOCATION_MAPPING path=\"/a\" filespec=\"*\" recursive=\"yes\"" \
        L" alternatePath=\"/b\"/></RESTORE_METHOD>" \
        L"<BACKUP_LOCATIONS><DATABASE logicalPath=\"p\" componentName=\"db\" caption=\"c\"" \
        L" restoreMetadata=\"yes\"" \
        L" notifyOnBackupComplete=\"no\" selectable=\"yes\" selectableForRestore=\"no\"" \
        L" componentFlags=\"3\" icon=\"AQID\">" \
        L"<DATABASE_FILES path=\"/d\" filespec=\"*.db\" filespecBackupType=\"3855\"/>" \
        L"<DATABASE_LOGFILES path=\"/l\" filespec=\"*.log\" filespecBackupType=\"1\"/>" \
        L"<DEPENDENCY writerId=\"" ID_B L"\" logicalPath=\"q\" componentName=\"other\"/>" \
        L"<DEPENDENCY writerId=\"" ID_B L"\" componentName=\"bare\"/></DATABASE>" \
        L"<FILE_GROUP componentName=\"files\"><FILE_LIST path=\"/f\" filespec=\"*\" recursive=\"yes\"" \
        L" alternatePath=\"/g\"/></FILE_GROUP>" \
        L"<EXCLUDE_FILES path=\"/x\" filespec=\"*.tmp\" recursive=\"yes\"/>" \
        L"<EXCLUDE_FILES_FROM_SNAPSHOT path=\"/s\" filespec=\"*.swp\" recursive=\"no\"/>" \
        L"</BACKUP_LOCATIONS></WRITER_METADATA>"

static IVssExamineWriterMetadataEx2 *examine(const WCHAR *xml) {
        IVssExamineWriterMetadataEx2 *m = NULL;

        assert_int_equal(examine_metadata_from_xml(xml, &m), S_OK);
        return m;
}

static void filedesc_was(IVssWMFiledesc *d,
                         const WCHAR *path,
                         const WCHAR *spec,
                         bool recursive,
                         const WCHAR *alternate,
                         DWORD mask) {
        bool is_recursive;
        DWORD is_mask;
        BSTR s;

        assert_int_equal(IVssWMFiledesc_GetPath(d, &s), S_OK);
        bstr_was(s, path);
        assert_int_equal(IVssWMFiledesc_GetFilespec(d, &s), S_OK);
        bstr_was(s, spec);
        assert_int_equal(IVssWMFiledesc_GetRecursive(d, &is_recursive), S_OK);
        assert_int_equal(is_recursive, recursive);
        assert_int_equal(IVssWMFiledesc_GetAlternateLocation(d, &s), alternate ? S_OK : S_FALSE);
        bstr_was(s, alternate);
        assert_int_equal(IVssWMFiledesc_GetBackupTypeMask(d, &is_mask), S_OK);
        assert_int_equal(is_mask, mask);
        table_is_complete(d->lpVtbl, sizeof(*d->lpVtbl));
        assert_int_equal(IVssWMFiledesc_Release(d), 0);
}

static void test_that_the_identity_is_told(void **state) {
        IVssExamineWriterMetadataEx2 *m = examine(FULL);
        VSS_ID instance, writer;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        DWORD major, minor, schema;
        BSTR name, instance_name;

        assert_int_equal(IVssExamineWriterMetadataEx2_GetIdentity(m, NULL, &writer, &name, &usage, &source),
                         E_INVALIDARG);
        assert_int_equal(
                IVssExamineWriterMetadataEx2_GetIdentity(m, &instance, NULL, &name, &usage, &source),
                E_INVALIDARG);
        assert_int_equal(
                IVssExamineWriterMetadataEx2_GetIdentity(m, &instance, &writer, NULL, &usage, &source),
                E_INVALIDARG);
        assert_int_equal(
                IVssExamineWriterMetadataEx2_GetIdentity(m, &instance, &writer, &name, NULL, &source),
                E_INVALIDARG);
        assert_int_equal(
                IVssExamineWriterMetadataEx2_GetIdentity(m, &instance, &writer, &name, &usage, NULL),
                E_INVALIDARG);
        assert_int_equal(
                IVssExamineWriterMetadataEx2_GetIdentity(m, &instance, &writer, &name, &usage, &source),
                S_OK);
        assert_string_equal(GUID_TO_STRING(&instance), "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
        assert_string_equal(GUID_TO_STRING(&writer), "11111111-2222-3333-4444-555555555555");
        bstr_was(name, L"PostgreSQL \xFC");
        assert_int_equal(usage, VSS_UT_USERDATA);
        assert_int_equal(source, VSS_ST_TRANSACTEDDB);

        assert_int_equal(IVssExamineWriterMetadataEx2_GetIdentityEx(m, &instance, &writer, &name, NULL,
                                                                    &usage, &source),
                         E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetIdentityEx(m, &instance, &writer, &name,
                                                                    &instance_name, &usage, &source),
                         S_OK);
        bstr_was(name, L"PostgreSQL \xFC");
        bstr_was(instance_name, L"main");

        assert_int_equal(IVssExamineWriterMetadataEx2_GetVersion(m, NULL, &minor), E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetVersion(m, &major, NULL), E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetVersion(m, &major, &minor), S_OK);
        assert_int_equal(major, 15);
        assert_int_equal(minor, 4);

        assert_int_equal(IVssExamineWriterMetadataEx2_GetBackupSchema(m, NULL), E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetBackupSchema(m, &schema), S_OK);
        assert_int_equal(schema, VSS_BS_COPY | VSS_BS_DIFFERENTIAL);

        assert_int_equal(IVssExamineWriterMetadataEx2_Release(m), 0);
}

static void test_that_the_lists_are_told(void **state) {
        IVssExamineWriterMetadataEx2 *m = examine(FULL);
        IVssWMFiledesc *d = (IVssWMFiledesc *) 1;
        UINT include, exclude, components, n;

        assert_int_equal(IVssExamineWriterMetadataEx2_GetFileCounts(m, NULL, &exclude, &components),
                         E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetFileCounts(m, &include, NULL, &components),
                         E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetFileCounts(m, &include, &exclude, NULL),
                         E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetFileCounts(m, &include, &exclude, &components),
                         S_OK);
        assert_int_equal(include, 0);
        assert_int_equal(exclude, 1);
        assert_int_equal(components, 2);

        assert_int_equal(IVssExamineWriterMetadataEx2_GetIncludeFile(m, 0, &d), E_NOTIMPL);
        assert_null(d);

        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFile(m, 0, NULL), E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFile(m, 1, &d), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFile(m, 0, &d), S_OK);
        filedesc_was(d, L"/x", L"*.tmp", true, NULL, 0);

        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotCount(m, NULL), E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotCount(m, &n), S_OK);
        assert_int_equal(n, 1);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotFile(m, 0, NULL), E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotFile(m, 1, &d),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotFile(m, 0, &d), S_OK);
        filedesc_was(d, L"/s", L"*.swp", false, NULL, 0);

        assert_int_equal(IVssExamineWriterMetadataEx2_Release(m), 0);
}

static void test_that_the_restore_method_is_told_or_that_there_is_none(void **state) {
        IVssExamineWriterMetadataEx2 *m = examine(FULL);
        VSS_RESTOREMETHOD_ENUM method;
        VSS_WRITERRESTORE_ENUM restore;
        BSTR service, procedure;
        IVssWMFiledesc *d;
        bool reboot;
        UINT n;

#define METHOD(...) IVssExamineWriterMetadataEx2_GetRestoreMethod(m, __VA_ARGS__)
        assert_int_equal(METHOD(NULL, &service, &procedure, &restore, &reboot, &n), E_INVALIDARG);
        assert_int_equal(METHOD(&method, NULL, &procedure, &restore, &reboot, &n), E_INVALIDARG);
        assert_int_equal(METHOD(&method, &service, NULL, &restore, &reboot, &n), E_INVALIDARG);
        assert_int_equal(METHOD(&method, &service, &procedure, NULL, &reboot, &n), E_INVALIDARG);
        assert_int_equal(METHOD(&method, &service, &procedure, &restore, NULL, &n), E_INVALIDARG);
        assert_int_equal(METHOD(&method, &service, &procedure, &restore, &reboot, NULL), E_INVALIDARG);
        assert_int_equal(METHOD(&method, &service, &procedure, &restore, &reboot, &n), S_OK);
        assert_int_equal(method, VSS_RME_STOP_RESTORE_START);
        assert_int_equal(restore, VSS_WRE_ALWAYS);
        assert_true(reboot);
        assert_int_equal(n, 1);
        bstr_was(service, L"pg");
        bstr_was(procedure, L"u");

        assert_int_equal(IVssExamineWriterMetadataEx2_GetAlternateLocationMapping(m, 0, NULL), E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetAlternateLocationMapping(m, 1, &d),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetAlternateLocationMapping(m, 0, &d), S_OK);
        filedesc_was(d, L"/a", L"*", true, L"/b", 0);
        assert_int_equal(IVssExamineWriterMetadataEx2_Release(m), 0);

        m = examine(LEAST);
        assert_int_equal(METHOD(&method, &service, &procedure, &restore, &reboot, &n), S_FALSE);
        assert_int_equal(method, VSS_RME_UNDEFINED);
        assert_null(service);
        assert_null(procedure);
        assert_int_equal(n, 0);
#undef METHOD
        assert_int_equal(IVssExamineWriterMetadataEx2_Release(m), 0);
}

static void test_that_a_component_is_told(void **state) {
        IVssExamineWriterMetadataEx2 *m = examine(FULL);
        IVssWMComponent *c = NULL;
        IVssWMDependency *dependency;
        PVSSCOMPONENTINFO info;
        IVssWMFiledesc *d;
        VSS_ID id;
        BSTR s;
        void *p;

        assert_int_equal(IVssExamineWriterMetadataEx2_GetComponent(m, 0, NULL), E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetComponent(m, 2, &c), VSS_E_OBJECT_NOT_FOUND);
        assert_null(c);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetComponent(m, 0, &c), S_OK);
        /* It holds its document, whatever becomes of the object. */
        assert_int_equal(IVssExamineWriterMetadataEx2_Release(m), 0);

        table_is_complete(c->lpVtbl, sizeof(*c->lpVtbl));
        assert_int_equal(IVssWMComponent_QueryInterface(c, &IID_IUnknown, &p), S_OK);
        assert_ptr_equal(p, c);
        assert_int_equal(IVssWMComponent_Release(c), 1);

        assert_int_equal(IVssWMComponent_GetComponentInfo(c, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMComponent_GetComponentInfo(c, &info), S_OK);
        assert_int_equal(info->type, VSS_CT_DATABASE);
        bstr_is(info->bstrLogicalPath, L"p");
        bstr_is(info->bstrComponentName, L"db");
        bstr_is(info->bstrCaption, L"c");
        assert_int_equal(info->cbIcon, 3);
        assert_memory_equal(info->pbIcon, "\1\2\3", 3);
        assert_true(info->bRestoreMetadata && !info->bNotifyOnBackupComplete && info->bSelectable &&
                    !info->bSelectableForRestore);
        assert_int_equal(info->dwComponentFlags, 3);
        assert_int_equal(info->cFileCount, 0);
        assert_int_equal(info->cDatabases, 1);
        assert_int_equal(info->cLogFiles, 1);
        assert_int_equal(info->cDependencies, 2);
        assert_int_equal(IVssWMComponent_FreeComponentInfo(c, info), S_OK);
        assert_int_equal(IVssWMComponent_FreeComponentInfo(c, NULL), S_OK);

        assert_int_equal(IVssWMComponent_GetFile(c, 0, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMComponent_GetFile(c, 0, &d), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssWMComponent_GetDatabaseFile(c, 0, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMComponent_GetDatabaseFile(c, 1, &d), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssWMComponent_GetDatabaseFile(c, 0, &d), S_OK);
        filedesc_was(d, L"/d", L"*.db", false, NULL, 0xF0F);
        assert_int_equal(IVssWMComponent_GetDatabaseLogFile(c, 0, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMComponent_GetDatabaseLogFile(c, 1, &d), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssWMComponent_GetDatabaseLogFile(c, 0, &d), S_OK);
        filedesc_was(d, L"/l", L"*.log", false, NULL, 1);

        assert_int_equal(IVssWMComponent_GetDependency(c, 0, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMComponent_GetDependency(c, 2, &dependency), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssWMComponent_GetDependency(c, 0, &dependency), S_OK);
        table_is_complete(dependency->lpVtbl, sizeof(*dependency->lpVtbl));
        assert_int_equal(IVssWMDependency_GetWriterId(dependency, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMDependency_GetLogicalPath(dependency, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMDependency_GetComponentName(dependency, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMDependency_GetWriterId(dependency, &id), S_OK);
        assert_string_equal(GUID_TO_STRING(&id), "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
        assert_int_equal(IVssWMDependency_GetLogicalPath(dependency, &s), S_OK);
        bstr_was(s, L"q");
        assert_int_equal(IVssWMDependency_GetComponentName(dependency, &s), S_OK);
        bstr_was(s, L"other");
        assert_int_equal(IVssWMDependency_Release(dependency), 0);
        assert_int_equal(IVssWMComponent_GetDependency(c, 1, &dependency), S_OK);
        assert_int_equal(IVssWMDependency_GetLogicalPath(dependency, &s), S_OK);
        assert_null(s);
        assert_int_equal(IVssWMDependency_Release(dependency), 0);

        assert_int_equal(IVssWMComponent_Release(c), 0);
}

static void test_that_a_component_without_details_has_none(void **state) {
        IVssExamineWriterMetadataEx2 *m = examine(FULL);
        PVSSCOMPONENTINFO info;
        IVssWMFiledesc *d;
        IVssWMComponent *c;

        assert_int_equal(IVssExamineWriterMetadataEx2_GetComponent(m, 1, &c), S_OK);
        assert_int_equal(IVssWMComponent_GetComponentInfo(c, &info), S_OK);
        assert_int_equal(info->type, VSS_CT_FILEGROUP);
        assert_null(info->bstrLogicalPath);
        assert_null(info->bstrCaption);
        assert_null(info->pbIcon);
        assert_int_equal(info->cbIcon, 0);
        assert_int_equal(info->cFileCount, 1);
        assert_int_equal(IVssWMComponent_FreeComponentInfo(c, info), S_OK);
        assert_int_equal(IVssWMComponent_GetFile(c, 0, &d), S_OK);
        filedesc_was(d, L"/f", L"*", true, L"/g", 0xF0F); /* says nothing of the mask: the API's default */
        assert_int_equal(IVssWMComponent_Release(c), 0);
        assert_int_equal(IVssExamineWriterMetadataEx2_Release(m), 0);
}

static void test_that_a_document_is_saved_and_loaded(void **state) {
        IVssExamineWriterMetadataEx2 *m = examine(FULL), *again;
        WCHAR not_xml[] = L"<WRITER_METADATA", not_ours[] = L"<html/>", least[] = LEAST,
              no_text[] = L"\xD800";
        IXMLDOMDocument *dom = (IXMLDOMDocument *) 1;
        UINT include, exclude, components;
        IVssWMComponent *kept;
        PVSSCOMPONENTINFO info;
        BSTR s, s_again;

        assert_int_equal(IVssExamineWriterMetadataEx2_GetDocument(m, &dom), E_NOTIMPL);
        assert_null(dom);
        assert_int_equal(IVssExamineWriterMetadataEx2_SaveAsXML(m, NULL), E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_SaveAsXML(m, &s), S_OK);
        again = examine(s);
        assert_int_equal(IVssExamineWriterMetadataEx2_SaveAsXML(again, &s_again), S_OK);
        bstr_was(s_again, s);
        assert_int_equal(IVssExamineWriterMetadataEx2_Release(again), 0);

        assert_int_equal(IVssExamineWriterMetadataEx2_GetComponent(m, 0, &kept), S_OK);

        /* What is no text at all leaves what there is; after a text that is no document there is none. */
        assert_int_equal(IVssExamineWriterMetadataEx2_LoadFromXML(m, NULL), E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_LoadFromXML(m, no_text), E_INVALIDARG);
        assert_int_equal(IVssExamineWriterMetadataEx2_SaveAsXML(m, &s_again), S_OK);
        bstr_was(s_again, s);
        assert_int_equal(IVssExamineWriterMetadataEx2_LoadFromXML(m, not_ours), VSS_E_INVALID_XML_DOCUMENT);
        assert_int_equal(IVssExamineWriterMetadataEx2_SaveAsXML(m, &s_again), VSS_E_UNEXPECTED);
        assert_int_equal(IVssExamineWriterMetadataEx2_LoadFromXML(m, not_xml), S_FALSE);
        assert_int_equal(IVssExamineWriterMetadataEx2_SaveAsXML(m, &s_again), VSS_E_UNEXPECTED);

        assert_int_equal(IVssExamineWriterMetadataEx2_LoadFromXML(m, least), S_OK);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetFileCounts(m, &include, &exclude, &components),
                         S_OK);
        assert_int_equal(components, 0);

        /* Whoever holds a part of the old one goes on reading it. */
        assert_int_equal(IVssWMComponent_GetComponentInfo(kept, &info), S_OK);
        bstr_is(info->bstrComponentName, L"db");
        assert_int_equal(IVssWMComponent_FreeComponentInfo(kept, info), S_OK);
        assert_int_equal(IVssWMComponent_Release(kept), 0);

        bstr_free(s);
        assert_int_equal(IVssExamineWriterMetadataEx2_Release(m), 0);
}

static void test_that_a_bad_document_makes_no_object(void **state) {
        static const struct {
                const WCHAR *xml;
                HRESULT hr;
        } cases[] = {
                { NULL,                E_INVALIDARG               },
                { L"\xD800",           E_INVALIDARG               },
                { L"",                 VSS_E_INVALID_XML_DOCUMENT },
                { L"<WRITER_METADATA", VSS_E_INVALID_XML_DOCUMENT },
                  /* malformed is not valid either, says the page */
                { L"<html/>",          VSS_E_INVALID_XML_DOCUMENT },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                IVssExamineWriterMetadataEx2 *m = NULL;

                assert_int_equal(examine_metadata_from_xml(cases[i].xml, &m), cases[i].hr);
                assert_null(m);
        }
}

static void test_that_one_object_answers_for_three_interfaces(void **state) {
        IVssExamineWriterMetadataEx2 *m = examine(LEAST);
        void *p[4];

        assert_int_equal(
                IVssExamineWriterMetadataEx2_QueryInterface(m, &IID_IVssExamineWriterMetadata, &p[0]), S_OK);
        assert_int_equal(
                IVssExamineWriterMetadataEx2_QueryInterface(m, &IID_IVssExamineWriterMetadataEx, &p[1]),
                S_OK);
        assert_int_equal(
                IVssExamineWriterMetadataEx2_QueryInterface(m, &IID_IVssExamineWriterMetadataEx2, &p[2]),
                S_OK);
        assert_int_equal(IVssExamineWriterMetadataEx2_QueryInterface(m, &IID_IUnknown, &p[3]), S_OK);
        for (size_t i = 0; i < ELEMENTSOF(p); ++i) {
                assert_ptr_equal(p[i], m);
                IVssExamineWriterMetadataEx2_Release(m);
        }

        table_is_complete(m->lpVtbl, sizeof(*m->lpVtbl));
        assert_int_equal(IVssExamineWriterMetadataEx2_Release(m), 0);
}

static HRESULT look_at_everything(WriterDoc *model) {
        IVssExamineWriterMetadataEx2 *m = NULL;
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        PVSSCOMPONENTINFO info = NULL;
        IVssWMDependency *dependency = NULL;
        IVssWMFiledesc *d = NULL;
        IVssWMComponent *c = NULL;
        WCHAR xml[] = FULL;
        BSTR s = NULL;
        HRESULT hr;

        hr = writer_doc_copy(model, &doc);
        if (FAILED(hr))
                return hr;

        hr = examine_metadata_new(doc, &m);
        if (FAILED(hr))
                return hr;
        TAKE_PTR(doc);

        hr = IVssExamineWriterMetadataEx2_LoadFromXML(m, xml);
        if (SUCCEEDED(hr))
                hr = IVssExamineWriterMetadataEx2_SaveAsXML(m, &s);
        if (SUCCEEDED(hr))
                hr = IVssExamineWriterMetadataEx2_GetComponent(m, 0, &c);
        if (SUCCEEDED(hr))
                hr = IVssWMComponent_GetComponentInfo(c, &info);
        if (SUCCEEDED(hr))
                hr = IVssWMComponent_GetDatabaseFile(c, 0, &d);
        if (SUCCEEDED(hr))
                hr = IVssWMComponent_GetDependency(c, 0, &dependency);

        bstr_free(s);
        if (dependency)
                IVssWMDependency_Release(dependency);
        if (d)
                IVssWMFiledesc_Release(d);
        if (info)
                IVssWMComponent_FreeComponentInfo(c, info);
        if (c)
                IVssWMComponent_Release(c);
        assert_int_equal(IVssExamineWriterMetadataEx2_Release(m), 0);
        return hr;
}

static void test_that_it_survives_any_failed_allocation(void **state) {
        _cleanup_(writer_doc_freep) WriterDoc *model = NULL;
        HRESULT hr = E_OUTOFMEMORY;

        assert_int_equal(writer_doc_new(&model), 0);
        for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                fault_fail_allocation(n);
                hr = look_at_everything(model);
                fault_clear();
        }

        assert_int_equal(hr, S_OK);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_the_identity_is_told),
                cmocka_unit_test(test_that_the_lists_are_told),
                cmocka_unit_test(test_that_the_restore_method_is_told_or_that_there_is_none),
                cmocka_unit_test(test_that_a_component_is_told),
                cmocka_unit_test(test_that_a_component_without_details_has_none),
                cmocka_unit_test(test_that_a_document_is_saved_and_loaded),
                cmocka_unit_test(test_that_a_bad_document_makes_no_object),
                cmocka_unit_test(test_that_one_object_answers_for_three_interfaces),
                cmocka_unit_test(test_that_it_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
