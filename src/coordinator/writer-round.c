/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Rounds
 */

#include "coordinator/writer-round.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/log.h"
#include "coordinator/manager.h"
#include "coordinator/session-writer.h"
#include "coordinator/session.h"
#include "coordinator/snapshot-set.h"
#include "coordinator/writer-proxy.h"
#include "doc/doc-limits.h"
#include "volume/volume.h"
#include "wire/wire-limits.h"

typedef struct RoundCall {
        WriterRound *round;
        SessionWriter *writer;
        WriterCall *call; /* NULL once answered */
} RoundCall;

struct WriterRound {
        Session *session;
        RoundOptions options;
        RoundCall *calls;
        size_t n_calls;
        size_t open;
        unsigned failed;
        bool sending;
};

/* How long a writer may take, by event. Freeze and Thaw are the writer's own limit. */
static usec_t round_timeout(WireEvent event, const WriterProxy *w) {
        switch (event) {
        case WIRE_EVENT_IDENTIFY:
                return WIRE_IDENTIFY_TIMEOUT_USEC;
        case WIRE_EVENT_FREEZE:
        case WIRE_EVENT_THAW:
                return w->freeze_limit;
        default:
                return WIRE_PREPARE_TIMEOUT_USEC;
        }
}

static bool event_carries_document(WireEvent event) {
        return event == WIRE_EVENT_PREPARE_BACKUP || event == WIRE_EVENT_POST_SNAPSHOT || event == WIRE_EVENT_BACKUP_COMPLETE ||
               event == WIRE_EVENT_PRE_RESTORE || event == WIRE_EVENT_POST_RESTORE;
}

/* What the set's volumes are called, for one event; borrowed strings. */
typedef struct EventVolumes {
        const char **volumes;
        WriterDevice *devices;
        size_t n_volumes, n_devices;
} EventVolumes;

static void event_volumes_clear(EventVolumes *v) {
        free(v->volumes);
        free(v->devices);
}

static int event_volumes_collect(const Session *s, WireEvent event, EventVolumes *v) {
        const SnapshotSet *set = s->set;

        if (!set || set->n_snapshots == 0)
                return 0;
        v->volumes = calloc_checked(set->n_snapshots, sizeof(*v->volumes));
        v->devices = calloc_checked(set->n_snapshots, sizeof(*v->devices));
        if (!v->volumes || !v->devices)
                return -ENOMEM;

        for (size_t i = 0; i < set->n_snapshots; ++i) {
                const SetSnapshot *snapshot = set->snapshots[i];

                v->volumes[v->n_volumes++] = snapshot->volume->path;
                if (event == WIRE_EVENT_POST_SNAPSHOT && snapshot->device)
                        v->devices[v->n_devices++] = (WriterDevice){ snapshot->volume->path, snapshot->device };
        }
        return 0;
}

/* Whoever is told that a backup is over learns which shadow copies there were, not which there should have been. */
static GUID event_set_id(const Session *s, WireEvent event) {
        if (!s->set || (event == WIRE_EVENT_BACKUP_SHUTDOWN && s->set->state != SET_CREATED))
                return (GUID){ 0 };
        return s->set->id;
}

/* What of the document @w is told at @event; *ret NULL: nothing. In a restore that is not what stands there: *ret_borrowed is to be freed. */
static int event_part(Session *s, const SessionWriter *w, WireEvent event, BackupWriter **ret_borrowed, BackupWriter **ret) {
        if (event != WIRE_EVENT_PRE_RESTORE && event != WIRE_EVENT_POST_RESTORE) {
                *ret = backup_doc_find_writer(s->doc, &w->instance_id, &w->writer_id);
                return 0;
        }
        if (FAILED(backup_doc_restore_part(s->doc, &w->instance_id, &w->writer_id, ret_borrowed)))
                return -ENOMEM;
        *ret = *ret_borrowed;
        return 0;
}

static int writer_send(Session *s,
                       SessionWriter *w,
                       WireEvent event,
                       WriterAnswered done,
                       void *userdata,
                       WriterCall **ret) {
        _cleanup_(backup_doc_part_freep) BackupWriter *borrowed = NULL;
        _cleanup_(event_volumes_clear) EventVolumes volumes = { 0 };
        _cleanup_(freep) char *document = NULL;
        BackupWriter *part = NULL;
        WriterEventArgs args = {
                .event = event,
                .session_id = s->id,
                .set_id = event_set_id(s, event),
                .context = s->set ? s->set->context : s->context,
        };
        int r;

        r = event_volumes_collect(s, event, &volumes);
        if (r < 0)
                return r;
        args.volumes = volumes.volumes;
        args.n_volumes = volumes.n_volumes;
        args.devices = volumes.devices;
        args.n_devices = volumes.n_devices;

        if (s->doc) {
                r = event_part(s, w, event, &borrowed, &part);
                if (r < 0)
                        return r;
                args.backup_type = s->doc->backup_type;
                args.restore_type = s->doc->restore_type;
                args.flags = (s->doc->select_components ? WIRE_EVENT_SELECT_COMPONENTS : 0) |
                             (s->doc->bootable_system_state ? WIRE_EVENT_BOOTABLE_SYSTEM_STATE : 0) |
                             (s->doc->partial_file_support ? WIRE_EVENT_PARTIAL_FILE_SUPPORT : 0);
                if (part && event_carries_document(event)) {
                        if (FAILED(backup_doc_write_part(s->doc, part, &document, &args.document_size)))
                                return -ENOMEM;
                        args.document = document;
                }
        }

        return writer_proxy_send(w->proxy, &args, round_timeout(event, w->proxy), done, userdata, ret);
}

/* What the writer changed in its components. An answer that is not a proper part of the document fails the writer, not the backup. */
static HRESULT round_merge(Session *s, SessionWriter *w, WireEvent event, const WriterReply *reply) {
        static const int merges[_WIRE_EVENT_MAX] = {
                [WIRE_EVENT_PREPARE_BACKUP] = 1 + MERGE_PREPARE_BACKUP,
                [WIRE_EVENT_POST_SNAPSHOT] = 1 + MERGE_POST_SNAPSHOT,
                [WIRE_EVENT_PRE_RESTORE] = 1 + MERGE_PRE_RESTORE,
                [WIRE_EVENT_POST_RESTORE] = 1 + MERGE_POST_RESTORE,
        };
        _cleanup_(backup_doc_part_freep) BackupWriter *borrowed = NULL;
        _cleanup_(backup_doc_freep) BackupDoc *part = NULL;
        BackupWriter *mine = NULL;
        HRESULT hr;

        if (!reply->document || !merges[event] || !s->doc)
                return S_OK;
        if (event_part(s, w, event, &borrowed, &mine) < 0)
                return E_OUTOFMEMORY;
        if (!mine)
                return S_OK;

        hr = backup_doc_read(reply->document, reply->document_size, &part);
        if (SUCCEEDED(hr))
                hr = backup_doc_merge_part(mine, part, (BackupDocMerge) (merges[event] - 1));
        return hr;
}

static char *copy_document(const char *text, size_t size) {
        char *copy = malloc(size + 1);

        if (!copy)
                return NULL;
        memcpy(copy, text, size);
        copy[size] = '\0';
        return copy;
}

static void round_take_answer(WriterRound *r, SessionWriter *w, const WriterReply *reply) {
        WireEvent event = r->options.event;
        HRESULT hr = reply->hr;
        HRESULT merged;

        if (event == WIRE_EVENT_IDENTIFY && SUCCEEDED(hr)) {
                if (!reply->document || reply->document_size > WRITER_DOCUMENT_SIZE_MAX)
                        hr = VSS_E_INVALID_XML_DOCUMENT;
                else {
                        w->metadata = copy_document(reply->document, reply->document_size);
                        w->metadata_size = reply->document_size;
                        w->identified = w->metadata;
                        if (w->metadata)
                                session_writer_learn_recovery(w);
                        else
                                hr = E_OUTOFMEMORY;
                }
        }

        merged = round_merge(r->session, w, event, reply);
        if (SUCCEEDED(hr) && FAILED(merged))
                hr = VSS_E_UNEXPECTED_WRITER_ERROR;

        session_writer_answered(w, event, hr, reply->hr_application, reply->message);
        if (FAILED(hr))
                ++r->failed;
}

static void round_finish(WriterRound *r) {
        RoundDone done = r->options.done;
        void *userdata = r->options.userdata;
        Session *s = r->session;
        unsigned failed = r->failed;

        writer_round_free(r);
        done(s, failed, userdata);
}

static void round_check(WriterRound *r) {
        if (r->sending)
                return;
        if (r->open == 0 || (r->options.fail_fast && r->failed > 0))
                round_finish(r);
}

static void round_on_answer(WriterProxy *proxy, const WriterReply *reply, void *userdata) {
        RoundCall *call = userdata;
        WriterRound *r = call->round;

        call->call = NULL;
        --r->open;
        round_take_answer(r, call->writer, reply);
        round_check(r);
}

static bool round_wants(const WriterRound *r, const SessionWriter *w) {
        if (!w->proxy)
                return false;
        if (r->options.wants)
                return r->options.wants(r->session, w, r->options.userdata);
        return session_writer_participates(r->session, w);
}

static void round_send(WriterRound *r, SessionWriter *w) {
        RoundCall *call = &r->calls[r->n_calls];
        int k;

        /* One that learns that nothing of it is wanted hears nothing more. [MS: events.tsv "no components"] */
        if (r->options.event == WIRE_EVENT_PREPARE_BACKUP) {
                w->prepared = session_writer_participates(r->session, w);
                w->settled = false;
        }
        if (r->options.event == WIRE_EVENT_BACKUP_COMPLETE)
                w->settled = true;
        if (r->options.event == WIRE_EVENT_PREPARE_SNAPSHOT)
                w->in_set = true;
        if (r->options.event == WIRE_EVENT_FREEZE) {
                w->frozen = true;
                w->frozen_since = now_usec(CLOCK_MONOTONIC);
        }
        if (r->options.event == WIRE_EVENT_POST_SNAPSHOT)
                w->post_sent = true;

        *call = (RoundCall){ .round = r, .writer = w };
        k = writer_send(r->session, w, r->options.event, round_on_answer, call, &call->call);
        if (k < 0) {
                const WriterReply reply = { .hr = VSS_E_WRITER_NOT_RESPONDING, .message = "the event could not be sent" };

                log_warning_errno(k, "Failed to send %s to writer '%s', counting it as failed: %m",
                                  wire_event_to_string(r->options.event), w->name);
                round_take_answer(r, w, &reply);
                return;
        }
        ++r->n_calls;
        ++r->open;
}

int writer_round_start(Session *s, const RoundOptions *options) {
        SessionWriter *w;
        WriterRound *r;
        size_t n = 0;

        assert(!s->round);

        DL_COUNT(s->writers, w, n);
        r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->session = s;
        r->options = *options;
        r->calls = calloc_checked(MAX(n, (size_t) 1), sizeof(*r->calls));
        if (!r->calls) {
                free(r);
                return -ENOMEM;
        }
        s->round = r;

        r->sending = true;
        DL_FOREACH(s->writers, w)
                if (round_wants(r, w))
                        round_send(r, w);
        r->sending = false;
        round_check(r);
        return 0;
}

WriterRound *writer_round_free(WriterRound *r) {
        if (!r)
                return NULL;

        for (size_t i = 0; i < r->n_calls; ++i)
                writer_call_forget(r->calls[i].call);
        if (r->session->round == r)
                r->session->round = NULL;
        free(r->calls);
        free(r);
        return NULL;
}

static void notify_on_answer(WriterProxy *proxy, const WriterReply *reply, void *userdata) {
        if (FAILED(reply->hr))
                log_debug("Writer '%s' answered an event that nobody waits for with an error", proxy->name);
}

void session_notify_writer(Session *s, SessionWriter *w, WireEvent event) {
        WriterCall *call;
        int r;

        if (event == WIRE_EVENT_ABORT)
                w->settled = true;
        if (!w->proxy)
                return;
        r = writer_send(s, w, event, notify_on_answer, NULL, &call);
        if (r < 0)
                log_warning_errno(r, "Failed to send %s to writer '%s', it will find out by its own time limit: %m",
                                  wire_event_to_string(event), w->name);
        session_writer_answered(w, event, S_OK, S_OK, NULL);
}
