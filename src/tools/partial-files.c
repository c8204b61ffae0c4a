/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Partial Files
 */

#include "tools/partial-files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <uthash.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "tools/file-set.h"

#define RANGES_FILE_MAX ((size_t) RANGES_MAX * 16U + 8U)

typedef struct Partial {
        char *path, *component;
        char *text; /* what the writer said, until it was read */
        ByteRange *ranges;
        size_t n_ranges;
        bool whole; /* some of what was said cannot be read */
        bool found, complained;
        struct Partial *next; /* of the same path: what another component said */
        UT_hash_handle hh;
} Partial;

typedef struct RangesFile {
        char *path, *bytes;
        size_t size;
        struct stat st;
        UT_hash_handle hh;
} RangesFile;

struct PartialFiles {
        Partial *files;
        RangesFile *ranges_files;
};

int partial_files_new(PartialFiles **ret) {
        PartialFiles *f = calloc_checked(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        *ret = f;
        return 0;
}

static Partial *partial_free(Partial *p) {
        while (p) {
                Partial *next = p->next;

                free(p->path);
                free(p->component);
                free(p->text);
                free(p->ranges);
                free(p);
                p = next;
        }
        return NULL;
}

DEFINE_CLEANUP(Partial *, partial_free)

static RangesFile *ranges_file_free(RangesFile *r) {
        if (!r)
                return NULL;
        free(r->path);
        free(r->bytes);
        free(r);
        return NULL;
}

DEFINE_CLEANUP(RangesFile *, ranges_file_free)

PartialFiles *partial_files_free(PartialFiles *f) {
        Partial *p, *p_next;
        RangesFile *r, *r_next;

        if (!f)
                return NULL;
        HASH_ITER(hh, f->files, p, p_next) {
                HASH_DEL(f->files, p);
                partial_free(p);
        }
        HASH_ITER(hh, f->ranges_files, r, r_next) {
                HASH_DEL(f->ranges_files, r);
                ranges_file_free(r);
        }
        free(f);
        return NULL;
}

int partial_files_add(PartialFiles *f, const char *path, const char *ranges, const char *component) {
        _cleanup_(partial_freep) Partial *p = calloc_checked(1, sizeof(*p));
        Partial *first;

        if (!p || strdup_to(path, &p->path) < 0 || strdup_to(component, &p->component) < 0 || strdup_to(ranges, &p->text) < 0)
                return -ENOMEM;

        HASH_FIND_STR(f->files, path, first);
        if (first) {
                p->next = first->next;
                first->next = TAKE_PTR(p);
                return 0;
        }
        HASH_ADD_KEYPTR(hh, f->files, p->path, strlen(p->path), p);
        TAKE_PTR(p);
        return 0;
}

/* Ranges files */

static int read_ranges_file(const char *path, RangesFile **ret) {
        _cleanup_(ranges_file_freep) RangesFile *r = calloc_checked(1, sizeof(*r));
        _cleanup_(closep) int fd = -EBADF;
        ssize_t n;

        if (!r || strdup_to(path, &r->path) < 0)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &r->st) < 0)
                return -errno;
        if (!S_ISREG(r->st.st_mode) || r->st.st_size < 0 || (uint64_t) r->st.st_size > RANGES_FILE_MAX)
                return -EINVAL;

        r->bytes = calloc_checked((size_t) r->st.st_size + 1, 1);
        if (!r->bytes)
                return -ENOMEM;
        n = fd_read_full(fd, r->bytes, (size_t) r->st.st_size);
        if (n < 0)
                return (int) n;
        r->size = (size_t) n;
        *ret = TAKE_PTR(r);
        return 0;
}

static int load_ranges_file(PartialFiles *f, const char *said, ByteRange **ret, size_t *ret_n) {
        _cleanup_(ranges_file_freep) RangesFile *r = NULL;
        _cleanup_(freep) char *path = NULL;
        RangesFile *known;
        int k;

        k = file_set_normalise(said, &path);
        if (k < 0)
                return k;
        HASH_FIND_STR(f->ranges_files, path, known);
        if (known)
                return ranges_parse_file(known->bytes, known->size, ret, ret_n);

        k = read_ranges_file(path, &r);
        if (!r)
                return k;
        k = ranges_parse_file(r->bytes, r->size, ret, ret_n);
        if (k < 0)
                return k;
        HASH_ADD_KEYPTR(hh, f->ranges_files, r->path, strlen(r->path), r);
        TAKE_PTR(r);
        return 0;
}

static int load_one(PartialFiles *f, Partial *first, const Partial *p) {
        _cleanup_(freep) ByteRange *ranges = NULL;
        const char *file = NULL;
        ByteRange *all;
        size_t n = 0;
        int r;

        r = ranges_are_in_file(p->text, &file) ? load_ranges_file(f, file, &ranges, &n) : ranges_parse(p->text, &ranges, &n);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                fprintf(stderr, "umbra: the ranges of '%s' that component '%s' names cannot be read (%s); the file is saved whole\n",
                        p->path, p->component, file ? file : p->text);
                first->whole = true;
                return 0;
        }
        all = realloc_checked(first->ranges, first->n_ranges + n + 1, sizeof(*all));
        if (!all)
                return -ENOMEM;
        first->ranges = all;
        if (n > 0)
                memcpy(all + first->n_ranges, ranges, n * sizeof(*all));
        first->n_ranges += n;
        return 0;
}

int partial_files_load(PartialFiles *f) {
        for (Partial *first = f->files; first; first = first->hh.next)
                for (const Partial *p = first; p; p = p->next) {
                        int r = load_one(f, first, p);

                        if (r < 0)
                                return r;
                }
        return 0;
}

bool partial_files_find(PartialFiles *f, const char *path, const ByteRange **ret, size_t *ret_n) {
        Partial *p;

        HASH_FIND_STR(f->files, path, p);
        if (!p)
                return false;
        p->found = true;
        *ret = p->whole ? NULL : p->ranges;
        *ret_n = p->whole ? 0 : p->n_ranges;
        return true;
}

void partial_files_complain(PartialFiles *f, const char *path) {
        Partial *p;

        HASH_FIND_STR(f->files, path, p);
        if (p && !p->complained)
                fprintf(stderr, "umbra: component '%s' names '%s' as a differenced and as a partial file; it is taken as a differenced one\n",
                        p->component, path);
        if (p)
                p->complained = true;
}

int partial_files_for_each_missing(const PartialFiles *f, int (*each)(const char *path, void *userdata), void *userdata) {
        int r = 0;

        for (const Partial *p = f->files; p && r == 0; p = p->hh.next)
                if (!p->found)
                        r = each(p->path, userdata);
        return r;
}

int partial_files_for_each_ranges_file(const PartialFiles *f,
                                       int (*each)(const char *path, const struct stat *st, const char *bytes, size_t size, void *userdata),
                                       void *userdata) {
        int r = 0;

        for (const RangesFile *file = f->ranges_files; file && r == 0; file = file->hh.next)
                r = each(file->path, &file->st, file->bytes, file->size, userdata);
        return r;
}

bool partial_files_is_ranges_file(const PartialFiles *f, const char *path) {
        RangesFile *file;

        HASH_FIND_STR(f->ranges_files, path, file);
        return file;
}
