/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra.Session1
 */

#include "coordinator/session-bus.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "catalog/catalog.h"
#include "coordinator/connection.h"
#include "coordinator/left-behind.h"
#include "coordinator/manager.h"
#include "coordinator/operation.h"
#include "coordinator/provider-registry.h"
#include "coordinator/session-foreign.h"
#include "coordinator/session-query.h"
#include "coordinator/session-storage-bus.h"
#include "coordinator/session.h"
#include "doc/doc-limits.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"

/* What each method is called with: the session of its connection. */
static int find_session(sd_bus *bus,
                        const char *path,
                        const char *interface,
                        void *userdata,
                        void **ret_session,
                        sd_bus_error *error) {
        Connection *c = userdata;
        int r;

        if (strcmp(path, WIRE_SESSION_PATH) != 0)
                return 0;
        if (c->role != ROLE_SESSION)
                return wire_error_set(error, VSS_E_BAD_STATE, "open a session first");

        r = left_behind_refuse(c->manager, sd_bus_get_current_message(bus), error);
        if (r < 0)
                return r;

        *ret_session = c->role_object;
        return 1;
}

int session_bus_reply(sd_bus_message *m, HRESULT hr, const char *why, sd_bus_error *error) {
        if (FAILED(hr))
                return wire_error_set(error, hr, why ? "%s" : NULL, why);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_initialize(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        uint32_t kind;
        int32_t context;
        int r;

        r = sd_bus_message_read(m, "ui", &kind, &context);
        if (r < 0)
                return r;
        return session_bus_reply(m, session_initialize(s, (WireSessionKind) kind, context), NULL, error);
}

static int method_set_writer_selection(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) GUID *ids = NULL;
        Session *s = userdata;
        uint32_t kind;
        HRESULT hr;
        size_t n;
        int r;

        r = sd_bus_message_read(m, "u", &kind);
        if (r < 0)
                return r;
        r = wire_read_guids(m, WIRE_IDS_MAX, &ids, &n);
        if (r < 0)
                return r;
        if (kind >= _WIRE_WRITER_SELECTION_MAX)
                return wire_error_set(error, E_INVALIDARG, NULL);
        hr = session_select_writers(s, (WireWriterSelection) kind, ids, n);
        if (hr == E_INVALIDARG)
                return wire_error_set(error, hr, "an object chooses among at most %u writers of a kind", WIRE_SELECTION_MAX);
        return session_bus_reply(m, hr, NULL, error);
}

static int method_start_snapshot_set(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        Session *s = userdata;
        int32_t context;
        HRESULT hr;
        GUID id;
        int r;

        r = sd_bus_message_read(m, "i", &context);
        if (r < 0)
                return r;
        hr = session_start_set(s, context, &id);
        if (FAILED(hr))
                return wire_error_set(error, hr, NULL);

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = wire_append_guid(reply, &id);
        return r < 0 ? r : connection_send(s->connection, reply);
}

/* Volume and provider, for the two that ask a provider. */
static int method_about_volume(sd_bus_message *m,
                               Session *s,
                               sd_bus_error *error,
                               bool provider_first,
                               void (*begin)(Session *s, Operation *op, const char *volume, const GUID *provider_id)) {
        _cleanup_(freep) char *volume = NULL;
        Operation *op;
        GUID provider;
        int r;

        if (provider_first) {
                r = wire_read_guid(m, &provider);
                if (r >= 0)
                        r = wire_read_text(m, &volume);
        } else {
                r = wire_read_text(m, &volume);
                if (r >= 0)
                        r = wire_read_guid(m, &provider);
        }
        if (r < 0)
                return r;
        r = operation_new(s, m, 0, &op, error);
        if (r < 0)
                return r;
        begin(s, op, volume ?: "", &provider);
        return 1;
}

static int method_add_to_snapshot_set(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method_about_volume(m, userdata, error, false, session_add_volume);
}

static int method_is_volume_supported(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method_about_volume(m, userdata, error, true, session_is_supported);
}

static int method_ask_foreign(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        _cleanup_(freep) char *volume = NULL;
        Operation *op;
        int r;

        r = wire_read_text(m, &volume);
        if (r >= 0)
                r = operation_new(s, m, 0, &op, error);
        if (r < 0)
                return r;

        session_ask_foreign(s, op, volume ?: "");
        return 1;
}

static int method_get_snapshot_properties(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        _cleanup_message_ sd_bus_message *reply = NULL;
        Session *s = userdata;
        WireSnapshot snapshot;
        HRESULT hr;
        GUID id;
        int r;

        r = wire_read_guid(m, &id);
        if (r < 0)
                return r;
        hr = session_get_snapshot(s, &id, &row);
        if (FAILED(hr))
                return wire_error_set(error, hr, NULL);

        wire_snapshot_from_catalog(&row, &snapshot);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = wire_append_snapshot(reply, &snapshot);
        return r < 0 ? r : connection_send(s->connection, reply);
}

typedef struct SnapshotsReply {
        sd_bus_message *message;
        int32_t context;
} SnapshotsReply;

static int append_in_context(const CatalogSnapshot *row, void *userdata) {
        const SnapshotsReply *reply = userdata;
        WireSnapshot snapshot;

        if (!snapshot_in_context(row, reply->context))
                return 0;
        wire_snapshot_from_catalog(row, &snapshot);
        return wire_append_snapshot(reply->message, &snapshot);
}

static int append_snapshots(sd_bus_message *reply, Session *s, bool wanted, int32_t context) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', WIRE_SNAPSHOT);
        if (r >= 0 && wanted)
                r = catalog_foreach(s->manager->catalog, CATALOG_CREATED, append_in_context,
                                    &(SnapshotsReply){ reply, context });
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_provider(const WireProvider *p, void *userdata) {
        return wire_append_provider(userdata, p);
}

static int append_providers(sd_bus_message *reply, Session *s, bool wanted) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', WIRE_PROVIDER);
        if (r >= 0 && wanted)
                r = provider_registry_foreach(s->manager, append_provider, reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int method_query(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        Session *s = userdata;
        uint32_t type;
        int32_t context;
        int r;

        r = sd_bus_message_read(m, "ui", &type, &context);
        if (r < 0)
                return r;
        if (type != VSS_OBJECT_SNAPSHOT && type != VSS_OBJECT_PROVIDER && type != VSS_OBJECT_NONE)
                return wire_error_set(error, E_INVALIDARG, NULL);

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_snapshots(reply, s, type != VSS_OBJECT_PROVIDER, context);
        if (r >= 0)
                r = append_providers(reply, s, type != VSS_OBJECT_SNAPSHOT);
        return r < 0 ? r : connection_send(s->connection, reply);
}

static int method_query_volumes(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        Operation *op;
        int32_t context;
        GUID provider;
        int r;

        r = wire_read_guid(m, &provider);
        if (r >= 0)
                r = sd_bus_message_read(m, "i", &context);
        if (r >= 0)
                r = operation_new(s, m, 0, &op, error);
        if (r < 0)
                return r;
        session_query_volumes(s, op, &provider);
        return 1;
}

static int method_delete_snapshots(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        Operation *op;
        uint32_t type;
        int force, r;
        GUID id;

        r = wire_read_guid(m, &id);
        if (r >= 0)
                r = sd_bus_message_read(m, "ub", &type, &force);
        if (r >= 0)
                r = operation_new(s, m, 0, &op, error);
        if (r < 0)
                return r;
        session_delete_snapshots(s, op, &id, (VSS_OBJECT_TYPE) type);
        return 1;
}

static int method_abort_backup(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        int r;

        r = session_abort_backup(s, m, error);
        return r != 0 ? r : sd_bus_reply_method_return(m, NULL);
}

static int method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        uint32_t number;
        int r;

        r = sd_bus_message_read(m, "u", &number);
        if (r < 0)
                return r;
        r = session_cancel(s, number, m, error);
        return r != 0 ? r : sd_bus_reply_method_return(m, NULL);
}

/* Operations */

int session_bus_operation_begin(sd_bus_message *m, Session *s, uint32_t number, Operation **ret, sd_bus_error *error) {
        int r;

        if (s->running)
                return wire_error_set(error, VSS_E_BAD_STATE, "another operation of this object is still running");
        r = operation_new(s, m, number, ret, error);
        if (r < 0)
                return r;
        s->running = *ret;
        return 0;
}

static int method_plain_operation(sd_bus_message *m, void *userdata, sd_bus_error *error, void (*begin)(Session *s, Operation *op)) {
        Session *s = userdata;
        uint32_t number;
        Operation *op;
        int r;

        r = sd_bus_message_read(m, "u", &number);
        if (r >= 0)
                r = session_bus_operation_begin(m, s, number, &op, error);
        if (r < 0)
                return r;
        begin(s, op);
        return 1;
}

static int method_gather_writer_metadata(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method_plain_operation(m, userdata, error, session_gather_metadata);
}

static int method_gather_writer_status(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method_plain_operation(m, userdata, error, session_writer_status);
}

static int method_document_operation(sd_bus_message *m,
                                     void *userdata,
                                     sd_bus_error *error,
                                     bool optional,
                                     void (*begin)(Session *s, Operation *op, const char *document, size_t size)) {
        _cleanup_(freep) char *document = NULL;
        Session *s = userdata;
        size_t size = 0;
        uint32_t number;
        Operation *op;
        int r;

        r = sd_bus_message_read(m, "u", &number);
        if (r < 0)
                return r;
        r = optional ? wire_read_optional_blob(m, DOCUMENT_SIZE_MAX, &document, &size) :
                       wire_read_blob(m, DOCUMENT_SIZE_MAX, &document, &size);
        if (r == -E2BIG)
                return wire_error_set(error, VSS_E_INVALID_XML_DOCUMENT, "the document is larger than %u bytes", DOCUMENT_SIZE_MAX);
        if (r < 0)
                return r;
        r = session_bus_operation_begin(m, s, number, &op, error);
        if (r < 0)
                return r;
        begin(s, op, document, size);
        return 1;
}

static int method_prepare_for_backup(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method_document_operation(m, userdata, error, false, session_prepare_backup);
}

static int method_do_snapshot_set(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method_document_operation(m, userdata, error, true, session_do_snapshot_set);
}

static int method_backup_complete(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method_document_operation(m, userdata, error, false, session_backup_complete);
}

static void begin_pre_restore(Session *s, Operation *op, const char *document, size_t size) {
        session_restore_event(s, op, WIRE_EVENT_PRE_RESTORE, document, size);
}

static void begin_post_restore(Session *s, Operation *op, const char *document, size_t size) {
        session_restore_event(s, op, WIRE_EVENT_POST_RESTORE, document, size);
}

static int method_pre_restore(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method_document_operation(m, userdata, error, false, begin_pre_restore);
}

static int method_post_restore(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method_document_operation(m, userdata, error, false, begin_post_restore);
}

#define METHOD(name, in, out, handler) SD_BUS_METHOD(name, in, out, handler, SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable session_vtable[] = {
        SD_BUS_VTABLE_START(0),
        METHOD("Initialize", "ui", "", method_initialize),
        METHOD("SetWriterSelection", "uaay", "", method_set_writer_selection),
        METHOD("StartSnapshotSet", "i", "ay", method_start_snapshot_set),
        METHOD("AddToSnapshotSet", "say", "ayays", method_add_to_snapshot_set),
        METHOD("IsVolumeSupported", "ays", "b", method_is_volume_supported),
        METHOD("AskForeign", "s", "bi", method_ask_foreign),
        METHOD("GetSnapshotProperties", "ay", WIRE_SNAPSHOT, method_get_snapshot_properties),
        METHOD("Query", "ui", "a" WIRE_SNAPSHOT "a" WIRE_PROVIDER, method_query),
        METHOD("QueryVolumes", "ayi", "a" WIRE_VOLUME, method_query_volumes),
        METHOD("DeleteSnapshots", "ayub", "iayi", method_delete_snapshots),
        METHOD("AbortBackup", "", "", method_abort_backup),
        METHOD("Cancel", "u", "", method_cancel),
        METHOD("GatherWriterMetadata", "u", "a" WIRE_WRITER "h", method_gather_writer_metadata),
        METHOD("GatherWriterStatus", "u", "a" WIRE_WRITER_STATUS, method_gather_writer_status),
        METHOD("PrepareForBackup", "uh", "h", method_prepare_for_backup),
        METHOD("DoSnapshotSet", "uah", "ah", method_do_snapshot_set),
        METHOD("BackupComplete", "uh", "h", method_backup_complete),
        METHOD("PreRestore", "uh", "h", method_pre_restore),
        METHOD("PostRestore", "uh", "h", method_post_restore),
        SD_BUS_VTABLE_END,
};

int session_bus_add_vtable(Connection *c, const sd_bus_vtable *vtable) {
        return sd_bus_add_fallback_vtable(c->bus, NULL, WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, vtable, find_session, c);
}

int session_bus_attach(Connection *c) {
        int r;

        r = session_storage_bus_attach(c);
        return r < 0 ? r : session_bus_add_vtable(c, session_vtable);
}
