/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the catalog remembers, and which steps it lets happen.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/time-util.h"
#include "catalog-fixture.h"
#include "catalog/catalog.h"
#include "lib/test-util.h"

static void test_that_everything_comes_back(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        CatalogSnapshot written[2];

        make_set(written);
        written[0].volume = (char *) (uintptr_t) "/srv/not utf-8 \xff\xc0\n";
        written[0].note = (char *) (uintptr_t) "{\"quoted\": \"it's\"}";
        written[1].note = NULL;
        written[1].machine = NULL; /* one of the set's: the first row says it */
        written[1].volume = (char *) (uintptr_t) "/";
        assert_int_equal(catalog_plan(c, written, 2), 0);

        /* Also after a restart. */
        for (unsigned round = 0; round < 2; ++round) {
                for (size_t i = 0; i < 2; ++i) {
                        _cleanup_(catalog_snapshot_clear) CatalogSnapshot s = {};

                        assert_int_equal(catalog_get(c, &written[i].id, &s), 0);
                        assert_true(guid_equal(&s.id, &written[i].id));
                        assert_true(guid_equal(&s.set_id, &written[i].set_id));
                        assert_true(guid_equal(&s.provider_id, &written[i].provider_id));
                        assert_true(guid_equal(&s.volume_id, &written[i].volume_id));
                        assert_int_equal(s.state, CATALOG_PLANNED);
                        assert_string_equal(s.provider, "fake");
                        assert_string_equal(s.volume, written[i].volume);
                        if (written[i].note)
                                assert_string_equal(s.note, written[i].note);
                        else
                                assert_null(s.note);
                        assert_null(s.device);
                        assert_null(s.exposed_name);
                        assert_null(s.exposed_path);
                        assert_int_equal(s.snapshots_count, 2);
                        assert_int_equal(s.context, 0x80000019U);
                        assert_int_equal(s.created_usec, 0);
                        assert_string_equal(s.machine, "lab");
                }

                c = catalog_close(c);
                c = open_in(dir);
        }
}

static void test_that_a_snapshot_goes_through_its_states(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot s = {};
        CatalogSnapshot set[2];

        make_set(set);
        assert_int_equal(catalog_plan(c, set, 2), 0);

        set[0].device = set[1].device = (char *) (uintptr_t) "/run/umbra/shadow/x";
        set[0].consistency = set[1].consistency = 3;
        set[0].created_usec = set[1].created_usec = UINT64_C(1800000000000001);
        assert_int_equal(catalog_set_created(c, set, 2), 0);

        assert_int_equal(catalog_get(c, &set[1].id, &s), 0);
        assert_int_equal(s.state, CATALOG_CREATED);
        assert_string_equal(s.device, "/run/umbra/shadow/x");
        assert_int_equal(s.consistency, 3);
        assert_true(s.created_usec == UINT64_C(1800000000000001));
        catalog_snapshot_clear(&s);

        assert_int_equal(catalog_set_device(c, &set[1].id, "/elsewhere"), 0);
        assert_int_equal(catalog_set_deleting(c, &set[1].id), 0);
        assert_int_equal(catalog_get(c, &set[1].id, &s), 0);
        assert_int_equal(s.state, CATALOG_DELETING);
        assert_string_equal(s.device, "/elsewhere");

        assert_int_equal(catalog_forget(c, &set[1].id), 0);
        assert_state(c, &set[0].id, CATALOG_CREATED);
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 1);
}

static void test_that_steps_out_of_order_are_refused(void **state) {
        static const struct {
                CatalogState at; /* _INVALID: there is no such snapshot */
                int set_created, set_device, set_deleting, forget;
        } cases[] = {
                { _CATALOG_STATE_INVALID, -ENOENT, -ENOENT, -ENOENT, -ENOENT },
                { CATALOG_PLANNED,        0,       0,       0,       -EBADFD },
                { CATALOG_CREATED,        -EBADFD, 0,       0,       -EBADFD },
                { CATALOG_DELETING,       -EBADFD, 0,       0,       0       }, /* deletes again */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                int (*const deeds[])(Catalog *c, const GUID *id) = { catalog_set_deleting, catalog_forget };

                for (size_t deed = 0; deed < 4; ++deed) {
                        _cleanup_(catalog_closep) Catalog *c = NULL;
                        CatalogSnapshot set[2];

                        assert_int_equal(catalog_open(":memory:", &c), 0);
                        make_set(set);
                        if (cases[i].at >= CATALOG_PLANNED)
                                assert_int_equal(catalog_plan(c, set, 2), 0);
                        if (cases[i].at == CATALOG_CREATED)
                                assert_int_equal(catalog_set_created(c, set, 2), 0);
                        if (cases[i].at == CATALOG_DELETING)
                                assert_int_equal(catalog_set_deleting(c, &set[0].id), 0);

                        switch (deed) {
                        case 0:
                                assert_int_equal(catalog_set_created(c, set, 1), cases[i].set_created);
                                break;
                        case 1:
                                assert_int_equal(catalog_set_device(c, &set[0].id, "/x"),
                                                 cases[i].set_device);
                                break;
                        case 2:
                                assert_int_equal(deeds[0](c, &set[0].id), cases[i].set_deleting);
                                break;
                        default:
                                assert_int_equal(deeds[1](c, &set[0].id), cases[i].forget);
                        }
                }
        }
}

static void test_that_a_set_is_written_as_a_whole_or_not_at_all(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        CatalogSnapshot first[2], second[2];

        make_set(first);
        make_set(second);
        second[1].id = first[0].id; /* a second one of this name */

        assert_int_equal(catalog_plan(c, first, 2), 0);
        assert_int_equal(catalog_plan(c, second, 2), -EEXIST);
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 2);

        /* One that is not there keeps the others as they were. */
        make_set(second);
        second[0] = first[0];
        assert_int_equal(catalog_set_created(c, second, 2), -ENOENT);
        assert_state(c, &first[0].id, CATALOG_PLANNED);
}

static void test_that_a_set_is_forgotten_with_its_last_snapshot(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot s = {};
        CatalogSnapshot set[2];

        make_set(set);
        assert_int_equal(catalog_plan(c, set, 2), 0);
        for (size_t i = 0; i < 2; ++i) {
                assert_int_equal(catalog_set_deleting(c, &set[i].id), 0);
                assert_int_equal(catalog_forget(c, &set[i].id), 0);
        }

        /* Were it still there, it would keep its old number. */
        set[0].snapshots_count = 1;
        assert_int_equal(catalog_plan(c, set, 1), 0);
        assert_int_equal(catalog_get(c, &set[0].id, &s), 0);
        assert_int_equal(s.snapshots_count, 1);
}

static void test_that_volumes_are_remembered(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(freep) char *path = NULL;
        CatalogSnapshot set[2];
        GUID id = { .Data1 = 99 };
        unsigned n;

        assert_int_equal(catalog_find_volume(c, &id, &path), -ENOENT);
        assert_int_equal(catalog_remember_volume(c, &id, "/old"), 0);
        assert_int_equal(catalog_remember_volume(c, &id, "/new"), 0);
        assert_int_equal(catalog_find_volume(c, &id, &path), 0);
        assert_string_equal(path, "/new");
        path = (free(path), NULL);

        /* Planning remembers, forgetting does not forget. */
        make_set(set);
        assert_int_equal(catalog_plan(c, set, 2), 0);
        assert_int_equal(catalog_count_volume(c, &set[0].volume_id, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(catalog_set_deleting(c, &set[0].id), 0);
        assert_int_equal(catalog_forget(c, &set[0].id), 0);
        assert_int_equal(catalog_count_volume(c, &set[0].volume_id, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(catalog_find_volume(c, &set[0].volume_id, &path), 0);
        assert_string_equal(path, "/srv");
}

static void test_that_nothing_is_written_while_frozen(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        CatalogSnapshot set[2], other[2];

        make_set(set);
        make_set(other);
        assert_int_equal(catalog_plan(c, set, 2), 0);

        catalog_freeze(c);
        catalog_freeze(c); /* freezes nest */
        catalog_thaw(c);
        assert_int_equal(catalog_plan(c, other, 2), -EBUSY);
        assert_int_equal(catalog_set_created(c, set, 2), -EBUSY);
        assert_int_equal(catalog_set_device(c, &set[0].id, "/x"), -EBUSY);
        assert_int_equal(catalog_set_deleting(c, &set[0].id), -EBUSY);
        assert_int_equal(catalog_forget(c, &set[0].id), -EBUSY);
        assert_int_equal(catalog_remember_volume(c, &set[0].volume_id, "/x"), -EBUSY);

        /* Reading goes on. */
        assert_state(c, &set[0].id, CATALOG_PLANNED);
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 2);

        catalog_thaw(c);
        assert_int_equal(catalog_set_created(c, set, 2), 0);
}

static void test_that_lists_are_filtered_and_oldest_first(void **state) {
        _cleanup_(catalog_closep) Catalog *c = NULL;
        _cleanup_(catalog_list_clear) CatalogList list = {};
        CatalogSnapshot sets[3][2];

        assert_int_equal(catalog_open(":memory:", &c), 0);
        for (size_t i = 0; i < ELEMENTSOF(sets); ++i) {
                make_set(sets[i]);
                assert_int_equal(catalog_plan(c, sets[i], 2), 0);
        }
        sets[0][0].created_usec = 9; /* the clock went back */
        sets[1][0].created_usec = 5;
        assert_int_equal(catalog_set_created(c, sets[1], 2), 0);
        assert_int_equal(catalog_set_created(c, sets[0], 2), 0);

        assert_int_equal(catalog_list(c, NULL, _CATALOG_STATE_INVALID, &list), 0);
        assert_int_equal(list.n, 6);
        for (size_t i = 0; i < list.n; ++i)
                assert_true(guid_equal(&list.items[i].id, &sets[i / 2][i % 2].id));
        catalog_list_clear(&list);

        assert_int_equal(catalog_list(c, &sets[1][0].set_id, _CATALOG_STATE_INVALID, &list), 0);
        assert_int_equal(list.n, 2);
        assert_true(guid_equal(&list.items[0].id, &sets[1][0].id));
        catalog_list_clear(&list);

        assert_int_equal(catalog_list(c, &sets[1][0].set_id, CATALOG_PLANNED, &list), 0);
        assert_int_equal(list.n, 0);
        catalog_list_clear(&list);

        assert_int_equal(catalog_list(c, NULL, CATALOG_PLANNED, &list), 0);
        assert_int_equal(list.n, 2);
        assert_true(guid_equal(&list.items[1].id, &sets[2][1].id));
        catalog_list_clear(&list);

        assert_int_equal(catalog_list_volume(c, &sets[0][1].volume_id, &list), 0); /* those of the third set are planned only */
        assert_int_equal(list.n, 2);
        assert_true(guid_equal(&list.items[0].id, &sets[0][1].id));
        assert_true(guid_equal(&list.items[1].id, &sets[1][1].id));
}

/* Of so many, and then no more. */
typedef struct Seen {
        const CatalogSnapshot *expected;
        size_t n, limit;
} Seen;

static int see(const CatalogSnapshot *row, void *userdata) {
        Seen *seen = userdata;

        assert_true(guid_equal(&row->id, &seen->expected[seen->n++].id));
        return seen->n == seen->limit ? -ECANCELED : 0;
}

static void test_that_who_goes_through_all_may_stop(void **state) {
        _cleanup_(catalog_closep) Catalog *c = NULL;
        CatalogSnapshot set[2];
        Seen seen = { .expected = set };

        make_set(set);
        assert_int_equal(catalog_open(":memory:", &c), 0);
        assert_int_equal(catalog_plan(c, set, 2), 0);

        assert_int_equal(catalog_foreach(c, CATALOG_CREATED, see, &seen), 0);
        assert_int_equal(seen.n, 0);
        assert_int_equal(catalog_foreach(c, _CATALOG_STATE_INVALID, see, &seen), 0);
        assert_int_equal(seen.n, 2);
        seen = (Seen){ .expected = set, .limit = 1 };
        assert_int_equal(catalog_foreach(c, CATALOG_PLANNED, see, &seen), -ECANCELED);
        assert_int_equal(seen.n, 1);
        assert_int_equal(catalog_set_created(c, set, 2), 0); /* no statement is left open */
}

static void test_that_ten_thousand_snapshots_are_listed(void **state) {
        enum { N = 10000 };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(catalog_list_clear) CatalogList list = {};
        _cleanup_(freep) CatalogSnapshot *all = NULL;
        char span[SPAN_STRING_MAX];
        usec_t begun;

        all = calloc_checked(N, sizeof(*all));
        assert_non_null(all);
        for (size_t i = 0; i < N; i += 2)
                make_set(all + i);
        assert_int_equal(catalog_plan(c, all, N), 0);

        begun = now_usec(CLOCK_MONOTONIC);
        assert_int_equal(catalog_list(c, NULL, _CATALOG_STATE_INVALID, &list), 0);
        print_message("           listed in %s\n", span_to_string(now_usec(CLOCK_MONOTONIC) - begun, span));
        assert_int_equal(list.n, N);
        for (size_t i = 0; i < N; ++i)
                assert_true(guid_equal(&list.items[i].id, &all[i].id));
}

static void test_that_reading_survives_any_failed_allocation(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "catalog");
        Catalog *c = NULL;
        CatalogSnapshot set[2];
        int r = -ENOMEM;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                fault_fail_allocation(n);
                r = catalog_open(path, &c);
                fault_clear();
                assert_int_equal(c != NULL, r == 0);
        }
        assert_int_equal(r, 0);

        make_set(set);
        assert_int_equal(catalog_plan(c, set, 2), 0);

        r = -ENOMEM;
        for (unsigned n = 0; r == -ENOMEM; ++n) {
                _cleanup_(catalog_list_clear) CatalogList list = {};

                fault_fail_allocation(n);
                r = catalog_list(c, NULL, _CATALOG_STATE_INVALID, &list);
                fault_clear();
                assert_int_equal(list.n, r == 0 ? 2 : 0);
        }
        assert_int_equal(r, 0);
        catalog_close(c);
}

static size_t count_deeds(Catalog *c) {
        _cleanup_(catalog_deed_list_clear) CatalogDeedList list = {};

        assert_int_equal(catalog_list_deeds(c, &list), 0);
        return list.n;
}

static void test_that_a_deed_is_remembered_until_it_is_over(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(catalog_deed_list_clear) CatalogDeedList list = {};
        CatalogDeed deed = {
                .kind = CATALOG_REVERT,
                .target = (char *) (uintptr_t) "/srv \xff",
                .flags = 3,
                .how = (char *) (uintptr_t) "at a restart",
                .target_id = { .Data1 = 7 },
        };
        CatalogSnapshot set[2];

        make_set(set);
        deed.snapshot_id = set[0].id;
        assert_int_equal(catalog_add_deed(c, &deed), -ENOENT);
        assert_int_equal(catalog_plan(c, set, 2), 0);
        assert_int_equal(catalog_add_deed(c, &deed), -EBADFD); /* nothing to be done to it yet */
        assert_int_equal(catalog_set_created(c, set, 2), 0);

        catalog_freeze(c);
        assert_int_equal(catalog_add_deed(c, &deed), -EBUSY);
        catalog_thaw(c);
        assert_int_equal(catalog_add_deed(c, &deed), 0);
        assert_int_equal(catalog_add_deed(c, &deed), -EEXIST); /* one at a time */
        deed.snapshot_id = set[1].id;
        deed.kind = CATALOG_BREAK;
        deed.target = deed.how = NULL;
        assert_int_equal(catalog_add_deed(c, &deed), 0);

        c = catalog_close(c);
        c = open_in(dir);
        assert_int_equal(catalog_list_deeds(c, &list), 0);
        assert_int_equal(list.n, 2);
        for (size_t i = 0; i < 2; ++i) {
                bool reverts = guid_equal(&list.items[i].snapshot_id, &set[0].id);

                assert_int_equal(list.items[i].kind, reverts ? CATALOG_REVERT : CATALOG_BREAK);
                assert_int_equal(list.items[i].flags, 3);
                if (reverts) {
                        assert_string_equal(list.items[i].target, "/srv \xff");
                        assert_string_equal(list.items[i].how, "at a restart");
                        assert_int_equal(list.items[i].target_id.Data1, 7);
                } else {
                        assert_null(list.items[i].target);
                        assert_null(list.items[i].how);
                }
        }

        assert_int_equal(catalog_remove_deed(c, &set[0].id), 0);
        assert_int_equal(catalog_remove_deed(c, &set[0].id), 0); /* done twice is done */
        assert_int_equal(count_deeds(c), 1);
        assert_int_equal(catalog_let_go(c, &set[1].id), 0); /* and with it what was done to it */
        assert_int_equal(count_deeds(c), 0);
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 1);
}

static void test_that_what_comes_from_elsewhere_is_there_at_once(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot read = {};
        CatalogSnapshot set[2];

        make_set(set);
        set[0].created_usec = 12345;
        set[0].consistency = 2;
        assert_int_equal(catalog_adopt(c, &set[0]), 0);
        assert_int_equal(catalog_adopt(c, &set[0]), -EEXIST);
        assert_state(c, &set[0].id, CATALOG_CREATED);
        assert_int_equal(catalog_get(c, &set[0].id, &read), 0);
        assert_true(read.created_usec == 12345);
        assert_int_equal(read.consistency, 2);
        assert_null(read.device);

        assert_int_equal(catalog_let_go(c, &set[0].id), 0);
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 0);
        assert_int_equal(catalog_let_go(c, &set[0].id), 0);
}

static void test_that_it_is_known_where_a_snapshot_is_exposed(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        CatalogSnapshot set[2];

        make_set(set);
        assert_int_equal(catalog_set_exposed(c, &set[0].id, "/mnt"), -ENOENT);
        assert_int_equal(catalog_plan(c, set, 2), 0);
        assert_int_equal(catalog_set_exposed(c, &set[0].id, "/mnt"), -EBADFD);
        assert_int_equal(catalog_set_created(c, set, 2), 0);
        for (unsigned i = 0; i < 2; ++i) {
                _cleanup_(catalog_snapshot_clear) CatalogSnapshot read = {};

                assert_int_equal(catalog_set_exposed(c, &set[0].id, i == 0 ? "/mnt/\xc0" : NULL), 0);
                assert_int_equal(catalog_get(c, &set[0].id, &read), 0);
                if (i == 0)
                        assert_string_equal(read.exposed_name, "/mnt/\xc0");
                else
                        assert_null(read.exposed_name);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_everything_comes_back),
                cmocka_unit_test(test_that_a_snapshot_goes_through_its_states),
                cmocka_unit_test(test_that_steps_out_of_order_are_refused),
                cmocka_unit_test(test_that_a_set_is_written_as_a_whole_or_not_at_all),
                cmocka_unit_test(test_that_a_set_is_forgotten_with_its_last_snapshot),
                cmocka_unit_test(test_that_volumes_are_remembered),
                cmocka_unit_test(test_that_nothing_is_written_while_frozen),
                cmocka_unit_test(test_that_lists_are_filtered_and_oldest_first),
                cmocka_unit_test(test_that_who_goes_through_all_may_stop),
                cmocka_unit_test(test_that_ten_thousand_snapshots_are_listed),
                cmocka_unit_test(test_that_a_deed_is_remembered_until_it_is_over),
                cmocka_unit_test(test_that_what_comes_from_elsewhere_is_there_at_once),
                cmocka_unit_test(test_that_it_is_known_where_a_snapshot_is_exposed),
                cmocka_unit_test(test_that_reading_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
