/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Is Done to Snapshots of ZFS
 *
 * The functions of ProviderOps that come after the snapshot is made: see provider.h.
 */

#include "provider/provider.h"

int zfs_unseal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device);
int zfs_seal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device);
int zfs_may_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, char **ret_how);
int zfs_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v);
int zfs_break_off(const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags);
int zfs_import(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note);
