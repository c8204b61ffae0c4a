/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writing a Backup Set
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>
#include <uthash.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/time-util.h"
#include "tools/digest.h"
#include "tools/scratch-file.h"
#include "tools/set-entry.h"
#include "tools/set-format.h"
#include "tools/set-index.h"
#include "tools/set-writer.h"

/* The first name of a file that has several. */
typedef struct LinkedFile {
        struct {
                dev_t dev;
                ino_t ino;
        } key;
        char *member;
        UT_hash_handle hh;
} LinkedFile;

static LinkedFile *linked_file_new(const struct stat *st) {
        LinkedFile *file = calloc_checked(1, sizeof(*file)); /* with zeros between the parts of its key */

        if (!file)
                return NULL;

        file->key.dev = st->st_dev;
        file->key.ino = st->st_ino;
        return file;
}

static LinkedFile *linked_file_free(LinkedFile *file) {
        if (!file)
                return NULL;

        free(file->member);
        free(file);
        return NULL;
}

DEFINE_CLEANUP(LinkedFile *, linked_file_free)

struct SetWriter {
        SetOutput *output;
        SetWriterProgress progress;
        void *userdata;

        struct archive *archive;
        int output_error; /* of the last write, which libarchive cannot carry */
        bool in_member;   /* its header is written, its line in the index is not */
        bool discard;     /* given up: what libarchive still wants to write at its end goes nowhere */
        Digest *digest, *index_digest;
        FILE *index;
        uint64_t members, index_size;
        LinkedFile *linked;
        char *buffer;
};

/* What holes are made of. */
static const char zeros[SET_BLOCK_SIZE];

static la_ssize_t writer_on_write(struct archive *a, void *userdata, const void *data, size_t size) {
        SetWriter *w = userdata;

        if (w->discard)
                return (la_ssize_t) size;

        w->output_error = set_output_write(w->output, data, size);
        if (w->output_error < 0) {
                archive_set_error(a, -w->output_error, "%s", strerror(-w->output_error));
                return ARCHIVE_FATAL;
        }

        return (la_ssize_t) size;
}

/* A name that is no UTF-8 makes libarchive warn, and is kept as it is. */
static int writer_check(SetWriter *w, la_ssize_t r) {
        if (r >= ARCHIVE_WARN)
                return 0;

        return w->output_error < 0 ? w->output_error : -EIO;
}

static int writer_open_archive(SetWriter *w) {
        w->archive = archive_write_new();
        if (!w->archive)
                return -ENOMEM;

        if (archive_write_set_format_pax(w->archive) != ARCHIVE_OK ||
            archive_write_set_format_option(w->archive, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
            archive_write_set_bytes_per_block(w->archive, 0) != ARCHIVE_OK ||
            archive_write_open(w->archive, w, NULL, writer_on_write, NULL) != ARCHIVE_OK)
                return -EOPNOTSUPP;

        return 0;
}

int set_writer_new(SetOutput *output, SetWriterProgress progress, void *userdata, SetWriter **ret) {
        _cleanup_(set_writer_freep) SetWriter *w = NULL;
        int r;

        w = calloc_checked(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        w->output = output;
        w->progress = progress;
        w->userdata = userdata;

        w->buffer = realloc_checked(NULL, SET_BLOCK_SIZE, 1);
        if (!w->buffer)
                return -ENOMEM;

        r = digest_new(&w->digest);
        if (r < 0)
                return r;

        r = digest_new(&w->index_digest);
        if (r < 0)
                return r;

        r = scratch_file_open_stream(&w->index);
        if (r < 0)
                return r;

        r = writer_open_archive(w);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(w);
        return 0;
}

SetWriter *set_writer_free(SetWriter *w) {
        LinkedFile *file, *next;

        if (!w)
                return NULL;

        HASH_ITER(hh, w->linked, file, next) {
                HASH_DEL(w->linked, file);
                linked_file_free(file);
        }

        /* Freeing it closes it. archive_write_fail() would keep it from that, and from freeing all of it. */
        w->discard = true;
        if (w->archive)
                archive_write_free(w->archive);
        if (w->index)
                (void) fclose(w->index);
        digest_free(w->index_digest);
        digest_free(w->digest);
        free(w->buffer);
        free(w);
        return NULL;
}

static int writer_add_line(SetWriter *w, const SetIndexLine *line) {
        _cleanup_(freep) char *text = NULL;
        size_t n;
        int r;

        r = set_index_line_format(line, &text);
        if (r < 0)
                return r;

        n = strlen(text);
        if (n > SET_INDEX_LINE_MAX)
                return -ENAMETOOLONG;
        if (fwrite(text, 1, n, w->index) != n)
                return -errno;

        digest_update(w->index_digest, text, n);
        w->index_size += n;
        ++w->members;
        w->in_member = false;
        return 0;
}

static int writer_data(SetWriter *w, const char *data, size_t size) {
        digest_update(w->digest, data, size);
        return writer_check(w, archive_write_data(w->archive, data, size));
}

static int writer_header(SetWriter *w, struct archive_entry *entry, SetIndexLine *line) {
        int r;

        r = set_entry_digest(entry, w->digest, line->metadata);
        if (r < 0)
                return r;

        line->type = set_entry_type(entry);
        line->size = line->type == 'f' ? (uint64_t) archive_entry_size(entry) : 0;
        w->in_member = true;
        return writer_check(w, archive_write_header(w->archive, entry));
}

static void text_entry(struct archive_entry *entry, const char *name, uint64_t size) {
        struct timespec now = timespec_from_usec(now_usec(CLOCK_REALTIME));

        archive_entry_copy_pathname(entry, name);
        archive_entry_set_mode(entry, S_IFREG | 0600);
        archive_entry_set_size(entry, (la_int64_t) size);
        archive_entry_set_mtime(entry, now.tv_sec, now.tv_nsec);
}

static int writer_add_bytes(SetWriter *w, struct archive_entry *entry, const char *name, const char *bytes,
                            size_t size) {
        SetIndexLine line = { .name = (char *) (uintptr_t) name };
        int r;

        r = writer_header(w, entry, &line);
        if (r < 0)
                return r;

        r = writer_data(w, bytes, size);
        if (r < 0)
                return r;

        r = digest_end(w->digest, line.content);
        return r < 0 ? r : writer_add_line(w, &line);
}

int set_writer_add_text(SetWriter *w, const char *name, const char *text, size_t size) {
        _cleanup_(archive_entry_freep) struct archive_entry *entry = NULL;

        entry = archive_entry_new();
        if (!entry)
                return -ENOMEM;

        text_entry(entry, name, size);
        return writer_add_bytes(w, entry, name, text, size);
}

int set_writer_add_content(SetWriter *w, const struct stat *st, const char *member, const char *bytes,
                           size_t size) {
        _cleanup_(archive_entry_freep) struct archive_entry *entry = NULL;

        entry = archive_entry_new();
        if (!entry)
                return -ENOMEM;

        archive_entry_copy_pathname(entry, member);
        archive_entry_set_mode(entry, S_IFREG | (st->st_mode & 07777));
        archive_entry_set_uid(entry, st->st_uid);
        archive_entry_set_gid(entry, st->st_gid);
        archive_entry_set_mtime(entry, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
        archive_entry_set_size(entry, (la_int64_t) size);
        return writer_add_bytes(w, entry, member, bytes, size);
}

/* Zeros: the holes of the tar, which it does not store. */
static int writer_hole(SetWriter *w, uint64_t size) {
        while (size > 0) {
                size_t n = (size_t) MIN(size, (uint64_t) sizeof(zeros));
                int r;

                r = writer_check(w, archive_write_data(w->archive, zeros, n));
                if (r < 0)
                        return r;

                size -= n;
        }

        return 0;
}

/* What could not be read: it stands in the tar as zeros, or the next header would not be where it is looked
 * for. */
static int writer_fill(SetWriter *w, uint64_t size) {
        while (size > 0) {
                size_t n = (size_t) MIN(size, (uint64_t) sizeof(zeros));
                int r;

                r = writer_data(w, zeros, n);
                if (r < 0)
                        return r;

                size -= n;
        }

        return 0;
}

/* A file and how far we are in it. */
typedef struct WriterFile {
        int fd;
        const ByteRange *ranges; /* only these of it; NULL: all */
        size_t n_ranges;
        bool tolerant;
        bool incomplete; /* no longer read from */
} WriterFile;

static int writer_piece(SetWriter *w, WriterFile *file, uint64_t offset, uint64_t size) {
        while (size > 0 && !file->incomplete) {
                ssize_t n;
                int r;

                n = pread(file->fd, w->buffer, (size_t) MIN(size, (uint64_t) SET_BLOCK_SIZE),
                          (off_t) offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        if (!file->tolerant)
                                return n < 0 ? -errno : -ENODATA; /* it has become shorter */
                        file->incomplete = true;
                        break;
                }

                r = writer_data(w, w->buffer, (size_t) n);
                if (r == 0 && w->progress)
                        r = w->progress((uint64_t) n, w->userdata);
                if (r < 0)
                        return r;

                offset += (uint64_t) n;
                size -= (uint64_t) n;
        }

        return writer_fill(w, size);
}

static int writer_content(SetWriter *w, WriterFile *file, struct archive_entry *entry) {
        uint64_t size = (uint64_t) archive_entry_size(entry), end = 0;
        la_int64_t offset, length;
        int r;

        if (archive_entry_sparse_reset(entry) == 0)
                return writer_piece(w, file, 0, size);

        while (archive_entry_sparse_next(entry, &offset, &length) == ARCHIVE_OK) {
                r = writer_hole(w, (uint64_t) offset - end);
                if (r < 0)
                        return r;

                r = writer_piece(w, file, (uint64_t) offset, (uint64_t) length);
                if (r < 0)
                        return r;

                end = (uint64_t) (offset + length);
        }

        return writer_hole(w, size - end);
}

/* Has this file been written under another name? Then *@ret is that, else NULL. */
static int writer_find_link(SetWriter *w, const struct stat *st, const char **ret) {
        _cleanup_(linked_file_freep) LinkedFile *file = linked_file_new(st);
        LinkedFile *found;

        if (!file)
                return -ENOMEM;

        HASH_FIND(hh, w->linked, &file->key, sizeof(file->key), found);
        *ret = found ? found->member : NULL;
        return 0;
}

/* All of it is in the set: other names of it may refer to this one. */
static int writer_remember_link(SetWriter *w, const struct stat *st, const char *member) {
        _cleanup_(linked_file_freep) LinkedFile *file = linked_file_new(st);
        int r;

        r = file ? strdup_to(member, &file->member) : -ENOMEM;
        if (r < 0)
                return r;

        HASH_ADD(hh, w->linked, key, sizeof(file->key), file);
        TAKE_PTR(file);
        return 0;
}

static int writer_add_entry(SetWriter *w,
                            struct archive_entry *entry,
                            WriterFile *file,
                            const char *member) {
        SetIndexLine line = { .name = (char *) (uintptr_t) member };
        int r;

        r = writer_header(w, entry, &line);
        if (r < 0)
                return r;

        if (line.type == 'f') {
                if (file->ranges)
                        line.type = 'r';
                r = writer_content(w, file, entry);
                if (r < 0)
                        return r;

                r = digest_end(w->digest, line.content);
                if (r < 0)
                        return r;
        }

        if (file->incomplete)
                line.type = '!';
        r = writer_add_line(w, &line);
        return r < 0 ? r : file->incomplete;
}

/* The pieces of the tar's member are the ranges. */
static void entry_set_ranges(struct archive_entry *entry, const WriterFile *file) {
        archive_entry_sparse_clear(entry);
        if (file->n_ranges == 0)
                archive_entry_sparse_add_entry(entry, 0, 0); /* nothing but a hole */
        for (size_t i = 0; i < file->n_ranges; ++i)
                archive_entry_sparse_add_entry(entry, (la_int64_t) file->ranges[i].offset,
                                               (la_int64_t) file->ranges[i].length);
}

static int writer_add_open_file(SetWriter *w,
                                int dir_fd,
                                const char *name,
                                const char *member,
                                WriterFile *file,
                                const struct stat *st) {
        _cleanup_(archive_entry_freep) struct archive_entry *entry = NULL;
        bool linked = S_ISREG(st->st_mode) && st->st_nlink > 1 && !file->ranges;
        const char *first = NULL;
        int r;

        entry = archive_entry_new();
        if (!entry)
                return -ENOMEM;

        archive_entry_copy_pathname(entry, member);
        if (linked) {
                r = writer_find_link(w, st, &first);
                if (r < 0)
                        return r;
        }

        if (first) {
                archive_entry_copy_hardlink(entry, first);
                archive_entry_set_mode(entry, st->st_mode);
                archive_entry_set_uid(entry, st->st_uid);
                archive_entry_set_gid(entry, st->st_gid);
                archive_entry_set_mtime(entry, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
                archive_entry_set_size(entry, 0);
        } else {
                r = set_entry_from_file(entry, dir_fd, name, file->fd, st);
                if (r < 0)
                        return r;
                if (file->ranges)
                        entry_set_ranges(entry, file);
        }

        r = writer_add_entry(w, entry, file, member);
        return r == 0 && linked && !first ? writer_remember_link(w, st, member) : r;
}

/* Opens what is a regular file; the others are never opened. */
static int writer_open_file(int dir_fd, const char *name, struct stat *st, int *ret) {
        _cleanup_(closep) int fd = -EBADF;

        if (fstatat(dir_fd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;

        if (S_ISREG(st->st_mode)) {
                fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                if (fd < 0)
                        return -errno;
                if (fstat(fd, st) < 0)
                        return -errno;
                if (!S_ISREG(st->st_mode))
                        return -ESTALE;
                if ((uint64_t) st->st_size > 2 * SET_BLOCK_SIZE)
                        (void) posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        }

        *ret = TAKE_FD(fd);
        return 0;
}

int set_writer_add_file(SetWriter *w, int dir_fd, const char *name, const char *member, bool tolerant,
                        uint64_t *ret_size) {
        _cleanup_(closep) int fd = -EBADF;
        WriterFile file = { .tolerant = tolerant };
        struct stat st;
        int r;

        r = writer_open_file(dir_fd, name, &st, &fd);
        if (r < 0)
                return r;

        file.fd = fd;
        r = writer_add_open_file(w, dir_fd, name, member, &file, &st);
        if (r < 0)
                return r;

        if (ret_size)
                *ret_size = S_ISREG(st.st_mode) ? (uint64_t) st.st_size : 0;
        return r;
}

int set_writer_add_ranges(SetWriter *w, int dir_fd, const char *name, const char *member,
                          const ByteRange *ranges, size_t n, uint64_t *ret_size) {
        _cleanup_(freep) ByteRange *merged = NULL;
        _cleanup_(closep) int fd = -EBADF;
        WriterFile file = { 0 };
        uint64_t size = 0;
        struct stat st;
        int r;

        r = writer_open_file(dir_fd, name, &st, &fd);
        if (r < 0)
                return r;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;

        merged = calloc_checked(n + 1, sizeof(*merged));
        if (!merged)
                return -ENOMEM;
        if (n > 0)
                memcpy(merged, ranges, n * sizeof(*merged));

        file = (WriterFile){ .fd = fd,
                             .ranges = merged,
                             .n_ranges = ranges_merge(merged, n, (uint64_t) st.st_size) };
        r = writer_add_open_file(w, dir_fd, name, member, &file, &st);
        if (r < 0)
                return r;

        for (size_t i = 0; i < file.n_ranges; ++i)
                size += merged[i].length;
        if (ret_size)
                *ret_size = size;
        return 0;
}

int set_writer_add_directory(SetWriter *w, int fd, const char *member) {
        WriterFile file = { .fd = fd };
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;

        return writer_add_open_file(w, fd, ".", member, &file, &st);
}

int set_writer_begin_tail(SetWriter *w) {
        int r;

        /* Writes the padding of the last member. */
        r = writer_check(w, archive_write_finish_entry(w->archive));
        return r < 0 ? r : set_output_begin_tail(w->output);
}

static int writer_add_index(SetWriter *w) {
        _cleanup_(archive_entry_freep) struct archive_entry *entry = NULL;
        int r;

        entry = archive_entry_new();
        if (!entry)
                return -ENOMEM;
        if (fflush(w->index) != 0)
                return -errno;

        text_entry(entry, SET_INDEX, w->index_size);
        r = writer_check(w, archive_write_header(w->archive, entry));

        for (uint64_t offset = 0; r == 0 && offset < w->index_size;) {
                ssize_t n = pread(fileno(w->index), w->buffer, SET_BLOCK_SIZE, (off_t) offset);

                if (n <= 0)
                        return n < 0 ? -errno : -EIO;

                r = writer_check(w, archive_write_data(w->archive, w->buffer, (size_t) n));
                offset += (uint64_t) n;
        }

        return r;
}

static int writer_add_end(SetWriter *w) {
        _cleanup_(archive_entry_freep) struct archive_entry *entry = NULL;
        _cleanup_(freep) char *text = NULL;
        uint8_t digest[DIGEST_SIZE];
        char hex[DIGEST_HEX_MAX];
        int r;

        r = digest_end(w->index_digest, digest);
        if (r < 0)
                return r;

        r = set_end_format(w->members, w->index_size, digest_to_hex(digest, hex), &text);
        if (r < 0)
                return r;

        entry = archive_entry_new();
        if (!entry)
                return -ENOMEM;

        text_entry(entry, SET_END, strlen(text));
        r = writer_check(w, archive_write_header(w->archive, entry));
        return r < 0 ? r : writer_check(w, archive_write_data(w->archive, text, strlen(text)));
}

int set_writer_finish(SetWriter *w) {
        int r;

        r = writer_add_index(w);
        if (r < 0)
                return r;

        r = writer_add_end(w);
        if (r < 0)
                return r;

        r = writer_check(w, archive_write_close(w->archive));
        return r < 0 ? r : set_output_finish(w->output);
}

bool set_writer_is_between_members(const SetWriter *w) {
        return !w->in_member && w->output_error == 0;
}

uint64_t set_writer_members(const SetWriter *w) {
        return w->members;
}

const char *set_writer_error(const SetWriter *w) {
        return archive_error_string(w->archive);
}
