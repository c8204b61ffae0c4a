/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Recovery Set of a Requester
 *
 * Several volumes at once, each over a directory of the requester's choice.
 */

#include <vss.h>

#include "coordinator/coordinator-forward.h"

/* @destination NULL: where it came from. *ret_why: caller frees. */
HRESULT session_add_to_recovery(Session *s, const GUID *id, const char *destination, char **ret_why);
/* Takes @op over and settles it. @flags: VSS_RECOVERY_OPTIONS */
void session_recover(Session *s, Operation *op, uint32_t flags);
/* At the end of the session. */
void session_recovery_clear(Session *s);
