/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the device mapper says of a store or a pool: how full that is, and whether somebody looks into it.
 */

#include "providers/lvm/lvm-mapper.h"

#include "lib/test-util.h"

static void test_that_the_device_mapper_is_understood(void **state) {
        static const struct {
                const char *what, *type, *status;
                int r;
                unsigned permille;
        } cases[] = {
                { "lost",                     "snapshot",  "Invalid",                                                    -EBADMSG, 0    },
                { "lost, and full",           "snapshot",  "Overflow",                                                   -EBADMSG, 0    },
                { "nothing",                  "snapshot",  "",                                                           -EBADMSG, 0    },
                { "no size",                  "snapshot",  "0/0 0",                                                      0,        1000 },
                { "new",                      "snapshot",  "32/524288 32",                                               0,        0    },
                { "a part",                   "snapshot",  "393216/524288 784",                                          0,        750  },
                { "larger than numbers are",  "snapshot",  "9223372036854775808/18446744073709551615 16",                0,        500  },
                { "more than there is",       "snapshot",  "524289/524288 1024",                                         0,        1000 },
                { "broken",                   "thin-pool", "Fail",                                                       -EBADMSG, 0    },
                { "its data",                 "thin-pool", "3 100/1024 5632/6400 - rw discard_passdown queue_if_no_space - 1024", 0, 880 },
                { "its metadata",             "thin-pool", "3 922/1024 10/6400 - rw discard_passdown queue_if_no_space - 1024",   0, 900 },
                { "nothing more fits in",     "thin-pool", "3 100/1024 6400/6400 - out_of_data_space discard_passdown",  0,        1000 },
                { "no pool and no store",     "linear",    "1/2 3",                                                      -EBADMSG, 0    },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                unsigned permille = 0;
                int r = lvm_mapper_read_fullness(cases[i].type, cases[i].status, &permille);

                if (r != cases[i].r || permille != cases[i].permille)
                        fail_msg("%s: %d, %u", cases[i].what, r, permille);
        }
}

static void test_that_it_is_seen_who_looks_into_a_pool(void **state) {
        static const struct {
                const char *what, *type, *status;
                int r;
        } cases[] = {
                { "broken",            "thin-pool", "Fail",                                                                        -EBADMSG },
                { "no pool",           "snapshot",  "32/524288 32",                                                                -EBADMSG },
                { "cut",               "thin-pool", "3 100/1024 5632/6400 ",                                                       -EBADMSG },
                { "nobody",            "thin-pool", "3 100/1024 5632/6400 - rw discard_passdown queue_if_no_space - 1024",         0        },
                { "somebody",          "thin-pool", "3 100/1024 5632/6400 77 rw no_discard_passdown queue_if_no_space - 1024",     1        },
                { "somebody at last",  "thin-pool", "18446744073709551615 1024/1024 1/6400 18446744073709551615 ro fail needs_check", 1     },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                int r = lvm_mapper_read_metadata_snapshot(cases[i].type, cases[i].status);

                if (r != cases[i].r)
                        fail_msg("%s: %d", cases[i].what, r);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_the_device_mapper_is_understood),
                cmocka_unit_test(test_that_it_is_seen_who_looks_into_a_pool),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
