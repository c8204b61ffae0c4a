/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The SQLite Writer: Backup
 *
 *     PrepareBackup    the selected databases are opened, and stay open
 *     PrepareSnapshot  their logs are written into them, so that the copy is small
 *     Freeze           all of them are held, or none
 *     Thaw, Abort      all are released
 *     PostSnapshot     what was held is noted with the backup; they are closed
 *
 * A requester that selects no components saves whole volumes. Which ones these are is known at
 * PrepareSnapshot, so then the databases on them are opened there.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/utf.h"
#include "writers/sqlite/sqlite-users.h"
#include "writers/sqlite/sqlite-verify.h"
#include "writers/sqlite/sqlite-writer.h"

/* The databases of the backup */

static void close_databases(SqliteWriter *w) {
        for (size_t i = 0; i < w->n_databases; ++i)
                database_close(w->databases[i]);
}

void sqlite_backup_forget(SqliteWriter *w) {
        for (size_t i = 0; i < w->n_databases; ++i)
                database_free(w->databases[i]);
        w->n_databases = 0;
        w->session = GUID_NULL;
}

static int compare_databases(const void *a, const void *b) {
        return strcmp(database_path(*(Database *const *) a), database_path(*(Database *const *) b));
}

static int compare_path(const void *path, const void *d) {
        return strcmp(path, database_path(*(Database *const *) d));
}

static void sort_databases(SqliteWriter *w) {
        if (w->n_databases > 1)
                qsort(w->databases, w->n_databases, sizeof(*w->databases), compare_databases);
}

static Database *find_database(const SqliteWriter *w, const char *path) {
        Database **found = NULL;

        if (w->n_databases > 0)
                found = bsearch(path, w->databases, w->n_databases, sizeof(*w->databases), compare_path);
        return found ? *found : NULL;
}

bool sqlite_backup_has_open(const SqliteWriter *w, const char *path) {
        const Database *d = find_database(w, path);

        return d && database_is_open(d);
}

/* Opens one more. *ret is set whenever there is one, for its sentence. */
static int add_database(SqliteWriter *w, const char *path, Database **ret) {
        int r;

        r = ARRAY_RESERVE(w->databases, w->databases_capacity, w->n_databases + 1);
        if (r >= 0)
                r = database_new(path, &w->databases[w->n_databases]);
        if (r < 0)
                return r;

        *ret = w->databases[w->n_databases++];
        return database_open(*ret);
}

/* What the failure of one database means for whoever might try again. */
static HRESULT hresult_from_database(int r) {
        return r == -EBUSY  ? VSS_E_WRITERERROR_RETRYABLE :
               r == -ENOMEM ? VSS_E_WRITERERROR_OUTOFRESOURCES :
                              VSS_E_WRITERERROR_NONRETRYABLE;
}

static bool fail_for_database(SqliteWriter *w, int r, const Database *d) {
        return writer_fail(w->writer, hresult_from_database(r), hresult_from_errno(r), "%s",
                           d ? database_error(d) : "out of memory");
}

/* Another backup's events may still come while the next one begins. Ours are those of the session that
 * prepared last, and those that the library makes itself, which belong to none. */
static bool is_other_session(SqliteWriter *w) {
        VSS_ID id = GUID_NULL;

        (void) umbra_writer_get_session_id(w->writer, &id);
        return !guid_is_null(&id) && !guid_equal(&id, &w->session);
}

/* PrepareBackup */

typedef struct Preparation {
        SqliteWriter *writer;
        char **configured; /* strv */
} Preparation;

static bool prepare_component(IVssComponent *c, void *userdata) {
        _cleanup_(freep) char *path = NULL, *why = NULL;
        Preparation *p = userdata;
        Database *d = NULL;
        int r;

        r = sqlite_component_path(c, &path);
        if (r >= 0 && !strv_contains(p->configured, path))
                r = -ENOENT;
        if (r < 0)
                (void) format_to(&why, "database '%s' is not among those that there are now", path ?: "?");
        else {
                r = add_database(p->writer, path, &d);
                if (r < 0 && d)
                        (void) strdup_to(database_error(d), &why);
        }
        if (r < 0)
                return sqlite_component_fail(p->writer, c, COMPONENT_PREPARE_BACKUP,
                                             hresult_from_database(r), why ?: "out of memory");

        return true;
}

bool sqlite_on_prepare_backup(void *userdata, IVssWriterComponents *components) {
        SqliteWriter *w = userdata;
        Preparation p = { .writer = w };
        ComponentCount count = { 0 };
        HRESULT hr = S_OK;

        sqlite_backup_forget(w);
        (void) umbra_writer_get_session_id(w->writer, &w->session);
        if (!umbra_writer_are_components_selected(w->writer))
                return true;

        if (sqlite_config_expand(w->config, &p.configured) < 0)
                hr = E_OUTOFMEMORY;
        if (SUCCEEDED(hr))
                hr = components_foreach(components, prepare_component, &p, &count);
        strv_free(p.configured);
        if (!sqlite_components_conclude(w, hr, &count)) {
                sqlite_backup_forget(w);
                return false;
        }

        sort_databases(w);
        return true;
}

/* PrepareSnapshot */

/* By its path, or because it is on the same file system as one of the volumes: that may be mounted in
 * several places, and holding one database too many is better than one too few. */
static bool is_on_volumes(SqliteWriter *w, const char *path) {
        LPCWSTR *volumes = umbra_writer_get_volume_array(w->writer);
        _cleanup_(freep) WCHAR *wide = NULL;
        struct stat st, volume_st;

        if (wide_from_utf8(path, &wide) >= 0 && umbra_writer_is_path_affected(w->writer, wide))
                return true;
        if (stat(path, &st) < 0)
                return false;

        for (UINT i = 0; i < umbra_writer_get_volume_count(w->writer); ++i) {
                _cleanup_(freep) char *volume = NULL;

                if (utf8_from_wide(volumes[i], &volume) >= 0 && stat(volume, &volume_st) >= 0 &&
                    st.st_dev == volume_st.st_dev)
                        return true;
        }

        return false;
}

static bool open_databases_on_volumes(SqliteWriter *w) {
        _cleanup_(strv_freep) char **paths = NULL;
        int r;

        r = sqlite_config_expand(w->config, &paths);
        if (r < 0)
                return fail_for_database(w, r, NULL);

        STRV_FOREACH(path, paths) {
                Database *d = NULL;

                if (!is_on_volumes(w, *path))
                        continue;
                r = add_database(w, *path, &d);
                if (r < 0)
                        return fail_for_database(w, r, d);
        }

        sort_databases(w);
        return true;
}

bool sqlite_on_prepare_snapshot(void *userdata) {
        SqliteWriter *w = userdata;

        if (!umbra_writer_are_components_selected(w->writer) && !open_databases_on_volumes(w))
                return false;

        for (size_t i = 0; i < w->n_databases; ++i) {
                int r;

                r = database_checkpoint(w->databases[i]);
                if (r < 0)
                        return fail_for_database(w, r, w->databases[i]);
        }

        return true;
}

/* Freeze, Thaw */

#define REALTIME_FORMAT "%llu.%06llu"
#define REALTIME_ARGS(usec)                                                                                 \
        (unsigned long long) ((usec) / USEC_PER_SEC), (unsigned long long) ((usec) % USEC_PER_SEC)

/* Nothing is held any more, and all is closed: only then may its files be looked at. */
static bool fail_freeze(SqliteWriter *w, int r, const Database *culprit) {
        char who[DATABASE_USER_STRING_MAX];
        DatabaseUser u;

        close_databases(w);
        if (r == -EBUSY && database_find_lock_owner(database_path(culprit), &u) > 0)
                return writer_fail(w->writer, VSS_E_WRITERERROR_RETRYABLE, S_OK, "%s, just now %s",
                                   database_error(culprit), database_user_to_string(&u, who));

        return fail_for_database(w, r, culprit);
}

bool sqlite_on_freeze(void *userdata) {
        usec_t began = now_usec(CLOCK_MONOTONIC), realtime;
        SqliteWriter *w = userdata;
        Database *culprit = NULL;
        char span[SPAN_STRING_MAX];
        int r;

        if (w->n_databases == 0)
                return true;

        r = databases_hold(w->databases, w->n_databases, usec_add(began, w->config->busy_timeout), &culprit);
        if (r < 0)
                return fail_freeze(w, r, culprit);

        realtime = now_usec(CLOCK_REALTIME);
        w->frozen = now_usec(CLOCK_MONOTONIC);

        /* The file system of the log may be held next. */
        log_hold();
        log_info("Frozen at " REALTIME_FORMAT ": %zu database%s held after %s", REALTIME_ARGS(realtime),
                 w->n_databases, w->n_databases == 1 ? "" : "s", span_to_string(w->frozen - began, span));
        return true;
}

/* When it was, if it was. */
static void thaw(SqliteWriter *w, const char *word) {
        usec_t realtime = now_usec(CLOCK_REALTIME);
        char span[SPAN_STRING_MAX];

        if (w->frozen == 0)
                return;

        databases_release(w->databases, w->n_databases);
        log_info("%s at " REALTIME_FORMAT ": %zu database%s held for %s", word, REALTIME_ARGS(realtime),
                 w->n_databases, w->n_databases == 1 ? "" : "s",
                 span_to_string(now_usec(CLOCK_MONOTONIC) - w->frozen, span));
        w->frozen = 0;
        log_release();
}

bool sqlite_on_thaw(void *userdata) {
        SqliteWriter *w = userdata;
        Database *moved = NULL;

        for (size_t i = 0; i < w->n_databases && !moved; ++i)
                if (database_is_held(w->databases[i]) && database_confirm(w->databases[i]) < 0)
                        moved = w->databases[i];
        thaw(w, "Thawed");

        if (moved)
                return writer_fail(w->writer, VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT, S_OK, "%s",
                                   database_error(moved));
        return true;
}

bool sqlite_on_abort(void *userdata) {
        SqliteWriter *w = userdata;

        if (is_other_session(w))
                return true;

        thaw(w, "Aborted");
        sqlite_backup_forget(w);
        return true;
}

/* Afterwards */

static bool stamp_component(IVssComponent *c, void *userdata) {
        _cleanup_(freep) char *path = NULL;
        char stamp[DATABASE_STAMP_MAX];
        SqliteWriter *w = userdata;
        const Database *d = NULL;
        HRESULT hr;

        if (sqlite_component_path(c, &path) >= 0)
                d = find_database(w, path);
        if (!d)
                return true;

        hr = component_say(c, c->lpVtbl->SetBackupMetadata,
                           database_stamp_to_string(database_stamp(d), stamp));
        if (FAILED(hr))
                log_warning("Failed to note the state of database '%s' (%s), a restore will not compare it",
                            path, hresult_name(hr));
        return true;
}

bool sqlite_on_post_snapshot(void *userdata, IVssWriterComponents *components) {
        SqliteWriter *w = userdata;
        ComponentCount count = { 0 };

        if (is_other_session(w))
                return true;

        (void) components_foreach(components, stamp_component, w, &count);
        close_databases(w);
        return true;
}

static bool log_component(IVssComponent *c, void *userdata) {
        _cleanup_(freep) char *path = NULL;
        bool good = false;

        if (sqlite_component_path(c, &path) < 0)
                return true;

        if (IVssComponent_GetBackupSucceeded(c, &good) == S_OK && good)
                log_info("Database '%s' was saved", path);
        else
                log_warning("Database '%s' was not saved, as the requester says", path);
        return true;
}

bool sqlite_on_backup_complete(void *userdata, IVssWriterComponents *components) {
        ComponentCount count = { 0 };

        (void) components_foreach(components, log_component, userdata, &count);
        return true;
}

bool sqlite_on_backup_shutdown(void *userdata, VSS_ID snapshot_set_id) {
        SqliteWriter *w = userdata;

        if (!is_other_session(w))
                sqlite_backup_forget(w);
        return true;
}
