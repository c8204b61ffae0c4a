/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Snapshots Take
 *
 * The bytes on disk that would be free again without them, all of them together: an extent that two of them share and nobody else has
 * counts, and counts once. Data only; what btrfs needs to write it down is little beside that. Needs no quota groups. Takes as long as
 * reading the metadata of origin and snapshots does.
 */

#include <stddef.h>
#include <stdint.h>

/* @fds: the top directories of the snapshots; @origin_fd: that of the subvolume they were made of, -EBADF when it is gone. */
int btrfs_measure_exclusive(const int *fds, size_t n, int origin_fd, uint64_t *ret);
