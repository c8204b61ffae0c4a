/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A C++ program meets the views, in every place where the layout of a class has to be that of a C struct:
 * single tables that grew, and objects with two.
 */

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string>

#include <vsbackup.h>
#include <vswriter.h>

extern "C" {
#include <cmocka.h>
}

/* The house's headers are C; what a test needs of them. */
extern "C" {
typedef struct ViewOwner ViewOwner;
typedef struct WriterDoc WriterDoc;
typedef struct CreateMetadata CreateMetadata;
typedef struct WriterComponents WriterComponents;

HRESULT test_views_new(ViewOwner **ret_owner,
                       IVssWriterComponentsExt **ret_ext,
                       WriterComponents **ret_components);
IVssWriterComponents *writer_components_iface(WriterComponents *c);
WriterComponents *writer_components_free(WriterComponents *c);
void view_owner_invalidate(ViewOwner *o);
ViewOwner *view_owner_unref(ViewOwner *o);

int writer_doc_new(WriterDoc **ret);
WriterDoc *writer_doc_free(WriterDoc *d);
HRESULT create_metadata_new(WriterDoc *doc, CreateMetadata **ret);
IVssCreateWriterMetadataEx *create_metadata_iface(CreateMetadata *m);
CreateMetadata *create_metadata_free(CreateMetadata *m);
HRESULT examine_metadata_from_xml(const WCHAR *xml, IVssExamineWriterMetadataEx2 **ret);
}

static std::wstring take(BSTR s) {
        std::wstring text = s ? s : L"(null)";

        SysFreeString(s);
        return text;
}

static void use_components(IVssWriterComponents *components) {
        IVssComponent *component = nullptr;
        IVssComponentEx2 *ex2 = nullptr;
        VSS_ID instance, writer;
        HRESULT failure, application;
        DWORD reserved;
        BSTR s = nullptr;
        UINT n = 0;

        assert_int_equal(components->GetComponentCount(&n), S_OK);
        assert_int_equal(n, 1);
        assert_int_equal(components->GetWriterInfo(&instance, &writer), S_OK);
        assert_int_equal(writer.Data1, 1);
        assert_int_equal(components->GetComponent(0, &component), S_OK);

        assert_int_equal(component->QueryInterface(IID_IVssComponentEx2, reinterpret_cast<void **>(&ex2)),
                         S_OK);
        assert_int_equal(ex2->GetComponentName(&s), S_OK);
        assert_true(take(s) == L"name");
        assert_int_equal(ex2->SetBackupStamp(L"stamp"), S_OK);
        assert_int_equal(component->GetBackupStamp(&s), S_OK);
        assert_true(take(s) == L"stamp");

        /* The last slot. */
        assert_int_equal(ex2->SetFailure(VSS_E_WRITERERROR_RETRYABLE, E_FAIL, L"why", 0), S_OK);
        assert_int_equal(ex2->GetFailure(&failure, &application, &s, &reserved), S_OK);
        assert_int_equal(failure, VSS_E_WRITERERROR_RETRYABLE);
        assert_true(take(s) == L"why");

        assert_int_equal(ex2->Release(), 1);
        assert_int_equal(component->Release(), 0);
}

static void test_that_a_class_with_two_bases_is_our_struct_with_two_tables(void **) {
        IVssWriterComponentsExt *ext = nullptr;
        WriterComponents *components = nullptr;
        ViewOwner *owner = nullptr;
        IUnknown *unknown = nullptr;
        UINT n = 0;

        assert_int_equal(test_views_new(&owner, &ext, &components), S_OK);

        use_components(ext);
        use_components(writer_components_iface(components));

        assert_int_equal(ext->QueryInterface(IID_IUnknown, reinterpret_cast<void **>(&unknown)), S_OK);
        assert_ptr_equal(unknown, static_cast<IUnknown *>(ext));
        assert_int_equal(unknown->Release(), 1);

        view_owner_invalidate(owner);
        assert_int_equal(ext->GetComponentCount(&n), VSS_E_OBJECT_NOT_FOUND);
        writer_components_free(components);
        view_owner_unref(owner);
        assert_int_equal(ext->Release(), 0);
}

static void test_that_metadata_is_created_and_examined(void **) {
        const VSS_ID other = { 7, 0, 0, {} };
        IVssExamineWriterMetadataEx2 *metadata = nullptr;
        IVssCreateWriterMetadataEx *create, *ex = nullptr;
        IVssCreateWriterMetadata *base;
        IVssWMDependency *dependency = nullptr;
        IVssWMComponent *component = nullptr;
        PVSSCOMPONENTINFO info = nullptr;
        IVssWMFiledesc *file = nullptr;
        CreateMetadata *m = nullptr;
        WriterDoc *doc = nullptr;
        BSTR xml = nullptr, s = nullptr;
        DWORD mask = 0, schema = 0;
        bool recursive = false;
        UINT n = 0;

        assert_int_equal(writer_doc_new(&doc), 0);
        assert_int_equal(create_metadata_new(doc, &m), S_OK);
        create = create_metadata_iface(m);
        base = create; /* what OnIdentify() gets */

        /* With the defaults of the declaration. */
        assert_int_equal(base->AddComponent(VSS_CT_FILEGROUP, nullptr, L"files", L"caption", nullptr, 0,
                                            false, false, true),
                         S_OK);
        assert_int_equal(base->AddFilesToFileGroup(nullptr, L"files", L"/srv", L"*", true, nullptr), S_OK);
        assert_int_equal(base->AddComponentDependency(nullptr, L"files", other, L"p", L"c"), S_OK);
        assert_int_equal(base->SetBackupSchema(VSS_BS_COPY), S_OK);
        assert_int_equal(create->AddExcludeFilesFromSnapshot(L"/tmp", L"*", false), S_OK);
        assert_int_equal(
                create->QueryInterface(IID_IVssCreateWriterMetadataEx, reinterpret_cast<void **>(&ex)),
                S_OK);
        assert_ptr_equal(ex, create);
        assert_int_equal(ex->Release(), 1);
        assert_int_equal(base->SaveAsXML(&xml), S_OK);
        create_metadata_free(m);
        writer_doc_free(doc);

        assert_int_equal(examine_metadata_from_xml(xml, &metadata), S_OK);
        SysFreeString(xml);
        assert_int_equal(metadata->GetBackupSchema(&schema), S_OK);
        assert_int_equal(schema, VSS_BS_COPY);
        assert_int_equal(metadata->GetExcludeFromSnapshotCount(&n), S_OK);
        assert_int_equal(n, 1);

        assert_int_equal(metadata->GetComponent(0, &component), S_OK);
        assert_int_equal(component->GetComponentInfo(&info), S_OK);
        assert_true(std::wstring(info->bstrComponentName) == L"files");
        assert_true(info->bSelectable);
        assert_false(info->bSelectableForRestore);
        assert_int_equal(component->FreeComponentInfo(info), S_OK);
        assert_int_equal(component->GetFile(0, &file), S_OK);
        assert_int_equal(file->GetBackupTypeMask(&mask), S_OK);
        assert_int_equal(mask, 0xF0F);
        assert_int_equal(file->GetRecursive(&recursive), S_OK);
        assert_true(recursive);
        assert_int_equal(file->Release(), 0);
        assert_int_equal(component->GetDependency(0, &dependency), S_OK);
        assert_int_equal(dependency->GetComponentName(&s), S_OK);
        assert_true(take(s) == L"c");
        assert_int_equal(dependency->Release(), 0);
        assert_int_equal(component->Release(), 0);
        assert_int_equal(metadata->Release(), 0);
}

int main() {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_class_with_two_bases_is_our_struct_with_two_tables),
                cmocka_unit_test(test_that_metadata_is_created_and_examined),
        };

        return cmocka_run_group_tests(tests, nullptr, nullptr);
}
