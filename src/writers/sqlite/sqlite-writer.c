/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The SQLite Writer
 *
 * The table of callbacks, and what backup and restore share.
 */

#include "writers/sqlite/sqlite-writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

const VSS_ID sqlite_writer_id = {
        0x76ac07cd, 0x8f51, 0x4d2f, { 0x8a, 0x6c, 0x0a, 0x7a, 0x3e, 0x6f, 0xd4, 0xd2 },
};

static_assert(SQLITE_BUSY_TIMEOUT_MAX_USEC < SQLITE_FREEZE_TIMEOUT_MSEC * USEC_PER_MSEC,
              "waiting leaves time to copy");

/* umbrad is gone; what was frozen has been released by an OnAbort before. */
static void on_disconnected(void *userdata) {
        log_notice("Lost umbrad, waiting for it to come back");
}

static const UmbraWriterCallbacks sqlite_callbacks = {
        .size = sizeof(sqlite_callbacks),
        .OnIdentify = sqlite_on_identify,
        .OnPrepareBackup = sqlite_on_prepare_backup,
        .OnPrepareSnapshot = sqlite_on_prepare_snapshot,
        .OnFreeze = sqlite_on_freeze,
        .OnThaw = sqlite_on_thaw,
        .OnAbort = sqlite_on_abort,
        .OnPostSnapshot = sqlite_on_post_snapshot,
        .OnBackupComplete = sqlite_on_backup_complete,
        .OnBackupShutdown = sqlite_on_backup_shutdown,
        .OnPreRestore = sqlite_on_pre_restore,
        .OnPostRestore = sqlite_on_post_restore,
        .OnDisconnected = on_disconnected,
};

int sqlite_writer_load(const char *config_path, void **ret_app) {
        SqliteWriter *w;
        int r;

        w = calloc_checked(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        r = sqlite_config_load(config_path, &w->config);
        if (r < 0) {
                sqlite_writer_unload(w);
                return r;
        }

        *ret_app = w;
        return 0;
}

/* A database serves applications, which may have writers of their own and then come to rest first. */
HRESULT sqlite_writer_create(void *app, UmbraWriter **ret) {
        SqliteWriter *w = app;
        HRESULT hr;

        hr = umbra_writer_new(&sqlite_callbacks, w, &w->writer);
        if (FAILED(hr))
                return hr;

        hr = umbra_writer_initialize(w->writer, sqlite_writer_id, L"SQLite", 1, 0, VSS_UT_USERDATA,
                                     VSS_ST_TRANSACTEDDB, VSS_APP_BACK_END, SQLITE_FREEZE_TIMEOUT_MSEC,
                                     VSS_AWS_NO_ALTERNATE_WRITER, false, NULL);
        if (FAILED(hr)) {
                w->writer = umbra_writer_free(w->writer);
                return hr;
        }

        *ret = w->writer;
        return S_OK;
}

void sqlite_writer_unload(void *app) {
        SqliteWriter *w = app;

        if (!w)
                return;

        sqlite_backup_forget(w);
        free(w->databases);
        free(w->first_failure);
        sqlite_config_free(w->config);
        free(w);
}

int sqlite_component_path(IVssComponent *c, char **ret) {
        _cleanup_(freep) char *directory = NULL, *name = NULL;
        int r;

        r = component_text(c, c->lpVtbl->GetLogicalPath, &directory);
        if (r >= 0)
                r = component_text(c, c->lpVtbl->GetComponentName, &name);
        if (r < 0)
                return r;
        if (!directory || !name || directory[0] != '/' || strchr(name, '/'))
                return -EINVAL;

        return format_to(ret, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, name);
}

bool sqlite_component_fail(SqliteWriter *w,
                           IVssComponent *c,
                           ComponentEvent event,
                           HRESULT hr,
                           const char *why) {
        component_fail(c, event, hr, why);
        if (!w->first_failure)
                (void) strdup_to(why, &w->first_failure);
        else
                log_error("%s", why); /* the first one is logged with the whole */
        return false;
}

bool sqlite_components_conclude(SqliteWriter *w, HRESULT hr, const ComponentCount *count) {
        _cleanup_(freep) char *why = TAKE_PTR(w->first_failure);

        if (FAILED(hr))
                return writer_fail(w->writer, VSS_E_WRITERERROR_NONRETRYABLE, hr,
                                   "the components cannot be read");
        if (count->failed == 0)
                return true;

        return writer_fail(w->writer, VSS_E_WRITERERROR_PARTIAL_FAILURE, S_OK, "%u of %u databases: %s",
                           count->failed, count->n, why ?: "out of memory");
}
