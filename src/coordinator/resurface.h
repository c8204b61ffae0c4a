/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Snapshots That Are to Be Readable Again
 *
 * After a reboot nothing of them is mounted. Some cannot be shown when umbrad starts, as their volume is mounted later: of a disk
 * that is slow, or is plugged in now and then. They wait, and as long as any of them does, or a revert waits for its volume, the table
 * of mounts is watched: whenever something was mounted all of them are tried again. So are exposures whose directory is not there.
 */

#include <stdbool.h>

#include <wintypes.h>

#include "base/macro.h"
#include "coordinator/coordinator-forward.h"

int resurface_new(Manager *m, Resurface **ret);
Resurface *resurface_free(Resurface *q);
DEFINE_CLEANUP(Resurface *, resurface_free)

/* @seen: it is readable, and only has to be exposed if it was. */
int resurface_add(Resurface *q, const GUID *id, bool seen);
/* Tries what is new, and reverts that wait; when nothing is frozen. Also when a deed has ended, which may have been in the way. */
void resurface_go_on(Resurface *q);
