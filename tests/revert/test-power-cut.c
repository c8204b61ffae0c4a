/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A power cut in the middle of a revert: whatever had reached the disk by then is mounted again, and the revert
 * that begins anew on it ends with the new content. One that was over is over.
 *
 * The disk is an image on a file system that shares extents, so that what it holds at one moment is kept by
 * cloning it, as often as wanted. What the file system in it had in memory only is not in there: that is what
 * a power cut loses. The argument is the kind of file system.
 */

#include <btrfsutil.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "contract/manifest.h"
#include "contract/tree.h"
#include "lib/test-util.h"
#include "loop-fs.h"
#include "providers/revert/revert.h"
#include "revert/scramble.h"

#define TEST_SKIPPED 77 /* what meson takes for it */

static const char *kind;

typedef struct World {
        char *dir, *image, *mounted, *volume, *copy;
        LoopFs *outer;
        unsigned n_steps, stride, n_cuts;
} World;

static bool is_btrfs(void) {
        return strcmp(kind, "btrfs") == 0;
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...) {
        char command[4096];
        va_list args;

        va_start(args, format);
        (void) vsnprintf(command, sizeof(command), format, args);
        va_end(args);
        if (system(command) != 0) /* NOLINT(cert-env33-c): names of this test only */
                fail_msg("Failed: %s", command);
}

static void mount_image(const World *w, const char *image) {
        run("mount -o loop '%s' '%s'", image, w->mounted);
}

static void unmount(const World *w) {
        assert_int_equal(umount2(w->mounted, 0), 0);
}

static int setup(void **state) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        *state = w;
        w->dir = temp_dir_new();
        w->outer = loop_fs_new(w->dir, "outer", "xfs");
        w->image = path_in(w->outer->target, "disk");
        w->mounted = path_in(w->dir, "mounted");
        w->volume = path_in(w->mounted, "volume");
        w->copy = path_in(w->mounted, "copy");
        assert_int_equal(mkdir(w->mounted, 0755), 0);
        run("truncate -s 400M '%s' && mkfs.%s -q '%s' >/dev/null 2>&1", w->image, kind, w->image);
        mount_image(w, w->image);
        return 0;
}

static int teardown(void **state) {
        World *w = *state;

        (void) umount2(w->mounted, MNT_DETACH);
        loop_fs_free(w->outer);
        temp_dir_free(w->dir);
        free(w->image);
        free(w->mounted);
        free(w->volume);
        free(w->copy);
        free(w);
        return 0;
}

static char *cut_path(const World *w, unsigned i) {
        char *path;

        assert_int_equal(format_to(&path, "%s.%u", w->image, i), 0);
        return path;
}

static void cut(World *w) {
        _cleanup_(freep) char *path = cut_path(w, w->n_cuts++);
        _cleanup_(closep) int from = open(w->image, O_RDONLY | O_CLOEXEC),
                              to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_int_equal(ioctl(to, FICLONE, from), 0);
}

/* Of every three cuts one finds all on the disk that was done so far, the next ones only some more of it. */
static void on_step(const char *what, void *userdata) {
        _cleanup_(closep) int fd = -EBADF;
        World *w = userdata;

        if (w->stride == 0 || w->n_steps++ % w->stride != 0)
                return;
        if (w->n_cuts % 3 == 1) {
                fd = open(w->mounted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_int_equal(syncfs(fd), 0);
        }
        cut(w);
}

static void revert_volume(World *w, unsigned stride) {
        _cleanup_(closep) int source_fd = open(w->copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                              target_fd = open(w->volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const RevertOptions options = {
                .target = w->volume,
                .source_fd = source_fd,
                .target_fd = target_fd,
                .same_inodes = is_btrfs(),
                .has_flags = is_btrfs(),
                .proven = INT64_MIN, /* it has been started again since */
                .step = on_step,
                .userdata = w,
        };

        assert_true(source_fd >= 0 && target_fd >= 0);
        w->stride = stride;
        w->n_steps = 0;
        assert_int_equal(revert_tree(&options, NULL), 0);
        assert_int_equal(syncfs(target_fd), 0); /* as the worker does, before it answers */
}

static void make(World *w, unsigned seed) {
        if (is_btrfs())
                assert_int_equal(btrfs_util_create_subvolume(w->volume, 0, NULL, NULL), BTRFS_UTIL_OK);
        else
                assert_int_equal(mkdir(w->volume, 0755), 0);
        tree_make(w->volume);
        scramble_make(w->volume, seed);
        if (is_btrfs())
                assert_int_equal(btrfs_util_create_snapshot(w->volume, w->copy, BTRFS_UTIL_CREATE_SNAPSHOT_READ_ONLY,
                                                            NULL, NULL),
                                 BTRFS_UTIL_OK);
        else
                run("cp -a --reflink=always '%s' '%s'", w->volume, w->copy);
        sync();
        scramble(w->volume, seed + 1, 150); /* of which not all need be on the disk */
}

static void test_that_a_power_cut_at_any_step_ends_in_the_new_content(void **state) {
        World *w = *state;
        _cleanup_(freep) char *expected = NULL;

        make(w, 1);
        expected = manifest_new(w->copy);
        revert_volume(w, 5);
        cut(w); /* the power goes off the moment that it is over */
        unmount(w);
        print_message("%u steps, %u cuts\n", w->n_steps, w->n_cuts);
        assert_true(w->n_cuts > 8);

        for (unsigned i = 0; i < w->n_cuts; ++i) {
                _cleanup_(freep) char *path = cut_path(w, i), *found = NULL;

                mount_image(w, path);
                if (i + 1 < w->n_cuts)
                        revert_volume(w, 0);
                found = manifest_new(w->volume);
                assert_same_manifest(expected, found);
                unmount(w);
                assert_int_equal(unlink(path), 0);
        }
        mount_image(w, w->image);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_that_a_power_cut_at_any_step_ends_in_the_new_content, setup,
                                                teardown),
        };

        if (argc != 2) {
                print_error("Usage: %s xfs|btrfs\n", argv[0]);
                return EXIT_FAILURE;
        }
        kind = argv[1];
        if (geteuid() != 0)
                return TEST_SKIPPED;
        return cmocka_run_group_tests_name(kind, tests, private_mounts_group_setup, NULL);
}
