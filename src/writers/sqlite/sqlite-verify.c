/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Before and After a Restore
 *
 * See the header.
 */

#include "writers/sqlite/sqlite-verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/log.h"

char *database_stamp_to_string(const DatabaseStamp *stamp, char buffer[DATABASE_STAMP_MAX]) {
        (void) snprintf(buffer, DATABASE_STAMP_MAX,
                        "page_count=%" PRIu64 " freelist_count=%" PRIu64 " page_size=%" PRIu32
                        " schema_version=%" PRIu32 " journal_mode=%s",
                        stamp->page_count, stamp->freelist_count, stamp->page_size, stamp->schema_version,
                        stamp->wal ? "wal" : "rollback");
        return buffer;
}

int database_stamp_from_string(const char *s, DatabaseStamp *ret) {
        DatabaseStamp stamp = { 0 };
        char mode[16];

        if (sscanf(s,
                   "page_count=%" SCNu64 " freelist_count=%" SCNu64 " page_size=%" SCNu32
                   " schema_version=%" SCNu32 " journal_mode=%15s",
                   &stamp.page_count, &stamp.freelist_count, &stamp.page_size, &stamp.schema_version,
                   mode) != 5)
                return -EINVAL;

        stamp.wal = strcmp(mode, "wal") == 0;
        *ret = stamp;
        return 0;
}

/* Before */

/* Whatever the database itself did not take in. What is empty says nothing to anybody. */
static int move_aside(const char *path, const char *suffix, unsigned *moved) {
        _cleanup_(freep) char *from = NULL, *to = NULL;
        struct stat st;

        if (format_to(&from, "%s%s", path, suffix) < 0 ||
            format_to(&to, "%s%s.before-restore", path, suffix) < 0)
                return -ENOMEM;

        if (stat(from, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (st.st_size == 0)
                return 0;
        if (rename(from, to) < 0)
                return -errno;

        log_warning("'%s' belongs to no database that can be read, moving it to '%s'", from, to);
        ++*moved;
        return 0;
}

int database_settle(const char *path, unsigned *ret_moved) {
        static const char *const logs[] = { "-wal", "-journal" };
        _cleanup_(database_freep) Database *d = NULL;
        unsigned moved = 0;
        int r;

        r = database_new(path, &d);
        if (r < 0)
                return r;

        /* Best effort: it may well be broken, which is why it is restored. Closing does the rest. */
        if (database_open(d) >= 0)
                (void) database_checkpoint(d);
        database_close(d);

        for (size_t i = 0; i < ELEMENTSOF(logs); ++i) {
                r = move_aside(path, logs[i], &moved);
                if (r < 0)
                        return r;
        }

        if (ret_moved)
                *ret_moved = moved;
        return 0;
}

/* After */

/* Sets the sentence and returns -EBADMSG. */
_printf_(3, 4) static int found(Database *d, char **ret_finding, const char *format, ...) {
        _cleanup_(freep) char *what = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&what, format, ap) < 0)
                what = NULL;
        va_end(ap);

        if (what)
                (void) format_to(ret_finding, "database '%s' %s", database_path(d), what);
        return -EBADMSG;
}

/* 0 if @sql, a PRAGMA integrity_check, says "ok". */
static int check_with(Database *d, const char *sql, char **ret_finding) {
        _cleanup_(freep) char *answer = NULL;
        int r;

        r = database_query(d, sql, &answer);
        if (r < 0)
                return r;
        if (answer && strcmp(answer, "ok") == 0)
                return 0;

        for (char *s = answer; s && (s = strchr(s, '\n')); ++s)
                *s = ' '; /* the first finding may come with a headline */
        return found(d, ret_finding, "is broken: %s", answer ?: "it says nothing");
}

/* For the @i-th table, a statement that SQLite itself makes, so that it quotes the name. NULL after the last
 * one. */
static int statement_for_table(Database *d, const char *format, unsigned i, char **ret_sql) {
        _cleanup_(freep) char *sql = NULL;

        if (format_to(&sql,
                      "SELECT format('%s', name) FROM sqlite_schema WHERE type = 'table' AND rootpage > 0"
                      " ORDER BY rowid LIMIT 1 OFFSET %u",
                      format, i) < 0)
                return -ENOMEM;

        return database_query(d, sql, ret_sql);
}

/*
 * A schema may name functions and collations that only the application has; then the check as a whole is
 * refused. So table by table, and those that cannot be checked are at least read.
 */
static int check_tables(Database *d, unsigned *ret_unchecked, char **ret_finding) {
        unsigned unchecked = 0;

        for (unsigned i = 0;; ++i) {
                _cleanup_(freep) char *check = NULL, *scan = NULL;
                int r;

                r = statement_for_table(d, "PRAGMA integrity_check(\"%w\")", i, &check);
                if (r >= 0)
                        r = statement_for_table(d, "SELECT * FROM \"%w\" NOT INDEXED", i, &scan);
                if (r < 0)
                        return r;
                if (!check || !scan)
                        break;

                r = check_with(d, check, ret_finding);
                if (r == -ENOTSUP) {
                        ++unchecked;
                        r = database_query(d, scan, NULL);
                }
                if (r < 0 && r != -ENOTSUP)
                        return r;
        }

        *ret_unchecked = unchecked;
        return 0;
}

/* A log that was lost shows here: the database is sound without it, but another one. */
static int compare(Database *d, const DatabaseStamp *was, char **ret_finding) {
        _cleanup_(freep) char *pages = NULL, *schema = NULL, *free_pages = NULL;
        uint64_t n_pages, n_schema, n_free;
        int r;

        r = database_query(d, "PRAGMA page_count", &pages);
        if (r >= 0)
                r = database_query(d, "PRAGMA schema_version", &schema);
        if (r >= 0)
                r = database_query(d, "PRAGMA freelist_count", &free_pages);
        if (r < 0)
                return r;

        n_pages = strtoull(pages ?: "", NULL, 10);
        n_schema = strtoull(schema ?: "", NULL, 10);
        n_free = strtoull(free_pages ?: "", NULL, 10);
        if (n_pages != was->page_count || n_schema != was->schema_version || n_free != was->freelist_count)
                return found(d, ret_finding,
                             "is sound, but not what was saved: it has %" PRIu64 " pages, %" PRIu64
                             " of them free, and"
                             " schema version %" PRIu64 "; it had %" PRIu64 ", %" PRIu64 " and %" PRIu32,
                             n_pages, n_free, n_schema, was->page_count, was->freelist_count,
                             was->schema_version);

        return 0;
}

static int verify(Database *d, const DatabaseStamp *stamp, char **ret_finding) {
        unsigned unchecked = 0;
        int r;

        r = check_with(d, "PRAGMA integrity_check(1)", ret_finding);
        if (r == -ENOTSUP)
                r = check_tables(d, &unchecked, ret_finding);
        if (r >= 0 && stamp)
                r = compare(d, stamp, ret_finding);
        if (r < 0)
                return r;

        return unchecked == 0 ?
                       strdup_to("ok", ret_finding) :
                       format_to(ret_finding,
                                 "ok; %u tables were read but not checked, as they need functions of their"
                                 " application",
                                 unchecked);
}

int database_verify(const char *path,
                    const DatabaseStamp *stamp,
                    bool (*stop)(void *userdata),
                    void *userdata,
                    char **ret_finding) {
        _cleanup_(freep) char *finding = NULL;
        _cleanup_(database_freep) Database *d = NULL;
        int r;

        *ret_finding = NULL;
        r = database_new(path, &d);
        if (r < 0)
                return r;

        r = database_open(d);
        if (r >= 0) {
                database_keep_log(d, true);
                database_on_progress(d, stop, userdata);
                r = verify(d, stamp, &finding);
        }
        if (r >= 0) {
                database_keep_log(d, false);
                r = database_checkpoint(d);
        }
        if (r < 0 && !finding)
                (void) strdup_to(database_error(d), &finding);

        *ret_finding = TAKE_PTR(finding);
        return r;
}
