/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What happens to a database before and after it is restored.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "sqlite-fixture.h"
#include "writers/sqlite/sqlite-verify.h"

static void copy_file(const char *from, const char *to) {
        _cleanup_(closep) int in = open(from, O_RDONLY | O_CLOEXEC), out = -EBADF;
        struct stat st;

        out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(in >= 0 && out >= 0);
        assert_int_equal(fstat(in, &st), 0);
        assert_int_equal(copy_file_range(in, NULL, out, NULL, (size_t) st.st_size, 0), st.st_size);
}

static void overwrite(const char *path, off_t offset, const char *text) {
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, text, strlen(text), offset), (int) strlen(text));
}

static DatabaseStamp stamp_of(const char *path) {
        _cleanup_(database_freep) Database *d = NULL;

        assert_int_equal(database_new(path, &d), 0);
        assert_int_equal(database_open(d), 0);
        assert_int_equal(database_hold(d, now_usec(CLOCK_MONOTONIC) + USEC_PER_SEC), 0);
        return *database_stamp(d);
}

/* The database and its log, as they lie there while somebody works with it. */
static char *make_copy_with_log(const char *dir, const char *name) {
        _cleanup_(freep) char *path = database_make(dir, "live.db", "wal"),
                              *log = path_in(dir, "live.db-wal");
        char *copy = path_in(dir, name), *copied_log = NULL;
        Worker reader = { 0 };

        worker_start(&reader, "stay-open", path, NULL);
        run_sql(path, "PRAGMA wal_autocheckpoint = 0; DELETE FROM entries WHERE number > 100");
        assert_int_equal(format_to(&copied_log, "%s-wal", copy), 0);
        copy_file(path, copy);
        copy_file(log, copied_log);
        worker_stop(&reader);
        free(copied_log);
        return copy;
}

static void test_that_a_stamp_survives_as_text(void **state) {
        DatabaseStamp stamps[] = { { UINT64_MAX, 17, 65536, UINT32_MAX, true }, { 0, 0, 0, 0, false } },
                      back;
        char text[DATABASE_STAMP_MAX];

        for (size_t i = 0; i < ELEMENTSOF(stamps); ++i) {
                assert_int_equal(
                        database_stamp_from_string(database_stamp_to_string(&stamps[i], text), &back), 0);
                assert_int_equal(back.page_count, stamps[i].page_count);
                assert_int_equal(back.freelist_count, stamps[i].freelist_count);
                assert_int_equal(back.page_size, stamps[i].page_size);
                assert_int_equal(back.schema_version, stamps[i].schema_version);
                assert_int_equal(back.wal, stamps[i].wal);
        }

        assert_int_equal(database_stamp_from_string("", &back), -EINVAL);
        assert_int_equal(database_stamp_from_string("page_count=1", &back), -EINVAL);
}

static void test_that_a_good_database_is_good(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "delete"), *finding = NULL;
        DatabaseStamp stamp = stamp_of(path);

        assert_int_equal(database_verify(path, &stamp, NULL, NULL, &finding), 0);
        assert_string_equal(finding, "ok");
        free(finding);
        assert_int_equal(database_verify(path, NULL, NULL, NULL, &finding), 0);
        assert_string_equal(finding, "ok");
}

static void test_that_a_log_is_recovered_and_folded_in(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = make_copy_with_log(dir, "a.db"), *finding = NULL;

        assert_int_equal(database_verify(path, NULL, NULL, NULL, &finding), 0);
        assert_string_equal(finding, "ok");
        assert_false(file_exists(dir, "a.db-wal"));
        assert_false(file_exists(dir, "a.db-shm"));
        assert_query(path, "SELECT count(*) FROM entries", "100");
}

static void test_that_a_broken_page_is_found(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = make_copy_with_log(dir, "a.db"), *finding = NULL;

        /* A page that the log does not have: of the index, whose entries are no longer in order. */
        assert_int_equal(database_settle(path, NULL), 0);
        overwrite(path, 10 * 4096 + 3000, "something that was never written here");

        assert_int_equal(database_verify(path, NULL, NULL, NULL, &finding), -EBADMSG);
        assert_non_null(strstr(finding, path));
        assert_non_null(strstr(finding, "is broken: "));
}

static void test_that_a_lost_log_is_found_by_comparing(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = make_copy_with_log(dir, "a.db"), *finding = NULL;
        _cleanup_(freep) char *second = path_in(dir, "b.db");
        DatabaseStamp stamp;

        copy_file(path, second);
        stamp = stamp_of(path); /* with the log, which closing folds in */
        assert_false(file_exists(dir, "a.db-wal"));

        assert_int_equal(database_verify(second, &stamp, NULL, NULL, &finding), -EBADMSG);
        assert_non_null(strstr(finding, "not what was saved"));
        free(finding);
        assert_int_equal(database_verify(second, NULL, NULL, NULL, &finding), 0); /* sound in itself */
}

static void test_that_what_is_no_database_is_found(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "a.db"), *finding = NULL;

        assert_int_equal(database_verify(path, NULL, NULL, NULL, &finding), -ENOENT);
        assert_non_null(strstr(finding, path));
        free(finding);

        write_file(dir, "a.db",
                   "something else altogether, and longer than the header of a database would be, which has "
                   "one hundred bytes");
        assert_int_equal(database_verify(path, NULL, NULL, NULL, &finding), -EBADMSG);
        assert_non_null(strstr(finding, path));
}

static int collate(void *arg, int n, const void *a, int m, const void *b) {
        return -strncmp(a, b, (size_t) (n < m ? n : m));
}

static void function(sqlite3_context *context, int n, sqlite3_value **values) {
        sqlite3_result_int(context, sqlite3_value_int(values[0]) + 1);
}

static void test_that_functions_of_the_application_do_not_stand_in_the_way(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "delete"), *finding = NULL;
        sqlite3 *db = NULL;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_create_collation(db, "backwards", SQLITE_UTF8, NULL, collate), SQLITE_OK);
        assert_int_equal(sqlite3_create_function(db, "successor", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                                 NULL, function, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_exec(db,
                                      "CREATE TABLE \"with 'quotes'\n\" (a TEXT COLLATE backwards UNIQUE);"
                                      "CREATE TABLE t (a INTEGER CHECK (successor(a) > 0));"
                                      "CREATE INDEX i ON t (successor(a));"
                                      "INSERT INTO t VALUES (1), (2);"
                                      "INSERT INTO \"with 'quotes'\n\" VALUES ('a'), ('b')",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);

        assert_int_equal(database_verify(path, NULL, NULL, NULL, &finding), 0);
        assert_non_null(strstr(finding, "ok; 2 tables"));
        free(finding);

        /* What can be checked still is. */
        overwrite(path, 10 * 4096 + 3000, "something that was never written here");
        assert_int_equal(database_verify(path, NULL, NULL, NULL, &finding), -EBADMSG);
}

static bool at_once(void *userdata) {
        return true;
}

static void test_that_a_verification_can_be_stopped(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "delete"), *finding = NULL;

        run_sql(path, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                      " INSERT INTO entries (filler) SELECT i FROM n");
        assert_int_equal(database_verify(path, NULL, at_once, NULL, &finding), -EINTR);
        assert_non_null(finding);
}

static void test_that_a_settled_database_is_one_file(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = make_copy_with_log(dir, "a.db");
        unsigned moved = 17;

        assert_int_equal(database_settle(path, &moved), 0);
        assert_int_equal(moved, 0);
        assert_false(file_exists(dir, "a.db-wal"));
        assert_query(path, "SELECT count(*) FROM entries", "100"); /* with what the log had */
}

static void test_that_the_journal_of_a_writer_that_died_is_rolled_back(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "delete");
        unsigned moved = 17;

        assert_int_equal(worker_run("die-writing", path, NULL, NULL), -SIGKILL);
        assert_true(file_exists(dir, "a.db-journal"));
        assert_int_equal(database_settle(path, &moved), 0);
        assert_int_equal(moved, 0);
        assert_false(file_exists(dir, "a.db-journal"));
        assert_query(path, "SELECT count(*) FROM entries WHERE filler LIKE 'half%'", "0");
}

/* Else they would be written into the one that is restored beside them. */
static void test_that_logs_without_a_database_are_moved_aside(void **state) {
        static const char *const left[] = { "a.db-wal", "a.db-journal" };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "a.db"), *text = NULL;
        unsigned moved = 0;

        for (size_t i = 0; i < ELEMENTSOF(left); ++i)
                write_file(dir, left[i], "frames");
        assert_int_equal(database_settle(path, &moved), 0);
        assert_int_equal(moved, 2);
        for (size_t i = 0; i < ELEMENTSOF(left); ++i)
                assert_false(file_exists(dir, left[i]));
        assert_false(file_exists(dir, "a.db"));

        text = read_file(dir, "a.db-wal.before-restore");
        assert_string_equal(text, "frames");
        assert_true(file_exists(dir, "a.db-journal.before-restore"));
}

static void test_that_the_log_of_a_broken_database_is_moved_aside(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = make_copy_with_log(dir, "a.db"), *old = NULL;
        unsigned moved = 0;

        /* It is restored from a copy that had no log. */
        assert_int_equal(unlink(path), 0);
        assert_int_equal(database_settle(path, &moved), 0);
        assert_int_equal(moved, 1);
        old = database_make(dir, "old.db", "wal");
        copy_file(old, path);
        assert_query(path, "SELECT count(*) FROM entries", "300");
        assert_query(path, "PRAGMA integrity_check", "ok");
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_stamp_survives_as_text),
                cmocka_unit_test(test_that_a_good_database_is_good),
                cmocka_unit_test(test_that_a_log_is_recovered_and_folded_in),
                cmocka_unit_test(test_that_a_broken_page_is_found),
                cmocka_unit_test(test_that_a_lost_log_is_found_by_comparing),
                cmocka_unit_test(test_that_what_is_no_database_is_found),
                cmocka_unit_test(test_that_functions_of_the_application_do_not_stand_in_the_way),
                cmocka_unit_test(test_that_a_verification_can_be_stopped),
                cmocka_unit_test(test_that_a_settled_database_is_one_file),
                cmocka_unit_test(test_that_the_journal_of_a_writer_that_died_is_rolled_back),
                cmocka_unit_test(test_that_logs_without_a_database_are_moved_aside),
                cmocka_unit_test(test_that_the_log_of_a_broken_database_is_moved_aside),
        };

        worker_path = argc > 1 ? argv[1] : "sqlite-worker";
        return cmocka_run_group_tests(tests, NULL, NULL);
}
