/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The SQLite Writer: What There Is
 *
 * Each database is a component. Its logical path is its directory as it is, slashes and all, and its name
 * that of the file, so where it belongs can be read from its component alone, also where the configuration
 * has changed since.
 *
 * Saved are the database and its logs. The -journal of a database that was held says nothing, but there may
 * be shadow copies although holding failed, and in one of these it is what makes the database whole again.
 * Not saved is the -shm: the index of the log is built anew by whoever opens the copy first; see
 * sqlite-database.h.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/utf.h"
#include "writers/sqlite/sqlite-writer.h"

#define BACKUP_SCHEMA (VSS_BS_COPY | VSS_BS_WRITER_SUPPORTS_NEW_TARGET)
#define EVERY_BACKUP (VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED)

/* The names of one database, as the API wants them. */
typedef struct Names {
        WCHAR *path, *directory, *name, *wal, *journal, *shm;
} Names;

static void names_clear(Names *n) {
        free(n->path);
        free(n->directory);
        free(n->name);
        free(n->wal);
        free(n->journal);
        free(n->shm);
}

static int wide_format(WCHAR **ret, const char *name, const char *suffix) {
        _cleanup_(freep) char *text = NULL;
        int r;

        r = format_to(&text, "%s%s", name, suffix);
        return r < 0 ? r : wide_from_utf8(text, ret);
}

static int names_init(const char *path, Names *n) {
        const char *slash = strrchr(path, '/'), *name = slash + 1;
        _cleanup_(freep) char *directory = NULL;
        int r;

        r = format_to(&directory, "%.*s", (int) MAX(slash - path, 1), path);
        if (r >= 0)
                r = wide_from_utf8(path, &n->path);
        if (r >= 0)
                r = wide_from_utf8(directory, &n->directory);
        if (r >= 0)
                r = wide_from_utf8(name, &n->name);
        if (r >= 0)
                r = wide_format(&n->wal, name, "-wal");
        if (r >= 0)
                r = wide_format(&n->journal, name, "-journal");
        if (r >= 0)
                r = wide_format(&n->shm, name, "-shm");
        return r;
}

static HRESULT add_database(IVssCreateWriterMetadataEx *m, const char *path) {
        _cleanup_(names_clear) Names n = { 0 };
        HRESULT hr;
        int r;

        r = names_init(path, &n);
        if (r < 0)
                return hresult_from_errno(r);

        hr = IVssCreateWriterMetadata_AddComponent(m, VSS_CT_DATABASE, n.directory, n.name, n.path, NULL, 0,
                                                   false, true, true, true, VSS_CF_NOT_SYSTEM_STATE);
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadata_AddDatabaseFiles(m, n.directory, n.name, n.directory, n.name,
                                                               EVERY_BACKUP);
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadata_AddDatabaseLogFiles(m, n.directory, n.name, n.directory, n.wal,
                                                                  EVERY_BACKUP);
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadata_AddDatabaseLogFiles(m, n.directory, n.name, n.directory,
                                                                  n.journal, EVERY_BACKUP);
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadata_AddExcludeFiles(m, n.directory, n.shm, false);
        return hr;
}

bool sqlite_on_identify(void *userdata, IVssCreateWriterMetadataEx *m) {
        _cleanup_(strv_freep) char **paths = NULL;
        SqliteWriter *w = userdata;
        HRESULT hr;
        int r;

        /* A database is replaced as a whole, once nobody uses it. OnPreRestore() sees to that, so it is
         * always wanted. */
        hr = IVssCreateWriterMetadata_SetRestoreMethod(m, VSS_RME_RESTORE_IF_CAN_REPLACE, NULL, NULL,
                                                       VSS_WRE_ALWAYS, false);
        if (SUCCEEDED(hr))
                hr = IVssCreateWriterMetadata_SetBackupSchema(m, BACKUP_SCHEMA);
        if (SUCCEEDED(hr)) {
                r = sqlite_config_expand(w->config, &paths);
                hr = hresult_from_errno(MIN(r, 0));
        }

        STRV_FOREACH(path, paths) {
                if (FAILED(hr))
                        break;
                hr = add_database(m, *path);
        }

        if (FAILED(hr))
                log_error("Failed to describe the databases (%s), keeping silent", hresult_name(hr));
        return SUCCEEDED(hr);
}
