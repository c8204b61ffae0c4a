/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What btrfs Can Do
 *
 * The few questions and orders of the btrfs provider, each a function around a system call, without the
 * errors of a shell in between. A file system is named by its UUID, which stays when devices get other
 * names. Functions return 0, or a descriptor, or -errno.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BTRFS_UUID_STRING_MAX 37U

/* Is @fd the top directory of a subvolume? (A directory inside of one cannot be snapshotted by itself.) */
int btrfs_is_subvolume(int fd);
int btrfs_uuid(int fd, char ret[BTRFS_UUID_STRING_MAX]);

/* A device of the file system, if it is mounted anywhere: -ENOENT when not, or when no device of it has a
 * node in /dev. */
int btrfs_mounted_device(const char *uuid, char **ret);
/* The same when it is not mounted; looks at every block device. -ENOENT. */
int btrfs_unmounted_device(const char *uuid, char **ret);

/*
 * The file system's top level (the subvolume that holds all others), or what lies at @path below that,
 * mounted where nobody can see it: the mount lives as long as the descriptor. @writable: -EROFS when the
 * file system is mounted read-only elsewhere, which would change that otherwise. The UUID is checked:
 * -ENODEV when the device holds another file system by now.
 */
int btrfs_mount_private(const char *uuid, const char *path, bool writable);
/* The same for the subvolume with this number, wherever it lies; as it is. */
int btrfs_mount_subvolume(const char *uuid, uint64_t id);

/* Whether the subvolume @name of @dir_fd may be written to at all; durable when it returns. */
int btrfs_set_read_only(int dir_fd, const char *name, bool read_only);
/* Removes the subvolume @name of @dir_fd, read-only or not; durable when it returns. -ENOENT. */
int btrfs_remove_subvolume(int dir_fd, const char *name);

/* Where a snapshot comes from. */
typedef struct BtrfsOrigin {
        uint8_t uuid[16], parent_uuid[16];
        int64_t made; /* ns since 1970 */
} BtrfsOrigin;

int btrfs_origin(int fd, BtrfsOrigin *ret);

/* The names of an inode, from the top of the subvolume. */
typedef struct BtrfsPaths {
        size_t n, missed;   /* which did not fit */
        uint64_t room[512]; /* for btrfs_paths_get() */
} BtrfsPaths;

/* @fd is the top of the subvolume. -ENOENT: there is no such inode. *@ret is freed by the caller. Names that
 * were removed a moment ago may still be listed. */
int btrfs_inode_paths(int fd, uint64_t inode, BtrfsPaths **ret);
const char *btrfs_paths_get(const BtrfsPaths *paths, size_t i);
