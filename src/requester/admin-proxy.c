/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Admin Proxy
 */

#include "requester/admin-proxy.h"

#include "requester/session-proxy-internal.h"

static int request_new(SessionProxy *p, const char *member, sd_bus_message **ret) {
        return session_request_new(p, WIRE_ADMIN_PATH, WIRE_ADMIN_INTERFACE, member, ret);
}

HRESULT admin_proxy_register(SessionProxy *p, const WireProvider *provider) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "RegisterProvider", &m);
        if (r >= 0)
                r = wire_append_guid(m, &provider->id);
        if (r >= 0)
                r = wire_append_guid(m, &provider->class_id);
        if (r >= 0)
                r = wire_append_text(m, provider->name);
        if (r >= 0)
                r = sd_bus_message_append(m, "i", provider->type);
        if (r >= 0)
                r = wire_append_text(m, provider->version);
        if (r >= 0)
                r = wire_append_guid(m, &provider->version_id);

        return session_request_call(p->client, m, r, "RegisterProvider", WIRE_CALL_TIMEOUT_USEC, NULL);
}

HRESULT admin_proxy_unregister(SessionProxy *p, const GUID *id) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "UnregisterProvider", &m);
        if (r >= 0)
                r = wire_append_guid(m, id);

        return session_request_call(p->client, m, r, "UnregisterProvider", WIRE_CALL_TIMEOUT_USEC, NULL);
}

HRESULT admin_proxy_describe(SessionProxy *p,
                             const GUID *id,
                             uint64_t *ret_capabilities,
                             int32_t *ret_context) {
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "DescribeProvider", &m);
        if (r >= 0)
                r = wire_append_guid(m, id);

        hr = session_request_call(p->client, m, r, "DescribeProvider", WIRE_CALL_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = sd_bus_message_read(reply, "ti", ret_capabilities, ret_context);
        return r < 0 ? session_answer_error(r) : S_OK;
}

HRESULT admin_proxy_abort_all(SessionProxy *p) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "AbortAll", &m);
        return session_request_call(p->client, m, r, "AbortAll", WIRE_PREPARE_TIMEOUT_USEC, NULL);
}
