/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How Many Client-Accessible Shadow Copies a Volume Has
 */

#include "coordinator/retention.h"

#include <vss.h>

#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/config.h"
#include "coordinator/deed.h"
#include "coordinator/discard-queue.h"
#include "coordinator/manager.h"
#include "coordinator/snapshot-set.h"

static bool counts(const CatalogSnapshot *row, const GUID *volume_id) {
        return (row->context & VSS_VOLSNAP_ATTR_CLIENT_ACCESSIBLE) && guid_equal(&row->volume_id, volume_id);
}

/* The new one stays in any case. */
static bool must_stay(const SnapshotSet *set, const CatalogSnapshot *row) {
        return guid_equal(&row->set_id, &set->id) || row->exposed_name || deed_queue_find(set->manager->deeds, &row->id);
}

/* @list is in the order of creation. */
static void apply_to_volume(const SnapshotSet *set, const CatalogList *list, const GUID *volume_id) {
        Manager *m = set->manager;
        size_t n = 0;

        for (size_t i = 0; i < list->n; ++i)
                n += counts(&list->items[i], volume_id);

        for (size_t i = 0; i < list->n && n > m->config->max_client_accessible; ++i) {
                const CatalogSnapshot *row = &list->items[i];
                HRESULT hr;

                if (!counts(row, volume_id) || must_stay(set, row))
                        continue;
                hr = discard_queue_add(m->discards, &row->id, NULL, NULL);
                if (FAILED(hr))
                        continue;
                log_info("Snapshot {%s} of '%s' makes room for newer ones", GUID_TO_STRING(&row->id), row->volume);
                --n;
        }
}

void retention_apply(Manager *m, const SnapshotSet *set) {
        _cleanup_(catalog_list_clear) CatalogList list = { 0 };
        int r;

        if (!(set->context & VSS_VOLSNAP_ATTR_CLIENT_ACCESSIBLE))
                return;

        r = catalog_list(m->catalog, NULL, CATALOG_CREATED, &list);
        if (r < 0) {
                log_error_errno(r, "Failed to look for shadow copies that are too many, it is tried again with the next: %m");
                return;
        }
        for (size_t i = 0; i < set->n_snapshots; ++i)
                apply_to_volume(set, &list, &set->snapshots[i]->volume->id);
}
