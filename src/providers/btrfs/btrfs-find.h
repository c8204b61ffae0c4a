/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Snapshots That Came from Elsewhere
 *
 * On a disk that was carried here, or as a stream that btrfs-receive(8) has taken. Nobody knows which file system they are on, but their
 * name is unique: it is the id.
 */

#include "providers/btrfs/btrfs-ioctl.h"

/* Calls @each for every btrfs file system of this machine, those that are mounted first, until it does not return 0; returns what it
 * returned last. */
int btrfs_foreach_file_system(int (*each)(const char *uuid, void *userdata), void *userdata);

/* A read-only subvolume called @name, somewhere in the file system whose top level is open as @top_fd, that was received and is complete.
 * Its top directory, on a private mount; -ENOENT. */
int btrfs_find_received(const char *uuid, int top_fd, const char *name);
