/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How often somebody looks after a snapshot that fills up.
 */

#include "coordinator/snapshot-watch.h"
#include "lib/test-util.h"

static void test_that_what_fills_fast_is_looked_at_often(void **state) {
        static const struct {
                const char *what;
                unsigned before, now;
                usec_t passed, wait;
        } cases[] = {
                { "it was made larger as it fills",   800, 400,  10 * USEC_PER_SEC,  1 * USEC_PER_SEC  },
                { "nothing is written",               100, 100,  10 * USEC_PER_SEC,  10 * USEC_PER_SEC },
                { "no time has passed",               100, 200,  0,                  10 * USEC_PER_SEC },
                { "a permille a second, half left",   499, 500,  1 * USEC_PER_SEC,   10 * USEC_PER_SEC },
                { "fifty a second, half left",        450, 500,  1 * USEC_PER_SEC,   5 * USEC_PER_SEC  },
                { "a hundred a second, little left",  800, 900,  1 * USEC_PER_SEC,   1 * USEC_PER_SEC  },
                { "full",                             900, 1000, 1 * USEC_PER_SEC,   1 * USEC_PER_SEC  },
                { "more than full",                   900, 1100, 1 * USEC_PER_SEC,   1 * USEC_PER_SEC  },
                { "slowly",                           500, 501,  10 * USEC_PER_SEC,  10 * USEC_PER_SEC },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                usec_t wait = snapshot_watch_interval(cases[i].before, cases[i].now, cases[i].passed);

                if (wait != cases[i].wait)
                        fail_msg("%s: %llu us", cases[i].what, (unsigned long long) wait);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_what_fills_fast_is_looked_at_often),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
