/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where Writes End Up
 *
 * A held file system must not be written to: the writer sleeps until someone thaws, and here the writer
 * would be the one whom the holder waits for. So before the store is filled while the volume is held, it has
 * to be known that what is written to the store does not end up in the volume: not directly, not through
 * another subvolume of the same btrfs, not through an image on the volume that a loop device makes a disk
 * of.
 */

#include <stdbool.h>

/* Whether writing to directory @store_fd may write to the file system of @volume_fd. True if in doubt. */
bool place_writes_to(int store_fd, int volume_fd);
