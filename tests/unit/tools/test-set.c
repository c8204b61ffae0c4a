/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Backup sets: what goes in comes out.
 */

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "lib/test-util.h"
#include "set-fixture.h"
#include "tools/set-format.h"
#include "tools/set-index.h"
#include "tools/set-output.h"
#include "tools/set-reader.h"
#include "tools/set-seal.h"
#include "tools/set-writer.h"

static void test_that_a_tree_comes_back_with_everything(void **state) {
        static const int levels[] = { SET_LEVEL_NONE, SET_LEVEL_DEFAULT, 1 };

        for (size_t i = 0; i < ELEMENTSOF(levels); ++i) {
                _cleanup_(fixture_end) Fixture f = fixture_new(true, levels[i]);

                assert_int_equal(set_restore(f.set, f.tree, f.target, NULL), 0);
                assert_same_tree(f.tree, f.target);

                /* Over what is there already, with the same result. */
                assert_int_equal(set_restore(f.set, f.tree, f.target, NULL), 0);
                assert_same_tree(f.tree, f.target);
        }
}

static void test_that_nothing_of_a_set_is_needed_but_its_index(void **state) {
        static const char *const programs[] = { "cat", "gzip -1", "xz -0", "zstd -q1" };
        _cleanup_(fixture_end) Fixture f = fixture_new(true, SET_LEVEL_DEFAULT);

        for (size_t i = 0; i < ELEMENTSOF(programs); ++i) {
                _cleanup_(freep) char *again = path_in(f.dir, "again");

                shell("zstd -qdc %s | %s > %s", f.set, programs[i], again);
                assert_int_equal(set_restore(again, f.tree, f.target, NULL), -ENODATA); /* no seal */
                assert_false(file_exists(f.dir, "target/new"));

                assert_int_equal(set_restore_unsealed(again, f.tree, f.target), 0);
                assert_same_tree(f.tree, f.target);
                shell("rm -rf %s", f.target);
        }
}

/* Cuts the file off once the first bytes of it have been read. */
static int cut_off(uint64_t bytes, void *userdata) {
        return truncate(userdata, 5);
}

static int collect_type(const SetIndexLine *line, void *userdata) {
        char *types = userdata;

        types[strlen(types)] = line->type;
        return 0;
}

static void test_that_no_name_refers_to_one_that_is_not_all_there(void **state) {
        static const char manifest[] = "{\"format\": \"" SET_FORMAT "\", \"version\": 1}";
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *set = path_in(dir, "set"), *first = path_in(dir, "first"), *second = path_in(dir, "second");
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(set_output_freep) SetOutput *output = NULL;
        _cleanup_(set_writer_freep) SetWriter *w = NULL;
        _cleanup_(set_reader_freep) SetReader *reader = NULL;
        char types[8] = "";

        write_file(dir, "first", "12345");
        assert_int_equal(truncate(first, 3 * (off_t) SET_BLOCK_SIZE), 0);
        shell("cat %s > %s && mv %s %s && ln %s %s", first, second, second, first, first, second); /* without a hole */
        assert_int_equal(set_output_open(set, true, SET_LEVEL_NONE, &output), 0);
        assert_int_equal(set_writer_new(output, cut_off, first, &w), 0);
        assert_int_equal(set_writer_add_text(w, SET_MANIFEST, manifest, strlen(manifest)), 0);
        assert_int_equal(set_writer_add_file(w, fd, "first", "data/first", true, NULL), 1);
        assert_int_equal(set_writer_add_file(w, fd, "second", "data/second", true, NULL), 0);
        assert_int_equal(set_writer_add_file(w, fd, "first", "data/third", true, NULL), 0);
        assert_int_equal(set_writer_begin_tail(w), 0);
        assert_int_equal(set_writer_add_text(w, SET_FINAL_DOCUMENT, "<final/>", 8), 0);
        assert_int_equal(set_writer_add_text(w, SET_SUMMARY, "{}", 2), 0);
        assert_int_equal(set_writer_finish(w), 0);

        assert_int_equal(set_reader_open(set, NULL, NULL, &reader), 0);
        assert_int_equal(set_reader_load(reader), 0);
        assert_int_equal(set_reader_for_each(reader, collect_type, types), 0);
        assert_string_equal(types, "!fh");
}

static void test_that_tar_can_open_a_set(void **state) {
        static const int levels[] = { SET_LEVEL_NONE, SET_LEVEL_DEFAULT };

        for (size_t i = 0; i < ELEMENTSOF(levels); ++i) {
                _cleanup_(fixture_end) Fixture f = fixture_new(true, levels[i]);
                _cleanup_(freep) char *unpacked = NULL, *odd = path_in(f.tree, "attributes/file");

                /* There is no way to say this name in a tar: umbra escapes it. And of the nanoseconds before
                 * 1970 libarchive and GNU tar think differently. */
                assert_int_equal(removexattr(odd, TREE_ODD_ATTRIBUTE), 0);
                shell("touch -d 1969-12-20 %s/noise-1", f.tree);
                set_save(f.set, f.tree, levels[i]);

                write_file(f.dir, "out/mark", "");
                shell("tar -xpf %s -C %s/out %s --acls --xattrs --xattrs-include='*' --delay-directory-restore 2>/dev/null",
                      f.set, f.dir, levels[i] ? "--zstd" : "");
                assert_true(file_exists(f.dir, "out/umbra/manifest.json"));
                assert_true(file_exists(f.dir, "out/umbra/index"));

                assert_int_equal(format_to(&unpacked, "%s/out/data%s", f.dir, f.tree), 0);
                assert_same_tree(f.tree, unpacked);
        }
}

static void test_that_names_which_lead_elsewhere_are_not_safe(void **state) {
        static const struct {
                const char *name;
                bool safe;
        } cases[] = {
                { "",                  false },
                { "/",                 false },
                { "/etc/passwd",       false },
                { "..",                false },
                { ".",                 false },
                { "data/..",           false },
                { "data/../etc",       false },
                { "data/a/../../etc",  false },
                { "data//etc",         false },
                { "data/",             false },
                { "data/./a",          false },
                { "data/a/.",          false },
                { "data",              true  },
                { "data/a",            true  },
                { "data/...",          true  },
                { "data/..a",          true  },
                { "data/a..",          true  },
                { "data/.a/ b\n",      true  },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(set_member_name_is_safe(cases[i].name), cases[i].safe);
}

static void test_that_an_index_line_has_one_form(void **state) {
#define H "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define N "----------------------------------------------------------------"
        static const struct {
                const char *line;
                int r;
        } cases[] = {
                { "f " H " " H " 0 data/a",               0        },
                { "! " H " " H " 18 data/a b",            0        },
                { "d " N " " H " 0 data/\xFF",            0        },
                { "f " H " " H " 7 data/\\x0a\\x5cx41",   0        },
                { "",                                     -EBADMSG },
                { "f",                                    -EBADMSG },
                { "x " H " " H " 0 data/a",               -EBADMSG },
                { "f " N " " N " 0 data/a",               -EBADMSG },
                { "f " H " " H " 00 data/a",              -EBADMSG },
                { "f " H " " H " -1 data/a",              -EBADMSG },
                { "f " H " " H " 9223372036854775808 a",  -EBADMSG },
                { "f " H " " H " 99999999999999999999 a", -EBADMSG },
                { "f " H "  " H " 0 data/a",              -EBADMSG },
                { "f " H " " H " 0data/a",                -EBADMSG },
                { "f " H " " H " 0 data/\\",              -EBADMSG },
                { "f " H " " H " 0 data/\\x4",            -EBADMSG },
                { "f " H " " H " 0 data/\\x41",           -EBADMSG }, /* needs no escape */
                { "f " H " " H " 0 data/\\x00",           -EBADMSG },
                { "f " H " " H " 0 data/\t",              -EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                SetIndexLine line = { 0 };

                assert_int_equal(set_index_line_parse(cases[i].line, &line), cases[i].r);
                if (cases[i].r == 0) {
                        _cleanup_(freep) char *again = NULL;

                        assert_int_equal(set_index_line_format(&line, &again), 0);
                        assert_int_equal(strncmp(again, cases[i].line, strlen(cases[i].line)), 0);
                        assert_string_equal(again + strlen(cases[i].line), "\n");
                }
                set_index_line_clear(&line);
        }
}

static void test_that_a_backup_that_ends_early_leaves_no_file(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "set");
        SetOutput *output, *second;

        write_file(dir, "set", "the set of yesterday");
        assert_int_equal(set_output_open(path, true, SET_LEVEL_DEFAULT, &output), 0);
        assert_int_equal(set_output_write(output, "text", 4), 0);
        assert_true(file_exists(dir, "set.part"));
        assert_int_equal(set_output_open(path, true, SET_LEVEL_DEFAULT, &second), -EBUSY);
        assert_true(file_exists(dir, "set.part"));
        set_output_free(output);
        assert_false(file_exists(dir, "set.part"));

        /* One that was killed is in nobody's way. */
        write_file(dir, "set.part", "half a set");
        assert_int_equal(set_output_open(path, true, SET_LEVEL_DEFAULT, &output), 0);
        set_output_free(output);
        assert_false(file_exists(dir, "set.part"));

        {
                _cleanup_(freep) char *text = read_file(dir, "set");

                assert_string_equal(text, "the set of yesterday");
        }
}

static void test_that_a_file_that_appears_meanwhile_is_replaced_by_force_only(void **state) {
        static const bool forced[] = { false, true };

        for (size_t i = 0; i < ELEMENTSOF(forced); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = path_in(dir, "set"), *part = path_in(dir, "set.part"), *bytes = NULL;
                _cleanup_(set_output_freep) SetOutput *output = NULL;
                size_t size;

                assert_int_equal(set_output_open(path, forced[i], SET_LEVEL_NONE, &output), 0);
                assert_int_equal(set_output_write(output, "a set", 5), 0);
                write_file(dir, "set", "another's");
                assert_int_equal(set_output_finish(output), forced[i] ? 0 : -EEXIST);
                if (forced[i])
                        assert_null(set_output_left(output));
                else
                        assert_string_equal(set_output_left(output), part);
                output = set_output_free(output);

                bytes = read_bytes(forced[i] ? path : part, &size);
                assert_int_equal(size, 5 + SET_SEAL_SIZE);
                assert_memory_equal(bytes, "a set", 5);
                assert_int_equal(file_exists(dir, "set.part"), !forced[i]);
                if (!forced[i]) {
                        _cleanup_(freep) char *text = read_file(dir, "set");

                        assert_string_equal(text, "another's");
                }
        }
}

/* The sanitizer sees whether anything is left. */
static void test_that_a_set_may_be_given_up_at_any_member(void **state) {
        static const char text[] = "{}";

        for (unsigned members = 0; members < 4; ++members) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = path_in(dir, "set");
                unsigned fds = count_open_fds();
                SetOutput *output;
                SetWriter *w;

                assert_int_equal(set_output_open(path, true, SET_LEVEL_DEFAULT, &output), 0);
                assert_int_equal(set_writer_new(output, NULL, NULL, &w), 0);
                for (unsigned i = 0; i < members; ++i)
                        assert_int_equal(set_writer_add_text(w, "umbra/x", text, 2), 0);
                set_writer_free(w);
                set_output_free(output);

                assert_false(file_exists(dir, "set"));
                assert_false(file_exists(dir, "set.part"));
                assert_int_equal(count_open_fds(), fds);
        }
}

static void test_that_the_tail_begins_when_all_before_it_is_written(void **state) {
        static const int levels[] = { SET_LEVEL_NONE, SET_LEVEL_DEFAULT };

        for (size_t i = 0; i < ELEMENTSOF(levels); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = path_in(dir, "set"), *part = path_in(dir, "set.part"), *bytes = NULL;
                _cleanup_(set_output_freep) SetOutput *output = NULL, *full = NULL;
                size_t size;

                assert_int_equal(set_output_open(path, true, levels[i], &output), 0);
                assert_int_equal(set_output_write(output, "some bytes", 10), 0);
                assert_int_equal(set_output_begin_tail(output), 0);
                bytes = read_bytes(part, &size);
                assert_true(levels[i] == SET_LEVEL_NONE ? size == 10 : size > 10);
                assert_int_equal(size, set_output_bytes(output));

                assert_int_equal(set_output_open("/dev/full", true, levels[i], &full), 0);
                assert_int_equal(set_output_write(full, "some bytes", 10), 0);
                assert_int_equal(set_output_begin_tail(full), -ENOSPC);
        }
}

static void test_that_a_full_disk_is_told(void **state) {
        SetOutput *output;
        char block[65536] = { 0 };
        int r = 0;

        assert_int_equal(set_output_open("/dev/full", true, SET_LEVEL_NONE, &output), 0);
        for (unsigned i = 0; i < 1000 && r == 0; ++i)
                r = set_output_write(output, block, sizeof(block));
        if (r == 0)
                r = set_output_finish(output);
        assert_int_equal(r, -ENOSPC);
        set_output_free(output);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_tree_comes_back_with_everything),
                cmocka_unit_test(test_that_nothing_of_a_set_is_needed_but_its_index),
                cmocka_unit_test(test_that_no_name_refers_to_one_that_is_not_all_there),
                cmocka_unit_test(test_that_tar_can_open_a_set),
                cmocka_unit_test(test_that_names_which_lead_elsewhere_are_not_safe),
                cmocka_unit_test(test_that_an_index_line_has_one_form),
                cmocka_unit_test(test_that_a_backup_that_ends_early_leaves_no_file),
                cmocka_unit_test(test_that_a_file_that_appears_meanwhile_is_replaced_by_force_only),
                cmocka_unit_test(test_that_a_set_may_be_given_up_at_any_member),
                cmocka_unit_test(test_that_the_tail_begins_when_all_before_it_is_written),
                cmocka_unit_test(test_that_a_full_disk_is_told),
        };

        (void) setlocale(LC_CTYPE, "C.UTF-8");
        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
