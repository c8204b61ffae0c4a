/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Session Proxy
 *
 * Each function takes the lock of the connection first, so that the messages are gone when it is given up.
 */

#include "requester/session-proxy-internal.h"

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

static HRESULT access_revoked(void) {
        return last_error_set(E_ACCESSDENIED,
                              "The right to make backups was taken away (umbra.conf), and with it the "
                              "session ended: what it was doing is undone.");
}

/* What went wrong on our side, before umbrad was asked. */
static HRESULT request_error(const char *member, int r) {
        if (r == -ENOMEM)
                return last_error_set(E_OUTOFMEMORY, NULL);
        if (r == -E2BIG)
                return last_error_set(E_INVALIDARG, "An argument of %s() is too long.", member);
        if (r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE)
                return last_error_set(VSS_E_UNEXPECTED,
                                      "The connection to umbrad is lost; create a new object.");
        if (r == -ECHILD)
                return last_error_set(VSS_E_UNEXPECTED,
                                      "The object belongs to the process that fork() was called in.");
        if (r == -EACCES)
                return access_revoked();

        return last_error_set(hresult_from_errno(r), "%s() cannot be sent: %s.", member, strerror(-r));
}

HRESULT session_proxy_check(SessionProxy *p) {
        if (p->pid != getpid())
                return request_error("", -ECHILD);

        WIRE_CLIENT_LOCKED(p->client);

        wire_client_poll(p->client);
        if (wire_client_is_revoked(p->client))
                return access_revoked();
        if (!wire_client_is_connected(p->client))
                return last_error_set(VSS_E_UNEXPECTED,
                                      "The connection to umbrad is lost and the session over; it cannot be "
                                      "resumed: create a new object.");

        return S_OK;
}

HRESULT session_answer_error(int r) {
        if (r == -ENOMEM)
                return last_error_set(E_OUTOFMEMORY, NULL);

        return last_error_set(VSS_E_UNEXPECTED,
                              "The answer of umbrad is not understood (%s); library and umbrad may "
                              "be of different versions.",
                              strerror(-r));
}

int session_request_new(SessionProxy *p,
                        const char *path,
                        const char *interface,
                        const char *member,
                        sd_bus_message **ret) {
        sd_bus *bus = wire_client_lock(p->client);
        int r;

        r = sd_bus_message_new_method_call(bus, ret, NULL, path, interface, member);
        wire_client_unlock(p->client);
        return r;
}

static int request_new(SessionProxy *p, const char *member, sd_bus_message **ret) {
        return session_request_new(p, WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, member, ret);
}

HRESULT session_request_call(WireClient *client,
                             sd_bus_message *m,
                             int r,
                             const char *member,
                             usec_t timeout,
                             sd_bus_message **ret_reply) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        if (r < 0)
                return request_error(member, r);

        r = wire_client_call(client, m, timeout, &error, ret_reply);
        if (r == -ENOMEM || r == -ECHILD || r == -EDEADLK)
                return request_error(member, r);

        return r < 0 ? session_proxy_error(&error) : S_OK;
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

static HRESULT session_proxy_open_session(SessionProxy *p) {
        uint32_t version;
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = sd_bus_message_new_method_call(wire_client_lock(p->client), &m, NULL, WIRE_MANAGER_PATH,
                                           WIRE_MANAGER_INTERFACE, "OpenSession");
        wire_client_unlock(p->client);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", WIRE_PROTOCOL_VERSION);

        hr = session_request_call(p->client, m, r, "OpenSession", WIRE_CALL_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = sd_bus_message_read(reply, "u", &version);
        if (r >= 0)
                r = wire_read_guid(reply, &p->id);
        return r < 0 ? session_answer_error(r) : S_OK;
}

HRESULT session_proxy_open(SessionProxy **ret) {
        _cleanup_(session_proxy_freep) SessionProxy *p = NULL;
        HRESULT hr;

        p = calloc_checked(1, sizeof(*p));
        if (!p)
                return request_error("OpenSession", -ENOMEM);
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

SessionProxy *session_proxy_free(SessionProxy *p) {
        if (!p)
                return NULL;

        wire_client_unref(p->client);
        free(p);
        return NULL;
}

HRESULT session_proxy_initialize(SessionProxy *p, WireSessionKind kind, int32_t context) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "Initialize", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ui", (uint32_t) kind, context);

        return session_request_call(p->client, m, r, "Initialize", WIRE_CALL_TIMEOUT_USEC, NULL);
}

HRESULT session_proxy_select_writers(SessionProxy *p, WireWriterSelection what, const GUID *ids, size_t n) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "SetWriterSelection", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", (uint32_t) what);
        if (r >= 0)
                r = wire_append_guids(m, ids, n);

        return session_request_call(p->client, m, r, "SetWriterSelection", WIRE_CALL_TIMEOUT_USEC, NULL);
}

HRESULT session_proxy_start_set(SessionProxy *p, int32_t context, GUID *ret_set_id) {
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "StartSnapshotSet", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "i", context);

        hr = session_request_call(p->client, m, r, "StartSnapshotSet", WIRE_CALL_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = wire_read_guid(reply, ret_set_id);
        return r < 0 ? session_answer_error(r) : S_OK;
}

HRESULT session_proxy_add_volume(SessionProxy *p,
                                 const char *volume,
                                 const GUID *provider_id,
                                 GUID *ret_snapshot_id,
                                 GUID *ret_provider_id,
                                 char **ret_volume) {
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "AddToSnapshotSet", &m);
        if (r >= 0)
                r = wire_append_text(m, volume);
        if (r >= 0)
                r = wire_append_guid(m, provider_id);

        hr = session_request_call(p->client, m, r, "AddToSnapshotSet", WIRE_PREPARE_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = wire_read_guid(reply, ret_snapshot_id);
        if (r >= 0)
                r = wire_read_guid(reply, ret_provider_id);
        if (r >= 0)
                r = wire_read_text(reply, ret_volume);
        return r < 0 ? session_answer_error(r) : S_OK;
}

HRESULT session_proxy_is_volume_supported(SessionProxy *p,
                                          const GUID *provider_id,
                                          const char *volume,
                                          bool *ret) {
        int r, supported;
        HRESULT hr;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "IsVolumeSupported", &m);
        if (r >= 0)
                r = wire_append_guid(m, provider_id);
        if (r >= 0)
                r = wire_append_text(m, volume);

        hr = session_request_call(p->client, m, r, "IsVolumeSupported", WIRE_PREPARE_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = sd_bus_message_read(reply, "b", &supported);
        if (r < 0)
                return session_answer_error(r);

        *ret = supported;
        return S_OK;
}

HRESULT session_proxy_get_snapshot(SessionProxy *p, const GUID *snapshot_id, WireSnapshot *ret) {
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "GetSnapshotProperties", &m);
        if (r >= 0)
                r = wire_append_guid(m, snapshot_id);

        hr = session_request_call(p->client, m, r, "GetSnapshotProperties", WIRE_PREPARE_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = wire_read_snapshot(reply, ret);
        return r < 0 ? session_answer_error(r) : S_OK;
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

HRESULT session_proxy_query(SessionProxy *p, VSS_OBJECT_TYPE returned, int32_t context, SessionQuery *ret) {
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "Query", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ui", (uint32_t) returned, context);

        hr = session_request_call(p->client, m, r, "Query", WIRE_PREPARE_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = READ_ARRAY(reply, WIRE_SNAPSHOT, q.snapshots, q.n_snapshots, q.snapshots_capacity,
                       wire_read_snapshot);
        if (r >= 0)
                r = READ_ARRAY(reply, WIRE_PROVIDER, q.providers, q.n_providers, q.providers_capacity,
                               wire_read_provider);
        if (r < 0)
                return session_answer_error(r);

        *ret = q;
        q = (SessionQuery){ 0 };
        return S_OK;
}

HRESULT session_proxy_query_volumes(SessionProxy *p,
                                    const GUID *provider_id,
                                    int32_t context,
                                    SessionQuery *ret) {
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "QueryVolumes", &m);
        if (r >= 0)
                r = wire_append_guid(m, provider_id);
        if (r >= 0)
                r = sd_bus_message_append(m, "i", context);

        hr = session_request_call(p->client, m, r, "QueryVolumes", WIRE_PREPARE_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = READ_ARRAY(reply, WIRE_VOLUME, q.volumes, q.n_volumes, q.volumes_capacity, wire_read_volume);
        if (r < 0)
                return session_answer_error(r);

        *ret = q;
        q = (SessionQuery){ 0 };
        return S_OK;
}

HRESULT session_proxy_delete(SessionProxy *p,
                             const GUID *id,
                             VSS_OBJECT_TYPE type,
                             bool force,
                             int32_t *ret_deleted,
                             GUID *ret_nondeleted,
                             HRESULT *ret_result) {
        HRESULT hr;
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = request_new(p, "DeleteSnapshots", &m);
        if (r >= 0)
                r = wire_append_guid(m, id);
        if (r >= 0)
                r = sd_bus_message_append(m, "ub", (uint32_t) type, (int) force);

        hr = session_request_call(p->client, m, r, "DeleteSnapshots", WIRE_DELETE_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = sd_bus_message_read(reply, "i", ret_deleted);
        if (r >= 0)
                r = wire_read_guid(reply, ret_nondeleted);
        if (r >= 0)
                r = sd_bus_message_read(reply, "i", ret_result);
        return r < 0 ? session_answer_error(r) : S_OK;
}

HRESULT session_proxy_abort(SessionProxy *p) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "AbortBackup", &m);
        return session_request_call(p->client, m, r, "AbortBackup", WIRE_PREPARE_TIMEOUT_USEC, NULL);
}

HRESULT session_proxy_cancel(SessionProxy *p, uint32_t operation) {
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, "Cancel", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", operation);

        return session_request_call(p->client, m, r, "Cancel", WIRE_PREPARE_TIMEOUT_USEC, NULL);
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
        int r;

        WIRE_CLIENT_LOCKED(p->client);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = request_new(p, member, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", operation);
        if (r >= 0)
                r = append(m, arg);
        if (r >= 0 && kind == DOCUMENT_REQUIRED)
                r = wire_append_blob(m, document, size);
        if (r >= 0 && kind == DOCUMENT_OPTIONAL)
                r = wire_append_optional_blob(m, document, size);
        if (r >= 0)
                r = wire_client_call_async(p->client, m, callback, userdata);

        return r < 0 ? request_error(member, r) : S_OK;
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

HRESULT session_proxy_get_status(char **ret_json) {
        _cleanup_(wire_client_unrefp) WireClient *client = NULL;
        const char *json;
        HRESULT hr;
        int r;

        hr = client_open(&client);
        if (FAILED(hr))
                return hr;

        WIRE_CLIENT_LOCKED(client);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        r = sd_bus_message_new_method_call(wire_client_lock(client), &m, NULL, WIRE_MANAGER_PATH,
                                           WIRE_MANAGER_INTERFACE, "GetStatus");
        wire_client_unlock(client);

        hr = session_request_call(client, m, r, "GetStatus", WIRE_CALL_TIMEOUT_USEC, &reply);
        if (FAILED(hr))
                return hr;

        r = sd_bus_message_read(reply, "s", &json);
        if (r >= 0)
                r = strdup_to(json, ret_json);
        return r < 0 ? session_answer_error(r) : S_OK;
}
