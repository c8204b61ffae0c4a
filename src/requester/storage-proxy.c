/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Storage Proxy
 */

#include "requester/storage-proxy.h"

#include "requester/session-call.h"

/* A text that has to be there: umbrad never answers with none. */
static int read_text(sd_bus_message *m, char **ret) {
        int r;

        r = wire_read_text(m, ret);
        return r >= 0 && !*ret ? -EBADMSG : r;
}

HRESULT storage_proxy_expose(SessionProxy *p, const GUID *snapshot_id, const char *path, char **ret_path) {
        _cleanup_call_ SessionCall c = session_call(p, "ExposeSnapshot", WIRE_PREPARE_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_guid, snapshot_id);
        CALL_APPEND(&c, wire_append_text, path);
        session_call_send(&c);
        CALL_READ(&c, read_text, ret_path);
        return session_call_end(&c);
}

HRESULT storage_proxy_unexpose(SessionProxy *p, const GUID *snapshot_id) {
        _cleanup_call_ SessionCall c = session_call(p, "UnexposeSnapshot", WIRE_PREPARE_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_guid, snapshot_id);
        return session_call_send(&c);
}

HRESULT storage_proxy_revert(SessionProxy *p, const GUID *snapshot_id, bool force) {
        _cleanup_call_ SessionCall c = session_call(p, "RevertToSnapshot", WIRE_PREPARE_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_guid, snapshot_id);
        CALL_APPEND(&c, sd_bus_message_append, "b", (int) force);
        return session_call_send(&c);
}

HRESULT storage_proxy_find_revert(SessionProxy *p, const char *volume) {
        _cleanup_call_ SessionCall c = session_call(p, "FindRevert", WIRE_CALL_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_text, volume);
        return session_call_send(&c);
}

HRESULT storage_proxy_get_revert_blockers(SessionProxy *p, GUID **ret, size_t *ret_n) {
        _cleanup_call_ SessionCall c = session_call(p, "GetRevertBlockers", WIRE_CALL_TIMEOUT_USEC);

        session_call_send(&c);
        CALL_READ(&c, wire_read_guids, WIRE_IDS_MAX, ret, ret_n);
        return session_call_end(&c);
}

HRESULT storage_proxy_get_volume_root(SessionProxy *p, const char *path, char **ret_root, char **ret_name) {
        _cleanup_call_ SessionCall c = session_call(p, "GetVolumeRoot", WIRE_CALL_TIMEOUT_USEC);
        _cleanup_(freep) char *root = NULL, *name = NULL;
        HRESULT hr;

        CALL_APPEND(&c, wire_append_text, path);
        session_call_send(&c);
        CALL_READ(&c, read_text, &root);
        CALL_READ(&c, read_text, &name);
        hr = session_call_end(&c);
        if (FAILED(hr))
                return hr;

        *ret_root = TAKE_PTR(root);
        *ret_name = TAKE_PTR(name);
        return S_OK;
}

HRESULT storage_proxy_break(SessionProxy *p, const GUID *set_id) {
        _cleanup_call_ SessionCall c = session_call(p, "BreakSnapshotSet", WIRE_DELETE_TIMEOUT_USEC);

        CALL_APPEND(&c, sd_bus_message_append, "u", 0U);
        CALL_APPEND(&c, wire_append_guid, set_id);
        CALL_APPEND(&c, sd_bus_message_append, "u", 0U);
        return session_call_send(&c);
}

HRESULT storage_proxy_add_to_recovery(SessionProxy *p, const GUID *snapshot_id, const char *destination) {
        _cleanup_call_ SessionCall c = session_call(p, "AddSnapshotToRecoverySet", WIRE_CALL_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_guid, snapshot_id);
        CALL_APPEND(&c, wire_append_text, destination);
        return session_call_send(&c);
}
