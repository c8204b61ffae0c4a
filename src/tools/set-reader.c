/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reading a Backup Set
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "tools/scratch-file.h"
#include "tools/set-entry.h"
#include "tools/set-reader-internal.h"

#define READER_TEXTS_MAX 65536U

int reader_fail(SetReader *r, int error, const char *format, ...) {
        va_list ap;

        if (!r->why) {
                va_start(ap, format);
                if (vasprintf(&r->why, format, ap) < 0)
                        r->why = NULL;
                va_end(ap);
        }

        return error;
}

/* What cannot seek is copied to where it can. */
static int reader_spool(SetReader *r, int from) {
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(freep) char *buffer = NULL;
        ssize_t n;
        int k;

        k = scratch_file_open(&fd);
        if (k < 0)
                return k;

        buffer = realloc_checked(NULL, SET_BLOCK_SIZE, 1);
        if (!buffer)
                return -ENOMEM;

        while ((n = fd_read_full(from, buffer, SET_BLOCK_SIZE)) > 0) {
                k = fd_write_all(fd, buffer, (size_t) n);
                if (k == 0 && r->progress)
                        k = r->progress(0, 0, r->userdata);
                if (k < 0)
                        return k;
        }
        if (n < 0)
                return (int) n;

        (void) fd_close(r->fd);
        r->fd = TAKE_FD(fd);
        return 0;
}

static int reader_open_file(SetReader *r, const char *path) {
        struct stat st;
        int k;

        r->fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                                       : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (r->fd < 0)
                return -errno;
        if (fstat(r->fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;

        if (!S_ISREG(st.st_mode)) {
                k = reader_spool(r, r->fd);
                if (k < 0)
                        return k;
                if (fstat(r->fd, &st) < 0)
                        return -errno;
        }

        r->size = (uint64_t) st.st_size;
        return 0;
}

int set_reader_open(const char *path, SetReaderProgress progress, void *userdata, SetReader **ret) {
        _cleanup_(set_reader_freep) SetReader *r = NULL;
        int k;

        r = calloc_checked(1, sizeof(*r));
        if (!r)
                return -ENOMEM;

        r->fd = -EBADF;
        r->progress = progress;
        r->userdata = userdata;

        k = reader_open_file(r, path);
        if (k < 0)
                return k;

        r->seal_error = set_seal_read(r->fd, &r->seal);
        r->sealed = r->seal_error == 0;

        *ret = TAKE_PTR(r);
        return 0;
}

SetReader *set_reader_free(SetReader *r) {
        if (!r)
                return NULL;

        for (size_t i = 0; i < r->n_texts; ++i) {
                free(r->texts[i].name);
                free(r->texts[i].text);
        }
        free(r->texts);
        json_decref(r->manifest);
        json_decref(r->summary);
        if (r->index)
                (void) fclose(r->index);
        (void) fd_close(r->fd);
        free(r->why);
        free(r);
        return NULL;
}

static int reader_on_sealed(uint64_t done, void *userdata) {
        SetReader *r = userdata;

        return r->progress ? r->progress(done, r->seal.length, r->userdata) : 0;
}

int set_reader_verify_seal(SetReader *r) {
        int k;

        if (r->seal_error == -ENODATA)
                return reader_fail(r, -ENODATA,
                                   "it does not end with a seal, so it was cut off or is something else");
        if (r->seal_error < 0)
                return reader_fail(r, r->seal_error,
                                   "its seal is damaged, or something was added or cut off");

        k = set_seal_verify(r->fd, &r->seal, reader_on_sealed, r);
        return k == -EBADMSG ? reader_fail(r, k, "its bytes are not those that were sealed") : k;
}

uint64_t reader_end(const SetReader *r) {
        return r->sealed ? r->seal.length : r->size;
}

static int reader_add_text(SetReader *r, SetStream *s, struct archive_entry *entry) {
        la_int64_t size = archive_entry_size(entry);
        SetText text = { .size = (size_t) size };
        la_ssize_t n;

        if (size < 0 || (uint64_t) size > SET_TEXT_MAX || r->n_texts >= READER_TEXTS_MAX ||
            set_entry_type(entry) != 'f')
                return reader_fail(r, -EBADMSG, "'%s' is not what it should be",
                                   archive_entry_pathname(entry));
        if (ARRAY_RESERVE(r->texts, r->texts_capacity, r->n_texts + 1) < 0 ||
            strdup_to(archive_entry_pathname(entry), &text.name) < 0)
                return -ENOMEM;

        text.text = calloc_checked(text.size + 1, 1);
        if (!text.text) {
                free(text.name);
                return -ENOMEM;
        }

        r->texts[r->n_texts++] = text;
        n = archive_read_data(s->archive, text.text, text.size);
        if (n < 0 || (size_t) n != text.size || strlen(text.text) != text.size)
                return stream_fail(s, "one of its documents is damaged");

        return 0;
}

/* Copies the index to where it can be read line by line. */
static int reader_copy_index(SetReader *r, SetStream *s) {
        const void *data;
        size_t size;
        la_int64_t offset;
        int k;

        if (r->index)
                return reader_fail(r, -EBADMSG, "it has two indexes");

        k = scratch_file_open_stream(&r->index);
        if (k < 0)
                return k;

        while ((k = archive_read_data_block(s->archive, &data, &size, &offset)) == ARCHIVE_OK) {
                if (fwrite(data, 1, size, r->index) != size)
                        return -errno;

                digest_update(s->digest, data, size);
                r->index_size += size;
        }
        if (k != ARCHIVE_EOF)
                return stream_fail(s, "its index is damaged");
        if (fflush(r->index) != 0)
                return -errno;

        return digest_end(s->digest, r->index_digest);
}

/* Takes what is the set's own from a stream. @all: from all of it; else only from its head. */
static int reader_load_own(SetReader *r, SetStream *s, bool all) {
        struct archive_entry *entry;
        int k;

        while ((k = stream_header(s, &entry)) > 0) {
                const char *name = archive_entry_pathname(entry);

                if (r->progress) {
                        k = r->progress(set_input_position(s->input), reader_end(r), r->userdata);
                        if (k < 0)
                                return k;
                }

                if (strncmp(name, SET_OWN_PREFIX, strlen(SET_OWN_PREFIX)) != 0) {
                        if (!all)
                                return 0;
                        continue;
                }

                k = strcmp(name, SET_INDEX) == 0 ? reader_copy_index(r, s) : reader_add_text(r, s, entry);
                if (k < 0)
                        return k;
        }

        return k;
}

static int reader_load_range(SetReader *r, uint64_t begin, uint64_t end, bool all) {
        _cleanup_(set_stream_freep) SetStream *s = NULL;
        int k;

        k = stream_open_range(r, begin, end, &s);
        return k < 0 ? k : reader_load_own(r, s, all);
}

static const SetText *reader_find(const SetReader *r, const char *name) {
        for (size_t i = 0; i < r->n_texts; ++i)
                if (strcmp(r->texts[i].name, name) == 0)
                        return &r->texts[i];

        return NULL;
}

/* The end says how the index has to be, and is itself compared letter by letter. */
static int reader_check_end(SetReader *r) {
        _cleanup_(freep) char *expected = NULL;
        char hex[DIGEST_HEX_MAX];
        const char *end = set_reader_text(r, SET_END);
        int k;

        if (!r->index || !end)
                return reader_fail(r, -EBADMSG, "its end is missing");

        k = set_end_format(r->members, r->index_size, digest_to_hex(r->index_digest, hex), &expected);
        if (k < 0)
                return k;

        return strcmp(end, expected) == 0 ? 0 :
                                            reader_fail(r, -EBADMSG, "its index and its end do not agree");
}

int reader_next_line(SetReader *r, uint64_t *offset, SetIndexLine *ret) {
        _cleanup_(freep) char *text = NULL;
        size_t capacity = 0;
        ssize_t n;
        int k;

        if (fseeko(r->index, (off_t) *offset, SEEK_SET) < 0)
                return -errno;

        n = getline(&text, &capacity, r->index);
        if (n < 0)
                return ferror(r->index) ? -EIO : 0;

        *offset += (uint64_t) n;
        if (text[n - 1] != '\n' || (size_t) n > SET_INDEX_LINE_MAX)
                return reader_fail(r, -EBADMSG, "its index is damaged");

        text[n - 1] = '\0';
        k = set_index_line_parse(text, ret);
        if (k == -EBADMSG)
                return reader_fail(r, k, "its index is damaged");
        if (k < 0)
                return k;

        return 1;
}

static int reader_check_text(SetReader *r, const SetIndexLine *line, Digest *digest) {
        const SetText *text = reader_find(r, line->name);
        uint8_t content[DIGEST_SIZE];
        int k;

        if (!text)
                return reader_fail(r, -EBADMSG, "'%s' is missing", line->name);

        digest_update(digest, text->text, text->size);
        k = digest_end(digest, content);
        if (k < 0)
                return k;

        return memcmp(content, line->content, sizeof(content)) == 0
                       ? 0
                       : reader_fail(r, -EBADMSG, "'%s' is damaged", line->name);
}

/* Every name must lead to where it may, before any of them is used; and the documents are those of the
 * index. */
static int reader_check_index(SetReader *r) {
        _cleanup_(digest_freep) Digest *digest = NULL;
        SetIndexLine line = { 0 };
        uint64_t offset = 0;
        int k;

        k = digest_new(&digest);
        if (k < 0)
                return k;

        while ((k = reader_next_line(r, &offset, &line)) > 0) {
                ++r->members;
                if (!set_member_name_is_safe(line.name) || !(is_own(line.name) || is_data(line.name)))
                        k = reader_fail(r, -EBADMSG, "member '%s' leads out of it; this is not umbra's work",
                                        line.name);
                else if (is_own(line.name))
                        k = reader_check_text(r, &line, digest);
                set_index_line_clear(&line);
                if (k < 0)
                        break;
        }

        return k;
}

static int reader_parse(SetReader *r, const char *name, json_t **ret) {
        const SetText *text = reader_find(r, name);
        json_t *json;

        json = text ? json_loadb(text->text, text->size, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (!json_is_object(json)) {
                json_decref(json);
                return reader_fail(r, -EBADMSG, "'%s' is missing or damaged", name);
        }

        *ret = json;
        return 0;
}

static int reader_parse_manifest(SetReader *r) {
        const char *format;
        json_int_t version;
        int k;

        k = reader_parse(r, SET_MANIFEST, &r->manifest);
        if (k < 0)
                return k;

        format = json_string_value(json_object_get(r->manifest, "format"));
        version = json_integer_value(json_object_get(r->manifest, "version"));
        if (!format || strcmp(format, SET_FORMAT) != 0)
                return reader_fail(r, -EBADMSG, "its manifest is not one of umbra's");
        if (version != SET_FORMAT_VERSION)
                return reader_fail(r, -EPROTONOSUPPORT,
                                   "it has format version %lld, this umbra reads version %d",
                                   (long long) version, SET_FORMAT_VERSION);

        return reader_parse(r, SET_SUMMARY, &r->summary);
}

int set_reader_load(SetReader *r) {
        int k;

        if (r->sealed) {
                k = reader_load_range(r, 0, r->seal.tail, false);
                if (k == 0)
                        k = reader_load_range(r, r->seal.tail, r->seal.length, true);
        } else
                k = reader_load_range(r, 0, reader_end(r), true);
        if (k < 0)
                return k;

        if (!reader_find(r, SET_MANIFEST))
                return reader_fail(r, -EBADMSG, "it is not a backup set of umbra");

        if (r->index) {
                k = reader_check_index(r);
                if (k < 0)
                        return k;
        }

        k = reader_check_end(r);
        return k < 0 ? k : reader_parse_manifest(r);
}

json_t *set_reader_manifest(const SetReader *r) {
        return r->manifest;
}

json_t *set_reader_summary(const SetReader *r) {
        return r->summary;
}

const char *set_reader_text(const SetReader *r, const char *name) {
        const SetText *text = reader_find(r, name);

        return text ? text->text : NULL;
}

uint64_t set_reader_members(const SetReader *r) {
        return r->members;
}

uint64_t set_reader_size(const SetReader *r) {
        return r->size;
}

const char *set_reader_why(const SetReader *r) {
        return r->why ? r->why : "it is damaged";
}

int set_reader_for_each(SetReader *r, int (*f)(const SetIndexLine *line, void *userdata), void *userdata) {
        SetIndexLine line = { 0 };
        uint64_t offset = 0;
        int k;

        while ((k = reader_next_line(r, &offset, &line)) > 0) {
                k = is_data(line.name) ? f(&line, userdata) : 0;
                set_index_line_clear(&line);
                if (k != 0)
                        break;
        }

        return k;
}

int set_reader_verify_members(SetReader *r) {
        _cleanup_(set_stream_freep) SetStream *s = NULL;
        struct archive_entry *entry;
        const SetIndexLine *line;
        int k;

        k = set_stream_open(r, &s);
        while (k >= 0) {
                k = set_stream_next(s, &entry, &line);
                if (k <= 0)
                        break;
        }

        return k;
}
