/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * File Systems to Freeze
 *
 * Freezing cannot be faked, so these are real: made in a file, on a loop device, mounted in a namespace that
 * nobody else sees. Whatever becomes of the test, the namespace ends with it, and with the last mount the
 * loop device lets go of its file. Only a file system that is still frozen would stay, which is why freeing
 * one thaws it first.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"

/* Skips the test unless root; once per program. */
void enter_private_mounts(void);
/* For cmocka_run_group_tests(): the same for all tests, and temporary directories where nobody else comes by.
 * Whoever cleans up /tmp would remove our mount points, and what is mounted on a loop on itself then stays
 * for ever. Does nothing unless root. */
int private_mounts_group_setup(void **state);

typedef struct LoopFs {
        char *target; /* where it is mounted */
        char *device; /* "/dev/loop7" */
        int fd;       /* of @target */
} LoopFs;

/* A file system of @type (ext4, xfs, btrfs) in @dir/@name.img, mounted on @dir/@name. */
LoopFs *loop_fs_new(const char *dir, const char *name, const char *type);
/* The same with a UUID of one's choice, or "clear" (ext4 only); not for xfs. */
LoopFs *loop_fs_new_with_uuid(const char *dir, const char *name, const char *type, const char *uuid);
/* Thaws, then unmounts. Where one lies on another, thaw the lower one before. */
LoopFs *loop_fs_free(LoopFs *fs);
DEFINE_CLEANUP(LoopFs *, loop_fs_free)

/* These fail the test when the kernel refuses. */
void loop_fs_freeze(const LoopFs *fs);
void loop_fs_thaw(const LoopFs *fs);
/* Tries to freeze it, and takes that back. */
bool loop_fs_is_frozen(const LoopFs *fs);

/* Somebody who writes to a file, once, in a thread of his own: held up for as long as the file system is
 * frozen. */
typedef struct Writer Writer;
Writer *writer_start(const char *dir);
/* Whether the write is over within @usec. */
bool writer_is_done(Writer *w, uint64_t usec);
Writer *writer_free(Writer *w); /* waits for the write to end */
