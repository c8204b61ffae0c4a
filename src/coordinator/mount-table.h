/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Table of Mounts
 *
 * /proc/self/mountinfo, read by libmount, with the questions that volumes ask of it. A mount is found by its number,
 * never by comparing paths, so bind mounts and mounts over mounts give no wrong answers. A file system (superblock)
 * is known by its device number in this table, which for btrfs is not the st_dev of any file.
 */

#include <stdbool.h>
#include <sys/types.h>

#include <libmount/libmount.h>

#include "base/macro.h"

typedef struct libmnt_table MountTable;
typedef struct libmnt_fs Mount;

/* What umbra does with the file systems of a type. */
typedef enum FsClass {
        FS_HOLDABLE, /* local, and freezing makes sense */
        FS_LOCAL,    /* local, but not freezable */
        FS_UNLISTED, /* its directories may be volumes, but nobody looks for them in a list of volumes */
        FS_NETWORK,  /* refused: others write to it whom we cannot freeze, and it may not answer */
        FS_PSEUDO,   /* refused: it holds no files of its own */
} FsClass;

int mount_table_read(MountTable **ret);

static inline void mount_table_freep(MountTable **table) {
        mnt_unref_table(*table);
}

/* The next mount in the order of mounting, after @previous (NULL: the first); NULL at the end. */
Mount *mount_next(MountTable *table, Mount *previous);

/* Where @fd, or @path, lies; NULL when we cannot see its mount. */
Mount *mount_of_fd(MountTable *table, int fd);
Mount *mount_of_path(MountTable *table, const char *path);
/* The last mount whose mount point is @path or above it. Looks at text only: nothing is touched, so nothing hangs. */
Mount *mount_covering(MountTable *table, const char *path);
/* Some mount of the file system; NULL when it is not mounted here. */
Mount *mount_of_filesystem(MountTable *table, dev_t fs_dev);
/* A mount of what is on a block device, best the whole of it. */
Mount *mount_of_device(MountTable *table, dev_t device);

FsClass mount_class(Mount *mount);
/* The file system cannot be written to, whichever way one comes. */
bool mount_is_read_only(Mount *mount);
/* Something else is mounted over it. */
bool mount_is_hidden(MountTable *table, Mount *mount);
/* Its block device; *ret is NULL when it has none. */
int mount_device(Mount *mount, char **ret);

/* Is @path equal to @dir or below it? What follows, without a leading slash; NULL when not. */
const char *path_below(const char *path, const char *dir);
