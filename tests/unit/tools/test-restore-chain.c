/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which sets are a chain, and what is said of those that are none.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "lib/test-util.h"
#include "set-fixture.h"
#include "tools/restore-chain.h"
#include "tools/restore-service.h"
#include "tools/set-format.h"
#include "tools/set-output.h"
#include "tools/set-writer.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

static char *quote(const char *text) {
        char *quoted = NULL;

        assert_int_equal(text ? format_to(&quoted, "\"%s\"", text) : strdup_to("null", &quoted), 0);
        return quoted;
}

/* A set without files. The ids are words here; nothing looks into them. */
static void save(const char *dir, const char *name, const char *id, const char *since) {
        _cleanup_(freep) char *path = path_in(dir, name), *manifest = NULL, *quoted_id = quote(id), *quoted_since = quote(since);
        _cleanup_(set_output_freep) SetOutput *output = NULL;
        _cleanup_(set_writer_freep) SetWriter *w = NULL;

        assert_int_equal(format_to(&manifest, "{\"format\": \"" SET_FORMAT "\", \"version\": 1, \"id\": %s, \"since\": %s}", quoted_id,
                                   quoted_since),
                         0);
        assert_int_equal(set_output_open(path, true, SET_LEVEL_NONE, &output), 0);
        assert_int_equal(set_writer_new(output, NULL, NULL, &w), 0);
        assert_int_equal(set_writer_add_text(w, SET_MANIFEST, manifest, strlen(manifest)), 0);
        assert_int_equal(set_writer_begin_tail(w), 0);
        assert_int_equal(set_writer_add_text(w, SET_FINAL_DOCUMENT, "<final/>", 8), 0);
        assert_int_equal(set_writer_add_text(w, SET_SUMMARY, "{}", 2), 0);
        assert_int_equal(set_writer_finish(w), 0);
}

/* What goes to stderr meanwhile. */
static char *check(RestoreChain *c, bool onto_existing, int *ret_code) {
        _cleanup_(closep) int saved = dup(STDERR_FILENO);
        FILE *f = tmpfile();
        char *text = NULL;

        assert_non_null(f);
        assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
        *ret_code = restore_chain_check(c, onto_existing);
        fflush(stderr);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        assert_int_equal(fseek(f, 0, SEEK_SET), 0);
        assert_int_equal(fd_read_text(fileno(f), 4096, &text), 0);
        fclose(f);
        return text;
}

static void test_that_a_chain_is_what_it_has_to_be(void **state) {
        static const struct {
                const char *sets; /* file names, in the order in which they are given */
                bool onto_existing;
                const char *says; /* NULL: it is a chain */
        } cases[] = {
                { "full",                  false, NULL                                  },
                { "full one",              false, NULL                                  },
                { "full one two",          false, NULL                                  },
                { "full diff",             false, NULL                                  },
                { "old",                   false, NULL                                  }, /* made when sets had no id */
                { "one",                   false, "name that one first"                 },
                { "one",                   true,  NULL                                  },
                { "one two",               true,  NULL                                  },
                { "full two",              false, "a link of the chain is missing"      },
                { "full two",              true,  "a link of the chain is missing"      },
                { "one full",              false, "'full', which must stand right before" },
                { "one full",              true,  "is the beginning of a chain"         },
                { "full two one",          false, "'one', which must stand right before" },
                { "full one diff",         false, "leave out what stands between"       },
                { "full diff one",         false, "leave out what stands between"       },
                { "full other",            false, "is the beginning of a chain"         },
                { "other one",             false, "a link of the chain is missing"      },
                { "full full",             false, "are the same set"                    },
                { "full one copy-of-one",  false, "are the same set"                    },
                { "old one",               false, "a link of the chain is missing"      },
                { "full old",              false, "is the beginning of a chain"         },
                { "self",                  false, "must stand right before"             }, /* builds on itself */
        };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();

        save(dir, "full", "F", NULL);
        save(dir, "one", "I1", "F");
        save(dir, "two", "I2", "I1");
        save(dir, "diff", "D", "F");
        save(dir, "other", "O", NULL);
        save(dir, "copy-of-one", "I1", "F");
        save(dir, "old", NULL, NULL);
        save(dir, "self", "S", "S");
        assert_int_equal(chdir(dir), 0);

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(strv_freep) char **paths = NULL;
                _cleanup_(restore_chain_clear) RestoreChain chain = { 0 };
                _cleanup_(freep) char *text = NULL;
                int code;

                assert_int_equal(strv_split(cases[i].sets, " ", &paths), 0);
                assert_int_equal(restore_chain_open(&chain, paths), EXIT_OK);
                text = check(&chain, cases[i].onto_existing, &code);
                if (code != (cases[i].says ? EXIT_FAILED : EXIT_OK) || !strstr(text, cases[i].says ?: ""))
                        fail_msg("'%s': %d %s", cases[i].sets, code, text);
                if (cases[i].says)
                        assert_non_null(strstr(text, "Nothing was written"));
        }
        assert_int_equal(chdir("/"), 0);
}

static void test_that_one_bad_set_is_enough(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *full = path_in(dir, "full"), *bad = path_in(dir, "bad"), *nothing = path_in(dir, "nothing");
        const struct {
                char *paths[3];
                int code;
        } cases[] = {
                { { full, bad },     EXIT_DAMAGED },
                { { bad, full },     EXIT_DAMAGED },
                { { full, nothing }, EXIT_FAILED  },
        };

        save(dir, "full", "F", NULL);
        write_file(dir, "bad", "no set at all");
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(restore_chain_clear) RestoreChain chain = { 0 };

                assert_int_equal(restore_chain_open(&chain, cases[i].paths), cases[i].code);
        }
}

static void test_that_a_service_has_a_name_that_cannot_be_anything_else(void **state) {
        static const struct {
                const char *name;
                bool valid;
        } cases[] = {
                { "app",               true  },
                { "app.service",       true  },
                { "a@b:c_d-1.socket",  true  },
                { "dev-disk\\x2d.swap", true },
                { "",                  false },
                { "-x",                false },
                { "--force",           false },
                { ".service",          false },
                { "a b",               false },
                { "a;b",               false },
                { "../app",            false },
                { "a/b",               false },
                { "app*",              false },
                { "app\n",             false },
                { "\xC3\xBC",          false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                if (service_name_is_valid(cases[i].name) != cases[i].valid)
                        fail_msg("'%s'", cases[i].name);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_chain_is_what_it_has_to_be),
                cmocka_unit_test(test_that_one_bad_set_is_enough),
                cmocka_unit_test(test_that_a_service_has_a_name_that_cannot_be_anything_else),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
