/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Files on Disk
 *
 * What the testers do with the files that a directory, a pattern and "recursive" describe: look at each, know it again,
 * copy it, delete it. Regular files only; links are not followed below the directory.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "testers/ranges.h"

#define FILES_DEPTH_MAX 256U

/* One file of a set. @relative is the path below the set's directory. */
typedef struct FoundFile {
        int dir_fd;
        const char *name, *relative;
        const struct stat *st;
} FoundFile;

/* Calls @func until it returns something negative, and returns that. A directory that is not there has no files. */
typedef int (*FileFunc)(const FoundFile *f, void *userdata);
int files_foreach(const char *directory, const char *pattern, bool recursive, FileFunc func, void *userdata);

bool name_matches(const char *pattern, const char *name);
/* Is @path a file of this set? *ret_relative (may be NULL) points at what stands in it below the directory. */
bool path_is_of_set(const char *path, const char *directory, const char *pattern, bool recursive, const char **ret_relative);
/* Separators become slashes, doubled ones and the last go. NULL: out of memory. */
char *path_plain(const char *path);
char *path_join(const char *directory, const char *relative); /* NULL: out of memory */

/* What a file is known by. */
typedef struct FileDigest {
        uint64_t size, low, high;
} FileDigest;

/* @ranges NULL: all of it. */
int file_digest(int dir_fd, const char *path, const Range *ranges, size_t n_ranges, FileDigest *ret);
bool file_digest_equal(const FileDigest *a, const FileDigest *b);

/* Writes the content to @to, below which directories are made; mode and times as well. @ranges NULL: all of it, replacing
 * what is there; else only these bytes of it, at the same place. */
int file_copy(int from_dir_fd, const char *from, const char *to, const Range *ranges, size_t n_ranges);
/* The bytes of one list of ranges to those of another one, as far as both go. -ENODATA: the file is shorter. */
int file_copy_ranges(const char *from, const char *from_ranges, const char *to, const char *to_ranges);
