/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * sqlite.conf: what is understood, what is refused, and which databases it means.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/strv.h"
#include "sqlite-fixture.h"
#include "writers/sqlite/sqlite-config.h"

static SqliteConfig *load(const char *dir, const char *text) {
        _cleanup_(freep) char *path = path_in(dir, "sqlite.conf");
        SqliteConfig *c = NULL;

        write_file(dir, "sqlite.conf", text);
        assert_int_equal(sqlite_config_load(path, &c), 0);
        return c;
}

/* The names of the databases below @dir, separated by blanks. */
static char *expand(const char *dir, const SqliteConfig *c) {
        _cleanup_(strv_freep) char **paths = NULL, **names = NULL;

        assert_int_equal(sqlite_config_expand(c, &paths), 0);
        STRV_FOREACH(path, paths) {
                assert_int_equal(strncmp(*path, dir, strlen(dir)), 0);
                assert_int_equal(strv_append(&names, *path + strlen(dir) + 1), 0);
        }

        return strv_join(names, " ");
}

static void test_that_a_configuration_is_understood(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(sqlite_config_freep) SqliteConfig *c = NULL;

        c = load(dir, "; a comment\n"
                      "[sqlite]\n"
                      "database = /srv/a.db\n"
                      "database=/srv/b/user-*.db ; another\n"
                      "exclude = /srv/b/user-0.db\n"
                      "busy_timeout_ms = 250\n");
        assert_int_equal(strv_length(c->databases), 2);
        assert_string_equal(c->databases[0], "/srv/a.db");
        assert_string_equal(c->databases[1], "/srv/b/user-*.db");
        assert_int_equal(strv_length(c->excludes), 1);
        assert_int_equal(c->busy_timeout, 250 * USEC_PER_MSEC);

        sqlite_config_free(c);
        c = load(dir, "[sqlite]\ndatabase = /srv/a.db\n");
        assert_null(c->excludes);
        assert_int_equal(c->busy_timeout, SQLITE_BUSY_TIMEOUT_DEFAULT_USEC);
}

#define FIFTY "--------------------------------------------------"

static void test_that_half_a_configuration_is_refused(void **state) {
        static const char *const cases[] = {
                "",
                "[sqlite]\n",
                "database = /srv/a.db\n", /* in no section */
                "[sqlite]\ndatabase = a.db\n",
                "[sqlite]\ndatabase = /srv/a.db\ndatabases = /srv/b.db\n",
                "[sqlite]\ndatabase = /srv/a.db\nbusy_timeout_ms = 0\n",
                "[sqlite]\ndatabase = /srv/a.db\nbusy_timeout_ms = -1\n",
                "[sqlite]\ndatabase = /srv/a.db\nbusy_timeout_ms = 50001\n",
                "[sqlite]\ndatabase = /srv/a.db\nbusy_timeout_ms = 10 s\n",
                "[sqlite]\ndatabase = /srv/a.db\n[other]\nname = value\n",
                "[sqlite]\ndatabase = /srv/a.db\nnonsense\n",
                /* longer than a line may be */
                "[sqlite]\ndatabase = /srv/a.db" FIFTY FIFTY FIFTY FIFTY "\n",
        };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "sqlite.conf");
        SqliteConfig *c = NULL;

        assert_int_equal(sqlite_config_load(path, &c), -ENOENT);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                write_file(dir, "sqlite.conf", cases[i]);
                assert_int_equal(sqlite_config_load(path, &c), -EINVAL);
                assert_null(c);
        }
}

static void test_that_patterns_are_expanded_anew_each_time(void **state) {
        static const char *const files[] = {
                "a/1.db",     "a/2.db",      "a/2.db-wal", "a/2.db-shm",      "a/2.db-journal",
                "a/cache.db", "a/other.txt", "b/1.db",     "a/lonely.db-wal",
        };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(sqlite_config_freep) SqliteConfig *c = NULL;
        _cleanup_(freep) char *text = NULL, *names = NULL;

        for (size_t i = 0; i < ELEMENTSOF(files); ++i)
                write_file(dir, files[i], "");
        write_file(dir, "a/dir.db/file", "");
        assert_int_equal(
                format_to(&text,
                          "[sqlite]\ndatabase = %s/?/*.db*\ndatabase = %s/a/1.db\nexclude = %s/*/cache.db\n"
                          "database = %s/none/*.db\n",
                          dir, dir, dir, dir),
                0);
        c = load(dir, text);

        /* A log that no database has is somebody's strange name for one. */
        names = expand(dir, c);
        assert_string_equal(names, "a/1.db a/2.db a/lonely.db-wal b/1.db");

        write_file(dir, "b/new.db", "");
        free(names);
        names = expand(dir, c);
        assert_string_equal(names, "a/1.db a/2.db a/lonely.db-wal b/1.db b/new.db");
}

static void test_that_links_lead_to_the_database_itself(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *text = NULL, *names = NULL, *link = path_in(dir, "link"),
                              *file = path_in(dir, "real/b.db");
        _cleanup_(sqlite_config_freep) SqliteConfig *c = NULL;

        write_file(dir, "real/a.db", "");
        assert_int_equal(symlink("real", link), 0);
        assert_int_equal(symlink("nowhere", file), 0);
        assert_int_equal(
                format_to(&text, "[sqlite]\ndatabase = %s/link/*.db\ndatabase = %s/real/*.db\n", dir, dir),
                0);

        c = load(dir, text);
        names = expand(dir, c);
        assert_string_equal(names, "real/a.db");
}

static void test_that_no_database_is_an_answer(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(sqlite_config_freep) SqliteConfig *c =
                load(dir, "[sqlite]\ndatabase = /no/such/dir/*.db\n");
        char **paths = (char **) dir;

        assert_int_equal(sqlite_config_expand(c, &paths), 0);
        assert_null(paths);
}

static void test_that_expanding_survives_any_failed_allocation(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(sqlite_config_freep) SqliteConfig *c = NULL;
        _cleanup_(strv_freep) char **paths = NULL;
        _cleanup_(freep) char *text = NULL;
        int r = -ENOMEM;

        write_file(dir, "a.db", "");
        write_file(dir, "a.db-wal", "");
        write_file(dir, "b.db", "");
        assert_int_equal(format_to(&text, "[sqlite]\ndatabase = %s/*\n", dir), 0);
        c = load(dir, text);

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                fault_fail_allocation(n);
                r = sqlite_config_expand(c, &paths);
                fault_clear();
                assert_true(r == -ENOMEM || r == 0);
                assert_true((paths != NULL) == (r == 0));
        }

        assert_int_equal(strv_length(paths), 3); /* the configuration itself matches, too */
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_configuration_is_understood),
                cmocka_unit_test(test_that_half_a_configuration_is_refused),
                cmocka_unit_test(test_that_patterns_are_expanded_anew_each_time),
                cmocka_unit_test(test_that_links_lead_to_the_database_itself),
                cmocka_unit_test(test_that_no_database_is_an_answer),
                cmocka_unit_test(test_that_expanding_survives_any_failed_allocation),
        };

        log_set_max_level(LOG_EMERG);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
