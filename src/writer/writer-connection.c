/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Writer's Connection
 *
 * Connects, registers, reads events into the queue. When umbrad ends, the application is woken and the
 * writer waits for umbrad to come back: a socket that is there again is tried at growing intervals.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "doc/doc-limits.h"
#include "wire/last-error.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"
#include "writer/writer-internal.h"

#define RECONNECT_FIRST_USEC (50 * USEC_PER_MSEC)
#define RECONNECT_MAX_USEC (2 * USEC_PER_SEC)
#define RECONNECT_DENIED_USEC (60 * USEC_PER_SEC) /* its grant is gone, and each refusal is a line in a log */
#define RECONNECT_TIMEOUT_USEC (2 * USEC_PER_SEC) /* of one attempt; nothing cuts it short, so unsubscribing may have to wait for it */

WriterEvent *writer_event_free(WriterEvent *e) {
        if (!e)
                return NULL;
        if (e->client) {
                (void) wire_client_lock(e->client); /* messages and their bus are touched under its lock only */
                sd_bus_message_unref(e->request);
                wire_client_unlock(e->client);
                wire_client_unref(e->client);
        }
        strv_free(e->volumes);
        strv_free(e->devices);
        free(e->document);
        free(e);
        return NULL;
}

void writer_drop_queue(UmbraWriter *w) {
        WriterEvent *e, *tmp, *dropped;

        pthread_mutex_lock(&w->lock);
        dropped = w->queue;
        w->queue = NULL;
        pthread_mutex_unlock(&w->lock);

        DL_FOREACH_SAFE(dropped, e, tmp)
                writer_event_free(e);
}

static int event_read_devices(sd_bus_message *m, char ***ret) {
        _cleanup_(strv_freep) char **devices = NULL;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(ss)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'r', "ss")) > 0) {
                _cleanup_(freep) char *volume = NULL, *device = NULL;

                r = wire_read_text(m, &volume);
                if (r >= 0)
                        r = wire_read_text(m, &device);
                if (r >= 0)
                        r = strv_append(&devices, volume ?: "");
                if (r >= 0)
                        r = strv_append(&devices, device ?: "");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
                if (strv_length(devices) > 2 * WIRE_VOLUMES_MAX)
                        return -E2BIG;
        }
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(devices);
        return 0;
}

int writer_event_read(sd_bus_message *m, WriterEvent *e) {
        uint32_t event, backup_type, restore_type;
        int32_t context;
        int r;

        r = sd_bus_message_read(m, "u", &event);
        if (r >= 0 && event >= _WIRE_EVENT_MAX)
                r = -EBADMSG;
        if (r >= 0)
                r = wire_read_guid(m, &e->session_id);
        if (r >= 0)
                r = wire_read_guid(m, &e->set_id);
        if (r >= 0)
                r = sd_bus_message_read(m, "iuuu", &context, &backup_type, &restore_type, &e->flags);
        if (r >= 0)
                r = wire_read_texts(m, WIRE_VOLUMES_MAX, &e->volumes);
        if (r >= 0)
                r = event_read_devices(m, &e->devices);
        if (r >= 0)
                r = wire_read_optional_blob(m, DOCUMENT_SIZE_MAX, &e->document, &e->document_size);
        if (r < 0)
                return r;

        e->event = (WireEvent) event;
        e->context = context;
        e->backup_type = (VSS_BACKUP_TYPE) backup_type;
        e->restore_type = (VSS_RESTORE_TYPE) restore_type;
        return 0;
}

/* Runs on the connection's thread with the client's lock held. */
static int writer_on_event(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        UmbraWriter *w = userdata;
        WriterEvent *e;
        int r;

        e = calloc_checked(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        r = writer_event_read(m, e);
        if (r < 0) {
                writer_event_free(e);
                return r;
        }
        e->request = sd_bus_message_ref(m);

        pthread_mutex_lock(&w->lock);
        e->client = wire_client_ref(w->client);
        DL_APPEND(w->queue, e);
        pthread_cond_broadcast(&w->changed);
        pthread_mutex_unlock(&w->lock);
        return 1;
}

static const sd_bus_vtable writer_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Event", "uayayiuuuasa(ss)ah", "iisah", writer_on_event, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static int writer_register_message(UmbraWriter *w, WireClient *c, sd_bus_message **ret) {
        _cleanup_message_ sd_bus_message *m = NULL;
        sd_bus *bus = wire_client_lock(c);
        int r;

        r = sd_bus_add_object_vtable(bus, NULL, WIRE_WRITER_PATH, WIRE_WRITER_INTERFACE, writer_vtable, w);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, NULL, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, "RegisterWriter");
        if (r >= 0)
                r = sd_bus_message_append(m, "u", WIRE_PROTOCOL_VERSION);
        if (r >= 0)
                r = wire_append_guid(m, &w->id);
        if (r >= 0)
                r = wire_append_guid(m, &w->instance_id);
        if (r >= 0)
                r = wire_append_text(m, w->name);
        if (r >= 0)
                r = wire_append_text(m, w->instance_name);
        if (r >= 0)
                r = sd_bus_message_append(m, "uuuuitu", w->major_version, w->minor_version, (uint32_t) w->usage, (uint32_t) w->source,
                                          (int32_t) w->level, (uint64_t) w->freeze_limit, (uint32_t) w->event_mask);
        if (r >= 0)
                *ret = TAKE_PTR(m);
        wire_client_unlock(c);
        return r;
}

/* Makes @c the writer's connection; false when the writer is stopping and needs none any more. */
static bool writer_take_client(UmbraWriter *w, WireClient *c) {
        bool wanted;

        pthread_mutex_lock(&w->lock);
        wanted = !w->stopping;
        if (wanted)
                w->client = wire_client_ref(c);
        pthread_mutex_unlock(&w->lock);
        return wanted;
}

static void writer_drop_client(UmbraWriter *w) {
        WireClient *c;

        pthread_mutex_lock(&w->lock);
        c = TAKE_PTR(w->client);
        pthread_mutex_unlock(&w->lock);
        wire_client_unref(c);
}

static HRESULT writer_register(UmbraWriter *w, WireClient *c) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        WIRE_CLIENT_LOCKED(c);
        _cleanup_message_ sd_bus_message *call = NULL;
        HRESULT hr;
        int r;

        r = writer_register_message(w, c, &call);
        if (r >= 0)
                r = wire_client_call(c, call, WIRE_CALL_TIMEOUT_USEC, &error, NULL);
        if (r >= 0)
                return S_OK;

        if (r == -ENOMEM)
                return last_error_set(E_OUTOFMEMORY, NULL);
        hr = sd_bus_error_is_set(&error) ? hresult_from_wire_error(&error) : VSS_E_UNEXPECTED;
        return last_error_set(hr, "umbrad refused the writer: %s", error.message ?: hresult_sentence(hr));
}

/* Connects and registers once. On success w->client is the connection. */
HRESULT writer_connect(UmbraWriter *w, usec_t timeout) {
        _cleanup_(wire_client_unrefp) WireClient *c = NULL;
        HRESULT hr;
        int r;

        r = wire_client_connect(w->socket, timeout, &c);
        if (r == -ENOMEM)
                return last_error_set(E_OUTOFMEMORY, NULL);
        if (r < 0)
                return last_error_set(r == -EACCES ? E_ACCESSDENIED : VSS_E_WRITER_INFRASTRUCTURE,
                                      "umbrad does not answer on '%s' (%s): is it running? Set " WIRE_SOCKET_ENV
                                      " if it listens elsewhere",
                                      w->socket, strerror(-r));

        /* Events may come right behind the answer, so the client must be known before. */
        if (!writer_take_client(w, c))
                return VSS_E_BAD_STATE;
        hr = writer_register(w, c);
        if (FAILED(hr)) {
                wire_client_disconnect(c);
                writer_drop_client(w);
                writer_drop_queue(w);
        }
        return hr;
}

static bool never(void *arg) {
        return false;
}

/* Waits for a stop or for @usec; true: stop. */
static bool writer_pause(UmbraWriter *w, usec_t usec) {
        struct timespec until = timespec_from_usec(usec_add(now_usec(CLOCK_MONOTONIC), usec));
        bool stopping;
        int r = 0;

        pthread_mutex_lock(&w->lock);
        while (!w->stopping && r == 0)
                r = pthread_cond_timedwait(&w->changed, &w->lock, &until);
        stopping = w->stopping;
        pthread_mutex_unlock(&w->lock);
        return stopping;
}

/* Umbrad is gone: whoever froze for it must wake. What no handler of the old connection has seen is
 * dropped. */
static void writer_lost(UmbraWriter *w) {
        writer_drop_client(w);
        writer_drop_queue(w);

        pthread_mutex_lock(&w->lock);
        w->lost = true;
        pthread_cond_broadcast(&w->changed);
        pthread_mutex_unlock(&w->lock);
}

static bool writer_reconnect(UmbraWriter *w) {
        usec_t pause = RECONNECT_FIRST_USEC;
        HRESULT hr;

        for (;;) {
                if (writer_pause(w, pause))
                        return false;
                hr = writer_connect(w, RECONNECT_TIMEOUT_USEC);
                if (SUCCEEDED(hr))
                        return true;
                pause = hr == E_ACCESSDENIED ? RECONNECT_DENIED_USEC : MIN(pause * 2, RECONNECT_MAX_USEC);
        }
}

void *writer_connection_main(void *userdata) {
        UmbraWriter *w = userdata;

        do {
                WireClient *c;

                pthread_mutex_lock(&w->lock);
                c = w->client ? wire_client_ref(w->client) : NULL;
                pthread_mutex_unlock(&w->lock);
                if (c) {
                        (void) wire_client_wait(c, never, NULL, USEC_INFINITY);
                        wire_client_unref(c);
                }
                writer_lost(w);
        } while (writer_reconnect(w));
        return NULL;
}
