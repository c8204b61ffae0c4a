/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Making Volumes
 *
 * For volume.c, which lists them, and volume-resolve.c, which finds one by its name.
 */

#include "volume/mount-table.h"
#include "volume/volume.h"

/* @fd is the directory @path, which lies on @mount. */
int volume_new(const MountTable *table, const Mount *mount, const char *path, int fd, Volume **ret);
/* All of it. */
int volume_of_mount(const MountTable *table, const Mount *mount, Volume **ret);
