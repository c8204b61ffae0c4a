/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Express Writers in the Catalog
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "coordinator/catalog-internal.h"

static const char sql_add[] =
        "INSERT INTO express_writer (writer_id, instance_id, document) "
        "VALUES (:writer_id, :instance_id, :document)";

int catalog_add_express_writer(Catalog *c,
                               const GUID *writer_id,
                               const GUID *instance_id,
                               const char *document,
                               size_t size) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;
        r = catalog_prepare(c, sql_add, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":writer_id", writer_id);
        catalog_bind_guid(stmt, ":instance_id", instance_id);
        if (sqlite3_bind_blob64(stmt, sqlite3_bind_parameter_index(stmt, ":document"), document, size,
                                SQLITE_STATIC) != SQLITE_OK)
                return catalog_errno(c);
        r = catalog_run(c, stmt);
        if (r < 0)
                return r;
        return catalog_transaction_commit(&transaction);
}

static const char sql_remove[] = "DELETE FROM express_writer WHERE writer_id = :writer_id";

int catalog_remove_express_writer(Catalog *c, const GUID *writer_id) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;
        r = catalog_prepare(c, sql_remove, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":writer_id", writer_id);
        r = catalog_run(c, stmt);
        if (r < 0)
                return r;
        if (sqlite3_changes(c->db) == 0)
                return -ENOENT;
        return catalog_transaction_commit(&transaction);
}

static int read_document(sqlite3_stmt *stmt, int column, char **ret, size_t *ret_size) {
        const void *bytes = sqlite3_column_blob(stmt, column);
        int size = sqlite3_column_bytes(stmt, column);
        char *copy;

        if (!bytes && size > 0)
                return -ENOMEM;
        copy = calloc_checked((size_t) size + 1, 1);
        if (!copy)
                return -ENOMEM;
        if (size > 0)
                memcpy(copy, bytes, (size_t) size);

        *ret = copy;
        *ret_size = (size_t) size;
        return 0;
}

static const char sql_get[] = "SELECT document FROM express_writer WHERE writer_id = :writer_id";

int catalog_get_express_writer(Catalog *c, const GUID *writer_id, char **ret_document, size_t *ret_size) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_get, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":writer_id", writer_id);
        switch (sqlite3_step(stmt)) {
        case SQLITE_ROW:
                return read_document(stmt, 0, ret_document, ret_size);
        case SQLITE_DONE:
                return -ENOENT;
        default:
                return catalog_errno(c);
        }
}

static const char sql_list[] = "SELECT writer_id FROM express_writer ORDER BY sequence";

int catalog_list_express_writers(Catalog *c, GUID **ret, size_t *ret_n) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        _cleanup_(freep) GUID *ids = NULL;
        size_t n = 0, capacity = 0;
        int r, rc;

        r = catalog_prepare(c, sql_list, &stmt);
        if (r < 0)
                return r;

        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                if (sqlite3_column_bytes(stmt, 0) != sizeof(GUID))
                        return -EUCLEAN;
                r = ARRAY_RESERVE(ids, capacity, n + 1);
                if (r < 0)
                        return r;
                memcpy(&ids[n++], sqlite3_column_blob(stmt, 0), sizeof(GUID));
        }
        if (rc != SQLITE_DONE)
                return catalog_errno(c);

        *ret = TAKE_PTR(ids);
        *ret_n = n;
        return 0;
}
