/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Vectors of strings: what the empty one looks like, who owns what when memory is short.
 */

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "lib/test-util.h"

/* What a vector is, in one string. */
static void assert_joined(char *const *v, const char *expected) {
        _cleanup_(freep) char *joined = strv_join(v, "|");

        assert_non_null(joined);
        assert_string_equal(joined, expected);
}

static void test_that_empty_fields_are_dropped_when_splitting(void **state) {
        static const struct {
                const char *text, *separators, *joined;
                size_t n;
        } cases[] = {
                { "",              ":",  "",          0 },
                { ":::",           ":",  "",          0 },
                { ":a",            ":",  "a",         1 },
                { "a:",            ":",  "a",         1 },
                { "::a:,b::",      ":,", "a|b",       2 },
                { "/srv /var lib", " ",  "/srv|/var|lib", 3 },
                { "a:b",           "",   "a:b",       1 }, /* no separators: one field */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(strv_freep) char **v = NULL;

                assert_int_equal(strv_split(cases[i].text, cases[i].separators, &v), 0);
                assert_int_equal(strv_length(v), cases[i].n);
                assert_int_equal(!v, cases[i].n == 0);
                assert_joined(v, cases[i].joined);
        }
}

static void test_that_no_vector_is_an_empty_vector(void **state) {
        char *nothing[] = { NULL };
        char **copy = nothing;

        assert_int_equal(strv_length(NULL), 0);
        assert_false(strv_contains(NULL, ""));
        assert_joined(NULL, "");
        assert_joined(nothing, "");
        strv_sort(NULL);
        assert_null(strv_free(NULL));

        assert_int_equal(strv_copy(NULL, &copy), 0);
        assert_null(copy);

        copy = nothing;
        assert_int_equal(strv_copy(nothing, &copy), 0);
        assert_null(copy);

        STRV_FOREACH(s, copy)
                fail();
}

static void test_that_a_vector_holds_copies(void **state) {
        _cleanup_(strv_freep) char **v = NULL, **copy = NULL;
        char text[] = "a";

        assert_int_equal(strv_append(&v, text), 0);
        text[0] = 'x';
        assert_int_equal(strv_append(&v, ""), 0);
        assert_int_equal(strv_append(&v, "b"), 0);
        assert_joined(v, "a||b");

        assert_int_equal(strv_copy(v, &copy), 0);
        assert_ptr_not_equal(v[0], copy[0]);
        assert_joined(copy, "a||b");
        assert_true(strv_contains(copy, ""));
        assert_true(strv_contains(copy, "b"));
        assert_false(strv_contains(copy, "c"));
}

static void test_that_sorting_is_by_bytes(void **state) {
        _cleanup_(strv_freep) char **v = NULL;

        assert_int_equal(strv_split("b,ä,B,a,a,Z", ",", &v), 0);
        strv_sort(v);
        assert_joined(v, "B|Z|a|a|b|ä");
}

static int do_everything(char ***v) {
        _cleanup_(strv_freep) char **fields = NULL, **copy = NULL;
        _cleanup_(freep) char *joined = NULL;
        char *s = NULL;
        int r;

        r = strv_split("b c", " ", &fields);
        if (r < 0)
                return r;

        r = strv_copy(fields, &copy);
        if (r < 0)
                return r;

        r = strv_append(v, copy[0]);
        if (r < 0)
                return r;

        r = strdup_to("d", &s);
        if (r < 0)
                return r;

        r = strv_consume(v, s);
        if (r < 0)
                return r;

        joined = strv_join(*v, " ");
        return joined ? 0 : -ENOMEM;
}

static void test_that_vectors_survive_any_failed_allocation(void **state) {
        int r = -ENOMEM;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                _cleanup_(strv_freep) char **v = NULL;

                assert_int_equal(strv_append(&v, "a"), 0);

                fault_fail_allocation(n);
                r = do_everything(&v);
                fault_clear();

                assert_string_equal(v[0], "a");
                if (r == 0)
                        assert_joined(v, "a|b|d");
        }

        assert_int_equal(r, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_empty_fields_are_dropped_when_splitting),
                cmocka_unit_test(test_that_no_vector_is_an_empty_vector),
                cmocka_unit_test(test_that_a_vector_holds_copies),
                cmocka_unit_test(test_that_sorting_is_by_bytes),
                cmocka_unit_test(test_that_vectors_survive_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
