/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Admin Proxy
 */

#include "requester/admin-proxy.h"

#include "requester/session-call.h"

static SessionCall admin_call(const char *member, usec_t timeout) {
        return session_call_alone(WIRE_ADMIN_PATH, WIRE_ADMIN_INTERFACE, member, timeout);
}

HRESULT admin_proxy_register(const WireProvider *provider) {
        _cleanup_call_ SessionCall c = admin_call("RegisterProvider", WIRE_CALL_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_guid, &provider->id);
        CALL_APPEND(&c, wire_append_guid, &provider->class_id);
        CALL_APPEND(&c, wire_append_text, provider->name);
        CALL_APPEND(&c, sd_bus_message_append, "i", provider->type);
        CALL_APPEND(&c, wire_append_text, provider->version);
        CALL_APPEND(&c, wire_append_guid, &provider->version_id);
        return session_call_send(&c);
}

HRESULT admin_proxy_unregister(const GUID *id) {
        _cleanup_call_ SessionCall c = admin_call("UnregisterProvider", WIRE_CALL_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_guid, id);
        return session_call_send(&c);
}

HRESULT admin_proxy_describe(const GUID *id, uint64_t *ret_capabilities, int32_t *ret_context) {
        _cleanup_call_ SessionCall c = admin_call("DescribeProvider", WIRE_CALL_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_guid, id);
        session_call_send(&c);
        CALL_READ(&c, sd_bus_message_read, "ti", ret_capabilities, ret_context);
        return session_call_end(&c);
}

HRESULT admin_proxy_abort_all(void) {
        _cleanup_call_ SessionCall c = admin_call("AbortAll", WIRE_PREPARE_TIMEOUT_USEC);

        return session_call_send(&c);
}
