/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The SQLite Writer: Restore
 *
 *     PreRestore   nobody may have the database open, and nothing of the old one may stay beside the new one
 *     PostRestore  what came back is recovered, read and compared
 */

#include <errno.h>
#include <oleauto.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bstr.h"
#include "base/log.h"
#include "writers/sqlite/sqlite-users.h"
#include "writers/sqlite/sqlite-verify.h"
#include "writers/sqlite/sqlite-writer.h"

/* Where to */

/* The directory that the requester chose instead, if this is one for us. */
static int directory_of_target(IVssWMFiledesc *target, const char *directory, char **ret) {
        BSTR path = NULL, instead = NULL;
        _cleanup_(freep) char *of = NULL;
        int r = 0;

        if (IVssWMFiledesc_GetPath(target, &path) == S_OK &&
            IVssWMFiledesc_GetAlternateLocation(target, &instead) == S_OK) {
                r = utf8_from_bstr(path, &of);
                if (r >= 0 && of && strcmp(of, directory) == 0)
                        r = utf8_from_bstr(instead, ret);
        }

        SysFreeString(path);
        SysFreeString(instead);
        return r;
}

/* Where the database is restored to. All files of a database go the same way, so the first target tells. */
static int restored_path(IVssComponent *c, char **ret) {
        _cleanup_(freep) char *path = NULL, *directory = NULL, *instead = NULL;
        UINT n = 0;
        int r;

        r = sqlite_component_path(c, &path);
        if (r >= 0)
                r = format_to(&directory, "%.*s", (int) MAX(strrchr(path, '/') - path, 1), path);
        if (r < 0)
                return r;

        (void) IVssComponent_GetNewTargetCount(c, &n);
        for (UINT i = 0; i < n && !instead && r >= 0; ++i) {
                IVssWMFiledesc *target = NULL;

                if (FAILED(IVssComponent_GetNewTarget(c, i, &target)))
                        continue;
                r = directory_of_target(target, directory, &instead);
                IVssWMFiledesc_Release(target);
        }
        if (r < 0)
                return r;
        if (instead)
                return format_to(ret, "%s%s", instead, strrchr(path, '/'));

        *ret = TAKE_PTR(path);
        return 0;
}

static bool is_selected(IVssComponent *c) {
        bool selected = false;

        return IVssComponent_IsSelectedForRestore(c, &selected) == S_OK && selected;
}

/* PreRestore */

/* 1 and a sentence if somebody does. */
static int is_in_use(SqliteWriter *w, const char *path, char **ret_why) {
        char who[DATABASE_USER_STRING_MAX];
        unsigned unseen = 0;
        DatabaseUser u;
        int r;

        /* Not looked at any closer: that would drop the locks with which it is held. */
        if (sqlite_backup_has_open(w, path))
                return format_to(ret_why, "database '%s' is just being saved", path) < 0 ? -ENOMEM : 1;

        r = database_find_user(path, &u, &unseen);
        if (r == 0 && unseen > 0)
                log_warning("%u processes could not be looked into, relying on locks to see who uses '%s'",
                            unseen, path);
        if (r <= 0)
                return r;

        r = format_to(ret_why, "database '%s' is in use: %s has '%s%s' open%s; stop it and restore again",
                      path, database_user_to_string(&u, who), path, u.file,
                      u.deleted ? ", as it was before it was removed" : "");
        return r < 0 ? r : 1;
}

static bool pre_restore_component(IVssComponent *c, void *userdata) {
        _cleanup_(freep) char *path = NULL, *why = NULL;
        SqliteWriter *w = userdata;
        int r;

        if (!is_selected(c))
                return true;

        r = restored_path(c, &path);
        if (r >= 0)
                r = is_in_use(w, path, &why);
        if (r == 0)
                r = database_settle(path, NULL);
        if (r == 0)
                return true;

        if (!why)
                (void) format_to(&why, "database '%s' cannot be replaced: %s", path ?: "?", strerror(-r));
        return sqlite_component_fail(w, c, COMPONENT_PRE_RESTORE, VSS_E_WRITERERROR_NONRETRYABLE,
                                     why ?: "out of memory");
}

bool sqlite_on_pre_restore(void *userdata, IVssWriterComponents *components) {
        SqliteWriter *w = userdata;
        ComponentCount count = { 0 };
        HRESULT hr;

        hr = components_foreach(components, pre_restore_component, w, &count);
        return sqlite_components_conclude(w, hr, &count);
}

/* PostRestore */

static bool is_stopping(void *userdata) {
        SqliteWriter *w = userdata;

        return umbra_writer_is_shutting_down(w->writer);
}

/* What was noted when it was saved; NULL if nothing was. */
static const DatabaseStamp *saved_stamp(IVssComponent *c, DatabaseStamp *buffer) {
        _cleanup_(freep) char *text = NULL;

        if (component_text(c, c->lpVtbl->GetBackupMetadata, &text) < 0 || !text)
                return NULL;

        return database_stamp_from_string(text, buffer) < 0 ? NULL : buffer;
}

/* Whether there is something to look at: the files are there, and no more of them follow. */
static bool is_complete(IVssComponent *c) {
        VSS_FILE_RESTORE_STATUS status = VSS_RS_UNDEFINED;
        bool more = false;

        if (IVssComponent_GetFileRestoreStatus(c, &status) == S_OK && status == VSS_RS_NONE)
                return false;

        return !(IVssComponent_GetAdditionalRestores(c, &more) == S_OK && more);
}

static bool post_restore_component(IVssComponent *c, void *userdata) {
        VSS_FILE_RESTORE_STATUS status = VSS_RS_UNDEFINED;
        _cleanup_(freep) char *path = NULL, *why = NULL;
        SqliteWriter *w = userdata;
        DatabaseStamp stamp;
        int r;

        if (!is_selected(c) || !is_complete(c))
                return true;

        r = restored_path(c, &path);
        if (r >= 0 && IVssComponent_GetFileRestoreStatus(c, &status) == S_OK && status == VSS_RS_FAILED) {
                r = -EIO;
                (void) format_to(&why, "database '%s' came back in parts only and was not opened", path);
        }
        if (r >= 0)
                r = database_verify(path, saved_stamp(c, &stamp), is_stopping, w, &why);
        if (r < 0)
                return sqlite_component_fail(w, c, COMPONENT_POST_RESTORE, VSS_E_WRITERERROR_NONRETRYABLE,
                                             why ?: "out of memory");

        log_info("Database '%s' was restored: %s", path, why);
        return true;
}

bool sqlite_on_post_restore(void *userdata, IVssWriterComponents *components) {
        SqliteWriter *w = userdata;
        ComponentCount count = { 0 };
        HRESULT hr;

        hr = components_foreach(components, post_restore_component, w, &count);
        return sqlite_components_conclude(w, hr, &count);
}
