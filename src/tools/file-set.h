/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * File Sets
 *
 * Which files? Directory, pattern, and whether to go deeper, many times over, and what is never to be among
 * them: the words in which writers describe their components. '*' and '?' are as in the Windows API: they
 * never cross a slash, and "*" and "*.*" are every file. Patterns are for files; a directory belongs to the
 * set when some file in it could.
 *
 * A component may have tens of thousands of file sets, and a volume millions of files. So sets are kept by
 * directory, and whoever asks for many files of one directory takes a view of it first.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct FileSet FileSet;

int file_set_new(FileSet **ret);
FileSet *file_set_free(FileSet *s);
DEFINE_CLEANUP(FileSet *, file_set_free)

/* @directory is absolute; both separators are taken, "." and doubled ones are forgiven, ".." is not
 * (-EINVAL). NULL as @pattern: everything. */
int file_set_add(FileSet *s, const char *directory, const char *pattern, bool recursive);
int file_set_add_literal(FileSet *s, const char *directory, const char *name); /* nothing is special */
int file_set_exclude(FileSet *s, const char *directory, const char *pattern, bool recursive);
bool file_set_is_empty(const FileSet *s);

/* The directories where looking for files begins: none of them would be reached from another one. Sorted. */
int file_set_roots(const FileSet *s, char ***ret);

/* What the set says of the files right in one directory. Valid as long as the set is not added to. */
#define FILE_SET_DEPTH_MAX 256U

typedef struct FileSetView {
        const struct FileSetDirectory *levels[FILE_SET_DEPTH_MAX]; /* its own, then those above */
        size_t n_levels;
        bool own;       /* the first one is the directory itself */
        bool recursive; /* something is wanted at any depth: go on to the directories below */
} FileSetView;

/* @directory is normalised. */
void file_set_view(const FileSet *s, const char *directory, FileSetView *ret);
bool file_set_view_matches(const FileSetView *v, const char *name);
/* Does the directory itself belong to the set? */
bool file_set_view_is_member(const FileSetView *v);

/* Absolute and normalised, for a single question. */
bool file_set_contains(const FileSet *s, const char *path);

/* Backslashes become slashes, "." and doubled slashes go, no slash at the end but for "/". -EINVAL for "..",
 * for a relative path, for NULL. */
int file_set_normalise(const char *path, char **ret);
/* Is @path @directory itself or below it? Both normalised. */
bool path_is_below(const char *path, const char *directory);
