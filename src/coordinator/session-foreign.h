/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Only Providers of Others Know
 *
 * The shadow copies that umbra has made are in its catalog. Providers of others may have made some without it.
 */

#include "coordinator/coordinator-forward.h"

/* Whether one of them has copies of the volume, and what must not be done to it meanwhile
 * (VSS_SNAPSHOT_COMPATIBILITY); the first that fails is the answer. */
void session_ask_foreign(Session *s, Operation *op, const char *volume);
