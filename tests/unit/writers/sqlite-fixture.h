/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Databases and Others that Use Them
 *
 * What the tests of the SQLite writer share. Like everything in tests, whatever goes wrong in here fails the
 * test.
 */

#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"
#include "lib/test-util.h"

/* Where sqlite-worker is; from the command line. */
extern const char *worker_path;

/* A database with a table "entries" of 300 rows over some 50 pages. @journal_mode is "wal", "delete", ...;
 * the log of a "wal" one is in use and not checkpointed as long as anybody has it open. Caller frees the
 * path. */
char *database_make(const char *dir, const char *name, const char *journal_mode);

/* One more program on a database; see sqlite-worker.c. @arg may be NULL. */
typedef struct Worker {
        pid_t pid;
        int pidfd;
        int stop_fd; /* closed: it ends */
} Worker;

/* Returns when it is ready. */
void worker_start(Worker *w, const char *deed, const char *path, const char *arg);
/* Ends it and checks that nothing went wrong there. Nothing if it was never started. */
void worker_stop(Worker *w);
/* Runs one to its end; its status, a negative signal number if it was killed. *ret_output (may be NULL) is
 * what it said. */
int worker_run(const char *deed, const char *path, const char *arg, char **ret_output);

/* The highest number that a "write-forever" worker has committed. */
uint64_t worker_counter(void);
void worker_counter_reset(void);

/* Fails unless @sql, run by a connection of its own, says @expected. */
void assert_query(const char *path, const char *sql, const char *expected);
void run_sql(const char *path, const char *sql);
