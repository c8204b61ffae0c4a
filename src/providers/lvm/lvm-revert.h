/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reverting Logical Volumes
 *
 * Functions of ProviderOps; provider-lvm.c has the table.
 */

#include "provider/provider.h"
#include "providers/lvm/lvm-note.h"

int lvm_may_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, char **ret_how);
int lvm_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v);

/* A snapshot that can be reverted to. -ENOENT; -ENODATA: it is lost. */
int lvm_revert_find(const LvmNote *note, LvmVolume *ret);
/* Before the first write: its store cannot fill up, nor its pool be full already. */
int lvm_make_room(const ProviderSnapshot *s, const LvmNote *note, const LvmVolume *v);
