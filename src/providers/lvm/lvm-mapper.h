/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Asking the Device Mapper
 *
 * lvm needs a tenth of a second and more for an answer. What must be quick, or is asked again and again, the kernel is asked
 * itself.
 */

#include <errno.h>
#include <linux/dm-ioctl.h>
#include <stdint.h>

#include "base/macro.h"
#include "providers/lvm/lvm-note.h"

#define LVM_MAPPER_TEXT_MAX 512U

/* What it takes: its header, and behind it what is to be said to the device, or room for what the device says. */
typedef struct LvmQuestion {
        struct dm_ioctl header;
        union {
                struct {
                        uint64_t sector; /* struct dm_target_msg: of the device, which has one target only */
                        char message[LVM_MAPPER_TEXT_MAX];
                };
                struct {
                        struct dm_target_spec spec;
                        char status[LVM_MAPPER_TEXT_MAX];
                };
        };
} LvmQuestion;

int lvm_mapper_open(void); /* the caller closes it */

/* @request: DM_…; the device is the one that the header names. Allocates nothing. */
int lvm_mapper_ask(int control, unsigned long request, LvmQuestion *q);

/* The device of a pool that lvm talks to, too. Both UUIDs as LvmVolume has them. */
void lvm_mapper_name_pool(LvmQuestion *q, const char *group_uuid, const char *pool_uuid);

/* How full it is, of 1000: the store of the snapshot, or the pool that it lies in, its data or its metadata. Anything but 0: lvm
 * knows better. */
int lvm_mapper_fullness(const LvmNote *note, unsigned *ret_permille);

/* The same of what a device says of itself. -EBADMSG. */
int lvm_mapper_read_fullness(const char *type, const char *status, unsigned *ret_permille);

/* Is there a metadata snapshot of the pool, of anybody's? 1, 0. */
int lvm_mapper_has_metadata_snapshot(int control, const char *group_uuid, const char *pool_uuid);

/* The same of what a pool says of itself. -EBADMSG. */
int lvm_mapper_read_metadata_snapshot(const char *type, const char *status);
