/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Snapshot Sets
 *
 * All volumes at one instant: the volumes that were added, the way from "open" to "created" or "aborted", and everything that must be taken back when it
 * does not get there. The phases themselves are in phase.c and phase-*.c; this file is the state machine that they drive.
 */

#include <errno.h>
#include <stdbool.h>

#include <systemd/sd-event.h>
#include <vss.h>

#include "base/time-util.h"
#include "coordinator/coordinator-forward.h"
#include "guard/guard-client.h"
#include "provider/provider-client.h"
#include "volume/volume.h"

typedef enum SetState {
        SET_OPEN,      /* volumes are being added */
        SET_PREPARING, /* providers and writers prepare; applications run */
        SET_FROZEN,    /* writers, and then file systems, are held; the clock runs */
        SET_FINISHING, /* everything runs again; the copies are made readable */
        SET_CREATED,   /* the shadow copies exist */
        SET_UNDOING,   /* it failed or was given up; being taken back */
        SET_ABORTED,   /* and nothing is left of it */
        _SET_STATE_MAX,
        _SET_STATE_INVALID = -EINVAL,
} SetState;

const char *set_state_to_string(SetState s);

struct SetSnapshot {
        GUID id;
        SnapshotSet *set;
        Volume *volume;
        const ProviderInfo *provider;
        ProviderProbe probe;
        char *note, *device;
        char *storage;  /* what its provider finds it by on another machine; NULL: its id is enough */
        uint64_t room;  /* that its copy may take; 0: what there is */
        HoldKind hold;  /* how it is held while all commit */
        bool own_instant; /* its commit is an instant, without our holding it */
        usec_t committed_usec; /* when its commit began */
        usec_t instant_usec;   /* of its copy; 0: it is not one */
};

struct SnapshotSet {
        Manager *manager;
        Session *session;
        GUID id;
        int32_t context; /* with VSS_VOLSNAP_ATTR_AUTORECOVER where writers will write to the copies */
        SetState state;
        SetSnapshot *snapshots[64];
        size_t n_snapshots;
        ProviderPool *pool;
        bool recorded; /* rows are in the catalog */

        Operation *operation; /* DoSnapshotSet's, settled at the end */
        size_t phase;         /* index into the phases, while they run */
        usec_t phase_began;
        sd_event_source *deadline, *window_deadline;
        size_t pending;       /* answers the phase, or the undo, still waits for */
        size_t step;          /* the phase's own: which level, which snapshot */
        size_t pending_own;   /* … and of the answers that the second commits wait for */

        GuardClient *guard;
        usec_t freeze_began;
        usec_t instant_usec; /* when everything was held */
        bool hold_waits;   /* for what works on the storage still: phase_hold_resume() */
        bool turning_back; /* set before anything is taken back: answers that come meanwhile do not count */
        HRESULT failure;
        char *failure_message;
};

int snapshot_set_new(Session *s, int32_t context, SnapshotSet **ret);
SnapshotSet *snapshot_set_free(SnapshotSet *set);

/* The one setter. Refuses what the picture does not have; log, catalog and the machine-wide lock follow from here. */
HRESULT snapshot_set_enter(SnapshotSet *set, SetState to);

/* Takes @volume over. */
int snapshot_set_add(SnapshotSet *set, Volume *volume, const ProviderInfo *provider, const ProviderProbe *probe, SetSnapshot **ret);
SetSnapshot *snapshot_set_find(SnapshotSet *set, const Volume *volume);

/* What a provider is told of it, once there is a note. Borrowed. */
ProviderSnapshot set_snapshot_for_provider(const SetSnapshot *s);

/* Runs the phases; settles @op. */
void snapshot_set_create(SnapshotSet *set, Operation *op);
/* Gives it up, whatever runs: back through all that was begun. @op, if there is one, settles with @hr at the end. */
void snapshot_set_abort(SnapshotSet *set, HRESULT hr, const char *message);
/* The requester is gone: the set ends by itself, undoing first if need be, or frees itself at once. */
void snapshot_set_orphan(SnapshotSet *set);
bool snapshot_set_is_running(const SnapshotSet *set);

/* For the phases and the runner. */
void snapshot_set_finished(SnapshotSet *set, bool created);
