/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Inside the Catalog
 *
 * Shared by its files: catalog.c opens it and knows SQLite's manners, catalog-write.c, catalog-deed.c
 * and catalog-read.c have the statements.
 */

#include <sqlite3.h>

#include "coordinator/catalog.h"

struct Catalog {
        sqlite3 *db;
        char *path;
        unsigned frozen;
};

/* What the last call that failed means. */
int catalog_errno(Catalog *c);

int catalog_prepare(Catalog *c, const char *sql, sqlite3_stmt **ret);
void stmt_finalizep(sqlite3_stmt **stmt);

/* @value must live as long as @stmt. */
void catalog_bind_text(sqlite3_stmt *stmt, const char *name, const char *value);
void catalog_bind_int(sqlite3_stmt *stmt, const char *name, int64_t value);
void catalog_bind_guid(sqlite3_stmt *stmt, const char *name, const GUID *value);

/* Copy out of a row. -EUCLEAN: no GUID. NULL is read as NULL. */
int catalog_column_guid(sqlite3_stmt *stmt, int column, GUID *ret);
int catalog_column_text(sqlite3_stmt *stmt, int column, char **ret);

/* For statements without an answer. */
int catalog_run(Catalog *c, sqlite3_stmt *stmt);
int catalog_exec(Catalog *c, const char *sql);
/* For one that changes the row of one snapshot, if it is in the right state. -ENOENT when there is no such
 * snapshot, -EBADFD when it is in another state. */
int catalog_run_one(Catalog *c, sqlite3_stmt *stmt, const GUID *id);
int catalog_forget_empty_sets(Catalog *c); /* within a transaction */

/* Everything that writes stands between begin and commit; leaving in between takes it back. -EBUSY while
 * frozen. */
int catalog_transaction_begin(Catalog *c, Catalog **ret_transaction);
void catalog_transaction_endp(Catalog **transaction);
int catalog_transaction_commit(Catalog **transaction);
