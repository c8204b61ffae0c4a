/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Volume Group of One's Own
 *
 * Two logical volumes, "first" and "second", thin or not, each with a file system, in a group on a loop
 * device. Needs the device mapper. Making the group takes longer than most tests, so the next place of the
 * same kind gets it as well, with new file systems; it goes with the process.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

typedef struct PlaceLvm PlaceLvm;

/* Bytes, of the pool that both volumes are in when they are thin: less than they promise, so that it can be filled. */
#define PLACE_LVM_POOL ((size_t) 400 << 20)

/* The device mapper, lvm and mkfs.@type are there. */
bool place_lvm_is_possible(const char *type);
/* The volumes are mounted at @first and @second, which are made. */
PlaceLvm *place_lvm_new(const char *first, const char *second, const char *type, bool thin);
PlaceLvm *place_lvm_free(PlaceLvm *p);
const char *place_lvm_device(const PlaceLvm *p); /* of the first */
/* Leaves no room for snapshots, and makes room again. */
void place_lvm_fill(const PlaceLvm *p);
/* Leaves so much room. */
void place_lvm_leave(const PlaceLvm *p, const char *size);
void place_lvm_empty(const PlaceLvm *p);
/* Bytes that are free where snapshots take theirs: in the group, or in the pool. */
uint64_t place_lvm_free_space(const PlaceLvm *p);
/* The names of all logical volumes, and whether one is suspended. */
char *place_lvm_names(const PlaceLvm *p);
