/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Holding Databases
 *
 * One, and the rounds for many that are described at databases_hold().
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "writers/sqlite/sqlite-database-internal.h"

/* What a held database's writers wait for another database, in the first round. It doubles with each round,
 * so that many busy databases are got in the end. */
#define PATIENCE_FIRST_USEC (20 * USEC_PER_MSEC)

/* One */

/* As long as we have the database open, nobody removes its log who goes by the rules. */
static int database_find_log(Database *d, struct stat *ret) {
        _cleanup_(freep) char *log = NULL;

        if (format_to(&log, "%s-wal", d->path) < 0)
                return -ENOMEM;

        return stat(log, ret) < 0 ? -errno : 0;
}

void database_note_log(Database *d) {
        struct stat st;

        if (database_find_log(d, &st) >= 0) {
                d->log_dev = st.st_dev;
                d->log_ino = st.st_ino;
        }
}

static int query_number(Database *d, const char *sql, uint64_t *ret) {
        _cleanup_(freep) char *text = NULL;
        int r;

        r = database_query(d, sql, &text);
        if (r < 0)
                return r;

        *ret = text ? strtoull(text, NULL, 10) : 0;
        return 0;
}

int database_confirm(Database *d) {
        struct stat st;
        int moved = 0;

        (void) sqlite3_file_control(d->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
        if (moved)
                return database_fail(d, -ESTALE, "was moved, removed or replaced while it was open");

        if (d->stamp.wal && d->log_ino != 0 &&
            (database_find_log(d, &st) < 0 || st.st_dev != d->log_dev || st.st_ino != d->log_ino))
                return database_fail(d, -ESTALE, "has lost its -wal: it was moved or removed while in use");

        return 0;
}

/* Before its first page is written a database is an empty file. BEGIN IMMEDIATE makes that page in memory,
 * and a journal for it that nobody would roll back. */
static bool database_is_empty(Database *d) {
        sqlite3_file *file = NULL;
        sqlite3_int64 size = -1;

        (void) sqlite3_file_control(d->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
        if (file && file->pMethods)
                (void) file->pMethods->xFileSize(file, &size);
        return size == 0;
}

static int database_take_stamp(Database *d) {
        uint64_t page_size = 0, schema_version = 0;
        _cleanup_(freep) char *mode = NULL;
        DatabaseStamp stamp = { 0 };
        int r;

        r = query_number(d, "PRAGMA page_count", &stamp.page_count);
        if (r >= 0)
                r = query_number(d, "PRAGMA freelist_count", &stamp.freelist_count);
        if (r >= 0)
                r = query_number(d, "PRAGMA page_size", &page_size);
        if (r >= 0)
                r = query_number(d, "PRAGMA schema_version", &schema_version);
        if (r >= 0)
                r = database_query(d, "PRAGMA journal_mode", &mode);
        if (r < 0)
                return r;

        stamp.page_size = (uint32_t) page_size;
        stamp.schema_version = (uint32_t) schema_version;
        stamp.wal = mode && strcmp(mode, "wal") == 0;
        if (database_is_empty(d))
                stamp = (DatabaseStamp){ 0 };
        if (stamp.wal && d->log_ino == 0)
                database_note_log(d); /* it was given one after it was opened */
        d->stamp = stamp;
        return 0;
}

int database_hold(Database *d, usec_t deadline) {
        int r, rc;

        assert(d->db && !d->held);

        d->deadline = deadline;
        rc = sqlite3_exec(d->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        if (rc != SQLITE_OK)
                return database_fail_sqlite(d, rc, "cannot be held");
        d->held = true;

        r = database_take_stamp(d);
        if (r >= 0)
                r = database_confirm(d);
        if (r < 0)
                database_release(d);
        return r;
}

void database_release(Database *d) {
        if (!d->held)
                return;

        d->held = false;
        if (sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK)
                return;

        /* It cannot fail, as nothing was written. If it does, the locks still go with the connection. */
        (void) sqlite3_close_v2(d->db);
        d->db = NULL;
}

/* Many */

void databases_release(Database *const *databases, size_t n) {
        for (size_t i = 0; i < n; ++i)
                database_release(databases[i]);
}

/* All but @first, which is held. On failure *ret_culprit is the index. */
static int hold_others(Database *const *databases,
                       size_t n,
                       size_t first,
                       usec_t deadline,
                       size_t *ret_culprit) {
        for (size_t i = 0; i < n; ++i) {
                int r;

                if (i == first)
                        continue;

                r = database_hold(databases[i], deadline);
                if (r < 0) {
                        *ret_culprit = i;
                        return r;
                }
        }

        return 0;
}

int databases_hold(Database *const *databases, size_t n, usec_t deadline, Database **ret_culprit) {
        usec_t patience = PATIENCE_FIRST_USEC;
        size_t first = 0;

        if (n == 0)
                return 0;

        for (;;) {
                size_t culprit = first;
                usec_t now;
                int r;

                r = database_hold(databases[first], deadline);
                now = now_usec(CLOCK_MONOTONIC);
                if (r >= 0)
                        r = hold_others(databases, n, first, MIN(deadline, usec_add(now, patience)),
                                        &culprit);
                if (r >= 0)
                        return 0;

                databases_release(databases, n);
                if (r != -EBUSY || culprit == first || now_usec(CLOCK_MONOTONIC) >= deadline) {
                        *ret_culprit = databases[culprit];
                        return r;
                }

                first = culprit;
                patience *= 2;
        }
}
