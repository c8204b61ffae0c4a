/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Storage Proxy
 *
 * The part of the session that is about shadow copies which exist already: see wire-names.h. As in
 * session-proxy.h, a failure has its sentence in last_error_get().
 */

#include "requester/session-proxy.h"

HRESULT storage_proxy_expose(SessionProxy *p, const GUID *snapshot_id, const char *path, char **ret_path);
HRESULT storage_proxy_unexpose(SessionProxy *p, const GUID *snapshot_id);
HRESULT storage_proxy_revert(SessionProxy *p, const GUID *snapshot_id, bool force);
HRESULT storage_proxy_find_revert(SessionProxy *p, const char *volume);
HRESULT storage_proxy_get_revert_blockers(SessionProxy *p, GUID **ret, size_t *ret_n);
HRESULT storage_proxy_get_volume_root(SessionProxy *p, const char *path, char **ret_root, char **ret_name);
HRESULT storage_proxy_break(SessionProxy *p, const GUID *set_id);
/* @destination NULL: where it came from. */
HRESULT storage_proxy_add_to_recovery(SessionProxy *p, const GUID *snapshot_id, const char *destination);
