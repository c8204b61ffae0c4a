/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Snapshots on Their Way Out
 */

#include "coordinator/discard-queue.h"

#include <errno.h>
#include <utlist.h>

#include <vss.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/deed.h"
#include "coordinator/manager.h"
#include "coordinator/phase.h"
#include "coordinator/provider-pool.h"
#include "coordinator/provider-registry.h"
#include "provider/provider-builtin.h"
#include "wire/wire-limits.h"

#define DISCARD_ATTEMPTS 3U
#define DISCARDS_AT_ONCE 8U

/* How long between two attempts where somebody reads it, or the provider has failed so often: at first, and at most. */
#define PAUSE_MIN_USEC (1 * USEC_PER_SEC)
#define PAUSE_MAX_USEC (60 * USEC_PER_SEC)

typedef struct DiscardWaiter {
        struct DiscardWaiter *next;
        DiscardDone done;
        void *userdata;
} DiscardWaiter;

typedef struct Discard {
        struct Discard *prev, *next;
        DiscardQueue *queue;
        CatalogSnapshot row;
        unsigned attempts;
        bool asked;     /* the provider works on it */
        bool unexposed; /* it is not shown elsewhere any more */
        bool discarded; /* the storage is gone, the row is not yet */
        bool postponed; /* somebody reads it, or it has failed; the timer asks again */
        bool failed;    /* at the last attempt: whoever asks for it need not wait for the timer */
        usec_t pause;   /* the last one */
        sd_event_source *timer;
        DiscardWaiter *waiters;
} Discard;

struct DiscardQueue {
        Manager *manager;
        ProviderPool *pool; /* while there is something to do */
        Discard *discards;
        unsigned n_asked;
        sd_event_source *kick;
};

static void discard_free(Discard *d) {
        DiscardWaiter *w, *tmp;

        DL_DELETE(d->queue->discards, d);
        LL_FOREACH_SAFE(d->waiters, w, tmp)
                free(w);
        sd_event_source_disable_unref(d->timer);
        catalog_snapshot_clear(&d->row);
        free(d);
}

/* Their list was taken before: a callback may free what it likes. */
static void waiters_tell(DiscardWaiter *waiters, HRESULT hr, const char *message) {
        DiscardWaiter *w, *tmp;

        LL_FOREACH_SAFE(waiters, w, tmp) {
                if (w->done)
                        w->done(hr, message, w->userdata);
                free(w);
        }
}

static void discard_end(Discard *d, HRESULT hr, const char *message) {
        DiscardWaiter *waiters = TAKE_PTR(d->waiters);

        discard_free(d);
        waiters_tell(waiters, hr, message);
}

static void discard_queue_kick(DiscardQueue *q) {
        (void) sd_event_source_set_enabled(q->kick, SD_EVENT_ONESHOT);
}

static void discard_finish(Discard *d) {
        DiscardQueue *q = d->queue;
        int r;

        r = catalog_forget(q->manager->catalog, &d->row.id);
        if (r < 0)
                log_error_errno(r, "Failed to forget the snapshot {%s}, it is tried again at the next start: %m",
                                GUID_TO_STRING(&d->row.id));
        discard_end(d, S_OK, NULL);
}

static int discard_on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        Discard *d = userdata;

        d->postponed = false;
        discard_queue_kick(d->queue);
        return 0;
}

static int discard_set_timer(Discard *d) {
        int r;

        d->pause = d->pause == 0 ? PAUSE_MIN_USEC : MIN(2 * d->pause, PAUSE_MAX_USEC);
        if (!d->timer)
                return sd_event_add_time_relative(d->queue->manager->event, &d->timer, CLOCK_MONOTONIC, d->pause, 0,
                                                  discard_on_timer, d);

        r = sd_event_source_set_time_relative(d->timer, d->pause);
        return r < 0 ? r : sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
}

/* Nobody sees it any more, so for everybody else it is gone; its storage goes when those have ended who read it. */
static void discard_postpone(Discard *d, const char *message) {
        bool first = d->pause == 0;
        int r;

        d->asked = false;
        --d->queue->n_asked;
        discard_queue_kick(d->queue);

        r = discard_set_timer(d);
        if (r < 0) {
                log_error_errno(r, "Failed to wait for the readers of the snapshot {%s}, it is tried again at the next start: %m",
                                GUID_TO_STRING(&d->row.id));
                discard_end(d, S_OK, NULL);
                return;
        }
        d->postponed = true;
        d->failed = false;
        if (first)
                log_notice("Snapshot {%s} of '%s' is deleted, and its storage as soon as nobody reads it any more: %s",
                           GUID_TO_STRING(&d->row.id), d->row.volume, message ?: "it is in use");
        waiters_tell(TAKE_PTR(d->waiters), S_OK, NULL);
}

/* It stays "deleting", and whoever waits is told; what kept the provider from it may pass. */
static void discard_fail(Discard *d, HRESULT hr, const char *message) {
        bool first = !d->failed;
        int r;

        r = discard_set_timer(d);
        if (r < 0) {
                log_error_errno(r, "Failed to set a timer for the snapshot {%s}, it is tried again at the next start: %m",
                                GUID_TO_STRING(&d->row.id));
                discard_end(d, hr, message);
                return;
        }
        d->postponed = d->failed = true;
        if (first)
                log_error("Failed to discard the snapshot {%s} of '%s', it is tried again and again: %s",
                          GUID_TO_STRING(&d->row.id), d->row.volume, message ?: hresult_sentence(hr));
        waiters_tell(TAKE_PTR(d->waiters), hr, message);
}

/* @ret_flag becomes true when it worked; the kick goes on from there. */
static void discard_take_answer(Discard *d, const ProviderAnswer *answer, bool *ret_flag) {
        DiscardQueue *q = d->queue;

        d->asked = false;
        --q->n_asked;
        discard_queue_kick(q);

        if (SUCCEEDED(answer->hr)) {
                *ret_flag = true;
                return;
        }
        if (++d->attempts < DISCARD_ATTEMPTS)
                return; /* the kick asks again */
        discard_fail(d, answer->hr, answer->message);
}

static void discard_on_unexposed(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        Discard *d = userdata;

        discard_take_answer(d, answer, &d->unexposed);
}

static void discard_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        Discard *d = userdata;

        if (answer->hr == VSS_E_VOLUME_IN_USE)
                discard_postpone(d, answer->message);
        else
                discard_take_answer(d, answer, &d->discarded);
}

static int discard_ask_provider(DiscardQueue *q, Discard *d) {
        const ProviderInfo *provider = provider_registry_find(q->manager, &d->row.provider_id);
        const ProviderSnapshot s = {
                .id = d->row.id,
                .set_id = d->row.set_id,
                .volume = d->row.volume,
                .volume_fd = -EBADF,
                .context = d->row.context,
                .note = d->row.note,
                .unfinished = d->row.created_usec == 0,
        };
        ProviderClient *c;
        int r;

        if (!provider)
                return -ENXIO;
        r = provider_pool_get(q->pool, provider, &c);
        if (r < 0)
                return r;
        if (d->row.exposed_name && d->row.device && !d->unexposed)
                return provider_client_unexpose(c, &s, d->row.device, d->row.exposed_name, WIRE_CALL_TIMEOUT_USEC,
                                                discard_on_unexposed, d);
        return provider_client_discard(c, &s, WIRE_DELETE_TIMEOUT_USEC, discard_on_answer, d);
}

/* It may have been exposed since it was queued. */
static int discard_read_again(DiscardQueue *q, Discard *d) {
        CatalogSnapshot row = { 0 };
        int r;

        r = catalog_get(q->manager->catalog, &d->row.id, &row);
        if (r < 0)
                return r;
        catalog_snapshot_clear(&d->row);
        d->row = row;
        return 0;
}

static int discard_ask(DiscardQueue *q, Discard *d) {
        int r;

        if (!provider_registry_find(q->manager, &d->row.provider_id))
                return -ENXIO;
        r = discard_read_again(q, d);
        if (r >= 0)
                r = catalog_set_deleting(q->manager->catalog, &d->row.id);
        if (r < 0)
                return r;
        if (!q->pool)
                r = provider_pool_new(q->manager, &q->pool);
        return r < 0 ? r : discard_ask_provider(q, d);
}

bool discard_queue_is_empty(const DiscardQueue *q) {
        Discard *d;

        DL_FOREACH(q->discards, d)
                if (!d->postponed)
                        return false;

        return true;
}

bool discard_queue_is_removing(const DiscardQueue *q, const GUID *volume_id, const GUID *provider_id) {
        const Discard *d;

        DL_FOREACH(q->discards, d)
                if (d->asked && guid_equal(&d->row.volume_id, volume_id) && guid_equal(&d->row.provider_id, provider_id))
                        return true;

        return false;
}

static int discard_on_kick(sd_event_source *s, void *userdata) {
        DiscardQueue *q = userdata;
        Discard *d, *tmp;

        if (catalog_is_frozen(q->manager->catalog)) {
                phase_hold_resume(q->manager);
                return 0; /* discard_queue_resume() */
        }

        DL_FOREACH_SAFE(q->discards, d, tmp)
                if (d->discarded) {
                        discard_finish(d);
                        discard_queue_kick(q); /* whoever waited may have changed the list */
                        return 0;
                }
        DL_FOREACH_SAFE(q->discards, d, tmp) {
                int r;

                if (q->n_asked >= DISCARDS_AT_ONCE)
                        return 0;
                if (d->asked || d->postponed || deed_queue_find(q->manager->deeds, &d->row.id)) /* its end resumes us */
                        continue;
                if (d->attempts > 0 && q->pool && q->n_asked == 0)
                        provider_pool_drop(q->pool, provider_registry_find(q->manager, &d->row.provider_id)); /* it failed there, so ask a fresh one */

                d->asked = true;
                ++q->n_asked;
                r = discard_ask(q, d);
                if (r < 0) {
                        d->asked = false;
                        --q->n_asked;
                        if (r != -ENOENT) /* it was broken off meanwhile */
                                log_error_errno(r, "Failed to ask the %s provider to discard {%s}, it is tried again at the next start: %m",
                                                d->row.provider, GUID_TO_STRING(&d->row.id));
                        discard_end(d, r == -ENOENT ? VSS_E_OBJECT_NOT_FOUND : VSS_E_UNEXPECTED_PROVIDER_ERROR, NULL);
                        discard_queue_kick(q);
                        return 0;
                }
        }

        if (discard_queue_is_empty(q)) {
                q->pool = provider_pool_free(q->pool); /* idle means no workers */
                manager_discards_done(q->manager);
        }
        return 0;
}

int discard_queue_new(Manager *m, DiscardQueue **ret) {
        DiscardQueue *q;
        int r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        q->manager = m;
        r = sd_event_add_defer(m->event, &q->kick, discard_on_kick, q);
        if (r >= 0)
                r = sd_event_source_set_enabled(q->kick, SD_EVENT_OFF);
        if (r < 0) {
                discard_queue_free(q);
                return r;
        }
        *ret = q;
        return 0;
}

DiscardQueue *discard_queue_free(DiscardQueue *q) {
        if (!q)
                return NULL;

        provider_pool_free(q->pool);
        while (q->discards)
                discard_free(q->discards);
        sd_event_source_disable_unref(q->kick);
        free(q);
        return NULL;
}

static Discard *discard_find(DiscardQueue *q, const GUID *id) {
        Discard *d;

        DL_FOREACH(q->discards, d)
                if (guid_equal(&d->row.id, id))
                        return d;

        return NULL;
}

HRESULT discard_queue_add(DiscardQueue *q, const GUID *snapshot_id, DiscardDone done, void *userdata) {
        Discard *d = discard_find(q, snapshot_id);
        DiscardWaiter *w;
        int r;

        w = calloc(1, sizeof(*w));
        if (!w)
                return E_OUTOFMEMORY;
        w->done = done;
        w->userdata = userdata;

        if (!d) {
                d = calloc(1, sizeof(*d));
                if (!d) {
                        free(w);
                        return E_OUTOFMEMORY;
                }
                d->queue = q;
                r = catalog_get(q->manager->catalog, snapshot_id, &d->row);
                if (r < 0) {
                        catalog_snapshot_clear(&d->row);
                        free(d);
                        free(w);
                        return r == -ENOENT ? VSS_E_OBJECT_NOT_FOUND : hresult_from_errno(r);
                }
                DL_APPEND(q->discards, d);
        }

        if (d->failed) {
                d->postponed = d->failed = false;
                d->attempts = 0;
        }
        LL_APPEND(d->waiters, w);
        discard_queue_kick(q);
        return S_OK;
}

void discard_queue_forget(DiscardQueue *q, void *userdata) {
        Discard *d;

        DL_FOREACH(q->discards, d) {
                DiscardWaiter *w;

                LL_FOREACH(d->waiters, w)
                        if (w->userdata == userdata)
                                w->done = NULL;
        }
}

void discard_queue_resume(DiscardQueue *q) {
        if (q->discards)
                discard_queue_kick(q);
}
