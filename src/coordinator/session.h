/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Sessions
 *
 * One requester's backup or restore: its writers and their states, its document, its snapshot set. The library keeps the documented order of
 * calls; what stands here is what umbrad must be sure of whoever calls.
 */

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <vss.h>
#include <vswriter.h>

#include "base/time-util.h"
#include "coordinator/coordinator-forward.h"
#include "doc/backup-doc.h"
#include "wire/wire-names.h"

struct Session {
        Session *prev, *next; /* Manager.sessions */
        Manager *manager;
        Connection *connection;
        GUID id;
        WireSessionKind kind; /* 0 until Initialize */
        int32_t context;
        usec_t started;

        struct {
                GUID *ids;
                size_t n;
        } selection[_WIRE_WRITER_SELECTION_MAX];
        bool enabled_only; /* classes were enabled: all others are not wanted */

        SessionWriter *writers; /* in the order in which they were gathered */
        bool gathered;
        WriterRound *round;
        const char *phase; /* of the running operation, for people */

        BackupDoc *doc; /* the last one the requester sent, as the writers changed it */
        SnapshotSet *set;
        Operation *operations;
        Operation *running;
        ProviderPool *pool; /* for questions outside a set */
        Recovery *recoveries; /* what RecoverSet will do */
        GUID *imported;       /* auto-release snapshots that ImportSnapshots took over, or is about to */
        size_t n_imported, imported_capacity;
};

HRESULT session_new(Manager *m, Connection *c, Session **ret);
/* The requester released its object or died: abort what is in progress, tell the writers, drop its auto-release snapshots. */
void session_closed(void *userdata);

HRESULT session_initialize(Session *s, WireSessionKind kind, int32_t context);
HRESULT session_select_writers(Session *s, WireWriterSelection what, const GUID *ids, size_t n);
bool session_wants_writer(const Session *s, const WriterProxy *w);
bool session_has_writers(const Session *s); /* by its context */

/* These begin something and settle @op when it ends. Each takes @op over in any case. @document as it came, NULL if none. */
void session_gather_metadata(Session *s, Operation *op);
void session_prepare_backup(Session *s, Operation *op, const char *document, size_t size);
void session_do_snapshot_set(Session *s, Operation *op, const char *document, size_t size);
void session_backup_complete(Session *s, Operation *op, const char *document, size_t size);
void session_restore_event(Session *s, Operation *op, WireEvent event, const char *document, size_t size);
void session_writer_status(Session *s, Operation *op);

HRESULT session_start_set(Session *s, int32_t context, GUID *ret_id);
/* Ends what runs; if that takes time, @request is answered later and 1 returned; else 0, or -errno with @error filled. */
int session_cancel(Session *s, uint32_t number, sd_bus_message *request, sd_bus_error *error);
int session_abort_set(Session *s, sd_bus_message *request, sd_bus_error *error);
int session_abort_backup(Session *s, sd_bus_message *request, sd_bus_error *error);

/* The document that the requester sent is ours from now on. */
HRESULT session_take_document(Session *s, const char *document, size_t size);
/* For snapshot-set.c: settles @op with the document. */
void session_settle_document(Session *s, Operation *op);
