/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How Many Client-Accessible Shadow Copies a Volume Has
 *
 * They are made by a clock and looked at by users, so nobody would ever delete one: when a volume has more than "client-accessible" of
 * umbra.conf, the oldest go, as on Windows at 64. Others do not count and do not go; nor does one to which something is just being done.
 */

#include <wintypes.h>

#include "coordinator/coordinator-forward.h"

/* After a set of these volumes was made. */
void retention_apply(Manager *m, const SnapshotSet *set);
