/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * demo-bank
 *
 * A program with a live database, for the demo to save: several processes of it transfer money between
 * accounts without a pause. A copy that is not consistent shows, as the sum of all accounts is always the
 * same. And a copy that is older than promised shows, because each transfer has a number that grows, taken
 * in the transaction itself, and is noted outside of the database with the times at which its transaction
 * got the database's lock and was committed.
 *
 * The first of these times is taken while the lock is held. So of the transfers with a number up to the last
 * one in a copy all had it before the database was held, and of the others all got it after that.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd-util.h"
#include "base/macro.h"
#include "base/time-util.h"

#define START_BALANCE 1000

static const char sql_schema[] =
        "PRAGMA journal_mode = WAL;"
        "BEGIN;"
        "CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0))"
        " STRICT;"
        "CREATE TABLE transfer (number INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES account,"
        " target INTEGER NOT NULL REFERENCES account, amount INTEGER NOT NULL) STRICT;"
        "CREATE INDEX transfer_by_source ON transfer (source);";

static const char sql_open_account[] = "INSERT INTO account (id, balance) VALUES (:id, :balance)";
static const char sql_withdraw[] = "UPDATE account SET balance = balance - :amount WHERE id = :id";
static const char sql_deposit[] = "UPDATE account SET balance = balance + :amount WHERE id = :id";
static const char sql_note[] =
        "INSERT INTO transfer (source, target, amount) VALUES (:source, :target, :amount)";
static const char sql_accounts[] = "SELECT count(*) FROM account";
static const char sql_balance[] = "SELECT balance FROM account WHERE id = :id";
static const char sql_sum[] = "SELECT sum(balance) FROM account";
static const char sql_transfers[] = "SELECT count(*) FROM transfer";
static const char sql_last_transfer[] = "SELECT coalesce(max(number), 0) FROM transfer";

static sqlite3 *db;

_printf_(1, 2) static void __attribute__((noreturn)) die(const char *format, ...) {
        va_list ap;

        fprintf(stderr, "demo-bank: ");
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fprintf(stderr, "\n");
        exit(EXIT_FAILURE);
}

static void check(int rc, const char *what) {
        if (rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
                die("%s: %s", what, sqlite3_errmsg(db));
}

/* SQLite's own handler sleeps longer and longer, and with several processes that never pause, one would
 * starve. */
static int on_busy(void *userdata, int n_calls) {
        struct timespec ts = timespec_from_usec(500);

        (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
        return n_calls < 120000;
}

static void open_database(const char *path, int flags) {
        check(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | flags, NULL), path);
        check(sqlite3_busy_handler(db, on_busy, NULL), path);
}

static void run(const char *sql) {
        check(sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

static sqlite3_stmt *prepare(const char *sql) {
        sqlite3_stmt *stmt = NULL;

        check(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), sql);
        return stmt;
}

static void bind(sqlite3_stmt *stmt, const char *name, int64_t value) {
        check(sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, name), value), sqlite3_sql(stmt));
}

/* Runs it; the first column of the first row, or 0. */
static int64_t step(sqlite3_stmt *stmt) {
        int rc = sqlite3_step(stmt);
        int64_t n = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;

        check(rc, sqlite3_sql(stmt));
        (void) sqlite3_reset(stmt);
        return n;
}

static int64_t query(const char *sql) {
        sqlite3_stmt *stmt = prepare(sql);
        int64_t n = step(stmt);

        (void) sqlite3_finalize(stmt);
        return n;
}

static int64_t number_from_string(const char *s) {
        char *end;
        int64_t n;

        errno = 0;
        n = strtoll(s, &end, 10);
        if (errno != 0 || end == s || *end != '\0' || n < 0)
                die("'%s' is not a number", s);
        return n;
}

static int64_t random_below(int64_t n) {
        uint64_t r = 0;

        if (getrandom(&r, sizeof(r), 0) != (ssize_t) sizeof(r))
                die("no random numbers: %s", strerror(errno));
        return (int64_t) (r % (uint64_t) n);
}

/* init DB ACCOUNTS */

static void do_init(char *args[]) {
        int64_t n = number_from_string(args[1]);
        sqlite3_stmt *stmt;

        open_database(args[0], SQLITE_OPEN_CREATE);
        run(sql_schema);
        stmt = prepare(sql_open_account);
        for (int64_t i = 1; i <= n; ++i) {
                bind(stmt, ":id", i);
                bind(stmt, ":balance", START_BALANCE);
                (void) step(stmt);
        }
        (void) sqlite3_finalize(stmt);
        run("COMMIT");
}

/* run DB LOG */

typedef struct Bank {
        int64_t n_accounts;
        sqlite3_stmt *balance, *withdraw, *deposit, *note;
        int log_fd;
} Bank;

#define SECONDS_FORMAT "%" PRIu64 ".%06" PRIu64
#define SECONDS(usec) (usec) / USEC_PER_SEC, (usec) % USEC_PER_SEC

static void transfer(const Bank *bank) {
        int64_t source = 1 + random_below(bank->n_accounts), target = 1 + random_below(bank->n_accounts),
                amount;
        usec_t locked, committed;
        int64_t number;
        char line[96];
        int n;

        run("BEGIN IMMEDIATE");
        locked = now_usec(CLOCK_REALTIME);

        bind(bank->balance, ":id", source);
        amount = random_below(1 + step(bank->balance));
        bind(bank->withdraw, ":id", source);
        bind(bank->withdraw, ":amount", amount);
        (void) step(bank->withdraw);
        bind(bank->deposit, ":id", target);
        bind(bank->deposit, ":amount", amount);
        (void) step(bank->deposit);
        bind(bank->note, ":source", source);
        bind(bank->note, ":target", target);
        bind(bank->note, ":amount", amount);
        (void) step(bank->note);
        number = sqlite3_last_insert_rowid(db);

        run("COMMIT");
        committed = now_usec(CLOCK_REALTIME);

        n = snprintf(line, sizeof(line), "%" PRId64 " " SECONDS_FORMAT " " SECONDS_FORMAT "\n", number,
                     SECONDS(locked), SECONDS(committed));
        if (fd_write_all(bank->log_fd, line, (size_t) n) < 0)
                die("the log cannot be written");
}

static void do_run(char *args[]) {
        Bank bank;

        open_database(args[0], 0);
        bank.log_fd = open(args[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (bank.log_fd < 0)
                die("%s: %s", args[1], strerror(errno));

        bank.n_accounts = query(sql_accounts);
        bank.balance = prepare(sql_balance);
        bank.withdraw = prepare(sql_withdraw);
        bank.deposit = prepare(sql_deposit);
        bank.note = prepare(sql_note);
        for (;;) /* until it is killed, as programs are that crash */
                transfer(&bank);
}

/* verify DB NOT-BEFORE NOT-AFTER */

static void check_integrity(void) {
        sqlite3_stmt *stmt = prepare("PRAGMA integrity_check");
        const char *answer;

        check(sqlite3_step(stmt), "integrity_check");
        answer = (const char *) sqlite3_column_text(stmt, 0);
        if (!answer || strcmp(answer, "ok") != 0)
                die("integrity_check: %s", answer ?: "no answer");
        (void) sqlite3_finalize(stmt);
}

static void do_verify(char *args[]) {
        int64_t not_before = number_from_string(args[1]), not_after = number_from_string(args[2]);
        int64_t n, sum, last;

        open_database(args[0], 0);
        check_integrity();

        n = query(sql_accounts);
        sum = query(sql_sum);
        if (n == 0 || sum != n * START_BALANCE)
                die("the %" PRId64 " accounts have %" PRId64 ", not %" PRId64 ": the copy is not consistent",
                    n, sum, n * START_BALANCE);

        last = query(sql_last_transfer);
        if (query(sql_transfers) != last)
                die("there are transfers missing before number %" PRId64, last);
        if (last < not_before)
                die("the last transfer is number %" PRId64 ", but %" PRId64 " was committed", last,
                    not_before);
        if (last > not_after)
                die("the last transfer is number %" PRId64 ", but %" PRId64 " is the last that may be there",
                    last, not_after);

        printf("integrity_check: ok; %" PRId64 " accounts with %" PRId64
               " in all; the last transfer is number %" PRId64 "\n",
               n, sum, last);
}

int main(int argc, char *argv[]) {
        static const struct {
                const char *name;
                int n_args;
                void (*func)(char *args[]);
        } verbs[] = {
                { "init", 2, do_init },
                { "run", 2, do_run },
                { "verify", 3, do_verify },
        };

        for (size_t i = 0; argc > 1 && i < ELEMENTSOF(verbs); ++i)
                if (strcmp(verbs[i].name, argv[1]) == 0 && argc - 2 == verbs[i].n_args) {
                        verbs[i].func(argv + 2);
                        check(sqlite3_close_v2(db), argv[2]);
                        return EXIT_SUCCESS;
                }

        fprintf(stderr, "demo-bank init DATABASE ACCOUNTS\n"
                        "demo-bank run DATABASE LOG\n"
                        "demo-bank verify DATABASE NOT-BEFORE NOT-AFTER\n");
        return 2;
}
