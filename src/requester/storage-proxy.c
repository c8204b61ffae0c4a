/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Storage Proxy
 */

#include "requester/storage-proxy.h"

#include "requester/session-proxy-internal.h"

static int request_new(SessionProxy *p, const char *member, sd_bus_message **ret) {
        return session_request_new(p, WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, member, ret);
}

HRESULT storage_proxy_expose(SessionProxy *p, const GUID *snapshot_id, const char *path, char **ret_path) {
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "ExposeSnapshot", &m);
        if (r >= 0)
                r = wire_append_guid(m, snapshot_id);
        if (r >= 0)
                r = wire_append_text(m, path);

        hr = session_request_call(p->client, m, r, "ExposeSnapshot", WIRE_PREPARE_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = wire_read_text(reply, ret_path);
        if (r >= 0 && !*ret_path)
                r = -EBADMSG;
        return r < 0 ? session_answer_error(r) : S_OK;
}

HRESULT storage_proxy_unexpose(SessionProxy *p, const GUID *snapshot_id) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "UnexposeSnapshot", &m);
        if (r >= 0)
                r = wire_append_guid(m, snapshot_id);

        return session_request_call(p->client, m, r, "UnexposeSnapshot", WIRE_PREPARE_TIMEOUT_USEC, NULL);
}

HRESULT storage_proxy_revert(SessionProxy *p, const GUID *snapshot_id, bool force) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "RevertToSnapshot", &m);
        if (r >= 0)
                r = wire_append_guid(m, snapshot_id);
        if (r >= 0)
                r = sd_bus_message_append(m, "b", (int) force);

        return session_request_call(p->client, m, r, "RevertToSnapshot", WIRE_PREPARE_TIMEOUT_USEC, NULL);
}

HRESULT storage_proxy_find_revert(SessionProxy *p, const char *volume) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "FindRevert", &m);
        if (r >= 0)
                r = wire_append_text(m, volume);

        return session_request_call(p->client, m, r, "FindRevert", WIRE_CALL_TIMEOUT_USEC, NULL);
}

HRESULT storage_proxy_get_revert_blockers(SessionProxy *p, GUID **ret, size_t *ret_n) {
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "GetRevertBlockers", &m);

        hr = session_request_call(p->client, m, r, "GetRevertBlockers", WIRE_CALL_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = wire_read_guids(reply, WIRE_IDS_MAX, ret, ret_n);
        return r < 0 ? session_answer_error(r) : S_OK;
}

HRESULT storage_proxy_get_volume_root(SessionProxy *p, const char *path, char **ret_root, char **ret_name) {
        _cleanup_(freep) char *root = NULL, *name = NULL;
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "GetVolumeRoot", &m);
        if (r >= 0)
                r = wire_append_text(m, path);

        hr = session_request_call(p->client, m, r, "GetVolumeRoot", WIRE_CALL_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = wire_read_text(reply, &root);
        if (r >= 0)
                r = wire_read_text(reply, &name);
        if (r >= 0 && (!root || !name))
                r = -EBADMSG;
        if (r < 0)
                return session_answer_error(r);

        *ret_root = TAKE_PTR(root);
        *ret_name = TAKE_PTR(name);
        return S_OK;
}

HRESULT storage_proxy_break(SessionProxy *p, const GUID *set_id) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "BreakSnapshotSet", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", 0U);
        if (r >= 0)
                r = wire_append_guid(m, set_id);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", 0U);

        return session_request_call(p->client, m, r, "BreakSnapshotSet", WIRE_DELETE_TIMEOUT_USEC, NULL);
}

HRESULT storage_proxy_add_to_recovery(SessionProxy *p, const GUID *snapshot_id, const char *destination) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "AddSnapshotToRecoverySet", &m);
        if (r >= 0)
                r = wire_append_guid(m, snapshot_id);
        if (r >= 0)
                r = wire_append_text(m, destination);

        return session_request_call(p->client, m, r, "AddSnapshotToRecoverySet", WIRE_CALL_TIMEOUT_USEC,
                                    NULL);
}
