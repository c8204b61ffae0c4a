/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Deeds in the Catalog
 *
 * What must go on after a crash: a revert that has begun, a set that is being broken. And where snapshots
 * are exposed.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/string-table.h"
#include "catalog/catalog-internal.h"
#include "catalog/catalog-statement.h"

static const char *const catalog_deed_kind_table[_CATALOG_DEED_KIND_MAX] = {
        [CATALOG_REVERT] = "revert",
        [CATALOG_BREAK] = "break",
};

DEFINE_STRING_TABLE(catalog_deed_kind, CatalogDeedKind)

static void deed_clear(CatalogDeed *deed) {
        free(deed->target);
        free(deed->how);
}

void catalog_deed_list_clear(CatalogDeedList *l) {
        for (size_t i = 0; i < l->n; ++i)
                deed_clear(&l->items[i]);

        free(l->items);
        *l = (CatalogDeedList){};
}

/* Only of a snapshot that exists. */
static const char sql_add_deed[] =
        "INSERT INTO deed (snapshot_id, kind, target, flags, how, target_id) "
        "SELECT id, :kind, :target, :flags, :how, :target_id FROM snapshot WHERE id = :snapshot_id AND state = 'created'";

int catalog_add_deed(Catalog *c, const CatalogDeed *deed) {
        const CatalogValue values[] = {
                value_guid(":snapshot_id", &deed->snapshot_id),
                value_text(":kind", catalog_deed_kind_to_string(deed->kind)),
                value_text(":target", deed->target),
                value_int(":flags", deed->flags),
                value_text(":how", deed->how),
                value_guid(":target_id", &deed->target_id),
        };

        return catalog_write_one(c, sql_add_deed, values, ELEMENTSOF(values), &deed->snapshot_id);
}

static const char sql_remove_deed[] = "DELETE FROM deed WHERE snapshot_id = :snapshot_id";

int catalog_remove_deed(Catalog *c, const GUID *snapshot_id) {
        const CatalogValue values[] = { value_guid(":snapshot_id", snapshot_id) };
        int r;

        r = catalog_write(c, sql_remove_deed, values, ELEMENTSOF(values));
        return r == -ENOENT ? 0 : r;
}

static const char sql_let_go[] = "DELETE FROM snapshot WHERE id = :snapshot_id";

int catalog_let_go(Catalog *c, const GUID *snapshot_id) {
        const CatalogValue values[] = { value_guid(":snapshot_id", snapshot_id) };
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_run(c, sql_let_go, values, ELEMENTSOF(values));
        if (r < 0)
                return r;

        r = catalog_forget_empty_sets(c);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}

static const char sql_list_deeds[] = "SELECT snapshot_id, kind, target, flags, how, target_id FROM deed";

static int read_deed(sqlite3_stmt *stmt, void *ret) {
        _cleanup_(deed_clear) CatalogDeed deed = { .flags = (uint32_t) sqlite3_column_int64(stmt, 3) };
        int r;

        r = catalog_column_guid(stmt, 0, &deed.snapshot_id);
        if (r < 0)
                return r;

        deed.kind = catalog_deed_kind_from_string((const char *) sqlite3_column_text(stmt, 1));
        if (deed.kind < 0)
                return -EUCLEAN;

        r = catalog_column_text(stmt, 2, &deed.target);
        if (r >= 0)
                r = catalog_column_text(stmt, 4, &deed.how);
        if (r >= 0)
                r = catalog_column_guid(stmt, 5, &deed.target_id);
        if (r < 0)
                return r;

        *(CatalogDeed *) ret = deed;
        deed = (CatalogDeed){ 0 };
        return 0;
}

int catalog_list_deeds(Catalog *c, CatalogDeedList *ret) {
        _cleanup_(catalog_deed_list_clear) CatalogDeedList list = {};
        int r;

        r = CATALOG_READ_LIST(c, sql_list_deeds, NULL, 0, read_deed, &list);
        if (r < 0)
                return r;

        *ret = list;
        list = (CatalogDeedList){};
        return 0;
}

static const char sql_set_exposed[] =
        "UPDATE snapshot SET exposed_name = :exposed_name WHERE id = :id AND state <> 'planned'";

int catalog_set_exposed(Catalog *c, const GUID *snapshot_id, const char *name) {
        const CatalogValue values[] = {
                value_guid(":id", snapshot_id),
                value_text(":exposed_name", name),
        };

        return catalog_write_one(c, sql_set_exposed, values, ELEMENTSOF(values), snapshot_id);
}
