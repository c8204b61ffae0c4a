/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Pool of One's Own
 *
 * Two datasets in a pool whose disk is a file. Needs a kernel with ZFS, and its commands.
 */

#include <stdbool.h>

#include "base/macro.h"

typedef struct PlaceZfs PlaceZfs;

bool place_zfs_is_possible(void);
/* In @dir; the pool's own dataset is mounted at @root, and two others at @root/first and @root/second. Their names
 * are odd. */
PlaceZfs *place_zfs_new(const char *dir, const char *root);
PlaceZfs *place_zfs_free(PlaceZfs *p);
const char *place_zfs_pool(const PlaceZfs *p);
/* Leaves no room for snapshots, and makes room again. */
void place_zfs_fill(const PlaceZfs *p);
void place_zfs_empty(const PlaceZfs *p);
void place_zfs_lose(const PlaceZfs *p);
void place_zfs_bring_back(const PlaceZfs *p);
/* The names of all that is in the pool. */
char *place_zfs_names(const PlaceZfs *p);

/* Runs a line of shell in which $POOL is the pool, and returns what it prints; fails the test when it fails. */
char *place_zfs_shell(const PlaceZfs *p, const char *line);
void place_zfs_run(const PlaceZfs *p, const char *line);
