/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a Backup Set Goes
 *
 * Bytes come in at the top (from the tar writer), are compressed by zstd's own threads, hashed for the seal,
 * and written, by a thread of their own, to standard output or to a file. The file appears under its name
 * only when it is complete and on disk: until then it is FILE.part, which is removed when the backup fails.
 * What is complete but cannot have its name, as another file has it by now, stays FILE.part: its writers may
 * have thrown away what they believe to be saved.
 * A FILE.part that nobody writes any more, because its backup was killed, is replaced.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

#define SET_LEVEL_NONE 0 /* not compressed */
#define SET_LEVEL_DEFAULT 3

typedef struct SetOutput SetOutput;

/* @path "-": standard output. Not @replace: a FILE that is there in the end is left alone.
 * -EBUSY: another backup writes FILE.part now. */
int set_output_open(const char *path, bool replace, int level, SetOutput **ret);
/* Removes what is not finished. */
SetOutput *set_output_free(SetOutput *o);
DEFINE_CLEANUP(SetOutput *, set_output_free)

int set_output_write(SetOutput *o, const void *data, size_t size);
/* What comes now can be read without what came before, which is written; on disk, if it is one. Once. */
int set_output_begin_tail(SetOutput *o);
/* Seals it, waits until it is on disk, and gives it its name. -EEXIST: it is another's. */
int set_output_finish(SetOutput *o);
/* Where a finished set is that could not be given its name; else NULL. */
const char *set_output_left(const SetOutput *o);

uint64_t set_output_bytes(const SetOutput *o); /* written so far; right after finish */
bool set_level_is_valid(int level);
