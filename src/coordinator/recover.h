/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * After a Crash
 *
 * What the catalog of a previous life says: sets that were being made, snapshots that were being deleted and those that should have gone with their
 * requester are discarded; the persistent ones are made readable again where a reboot took their mounts.
 */

#include "coordinator/coordinator-forward.h"

int recover_start(Manager *m);
