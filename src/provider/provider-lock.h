/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One Worker per Snapshot
 *
 * A killed worker may live on in the kernel until what it asked for is done, and then the snapshot shows up
 * after it was discarded. So a worker locks a snapshot from plan to the end, and whoever discards it waits
 * for that lock, which goes with the process and no earlier.
 */

#include <stdbool.h>

#include "provider/provider.h"

/* Returns a descriptor that holds the lock while it is open. Without @wait: -EAGAIN when somebody else
 * has it. */
int provider_lock(const ProviderEnv *env, const GUID *snapshot_id, bool wait);
