/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which Instant the Copies Are
 *
 * Once all have committed. Those that were held together are one instant, and so is with them the one that is an instant
 * of its own, if there is just one; hold-plan.c says why.
 */

#include "coordinator/phase.h"

static size_t count_own(const SnapshotSet *set) {
        size_t n = 0;

        for (size_t i = 0; i < set->n_snapshots; ++i)
                n += set->snapshots[i]->own_instant;
        return n;
}

static bool is_taken(const SnapshotSet *set, size_t n, usec_t instant) {
        for (size_t i = 0; i < n; ++i)
                if (set->snapshots[i]->instant_usec == instant)
                        return true;
        return instant == set->instant_usec;
}

void phase_decide_instants(SnapshotSet *set) {
        size_t n_own = count_own(set);

        for (size_t i = 0; i < set->n_snapshots && n_own == 1; ++i)
                if (set->snapshots[i]->own_instant)
                        set->instant_usec = set->snapshots[i]->committed_usec;

        for (size_t i = 0; i < set->n_snapshots; ++i) {
                SetSnapshot *s = set->snapshots[i];

                if (!s->own_instant || n_own == 1) {
                        s->instant_usec = set_snapshot_consistency(s) >= (int) PROVIDER_CONSISTENCY_CRASH ? set->instant_usec : 0;
                        continue;
                }

                /* Two that are not one instant together must not look as if they were. */
                s->instant_usec = s->committed_usec;
                while (is_taken(set, i, s->instant_usec))
                        ++s->instant_usec;
        }
}
