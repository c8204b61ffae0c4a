/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Writing a Backup Set
 *
 * Members in their order: texts, files, begin_tail, texts, finish. The writer knows tar and the index; where
 * the bytes go is set-output.h, which files they are is the caller's. Memory does not grow with the data:
 * the index waits in a nameless temporary file. (Files with several links are remembered, until the set is
 * complete.)
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "base/ranges.h"
#include "tools/set-output.h"

typedef struct SetWriter SetWriter;

/* Called for each piece of a file; an error ends the writing and is its result. */
typedef int (*SetWriterProgress)(uint64_t bytes, void *userdata);

/* @output stays the caller's, and is finished by set_writer_finish(). @progress may be NULL. */
int set_writer_new(SetOutput *output, SetWriterProgress progress, void *userdata, SetWriter **ret);
SetWriter *set_writer_free(SetWriter *w);
DEFINE_CLEANUP(SetWriter *, set_writer_free)

int set_writer_add_text(SetWriter *w, const char *name, const char *text, size_t size);

/* The file @name in @dir_fd as @member. @tolerant: what cannot be read of an open file is filled with zeros,
 * the index says so, and the result is 1; else it is the error. -EOPNOTSUPP: not something a tar can hold (a
 * socket); nothing was written. @ret_size may be NULL. */
int set_writer_add_file(SetWriter *w, int dir_fd, const char *name, const char *member, bool tolerant,
                        uint64_t *ret_size);
/* Only these ranges of it, in any order; they may overlap, and what lies beyond the end of the file is left
 * away. -EINVAL: it is not a regular file. */
int set_writer_add_ranges(SetWriter *w, int dir_fd, const char *name, const char *member,
                          const ByteRange *ranges, size_t n, uint64_t *ret_size);
/* A file whose bytes are here already, with owner, mode and time of @st. */
int set_writer_add_content(SetWriter *w, const struct stat *st, const char *member, const char *bytes,
                           size_t size);
/* A directory that is open. */
int set_writer_add_directory(SetWriter *w, int fd, const char *member);

/* All members so far are written, and on disk, if it is one. */
int set_writer_begin_tail(SetWriter *w);
/* Index, end, seal. Then the set is there. */
int set_writer_finish(SetWriter *w);

/* After an error: can the set go on without the file? */
bool set_writer_is_between_members(const SetWriter *w);
uint64_t set_writer_members(const SetWriter *w);
const char *set_writer_error(const SetWriter *w); /* what libarchive said last; NULL if nothing */
