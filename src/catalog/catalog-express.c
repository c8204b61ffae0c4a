/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Express Writers in the Catalog
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "catalog/catalog-statement.h"

static const char sql_add[] =
        "INSERT INTO express_writer (writer_id, instance_id, document) "
        "VALUES (:writer_id, :instance_id, :document)";

int catalog_add_express_writer(Catalog *c,
                               const GUID *writer_id,
                               const GUID *instance_id,
                               const char *document,
                               size_t size) {
        const CatalogValue values[] = {
                value_guid(":writer_id", writer_id),
                value_guid(":instance_id", instance_id),
                value_blob(":document", document, size),
        };

        return catalog_write(c, sql_add, values, ELEMENTSOF(values));
}

static const char sql_remove[] = "DELETE FROM express_writer WHERE writer_id = :writer_id";

int catalog_remove_express_writer(Catalog *c, const GUID *writer_id) {
        const CatalogValue values[] = { value_guid(":writer_id", writer_id) };

        return catalog_write(c, sql_remove, values, ELEMENTSOF(values));
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
        const CatalogValue values[] = { value_guid(":writer_id", writer_id) };
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_find(c, sql_get, values, ELEMENTSOF(values), &stmt);
        return r < 0 ? r : read_document(stmt, 0, ret_document, ret_size);
}

static const char sql_list[] = "SELECT writer_id FROM express_writer ORDER BY sequence";

static int read_id(sqlite3_stmt *stmt, void *ret) {
        return catalog_column_guid(stmt, 0, ret);
}

int catalog_list_express_writers(Catalog *c, GUID **ret, size_t *ret_n) {
        _cleanup_(freep) GUID *ids = NULL;
        size_t n = 0, capacity = 0;
        int r;

        r = catalog_read_list(c, sql_list, NULL, 0, read_id, &ids, &n, &capacity, sizeof(*ids));
        if (r < 0)
                return r;

        *ret = TAKE_PTR(ids);
        *ret_n = n;
        return 0;
}
