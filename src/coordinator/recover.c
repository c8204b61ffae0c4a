/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * After a Crash
 */

#include "coordinator/recover.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <vss.h>

#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "coordinator/catalog.h"
#include "coordinator/discard-queue.h"
#include "coordinator/manager.h"
#include "coordinator/provider-pool.h"
#include "provider/provider-builtin.h"

/* One pool for all that has to be surfaced again; gone when the last answer has come. */
typedef struct Resurface {
        Manager *manager;
        ProviderPool *pool;
        size_t pending;
} Resurface;

typedef struct ResurfaceItem {
        Resurface *all;
        GUID id;
} ResurfaceItem;

static void resurface_free_later(Resurface *all);

static void resurface_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        ResurfaceItem *item = userdata;
        Resurface *all = item->all;

        if (FAILED(answer->hr))
                log_error("Failed to make the snapshot {%s} readable again, it can still be deleted: %s", GUID_TO_STRING(&item->id),
                          answer->message ?: hresult_sentence(answer->hr));
        else if (catalog_set_device(all->manager->catalog, &item->id, answer->text) < 0)
                log_error("Failed to record where the snapshot {%s} is readable", GUID_TO_STRING(&item->id));
        free(item);
        if (--all->pending == 0)
                resurface_free_later(all);
}

static int resurface_on_defer(sd_event_source *s, void *userdata) {
        Resurface *all = userdata;

        provider_pool_free(all->pool);
        free(all);
        sd_event_source_unref(s);
        return 0;
}

/* Not from inside an answer of one of its workers. */
static void resurface_free_later(Resurface *all) {
        sd_event_source *s;

        if (sd_event_add_defer(all->manager->event, &s, resurface_on_defer, all) < 0)
                log_warning("Failed to stop the workers of recovery, they stay until umbrad ends");
}

static int resurface(Resurface *all, const CatalogSnapshot *row) {
        const ProviderSnapshot s = {
                .id = row->id,
                .set_id = row->set_id,
                .volume = row->volume,
                .volume_fd = -EBADF,
                .context = row->context,
                .note = row->note,
        };
        ResurfaceItem *item;
        ProviderClient *c;
        int r;

        if (!provider_builtin_by_name(row->provider))
                return -ENOENT;
        item = calloc(1, sizeof(*item));
        if (!item)
                return -ENOMEM;
        item->all = all;
        item->id = row->id;
        r = provider_pool_get(all->pool, row->provider, &c);
        if (r >= 0)
                r = provider_client_surface(c, &s, 300 * USEC_PER_SEC, resurface_on_answer, item);
        if (r < 0) {
                free(item);
                return r;
        }
        ++all->pending;
        return 0;
}

static bool is_leftover(const CatalogSnapshot *row) {
        return row->state != CATALOG_CREATED || !(row->context & VSS_VOLSNAP_ATTR_NO_AUTO_RELEASE);
}

int recover_start(Manager *m) {
        _cleanup_(catalog_list_clear) CatalogList list = { 0 };
        Resurface *all;
        int r;

        r = catalog_list(m->catalog, NULL, _CATALOG_STATE_INVALID, &list);
        if (r < 0)
                return r;
        if (list.n == 0)
                return 0;

        all = calloc(1, sizeof(*all));
        if (!all)
                return -ENOMEM;
        all->manager = m;
        r = provider_pool_new(m, &all->pool);
        if (r < 0) {
                free(all);
                return r;
        }
        for (size_t i = 0; i < list.n; ++i) {
                const CatalogSnapshot *row = &list.items[i];

                if (is_leftover(row)) {
                        log_notice("Snapshot {%s} of '%s' was left %s by a previous life, discarding it", GUID_TO_STRING(&row->id),
                                   row->volume, catalog_state_to_string(row->state));
                        (void) discard_queue_add(m->discards, &row->id, NULL, NULL);
                } else if (!row->device || access(row->device, F_OK) < 0) {
                        r = resurface(all, row);
                        if (r < 0)
                                log_error_errno(r, "Failed to make the snapshot {%s} readable again: %m", GUID_TO_STRING(&row->id));
                }
        }
        if (all->pending == 0) {
                provider_pool_free(all->pool);
                free(all);
        }
        return 0;
}
