/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Thin Snapshots in an Instant
 *
 * lvm needs a second or more to make a snapshot, and does not take a thin one of a volume that somebody else
 * has suspended. So it makes one beforehand, when there is time; at the instant the pool is told to forget
 * what that one is and to make it anew. This is two messages to the kernel, of which lvm's own records say
 * nothing different before and after. In between, a crash leaves a volume without content, which lvm removes
 * like any other.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"

typedef struct LvmThin {
        int control; /* of the device mapper */
        dev_t pool, origin;
        uint64_t origin_id, snapshot_id;
} LvmThin;

#define LVM_THIN_INIT { .control = -EBADF }

/* Both UUIDs as LvmVolume has them. The caller sets the other numbers, and closes t->control. */
int lvm_thin_open(LvmThin *t, const char *group_uuid, const char *pool_uuid);

/* A message to the pool; allocates nothing. */
int lvm_thin_tell(const LvmThin *t, const char *message);

/* @suspended: the origin is already. Else it is for as long as this takes; in any case it runs again then.
 * Allocates nothing. */
int lvm_thin_renew(const LvmThin *t, bool suspended);
