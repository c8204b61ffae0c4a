/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * BSTR: the layout that programs from Windows look at, and the bridges to UTF-8.
 */

#include <errno.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/bstr.h"
#include "lib/test-util.h"

static void test_that_the_length_in_bytes_stands_before_the_characters(void **state) {
        static const struct {
                const WCHAR *chars;
                size_t n;
        } cases[] = {
                { L"",     0 },
                { NULL,    0 },
                { NULL,    3 }, /* three zeros */
                { L"a\0b", 3 }, /* a NUL inside counts */
                { L"/srv", 4 },
                { L"/srv", 2 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(bstr_freep) BSTR s = bstr_alloc(cases[i].chars, cases[i].n);
                uint32_t length;

                assert_non_null(s);
                memcpy(&length, (const char *) s - 4, sizeof(length));
                assert_int_equal(length, cases[i].n * sizeof(WCHAR));
                assert_int_equal(bstr_length(s), cases[i].n);
                assert_int_equal(s[cases[i].n], 0);

                for (size_t k = 0; k < cases[i].n; ++k)
                        assert_int_equal(s[k], cases[i].chars ? cases[i].chars[k] : 0);
        }
}

static void test_that_a_length_which_does_not_fit_is_out_of_memory(void **state) {
        static const size_t cases[] = { SIZE_MAX, SIZE_MAX / sizeof(WCHAR), UINT32_MAX, UINT32_MAX / 4 };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_null(bstr_alloc(NULL, cases[i]));
}

static void test_that_utf8_crosses_the_bridge_and_back(void **state) {
        static const char *const cases[] = { NULL, "", "\xFF", "/srv/\xC3\xBC", "a\x01" };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(bstr_freep) BSTR s = NULL;
                _cleanup_(freep) char *bytes = NULL;

                assert_int_equal(bstr_from_utf8(cases[i], &s), 0);
                assert_int_equal(utf8_from_bstr(s, &bytes), 0);
                if (cases[i])
                        assert_string_equal(bytes, cases[i]);
                else {
                        assert_null(s);
                        assert_null(bytes);
                }
        }
}

static void test_that_a_nul_inside_does_not_become_utf8(void **state) {
        _cleanup_(bstr_freep) BSTR s = bstr_alloc(L"a\0b", 3);
        char *bytes = NULL;

        assert_int_equal(utf8_from_bstr(s, &bytes), -EILSEQ);
        assert_null(bytes);
}

static void test_that_no_string_is_an_empty_string(void **state) {
        assert_int_equal(bstr_length(NULL), 0);
        bstr_free(NULL);
}

static void test_that_bstr_survives_any_failed_allocation(void **state) {
        int r = -ENOMEM;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                _cleanup_(bstr_freep) BSTR s = NULL;
                _cleanup_(freep) char *bytes = NULL;

                fault_fail_allocation(n);
                r = bstr_from_utf8("/srv", &s);
                if (r == 0)
                        r = utf8_from_bstr(s, &bytes);
                fault_clear();

                assert_int_equal(!bytes, r != 0);
        }

        assert_int_equal(r, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_the_length_in_bytes_stands_before_the_characters),
                cmocka_unit_test(test_that_a_length_which_does_not_fit_is_out_of_memory),
                cmocka_unit_test(test_that_utf8_crosses_the_bridge_and_back),
                cmocka_unit_test(test_that_a_nul_inside_does_not_become_utf8),
                cmocka_unit_test(test_that_no_string_is_an_empty_string),
                cmocka_unit_test(test_that_bstr_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
