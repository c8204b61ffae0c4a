/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What of Each File is Saved
 *
 * Components, and what their writers added, come in; a question for one file at a time is answered: all of it, certain ranges,
 * nothing but its name, or nothing. In this order [MS: requestor-role-in-vss-incremental-and-differential-backups]:
 *
 *      1. What was named by path, and components taken in full though less was asked for: all of it.
 *      2. Differenced files: all of it if it changed since or is new, else nothing. The file set's mask does not count.
 *      3. Partial files: the ranges. Again the mask does not count.
 *      4. Files in file sets: all of it if the mask says that this type of backup needs it.
 *
 * Files are found in the shadow copies, in the live file systems (sets whose mask asks for no shadow copy), or, under their own
 * names, in another directory (alternate paths).
 */

#include <stdio.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "base/ranges.h"
#include "tools/backup-plan.h"
#include "tools/file-set.h"

typedef enum FilePlace {
        PLACE_SHADOW,
        PLACE_LIVE,
        PLACE_ALTERNATE,
        _PLACE_MAX,
} FilePlace;

typedef enum FileVerdict {
        FILE_NOTHING,
        FILE_WHOLE,
        FILE_RANGES,
} FileVerdict;

/* A file set that is somewhere else. */
typedef struct AlternateFiles {
        char *path;      /* where the files belong, normalised */
        char *directory; /* where they are, normalised */
        bool live;
        FileSet *set; /* in the words of @path */
} AlternateFiles;

typedef struct BackupFiles BackupFiles;

/* For the first time with what the metadata say, then again with the news. */
int backup_files_new(const BackupPlan *p, BackupFiles **ret);
BackupFiles *backup_files_free(BackupFiles *f);
DEFINE_CLEANUP(BackupFiles *, backup_files_free)

/* Once the shadow copies are there, before the first question: what the writers said of ranges. */
int backup_files_load_ranges(BackupFiles *f);
/* The same for the set that this backup builds on: the path of each file that there was. A file under a name that was not there is
 * new, whatever its time says: it may have been moved. */
int backup_files_knew(BackupFiles *f, const char *path);

/* What has to be on a volume of the set. */
const FileSet *backup_files_places(const BackupFiles *f);
/* Where to look, shadow copies or live: every file that there is something to say about. */
const FileSet *backup_files_walk(const BackupFiles *f, FilePlace place);
const AlternateFiles *backup_files_alternates(const BackupFiles *f, size_t *ret_n);

typedef struct FileAnswer {
        FileVerdict verdict;
        bool named; /* of a component not taken whole: its name belongs to umbra/names */
        const ByteRange *ranges;
        size_t n_ranges;
} FileAnswer;

/* @path is normalised. Looks at the file only where its time matters. */
int backup_files_ask(BackupFiles *f, FilePlace place, const char *path, int dir_fd, const char *name, FileAnswer *ret);

/* Calls @each for each partial file that nobody asked about: the writer names it and it is not there. */
int backup_files_for_each_missing(const BackupFiles *f, int (*each)(const char *path, void *userdata), void *userdata);
/* Calls @each for each component that names files, none of which was asked about: there are none. */
int backup_files_for_each_empty(const BackupFiles *f, int (*each)(const Component *c, void *userdata), void *userdata);
/* Calls @each for each ranges file, with its bytes as they were read. */
int backup_files_for_each_ranges_file(const BackupFiles *f,
                                      int (*each)(const char *path, const struct stat *st, const char *bytes, size_t size, void *userdata),
                                      void *userdata);
/* Is @path a ranges file? */
bool backup_files_is_ranges_file(const BackupFiles *f, const char *path);

/* Marks the components that have a file of this name, or could have one in this directory. */
int backup_files_blame(BackupPlan *p, const char *path, bool is_directory);
