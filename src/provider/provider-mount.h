/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a Shadow Copy Is Seen
 *
 * Every provider shows its snapshot at the same kind of place: a read-only mount at
 * <runtime_dir>/shadow/<snapshot id>, without set-user-id programs and without devices. The directory above
 * is root's and of those whom umbrad lets in: a shadow copy shows files whose parents may have kept strangers
 * out.
 */

#include <wintypes.h>

#include "provider/provider.h"

int provider_shadow_path(const ProviderEnv *env, const GUID *id, char **ret);

/* Attaches the detached mount @mount_fd at the snapshot's place, read-only. What was mounted there before
 * goes. */
int provider_shadow_attach(const ProviderEnv *env, const GUID *id, int mount_fd, char **ret_device);
/* The same with the directory @path, which need not be a mount. */
int provider_shadow_bind(const ProviderEnv *env, const GUID *id, const char *path, char **ret_device);
/* Takes the mount away, also while somebody has files open in it, and the directory. 0 also when there
 * was nothing. */
int provider_shadow_remove(const ProviderEnv *env, const GUID *id);
/* The copy may be written to where it is seen, also by those who see it from a mount namespace of their own. 0
 * also when it is not seen there. */
int provider_shadow_make_writable(const ProviderEnv *env, const GUID *id);
/* And may not be any more, as soon as nobody has a file of it open for writing; waits some seconds for that.
 * -EBUSY, with a sentence that names somebody. */
int provider_shadow_make_read_only(const ProviderEnv *env, const GUID *id);
