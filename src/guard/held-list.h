/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The List of What Is Held
 *
 * Should coordinator and guard both be killed, somebody else must know what to thaw: the service manager's
 * stop hook, or the next coordinator. So before a hold it is written to a file, one line for each in the order in
 * which they are held: the mount point of a file system, with line feeds and backslashes as in
 * /proc/self/mountinfo ("\012", "\134"), or "dm MAJOR:MINOR" for a device that is suspended.
 */

#include "guard/hold.h"

#define HELD_LIST_SIZE_MAX (512U * 1024U)

/* The entry for a hold; @mount: the mount point of its file system. */
int held_list_entry(const Hold *hold, const char *mount, char **ret);

int held_list_write(const char *path, char *const *entries);
/* -ENOENT: nothing was held. -EBADMSG: not such a list. */
int held_list_read(const char *path, char ***ret);

/* Thaws or resumes what an entry names. 0 also when nobody held it; -ENOENT: it is not there. */
int held_list_end(const char *entry);
