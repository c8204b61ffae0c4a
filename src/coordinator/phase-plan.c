/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Before the Window: the Providers
 *
 * Plan (where will everything be? then that goes into the catalog, before anything exists), prepare (all that is slow), flush (syncfs, always: nothing makes
 * the window shorter for less).
 */

#include "coordinator/phase.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/hresult.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/discard-queue.h"
#include "coordinator/manager.h"
#include "coordinator/provider-pool.h"
#include "provider/provider-builtin.h"
#include "wire/wire-limits.h"

/* One of @pending answers of the phase. */
static void phase_answer(SnapshotSet *set, const ProviderAnswer *answer, void (*all)(SnapshotSet *set)) {
        if (FAILED(answer->hr)) {
                phase_done(set, answer->hr, answer->message);
                return;
        }
        if (--set->pending == 0)
                all(set);
}

static void phase_succeeded(SnapshotSet *set) {
        phase_done(set, S_OK, NULL);
}

static void plan_row(const SetSnapshot *s, CatalogSnapshot *row) {
        const SnapshotSet *set = s->set;

        *row = (CatalogSnapshot){
                .id = s->id,
                .set_id = set->id,
                .state = CATALOG_PLANNED,
                .provider = (char *) (uintptr_t) s->provider->name,
                .provider_id = s->provider->id,
                .volume = s->volume->path,
                .volume_id = s->volume->id,
                .note = s->note,
                .snapshots_count = (int32_t) set->n_snapshots,
                .context = (uint32_t) set->context | s->probe.attributes,
                .machine = set->manager->machine,
        };
}

static void plan_record(SnapshotSet *set) {
        CatalogSnapshot rows[WIRE_VOLUMES_MAX];
        int r;

        for (size_t i = 0; i < set->n_snapshots; ++i)
                plan_row(set->snapshots[i], &rows[i]);

        r = catalog_plan(set->manager->catalog, rows, set->n_snapshots);
        if (r < 0) {
                phase_done(set, hresult_from_errno(r), "the catalog could not be written; is its file system full?");
                return;
        }
        set->recorded = true;
        phase_done(set, S_OK, NULL);
}

static void plan_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        SetSnapshot *s = userdata;

        if (SUCCEEDED(answer->hr) && free_and_strdup(&s->note, answer->text) < 0) {
                phase_done(s->set, E_OUTOFMEMORY, NULL);
                return;
        }
        phase_answer(s->set, answer, plan_record);
}

/* Those that were asked about a volume and did not get one are not needed any more. */
static void plan_drop_unused(ProviderClient *c, const ProviderInfo *provider, void *userdata) {
        SnapshotSet *set = userdata;

        for (size_t i = 0; i < set->n_snapshots; ++i)
                if (set->snapshots[i]->provider == provider)
                        return;
        provider_pool_drop(set->pool, provider);
}

void phase_plan_begin(SnapshotSet *set) {
        provider_pool_foreach(set->pool, plan_drop_unused, set);
        if (set->n_snapshots == 0) {
                phase_done(set, S_OK, NULL);
                return;
        }

        set->pending = set->n_snapshots;
        for (size_t i = 0; i < set->n_snapshots; ++i) {
                SetSnapshot *s = set->snapshots[i];
                const ProviderSnapshot plan = {
                        .id = s->id,
                        .set_id = set->id,
                        .volume = s->volume->path,
                        .volume_fd = -EBADF,
                        .context = (uint32_t) set->context,
                        .room = s->room,
                };
                ProviderClient *c;
                int r;

                r = provider_pool_get(set->pool, s->provider, &c);
                if (r >= 0)
                        r = provider_client_plan(c, &plan, 30 * USEC_PER_SEC, plan_on_answer, s);
                if (r < 0) {
                        phase_done(set, VSS_E_UNEXPECTED_PROVIDER_ERROR, "the provider's worker could not be started");
                        return;
                }
        }
}

static void undo_on_discarded(HRESULT hr, const char *message, void *userdata) {
        phases_undo_answered(userdata);
}

/* By now nothing is held. The workers are killed first: one that still copies would race with its own removal. */
void phase_plan_undo(SnapshotSet *set) {
        set->pool = provider_pool_free(set->pool);
        if (!set->recorded)
                return;

        for (size_t i = 0; i < set->n_snapshots; ++i) {
                HRESULT hr;

                hr = discard_queue_add(set->manager->discards, &set->snapshots[i]->id, undo_on_discarded, set);
                if (SUCCEEDED(hr))
                        ++set->pending;
                else
                        log_warning("Failed to take back the snapshot of '%s', it is tried again at the next start: %s",
                                    set->snapshots[i]->volume->path, hresult_name(hr));
        }
}

static void prepare_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        phase_answer(((SetSnapshot *) userdata)->set, answer, phase_succeeded);
}

void phase_prepare_begin(SnapshotSet *set) {
        if (set->n_snapshots == 0) {
                phase_done(set, S_OK, NULL);
                return;
        }

        set->pending = set->n_snapshots;
        for (size_t i = 0; i < set->n_snapshots; ++i) {
                SetSnapshot *s = set->snapshots[i];
                ProviderClient *c;
                int r;

                r = provider_pool_get(set->pool, s->provider, &c);
                if (r >= 0)
                        r = provider_client_prepare(c, &s->id, USEC_INFINITY / 2, prepare_on_answer, s);
                if (r < 0) {
                        phase_done(set, VSS_E_UNEXPECTED_PROVIDER_ERROR, NULL);
                        return;
                }
        }
}

static void flush_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        phase_answer(userdata, answer, phase_succeeded);
}

static void flush_count(ProviderClient *c, const ProviderInfo *provider, void *userdata) {
        ++((SnapshotSet *) userdata)->pending;
}

static void flush_ask(ProviderClient *c, const ProviderInfo *provider, void *userdata) {
        SnapshotSet *set = userdata;

        if (!set->turning_back && provider_client_sync(c, 300 * USEC_PER_SEC, flush_on_answer, set) < 0)
                phase_done(set, VSS_E_UNEXPECTED_PROVIDER_ERROR, NULL);
}

void phase_flush_begin(SnapshotSet *set) {
        provider_pool_foreach(set->pool, flush_count, set);
        if (set->pending == 0) {
                phase_done(set, S_OK, NULL);
                return;
        }
        provider_pool_foreach(set->pool, flush_ask, set);
}
