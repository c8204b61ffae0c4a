/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Phases
 *
 * What happens in which order between DoSnapshotSet and its answer, as a list that one can read top to bottom. Each phase begins something, says when it
 * is done, has a deadline, and brings its own way back. The runner does not know what a phase does; it knows "forward until one fails, then back
 * through those that were begun".
 */

#include "coordinator/snapshot-set.h"

/* What writers have left in a copy goes to the disk. */
#define PHASE_SEAL_TIMEOUT_USEC (120 * USEC_PER_SEC)

typedef struct Phase {
        const char *name;
        SetState state;       /* the set is in while this runs */
        usec_t timeout;       /* 0: what it waits for has deadlines of its own */
        HRESULT late;         /* what passing the deadline means */
        void (*begin)(SnapshotSet *set); /* ends in phase_done(), now or later */
        void (*undo)(SnapshotSet *set);  /* may be NULL: nothing to take back. Anything that takes time is counted in set->pending */
        const char *late_message; /* NULL: the sentence of @late */
} Phase;

void phases_start(SnapshotSet *set);
/* The running phase is over; on failure the set turns back. @message may be NULL. */
void phase_done(SnapshotSet *set, HRESULT hr, const char *message);
/* Turns back from wherever the set is. */
void phases_undo(SnapshotSet *set, HRESULT hr, const char *message);
/* One of the undo's answers has come. */
void phases_undo_answered(SnapshotSet *set);
const char *phase_name(const SnapshotSet *set);

/* phase-plan.c */
void phase_measure_begin(SnapshotSet *set);
void phase_plan_begin(SnapshotSet *set);
void phase_plan_undo(SnapshotSet *set);
void phase_prepare_begin(SnapshotSet *set);
void phase_flush_begin(SnapshotSet *set);
/* phase-writers.c */
void phase_prepare_writers_begin(SnapshotSet *set);
void phase_freeze_begin(SnapshotSet *set);
void phase_freeze_undo(SnapshotSet *set);
void phase_thaw_begin(SnapshotSet *set);
void phase_post_snapshot_begin(SnapshotSet *set);
/* phase-hold.c */
void phase_guard_begin(SnapshotSet *set);
void phase_guard_undo(SnapshotSet *set);
void phase_hold_begin(SnapshotSet *set);
/* Something that works on storage has ended: perhaps it is what "hold" waits for. */
void phase_hold_resume(Manager *m);
void phase_release_begin(SnapshotSet *set);
/* phase-recover.c */
void phase_unseal_begin(SnapshotSet *set);
void phase_seal_begin(SnapshotSet *set);
/* Does a writer that takes part have anything to do to the copies themselves? */
bool set_wants_recovery(const SnapshotSet *set);
/* phase-commit.c */
void phase_pre_commit_begin(SnapshotSet *set);
void phase_commit_begin(SnapshotSet *set);
void phase_post_commit_begin(SnapshotSet *set);
void phase_surface_begin(SnapshotSet *set);
void phase_record_begin(SnapshotSet *set);
void phase_finish_begin(SnapshotSet *set);
/* phase-instants.c: after the commits. */
void phase_decide_instants(SnapshotSet *set);
/* How good the copy of this volume is. */
int set_snapshot_consistency(const SetSnapshot *s);
