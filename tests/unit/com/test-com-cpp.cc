/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A C++ caller meets the C objects in every method, and a C caller an object written in C++.
 */

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

extern "C" {
#include <cmocka.h>

#include "com/com-async.h"
#include "com/com-enum.h"
}

#include <vsadmin.h>
#include <vsbackup.h>
#include <vsprov.h>

static void test_that_waiting_ends_when_the_operation_completes(void **) {
        IVssAsync *iface = nullptr;
        Async *async = nullptr;
        HRESULT status = 0;

        assert_int_equal(async_new(nullptr, nullptr, 0, &async, &iface), S_OK);
        assert_int_equal(iface->QueryStatus(&status, nullptr), S_OK);
        assert_int_equal(status, VSS_S_ASYNC_PENDING);

        std::thread worker([&] { async_complete(async, S_OK); });
        assert_int_equal(iface->Wait(), S_OK);
        worker.join();

        assert_int_equal(iface->QueryStatus(&status, nullptr), S_OK);
        assert_int_equal(status, VSS_S_ASYNC_FINISHED);
        assert_int_equal(iface->Cancel(), VSS_S_ASYNC_FINISHED);
        assert_int_equal(iface->Release(), 0);
}

static void test_that_the_first_to_settle_wins(void **) {
        IVssAsync *iface = nullptr;
        Async *async = nullptr;
        HRESULT status = 0;

        assert_int_equal(async_new(nullptr, nullptr, 0, &async, &iface), S_OK);
        assert_int_equal(iface->Wait(1), S_OK);
        assert_int_equal(iface->Cancel(), S_OK);
        assert_int_equal(iface->Cancel(), VSS_S_ASYNC_CANCELLED);

        async_complete(async, VSS_E_BAD_STATE);
        assert_int_equal(iface->QueryStatus(&status, nullptr), S_OK);
        assert_int_equal(status, VSS_S_ASYNC_CANCELLED);
        assert_int_equal(iface->Release(), 0);
}

static void test_that_a_failure_is_what_wait_and_cancel_return(void **) {
        IVssAsync *iface = nullptr;
        Async *async = nullptr;

        assert_int_equal(async_new(nullptr, nullptr, 0, &async, &iface), S_OK);
        async_complete(async, VSS_E_BAD_STATE);
        assert_int_equal(iface->Wait(), VSS_E_BAD_STATE);
        assert_int_equal(iface->Cancel(), VSS_E_BAD_STATE);
        assert_int_equal(iface->Release(), 0);
}

static void test_that_identity_holds_and_unknown_interfaces_are_refused(void **) {
        IUnknown *a = nullptr, *b = nullptr;
        IVssAsync *iface = nullptr;
        Async *async = nullptr;
        void *nothing = &nothing;

        assert_int_equal(async_new(nullptr, nullptr, 0, &async, &iface), S_OK);
        assert_int_equal(iface->QueryInterface(IID_IUnknown, reinterpret_cast<void **>(&a)), S_OK);
        assert_int_equal(a->QueryInterface(IID_IUnknown, reinterpret_cast<void **>(&b)), S_OK);
        assert_ptr_equal(a, b);
        assert_int_equal(iface->QueryInterface(IID_IVssAdminEx, &nothing), E_NOINTERFACE);
        assert_null(nothing);
        assert_int_equal(iface->QueryInterface(IID_IVssAsync, nullptr), E_POINTER);
        assert_int_equal(a->Release(), 2);
        assert_int_equal(b->Release(), 1);
        assert_int_equal(iface->Release(), 0);
}

static void test_that_an_enumerator_written_in_c_can_be_read(void **) {
        IVssEnumObject *e = nullptr, *clone = nullptr;
        auto *prop = static_cast<VSS_OBJECT_PROP *>(CoTaskMemAlloc(sizeof(VSS_OBJECT_PROP)));
        VSS_OBJECT_PROP got;
        ULONG n = 0;

        *prop = {};
        prop->Type = VSS_OBJECT_SNAPSHOT;
        prop->Obj.Snap.m_SnapshotId = IID_IVssAsync;

        assert_int_equal(enum_object_take(prop, 1, &e), S_OK);
        assert_int_equal(e->Clone(&clone), S_OK);
        assert_int_equal(e->Next(1, &got, &n), S_OK);
        assert_true(got.Obj.Snap.m_SnapshotId == IID_IVssAsync);
        assert_int_equal(e->Next(1, &got, &n), S_FALSE);
        assert_int_equal(e->Reset(), S_OK);
        assert_int_equal(e->Skip(1), S_OK);
        assert_int_equal(clone->Next(1, &got, &n), S_OK);
        assert_int_equal(e->Release(), 0);
        assert_int_equal(clone->Release(), 0);
}

/* What a provider in C++ looks like. */
struct Notifications final : IVssProviderNotifications {
        ULONG n_ref = 1;
        bool loaded = false;

        HRESULT QueryInterface(REFIID riid, void **ppv) override {
                if (riid != IID_IUnknown && riid != IID_IVssProviderNotifications) {
                        *ppv = nullptr;
                        return E_NOINTERFACE;
                }
                AddRef();
                *ppv = this;
                return S_OK;
        }

        ULONG AddRef() override { return ++n_ref; }
        ULONG Release() override { return --n_ref; }

        HRESULT OnLoad(IUnknown *) override {
                loaded = true;
                return S_OK;
        }

        HRESULT OnUnload(BOOL force) override { return force ? S_OK : S_FALSE; }
};

static void test_that_an_object_written_in_cpp_is_called_slot_by_slot_as_c_does(void **) {
        using Method0 = ULONG (*)(void *);
        using Method1 = HRESULT (*)(void *, void *);
        using MethodBool = HRESULT (*)(void *, BOOL);
        Notifications object;
        void *iface = static_cast<IVssProviderNotifications *>(&object);
        void **table = *static_cast<void ***>(iface);

        assert_int_equal(reinterpret_cast<Method0>(table[1])(iface), 2);
        assert_int_equal(reinterpret_cast<Method0>(table[2])(iface), 1);
        assert_int_equal(reinterpret_cast<Method1>(table[3])(iface, nullptr), S_OK);
        assert_true(object.loaded);
        assert_int_equal(reinterpret_cast<MethodBool>(table[4])(iface, FALSE), S_FALSE);
        assert_int_equal(reinterpret_cast<MethodBool>(table[4])(iface, TRUE), S_OK);
}

int main() {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_waiting_ends_when_the_operation_completes),
                cmocka_unit_test(test_that_the_first_to_settle_wins),
                cmocka_unit_test(test_that_a_failure_is_what_wait_and_cancel_return),
                cmocka_unit_test(test_that_identity_holds_and_unknown_interfaces_are_refused),
                cmocka_unit_test(test_that_an_enumerator_written_in_c_can_be_read),
                cmocka_unit_test(test_that_an_object_written_in_cpp_is_called_slot_by_slot_as_c_does),
        };

        return cmocka_run_group_tests(tests, nullptr, nullptr);
}
