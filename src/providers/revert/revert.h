/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Making One Tree What Another Is
 *
 * How providers revert whose shadow copies are trees of files: in place, file by file, and only what differs.
 * Files keep their inodes, contents are compared by their extents where both trees share a file system, and
 * cloned back; else by reading, and what differs is written.
 *
 * There is no journal. Whatever the target is, half-way through an earlier revert included, it is made what
 * the source is; so whoever was killed begins again from the front, and finds most of it done.
 *
 * Two passes over the source, because a file may have been renamed to anywhere:
 *
 *     1. (revert-place.c) Everything that the source has is put into its place. What the source has not is
 *        removed, unless a file in there is one that the source has somewhere else. Where the disk is full
 *        before all is in its place, first whatever is too much goes, everywhere, and then it is begun anew.
 *     2. (revert-finish.c) Whatever is too much is removed, and directories get their owner, mode and times.
 *
 * What is not touched, though it lies in the target: whatever is mounted there, subvolumes, and what umbra
 * keeps for itself. The directories on the way to it stay too.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "provider/provider.h"

#define REVERT_OWN_MAX 4U

typedef struct RevertOptions {
        const char *target; /* for sentences */
        int source_fd, target_fd;
        bool same_inodes; /* both are subvolumes of one btrfs, and a number means the same file in both */
        bool has_flags;   /* the source has the flags of chattr(1), which copies have not */
        /* In ns since 1970: what was changed last before this, and agrees with the source in its time stamps,
         * is what the source is. INT64_MIN: time stamps prove nothing. */
        int64_t proven;
        const char *own[REVERT_OWN_MAX]; /* directories of umbra's; NULL at the end or none */

        /* For tests, which end the process in there; may be NULL: something is about to be changed. */
        void (*step)(const char *what, void *userdata);
        void *userdata;
} RevertOptions;

#define REVERT_OPTIONS_INIT { .source_fd = -EBADF, .target_fd = -EBADF }

void revert_options_done(RevertOptions *options); /* closes .source_fd */

/* may_revert() and revert() of a provider: @open sets the rest of the options, .source_fd above all. */
typedef int (*RevertOpen)(const ProviderEnv *env, const ProviderSnapshot *s, RevertOptions *options);
int revert_may(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, RevertOpen open);
int revert_in_place(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, RevertOpen open);

/* Does the system run on it, or swap to it? Then it cannot be reverted in place. */
int revert_is_the_systems(const char *target, int target_fd);

/* What it took. */
typedef struct RevertWork {
        uint64_t looked_at;      /* files and directories of the source */
        uint64_t compared;       /* files whose contents were looked at */
        uint64_t changed;        /* files that got other contents */
        uint64_t cloned, copied; /* bytes */
        uint64_t made;           /* files and directories that were not there */
        uint64_t moved;          /* that were there under another name */
        uint64_t removed;        /* names, each with all below */
        uint64_t kept;           /* names that the source has not: something is mounted below, or is umbra's */
        uint64_t lost;           /* attributes that the target cannot have */
} RevertWork;

/* Could the target become what the source is? Changes nothing. -EOPNOTSUPP: it is the root of the running
 * system; -EBUSY: a swap file in it is in use, or, unless @forced, something is mounted where the source has
 * no directory; -EROFS. */
int revert_check(const RevertOptions *options, bool forced);

/* Does it, reports progress, and says in the log what it took. @ret_work may be NULL, and is written also after
 * a failure. When something can be done for all files but
 * some, it is done; the error then is that of the first. */
int revert_tree(const RevertOptions *options, RevertWork *ret_work);

/* RevertOptions.proven for a copy that was made file by file, @source_fd being the top of it. */
int64_t revert_proven_by_copy(int source_fd, int target_fd);
