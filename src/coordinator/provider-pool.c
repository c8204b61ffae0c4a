/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Worker Processes on Demand
 */

#include "coordinator/provider-pool.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include <vss.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "coordinator/manager.h"
#include "coordinator/provider-registry.h"
#include "provider/provider-builtin.h"
#include "wire/wire-limits.h"

#define PROBE_TIMEOUT_USEC (20 * USEC_PER_SEC)

typedef struct PoolWorker {
        struct PoolWorker *prev, *next;
        const ProviderInfo *provider;
        ProviderClient *client;
} PoolWorker;

struct ProviderPool {
        Manager *manager;
        PoolWorker *workers;
};

int provider_pool_new(Manager *m, ProviderPool **ret) {
        ProviderPool *p;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->manager = m;
        *ret = p;
        return 0;
}

static void pool_worker_free(ProviderPool *p, PoolWorker *w) {
        DL_DELETE(p->workers, w);
        provider_client_free(w->client);
        free(w);
}

ProviderPool *provider_pool_free(ProviderPool *p) {
        if (!p)
                return NULL;

        while (p->workers)
                pool_worker_free(p, p->workers);
        free(p);
        return NULL;
}

int provider_pool_get(ProviderPool *p, const ProviderInfo *provider, ProviderClient **ret) {
        PoolWorker *w;
        int r;

        DL_FOREACH(p->workers, w)
                if (w->provider == provider) {
                        *ret = w->client;
                        return 0;
                }

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->provider = provider;
        r = provider_client_new(p->manager->event, &p->manager->env, provider, &w->client);
        if (r < 0) {
                free(w);
                return r;
        }

        DL_APPEND(p->workers, w);
        *ret = w->client;
        return 0;
}

void provider_pool_drop(ProviderPool *p, const ProviderInfo *provider) {
        PoolWorker *w, *tmp;

        DL_FOREACH_SAFE(p->workers, w, tmp)
                if (w->provider == provider)
                        pool_worker_free(p, w);
}

void provider_pool_foreach(ProviderPool *p,
                           void (*each)(ProviderClient *c, const ProviderInfo *provider, void *userdata),
                           void *userdata) {
        struct {
                ProviderClient *client;
                const ProviderInfo *provider;
        } list[PROVIDERS_MAX];
        PoolWorker *w;
        size_t n = 0;

        if (!p)
                return;
        DL_FOREACH(p->workers, w) {
                assert(n < ELEMENTSOF(list));
                list[n].client = w->client;
                list[n++].provider = w->provider;
        }
        for (size_t i = 0; i < n; ++i)
                each(list[i].client, list[i].provider, userdata);
}

struct ProbeJob {
        ProviderPool *pool;
        char *volume;
        const ProviderInfo *candidates[PROVIDERS_MAX];
        size_t n, next; /* who is asked now */
        bool only_one;
        bool unasked; /* one of them could not be */
        char *why;    /* what the last one said, or what is wrong with one */
        ProbeDone done;
        void *userdata;
};

ProbeJob *probe_job_free(ProbeJob *j) {
        if (!j)
                return NULL;
        free(j->volume);
        free(j->why);
        free(j);
        return NULL;
}

static void probe_job_end(ProbeJob *j, const ProviderInfo *provider, const ProviderProbe *probe, HRESULT hr) {
        _cleanup_(freep) char *why = TAKE_PTR(j->why);
        ProbeDone done = j->done;
        void *userdata = j->userdata;
        ProviderProbe copy = probe ? *probe : (ProviderProbe){ 0 };

        probe_job_free(j);
        done(provider, &copy, hr, why, userdata);
}

static void probe_ask(ProbeJob *j);

static void probe_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        ProbeJob *j = userdata;

        if (SUCCEEDED(answer->hr)) {
                probe_job_end(j, j->candidates[j->next], answer->probe, S_OK);
                return;
        }

        if (!j->unasked)
                (void) free_and_strdup(&j->why, answer->message);
        if (!j->only_one && answer->hr != VSS_E_VOLUME_NOT_SUPPORTED)
                log_warning("Failed to ask about '%s', asking the next provider: %s", j->volume,
                            answer->message ?: hresult_sentence(answer->hr));
        if (j->only_one) {
                probe_job_end(j, NULL, NULL,
                              answer->hr == VSS_E_VOLUME_NOT_SUPPORTED ? VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER : answer->hr);
                return;
        }
        ++j->next;
        probe_ask(j);
}

/* It might have been the one; but if another one takes the volume, nobody need care. */
static void probe_skip(ProbeJob *j, int error) {
        const ProviderInfo *provider = j->candidates[j->next];

        log_warning_errno(error, "Failed to start the %s provider, not asking it about '%s': %m", provider->name, j->volume);
        if (!j->unasked) {
                free(TAKE_PTR(j->why));
                (void) format_to(&j->why, "the %s provider cannot be started: %s", provider->name, strerror(-error));
        }
        j->unasked = true;
}

static void probe_ask(ProbeJob *j) {
        for (; j->next < j->n; ++j->next) {
                ProviderClient *c;
                int r;

                r = provider_pool_get(j->pool, j->candidates[j->next], &c);
                if (r >= 0)
                        r = provider_client_probe(c, j->volume, PROBE_TIMEOUT_USEC, probe_on_answer, j);
                if (r >= 0)
                        return;
                probe_skip(j, r);
        }

        probe_job_end(j, NULL, NULL, j->unasked ? VSS_E_UNEXPECTED_PROVIDER_ERROR : VSS_E_VOLUME_NOT_SUPPORTED);
}

/* Who is asked. One that was named and is not asked is said to be the wrong one. */
static HRESULT probe_choose(ProbeJob *j, const GUID *provider_id, int32_t context) {
        const ProviderInfo *all[PROVIDERS_MAX];
        size_t n = 0;
        HRESULT hr;

        hr = provider_registry_choose(j->pool->manager, provider_id, all, &n);
        if (FAILED(hr))
                return hr;

        for (size_t i = 0; i < n; ++i)
                if (provider_is_for_context(all[i], context))
                        j->candidates[j->n++] = all[i];
        j->only_one = !provider_is_any(provider_id);
        if (j->n > 0 || !j->only_one)
                return S_OK;

        (void) strdup_to("client-accessible shadow copies are made by umbra's own providers only", &j->why);
        return VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER;
}

int probe_job_start(ProviderPool *p,
                    const char *volume,
                    const GUID *provider_id,
                    int32_t context,
                    ProbeDone done,
                    void *userdata,
                    ProbeJob **ret) {
        ProbeJob *j;
        HRESULT hr;

        j = calloc(1, sizeof(*j));
        if (!j)
                return -ENOMEM;
        j->pool = p;
        j->done = done;
        j->userdata = userdata;
        j->volume = strdup(volume);
        if (!j->volume) {
                free(j);
                return -ENOMEM;
        }

        *ret = j; /* from here on the job may end at any moment, and whoever has it with it */
        hr = probe_choose(j, provider_id, context);
        if (FAILED(hr))
                probe_job_end(j, NULL, NULL, hr);
        else
                probe_ask(j);
        return 0;
}
