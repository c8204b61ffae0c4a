/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * File Specifications: which file belongs.
 */

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "doc/filespec.h"
#include "lib/test-util.h"

static void test_that_a_pattern_matches_whole_names(void **state) {
        static const struct {
                const char *pattern, *name;
                bool match;
        } cases[] = {
                { NULL,        "a",                   false },
                { "",          "",                    true  },
                { "",          "a",                   false },
                { "*",         "",                    true  },
                { "*",         "a",                   true  },
                { "*",         ".hidden",             true  },
                { "*",         "a/b",                 false }, /* never over a slash */
                { "a*",        "a/b",                 false },
                { "?",         "/",                   false },
                { "a/b",       "a/b",                 false },
                { "?",         "",                    false },
                { "?",         "a",                   true  },
                { "?",         "ab",                  false },
                { "??",        "ab",                  true  },
                { "a",         "A",                   false }, /* this is Linux */
                { "*.*",       "a.b",                 true  },
                { "*.*",       "Makefile",            true  }, /* all files, in the Windows API */
                { "*.",        "a.",                  true  },
                { "*.",        "a",                   false },
                { "*.txt",     "a.txt",               true  },
                { "*.txt",     ".txt",                true  },
                { "*.txt",     "a.txt.gz",            false },
                { "a*b*c",     "abc",                 true  },
                { "a*b*c",     "aXbXbYc",             true  },
                { "a*b*c",     "aXc",                 false },
                { "*a*a*a*b",  "aaaaaaaaaaaaaaaaaaaa", false },
                { "**",        "a",                   true  },
                { "*?",        "",                    false },
                { "*?",        "a",                   true  },
                { "?*?",       "ab",                  true  },
                { "?*?",       "a",                   false },
                { "?",         "\xC3\xBC",            true  }, /* one character */
                { "??",        "\xC3\xBC",            false },
                { "a?c",       "a\xF0\x9F\x92\xBE" "c", true },
                { "?",         "\xFF",                true  }, /* one byte that is none */
                { "?",         "\xC3",                true  },
                { "??",        "\xC3(",               true  },
                { "*\xBC",     "\xC3\xBC",            false }, /* a star ends where characters end */
                { "\xFF*",     "\xFF\xFE",            true  },
                { "[a]",       "a",                   false }, /* no sets here */
                { "[a]",       "[a]",                 true  },
                { "a\\*",      "a\\b",                true  }, /* a backslash is a letter of names */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                if (filespec_match_name(cases[i].pattern, cases[i].name) != cases[i].match)
                        fail_msg("'%s' on '%s'", cases[i].pattern, cases[i].name);
}

static void test_that_a_file_belongs_to_its_set(void **state) {
        static const struct {
                const char *path, *filespec;
                bool recursive;
                const char *file;
                bool match;
        } cases[] = {
                { NULL,             "*",    true,  "/a",                false },
                { "",               "*",    true,  "/a",                false },
                { "relative",       "*",    true,  "/relative/a",       false },
                { "/",              "*",    false, "/a",                true  },
                { "/",              "*",    false, "/a/b",              false },
                { "/",              "*",    true,  "/a/b/c",            true  },
                { "/srv",           "*",    false, "/srv",              false }, /* not in itself */
                { "/srv",           "*",    false, "/srv/a",            true  },
                { "/srv/",          "*",    false, "/srv/a",            true  },
                { "\\srv\\data\\",  "*",    false, "/srv/data/a",       true  },
                { "//srv/./data//", "*",    false, "/srv/data/a",       true  },
                { "/srv",           "*",    false, "/srvx/a",           false },
                { "/srv",           "*",    true,  "/srv2",             false },
                { "/srv",           "*",    false, "/srv/a/b",          false },
                { "/srv",           "*",    true,  "/srv/a/b",          true  },
                { "/srv",           "*.db", true,  "/srv/a/b.db",       true  },
                { "/srv",           "*.db", true,  "/srv/a.db/b",       false }, /* only the name */
                { "/srv",           "a*b",  true,  "/srv/a/b",          false },
                { "/srv/..",        "*",    true,  "/etc/passwd",       false },
                { "/srv/../srv",    "*",    true,  "/srv/a",            false },
                { "/srv",           NULL,   true,  "/srv/a",            false },
                { "/srv",           "*",    true,  "srv/a",             false },
                { "/s?v",           "*",    true,  "/srv/a",            false }, /* no wildcards in paths */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *path = NULL, *filespec = NULL;
                DocFileSpec spec = { .recursive = cases[i].recursive };

                assert_int_equal(strdup_to(cases[i].path, &path), 0);
                assert_int_equal(strdup_to(cases[i].filespec, &filespec), 0);
                spec.path = path;
                spec.filespec = filespec;

                if (filespec_matches(&spec, cases[i].file) != cases[i].match)
                        fail_msg("%s + %s on %s", path, filespec, cases[i].file);
        }
}

static void test_that_a_path_has_one_normal_form(void **state) {
        static const struct {
                const char *path, *normal; /* NULL: -EINVAL */
        } cases[] = {
                { "",                  NULL          },
                { ".",                 NULL          },
                { "./",                NULL          },
                { "..",                NULL          },
                { "/..",               NULL          },
                { "/a/../b",           NULL          },
                { "a/..",              NULL          },
                { "/",                 "/"           },
                { "//",                "/"           },
                { "\\",                "/"           },
                { "/.",                "/"           },
                { "/a",                "/a"          },
                { "/a/",               "/a"          },
                { "/a//b/./c/",        "/a/b/c"      },
                { "\\a\\b\\",          "/a/b"        },
                { "/...",              "/..."        },
                { "/a/..b/.c",         "/a/..b/.c"   },
                { "a/b",               "a/b"         },
                { "./a",               "a"           },
                { "/\xFF",             "/\xFF"       },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *normal = NULL, *again = NULL;

                assert_int_equal(path_normalise(cases[i].path, &normal), cases[i].normal ? 0 : -EINVAL);
                if (!cases[i].normal)
                        continue;

                assert_string_equal(normal, cases[i].normal);
                assert_int_equal(path_normalise(normal, &again), 0);
                assert_string_equal(normal, again);
        }

        fault_fail_allocation(0);
        assert_int_equal(path_normalise("/a", &(char *){ NULL }), -ENOMEM);
        fault_clear();
}

static void test_that_below_means_by_levels(void **state) {
        static const struct {
                const char *path, *directory;
                bool below;
        } cases[] = {
                { "/",      "/",    true  },
                { "/a",     "/",    true  },
                { "/a",     "/a",   true  },
                { "/a/b",   "/a",   true  },
                { "/ab",    "/a",   false },
                { "/",      "/a",   false },
                { "/b",     "/a",   false },
                { "/a/b/c", "/a/b", true  },
                { "/a/bc",  "/a/b", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_true(path_is_below(cases[i].path, cases[i].directory) == cases[i].below);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_pattern_matches_whole_names),
                cmocka_unit_test(test_that_a_file_belongs_to_its_set),
                cmocka_unit_test(test_that_a_path_has_one_normal_form),
                cmocka_unit_test(test_that_below_means_by_levels),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
