/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Deeds in the Catalog
 *
 * What must go on after a crash: a revert that has begun, a set that is being broken. And where snapshots
 * are exposed.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/string-table.h"
#include "coordinator/catalog-internal.h"

static const char *const catalog_deed_kind_table[_CATALOG_DEED_KIND_MAX] = {
        [CATALOG_REVERT] = "revert",
        [CATALOG_BREAK] = "break",
};

DEFINE_STRING_TABLE(catalog_deed_kind, CatalogDeedKind)

void catalog_deed_list_clear(CatalogDeedList *l) {
        for (size_t i = 0; i < l->n; ++i)
                free(l->items[i].target);

        free(l->items);
        *l = (CatalogDeedList){};
}

/* Only of a snapshot that exists. */
static const char sql_add_deed[] =
        "INSERT INTO deed (snapshot_id, kind, target, flags) "
        "SELECT id, :kind, :target, :flags FROM snapshot WHERE id = :snapshot_id AND state = 'created'";

int catalog_add_deed(Catalog *c, const CatalogDeed *deed) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, sql_add_deed, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":snapshot_id", &deed->snapshot_id);
        catalog_bind_text(stmt, ":kind", catalog_deed_kind_to_string(deed->kind));
        catalog_bind_text(stmt, ":target", deed->target);
        catalog_bind_int(stmt, ":flags", deed->flags);

        r = catalog_run_one(c, stmt, &deed->snapshot_id);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}

static const char sql_remove_deed[] = "DELETE FROM deed WHERE snapshot_id = :snapshot_id";
static const char sql_remove_snapshot[] = "DELETE FROM snapshot WHERE id = :snapshot_id";

static int run_with_snapshot(Catalog *c, const char *sql, const GUID *snapshot_id) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":snapshot_id", snapshot_id);
        return catalog_run(c, stmt);
}

int catalog_remove_deed(Catalog *c, const GUID *snapshot_id) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = run_with_snapshot(c, sql_remove_deed, snapshot_id);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}

int catalog_let_go(Catalog *c, const GUID *snapshot_id) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = run_with_snapshot(c, sql_remove_snapshot, snapshot_id);
        if (r < 0)
                return r;

        r = catalog_forget_empty_sets(c);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}

static const char sql_list_deeds[] = "SELECT snapshot_id, kind, target, flags FROM deed";

static int read_deed(sqlite3_stmt *stmt, CatalogDeed *ret) {
        const void *id = sqlite3_column_blob(stmt, 0);
        CatalogDeed deed = { .flags = (uint32_t) sqlite3_column_int64(stmt, 3) };
        int r;

        if (!id || sqlite3_column_bytes(stmt, 0) != sizeof(deed.snapshot_id))
                return -EUCLEAN;
        memcpy(&deed.snapshot_id, id, sizeof(deed.snapshot_id));

        deed.kind = catalog_deed_kind_from_string((const char *) sqlite3_column_text(stmt, 1));
        if (deed.kind < 0)
                return -EUCLEAN;

        r = strdup_to((const char *) sqlite3_column_text(stmt, 2), &deed.target);
        if (r < 0)
                return r;

        *ret = deed;
        return 0;
}

int catalog_list_deeds(Catalog *c, CatalogDeedList *ret) {
        _cleanup_(catalog_deed_list_clear) CatalogDeedList list = {};
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int rc, r;

        r = catalog_prepare(c, sql_list_deeds, &stmt);
        if (r < 0)
                return r;

        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                r = ARRAY_RESERVE(list.items, list.capacity, list.n + 1);
                if (r < 0)
                        return r;

                r = read_deed(stmt, list.items + list.n);
                if (r < 0)
                        return r;

                ++list.n;
        }
        if (rc != SQLITE_DONE)
                return catalog_errno(c);

        *ret = list;
        list = (CatalogDeedList){};
        return 0;
}

static const char sql_set_exposed[] =
        "UPDATE snapshot SET exposed_name = :exposed_name WHERE id = :id AND state <> 'planned'";

int catalog_set_exposed(Catalog *c, const GUID *snapshot_id, const char *name) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, sql_set_exposed, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":id", snapshot_id);
        catalog_bind_text(stmt, ":exposed_name", name);

        r = catalog_run_one(c, stmt, snapshot_id);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}
