/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Databases and Others that Use Them
 *
 * See the header.
 */

#include "sqlite-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"

const char *worker_path;

/* Shared with all workers. */
static int counter_fd = -EBADF;
static uint64_t *counter;

static void counter_open(void) {
        if (counter)
                return;

        counter_fd = memfd_create("counter", MFD_CLOEXEC);
        assert_true(counter_fd >= 0);
        assert_int_equal(ftruncate(counter_fd, sizeof(*counter)), 0);
        counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, counter_fd, 0);
        assert_true(counter != MAP_FAILED);
}

void worker_counter_reset(void) {
        counter_open();
        __atomic_store_n(counter, 0, __ATOMIC_SEQ_CST);
}

uint64_t worker_counter(void) {
        return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

static void exec(sqlite3 *db, const char *sql) {
        int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

        if (rc != SQLITE_OK)
                fail_msg("'%s': %s", sql, sqlite3_errmsg(db));
}

static sqlite3 *database_connect(const char *path, int flags) {
        sqlite3 *db = NULL;

        assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | flags, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_busy_timeout(db, 30000), SQLITE_OK);
        exec(db, "PRAGMA synchronous = OFF"); /* it need not survive the machine */
        return db;
}

char *database_make(const char *dir, const char *name, const char *journal_mode) {
        char *path = path_in(dir, name), *mode = NULL;
        sqlite3 *db = database_connect(path, SQLITE_OPEN_CREATE);

        assert_int_equal(format_to(&mode, "PRAGMA journal_mode = %s", journal_mode), 0);
        exec(db, mode);
        exec(db, "CREATE TABLE entries (number INTEGER PRIMARY KEY AUTOINCREMENT, filler TEXT)");
        exec(db, "CREATE INDEX entries_by_filler ON entries (filler)");
        exec(db, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
                 " INSERT INTO entries (filler) SELECT hex(randomblob(150)) FROM n");
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        free(mode);
        return path;
}

void run_sql(const char *path, const char *sql) {
        sqlite3 *db = database_connect(path, 0);

        exec(db, sql);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

void assert_query(const char *path, const char *sql, const char *expected) {
        sqlite3 *db = database_connect(path, 0);
        sqlite3_stmt *stmt = NULL;

        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_string_equal((const char *) sqlite3_column_text(stmt, 0), expected);
        assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* *ret_output is what it writes; *ret_stop the descriptor that keeps it alive. */
static int start(const char *deed,
                 const char *path,
                 const char *arg,
                 pid_t *ret_pid,
                 int *ret_output,
                 int *ret_stop) {
        char *const argv[] = { (char[]){ "sqlite-worker" }, (char *) (uintptr_t) deed,
                               (char *) (uintptr_t) path, (char *) (uintptr_t) arg, NULL };
        int output[2], stop[2], pidfd = -EBADF;

        counter_open();
        assert_int_equal(pipe2(output, O_CLOEXEC), 0);
        assert_int_equal(pipe2(stop, O_CLOEXEC), 0);

        SpawnOptions options = {
                .path = worker_path,
                .argv = argv,
                .fds = (int[]){ stop[0], counter_fd },
                .n_fds = 2,
                .stdout_fd = output[1],
                .die_with_parent = true,
        };
        assert_int_equal(process_spawn(&options, ret_pid, &pidfd), 0);
        (void) close(output[1]);
        (void) close(stop[0]);
        *ret_output = output[0];
        *ret_stop = stop[1];
        return pidfd;
}

void worker_start(Worker *w, const char *deed, const char *path, const char *arg) {
        _cleanup_(closep) int output = -EBADF;
        char word[sizeof("ready\n")] = "";

        w->pidfd = start(deed, path, arg, &w->pid, &output, &w->stop_fd);
        assert_int_equal(fd_read_full(output, word, sizeof(word) - 1), (int) sizeof(word) - 1);
        assert_string_equal(word, "ready\n");
}

void worker_stop(Worker *w) {
        int status = INT_MAX;

        if (w->pid == 0)
                return;

        w->stop_fd = fd_close(w->stop_fd);
        assert_true(eventually_readable(w->pidfd, TEST_PATIENCE_USEC));
        assert_int_equal(process_reap(w->pidfd, &status), 0);
        assert_int_equal(status, 0);
        w->pidfd = fd_close(w->pidfd);
        w->pid = 0;
}

int worker_run(const char *deed, const char *path, const char *arg, char **ret_output) {
        _cleanup_(closep) int output = -EBADF, stop = -EBADF, pidfd = -EBADF;
        _cleanup_(freep) char *text = NULL;
        int status = INT_MAX;

        pidfd = start(deed, path, arg, NULL, &output, &stop);
        assert_int_equal(fd_read_text(output, 4096, &text), 0);
        assert_true(eventually_readable(pidfd, TEST_PATIENCE_USEC));
        assert_int_equal(process_reap(pidfd, &status), 0);
        if (ret_output)
                *ret_output = TAKE_PTR(text);
        return status;
}
