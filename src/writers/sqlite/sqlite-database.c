/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Database
 *
 * See the header, which also says why a copy made during a hold is right.
 */

#include "writers/sqlite/sqlite-database.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "writers/sqlite/sqlite-database-internal.h"

/* How long opening and reading wait for a writer that is just committing. */
#define READ_PATIENCE_USEC (10 * USEC_PER_SEC)

/* Between transactions a busy writer leaves its lock free for microseconds only. SQLite's own busy handler
 * asks ten times a second, and would hardly ever meet one of these moments. So for a while we ask as often
 * as the clock allows, which soon meets one, and then with less zeal. */
#define BUSY_PAUSE_USEC 20U
#define BUSY_PAUSE_LONG_USEC 500U
#define BUSY_ZEALOUS_CALLS 10000

/* How long a checkpoint waits for others, and at most keeps writers waiting for the sake of a shorter log.
 */
#define CHECKPOINT_PATIENCE_USEC (50 * USEC_PER_MSEC)

#define PROGRESS_STEPS 10000

int database_new(const char *path, Database **ret) {
        _cleanup_(database_freep) Database *d = NULL;
        int r;

        d = calloc_checked(1, sizeof(*d));
        if (!d)
                return -ENOMEM;

        r = strdup_to(path, &d->path);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(d);
        return 0;
}

Database *database_free(Database *d) {
        if (!d)
                return NULL;

        database_close(d);
        free(d->error);
        free(d->path);
        free(d);
        return NULL;
}

const char *database_path(const Database *d) {
        return d->path;
}

const char *database_error(const Database *d) {
        return d->error ?: "out of memory";
}

const DatabaseStamp *database_stamp(const Database *d) {
        return &d->stamp;
}

bool database_is_open(const Database *d) {
        return d->db;
}

bool database_is_held(const Database *d) {
        return d->held;
}

/* Errors */

int database_fail(Database *d, int r, const char *format, ...) {
        _cleanup_(freep) char *why = NULL;
        va_list ap;

        free(TAKE_PTR(d->error));

        va_start(ap, format);
        if (vasprintf(&why, format, ap) < 0)
                why = NULL;
        va_end(ap);

        if (why)
                (void) format_to(&d->error, "database '%s' %s", d->path, why);
        return r;
}

/* What SQLite says, as errno. */
static int errno_from_sqlite(int rc, int system_errno) {
        switch (rc & 0xFF) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL: /* too many others take locks at once */
                return -EBUSY;
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
                return -EBADMSG;
        case SQLITE_ERROR: /* the statement, that is: what the schema names is not known here */
                return -ENOTSUP;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_INTERRUPT:
                return -EINTR;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return -EACCES;
        default:
                return system_errno > 0 ? -system_errno : -EIO;
        }
}

int database_fail_sqlite(Database *d, int rc, const char *what) {
        int error = d->db ? sqlite3_system_errno(d->db) : 0, r = errno_from_sqlite(rc, error);
        const char *why = d->db ? sqlite3_errmsg(d->db) : sqlite3_errstr(rc);

        if (r == -error && error > 0)
                why = strerror(error);
        if (r == -EBUSY)
                return database_fail(d, r, "is busy: others have had it locked all the time");

        return database_fail(d, r, "%s: %s", what, why);
}

/* Statements */

static int database_on_busy(void *userdata, int n_calls) {
        Database *d = userdata;
        struct timespec ts =
                timespec_from_usec(n_calls < BUSY_ZEALOUS_CALLS ? BUSY_PAUSE_USEC : BUSY_PAUSE_LONG_USEC);

        if (now_usec(CLOCK_MONOTONIC) >= d->deadline)
                return 0;

        (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
        return 1;
}

static int database_prepare(Database *d, const char *sql, sqlite3_stmt **ret) {
        int rc = sqlite3_prepare_v2(d->db, sql, -1, ret, NULL);

        return rc == SQLITE_OK ? 0 : database_fail_sqlite(d, rc, "cannot be read");
}

int database_query(Database *d, const char *sql, char **ret_text) {
        _cleanup_(freep) char *text = NULL;
        sqlite3_stmt *stmt = NULL;
        bool first = true;
        int r, rc;

        r = database_prepare(d, sql, &stmt);
        if (r < 0)
                return r;

        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                const char *column = (const char *) sqlite3_column_text(stmt, 0);

                if (first && column && strdup_to(column, &text) < 0) {
                        rc = SQLITE_NOMEM;
                        break;
                }
                first = false;
        }
        if (rc != SQLITE_DONE)
                r = database_fail_sqlite(d, rc, "cannot be read");
        (void) sqlite3_finalize(stmt);
        if (r < 0)
                return r;

        if (ret_text)
                *ret_text = TAKE_PTR(text);
        return 0;
}

static int database_on_step(void *userdata) {
        Database *d = userdata;

        return d->stop && d->stop(d->stop_userdata);
}

void database_on_progress(Database *d, bool (*stop)(void *userdata), void *userdata) {
        d->stop = stop;
        d->stop_userdata = userdata;
        sqlite3_progress_handler(d->db, PROGRESS_STEPS, stop ? database_on_step : NULL, d);
}

/* Opening */

/* We may be root and the database somebody's: nothing that its schema says is to be run. */
static void database_distrust(Database *d) {
        (void) sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void) sqlite3_db_config(d->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void) sqlite3_db_config(d->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
        (void) sqlite3_db_config(d->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

static int database_connect(Database *d) {
        _cleanup_(freep) char *mode = NULL;
        int r, rc;

        rc = sqlite3_open_v2(d->path, &d->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
        if (rc != SQLITE_OK)
                return database_fail_sqlite(d, rc, "cannot be opened");

        (void) sqlite3_busy_handler(d->db, database_on_busy, d);
        database_distrust(d);
        d->deadline = usec_add(now_usec(CLOCK_MONOTONIC), READ_PATIENCE_USEC);

        /* The first to look into the file: opening alone does not. */
        r = database_query(d, "SELECT count(*) FROM sqlite_schema", NULL);
        if (r >= 0)
                r = database_query(d, "PRAGMA journal_mode", &mode);
        if (r < 0)
                return r;

        if (sqlite3_db_readonly(d->db, "main") != 0)
                return database_fail(d, -EROFS, "cannot be written by this process, which holding it needs");

        d->log_ino = 0;
        if (mode && strcmp(mode, "wal") == 0)
                database_note_log(d);
        return 0;
}

int database_open(Database *d) {
        int r;

        if (d->db)
                return 0;

        r = database_connect(d);
        if (r < 0)
                database_close(d);
        return r;
}

void database_close(Database *d) {
        if (!d->db)
                return;

        database_release(d);
        (void) sqlite3_close_v2(d->db);
        d->db = NULL;
        d->held = false;
        d->stop = NULL;
}

void database_keep_log(Database *d, bool keep) {
        (void) sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, (int) keep, NULL);
}

/* For the lock of whoever is just checkpointing SQLite does not ask its busy handler, so we wait ourselves.
 */
static int checkpoint_patiently(Database *d, int mode) {
        int rc;

        d->deadline = usec_add(now_usec(CLOCK_MONOTONIC), CHECKPOINT_PATIENCE_USEC);
        do
                rc = sqlite3_wal_checkpoint_v2(d->db, "main", mode, NULL, NULL);
        while (rc == SQLITE_BUSY && database_on_busy(d, 0) != 0);

        return rc;
}

int database_checkpoint(Database *d) {
        static const int modes[] = { SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_TRUNCATE };

        /* The first one does the work and stands in nobody's way. After it the second one has little left to
         * do with the writers' lock in hand, and if readers do not let go of the log, it stays as it is. */
        for (size_t i = 0; i < ELEMENTSOF(modes); ++i) {
                int rc = checkpoint_patiently(d, modes[i]);

                if (rc != SQLITE_OK && errno_from_sqlite(rc, 0) != -EBUSY)
                        return database_fail_sqlite(d, rc, "cannot be checkpointed");
        }

        return 0;
}
