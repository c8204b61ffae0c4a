/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What umbrad Is Doing Now
 */

#include "coordinator/status.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <utlist.h>

#include "base/guid.h"
#include "base/utf.h"
#include "coordinator/connection.h"
#include "coordinator/deed.h"
#include "coordinator/manager.h"
#include "coordinator/phase.h"
#include "coordinator/session-writer.h"
#include "coordinator/session.h"
#include "coordinator/snapshot-set.h"
#include "coordinator/snapshot-watch.h"
#include "coordinator/writer-proxy.h"

static const char *const writer_state_names[VSS_WS_COUNT] = {
        [VSS_WS_UNKNOWN] = "unknown",
        [VSS_WS_STABLE] = "stable",
        [VSS_WS_WAITING_FOR_FREEZE] = "waiting for freeze",
        [VSS_WS_WAITING_FOR_THAW] = "waiting for thaw",
        [VSS_WS_WAITING_FOR_POST_SNAPSHOT] = "waiting for post-snapshot",
        [VSS_WS_WAITING_FOR_BACKUP_COMPLETE] = "waiting for backup complete",
        [VSS_WS_FAILED_AT_IDENTIFY] = "failed at identify",
        [VSS_WS_FAILED_AT_PREPARE_BACKUP] = "failed at prepare backup",
        [VSS_WS_FAILED_AT_PREPARE_SNAPSHOT] = "failed at prepare snapshot",
        [VSS_WS_FAILED_AT_FREEZE] = "failed at freeze",
        [VSS_WS_FAILED_AT_THAW] = "failed at thaw",
        [VSS_WS_FAILED_AT_POST_SNAPSHOT] = "failed at post-snapshot",
        [VSS_WS_FAILED_AT_BACKUP_COMPLETE] = "failed at backup complete",
        [VSS_WS_FAILED_AT_PRE_RESTORE] = "failed at pre-restore",
        [VSS_WS_FAILED_AT_POST_RESTORE] = "failed at post-restore",
        [VSS_WS_FAILED_AT_BACKUPSHUTDOWN] = "failed at backup shutdown",
};

/* JSON and the bus want UTF-8; what is not is escaped. */
static json_t *text(const char *s) {
        _cleanup_(freep) char *escaped = NULL;

        if (!s)
                return json_null();
        if (xml_escape_bytes(s, &escaped) < 0)
                return json_null();
        return json_string(escaped);
}

static json_t *session_json(const Session *s) {
        static const char *const kinds[] = { "new", "backup", "restore", "query" };
        json_t *writers = json_array(), *object;
        const SessionWriter *w;

        for (w = s->writers; w; w = w->next)
                json_array_append_new(writers, json_pack("{s:o, s:s, s:b}", "name", text(w->name), "state",
                                                         writer_state_names[w->state], "frozen", w->frozen));
        object = json_pack("{s:s, s:I, s:I, s:s, s:s?, s:s, s:I, s:o}", "id", GUID_TO_STRING(&s->id), "pid",
                           (json_int_t) s->connection->pid, "uid", (json_int_t) s->connection->uid, "kind", kinds[s->kind],
                           "phase", s->phase, "state",
                           s->set     ? set_state_to_string(s->set->state) :
                           s->running ? "busy" :
                                        "idle",
                           "since_usec", (json_int_t) (now_usec(CLOCK_MONOTONIC) - s->started), "writers", writers);
        if (object && s->set)
                json_object_set_new(object, "set_id", json_string(GUID_TO_STRING(&s->set->id)));
        return object;
}

static json_t *frozen_json(const Manager *m) {
        const SnapshotSet *set = m->current;
        json_t *list = json_array();
        const SessionWriter *w;
        json_int_t since;

        if (!set || set->state != SET_FROZEN)
                return list;
        since = (json_int_t) (now_usec(CLOCK_MONOTONIC) - set->freeze_began);
        for (size_t i = 0; i < set->n_snapshots; ++i)
                if (set->guard && guard_client_is_holding(set->guard) && set->snapshots[i]->hold != HOLD_NONE)
                        json_array_append_new(list, json_pack("{s:o, s:I}", "volume", text(set->snapshots[i]->volume->path),
                                                              "since_usec", since));
        for (w = set->session->writers; w; w = w->next)
                if (w->frozen)
                        json_array_append_new(list, json_pack("{s:o, s:I}", "writer", text(w->name), "since_usec", since));
        return list;
}

static json_t *window_json(const WindowReport *r) {
        json_t *phases = json_array();

        for (size_t i = 0; i < r->n_phases; ++i)
                json_array_append_new(phases, json_pack("{s:s, s:I}", "name", r->phases[i].name, "usec",
                                                        (json_int_t) r->phases[i].usec));
        return json_pack("{s:s, s:o, s:I, s:I}", "set_id", GUID_TO_STRING(&r->set_id), "phases", phases, "frozen_usec",
                         (json_int_t) r->frozen_usec, "held_usec", (json_int_t) r->held_usec);
}

static void append_deed(const DeedReport *r, void *userdata) {
        json_array_append_new(userdata, json_pack("{s:s, s:b, s:b, s:o, s:s, s:o, s:I}", "kind", deed_kind_to_string(r->kind), "doing",
                                                  r->doing, "waiting", r->waiting, "volume", text(r->snapshot->volume), "snapshot_id",
                                                  GUID_TO_STRING(&r->snapshot->id), "path", text(r->path), "permille",
                                                  (json_int_t) r->permille));
}

static json_t *deeds_json(const Manager *m) {
        json_t *list = json_array();

        deed_queue_report(m->deeds, append_deed, list);
        return list;
}

static json_t *reverts_json(const Manager *m) {
        json_t *list = json_array();
        const DeedPast *p;

        DL_FOREACH(deed_queue_past_reverts(m->deeds), p)
                json_array_append_new(list, json_pack("{s:o, s:s, s:b, s:o}", "volume", text(p->volume), "snapshot_id",
                                                      GUID_TO_STRING(&p->snapshot_id), "done", SUCCEEDED(p->hr), "message",
                                                      text(p->message)));
        return list;
}

static void append_watched(const GUID *id, const char *volume, unsigned permille, const char *trouble, void *userdata) {
        json_array_append_new(userdata, json_pack("{s:s, s:o, s:I, s:o}", "snapshot_id", GUID_TO_STRING(id), "volume", text(volume),
                                                  "permille", (json_int_t) permille, "trouble", text(trouble)));
}

static json_t *watched_json(const Manager *m) {
        json_t *list = json_array();

        snapshot_watch_report(m->watch, append_watched, list);
        return list;
}

int status_to_json(Manager *m, char **ret) {
        json_t *root, *sessions = json_array();
        json_int_t n_express = 0;
        const WriterProxy *w;
        const Session *s;
        char *out;

        for (s = m->sessions; s; s = s->next)
                json_array_append_new(sessions, session_json(s));
        for (w = m->writers; w; w = w->next)
                n_express += writer_proxy_is_express(w);
        root = json_pack("{s:s, s:I, s:I, s:I, s:o, s:o, s:o}", "version", UMBRA_VERSION, "uptime_usec",
                         (json_int_t) (now_usec(CLOCK_MONOTONIC) - m->started), "writers", (json_int_t) m->n_writers,
                         "express_writers", n_express, "sessions", sessions, "frozen", frozen_json(m), "deeds",
                         deeds_json(m));
        if (root)
                json_object_set_new(root, "reverts", reverts_json(m));
        if (root)
                json_object_set_new(root, "filling", watched_json(m));
        if (root && m->window.n_phases > 0)
                json_object_set_new(root, "last_window", window_json(&m->window));
        out = root ? json_dumps(root, JSON_COMPACT) : NULL;
        json_decref(root);
        if (!out)
                return -ENOMEM;
        *ret = out;
        return 0;
}
