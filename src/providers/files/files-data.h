/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Is in a File
 *
 * From one descriptor to another: as a clone, by the kernel, or by hand; holes stay holes.
 */

#include "providers/files/files-copy.h"

/* Makes @to, an empty file, what @from is. *@ret_cloned: the two share extents, @from being clean. */
int files_copy_data(FilesCopy *copy, int from_fd, int to_fd, const struct statx *stx, bool *ret_cloned);
/* FICLONE, also of files that btrfs must not copy on write. -EOPNOTSUPP: these two cannot share. */
int files_clone(int from_fd, int to_fd);
