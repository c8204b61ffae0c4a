/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The components of one writer, for the requester and for the writer itself.
 */

#include <stdlib.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/guid.h"
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

        assert_int_equal(IVssWriterComponents_GetComponentCount(c, NULL), E_INVALIDARG);
        assert_int_equal(IVssWriterComponents_GetComponentCount(c, &n), S_OK);
        assert_int_equal(n, 2);

        assert_int_equal(IVssWriterComponents_GetWriterInfo(c, NULL, &writer), E_INVALIDARG);
        assert_int_equal(IVssWriterComponents_GetWriterInfo(c, &instance, NULL), E_INVALIDARG);
        assert_int_equal(IVssWriterComponents_GetWriterInfo(c, &instance, &writer), S_OK);
        assert_true(guid_equal(&instance, &instance_id));
        assert_true(guid_equal(&writer, &writer_id));

        assert_int_equal(IVssWriterComponents_GetComponent(c, 0, NULL), E_INVALIDARG);
        assert_int_equal(IVssWriterComponents_GetComponent(c, 2, &component), VSS_E_OBJECT_NOT_FOUND);
        assert_null(component);
        assert_int_equal(IVssWriterComponents_GetComponent(c, 1, &component), S_OK);
        assert_int_equal(IVssComponent_GetComponentName(component, &s), S_OK);
        bstr_was(s, L"two");
        assert_int_equal(IVssComponent_Release(component), 0);

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
                if (SUCCEEDED(hr))
                        hr = IVssWriterComponents_GetComponent(&ext->components, 0, &component);
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
                cmocka_unit_test(test_that_it_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
