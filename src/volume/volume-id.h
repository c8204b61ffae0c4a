/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The GUID of a Volume
 *
 * Computed from what stays when the machine restarts: the UUID of the file system, on btrfs the number of
 * the subvolume, and the path within. So one directory has one GUID, however often it is mounted and
 * wherever.
 */

#include <wintypes.h>

#include "volume/mount-table.h"

/* @fd is the directory @path, which lies on @mount. */
int volume_id_compute(const Mount *mount, const char *path, int fd, GUID *ret);

/* The directory behind @fd is the root of a btrfs subvolume. */
bool fd_is_subvolume(const Mount *mount, int fd);

#define UUID_TEXT_MAX 64U /* of vfat and others it is shorter, of none longer */

/* The UUID of the file system of this type as libblkid finds it on @device; @text is left alone when there
 * is none. For those that the kernel does not tell. */
void volume_uuid_from_disk(const char *device, const char *type, char text[static UUID_TEXT_MAX]);
