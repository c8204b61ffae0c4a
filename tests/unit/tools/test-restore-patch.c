/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files of which a set has only ranges: what is in place is patched, whole or not at all.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "lib/test-util.h"
#include "set-fixture.h"
#include "tools/file-use.h"
#include "tools/set-format.h"
#include "tools/set-output.h"
#include "tools/set-writer.h"

#define MEMBER "data/tree/file"

/* A set of these ranges of @dir/new. */
static void save(const char *dir, const ByteRange *ranges, size_t n) {
        static const char manifest[] = "{\"format\": \"" SET_FORMAT "\", \"version\": 1}";
        _cleanup_(freep) char *path = path_in(dir, "set");
        _cleanup_(set_output_freep) SetOutput *output = NULL;
        _cleanup_(set_writer_freep) SetWriter *w = NULL;
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(set_output_open(path, true, SET_LEVEL_NONE, &output), 0);
        assert_int_equal(set_writer_new(output, NULL, NULL, &w), 0);
        assert_int_equal(set_writer_add_text(w, SET_MANIFEST, manifest, strlen(manifest)), 0);
        assert_int_equal(set_writer_add_ranges(w, fd, "new", MEMBER, ranges, n, NULL), 0);
        assert_int_equal(set_writer_begin_tail(w), 0);
        assert_int_equal(set_writer_add_text(w, SET_FINAL_DOCUMENT, "<final/>", 8), 0);
        assert_int_equal(set_writer_add_text(w, SET_SUMMARY, "{}", 2), 0);
        assert_int_equal(set_writer_finish(w), 0);
}

static void fill(const char *dir, const char *name, char what, size_t size) {
        _cleanup_(freep) char *path = path_in(dir, name), *bytes = malloc(size + 1);

        assert_non_null(bytes);
        memset(bytes, what, size);
        write_bytes(path, bytes, size);
}

static int restore(const char *dir, unsigned *ret_restored) {
        _cleanup_(freep) char *set = path_in(dir, "set"), *target = path_in(dir, "target");

        return set_restore(set, "/tree", target, ret_restored);
}

static void test_that_ranges_are_written_into_a_copy_of_what_is_there(void **state) {
        static const struct {
                size_t old_size, new_size;
                size_t n;
                ByteRange ranges[3];
        } cases[] = {
                { 0,      0,      0, { { 0 } }                              },
                { 100,    100,    0, { { 0 } }                              },
                { 100,    100,    1, { { 0, 100 } }                         },
                { 100,    100,    1, { { 99, 1 } }                          },
                { 100,    100,    2, { { 0, 1 }, { 50, 7 } }                },
                { 300000, 300000, 3, { { 1, 3 }, { 4095, 2 }, { 131072, 65536 } } },
                { 100,    5000,   1, { { 100, 4900 } }                      }, /* it grew */
                { 100,    5000,   1, { { 4999, 1 } }                        }, /* and nothing was said of what is between */
                { 5000,   100,    1, { { 0, 10 } }                          }, /* it shrank */
                { 5000,   0,      0, { { 0 } }                              },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = path_in(dir, "target/file"), *new = path_in(dir, "new"), *bytes = NULL;
                unsigned restored;
                struct stat st;
                size_t size;

                write_file(dir, "target/file", "");
                fill(dir, "target/file", 'o', cases[i].old_size);
                fill(dir, "new", 'n', cases[i].new_size);
                assert_int_equal(chmod(new, 0751), 0);
                save(dir, cases[i].ranges, cases[i].n);

                assert_int_equal(restore(dir, &restored), 0);
                assert_int_equal(restored, 1);
                assert_int_equal(stat(path, &st), 0);
                assert_int_equal(st.st_mode & 07777, 0751);
                bytes = read_bytes(path, &size);
                assert_int_equal(size, cases[i].new_size);
                for (size_t at = 0; at < size; ++at) {
                        char expected = at < cases[i].old_size ? 'o' : '\0';

                        for (size_t k = 0; k < cases[i].n; ++k)
                                if (at >= cases[i].ranges[k].offset && at - cases[i].ranges[k].offset < cases[i].ranges[k].length)
                                        expected = 'n';
                        if (bytes[at] != expected)
                                fail_msg("case %zu: byte %zu is '%c'", i, at, bytes[at]);
                }
        }
}

static void test_that_holes_of_the_old_file_stay_holes(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "target/file"), *new = path_in(dir, "new");
        struct stat before, after;

        write_file(dir, "target/file", "begins");
        write_file(dir, "new", "begins");
        assert_int_equal(truncate(path, 64 << 20), 0);
        assert_int_equal(truncate(new, 64 << 20), 0);
        save(dir, &(ByteRange){ 1000, 1 }, 1);
        assert_int_equal(stat(path, &before), 0);
        assert_int_equal(restore(dir, NULL), 0);
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(after.st_size, before.st_size);
        assert_true(after.st_blocks <= before.st_blocks + 64);
}

static void test_that_a_part_of_nothing_is_told(void **state) {
        static const struct {
                const char *command; /* what is in place */
                int r;
        } cases[] = {
                { "true",                                            -ESTALE }, /* nothing */
                { "mkdir file",                                      -ESTALE },
                { "mkfifo file",                                     -ESTALE },
                { "echo precious >../precious; ln -s ../precious file", -ELOOP  },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *before = NULL, *after = NULL, *target = path_in(dir, "target");

                fill(dir, "new", 'n', 10);
                shell("mkdir %s && cd %s && %s", target, target, cases[i].command);
                save(dir, &(ByteRange){ 0, 5 }, 1);

                before = tree_describe(target);
                assert_int_equal(restore(dir, NULL), cases[i].r);
                after = tree_describe(target);
                assert_string_equal(before, after);
        }
}

static void test_that_a_disk_without_room_for_a_copy_keeps_the_old_file(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *target = path_in(dir, "target"), *path = path_in(dir, "target/file"), *bytes = NULL;
        unsigned restored;
        size_t size;

        skip_unless_root();
        write_file(dir, "target/mark", "");
        fill(dir, "new", 'n', 3 << 20);
        save(dir, &(ByteRange){ 0, 1 }, 1);
        assert_int_equal(mount("tmpfs", target, "tmpfs", 0, "size=4m"), 0);
        fill(dir, "target/file", 'o', 3 << 20);

        assert_int_equal(restore(dir, &restored), -ENOSPC);
        bytes = read_bytes(path, &size);
        assert_int_equal(umount(target), 0);
        assert_int_equal(restored, 0);
        assert_int_equal(size, 3 << 20);
        assert_int_equal(bytes[0], 'o');
}

static void test_that_whoever_has_it_open_keeps_the_old_one(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "target/file");
        _cleanup_(closep) int fd = -EBADF;
        char text[8] = "";

        write_file(dir, "target/file", "old");
        write_file(dir, "new", "new");
        save(dir, &(ByteRange){ 0, 1 }, 1);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(restore(dir, NULL), 0);
        assert_int_equal(read(fd, text, sizeof(text)), 3);
        assert_string_equal(text, "old");
}

#define BIG ((size_t) 8 << 20)

/* Which one is it? Fails on anything in between. */
static bool is_new(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, "target/file"), *bytes = NULL;
        size_t size, n_new = 0;

        bytes = read_bytes(path, &size);
        assert_int_equal(size, BIG);
        for (size_t i = 0; i < size; i += 4096)
                n_new += bytes[i] == 'n';
        assert_true(n_new == 0 || n_new == BIG / 8192);
        return n_new > 0;
}

static void test_that_a_patch_killed_at_any_moment_leaves_the_old_file_or_the_new_one(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        ByteRange ranges[BIG / 8192];
        unsigned wait_usec = 500, n_old = 0;

        write_file(dir, "target/file", "");
        fill(dir, "new", 'n', BIG);
        for (size_t i = 0; i < ELEMENTSOF(ranges); ++i) /* every second page */
                ranges[i] = (ByteRange){ i * 8192, 4096 };
        save(dir, ranges, ELEMENTSOF(ranges));

        for (unsigned i = 0; i < 40; ++i) {
                int status;
                pid_t pid;

                fill(dir, "target/file", 'o', BIG);
                pid = fork();
                if (pid == 0)
                        _exit(restore(dir, NULL) == 0 ? 0 : 1);

                (void) usleep(wait_usec);
                (void) kill(pid, SIGKILL);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                if (is_new(dir))
                        wait_usec = wait_usec * 3 / 4;
                else {
                        assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
                        wait_usec += wait_usec / 8 + 100;
                        ++n_old;
                }
        }

        fill(dir, "target/file", 'o', BIG);
        assert_int_equal(restore(dir, NULL), 0);
        assert_true(is_new(dir));
        print_message("killed before it had its name: %u times\n", n_old);
}

static void test_that_a_file_in_use_is_known_and_who_uses_it(void **state) {
        static const struct {
                int flags; /* -1: nobody opens it */
                bool used;
        } cases[] = { { -1, false }, { O_RDONLY, true }, { O_WRONLY, true }, { O_RDWR, true }, { O_PATH, false } };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "file");
        _cleanup_(closep) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char self[32];

        write_file(dir, "file", "text");
        shell("cd %s && mkfifo fifo && ln -s file link && mkdir directory", dir);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(closep) int fd = cases[i].flags < 0 ? -EBADF : open(path, cases[i].flags | O_CLOEXEC);
                _cleanup_(freep) char *user = file_find_user(dir_fd, "file");

                assert_int_equal(file_is_in_use(dir_fd, "file"), cases[i].used);
                snprintf(self, sizeof(self), "(%d)", (int) getpid());
                assert_int_equal(user && strstr(user, self), fd >= 0);
                assert_false(file_is_in_use(dir_fd, "link"));
        }

        assert_false(file_is_in_use(dir_fd, "fifo"));
        assert_false(file_is_in_use(dir_fd, "directory"));
        assert_false(file_is_in_use(dir_fd, "nothing"));
        assert_null(file_find_user(dir_fd, "nothing"));
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_ranges_are_written_into_a_copy_of_what_is_there),
                cmocka_unit_test(test_that_holes_of_the_old_file_stay_holes),
                cmocka_unit_test(test_that_a_part_of_nothing_is_told),
                cmocka_unit_test(test_that_a_disk_without_room_for_a_copy_keeps_the_old_file),
                cmocka_unit_test(test_that_whoever_has_it_open_keeps_the_old_one),
                cmocka_unit_test(test_that_a_patch_killed_at_any_moment_leaves_the_old_file_or_the_new_one),
                cmocka_unit_test(test_that_a_file_in_use_is_known_and_who_uses_it),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
