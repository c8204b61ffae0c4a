/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Snapshots Whose Storage Fills Up
 *
 * One timer, and a pool of workers while answers are awaited. The catalog says each time which snapshots there are;
 * when there are none, the timer is off until somebody kicks.
 */

#include "coordinator/snapshot-watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/deed.h"
#include "coordinator/manager.h"
#include "coordinator/phase.h"
#include "coordinator/provider-pool.h"
#include "provider/provider-builtin.h"
#include "wire/wire-limits.h"

#define INTERVAL_MIN_USEC (1 * USEC_PER_SEC)
#define INTERVAL_MAX_USEC (10 * USEC_PER_SEC)
#define FULL 1000U
#define WARN_PERMILLE 900U

typedef struct Watched {
        struct Watched *prev, *next;
        SnapshotWatch *watch;
        GUID id;
        char *volume;
        unsigned permille;
        usec_t asked_usec, next_usec; /* CLOCK_MONOTONIC; 0: never, at once */
        bool asked, there, warned;
        char *trouble; /* what the provider said when it could not look after it */
} Watched;

struct SnapshotWatch {
        Manager *manager;
        Watched *items;
        ProviderPool *pool;
        unsigned n_asked;
        sd_event_source *timer;
};

static Watched *watched_free(Watched *i) {
        DL_DELETE(i->watch->items, i);
        free(i->volume);
        free(i->trouble);
        free(i);
        return NULL;
}

usec_t snapshot_watch_interval(unsigned before, unsigned now, usec_t passed) {
        usec_t half;

        if (now < before) /* made larger, because it fills */
                return INTERVAL_MIN_USEC;
        if (now == before || passed == 0)
                return INTERVAL_MAX_USEC;

        half = (usec_t) (FULL - MIN(now, FULL)) * passed / (now - before) / 2;
        return MIN(MAX(half, INTERVAL_MIN_USEC), INTERVAL_MAX_USEC);
}

static void watch_set_timer(SnapshotWatch *w, usec_t usec) {
        int r;

        r = sd_event_source_set_time(w->timer, usec);
        if (r >= 0)
                r = sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
        if (r < 0)
                log_error_errno(r, "Failed to set a timer, nobody looks after snapshots that fill up: %m");
}

/* When all have answered. */
static void watch_rest(SnapshotWatch *w) {
        usec_t next = USEC_INFINITY;
        Watched *i;

        DL_FOREACH(w->items, i)
                next = MIN(next, i->next_usec);
        if (next != USEC_INFINITY)
                watch_set_timer(w, next);
}

static void watched_take_failure(Watched *i, const char *why) {
        if (!i->trouble || strcmp(i->trouble, why) != 0)
                log_error("Failed to look after the snapshot {%s} of '%s': %s", GUID_TO_STRING(&i->id), i->volume, why);
        (void) free_and_strdup(&i->trouble, why);
}

static void watched_take_permille(Watched *i, unsigned permille) {
        if (permille < i->permille)
                log_info("The storage of the snapshot {%s} of '%s' is %u %% full, after %u %%: it was made larger, or something was deleted",
                         GUID_TO_STRING(&i->id), i->volume, permille / 10, i->permille / 10);
        if (permille >= WARN_PERMILLE && !i->warned)
                log_warning("The storage of the snapshot {%s} of '%s' is %u %% full and cannot be made larger; when it is full, the "
                            "snapshot is lost or, in a thin pool, nobody can write to the volume",
                            GUID_TO_STRING(&i->id), i->volume, permille / 10);
        i->warned = permille >= WARN_PERMILLE;
        i->permille = permille;
        free(TAKE_PTR(i->trouble));
}

static void watch_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        Watched *i = userdata;
        SnapshotWatch *w = i->watch;
        usec_t now = now_usec(CLOCK_MONOTONIC);
        unsigned before = i->permille;

        i->asked = false;
        if (FAILED(answer->hr)) {
                if (!deed_queue_defers(w->manager->deeds, &i->id)) /* else it may be used up by just that */
                        watched_take_failure(i, answer->message ?: hresult_sentence(answer->hr));
                i->next_usec = usec_add(now, INTERVAL_MAX_USEC);
        } else {
                watched_take_permille(i, answer->permille);
                /* Of a new one nobody knows how fast it fills. */
                i->next_usec = usec_add(now, i->asked_usec == 0 ? INTERVAL_MIN_USEC :
                                                                  snapshot_watch_interval(before, answer->permille, now - i->asked_usec));
        }
        i->asked_usec = now;
        if (--w->n_asked == 0)
                watch_set_timer(w, now); /* not from inside an answer of one of its workers */
}

static int watched_ask(Watched *i, const CatalogSnapshot *row) {
        const ProviderSnapshot s = {
                .id = row->id,
                .set_id = row->set_id,
                .volume = row->volume,
                .volume_fd = -EBADF,
                .context = row->context,
                .note = row->note,
        };
        SnapshotWatch *w = i->watch;
        ProviderClient *c;
        int r = 0;

        if (!w->pool)
                r = provider_pool_new(w->manager, &w->pool);
        if (r >= 0)
                r = provider_pool_get(w->pool, provider_builtin_by_name(row->provider), &c);
        if (r >= 0)
                r = provider_client_tend(c, &s, WIRE_CALL_TIMEOUT_USEC, watch_on_answer, i);
        if (r < 0)
                return r;

        i->asked = true;
        ++w->n_asked;
        return 0;
}

static Watched *watch_find(SnapshotWatch *w, const CatalogSnapshot *row) {
        Watched *i;

        DL_FOREACH(w->items, i)
                if (guid_equal(&i->id, &row->id))
                        return i;

        i = calloc_checked(1, sizeof(*i));
        if (!i)
                return NULL;
        i->watch = w;
        i->id = row->id;
        DL_APPEND(w->items, i);
        return strdup_to(row->volume, &i->volume) < 0 ? watched_free(i) : i;
}

static int watch_look(SnapshotWatch *w) {
        _cleanup_(catalog_list_clear) CatalogList rows = { 0 };
        usec_t now = now_usec(CLOCK_MONOTONIC);
        Watched *i, *tmp;
        int r;

        r = catalog_list(w->manager->catalog, NULL, CATALOG_CREATED, &rows);
        if (r < 0)
                return r;

        DL_FOREACH(w->items, i)
                i->there = false;
        for (size_t k = 0; k < rows.n; ++k) {
                const ProviderInfo *info = provider_builtin_by_name(rows.items[k].provider);

                if (!info || !(info->abilities & PROVIDER_NEEDS_TENDING))
                        continue;
                i = watch_find(w, rows.items + k);
                if (!i)
                        return -ENOMEM;
                i->there = true;
                if (i->next_usec <= now) {
                        r = watched_ask(i, rows.items + k);
                        if (r < 0)
                                return r;
                }
        }
        DL_FOREACH_SAFE(w->items, i, tmp)
                if (!i->there)
                        watched_free(i);
        return 0;
}

/* While anything is frozen nobody works on storage. */
static int watch_on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        SnapshotWatch *w = userdata;
        int r;

        if (w->n_asked > 0)
                return 0; /* the last answer comes back here */
        if (catalog_is_frozen(w->manager->catalog)) {
                phase_hold_resume(w->manager);
                watch_set_timer(w, usec_add(now_usec(CLOCK_MONOTONIC), INTERVAL_MIN_USEC));
                return 0;
        }

        r = watch_look(w);
        if (r < 0) {
                log_warning_errno(r, "Failed to look after snapshots that fill up, trying again later: %m");
                watch_set_timer(w, usec_add(now_usec(CLOCK_MONOTONIC), INTERVAL_MAX_USEC));
        }
        if (w->n_asked == 0) {
                w->pool = provider_pool_free(w->pool);
                if (r >= 0)
                        watch_rest(w);
        }
        return 0;
}

int snapshot_watch_new(Manager *m, SnapshotWatch **ret) {
        _cleanup_(snapshot_watch_freep) SnapshotWatch *w = NULL;
        int r;

        w = calloc_checked(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->manager = m;
        r = sd_event_add_time(m->event, &w->timer, CLOCK_MONOTONIC, 0, 0, watch_on_timer, w);
        if (r >= 0)
                r = sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(w);
        return 0;
}

SnapshotWatch *snapshot_watch_free(SnapshotWatch *w) {
        if (!w)
                return NULL;

        provider_pool_free(w->pool);
        while (w->items)
                watched_free(w->items);
        sd_event_source_disable_unref(w->timer);
        free(w);
        return NULL;
}

void snapshot_watch_kick(SnapshotWatch *w) {
        watch_set_timer(w, now_usec(CLOCK_MONOTONIC));
}

bool snapshot_watch_is_asking(const SnapshotWatch *w) {
        return w->n_asked > 0;
}

void snapshot_watch_report(SnapshotWatch *w, SnapshotWatchEach each, void *userdata) {
        Watched *i;

        DL_FOREACH(w->items, i)
                each(&i->id, i->volume, i->permille, i->trouble, userdata);
}
