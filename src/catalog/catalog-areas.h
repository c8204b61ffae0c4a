/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Storage Areas in the Catalog
 *
 * How much room the shadow copies of a volume may take: what IVssDifferentialSoftwareSnapshotMgmt was told.
 * A volume of which nobody said anything has no row here, and no limit.
 */

#include "catalog/catalog.h"

#define AREA_NO_MAXIMUM INT64_C(-1)

typedef struct CatalogArea {
        GUID volume_id, area_volume_id, provider_id;
        char *volume, *area_volume; /* the paths by which they were last known; not written */
        int64_t maximum;            /* bytes, or AREA_NO_MAXIMUM: what holds now */
} CatalogArea;

void catalog_area_clear(CatalogArea *a);

/* Makes the row, or changes its maximum. Both volumes have to be remembered. @passing: until this machine
 * boots again; a new row then has no maximum of its own. */
int catalog_set_area(Catalog *c, const CatalogArea *a, bool passing);
int catalog_remove_area(Catalog *c, const GUID *volume_id);              /* -ENOENT */
int catalog_get_area(Catalog *c, const GUID *volume_id, CatalogArea *ret); /* -ENOENT */

typedef struct CatalogAreas {
        CatalogArea *items;
        size_t n, capacity;
} CatalogAreas;

void catalog_areas_clear(CatalogAreas *l);
int catalog_list_areas(Catalog *c, CatalogAreas *ret); /* by path */
