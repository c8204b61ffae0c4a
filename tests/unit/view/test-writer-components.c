/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The components of one writer, for the requester and for the writer itself.
 */

#include <stdlib.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "lib/reference.h"
#include "view-test.h"
#include "view/writer-components.h"

static const GUID writer_id = { .Data1 = 1 }, instance_id = { .Data1 = 2 };

static ViewOwner *owner_new(BackupWriter **ret) {
        ViewOwner *owner;
        BackupDoc *d;

        assert_int_equal(backup_doc_new(&d), 0);
        assert_int_equal(backup_doc_add_writer(d, &instance_id, &writer_id, NULL, 0, ret), S_OK);
        assert_int_equal(backup_writer_add_component(*ret, VSS_CT_DATABASE, NULL, "one", NULL), S_OK);
        assert_int_equal(backup_writer_add_component(*ret, VSS_CT_FILEGROUP, NULL, "two", NULL), S_OK);
        assert_int_equal(view_owner_new(d, VIEW_PREPARE_BACKUP, &owner), 0);
        return owner;
}

static void check_writer_components(IVssWriterComponents *c) {
        IVssComponent *component = (IVssComponent *) 1;
        VSS_ID instance, writer;
        UINT n;
        BSTR s;

        ASSERT_RETURNS(IVssWriterComponents, GetComponentCount, E_INVALIDARG,
                       IVssWriterComponents_GetComponentCount(c, NULL));
        ASSERT_RETURNS(IVssWriterComponents, GetComponentCount, S_OK,
                       IVssWriterComponents_GetComponentCount(c, &n));
        assert_int_equal(n, 2);

        ASSERT_RETURNS(IVssWriterComponents, GetWriterInfo, E_INVALIDARG,
                       IVssWriterComponents_GetWriterInfo(c, NULL, &writer));
        ASSERT_RETURNS(IVssWriterComponents, GetWriterInfo, E_INVALIDARG,
                       IVssWriterComponents_GetWriterInfo(c, &instance, NULL));
        ASSERT_RETURNS(IVssWriterComponents, GetWriterInfo, S_OK,
                       IVssWriterComponents_GetWriterInfo(c, &instance, &writer));
        assert_true(guid_equal(&instance, &instance_id));
        assert_true(guid_equal(&writer, &writer_id));

        ASSERT_RETURNS(IVssWriterComponents, GetComponent, E_INVALIDARG,
                       IVssWriterComponents_GetComponent(c, 0, NULL));
        ASSERT_RETURNS(IVssWriterComponents, GetComponent, VSS_E_OBJECT_NOT_FOUND,
                       IVssWriterComponents_GetComponent(c, 2, &component));
        assert_null(component);
        ASSERT_RETURNS(IVssWriterComponents, GetComponent, S_OK,
                       IVssWriterComponents_GetComponent(c, 1, &component));
        assert_int_equal(IVssComponent_GetComponentName(component, &s), S_OK);
        bstr_was(s, L"two");
        assert_int_equal(IVssComponent_Release(component), 0);

        REACHES_RULE(IVssWriterComponents, "GetComponentCount", "counts only components explicitly stored");
        REACHES_RULE(IVssWriterComponents, "GetComponent", "index 0..n-1 from GetComponentCount");

        table_is_complete(c->lpVtbl, sizeof(*c->lpVtbl));
}

static void check_closed(IVssWriterComponents *c) {
        IVssComponent *component = (IVssComponent *) 1;
        VSS_ID instance, writer;
        UINT n;

        assert_int_equal(IVssWriterComponents_GetComponentCount(c, &n), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssWriterComponents_GetWriterInfo(c, &instance, &writer), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssWriterComponents_GetComponent(c, 0, &component), VSS_E_OBJECT_NOT_FOUND);
        assert_null(component);
}

static void test_that_a_requester_holds_two_tables_in_one_object(void **state) {
        IVssWriterComponentsExt *c = NULL;
        BackupWriter *w;
        ViewOwner *owner = owner_new(&w);
        void *p;

        assert_int_equal(writer_components_ext_new(owner, w, &c), S_OK);
        check_writer_components(&c->components);

        /* The counting half. Only IUnknown can be asked for: there is no IID. */
        table_is_complete(c->unknown.lpVtbl, sizeof(*c->unknown.lpVtbl));
        assert_int_equal(IUnknown_QueryInterface(&c->unknown, &IID_IUnknown, &p), S_OK);
        assert_ptr_equal(p, &c->unknown);
        assert_int_equal(IUnknown_Release(&c->unknown), 1);
        assert_int_equal(IUnknown_QueryInterface(&c->unknown, &IID_IVssComponent, &p), E_NOINTERFACE);
        assert_int_equal(IUnknown_AddRef(&c->unknown), 2);
        assert_int_equal(IUnknown_Release(&c->unknown), 1);

        view_owner_invalidate(owner);
        view_owner_unref(owner);
        check_closed(&c->components);
        assert_int_equal(IUnknown_Release(&c->unknown), 0);
        reference_reach_return("IVssWriterComponentsExt", "(none of its own)", "void");
}

static void test_that_a_writer_keeps_components_but_not_their_list(void **state) {
        _cleanup_(writer_components_freep) WriterComponents *c = NULL;
        IVssComponent *kept;
        BackupWriter *w;
        ViewOwner *owner = owner_new(&w);
        BSTR s;

        assert_int_equal(writer_components_new(owner, w, &c), S_OK);
        check_writer_components(writer_components_iface(c));
        assert_int_equal(IVssWriterComponents_GetComponent(writer_components_iface(c), 0, &kept), S_OK);

        view_owner_invalidate(owner);
        check_closed(writer_components_iface(c));
        REACHES_RULE(IVssWriterComponents, "*", "given to OnPrepareBackup, OnPostSnapshot");

        /* The handler is over. */
        c = writer_components_free(c);
        view_owner_unref(owner);
        assert_int_equal(IVssComponent_GetComponentName(kept, &s), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssComponent_SetBackupStamp(kept, L"too late"), VSS_E_BAD_STATE);
        assert_int_equal(IVssComponent_Release(kept), 0);
}

static void test_that_what_one_view_says_all_others_of_it_see(void **state) {
        _cleanup_(writer_components_freep) WriterComponents *c = NULL;
        IVssComponent *a, *b;
        BackupWriter *w;
        ViewOwner *owner = owner_new(&w);
        BSTR s;

        assert_int_equal(writer_components_new(owner, w, &c), S_OK);
        assert_int_equal(IVssWriterComponents_GetComponent(writer_components_iface(c), 0, &a), S_OK);
        assert_int_equal(IVssWriterComponents_GetComponent(writer_components_iface(c), 0, &b), S_OK);
        assert_ptr_not_equal(a, b);

        assert_int_equal(IVssComponent_SetBackupStamp(a, L"stamp"), S_OK);
        assert_int_equal(IVssComponent_GetBackupStamp(b, &s), S_OK);
        bstr_was(s, L"stamp");
        assert_string_equal(w->components[0]->backup_stamp, "stamp");

        IVssComponent_Release(a);
        IVssComponent_Release(b);
        view_owner_unref(owner);
}

static void test_that_a_damaged_writer_does_not_say_who_it_is(void **state) {
        static const char text[] = "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\">"
                                   "<WRITER_COMPONENTS instanceId=\"nobody\" "
                                   "writerId=\"00000001-0000-0000-0000-000000000000\" backupSchema=\"0\">"
                                   "<COMPONENT componentName=\"c\" componentType=\"database\"/>"
                                   "</WRITER_COMPONENTS></BACKUP_COMPONENTS>";
        WriterComponents *c = NULL;
        VSS_ID instance, writer;
        BackupDoc *d = NULL;
        ViewOwner *owner;
        UINT n = 0;

        assert_int_equal(backup_doc_read(text, sizeof(text) - 1, &d), S_OK);
        assert_int_equal(d->n_writers, 1);
        assert_int_equal(view_owner_new(d, VIEW_READ_ONLY, &owner), 0);
        assert_int_equal(writer_components_new(owner, d->writers[0], &c), S_OK);
        ASSERT_RETURNS(IVssWriterComponents, GetWriterInfo, VSS_E_INVALID_XML_DOCUMENT,
                       IVssWriterComponents_GetWriterInfo(writer_components_iface(c), &instance, &writer));
        assert_int_equal(IVssWriterComponents_GetComponentCount(writer_components_iface(c), &n), S_OK);
        assert_int_equal(n, 1);
        writer_components_free(c);
        view_owner_unref(owner);
}

static void test_that_it_survives_any_failed_allocation(void **state) {
        HRESULT hr = E_OUTOFMEMORY;
        BackupWriter *w;
        ViewOwner *owner = owner_new(&w);

        for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                _cleanup_(writer_components_freep) WriterComponents *c = NULL;
                IVssWriterComponentsExt *ext = NULL;
                IVssComponent *component = NULL;

                fault_fail_allocation(n);
                hr = writer_components_new(owner, w, &c);
                if (SUCCEEDED(hr))
                        hr = writer_components_ext_new(owner, w, &ext);
                if (SUCCEEDED(hr)) {
                        hr = IVssWriterComponents_GetComponent(&ext->components, 0, &component);
                        if (FAILED(hr))
                                ASSERT_RETURNS(IVssWriterComponents, GetComponent, E_OUTOFMEMORY, hr);
                }
                fault_clear();

                assert_true(!!component == SUCCEEDED(hr));
                if (component)
                        IVssComponent_Release(component);
                if (ext)
                        IUnknown_Release(&ext->unknown);
        }

        assert_int_equal(hr, S_OK);
        view_owner_unref(owner);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_requester_holds_two_tables_in_one_object),
                cmocka_unit_test(test_that_a_writer_keeps_components_but_not_their_list),
                cmocka_unit_test(test_that_what_one_view_says_all_others_of_it_see),
                cmocka_unit_test(test_that_a_damaged_writer_does_not_say_who_it_is),
                cmocka_unit_test(test_that_it_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
