/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Session Proxy
 *
 * The requester's end of the wire: one function per call of umbra.Session1 (wire/wire-names.h), in C types.
 * Knows neither COM nor the order of calls. Failures are results, with umbrad's own sentence in
 * last_error_get().
 *
 * The lock of the connection (wire_client_lock) also guards whatever the answers of operations change.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>
#include <vss.h>

#include "base/macro.h"
#include "wire/wire-client.h"
#include "wire/wire-names.h"
#include "wire/wire-area.h"
#include "wire/wire-types.h"

typedef struct SessionProxy {
        WireClient *client;
        pid_t pid; /* of the process that it belongs to */
        GUID id;
} SessionProxy;

/* Connects and opens a session. E_ACCESSDENIED to strangers; VSS_E_UNEXPECTED when nobody listens. */
HRESULT session_proxy_open(SessionProxy **ret);
/* And initializes it as one that only asks. */
HRESULT session_proxy_open_to_query(int32_t context, SessionProxy **ret);
SessionProxy *session_proxy_free(SessionProxy *p); /* ends the connection; takes NULL, returns NULL */
DEFINE_CLEANUP(SessionProxy *, session_proxy_free)

/* Whether there still is a session: VSS_E_UNEXPECTED when the connection was lost, E_ACCESSDENIED when umbrad
 * ended it because the caller's grant is gone. */
HRESULT session_proxy_check(SessionProxy *p);

HRESULT session_proxy_initialize(SessionProxy *p, WireSessionKind kind, int32_t context);
HRESULT session_proxy_select_writers(SessionProxy *p, WireWriterSelection what, const GUID *ids, size_t n);
HRESULT session_proxy_start_set(SessionProxy *p, int32_t context, GUID *ret_set_id);
/* What *ret_volume is: the volume as umbrad names it. */
HRESULT session_proxy_add_volume(SessionProxy *p,
                                 const char *volume,
                                 const GUID *provider_id,
                                 GUID *ret_snapshot_id,
                                 GUID *ret_provider_id,
                                 char **ret_volume);
/* What registered providers say of shadow copies that umbra knows nothing of. */
HRESULT session_proxy_ask_foreign(SessionProxy *p,
                                  const char *volume,
                                  bool *ret_present,
                                  int32_t *ret_compatibility);
HRESULT session_proxy_is_volume_supported(SessionProxy *p,
                                          const GUID *provider_id,
                                          const char *volume,
                                          bool *ret);
HRESULT session_proxy_get_snapshot(SessionProxy *p, const GUID *snapshot_id, WireSnapshot *ret);

/* The answer to a query; most of the arrays are empty. */
typedef struct SessionQuery {
        WireSnapshot *snapshots;
        size_t n_snapshots, snapshots_capacity;
        WireProvider *providers;
        size_t n_providers, providers_capacity;
        WireVolume *volumes;
        size_t n_volumes, volumes_capacity;
        WireArea *areas;
        size_t n_areas, areas_capacity;
        WirePlace *places;
        size_t n_places, places_capacity;
} SessionQuery;

void session_query_clear(SessionQuery *q);
HRESULT session_proxy_query(SessionProxy *p, VSS_OBJECT_TYPE returned, int32_t context, SessionQuery *ret);
HRESULT session_proxy_query_volumes(SessionProxy *p,
                                    const GUID *provider_id,
                                    int32_t context,
                                    SessionQuery *ret);

/* S_OK also when it stopped half-way: then *ret_result says why, and *ret_nondeleted where. */
HRESULT session_proxy_delete(SessionProxy *p,
                             const GUID *id,
                             VSS_OBJECT_TYPE type,
                             bool force,
                             int32_t *ret_deleted,
                             GUID *ret_nondeleted,
                             HRESULT *ret_result);
HRESULT session_proxy_abort(SessionProxy *p);
HRESULT session_proxy_cancel(SessionProxy *p, uint32_t operation);

/*
 * Operations
 *
 * Begins the call @member with the number @operation, what @append adds to it, and, unless it is NULL, the
 * document. If it returns S_OK, @callback gets the answer: see wire_client_call_async().
 */
typedef enum SessionDocument {
        DOCUMENT_NONE,     /* the call has no such argument */
        DOCUMENT_OPTIONAL, /* it may be NULL */
        DOCUMENT_REQUIRED,
} SessionDocument;

HRESULT session_proxy_begin(SessionProxy *p,
                            const char *member,
                            uint32_t operation,
                            int (*append)(sd_bus_message *m, const void *arg),
                            const void *arg,
                            SessionDocument kind,
                            const char *document,
                            size_t size,
                            sd_bus_message_handler_t callback,
                            void *userdata);

/* What the answers hold. E_OUTOFMEMORY, or VSS_E_UNEXPECTED when they are not as they should be. */
HRESULT session_proxy_read_document(sd_bus_message *m, SessionDocument kind, char **ret, size_t *ret_size);

typedef struct SessionWriters {
        WireWriter *writers;
        size_t n, capacity;
        char *documents; /* one after the other, in the order of @writers */
        size_t size;
} SessionWriters;

void session_writers_clear(SessionWriters *w);
HRESULT session_proxy_read_writers(sd_bus_message *m, SessionWriters *ret);

typedef struct SessionStatuses {
        WireWriterStatus *statuses;
        size_t n, capacity;
} SessionStatuses;

void session_statuses_clear(SessionStatuses *s);
HRESULT session_proxy_read_statuses(sd_bus_message *m, SessionStatuses *ret);

/* umbra.Manager1.GetStatus, on a connection of its own. */
HRESULT session_proxy_get_status(char **ret_json);

/* The sentence of @error into last_error_get(), and its result. */
HRESULT session_proxy_error(const sd_bus_error *error);
