/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Providers of Others in the Catalog
 *
 * What IVssAdmin::RegisterProvider() said. The built-in ones are not here: provider/provider-builtin.c is
 * their table.
 */

#include "catalog/catalog.h"

typedef struct CatalogProvider {
        GUID id, class_id, version_id;
        char *name, *version;
        int32_t type; /* VSS_PROVIDER_TYPE */
} CatalogProvider;

void catalog_provider_clear(CatalogProvider *p);

int catalog_add_provider(Catalog *c, const CatalogProvider *p); /* -EEXIST */
int catalog_remove_provider(Catalog *c, const GUID *id);        /* -ENOENT */
int catalog_get_provider(Catalog *c, const GUID *id, CatalogProvider *ret); /* -ENOENT */

typedef struct CatalogProviders {
        CatalogProvider *items;
        size_t n, capacity;
} CatalogProviders;

void catalog_providers_clear(CatalogProviders *l);
int catalog_list_providers(Catalog *c, CatalogProviders *ret); /* by name */

/* How many snapshots there are of this provider, in whatever state. */
int catalog_count_provider(Catalog *c, const GUID *provider_id, unsigned *ret);
