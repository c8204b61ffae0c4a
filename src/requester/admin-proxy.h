/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Admin Proxy
 *
 * One function per call of umbra.Admin1, on the connection of a session.
 */

#include "requester/session-proxy.h"

HRESULT admin_proxy_register(SessionProxy *p, const WireProvider *provider);
HRESULT admin_proxy_unregister(SessionProxy *p, const GUID *id);
HRESULT admin_proxy_describe(SessionProxy *p,
                             const GUID *id,
                             uint64_t *ret_capabilities,
                             int32_t *ret_context);
HRESULT admin_proxy_abort_all(SessionProxy *p);
