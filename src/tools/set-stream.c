/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Going Through a Backup Set
 *
 * The tar on one side, the index on the other: each member must be the one whose line is next.
 */

#include <errno.h>
#include <string.h>

#include <archive.h>

#include "base/alloc.h"
#include "tools/set-entry.h"
#include "tools/set-reader-internal.h"

static la_ssize_t stream_on_read(struct archive *a, void *userdata, const void **ret) {
        SetStream *s = userdata;
        ssize_t n;

        n = set_input_read(s->input, ret);
        if (n < 0) {
                s->input_error = (int) n;
                archive_set_error(a, (int) -n, "read");
                return ARCHIVE_FATAL;
        }

        return n;
}

int stream_open_range(SetReader *r, uint64_t begin, uint64_t end, SetStream **ret) {
        _cleanup_(set_stream_freep) SetStream *s = NULL;
        int k;

        s = calloc_checked(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        s->reader = r;
        k = digest_new(&s->digest);
        if (k < 0)
                return k;

        k = set_input_open(r->fd, begin, end, &s->input);
        if (k < 0)
                return k;

        s->archive = archive_read_new();
        if (!s->archive)
                return -ENOMEM;

        if (archive_read_support_format_tar(s->archive) != ARCHIVE_OK ||
            archive_read_open(s->archive, s, NULL, stream_on_read, NULL) < ARCHIVE_WARN)
                return s->input_error < 0 ? s->input_error
                                          : reader_fail(r, -EBADMSG, "it does not hold a tar archive");

        *ret = TAKE_PTR(s);
        return 0;
}

int set_stream_open(SetReader *r, SetStream **ret) {
        return stream_open_range(r, 0, r->sealed ? r->seal.tail : reader_end(r), ret);
}

SetStream *set_stream_free(SetStream *s) {
        if (!s)
                return NULL;

        if (s->archive)
                archive_read_free(s->archive);
        set_input_free(s->input);
        digest_free(s->digest);
        set_index_line_clear(&s->line);
        free(s);
        return NULL;
}

int stream_fail(SetStream *s, const char *what) {
        if (s->input_error < 0 && s->input_error != -EBADMSG)
                return s->input_error;

        return reader_fail(s->reader, -EBADMSG, "%s", what);
}

int stream_header(SetStream *s, struct archive_entry **ret) {
        int r;

        r = archive_read_next_header(s->archive, ret);
        if (r == ARCHIVE_EOF && s->input_error == 0)
                return 0;
        if (r < ARCHIVE_WARN || s->input_error < 0)
                return stream_fail(s, "it cannot be unpacked: it is damaged, or cut off");

        return archive_entry_pathname(*ret) ? 1 : stream_fail(s, "a member has no name");
}

/* The tar writes directories with a slash at the end. */
static bool stream_has_name(struct archive_entry *entry, const char *name) {
        const char *path = archive_entry_pathname(entry);
        size_t n = strlen(name);

        return strncmp(path, name, n) == 0 &&
               (path[n] == '\0' || (path[n] == '/' && path[n + 1] == '\0' && set_entry_type(entry) == 'd'));
}

/* Is the entry what its line says? */
static int stream_compare(SetStream *s, struct archive_entry *entry) {
        uint8_t metadata[DIGEST_SIZE];
        char type = set_entry_type(entry);
        int r;

        r = set_entry_digest(entry, s->digest, metadata);
        if (r < 0)
                return r;

        if (!stream_has_name(entry, s->line.name) ||
            !(type == s->line.type || (type == 'f' && (s->line.type == '!' || s->line.type == 'r'))) ||
            memcmp(metadata, s->line.metadata, sizeof(metadata)) != 0 ||
            (type == 'f' && (uint64_t) archive_entry_size(entry) != s->line.size))
                return reader_fail(s->reader, -EBADMSG, "member '%s' is not what the index says",
                                   s->line.name);

        return 0;
}

int set_stream_data(SetStream *s, const void **ret_data, size_t *ret_size, uint64_t *ret_offset) {
        uint8_t content[DIGEST_SIZE];
        la_int64_t offset;
        size_t size;
        int r;

        if (!s->in_data)
                return 0;

        do
                r = archive_read_data_block(s->archive, ret_data, &size, &offset);
        while (r == ARCHIVE_OK && size == 0);

        if (r == ARCHIVE_OK) {
                digest_update(s->digest, *ret_data, size);
                s->done += size;
                if (s->reader->progress) {
                        r = s->reader->progress(set_input_position(s->input), reader_end(s->reader),
                                                s->reader->userdata);
                        if (r < 0)
                                return r;
                }

                *ret_size = size;
                *ret_offset = (uint64_t) offset;
                return 1;
        }
        if (r != ARCHIVE_EOF)
                return stream_fail(s, "it cannot be unpacked: it is damaged, or cut off");

        s->in_data = false;
        r = digest_end(s->digest, content);
        if (r < 0)
                return r;

        return memcmp(content, s->line.content, sizeof(content)) == 0 ?
                       0 :
                       reader_fail(s->reader, -EBADMSG, "the bytes of member '%s' are damaged",
                                   s->line.name);
}

static int stream_skip_data(SetStream *s) {
        const void *data;
        uint64_t offset;
        size_t size;
        int r;

        do
                r = set_stream_data(s, &data, &size, &offset);
        while (r > 0);

        return r;
}

int set_stream_next(SetStream *s, struct archive_entry **ret_entry, const SetIndexLine **ret_line) {
        struct archive_entry *entry;
        int r;

        for (;;) {
                r = stream_skip_data(s);
                if (r < 0)
                        return r;

                set_index_line_clear(&s->line);
                r = reader_next_line(s->reader, &s->index_offset, &s->line);
                if (r <= 0)
                        return r;

                /* The tail, which load has compared. */
                if (strcmp(s->line.name, SET_FINAL_DOCUMENT) == 0)
                        return 0;

                r = stream_header(s, &entry);
                if (r < 0)
                        return r;
                if (r == 0)
                        return reader_fail(s->reader, -EBADMSG, "member '%s' is missing", s->line.name);

                r = stream_compare(s, entry);
                if (r < 0)
                        return r;

                s->in_data = s->line.type == 'f' || s->line.type == 'r' || s->line.type == '!';
                if (is_own(s->line.name))
                        continue;

                *ret_entry = entry;
                *ret_line = &s->line;
                return 1;
        }
}
