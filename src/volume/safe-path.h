/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Paths That May Lead Nowhere
 *
 * umbrad has one thread. A path from a requester may lead to a server that does not answer, to a place where looking
 * mounts something, or to a device that is suspended, and then whoever looks waits. So before each step the table of
 * mounts is asked where it leads; what cannot be touched is not, whatever links lead there.
 */

#include "volume/mount-table.h"

/* The mount that the text of @path leads to, when looking at it might take long; else NULL. */
const Mount *path_untouchable(const MountTable *table, const char *path);

/* realpath(3) that touches no such mount. -EREMOTE: it leads to *@ret_mount, which is one; @ret_mount may be NULL.
 * Else the errors of realpath(3). */
int path_resolve(const MountTable *table, const char *path, char **ret, const Mount **ret_mount);
