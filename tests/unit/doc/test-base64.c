/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Base64: bytes inside an attribute.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "doc/xml-util.h"
#include "lib/test-util.h"

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
                cmocka_unit_test(test_that_base64_is_what_everybody_calls_so),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
