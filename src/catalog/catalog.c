/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Catalog
 *
 * What umbra would otherwise forget when it dies. It is small (a row per snapshot) and written rarely (a few
 * times per set), so every choice here is for safety and none for speed:
 *
 *   - A rollback journal instead of a write-ahead log, and one that stays (PERSIST): its blocks and those of
 *     the database are there already, so also on a full disk a snapshot can be deleted, which is just when
 *     one wants to. It is also one file at rest, which can be copied.
 *   - synchronous = EXTRA: what was committed is there after a power failure, the directory entry included.
 *   - locking_mode = EXCLUSIVE: there is one umbrad for a state directory. A second one does not get past
 *     catalog_open(), and that is what tells it.
 *   - A damaged catalog is refused, by a full check at the start, and never repaired silently: only it knows
 *     what to discard, so somebody has to look.
 */

#include "catalog/catalog-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/log.h"
#include "base/string-table.h"
#include "catalog/catalog-migrate.h"
#include "catalog/catalog-statement.h"

static const char *const catalog_state_table[_CATALOG_STATE_MAX] = {
        [CATALOG_PLANNED] = "planned",
        [CATALOG_CREATED] = "created",
        [CATALOG_DELETING] = "deleting",
};

DEFINE_STRING_TABLE(catalog_state, CatalogState)

static int errno_from_sqlite(sqlite3 *db, int rc) {
        int error = db ? sqlite3_system_errno(db) : 0;

        switch (rc & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EUCLEAN;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return -EACCES;
        case SQLITE_CANTOPEN:
        case SQLITE_IOERR:
                if (rc == SQLITE_IOERR_NOMEM)
                        return -ENOMEM;
                return error == ENOSPC || error == EDQUOT ? -ENOSPC : error > 0 ? -error : -EIO;
        case SQLITE_CONSTRAINT:
                if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
                        return -EEXIST;
                return -EINVAL;
        case SQLITE_TOOBIG:
                return -E2BIG;
        default:
                return -EIO;
        }
}

int catalog_errno(Catalog *c) {
        return errno_from_sqlite(c->db, sqlite3_extended_errcode(c->db));
}

int catalog_exec(Catalog *c, const char *sql) {
        return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : catalog_errno(c);
}

int catalog_transaction_begin(Catalog *c, Catalog **ret_transaction) {
        int r;

        if (c->frozen > 0)
                return -EBUSY;

        r = catalog_exec(c, "BEGIN IMMEDIATE");
        if (r < 0)
                return r;

        *ret_transaction = c;
        return 0;
}

void catalog_transaction_endp(Catalog **transaction) {
        if (*transaction)
                (void) sqlite3_exec((*transaction)->db, "ROLLBACK", NULL, NULL, NULL);
}

int catalog_transaction_commit(Catalog **transaction) {
        int r;

        r = catalog_exec(*transaction, "COMMIT");
        if (r >= 0)
                *transaction = NULL;
        return r;
}

void catalog_freeze(Catalog *c) {
        ++c->frozen;
}

void catalog_thaw(Catalog *c) {
        assert(c->frozen > 0);
        --c->frozen;
}

bool catalog_is_frozen(const Catalog *c) {
        return c->frozen > 0;
}

static const char sql_configure[] =
        "PRAGMA locking_mode = EXCLUSIVE;"
        "PRAGMA journal_mode = PERSIST;"
        "PRAGMA synchronous = EXTRA;"
        "PRAGMA foreign_keys = ON;"
        "PRAGMA trusted_schema = OFF;"
        "PRAGMA cell_size_check = ON;"
        "BEGIN EXCLUSIVE; COMMIT"; /* takes the lock, for as long as we live */

/* *ret_why: the first thing that is wrong, or NULL. */
static int catalog_check(Catalog *c, char **ret_why) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        const char *answer;
        int r;

        r = catalog_find(c, "PRAGMA quick_check(1)", NULL, 0, &stmt);
        if (r < 0)
                return r;

        answer = (const char *) sqlite3_column_text(stmt, 0);
        if (answer && strcmp(answer, "ok") == 0)
                return 0;

        r = strdup_to(answer, ret_why);
        return r < 0 ? r : -EUCLEAN;
}

/* SQLite would make it readable for everybody. */
static int create_private(const char *path) {
        _cleanup_(closep) int fd = -EBADF;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        return fd < 0 ? -errno : 0;
}

static int catalog_set_up(Catalog *c, char **ret_why) {
        const char *refused = NULL;
        int rc, r;

        r = catalog_exec(c, sql_configure);
        if (r < 0)
                return r;

        r = catalog_check(c, ret_why);
        if (r < 0)
                return r;

        rc = catalog_migrate(c->db, &refused);
        if (refused) {
                r = strdup_to(refused, ret_why);
                return r < 0 ? r : -EUCLEAN;
        }

        return errno_from_sqlite(c->db, rc);
}

int catalog_open(const char *path, Catalog **ret) {
        _cleanup_(catalog_closep) Catalog *c = NULL;
        _cleanup_(freep) char *why = NULL;
        int rc, r;

        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        r = strdup_to(path, &c->path);
        if (r < 0)
                return r;

        if (strcmp(path, ":memory:") != 0) {
                r = create_private(path);
                if (r < 0)
                        return log_error_errno(r, "Failed to open the catalog '%s', refusing: %m", path);
        }

        rc = sqlite3_open_v2(path, &c->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        r = errno_from_sqlite(c->db, rc);
        if (r >= 0)
                r = catalog_set_up(c, &why);

        if (r == -EBUSY)
                return log_error_errno(r, "The catalog '%s' is in use by another umbrad, refusing", path);
        if (r < 0)
                return log_error_errno(r, "Failed to open the catalog '%s', refusing to touch it: %s: %m",
                                       path, why ?: sqlite3_errmsg(c->db));

        *ret = TAKE_PTR(c);
        return 0;
}

static const char sql_copy[] = "VACUUM INTO :path";

int catalog_copy(Catalog *c, const char *path) {
        const CatalogValue values[] = { value_text(":path", path) };
        int r;

        if (c->frozen > 0)
                return -EBUSY;
        if (unlink(path) < 0 && errno != ENOENT)
                return -errno;

        r = create_private(path); /* it writes to one that is empty */
        if (r >= 0)
                r = catalog_run(c, sql_copy, values, ELEMENTSOF(values));
        return MIN(r, 0);
}

Catalog *catalog_close(Catalog *c) {
        if (!c)
                return NULL;

        (void) sqlite3_close(c->db);
        free(c->path);
        free(c);
        return NULL;
}
