/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Inside the Catalog
 *
 * Shared by its files: catalog.c opens it and knows SQLite's manners, catalog-statement.c runs statements, and
 * each of the others has those of its own.
 */

#include <sqlite3.h>

#include "catalog/catalog.h"

struct Catalog {
        sqlite3 *db;
        char *path;
        unsigned frozen;
};

/* What the last call that failed means. */
int catalog_errno(Catalog *c);
int catalog_exec(Catalog *c, const char *sql);
int catalog_forget_empty_sets(Catalog *c); /* within a transaction */

/* Everything that writes stands between begin and commit; leaving in between takes it back. -EBUSY while
 * frozen. */
int catalog_transaction_begin(Catalog *c, Catalog **ret_transaction);
void catalog_transaction_endp(Catalog **transaction);
int catalog_transaction_commit(Catalog **transaction);
