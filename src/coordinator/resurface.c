/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Snapshots That Are to Be Readable Again
 *
 *       added, or something was mounted            the provider is asked
 *   WAITS ------------------------------> due (timer) -------------------> asked ----> gone: it is readable
 *     ^                                                                      |
 *     `----------------------------------------------------------------------'  it cannot be shown yet
 *
 * The kernel tells of a change by EPOLLPRI, once to each descriptor of /proc/self/mountinfo; what changed while nobody watched is
 * told when somebody does.
 */

#include "coordinator/resurface.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <utlist.h>

#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/deed.h"
#include "coordinator/manager.h"
#include "coordinator/provider-pool.h"
#include "coordinator/provider-registry.h"
#include "wire/wire-limits.h"

/* Between two tries at least, where something is mounted all the time: at first, and when they have come to nothing again and again. What is mounted
 * after a longer while is tried at once. */
#define PAUSE_MIN_USEC (1 * USEC_PER_SEC)
#define PAUSE_MAX_USEC (60 * USEC_PER_SEC)

typedef struct Item {
        struct Item *prev, *next;
        Resurface *all;
        GUID id;
        bool seen, due, asked;
        char *trouble; /* why it could not be shown, as it was logged */
} Item;

struct Resurface {
        Manager *manager;
        Item *items;
        ProviderPool *pool; /* while answers are awaited */
        unsigned n_asked;
        usec_t tried_usec; /* CLOCK_MONOTONIC */
        usec_t pause;      /* from then on */
        int mounts_fd;
        sd_event_source *mounts, *timer;
};

static void item_free(Item *i) {
        DL_DELETE(i->all->items, i);
        free(i->trouble);
        free(i);
}

static void set_timer(Resurface *q, usec_t usec) {
        int r;

        r = sd_event_source_set_time(q->timer, usec);
        if (r >= 0)
                r = sd_event_source_set_enabled(q->timer, SD_EVENT_ONESHOT);
        if (r < 0)
                log_error_errno(r, "Failed to set a timer, snapshots that are not readable stay so until the next start: %m");
}

static void item_fail(Item *i, const char *why) {
        if (!i->trouble || strcmp(i->trouble, why) != 0)
                log_error("Failed to make the snapshot {%s} readable again, trying when something is mounted: %s", GUID_TO_STRING(&i->id), why);
        (void) free_and_strdup(&i->trouble, why);
}

static void item_end_of_asking(Item *i) {
        Resurface *q = i->all;

        i->asked = false;
        if (--q->n_asked == 0)
                set_timer(q, now_usec(CLOCK_MONOTONIC)); /* not from inside an answer of one of its workers */
}

/* Exposing */

static void item_on_exposed(HRESULT hr, const char *message, const char *path, void *userdata) {
        Item *i = userdata;

        item_end_of_asking(i); /* the deed has said why it failed */
        if (SUCCEEDED(hr))
                item_free(i);
}

/* A persistent one stays exposed, also after the machine was restarted. */
static int item_expose(Item *i, CatalogSnapshot *row) {
        DeedOptions options = { .kind = DEED_EXPOSE, .snapshot = row, .resumed = true };
        _cleanup_(freep) char *path = NULL;
        Deed *d;
        int r;

        r = strdup_to(row->exposed_name, &path);
        options.path = path;
        if (r >= 0)
                r = deed_start(i->all->manager->deeds, &options, &d);
        if (r >= 0)
                r = deed_await_end(d, item_on_exposed, i);
        return r;
}

/* Showing */

static void item_on_surfaced(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        Item *i = userdata;

        item_end_of_asking(i);
        if (FAILED(answer->hr)) {
                item_fail(i, answer->message ?: hresult_sentence(answer->hr));
                return;
        }
        if (catalog_set_device(i->all->manager->catalog, &i->id, answer->text) < 0) {
                item_fail(i, "where it is readable cannot be written to the catalog");
                return;
        }
        if (i->trouble)
                log_notice("The snapshot {%s} is readable again", GUID_TO_STRING(&i->id));
        i->all->pause = PAUSE_MIN_USEC;
        i->seen = i->due = true; /* the timer goes on from here */
}

static int item_surface(Item *i, const CatalogSnapshot *row) {
        const ProviderInfo *provider = provider_registry_find(i->all->manager, &row->provider_id);
        const ProviderSnapshot s = {
                .id = row->id,
                .set_id = row->set_id,
                .volume = row->volume,
                .volume_fd = -EBADF,
                .context = row->context,
                .note = row->note,
        };
        Resurface *all = i->all;
        ProviderClient *c;
        int r = 0;

        if (!provider)
                return -ENXIO;
        if (!all->pool)
                r = provider_pool_new(all->manager, &all->pool);
        if (r >= 0)
                r = provider_pool_get(all->pool, provider, &c);
        return r < 0 ? r : provider_client_surface(c, &s, WIRE_DELETE_TIMEOUT_USEC, item_on_surfaced, i);
}

static void item_try(Item *i) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        Manager *m = i->all->manager;
        int r;

        r = catalog_get(m->catalog, &i->id, &row);
        if (r == -ENOENT || (r >= 0 && row.state != CATALOG_CREATED) || (r >= 0 && i->seen && !row.exposed_name)) {
                item_free(i);
                return;
        }
        if (r >= 0 && (i->seen ? deed_queue_find(m->deeds, &i->id) != NULL : deed_queue_defers(m->deeds, &i->id)))
                return; /* its end goes on here */

        i->due = false;
        if (r >= 0)
                r = i->seen ? item_expose(i, &row) : item_surface(i, &row);
        if (r < 0)
                item_fail(i, strerror(-r));
        else {
                i->asked = true;
                ++i->all->n_asked;
        }
}

static void count_try(Resurface *q) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        q->pause = now > usec_add(q->tried_usec, PAUSE_MAX_USEC) ? PAUSE_MIN_USEC : MIN(2 * q->pause, PAUSE_MAX_USEC);
        q->tried_usec = now;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        Resurface *q = userdata;
        bool reverts_wait, tries;
        Item *i, *tmp;

        if (q->n_asked > 0)
                return 0; /* the last answer comes back here */
        if (catalog_is_frozen(q->manager->catalog)) { /* nobody works on storage */
                set_timer(q, usec_add(now_usec(CLOCK_MONOTONIC), PAUSE_MIN_USEC));
                return 0;
        }

        tries = reverts_wait = deed_queue_look_again(q->manager->deeds);
        DL_FOREACH_SAFE(q->items, i, tmp)
                if (i->due) {
                        item_try(i);
                        tries = true;
                }
        if (tries)
                count_try(q);
        if (q->n_asked == 0)
                q->pool = provider_pool_free(q->pool);
        return sd_event_source_set_enabled(q->mounts, q->items || reverts_wait ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int on_mounts(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Resurface *q = userdata;
        Item *i;

        DL_FOREACH(q->items, i)
                i->due = true;
        set_timer(q, MAX(now_usec(CLOCK_MONOTONIC), usec_add(q->tried_usec, q->pause)));
        return 0;
}

int resurface_new(Manager *m, Resurface **ret) {
        _cleanup_(resurface_freep) Resurface *q = NULL;
        int r;

        q = calloc_checked(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        q->manager = m;
        q->pause = PAUSE_MIN_USEC;
        q->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
        if (q->mounts_fd < 0)
                return -errno;

        r = sd_event_add_io(m->event, &q->mounts, q->mounts_fd, EPOLLPRI, on_mounts, q);
        if (r >= 0)
                r = sd_event_source_set_enabled(q->mounts, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_time(m->event, &q->timer, CLOCK_MONOTONIC, 0, 0, on_timer, q);
        if (r >= 0)
                r = sd_event_source_set_enabled(q->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(q);
        return 0;
}

Resurface *resurface_free(Resurface *q) {
        if (!q)
                return NULL;

        provider_pool_free(q->pool);
        while (q->items)
                item_free(q->items);
        sd_event_source_disable_unref(q->timer);
        sd_event_source_disable_unref(q->mounts);
        fd_close(q->mounts_fd);
        free(q);
        return NULL;
}

int resurface_add(Resurface *q, const GUID *id, bool seen) {
        Item *i = calloc_checked(1, sizeof(*i));

        if (!i)
                return -ENOMEM;
        i->all = q;
        i->id = *id;
        i->seen = seen;
        i->due = true;
        DL_APPEND(q->items, i);
        return 0;
}

void resurface_go_on(Resurface *q) {
        set_timer(q, now_usec(CLOCK_MONOTONIC));
}
