/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Is Done to btrfs Snapshots Later
 *
 * The functions of ProviderOps with these names.
 */

#include "provider/provider.h"

int btrfs_break_off(const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags);
int btrfs_import(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note);
int btrfs_may_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, char **ret_how);
int btrfs_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v);
