/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Has This Changed?
 *
 * The one question of the files provider, answered from time stamps. Events say where to look (files-watch.h);
 * they cannot decide, as writes through a mapping raise none.
 *
 * A ctime proves that nothing changed since the copy only if any change would have moved it. There are three
 * ways in which it would not, and a file to which one of them may apply is a suspect: it is copied again.
 *
 *     1. The clock of the file system stands still between two ticks (4 ms, or 2 s on old formats): a change
 *        in the tick in which we looked looks the same. See files_time_is_settled().
 *     2. A mapped page that is dirty is written to without asking the kernel, until it has been written
 *        back. So every pass begins with syncfs(), and what moved after that, or shortly before, is not at
 *        rest. (Shortly before: write() stamps the file first and copies the data then.)
 *     3. Some file systems, tmpfs above all, never take write access away from a mapping.
 *
 * Against 2 and 3 helps that nobody has the file open for writing: then nobody maps it for writing either.
 * The kernel tells by refusing a read lease. See files_nobody_writes().
 *
 * And a clone (FICLONE) flushes the file and holds off writers and mappings meanwhile: after one, only 1 is
 * left.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* What can be relied on, on the file system of the volume. */
typedef struct FilesTrust {
        bool leases;       /* a read lease is refused while someone has it open, or mapped, for writing */
        bool write_notify; /* the first write to a clean mapped page moves ctime */
        int64_t tick;      /* how far apart two time stamps may be and still look the same, in ns */
        uint64_t device;   /* of directories */
} FilesTrust;

int files_trust_for(int volume_fd, FilesTrust *ret);

/* statx() of @name in @dir_fd, or of @dir_fd itself where @name is "". Mounts nothing, follows nothing. */
int files_stat(int dir_fd, const char *name, struct statx *ret);

int64_t files_time(const struct statx_timestamp *t); /* ns since 1970 */
uint64_t files_device(const struct statx *stx);
int64_t files_now(void); /* the clock that stamps files */

/* Whether something else than the volume begins here. */
bool files_is_boundary(const FilesTrust *trust, const struct statx *stx);

/* Whether a change after @now, which was read before @ctime was, would have given a later ctime. */
bool files_time_is_settled(const FilesTrust *trust, int64_t ctime, int64_t now);
/* Whether no dirty page, and no write() in flight, can be left from before @synced, when the last syncfs()
 * began. */
bool files_time_is_at_rest(const FilesTrust *trust, int64_t ctime, int64_t synced);
/* @fd is open for reading only. */
bool files_nobody_writes(int fd);
