/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Area Proxy
 *
 * One function per call of umbra.Areas1, each with a session of its own: who asks lives long and asks rarely.
 * As in session-proxy.h, a failure has its sentence in last_error_get().
 */

#include "requester/session-proxy.h"

HRESULT area_proxy_get_minimum(int64_t *ret);
HRESULT area_proxy_query_snapshots(const GUID *provider_id, const char *volume, SessionQuery *ret);
/* One of @volume and @snapshot_id counts, depending on the question. */
HRESULT area_proxy_query_areas(const GUID *provider_id,
                               WireAreaQuestion question,
                               const char *volume,
                               const GUID *snapshot_id,
                               SessionQuery *ret);
HRESULT area_proxy_query_place(const GUID *provider_id, const char *volume, SessionQuery *ret);
HRESULT area_proxy_add_area(const GUID *provider_id, const char *volume, const char *place, int64_t maximum);
HRESULT area_proxy_change_area(const GUID *provider_id,
                               const char *volume,
                               const char *place,
                               int64_t maximum,
                               bool passing);
/* @level -1: which there is. */
HRESULT area_proxy_protection(const GUID *provider_id,
                              const char *volume,
                              int32_t level,
                              int32_t *ret_level,
                              bool *ret_has_unused);
HRESULT area_proxy_delete_unused(const GUID *provider_id, const char *place);
