/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The GUID of a Volume
 *
 * Computed from what stays when the machine restarts: the UUID of the file system, on btrfs the number of the
 * subvolume, and the path within. So one directory has one GUID, however often it is mounted and wherever.
 */

#include <wintypes.h>

#include "coordinator/mount-table.h"

/* @fd is the directory @path, which lies on @mount. */
int volume_id_compute(const Mount *mount, const char *path, int fd, GUID *ret);

/* The directory behind @fd is the root of a btrfs subvolume. */
bool fd_is_subvolume(const Mount *mount, int fd);
