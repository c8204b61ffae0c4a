/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Disks by What They Say of Themselves
 *
 * A hardware provider and umbra speak of LUNs: a disk is what has this serial number, whatever the kernel calls it
 * today. For a loop device, which has none, it is the file behind it.
 */

#include <vdslun.h>

#include "base/macro.h"

typedef struct ComDisk {
        char *device;   /* "/dev/sdb": all of it */
        unsigned partition; /* that the volume is; 0: the disk itself */
        VDS_LUN_INFORMATION lun;
} ComDisk;

void com_lun_clear(VDS_LUN_INFORMATION *lun);
void com_disk_clear(ComDisk *d);
#define _cleanup_disk_ _cleanup_(com_disk_clear)

/* What the volume behind @volume_fd lies on. -EOPNOTSUPP: on no disk, or on several. */
int com_disk_of_volume(int volume_fd, ComDisk *ret);
/* The disk with this serial number. -ENODEV: there is none here. */
int com_disk_find(const char *serial, ComDisk *ret);
/* "/dev/sdb1" of partition 1; the disk itself for 0. -ENODEV. */
int com_disk_partition(const ComDisk *d, unsigned partition, char **ret);
