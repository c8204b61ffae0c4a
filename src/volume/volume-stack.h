/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Lies on What
 *
 * A file system lies on devices, a device may lie on other devices (device mapper, RAID, partitions) or in a
 * file (loop), and the file on another file system. Freezing one at the bottom stops everything above, so
 * those above are frozen before it, and what umbra itself stands on is not frozen at all.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "volume/mount-table.h"
#include "volume/volume.h"

/* Is @below the file system @fs, or one that it needs in order to write? Where that cannot be found out:
 * true. */
bool stack_lies_on(const MountTable *table, dev_t fs, dev_t below);
/* Does the file system lie on a device of device mapper, with nothing in between? */
bool stack_is_mapped(dev_t fs);
/* Is the device of the file system suspended, so that whoever looks into it waits? Also when it is about to be
 * (volume_avoid()). */
bool stack_is_suspended(dev_t fs);
/* Does something with this protection (volume_protect()) lie on @fs? */
bool stack_is_protected(const MountTable *table, dev_t fs, VolumeProtection protection);
/* Is @path below a directory that umbra keeps? */
bool stack_is_ours(const char *path);
/* May this process freeze anything? */
bool stack_may_freeze(void);
