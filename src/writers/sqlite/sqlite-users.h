/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who Uses a Database
 *
 * Files of a database that somebody has open must not be replaced: he would go on with what he has in
 * memory, and his next write would end the restored one. SQLite has no register of its users, so they are
 * looked for in two ways: processes that have one of the files open, as far as we may look into them, and
 * locks on the bytes that SQLite locks, which the kernel tells everybody about.
 *
 * Not to be called while this process has the database open; see sqlite-database.h.
 */

#include <stdbool.h>
#include <sys/types.h>

#define COMM_MAX 32U

typedef struct DatabaseUser {
        pid_t pid;           /* 0: not known */
        char comm[COMM_MAX]; /* "?" where unknown */
        const char *file;    /* which file of the database: "", "-wal", "-shm", "-journal" */
        bool deleted;        /* he has one open that was removed under that name */
} DatabaseUser;

/* 1 and the first user found, other than this process; 0 if there is none. *ret_unseen (may be NULL) is the
 * number of processes that could not be looked into: of these only locks can tell, and who is idle outside
 * of WAL has none. */
int database_find_user(const char *path, DatabaseUser *ret, unsigned *ret_unseen);

/* Likewise, but only who has a lock that stands in the way of a writer: whom database_hold() waited for in
 * vain. */
int database_find_lock_owner(const char *path, DatabaseUser *ret);

/* "process 4711 (sqlite3)", "a process that cannot be seen from here" */
#define DATABASE_USER_STRING_MAX 96U
char *database_user_to_string(const DatabaseUser *u, char buffer[DATABASE_USER_STRING_MAX]);
