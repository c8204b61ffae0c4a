/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Requester Has Done to Snapshots
 *
 * Exposing, reverting, breaking and importing: who may, and which deeds (deed.h) that makes; recovering is in
 * session-recovery.h. Functions with an Operation take it over and settle it.
 */

#include <stdbool.h>

#include <vss.h>

#include "catalog/catalog.h"
#include "coordinator/coordinator-forward.h"
#include "provider/provider.h"

void session_expose(Session *s, Operation *op, const GUID *id, const char *path);
void session_unexpose(Session *s, Operation *op, const GUID *id);

/* Settles when it has begun. */
void session_revert(Session *s, Operation *op, const GUID *id, bool force);
/* Is a revert of this volume running? S_OK, else VSS_E_OBJECT_NOT_FOUND, or E_NOTIMPL where none ever can.
 * *ret_why: caller frees. */
HRESULT session_find_revert(Session *s, const char *volume, char **ret_why);
/* Settles when the revert that was found has ended. */
void session_await_revert(Session *s, Operation *op, const char *volume);

/* @flags: VSS_BREAKEX_FLAG_… */
void session_break(Session *s, Operation *op, const GUID *set_id, uint32_t flags);
/* @context: of the snapshots from now on. */
void session_import(Session *s, Operation *op, int32_t context, const char *document, size_t size);

/* Is the provider that made the snapshot here and able? S_OK, VSS_E_PROVIDER_NOT_REGISTERED, @unable. */
HRESULT session_provider_is_able(Session *s,
                                 const CatalogSnapshot *row,
                                 ProviderAbilities ability,
                                 HRESULT unable,
                                 const char **ret_why);

/* At the end of the session. */
void session_storage_clear(Session *s);
