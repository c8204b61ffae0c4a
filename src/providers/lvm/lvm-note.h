/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Note of a Snapshot of LVM
 *
 * All that plan() found out and decided, so that nobody has to ask lvm again, which needs a second to answer.
 */

#include <stdint.h>

#include "providers/lvm/lvm-command.h"
#include "providers/lvm/lvm-file-system.h"

#define LVM_NAME_MAX 256U /* "group/volume" */

/* What plan() decided, from the volume as it found it. */
typedef struct LvmNote {
        char group[LVM_UUID_STRING_MAX], origin[LVM_UUID_STRING_MAX];
        char origin_name[LVM_NAME_MAX];
        char pool[LVM_UUID_STRING_MAX];      /* "-" unless it is thin */
        uint64_t thin_id;                    /* of the origin */
        uint64_t store, store_max;           /* bytes: at first, and as large as it may get */
        char name[LVM_NAME_MAX];              /* of the snapshot */
        char type[LVM_FS_TYPE_MAX];
        char group_name[LVM_NAME_MAX];       /* from those above */
        const char *root; /* what of the file system is the volume */
} LvmNote;

int lvm_note_write(const LvmNote *note, char **ret);
/* *@ret points into @text. */
int lvm_note_read(const char *text, LvmNote *ret);

/* Without its group. */
const char *lvm_note_name(const LvmNote *note);
/* The snapshot itself. -ENOENT. */
int lvm_note_find(const LvmNote *note, LvmVolume *ret);
