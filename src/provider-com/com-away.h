/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Volume Put Away
 *
 * What is mounted at a directory goes while its disk is written to behind the kernel's back, and comes back as it was:
 * the same disk at the same place, with the same options. What it was is written down before, so that whoever comes
 * after a crash can put it back.
 */

#include <stdbool.h>

#include "provider-com/com-lun.h"
#include "provider/provider.h"

typedef struct ComAway {
        char *type, *options; /* as /proc/self/mounts has them */
        ComDisk disk;
        int disk_fd;  /* so that a loop device stays */
        int owner_fd; /* nobody else mounts it, or writes to it by its name */
} ComAway;

#define COM_AWAY_INIT { .disk_fd = -EBADF, .owner_fd = -EBADF }

void com_away_clear(ComAway *a);

/* Is it a file system of a whole disk, mounted at @path, and in nobody's use? Changes nothing. -EOPNOTSUPP, -EBUSY. */
int com_away_is_possible(const char *path, int volume_fd);
/* Unmounts @path, where that has not happened before a crash; @id: of the shadow copy, under which it is written down. */
int com_away_put(const ProviderEnv *env, const GUID *id, const char *path, ComAway *ret);
/* Mounts it again, whatever is on the disk by now, and forgets that it was away. */
int com_away_bring_back(const ProviderEnv *env, const GUID *id, const char *path, ComAway *a);
/* The shadow copy goes, and with it what was written down under its id. 0 also when there was nothing. */
int com_away_forget(const ProviderEnv *env, const GUID *id);
