/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Time: no conversion overflows, and what is printed is the same on every machine.
 */

#include <errno.h>
#include <locale.h>
#include <stdlib.h>

#include "base/time-util.h"
#include "lib/test-util.h"

/* 2026-03-01 12:00:00 UTC */
#define NOON_SEC INT64_C(1772366400)

static void test_that_adding_stops_at_infinity(void **state) {
        assert_int_equal(usec_add(USEC_INFINITY, 1), USEC_INFINITY);
        assert_int_equal(usec_add(1, USEC_INFINITY), USEC_INFINITY);
        assert_int_equal(usec_add(USEC_INFINITY - 1, 1), USEC_INFINITY);
        assert_int_equal(usec_add(USEC_INFINITY - 1, 2), USEC_INFINITY);
        assert_int_equal(usec_add(1, 2), 3);
}

static void test_that_timespec_is_converted_without_overflow(void **state) {
        static const struct {
                struct timespec ts;
                usec_t usec;
        } cases[] = {
                { { .tv_sec = -1, .tv_nsec = 999999999 }, 0 },
                { { .tv_sec = INT64_MIN }, 0 },
                { { .tv_sec = INT64_MAX }, USEC_INFINITY },
                { { .tv_sec = 0, .tv_nsec = 0 }, 0 },
                { { .tv_sec = 0, .tv_nsec = 999 }, 0 },
                { { .tv_sec = 1, .tv_nsec = 999999999 }, 1999999 },
        };
        static const usec_t there_and_back[] = { USEC_INFINITY, USEC_INFINITY - 1, 0, 1, 999999, 1000000 };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(usec_from_timespec(&cases[i].ts), cases[i].usec);

        for (size_t i = 0; i < ELEMENTSOF(there_and_back); ++i) {
                struct timespec ts = timespec_from_usec(there_and_back[i]);

                assert_in_range(ts.tv_nsec, 0, 999999999);
                assert_int_equal(usec_from_timespec(&ts), there_and_back[i]);
        }
}

static void test_that_filetime_counts_from_1601(void **state) {
        static const struct {
                struct timespec ts;
                int64_t filetime;
        } cases[] = {
                { { .tv_sec = INT64_MIN }, 0 },
                { { .tv_sec = INT64_MAX }, INT64_MAX },
                { { .tv_sec = INT64_C(910692730086) }, INT64_MAX }, /* just over */
                { { .tv_sec = INT64_C(-11644473601) }, 0 }, /* 1600 */
                { { .tv_sec = INT64_C(-11644473600) }, 0 }, /* 1601 */
                { { .tv_sec = INT64_C(-11644473600), .tv_nsec = 100 }, 1 },
                { { .tv_sec = 0 }, INT64_C(116444736000000000) },
                { { .tv_sec = 0, .tv_nsec = 199 }, INT64_C(116444736000000001) },
                { { .tv_sec = NOON_SEC }, INT64_C(134168400000000000) },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(filetime_from_timespec(&cases[i].ts), cases[i].filetime);
}

static void test_that_filetime_comes_back_as_the_same_microsecond(void **state) {
        static const usec_t same[] = { 0, 1, 999999, NOON_SEC * USEC_PER_SEC + 123456 };
        static const struct {
                int64_t filetime;
                usec_t usec;
        } cases[] = {
                { INT64_MIN,                       0                             },
                { -1,                              0                             },
                { 0,                               0                             },
                { INT64_C(116444735999999999),     0                             },
                { INT64_C(116444736000000009),     0                             },
                { INT64_C(116444736000000010),     1                             },
                { INT64_MAX,                       UINT64_C(910692730085477580)  },
        };

        for (size_t i = 0; i < ELEMENTSOF(same); ++i)
                assert_int_equal(usec_from_filetime(filetime_from_usec(same[i])), same[i]);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(usec_from_filetime(cases[i].filetime), cases[i].usec);
        assert_int_equal(filetime_from_usec(USEC_INFINITY), INT64_MAX);
}

static void test_that_timestamps_are_utc(void **state) {
        static const struct {
                usec_t usec;
                const char *text, *instant;
        } cases[] = {
                { USEC_INFINITY,                     "never",                     "never"                         },
                { USEC_INFINITY - 1,                 "586524-01-19 08:01:49 UTC", "586524-01-19T08:01:49.551614Z" },
                { 0,                                 "1970-01-01 00:00:00 UTC",   "1970-01-01T00:00:00.000000Z"   },
                { NOON_SEC * USEC_PER_SEC + 999999,  "2026-03-01 12:00:00 UTC",   "2026-03-01T12:00:00.999999Z"   },
        };

        (void) setenv("TZ", "Asia/Kathmandu", 1);
        tzset();

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                char buffer[TIMESTAMP_STRING_MAX];

                assert_string_equal(timestamp_to_string(cases[i].usec, buffer), cases[i].text);
                assert_string_equal(instant_to_string(cases[i].usec, buffer), cases[i].instant);
        }
}

static void test_that_an_instant_is_read_as_it_is_written(void **state) {
        static const char *const others[] = {
                "", "never", "2026-03-01", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00.5Z", "2026-03-01T12:00:00.000000",
                "2026-03-01T12:00:00.000000Z ", "2026-02-30T12:00:00.000000Z", "2026-13-01T12:00:00.000000Z",
                "1969-12-31T23:59:59.000000Z", "2026-03-01T12:00:00.000000+01:00", "99999999999-03-01T12:00:00.000000Z",
        };
        static const usec_t instants[] = { 0, 1, NOON_SEC * USEC_PER_SEC + 999999 };
        char buffer[TIMESTAMP_STRING_MAX];
        usec_t usec;

        for (size_t i = 0; i < ELEMENTSOF(instants); ++i) {
                assert_int_equal(instant_from_string(instant_to_string(instants[i], buffer), &usec), 0);
                assert_int_equal(usec, instants[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(others); ++i)
                if (instant_from_string(others[i], &usec) != -EINVAL)
                        fail_msg("'%s' is taken", others[i]);
}

static void test_that_spans_are_for_people(void **state) {
        static const struct {
                usec_t usec;
                const char *text;
        } cases[] = {
                { USEC_INFINITY,           "forever"          },
                { USEC_INFINITY - 1,       "5124095576 h 1 min" },
                { 0,                       "0 µs"             },
                { 999,                     "999 µs"           },
                { 1000,                    "1.000 ms"         },
                { 1234,                    "1.234 ms"         },
                { 999999,                  "999.999 ms"       },
                { 1000000,                 "1.0 s"            },
                { 12049999,                "12.0 s"           },
                { 59999999,                "59.9 s"           },
                { 60000000,                "1 min 0 s"        },
                { 125000000,               "2 min 5 s"        },
                { 3599999999,              "59 min 59 s"      },
                { UINT64_C(12000000000),   "3 h 20 min"       },
        };

        /* A comma for a decimal point, where this locale is installed. */
        (void) setlocale(LC_ALL, "de_DE.UTF-8");

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                char buffer[SPAN_STRING_MAX];

                assert_string_equal(span_to_string(cases[i].usec, buffer), cases[i].text);
        }
}

static void test_that_the_clock_moves_forward(void **state) {
        usec_t before = now_usec(CLOCK_MONOTONIC), after = now_usec(CLOCK_MONOTONIC);

        assert_true(before > 0);
        assert_true(after >= before);
        assert_true(now_usec(CLOCK_REALTIME) > UINT64_C(1700000000) * USEC_PER_SEC);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_adding_stops_at_infinity),
                cmocka_unit_test(test_that_timespec_is_converted_without_overflow),
                cmocka_unit_test(test_that_filetime_counts_from_1601),
                cmocka_unit_test(test_that_filetime_comes_back_as_the_same_microsecond),
                cmocka_unit_test(test_that_timestamps_are_utc),
                cmocka_unit_test(test_that_an_instant_is_read_as_it_is_written),
                cmocka_unit_test(test_that_spans_are_for_people),
                cmocka_unit_test(test_that_the_clock_moves_forward),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
