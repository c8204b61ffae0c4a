/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Inside a Database
 *
 * What sqlite-database.c, which opens and reads, and sqlite-hold.c share.
 */

#include <sqlite3.h>
#include <sys/types.h>

#include "writers/sqlite/sqlite-database.h"

struct Database {
        char *path;
        sqlite3 *db; /* NULL: closed */
        bool held;
        usec_t deadline; /* of the statement that is running; 0: do not wait */
        char *error;
        DatabaseStamp stamp;
        dev_t log_dev;
        ino_t log_ino; /* of the -wal that is in use; 0: none */

        bool (*stop)(void *userdata);
        void *stop_userdata;
};

/* Sets the sentence and returns @r. */
int database_fail(Database *d, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Likewise for what SQLite says, as errno. */
int database_fail_sqlite(Database *d, int rc, const char *what);

/* Remembers the -wal that is in use, if there is one; it stays the same as long as the database is open. */
void database_note_log(Database *d);
