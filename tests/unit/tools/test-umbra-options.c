/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The command line: what scripts rely on is the exit code, and that a mistake in the options changes nothing.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/test-util.h"
#include "set-fixture.h"
#include "tools/set-output.h"
#include "tools/verb.h"

static const char *umbra; /* the program under test */

/* The exit code of "umbra @arguments", run in @dir; what it prints goes to files out and err there. */
static int run(const char *dir, const char *arguments) {
        _cleanup_(freep) char *command = NULL;
        int status;

        assert_int_equal(format_to(&command, "cd %s && '%s' %s >out 2>err </dev/null", dir, umbra, arguments), 0);
        status = system(command);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void assert_output(const char *dir, const char *name, const char *needle) {
        _cleanup_(freep) char *text = read_file(dir, name);

        if (!text || !strstr(text, needle))
                fail_msg("no '%s' in %s: %s", needle, name, text);
}

static void test_that_the_exit_code_tells_what_went_wrong(void **state) {
        static const struct {
                const char *arguments;
                int code;
        } cases[] = {
                { "",                                           EXIT_USAGE       },
                { "no-such-verb",                               EXIT_USAGE       },
                { "--no-such-option",                           EXIT_USAGE       },
                { "--help",                                     EXIT_OK          },
                { "--version",                                  EXIT_OK          },
                { "backup --help",                              EXIT_OK          },
                { "restore --help",                             EXIT_OK          },
                { "snapshot --help",                            EXIT_OK          },
                { "backup",                                     EXIT_USAGE       }, /* where to? */
                { "backup --to",                                EXIT_USAGE       },
                { "backup --to x --type daily",                 EXIT_USAGE       },
                { "backup --to x --compress zstd:99",           EXIT_USAGE       },
                { "backup --to x --compress rar",               EXIT_USAGE       },
                { "backup --no-such-option --to x",             EXIT_USAGE       },
                { "restore",                                    EXIT_USAGE       },
                { "restore - -",                                EXIT_USAGE       },
                { "restore one two",                            EXIT_FAILED      },
                { "restore set --roll-forward",                 EXIT_USAGE       },
                { "show",                                       EXIT_USAGE       },
                { "verify",                                     EXIT_USAGE       },
                { "verify one two",                             EXIT_USAGE       },
                { "snapshot no-such-verb",                      EXIT_USAGE       },
                { "show nothing",                               EXIT_FAILED      },
                { "restore nothing --to new",                   EXIT_FAILED      },
                { "verify out",                                 EXIT_DAMAGED     }, /* not a set */
                { "show out",                                   EXIT_DAMAGED     },
                { "restore out --to new",                       EXIT_DAMAGED     },
                { "writers --socket nobody",                    EXIT_UNREACHABLE },
                { "providers --socket nobody",                  EXIT_UNREACHABLE },
                { "volumes --socket nobody",                    EXIT_UNREACHABLE },
                { "status --socket nobody",                     EXIT_UNREACHABLE },
                { "snapshot list --socket nobody",              EXIT_UNREACHABLE },
                { "backup --socket nobody --to x .",            EXIT_UNREACHABLE },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                int code = run(dir, cases[i].arguments);

                if (code != cases[i].code)
                        fail_msg("umbra %s: %d instead of %d", cases[i].arguments, code, cases[i].code);
                assert_false(file_exists(dir, "x"));
                assert_false(file_exists(dir, "x.part"));
                assert_false(file_exists(dir, "new"));
        }
}

static void test_that_a_set_can_be_shown_verified_and_unpacked_without_umbrad(void **state) {
        _cleanup_(fixture_end) Fixture f = fixture_new(true, SET_LEVEL_DEFAULT);
        _cleanup_(freep) char *unpacked = NULL;

        assert_int_equal(setenv("UMBRA_SOCKET", "/nobody/listens", 1), 0);
        assert_int_equal(run(f.dir, "verify set"), EXIT_OK);
        assert_int_equal(run(f.dir, "show set --files"), EXIT_OK);
        assert_output(f.dir, "out", "/names/with space");
        assert_output(f.dir, "out", "umbra restore set");
        assert_int_equal(run(f.dir, "show set --json"), EXIT_OK);
        assert_output(f.dir, "out", "\"manifest\"");

        assert_int_equal(run(f.dir, "restore set --to unpacked --quiet"), EXIT_OK);
        assert_int_equal(format_to(&unpacked, "%s/unpacked%s", f.dir, f.tree), 0);
        assert_same_tree(f.tree, unpacked);
}

static void test_that_a_damaged_set_is_named_and_nothing_written(void **state) {
        static const char *const verbs[] = { "verify set", "show set", "restore set --to new" };
        _cleanup_(fixture_end) Fixture f = fixture_new(true, SET_LEVEL_DEFAULT);

        shell("printf x | dd of=%s bs=1 seek=2000 conv=notrunc status=none", f.set);
        for (size_t i = 0; i < ELEMENTSOF(verbs); ++i) {
                assert_int_equal(run(f.dir, verbs[i]), EXIT_DAMAGED);
                assert_output(f.dir, "err", "'set' is damaged");
                assert_false(file_exists(f.dir, "new"));
        }
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_the_exit_code_tells_what_went_wrong),
                cmocka_unit_test(test_that_a_set_can_be_shown_verified_and_unpacked_without_umbrad),
                cmocka_unit_test(test_that_a_damaged_set_is_named_and_nothing_written),
        };

        assert(argc > 1);
        umbra = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
