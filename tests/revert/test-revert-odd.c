/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Odd Volumes: one that is full, one that others write to, and files of the kinds that are easily forgotten. The
 * argument is the kind (world.h).
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "lib/test-util.h"
#include "revert/world.h"

#define BLOCK ((size_t) 64 * 1024)
#define FILLED ((off_t) 8 << 20)

static int open_in(const char *dir, const char *name, int flags) {
        _cleanup_(freep) char *path = path_in(dir, name);
        int fd = open(path, flags | O_CLOEXEC, 0644);

        if (fd < 0)
                fail_msg("Failed to open '%s': %s", path, strerror(errno));
        return fd;
}

static void remove_in(const char *dir, const char *name) {
        _cleanup_(freep) char *path = path_in(dir, name);

        assert_int_equal(remove(path), 0);
}

static void link_in(const char *dir, const char *from, const char *to) {
        _cleanup_(freep) char *a = path_in(dir, from), *b = path_in(dir, to);

        assert_int_equal(link(a, b), 0);
}

/* Of data that nothing can be saved on. */
static void write_bytes(const char *dir, const char *name, off_t offset, off_t size) {
        _cleanup_(closep) int fd = open_in(dir, name, O_WRONLY | O_CREAT);
        _cleanup_(freep) char *block = malloc(BLOCK);
        uint32_t x = 1;

        for (off_t at = offset; at < offset + size; at += (off_t) BLOCK) {
                for (size_t i = 0; i < BLOCK; ++i) {
                        x = x * 1664525U + 1013904223U;
                        block[i] = (char) (x >> 24);
                }
                assert_int_equal(pwrite(fd, block, BLOCK, at), BLOCK);
        }
}

/* Takes all the room that there is. */
static void fill_disk(const char *dir, const char *name) {
        _cleanup_(closep) int fd = open_in(dir, name, O_WRONLY | O_CREAT);
        off_t end = lseek(fd, 0, SEEK_END);

        for (off_t size = (off_t) 1 << 30; size >= 4096; size /= 2)
                while (fallocate(fd, 0, end, size) == 0)
                        end += size;
        assert_int_equal(errno, ENOSPC);
}

/* What fills it comes last in the order in which it is gone through. */
static void test_that_a_volume_that_is_full_makes_room_for_what_it_was(void **state) {
        static const char *const fillers[] = { "z/new", "z/log" };
        World *w = *state;

        skip_unless_root();
        if (!w->fs)
                skip();

        write_bytes(w->volume, "data", 0, FILLED);
        write_file(w->volume, "z/log", "one line\n");
        copy_tree(w->volume, w->copy, true);
        for (size_t i = 0; i < ELEMENTSOF(fillers); ++i) {
                remove_in(w->volume, "data");
                sync();
                fill_disk(w->volume, fillers[i]);
                assert_reverts(w, w->volume, NULL);
        }
}

static void test_that_one_that_has_no_room_is_reverted_when_it_has(void **state) {
        World *w = *state;
        _cleanup_(freep) char *stored = NULL;
        Steps steps = { 0 };
        RevertWork work;

        skip_unless_root();
        if (strcmp(kind, "copy") != 0)
                skip(); /* clones need none */

        write_bytes(w->volume, "data", 0, FILLED);
        copy_tree(w->volume, w->copy, true);
        remove_in(w->volume, "data");
        write_file(w->volume, ".umbra-shadow/copy", "of others");
        stored = path_in(w->volume, ".umbra-shadow");
        assert_int_equal(chmod(stored, 0700), 0);
        fill_disk(w->volume, ".umbra-shadow/copy");
        assert_int_equal(revert_volume(w, w->volume, &steps, &work), -ENOSPC);
        remove_in(w->volume, ".umbra-shadow/copy");
        remove_in(w->volume, ".umbra-shadow");
        assert_reverts(w, w->volume, NULL);
}

static void test_that_files_that_others_write_to_are_reverted_under_them(void **state) {
        World *w = *state;
        _cleanup_(closep) int fd = -EBADF, gone_fd = -EBADF;
        _cleanup_(freep) char *text = NULL;
        struct stat before, after;

        write_file(w->volume, "file", "as it was");
        copy_tree(w->volume, w->copy, true);
        write_file(w->volume, "file", "changed");
        fd = open_in(w->volume, "file", O_RDWR | O_APPEND);
        gone_fd = open_in(w->volume, "new", O_RDWR | O_CREAT);
        assert_int_equal(write(fd, " and more", 9), 9);
        assert_int_equal(write(gone_fd, "new", 3), 3);
        assert_reverts(w, w->volume, NULL);

        /* They have the file still, and go on from what it is now. */
        assert_int_equal(fstat(fd, &before), 0);
        assert_int_equal(write(fd, ", and on", 8), 8);
        assert_int_equal(write(gone_fd, "nobody sees it", 14), 14);
        text = read_file(w->volume, "file");
        assert_string_equal(text, "as it was, and on");
        assert_false(file_exists(w->volume, "new"));
        assert_reverts(w, w->volume, NULL);
        assert_int_equal(fstat(fd, &after), 0);
        assert_int_equal(after.st_ino, before.st_ino);
        assert_int_equal(after.st_nlink, 1);
}

static void test_that_the_longest_names_come_back(void **state) {
        World *w = *state;
        char name[NAME_MAX + 1], other[NAME_MAX + 1], deep[2 * NAME_MAX + 2], target[4096];
        _cleanup_(freep) char *link_path = path_in(w->volume, "link");

        memset(name, 'n', NAME_MAX);
        memset(other, 'o', NAME_MAX);
        memset(target, 't', sizeof(target) - 1);
        name[NAME_MAX] = other[NAME_MAX] = '\0';
        target[is_btrfs() ? 3000 : 1000] = '\0'; /* of which each file system takes so much */
        (void) snprintf(deep, sizeof(deep), "%s/%s", other, name);
        write_file(w->volume, name, "as it was");
        write_file(w->volume, deep, "as it was");
        assert_int_equal(symlink(target, link_path), 0);
        link_in(w->volume, name, "short");
        copy_tree(w->volume, w->copy, true);

        write_file(w->volume, name, "changed");
        remove_in(w->volume, deep);
        remove_in(w->volume, other);
        link_in(w->volume, name, other);
        remove_in(w->volume, "short");
        assert_int_equal(unlink(link_path), 0);
        assert_int_equal(symlink("elsewhere", link_path), 0);
        assert_reverts(w, w->volume, NULL);
}

/* What of the file is no hole. */
static off_t count_data(int fd) {
        off_t data = 0, end = 0, sum = 0;

        while ((data = lseek(fd, end, SEEK_DATA)) >= 0) {
                end = lseek(fd, data, SEEK_HOLE);
                assert_true(end > data);
                sum += end - data;
        }
        assert_int_equal(errno, ENXIO);
        return sum;
}

/* Where there was data is a hole now, and the other way round; and one file is all hole. */
static void test_that_holes_are_holes_again(void **state) {
        World *w = *state;
        _cleanup_(closep) int fd = -EBADF, empty_fd = -EBADF;

        fd = open_in(w->volume, "file", O_RDWR | O_CREAT);
        assert_int_equal(ftruncate(fd, 8 << 20), 0); /* first: behind the end xfs takes more than is written */
        write_bytes(w->volume, "file", 1 << 20, 1 << 20);
        write_bytes(w->volume, "file", 3 << 20, 1 << 20);
        empty_fd = open_in(w->volume, "hole", O_RDWR | O_CREAT);
        assert_int_equal(ftruncate(empty_fd, 8 << 20), 0);
        assert_int_equal(count_data(fd), 2 << 20);
        copy_tree(w->volume, w->copy, true);

        if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1 << 20, 1 << 19) < 0)
                skip(); /* not everywhere */
        write_bytes(w->volume, "file", 5 << 20, 1 << 20);
        write_bytes(w->volume, "hole", 2 << 20, 4 << 20);
        assert_reverts(w, w->volume, NULL);
        assert_int_equal(fsync(fd), 0);
        assert_int_equal(fsync(empty_fd), 0);
        assert_int_equal(count_data(fd), 2 << 20);
        assert_int_equal(count_data(empty_fd), 0);
}

/* cap_net_raw=ep, as setcap(8) writes it. The kernel takes them away when a file gets another owner or is written to. */
static void test_that_capabilities_come_back_last(void **state) {
        static const uint8_t raw[] = { 1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
        static const char *const names[] = { "written", "owned", "taken", "gone" };
        World *w = *state;

        skip_unless_root();
        for (size_t i = 0; i < ELEMENTSOF(names); ++i) {
                _cleanup_(freep) char *path = path_in(w->volume, names[i]);

                write_file(w->volume, names[i], "a program");
                if (setxattr(path, "security.capability", raw, sizeof(raw), 0) < 0)
                        skip();
        }
        copy_tree(w->volume, w->copy, true);

        _cleanup_(freep) char *owned = path_in(w->volume, "owned"), *taken = path_in(w->volume, "taken"),
                              *written = path_in(w->volume, "written");
        write_file(w->volume, "written", "another program");
        assert_true(getxattr(written, "security.capability", NULL, 0) < 0);
        assert_int_equal(chown(owned, 1, 1), 0);
        assert_int_equal(removexattr(taken, "security.capability"), 0);
        remove_in(w->volume, "gone");
        assert_reverts(w, w->volume, NULL);
        assert_int_equal(getxattr(written, "security.capability", NULL, 0), sizeof(raw));
        assert_int_equal(getxattr(owned, "security.capability", NULL, 0), sizeof(raw));
}

static void test_that_what_became_of_another_kind_is_what_it_was(void **state) {
        World *w = *state;
        _cleanup_(freep) char *file = path_in(w->volume, "file"), *link_path = path_in(w->volume, "link"),
                              *pipe_path = path_in(w->volume, "pipe"), *directory = path_in(w->volume, "directory");

        write_file(w->volume, "file", "a file");
        write_file(w->volume, "directory/deep/file", "in directories");
        write_file(w->volume, "elsewhere/file", "of another directory");
        assert_int_equal(symlink("file", link_path), 0);
        assert_int_equal(mkfifo(pipe_path, 0640), 0);
        copy_tree(w->volume, w->copy, true);

        remove_in(w->volume, "file");
        write_file(w->volume, "file/in it/now", "a directory");
        remove_in(w->volume, "directory/deep/file");
        remove_in(w->volume, "directory/deep");
        remove_in(w->volume, "directory");
        assert_int_equal(symlink("elsewhere", directory), 0); /* whoever followed it would do harm */
        assert_int_equal(unlink(link_path), 0);
        assert_int_equal(mkfifo(link_path, 0600), 0);
        assert_int_equal(unlink(pipe_path), 0);
        write_file(w->volume, "pipe", "a file");
        assert_reverts(w, w->volume, NULL);
        assert_true(file_exists(w->volume, "elsewhere/file"));

        /* The very ones that are wanted are in each other's place. */
        _cleanup_(freep) char *aside = path_in(w->volume, "aside");
        assert_int_equal(rename(file, aside), 0);
        assert_int_equal(rename(directory, file), 0);
        assert_int_equal(rename(aside, directory), 0);
        assert_reverts(w, w->volume, NULL);
}

static void test_that_names_in_several_directories_are_of_one_file_again(void **state) {
        World *w = *state;

        write_file(w->volume, "a/one", "one file");
        write_file(w->volume, "b/own", "another");
        write_file(w->volume, "c/deep/own", "a third");
        link_in(w->volume, "a/one", "b/two");
        link_in(w->volume, "a/one", "c/deep/three");
        copy_tree(w->volume, w->copy, true);

        /* Others are one now, and these are not; and the first name is gone. */
        remove_in(w->volume, "b/two");
        write_file(w->volume, "b/two", "one file");
        remove_in(w->volume, "a/one");
        remove_in(w->volume, "b/own");
        link_in(w->volume, "c/deep/three", "b/own");
        remove_in(w->volume, "c/deep/own");
        link_in(w->volume, "b/two", "c/deep/own");
        write_file(w->volume, "c/deep/three", "changed through another name");
        assert_reverts(w, w->volume, NULL);

        /* A name too many, in a directory that goes. */
        write_file(w->volume, "d/new", "new");
        link_in(w->volume, "a/one", "d/four");
        assert_reverts(w, w->volume, NULL);
        assert_false(file_exists(w->volume, "d"));
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                TREE(a_volume_that_is_full_makes_room_for_what_it_was),
                TREE(one_that_has_no_room_is_reverted_when_it_has),
                TREE(files_that_others_write_to_are_reverted_under_them),
                TREE(the_longest_names_come_back),
                TREE(holes_are_holes_again),
                TREE(capabilities_come_back_last),
                TREE(what_became_of_another_kind_is_what_it_was),
                TREE(names_in_several_directories_are_of_one_file_again),
        };

        if (!world_read_arguments(argc, argv))
                return EXIT_FAILURE;
        if (!world_can_be())
                return TEST_SKIPPED;

        return cmocka_run_group_tests_name(kind, tests, private_mounts_group_setup, NULL);
}
