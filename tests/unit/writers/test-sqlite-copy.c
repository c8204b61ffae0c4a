/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The promise of the SQLite writer: a copy of the files of a held database, made one after the other and
 * piece by piece while others read and checkpoint, is the database as it was committed last. See
 * sqlite-database.h for why.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "sqlite-fixture.h"
#include "writers/sqlite/sqlite-database.h"

#define ROUNDS 9U

/* Smaller than a page, so that pages are torn, too. */
#define PIECE 1536U

static const char *const suffixes[] = { "", "-wal", "-journal" };

static usec_t soon(void) {
        return usec_add(now_usec(CLOCK_MONOTONIC), 30 * USEC_PER_SEC);
}

/* Pieces @from to @to (not included) of one file; there may be no such file. */
static bool copy_pieces(const char *source, const char *target, size_t from, size_t to) {
        _cleanup_(closep) int in = open(source, O_RDONLY | O_CLOEXEC), out = -EBADF;
        char piece[PIECE];
        struct stat st;

        if (in < 0)
                return errno == ENOENT;
        if (fstat(in, &st) < 0)
                return false;
        to = MIN(to, (size_t) st.st_size / PIECE +
                             1); /* were it not held, it would grow as fast as it is copied */
        out = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (out < 0)
                return false;

        for (size_t i = from; i < to; ++i) {
                ssize_t n = pread(in, piece, sizeof(piece), (off_t) (i * PIECE));

                if (n <= 0)
                        return n == 0;
                if (pwrite(out, piece, (size_t) n, (off_t) (i * PIECE)) != n)
                        return false;
                if (i % 16 == 0)
                        (void) sched_yield(); /* somebody may have something to do in between */
        }

        return true;
}

/*
 * Reading the files here would drop the locks of the hold when they are closed: the copy is made by a child.
 * The order is a permutation of the files.
 */
static void copy_files(const char *path, const char *copy, const size_t order[], size_t from, size_t to) {
        pid_t child = fork();
        int status;

        assert_true(child >= 0);
        if (child == 0) {
                for (size_t i = 0; i < ELEMENTSOF(suffixes); ++i) {
                        char source[512], target[512];

                        (void) snprintf(source, sizeof(source), "%s%s", path, suffixes[order[i]]);
                        (void) snprintf(target, sizeof(target), "%s%s", copy, suffixes[order[i]]);
                        if (!copy_pieces(source, target, from, to))
                                _exit(1);
                }
                _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
}

static void remove_copy(const char *copy) {
        static const char *const all[] = { "", "-wal", "-shm", "-journal" };

        for (size_t i = 0; i < ELEMENTSOF(all); ++i) {
                _cleanup_(freep) char *path = NULL;

                assert_int_equal(format_to(&path, "%s%s", copy, all[i]), 0);
                assert_true(unlink(path) >= 0 || errno == ENOENT);
        }
}

static char *query(Database *d, const char *sql) {
        char *text = NULL;

        assert_int_equal(database_query(d, sql, &text), 0);
        return text;
}

#define STATE                                                                                               \
        "SELECT count(*) || ' ' || max(number) || ' ' || sum(length(filler)) || ' ' || sum(number)"         \
        " FROM entries"

/* Others use the database as hard as they can; it is held and copied again and again. */
static void copy_while_in_use(const char *journal_mode) {
        static const char *const deeds[] = { "write-forever", "write-forever", "checkpoint-forever",
                                             "read-forever" };
        static const size_t orders[][ELEMENTSOF(suffixes)] = { { 0, 1, 2 }, { 1, 0, 2 }, { 2, 1, 0 } };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", journal_mode),
                              *copy = path_in(dir, "copy.db");
        _cleanup_(database_freep) Database *d = NULL;
        Worker workers[ELEMENTSOF(deeds)] = { 0 };

        worker_counter_reset();
        for (size_t i = 0; i < ELEMENTSOF(deeds); ++i)
                worker_start(&workers[i], deeds[i], path, NULL);

        assert_int_equal(database_new(path, &d), 0);
        assert_int_equal(database_open(d), 0);
        for (size_t round = 0; round < ROUNDS; ++round) {
                _cleanup_(freep) char *held = NULL, *last = NULL;
                uint64_t acknowledged;

                acknowledged = worker_counter();
                assert_int_equal(database_hold(d, soon()), 0);
                held = query(d, STATE);
                last = query(d, "SELECT max(number) FROM entries");
                assert_true(strtoull(last, NULL, 10) >= acknowledged);

                copy_files(path, copy, orders[round % ELEMENTSOF(orders)], 0, SIZE_MAX);
                assert_int_equal(database_confirm(d), 0);
                database_release(d);

                assert_query(copy, STATE, held);
                assert_query(copy, "PRAGMA integrity_check", "ok");
                remove_copy(copy);
        }

        for (size_t i = 0; i < ELEMENTSOF(deeds); ++i)
                worker_stop(&workers[i]);
}

static void test_that_a_torn_copy_of_a_database_with_a_log_is_its_last_commit(void **state) {
        copy_while_in_use("wal");
}

static void test_that_a_torn_copy_of_a_database_with_a_journal_is_its_last_commit(void **state) {
        copy_while_in_use("delete");
        copy_while_in_use("truncate");
        copy_while_in_use("persist");
}

/* The same without chance: the checkpoint comes when one half of each file is copied, and does move pages.
 */
static void test_that_a_checkpoint_in_the_middle_of_a_copy_does_no_harm(void **state) {
        static const char *const modes[] = { "passive", "full", "restart", "truncate" };
        static const size_t orders[][ELEMENTSOF(suffixes)] = { { 0, 1, 2 }, { 1, 0, 2 } };

        for (size_t i = 0; i < ELEMENTSOF(modes) * ELEMENTSOF(orders); ++i) {
                const size_t *order = orders[i / ELEMENTSOF(modes)];
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = database_make(dir, "a.db", "wal"),
                                      *copy = path_in(dir, "copy.db");
                _cleanup_(freep) char *held = NULL, *moved = NULL;
                _cleanup_(database_freep) Database *d = NULL;
                Worker reader = { 0 };

                /* Somebody has it open, so the log is not folded in when the writer closes it. */
                worker_start(&reader, "stay-open", path, NULL);
                run_sql(path,
                        "PRAGMA wal_autocheckpoint = 0; UPDATE entries SET filler = hex(randomblob(200))");

                assert_int_equal(database_new(path, &d), 0);
                assert_int_equal(database_open(d), 0);
                assert_int_equal(database_hold(d, soon()), 0);
                held = query(d, STATE);

                copy_files(path, copy, order, 0, 40);
                assert_int_equal(worker_run("checkpoint", path, modes[i % ELEMENTSOF(modes)], &moved), 0);
                assert_true(atoi(moved) > 20);
                copy_files(path, copy, order, 40, SIZE_MAX);
                database_release(d);
                worker_stop(&reader);

                assert_query(copy, STATE, held);
                assert_query(copy, "PRAGMA integrity_check", "ok");
        }
}

/* What the above would look like if it proved nothing. */
static void test_that_without_the_log_the_copy_would_be_older(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "wal"), *copy = path_in(dir, "copy.db");
        _cleanup_(freep) char *log = path_in(dir, "copy.db-wal"), *held = NULL, *copied = NULL;
        _cleanup_(database_freep) Database *d = NULL, *c = NULL;
        Worker reader = { 0 };

        worker_start(&reader, "stay-open", path, NULL);
        run_sql(path, "PRAGMA wal_autocheckpoint = 0; UPDATE entries SET filler = hex(randomblob(200))");
        assert_int_equal(database_new(path, &d), 0);
        assert_int_equal(database_open(d), 0);
        assert_int_equal(database_hold(d, soon()), 0);
        held = query(d, STATE);
        copy_files(path, copy, (const size_t[]){ 0, 1, 2 }, 0, SIZE_MAX);
        database_release(d);
        worker_stop(&reader);

        assert_int_equal(unlink(log), 0);
        assert_int_equal(database_new(copy, &c), 0);
        assert_int_equal(database_open(c), 0);
        copied = query(c, STATE);
        assert_string_not_equal(held, copied);
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_torn_copy_of_a_database_with_a_log_is_its_last_commit),
                cmocka_unit_test(test_that_a_torn_copy_of_a_database_with_a_journal_is_its_last_commit),
                cmocka_unit_test(test_that_a_checkpoint_in_the_middle_of_a_copy_does_no_harm),
                cmocka_unit_test(test_that_without_the_log_the_copy_would_be_older),
        };

        worker_path = argc > 1 ? argv[1] : "sqlite-worker";
        return cmocka_run_group_tests(tests, NULL, NULL);
}
