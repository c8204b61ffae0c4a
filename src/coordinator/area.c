/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Storage Areas
 */

#include "coordinator/area.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <vsmgmt.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "catalog/catalog-areas.h"
#include "coordinator/area-bus.h"
#include "coordinator/config.h"
#include "coordinator/manager.h"
#include "coordinator/operation.h"
#include "coordinator/provider-registry.h"
#include "coordinator/session-query.h"
#include "coordinator/session.h"
#include "provider/provider-builtin.h"
#include "wire/wire-limits.h"

/* The volumes that a request names. @missing: what it means that there is no such volume. */
static HRESULT resolve(AreaJob *j, const AreaRequest *q, HRESULT missing, char **ret_why) {
        HRESULT hr = S_OK;

        if (q->volume)
                hr = session_resolve_volume(j->session, q->volume, &j->volume, ret_why);
        if (SUCCEEDED(hr) && q->place)
                hr = session_resolve_volume(j->session, q->place, &j->place, ret_why);
        return hr == VSS_E_OBJECT_NOT_FOUND ? missing : hr;
}

/* A job about the volumes of a request; NULL: @op is settled. */
static AreaJob *begin(Session *s,
                      Operation *op,
                      const AreaRequest *q,
                      HRESULT missing,
                      void (*finish)(AreaJob *j)) {
        _cleanup_(freep) char *why = NULL;
        AreaJob *j;
        HRESULT hr;

        j = area_job_new(s, op, &q->provider_id, finish);
        if (!j)
                return NULL;
        j->maximum = q->maximum;
        j->passing = q->passing;
        j->level = q->level;

        hr = provider_registry_check(s->manager, &q->provider_id);
        if (SUCCEEDED(hr))
                hr = resolve(j, q, missing, &why);
        if (FAILED(hr)) {
                operation_settle(op, hr, why);
                return NULL;
        }
        return j;
}

/* @r: how adding areas went. */
static void run(AreaJob *j, int r) {
        if (r < 0)
                operation_settle(j->op, hresult_from_errno(r), NULL);
        else
                area_job_run(j);
}

/* The area that there would be, if there were shadow copies of the volume. */
static void run_likely(AreaJob *j) {
        _cleanup_(freep) char *why = NULL;
        HRESULT hr = session_check_overlay(j->session, j->volume, &why);

        if (FAILED(hr))
                operation_settle(j->op, hr, why);
        else
                run(j, area_job_add_likely(j, j->volume));
}

_printf_(3, 4) static void refuse(AreaJob *j, HRESULT hr, const char *format, ...) {
        char why[512];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(why, sizeof(why), format, ap);
        va_end(ap);
        operation_settle(j->op, hr, why);
}

/* Questions */

void areas_query(Session *s, Operation *op, WireAreaQuestion question, const AreaRequest *q) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot snapshot = {};
        const GUID *volume_id = NULL;
        AreaJob *j;
        int r = 0;

        j = begin(s, op, q, E_INVALIDARG, area_bus_settle_areas);
        if (!j)
                return;

        if (question == WIRE_AREAS_FOR_VOLUME)
                volume_id = &j->volume->id;
        if (question == WIRE_AREAS_FOR_SNAPSHOT) {
                r = catalog_get(s->manager->catalog, &q->snapshot_id, &snapshot);
                volume_id = &snapshot.volume_id;
        }
        if (r == -ENOENT) /* no code is documented for that: no snapshot, no areas [MS: preconditions] */
                area_bus_settle_areas(j);
        else
                run(j, r < 0 ? r : area_job_add_known(j, volume_id));
}

void areas_query_place(Session *s, Operation *op, const AreaRequest *q) {
        AreaJob *j = begin(s, op, q, E_INVALIDARG, area_bus_settle_place);

        if (j)
                run_likely(j);
}

/* Associations */

static bool maximum_is_right(AreaJob *j) {
        int64_t minimum = j->session->manager->config->minimum_area;

        if (j->maximum == AREA_NO_MAXIMUM || j->maximum >= minimum)
                return true;

        refuse(j, E_INVALIDARG, "an area has %" PRIi64 " bytes at least: see minimum in umbra.conf(5)",
               minimum);
        return false;
}

static bool limit_can_be_kept(AreaJob *j, const Area *area) {
        if (j->maximum == AREA_NO_MAXIMUM || !(area->provider->abilities & PROVIDER_TAKES_NO_LIMIT))
                return true;

        refuse(j, VSS_E_PROVIDER_VETO, "the %s provider cannot tell what the copies of '%s' take, so it could not keep a limit",
               area->provider->name, j->volume->path);
        return false;
}

static void set_area(AreaJob *j, const Area *area) {
        Catalog *catalog = j->session->manager->catalog;
        const CatalogArea row = {
                .volume_id = j->volume->id,
                .area_volume_id = area->place->id,
                .provider_id = area->provider->id,
                .maximum = j->maximum,
        };
        int r;

        r = catalog_remember_volume(catalog, &j->volume->id, j->volume->path);
        if (r >= 0)
                r = catalog_remember_volume(catalog, &area->place->id, area->place->path);
        if (r >= 0)
                r = catalog_set_area(catalog, &row, j->passing);
        if (r < 0) {
                operation_settle(j->op, hresult_from_errno(r), NULL);
                return;
        }

        log_notice("Shadow copies of '%s' may take %" PRIi64 " bytes in '%s' (-1: no limit)",
                   j->volume->path, j->maximum, area->place->path);
        operation_settle(j->op, S_OK, NULL);
}

static void add_finish(AreaJob *j) {
        const Area *area = j->areas;

        if (!area->place)
                refuse(j, VSS_E_VOLUME_NOT_SUPPORTED,
                       "the %s provider keeps its copies in no place of its own", area->provider->name);
        else if (!area_lies_on(area, j->place))
                refuse(j, VSS_E_VOLUME_NOT_SUPPORTED,
                       "the %s provider keeps the copies of '%s' on '%s' and nowhere else",
                       area->provider->name, j->volume->path, area->place->path);
        else if (j->maximum > area->total || j->session->manager->config->minimum_area > area->free)
                refuse(j, VSS_E_VOLUME_NOT_SUPPORTED,
                       "'%s' has %" PRIi64 " bytes, of which %" PRIi64 " are free", area->place->path,
                       area->total, area->free);
        else if (limit_can_be_kept(j, area))
                set_area(j, area);
}

/* How often something may be added to; -errno. */
static int check_new(AreaJob *j, HRESULT *ret) {
        _cleanup_(catalog_areas_clear) CatalogAreas rows = {};
        _cleanup_(catalog_area_clear) CatalogArea row = {};
        Catalog *catalog = j->session->manager->catalog;
        unsigned n_snapshots = 0;
        int r;

        r = catalog_list_areas(catalog, &rows);
        if (r >= 0)
                r = catalog_count_volume(catalog, &j->volume->id, &n_snapshots);
        if (r < 0)
                return r;

        *ret = S_OK;
        if (catalog_get_area(catalog, &j->volume->id, &row) >= 0 || n_snapshots > 0)
                *ret = VSS_E_OBJECT_ALREADY_EXISTS;
        else if (rows.n >= WIRE_AREAS_MAX)
                *ret = VSS_E_MAXIMUM_DIFFAREA_ASSOCIATIONS_REACHED;
        return 0;
}

/* [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-adddiffarea] */
void areas_add(Session *s, Operation *op, const AreaRequest *q) {
        AreaJob *j = begin(s, op, q, E_INVALIDARG, add_finish);
        HRESULT hr;
        int r;

        if (!j || !maximum_is_right(j))
                return;

        r = check_new(j, &hr);
        if (r < 0)
                operation_settle(op, hresult_from_errno(r), NULL);
        else if (hr == VSS_E_OBJECT_ALREADY_EXISTS)
                refuse(j, hr, "'%s' has shadow copies or an area already: change its size", j->volume->path);
        else if (FAILED(hr))
                operation_settle(op, hr, NULL);
        else
                run_likely(j);
}

/* The one that somebody made, else that of the oldest copies. */
static const Area *pick(const AreaJob *j) {
        for (size_t i = 0; i < j->n; ++i)
                if (j->areas[i].is_explicit)
                        return j->areas + i;
        return j->areas;
}

static void remove_finish(AreaJob *j) {
        size_t n_snapshots = 0;
        const Area *area;
        int r;

        for (size_t i = 0; i < j->n; ++i)
                n_snapshots += j->areas[i].n_snapshots;
        area = j->n > 0 ? pick(j) : NULL;

        if (!area || !area_lies_on(area, j->place))
                refuse(j, VSS_E_OBJECT_NOT_FOUND, "the copies of '%s' have no area there", j->volume->path);
        else if (n_snapshots > 0)
                refuse(j, VSS_E_VOLUME_IN_USE, "'%s' has shadow copies (%zu): delete them first",
                       j->volume->path, n_snapshots);
        else {
                r = catalog_remove_area(j->session->manager->catalog, &j->volume->id);
                operation_settle(j->op, r < 0 ? hresult_from_errno(r) : S_OK, NULL);
        }
}

static void change_finish(AreaJob *j) {
        const Area *area = pick(j);

        if (!area->place || !area_lies_on(area, j->place))
                refuse(j, VSS_E_OBJECT_NOT_FOUND, "the copies of '%s' have no area there", j->volume->path);
        else if (j->maximum > area->total)
                refuse(j, VSS_E_INSUFFICIENT_STORAGE, "'%s' has %" PRIi64 " bytes", area->place->path,
                       area->total);
        else if (limit_can_be_kept(j, area))
                set_area(j, area);
}

/* [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt2-changediffareamaximumsizeex] */
void areas_change(Session *s, Operation *op, const AreaRequest *q) {
        bool removes = q->maximum == VSS_ASSOC_REMOVE;
        AreaJob *j;
        int r;

        if (removes && q->passing) {
                operation_settle(op, E_INVALIDARG, "an association cannot end for a while only");
                return;
        }
        j = begin(s, op, q, VSS_E_OBJECT_NOT_FOUND, removes ? remove_finish : change_finish);
        if (!j || (!removes && !maximum_is_right(j)))
                return;

        r = area_job_add_known(j, &j->volume->id);
        if (r >= 0 && j->n == 0 && !removes)
                run_likely(j);
        else
                run(j, r);
}

/* Protection */

/* An association of a volume that is gone and left no copies. */
static bool is_unused(Manager *m, const CatalogArea *row) {
        _cleanup_(volume_freep) Volume *v = NULL;
        unsigned n_snapshots = 0;

        if (catalog_count_volume(m->catalog, &row->volume_id, &n_snapshots) < 0 || n_snapshots > 0)
                return false;
        return FAILED(volume_resolve(row->volume, &v, NULL)) || !guid_equal(&v->id, &row->volume_id);
}

int areas_have_unused(Manager *m, const Volume *place, int *ret) {
        _cleanup_(catalog_areas_clear) CatalogAreas rows = {};
        int r;

        r = catalog_list_areas(m->catalog, &rows);
        if (r < 0)
                return r;

        *ret = 0;
        for (size_t i = 0; i < rows.n; ++i)
                if (guid_equal(&rows.items[i].area_volume_id, &place->id) && is_unused(m, rows.items + i))
                        *ret = 1;
        return 0;
}

static void protection_finish(AreaJob *j) {
        if (!j->areas->place)
                refuse(j, E_NOTIMPL, "the %s provider does not protect shadow copies",
                       j->areas->provider->name);
        else if (j->level >= 0 && j->level != VSS_PROTECTION_LEVEL_SNAPSHOT)
                refuse(j, E_NOTIMPL, "the %s provider never gives up shadow copies to let a volume go on",
                       j->areas->provider->name);
        else
                area_bus_settle_protection(j);
}

void areas_protection(Session *s, Operation *op, const AreaRequest *q) {
        AreaJob *j = begin(s, op, q, VSS_E_OBJECT_NOT_FOUND, protection_finish);

        if (j)
                run_likely(j);
}

/* Those on the place that was named; those of providers that cannot tell where they lie are not touched. */
static void delete_unused_finish(AreaJob *j) {
        _cleanup_(catalog_areas_clear) CatalogAreas rows = {};
        Manager *m = j->session->manager;
        int r;

        for (size_t i = 0; i < j->n; ++i)
                if (!j->areas[i].place && area_lies_on(j->areas + i, j->place) && j->areas[i].cannot_tell) {
                        refuse(j, E_NOTIMPL, "the %s provider does not protect shadow copies",
                               j->areas[i].provider->name);
                        return;
                }

        r = catalog_list_areas(m->catalog, &rows);
        for (size_t i = 0; i < rows.n && r >= 0; ++i)
                if (guid_equal(&rows.items[i].area_volume_id, &j->place->id) && is_unused(m, rows.items + i))
                        r = catalog_remove_area(m->catalog, &rows.items[i].volume_id);
        operation_settle(j->op, r < 0 ? hresult_from_errno(r) : S_OK, NULL);
}

/* [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt3-deleteunuseddiffareas] */
void areas_delete_unused(Session *s, Operation *op, const AreaRequest *q) {
        AreaJob *j = begin(s, op, q, VSS_E_OBJECT_NOT_FOUND, delete_unused_finish);

        if (j)
                run(j, area_job_add_known(j, NULL));
}
