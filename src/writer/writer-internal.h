/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Inside a Writer
 *
 * Two threads serve one writer. The connection's thread reads events and never runs an application's code, so a slow handler never stops the
 * connection from answering; it puts them into a queue. The callbacks' thread takes them out one at a time, calls the handler, and answers. It
 * also keeps the freeze limit: a writer that is not thawed in time wakes by itself.
 */

#include <pthread.h>
#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <umbra-writer.h>
#include <vsbackup.h>

#include "base/time-util.h"
#include "wire/wire-client.h"
#include "wire/wire-names.h"
#include "writer/writer-state.h"

/* One event on its way to a handler. */
typedef struct WriterEvent {
        struct WriterEvent *prev, *next; /* UmbraWriter.queue */
        WireEvent event;
        WireClient *client;      /* where the answer goes; NULL: made by ourselves, nobody waits for an answer */
        sd_bus_message *request; /* touched under the client's lock only */
        VSS_ID session_id, set_id;
        LONG context;
        VSS_BACKUP_TYPE backup_type;
        VSS_RESTORE_TYPE restore_type;
        uint32_t flags;
        bool lost; /* made because the connection has ended */
        char **volumes; /* strv */
        char **devices; /* strv: volume, device, volume, device … */
        char *document;
        size_t document_size;
} WriterEvent;

struct UmbraWriter {
        UmbraWriterCallbacks callbacks;
        void *userdata;

        bool initialized;
        VSS_ID id, instance_id;
        char *name, *instance_name;
        DWORD major_version, minor_version;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        VSS_APPLICATION_LEVEL level;
        usec_t freeze_limit;
        DWORD event_mask, unsubscribe_timeout_ms;

        pthread_mutex_t lock; /* guards what follows */
        pthread_cond_t changed;
        bool subscribed, stopping;
        WireClient *client;
        WriterEvent *queue;
        pthread_t connection_thread, callback_thread;
        bool callbacks_ended;

        /* Of the callbacks' thread alone. */
        WriterState state;
        usec_t thaw_deadline; /* USEC_INFINITY: not frozen */
        const WriterEvent *current;
        LPCWSTR *volume_names; /* of the current event, as the application sees them; owned */
        LPCWSTR *device_names;
        UINT n_volume_names, n_device_names;
        HRESULT failure, failure_application;
        char *failure_message;
        IVssExamineWriterMetadata *identify; /* what it said last about itself */
};

/* writer-connection.c */
HRESULT writer_connect(UmbraWriter *w);
void *writer_connection_main(void *userdata);
void writer_event_free(WriterEvent *e);

/* writer-callbacks.c */
void *writer_callbacks_main(void *userdata);
/* Under the lock. @event without a client: made by ourselves. */
void writer_enqueue(UmbraWriter *w, WriterEvent *event);
void writer_enqueue_abort(UmbraWriter *w, bool lost);
bool writer_on_callback_thread(UmbraWriter *w);
