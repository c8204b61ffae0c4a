/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ranges and Base64: small languages inside the attributes.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "doc/ranges.h"
#include "doc/xml-util.h"
#include "lib/test-util.h"

static void test_that_ranges_are_read(void **state) {
        static const struct {
                const char *text;
                size_t n; /* 0: -EINVAL */
                DocRange ranges[2];
        } cases[] = {
                { "",                               0, { { 0 } } },
                { " ",                              0, { { 0 } } },
                { ",",                              0, { { 0 } } },
                { "1",                              0, { { 0 } } },
                { "1:",                             0, { { 0 } } },
                { ":1",                             0, { { 0 } } },
                { "0x:1",                           0, { { 0 } } },
                { "a:1",                            0, { { 0 } } },
                { "-1:1",                           0, { { 0 } } },
                { "1:1 2:2",                        0, { { 0 } } },
                { "1:1;2:2",                        0, { { 0 } } },
                { "1:1,,2:2",                       0, { { 0 } } },
                { "1:2:3",                          0, { { 0 } } },
                { "18446744073709551616:0",         0, { { 0 } } },
                { "0x10000000000000000:0",          0, { { 0 } } },
                { "18446744073709551615:1",         0, { { 0 } } }, /* ends beyond */
                { "18446744073709551615:0",         1, { { UINT64_MAX, 0 } } },
                { "0:18446744073709551615",         1, { { 0, UINT64_MAX } } },
                { "0:1",                            1, { { 0, 1 } } },
                { " 0 : 1 ",                        1, { { 0, 1 } } },
                { "0x10:0XfF",                      1, { { 16, 255 } } },
                { "0:4096,8192:100",                2, { { 0, 4096 }, { 8192, 100 } } },
                { "0:4096, 8192:100,",              2, { { 0, 4096 }, { 8192, 100 } } },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) DocRange *ranges = NULL;
                size_t n = 0;

                if (ranges_parse(cases[i].text, &ranges, &n) != (cases[i].n ? 0 : -EINVAL))
                        fail_msg("'%s'", cases[i].text);

                assert_int_equal(n, cases[i].n);
                for (size_t k = 0; k < n; ++k) {
                        assert_true(ranges[k].offset == cases[i].ranges[k].offset);
                        assert_true(ranges[k].length == cases[i].ranges[k].length);
                }
        }
}

static void test_that_a_ranges_file_is_told_from_ranges(void **state) {
        static const struct {
                const char *text, *path; /* NULL: none */
        } cases[] = {
                { "0:1",                   NULL                },
                { "",                      NULL                },
                { "File=",                 NULL                },
                { "/var/tmp/r",            "/var/tmp/r"        },
                { "\\\\?\\Volume{1}\\r",   "\\\\?\\Volume{1}\\r" },
                { "File=/var/tmp/r",       "/var/tmp/r"        },
                { "file=r",                "r"                 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                const char *path = NULL;

                assert_true(ranges_are_in_file(cases[i].text, &path) == !!cases[i].path);
                if (cases[i].path)
                        assert_string_equal(path, cases[i].path);
        }
}

static void test_that_base64_is_what_everybody_calls_so(void **state) {
        static const struct {
                const char *plain, *text;
        } cases[] = {
                { "",       ""         },
                { "f",      "Zg=="     },
                { "fo",     "Zm8="     },
                { "foo",    "Zm9v"     },
                { "foob",   "Zm9vYg==" },
                { "fooba",  "Zm9vYmE=" },
                { "foobar", "Zm9vYmFy" },
                { "\xFB\xFF\xFE", "+//+" },
        };
        static const char *const bad[] = {
                "Z",    "Zg",   "Zg=",      "Zg===", "Zh==", "Zm9=",   "=g==",
                "Z===", "====", "Zg==Zg==", "Z g=",  "Zm8-", "Zm9v\n", "=",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) uint8_t *data = NULL;
                _cleanup_(freep) char *text = NULL;
                size_t size = 1000;

                assert_int_equal(base64_encode(cases[i].plain, strlen(cases[i].plain), &text), 0);
                assert_string_equal(text, cases[i].text);
                assert_int_equal(base64_decode(text, &data, &size), 0);
                assert_int_equal(size, strlen(cases[i].plain));
                assert_memory_equal(data, cases[i].plain, size);
        }

        for (size_t i = 0; i < ELEMENTSOF(bad); ++i) {
                uint8_t *data = NULL;
                size_t size;

                if (base64_decode(bad[i], &data, &size) != -EINVAL)
                        fail_msg("'%s'", bad[i]);
                assert_null(data);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_ranges_are_read),
                cmocka_unit_test(test_that_a_ranges_file_is_told_from_ranges),
                cmocka_unit_test(test_that_base64_is_what_everybody_calls_so),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
