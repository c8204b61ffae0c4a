/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * rm -rf: everything goes that belongs to the tree, however it was made, and nothing else does.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "lib/test-util.h"

#define NOBODY 65534U

static int rm_rf_in(const char *dir, const char *name) {
        _cleanup_(closep) int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

        assert_true(fd >= 0);
        return rm_rf_at(fd, name);
}

static void make_link(const char *dir, const char *target, const char *name) {
        _cleanup_(freep) char *path = path_in(dir, name);

        assert_int_equal(symlink(target, path), 0);
}

static int keep_named(int dir_fd, const char *name, void *userdata) {
        ++*(unsigned *) userdata;
        if (strcmp(name, "broken") == 0)
                return -EUCLEAN;
        return strcmp(name, "kept") == 0;
}

static void test_that_what_somebody_keeps_stays_and_the_way_to_it(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(closep) int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        unsigned n_asked = 0;

        write_file(dir, "tree/a/b/kept/file", "");
        write_file(dir, "tree/a/other/file", "");
        write_file(dir, "tree/c/file", "");
        assert_int_equal(rm_rf_at_except(fd, "tree", keep_named, &n_asked), 1);
        assert_int_equal(n_asked, 8); /* not what is in that which is kept */
        assert_true(file_exists(dir, "tree/a/b/kept/file"));
        assert_false(file_exists(dir, "tree/a/other"));
        assert_false(file_exists(dir, "tree/c"));

        write_file(dir, "tree/a/broken", "");
        assert_int_equal(rm_rf_at_except(fd, "tree", keep_named, &n_asked), -EUCLEAN);
        assert_true(file_exists(dir, "tree/a/broken"));
        assert_int_equal(rm_rf_at(fd, "tree"), 0);
        assert_int_equal(rm_rf_at_except(fd, "tree", keep_named, &n_asked), 0);
        write_file(dir, "kept", "");
        assert_int_equal(rm_rf_at_except(fd, "kept", keep_named, &n_asked), 1);
}

static void test_that_only_what_is_below_can_be_named(void **state) {
        static const struct {
                const char *name;
                int r;
        } cases[] = {
                { "",                    -EINVAL },
                { "/",                   -EINVAL },
                { "/tmp",                -EINVAL },
                { ".",                   -EINVAL },
                { "./",                  -EINVAL },
                { "a/.",                 -EINVAL },
                { "..",                  -EINVAL },
                { "../outside",          -EINVAL },
                { "a/../../outside",     -EINVAL },
                { "a/..",                -EINVAL },
                { "link-out/file",       -ENOTDIR }, /* a link on the way is not taken */
                { "file/a",              -ENOTDIR },
                { "nothing",             0       },
                { "nothing/at/all",      0       },
                { "a/nothing",           0       },
                { "link-out",            0       }, /* the link itself */
                { "link-dir/",           0       },
                { "a/b",                 0       },
                { "./file",              0       },
                { "a//c///",             0       },
                { "..a",                 0       },
        };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *inside = path_in(dir, "inside");

        write_file(dir, "outside/file", "");
        write_file(dir, "inside/file", "");
        write_file(dir, "inside/a/b/file", "");
        write_file(dir, "inside/a/c/file", "");
        write_file(dir, "inside/..a/file", "");
        make_link(inside, "../outside", "link-out");
        make_link(inside, "a", "link-dir");

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(rm_rf_in(inside, cases[i].name), cases[i].r);

        assert_true(file_exists(dir, "outside/file"));
        assert_true(file_exists(inside, "a"));
        assert_int_equal(rm_rf_in(inside, "a"), 0);
        assert_int_equal(rmdir(inside), 0); /* nothing else is left */
}

static void test_that_links_in_the_tree_are_not_followed(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *tree = path_in(dir, "tree"), *fifo = path_in(dir, "tree/fifo");

        write_file(dir, "outside/file", "");
        write_file(dir, "tree/a/file", "");
        make_link(tree, "../outside", "link");
        make_link(tree, "../../outside", "a/link");
        make_link(tree, "/", "root");
        make_link(tree, "nowhere", "dangling");
        assert_int_equal(mkfifo(fifo, 0600), 0);

        assert_int_equal(rm_rf_in(dir, "tree"), 0);
        assert_false(file_exists(dir, "tree"));
        assert_true(file_exists(dir, "outside/file"));
}

/* So deep that neither a path nor the descriptors of a process reach the bottom. */
static void test_that_a_tree_may_be_deeper_than_descriptors_reach(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        struct rlimit saved, limit;
        int fd;

        fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (unsigned i = 0; i < 1000; ++i) {
                int next;

                assert_int_equal(mkdirat(fd, "level", 0700), 0);
                if (i % 10 == 0)
                        assert_int_equal(mkdirat(fd, "beside", 0700), 0);
                next = openat(fd, "level", O_PATH | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                (void) close(fd);
                fd = next;
        }
        (void) close(fd);

        assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
        limit = saved;
        limit.rlim_cur = 32;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(rm_rf_in(dir, "level"), 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);

        assert_false(file_exists(dir, "level"));
}

static void test_that_a_tree_may_be_wide(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();

        for (unsigned i = 0; i < 600; ++i) {
                char name[64];

                (void) snprintf(name, sizeof(name), i % 10 ? "tree/%u" : "tree/%u/file", i);
                write_file(dir, name, "");
        }

        assert_int_equal(rm_rf_in(dir, "tree"), 0);
        assert_false(file_exists(dir, "tree"));
}

/* What file systems allow to root, who ignores modes, must not be what makes this work. */
static void become_nobody(const char *dir) {
        if (geteuid() != 0)
                return;

        assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
        assert_int_equal(seteuid(NOBODY), 0);
        assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0); /* /proc/self would be closed to us else */
}

static void become_oneself(void) {
        if (getuid() == 0)
                assert_int_equal(seteuid(0), 0);
}

static void test_that_directories_which_refuse_everything_are_removed(void **state) {
        static const struct {
                const char *name;
                mode_t mode;
        } directories[] = { /* those inside first */
                { "tree/none/inner", 0000 },
                { "tree/none",       0000 },
                { "tree/read",       0400 },
                { "tree/enter",      0100 },
                { "tree/readonly",   0500 },
                { "tree/write",      0200 },
                { "tree",            0500 },
        };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        int r;

        become_nobody(dir);

        for (size_t i = 0; i < ELEMENTSOF(directories); ++i) {
                _cleanup_(freep) char *file = NULL;

                assert_int_equal(format_to(&file, "%s/file", directories[i].name), 0);
                write_file(dir, file, "");
        }
        for (size_t i = 0; i < ELEMENTSOF(directories); ++i) {
                _cleanup_(freep) char *path = path_in(dir, directories[i].name);

                assert_int_equal(chmod(path, directories[i].mode), 0);
        }

        r = rm_rf_in(dir, "tree");
        become_oneself();

        assert_int_equal(r, 0);
        assert_false(file_exists(dir, "tree"));
}

static void test_that_the_place_of_the_tree_keeps_its_mode(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        struct stat st;
        int r;

        become_nobody(dir);
        write_file(dir, "tree/file", "");
        assert_int_equal(chmod(dir, 0500), 0);
        r = rm_rf_in(dir, "tree");
        become_oneself();

        /* The directory around it does not want to be written to, and is not ours. */
        assert_int_equal(r, -EACCES);
        assert_int_equal(stat(dir, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0500);
        assert_true(file_exists(dir, "tree"));
        assert_false(file_exists(dir, "tree/file"));
        assert_int_equal(chmod(dir, 0700), 0);
}

static void test_that_another_users_directory_is_reported_and_the_rest_removed(void **state) {
        _cleanup_(freep) char *tree = NULL, *theirs = NULL;
        _cleanup_(temp_dir_freep) char *dir = NULL;
        int r;

        skip_unless_root();

        dir = temp_dir_new();
        tree = path_in(dir, "tree");
        theirs = path_in(dir, "tree/theirs");
        write_file(dir, "tree/theirs/file", "");
        assert_int_equal(chown(tree, NOBODY, NOBODY), 0);
        assert_int_equal(chmod(theirs, 0700), 0);

        become_nobody(dir);
        write_file(dir, "tree/a/file", "");
        write_file(dir, "tree/z/file", "");
        r = rm_rf_in(dir, "tree");
        become_oneself();

        assert_int_equal(r, -EACCES);
        assert_true(file_exists(dir, "tree/theirs/file"));
        assert_false(file_exists(dir, "tree/a"));
        assert_false(file_exists(dir, "tree/z"));
}

static void test_that_nothing_mounted_is_entered(void **state) {
        _cleanup_(freep) char *outside = NULL, *bind = NULL, *other = NULL;
        _cleanup_(temp_dir_freep) char *dir = NULL;

        skip_unless_root();
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                print_message("Needs a mount name space, skipping\n");
                skip();
        }

        dir = temp_dir_new();
        outside = path_in(dir, "outside");
        bind = path_in(dir, "tree/bind");
        other = path_in(dir, "tree/a/tmpfs");
        write_file(dir, "outside/file", "");
        write_file(dir, "tree/bind/hidden", "");
        write_file(dir, "tree/a/tmpfs/hidden", "");
        write_file(dir, "tree/z/file", "");

        /* The same file system, so that no device number tells. */
        assert_int_equal(mount(outside, bind, NULL, MS_BIND, NULL), 0);
        assert_int_equal(mount("tmpfs", other, "tmpfs", 0, NULL), 0);
        write_file(dir, "tree/a/tmpfs/file", "");

        assert_int_equal(rm_rf_in(dir, "tree/bind"), -EXDEV);
        assert_int_equal(rm_rf_in(dir, "tree"), -EXDEV);
        assert_true(file_exists(dir, "outside/file"));
        assert_true(file_exists(other, "file"));
        assert_false(file_exists(dir, "tree/z"));

        assert_int_equal(umount(bind), 0);
        assert_int_equal(umount(other), 0);
        assert_int_equal(rm_rf_in(dir, "tree"), 0);
        assert_true(file_exists(dir, "outside/file"));
}

static void test_that_any_failed_allocation_can_be_made_up_for(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(closep) int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        unsigned fds = count_open_fds();
        int r = -ENOMEM;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                write_file(dir, "tree/file", "");
                write_file(dir, "tree/a/b/c/file", "");
                write_file(dir, "tree/d/e/file", "");

                fault_fail_allocation(n);
                r = rm_rf_at(fd, "tree");
                fault_clear();

                assert_int_equal(file_exists(dir, "tree"), r != 0);
                assert_int_equal(count_open_fds(), fds);
        }

        assert_int_equal(r, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_only_what_is_below_can_be_named),
                cmocka_unit_test(test_that_what_somebody_keeps_stays_and_the_way_to_it),
                cmocka_unit_test(test_that_links_in_the_tree_are_not_followed),
                cmocka_unit_test(test_that_a_tree_may_be_deeper_than_descriptors_reach),
                cmocka_unit_test(test_that_a_tree_may_be_wide),
                cmocka_unit_test(test_that_directories_which_refuse_everything_are_removed),
                cmocka_unit_test(test_that_the_place_of_the_tree_keeps_its_mode),
                cmocka_unit_test(test_that_another_users_directory_is_reported_and_the_rest_removed),
                cmocka_unit_test(test_that_nothing_mounted_is_entered),
                cmocka_unit_test(test_that_any_failed_allocation_can_be_made_up_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
