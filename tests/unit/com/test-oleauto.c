/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Strings, memory and GUIDs as programs from Windows expect them.
 */

#include <pthread.h>
#include <string.h>
#include <wchar.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <oleauto.h>

#include "base/macro.h"

static void test_that_a_bstr_knows_its_length_in_the_four_bytes_before_it(void **state) {
        uint32_t prefix;
        BSTR s;

        (void) state;

        s = SysAllocString(L"shadow");
        memcpy(&prefix, (const char *) s - 4, sizeof(prefix));
        assert_int_equal(prefix, 6 * sizeof(WCHAR));
        assert_int_equal(SysStringLen(s), 6);
        assert_int_equal(SysStringByteLen(s), 6 * sizeof(WCHAR));
        assert_int_equal(wcscmp(s, L"shadow"), 0);
        SysFreeString(s);
}

static void test_that_null_is_the_empty_string(void **state) {
        (void) state;

        assert_null(SysAllocString(NULL));
        assert_int_equal(SysStringLen(NULL), 0);
        assert_int_equal(SysStringByteLen(NULL), 0);
        SysFreeString(NULL);
}

static void test_that_a_bstr_may_contain_nul_and_any_number_of_bytes(void **state) {
        BSTR s;

        (void) state;

        s = SysAllocStringLen(L"a\0b", 3);
        assert_int_equal(SysStringLen(s), 3);
        assert_memory_equal(s, L"a\0b", 4 * sizeof(WCHAR));
        SysFreeString(s);

        s = SysAllocStringLen(NULL, 2);
        assert_memory_equal(s, L"\0\0", 3 * sizeof(WCHAR));
        SysFreeString(s);

        s = SysAllocStringByteLen("abcde", 5);
        assert_int_equal(SysStringByteLen(s), 5);
        assert_int_equal(SysStringLen(s), 1);
        assert_memory_equal(s, "abcde\0\0\0", 8);
        SysFreeString(s);

        assert_null(SysAllocStringLen(NULL, UINT32_MAX));
}

static void test_that_a_bstr_can_be_replaced(void **state) {
        BSTR s;

        (void) state;

        s = SysAllocString(L"one");
        assert_int_equal(SysReAllocString(&s, L"two and a half"), TRUE);
        assert_int_equal(wcscmp(s, L"two and a half"), 0);
        assert_int_equal(SysReAllocStringLen(&s, s, 3), TRUE); /* a part of itself */
        assert_int_equal(wcscmp(s, L"two"), 0);
        assert_int_equal(SysReAllocString(&s, NULL), TRUE);
        assert_null(s);
        assert_int_equal(SysReAllocString(NULL, L"x"), FALSE);
}

static void test_that_task_memory_grows_and_is_freed(void **state) {
        char *p;

        (void) state;

        p = CoTaskMemAlloc(0);
        assert_non_null(p);
        p = CoTaskMemRealloc(p, 4);
        memcpy(p, "abc", 4);
        p = CoTaskMemRealloc(p, 100000);
        assert_string_equal(p, "abc");
        assert_null(CoTaskMemRealloc(p, 0));

        p = CoTaskMemRealloc(NULL, 1);
        assert_non_null(p);
        CoTaskMemFree(p);
        CoTaskMemFree(NULL);
}

static void test_that_clearing_a_variant_frees_what_it_owns(void **state) {
        VARIANT v;

        (void) state;

        VariantInit(&v);
        assert_int_equal(v.vt, VT_EMPTY);
        assert_int_equal(VariantClear(&v), S_OK);

        v.vt = VT_BSTR;
        v.bstrVal = SysAllocString(L"text");
        assert_int_equal(VariantClear(&v), S_OK);
        assert_int_equal(v.vt, VT_EMPTY);

        v.vt = 0x2000;
        assert_int_equal(VariantClear(&v), DISP_E_BADVARTYPE);
        assert_int_equal(VariantClear(NULL), E_INVALIDARG);
}

static void test_that_a_class_id_is_read_only_in_its_registry_form(void **state) {
        static const struct {
                const WCHAR *text;
                bool valid;
        } cases[] = {
                { L"",                                        false },
                { L"{}",                                      false },
                { L"{00000000-0000-0000-C000-00000000004}",   false }, /* one digit short */
                { L"{00000000-0000-0000-C000-0000000000466}", false }, /* one too many */
                { L"{00000000-0000-0000-C000-000000000046} ", false },
                { L"00000000-0000-0000-C000-000000000046",    false }, /* no braces */
                { L"000000000-0000-0000-C000-00000000004666", false }, /* only the length is right */
                { L"{00000000-0000-0000-C000-0000000000\x1f600""6}", false },
                { L"{00000000-0000-0000-C000-000000000046}",  true  },
                { L"{00000000-0000-0000-c000-000000000046}",  true  }, /* case does not matter */
        };
        GUID guid;

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                const GUID *expected = cases[i].valid ? &IID_IUnknown : &GUID_NULL;

                assert_int_equal(CLSIDFromString(cases[i].text, &guid),
                                 cases[i].valid ? S_OK : CO_E_CLASSSTRING);
                assert_true(IsEqualGUID(&guid, expected));
                assert_int_equal(IIDFromString(cases[i].text, &guid), cases[i].valid ? S_OK : E_INVALIDARG);
                assert_true(IsEqualGUID(&guid, expected));
        }

        guid = IID_IUnknown;
        assert_int_equal(CLSIDFromString(NULL, &guid), S_OK);
        assert_true(IsEqualGUID(&guid, &GUID_NULL));
        assert_int_equal(CLSIDFromString(L"{}", NULL), E_INVALIDARG);
}

static void test_that_a_guid_is_written_in_upper_case_if_there_is_room(void **state) {
        static const GUID guid = {
                0x01234567, 0x89ab, 0xcdef, { 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 }
        };
        WCHAR buffer[40], *text;

        (void) state;

        assert_int_equal(StringFromGUID2(&guid, buffer, 38), 0);
        assert_int_equal(StringFromGUID2(&guid, buffer, 39), 39);
        assert_int_equal(wcscmp(buffer, L"{01234567-89AB-CDEF-FEDC-BA9876543210}"), 0);

        assert_int_equal(StringFromCLSID(&guid, &text), S_OK);
        assert_int_equal(wcscmp(text, buffer), 0);
        CoTaskMemFree(text);

        assert_int_equal(StringFromIID(&guid, NULL), E_INVALIDARG);
}

static void test_that_created_guids_differ(void **state) {
        GUID a, b;

        (void) state;

        assert_int_equal(CoCreateGuid(&a), S_OK);
        assert_int_equal(CoCreateGuid(&b), S_OK);
        assert_false(IsEqualGUID(&a, &b));
        assert_int_equal(CoCreateGuid(NULL), E_INVALIDARG);
}

static void *initialize_on_a_new_thread(void *userdata) {
        *(HRESULT *) userdata = CoInitializeEx(NULL, COINIT_MULTITHREADED);
        return NULL;
}

static void test_that_each_thread_initializes_for_itself(void **state) {
        HRESULT elsewhere = E_FAIL;
        pthread_t thread;

        (void) state;

        assert_int_equal(CoInitialize(NULL), S_OK);
        assert_int_equal(CoInitializeEx(NULL, COINIT_MULTITHREADED), S_FALSE);

        assert_int_equal(pthread_create(&thread, NULL, initialize_on_a_new_thread, &elsewhere), 0);
        pthread_join(thread, NULL);
        assert_int_equal(elsewhere, S_OK);

        CoUninitialize();
        CoUninitialize();
        CoUninitialize(); /* once too often */
        assert_int_equal(CoInitializeEx(NULL, COINIT_MULTITHREADED), S_OK);
        CoUninitialize();
}

static void test_that_security_is_always_well(void **state) {
        (void) state;

        assert_int_equal(CoInitializeSecurity(NULL, -1, NULL, NULL, RPC_C_AUTHN_LEVEL_PKT_PRIVACY,
                                              RPC_C_IMP_LEVEL_IDENTIFY, NULL, EOAC_DYNAMIC_CLOAKING, NULL),
                         S_OK);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_bstr_knows_its_length_in_the_four_bytes_before_it),
                cmocka_unit_test(test_that_null_is_the_empty_string),
                cmocka_unit_test(test_that_a_bstr_may_contain_nul_and_any_number_of_bytes),
                cmocka_unit_test(test_that_a_bstr_can_be_replaced),
                cmocka_unit_test(test_that_task_memory_grows_and_is_freed),
                cmocka_unit_test(test_that_clearing_a_variant_frees_what_it_owns),
                cmocka_unit_test(test_that_a_class_id_is_read_only_in_its_registry_form),
                cmocka_unit_test(test_that_a_guid_is_written_in_upper_case_if_there_is_room),
                cmocka_unit_test(test_that_created_guids_differ),
                cmocka_unit_test(test_that_each_thread_initializes_for_itself),
                cmocka_unit_test(test_that_security_is_always_well),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
