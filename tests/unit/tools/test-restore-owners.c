/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whose a file is, of many components.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "lib/test-util.h"
#include "tools/restore-owners.h"

/* What a component has. */
typedef struct Files {
        const char *directory, *pattern;
        bool recursive;
        const char *later;       /* a directory of files that its writer named later */
        const char *ranges_file;
} Files;

static void chosen_from(Chosen *c, const Files *f) {
        *c = (Chosen){ 0 };
        assert_int_equal(file_set_new(&c->files), 0);
        assert_int_equal(file_set_new(&c->extra), 0);
        if (f->directory)
                assert_int_equal(file_set_add(c->files, f->directory, f->pattern, f->recursive), 0);
        if (f->later)
                assert_int_equal(file_set_add(c->extra, f->later, NULL, false), 0);
        if (f->ranges_file)
                assert_int_equal(strv_append(&c->ranges_files, f->ranges_file), 0);
}

static void chosen_clear(Chosen *c) {
        file_set_free(c->files);
        file_set_free(c->extra);
        strv_free(c->ranges_files);
}

static void test_that_a_file_is_the_first_ones_that_has_it(void **state) {
        static const Files files[] = {
                { "/srv/a", "*.db", false, NULL, NULL },
                { "/srv", NULL, true, "/later", "/tmp/r/ranges" },
                { "/srv/a", NULL, true, NULL, NULL },
                { "/", "root*", false, NULL, NULL },
                { "/other", NULL, false, "/srv2", NULL },
                { NULL, NULL, false, NULL, NULL },
        };
        static const struct {
                const char *path;
                bool directory;
                int owner; /* -1: nobody */
        } cases[] = {
                { "/srv/a/x.db",      false, 0  },
                { "/srv/a/b/x.db",    false, 1  }, /* the first one goes no deeper */
                { "/srv/a/x",         false, 1  },
                { "/srv/x",           false, 1  },
                { "/srv",             false, -1 }, /* a file of the name of the directory */
                { "/srv",             true,  1  },
                { "/srv/a",           true,  0  },
                { "/srv/a/b/c",       true,  1  },
                { "/srvx/a",          false, -1 },
                { "/later/x",         false, 1  },
                { "/later/x/y",       false, -1 },
                { "/later",           true,  -1 }, /* directories come with file sets only */
                { "/tmp/r/ranges",    false, 1  },
                { "/tmp/r/other",     false, -1 },
                { "/rooted",          false, 3  },
                { "/x/rooted",        false, -1 },
                { "/",                true,  3  },
                { "/other/x",         false, 4  },
                { "/other/x/y",       false, -1 },
                { "/srv2/x",          false, 4  },
        };
        Chosen chosen[ELEMENTSOF(files)];
        RestoreOwners *o = NULL;

        for (size_t i = 0; i < ELEMENTSOF(files); ++i)
                chosen_from(&chosen[i], &files[i]);
        assert_int_equal(restore_owners_new(chosen, ELEMENTSOF(chosen), &o), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                const Chosen *c = restore_owners_find(o, cases[i].path, cases[i].directory);

                if ((c ? (int) (c - chosen) : -1) != cases[i].owner)
                        fail_msg("'%s': %d", cases[i].path, c ? (int) (c - chosen) : -1);
        }
        restore_owners_free(o);
        for (size_t i = 0; i < ELEMENTSOF(files); ++i)
                chosen_clear(&chosen[i]);
}

#define MANY 20000U

static void test_that_many_components_are_not_all_asked(void **state) {
        Chosen *chosen = calloc(MANY, sizeof(*chosen));
        RestoreOwners *o = NULL;

        assert_non_null(chosen);
        for (size_t i = 0; i < MANY; ++i) {
                char directory[64];

                (void) snprintf(directory, sizeof(directory), "/srv/%zu/data", i);
                chosen_from(&chosen[i], &(Files){ .directory = directory, .recursive = true });
        }
        assert_int_equal(restore_owners_new(chosen, MANY, &o), 0);
        for (size_t i = 0; i < MANY; ++i) { /* with all of them asked this would take minutes */
                char path[64];

                (void) snprintf(path, sizeof(path), "/srv/%zu/data/some/file", i);
                assert_ptr_equal(restore_owners_find(o, path, false), &chosen[i]);
                (void) snprintf(path, sizeof(path), "/srv/%zu/file", i);
                assert_null(restore_owners_find(o, path, false));
        }
        restore_owners_free(o);
        for (size_t i = 0; i < MANY; ++i)
                chosen_clear(&chosen[i]);
        free(chosen);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_file_is_the_first_ones_that_has_it),
                cmocka_unit_test(test_that_many_components_are_not_all_asked),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
