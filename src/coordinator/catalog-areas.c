/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Storage Areas in the Catalog
 *
 * A passing limit carries the id of the boot that it was set in, and counts only in that.
 */

#include "coordinator/catalog-areas.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "base/alloc.h"
#include "coordinator/catalog-internal.h"

void catalog_area_clear(CatalogArea *a) {
        free(a->volume);
        free(a->area_volume);
        *a = (CatalogArea){};
}

void catalog_areas_clear(CatalogAreas *l) {
        for (size_t i = 0; i < l->n; ++i)
                catalog_area_clear(l->items + i);
        free(l->items);
        *l = (CatalogAreas){};
}

static int this_boot(GUID *ret) {
        sd_id128_t boot;
        int r;

        r = sd_id128_get_boot(&boot);
        if (r < 0)
                return r;

        static_assert(sizeof(boot) == sizeof(*ret), "both are 16 bytes");
        memcpy(ret, &boot, sizeof(*ret));
        return 0;
}

static const char sql_set_area[] = "INSERT INTO area (volume_id, area_volume_id, provider_id, maximum) "
                                   "VALUES (:volume_id, :area_volume_id, :provider_id, :maximum) "
                                   "ON CONFLICT (volume_id) DO UPDATE "
                                   "SET maximum = :maximum, passing_maximum = NULL, passing_boot = NULL";

static const char sql_set_passing[] =
        "INSERT INTO area (volume_id, area_volume_id, provider_id, maximum, passing_maximum, passing_boot) "
        "VALUES (:volume_id, :area_volume_id, :provider_id, -1, :maximum, :boot) "
        "ON CONFLICT (volume_id) DO UPDATE SET passing_maximum = :maximum, passing_boot = :boot";

int catalog_set_area(Catalog *c, const CatalogArea *a, bool passing) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        GUID boot;
        int r;

        r = this_boot(&boot);
        if (r < 0)
                return r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, passing ? sql_set_passing : sql_set_area, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":volume_id", &a->volume_id);
        catalog_bind_guid(stmt, ":area_volume_id", &a->area_volume_id);
        catalog_bind_guid(stmt, ":provider_id", &a->provider_id);
        catalog_bind_int(stmt, ":maximum", a->maximum);
        if (passing)
                catalog_bind_guid(stmt, ":boot", &boot);

        r = catalog_run(c, stmt);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}

static const char sql_remove_area[] = "DELETE FROM area WHERE volume_id = :volume_id";

int catalog_remove_area(Catalog *c, const GUID *volume_id) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, sql_remove_area, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":volume_id", volume_id);
        r = catalog_run(c, stmt);
        if (r < 0)
                return r;
        if (sqlite3_changes(c->db) == 0)
                return -ENOENT;

        return catalog_transaction_commit(&transaction);
}

static const char sql_list_areas[] =
        "SELECT a.volume_id, a.area_volume_id, a.provider_id, v.path, w.path, "
        "       iif(a.passing_boot = :boot, a.passing_maximum, a.maximum) "
        "FROM area AS a JOIN volume AS v ON v.id = a.volume_id JOIN volume AS w ON w.id = a.area_volume_id "
        "WHERE :volume_id IS NULL OR a.volume_id = :volume_id "
        "ORDER BY v.path, a.volume_id";

static int prepare_list(Catalog *c, const GUID *boot, const GUID *volume_id, sqlite3_stmt **ret) {
        int r;

        r = catalog_prepare(c, sql_list_areas, ret);
        if (r < 0)
                return r;

        catalog_bind_guid(*ret, ":boot", boot);
        if (volume_id)
                catalog_bind_guid(*ret, ":volume_id", volume_id);
        return 0;
}

static int read_area(sqlite3_stmt *stmt, CatalogArea *ret) {
        _cleanup_(catalog_area_clear) CatalogArea a = {};
        int r;

        r = catalog_column_guid(stmt, 0, &a.volume_id);
        if (r >= 0)
                r = catalog_column_guid(stmt, 1, &a.area_volume_id);
        if (r >= 0)
                r = catalog_column_guid(stmt, 2, &a.provider_id);
        if (r >= 0)
                r = catalog_column_text(stmt, 3, &a.volume);
        if (r >= 0)
                r = catalog_column_text(stmt, 4, &a.area_volume);
        if (r < 0)
                return r;
        a.maximum = sqlite3_column_int64(stmt, 5);

        *ret = a;
        a = (CatalogArea){};
        return 0;
}

int catalog_get_area(Catalog *c, const GUID *volume_id, CatalogArea *ret) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        GUID boot;
        int r;

        r = this_boot(&boot);
        if (r >= 0)
                r = prepare_list(c, &boot, volume_id, &stmt);
        if (r < 0)
                return r;

        switch (sqlite3_step(stmt)) {
        case SQLITE_ROW:
                return read_area(stmt, ret);
        case SQLITE_DONE:
                return -ENOENT;
        default:
                return catalog_errno(c);
        }
}

int catalog_list_areas(Catalog *c, CatalogAreas *ret) {
        _cleanup_(catalog_areas_clear) CatalogAreas list = {};
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        GUID boot;
        int rc, r;

        r = this_boot(&boot);
        if (r >= 0)
                r = prepare_list(c, &boot, NULL, &stmt);
        if (r < 0)
                return r;

        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                r = ARRAY_RESERVE(list.items, list.capacity, list.n + 1);
                if (r >= 0)
                        r = read_area(stmt, list.items + list.n);
                if (r < 0)
                        return r;
                ++list.n;
        }
        if (rc != SQLITE_DONE)
                return catalog_errno(c);

        *ret = list;
        list = (CatalogAreas){};
        return 0;
}
