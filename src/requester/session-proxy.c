/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Session Proxy
 */

#include "requester/session-call.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "doc/doc-limits.h"
#include "wire/last-error.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"

HRESULT session_proxy_error(const sd_bus_error *error) {
        if (error && sd_bus_error_has_name(error, SD_BUS_ERROR_DISCONNECTED))
                return last_error_set(hresult_from_wire_error(error),
                                      "The connection to umbrad was lost: it was stopped or "
                                      "has crashed, and what it was doing for this program is undone.");

        return last_error_from_wire(error);
}

HRESULT session_proxy_check(SessionProxy *p) {
        if (p->pid != getpid())
                return session_request_error("", -ECHILD);

        WIRE_CLIENT_LOCKED(p->client);

        wire_client_poll(p->client);
        if (wire_client_is_revoked(p->client))
                return session_request_error("", -EACCES);
        if (!wire_client_is_connected(p->client))
                return last_error_set(VSS_E_UNEXPECTED,
                                      "The connection to umbrad is lost and the session over; it cannot be "
                                      "resumed: create a new object.");

        return S_OK;
}

static HRESULT connect_error(const char *path, int r) {
        switch (-r) {
        case ENOENT:
        case ECONNREFUSED:
                return last_error_set(VSS_E_UNEXPECTED,
                                      "umbrad does not listen on '%s': start it with `systemctl start "
                                      "umbrad.socket` or set UMBRA_SOCKET.",
                                      path);
        case EACCES:
        case EPERM:
                return last_error_set(E_ACCESSDENIED, "You may not talk to umbrad on '%s'.", path);
        case ENOMEM:
                return last_error_set(E_OUTOFMEMORY, NULL);
        default:
                return last_error_set(VSS_E_UNEXPECTED, "umbrad does not answer on '%s': %s.", path,
                                      strerror(-r));
        }
}

static HRESULT client_open(WireClient **ret) {
        _cleanup_(freep) char *path = NULL;
        int r;

        r = wire_socket_path(&path);
        if (r < 0)
                return connect_error("", r);

        r = wire_client_connect(path, WIRE_AUTH_TIMEOUT_USEC, ret);
        if (r < 0)
                return connect_error(path, r);

        return S_OK;
}

static SessionCall manager_call(WireClient *client, const char *member) {
        return session_call_on(client, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, member,
                               WIRE_CALL_TIMEOUT_USEC);
}

static HRESULT session_proxy_open_session(SessionProxy *p) {
        _cleanup_call_ SessionCall c = manager_call(p->client, "OpenSession");
        uint32_t version;

        CALL_APPEND(&c, sd_bus_message_append, "u", WIRE_PROTOCOL_VERSION);
        session_call_send(&c);
        CALL_READ(&c, sd_bus_message_read, "u", &version);
        CALL_READ(&c, wire_read_guid, &p->id);
        return session_call_end(&c);
}

HRESULT session_proxy_open(SessionProxy **ret) {
        _cleanup_(session_proxy_freep) SessionProxy *p = NULL;
        HRESULT hr;

        p = calloc_checked(1, sizeof(*p));
        if (!p)
                return session_request_error("OpenSession", -ENOMEM);
        p->pid = getpid();

        hr = client_open(&p->client);
        if (FAILED(hr))
                return hr;

        hr = session_proxy_open_session(p);
        if (FAILED(hr))
                return hr;

        *ret = TAKE_PTR(p);
        return S_OK;
}

HRESULT session_proxy_open_to_query(int32_t context, SessionProxy **ret) {
        _cleanup_(session_proxy_freep) SessionProxy *p = NULL;
        HRESULT hr;

        hr = session_proxy_open(&p);
        if (SUCCEEDED(hr))
                hr = session_proxy_initialize(p, WIRE_SESSION_QUERY, context);
        if (FAILED(hr))
                return hr;

        *ret = TAKE_PTR(p);
        return S_OK;
}

SessionProxy *session_proxy_free(SessionProxy *p) {
        if (!p)
                return NULL;

        wire_client_unref(p->client);
        free(p);
        return NULL;
}

HRESULT session_proxy_initialize(SessionProxy *p, WireSessionKind kind, int32_t context) {
        _cleanup_call_ SessionCall c = session_call(p, "Initialize", WIRE_CALL_TIMEOUT_USEC);

        CALL_APPEND(&c, sd_bus_message_append, "ui", (uint32_t) kind, context);
        return session_call_send(&c);
}

HRESULT session_proxy_select_writers(SessionProxy *p, WireWriterSelection what, const GUID *ids, size_t n) {
        _cleanup_call_ SessionCall c = session_call(p, "SetWriterSelection", WIRE_CALL_TIMEOUT_USEC);

        CALL_APPEND(&c, sd_bus_message_append, "u", (uint32_t) what);
        CALL_APPEND(&c, wire_append_guids, ids, n);
        return session_call_send(&c);
}

HRESULT session_proxy_start_set(SessionProxy *p, int32_t context, GUID *ret_set_id) {
        _cleanup_call_ SessionCall c = session_call(p, "StartSnapshotSet", WIRE_CALL_TIMEOUT_USEC);

        CALL_APPEND(&c, sd_bus_message_append, "i", context);
        session_call_send(&c);
        CALL_READ(&c, wire_read_guid, ret_set_id);
        return session_call_end(&c);
}

HRESULT session_proxy_add_volume(SessionProxy *p,
                                 const char *volume,
                                 const GUID *provider_id,
                                 GUID *ret_snapshot_id,
                                 GUID *ret_provider_id,
                                 char **ret_volume) {
        _cleanup_call_ SessionCall c = session_call(p, "AddToSnapshotSet", WIRE_PREPARE_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_text, volume);
        CALL_APPEND(&c, wire_append_guid, provider_id);
        session_call_send(&c);
        CALL_READ(&c, wire_read_guid, ret_snapshot_id);
        CALL_READ(&c, wire_read_guid, ret_provider_id);
        CALL_READ(&c, wire_read_text, ret_volume);
        return session_call_end(&c);
}

HRESULT session_proxy_is_volume_supported(SessionProxy *p,
                                          const GUID *provider_id,
                                          const char *volume,
                                          bool *ret) {
        _cleanup_call_ SessionCall c = session_call(p, "IsVolumeSupported", WIRE_PREPARE_TIMEOUT_USEC);
        int supported = false;
        HRESULT hr;

        CALL_APPEND(&c, wire_append_guid, provider_id);
        CALL_APPEND(&c, wire_append_text, volume);
        session_call_send(&c);
        CALL_READ(&c, sd_bus_message_read, "b", &supported);
        hr = session_call_end(&c);
        if (SUCCEEDED(hr))
                *ret = supported;
        return hr;
}

HRESULT session_proxy_ask_foreign(SessionProxy *p,
                                  const char *volume,
                                  bool *ret_present,
                                  int32_t *ret_compatibility) {
        _cleanup_call_ SessionCall c = session_call(p, "AskForeign", WIRE_PREPARE_TIMEOUT_USEC);
        int32_t compatibility = 0;
        int present = false;
        HRESULT hr;

        CALL_APPEND(&c, wire_append_text, volume);
        session_call_send(&c);
        CALL_READ(&c, sd_bus_message_read, "bi", &present, &compatibility);
        hr = session_call_end(&c);
        if (SUCCEEDED(hr)) {
                *ret_present = present;
                *ret_compatibility = compatibility;
        }
        return hr;
}

HRESULT session_proxy_get_snapshot(SessionProxy *p, const GUID *snapshot_id, WireSnapshot *ret) {
        _cleanup_call_ SessionCall c = session_call(p, "GetSnapshotProperties", WIRE_PREPARE_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_guid, snapshot_id);
        session_call_send(&c);
        CALL_READ(&c, wire_read_snapshot, ret);
        return session_call_end(&c);
}

void session_query_clear(SessionQuery *q) {
        for (size_t i = 0; i < q->n_snapshots; ++i)
                wire_snapshot_clear(q->snapshots + i);
        for (size_t i = 0; i < q->n_providers; ++i)
                wire_provider_clear(q->providers + i);
        for (size_t i = 0; i < q->n_volumes; ++i)
                wire_volume_clear(q->volumes + i);
        for (size_t i = 0; i < q->n_areas; ++i)
                wire_area_clear(q->areas + i);
        for (size_t i = 0; i < q->n_places; ++i)
                wire_place_clear(q->places + i);
        free(q->snapshots);
        free(q->providers);
        free(q->volumes);
        free(q->areas);
        free(q->places);
        *q = (SessionQuery){ 0 };
}

static int read_found(sd_bus_message *m, SessionQuery *q) {
        int r;

        r = session_query_read_snapshots(m, q);
        return r < 0 ? r :
                       READ_ARRAY(m, WIRE_PROVIDER, q->providers, q->n_providers, q->providers_capacity,
                                  wire_read_provider);
}

HRESULT session_proxy_query(SessionProxy *p, VSS_OBJECT_TYPE returned, int32_t context, SessionQuery *ret) {
        _cleanup_call_ SessionCall c = session_call(p, "Query", WIRE_PREPARE_TIMEOUT_USEC);

        CALL_APPEND(&c, sd_bus_message_append, "ui", (uint32_t) returned, context);
        return session_call_query(&c, read_found, ret);
}

static int read_volumes(sd_bus_message *m, SessionQuery *q) {
        return READ_ARRAY(m, WIRE_VOLUME, q->volumes, q->n_volumes, q->volumes_capacity, wire_read_volume);
}

HRESULT session_proxy_query_volumes(SessionProxy *p,
                                    const GUID *provider_id,
                                    int32_t context,
                                    SessionQuery *ret) {
        _cleanup_call_ SessionCall c = session_call(p, "QueryVolumes", WIRE_PREPARE_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_guid, provider_id);
        CALL_APPEND(&c, sd_bus_message_append, "i", context);
        return session_call_query(&c, read_volumes, ret);
}

HRESULT session_proxy_delete(SessionProxy *p,
                             const GUID *id,
                             VSS_OBJECT_TYPE type,
                             bool force,
                             int32_t *ret_deleted,
                             GUID *ret_nondeleted,
                             HRESULT *ret_result) {
        _cleanup_call_ SessionCall c = session_call(p, "DeleteSnapshots", WIRE_DELETE_TIMEOUT_USEC);

        CALL_APPEND(&c, wire_append_guid, id);
        CALL_APPEND(&c, sd_bus_message_append, "ub", (uint32_t) type, (int) force);
        session_call_send(&c);
        CALL_READ(&c, sd_bus_message_read, "i", ret_deleted);
        CALL_READ(&c, wire_read_guid, ret_nondeleted);
        CALL_READ(&c, sd_bus_message_read, "i", ret_result);
        return session_call_end(&c);
}

HRESULT session_proxy_abort(SessionProxy *p) {
        _cleanup_call_ SessionCall c = session_call(p, "AbortBackup", WIRE_PREPARE_TIMEOUT_USEC);

        return session_call_send(&c);
}

HRESULT session_proxy_cancel(SessionProxy *p, uint32_t operation) {
        _cleanup_call_ SessionCall c = session_call(p, "Cancel", WIRE_PREPARE_TIMEOUT_USEC);

        CALL_APPEND(&c, sd_bus_message_append, "u", operation);
        return session_call_send(&c);
}

HRESULT session_proxy_begin(SessionProxy *p,
                            const char *member,
                            uint32_t operation,
                            int (*append)(sd_bus_message *m, const void *arg),
                            const void *arg,
                            SessionDocument kind,
                            const char *document,
                            size_t size,
                            sd_bus_message_handler_t callback,
                            void *userdata) {
        _cleanup_call_ SessionCall c = session_call(p, member, 0);

        CALL_APPEND(&c, sd_bus_message_append, "u", operation);
        CALL_APPEND(&c, append, arg);
        if (kind == DOCUMENT_REQUIRED)
                CALL_APPEND(&c, wire_append_blob, document, size);
        if (kind == DOCUMENT_OPTIONAL)
                CALL_APPEND(&c, wire_append_optional_blob, document, size);
        if (c.r >= 0)
                c.r = wire_client_call_async(p->client, c.question, callback, userdata);

        return c.r < 0 ? session_request_error(member, c.r) : S_OK;
}

HRESULT session_proxy_read_document(sd_bus_message *m, SessionDocument kind, char **ret, size_t *ret_size) {
        int r;

        if (kind == DOCUMENT_OPTIONAL)
                r = wire_read_optional_blob(m, DOCUMENT_SIZE_MAX, ret, ret_size);
        else
                r = wire_read_blob(m, DOCUMENT_SIZE_MAX, ret, ret_size);

        return r < 0 ? session_answer_error(r) : S_OK;
}

void session_writers_clear(SessionWriters *w) {
        for (size_t i = 0; i < w->n; ++i)
                wire_writer_clear(w->writers + i);
        free(w->writers);
        free(w->documents);
        *w = (SessionWriters){ 0 };
}

HRESULT session_proxy_read_writers(sd_bus_message *m, SessionWriters *ret) {
        _cleanup_(session_writers_clear) SessionWriters w = { 0 };
        uint64_t total = 0;
        int r;

        r = READ_ARRAY(m, WIRE_WRITER, w.writers, w.n, w.capacity, wire_read_writer);
        if (r >= 0)
                r = wire_read_blob(m, SIZE_MAX, &w.documents, &w.size);
        if (r < 0)
                return session_answer_error(r);

        /* The parts must fill the blob exactly. */
        for (size_t i = 0; i < w.n; ++i) {
                if (w.writers[i].document_size > w.size - total)
                        return session_answer_error(-EBADMSG);
                total += w.writers[i].document_size;
        }
        if (total != w.size)
                return session_answer_error(-EBADMSG);

        *ret = w;
        w = (SessionWriters){ 0 };
        return S_OK;
}

void session_statuses_clear(SessionStatuses *s) {
        for (size_t i = 0; i < s->n; ++i)
                wire_writer_status_clear(s->statuses + i);
        free(s->statuses);
        *s = (SessionStatuses){ 0 };
}

HRESULT session_proxy_read_statuses(sd_bus_message *m, SessionStatuses *ret) {
        _cleanup_(session_statuses_clear) SessionStatuses s = { 0 };
        int r;

        r = READ_ARRAY(m, WIRE_WRITER_STATUS, s.statuses, s.n, s.capacity, wire_read_writer_status);
        if (r < 0)
                return session_answer_error(r);

        *ret = s;
        s = (SessionStatuses){ 0 };
        return S_OK;
}

static int read_string(sd_bus_message *m, char **ret) {
        const char *text;
        int r;

        r = sd_bus_message_read(m, "s", &text);
        return r < 0 ? r : strdup_to(text, ret);
}

HRESULT session_proxy_get_status(char **ret_json) {
        _cleanup_(wire_client_unrefp) WireClient *client = NULL;
        HRESULT hr;

        hr = client_open(&client);
        if (FAILED(hr))
                return hr;

        _cleanup_call_ SessionCall c = manager_call(client, "GetStatus");

        session_call_send(&c);
        CALL_READ(&c, read_string, ret_json);
        return session_call_end(&c);
}
