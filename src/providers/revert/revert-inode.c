/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which File Is It?
 *
 * In a snapshot of btrfs every file has the number that it has in its origin, and no number is given twice.
 * So a file that was renamed is found again, and one that an application has replaced is known for another.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "providers/btrfs/btrfs-ioctl.h"
#include "providers/files/files-stat.h"
#include "providers/revert/revert-internal.h"

/* Names that are gone may be listed for a while. */
static int check_name(Revert *r, const char *path, const struct statx *source, int *ret_fd, char **ret_name) {
        _cleanup_(closep) int fd = -EBADF;
        const char *name;
        struct statx stx;
        int q;

        q = revert_open_parent(r, path, &fd, &name);
        if (q >= 0)
                q = files_stat(fd, name, &stx);
        if (q < 0)
                return q;
        if (stx.stx_ino != source->stx_ino || files_device(&stx) != r->target_device ||
            (stx.stx_mode & S_IFMT) != (source->stx_mode & S_IFMT))
                return -ENOENT;

        q = strdup_to(name, ret_name);
        if (q >= 0)
                *ret_fd = TAKE_FD(fd);
        return q;
}

static int find_once(Revert *r, const struct statx *source, int *ret_fd, char **ret_name) {
        _cleanup_(freep) BtrfsPaths *paths = NULL;
        int q;

        q = btrfs_inode_paths(r->target_fd, source->stx_ino, &paths);
        if (q < 0)
                return q;

        q = -ENOENT;
        for (size_t i = 0; i < paths->n && q < 0 && q != -ENOMEM; ++i)
                q = check_name(r, btrfs_paths_get(paths, i), source, ret_fd, ret_name);
        return q == -ENOMEM || q >= 0 ? q : paths->n > 0 ? -EAGAIN : -ENOENT;
}

int revert_find_inode(Revert *r, const struct statx *source, int *ret_fd, char **ret_name) {
        int q;

        q = find_once(r, source, ret_fd, ret_name);
        if (q == -EAGAIN) {
                (void) syncfs(r->target_fd);
                q = find_once(r, source, ret_fd, ret_name);
        }
        return q == -EAGAIN ? -ENOENT : q;
}

/* In doubt it has: then it is removed later. */
bool revert_is_wanted(const Revert *r, uint64_t ino) {
        _cleanup_(freep) BtrfsPaths *paths = NULL;
        int q;

        if (!r->options->same_inodes || r->finishing)
                return false;

        q = btrfs_inode_paths(r->source_fd, ino, &paths);
        return q != -ENOENT && (q < 0 || paths->n > 0 || paths->missed > 0);
}
