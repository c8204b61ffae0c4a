/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Before Everything: How Much Room There Is
 *
 * Where somebody has limited what the copies of a volume may take (area.h), their provider is asked what
 * they take already. What is left is told to plan(); nothing left is the end of the set. Measuring may take
 * long, so it is done first, while applications run, and only where there is a limit.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "catalog/catalog-areas.h"
#include "coordinator/manager.h"
#include "coordinator/phase.h"
#include "coordinator/provider-pool.h"
#include "coordinator/snapshot-set.h"
#include "provider/provider-builtin.h"
#include "provider/provider-protocol.h"
#include "wire/wire-limits.h"

/* 0: there is none for copies of this provider. */
static int limit_of(const SetSnapshot *s, int64_t *ret) {
        _cleanup_(catalog_area_clear) CatalogArea row = {};
        int r;

        *ret = 0;
        r = catalog_get_area(s->set->manager->catalog, &s->volume->id, &row);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;

        if (row.maximum != AREA_NO_MAXIMUM && guid_equal(&row.provider_id, &s->provider->id))
                *ret = row.maximum;
        return 0;
}

static void measure_on_usage(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        SetSnapshot *s = userdata;
        SnapshotSet *set = s->set;
        uint64_t maximum = s->room, used = 0;
        char why[256];

        if (FAILED(answer->hr) && answer->hr != E_NOTIMPL) {
                phase_done(set, answer->hr, answer->message);
                return;
        }
        if (SUCCEEDED(answer->hr) && answer->space->used != PROVIDER_SIZE_UNKNOWN)
                used = answer->space->used;
        if (used >= maximum) {
                (void) snprintf(why, sizeof(why),
                                "the shadow copies of '%.128s' take %" PRIu64 " bytes of %" PRIu64
                                " already: delete some, or raise the limit",
                                s->volume->path, used, maximum);
                phase_done(set, VSS_E_INSUFFICIENT_STORAGE, why);
                return;
        }

        s->room = maximum - used;
        if (--set->pending == 0)
                phase_done(set, S_OK, NULL);
}

static int ask(SetSnapshot *s) {
        _cleanup_(catalog_list_clear) CatalogList rows = {};
        _cleanup_(strv_freep) char **notes = NULL;
        char *const none[] = { NULL };
        ProviderClient *c;
        int r;

        r = catalog_list_volume(s->set->manager->catalog, &s->volume->id, &rows);
        for (size_t i = 0; r >= 0 && i < rows.n; ++i)
                if (guid_equal(&rows.items[i].provider_id, &s->provider->id) && rows.items[i].note)
                        r = strv_append(&notes, rows.items[i].note);
        if (r >= 0)
                r = provider_pool_get(s->set->pool, s->provider, &c);
        if (r >= 0)
                r = provider_client_usage(c, s->volume->path, notes ?: none, WIRE_USAGE_TIMEOUT_USEC,
                                          measure_on_usage, s);
        return r;
}

void phase_measure_begin(SnapshotSet *set) {
        set->pending = 1;
        for (size_t i = 0; i < set->n_snapshots; ++i) {
                SetSnapshot *s = set->snapshots[i];
                int64_t maximum;
                int r;

                r = limit_of(s, &maximum);
                if (r >= 0 && maximum > 0) {
                        s->room = (uint64_t) maximum;
                        ++set->pending;
                        r = ask(s);
                }
                if (r < 0) {
                        phase_done(set, hresult_from_errno(r), NULL);
                        return;
                }
        }

        if (--set->pending == 0)
                phase_done(set, S_OK, NULL);
}
