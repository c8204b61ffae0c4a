/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reverting Logical Volumes
 *
 * Functions of ProviderOps; provider-lvm.c has the table.
 */

#include "provider/provider.h"

int lvm_may_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, char **ret_how);
int lvm_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v);
