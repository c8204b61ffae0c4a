/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which Instant the Copies Are
 *
 * Once all have committed. Those that were held together are one instant, and so is with them the one that is an instant
 * of its own, if there is just one; hold-plan.c says why.
 */

#include "coordinator/phase.h"

/* What the provider says is one instant, is one. */
static bool is_same(const SetSnapshot *a, const SetSnapshot *b) {
        return a->own_instant && b->own_instant && a->provider == b->provider && a->committed_usec == b->committed_usec;
}

/* The first of those that are one instant with @s. */
static SetSnapshot *first_of(const SnapshotSet *set, const SetSnapshot *s) {
        for (size_t i = 0; i < set->n_snapshots; ++i)
                if (is_same(set->snapshots[i], s))
                        return set->snapshots[i];
        return NULL;
}

/* The one that is an instant of its own, when there are no others; those that are one with it do not count. */
static const SetSnapshot *only_own(const SnapshotSet *set) {
        const SetSnapshot *only = NULL;

        for (size_t i = 0; i < set->n_snapshots; ++i) {
                const SetSnapshot *s = set->snapshots[i];

                if (s->own_instant && only && !is_same(s, only))
                        return NULL;
                if (s->own_instant && !only)
                        only = s;
        }
        return only;
}

static bool is_taken(const SnapshotSet *set, size_t n, usec_t instant) {
        for (size_t i = 0; i < n; ++i)
                if (set->snapshots[i]->instant_usec == instant)
                        return true;
        return instant == set->instant_usec;
}

/* Two that are not one instant together must not look as if they were. */
static void give_own(const SnapshotSet *set, size_t i) {
        SetSnapshot *s = set->snapshots[i], *first = first_of(set, s);

        assert(first); /* at least itself */
        if (first != s) {
                s->instant_usec = first->instant_usec;
                return;
        }
        s->instant_usec = s->committed_usec;
        while (is_taken(set, i, s->instant_usec))
                ++s->instant_usec;
}

void phase_decide_instants(SnapshotSet *set) {
        const SetSnapshot *only = only_own(set);

        if (only)
                set->instant_usec = only->committed_usec;
        for (size_t i = 0; i < set->n_snapshots; ++i)
                if (set->snapshots[i]->own_instant && !only)
                        give_own(set, i);
                else if (set_snapshot_consistency(set->snapshots[i]) >= (int) PROVIDER_CONSISTENCY_CRASH)
                        set->snapshots[i]->instant_usec = set->instant_usec;
}
