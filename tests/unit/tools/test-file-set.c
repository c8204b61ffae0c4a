/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * File sets: which files belong, and that walking finds exactly those, once each.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "lib/test-util.h"
#include "tools/file-set.h"
#include "tools/tree-walk.h"

static void test_that_a_path_has_one_form(void **state) {
        static const struct {
                const char *path, *normal;
        } cases[] = {
                { NULL,              NULL    },
                { "",                NULL    },
                { "srv",             NULL    },
                { ".",               NULL    },
                { "/srv/..",         NULL    },
                { "/../srv",         NULL    },
                { "\\srv\\..\\etc",  NULL    },
                { "/",               "/"     },
                { "//",              "/"     },
                { "/.",              "/"     },
                { "\\",              "/"     },
                { "/srv",            "/srv"  },
                { "/srv/",           "/srv"  },
                { "//srv//./a/.",    "/srv/a" },
                { "\\srv\\a\\",      "/srv/a" },
                { "/...",            "/..."  },
                { "/..a",            "/..a"  },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *normal = NULL;

                assert_int_equal(file_set_normalise(cases[i].path, &normal), cases[i].normal ? 0 : -EINVAL);
                if (cases[i].normal)
                        assert_string_equal(normal, cases[i].normal);
        }
}

static void test_that_patterns_are_those_of_the_windows_api(void **state) {
        static const struct {
                const char *directory, *pattern;
                bool recursive;
                const char *path;
                bool belongs;
        } cases[] = {
                { "/srv", "*",     false, "/srv/a",       true  },
                { "/srv", "*",     false, "/srv/.a",      true  },
                { "/srv", "*",     false, "/srv/a/b",     false },
                { "/srv", "*",     true,  "/srv/a/b",     true  },
                { "/srv", "*",     true,  "/srv2/a",      false },
                { "/srv", "*",     true,  "/srv",         false }, /* the directory is no file in it */
                { "/",    "*",     true,  "/a",           true  },
                { "/",    "*",     false, "/a",           true  },
                { "/",    "*",     false, "/a/b",         false },
                { "/srv", "*.*",   false, "/srv/no-dot",  true  },
                { "/srv", NULL,    false, "/srv/a",       true  },
                { "/srv", "",      false, "/srv/a",       true  },
                { "/srv", "*.db",  false, "/srv/a.db",    true  },
                { "/srv", "*.db",  false, "/srv/.db",     true  },
                { "/srv", "*.db",  false, "/srv/a.db2",   false },
                { "/srv", "*.db",  false, "/srv/a.DB",    false }, /* bytes are compared */
                { "/srv", "a?c",   false, "/srv/abc",     true  },
                { "/srv", "a?c",   false, "/srv/ac",      false },
                { "/srv", "a?c",   false, "/srv/a\xC3\xBC" "c", true  },
                { "/srv", "a?c",   false, "/srv/a\xFF" "c", true },
                { "/srv", "a*b*c", false, "/srv/aXbYbZc", true  },
                { "/srv", "a*b*c", false, "/srv/aXcYb",   false },
                { "/srv", "[a]",   false, "/srv/[a]",     true  },
                { "/srv", "[a]",   false, "/srv/a",       false },
                { "/srv", "db",    true,  "/srv/x/y/db",  true  },
                { "\\srv\\", "*",  false, "/srv/a",       true  },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(file_set_freep) FileSet *set = NULL;

                assert_int_equal(file_set_new(&set), 0);
                assert_int_equal(file_set_add(set, cases[i].directory, cases[i].pattern, cases[i].recursive),
                                 0);
                if (file_set_contains(set, cases[i].path) != cases[i].belongs)
                        fail_msg("case %zu: '%s'", i, cases[i].path);
        }
}

static void test_that_an_exclusion_wins_whatever_came_first(void **state) {
        for (unsigned order = 0; order < 2; ++order) {
                _cleanup_(file_set_freep) FileSet *set = NULL;

                assert_int_equal(file_set_new(&set), 0);
                if (order == 0)
                        assert_int_equal(file_set_exclude(set, "/srv/cache", "*", true), 0);
                assert_int_equal(file_set_add(set, "/srv", "*", true), 0);
                assert_int_equal(file_set_add(set, "/srv/cache", "keep", false), 0);
                assert_int_equal(file_set_exclude(set, "/srv", "*.tmp", true), 0);
                if (order == 1)
                        assert_int_equal(file_set_exclude(set, "/srv/cache", "*", true), 0);

                assert_true(file_set_contains(set, "/srv/a"));
                assert_true(file_set_contains(set, "/srv/b/c"));
                assert_false(file_set_contains(set, "/srv/b/c.tmp"));
                assert_false(file_set_contains(set, "/srv/cache/x/y"));
                assert_false(file_set_contains(set, "/srv/cache/keep"));
        }
}

static void test_that_in_a_literal_name_nothing_is_special(void **state) {
        _cleanup_(file_set_freep) FileSet *set = NULL;

        assert_int_equal(file_set_new(&set), 0);
        assert_true(file_set_is_empty(set));
        assert_int_equal(file_set_exclude(set, "/srv", "x", false), 0);
        assert_true(file_set_is_empty(set));
        assert_int_equal(file_set_add_literal(set, "/srv", "*"), 0);
        assert_false(file_set_is_empty(set));
        assert_true(file_set_contains(set, "/srv/*"));
        assert_false(file_set_contains(set, "/srv/a"));
        assert_int_equal(file_set_add(set, "/srv", "a/b", false), -EINVAL);
        assert_int_equal(file_set_add(set, "srv", "a", false), -EINVAL);
}

static void test_that_no_root_is_reached_from_another(void **state) {
        _cleanup_(file_set_freep) FileSet *set = NULL;
        _cleanup_(strv_freep) char **roots = NULL;
        _cleanup_(freep) char *joined = NULL;

        assert_int_equal(file_set_new(&set), 0);
        assert_int_equal(file_set_add(set, "/srv/b", "*", true), 0);
        assert_int_equal(file_set_add(set, "/srv/b/c/d", "x", false), 0); /* is in /srv/b */
        assert_int_equal(file_set_add(set, "/srv/a", "*", false), 0);
        assert_int_equal(file_set_add(set, "/srv/a/deep", "*", false), 0); /* is not */
        assert_int_equal(file_set_add(set, "/srv/b2", "*", false), 0);
        assert_int_equal(file_set_exclude(set, "/srv/excluded", "*", true), 0);

        assert_int_equal(file_set_roots(set, &roots), 0);
        joined = strv_join(roots, " ");
        assert_string_equal(joined, "/srv/a /srv/a/deep /srv/b /srv/b2");
}

/* What a writer with one file list for each of its files makes of a backup. */
static void test_that_tens_of_thousands_of_names_are_found_at_once(void **state) {
        _cleanup_(file_set_freep) FileSet *set = NULL;
        char name[32];

        assert_int_equal(file_set_new(&set), 0);
        for (unsigned i = 0; i < 50000; ++i) {
                snprintf(name, sizeof(name), "file-%u", i);
                assert_int_equal(file_set_add(set, "/srv", name, false), 0);
        }
        for (unsigned i = 0; i < 100000; ++i) {
                snprintf(name, sizeof(name), "/srv/file-%u", i);
                assert_int_equal(file_set_contains(set, name), i < 50000);
        }
}

static int note(int dir_fd, const char *name, const char *path, void *userdata) {
        assert_string_equal(strrchr(path, '/') + 1, name);
        assert_int_equal(faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW), 0);
        return strv_append(userdata, path);
}

static int note_directory(int fd, const char *path, void *userdata) {
        char *text;

        assert_int_equal(format_to(&text, "%s/", path), 0);
        return strv_consume(userdata, text);
}

static void assert_walk(const FileSet *set, const char *path, const char *dir, const char *expected) {
        static const TreeVisitor visitor = { .file = note, .directory = note_directory };
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(strv_freep) char **found = NULL;
        _cleanup_(freep) char *joined = NULL;

        assert_int_equal(tree_walk(set, path, fd, &visitor, &found), 0);
        strv_sort(found);
        joined = strv_join(found, " ");
        assert_string_equal(joined, expected);
}

static void test_that_walking_finds_what_belongs_and_follows_no_link(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *srv = path_in(dir, "srv"), *link = path_in(dir, "srv/link");
        unsigned fds = count_open_fds();

        write_file(dir, "srv/a.db", "");
        write_file(dir, "srv/a.log", "");
        write_file(dir, "srv/sub/b.db", "");
        write_file(dir, "srv/sub/deep/c.db", "");
        write_file(dir, "outside/d.db", "");
        assert_int_equal(symlink("../outside", link), 0);

        {
                _cleanup_(file_set_freep) FileSet *set = NULL;

                assert_int_equal(file_set_new(&set), 0);
                assert_int_equal(file_set_add(set, "/srv", "*.db", false), 0);
                assert_walk(set, "/srv", srv, "/srv/ /srv/a.db");
                assert_int_equal(file_set_add(set, "/srv", "*.db", true), 0);
                assert_walk(set, "/srv", srv,
                            "/srv/ /srv/a.db /srv/sub/ /srv/sub/b.db /srv/sub/deep/ /srv/sub/deep/c.db");
                assert_int_equal(file_set_exclude(set, "/srv/sub/deep", "*", false), 0);
                assert_int_equal(file_set_add(set, "/srv", "link", false), 0); /* as the link that it is */
                assert_walk(set, "/srv", srv,
                            "/srv/ /srv/a.db /srv/link /srv/sub/ /srv/sub/b.db /srv/sub/deep/");
        }

        assert_int_equal(count_open_fds(), fds);
}

static void test_that_any_failed_allocation_leaves_the_set_as_it_was(void **state) {
        int r = -ENOMEM;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                _cleanup_(file_set_freep) FileSet *set = NULL;

                fault_fail_allocation(n);
                r = file_set_new(&set);
                if (r == 0)
                        r = file_set_add(set, "/srv", "*", true);
                if (r == 0)
                        r = file_set_add(set, "/srv/a", "name", false);
                if (r == 0)
                        r = file_set_exclude(set, "/srv", "*.tmp", true);
                fault_clear();
        }

        assert_int_equal(r, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_path_has_one_form),
                cmocka_unit_test(test_that_patterns_are_those_of_the_windows_api),
                cmocka_unit_test(test_that_an_exclusion_wins_whatever_came_first),
                cmocka_unit_test(test_that_in_a_literal_name_nothing_is_special),
                cmocka_unit_test(test_that_no_root_is_reached_from_another),
                cmocka_unit_test(test_that_tens_of_thousands_of_names_are_found_at_once),
                cmocka_unit_test(test_that_walking_finds_what_belongs_and_follows_no_link),
                cmocka_unit_test(test_that_any_failed_allocation_leaves_the_set_as_it_was),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
