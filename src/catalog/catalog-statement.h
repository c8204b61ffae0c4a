/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Statements of the Catalog
 *
 * A statement and the values of its names, in a table; what is not in the table is NULL. A name that the
 * statement does not have is an error, so the first test of it finds that.
 */

#include <sqlite3.h>

#include "catalog/catalog.h"

typedef struct CatalogValue {
        const char *name;  /* as in the statement, with its colon */
        int type;          /* SQLITE_INTEGER, _TEXT or _BLOB */
        const void *bytes; /* must live as long as the statement; NULL: NULL */
        size_t size;       /* of a blob; text ends by itself */
        int64_t number;
} CatalogValue;

static inline CatalogValue value_int(const char *name, int64_t number) {
        return (CatalogValue){ .name = name, .type = SQLITE_INTEGER, .number = number };
}

static inline CatalogValue value_text(const char *name, const char *text) {
        return (CatalogValue){ .name = name, .type = SQLITE_TEXT, .bytes = text };
}

static inline CatalogValue value_blob(const char *name, const void *bytes, size_t size) {
        return (CatalogValue){ .name = name, .type = SQLITE_BLOB, .bytes = bytes, .size = size };
}

static inline CatalogValue value_guid(const char *name, const GUID *id) {
        return value_blob(name, id, sizeof(*id));
}

void stmt_finalizep(sqlite3_stmt **stmt);

/* For statements without an answer, within a transaction. Returns how many rows they changed. */
int catalog_run(Catalog *c, const char *sql, const CatalogValue *values, size_t n);
/* For one that changes the row of one snapshot, if it is in the right state. -ENOENT when there is no such
 * snapshot, -EBADFD when it is in another state. */
int catalog_run_one(Catalog *c, const char *sql, const CatalogValue *values, size_t n, const GUID *id);
/* The same two as a transaction of their own. -ENOENT where catalog_write() changed nothing. */
int catalog_write(Catalog *c, const char *sql, const CatalogValue *values, size_t n);
int catalog_write_one(Catalog *c, const char *sql, const CatalogValue *values, size_t n, const GUID *id);

/* For those with an answer: rows are read with catalog_next(), which returns 0 after the last. */
int catalog_prepare(Catalog *c, const char *sql, const CatalogValue *values, size_t n, sqlite3_stmt **ret);
int catalog_next(Catalog *c, sqlite3_stmt *stmt);
/* For an answer of one row, which *ret then stands on. -ENOENT: there is none. */
int catalog_find(Catalog *c, const char *sql, const CatalogValue *values, size_t n, sqlite3_stmt **ret);
/* For an answer that is a number. */
int catalog_count(Catalog *c, const char *sql, const CatalogValue *values, size_t n, unsigned *ret);

/* All rows of an answer, each by @read, into a list that has items, n and capacity. On failure the list has
 * those before. */
#define CATALOG_READ_LIST(c, sql, values, n_values, read, list)                                             \
        catalog_read_list(c, sql, values, n_values, read, &(list)->items, &(list)->n, &(list)->capacity,    \
                          sizeof(*(list)->items))
int catalog_read_list(Catalog *c,
                      const char *sql,
                      const CatalogValue *values,
                      size_t n_values,
                      int (*read)(sqlite3_stmt *stmt, void *ret),
                      void *items,
                      size_t *n,
                      size_t *capacity,
                      size_t size);

/* Copy out of a row. -EUCLEAN: no GUID. NULL is read as NULL. */
int catalog_column_guid(sqlite3_stmt *stmt, int column, GUID *ret);
int catalog_column_text(sqlite3_stmt *stmt, int column, char **ret);
