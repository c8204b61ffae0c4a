/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Writers' Side of a Set
 *
 * PrepareForSnapshot to all; Freeze level by level, the front end first, in parallel within a level; Thaw in reverse; PostSnapshot. A writer that fails or is late
 * at PrepareForSnapshot, Freeze or Thaw fails the set; at PostSnapshot it is only recorded. [MS: events.tsv; pitfall 12]
 */

#include "coordinator/phase.h"

#include <stdio.h>
#include <utlist.h>

#include "base/log.h"
#include "coordinator/manager.h"
#include "coordinator/session-writer.h"
#include "coordinator/session.h"
#include "coordinator/writer-proxy.h"
#include "coordinator/writer-round.h"

/* In the order of Freeze. Levels that a writer should not have go with the front end. */
static const VSS_APPLICATION_LEVEL levels[] = { VSS_APP_FRONT_END, VSS_APP_BACK_END, VSS_APP_SYSTEM, VSS_APP_SYSTEM_RM };

static VSS_APPLICATION_LEVEL effective_level(const SessionWriter *w) {
        for (size_t i = 1; i < ELEMENTSOF(levels); ++i)
                if (w->level == levels[i])
                        return w->level;
        return VSS_APP_FRONT_END;
}

/* Names the writer that failed, for the one who asked. */
static void fail_for_writers(SnapshotSet *set) {
        char message[512] = "a writer failed; its status says why";
        SessionWriter *w;

        DL_FOREACH(set->session->writers, w)
                if (session_writer_failed(w) && w->in_set) {
                        snprintf(message, sizeof(message), "writer '%s' failed%s%s", w->name, w->message ? ": " : "",
                                 w->message ?: "; its status says why");
                        break;
                }
        phase_done(set, VSS_E_UNEXPECTED_WRITER_ERROR, message);
}

/* One may also end between two events. */
static bool writers_failed(const SnapshotSet *set) {
        const SessionWriter *w;

        DL_FOREACH(set->session->writers, w)
                if (w->in_set && session_writer_failed(w))
                        return true;
        return false;
}

static void round_or_fail(SnapshotSet *set, const RoundOptions *options) {
        if (writer_round_start(set->session, options) < 0)
                phase_done(set, E_OUTOFMEMORY, NULL);
}

static void prepare_writers_done(Session *s, unsigned failed, void *userdata) {
        SnapshotSet *set = userdata;

        if (failed > 0)
                fail_for_writers(set);
        else
                phase_done(set, S_OK, NULL);
}

void phase_prepare_writers_begin(SnapshotSet *set) {
        SessionWriter *w;

        if (!session_has_writers(set->session)) {
                phase_done(set, S_OK, NULL);
                return;
        }
        DL_FOREACH(set->session->writers, w)
                w->in_set = false;
        round_or_fail(set, &(RoundOptions){
                                   .event = WIRE_EVENT_PREPARE_SNAPSHOT,
                                   .done = prepare_writers_done,
                                   .userdata = set,
                           });
}

/* Some writer has been frozen for as long as it allowed. */
static int window_on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        SnapshotSet *set = userdata;
        usec_t now = now_usec(CLOCK_MONOTONIC);
        SessionWriter *w;

        DL_FOREACH(set->session->writers, w)
                if (w->frozen && w->proxy && w->frozen_since + w->proxy->freeze_limit <= now)
                        session_writer_answered(w, w->state == VSS_WS_WAITING_FOR_FREEZE ? WIRE_EVENT_FREEZE : WIRE_EVENT_THAW,
                                                VSS_E_WRITERERROR_TIMEOUT, S_OK, "the writer was frozen longer than its limit");
        fail_for_writers(set);
        return 0;
}

static bool freeze_wants(const Session *s, const SessionWriter *w, void *userdata) {
        const SnapshotSet *set = userdata;

        return w->state == VSS_WS_WAITING_FOR_FREEZE && effective_level(w) == levels[set->step];
}

/* Before a level is frozen: the window ends when the first of all those that are frozen then has had enough. */
static int window_arm(SnapshotSet *set) {
        usec_t now = now_usec(CLOCK_MONOTONIC), end = USEC_INFINITY, armed;
        SessionWriter *w;

        DL_FOREACH(set->session->writers, w)
                if (w->proxy && freeze_wants(set->session, w, set))
                        end = MIN(end, now + w->proxy->freeze_limit + 50 * USEC_PER_MSEC);
        if (end == USEC_INFINITY)
                return 0;
        if (!set->window_deadline)
                return sd_event_add_time(set->manager->event, &set->window_deadline, CLOCK_MONOTONIC, end, 1, window_on_deadline, set);
        if (sd_event_source_get_time(set->window_deadline, &armed) >= 0 && armed <= end)
                return 0;
        return sd_event_source_set_time(set->window_deadline, end);
}

static void freeze_next_level(SnapshotSet *set);

static void freeze_level_done(Session *s, unsigned failed, void *userdata) {
        SnapshotSet *set = userdata;

        if (failed > 0) {
                fail_for_writers(set);
                return;
        }
        ++set->step;
        freeze_next_level(set);
}

static void freeze_next_level(SnapshotSet *set) {
        if (writers_failed(set)) {
                fail_for_writers(set);
                return;
        }
        if (set->step == ELEMENTSOF(levels)) {
                phase_done(set, S_OK, NULL);
                return;
        }
        if (window_arm(set) < 0) {
                phase_done(set, E_OUTOFMEMORY, NULL);
                return;
        }
        round_or_fail(set, &(RoundOptions){
                                   .event = WIRE_EVENT_FREEZE,
                                   .wants = freeze_wants,
                                   .fail_fast = true,
                                   .done = freeze_level_done,
                                   .userdata = set,
                           });
}

void phase_freeze_begin(SnapshotSet *set) {
        set->freeze_began = now_usec(CLOCK_MONOTONIC);
        if (!session_has_writers(set->session)) {
                phase_done(set, S_OK, NULL);
                return;
        }
        freeze_next_level(set);
}

/* Everyone who was asked to prepare is told, the failed one too: it may have stopped half-way. Not one who got PostSnapshot. */
void phase_freeze_undo(SnapshotSet *set) {
        SessionWriter *w;

        DL_FOREACH(set->session->writers, w)
                if (w->prepared && !w->post_sent)
                        session_notify_writer(set->session, w, WIRE_EVENT_ABORT);
}

static bool thaw_wants(const Session *s, const SessionWriter *w, void *userdata) {
        const SnapshotSet *set = userdata;

        return w->state == VSS_WS_WAITING_FOR_THAW && effective_level(w) == levels[ELEMENTSOF(levels) - 1 - set->step];
}

static void thaw_next_level(SnapshotSet *set);

static void thaw_level_done(Session *s, unsigned failed, void *userdata) {
        SnapshotSet *set = userdata;

        set->failure = failed > 0 ? VSS_E_UNEXPECTED_WRITER_ERROR : set->failure;
        ++set->step;
        thaw_next_level(set);
}

/* All levels are thawed, whatever one of them says. */
static void thaw_next_level(SnapshotSet *set) {
        if (set->step == ELEMENTSOF(levels)) {
                set->manager->window.frozen_usec = now_usec(CLOCK_MONOTONIC) - set->freeze_began;
                if (FAILED(set->failure) || writers_failed(set))
                        fail_for_writers(set);
                else
                        phase_done(set, S_OK, NULL);
                return;
        }
        round_or_fail(set, &(RoundOptions){
                                   .event = WIRE_EVENT_THAW,
                                   .wants = thaw_wants,
                                   .done = thaw_level_done,
                                   .userdata = set,
                           });
}

void phase_thaw_begin(SnapshotSet *set) {
        set->window_deadline = sd_event_source_disable_unref(set->window_deadline);
        if (!session_has_writers(set->session)) {
                set->manager->window.frozen_usec = now_usec(CLOCK_MONOTONIC) - set->freeze_began;
                phase_done(set, S_OK, NULL);
                return;
        }
        thaw_next_level(set);
}

static bool post_snapshot_wants(const Session *s, const SessionWriter *w, void *userdata) {
        return w->state == VSS_WS_WAITING_FOR_POST_SNAPSHOT;
}

static void post_snapshot_done(Session *s, unsigned failed, void *userdata) {
        phase_done(userdata, S_OK, NULL);
}

void phase_post_snapshot_begin(SnapshotSet *set) {
        if (!session_has_writers(set->session)) {
                phase_done(set, S_OK, NULL);
                return;
        }
        round_or_fail(set, &(RoundOptions){
                                   .event = WIRE_EVENT_POST_SNAPSHOT,
                                   .wants = post_snapshot_wants,
                                   .done = post_snapshot_done,
                                   .userdata = set,
                           });
}
