/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who May
 *
 * By the credentials that the kernel vouches for (SO_PEERCRED, SO_PEERGROUPS). A stranger gets E_ACCESSDENIED and learns nothing.
 */

#include <vss.h>

#include "coordinator/coordinator-forward.h"

HRESULT authorize_requester(const Connection *c);
/* To change what concerns all: providers, areas, the sets of others. */
HRESULT authorize_administrator(const Connection *c);
HRESULT authorize_writer(const Connection *c, const GUID *writer_id);
/* Of some id, which is not known yet. */
HRESULT authorize_any_writer(const Connection *c);
/* After the configuration has changed: who may not any more is told (AccessRevoked) and loses its connection. Groups are those with which
 * it connected. */
void authorize_again(Manager *m);
