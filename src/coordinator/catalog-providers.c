/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Providers of Others in the Catalog
 */

#include "coordinator/catalog-providers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "coordinator/catalog-internal.h"

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
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, sql_add_provider, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":id", &p->id);
        catalog_bind_guid(stmt, ":class_id", &p->class_id);
        catalog_bind_guid(stmt, ":version_id", &p->version_id);
        catalog_bind_text(stmt, ":name", p->name);
        catalog_bind_text(stmt, ":version", p->version);
        catalog_bind_int(stmt, ":type", p->type);

        r = catalog_run(c, stmt);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}

static const char sql_remove_provider[] = "DELETE FROM provider WHERE id = :id";

int catalog_remove_provider(Catalog *c, const GUID *id) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, sql_remove_provider, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":id", id);
        r = catalog_run(c, stmt);
        if (r < 0)
                return r;
        if (sqlite3_changes(c->db) == 0)
                return -ENOENT;

        return catalog_transaction_commit(&transaction);
}

static int read_provider(sqlite3_stmt *stmt, CatalogProvider *ret) {
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

        *ret = p;
        p = (CatalogProvider){};
        return 0;
}

static const char sql_list_providers[] =
        "SELECT id, class_id, name, type, version, version_id FROM provider "
        "WHERE :id IS NULL OR id = :id ORDER BY name, id";

int catalog_get_provider(Catalog *c, const GUID *id, CatalogProvider *ret) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_list_providers, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":id", id);
        switch (sqlite3_step(stmt)) {
        case SQLITE_ROW:
                return read_provider(stmt, ret);
        case SQLITE_DONE:
                return -ENOENT;
        default:
                return catalog_errno(c);
        }
}

int catalog_list_providers(Catalog *c, CatalogProviders *ret) {
        _cleanup_(catalog_providers_clear) CatalogProviders list = {};
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int rc, r;

        r = catalog_prepare(c, sql_list_providers, &stmt);
        if (r < 0)
                return r;

        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                r = ARRAY_RESERVE(list.items, list.capacity, list.n + 1);
                if (r >= 0)
                        r = read_provider(stmt, list.items + list.n);
                if (r < 0)
                        return r;
                ++list.n;
        }
        if (rc != SQLITE_DONE)
                return catalog_errno(c);

        *ret = list;
        list = (CatalogProviders){};
        return 0;
}

static const char sql_count_provider[] = "SELECT count(*) FROM snapshot WHERE provider_id = :provider_id";

int catalog_count_provider(Catalog *c, const GUID *provider_id, unsigned *ret) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_count_provider, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":provider_id", provider_id);
        if (sqlite3_step(stmt) != SQLITE_ROW)
                return catalog_errno(c);

        *ret = (unsigned) sqlite3_column_int(stmt, 0);
        return 0;
}
