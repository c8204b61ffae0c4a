/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Area Proxy
 */

#include "requester/area-proxy.h"

#include "requester/session-proxy-internal.h"

/* Every call but GetMinimum() begins with the provider. */
static int request_new(SessionProxy *p, const char *member, const GUID *provider_id, sd_bus_message **ret) {
        int r;

        r = session_request_new(p, WIRE_AREAS_PATH, WIRE_AREAS_INTERFACE, member, ret);
        if (r >= 0 && provider_id)
                r = wire_append_guid(*ret, provider_id);
        return r;
}

HRESULT area_proxy_get_minimum(SessionProxy *p, int64_t *ret) {
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "GetMinimum", NULL, &m);
        hr = session_request_call(p->client, m, r, "GetMinimum", WIRE_CALL_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = sd_bus_message_read(reply, "x", ret);
        return r < 0 ? session_answer_error(r) : S_OK;
}

HRESULT area_proxy_query_snapshots(SessionProxy *p,
                                      const GUID *provider_id,
                                      const char *volume,
                                      SessionQuery *ret) {
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "QuerySnapshots", provider_id, &m);
        if (r >= 0)
                r = wire_append_text(m, volume);

        hr = session_request_call(p->client, m, r, "QuerySnapshots", WIRE_CALL_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = READ_ARRAY(reply, WIRE_SNAPSHOT, q.snapshots, q.n_snapshots, q.snapshots_capacity,
                       wire_read_snapshot);
        if (r < 0)
                return session_answer_error(r);

        *ret = q;
        q = (SessionQuery){ 0 };
        return S_OK;
}

HRESULT area_proxy_query_areas(SessionProxy *p,
                                  const GUID *provider_id,
                                  WireAreaQuestion question,
                                  const char *volume,
                                  const GUID *snapshot_id,
                                  SessionQuery *ret) {
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "QueryAreas", provider_id, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", (uint32_t) question);
        if (r >= 0)
                r = wire_append_text(m, volume);
        if (r >= 0)
                r = wire_append_guid(m, snapshot_id);

        hr = session_request_call(p->client, m, r, "QueryAreas", WIRE_USAGE_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = READ_ARRAY(reply, WIRE_AREA, q.areas, q.n_areas, q.areas_capacity, wire_read_area);
        if (r < 0)
                return session_answer_error(r);

        *ret = q;
        q = (SessionQuery){ 0 };
        return S_OK;
}

HRESULT area_proxy_query_place(SessionProxy *p,
                                  const GUID *provider_id,
                                  const char *volume,
                                  SessionQuery *ret) {
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "QueryPlace", provider_id, &m);
        if (r >= 0)
                r = wire_append_text(m, volume);

        hr = session_request_call(p->client, m, r, "QueryPlace", WIRE_USAGE_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = READ_ARRAY(reply, WIRE_PLACE, q.places, q.n_places, q.places_capacity, wire_read_place);
        if (r < 0)
                return session_answer_error(r);

        *ret = q;
        q = (SessionQuery){ 0 };
        return S_OK;
}

static int append_association(sd_bus_message *m, const char *volume, const char *place, int64_t maximum) {
        int r;

        r = wire_append_text(m, volume);
        if (r >= 0)
                r = wire_append_text(m, place);
        return r < 0 ? r : sd_bus_message_append(m, "x", maximum);
}

HRESULT area_proxy_add_area(SessionProxy *p,
                               const GUID *provider_id,
                               const char *volume,
                               const char *place,
                               int64_t maximum) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "AddArea", provider_id, &m);
        if (r >= 0)
                r = append_association(m, volume, place, maximum);

        return session_request_call(p->client, m, r, "AddArea", WIRE_USAGE_TIMEOUT_USEC, NULL);
}

HRESULT area_proxy_change_area(SessionProxy *p,
                                  const GUID *provider_id,
                                  const char *volume,
                                  const char *place,
                                  int64_t maximum,
                                  bool passing) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "ChangeArea", provider_id, &m);
        if (r >= 0)
                r = append_association(m, volume, place, maximum);
        if (r >= 0)
                r = sd_bus_message_append(m, "b", (int) passing);

        return session_request_call(p->client, m, r, "ChangeArea", WIRE_USAGE_TIMEOUT_USEC, NULL);
}

HRESULT area_proxy_protection(SessionProxy *p,
                                 const GUID *provider_id,
                                 const char *volume,
                                 int32_t level,
                                 int32_t *ret_level,
                                 bool *ret_has_unused) {
        int r, has_unused;
        HRESULT hr;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "Protection", provider_id, &m);
        if (r >= 0)
                r = wire_append_text(m, volume);
        if (r >= 0)
                r = sd_bus_message_append(m, "i", level);

        hr = session_request_call(p->client, m, r, "Protection", WIRE_USAGE_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = sd_bus_message_read(reply, "ib", ret_level, &has_unused);
        if (r < 0)
                return session_answer_error(r);

        *ret_has_unused = has_unused;
        return S_OK;
}

HRESULT area_proxy_delete_unused(SessionProxy *p, const GUID *provider_id, const char *place) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "DeleteUnused", provider_id, &m);
        if (r >= 0)
                r = wire_append_text(m, place);

        return session_request_call(p->client, m, r, "DeleteUnused", WIRE_USAGE_TIMEOUT_USEC, NULL);
}
