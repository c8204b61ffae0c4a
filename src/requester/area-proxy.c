/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Area Proxy
 */

#include "requester/area-proxy.h"

#include "requester/session-call.h"

/* Every call but GetMinimum() begins with the provider. */
static SessionCall area_call(const char *member, const GUID *provider_id, usec_t timeout) {
        SessionCall c = session_call_alone(WIRE_AREAS_PATH, WIRE_AREAS_INTERFACE, member, timeout);

        if (provider_id)
                CALL_APPEND(&c, wire_append_guid, provider_id);
        return c;
}

HRESULT area_proxy_get_minimum(int64_t *ret) {
        _cleanup_call_ SessionCall c = area_call("GetMinimum", NULL, WIRE_CALL_TIMEOUT_USEC);

        session_call_send(&c);
        CALL_READ(&c, sd_bus_message_read, "x", ret);
        return session_call_end(&c);
}

HRESULT area_proxy_query_snapshots(const GUID *provider_id, const char *volume, SessionQuery *ret) {
        _cleanup_call_ SessionCall c = area_call("QuerySnapshots", provider_id, WIRE_CALL_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_text, volume);
        return session_call_query(&c, session_query_read_snapshots, ret);
}

static int read_areas(sd_bus_message *m, SessionQuery *q) {
        return READ_ARRAY(m, WIRE_AREA, q->areas, q->n_areas, q->areas_capacity, wire_read_area);
}

HRESULT area_proxy_query_areas(const GUID *provider_id,
                               WireAreaQuestion question,
                               const char *volume,
                               const GUID *snapshot_id,
                               SessionQuery *ret) {
        _cleanup_call_ SessionCall c = area_call("QueryAreas", provider_id, WIRE_USAGE_TIMEOUT_USEC);

        CALL_APPEND(&c, sd_bus_message_append, "u", (uint32_t) question);
        CALL_APPEND(&c, wire_append_text, volume);
        CALL_APPEND(&c, wire_append_guid, snapshot_id);
        return session_call_query(&c, read_areas, ret);
}

static int read_places(sd_bus_message *m, SessionQuery *q) {
        return READ_ARRAY(m, WIRE_PLACE, q->places, q->n_places, q->places_capacity, wire_read_place);
}

HRESULT area_proxy_query_place(const GUID *provider_id, const char *volume, SessionQuery *ret) {
        _cleanup_call_ SessionCall c = area_call("QueryPlace", provider_id, WIRE_USAGE_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_text, volume);
        return session_call_query(&c, read_places, ret);
}

static void append_association(SessionCall *c, const char *volume, const char *place, int64_t maximum) {
        CALL_APPEND(c, wire_append_text, volume);
        CALL_APPEND(c, wire_append_text, place);
        CALL_APPEND(c, sd_bus_message_append, "x", maximum);
}

HRESULT area_proxy_add_area(const GUID *provider_id, const char *volume, const char *place, int64_t maximum) {
        _cleanup_call_ SessionCall c = area_call("AddArea", provider_id, WIRE_USAGE_TIMEOUT_USEC);

        append_association(&c, volume, place, maximum);
        return session_call_send(&c);
}

HRESULT area_proxy_change_area(const GUID *provider_id,
                               const char *volume,
                               const char *place,
                               int64_t maximum,
                               bool passing) {
        _cleanup_call_ SessionCall c = area_call("ChangeArea", provider_id, WIRE_USAGE_TIMEOUT_USEC);

        append_association(&c, volume, place, maximum);
        CALL_APPEND(&c, sd_bus_message_append, "b", (int) passing);
        return session_call_send(&c);
}

HRESULT area_proxy_protection(const GUID *provider_id,
                              const char *volume,
                              int32_t level,
                              int32_t *ret_level,
                              bool *ret_has_unused) {
        _cleanup_call_ SessionCall c = area_call("Protection", provider_id, WIRE_USAGE_TIMEOUT_USEC);
        int has_unused = false;
        HRESULT hr;

        CALL_APPEND(&c, wire_append_text, volume);
        CALL_APPEND(&c, sd_bus_message_append, "i", level);
        session_call_send(&c);
        CALL_READ(&c, sd_bus_message_read, "ib", ret_level, &has_unused);
        hr = session_call_end(&c);
        if (SUCCEEDED(hr))
                *ret_has_unused = has_unused;
        return hr;
}

HRESULT area_proxy_delete_unused(const GUID *provider_id, const char *place) {
        _cleanup_call_ SessionCall c = area_call("DeleteUnused", provider_id, WIRE_USAGE_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_text, place);
        return session_call_send(&c);
}
