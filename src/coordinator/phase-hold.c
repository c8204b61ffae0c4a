/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Holding the File Systems
 *
 * The guard is started, locked and ready before any writer is frozen; "hold" and "release" are then one message each.
 */

#include "coordinator/phase.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "coordinator/manager.h"
#include "wire/wire-limits.h"

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
                set->manager->window.held_usec = guard_client_held_usec(g);
                phase_done(set, hr, message);
                return;
        case GUARD_FAILED:
                phase_done(set, hr, message);
                return;
        }
}

/* A volume whose provider writes to the file system during commit keeps every other volume on it from being held. */
static bool may_be_held(const SnapshotSet *set, const SetSnapshot *s) {
        if (!(s->probe.flags & PROVIDER_WANTS_HOLD) || !s->volume->holdable)
                return false;

        for (size_t i = 0; i < set->n_snapshots; ++i)
                if ((set->snapshots[i]->probe.flags & PROVIDER_FORBIDS_HOLD) &&
                    set->snapshots[i]->volume->fs_dev == s->volume->fs_dev)
                        return false;
        return true;
}

typedef struct HoldList {
        Volume *volumes[WIRE_VOLUMES_MAX];
        SetSnapshot *snapshots[WIRE_VOLUMES_MAX];
        size_t n;
        int *fds, *index;
        char **mounts;
        size_t n_fds;
} HoldList;

static void hold_list_clear(HoldList *l) {
        for (size_t i = 0; i < l->n_fds; ++i)
                fd_close(l->fds[i]);
        free(l->fds);
        free(l->index);
        strv_free(l->mounts);
}

void phase_guard_begin(SnapshotSet *set) {
        _cleanup_(hold_list_clear) HoldList list = { 0 };
        int r;

        for (size_t i = 0; i < set->n_snapshots; ++i) {
                set->snapshots[i]->hold_index = -1;
                if (!may_be_held(set, set->snapshots[i]))
                        continue;
                list.volumes[list.n] = set->snapshots[i]->volume;
                list.snapshots[list.n++] = set->snapshots[i];
        }
        if (list.n == 0) {
                phase_done(set, S_OK, NULL);
                return;
        }

        r = volume_hold_order(list.volumes, list.n, &list.fds, &list.mounts, &list.n_fds, &list.index);
        if (r < 0) {
                phase_done(set, hresult_from_errno(r), "the file systems to be held could not be opened");
                return;
        }
        for (size_t i = 0; i < list.n; ++i)
                list.snapshots[i]->hold_index = list.index[i];
        if (list.n_fds == 0) {
                phase_done(set, S_OK, NULL);
                return;
        }

        r = guard_client_new(set->manager->event, set->manager->runtime_dir, list.fds, list.mounts, list.n_fds, WIRE_HOLD_MAX_USEC,
                             hold_on_guard, set, &set->guard);
        if (r < 0)
                phase_done(set, hresult_from_errno(r), "umbra-guard could not be started");
}

/* Runs for "guard" and for "hold": whatever is held runs again when this returns. */
void phase_guard_undo(SnapshotSet *set) {
        if (!set->guard)
                return;
        if (guard_client_is_holding(set->guard))
                guard_client_release_now(set->guard);
        set->guard = guard_client_free(set->guard);
}

void phase_hold_begin(SnapshotSet *set) {
        int r;

        if (!set->guard) {
                phase_done(set, S_OK, NULL);
                return;
        }
        r = guard_client_hold(set->guard);
        if (r < 0)
                phase_done(set, hresult_from_errno(r), "umbra-guard does not answer");
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
