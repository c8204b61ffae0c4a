/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reading a Backup Set
 *
 * In this order: open, verify the seal, load (manifest, documents, index), and only then anything is done
 * with what the set says. A stream goes through the files once, compares each with its line of the index,
 * and ends with -EBADMSG where they differ; so whoever writes files from it gives them their names only
 * after their last byte.
 *
 * -EBADMSG always means: this is not, or no longer, what a backup wrote. set_reader_why() then says more.
 */

#include <stdbool.h>
#include <stdint.h>

#include <archive_entry.h>
#include <jansson.h>

#include "base/macro.h"
#include "tools/set-index.h"

typedef struct SetReader SetReader;

/* Called now and then with bytes done and bytes in all; an error ends the reading and is its result. */
typedef int (*SetReaderProgress)(uint64_t done, uint64_t total, void *userdata);

/* @path "-": standard input, which is first copied into a nameless file in $TMPDIR. */
int set_reader_open(const char *path, SetReaderProgress progress, void *userdata, SetReader **ret);
SetReader *set_reader_free(SetReader *r);
DEFINE_CLEANUP(SetReader *, set_reader_free)

/* -ENODATA: there is no seal. */
int set_reader_verify_seal(SetReader *r);
/* Manifest, documents, index. Checks the index, not the files. */
int set_reader_load(SetReader *r);
/* Unpacks everything and compares it with the index. */
int set_reader_verify_members(SetReader *r);

/* From here on after load. */
json_t *set_reader_manifest(const SetReader *r); /* borrowed */
json_t *set_reader_summary(const SetReader *r);
/* A text of the set's own, by its name in the tar; NULL when there is none. */
const char *set_reader_text(const SetReader *r, const char *name);
uint64_t set_reader_members(const SetReader *r);
uint64_t set_reader_size(const SetReader *r); /* of the file */
const char *set_reader_why(const SetReader *r);

/* Calls @f for each line of the index that is a file; an error or a value other than 0 ends it and is its
 * result. */
int set_reader_for_each(SetReader *r, int (*f)(const SetIndexLine *line, void *userdata), void *userdata);

typedef struct SetStream SetStream;

int set_stream_open(SetReader *r, SetStream **ret);
SetStream *set_stream_free(SetStream *s);
DEFINE_CLEANUP(SetStream *, set_stream_free)

/* The next file: 1; 0 at the end. What is left of the one before is read and compared. Both valid until the
 * next call. */
int set_stream_next(SetStream *s, struct archive_entry **ret_entry, const SetIndexLine **ret_line);
/* Its next bytes: 1; 0 at the end, when they have been compared. Between them are holes. */
int set_stream_data(SetStream *s, const void **ret_data, size_t *ret_size, uint64_t *ret_offset);
