/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Is Done to a Snapshot of LVM That Exists
 *
 * Functions of ProviderOps; provider-lvm.c has the table.
 */

#include "provider/provider.h"
#include "providers/lvm/lvm-note.h"

/* Nobody else does, after a restart: such volumes are skipped. */
int lvm_activate(const ProviderSnapshot *s, const LvmNote *note, const LvmVolume *v);

int lvm_unseal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device);
int lvm_seal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device);
int lvm_tend_thin(const ProviderEnv *env, const ProviderSnapshot *s, unsigned *ret_permille);
int lvm_tend_cow(const ProviderEnv *env, const ProviderSnapshot *s, unsigned *ret_permille);
int lvm_break_off(const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags); /* of thin ones */
