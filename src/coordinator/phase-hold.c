/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Holding the File Systems
 *
 * The guard is started, locked and ready before any writer is frozen; "hold" and "release" are then one message each.
 */

#include "coordinator/phase.h"

#include <errno.h>

#include "base/hresult.h"
#include "coordinator/discard-queue.h"
#include "coordinator/manager.h"
#include "coordinator/snapshot-watch.h"
#include "provider/provider-builtin.h"
#include "volume/hold-plan.h"
#include "wire/wire-limits.h"

/* From now on umbrad itself does not look into these. */
static void avoid_suspended(const SnapshotSet *set) {
        dev_t devices[WIRE_VOLUMES_MAX];
        size_t n = 0;

        for (size_t i = 0; i < set->n_snapshots; ++i)
                if (set->snapshots[i]->hold == HOLD_SUSPEND || set->snapshots[i]->hold == HOLD_WATCH)
                        devices[n++] = set->snapshots[i]->volume->fs_dev;
        volume_avoid(devices, n);
}

static void hold_on_guard(GuardClient *g, GuardEvent event, HRESULT hr, const char *message, void *userdata) {
        SnapshotSet *set = userdata;

        if (set->turning_back)
                return;

        switch (event) {
        case GUARD_READY:
        case GUARD_HELD:
                phase_done(set, S_OK, NULL);
                return;
        case GUARD_THAWED:
                volume_avoid(NULL, 0);
                set->manager->window.held_usec = guard_client_held_usec(g);
                phase_done(set, hr, message);
                return;
        case GUARD_FAILED:
                volume_avoid(NULL, 0);
                phase_done(set, hr, message);
                return;
        }
}

static int guard_plan(SnapshotSet *set, Volume **volumes, HoldKind *kinds) {
        HoldPlan plans[WIRE_VOLUMES_MAX] = { 0 };
        int r;

        for (size_t i = 0; i < set->n_snapshots; ++i) {
                volumes[i] = set->snapshots[i]->volume;
                plans[i].volume = set->snapshots[i]->volume;
                plans[i].probe = &set->snapshots[i]->probe;
        }

        r = hold_plan(plans, set->n_snapshots);
        if (r < 0)
                return r;

        for (size_t i = 0; i < set->n_snapshots; ++i) {
                kinds[i] = plans[i].kind;
                set->snapshots[i]->hold = plans[i].kind;
                set->snapshots[i]->own_instant = plans[i].own;
        }
        return 0;
}

void phase_guard_begin(SnapshotSet *set) {
        _cleanup_(hold_order_clear) HoldOrder order = { 0 };
        Volume *volumes[WIRE_VOLUMES_MAX];
        HoldKind kinds[WIRE_VOLUMES_MAX];
        int r;

        r = guard_plan(set, volumes, kinds);
        if (r >= 0)
                r = volume_hold_order(volumes, kinds, set->n_snapshots, &order);
        if (r < 0) {
                phase_done(set, hresult_from_errno(r), "the file systems to be held could not be opened");
                return;
        }
        if (order.n == 0) {
                phase_done(set, S_OK, NULL);
                return;
        }

        r = guard_client_new(set->manager->event, set->manager->runtime_dir, order.holds, order.mounts, order.n, WIRE_HOLD_MAX_USEC,
                             hold_on_guard, set, &set->guard);
        if (r < 0)
                phase_done(set, hresult_from_errno(r), "umbra-guard could not be started");
}

/* Runs for "guard" and for "hold": whatever is held runs again when this returns. */
void phase_guard_undo(SnapshotSet *set) {
        set->hold_waits = false;
        if (!set->guard)
                return;
        if (guard_client_is_holding(set->guard))
                guard_client_release_now(set->guard);
        volume_avoid(NULL, 0);
        set->guard = guard_client_free(set->guard);
}

/* A command of LVM that had begun before everything was frozen resumes the volume that it works on when it has done, no matter who has
 * suspended it. Nothing of the kind begins any more. */
static bool storage_is_worked_on(const SnapshotSet *set) {
        const Manager *m = set->manager;

        for (size_t i = 0; i < set->n_snapshots; ++i) {
                const SetSnapshot *s = set->snapshots[i];

                if (s->probe.flags & PROVIDER_WANTS_SUSPEND &&
                    (snapshot_watch_is_asking(m->watch) || discard_queue_is_removing(m->discards, &s->volume->id, &s->provider->id)))
                        return true;
        }

        return false;
}

static void hold(SnapshotSet *set) {
        int r;

        if (!set->guard) {
                phase_done(set, S_OK, NULL);
                return;
        }
        avoid_suspended(set);
        r = guard_client_hold(set->guard);
        if (r < 0)
                phase_done(set, hresult_from_errno(r), "umbra-guard does not answer");
}

void phase_hold_begin(SnapshotSet *set) {
        set->hold_waits = true;
        phase_hold_resume(set->manager);
}

void phase_hold_resume(Manager *m) {
        SnapshotSet *set = m->current;

        if (!set || !set->hold_waits || storage_is_worked_on(set))
                return;

        set->hold_waits = false;
        hold(set);
}

void phase_release_begin(SnapshotSet *set) {
        int r;

        if (!set->guard) {
                phase_done(set, S_OK, NULL);
                return;
        }
        r = guard_client_release(set->guard);
        if (r < 0)
                phase_done(set, hresult_from_errno(r), "umbra-guard does not answer");
}
