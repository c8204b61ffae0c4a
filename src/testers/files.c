/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files on Disk
 */

#include "testers/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/fd-util.h"

#define CHUNK ((size_t) 256 * 1024)

/* Names */

/* What '?' stands for: one character, or one byte of a name that is not UTF-8. */
static size_t character_size(const char *s) {
        size_t n = 1;

        if ((unsigned char) *s >= 0xC2)
                while (n < 4 && ((unsigned char) s[n] & 0xC0) == 0x80)
                        ++n;
        return n;
}

bool name_matches(const char *pattern, const char *name) {
        const char *star = NULL, *resume = NULL;

        if (strcmp(pattern, "*.*") == 0) /* every name, with or without a dot */
                return true;

        while (*name)
                if (*pattern == '*') {
                        star = ++pattern;
                        resume = name;
                } else if (*pattern == '?') {
                        ++pattern;
                        name += character_size(name);
                } else if (*pattern == *name) {
                        ++pattern;
                        ++name;
                } else if (star) { /* the last '*' takes one character more */
                        pattern = star;
                        name = resume += character_size(resume);
                } else
                        return false;
        return pattern[strspn(pattern, "*")] == '\0';
}

char *path_plain(const char *path) {
        char *plain = strdup(path), *out = plain;

        if (!plain)
                return NULL;
        for (const char *in = path; *in; ++in) {
                char c = *in == '\\' ? '/' : *in;

                if (c != '/' || out == plain || out[-1] != '/')
                        *out++ = c;
        }
        if (out > plain + 1 && out[-1] == '/')
                --out;
        *out = '\0';
        return plain;
}

char *path_join(const char *directory, const char *relative) {
        char *joined;

        if (format_to(&joined, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, relative) < 0)
                return NULL;
        return joined;
}

bool path_is_of_set(const char *path,
                    const char *directory,
                    const char *pattern,
                    bool recursive,
                    const char **ret_relative) {
        size_t n = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
        const char *relative = path + n + 1, *name;

        if (strncmp(path, directory, n) != 0 || path[n] != '/')
                return false;
        name = strrchr(relative, '/');
        if (name && !recursive)
                return false;
        if (!name_matches(pattern, name ? name + 1 : relative))
                return false;

        if (ret_relative)
                *ret_relative = relative;
        return true;
}

/* Walking */

typedef struct Walk {
        const char *pattern;
        bool recursive;
        FileFunc func;
        void *userdata;
} Walk;

static int walk_directory(const Walk *w, int fd, const char *relative, unsigned depth);

static int walk_entry(const Walk *w, int dir_fd, const char *relative, const char *name, unsigned depth) {
        _cleanup_(freep) char *path = NULL;
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (format_to(&path, "%s%s%s", relative, *relative ? "/" : "", name) < 0)
                return -ENOMEM;

        if (S_ISREG(st.st_mode) && name_matches(w->pattern, name))
                return w->func(&(FoundFile){ .dir_fd = dir_fd, .name = name, .relative = path, .st = &st },
                               w->userdata);
        if (S_ISDIR(st.st_mode) && w->recursive) {
                int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                if (fd < 0)
                        return errno == ENOENT ? 0 : -errno;
                return walk_directory(w, fd, path, depth + 1);
        }
        return 0;
}

/* Takes @fd over. */
static int walk_directory(const Walk *w, int fd, const char *relative, unsigned depth) {
        struct dirent *entry;
        DIR *dir;
        int r = 0;

        dir = depth < FILES_DEPTH_MAX ? fdopendir(fd) : NULL;
        if (!dir) {
                r = depth < FILES_DEPTH_MAX ? -errno : -ELOOP;
                fd_close(fd);
                return r;
        }
        while (r >= 0 && (errno = 0, entry = readdir(dir)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        r = walk_entry(w, dirfd(dir), relative, entry->d_name, depth);
        if (r >= 0 && errno != 0)
                r = -errno;
        (void) closedir(dir);
        return r < 0 ? r : 0;
}

int files_foreach(const char *directory,
                  const char *pattern,
                  bool recursive,
                  FileFunc func,
                  void *userdata) {
        const Walk w = { .pattern = pattern, .recursive = recursive, .func = func, .userdata = userdata };
        int fd;

        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        return walk_directory(&w, fd, "", 0);
}

/* Content */

static ssize_t read_some(int fd, void *buffer, size_t size, uint64_t offset) {
        ssize_t n;

        do
                n = pread(fd, buffer, size, (off_t) offset);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

typedef int (*ChunkFunc)(const void *data, size_t size, uint64_t offset, void *userdata);

static int read_range(int fd, const Range *range, ChunkFunc func, void *userdata) {
        _cleanup_(freep) char *buffer = malloc(CHUNK);
        uint64_t offset = range->offset, left = range->length;
        int r;

        if (!buffer)
                return -ENOMEM;
        while (left > 0) {
                ssize_t n = read_some(fd, buffer, (size_t) MIN((uint64_t) CHUNK, left), offset);

                if (n <= 0)
                        return (int) n;
                r = func(buffer, (size_t) n, offset, userdata);
                if (r < 0)
                        return r;
                offset += (uint64_t) n;
                left -= (uint64_t) n;
        }
        return 0;
}

static int read_ranges(int fd, const Range *ranges, size_t n, ChunkFunc func, void *userdata) {
        static const Range everything = { 0, UINT64_MAX };
        int r = 0;

        if (!ranges)
                return read_range(fd, &everything, func, userdata);
        for (size_t i = 0; i < n && r >= 0; ++i)
                r = read_range(fd, &ranges[i], func, userdata);
        return r;
}

static int open_regular(int dir_fd, const char *path, struct stat *ret_st) {
        int fd;

        fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        if (fstat(fd, ret_st) < 0 || !S_ISREG(ret_st->st_mode)) {
                fd_close(fd);
                return -ENOENT;
        }
        return fd;
}

typedef struct Digesting {
        XXH3_state_t *hash;
        uint64_t size;
} Digesting;

static int digest_chunk(const void *data, size_t size, uint64_t offset, void *userdata) {
        Digesting *d = userdata;

        d->size += size;
        return XXH3_128bits_update(d->hash, data, size) == XXH_OK ? 0 : -EIO;
}

int file_digest(int dir_fd, const char *path, const Range *ranges, size_t n_ranges, FileDigest *ret) {
        _cleanup_(closep) int fd = -EBADF;
        Digesting d = { 0 };
        struct stat st;
        int r;

        fd = open_regular(dir_fd, path, &st);
        if (fd < 0)
                return fd;
        d.hash = XXH3_createState();
        if (!d.hash)
                return -ENOMEM;
        (void) XXH3_128bits_reset(d.hash);
        r = read_ranges(fd, ranges, n_ranges, digest_chunk, &d);
        if (r >= 0) {
                XXH128_hash_t hash = XXH3_128bits_digest(d.hash);

                *ret = (FileDigest){ .size = d.size, .low = hash.low64, .high = hash.high64 };
        }
        (void) XXH3_freeState(d.hash);
        return r;
}

bool file_digest_equal(const FileDigest *a, const FileDigest *b) {
        return a->size == b->size && a->low == b->low && a->high == b->high;
}

static int write_chunk(const void *data, size_t size, uint64_t offset, void *userdata) {
        const int *fd = userdata;
        const char *p = data;

        while (size > 0) {
                ssize_t n = pwrite(*fd, p, size, (off_t) offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                p += n;
                offset += (uint64_t) n;
                size -= (size_t) n;
        }
        return 0;
}

static int make_parents(const char *path) {
        _cleanup_(freep) char *parent = strdup(path);
        char *slash;

        if (!parent)
                return -ENOMEM;
        slash = strrchr(parent, '/');
        if (!slash || slash == parent)
                return 0;
        *slash = '\0';
        return mkdir_p(parent, 0755);
}

int file_copy(int from_dir_fd, const char *from, const char *to, const Range *ranges, size_t n_ranges) {
        _cleanup_(closep) int in = -EBADF, out = -EBADF;
        struct stat st;
        int r;

        in = open_regular(from_dir_fd, from, &st);
        if (in < 0)
                return in;
        r = make_parents(to);
        if (r < 0)
                return r;
        out = open(to, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (ranges ? 0 : O_TRUNC),
                   st.st_mode & 07777);
        if (out < 0)
                return -errno;
        r = read_ranges(in, ranges, n_ranges, write_chunk, &out);
        if (r < 0)
                return r;
        if (fchmod(out, st.st_mode & 07777) < 0 ||
            futimens(out, (const struct timespec[]){ st.st_atim, st.st_mtim }) < 0)
                return -errno;
        return 0;
}

/* Two lists of ranges, walked over together. */
static int copy_range_by_range(int in,
                               const Range *from,
                               size_t n_from,
                               int out,
                               const Range *to,
                               size_t n_to) {
        _cleanup_(freep) char *buffer = malloc(CHUNK);
        uint64_t from_done = 0, to_done = 0;
        size_t i = 0, k = 0;

        if (!buffer)
                return -ENOMEM;
        while (i < n_from && k < n_to) {
                uint64_t left = MIN(from[i].length - from_done, to[k].length - to_done);
                ssize_t n = left == 0 ? 0 :
                                        read_some(in, buffer, (size_t) MIN(left, (uint64_t) CHUNK),
                                                  from[i].offset + from_done);
                int r;

                if (n < 0)
                        return (int) n;
                if (n == 0 && left > 0)
                        return -ENODATA; /* the file is shorter than that */
                r = write_chunk(buffer, (size_t) n, to[k].offset + to_done, &out);
                if (r < 0)
                        return r;
                from_done += (uint64_t) n;
                to_done += (uint64_t) n;
                if (from_done == from[i].length) {
                        ++i;
                        from_done = 0;
                }
                if (to_done == to[k].length) {
                        ++k;
                        to_done = 0;
                }
        }
        return 0;
}

int file_copy_ranges(const char *from, const char *from_ranges, const char *to, const char *to_ranges) {
        _cleanup_(freep) Range *source = NULL, *target = NULL;
        _cleanup_(closep) int in = -EBADF, out = -EBADF;
        size_t n_source, n_target;
        struct stat st;
        int r;

        r = ranges_parse(from_ranges, &source, &n_source);
        if (r >= 0)
                r = ranges_parse(to_ranges, &target, &n_target);
        if (r < 0)
                return r;
        in = open_regular(AT_FDCWD, from, &st);
        if (in < 0)
                return in;
        r = make_parents(to);
        if (r < 0)
                return r;
        out = open(to, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, st.st_mode & 07777);
        if (out < 0)
                return -errno;
        return copy_range_by_range(in, source, n_source, out, target, n_target);
}
