/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ranges: a small language inside an attribute, and its binary twin.
 */

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ranges.h"
#include "lib/test-util.h"

static void test_that_ranges_are_read(void **state) {
        static const struct {
                const char *text;
                size_t n; /* 0: -EINVAL */
                ByteRange ranges[2];
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
                _cleanup_(freep) ByteRange *ranges = NULL;
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

static void test_that_a_ranges_file_is_read(void **state) {
        static const struct {
                uint64_t words[5];
                size_t size;
                size_t n; /* SIZE_MAX: refused */
        } cases[] = {
                { { 0 },                         0,  SIZE_MAX }, /* not even a count */
                { { 0 },                         7,  SIZE_MAX },
                { { 0 },                         8,  0        },
                { { 1, 7, 9 },                   24, 1        },
                { { 2, 7, 9, 0, UINT64_MAX },    40, 2        },
                { { 2, 7, 9, 1, UINT64_MAX },    40, SIZE_MAX }, /* ends beyond 2^64 */
                { { 1, 7, 9 },                   23, SIZE_MAX }, /* cut off */
                { { 1, 7, 9, 0 },                32, SIZE_MAX }, /* and too long */
                { { UINT64_MAX, 7, 9 },          24, SIZE_MAX },
                { { UINT64_MAX / 16 + 1, 7, 9 }, 24, SIZE_MAX }, /* whose size would wrap around */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) ByteRange *ranges = NULL;
                uint64_t words[5];
                size_t n = 99;
                int r;

                for (size_t k = 0; k < ELEMENTSOF(words); ++k)
                        words[k] = htole64(cases[i].words[k]);
                r = ranges_parse_file(words, cases[i].size, &ranges, &n);
                if (r != (cases[i].n == SIZE_MAX ? -EINVAL : 0))
                        fail_msg("case %zu: %d", i, r);
                if (r < 0)
                        continue;
                assert_int_equal(n, cases[i].n);
                for (size_t k = 0; k < n; ++k) {
                        assert_int_equal(ranges[k].offset, cases[i].words[1 + 2 * k]);
                        assert_int_equal(ranges[k].length, cases[i].words[2 + 2 * k]);
                }
        }
}

static void test_that_ranges_are_put_in_order_and_joined(void **state) {
        static const struct {
                const char *text;
                uint64_t end;
                const char *merged;
        } cases[] = {
                { "5:0",                       100, ""              },
                { "5:5,0:5",                   100, "0:10 "         },
                { "0:5,6:5",                   100, "0:5 6:5 "      },
                { "0:100,10:5,20:90",          200, "0:110 "        },
                { "0:10,5:1000",               20,  "0:20 "         },
                { "30:5",                      20,  ""              },
                { "18446744073709551614:1",    9,   ""              },
                { "7:1,7:1,7:2,3:1,9:1",       100, "3:1 7:3 "      },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) ByteRange *ranges = NULL;
                char text[256] = "";
                size_t n;

                assert_int_equal(ranges_parse(cases[i].text, &ranges, &n), 0);
                n = ranges_merge(ranges, n, cases[i].end);
                for (size_t k = 0; k < n; ++k)
                        (void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "%" PRIu64 ":%" PRIu64 " ",
                                        ranges[k].offset, ranges[k].length);
                assert_string_equal(text, cases[i].merged);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_ranges_are_read),
                cmocka_unit_test(test_that_a_ranges_file_is_told_from_ranges),
                cmocka_unit_test(test_that_a_ranges_file_is_read),
                cmocka_unit_test(test_that_ranges_are_put_in_order_and_joined),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
