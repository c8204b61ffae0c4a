/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * umbra's Own State on a Volume That Is Reverted at a Restart
 *
 * It would be what it was, and umbra would know neither of the revert nor of any later snapshot. So it is put into the
 * snapshot, as it is now, before lvm is told to merge that.
 */

#include "provider/provider.h"
#include "providers/lvm/lvm-note.h"

/* *@ret_where: where in the file system of @origin the state directory is, "." for the top; NULL: on another one. -EOPNOTSUPP: it
 * cannot be taken along. @target_fd: what is mounted from @origin. */
int lvm_state_find(const ProviderEnv *env, const LvmVolume *origin, int target_fd, const char *target, char **ret_where);

/* Makes it in the snapshot what it is now. Nobody sees the snapshot any more then; after a failure one sees what was seen before. */
int lvm_state_take(const ProviderEnv *env, const ProviderSnapshot *s, const LvmNote *note, const char *where);
