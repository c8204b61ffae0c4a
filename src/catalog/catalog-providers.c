/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Providers of Others in the Catalog
 */

#include "catalog/catalog-providers.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "catalog/catalog-statement.h"

void catalog_provider_clear(CatalogProvider *p) {
        free(p->name);
        free(p->version);
        *p = (CatalogProvider){};
}

void catalog_providers_clear(CatalogProviders *l) {
        for (size_t i = 0; i < l->n; ++i)
                catalog_provider_clear(l->items + i);
        free(l->items);
        *l = (CatalogProviders){};
}

static const char sql_add_provider[] =
        "INSERT INTO provider (id, class_id, name, type, version, version_id) "
        "VALUES (:id, :class_id, :name, :type, :version, :version_id)";

int catalog_add_provider(Catalog *c, const CatalogProvider *p) {
        const CatalogValue values[] = {
                value_guid(":id", &p->id),
                value_guid(":class_id", &p->class_id),
                value_text(":name", p->name),
                value_int(":type", p->type),
                value_text(":version", p->version),
                value_guid(":version_id", &p->version_id),
        };

        return catalog_write(c, sql_add_provider, values, ELEMENTSOF(values));
}

static const char sql_remove_provider[] = "DELETE FROM provider WHERE id = :id";

int catalog_remove_provider(Catalog *c, const GUID *id) {
        const CatalogValue values[] = { value_guid(":id", id) };

        return catalog_write(c, sql_remove_provider, values, ELEMENTSOF(values));
}

static int read_provider(sqlite3_stmt *stmt, void *ret) {
        _cleanup_(catalog_provider_clear) CatalogProvider p = {};
        int r;

        r = catalog_column_guid(stmt, 0, &p.id);
        if (r >= 0)
                r = catalog_column_guid(stmt, 1, &p.class_id);
        if (r >= 0)
                r = catalog_column_text(stmt, 2, &p.name);
        if (r >= 0)
                r = catalog_column_text(stmt, 4, &p.version);
        if (r >= 0)
                r = catalog_column_guid(stmt, 5, &p.version_id);
        if (r < 0)
                return r;
        p.type = sqlite3_column_int(stmt, 3);

        *(CatalogProvider *) ret = p;
        p = (CatalogProvider){};
        return 0;
}

static const char sql_list_providers[] =
        "SELECT id, class_id, name, type, version, version_id FROM provider "
        "WHERE :id IS NULL OR id = :id ORDER BY name, id";

int catalog_get_provider(Catalog *c, const GUID *id, CatalogProvider *ret) {
        const CatalogValue values[] = { value_guid(":id", id) };
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_find(c, sql_list_providers, values, ELEMENTSOF(values), &stmt);
        return r < 0 ? r : read_provider(stmt, ret);
}

int catalog_list_providers(Catalog *c, CatalogProviders *ret) {
        _cleanup_(catalog_providers_clear) CatalogProviders list = {};
        int r;

        r = CATALOG_READ_LIST(c, sql_list_providers, NULL, 0, read_provider, &list);
        if (r < 0)
                return r;

        *ret = list;
        list = (CatalogProviders){};
        return 0;
}

static const char sql_count_provider[] = "SELECT count(*) FROM snapshot WHERE provider_id = :provider_id";

int catalog_count_provider(Catalog *c, const GUID *provider_id, unsigned *ret) {
        const CatalogValue values[] = { value_guid(":provider_id", provider_id) };

        return catalog_count(c, sql_count_provider, values, ELEMENTSOF(values), ret);
}
