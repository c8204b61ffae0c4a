/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Questions and Removals
 *
 * What a session asks about volumes, providers and existing snapshots, and DeleteSnapshots. Those that must ask a provider take over an Operation.
 */

#include <vss.h>

#include "catalog/catalog.h"
#include "coordinator/coordinator-forward.h"
#include "volume/volume.h"
#include "wire/wire-types.h"

void session_add_volume(Session *s, Operation *op, const char *volume, const GUID *provider_id);
void session_is_supported(Session *s, Operation *op, const char *volume, const GUID *provider_id);
/* "\\\\?\\Volume{…}\\" of a directory is known to the catalog only: *@buffer (caller frees), or @name as it is. */
const char *session_known_volume(Session *s, const char *name, char **buffer);
/* As volume_resolve(), and the GUID names of directories, too. */
HRESULT session_resolve_volume(Session *s, const char *name, Volume **ret, char **ret_why);
/* May its shadow copies be made, as far as overlays are concerned? @ret_why may be NULL. */
HRESULT session_check_overlay(Session *s, const Volume *v, char **ret_why);
/* The workers for questions outside a set. */
HRESULT session_pool(Session *s, ProviderPool **ret);
/* Every mount, and who would take it. */
void session_query_volumes(Session *s, Operation *op, const GUID *provider_id);

HRESULT session_get_snapshot(Session *s, const GUID *id, CatalogSnapshot *ret);
/* What a snapshot of the catalog looks like on the wire; borrows its strings. */
void wire_snapshot_from_catalog(const CatalogSnapshot *row, WireSnapshot *ret);
bool snapshot_in_context(const CatalogSnapshot *row, int32_t context);

void session_delete_snapshots(Session *s, Operation *op, const GUID *id, VSS_OBJECT_TYPE type);
