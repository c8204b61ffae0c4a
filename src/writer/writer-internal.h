/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Inside a Writer
 *
 * Two threads serve one writer. The connection's thread reads events and never runs an application's code,
 * so a slow handler never stops the connection from answering; it puts them into a queue. The callbacks'
 * thread takes them out one at a time, calls the handler, and answers. It also keeps the freeze limit: a
 * writer that is not thawed in time wakes by itself.
 *
 * Locks: life is taken by whoever subscribes or unsubscribes, for as long as that takes. The client's lock
 * is taken before ours (events arrive under it), so nothing is asked of a client while our lock is held.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <umbra-writer.h>
#include <vsbackup.h>

#include "base/time-util.h"
#include "view/create-metadata.h"
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
        char **volumes; /* strv */
        char **devices; /* strv: volume, device, volume, device … */
        char *document;
        size_t document_size;
} WriterEvent;

struct UmbraWriter {
        UmbraWriterCallbacks callbacks;
        void *userdata;

        /* Who it is: set once, before it subscribes. */
        bool initialized;
        VSS_ID id, instance_id;
        char *name, *instance_name;
        DWORD major_version, minor_version;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        VSS_APPLICATION_LEVEL level;
        usec_t freeze_limit;

        pthread_mutex_t life; /* guards what follows */
        bool subscribed;
        _Atomic pid_t pid; /* a fork has our memory, but not our threads */
        char *socket;      /* where umbrad listened when the writer subscribed */
        DWORD event_mask, unsubscribe_timeout_ms;
        pthread_t connection_thread, callback_thread;

        pthread_mutex_t lock; /* guards what follows */
        pthread_cond_t changed;
        bool stopping, lost, callbacks_ended;
        WireClient *client;
        WriterEvent *queue;

        /* Of the callbacks' thread alone. */
        WriterSession *sessions;
        const WriterEvent *current;
        LPCWSTR *volume_names; /* of the current event, as the application sees them; owned */
        LPCWSTR *device_names;
        UINT n_volume_names, n_device_names;
        HRESULT failure, failure_application;
        char *failure_message;
        IVssExamineWriterMetadata *identify; /* what it said last about itself */
        /* What OnIdentify() got last; it has no AddRef(), so a pointer that the handler kept is good until the
         * next one. */
        CreateMetadata *create;
};

/* writer-connection.c */
HRESULT writer_connect(UmbraWriter *w, usec_t timeout);
void *writer_connection_main(void *userdata);
WriterEvent *writer_event_free(WriterEvent *e);
/* What umbrad says with an event; @e is zero before. On failure it may be half full. */
int writer_event_read(sd_bus_message *m, WriterEvent *e);
/* All that no handler has seen. */
void writer_drop_queue(UmbraWriter *w);

/* writer-callbacks.c */
void *writer_callbacks_main(void *userdata);
bool writer_on_callback_thread(const UmbraWriter *w);
/* The event that a handler of this very thread is about, or NULL. */
const WriterEvent *writer_current_event(const UmbraWriter *w);

/* writer-path.c */
/* %NAME% is what the environment says; a name that it does not have, and every other %, stays. */
int path_expand(const char *path, char **ret);
/* Does @path, which need not exist, lie on the volume that begins at @volume? Volumes mounted further down
 * are others. */
bool path_is_on_volume(const char *path, const char *volume);
/* Without the links in the part of @path that exists. */
int path_real(const char *path, char **ret);

/* writer-exclude.c */
/* Deletes from the copies of @e (PostSnapshot) what @identify (may be NULL) says that is not to be in them. All
 * that can be is, also when something fails: *ret_why is then a sentence about the first of that, or NULL. */
int writer_exclude_files(IVssExamineWriterMetadata *identify, const WriterEvent *e, char **ret_why);
