/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Before and After a Restore
 *
 * A restore puts back a database file, and a log only if there was one. So what lies there before matters: a
 * -wal or -journal of the old database beside the restored one would be taken for its own by whoever opens
 * it first, and be written into it. database_settle() sees to that. What was put back is then looked at by
 * database_verify().
 *
 * Nobody else may have the database open meanwhile; see sqlite-users.h.
 */

#include <stdbool.h>

#include "writers/sqlite/sqlite-database.h"

#define DATABASE_STAMP_MAX 192U

/* "page_count=12 freelist_count=0 page_size=4096 schema_version=3 journal_mode=wal" and back; -EINVAL. */
char *database_stamp_to_string(const DatabaseStamp *stamp, char buffer[DATABASE_STAMP_MAX]);
int database_stamp_from_string(const char *s, DatabaseStamp *ret);

/*
 * Makes the database at @path, if there is one, a single file: what its logs hold goes into it, and they are
 * gone, as they are whenever the last user closes it. Nothing is lost if the restore does not happen after
 * all. Logs that no database wants (it is gone, or broken) are moved aside, to the same name with
 * ".before-restore". *ret_moved, which may be NULL, is how many were.
 */
int database_settle(const char *path, unsigned *ret_moved);

/*
 * Opens what was restored, recovers it from its log, reads all of it and compares it with @stamp (NULL:
 * there is none). If it is good, its log is folded in; if not, the files stay as they were restored. @stop
 * is asked now and then, true gives up with -EINTR.
 *
 * 0: it is good; *ret_finding says how much that means. Else -errno as in sqlite-database.h, and
 * *ret_finding is the first thing that is wrong, as a sentence. The caller frees it; NULL means out of
 * memory.
 */
int database_verify(const char *path,
                    const DatabaseStamp *stamp,
                    bool (*stop)(void *userdata),
                    void *userdata,
                    char **ret_finding);
