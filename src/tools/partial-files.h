/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Partial Files
 *
 * The files of which writers want certain ranges only, by path. Ranges are a text, or the path of a file that holds them, which
 * is read where it is: it is the writer's word to the backup program, and may have been written after the shadow copy.
 *
 * Ranges that cannot be read are no reason to lose the file: it is saved whole, and somebody is told.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "base/ranges.h"

typedef struct PartialFiles PartialFiles;

int partial_files_new(PartialFiles **ret);
PartialFiles *partial_files_free(PartialFiles *f);
DEFINE_CLEANUP(PartialFiles *, partial_files_free)

/* Several may name parts of the same file; then it is all of these. @component is for messages. */
int partial_files_add(PartialFiles *f, const char *path, const char *ranges, const char *component);
/* Reads all ranges, once; before that, and where they cannot be read, there are none and @ranges is NULL below. */
int partial_files_load(PartialFiles *f);

/* Is it one? Remembers that it was there. */
bool partial_files_find(PartialFiles *f, const char *path, const ByteRange **ret, size_t *ret_n);
/* It is a differenced file as well, which no file should be. Says so once. */
void partial_files_complain(PartialFiles *f, const char *path);

int partial_files_for_each_missing(const PartialFiles *f, int (*each)(const char *path, void *userdata), void *userdata);

int partial_files_for_each_ranges_file(const PartialFiles *f,
                                       int (*each)(const char *path, const struct stat *st, const char *bytes, size_t size, void *userdata),
                                       void *userdata);
bool partial_files_is_ranges_file(const PartialFiles *f, const char *path);
