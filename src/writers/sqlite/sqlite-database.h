/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Database
 *
 * One SQLite database that is held still while its files are copied. This file knows SQLite and has never
 * heard of shadow copies.
 *
 * What is held. BEGIN IMMEDIATE takes the lock of the one writer there can be, and nothing else: readers go
 * on, and nothing is written by us. When we have it, no other connection is in the middle of a transaction.
 *
 * What that means for a copy of the files, even for one that is not made in one instant, but file by file
 * and page by page while others read and checkpoint:
 *
 * With a write-ahead log, only a writer appends to the -wal, and only a writer starts it over, truncates it
 * or leaves this journal mode: a checkpoint that wants to (FULL, RESTART, TRUNCATE) needs the writer's lock
 * and, not getting it, does what a PASSIVE one does. The last connection to close would fold the log in and
 * remove it, but ours is there. So from hold to release the -wal does not change by a byte. A checkpoint may
 * run all the same; it copies pages from the log into the database, so a copy may have such a page old, new
 * or torn. But each page it touches is in the log, whose frames are still all there, and whoever opens the
 * copy reads that page from the log. Pages that are not in the log do not change at all. So the order in
 * which the files are copied does not matter.
 *
 * A copy of (database, -wal) needs no -shm: that is an index of the log in shared memory, with locks in it,
 * which the first one to open the copy builds again from the log. One that was copied along would be thrown
 * away by him, so it is not saved.
 *
 * With a rollback journal, only a writer changes the database, under an EXCLUSIVE lock, which he cannot get
 * while we have RESERVED (and SHARED with it). A reader that finds a hot journal, left by a writer that
 * died, rolls it back before it reads; so did we, because BEGIN IMMEDIATE reads first. And a new journal is
 * not begun without RESERVED. So from hold to release there is no hot journal, and the database file alone
 * is complete and does not change. What may lie there as -journal (with journal_mode PERSIST or TRUNCATE) is
 * empty or has no header.
 *
 * Rule for this process: while a database is open here, its files are opened by SQLite only. Locks of POSIX
 * belong to the process and are all dropped when any descriptor of the file is closed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/time-util.h"

/* What a copy made during the hold must show again, as far as it can be read within microseconds. */
typedef struct DatabaseStamp {
        uint64_t page_count, freelist_count;
        uint32_t page_size, schema_version;
        bool wal;
} DatabaseStamp;

typedef struct Database Database;

/* No file is touched. @path is absolute. */
int database_new(const char *path, Database **ret);
Database *database_free(Database *d); /* closes, and releases if held */
DEFINE_CLEANUP(Database *, database_free)

const char *database_path(const Database *d);
/* Why the last function that failed did so, as a sentence with the path: "'/srv/a.db' is not a database". */
const char *database_error(const Database *d);

/*
 * All of these return 0, or -errno and leave a sentence:
 *
 *     -EBUSY    others hold locks
 *     -ENOTSUP  a statement needs functions or collations that only the application has
 *     -EBADMSG  not a database, or broken
 *     -ESTALE   the file of that name is not the one that was opened
 *     -EROFS    this process cannot write it
 *     -EINTR    interrupted by database_on_progress()
 *     and what the system says: -ENOENT, -EACCES, -ENOSPC, -EIO ...
 */

/* Opens for writing, never creates, and reads the schema. Rolls back a hot journal, as any reader would. */
int database_open(Database *d);
void database_close(Database *d);
bool database_is_open(const Database *d);

/* Writes what is in the log into the database, as far as that is possible without waiting long for anybody,
 * so that the copy is small and opens quickly. Others in the way, or no log at all, are no failure. */
int database_checkpoint(Database *d);

/* Takes the writer's lock; other writers are waited for until @deadline (CLOCK_MONOTONIC). */
int database_hold(Database *d, usec_t deadline);
/* Whether the held one is still the one that everybody finds under its name; a rename asks for no lock. */
int database_confirm(Database *d);
/* Never fails and never waits. Nothing if it is not held. */
void database_release(Database *d);
bool database_is_held(const Database *d);

/*
 * Holds all of them or none. While one is waited for, the others are not kept from their writers for long: a
 * lock that cannot be had soon gives back those that are held, and is waited for first in the next round. So
 * a transaction over several (attached) databases and we never wait for each other. On failure *ret_culprit
 * is the database that has the sentence.
 */
int databases_hold(Database *const *databases, size_t n, usec_t deadline, Database **ret_culprit);
void databases_release(Database *const *databases, size_t n);

/* Taken by database_hold(); all zero before the first time. */
const DatabaseStamp *database_stamp(const Database *d);

/* For sqlite-verify.c. Statements run to their end; @ret_text is the first column of the first row, NULL if
 * there is none, and may be NULL. */
int database_query(Database *d, const char *sql, char **ret_text);
/* Asked every few thousand steps of a statement: true interrupts it. */
void database_on_progress(Database *d, bool (*stop)(void *userdata), void *userdata);
/* Whether closing as the last one folds the log into the database (as it does unless told otherwise). */
void database_keep_log(Database *d, bool keep);
