/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One tree becomes what another is, whatever it was before, and whenever it was interrupted. The argument says
 * where the two are: in one directory (plain), on two file systems (copy), on one that shares extents (xfs), or
 * in a subvolume and its snapshot (btrfs).
 */

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "contract/manifest.h"
#include "contract/tree.h"
#include "lib/test-util.h"
#include "revert/scramble.h"
#include "revert/world.h"

#define RUNS 12U
#define CHANGES 120U

/* Runs it until it has made @end changes. Whether it came to its own end before. */
static bool revert_partly(const World *w, const char *volume, unsigned end) {
        int status;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                Steps steps = { .end = end };
                RevertWork work;

                _exit(revert_volume(w, volume, &steps, &work) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
        }

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) != KILLED)
                assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
        return WEXITSTATUS(status) == EXIT_SUCCESS;
}

static void test_that_everything_that_a_file_has_comes_back(void **state) {
        World *w = *state;

        tree_make(w->volume);
        copy_tree(w->volume, w->copy, true);
        tree_spoil(w->volume);
        assert_reverts(w, w->volume, NULL);
}

static void test_that_an_empty_directory_becomes_all_of_it(void **state) {
        World *w = *state;
        _cleanup_(freep) char *other = path_in(w->root, "other");

        tree_make(w->volume);
        copy_tree(w->volume, w->copy, true);
        make_volume(other);
        w->same_inodes = false;
        assert_reverts(w, other, NULL);
}

static void test_that_whatever_happened_to_a_tree_is_undone(void **state) {
        World *w = *state;

        for (unsigned i = 0; i < RUNS; ++i) {
                scramble_make(w->volume, 1000 + i);
                copy_tree(w->volume, w->copy, true);
                scramble(w->volume, i, CHANGES);
                assert_reverts(w, w->volume, NULL);
                remove_tree(w->copy);
        }
}

/* Each time a few changes further, from wherever it was left. */
static void test_that_who_is_interrupted_often_gets_there_too(void **state) {
        World *w = *state;

        for (unsigned i = 0; i < RUNS; ++i) {
                scramble_make(w->volume, 2000 + i);
                copy_tree(w->volume, w->copy, true);
                scramble(w->volume, 100 + i, CHANGES);
                for (unsigned end = 1; !revert_partly(w, w->volume, end); end += end / 4 + 1)
                        ;
                assert_reverts(w, w->volume, NULL);
                remove_tree(w->copy);
        }
}

static void test_that_it_may_end_after_any_change(void **state) {
        World *w = *state;
        _cleanup_(freep) char *changed = path_in(w->root, "changed");
        bool done = false;

        tree_make(w->volume);
        copy_tree(w->volume, w->copy, true);
        tree_spoil(w->volume);
        scramble(w->volume, 8, 20);
        for (unsigned end = 1; !done; ++end) {
                copy_tree(w->volume, changed, false);
                done = revert_partly(w, changed, end);
                assert_reverts(w, changed, NULL);
                remove_tree(changed);
        }
}

static struct stat stat_of(const char *dir, const char *name) {
        _cleanup_(freep) char *path = path_in(dir, name);
        struct stat st;

        if (lstat(path, &st) < 0)
                fail_msg("Failed to look at '%s': %s", path, strerror(errno));
        return st;
}

static void rename_in(const char *dir, const char *from, const char *to) {
        _cleanup_(freep) char *a = path_in(dir, from), *b = path_in(dir, to);

        assert_int_equal(rename(a, b), 0);
}

static void test_that_files_that_survive_keep_their_inodes(void **state) {
        static const char *const names[] = { "one", "directory/two", "directory", "three" };
        World *w = *state;
        ino_t inodes[ELEMENTSOF(names)];

        write_file(w->volume, "one", "1");
        write_file(w->volume, "directory/two", "2");
        write_file(w->volume, "three", "3");
        for (size_t i = 0; i < ELEMENTSOF(names); ++i)
                inodes[i] = stat_of(w->volume, names[i]).st_ino;
        copy_tree(w->volume, w->copy, true);

        write_file(w->volume, "one", "another one");
        write_file(w->volume, "directory/two", "");
        write_file(w->volume, "directory/new", "new");
        assert_reverts(w, w->volume, NULL);
        for (size_t i = 0; i < ELEMENTSOF(names); ++i)
                assert_int_equal(stat_of(w->volume, names[i]).st_ino, inodes[i]);

        if (!is_btrfs())
                return;

        /* Also under other names, each of which was that of another. */
        rename_in(w->volume, "directory", "aside");
        rename_in(w->volume, "one", "directory");
        rename_in(w->volume, "aside/two", "one");
        rename_in(w->volume, "three", "aside/three");
        rename_in(w->volume, "aside", "three");
        assert_reverts(w, w->volume, NULL);
        for (size_t i = 0; i < ELEMENTSOF(names); ++i)
                assert_int_equal(stat_of(w->volume, names[i]).st_ino, inodes[i]);
}

static void write_megabytes(const char *path, unsigned n) {
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        _cleanup_(freep) char *block = malloc(1 << 20);

        for (unsigned i = 0; i < n; ++i) {
                for (size_t k = 0; k < 1 << 20; ++k)
                        block[k] = (char) (k * 7 + k / 4096 + i);
                assert_int_equal(fd_write_all(fd, block, 1 << 20), 0);
        }
        assert_int_equal(fsync(fd), 0);
}

static void test_that_only_what_differs_is_written(void **state) {
        World *w = *state;
        _cleanup_(freep) char *path = path_in(w->volume, "large");
        _cleanup_(closep) int fd = -EBADF;
        RevertWork work;

        write_megabytes(path, 16);
        copy_tree(w->volume, w->copy, true);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        for (unsigned i = 0; i < 4; ++i)
                assert_int_equal(pwrite(fd, "changed", 7, (off_t) i * (4 << 20) + 12345), 7);
        assert_reverts(w, w->volume, &work);
        assert_int_equal(work.changed, 1);
        assert_true(work.cloned + work.copied >= 4 * 4096);
        assert_true(work.cloned + work.copied <= 4 * 65536);
        if (w->fs && strcmp(kind, "copy") != 0)
                assert_int_equal(work.copied, 0);
}

static void test_that_a_file_that_shrank_or_grew_is_as_long_as_it_was(void **state) {
        static const off_t sizes[] = { 0, 1, 4095, 4096, 65536, 65537, (1 << 20) - 1, (1 << 20) + 1, 3 << 20 };
        World *w = *state;
        _cleanup_(freep) char *path = path_in(w->volume, "file");

        write_megabytes(path, 1);
        assert_int_equal(truncate(path, (1 << 20) - 100), 0);
        copy_tree(w->volume, w->copy, true);
        for (size_t i = 0; i < ELEMENTSOF(sizes); ++i) {
                assert_int_equal(truncate(path, sizes[i]), 0);
                assert_reverts(w, w->volume, NULL);
        }
}

static void test_that_a_program_that_runs_is_replaced(void **state) {
        World *w = *state;
        _cleanup_(freep) char *program = path_in(w->volume, "program");
        int input[2], begun[2], status;
        char byte;
        pid_t pid;

        run("cp /bin/cat '%s'", program);
        copy_tree(w->volume, w->copy, true);
        run("printf more >>'%s'", program);
        assert_int_equal(pipe2(input, O_CLOEXEC), 0);
        assert_int_equal(pipe2(begun, O_CLOEXEC), 0);

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) dup2(input[0], STDIN_FILENO);
                (void) execl(program, "program", NULL);
                _exit(EXIT_FAILURE);
        }
        (void) close(input[0]);
        (void) close(begun[1]);
        assert_int_equal(read(begun[0], &byte, 1), 0); /* it is another program now */
        assert_reverts(w, w->volume, NULL);
        (void) close(begun[0]);
        (void) close(input[1]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void set_flag(const char *dir, const char *name, int flag, bool on) {
        _cleanup_(freep) char *path = path_in(dir, name);
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        int flags;

        assert_int_equal(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
        flags = on ? flags | flag : flags & ~flag;
        assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
}

static bool has_flag(const char *dir, const char *name, int flag) {
        _cleanup_(freep) char *path = path_in(dir, name);
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        int flags;

        assert_int_equal(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
        return flags & flag;
}

static void test_that_what_chattr_forbids_is_no_obstacle(void **state) {
        World *w = *state;

        skip_unless_root();
        if (!w->fs)
                skip(); /* a temporary directory may be anywhere */

        write_file(w->volume, "fixed", "as it was");
        write_file(w->volume, "log", "first\n");
        write_file(w->volume, "closed/file", "as it was");
        copy_tree(w->volume, w->copy, true);
        write_file(w->volume, "fixed", "changed");
        write_file(w->volume, "log", "first\nsecond\n");
        write_file(w->volume, "closed/file", "changed");
        write_file(w->volume, "closed/new", "new");
        write_file(w->volume, "new/file", "new");
        set_flag(w->volume, "fixed", FS_IMMUTABLE_FL, true);
        set_flag(w->volume, "log", FS_APPEND_FL, true);
        set_flag(w->volume, "closed", FS_IMMUTABLE_FL, true);
        set_flag(w->volume, "new/file", FS_IMMUTABLE_FL, true);
        set_flag(w->volume, "new", FS_IMMUTABLE_FL, true);
        assert_reverts(w, w->volume, NULL);

        /* A snapshot knows that there were none; a copy knows nothing of them. */
        assert_int_equal(has_flag(w->volume, "fixed", FS_IMMUTABLE_FL), !is_btrfs());
        assert_int_equal(has_flag(w->volume, "log", FS_APPEND_FL), !is_btrfs());
        assert_int_equal(has_flag(w->volume, "closed", FS_IMMUTABLE_FL), !is_btrfs());
        set_flag(w->volume, "fixed", FS_IMMUTABLE_FL, false);
        set_flag(w->volume, "log", FS_APPEND_FL, false);
        set_flag(w->volume, "closed", FS_IMMUTABLE_FL, false);
}

static void test_that_what_is_mounted_stays(void **state) {
        World *w = *state;
        _cleanup_(freep) char *old_path = path_in(w->volume, "old"), *new_path = path_in(w->volume, "new/mount"),
                              *text = NULL;

        skip_unless_root();
        enter_private_mounts();
        write_file(w->volume, "old/below", "below");
        copy_tree(w->volume, w->copy, true);
        write_file(w->volume, "old/below", "changed");
        write_file(w->volume, "new/file", "new");
        assert_int_equal(mkdir(new_path, 0755), 0);
        assert_int_equal(mount("tmpfs", old_path, "tmpfs", 0, NULL), 0);
        assert_int_equal(mount("tmpfs", new_path, "tmpfs", 0, NULL), 0);
        write_file(old_path, "file", "mounted");
        write_file(new_path, "file", "mounted");

        for (unsigned i = 0; i < 2; ++i) {
                Steps steps = { 0 };
                RevertWork work;

                assert_int_equal(revert_volume(w, w->volume, &steps, &work), 0);
                assert_int_equal(work.kept, 1);
        }
        assert_false(file_exists(w->volume, "new/file"));
        assert_true(file_exists(old_path, "file"));
        assert_true(file_exists(new_path, "file"));

        /* What lies under it is the volume's. */
        assert_int_equal(umount2(old_path, MNT_DETACH), 0);
        assert_int_equal(umount2(new_path, MNT_DETACH), 0);
        text = read_file(w->volume, "old/below");
        assert_string_equal(text, "below");
        assert_reverts(w, w->volume, NULL);
}

static void test_that_subvolumes_stay(void **state) {
        World *w = *state;
        _cleanup_(freep) char *old_path = NULL, *new_path = NULL;
        RevertWork work;
        Steps steps = { 0 };

        if (!is_btrfs())
                skip();

        old_path = path_in(w->volume, "old");
        new_path = path_in(w->volume, "new/sub");
        make_volume(old_path);
        write_file(old_path, "file", "its own");
        write_file(w->volume, "file", "as it was");
        copy_tree(w->volume, w->copy, true);
        write_file(old_path, "file", "its own business");
        write_file(w->volume, "file", "changed");
        write_file(w->volume, "new/file", "new");
        make_volume(new_path);
        write_file(new_path, "file", "its own");

        assert_int_equal(revert_volume(w, w->volume, &steps, &work), 0);
        assert_int_equal(work.kept, 1);
        assert_false(file_exists(w->volume, "new/file"));
        assert_true(file_exists(new_path, "file"));
        _cleanup_(freep) char *text = read_file(old_path, "file");
        assert_string_equal(text, "its own business");
}

static void test_that_umbras_own_directories_stay(void **state) {
        World *w = *state;
        _cleanup_(freep) char *own = path_in(w->volume, "var/lib/umbra"), *stored = path_in(w->volume, ".umbra-shadow");
        _cleanup_(closep) int source_fd = -EBADF, target_fd = -EBADF;
        RevertOptions options;
        RevertWork work;

        write_file(w->volume, "var/file", "as it was");
        write_file(w->volume, "var/lib/umbra/catalog", "old");
        copy_tree(w->volume, w->copy, true);
        write_file(w->volume, "var/lib/umbra/catalog", "new");
        write_file(w->volume, "var/file", "changed");
        write_file(w->volume, ".umbra-shadow/copy", "kept");
        assert_int_equal(chmod(stored, 0700), 0);

        source_fd = open(w->copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        target_fd = open(w->volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        options = (RevertOptions){
                .target = w->volume, .source_fd = source_fd, .target_fd = target_fd,
                .same_inodes = is_btrfs(), .proven = INT64_MIN, .own = { own },
        };
        assert_int_equal(revert_tree(&options, &work), 0);
        _cleanup_(freep) char *catalog = read_file(w->volume, "var/lib/umbra/catalog"),
                              *file = read_file(w->volume, "var/file");
        assert_string_equal(catalog, "new");
        assert_string_equal(file, "as it was");
        assert_true(file_exists(w->volume, ".umbra-shadow/copy"));
}

static void test_that_a_tree_may_be_deeper_than_there_are_descriptors(void **state) {
        World *w = *state;
        _cleanup_(closep) int fd = open(w->volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        for (unsigned i = 0; i < (is_btrfs() ? 300 : 100); ++i) { /* cp(1) takes no longer paths */
                int next;

                assert_int_equal(mkdirat(fd, "level with a name of some length", 0755), 0);
                next = openat(fd, "level with a name of some length", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                (void) close(fd);
                fd = next;
        }
        assert_int_equal(mknodat(fd, "file", S_IFREG | 0600, 0), 0);
        assert_int_equal(linkat(fd, "file", fd, "other name", 0), 0);
        copy_tree(w->volume, w->copy, true);
        assert_int_equal(unlinkat(fd, "other name", 0), 0);
        assert_int_equal(mkdirat(fd, "other name", 0755), 0);

        for (unsigned i = 0; i < 2; ++i) {
                Steps steps = { 0 };
                RevertWork work;
                struct stat st;

                assert_int_equal(revert_volume(w, w->volume, &steps, &work), 0);
                assert_int_equal(steps.n > 0, i == 0);
                assert_int_equal(fstatat(fd, "other name", &st, AT_SYMLINK_NOFOLLOW), 0);
                assert_int_equal(st.st_nlink, 2);
        }
}

static int check(const char *target, const char *source, bool forced) {
        _cleanup_(closep) int source_fd = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                              target_fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const RevertOptions options = { .target = target, .source_fd = source_fd, .target_fd = target_fd };

        assert_true(source_fd >= 0 && target_fd >= 0);
        return revert_check(&options, forced);
}

static void test_that_what_is_in_the_way_is_found_before(void **state) {
        World *w = *state;
        _cleanup_(freep) char *mounted = path_in(w->volume, "new mount"), *sub = path_in(w->volume, "new mount/sub");

        write_file(w->volume, "file", "as it was");
        copy_tree(w->volume, w->copy, true);
        assert_int_equal(check(w->volume, w->copy, false), 0);
        assert_int_equal(check("/", w->copy, true), -EOPNOTSUPP); /* the system runs on it */

        skip_unless_root();
        enter_private_mounts();
        assert_int_equal(mkdir(mounted, 0755), 0);
        assert_int_equal(mount("tmpfs", mounted, "tmpfs", 0, NULL), 0);
        assert_int_equal(check(w->volume, w->copy, false), -EBUSY);
        assert_int_equal(check(w->volume, w->copy, true), 0);
        assert_int_equal(mkdir(sub, 0755), 0);
        assert_int_equal(mount(NULL, mounted, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        assert_int_equal(check(sub, w->copy, true), -EROFS);
        assert_int_equal(umount2(mounted, MNT_DETACH), 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                TREE(everything_that_a_file_has_comes_back),
                TREE(an_empty_directory_becomes_all_of_it),
                TREE(whatever_happened_to_a_tree_is_undone),
                TREE(who_is_interrupted_often_gets_there_too),
                TREE(it_may_end_after_any_change),
                TREE(files_that_survive_keep_their_inodes),
                TREE(only_what_differs_is_written),
                TREE(a_file_that_shrank_or_grew_is_as_long_as_it_was),
                TREE(a_program_that_runs_is_replaced),
                TREE(what_chattr_forbids_is_no_obstacle),
                TREE(what_is_mounted_stays),
                TREE(subvolumes_stay),
                TREE(umbras_own_directories_stay),
                TREE(what_is_in_the_way_is_found_before),
                TREE(a_tree_may_be_deeper_than_there_are_descriptors),
        };

        if (!world_read_arguments(argc, argv))
                return EXIT_FAILURE;
        if (!world_can_be())
                return TEST_SKIPPED;

        return cmocka_run_group_tests_name(kind, tests, private_mounts_group_setup, NULL);
}
