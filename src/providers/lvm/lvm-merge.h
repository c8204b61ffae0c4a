/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reverting a Logical Volume That Cannot Be Freed
 *
 * A volume that the system runs on cannot be changed file by file. lvm merges a snapshot into its origin, and as long
 * as that is in use it only notes down that it will: it is done when the origin is next activated. From that moment
 * on everybody sees what the snapshot was.
 *
 * What is merged is used up. A thin snapshot costs nothing, so one is made of the snapshot before, which takes its
 * place afterwards; a COW snapshot is gone.
 *
 *     thin    make KEPT of the snapshot ──> merge ──> (activated) ──> the snapshot has gone ──> KEPT gets its name
 *     cow     enlarge the store         ──> merge ──> (activated) ──> (copied back) ──> the snapshot has gone
 *
 * Before the merge what umbra knows is put into the snapshot, if it is on that volume (lvm-state.h).
 */

#include "provider/provider.h"
#include "providers/lvm/lvm-note.h"

/* Beside the snapshot's own name: what stays of a thin one. */
#define LVM_KEPT_SUFFIX "-kept"

/* may_revert(), for a snapshot that is there and has room enough. */
int lvm_may_merge(const ProviderEnv *env, const LvmNote *note, const ProviderRevert *v, char **ret_how);
/* revert(); begins it, looks after it, and ends it. ProviderReverted. */
int lvm_merge(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v);
