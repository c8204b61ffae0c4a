/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Disks Copied Back
 *
 * IVssHardwareSnapshotProviderEx::ResyncLuns() makes the disk of a volume what the disk of its shadow copy is. That
 * happens in the array, so the volume is put away for so long.
 */

#include "provider-com/com-module.h"
#include "provider/provider.h"

/* VSS_E_LEGACY_PROVIDER: it has no IVssHardwareSnapshotProviderEx. */
int com_resync_is_possible(ComModule *m, const ProviderSnapshot *s, int volume_fd);
/* Returns when it has ended and the volume is there again. */
int com_resync_run(ComModule *m, const ProviderEnv *env, const ProviderSnapshot *s);
