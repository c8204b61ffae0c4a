/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The SQLite Writer
 *
 * What umbra's events mean for SQLite databases: sqlite-identify.c says what there is, sqlite-backup.c and
 * sqlite-restore.c do what their names say. Callbacks come one at a time, so nothing in here is locked.
 */

#include <umbra-writer.h>

#include "base/time-util.h"
#include "writers/sqlite/sqlite-config.h"
#include "writers/sqlite/sqlite-database.h"
#include "writers/writer-util.h"

/* The writer's identity, on every machine and for ever: {76ac07cd-8f51-4d2f-8a6c-0a7a3e6fd4d2} */
extern const VSS_ID sqlite_writer_id;

/* From Freeze to Thaw, waiting for other writers included. */
#define SQLITE_FREEZE_TIMEOUT_MSEC UMBRA_FREEZE_TIMEOUT_MSEC

typedef struct SqliteWriter {
        UmbraWriter *writer;
        SqliteConfig *config;

        /* Of the backup that is under way; there is one at a time between PrepareBackup and PostSnapshot. */
        VSS_ID session;
        Database **databases; /* sorted by path */
        size_t n_databases, databases_capacity;
        usec_t frozen; /* since when (CLOCK_MONOTONIC); 0: it is not */

        char *first_failure; /* of the components that an event is going through */
} SqliteWriter;

/* The whole of the writer, for writer_main(). */
int sqlite_writer_load(const char *config_path, void **ret_app);
HRESULT sqlite_writer_create(void *app, UmbraWriter **ret);
void sqlite_writer_unload(void *app);

/* A component is one database: "/srv/app" is its logical path, "main.db" its name. -EINVAL: it is none. */
int sqlite_component_path(IVssComponent *c, char **ret);
/* This one failed. Remembers the first @why of an event; returns false. */
bool sqlite_component_fail(SqliteWriter *w,
                           IVssComponent *c,
                           ComponentEvent event,
                           HRESULT hr,
                           const char *why);
/* What is left to say after all components: true if none failed, else false and the writer has failed, too.
 * @hr is what components_foreach() returned. */
bool sqlite_components_conclude(SqliteWriter *w, HRESULT hr, const ComponentCount *count);

/* sqlite-identify.c */
bool sqlite_on_identify(void *userdata, IVssCreateWriterMetadataEx *metadata);

/* sqlite-backup.c */
bool sqlite_on_prepare_backup(void *userdata, IVssWriterComponents *components);
bool sqlite_on_prepare_snapshot(void *userdata);
bool sqlite_on_freeze(void *userdata);
bool sqlite_on_thaw(void *userdata);
bool sqlite_on_abort(void *userdata);
bool sqlite_on_post_snapshot(void *userdata, IVssWriterComponents *components);
bool sqlite_on_backup_complete(void *userdata, IVssWriterComponents *components);
bool sqlite_on_backup_shutdown(void *userdata, VSS_ID snapshot_set_id);
/* Whether the backup that is under way has it open. */
bool sqlite_backup_has_open(const SqliteWriter *w, const char *path);
void sqlite_backup_forget(SqliteWriter *w);

/* sqlite-restore.c */
bool sqlite_on_pre_restore(void *userdata, IVssWriterComponents *components);
bool sqlite_on_post_restore(void *userdata, IVssWriterComponents *components);
