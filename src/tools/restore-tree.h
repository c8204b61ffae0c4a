/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Restoring Files
 *
 * Puts the files of a set where they belong, each of them whole or not at all: its bytes go to a file
 * without a name, are compared with the index, brought to disk, and only then given the name, which until
 * that moment is the old file's. So a restore that is killed leaves old files and new ones, and nothing in
 * between, and can be run again. Files wait for the disk together, because waiting once for a hundred costs
 * little more than for one. Directories get owner, mode and time last.
 *
 * Of a file of which the set has only certain ranges (type 'r'), a copy of the old one is made, which shares
 * its blocks where the file system can do that, and is patched; from there on it is a file like any other.
 *
 * Below the directory that a mapping leads to no link is ever followed, whether it was there or came with
 * the set.
 */

#include <stdbool.h>
#include <stdint.h>

#include <archive_entry.h>

#include "base/macro.h"
#include "tools/pending-file.h"
#include "tools/set-reader.h"

typedef struct RestoreTree RestoreTree;

typedef struct RestoreCallbacks {
        /* Where the file or directory @path of the set goes: an absolute path that the caller frees; NULL:
         * nowhere, which is a failure. May be NULL itself: where restore_tree_map() says. */
        int (*place)(const char *path, bool directory, char **ret, void *userdata);
        /* The file is on disk and about to get its name. An error keeps it from it. May be NULL. */
        int (*before)(const char *path, void *userdata);
        /* It has it. May be NULL. */
        void (*restored)(const char *path, void *userdata);
        /* Called now and then while an old file is copied; an error ends that. May be NULL. */
        int (*step)(void *userdata);
        /* It has not, and will not; @sentence says why. */
        void (*failed)(const char *path, int error, const char *sentence, void *userdata);
} RestoreCallbacks;

int restore_tree_new(const RestoreCallbacks *callbacks, void *userdata, RestoreTree **ret);
RestoreTree *restore_tree_free(RestoreTree *t); /* what has no name yet is gone */
DEFINE_CLEANUP(RestoreTree *, restore_tree_free)

/* What was below directory @from goes below directory @to, which is made if need be. The longest that fits
 * is taken. A place() must be below one of these @to. */
int restore_tree_map(RestoreTree *t, const char *from, const char *to);

/* Where @path goes; NULL: nowhere. The caller frees. */
int restore_tree_destination(RestoreTree *t, const char *path, bool directory, char **ret);

/* The file that set_stream_next() is at. What goes wrong with it is told to failed(), and is no error here;
 * what goes wrong with the set is (-EBADMSG), and what a callback said. @keep_directory: if this is a
 * directory that is there already, it stays as it is. */
int restore_tree_add(RestoreTree *t,
                     SetStream *stream,
                     struct archive_entry *entry,
                     const SetIndexLine *line,
                     bool keep_directory);

/* A file without a name that will have @place, an absolute path below one of the roots, for whoever writes its
 * bytes himself; @path is what the callbacks get. It belongs to the caller until it is added. -errno. */
int restore_tree_begin_file(RestoreTree *t, const char *place, const char *path, PendingFile *ret);
/* Owner, mode, attributes, ACLs and time, after the last byte. -errno. */
int restore_tree_describe(RestoreTree *t, PendingFile *p, struct archive_entry *entry);
int restore_tree_add_file(RestoreTree *t, PendingFile *p, uint64_t size); /* takes @p over, also on failure */

/* The directory at @place, as a file would find it: what is below a root is reached through no link. A descriptor; -ENOENT;
 * -ENOTDIR or -ELOOP: something else stands in the way, of files as well. */
int restore_tree_open(RestoreTree *t, const char *place);

/* Removes what is at @place; a directory only if it is empty. What is not there is removed. */
int restore_tree_remove(RestoreTree *t, const char *place, bool directory);

/* @path of the set is not restored by this tree: what is in its place is not what other names in the set refer to. */
void restore_tree_pass(RestoreTree *t, const char *path);

/* Tells failed(), with the sentence for @error. The same goes for @path. */
void restore_tree_fail(RestoreTree *t, const char *path, int error);

/* Gives their names to all that wait for them. */
int restore_tree_flush(RestoreTree *t);
/* The same, then the directories; then all of it is on disk. */
int restore_tree_finish(RestoreTree *t);

/* When it ends early: only the directories, so that they are as if all had gone well. */
void restore_tree_leave(RestoreTree *t);

unsigned restore_tree_losses(const RestoreTree *t); /* SetEntryLoss bits */
