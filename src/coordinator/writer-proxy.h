/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Writers, as the Coordinator Sees Them
 *
 * One registered writer: who it says it is, and a way to send it an event and get exactly one answer: its own, or one made up when the
 * deadline passes (VSS_E_WRITERERROR_TIMEOUT) or its connection ends (VSS_E_WRITER_NOT_RESPONDING). An express writer is asked in the same way,
 * and umbrad answers in its place (express-writers.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>
#include <vss.h>
#include <vswriter.h>

#include "base/macro.h"
#include "base/time-util.h"
#include "coordinator/coordinator-forward.h"
#include "wire/wire-names.h"

struct WriterProxy {
        WriterProxy *prev, *next; /* Manager.writers */
        Manager *manager;
        bool listed;
        Connection *connection;   /* NULL: an express writer */
        unsigned n_sessions;      /* that know it */
        GUID writer_id, instance_id;
        char *name, *instance_name;
        uint32_t major_version, minor_version;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        VSS_APPLICATION_LEVEL level;
        usec_t freeze_limit;
        uint32_t event_mask;
        WriterCall *calls;
};

typedef struct WriterDevice {
        const char *volume, *device;
} WriterDevice;

typedef struct WriterEventArgs {
        WireEvent event;
        GUID session_id, set_id;
        int32_t context;
        VSS_BACKUP_TYPE backup_type;
        VSS_RESTORE_TYPE restore_type;
        uint32_t flags; /* WIRE_EVENT_… */
        const char *const *volumes;
        size_t n_volumes;
        const WriterDevice *devices;
        size_t n_devices;
        const char *document; /* NULL: none */
        size_t document_size;
} WriterEventArgs;

struct WriterReply {
        HRESULT hr, hr_application;
        const char *message;
        const char *document; /* NULL: none */
        size_t document_size;
};

typedef void (*WriterAnswered)(WriterProxy *w, const WriterReply *reply, void *userdata);

static inline bool writer_proxy_is_express(const WriterProxy *w) {
        return !w->connection;
}

/* One that is not in the list. Its open calls are forgotten. Takes NULL, returns NULL. */
WriterProxy *writer_proxy_free(WriterProxy *w);
DEFINE_CLEANUP(WriterProxy *, writer_proxy_free)
/* For an express writer: once it is neither in the list nor known to a session. */
void writer_proxy_free_if_unused(WriterProxy *w);

/* @ret is for writer_call_forget(); it is gone once the answer was given. */
int writer_proxy_send(WriterProxy *w, const WriterEventArgs *args, usec_t timeout, WriterAnswered done, void *userdata,
                      WriterCall **ret);
/* The answer is of no interest any more: @done will not be called. Returns NULL. */
WriterCall *writer_call_forget(WriterCall *call);

/* Reads an answer. @reply points into @message and @document, which the caller frees, also on failure. */
int writer_reply_read(sd_bus_message *m, WriterReply *reply, char **message, char **document);

/* Gives every open call its answer, tells the sessions, frees. The role_closed of a writer's connection. */
void writer_proxy_closed(void *userdata);
