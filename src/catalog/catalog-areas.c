/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Storage Areas in the Catalog
 *
 * A passing limit carries the id of the boot that it was set in, and counts only in that.
 */

#include "catalog/catalog-areas.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "base/alloc.h"
#include "catalog/catalog-statement.h"

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
        GUID boot;
        const CatalogValue values[] = {
                value_guid(":volume_id", &a->volume_id),
                value_guid(":area_volume_id", &a->area_volume_id),
                value_guid(":provider_id", &a->provider_id),
                value_int(":maximum", a->maximum),
                value_guid(":boot", &boot), /* of a passing one only */
        };
        int r;

        r = this_boot(&boot);
        if (r < 0)
                return r;

        return passing ? catalog_write(c, sql_set_passing, values, ELEMENTSOF(values)) :
                         catalog_write(c, sql_set_area, values, ELEMENTSOF(values) - 1);
}

static const char sql_remove_area[] = "DELETE FROM area WHERE volume_id = :volume_id";

int catalog_remove_area(Catalog *c, const GUID *volume_id) {
        const CatalogValue values[] = { value_guid(":volume_id", volume_id) };

        return catalog_write(c, sql_remove_area, values, ELEMENTSOF(values));
}

static const char sql_list_areas[] =
        "SELECT a.volume_id, a.area_volume_id, a.provider_id, v.path, w.path, "
        "       iif(a.passing_boot = :boot, a.passing_maximum, a.maximum) "
        "FROM area AS a JOIN volume AS v ON v.id = a.volume_id JOIN volume AS w ON w.id = a.area_volume_id "
        "WHERE :volume_id IS NULL OR a.volume_id = :volume_id "
        "ORDER BY v.path, a.volume_id";

static int read_area(sqlite3_stmt *stmt, void *ret) {
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

        *(CatalogArea *) ret = a;
        a = (CatalogArea){};
        return 0;
}

int catalog_get_area(Catalog *c, const GUID *volume_id, CatalogArea *ret) {
        GUID boot;
        const CatalogValue values[] = { value_guid(":boot", &boot), value_guid(":volume_id", volume_id) };
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = this_boot(&boot);
        if (r >= 0)
                r = catalog_find(c, sql_list_areas, values, ELEMENTSOF(values), &stmt);
        return r < 0 ? r : read_area(stmt, ret);
}

int catalog_list_areas(Catalog *c, CatalogAreas *ret) {
        GUID boot;
        const CatalogValue values[] = { value_guid(":boot", &boot) };
        _cleanup_(catalog_areas_clear) CatalogAreas list = {};
        int r;

        r = this_boot(&boot);
        if (r >= 0)
                r = CATALOG_READ_LIST(c, sql_list_areas, values, ELEMENTSOF(values), read_area, &list);
        if (r < 0)
                return r;

        *ret = list;
        list = (CatalogAreas){};
        return 0;
}
