/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Writer in a Session
 *
 *            PrepareSnapshot            Freeze             Thaw                      PostSnapshot
 *   STABLE ------------------> W_FREEZE -------> W_THAW -------> W_POST_SNAPSHOT --------------> W_BACKUP_COMPLETE
 *     ^                           |                |                    |                              |
 *     +---------------------------+----------------+--------------------+------------------------------+
 *                         Abort                                                     BackupComplete
 *
 *   Any event that fails leads to FAILED_AT_<event>, and there the state stays for the status query; an Abort wakes the application but keeps
 *   the failure. [MS: determining-writer-status; events.tsv "state walk"]
 */

#include "coordinator/session-writer.h"

#include <utlist.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "base/utf.h"
#include "coordinator/session.h"
#include "coordinator/writer-proxy.h"
#include "wire/wire-limits.h"

static const struct {
        VSS_WRITER_STATE from; /* VSS_WS_COUNT: the state does not change */
        VSS_WRITER_STATE to;
        VSS_WRITER_STATE failed; /* VSS_WS_COUNT: cannot fail */
} writer_moves[_WIRE_EVENT_MAX] = {
        [WIRE_EVENT_IDENTIFY] = { VSS_WS_COUNT, VSS_WS_COUNT, VSS_WS_FAILED_AT_IDENTIFY },
        [WIRE_EVENT_PREPARE_BACKUP] = { VSS_WS_COUNT, VSS_WS_STABLE, VSS_WS_FAILED_AT_PREPARE_BACKUP },
        [WIRE_EVENT_PREPARE_SNAPSHOT] = { VSS_WS_STABLE, VSS_WS_WAITING_FOR_FREEZE, VSS_WS_FAILED_AT_PREPARE_SNAPSHOT },
        [WIRE_EVENT_FREEZE] = { VSS_WS_WAITING_FOR_FREEZE, VSS_WS_WAITING_FOR_THAW, VSS_WS_FAILED_AT_FREEZE },
        [WIRE_EVENT_THAW] = { VSS_WS_WAITING_FOR_THAW, VSS_WS_WAITING_FOR_POST_SNAPSHOT, VSS_WS_FAILED_AT_THAW },
        [WIRE_EVENT_POST_SNAPSHOT] = { VSS_WS_WAITING_FOR_POST_SNAPSHOT, VSS_WS_WAITING_FOR_BACKUP_COMPLETE,
                                       VSS_WS_FAILED_AT_POST_SNAPSHOT },
        [WIRE_EVENT_BACKUP_COMPLETE] = { VSS_WS_WAITING_FOR_BACKUP_COMPLETE, VSS_WS_STABLE, VSS_WS_FAILED_AT_BACKUP_COMPLETE },
        [WIRE_EVENT_BACKUP_SHUTDOWN] = { VSS_WS_COUNT, VSS_WS_COUNT, VSS_WS_FAILED_AT_BACKUPSHUTDOWN },
        [WIRE_EVENT_ABORT] = { VSS_WS_COUNT, VSS_WS_STABLE, VSS_WS_COUNT },
        [WIRE_EVENT_PRE_RESTORE] = { VSS_WS_COUNT, VSS_WS_COUNT, VSS_WS_FAILED_AT_PRE_RESTORE },
        [WIRE_EVENT_POST_RESTORE] = { VSS_WS_COUNT, VSS_WS_COUNT, VSS_WS_FAILED_AT_POST_RESTORE },
};

int session_writer_add(Session *s, WriterProxy *proxy, SessionWriter **ret) {
        SessionWriter *w;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->proxy = proxy;
        w->writer_id = proxy->writer_id;
        w->instance_id = proxy->instance_id;
        w->level = proxy->level;
        w->express = writer_proxy_is_express(proxy);
        w->state = VSS_WS_STABLE;
        if (strdup_to(proxy->name, &w->name) < 0 || strdup_to(proxy->instance_name, &w->instance_name) < 0) {
                free(w->name);
                free(w);
                return -ENOMEM;
        }

        ++proxy->n_sessions;
        DL_APPEND(s->writers, w);
        if (ret)
                *ret = w;
        return 0;
}

SessionWriter *session_writer_free(Session *s, SessionWriter *w) {
        if (!w)
                return NULL;

        DL_DELETE(s->writers, w);
        if (w->proxy) {
                --w->proxy->n_sessions;
                writer_proxy_free_if_unused(w->proxy);
        }
        free(w->name);
        free(w->instance_name);
        free(w->message);
        free(w->metadata);
        free(w);
        return NULL;
}

SessionWriter *session_writer_find(Session *s, const WriterProxy *proxy) {
        SessionWriter *w;

        DL_FOREACH(s->writers, w)
                if (w->proxy == proxy)
                        return w;

        return NULL;
}

bool session_writer_failed(const SessionWriter *w) {
        return w->state >= VSS_WS_FAILED_AT_IDENTIFY || w->state == VSS_WS_UNKNOWN;
}

bool session_writer_participates(const Session *s, const SessionWriter *w) {
        if (!w->identified || session_writer_failed(w))
                return false;
        if (!s->doc || !s->doc->select_components)
                return true;
        return backup_doc_find_writer(s->doc, &w->instance_id, &w->writer_id);
}

/* Of what a writer says, requesters take so much. */
static void session_writer_say(SessionWriter *w, const char *message) {
        if (free_and_strdup(&w->message, message) >= 0 && w->message)
                utf8_cut(w->message, WIRE_MESSAGE_MAX);
}

static void session_writer_fail(SessionWriter *w, VSS_WRITER_STATE state, HRESULT hr, HRESULT hr_application, const char *message) {
        if (session_writer_failed(w))
                return; /* the first failure is the one that tells */

        w->state = state;
        w->failure = hr;
        w->failure_application = hr_application;
        session_writer_say(w, message);
}

/* What a writer says although it has succeeded. It stays until it says something else, or the next backup begins. */
static void session_writer_remark(SessionWriter *w, WireEvent event, HRESULT hr_application, const char *message) {
        if (hr_application == S_OK && !message && event != WIRE_EVENT_PREPARE_BACKUP)
                return;

        w->failure_application = hr_application;
        session_writer_say(w, message);
}

void session_writer_answered(SessionWriter *w, WireEvent event, HRESULT hr, HRESULT hr_application, const char *message) {
        if (event == WIRE_EVENT_THAW || event == WIRE_EVENT_ABORT)
                w->frozen = false;

        if (FAILED(hr) && writer_moves[event].failed != VSS_WS_COUNT) {
                log_warning("Writer '%s' failed at %s with %s%s%s, recording it", w->name, wire_event_to_string(event),
                            hresult_name(hr), message ? ": " : "", message ?: "");
                session_writer_fail(w, writer_moves[event].failed, hr, hr_application, message);
                return;
        }

        if (session_writer_failed(w))
                return;
        session_writer_remark(w, event, hr_application, message);
        if (writer_moves[event].to == VSS_WS_COUNT)
                return;
        if (writer_moves[event].from == VSS_WS_COUNT || writer_moves[event].from == w->state)
                w->state = writer_moves[event].to;
}

void session_writer_detach(Session *s, const WriterProxy *proxy) {
        SessionWriter *w = session_writer_find(s, proxy);

        if (!w)
                return;
        w->proxy = NULL;
        w->frozen = false;
}

void session_writer_lost(Session *s, const GUID *instance_id) {
        static const VSS_WRITER_STATE lost[VSS_WS_COUNT] = {
                [VSS_WS_WAITING_FOR_FREEZE] = VSS_WS_FAILED_AT_FREEZE,
                [VSS_WS_WAITING_FOR_THAW] = VSS_WS_FAILED_AT_THAW,
                [VSS_WS_WAITING_FOR_POST_SNAPSHOT] = VSS_WS_FAILED_AT_POST_SNAPSHOT,
                [VSS_WS_WAITING_FOR_BACKUP_COMPLETE] = VSS_WS_FAILED_AT_BACKUP_COMPLETE,
        };
        SessionWriter *w;

        /* Where nothing was asked of it nothing has failed, but nobody knows how it is either. */
        DL_FOREACH(s->writers, w)
                if (!w->proxy && guid_equal(&w->instance_id, instance_id))
                        session_writer_fail(w, lost[w->state],
                                            lost[w->state] == VSS_WS_UNKNOWN ? VSS_E_WRITER_STATUS_NOT_AVAILABLE :
                                                                               VSS_E_WRITER_NOT_RESPONDING,
                                            S_OK, "the writer's process has ended");
}
