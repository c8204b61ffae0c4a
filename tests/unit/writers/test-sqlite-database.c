/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Holding databases: whom it stops and whom it does not, and what it says when it cannot.
 */

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sqlite-fixture.h"
#include "writers/sqlite/sqlite-database.h"
#include "writers/sqlite/sqlite-users.h"

static const char *const journal_modes[] = { "wal", "delete", "truncate", "persist" };

static usec_t soon(void) {
        return usec_add(now_usec(CLOCK_MONOTONIC), 30 * USEC_PER_SEC);
}

static Database *open_database(const char *path) {
        Database *d = NULL;

        assert_int_equal(database_new(path, &d), 0);
        assert_int_equal(database_open(d), 0);
        return d;
}

static void test_that_a_hold_stops_writers_but_not_readers(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(journal_modes); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = database_make(dir, "a.db", journal_modes[i]);
                _cleanup_(database_freep) Database *d = open_database(path);

                assert_int_equal(database_hold(d, soon()), 0);
                assert_true(database_is_held(d));
                assert_int_equal(worker_run("write", path, NULL, NULL), SQLITE_BUSY);
                assert_int_equal(worker_run("read", path, NULL, NULL), 0);
                assert_int_equal(database_confirm(d), 0);

                database_release(d);
                assert_false(database_is_held(d));
                assert_int_equal(worker_run("write", path, NULL, NULL), 0);
                assert_int_equal(worker_run("read", path, NULL, NULL), 0);
        }
}

static void test_that_a_hold_ends_with_its_connection(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(journal_modes); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = database_make(dir, "a.db", journal_modes[i]);
                Database *d = open_database(path);

                assert_int_equal(database_hold(d, soon()), 0);
                database_free(d);
                assert_int_equal(worker_run("write", path, NULL, NULL), 0);
        }
}

static void test_that_a_hold_writes_nothing(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(journal_modes); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = database_make(dir, "a.db", journal_modes[i]);
                _cleanup_(freep) char *before = NULL, *after = NULL;
                _cleanup_(database_freep) Database *d = open_database(path);

                assert_int_equal(worker_run("write", path, NULL, NULL), 0);
                assert_int_equal(worker_run("read", path, NULL, &before), 0);
                assert_int_equal(database_hold(d, soon()), 0);
                assert_false(file_exists(dir, "a.db-journal") && strcmp(journal_modes[i], "delete") == 0);
                database_release(d);
                assert_int_equal(worker_run("read", path, NULL, &after), 0);
                assert_string_equal(before, after);
        }
}

static void test_that_a_hold_waits_for_a_writer_and_says_whom_it_waited_for(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(journal_modes); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = database_make(dir, "a.db", journal_modes[i]);
                _cleanup_(database_freep) Database *d = open_database(path);
                Worker writer = { 0 };
                DatabaseUser user;

                worker_start(&writer, "stay-writing", path, NULL);
                assert_int_equal(database_hold(d, now_usec(CLOCK_MONOTONIC) + 20 * USEC_PER_MSEC), -EBUSY);
                assert_false(database_is_held(d));
                assert_non_null(strstr(database_error(d), path));
                assert_non_null(strstr(database_error(d), "is busy"));

                /* Its files may be looked at once it is closed. */
                database_close(d);
                assert_int_equal(database_find_lock_owner(path, &user), 1);
                assert_int_equal(user.pid, writer.pid);
                assert_string_equal(user.comm, "sqlite-worker");

                worker_stop(&writer);
                assert_int_equal(database_open(d), 0);
                assert_int_equal(database_hold(d, soon()), 0);
        }
}

/* Commits of a fsync each leave the lock free for microseconds. */
static void test_that_a_hold_is_got_although_writers_never_pause(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(journal_modes); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = database_make(dir, "a.db", journal_modes[i]);
                _cleanup_(database_freep) Database *d = open_database(path);
                Worker writers[3] = { 0 };

                for (size_t j = 0; j < ELEMENTSOF(writers); ++j)
                        worker_start(&writers[j], "write-forever", path, NULL);
                for (size_t j = 0; j < 5; ++j) {
                        assert_int_equal(database_hold(d, soon()), 0);
                        database_release(d);
                }
                for (size_t j = 0; j < ELEMENTSOF(writers); ++j)
                        worker_stop(&writers[j]);
        }
}

static void test_that_a_hold_finds_no_half_transaction_of_a_writer_that_died(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(journal_modes); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = database_make(dir, "a.db", journal_modes[i]);
                _cleanup_(database_freep) Database *d = open_database(path);
                _cleanup_(freep) char *n = NULL;

                assert_int_equal(worker_run("die-writing", path, NULL, NULL), -SIGKILL);
                assert_int_equal(database_hold(d, soon()), 0);

                assert_int_equal(
                        database_query(d, "SELECT count(*) FROM entries WHERE filler LIKE 'half%'", &n), 0);
                assert_string_equal(n, "0");
                free(n);
                assert_int_equal(database_query(d, "SELECT count(*) FROM entries", &n), 0);
                assert_string_equal(n, "300");
        }
}

static void test_that_a_checkpoint_empties_the_log_or_leaves_it(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "wal"), *log = NULL;
        _cleanup_(database_freep) Database *d = open_database(path);
        Worker writer = { 0 };

        assert_int_equal(worker_run("write", path, NULL, NULL), 0);

        /* Somebody writes: not waited for, and no failure. */
        worker_start(&writer, "stay-writing", path, NULL);
        assert_int_equal(database_checkpoint(d), 0);
        worker_stop(&writer);

        assert_int_equal(database_checkpoint(d), 0);
        log = read_file(dir, "a.db-wal");
        assert_string_equal(log, "");
}

static void test_that_a_database_without_a_log_has_nothing_to_checkpoint(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "delete");
        _cleanup_(database_freep) Database *d = open_database(path);

        assert_int_equal(database_checkpoint(d), 0);
}

static void test_that_what_cannot_be_opened_is_named(void **state) {
        static const struct {
                const char *name, *text; /* NULL: there is no such file */
                int r;
        } cases[] = {
                { "nothing.db", NULL, -ENOENT },
                { "text.db",
                  "This is not a database, but long enough to have the header of one: it is text, and "
                  "nothing else, for more than a hundred bytes.",
                  -EBADMSG },
                { "short.db", "SQLite format 3", -EBADMSG },
                { "dir/", "", -EISDIR },
        };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();

        write_file(dir, "dir/file", "");
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *path = path_in(dir, cases[i].name);
                _cleanup_(database_freep) Database *d = NULL;

                if (cases[i].text && cases[i].r != -EISDIR)
                        write_file(dir, cases[i].name, cases[i].text);
                assert_int_equal(database_new(path, &d), 0);
                assert_int_equal(database_open(d), cases[i].r);
                assert_false(database_is_open(d));
                assert_non_null(strstr(database_error(d), path));
        }
}

static void test_that_an_empty_file_is_an_empty_database(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "empty.db");
        _cleanup_(database_freep) Database *d = NULL;

        write_file(dir, "empty.db", "");
        d = open_database(path);
        assert_int_equal(database_hold(d, soon()), 0);
        assert_int_equal(database_stamp(d)->page_count, 0);
}

static void test_that_a_database_that_was_replaced_is_not_held(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "wal");
        _cleanup_(freep) char *other = database_make(dir, "b.db", "delete");
        _cleanup_(database_freep) Database *d = open_database(path);

        assert_int_equal(rename(other, path), 0);
        assert_int_equal(database_hold(d, soon()), -ESTALE);
        assert_false(database_is_held(d));
        assert_non_null(strstr(database_error(d), "moved, removed or replaced"));
}

static void test_that_a_database_whose_log_was_removed_is_not_held(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "wal"), *log = path_in(dir, "a.db-wal");
        _cleanup_(database_freep) Database *d = open_database(path);

        assert_int_equal(database_hold(d, soon()), 0);
        assert_int_equal(unlink(log), 0);
        assert_int_equal(database_confirm(d), -ESTALE);
        assert_non_null(strstr(database_error(d), "-wal"));
}

static void test_that_all_are_held_or_none(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        Database *databases[4] = { NULL }, *culprit = NULL;
        char *paths[ELEMENTSOF(databases)];
        Worker writer = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(databases); ++i) {
                char name[] = { (char) ('a' + (int) i), '\0' };

                paths[i] = database_make(dir, name, journal_modes[i]);
                databases[i] = open_database(paths[i]);
        }

        worker_start(&writer, "stay-writing", paths[2], NULL);
        assert_int_equal(databases_hold(databases, ELEMENTSOF(databases),
                                        now_usec(CLOCK_MONOTONIC) + 100 * USEC_PER_MSEC, &culprit),
                         -EBUSY);
        assert_ptr_equal(culprit, databases[2]);
        for (size_t i = 0; i < ELEMENTSOF(databases); ++i) {
                assert_false(database_is_held(databases[i]));
                assert_int_equal(worker_run("write", paths[i], NULL, NULL), i == 2 ? SQLITE_BUSY : 0);
        }

        worker_stop(&writer);
        assert_int_equal(databases_hold(databases, ELEMENTSOF(databases), soon(), &culprit), 0);
        for (size_t i = 0; i < ELEMENTSOF(databases); ++i)
                assert_int_equal(worker_run("write", paths[i], NULL, NULL), SQLITE_BUSY);
        databases_release(databases, ELEMENTSOF(databases));

        for (size_t i = 0; i < ELEMENTSOF(databases); ++i) {
                assert_int_equal(worker_run("write", paths[i], NULL, NULL), 0);
                database_free(databases[i]);
                free(paths[i]);
        }
}

/* It takes the locks in the order that is not ours, and waits for each longer than we do. */
static void test_that_a_transaction_over_two_databases_and_a_hold_of_both_get_on(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(journal_modes); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *a = database_make(dir, "a.db", journal_modes[i]);
                _cleanup_(freep) char *b = database_make(dir, "b.db", journal_modes[i]);
                Database *databases[] = { open_database(a), open_database(b) }, *culprit = NULL;
                Worker writer = { 0 };

                worker_start(&writer, "write-both-forever", b, a);
                for (unsigned round = 0; round < 5; ++round) {
                        _cleanup_(freep) char *in_a = NULL, *in_b = NULL;

                        assert_int_equal(databases_hold(databases, 2, soon(), &culprit), 0);
                        assert_int_equal(database_query(databases[0], "SELECT count(*) FROM entries", &in_a),
                                         0);
                        assert_int_equal(database_query(databases[1], "SELECT count(*) FROM entries", &in_b),
                                         0);
                        assert_string_equal(in_a, in_b);
                        databases_release(databases, 2);
                }

                worker_stop(&writer);
                database_free(databases[0]);
                database_free(databases[1]);
        }
}

static void test_that_nothing_stays_open(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "wal");
        unsigned fds = count_open_fds();

        for (unsigned i = 0; i < 3; ++i) {
                _cleanup_(database_freep) Database *d = open_database(path);

                assert_int_equal(database_hold(d, soon()), 0);
        }

        assert_int_equal(count_open_fds(), fds);
        assert_false(file_exists(dir, "a.db-wal"));
        assert_false(file_exists(dir, "a.db-shm"));
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_hold_stops_writers_but_not_readers),
                cmocka_unit_test(test_that_a_hold_ends_with_its_connection),
                cmocka_unit_test(test_that_a_hold_writes_nothing),
                cmocka_unit_test(test_that_a_hold_waits_for_a_writer_and_says_whom_it_waited_for),
                cmocka_unit_test(test_that_a_hold_is_got_although_writers_never_pause),
                cmocka_unit_test(test_that_a_hold_finds_no_half_transaction_of_a_writer_that_died),
                cmocka_unit_test(test_that_a_checkpoint_empties_the_log_or_leaves_it),
                cmocka_unit_test(test_that_a_database_without_a_log_has_nothing_to_checkpoint),
                cmocka_unit_test(test_that_what_cannot_be_opened_is_named),
                cmocka_unit_test(test_that_an_empty_file_is_an_empty_database),
                cmocka_unit_test(test_that_a_database_that_was_replaced_is_not_held),
                cmocka_unit_test(test_that_a_database_whose_log_was_removed_is_not_held),
                cmocka_unit_test(test_that_all_are_held_or_none),
                cmocka_unit_test(test_that_a_transaction_over_two_databases_and_a_hold_of_both_get_on),
                cmocka_unit_test(test_that_nothing_stays_open),
        };

        worker_path = argc > 1 ? argv[1] : "sqlite-worker";
        return cmocka_run_group_tests(tests, NULL, NULL);
}
