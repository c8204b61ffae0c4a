/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Worker Processes on Demand
 *
 * A snapshot set asks and uses one worker per provider; so do questions outside a set and the discard queue. A pool starts them when they are first
 * needed and kills what is left when it is freed.
 */

#include <stddef.h>

#include "base/macro.h"
#include "coordinator/coordinator-forward.h"
#include "provider/provider-client.h"
#include "volume/volume.h"

int provider_pool_new(Manager *m, ProviderPool **ret);
ProviderPool *provider_pool_free(ProviderPool *p);
DEFINE_CLEANUP(ProviderPool *, provider_pool_free)

int provider_pool_get(ProviderPool *p, const ProviderInfo *provider, ProviderClient **ret);
/* Kills one worker; the next get() starts another. */
void provider_pool_drop(ProviderPool *p, const ProviderInfo *provider);
/* Calls @each for every worker there was at the start; @each must find out for itself when an earlier call has freed the pool. */
void provider_pool_foreach(ProviderPool *p,
                           void (*each)(ProviderClient *c, const ProviderInfo *provider, void *userdata),
                           void *userdata);

/*
 * Which provider takes a volume? Asks those that make shadow copies of @context (VSS_CTX_ALL: of any) one after the other, or just the one
 * named by @provider_id (GUID_NULL: any). One that cannot be started matters only if no other takes the volume. @done gets NULL and a code when none does; the job is over and freed before @done is called, which
 * may be before probe_job_start() returns: it forgets what @ret points to, and may free it. Freeing the job forgets it.
 */
typedef void (*ProbeDone)(const ProviderInfo *provider, const ProviderProbe *probe, HRESULT hr, const char *message, void *userdata);

int probe_job_start(ProviderPool *p,
                    const char *volume,
                    const GUID *provider_id,
                    int32_t context,
                    ProbeDone done,
                    void *userdata,
                    ProbeJob **ret);
ProbeJob *probe_job_free(ProbeJob *j);
