/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Catalog's Versions
 *
 * Private to catalog.c.
 */

#include <sqlite3.h>

/* Brings the database up to date, each step in a transaction of its own; an empty one becomes a catalog.
 * Returns what SQLite says, or SQLITE_NOTADB when it is not a catalog or one of a later umbra. Then *ret_why
 * says so. */
int catalog_migrate(sqlite3 *db, const char **ret_why);
