/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * GUIDs: one text form out, few forms in, and names that others can compute as well.
 */

#include <errno.h>
#include <string.h>

#include "base/guid.h"
#include "lib/test-util.h"

/* IID_IUnknown, as everybody knows it. */
static const GUID unknown = { 0x00000000, 0x0000, 0x0000, { 0xC0, 0, 0, 0, 0, 0, 0, 0x46 } };

/* The name space of domain names, RFC 9562 6.6. */
static const GUID space_dns = {
        0x6ba7b810, 0x9dad, 0x11d1, { 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 },
};

static void test_that_only_whole_guids_are_parsed(void **state) {
        static const struct {
                const char *text;
                int r;
        } cases[] = {
                { NULL,                                      -EINVAL },
                { "",                                        -EINVAL },
                { "{}",                                      -EINVAL },
                { "{",                                       -EINVAL },
                { "{00000000-0000-0000-C000-00000000004}",   -EINVAL }, /* one digit short */
                { "{00000000-0000-0000-C000-000000000046",   -EINVAL }, /* half a pair of braces */
                { "00000000-0000-0000-C000-000000000046}",   -EINVAL },
                { "{00000000-0000-0000-C000-000000000046} ", -EINVAL },
                { " 00000000-0000-0000-C000-000000000046",   -EINVAL },
                { "00000000-0000-0000-C000-0000000000460",   -EINVAL },
                { "000000000000-0000-C000-000000000046",     -EINVAL },
                { "00000000-0000-0000-C000000000000046",     -EINVAL },
                { "00000000_0000_0000_C000_000000000046",    -EINVAL },
                { "0x000000-0000-0000-C000-000000000046",    -EINVAL },
                { "g0000000-0000-0000-C000-000000000046",    -EINVAL },
                { "{00000000-0000-0000-C000-000000000046}",  0       },
                { "{00000000-0000-0000-c000-000000000046}",  0       },
                { "00000000-0000-0000-C000-000000000046",    0       },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                GUID guid = space_dns;

                assert_int_equal(guid_from_string(cases[i].text, &guid), cases[i].r);
                assert_true(guid_equal(&guid, cases[i].r == 0 ? &unknown : &space_dns));
        }
}

static void test_that_every_field_has_its_place_in_the_text(void **state) {
        static const GUID counting = {
                0x01234567, 0x89ab, 0xcdef, { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef },
        };
        GUID parsed;

        assert_string_equal(GUID_TO_STRING(&counting), "01234567-89ab-cdef-0123-456789abcdef");
        assert_int_equal(guid_from_string("{01234567-89AB-CDEF-0123-456789ABCDEF}", &parsed), 0);
        assert_int_equal(parsed.Data1, counting.Data1);
        assert_int_equal(parsed.Data2, counting.Data2);
        assert_int_equal(parsed.Data3, counting.Data3);
        assert_memory_equal(parsed.Data4, counting.Data4, sizeof(counting.Data4));
}

static void test_that_generated_guids_differ_and_say_so(void **state) {
        GUID guids[100];

        for (size_t i = 0; i < ELEMENTSOF(guids); ++i) {
                GUID parsed;

                guid_generate(&guids[i]);
                assert_int_equal(guids[i].Data3 >> 12, 4);
                assert_int_equal(guids[i].Data4[0] & 0xC0, 0x80);
                assert_int_equal(guid_from_string(GUID_TO_STRING(&guids[i]), &parsed), 0);
                assert_true(guid_equal(&guids[i], &parsed));

                for (size_t k = 0; k < i; ++k)
                        assert_false(guid_equal(&guids[i], &guids[k]));
        }
}

static void test_that_named_guids_are_those_of_uuidgen(void **state) {
        static const struct {
                const char *name, *guid;
        } cases[] = {
                { "",                "4ebd0208-8328-5d69-8c44-ec50939c0967" },
                { "\xC3\xBC",        "ad6339e7-66ab-5d3c-be44-818ca72b7a8f" },
                { "www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2" }, /* RFC 9562 A.4 */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                GUID guid;

                guid_from_name(&space_dns, cases[i].name, &guid);
                assert_string_equal(GUID_TO_STRING(&guid), cases[i].guid);
        }
}

/* Sixteen bytes of name space come first; the last block of the hash holds at most 55 of what is hashed. */
static void test_that_names_of_any_length_fill_their_blocks(void **state) {
        static const struct {
                size_t n; /* times 'x' */
                const char *guid;
        } cases[] = {
                { 39,  "2f80c0d1-1c62-579f-8d68-e61ad5592c9b" },
                { 40,  "e56fd57a-7633-5e1d-8f80-70e05ac413e5" },
                { 47,  "a112377b-8258-5ef7-b5b0-d2540bc03abb" },
                { 48,  "83993b6c-dea9-55ca-be5b-9989c85943fc" },
                { 49,  "a0f0b33b-afbf-5cad-b334-d8140d5af575" },
                { 103, "69b5a616-6ae8-5c37-8b46-37d527314c4d" },
                { 104, "c917ca2c-8395-5e00-8f28-a898d41a4b8d" },
                { 112, "0243b19e-8bd4-5b57-95a2-1fcacc3142a0" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                char name[128] = { 0 };
                GUID guid;

                memset(name, 'x', cases[i].n);
                guid_from_name(&space_dns, name, &guid);
                assert_string_equal(GUID_TO_STRING(&guid), cases[i].guid);
        }
}

static void test_that_the_same_name_in_another_space_is_another_guid(void **state) {
        GUID a, b;

        guid_from_name(&space_dns, "/srv", &a);
        guid_from_name(&unknown, "/srv", &b);
        assert_false(guid_equal(&a, &b));
}

static void test_that_hashes_of_similar_guids_spread(void **state) {
        unsigned used[64] = { 0 };

        /* Interface ids of one header differ in one digit. */
        for (unsigned i = 0; i < 256; ++i) {
                GUID guid = space_dns;

                guid.Data1 += i;
                ++used[guid_hash(&guid) % ELEMENTSOF(used)];
        }

        for (size_t i = 0; i < ELEMENTSOF(used); ++i)
                assert_in_range(used[i], 0, 16);
        assert_int_equal(guid_hash(&unknown), guid_hash(&(GUID){ .Data4 = { 0xC0, [7] = 0x46 } }));
}

static void test_that_null_is_all_zero(void **state) {
        static const GUID null = { 0 };

        assert_true(guid_is_null(&null));
        assert_false(guid_is_null(&unknown));
        assert_string_equal(GUID_TO_STRING(&null), "00000000-0000-0000-0000-000000000000");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_only_whole_guids_are_parsed),
                cmocka_unit_test(test_that_every_field_has_its_place_in_the_text),
                cmocka_unit_test(test_that_generated_guids_differ_and_say_so),
                cmocka_unit_test(test_that_named_guids_are_those_of_uuidgen),
                cmocka_unit_test(test_that_names_of_any_length_fill_their_blocks),
                cmocka_unit_test(test_that_the_same_name_in_another_space_is_another_guid),
                cmocka_unit_test(test_that_hashes_of_similar_guids_spread),
                cmocka_unit_test(test_that_null_is_all_zero),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
