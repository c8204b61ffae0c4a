/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Was Taken Can Be Seen
 *
 * After the thaw the copies are made readable, the document says what they are, and at last the catalog says that they exist.
 */

#include "coordinator/phase.h"

#include "base/alloc.h"
#include "base/hresult.h"
#include "catalog/catalog.h"
#include "coordinator/manager.h"
#include "coordinator/provider-pool.h"
#include "coordinator/session.h"
#include "coordinator/snapshot-watch.h"
#include "provider/provider-builtin.h"
#include "wire/wire-limits.h"

/* In the document, for PostSnapshot and for whoever restores one day. */
static HRESULT record_in_document(SnapshotSet *set) {
        BackupDoc *doc = set->session->doc;
        char instant[TIMESTAMP_STRING_MAX];
        HRESULT hr;

        if (!doc)
                return S_OK;
        doc->snapshot_set_id = set->id;
        for (size_t i = 0; i < set->n_snapshots; ++i) {
                const SetSnapshot *s = set->snapshots[i];
                BackupVolume *v = backup_doc_find_volume(doc, &s->id);

                if (!v) {
                        hr = backup_doc_add_volume(doc, &s->id, &s->provider->id, s->volume->path);
                        if (FAILED(hr))
                                return hr;
                        v = backup_doc_find_volume(doc, &s->id);
                }
                if (free_and_strdup(&v->device_object, s->device) < 0 ||
                    free_and_strdup(&v->machine, set->manager->machine) < 0)
                        return E_OUTOFMEMORY;
                if ((set->context & VSS_VOLSNAP_ATTR_TRANSPORTABLE) && free_and_strdup(&v->storage, s->storage) < 0)
                        return E_OUTOFMEMORY;
                v->consistency = (Consistency) set_snapshot_consistency(s);
                if (free_and_strdup(&v->instant, s->instant_usec > 0 ? instant_to_string(s->instant_usec, instant) : NULL) < 0)
                        return E_OUTOFMEMORY;
        }
        return S_OK;
}

static void surface_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        SetSnapshot *s = userdata;

        if (FAILED(answer->hr))
                phase_done(s->set, answer->hr, answer->message);
        else if (free_and_strdup(&s->device, answer->text) < 0 || free_and_strdup(&s->storage, answer->storage) < 0)
                phase_done(s->set, E_OUTOFMEMORY, NULL);
        else if (--s->set->pending == 0)
                phase_done(s->set, record_in_document(s->set), NULL);
}

void phase_surface_begin(SnapshotSet *set) {
        phase_decide_instants(set);
        if (set->n_snapshots == 0) {
                phase_done(set, S_OK, NULL);
                return;
        }

        set->pending = set->n_snapshots;
        for (size_t i = 0; i < set->n_snapshots; ++i) {
                SetSnapshot *s = set->snapshots[i];
                const ProviderSnapshot surface = set_snapshot_for_provider(s);
                ProviderClient *c;
                int r;

                r = provider_pool_get(set->pool, s->provider, &c);
                if (r >= 0)
                        r = provider_client_surface(c, &surface, 120 * USEC_PER_SEC, surface_on_answer, s);
                if (r < 0) {
                        phase_done(set, VSS_E_UNEXPECTED_PROVIDER_ERROR, NULL);
                        return;
                }
        }
}

void phase_record_begin(SnapshotSet *set) {
        CatalogSnapshot rows[WIRE_VOLUMES_MAX] = { 0 };
        int r;

        for (size_t i = 0; i < set->n_snapshots; ++i)
                rows[i] = (CatalogSnapshot){
                        .id = set->snapshots[i]->id,
                        .set_id = set->id,
                        .device = set->snapshots[i]->device,
                        .consistency = set_snapshot_consistency(set->snapshots[i]),
                        .created_usec = set->snapshots[i]->instant_usec ?: set->instant_usec,
                };
        r = set->n_snapshots > 0 ? catalog_set_created(set->manager->catalog, rows, set->n_snapshots) : 0;
        if (r >= 0)
                snapshot_watch_kick(set->manager->watch);
        phase_done(set, hresult_from_errno(r < 0 ? r : 0), r < 0 ? "the catalog could not be written" : NULL);
}
