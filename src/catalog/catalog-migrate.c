/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Catalog's Versions
 *
 * The list below is the catalog's history: step n makes version n + 1 out of version n, a new catalog takes
 * all of them, and PRAGMA user_version says which were taken. A step is committed together with its number,
 * so a crash between two steps is a catalog of the version between.
 *
 * A catalog of a later umbra is refused. It may know of snapshots in ways that we do not, and what we do not
 * understand we would orphan.
 */

#include "catalog/catalog-migrate.h"

#include <stdio.h>

#include "base/macro.h"

#define APPLICATION_ID 0x554D4252 /* "UMBR" */

static const char sql_schema[] =
#include "catalog/catalog-schema.inc"
        ;

static const char sql_admin[] =
#include "catalog/catalog-admin.inc"
        ;

static const char sql_express[] =
#include "catalog/catalog-express.inc"
        ;

static const char sql_deeds[] =
#include "catalog/catalog-deeds.inc"
        ;

static const char sql_deferred[] =
#include "catalog/catalog-deferred.inc"
        ;

static const char *const steps[] = {
        sql_schema,
        sql_admin,
        sql_express,
        sql_deeds,
        sql_deferred,
};

/* For pragmas and other things with one number as the answer. */
static int query_int(sqlite3 *db, const char *sql, int *ret) {
        sqlite3_stmt *stmt;
        int rc;

        rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
        if (rc != SQLITE_OK)
                return rc;

        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret = sqlite3_column_int(stmt, 0);

        return sqlite3_finalize(stmt);
}

static int take_step(sqlite3 *db, int version) {
        char numbers[128];
        int rc;

        (void) snprintf(numbers, sizeof(numbers),
                        "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", APPLICATION_ID,
                        version + 1);

        rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(db, steps[version], NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(db, numbers, NULL, NULL, NULL);
        if (rc != SQLITE_OK)
                (void) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);

        return rc;
}

int catalog_migrate(sqlite3 *db, const char **ret_why) {
        int application = 0, version = 0, objects = 0, rc;

        rc = query_int(db, "PRAGMA application_id", &application);
        if (rc == SQLITE_OK)
                rc = query_int(db, "PRAGMA user_version", &version);
        if (rc == SQLITE_OK)
                rc = query_int(db, "SELECT count(*) FROM sqlite_schema", &objects);
        if (rc != SQLITE_OK)
                return rc;

        if (application != APPLICATION_ID && (application != 0 || version != 0 || objects != 0)) {
                *ret_why = "it is a database of another program";
                return SQLITE_NOTADB;
        }
        if (version < 0 || version > (int) ELEMENTSOF(steps)) {
                *ret_why = "it was written by a later version of umbra";
                return SQLITE_NOTADB;
        }

        for (; version < (int) ELEMENTSOF(steps); ++version) {
                rc = take_step(db, version);
                if (rc != SQLITE_OK)
                        return rc;
        }

        return SQLITE_OK;
}
