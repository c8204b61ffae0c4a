/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Volume and Its Copy
 */

#include "revert/world.h"

#include <btrfsutil.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "contract/manifest.h"
#include "lib/test-util.h"

const char *kind;

bool world_read_arguments(int argc, char **argv) {
        if (argc < 2) {
                print_error("Usage: %s plain|copy|xfs|btrfs [TEST]\n", argv[0]);
                return false;
        }
        kind = argv[1];
        if (argc > 2)
                cmocka_set_test_filter(argv[2]);
        return true;
}

bool world_can_be(void) {
        return strcmp(kind, "plain") == 0 || geteuid() == 0;
}

bool is_btrfs(void) {
        return strcmp(kind, "btrfs") == 0;
}

void run(const char *format, ...) {
        char command[4096];
        va_list args;

        va_start(args, format);
        (void) vsnprintf(command, sizeof(command), format, args);
        va_end(args);
        if (system(command) != 0) /* NOLINT(cert-env33-c): names of this test only */
                fail_msg("Failed: %s", command);
}

void make_volume(const char *path) {
        if (is_btrfs())
                assert_int_equal(btrfs_util_create_subvolume(path, 0, NULL, NULL), BTRFS_UTIL_OK);
        else
                assert_int_equal(mkdir(path, 0755), 0);
}

void remove_tree(const char *path) {
        _cleanup_(freep) char *parent = strndup(path, (size_t) (strrchr(path, '/') - path));
        _cleanup_(closep) int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (is_btrfs())
                assert_int_equal(btrfs_util_delete_subvolume(path, 0), BTRFS_UTIL_OK);
        else
                assert_int_equal(rm_rf_at(fd, strrchr(path, '/') + 1), 0);
}

void copy_tree(const char *from, const char *to, bool read_only) {
        if (is_btrfs())
                assert_int_equal(btrfs_util_create_snapshot(from, to,
                                                            read_only ? BTRFS_UTIL_CREATE_SNAPSHOT_READ_ONLY : 0,
                                                            NULL, NULL),
                                 BTRFS_UTIL_OK);
        else
                run("cp -a --reflink=auto '%s' '%s'", from, to);
}

int world_setup(void **state) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        *state = w;
        w->dir = temp_dir_new();
        if (strcmp(kind, "plain") == 0)
                assert_int_equal(strdup_to(w->dir, &w->root), 0);
        else {
                w->fs = loop_fs_new(w->dir, "fs", strcmp(kind, "copy") == 0 ? "ext4" : kind);
                assert_int_equal(strdup_to(w->fs->target, &w->root), 0);
        }
        w->volume = path_in(w->root, "volume");
        w->copy = path_in(strcmp(kind, "copy") == 0 ? w->dir : w->root, "copy");
        w->same_inodes = is_btrfs();
        make_volume(w->volume);
        return 0;
}

int world_teardown(void **state) {
        World *w = *state;

        loop_fs_free(w->fs);
        temp_dir_free(w->dir);
        free(w->root);
        free(w->volume);
        free(w->copy);
        free(w);
        return 0;
}

static void count_step(const char *what, void *userdata) {
        Steps *s = userdata;

        s->last = what;
        if (++s->n == s->end)
                _exit(KILLED);
}

int revert_volume(const World *w, const char *volume, Steps *steps, RevertWork *ret) {
        _cleanup_(closep) int source_fd = open(w->copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                              target_fd = open(volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const RevertOptions options = {
                .target = volume,
                .source_fd = source_fd,
                .target_fd = target_fd,
                .same_inodes = w->same_inodes,
                .has_flags = is_btrfs(),
                .proven = is_btrfs() ? 0 : revert_proven_by_copy(source_fd, target_fd),
                .step = count_step,
                .userdata = steps,
        };

        assert_true(source_fd >= 0 && target_fd >= 0);
        return revert_tree(&options, ret);
}

void assert_reverts(const World *w, const char *volume, RevertWork *ret) {
        _cleanup_(freep) char *expected = manifest_new(w->copy), *found = NULL;
        Steps steps = { 0 };
        RevertWork work;

        assert_int_equal(revert_volume(w, volume, &steps, &work), 0);
        found = manifest_new(volume);
        assert_same_manifest(expected, found);
        if (ret)
                *ret = work;

        /* There is nothing left to do, and that is seen. */
        steps.n = 0;
        assert_int_equal(revert_volume(w, volume, &steps, &work), 0);
        if (steps.n > 0)
                fail_msg("It was changed %u times more, '%s' last", steps.n, steps.last);
}
