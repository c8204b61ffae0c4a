/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Is Left Behind
 *
 * Where a volume becomes what it was at a restart, and the state directory is on it, all that umbra knows would be what it was,
 * too. So its provider takes the directory along, into the snapshot, before anything else. From then on, until the
 * restart, what umbra writes down is lost; so it does not begin anything that would have to be known afterwards, and what it
 * ends is found to have ended already.
 *
 *         left_behind_begin()    left_behind_write()                       the volume is activated anew
 *   (all is well) ─────> the mark is there ─────> the catalog was copied ─────────────> the copy is the catalog, no mark
 *
 * The mark is a file that is not taken along: where it is, and a revert is in the catalog, the restart is still to come.
 */

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "coordinator/coordinator-forward.h"

/* Is the state directory on the volume at @path? */
bool left_behind_by(const Manager *m, const char *path);

/* Before the revert is in the catalog. -EBUSY: a set is just being made. */
int left_behind_begin(Manager *m);
/* After, and before the provider is asked. */
int left_behind_write(Manager *m);
/* The revert is over, or was none. */
void left_behind_end(Manager *m);

/* At the start. @reverting: a revert is in the catalog that comes about at a restart. */
void left_behind_recover(Manager *m, bool reverting);

/* Would what @message asks for have to be known later, and will not? Then it is answered with VSS_E_REVERT_IN_PROGRESS in @error, and < 0
 * is returned. */
int left_behind_refuse(const Manager *m, sd_bus_message *message, sd_bus_error *error);
