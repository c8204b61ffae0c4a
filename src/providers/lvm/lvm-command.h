/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Talking to LVM
 *
 * LVM has no library any more; its commands are the interface, and its JSON reports are the one form that is
 * kept. Volumes are named by UUID, which stays when somebody renames them.
 *
 * An lvm command is never killed (base/command.h): one that dies between suspending a volume and resuming it
 * leaves the volume suspended for ever.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"
#include "base/time-util.h"

#define LVM_TAG "umbra" /* of all volumes that are umbra's */
#define LVM_UUID_STRING_MAX 39U /* 6-4-4-4-4-4-6 */

/* What every command is told, after --config. It must not wait for udev, whose workers may need the very
 * volume that is suspended, nor write to /etc, which may lie on it. */
#define LVM_CONFIG                                                                                          \
        "devices{ignore_suspended_devices=1} global{use_lvmpolld=0} backup{backup=0 archive=0} "            \
        "activation{monitoring=0 udev_sync=0 udev_rules=0 verify_udev_operations=0}"

/* At its start lvm closes what it has inherited, but for what it believes to be its own: where reports go. What
 * we start makes none, except for lvm_find(). */
extern const char *const lvm_keep_lock[]; /* variables for CommandOptions */

typedef struct LvmVolume {
        char *group, *group_uuid;
        char *name, *uuid;  /* the name without the brackets of a hidden one */
        char *origin;       /* "" unless it is a snapshot */
        char *pool, *pool_uuid; /* "" unless it is thin */
        char *metadata_uuid; /* of a pool: of the hidden volume that says what is where in it; else "" */
        char *path;         /* of its device node */
        bool active, suspended;
        bool open;          /* mounted, or otherwise in use */
        bool merging;       /* back into its origin, or will be; of an origin: something into it */
        bool merge_failed;
        bool invalid;       /* a snapshot whose store has filled up: what was in it is lost */
        uint64_t size;      /* bytes; of a COW snapshot: of its store */
        uint64_t group_free, group_size, extent;
        uint64_t thin_id;   /* in its pool */
        /* Of the store of a COW snapshot, of a thin volume, or of a pool; of an origin into which a COW snapshot is just
         * merged, what is left to do; 0 to 1; negative: not known. */
        double used;
        double metadata_used; /* of a pool; the same */
} LvmVolume;

void lvm_volume_clear(LvmVolume *v);
#define _cleanup_volume_ _cleanup_(lvm_volume_clear)

/* The UUID of the logical volume that is block device @device: -EOPNOTSUPP when it is none. */
int lvm_uuid_of_device(dev_t device, char ret[LVM_UUID_STRING_MAX]);

/* @selection: see lvmreport(7), "lv_uuid=…". -ENOENT. */
int lvm_find(LvmVolume *ret, const char *selection, ...) _printf_(2, 3);

/* The thin volumes in a pool; of each only name, uuid and thin_id are set. -errno of @visit ends it. */
int lvm_find_thin(const char *pool_uuid, int (*visit)(const LvmVolume *v, void *userdata), void *userdata);

/* Runs "lvm ARGUMENTS…" (NULL at the end), which inherits @lock_fd. On failure people are told what lvm said:
 * -ETIMEDOUT when it goes on but nobody waits any more, else -EIO. */
int lvm_run(int lock_fd, usec_t timeout, const char *const *arguments);
#define LVM_RUN(lock_fd, timeout, ...) lvm_run(lock_fd, timeout, (const char *const[]){ __VA_ARGS__, NULL })

/* Long enough for what changes a group while others do, too. */
#define LVM_TIMEOUT_USEC (60 * USEC_PER_SEC)

/* Which of the device mapper's devices it is, or none. Asks sysfs, because lvm needs a second for it. */
bool lvm_is_suspended(const char *uuid);
/* For a commit that was told that somebody holds the volume, and it runs: another command has resumed it. -EBUSY. */
int lvm_fail_resumed(void);

/* Lets the volume go on if it was left suspended, by whatever died while it held it. */
int lvm_resume(const char *uuid, int lock_fd);
