/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where btrfs Snapshots Lie
 *
 * All snapshots of a file system lie in one directory of its top level, root's alone, each under its id. The note of a snapshot says on
 * which file system that is.
 */

#include "base/guid.h"
#include "provider/provider.h"
#include "providers/btrfs/btrfs-ioctl.h"

#define BTRFS_STORE ".umbra-shadow"

/* What plan() wrote down. The device is for people; devices change their names. */
typedef struct BtrfsNote {
        char uuid[BTRFS_UUID_STRING_MAX];
        char name[GUID_STRING_MAX];
        const char *device;
} BtrfsNote;

int btrfs_note_write(const BtrfsNote *note, char **ret);
/* ret->device points into @text. */
int btrfs_note_read(const char *text, BtrfsNote *ret);

/* Is that directory ours? Somebody else who may write into the top level could have made one of this name. -EPERM; -ESTALE: it is gone. */
int btrfs_store_check(int store_fd);
/* Opens the store, makes it if need be, and holds a lock on it while the descriptor is open, so that nobody takes it for empty. */
int btrfs_store_open(int top_fd);
/* The store, by the note. -ENOENT: there is none, but the top level it would be in. */
int btrfs_store_find(const BtrfsNote *note, int *ret_top_fd, int *ret_store_fd);
/* Removes the store unless it is in use or holds other snapshots. */
void btrfs_store_remove(int top_fd, int store_fd);

/* A private mount of the snapshot. One that was received is taken into the store first. */
int btrfs_store_mount(const ProviderSnapshot *s, const BtrfsNote *note);
/* The directory of the snapshot with this note, to be read. -ENOENT: it is gone, or its file system is. */
int btrfs_store_open_snapshot(const char *text);
