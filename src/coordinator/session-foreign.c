/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Only Providers of Others Know
 */

#include "coordinator/session-foreign.h"

#include <vss.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "coordinator/operation.h"
#include "coordinator/provider-pool.h"
#include "coordinator/provider-registry.h"
#include "coordinator/session-answers.h"
#include "coordinator/session-query.h"
#include "coordinator/session.h"
#include "provider/provider-builtin.h"
#include "volume/volume.h"
#include "wire/wire-limits.h"

typedef struct ForeignJob {
        Session *session;
        Operation *op;
        ProviderPool *pool;
        Volume *volume;
        const ProviderInfo *providers[PROVIDERS_MAX];
        size_t n, next; /* who is asked now */
        bool present;
        int32_t compatibility;
} ForeignJob;

static void *foreign_job_free(void *userdata) {
        ForeignJob *j = userdata;

        volume_free(j->volume);
        free(j);
        return NULL;
}

static void foreign_ask(ForeignJob *j);

static void foreign_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        ForeignJob *j = userdata;

        if (FAILED(answer->hr)) {
                operation_settle(j->op, answer->hr, answer->message);
                return;
        }
        j->present |= answer->present;
        j->compatibility |= answer->compatibility;
        ++j->next;
        foreign_ask(j);
}

/* Hardware cannot be asked: IVssHardwareSnapshotProvider has no such method. umbra knows what it has; so an array that does not
 * answer keeps nobody from asking. */
static bool is_to_be_asked(const ProviderInfo *p) {
        return p->foreign && p->type != VSS_PROV_HARDWARE;
}

static void foreign_ask(ForeignJob *j) {
        ProviderClient *c;
        int r;

        while (j->next < j->n && !is_to_be_asked(j->providers[j->next]))
                ++j->next;
        if (j->next == j->n) {
                session_answer_snapshotted(j->op, j->present, j->compatibility);
                return;
        }

        r = provider_pool_get(j->pool, j->providers[j->next], &c);
        if (r >= 0)
                r = provider_client_is_snapshotted(c, j->volume->path, WIRE_CALL_TIMEOUT_USEC, foreign_on_answer,
                                                   j);
        if (r < 0)
                operation_settle(j->op, hresult_from_errno(r), NULL);
}

void session_ask_foreign(Session *s, Operation *op, const char *volume) {
        _cleanup_(freep) char *why = NULL;
        ForeignJob *j;
        HRESULT hr;

        j = calloc_checked(1, sizeof(*j));
        if (!j) {
                operation_settle(op, E_OUTOFMEMORY, NULL);
                return;
        }
        j->session = s;
        j->op = op;
        op->job = j;
        op->job_free = foreign_job_free;

        hr = session_resolve_volume(s, volume, &j->volume, &why);
        if (SUCCEEDED(hr))
                hr = session_pool(s, &j->pool);
        if (SUCCEEDED(hr))
                hr = provider_registry_choose(s->manager, &(GUID){ 0 }, j->providers, &j->n);
        if (FAILED(hr))
                operation_settle(op, hr, why);
        else
                foreign_ask(j);
}
