/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * sqlite.conf
 *
 * Which databases there are. SQLite has no server that could be asked, so the administrator says where to
 * look:
 *
 *     [sqlite]
 *     database = /srv/app/user-*.db   ; more lines, more patterns
 *     exclude = /srv/app/user-0*.db
 *     busy_timeout_ms = 10000
 *
 * The patterns are expanded anew each time somebody asks, so a new database is saved from the next backup
 * on.
 */

#include "base/macro.h"
#include "base/time-util.h"

#define SQLITE_CONFIG_DEFAULT "/etc/umbra/sqlite.conf"
#define SQLITE_CONFIG_SIZE_MAX ((size_t) 1024 * 1024)

/* How long Freeze may wait for other writers. It is part of the time from Freeze to Thaw, of which umbrad
 * grants 60 s, so it stays well below that. */
#define SQLITE_BUSY_TIMEOUT_DEFAULT_USEC (10 * USEC_PER_SEC)
#define SQLITE_BUSY_TIMEOUT_MAX_USEC (50 * USEC_PER_SEC)

typedef struct SqliteConfig {
        char **databases; /* strv of absolute patterns, at least one */
        char **excludes;
        usec_t busy_timeout;
} SqliteConfig;

/* What is wrong is logged with its line, and then -EINVAL: half a list would be half a backup. */
int sqlite_config_load(const char *path, SqliteConfig **ret);
SqliteConfig *sqlite_config_free(SqliteConfig *c);
DEFINE_CLEANUP(SqliteConfig *, sqlite_config_free)

/*
 * The databases there are now: absolute paths without links, sorted, each once. Links are resolved because
 * SQLite resolves them, too: the log of a database lies beside the file itself, and so does what is to be
 * saved. No file is opened (closing it again would drop the locks of a database that is just held; see
 * sqlite-database.h), so whatever matches is taken for a database, except for the -wal, -shm and -journal
 * that belong to one.
 */
int sqlite_config_expand(const SqliteConfig *c, char ***ret_paths);
