/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Provider of Others as One of Ours
 *
 * ProviderOps whose functions are calls of a provider of vsprov.h. There is one in a process, umbra-provider-com,
 * which does nothing else: whatever the provider does there harms nobody.
 *
 *      plan            nothing
 *      prepare         SetContext, BeginPrepareSnapshot        the first call of a set to the provider
 *      prepare_all     EndPrepareSnapshots
 *      pre_commit_all  PreCommitSnapshots
 *      commit_all      CommitSnapshots
 *      post_commit_all PostCommitSnapshots
 *      surface         PreFinalCommitSnapshots, the first time; GetSnapshotProperties
 *      finish          PostFinalCommitSnapshots
 *      discard         AbortSnapshots for a set that never came to be; DeleteSnapshots
 *
 * A worker that failed is killed and its snapshots are discarded by another, so AbortSnapshots() comes in a
 * process that has not heard of the set before, as it does after a crash.
 */

#include <wintypes.h>

#include "provider/provider.h"

/* Before anything else: who it is. @name stays. */
const ProviderOps *provider_com_setup(const char *name, const GUID *class_id, const GUID *id);
