/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * After a Crash
 */

#include "coordinator/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <vss.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/deed.h"
#include "coordinator/discard-queue.h"
#include "coordinator/manager.h"
#include "coordinator/provider-pool.h"
#include "coordinator/provider-registry.h"
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

/* A persistent one stays exposed, also after the machine was restarted. */
static void recover_exposure(Manager *m, const GUID *id) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        DeedOptions options = { .kind = DEED_EXPOSE, .snapshot = &row, .resumed = true };
        _cleanup_(freep) char *path = NULL;
        Deed *d;
        int r;

        r = catalog_get(m->catalog, id, &row);
        if (r >= 0 && !row.exposed_name)
                return;
        if (r >= 0)
                r = strdup_to(row.exposed_name, &path);
        options.path = path;
        if (r >= 0)
                r = deed_start(m->deeds, &options, &d);
        if (r < 0)
                log_error_errno(r, "Failed to expose the snapshot {%s} again, it is still in the catalog: %m", GUID_TO_STRING(id));
}

static void resurface_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        ResurfaceItem *item = userdata;
        Resurface *all = item->all;

        if (FAILED(answer->hr))
                log_error("Failed to make the snapshot {%s} readable again, it can still be deleted: %s", GUID_TO_STRING(&item->id),
                          answer->message ?: hresult_sentence(answer->hr));
        else if (catalog_set_device(all->manager->catalog, &item->id, answer->text) < 0)
                log_error("Failed to record where the snapshot {%s} is readable", GUID_TO_STRING(&item->id));
        else
                recover_exposure(all->manager, &item->id);
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
        const ProviderInfo *provider;
        ResurfaceItem *item;
        ProviderClient *c;
        int r;

        provider = provider_registry_find(all->manager, &row->provider_id);
        if (!provider)
                return -ENOENT;
        item = calloc(1, sizeof(*item));
        if (!item)
                return -ENOMEM;
        item->all = all;
        item->id = row->id;
        r = provider_pool_get(all->pool, provider, &c);
        if (r >= 0)
                r = provider_client_surface(c, &s, 300 * USEC_PER_SEC, resurface_on_answer, item);
        if (r < 0) {
                free(item);
                return r;
        }
        ++all->pending;
        return 0;
}

/* What was being done goes on. */
static void recover_deed(Manager *m, const CatalogDeed *deed) {
        static const DeedKind kinds[_CATALOG_DEED_KIND_MAX] = { [CATALOG_REVERT] = DEED_REVERT, [CATALOG_BREAK] = DEED_BREAK };
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        DeedOptions options = {
                .kind = kinds[deed->kind],
                .snapshot = &row,
                .path = deed->target,
                .flags = deed->flags,
                .resumed = true,
        };
        Deed *d;
        int r;

        r = catalog_get(m->catalog, &deed->snapshot_id, &row);
        if (r >= 0) {
                log_notice("A previous life was about to %s the snapshot {%s} of '%s', going on", deed_kind_to_string(options.kind),
                           GUID_TO_STRING(&row.id), row.volume);
                r = deed_start(m->deeds, &options, &d);
        }
        if (r < 0)
                log_error_errno(r, "Failed to go on with what was being done to the snapshot {%s}, it is tried again at the next start: %m",
                                GUID_TO_STRING(&deed->snapshot_id));
}

static int recover_deeds(Manager *m) {
        _cleanup_(catalog_deed_list_clear) CatalogDeedList list = { 0 };
        int r;

        r = catalog_list_deeds(m->catalog, &list);
        if (r < 0)
                return r;
        for (size_t i = 0; i < list.n; ++i)
                recover_deed(m, &list.items[i]);
        return 0;
}

/* After a reboot nothing is mounted, and the directory may be there. */
static bool is_seen(const Manager *m, const CatalogSnapshot *row) {
        struct statx st;

        if (!row->device || statx(AT_FDCWD, row->device, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_INO, &st) < 0)
                return false;
        return !m->env.privileged || (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
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
        r = recover_deeds(m); /* before leftovers are discarded, which then waits for them */
        if (r < 0)
                return r;

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
                } else if (!is_seen(m, row)) {
                        r = resurface(all, row);
                        if (r < 0)
                                log_error_errno(r, "Failed to make the snapshot {%s} readable again: %m", GUID_TO_STRING(&row->id));
                } else
                        recover_exposure(m, &row->id);
        }
        if (all->pending == 0) {
                provider_pool_free(all->pool);
                free(all);
        }
        return 0;
}
