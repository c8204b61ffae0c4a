/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whether sizes are checked, and whether an allocation fails when a test says so and at no other time: all
 * loops that let the rest of the house run out of memory rely on that.
 */

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "lib/test-util.h"

static void test_that_a_size_which_overflows_is_out_of_memory(void **state) {
        static const struct {
                size_t n, size;
        } cases[] = {
                { SIZE_MAX, 2 },
                { SIZE_MAX / 2 + 1, 2 },
                { SIZE_MAX / 8 + 1, 8 },
                { SIZE_MAX, SIZE_MAX },
        };
        void *array = NULL;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                size_t capacity = 0;

                assert_null(calloc_checked(cases[i].n, cases[i].size));
                assert_null(realloc_checked(NULL, cases[i].n, cases[i].size));

                assert_int_equal(array_reserve(&array, &capacity, cases[i].n, cases[i].size), -ENOMEM);
                assert_null(array);
                assert_int_equal(capacity, 0);
        }
}

static void test_that_an_array_keeps_what_it_has_and_gets_zeros(void **state) {
        _cleanup_(freep) unsigned *array = NULL;
        size_t capacity = 0;

        for (unsigned n = 0; n < 1000; ++n) {
                assert_int_equal(ARRAY_RESERVE(array, capacity, n + 1), 0);
                assert_true(capacity > n);

                for (size_t i = n; i < capacity; ++i)
                        assert_int_equal(array[i], 0);
                array[n] = n + 1;
        }

        for (unsigned i = 0; i < 1000; ++i)
                assert_int_equal(array[i], i + 1);
}

static void test_that_an_array_with_room_is_left_alone(void **state) {
        _cleanup_(freep) unsigned *array = NULL;
        size_t capacity = 0;
        unsigned *before;

        assert_int_equal(ARRAY_RESERVE(array, capacity, 0), 0);
        assert_null(array);

        assert_int_equal(ARRAY_RESERVE(array, capacity, 10), 0);
        before = array;
        assert_int_equal(ARRAY_RESERVE(array, capacity, 10), 0);
        assert_ptr_equal(array, before);
        assert_int_equal(capacity, 10);
}

static void test_that_no_string_is_copied_as_no_string(void **state) {
        char untouched[1], *s = untouched;

        assert_int_equal(strdup_to(NULL, &s), 0);
        assert_null(s);

        assert_int_equal(strdup_to("", &s), 0);
        assert_string_equal(s, "");
        free(s);
}

static void test_that_a_string_may_be_replaced_by_a_part_of_itself(void **state) {
        _cleanup_(freep) char *s = NULL;

        assert_int_equal(free_and_strdup(&s, "/srv/data"), 0);
        assert_int_equal(free_and_strdup(&s, s + 5), 0);
        assert_string_equal(s, "data");
        assert_int_equal(free_and_strdup(&s, NULL), 0);
        assert_null(s);
}

static void test_that_the_allocation_asked_for_fails_and_no_other(void **state) {
        void *p;

        for (unsigned n = 0; n < 10; ++n) {
                fault_fail_allocation(n);

                for (unsigned i = 0; i < 20; ++i) {
                        p = calloc_checked(1, 1);
                        assert_int_equal(!p, i == n);
                        free(p);
                }
        }

        fault_fail_allocation(0);
        fault_clear();
        p = calloc_checked(1, 1);
        assert_non_null(p);
        free(p);
}

/* Every function once, in a row; each round has one more succeed. */
static int do_everything(void) {
        _cleanup_(freep) char *a = NULL, *b = NULL, *c = NULL;
        _cleanup_(freep) int *array = NULL;
        _cleanup_(freep) void *room = NULL;
        size_t capacity = 0;
        int r;

        r = strdup_to("a", &a);
        if (r < 0)
                return r;
        r = free_and_strdup(&b, "b");
        if (r < 0)
                return r;
        r = format_to(&c, "%s%s", a, b);
        if (r < 0)
                return r;
        assert_string_equal(c, "ab");
        r = ARRAY_RESERVE(array, capacity, 100);
        if (r < 0)
                return r;
        room = calloc_checked(1, 1);
        return room ? 0 : -ENOMEM;
}

static void test_that_each_function_survives_a_failed_allocation(void **state) {
        unsigned rounds = 0;
        int r = -ENOMEM;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                fault_fail_allocation(n);
                r = do_everything();
                fault_clear();
                ++rounds;
        }

        assert_int_equal(r, 0);
        assert_int_equal(rounds, 6); /* five allocations, and the round in which none fails */
}

static void test_that_a_failed_allocation_leaves_things_as_they_were(void **state) {
        _cleanup_(freep) char *s = NULL, *formatted = NULL;
        _cleanup_(freep) int *array = NULL;
        size_t capacity = 0;

        assert_int_equal(free_and_strdup(&s, "before"), 0);
        fault_fail_allocation(0);
        assert_int_equal(free_and_strdup(&s, "after"), -ENOMEM);
        assert_string_equal(s, "before");

        assert_int_equal(ARRAY_RESERVE(array, capacity, 1), 0);
        array[0] = 7;
        fault_fail_allocation(0);
        assert_int_equal(ARRAY_RESERVE(array, capacity, 2), -ENOMEM);
        assert_int_equal(array[0], 7);
        assert_int_equal(capacity, 1);

        fault_fail_allocation(0);
        assert_int_equal(format_to(&formatted, "%d", 1), -ENOMEM);
        assert_null(formatted);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_size_which_overflows_is_out_of_memory),
                cmocka_unit_test(test_that_an_array_keeps_what_it_has_and_gets_zeros),
                cmocka_unit_test(test_that_an_array_with_room_is_left_alone),
                cmocka_unit_test(test_that_no_string_is_copied_as_no_string),
                cmocka_unit_test(test_that_a_string_may_be_replaced_by_a_part_of_itself),
                cmocka_unit_test(test_that_the_allocation_asked_for_fails_and_no_other),
                cmocka_unit_test(test_that_each_function_survives_a_failed_allocation),
                cmocka_unit_test(test_that_a_failed_allocation_leaves_things_as_they_were),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
