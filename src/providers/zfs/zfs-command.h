/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Talking to ZFS
 *
 * By its commands, zfs(8) and zpool(8), in the form that is made for programs: -H, no titles and tabs between
 * the columns; -p, numbers in full. libzfs is none for others to build on, and libzfs_core cannot be asked
 * for properties.
 *
 * A command hangs where its pool does. Nobody waits for it longer than was said, and nobody kills it: it keeps
 * the lock of the snapshot that it works on until it has ended.
 */

#include "base/command.h"
#include "base/time-util.h"
#include "provider/provider.h"

#define ZFS_QUERY_TIMEOUT_USEC (30 * USEC_PER_SEC)   /* what only asks */
#define ZFS_CHANGE_TIMEOUT_USEC (120 * USEC_PER_SEC) /* what writes to the pool */

/* -EOPNOTSUPP, with a sentence: zfs is not installed. */
int zfs_check_installed(void);

/* Runs @argv (NULL at the end). @s: whose lock the command is to keep; may be NULL. @ret_output may be NULL. On
 * failure people are told what zfs said: -ENOSPC, -EBUSY, -ETIMEDOUT (it goes on, but nobody waits any more),
 * else -EIO. */
int zfs_run(const char *const *argv, const ProviderSnapshot *s, usec_t timeout, char **ret_output);

/* The same, but a command that says that something is not there has not failed; what it has found instead is
 * in *@ret_output. */
int zfs_run_leniently(const char *const *argv, const ProviderSnapshot *s, usec_t timeout, char **ret_output);

/* Destroys something, and tries again for a moment when it is busy: a file of it may be open still, also where
 * nobody sees it any more. -EBUSY, with a sentence. */
int zfs_run_patiently(const char *const *argv, const ProviderSnapshot *s);

/* The second half of zfs_run(), for a command that runs already. */
int zfs_finish(Command *c, const char *const *argv, usec_t deadline, char **ret_output);

/* Cuts the next line off *@text and finds its columns. 1; 0 at the end; -EBADMSG when there are not exactly
 * @n. */
int zfs_next_row(char **text, char **fields, size_t n);
/* A number as -p prints it. */
int zfs_number(const char *text, uint64_t *ret);
/* The one number that a command prints. */
int zfs_run_for_number(const char *const *argv, uint64_t *ret);
