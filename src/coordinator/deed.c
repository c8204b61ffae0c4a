/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Deeds
 *
 * One deferred event does everything but take answers: each time it runs it moves one deed on by one step,
 * because whoever is told may start, await or forget others.
 */

#include "coordinator/deed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include <systemd/sd-event.h>
#include <vss.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "coordinator/deed-internal.h"
#include "coordinator/discard-queue.h"
#include "coordinator/left-behind.h"
#include "coordinator/manager.h"
#include "coordinator/provider-pool.h"
#include "coordinator/provider-registry.h"
#include "coordinator/resurface.h"
#include "provider/provider-builtin.h"
#include "volume/volume.h"

#define DEED_ATTEMPTS 3U
#define DEEDS_AT_ONCE 8U /* workers; what comes later waits */

/* Between two looks at what happens without us. */
#define PAUSE_MIN_USEC (1 * USEC_PER_SEC)
#define PAUSE_MAX_USEC (60 * USEC_PER_SEC)

static void deed_queue_kick(DeedQueue *q) {
        (void) sd_event_source_set_enabled(q->kick, SD_EVENT_ONESHOT);
}

static void deed_free(Deed *d) {
        DeedWaiter *w, *tmp;

        DL_DELETE(d->queue->deeds, d);
        provider_pool_free(d->pool);
        LL_FOREACH_SAFE(d->waiters, w, tmp)
                free(w);
        catalog_snapshot_clear(&d->snapshot);
        free(d->path);
        free(d->device);
        free(d->how);
        free(d->message);
        sd_event_source_disable_unref(d->timer);
        free(d);
}

/* @waiters were taken out of their deed before: a callback may do what it likes. */
static void waiters_tell(DeedWaiter *waiters, HRESULT hr, const char *message, const char *path) {
        DeedWaiter *w, *tmp;

        LL_FOREACH_SAFE(waiters, w, tmp) {
                if (w->told)
                        w->told(hr, message, path, w->userdata);
                free(w);
        }
}

static void deed_tell_begun(Deed *d) {
        DeedWaiter *begun = NULL, *w, *tmp;

        LL_FOREACH_SAFE(d->waiters, w, tmp)
                if (w->at_begin) {
                        LL_DELETE(d->waiters, w);
                        LL_APPEND(begun, w);
                }
        waiters_tell(begun, S_OK, NULL, NULL);
}

/* Frees it: whoever is told finds it gone. */
static void deed_tell_done(Deed *d, HRESULT hr) {
        _cleanup_(freep) char *message = TAKE_PTR(d->message), *path = NULL;
        DeedWaiter *waiters = TAKE_PTR(d->waiters);
        DeedQueue *q = d->queue;

        if (SUCCEEDED(hr) && d->kind == DEED_EXPOSE)
                path = TAKE_PTR(d->path);
        deed_free(d);
        discard_queue_resume(q->manager->discards);
        resurface_go_on(q->manager->resurface);
        waiters_tell(waiters, hr, message, path);
}

/* Answers */

static void deed_take_failure(Deed *d, HRESULT hr, const char *message) {
        d->result = hr;
        (void) free_and_strdup(&d->message, message ?: hresult_sentence(hr));
}

static void deed_on_checked(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        Deed *d = userdata;
        char **(*place)(Deed *d) = deed_types[d->kind].checked;

        if (FAILED(answer->hr)) {
                deed_take_failure(d, answer->hr, answer->message);
                d->state = DEED_DONE;
        } else if (place && free_and_strdup(place(d), answer->text) < 0) {
                deed_take_failure(d, E_OUTOFMEMORY, NULL);
                d->state = DEED_DONE;
        } else
                d->state = DEED_CHECKED;
        deed_queue_kick(d->queue);
}

/* The doing begins once more, with a fresh worker. */
static bool deed_repeats(Deed *d, HRESULT hr) {
        return hr == VSS_E_UNEXPECTED_PROVIDER_ERROR && deed_types[d->kind].repeats &&
               ++d->attempts < DEED_ATTEMPTS;
}

static void deed_on_done(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        Deed *d = userdata;

        deed_queue_kick(d->queue);
        if (deed_repeats(d, answer->hr)) {
                log_warning("Failed to %s the snapshot {%s} of '%s', trying again: %s",
                            deed_kind_to_string(d->kind), GUID_TO_STRING(&d->snapshot.id),
                            d->snapshot.volume, answer->message ?: hresult_sentence(answer->hr));
                d->resumed = true;
                d->state = DEED_CHECKED;
                return;
        }

        d->reverted = answer->reverted;
        d->state = SUCCEEDED(answer->hr) && d->reverted == PROVIDER_REVERT_WAITS ? DEED_WAITING : DEED_DONE;
        d->result = S_OK;
        if (FAILED(answer->hr))
                deed_take_failure(d, answer->hr, answer->message);
        else if (answer->text && free_and_strdup(&d->device, answer->text) < 0)
                deed_take_failure(d, E_OUTOFMEMORY, NULL);
}

static void deed_on_progress(ProviderClient *c, unsigned permille, void *userdata) {
        ((Deed *) userdata)->permille = permille;
}

/* Steps */

static int deed_ask(Deed *d, DeedAsk ask, usec_t timeout, ProviderAnswered done) {
        const ProviderSnapshot s = {
                .id = d->snapshot.id,
                .set_id = d->snapshot.set_id,
                .volume = d->snapshot.volume,
                .volume_fd = -EBADF,
                .context = d->snapshot.context,
                .note = d->snapshot.note,
        };
        DeedQuestion q = { .snapshot = &s, .timeout = timeout, .done = done };
        const ProviderInfo *provider;
        int r;

        provider = provider_registry_find(d->queue->manager, &d->snapshot.provider_id);
        if (!provider)
                return -ENXIO;
        if (!d->pool) {
                r = provider_pool_new(d->queue->manager, &d->pool);
                if (r < 0)
                        return r;
        }
        if (d->attempts > 0)
                provider_pool_drop(d->pool, provider);
        r = provider_pool_get(d->pool, provider, &q.client);
        if (r < 0)
                return r;
        provider_client_on_progress(q.client, deed_on_progress, d);
        return ask(d, &q);
}

static void deed_fail(Deed *d, int r) {
        deed_take_failure(d, r == -ENXIO ? VSS_E_PROVIDER_NOT_REGISTERED : hresult_from_errno(r), NULL);
        d->state = DEED_DONE;
        deed_queue_kick(d->queue);
}

static void deed_check(Deed *d) {
        const DeedType *type = &deed_types[d->kind];
        int r;

        if (!type->check || d->resumed) {
                d->state = DEED_CHECKED;
                deed_queue_kick(d->queue);
                return;
        }
        d->state = DEED_CHECKING;
        r = deed_ask(d, type->check, type->check_timeout, deed_on_checked);
        if (r < 0)
                deed_fail(d, r);
}

static void deed_begin(Deed *d) {
        const DeedType *type = &deed_types[d->kind];
        DeedQueue *q = d->queue;
        int r;

        if (type->record && !d->resumed) {
                r = type->record(d, q->manager->catalog);
                if (r < 0) {
                        log_error_errno(r, "Failed to record that the snapshot {%s} is to %s, refusing: %m",
                                        GUID_TO_STRING(&d->snapshot.id), deed_kind_to_string(d->kind));
                        deed_take_failure(d, hresult_from_errno(r),
                                          r == -EBUSY ? "a snapshot set is just being made; try again when that is over" :
                                                        "the catalog could not be written; is its file system full?");
                        deed_tell_done(d, d->result);
                        return;
                }
        }

        d->state = DEED_DOING;
        d->begun = true;
        r = deed_ask(d, type->ask, type->timeout, deed_on_done);
        if (r < 0) {
                deed_fail(d, r);
                return;
        }
        deed_tell_begun(d);
}

static int deed_on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        Deed *d = userdata;

        d->state = DEED_CHECKED;
        deed_queue_kick(d->queue);
        return 0;
}

/* Without a worker. What was begun is not begun again, but looked after. */
static void deed_wait(Deed *d) {
        int r;

        if (!d->deferred)
                log_notice("The revert of '%s' to the snapshot {%s} ends when the volume is next activated, after a restart of the "
                           "machine if it cannot be unmounted",
                           d->path, GUID_TO_STRING(&d->snapshot.id));
        d->pool = provider_pool_free(d->pool);
        d->resumed = d->deferred = true;
        d->attempts = 0;
        d->pause = d->pause == 0 ? PAUSE_MIN_USEC : MIN(2 * d->pause, PAUSE_MAX_USEC);
        d->timer = sd_event_source_disable_unref(d->timer);
        r = sd_event_add_time_relative(d->queue->manager->event, &d->timer, CLOCK_MONOTONIC, d->pause, 0, deed_on_timer, d);
        if (r < 0)
                deed_fail(d, r);
}

/* Nobody knows how far it came, so it is taken back; the catalog still has it. */
static void deed_take_back(Deed *d) {
        log_error("Failed to expose the snapshot {%s} of '%s' at '%s', taking it back: %s",
                  GUID_TO_STRING(&d->snapshot.id), d->snapshot.volume, d->path, d->message);
        d->kind = DEED_UNEXPOSE;
        d->undone = d->result;
        d->attempts = 1; /* not by this worker */
        d->state = DEED_CHECKED;
        deed_queue_kick(d->queue);
}

/* One of a previous life whose place is not there, not yet mounted perhaps: it was decided, and stays so. */
static void deed_keep(Deed *d) {
        log_error("Failed to expose the snapshot {%s} of '%s' at '%s' again, trying when something is mounted: %s",
                  GUID_TO_STRING(&d->snapshot.id), d->snapshot.volume, d->path, d->message);
        deed_tell_done(d, d->result);
}

static void deed_finish(Deed *d) {
        const DeedType *type = &deed_types[d->kind];
        DeedQueue *q = d->queue;
        HRESULT hr;
        int r;

        if (FAILED(d->result))
                log_error("Failed to %s the snapshot {%s} of '%s', giving up: %s",
                          deed_kind_to_string(d->kind), GUID_TO_STRING(&d->snapshot.id), d->snapshot.volume,
                          d->message);
        r = type->finish ? type->finish(d, q->manager->catalog) : 0;
        if (r < 0)
                log_error_errno(
                        r,
                        "Failed to record what became of the snapshot {%s}, trying at the next start: %m",
                        GUID_TO_STRING(&d->snapshot.id));
        if (d->released && SUCCEEDED(d->result))
                (void) discard_queue_add(q->manager->discards, &d->snapshot.id, NULL, NULL);
        hr = FAILED(d->undone) ? d->undone : d->result;
        if (d->kind == DEED_REVERT)
                deed_pasts_add(&q->reverts, d->path, &d->snapshot.id, hr, d->message);
        deed_tell_done(d, hr);
}

static void deed_end(Deed *d) {
        if (!d->begun)
                deed_tell_done(d, d->result);
        else if (d->kind == DEED_EXPOSE && FAILED(d->result) && d->resumed)
                deed_keep(d);
        else if (d->kind == DEED_EXPOSE && FAILED(d->result))
                deed_take_back(d);
        else
                deed_finish(d);
}

static bool deed_is_asking(const Deed *d) {
        return d->state == DEED_CHECKING || d->state == DEED_DOING;
}

static bool deed_is_asleep(const Deed *d) {
        return d->state == DEED_WAITING && d->timer && sd_event_source_get_enabled(d->timer, NULL) > 0;
}

static int deed_on_kick(sd_event_source *s, void *userdata) {
        DeedQueue *q = userdata;
        unsigned asking = 0;
        Deed *d;

        if (catalog_is_frozen(q->manager->catalog))
                return 0; /* deed_queue_resume() */

        DL_FOREACH(q->deeds, d)
                asking += deed_is_asking(d);
        DL_FOREACH(q->deeds, d) {
                if (deed_is_asking(d) || deed_is_asleep(d) || d->waits || (d->state == DEED_NEW && asking >= DEEDS_AT_ONCE))
                        continue;

                deed_queue_kick(q); /* there may be more */
                if (d->state == DEED_NEW)
                        deed_check(d);
                else if (d->state == DEED_CHECKED)
                        deed_begin(d);
                else if (d->state == DEED_WAITING)
                        deed_wait(d);
                else
                        deed_end(d);
                return 0;
        }

        return 0;
}

int deed_queue_new(Manager *m, DeedQueue **ret) {
        DeedQueue *q;
        int r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        q->manager = m;
        r = sd_event_add_defer(m->event, &q->kick, deed_on_kick, q);
        if (r >= 0)
                r = sd_event_source_set_enabled(q->kick, SD_EVENT_OFF);
        if (r < 0) {
                deed_queue_free(q);
                return r;
        }
        *ret = q;
        return 0;
}

DeedQueue *deed_queue_free(DeedQueue *q) {
        if (!q)
                return NULL;

        while (q->deeds)
                deed_free(q->deeds);
        deed_pasts_clear(&q->reverts);
        sd_event_source_disable_unref(q->kick);
        free(q);
        return NULL;
}

static GUID volume_at(const char *path) {
        _cleanup_(volume_freep) Volume *v = NULL;

        return SUCCEEDED(volume_resolve(path, &v, NULL)) ? v->id : (GUID){ 0 };
}

/* A provider of others may have unmounted it himself. */
static bool deed_has_volume(const Deed *d) {
        const ProviderInfo *provider = provider_registry_find(d->queue->manager, &d->snapshot.provider_id);
        GUID there;

        if (!provider || provider->foreign || guid_is_null(&d->volume_id))
                return true;

        there = volume_at(d->path);
        return guid_equal(&there, &d->volume_id);
}

/* Which volume it changes: that of when it was begun. */
static void deed_set_volume(Deed *d, const DeedOptions *options) {
        if (d->kind != DEED_REVERT)
                return;

        if (!d->resumed)
                d->volume_id = volume_at(d->path);
        else if (options->volume_id && !guid_is_null(options->volume_id))
                d->volume_id = *options->volume_id;
        else if (strcmp(d->path, d->snapshot.volume) == 0) /* by an umbra that did not write it down */
                d->volume_id = d->snapshot.volume_id;
}

bool deed_queue_look_again(DeedQueue *q) {
        bool waits = false;
        Deed *d;

        DL_FOREACH(q->deeds, d) {
                d->waits = d->waits && !deed_has_volume(d);
                waits |= d->waits;
        }
        deed_queue_resume(q);
        return waits;
}

int deed_start(DeedQueue *q, DeedOptions *options, Deed **ret) {
        Deed *d;

        d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;
        if (strdup_to(options->path, &d->path) < 0 || strdup_to(options->how, &d->how) < 0) {
                free(d->path);
                free(d);
                return -ENOMEM;
        }
        d->queue = q;
        d->kind = options->kind;
        d->flags = options->flags;
        d->uid = options->uid;
        d->resumed = options->resumed;
        d->snapshot = *options->snapshot;
        *options->snapshot = (CatalogSnapshot){ 0 };
        deed_set_volume(d, options);
        d->leaves = d->resumed && d->how && q->manager->left_behind && left_behind_by(q->manager, d->path);
        d->waits = d->resumed && d->kind == DEED_REVERT && !d->how && !deed_has_volume(d);
        if (d->waits)
                log_warning("The revert of '%s' waits until its volume is mounted", d->path);

        DL_APPEND(q->deeds, d);
        deed_queue_kick(q);
        *ret = d;
        return 0;
}

static int deed_await(Deed *d, bool at_begin, DeedTold told, void *userdata) {
        DeedWaiter *w;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->told = told;
        w->userdata = userdata;
        w->at_begin = at_begin;
        LL_APPEND(d->waiters, w);
        return 0;
}

int deed_await_begin(Deed *d, DeedTold told, void *userdata) {
        return deed_await(d, true, told, userdata);
}

int deed_await_end(Deed *d, DeedTold told, void *userdata) {
        return deed_await(d, false, told, userdata);
}

void deed_queue_forget(DeedQueue *q, void *userdata) {
        DeedWaiter *w;
        Deed *d;

        DL_FOREACH(q->deeds, d)
                LL_FOREACH(d->waiters, w)
                        if (w->userdata == userdata)
                                w->told = NULL;
}

bool deed_queue_release(DeedQueue *q, const GUID *snapshot_id) {
        Deed *d = deed_queue_find(q, snapshot_id);

        if (!d || d->kind != DEED_IMPORT)
                return false;

        d->released = true;
        return true;
}

Deed *deed_queue_find(DeedQueue *q, const GUID *snapshot_id) {
        Deed *d;

        DL_FOREACH(q->deeds, d)
                if (guid_equal(&d->snapshot.id, snapshot_id))
                        return d;
        return NULL;
}

Deed *deed_queue_find_revert(DeedQueue *q, const char *target) {
        Deed *d;

        DL_FOREACH(q->deeds, d)
                if (d->kind == DEED_REVERT && strcmp(d->path, target) == 0)
                        return d;
        return NULL;
}

bool deed_has_begun(const Deed *d) {
        return d->begun || d->resumed;
}

bool deed_queue_defers(DeedQueue *q, const GUID *snapshot_id) {
        const Deed *d = deed_queue_find(q, snapshot_id);

        return d && d->kind == DEED_REVERT && d->how;
}

void deed_queue_resume(DeedQueue *q) {
        if (q->deeds)
                deed_queue_kick(q);
}

void deed_queue_report(DeedQueue *q,
                       void (*each)(const DeedReport *report, void *userdata),
                       void *userdata) {
        Deed *d;

        DL_FOREACH(q->deeds, d)
                each(&(DeedReport){
                             .kind = d->kind,
                             .snapshot = &d->snapshot,
                             .path = d->path,
                             .doing = d->deferred ? d->permille > 0 : d->state == DEED_DOING,
                             .waiting = d->deferred && d->permille == 0,
                             .permille = d->permille,
                     },
                     userdata);
}

const DeedPast *deed_queue_past_reverts(const DeedQueue *q) {
        return q->reverts;
}
