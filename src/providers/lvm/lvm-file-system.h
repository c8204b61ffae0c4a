/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The File System on a Logical Volume
 *
 * A snapshot is mounted without replaying a journal: the file system was at rest when it was taken, so there
 * is nothing in it, and what is read-only stays what it is.
 */

#include <errno.h>
#include <stdbool.h>

#include "base/macro.h"

#define LVM_FS_TYPE_MAX 16U

typedef struct LvmFileSystem {
        char type[LVM_FS_TYPE_MAX]; /* "ext4" */
        char *root;                 /* which directory of it is mounted: "/", or another for a bind mount */
} LvmFileSystem;

void lvm_file_system_clear(LvmFileSystem *f);

/* What is mounted at the directory @fd. -EOPNOTSUPP: nothing is, or a type whose copies are not known to be
 * whole. */
int lvm_file_system_at(int fd, LvmFileSystem *ret);

/* Mounts @device where nobody can see it; returns a descriptor of the mount. Not @read_only: its journal is
 * replayed. */
int lvm_file_system_mount(const char *type, const char *root, const char *device, bool read_only);

/* Makes the file system that is mounted at @path read-only. -EBUSY: somebody has a file open for writing. */
int lvm_file_system_seal(const char *path);
