/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who Is There
 *
 * The writers that are connected now, and those that are a registered document (express-writers.h). A writer is known by its class (writer id) and by
 * its instance id, which for a connected one is new at each start.
 */

#include <vss.h>

#include "coordinator/coordinator-forward.h"

/* Takes @w over: in the list from now on. VSS_E_WRITER_ALREADY_SUBSCRIBED: that instance is there. */
HRESULT writer_registry_add(Manager *m, WriterProxy *w);
/* Out of the list: no event goes to it any more. */
void writer_registry_remove(WriterProxy *w);
/* Once its open events have been answered: for the sessions that know it, what it was waiting for has failed. */
void writer_registry_mourn(WriterProxy *w);
WriterProxy *writer_registry_find(Manager *m, const GUID *instance_id);
