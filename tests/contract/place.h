/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Place for a Provider
 *
 * Two volumes on a file system of their own, umbra's directories beside, and nothing else. The kinds:
 *
 *         plain        directories wherever temporary files go; nobody needs to be root
 *         tmpfs
 *         ext4, xfs    the first volume is the whole file system, the second one a directory in it
 *         btrfs        two subvolumes
 *         btrfs-top    the same, but the first volume is the top level
 *         zfs          two datasets
 *         thin-ext4, thin-xfs, cow-ext4, cow-xfs   two logical volumes, thin or not
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/macro.h"

typedef struct Place {
        char *dir;     /* holds all of it */
        char *root;    /* the top of the file system */
        char *volume, *second;
        char *state, *runtime;
        bool privileged;
        struct LoopFs *fs, *state_fs;
        struct PlaceZfs *zfs;
        struct PlaceLvm *lvm;
        char *type;    /* of file system, for mount() */
} Place;

/* Whether there are the rights and programs for it. */
bool place_is_possible(const char *kind);
Place *place_new(const char *kind);
Place *place_free(Place *p);
DEFINE_CLEANUP(Place *, place_free)

/* Fills what can be filled: the file system of the volumes, and that of umbra's own directory. false:
 * neither can be. */
bool place_fill(const Place *p);
void place_empty(const Place *p);

/* Writes so much to the first volume that a store of less does not take it. */
void place_overrun(const Place *p, size_t size);

/* Takes the volumes away as an administrator in a hurry would, and brings them back. */
void place_lose(const Place *p);
void place_bring_back(const Place *p);

bool place_can_freeze(const Place *p);
void place_freeze(const Place *p);
void place_thaw(const Place *p);

/* The names of everything there is: what a discard must leave as it was. */
char *place_names(const Place *p);
