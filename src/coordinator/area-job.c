/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asking about Storage Areas
 */

#include "coordinator/area-job.h"

#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "catalog/catalog-areas.h"
#include "coordinator/manager.h"
#include "coordinator/operation.h"
#include "coordinator/provider-pool.h"
#include "coordinator/provider-registry.h"
#include "coordinator/session-query.h"
#include "coordinator/session.h"
#include "provider/provider-builtin.h"
#include "provider/provider-protocol.h"
#include "wire/wire-limits.h"

static void *area_job_free(void *userdata) {
        AreaJob *j = userdata;

        probe_job_free(j->probe);
        for (size_t i = 0; i < j->n; ++i) {
                free(j->areas[i].volume);
                volume_free(j->areas[i].place);
        }
        free(j->areas);
        volume_free(j->volume);
        volume_free(j->place);
        free(j);
        return NULL;
}

AreaJob *area_job_new(Session *s, Operation *op, const GUID *provider_id, void (*finish)(AreaJob *j)) {
        AreaJob *j;
        HRESULT hr;

        j = calloc_checked(1, sizeof(*j));
        if (!j) {
                operation_settle(op, E_OUTOFMEMORY, NULL);
                return NULL;
        }
        j->session = s;
        j->op = op;
        j->provider_id = *provider_id;
        j->finish = finish;
        op->job = j;
        op->job_free = area_job_free;

        hr = session_pool(s, &j->pool);
        if (FAILED(hr)) {
                operation_settle(op, hr, NULL);
                return NULL;
        }
        return j;
}

static Area *find_area(AreaJob *j, const GUID *volume_id, const ProviderInfo *provider) {
        for (size_t i = 0; i < j->n; ++i)
                if (guid_equal(&j->areas[i].volume_id, volume_id) && j->areas[i].provider == provider)
                        return j->areas + i;
        return NULL;
}

static int add_area(AreaJob *j,
                    const GUID *volume_id,
                    const char *path,
                    const ProviderInfo *provider,
                    Area **ret) {
        Area area = {
                .volume_id = *volume_id,
                .provider = provider,
                .maximum = AREA_NO_MAXIMUM,
                .used = AREA_UNKNOWN,
                .allocated = AREA_UNKNOWN,
                .free = AREA_UNKNOWN,
                .total = AREA_UNKNOWN,
        };
        Area *known = find_area(j, volume_id, provider);
        int r;

        if (known) {
                *ret = known;
                return 0;
        }

        r = ARRAY_RESERVE(j->areas, j->capacity, j->n + 1);
        if (r >= 0)
                r = strdup_to(path, &area.volume);
        if (r < 0)
                return r;

        j->areas[j->n] = area;
        *ret = j->areas + j->n++;
        return 0;
}

static bool is_wanted(const AreaJob *j, const ProviderInfo *provider) {
        return provider && (provider_is_any(&j->provider_id) || guid_equal(&j->provider_id, &provider->id));
}

static int add_limited(AreaJob *j, const GUID *volume_id) {
        _cleanup_(catalog_areas_clear) CatalogAreas rows = {};
        int r;

        r = catalog_list_areas(j->session->manager->catalog, &rows);
        for (size_t i = 0; r >= 0 && i < rows.n; ++i) {
                const CatalogArea *row = rows.items + i;
                const ProviderInfo *provider = provider_registry_find(j->session->manager, &row->provider_id);
                Area *area;

                if ((volume_id && !guid_equal(volume_id, &row->volume_id)) || !is_wanted(j, provider))
                        continue;
                r = add_area(j, &row->volume_id, row->volume, provider, &area);
                if (r < 0)
                        return r;
                area->is_explicit = true;
                area->place_id = row->area_volume_id;
                area->maximum = row->maximum;
        }
        return r;
}

static int add_used(const CatalogSnapshot *row, void *userdata) {
        AreaJob *j = userdata;
        const ProviderInfo *provider = provider_registry_find(j->session->manager, &row->provider_id);
        Area *area;
        int r;

        if (!is_wanted(j, provider))
                return 0;

        r = add_area(j, &row->volume_id, row->volume, provider, &area);
        if (r >= 0)
                ++area->n_snapshots;
        return r;
}

static int add_all_used(AreaJob *j, const GUID *volume_id) {
        _cleanup_(catalog_list_clear) CatalogList rows = {};
        Catalog *catalog = j->session->manager->catalog;
        int r;

        if (!volume_id)
                return catalog_foreach(catalog, CATALOG_CREATED, add_used, j);

        r = catalog_list_volume(catalog, volume_id, &rows);
        for (size_t i = 0; r >= 0 && i < rows.n; ++i)
                r = add_used(rows.items + i, j);
        return r;
}

int area_job_add_known(AreaJob *j, const GUID *volume_id) {
        int r;

        r = add_limited(j, volume_id);
        return r < 0 ? r : add_all_used(j, volume_id);
}

int area_job_add_likely(AreaJob *j, const Volume *v) {
        Area *ignored;

        return add_area(j, &v->id, v->path, NULL, &ignored);
}

/* The notes of the copies that are in the area. */
static int area_notes(AreaJob *j, const Area *area, char ***ret) {
        _cleanup_(catalog_list_clear) CatalogList rows = {};
        _cleanup_(strv_freep) char **notes = NULL;
        int r;

        r = catalog_list_volume(j->session->manager->catalog, &area->volume_id, &rows);
        for (size_t i = 0; r >= 0 && i < rows.n; ++i)
                if (guid_equal(&rows.items[i].provider_id, &area->provider->id) && rows.items[i].note)
                        r = strv_append(&notes, rows.items[i].note);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(notes);
        return 0;
}

static void area_ask(AreaJob *j);

static int64_t known_or_not(uint64_t size) {
        return size > INT64_MAX ? AREA_UNKNOWN : (int64_t) size;
}

/* Files lie on mounts; which directory of it is the provider's business. */
static HRESULT area_take(Area *area, const ProviderSpace *space, char **ret_why) {
        _cleanup_(volume_freep) Volume *directory = NULL;
        HRESULT hr;

        hr = volume_resolve(space->place, &directory, ret_why);
        if (SUCCEEDED(hr))
                hr = volume_resolve(directory->mount_point, &area->place, ret_why);
        if (FAILED(hr))
                return hr;

        area->used = known_or_not(space->used);
        area->allocated = known_or_not(space->allocated);
        area->free = known_or_not(space->free);
        area->total = known_or_not(space->total);
        return S_OK;
}

static void area_on_usage(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        AreaJob *j = userdata;
        _cleanup_(freep) char *why = NULL;
        HRESULT hr = answer->hr;

        if (SUCCEEDED(hr))
                hr = area_take(j->areas + j->next, answer->space, &why);
        j->areas[j->next].cannot_tell = hr == E_NOTIMPL;
        /* The volume may be gone, and its area with it. */
        if (FAILED(hr) && hr != E_NOTIMPL && hr != VSS_E_OBJECT_NOT_FOUND) {
                operation_settle(j->op, hr, why ?: answer->message);
                return;
        }
        ++j->next;
        area_ask(j);
}

static void area_ask_usage(AreaJob *j) {
        Area *area = j->areas + j->next;
        _cleanup_(strv_freep) char **notes = NULL;
        char *const none[] = { NULL };
        ProviderClient *c;
        int r;

        r = area_notes(j, area, &notes);
        if (r >= 0)
                r = provider_pool_get(j->pool, area->provider, &c);
        if (r >= 0)
                r = provider_client_usage(c, area->volume, notes ?: none, WIRE_USAGE_TIMEOUT_USEC,
                                          area_on_usage, j);
        if (r < 0)
                operation_settle(j->op, hresult_from_errno(r), NULL);
}

static void area_on_probe(const ProviderInfo *provider,
                          const ProviderProbe *probe,
                          HRESULT hr,
                          const char *message,
                          void *userdata) {
        AreaJob *j = userdata;

        j->probe = NULL;
        if (FAILED(hr)) {
                operation_settle(j->op, hr, message);
                return;
        }
        j->areas[j->next].provider = provider;
        area_ask_usage(j);
}

static void area_ask(AreaJob *j) {
        Area *area = j->areas + j->next;

        if (j->next == j->n)
                j->finish(j);
        else if (area->provider)
                area_ask_usage(j);
        else if (probe_job_start(j->pool, area->volume, &j->provider_id, (int32_t) VSS_CTX_ALL, area_on_probe, j,
                                 &j->probe) < 0)
                operation_settle(j->op, E_OUTOFMEMORY, NULL);
}

void area_job_run(AreaJob *j) {
        area_ask(j);
}

bool area_lies_on(const Area *area, const Volume *place) {
        if (area->place)
                return area->place->fs_dev == place->fs_dev;
        return area->is_explicit && guid_equal(&area->place_id, &place->id);
}
