/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Another Program that Uses a Database
 *
 * What the tests need somebody else for: SQLite's locks belong to processes, and a fork shares SQLite's
 * memory of them, so these are programs of their own. One that stays says "ready" and goes on until its
 * descriptor 3 is closed at the other end.
 *
 *     sqlite-worker DEED DATABASE [ARGUMENT]
 *
 * Exit status: 0, or SQLite's result code.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macro.h"

#define STOP_FD 3
#define COUNTER_FD 4

static sqlite3 *db;

static bool stopped(int timeout) {
        struct pollfd p = { .fd = STOP_FD, .events = POLLIN };

        return poll(&p, 1, timeout) > 0;
}

static void check(int rc) {
        if ((rc & 0xFF) == SQLITE_BUSY && stopped(0))
                exit(0);
        if (rc != SQLITE_OK) {
                fprintf(stderr, "sqlite-worker: %s\n", sqlite3_errmsg(db));
                exit(rc & 0xFF);
        }
}

static void run(const char *sql) {
        check(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

/* SQLite's own lets whoever waits long wait longer. Gives up once the test has ended. */
static int wait_a_little(void *userdata, int n_calls) {
        return n_calls < 30000 && !stopped(1);
}

static int64_t number(const char *sql) {
        sqlite3_stmt *stmt = NULL;
        int64_t n = -1;

        check(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL));
        if (sqlite3_step(stmt) == SQLITE_ROW)
                n = sqlite3_column_int64(stmt, 0);
        check(sqlite3_finalize(stmt));
        return n;
}

static void ready(void) {
        (void) !write(STDOUT_FILENO, "ready\n", 6);
}

static void wait_for_stop(void) {
        ready();
        while (!stopped(-1))
                ;
}

static void try_write(const char *arg) {
        run("INSERT INTO entries (filler) VALUES ('written by somebody')");
}

static void try_read(const char *arg) {
        printf("%lld\n", (long long) number("SELECT count(*) FROM entries"));
}

static void checkpoint(const char *arg) {
        static const char *const modes[] = { "passive", "full", "restart", "truncate" };
        int n_log = 0, n_done = 0;

        for (int i = 0; i < (int) ELEMENTSOF(modes); ++i)
                if (strcmp(modes[i], arg) == 0)
                        (void) sqlite3_wal_checkpoint_v2(db, "main", i, &n_log, &n_done);
        printf("%d\n", n_done);
}

static void stay_open(const char *arg) {
        (void) number("SELECT count(*) FROM entries");
        wait_for_stop();
}

static void stay_writing(const char *arg) {
        run("BEGIN IMMEDIATE");
        run("INSERT INTO entries (filler) VALUES ('not committed')");
        wait_for_stop();
}

/* Just the file, without SQLite, as a program would that has no lock at the moment. */
static void stay_with_descriptor(const char *path) {
        if (open(path, O_RDONLY) < 0)
                exit(1);
        wait_for_stop();
}

static void write_forever(const char *arg) {
        uint64_t *counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED, COUNTER_FD, 0);

        if (counter == MAP_FAILED)
                exit(1);
        for (bool first = true; !stopped(0); first = false) {
                uint64_t last;

                run("BEGIN IMMEDIATE");
                run("INSERT INTO entries (filler) VALUES (hex(randomblob(600)))");
                run("UPDATE entries SET filler = hex(randomblob(300))"
                    " WHERE number % 97 = abs(random() % 97)");
                run("DELETE FROM entries WHERE number % 89 = abs(random()) % 89 AND number < "
                    "(SELECT max(number) FROM entries)");
                last = (uint64_t) number("SELECT max(number) FROM entries");
                run("COMMIT");

                /* Several writers: the last commit has the highest number. */
                for (uint64_t seen = __atomic_load_n(counter, __ATOMIC_SEQ_CST); seen < last;)
                        if (__atomic_compare_exchange_n(counter, &seen, last, false, __ATOMIC_SEQ_CST,
                                                        __ATOMIC_SEQ_CST))
                                break;
                if (first)
                        ready();
        }
}

static void checkpoint_forever(const char *arg) {
        check(sqlite3_busy_handler(db, NULL, NULL)); /* in nobody's way for long */
        ready();
        for (int i = 0; !stopped(0); ++i)
                (void) sqlite3_wal_checkpoint_v2(db, "main", i % (SQLITE_CHECKPOINT_TRUNCATE + 1), NULL,
                                                 NULL);
}

static void read_forever(const char *arg) {
        ready();
        while (!stopped(0)) {
                run("BEGIN");
                (void) number("SELECT count(*) FROM entries");
                (void) number("SELECT sum(length(filler)) FROM entries");
                run("COMMIT");
        }
}

/* A transaction over this database and another one, again and again. */
static void write_both_forever(const char *other) {
        char sql[512];

        (void) snprintf(sql, sizeof(sql), "ATTACH '%s' AS other", other);
        run(sql);
        for (bool first = true; !stopped(0); first = false) {
                run("BEGIN IMMEDIATE");
                run("INSERT INTO main.entries (filler) VALUES ('a')");
                run("INSERT INTO other.entries (filler) VALUES ('b')");
                run("COMMIT");
                if (first)
                        ready();
        }
}

/* Dies in the middle of a commit: part of the transaction is in the database, what was there before in the
 * journal. */
static void die_writing(const char *arg) {
        run("PRAGMA cache_size = 2");
        run("BEGIN IMMEDIATE");
        run("UPDATE entries SET filler = 'half a transaction'");
        (void) kill(getpid(), SIGKILL);
}

int main(int argc, char *argv[]) {
        static const struct {
                const char *name;
                void (*deed)(const char *arg);
        } deeds[] = {
                { "write", try_write },
                { "read", try_read },
                { "checkpoint", checkpoint },
                { "stay-open", stay_open },
                { "stay-writing", stay_writing },
                { "stay-with-descriptor", stay_with_descriptor },
                { "write-forever", write_forever },
                { "checkpoint-forever", checkpoint_forever },
                { "read-forever", read_forever },
                { "write-both-forever", write_both_forever },
                { "die-writing", die_writing },
        };

        if (argc < 3)
                return 64;

        (void) sqlite3_open_v2(argv[2], &db, SQLITE_OPEN_READWRITE, NULL);
        check(sqlite3_errcode(db));
        if (strcmp(argv[1], "stay-with-descriptor") != 0) {
                if (strstr(argv[1], "-forever"))
                        check(sqlite3_busy_handler(db, wait_a_little, NULL));
                run("PRAGMA synchronous = OFF");
                run(strcmp(argv[1], "write-forever") == 0 ? "PRAGMA wal_autocheckpoint = 200" :
                                                            "PRAGMA wal_autocheckpoint = 0");
        }

        for (size_t i = 0; i < ELEMENTSOF(deeds); ++i)
                if (strcmp(deeds[i].name, argv[1]) == 0) {
                        deeds[i].deed(argc > 3 ? argv[3] : argv[2]);
                        return sqlite3_close(db);
                }

        return 64;
}
