/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Instant
 *
 * Commit by all workers at once, and the steps about it that only some providers have.
 */

#include "coordinator/phase.h"

#include "base/guid.h"
#include "base/hresult.h"
#include "coordinator/manager.h"
#include "coordinator/provider-pool.h"
#include "provider/provider-builtin.h"
#include "provider/provider-protocol.h"
#include "wire/wire-limits.h"

/* Later than the phase's own deadline, and the guard's: these know that the hold was too long. */
#define COMMIT_ANSWER_USEC (2 * WIRE_HOLD_MAX_USEC)

int set_snapshot_consistency(const SetSnapshot *s) {
        return s->hold == HOLD_FREEZE || s->hold == HOLD_SUSPEND ? s->probe.consistency_held : s->probe.consistency;
}

static void commit_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        SnapshotSet *set = userdata;

        if (FAILED(answer->hr))
                phase_done(set, answer->hr, answer->message);
        else if (--set->pending == 0)
                phase_done(set, S_OK, NULL);
}

/* The steps that only some providers have. */
static bool has_step(const SnapshotSet *set, const ProviderInfo *provider, uint32_t flag) {
        for (size_t i = 0; i < set->n_snapshots; ++i)
                if (set->snapshots[i]->provider == provider && (set->snapshots[i]->probe.flags & flag))
                        return true;
        return false;
}

typedef struct Step {
        SnapshotSet *set;
        uint32_t flag; /* of the providers that have it */
        int (*ask)(ProviderClient *c, SnapshotSet *set);
} Step;

static void step_count(ProviderClient *c, const ProviderInfo *provider, void *userdata) {
        Step *step = userdata;

        if (has_step(step->set, provider, step->flag))
                ++step->set->pending;
}

static void step_ask(ProviderClient *c, const ProviderInfo *provider, void *userdata) {
        Step *step = userdata;

        if (!step->set->turning_back && has_step(step->set, provider, step->flag) && step->ask(c, step->set) < 0)
                phase_done(step->set, VSS_E_UNEXPECTED_PROVIDER_ERROR, NULL);
}

static void step_begin(SnapshotSet *set, uint32_t flag, int (*ask)(ProviderClient *c, SnapshotSet *set)) {
        Step step = { .set = set, .flag = flag, .ask = ask };

        provider_pool_foreach(set->pool, step_count, &step);
        if (set->pending == 0) {
                phase_done(set, S_OK, NULL);
                return;
        }
        provider_pool_foreach(set->pool, step_ask, &step);
}

static int pre_commit_ask(ProviderClient *c, SnapshotSet *set) {
        return provider_client_pre_commit(c, WIRE_HOLD_MAX_USEC, commit_on_answer, set);
}

void phase_pre_commit_begin(SnapshotSet *set) {
        step_begin(set, PROVIDER_HAS_PRE_COMMIT, pre_commit_ask);
}

static int post_commit_ask(ProviderClient *c, SnapshotSet *set) {
        return provider_client_post_commit(c, (uint32_t) set->n_snapshots, WIRE_HOLD_MAX_USEC, commit_on_answer, set);
}

void phase_post_commit_begin(SnapshotSet *set) {
        step_begin(set, PROVIDER_HAS_POST_COMMIT, post_commit_ask);
}

static int finish_ask(ProviderClient *c, SnapshotSet *set) {
        return provider_client_finish(c, &set->id, 120 * USEC_PER_SEC, commit_on_answer, set);
}

void phase_finish_begin(SnapshotSet *set) {
        step_begin(set, PROVIDER_HAS_FINISH, finish_ask);
}

/* First those that are an instant of their own, together with all that is held until the end; then those whose
 * commits let go of what is suspended. See hold-plan.c. */
typedef enum CommitTurn {
        COMMIT_FIRST,
        COMMIT_SECOND,
} CommitTurn;

static CommitTurn commit_turn(const SetSnapshot *s) {
        return s->hold == HOLD_SUSPEND ? COMMIT_SECOND : COMMIT_FIRST;
}

typedef struct CommitWork {
        GUID ids[WIRE_VOLUMES_MAX], held[WIRE_VOLUMES_MAX];
        size_t n_ids, n_held;
        bool own; /* one of them is an instant of its own */
} CommitWork;

static void commit_work(const SnapshotSet *set, const ProviderInfo *provider, CommitTurn turn, CommitWork *ret) {
        ret->n_ids = ret->n_held = 0;
        ret->own = false;
        for (size_t i = 0; i < set->n_snapshots; ++i) {
                const SetSnapshot *s = set->snapshots[i];

                if (s->provider != provider || commit_turn(s) != turn)
                        continue;
                ret->ids[ret->n_ids++] = s->id;
                if (s->hold == HOLD_FREEZE || s->hold == HOLD_SUSPEND)
                        ret->held[ret->n_held++] = s->id;
                ret->own = ret->own || s->own_instant;
        }
}

static void commit_note_instants(SnapshotSet *set, const ProviderAnswer *answer) {
        for (size_t i = 0; i < answer->n_instants; ++i)
                for (size_t k = 0; k < set->n_snapshots; ++k)
                        if (guid_equal(&set->snapshots[k]->id, &answer->instants[i].id))
                                set->snapshots[k]->committed_usec = answer->instants[i].usec;
}

static void commit_ask_second(ProviderClient *c, const ProviderInfo *provider, void *userdata);

static void commit_answered(SnapshotSet *set, const ProviderAnswer *answer, bool own) {
        if (FAILED(answer->hr)) {
                phase_done(set, answer->hr, answer->message);
                return;
        }
        commit_note_instants(set, answer);
        --set->pending;
        if (own && --set->pending_own == 0)
                provider_pool_foreach(set->pool, commit_ask_second, set);
        if (!set->turning_back && set->pending == 0)
                phase_done(set, S_OK, NULL);
}

static void commit_on_own(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        commit_answered(userdata, answer, true);
}

static void commit_on_other(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        commit_answered(userdata, answer, false);
}

static void commit_ask(ProviderClient *c, const ProviderInfo *provider, SnapshotSet *set, CommitTurn turn) {
        CommitWork work;

        if (set->turning_back)
                return;
        commit_work(set, provider, turn, &work);
        if (work.n_ids == 0)
                return;
        if (provider_client_commit(c, &(ProviderCommit){ work.ids, work.held, work.n_ids, work.n_held }, COMMIT_ANSWER_USEC,
                                   work.own ? commit_on_own : commit_on_other, set) < 0)
                phase_done(set, VSS_E_UNEXPECTED_PROVIDER_ERROR, NULL);
}

static void commit_ask_first(ProviderClient *c, const ProviderInfo *provider, void *userdata) {
        commit_ask(c, provider, userdata, COMMIT_FIRST);
}

static void commit_ask_second(ProviderClient *c, const ProviderInfo *provider, void *userdata) {
        commit_ask(c, provider, userdata, COMMIT_SECOND);
}

static void commit_count(ProviderClient *c, const ProviderInfo *provider, void *userdata) {
        SnapshotSet *set = userdata;
        CommitWork work;

        for (CommitTurn turn = COMMIT_FIRST; turn <= COMMIT_SECOND; ++turn) {
                commit_work(set, provider, turn, &work);
                set->pending += work.n_ids > 0;
                set->pending_own += work.own;
        }
}

void phase_commit_begin(SnapshotSet *set) {
        set->instant_usec = now_usec(CLOCK_REALTIME);
        set->pending_own = 0;
        provider_pool_foreach(set->pool, commit_count, set);
        if (set->pending == 0) {
                phase_done(set, S_OK, NULL);
                return;
        }
        provider_pool_foreach(set->pool, commit_ask_first, set);
        if (!set->turning_back && set->pending_own == 0)
                provider_pool_foreach(set->pool, commit_ask_second, set);
}
