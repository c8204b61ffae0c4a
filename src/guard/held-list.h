/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The List of What Is Held
 *
 * Should coordinator and guard both be killed, somebody else must know what to thaw: the service manager's
 * stop hook, or the next coordinator. So before a hold the mount points are written to a file, one per line
 * in the order in which they are frozen, with line feeds and backslashes as in /proc/self/mountinfo ("\012",
 * "\134").
 */

#define HELD_LIST_SIZE_MAX (512U * 1024U)

int held_list_write(const char *path, char *const *mounts);
/* -ENOENT: nothing was held. -EBADMSG: not such a list. */
int held_list_read(const char *path, char ***ret);

/* FITHAW, on a path. 0 also when nobody held it. */
int thaw_path(const char *path);
/* FITHAW, on a descriptor; allocates nothing. 0 also when nobody held it. */
int thaw_fd(int fd);
