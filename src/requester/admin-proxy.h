/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Admin Proxy
 *
 * One function per call of umbra.Admin1, each with a session of its own: who asks lives long and asks rarely.
 * As in session-proxy.h, a failure has its sentence in last_error_get().
 */

#include "requester/session-proxy.h"

HRESULT admin_proxy_register(const WireProvider *provider);
HRESULT admin_proxy_unregister(const GUID *id);
HRESULT admin_proxy_describe(const GUID *id, uint64_t *ret_capabilities, int32_t *ret_context);
HRESULT admin_proxy_abort_all(void);
