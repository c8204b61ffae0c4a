/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Phases
 */

#include "coordinator/phase.h"

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "coordinator/manager.h"
#include "coordinator/session.h"
#include "coordinator/writer-round.h"
#include "wire/wire-limits.h"

/* Copying ahead takes as long as the tree is large, and applications run meanwhile. */
#define PREPARE_TIMEOUT_USEC (24 * 3600 * USEC_PER_SEC)

static const Phase create_phases[] = {
        /* Applications run. */
        { "measure",         SET_PREPARING, WIRE_USAGE_TIMEOUT_USEC, VSS_E_PROVIDER_VETO,     phase_measure_begin,         NULL              },
        { "plan",            SET_PREPARING, 60 * USEC_PER_SEC,    VSS_E_PROVIDER_VETO,        phase_plan_begin,            phase_plan_undo   },
        { "prepare-volumes", SET_PREPARING, PREPARE_TIMEOUT_USEC, VSS_E_PROVIDER_VETO,        phase_prepare_begin,         NULL              },
        { "prepare-writers", SET_PREPARING, 0,                    VSS_E_UNEXPECTED,           phase_prepare_writers_begin, NULL              },
        { "flush",           SET_PREPARING, 300 * USEC_PER_SEC,   VSS_E_FLUSH_WRITES_TIMEOUT, phase_flush_begin,           phase_freeze_undo },
        /* The guard writes out what has become dirty during "flush". What it cannot in this time it could not while everybody waits, either. */
        { "guard",           SET_PREPARING, WIRE_HOLD_MAX_USEC,   VSS_E_FLUSH_WRITES_TIMEOUT, phase_guard_begin,           phase_guard_undo,
          "more is written to the volumes than can be written out in the time for which writes are held; nothing was held: try again when less is written" },
        /* The window, undone by the two entries above: nothing is held, then writers are told. Nothing from here to "thaw" writes the catalog or the log. */
        { "freeze",          SET_FROZEN,    0,                    VSS_E_UNEXPECTED,           phase_freeze_begin,          NULL              },
        { "pre-commit",      SET_FROZEN,    10 * USEC_PER_SEC,    VSS_E_PROVIDER_VETO,        phase_pre_commit_begin,      NULL              },
        { "hold",            SET_FROZEN,    WIRE_HOLD_MAX_USEC,   VSS_E_HOLD_WRITES_TIMEOUT,  phase_hold_begin,            phase_guard_undo  },
        { "commit",          SET_FROZEN,    WIRE_HOLD_MAX_USEC,   VSS_E_HOLD_WRITES_TIMEOUT,  phase_commit_begin,          NULL              },
        { "release",         SET_FROZEN,    10 * USEC_PER_SEC,    VSS_E_HOLD_WRITES_TIMEOUT,  phase_release_begin,         NULL              },
        { "post-commit",     SET_FROZEN,    10 * USEC_PER_SEC,    VSS_E_PROVIDER_VETO,        phase_post_commit_begin,     NULL              },
        { "thaw",            SET_FROZEN,    0,                    VSS_E_UNEXPECTED,           phase_thaw_begin,            NULL              },
        /* Applications run again. */
        { "surface",         SET_FINISHING, 300 * USEC_PER_SEC,   VSS_E_PROVIDER_VETO,        phase_surface_begin,         NULL              },
        { "unseal",          SET_FINISHING, PHASE_SEAL_TIMEOUT_USEC, VSS_E_PROVIDER_VETO,     phase_unseal_begin,          NULL              },
        { "post-snapshot",   SET_FINISHING, 0,                    VSS_E_UNEXPECTED,           phase_post_snapshot_begin,   NULL              },
        { "seal",            SET_FINISHING, PHASE_SEAL_TIMEOUT_USEC, VSS_E_AUTORECOVERY_FAILED, phase_seal_begin,          NULL              },
        { "finish",          SET_FINISHING, 300 * USEC_PER_SEC,   VSS_E_PROVIDER_VETO,        phase_finish_begin,          NULL              },
        /* And the copies are what they will be. */
        { "record",          SET_FINISHING, 0,                    VSS_E_UNEXPECTED,           phase_record_begin,          NULL              },
};

static_assert(ELEMENTSOF(create_phases) <= WINDOW_PHASES_MAX, "the report of a window has a place for every phase");

#define PHASE_PLAN 1U /* its index */

const char *phase_name(const SnapshotSet *set) {
        return snapshot_set_is_running(set) ? create_phases[set->phase].name : NULL;
}

static int phase_on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        SnapshotSet *set = userdata;
        const Phase *phase = &create_phases[set->phase];

        log_warning("Snapshot set {%s}: phase %s has not ended in time, taking everything back", GUID_TO_STRING(&set->id), phase->name);
        phases_undo(set, phase->late, phase->late_message);
        return 0;
}

static void phase_report(SnapshotSet *set) {
        WindowReport *w = &set->manager->window;

        if (w->n_phases >= WINDOW_PHASES_MAX)
                return;
        w->phases[w->n_phases].name = create_phases[set->phase].name;
        w->phases[w->n_phases].usec = now_usec(CLOCK_MONOTONIC) - set->phase_began;
        ++w->n_phases;
}

static void phase_begin(SnapshotSet *set) {
        const Phase *phase = &create_phases[set->phase];
        HRESULT hr;
        int r;

        set->phase_began = now_usec(CLOCK_MONOTONIC);
        set->pending = 0;
        set->step = 0;
        if (set->session)
                set->session->phase = phase->name;

        if (set->state != phase->state) {
                hr = snapshot_set_enter(set, phase->state);
                if (FAILED(hr)) {
                        phases_undo(set, hr, NULL);
                        return;
                }
        }

        if (phase->timeout > 0) {
                r = sd_event_add_time_relative(set->manager->event, &set->deadline, CLOCK_MONOTONIC, phase->timeout, 1,
                                               phase_on_deadline, set);
                if (r < 0) {
                        phases_undo(set, hresult_from_errno(r), NULL);
                        return;
                }
        }
        phase->begin(set);
}

void phases_start(SnapshotSet *set) {
        set->phase = 0;
        set->manager->window = (WindowReport){ .set_id = set->id };
        phase_begin(set);
}

void phase_done(SnapshotSet *set, HRESULT hr, const char *message) {
        set->deadline = sd_event_source_disable_unref(set->deadline);
        if (set->turning_back)
                return;
        phase_report(set);

        if (FAILED(hr)) {
                phases_undo(set, hr, message);
                return;
        }
        if (set->phase + 1 == ELEMENTSOF(create_phases)) {
                snapshot_set_finished(set, true);
                return;
        }
        ++set->phase;
        phase_begin(set);
}

void phases_undo_answered(SnapshotSet *set) {
        assert(set->pending > 0);
        if (--set->pending == 0)
                snapshot_set_finished(set, false);
}

void phases_undo(SnapshotSet *set, HRESULT hr, const char *message) {
        size_t last = set->phase;

        set->turning_back = true;
        set->deadline = sd_event_source_disable_unref(set->deadline);
        set->window_deadline = sd_event_source_disable_unref(set->window_deadline);
        if (set->session)
                writer_round_free(set->session->round);

        set->failure = hr;
        (void) free_and_strdup(&set->failure_message, message ?: hresult_sentence(hr));
        set->pending = 1; /* our own: so that no answer ends the undo before all of it was begun */
        for (size_t i = last + 1; i-- > 0;) {
                /* Nothing is frozen any more, so the catalog can be written again: "plan" needs it. */
                if (i <= PHASE_PLAN && set->state != SET_UNDOING)
                        (void) snapshot_set_enter(set, SET_UNDOING);
                if (create_phases[i].undo)
                        create_phases[i].undo(set);
        }

        log_warning("Snapshot set {%s}: failed in phase %s with %s, taken back: %s", GUID_TO_STRING(&set->id),
                    create_phases[last].name, hresult_name(hr), set->failure_message);
        phases_undo_answered(set);
}
