/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Mounting Snapshots and Clones
 */

#include "provider/provider.h"

/* Mounts the snapshot or dataset @name where nobody sees it, a snapshot read-only. Returns a descriptor, O_PATH, or
 * -errno with a sentence. */
int zfs_mount_private(const char *name);

/* Mounts the snapshot or dataset @name at the place of @s, read-only, in place of what is mounted there. */
int zfs_mount_at_shadow(const ProviderEnv *env,
                        const ProviderSnapshot *s,
                        const char *name,
                        char **ret_device);
