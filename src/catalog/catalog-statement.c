/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Statements of the Catalog
 *
 * Everything between the text of a statement and its rows, so that the files with the statements only say
 * which values they have and what a row means.
 */

#include "catalog/catalog-statement.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "catalog/catalog-internal.h"

void stmt_finalizep(sqlite3_stmt **stmt) {
        sqlite3_finalize(*stmt);
}

static int bind_value(sqlite3_stmt *stmt, const CatalogValue *v) {
        int index = sqlite3_bind_parameter_index(stmt, v->name);

        switch (v->type) {
        case SQLITE_INTEGER:
                return sqlite3_bind_int64(stmt, index, v->number);
        case SQLITE_TEXT:
                return sqlite3_bind_text(stmt, index, v->bytes, -1, SQLITE_STATIC);
        default:
                return sqlite3_bind_blob64(stmt, index, v->bytes, v->size, SQLITE_STATIC);
        }
}

int catalog_prepare(Catalog *c, const char *sql, const CatalogValue *values, size_t n, sqlite3_stmt **ret) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;

        if (sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL) != SQLITE_OK)
                return catalog_errno(c);

        for (size_t i = 0; i < n; ++i)
                if (bind_value(stmt, values + i) != SQLITE_OK)
                        return catalog_errno(c);

        *ret = TAKE_PTR(stmt);
        return 0;
}

int catalog_next(Catalog *c, sqlite3_stmt *stmt) {
        switch (sqlite3_step(stmt)) {
        case SQLITE_ROW:
                return 1;
        case SQLITE_DONE:
                return 0;
        default:
                return catalog_errno(c);
        }
}

int catalog_find(Catalog *c, const char *sql, const CatalogValue *values, size_t n, sqlite3_stmt **ret) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql, values, n, &stmt);
        if (r < 0)
                return r;

        r = catalog_next(c, stmt);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;

        *ret = TAKE_PTR(stmt);
        return 0;
}

int catalog_count(Catalog *c, const char *sql, const CatalogValue *values, size_t n, unsigned *ret) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_find(c, sql, values, n, &stmt);
        if (r < 0)
                return r;

        *ret = (unsigned) sqlite3_column_int(stmt, 0);
        return 0;
}

int catalog_read_list(Catalog *c,
                      const char *sql,
                      const CatalogValue *values,
                      size_t n_values,
                      int (*read)(sqlite3_stmt *stmt, void *ret),
                      void *items,
                      size_t *n,
                      size_t *capacity,
                      size_t size) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql, values, n_values, &stmt);
        while (r >= 0 && (r = catalog_next(c, stmt)) > 0) {
                r = array_reserve(items, capacity, *n + 1, size);
                if (r >= 0)
                        r = read(stmt, *(char **) items + *n * size);
                if (r >= 0)
                        ++*n;
        }

        return r;
}

int catalog_run(Catalog *c, const char *sql, const CatalogValue *values, size_t n) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql, values, n, &stmt);
        if (r < 0)
                return r;

        r = catalog_next(c, stmt);
        return r < 0 ? r : sqlite3_changes(c->db);
}

int catalog_run_one(Catalog *c, const char *sql, const CatalogValue *values, size_t n, const GUID *id) {
        CatalogSnapshot s = {};
        int r;

        r = catalog_run(c, sql, values, n);
        if (r != 0)
                return r < 0 ? r : 0;

        r = catalog_get(c, id, &s);
        catalog_snapshot_clear(&s);
        return r < 0 ? r : -EBADFD;
}

int catalog_write(Catalog *c, const char *sql, const CatalogValue *values, size_t n) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_run(c, sql, values, n);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;

        return catalog_transaction_commit(&transaction);
}

int catalog_write_one(Catalog *c, const char *sql, const CatalogValue *values, size_t n, const GUID *id) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_run_one(c, sql, values, n, id);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}

int catalog_column_guid(sqlite3_stmt *stmt, int column, GUID *ret) {
        const void *bytes = sqlite3_column_blob(stmt, column);

        if (!bytes || sqlite3_column_bytes(stmt, column) != sizeof(*ret))
                return -EUCLEAN;

        memcpy(ret, bytes, sizeof(*ret));
        return 0;
}

int catalog_column_text(sqlite3_stmt *stmt, int column, char **ret) {
        const char *text = (const char *) sqlite3_column_text(stmt, column);

        if (!text && sqlite3_column_type(stmt, column) != SQLITE_NULL)
                return -ENOMEM;

        return strdup_to(text, ret);
}
