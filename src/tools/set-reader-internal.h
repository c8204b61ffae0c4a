/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Set Reader from the Inside
 *
 * set-reader.c knows what the set says of itself, set-stream.c goes through its members. They share the
 * copy of the index, and the first reason why the set is none.
 */

#include <stdio.h>
#include <string.h>

#include "tools/set-format.h"
#include "tools/set-input.h"
#include "tools/set-reader.h"
#include "tools/set-seal.h"

typedef struct SetText {
        char *name, *text;
        size_t size;
} SetText;

struct SetReader {
        SetReaderProgress progress;
        void *userdata;

        int fd;
        uint64_t size;
        bool sealed;
        int seal_error; /* what reading the seal said */
        SetSeal seal;

        SetText *texts;
        size_t n_texts, texts_capacity;
        json_t *manifest, *summary;
        FILE *index; /* a copy */
        uint64_t members, index_size;
        uint8_t index_digest[DIGEST_SIZE];
        char *why;
};

struct SetStream {
        SetReader *reader;
        SetInput *input;
        struct archive *archive;
        int input_error; /* of the last read, which libarchive cannot carry */

        Digest *digest;
        uint64_t index_offset, done;
        SetIndexLine line;
        bool in_data;
};

/* Remembers the first reason and returns @error. */
int reader_fail(SetReader *r, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
uint64_t reader_end(const SetReader *r); /* of what is unpacked, in the file */
/* The next line of the index at @*offset: 1; 0 at the end. */
int reader_next_line(SetReader *r, uint64_t *offset, SetIndexLine *ret);

int stream_open_range(SetReader *r, uint64_t begin, uint64_t end, SetStream **ret);
/* The next header of the tar: 1; 0 at its end. */
int stream_header(SetStream *s, struct archive_entry **ret);
int stream_fail(SetStream *s, const char *what);

static inline bool is_own(const char *name) {
        return strncmp(name, SET_OWN_PREFIX, strlen(SET_OWN_PREFIX)) == 0;
}

static inline bool is_data(const char *name) {
        const size_t n = strlen(SET_DATA_PREFIX);

        return strncmp(name, SET_DATA_PREFIX, n) == 0 && (name[n] == '/' || name[n] == '\0');
}
