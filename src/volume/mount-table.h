/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Table of Mounts
 *
 * /proc/self/mountinfo, read by libmount, with the questions that volumes ask of it. A mount is found by its
 * number, never by comparing paths, so bind mounts and mounts over mounts give no wrong answers. A file
 * system (superblock) is known by its device number in this table, which for btrfs is not the st_dev of any
 * file.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/macro.h"

/* What umbra does with the file systems of a type. */
typedef enum FsClass {
        FS_HOLDABLE, /* local, and freezing makes sense */
        FS_LOCAL,    /* local, but not freezable */
        FS_UNLISTED, /* its directories may be volumes, but nobody looks for them in a list of volumes */
        FS_OVERLAY,  /* the same, but its files lie in directories of other file systems: the administrator decides */
        FS_NETWORK,  /* refused: others write to it whom we cannot freeze, and it may not answer */
        FS_AUTOMOUNT, /* refused: looking into it mounts something, perhaps from a server that does not answer */
        FS_PSEUDO,   /* refused: it holds no files of its own */
} FsClass;

typedef struct Mount {
        int id;
        dev_t fs_dev;
        FsClass class;
        const char *target;
        const char *root; /* which directory of the file system is mounted */
        const char *source;
        const char *fstype;
        const char *fs_options; /* of the superblock, common to all mounts of it */
} Mount;

typedef struct MountTable {
        struct libmnt_table *parsed; /* what the strings point into */
        Mount *mounts;               /* as mounted, oldest first */
        size_t n, capacity;
} MountTable;

int mount_table_read(MountTable *ret);
void mount_table_clear(MountTable *table);

/* Where @fd, or @path, lies; NULL when its mount cannot be seen from here. */
const Mount *mount_of_fd(const MountTable *table, int fd);
const Mount *mount_of_path(const MountTable *table, const char *path);
/* The mount that the text of @path leads to. Touches nothing, so nothing hangs. */
const Mount *mount_covering(const MountTable *table, const char *path);
/* Any mount of the file system. */
const Mount *mount_of_filesystem(const MountTable *table, dev_t fs_dev);
/* A mount of what is on a block device, best the whole of it. */
const Mount *mount_of_device(const MountTable *table, dev_t device);

/* The file system cannot be written to, whichever way one comes. */
bool mount_is_read_only(const Mount *mount);
/* One comes to it under its name: nothing else is mounted over it. */
bool mount_is_visible(const MountTable *table, const Mount *mount);
/* An option of the superblock with a value, such as "upperdir"; *ret is NULL when it is not there. */
int mount_option(const Mount *mount, const char *name, char **ret);
/* The path of its block device; *ret is NULL when it has none. */
int mount_device(const Mount *mount, char **ret);

/* What follows @dir in @path, with its leading slash, "" when they are equal; NULL when @path is not below
 * @dir. Both are absolute and without a trailing slash, except "/". */
const char *path_below(const char *path, const char *dir);
