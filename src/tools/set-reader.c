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
#include "tools/set-entry.h"
#include "tools/set-format.h"
#include "tools/set-input.h"
#include "tools/set-reader.h"
#include "tools/set-seal.h"

#define READER_TEXTS_MAX 65536U

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

/* Remembers the first reason and returns @r. */
static int __attribute__((format(printf, 3, 4)))
reader_fail(SetReader *r, int error, const char *format, ...) {
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
        const char *dir = secure_getenv("TMPDIR");
        ssize_t n;
        int k;

        fd = open(dir && *dir ? dir : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;

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
                                   "it does not end with a seal: it is cut off, damaged, or no backup set");
        if (r->seal_error < 0)
                return reader_fail(r, r->seal_error,
                                   "its seal is damaged, or something was added or cut off");

        k = set_seal_verify(r->fd, &r->seal, reader_on_sealed, r);
        return k == -EBADMSG ? reader_fail(r, k, "its bytes are not those that were sealed") : k;
}

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

static int stream_open_range(SetReader *r, uint64_t begin, uint64_t end, SetStream **ret) {
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

static uint64_t reader_end(const SetReader *r) {
        return r->sealed ? r->seal.length : r->size;
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

static int stream_fail(SetStream *s, const char *what) {
        if (s->input_error < 0 && s->input_error != -EBADMSG)
                return s->input_error;

        return reader_fail(s->reader, -EBADMSG, "%s", what);
}

/* The next header of the tar: 1; 0 at its end. */
static int stream_header(SetStream *s, struct archive_entry **ret) {
        int r;

        r = archive_read_next_header(s->archive, ret);
        if (r == ARCHIVE_EOF && s->input_error == 0)
                return 0;
        if (r < ARCHIVE_WARN || s->input_error < 0)
                return stream_fail(s, "it cannot be unpacked: it is damaged, or cut off");

        return archive_entry_pathname(*ret) ? 1 : stream_fail(s, "a member has no name");
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

        r->index = tmpfile();
        if (!r->index)
                return -errno;

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

/* The next line at @*offset: 1; 0 at the end. */
static int reader_next_line(SetReader *r, uint64_t *offset, SetIndexLine *ret) {
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

static bool is_own(const char *name) {
        return strncmp(name, SET_OWN_PREFIX, strlen(SET_OWN_PREFIX)) == 0;
}

static bool is_data(const char *name) {
        const size_t n = strlen(SET_DATA_PREFIX);

        return strncmp(name, SET_DATA_PREFIX, n) == 0 && (name[n] == '/' || name[n] == '\0');
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
            !(type == s->line.type || (type == 'f' && s->line.type == '!')) ||
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

                s->in_data = s->line.type == 'f' || s->line.type == '!';
                if (is_own(s->line.name))
                        continue;

                *ret_entry = entry;
                *ret_line = &s->line;
                return 1;
        }
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
