/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sessions
 */

#include "coordinator/session.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/connection.h"
#include "coordinator/deed.h"
#include "coordinator/discard-queue.h"
#include "coordinator/idle.h"
#include "coordinator/manager.h"
#include "coordinator/operation.h"
#include "coordinator/provider-pool.h"
#include "coordinator/session-answers.h"
#include "coordinator/session-storage.h"
#include "coordinator/session-writer.h"
#include "coordinator/snapshot-set.h"
#include "coordinator/writer-proxy.h"
#include "coordinator/writer-round.h"
#include "doc/doc-limits.h"
#include "wire/wire-limits.h"

HRESULT session_new(Manager *m, Connection *c, Session **ret) {
        Session *s;

        s = calloc(1, sizeof(*s));
        if (!s)
                return E_OUTOFMEMORY;
        s->manager = m;
        s->connection = c;
        s->context = VSS_CTX_BACKUP;
        s->started = now_usec(CLOCK_MONOTONIC);
        guid_generate(&s->id);
        DL_APPEND(m->sessions, s);

        *ret = s;
        return S_OK;
}

/* Abort for whoever was prepared and has not had PostSnapshot; BackupShutdown for all that took part. */
static void session_dismiss_writers(Session *s) {
        SessionWriter *w;

        DL_FOREACH(s->writers, w) {
                if (!w->prepared)
                        continue;
                if (!w->post_sent && !w->settled)
                        session_notify_writer(s, w, WIRE_EVENT_ABORT);
                session_notify_writer(s, w, WIRE_EVENT_BACKUP_SHUTDOWN);
        }
}

static void session_release_snapshots(Session *s) {
        if (!s->set || s->set->state != SET_CREATED || (s->set->context & VSS_VOLSNAP_ATTR_NO_AUTO_RELEASE))
                return;

        for (size_t i = 0; i < s->set->n_snapshots; ++i)
                (void) discard_queue_add(s->manager->discards, &s->set->snapshots[i]->id, NULL, NULL);
}

void session_closed(void *userdata) {
        Session *s = userdata;

        log_debug("Session {%s} ends", GUID_TO_STRING(&s->id));
        if (s->set)
                snapshot_set_orphan(s->set);
        writer_round_free(s->round);
        while (s->operations)
                operation_free(s->operations);
        session_dismiss_writers(s);
        session_release_snapshots(s);
        session_storage_clear(s);

        snapshot_set_free(s->set);
        provider_pool_free(s->pool);
        while (s->writers)
                session_writer_free(s, s->writers);
        backup_doc_free(s->doc);
        for (size_t i = 0; i < ELEMENTSOF(s->selection); ++i)
                free(s->selection[i].ids);
        DL_DELETE(s->manager->sessions, s);
        if (!s->manager->sessions)
                idle_trim();
        free(s);
}

bool session_has_writers(const Session *s) {
        return !(s->context & VSS_VOLSNAP_ATTR_NO_WRITERS);
}

HRESULT session_initialize(Session *s, WireSessionKind kind, int32_t context) {
        if (kind < WIRE_SESSION_BACKUP || kind > WIRE_SESSION_QUERY)
                return E_INVALIDARG;
        if (s->kind != 0 && s->kind != kind)
                return VSS_E_BAD_STATE;

        s->kind = kind;
        s->context = context;
        return S_OK;
}

static int selection_add(Session *s, WireWriterSelection what, const GUID *ids, size_t n) {
        size_t old = s->selection[what].n;
        GUID *grown;

        if (old + n > WIRE_SELECTION_MAX)
                return -E2BIG;
        if (n == 0)
                return 0; /* an array without a size would be freed */

        grown = reallocarray(s->selection[what].ids, old + n, sizeof(GUID));
        if (!grown)
                return -ENOMEM;
        memcpy(grown + old, ids, n * sizeof(GUID));
        s->selection[what].ids = grown;
        s->selection[what].n = old + n;
        return 0;
}

static void selection_remove(Session *s, WireWriterSelection what, const GUID *id) {
        size_t kept = 0;

        for (size_t i = 0; i < s->selection[what].n; ++i)
                if (!guid_equal(&s->selection[what].ids[i], id))
                        s->selection[what].ids[kept++] = s->selection[what].ids[i];
        s->selection[what].n = kept;
}

static bool selection_has(const Session *s, WireWriterSelection what, const GUID *id) {
        for (size_t i = 0; i < s->selection[what].n; ++i)
                if (guid_equal(&s->selection[what].ids[i], id))
                        return true;
        return false;
}

/* The first enabling disables all that are not named, and forgets what was disabled before; from then on there is one list, which enabling
 * makes longer and disabling shorter. [MS: nf-vsbackup-ivssbackupcomponents-enablewriterclasses] */
HRESULT session_select_writers(Session *s, WireWriterSelection what, const GUID *ids, size_t n) {
        int r;

        if (s->gathered)
                return S_OK; /* without effect, as documented [MS: pitfall 3] */

        if (what == WIRE_DISABLE_CLASSES && s->enabled_only) {
                for (size_t i = 0; i < n; ++i)
                        selection_remove(s, WIRE_ENABLE_CLASSES, &ids[i]);
                return S_OK;
        }
        r = selection_add(s, what, ids, n);
        if (r < 0)
                return r == -E2BIG ? E_INVALIDARG : hresult_from_errno(r);
        if (what == WIRE_ENABLE_CLASSES && !s->enabled_only) {
                s->selection[WIRE_DISABLE_CLASSES].n = 0;
                s->enabled_only = true;
        }
        return S_OK;
}

bool session_wants_writer(const Session *s, const WriterProxy *w) {
        if (selection_has(s, WIRE_DISABLE_INSTANCES, &w->instance_id))
                return false;
        if (s->enabled_only)
                return selection_has(s, WIRE_ENABLE_CLASSES, &w->writer_id);
        return !selection_has(s, WIRE_DISABLE_CLASSES, &w->writer_id);
}

/* Identify */

static void gather_done(Session *s, unsigned failed, void *userdata) {
        Operation *op = userdata;
        SessionWriter *w, *tmp;

        s->phase = NULL;
        s->gathered = true;
        /* Who could not say who he is, is not there. [MS: pitfall 21] */
        DL_FOREACH_SAFE(s->writers, w, tmp)
                if (!w->identified)
                        session_writer_free(s, w);
        session_answer_metadata(s, op);
}

static bool gather_wants(const Session *s, const SessionWriter *w, void *userdata) {
        return true;
}

void session_gather_metadata(Session *s, Operation *op) {
        WriterProxy *w;

        if (s->gathered) {
                operation_settle(op, VSS_E_BAD_STATE, "writer metadata can be gathered once per object");
                return;
        }
        while (s->writers) /* asked before, and not heard to the end */
                session_writer_free(s, s->writers);
        DL_FOREACH(s->manager->writers, w)
                if (session_wants_writer(s, w) && session_writer_add(s, w, NULL) < 0) {
                        operation_settle(op, E_OUTOFMEMORY, NULL);
                        return;
                }

        s->phase = "identify";
        if (writer_round_start(s, &(RoundOptions){
                                          .event = WIRE_EVENT_IDENTIFY,
                                          .wants = gather_wants,
                                          .done = gather_done,
                                          .userdata = op,
                                  }) < 0)
                operation_settle(op, E_OUTOFMEMORY, NULL);
}

/* Events with a document */

HRESULT session_take_document(Session *s, const char *document, size_t size) {
        _cleanup_(backup_doc_freep) BackupDoc *doc = NULL;
        HRESULT hr;

        hr = backup_doc_read(document, size, &doc);
        if (FAILED(hr))
                return hr;
        backup_doc_free(s->doc);
        s->doc = TAKE_PTR(doc);
        return S_OK;
}

void session_settle_document(Session *s, Operation *op) {
        session_answer_document(s, op);
}

static void document_round_done(Session *s, unsigned failed, void *userdata) {
        s->phase = NULL;
        session_settle_document(s, userdata);
}

/* @wants NULL: those that participate. */
static void session_document_round(Session *s,
                                   Operation *op,
                                   WireEvent event,
                                   bool (*wants)(const Session *s, const SessionWriter *w, void *userdata)) {
        s->phase = wire_event_to_string(event);
        if (writer_round_start(s, &(RoundOptions){
                                          .event = event,
                                          .wants = wants,
                                          .done = document_round_done,
                                          .userdata = op,
                                  }) < 0)
                operation_settle(op, E_OUTOFMEMORY, NULL);
}

static bool prepare_wants(const Session *s, const SessionWriter *w, void *userdata) {
        return w->identified && !session_writer_failed(w);
}

void session_prepare_backup(Session *s, Operation *op, const char *document, size_t size) {
        HRESULT hr;

        if (s->kind != WIRE_SESSION_BACKUP || !session_has_writers(s)) {
                operation_settle(op, VSS_E_BAD_STATE, NULL);
                return;
        }
        hr = session_take_document(s, document, size);
        if (FAILED(hr)) {
                operation_settle(op, hr, NULL);
                return;
        }
        session_document_round(s, op, WIRE_EVENT_PREPARE_BACKUP, prepare_wants);
}

/* Since it was added, perhaps. */
static bool some_volume_is_being_reverted(const SnapshotSet *set) {
        for (size_t i = 0; i < set->n_snapshots; ++i)
                if (deed_queue_find_revert(set->manager->deeds, set->snapshots[i]->volume->path))
                        return true;
        return false;
}

void session_do_snapshot_set(Session *s, Operation *op, const char *document, size_t size) {
        HRESULT hr = S_OK;

        if (!s->set || s->set->state != SET_OPEN) {
                operation_settle(op, VSS_E_BAD_STATE, "there is no snapshot set that could be created");
                return;
        }
        if (some_volume_is_being_reverted(s->set)) {
                static const char why[] = "a volume of the set is being reverted; begin anew when QueryRevertStatus() says that this is over";

                snapshot_set_abort(s->set, VSS_E_PROVIDER_VETO, why);
                operation_settle(op, VSS_E_PROVIDER_VETO, why);
                return;
        }
        if (document)
                hr = session_take_document(s, document, size);
        if (FAILED(hr)) {
                operation_settle(op, hr, NULL);
                return;
        }
        snapshot_set_create(s->set, op);
}

static bool complete_wants(const Session *s, const SessionWriter *w, void *userdata) {
        return w->prepared && session_writer_participates(s, w);
}

void session_backup_complete(Session *s, Operation *op, const char *document, size_t size) {
        HRESULT hr;

        if (s->kind != WIRE_SESSION_BACKUP || !session_has_writers(s)) {
                operation_settle(op, VSS_E_BAD_STATE, NULL);
                return;
        }
        hr = session_take_document(s, document, size);
        if (FAILED(hr)) {
                operation_settle(op, hr, NULL);
                return;
        }
        session_document_round(s, op, WIRE_EVENT_BACKUP_COMPLETE, complete_wants);
}

/* The instance that a part of the document is about, if it is another one by now: that of its name, or where it has none, any that no other
 * part is about. */
static const SessionWriter *session_successor(const Session *s, const BackupWriter *part) {
        const SessionWriter *w, *found = NULL;

        DL_FOREACH(s->writers, w) {
                if (!guid_equal(&w->writer_id, &part->writer_id))
                        continue;
                if (guid_equal(&w->instance_id, &part->instance_id))
                        return NULL;
                if (part->instance_name && *part->instance_name && (!w->instance_name || strcmp(w->instance_name, part->instance_name) != 0))
                        continue;
                if (!found && !backup_doc_find_writer(s->doc, &w->instance_id, &w->writer_id))
                        found = w;
        }
        return found;
}

/* Instance ids change at every start of a writer. */
static HRESULT session_adopt_instances(Session *s) {
        for (size_t i = 0; i < s->doc->n_writers; ++i) {
                const SessionWriter *w = session_successor(s, s->doc->writers[i]);
                HRESULT hr = w ? backup_doc_set_instance(s->doc, i, &w->instance_id) : S_OK;

                if (FAILED(hr))
                        return hr;
        }
        return S_OK;
}

static bool restore_wants(const Session *s, const SessionWriter *w, void *userdata) {
        _cleanup_(backup_doc_part_freep) BackupWriter *part = NULL;

        if (!w->identified)
                return false;
        if (FAILED(backup_doc_restore_part(s->doc, &w->instance_id, &w->writer_id, &part)))
                return true; /* sending it fails, too, and that is not silent */
        for (size_t i = 0; i < part->n_components; ++i)
                if (part->components[i]->selected_for_restore == TRI_YES)
                        return true;
        return false;
}

void session_restore_event(Session *s, Operation *op, WireEvent event, const char *document, size_t size) {
        HRESULT hr;

        if (s->kind != WIRE_SESSION_RESTORE) {
                operation_settle(op, VSS_E_BAD_STATE, NULL);
                return;
        }
        hr = session_take_document(s, document, size);
        if (SUCCEEDED(hr))
                hr = session_adopt_instances(s);
        if (FAILED(hr)) {
                operation_settle(op, hr, NULL);
                return;
        }
        session_document_round(s, op, event, restore_wants);
}

void session_writer_status(Session *s, Operation *op) {
        session_answer_status(s, op);
}

HRESULT session_start_set(Session *s, int32_t context, GUID *ret_id) {
        SnapshotSet *set;
        int r;

        if (s->kind != WIRE_SESSION_BACKUP || s->running)
                return VSS_E_BAD_STATE;
        if (context == (int32_t) VSS_CTX_ALL)
                return VSS_E_UNSUPPORTED_CONTEXT;
        if (s->manager->current)
                return s->manager->current == s->set ? VSS_E_BAD_STATE : VSS_E_SNAPSHOT_SET_IN_PROGRESS;
        if (s->set && s->set->state == SET_CREATED)
                return VSS_E_BAD_STATE; /* one instance serves one backup */

        s->context = context;
        r = snapshot_set_new(s, context, &set);
        if (r < 0)
                return hresult_from_errno(r);
        snapshot_set_free(s->set);
        s->set = set;
        s->manager->current = set;
        *ret_id = set->id;
        return S_OK;
}

/* What runs ends as cancelled; a set first takes everything back. */
static void session_stop_running(Session *s) {
        Operation *op = s->running;

        if (op->uncancellable)
                return;

        if (s->set && s->set->operation == op) {
                snapshot_set_abort(s->set, VSS_S_ASYNC_CANCELLED, "cancelled");
                return;
        }
        writer_round_free(s->round);
        s->phase = NULL;
        operation_settle(op, VSS_S_ASYNC_CANCELLED, "cancelled");
}

int session_cancel(Session *s, uint32_t number, sd_bus_message *request, sd_bus_error *error) {
        int r;

        if (!s->running || s->running->number != number)
                return 0;
        r = operation_wait(s->running, request, error);
        if (r < 0)
                return r;
        session_stop_running(s);
        return 1;
}

/* The backup itself goes on, without a set. */
int session_abort_set(Session *s, sd_bus_message *request, sd_bus_error *error) {
        int r, later = 0;

        if (s->set->operation) {
                r = operation_wait(s->set->operation, request, error);
                if (r < 0)
                        return r;
                later = 1;
        }
        snapshot_set_abort(s->set, E_ABORT, "an administrator has ended all snapshot sets in progress");
        return later;
}

/* What cannot be cancelled (an import, a revert that is waited for) is no part of the backup: it goes on, and is not waited for. */
int session_abort_backup(Session *s, sd_bus_message *request, sd_bus_error *error) {
        SessionWriter *w;
        int r, later = 0;

        if (s->running && !s->running->uncancellable) {
                r = operation_wait(s->running, request, error);
                if (r < 0)
                        return r;
                session_stop_running(s);
                later = 1;
        }
        if (s->set)
                snapshot_set_abort(s->set, E_ABORT, "the requester gave up");

        DL_FOREACH(s->writers, w)
                if (w->prepared && !w->post_sent)
                        session_notify_writer(s, w, WIRE_EVENT_ABORT);
        return later;
}
