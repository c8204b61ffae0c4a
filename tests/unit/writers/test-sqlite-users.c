/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who uses a database: whoever has one of its files open, and nobody else.
 */

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sqlite-fixture.h"
#include "writers/sqlite/sqlite-users.h"

static void test_that_nobody_uses_a_database_that_nobody_uses(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "wal"), *none = path_in(dir, "none.db");
        _cleanup_(freep) char *other = database_make(dir, "b.db", "wal");
        DatabaseUser user = { 0 };
        Worker neighbour = { 0 };
        unsigned fds;

        worker_start(&neighbour, "stay-open", other, NULL);
        fds = count_open_fds();
        assert_int_equal(database_find_user(path, &user, NULL), 0);
        assert_int_equal(database_find_user(none, &user, NULL), 0);
        assert_int_equal(database_find_lock_owner(path, &user), 0);
        assert_int_equal(database_find_lock_owner(none, &user), 0);
        assert_int_equal(count_open_fds(), fds);
        worker_stop(&neighbour);
}

static void test_that_users_are_found_by_the_files_they_have_open(void **state) {
        static const struct {
                const char *journal_mode, *deed, *suffix;
        } cases[] = {
                { "delete", "stay-open", "" }, /* has no lock at all */
                { "delete", "stay-writing", "" },
                { "wal", "stay-open", "" },
                { "wal", "stay-with-descriptor", "" },
                { "wal", "stay-with-descriptor", "-wal" },
                { "wal", "stay-with-descriptor", "-shm" },
                { "delete", "stay-with-descriptor", "-journal" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = database_make(dir, "a.db", cases[i].journal_mode);
                char file[64], text[DATABASE_USER_STRING_MAX], expected[DATABASE_USER_STRING_MAX];
                _cleanup_(freep) char *used = NULL;
                DatabaseUser user = { 0 };
                Worker worker = { 0 };

                (void) snprintf(file, sizeof(file), "a.db%s", cases[i].suffix);
                if (!file_exists(dir, file))
                        write_file(dir, file, "");
                used = path_in(dir, file);

                worker_start(&worker, cases[i].deed, used, NULL);
                assert_int_equal(database_find_user(path, &user, NULL), 1);
                assert_int_equal(user.pid, worker.pid);
                assert_string_equal(user.file, cases[i].suffix);
                assert_false(user.deleted);
                (void) snprintf(expected, sizeof(expected), "process %d (sqlite-worker)", (int) worker.pid);
                assert_string_equal(database_user_to_string(&user, text), expected);

                worker_stop(&worker);
                assert_int_equal(database_find_user(path, &user, NULL), 0);
        }
}

/* He would go on with what is not there any more. */
static void test_that_a_user_of_the_removed_database_is_found(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "delete");
        DatabaseUser user = { 0 };
        Worker worker = { 0 };

        worker_start(&worker, "stay-open", path, NULL);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(database_find_user(path, &user, NULL), 1);
        assert_int_equal(user.pid, worker.pid);
        assert_true(user.deleted);
        worker_stop(&worker);
}

static void test_that_this_process_does_not_count(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = database_make(dir, "a.db", "delete");
        DatabaseUser user = { 0 };
        sqlite3 *db = NULL;

        assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "SELECT * FROM entries", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(database_find_user(path, &user, NULL), 0);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* For whom /proc is closed, there are still the locks. Of an idle one in rollback mode there is nothing to
 * see. */
static void test_that_without_privileges_locks_tell(void **state) {
        static const struct {
                const char *journal_mode, *deed;
                int found;
        } cases[] = {
                { "wal", "stay-open", 1 },
                { "wal", "stay-writing", 1 },
                { "delete", "stay-writing", 1 },
                { "delete", "stay-open", 0 },
        };

        skip_unless_root();
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = database_make(dir, "a.db", cases[i].journal_mode);
                Worker worker = { 0 };
                pid_t child;
                int status;

                assert_int_equal(chmod(dir, 0755), 0);
                worker_start(&worker, cases[i].deed, path, NULL);
                child = fork();
                assert_true(child >= 0);
                if (child == 0) {
                        DatabaseUser user = { 0 };
                        unsigned unseen = 0;
                        int r;

                        if (setresuid(65534, 65534, 65534) < 0)
                                _exit(100);
                        r = database_find_user(path, &user, &unseen);
                        _exit(unseen == 0                     ? 101 :
                              r != cases[i].found             ? 102 :
                              r > 0 && user.pid != worker.pid ? 103 :
                                                                0);
                }
                assert_int_equal(waitpid(child, &status, 0), child);
                assert_int_equal(WEXITSTATUS(status), 0);
                worker_stop(&worker);
        }
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_nobody_uses_a_database_that_nobody_uses),
                cmocka_unit_test(test_that_users_are_found_by_the_files_they_have_open),
                cmocka_unit_test(test_that_a_user_of_the_removed_database_is_found),
                cmocka_unit_test(test_that_this_process_does_not_count),
                cmocka_unit_test(test_that_without_privileges_locks_tell),
        };

        worker_path = argc > 1 ? argv[1] : "sqlite-worker";
        return cmocka_run_group_tests(tests, NULL, NULL);
}
