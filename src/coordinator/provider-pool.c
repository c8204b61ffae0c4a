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
#include "base/log.h"
#include "coordinator/manager.h"
#include "coordinator/provider-registry.h"
#include "provider/provider-builtin.h"

#define PROBE_TIMEOUT_USEC (20 * USEC_PER_SEC)

typedef struct PoolWorker {
        struct PoolWorker *prev, *next;
        const char *name;
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

int provider_pool_get(ProviderPool *p, const char *name, ProviderClient **ret) {
        PoolWorker *w;
        int r;

        DL_FOREACH(p->workers, w)
                if (strcmp(w->name, name) == 0) {
                        *ret = w->client;
                        return 0;
                }

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->name = provider_builtin_by_name(name)->name;
        r = provider_client_new(p->manager->event, &p->manager->env, w->name, &w->client);
        if (r < 0) {
                free(w);
                return r;
        }

        DL_APPEND(p->workers, w);
        *ret = w->client;
        return 0;
}

void provider_pool_drop(ProviderPool *p, const char *name) {
        PoolWorker *w, *tmp;

        DL_FOREACH_SAFE(p->workers, w, tmp)
                if (strcmp(w->name, name) == 0)
                        pool_worker_free(p, w);
}

void provider_pool_foreach(ProviderPool *p, void (*each)(ProviderClient *c, const char *name, void *userdata), void *userdata) {
        struct {
                ProviderClient *client;
                const char *name;
        } list[16];
        PoolWorker *w;
        size_t n = 0;

        if (!p)
                return;
        DL_FOREACH(p->workers, w) {
                assert(n < ELEMENTSOF(list));
                list[n].client = w->client;
                list[n++].name = w->name;
        }
        for (size_t i = 0; i < n; ++i)
                each(list[i].client, list[i].name, userdata);
}

struct ProbeJob {
        ProviderPool *pool;
        char *volume;
        const ProviderInfo *next; /* who is asked now */
        bool only_one;
        char *why; /* what the last one said */
        ProbeDone done;
        void *userdata;
        bool *gone; /* set when the job is freed while probe_ask() runs */
};

ProbeJob *probe_job_free(ProbeJob *j) {
        if (!j)
                return NULL;
        if (j->gone)
                *j->gone = true;
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
                probe_job_end(j, j->next, answer->probe, S_OK);
                return;
        }

        (void) free_and_strdup(&j->why, answer->message);
        if (j->only_one) {
                probe_job_end(j, NULL, NULL,
                              answer->hr == VSS_E_VOLUME_NOT_SUPPORTED ? VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER : answer->hr);
                return;
        }
        ++j->next;
        probe_ask(j);
}

static void probe_ask(ProbeJob *j) {
        ProviderClient *c;
        int r;

        while (!j->only_one && j->next->name && !provider_is_registered(j->next))
                ++j->next;
        if (!j->next->name) {
                probe_job_end(j, NULL, NULL, VSS_E_VOLUME_NOT_SUPPORTED);
                return;
        }

        r = provider_pool_get(j->pool, j->next->name, &c);
        if (r >= 0)
                r = provider_client_probe(c, j->volume, PROBE_TIMEOUT_USEC, probe_on_answer, j);
        if (r < 0) {
                log_warning_errno(r, "Failed to ask the %s provider about '%s', refusing the volume: %m", j->next->name, j->volume);
                probe_job_end(j, NULL, NULL, VSS_E_UNEXPECTED_PROVIDER_ERROR);
        }
}

int probe_job_start(ProviderPool *p, const char *volume, const GUID *provider_id, ProbeDone done, void *userdata, ProbeJob **ret) {
        bool gone = false;
        ProbeJob *j;
        HRESULT hr;

        j = calloc(1, sizeof(*j));
        if (!j)
                return -ENOMEM;
        j->pool = p;
        j->done = done;
        j->userdata = userdata;
        j->next = provider_builtins;
        j->volume = strdup(volume);
        if (!j->volume) {
                free(j);
                return -ENOMEM;
        }

        *ret = j;
        hr = provider_registry_check(p->manager, provider_id, &j->why);
        if (FAILED(hr)) {
                *ret = NULL;
                probe_job_end(j, NULL, NULL, hr);
                return 0;
        }
        if (!provider_is_any(provider_id)) {
                j->only_one = true;
                j->next = provider_builtin_find(provider_id);
        }

        j->gone = &gone;
        probe_ask(j);
        if (gone)
                *ret = NULL;
        else
                j->gone = NULL;
        return 0;
}
