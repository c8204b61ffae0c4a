/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Recovery Set of a Requester
 */

#include "coordinator/session-recovery.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "catalog/catalog.h"
#include "coordinator/deed-job.h"
#include "coordinator/deed.h"
#include "coordinator/manager.h"
#include "coordinator/operation.h"
#include "coordinator/provider-registry.h"
#include "coordinator/session-query.h"
#include "coordinator/session-storage.h"
#include "coordinator/session.h"
#include "provider/provider-builtin.h"
#include "provider/provider.h"
#include "volume/volume.h"

struct Recovery {
        Recovery *next;
        GUID snapshot_id;
        char *target;
};

static HRESULT recovery_target(Session *s,
                               const CatalogSnapshot *row,
                               const char *destination,
                               Volume **ret,
                               char **ret_why) {
        _cleanup_(freep) char *known = NULL;
        HRESULT hr;

        hr = volume_resolve(destination ? session_known_volume(s, destination, &known) : row->volume, ret,
                            ret_why);
        return FAILED(hr) && hr != E_OUTOFMEMORY ? VSS_E_VOLUME_NOT_SUPPORTED : hr;
}

/* umbra's own come with it and are never too old; whether a provider of hardware is, RecoverSet() finds out. */
static bool is_legacy(Session *s, const CatalogSnapshot *row) {
        const ProviderInfo *provider = provider_registry_find(s->manager, &row->provider_id);

        return provider && provider->foreign && !(provider->abilities & PROVIDER_CAN_RESYNC);
}

HRESULT session_add_to_recovery(Session *s, const GUID *id, const char *destination, char **ret_why) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        _cleanup_(volume_freep) Volume *v = NULL;
        const char *why = NULL;
        Recovery *recovery;
        HRESULT hr;

        hr = session_get_snapshot(s, id, &row);
        if (FAILED(hr))
                return hr;
        if (is_legacy(s, &row)) {
                (void) strdup_to("the provider has no IVssHardwareSnapshotProviderEx; RevertToSnapshot() may do", ret_why);
                return VSS_E_LEGACY_PROVIDER;
        }
        hr = session_provider_is_able(s, &row, PROVIDER_CAN_REVERT | PROVIDER_CAN_RESYNC, VSS_E_VOLUME_NOT_SUPPORTED, &why);
        if (FAILED(hr)) {
                (void) strdup_to(why, ret_why);
                return hr;
        }
        hr = recovery_target(s, &row, destination, &v, ret_why);
        if (FAILED(hr))
                return hr;
        if (deed_queue_find_revert(s->manager->deeds, v->path) || deed_queue_find(s->manager->deeds, id))
                return VSS_E_RESYNC_IN_PROGRESS;
        for (const Recovery *i = s->recoveries; i; i = i->next)
                if (guid_equal(&i->snapshot_id, id) || strcmp(i->target, v->path) == 0) {
                        (void) strdup_to(
                                "the shadow copy, or its destination, is in the recovery set already",
                                ret_why);
                        return VSS_E_BAD_STATE;
                }

        recovery = calloc(1, sizeof(*recovery));
        if (!recovery)
                return E_OUTOFMEMORY;
        recovery->snapshot_id = *id;
        recovery->target = TAKE_PTR(v->path);
        recovery->next = s->recoveries;
        s->recoveries = recovery;
        return S_OK;
}

static bool recovery_covers(const Session *s, const char *path) {
        for (const Recovery *i = s->recoveries; i; i = i->next)
                if (strcmp(i->target, path) == 0)
                        return true;
        return false;
}

static bool path_is_below(const char *path, const char *directory) {
        size_t n = strcmp(directory, "/") == 0 ? 0 : strlen(directory);

        return strncmp(path, directory, n) == 0 && path[n] == '/' && path[n + 1] != '\0';
}

/* What else is mounted on a destination was not chosen. */
static HRESULT check_unselected(Session *s, char **ret_why) {
        HRESULT hr = S_OK;
        Volume **volumes;
        size_t n;
        int r;

        r = volume_list(&volumes, &n);
        if (r < 0)
                return hresult_from_errno(r);
        for (const Recovery *i = s->recoveries; i && SUCCEEDED(hr); i = i->next)
                for (size_t k = 0; k < n && SUCCEEDED(hr); ++k)
                        if (path_is_below(volumes[k]->path, i->target) &&
                            !recovery_covers(s, volumes[k]->path)) {
                                (void) format_to(ret_why, "'%s' lies on '%s' and is not in the recovery set",
                                                 volumes[k]->path, i->target);
                                hr = VSS_E_UNSELECTED_VOLUME;
                        }
        volume_list_free(volumes, n);
        return hr;
}

static void recover_one(DeedJob *j, const Recovery *recovery, uint32_t flags) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        Session *s = j->op->session;
        DeedOptions options = {
                .kind = DEED_REVERT,
                .snapshot = &row,
                .path = recovery->target,
                .flags = (uint32_t) PROVIDER_REVERT_FORCED |
                        (flags & VSS_RECOVERY_REVERT_IDENTITY_ALL ? (uint32_t) PROVIDER_REVERT_IDENTITY : 0),
        };
        HRESULT hr;

        hr = session_get_snapshot(s, &recovery->snapshot_id, &row);
        if (SUCCEEDED(hr) && (deed_queue_find_revert(j->queue, recovery->target) ||
                              deed_queue_find(j->queue, &recovery->snapshot_id)))
                hr = VSS_E_RESYNC_IN_PROGRESS;
        if (FAILED(hr))
                deed_job_failed(j, hr, NULL);
        else
                deed_job_start(j, &options, false);
}

void session_recover(Session *s, Operation *op, uint32_t flags) {
        _cleanup_(freep) char *why = NULL;
        DeedJob *j;
        HRESULT hr;

        if (!s->recoveries) {
                operation_settle(op, VSS_E_BAD_STATE,
                                 "the recovery set is empty; AddSnapshotToRecoverySet() comes first");
                return;
        }
        hr = flags & VSS_RECOVERY_NO_VOLUME_CHECK ? S_OK : check_unselected(s, &why);
        j = deed_job_new(s, op, hr, why, deed_job_settle);
        if (!j)
                return;
        for (const Recovery *i = s->recoveries; i; i = i->next)
                recover_one(j, i, flags);
        deed_job_answered(j);
}

void session_recovery_clear(Session *s) {
        while (s->recoveries) {
                Recovery *next = s->recoveries->next;

                free(s->recoveries->target);
                free(s->recoveries);
                s->recoveries = next;
        }
}
