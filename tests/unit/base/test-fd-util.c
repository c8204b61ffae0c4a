/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Descriptors: everything that is read is read whole, what is replaced is replaced at once, and no path
 * leads out of the directory it starts in.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "lib/test-util.h"

static int open_dir(const char *path) {
        int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

/* A link @name in @dir, to @target. */
static void make_link(const char *dir, const char *target, const char *name) {
        _cleanup_(freep) char *path = path_in(dir, name);

        assert_int_equal(symlink(target, path), 0);
}

static void test_that_closing_keeps_errno(void **state) {
        errno = ENOSPC;
        assert_int_equal(fd_close(-EBADF), -EBADF);
        assert_int_equal(fd_close(dup(STDERR_FILENO)), -EBADF);
        assert_int_equal(fd_close(12345), -EBADF); /* not open */
        assert_int_equal(errno, ENOSPC);
}

static void test_that_reading_goes_on_until_the_end(void **state) {
        _cleanup_(closep) int from = -EBADF, to = -EBADF;
        int fds[2];
        char buffer[10];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        from = fds[0];
        to = fds[1];

        /* Two writes, one read. */
        assert_int_equal(fd_write_all(to, "ab", 2), 0);
        assert_int_equal(fd_write_all(to, "", 0), 0);
        assert_int_equal(fd_write_all(to, "cde", 3), 0);
        assert_int_equal(fd_read_full(from, buffer, 4), 4);
        assert_memory_equal(buffer, "abcd", 4);

        to = fd_close(to);
        assert_int_equal(fd_read_full(from, buffer, sizeof(buffer)), 1);
        assert_int_equal(fd_read_full(from, buffer, sizeof(buffer)), 0);
        assert_int_equal(fd_read_full(-EBADF, buffer, sizeof(buffer)), -EBADF);
}

static void test_that_a_full_pipe_is_said_to_be_full(void **state) {
        _cleanup_(closep) int from = -EBADF, to = -EBADF;
        static const char zeros[1 << 20];
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        from = fds[0];
        to = fds[1];

        assert_int_equal(fd_set_nonblock(to, true), 0);
        assert_int_equal(fcntl(to, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
        assert_int_equal(fd_write_all(to, zeros, sizeof(zeros)), -EAGAIN);
        assert_int_equal(fd_set_nonblock(to, false), 0);
        assert_int_equal(fcntl(to, F_GETFL) & O_NONBLOCK, 0);
        assert_int_equal(fd_set_nonblock(-EBADF, true), -EBADF);
}

static void test_that_text_is_read_whole_or_not_at_all(void **state) {
        static const struct {
                const char *bytes;
                size_t size, max;
                int r;
        } cases[] = {
                { "",     0, 0, 0       },
                { "a",    1, 0, -E2BIG  },
                { "abc",  3, 2, -E2BIG  },
                { "abc",  3, 3, 0       },
                { "a\0b", 3, 9, -EILSEQ }, /* would seem to end at the NUL */
                { "\0",   1, 9, -EILSEQ },
                { "a\n",  2, SIZE_MAX, 0 },
        };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "file");

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(closep) int fd = -EBADF;
                _cleanup_(freep) char *text = NULL;

                fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
                assert_int_equal(fd_write_all(fd, cases[i].bytes, cases[i].size), 0);

                assert_int_equal(file_read_text(path, cases[i].max, &text), cases[i].r);
                if (cases[i].r == 0)
                        assert_string_equal(text, cases[i].bytes);
                else
                        assert_null(text);
        }
}

static void test_that_large_files_and_those_without_a_size_are_read(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *large = calloc(1, 100001), *path = path_in(dir, "file");
        _cleanup_(freep) char *text = NULL, *status = NULL;

        memset(large, 'x', 100000);
        write_file(dir, "file", large);
        assert_int_equal(file_read_text(path, 100000, &text), 0);
        assert_string_equal(text, large);

        assert_int_equal(file_read_text("/proc/self/status", 1 << 20, &status), 0);
        assert_non_null(strstr(status, "Name:"));

        status = (free(status), NULL);
        assert_int_equal(file_read_text(dir, 100, &status), -EISDIR);
        assert_int_equal(file_read_text("/nowhere/at/all", 100, &status), -ENOENT);
}

static void test_that_a_file_is_replaced_at_once(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "file"), *link = path_in(dir, "link");
        _cleanup_(freep) char *old = NULL, *new = NULL, *followed = NULL;
        _cleanup_(closep) int reader = -EBADF;
        mode_t mask = umask(077);
        struct stat st;

        assert_int_equal(file_write_text_atomic(path, 0644, "old"), 0);
        reader = open(path, O_RDONLY | O_CLOEXEC);

        assert_int_equal(file_write_text_atomic(path, 0640, "new"), 0);
        (void) umask(mask);

        /* Who has the old file open keeps it. */
        assert_int_equal(fd_read_text(reader, 10, &old), 0);
        assert_string_equal(old, "old");
        new = read_file(dir, "file");
        assert_string_equal(new, "new");
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640); /* whatever the umask */

        /* A link is replaced, and what it points to stays. */
        make_link(dir, "file", "link");
        assert_int_equal(file_write_text_atomic(link, 0600, "no link"), 0);
        assert_int_equal(lstat(link, &st), 0);
        assert_true(S_ISREG(st.st_mode));
        followed = read_file(dir, "file");
        assert_string_equal(followed, "new");
}

static void test_that_nothing_is_left_of_a_failed_replacement(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "directory"), *in_nothing = path_in(dir, "no/file");
        _cleanup_(freep) char *slash = path_in(dir, "");

        write_file(dir, "directory/file", "");
        assert_int_equal(file_write_text_atomic(path, 0600, "text"), -EISDIR);
        assert_int_equal(file_write_text_atomic(in_nothing, 0600, "text"), -ENOENT);
        assert_int_equal(file_write_text_atomic(slash, 0600, "text"), -EISDIR);

        /* The directory can be removed once the file we made is, so there is nothing else. */
        path = (free(path), path_in(dir, "directory/file"));
        assert_int_equal(unlink(path), 0);
        path = (free(path), path_in(dir, "directory"));
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(rmdir(dir), 0);
}

static void test_that_no_path_leads_out(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *inside = path_in(dir, "inside");
        _cleanup_(closep) int fd = -EBADF;
        static const struct {
                const char *path;
                int r;
        } cases[] = {
                { "",                    -ENOENT },
                { "/etc/passwd",         -EXDEV  },
                { "..",                  -EXDEV  },
                { "../outside",          -EXDEV  },
                { "sub/../../outside",   -EXDEV  },
                { "link-out",            -ELOOP  },
                { "link-in",             -ELOOP  }, /* links are not followed, wherever they lead */
                { "link-dir/file",       -ELOOP  },
                { "nothing",             -ENOENT },
                { "file/more",           -ENOTDIR },
                { "sub/../file",         0       },
                { "sub/file",            0       },
                { ".",                   0       },
        };

        write_file(dir, "outside", "");
        write_file(dir, "inside/file", "");
        write_file(dir, "inside/sub/file", "");
        make_link(inside, "../outside", "link-out");
        make_link(inside, "file", "link-in");
        make_link(inside, "sub", "link-dir");
        fd = open_dir(inside);

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(closep) int opened = open_beneath(fd, cases[i].path, O_RDONLY, 0);

                if (cases[i].r < 0)
                        assert_int_equal(opened, cases[i].r);
                else {
                        assert_true(opened >= 0);
                        assert_int_equal(fcntl(opened, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
                }
        }
}

static void test_that_a_file_is_made_beneath(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(closep) int dir_fd = open_dir(dir), fd = -EBADF, unnamed = -EBADF;
        struct stat st;

        fd = open_beneath(dir_fd, "new", O_WRONLY | O_CREAT | O_EXCL, 0600);
        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(open_beneath(dir_fd, "new", O_WRONLY | O_CREAT | O_EXCL, 0600), -EEXIST);

        /* A mode where none is needed is no error, as with open(). */
        fd = fd_close(fd);
        fd = open_beneath(dir_fd, "new", O_RDONLY, 0600);
        assert_true(fd >= 0);

        unnamed = open_beneath(dir_fd, ".", O_TMPFILE | O_RDWR, 0600);
        assert_true(unnamed >= 0 || unnamed == -EOPNOTSUPP);
}

static void test_that_directories_are_made_below_and_links_not_followed(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *inside = path_in(dir, "inside");
        _cleanup_(closep) int fd = -EBADF;
        static const struct {
                const char *path;
                int r;
        } cases[] = {
                { "",            -EINVAL  },
                { "/tmp",        -EINVAL  },
                { "..",          -EINVAL  },
                { "a/../..",     -EINVAL  },
                { "link/b",      -ENOTDIR },
                { "link",        -ENOTDIR },
                { "file/b",      -ENOTDIR },
                { "file",        -ENOTDIR },
                { ".",           0        },
                { "a",           0        },
                { "a",           0        },
                { "a/b//c/./d/", 0        },
                { "..a",         0        },
        };

        write_file(dir, "inside/file", "");
        write_file(dir, "outside/file", "");
        make_link(inside, "../outside", "link");
        fd = open_dir(inside);

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(mkdir_p_at(fd, cases[i].path, 0700), cases[i].r);

        assert_true(file_exists(inside, "a/b/c/d"));
        assert_false(file_exists(dir, "outside/b"));
}

static void test_that_the_administrator_may_use_links(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *through_link = path_in(dir, "link/a/b/"), *file = path_in(dir, "file");
        _cleanup_(freep) char *below_file = path_in(dir, "file/a"), *there = path_in(dir, "real");

        write_file(dir, "file", "");
        write_file(dir, "real/file", "");
        make_link(dir, "real", "link");

        assert_int_equal(mkdir_p(through_link, 0700), 0);
        assert_true(file_exists(dir, "real/a/b"));
        assert_int_equal(mkdir_p(there, 0700), 0);
        assert_int_equal(mkdir_p("/", 0700), 0);
        assert_int_equal(mkdir_p("/proc/self", 0700), 0); /* nothing can be made there, nothing need be */
        assert_int_equal(mkdir_p("/proc/self/nothing", 0700), -ENOENT);
        assert_int_equal(mkdir_p("", 0700), -EINVAL);
        assert_int_equal(mkdir_p(file, 0700), -ENOTDIR);
        assert_int_equal(mkdir_p(below_file, 0700), -ENOTDIR);
}

static void test_that_a_sealed_memfd_brings_its_bytes(void **state) {
        static const struct {
                const char *bytes;
                size_t size;
        } cases[] = {
                { "",          0 },
                { "a\0b",      3 },
                { "<xml/>",    6 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(closep) int fd = memfd_new_sealed("test", cases[i].bytes, cases[i].size);
                _cleanup_(freep) char *data = NULL, *again = NULL;
                size_t size = 0;

                assert_true(fd >= 0);
                assert_int_equal(memfd_read_sealed(fd, cases[i].size, &data, &size), 0);
                assert_int_equal(size, cases[i].size);
                assert_memory_equal(data, cases[i].bytes, size + 1); /* and a NUL */

                /* The position does not matter, so it can be read by many. */
                assert_int_equal(memfd_read_sealed(fd, SIZE_MAX, &again, &size), 0);
                assert_memory_equal(again, cases[i].bytes, size + 1);

                assert_int_equal(write(fd, "x", 1), -1);
                assert_int_equal(ftruncate(fd, 100), -1);
                assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        }
}

static void test_that_what_could_still_change_is_refused(void **state) {
        static const struct {
                unsigned flags;
                int seals, r;
        } cases[] = {
                { 0,                 0,                                             -EBADF },
                { MFD_ALLOW_SEALING, 0,                                             -EBADF },
                { MFD_ALLOW_SEALING, F_SEAL_SEAL,                                   -EBADF },
                { MFD_ALLOW_SEALING, F_SEAL_SHRINK | F_SEAL_GROW,                   -EBADF },
                { MFD_ALLOW_SEALING, F_SEAL_WRITE | F_SEAL_GROW,                    -EBADF },
                { MFD_ALLOW_SEALING, F_SEAL_WRITE | F_SEAL_SHRINK,                  -EBADF },
                { MFD_ALLOW_SEALING, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, -EBADF },
                { MFD_ALLOW_SEALING, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW,    0      },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(closep) int fd = memfd_create("test", MFD_CLOEXEC | cases[i].flags);
                _cleanup_(freep) char *data = NULL;
                size_t size;

                assert_int_equal(fd_write_all(fd, "abc", 3), 0);
                if (cases[i].seals)
                        assert_int_equal(fcntl(fd, F_ADD_SEALS, cases[i].seals), 0);
                assert_int_equal(memfd_read_sealed(fd, 3, &data, &size), cases[i].r);
        }
}

static void test_that_what_is_no_memfd_or_too_much_is_refused(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "file");
        _cleanup_(closep) int fd = -EBADF, file = -EBADF, directory = open_dir(dir);
        char *data = NULL;
        size_t size = 0;

        fd = memfd_new_sealed("test", "abc", 3);
        assert_int_equal(memfd_read_sealed(fd, 2, &data, &size), -E2BIG);

        write_file(dir, "file", "abc");
        file = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(memfd_read_sealed(file, 10, &data, &size), -EBADF);
        assert_int_equal(memfd_read_sealed(directory, 10, &data, &size), -EBADF);
        assert_int_equal(memfd_read_sealed(-EBADF, 10, &data, &size), -EBADF);
        assert_null(data);
        assert_int_equal(size, 0);
}

/* In @dir, which is empty before and after. */
static int do_everything(const char *dir, int dir_fd) {
        _cleanup_(freep) char *path = NULL, *text = NULL, *data = NULL;
        _cleanup_(closep) int fd = -EBADF;
        size_t size;
        int r;

        r = format_to(&path, "%s/file", dir);
        if (r < 0)
                return r;
        r = file_write_text_atomic(path, 0600, "text");
        if (r < 0)
                return r;
        r = file_read_text(path, 100, &text);
        if (r < 0)
                return r;
        fd = memfd_new_sealed("test", text, strlen(text));
        if (fd < 0)
                return fd;
        r = memfd_read_sealed(fd, 100, &data, &size);
        if (r < 0)
                return r;
        r = mkdir_p_at(dir_fd, "a/b", 0700);
        if (r < 0)
                return r;
        return mkdir_p(dir, 0700);
}

static void test_that_any_failed_allocation_leaves_no_descriptor_open(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(closep) int dir_fd = open_dir(dir);
        unsigned fds = count_open_fds();
        int r = -ENOMEM;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                fault_fail_allocation(n);
                r = do_everything(dir, dir_fd);
                fault_clear();

                assert_int_equal(count_open_fds(), fds);
        }

        assert_int_equal(r, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_closing_keeps_errno),
                cmocka_unit_test(test_that_reading_goes_on_until_the_end),
                cmocka_unit_test(test_that_a_full_pipe_is_said_to_be_full),
                cmocka_unit_test(test_that_text_is_read_whole_or_not_at_all),
                cmocka_unit_test(test_that_large_files_and_those_without_a_size_are_read),
                cmocka_unit_test(test_that_a_file_is_replaced_at_once),
                cmocka_unit_test(test_that_nothing_is_left_of_a_failed_replacement),
                cmocka_unit_test(test_that_no_path_leads_out),
                cmocka_unit_test(test_that_a_file_is_made_beneath),
                cmocka_unit_test(test_that_directories_are_made_below_and_links_not_followed),
                cmocka_unit_test(test_that_the_administrator_may_use_links),
                cmocka_unit_test(test_that_a_sealed_memfd_brings_its_bytes),
                cmocka_unit_test(test_that_what_could_still_change_is_refused),
                cmocka_unit_test(test_that_what_is_no_memfd_or_too_much_is_refused),
                cmocka_unit_test(test_that_any_failed_allocation_leaves_no_descriptor_open),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
