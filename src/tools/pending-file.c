/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A File on its Way to its Name
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "tools/pending-file.h"
#include "tools/set-entry.h"

#define PENDING_PREFIX ".umbra-restore-"

/* The disk begins early with what it will be waited for. */
#define WRITEBACK_STEP ((uint64_t) 8 * 1024 * 1024)
#define COPY_STEP ((off_t) 64 * 1024 * 1024) /* between looks at ^C */

void pending_file_clear(PendingFile *p) {
        if (p->temporary)
                (void) unlinkat(p->parent_fd, p->temporary, 0);

        (void) fd_close(p->fd);
        (void) fd_close(p->parent_fd);
        free(p->temporary);
        free(p->name);
        free(p->path);
}

int pending_file_name(PendingFile *p) {
        int r;

        r = format_to(&p->temporary, PENDING_PREFIX "%016" PRIx64, (uint64_t) XXH3_64bits(p->name, strlen(p->name)));
        if (r < 0)
                return r;

        (void) unlinkat(p->parent_fd, p->temporary, 0);
        return 0;
}

int pending_file_create(PendingFile *p) {
        p->fd = openat(p->parent_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (p->fd >= 0)
                return 0;
        if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)
                return -errno;

        if (pending_file_name(p) < 0)
                return -ENOMEM;

        p->fd = openat(p->parent_fd, p->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (p->fd < 0) {
                int error = -errno;

                free(p->temporary);
                p->temporary = NULL;
                return error;
        }

        return 0;
}

static int pwrite_all(int fd, const char *data, size_t size, uint64_t offset) {
        while (size > 0) {
                ssize_t n = pwrite(fd, data, size, (off_t) offset);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }

                data += n;
                offset += (uint64_t) n;
                size -= (size_t) n;
        }

        return 0;
}

/* Copies what is not a hole. The kernel does it, and shares the blocks where it can. */
static int copy_extent(int from, int to, off_t begin, off_t end, CopyStep step, void *userdata) {
        off_t at = begin;

        while (begin < end) {
                int r = step ? step(userdata) : 0;
                ssize_t n;

                if (r < 0)
                        return r;

                n = copy_file_range(from, &begin, to, &at, (size_t) MIN(end - begin, COPY_STEP), 0);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO; /* it has become shorter */
        }

        return 0;
}

static int copy_file(int from, int to, off_t size, CopyStep step, void *userdata) {
        off_t end = 0;
        int r;

        if (ioctl(to, FICLONE, from) == 0)
                return 0;

        while (end < size) {
                off_t begin = lseek(from, end, SEEK_DATA);

                if (begin < 0 && errno == ENXIO)
                        break; /* nothing but a hole from here on */
                if (begin < 0)
                        return -errno;

                end = lseek(from, begin, SEEK_HOLE);
                if (end < 0)
                        return -errno;

                r = copy_extent(from, to, begin, MIN(end, size), step, userdata);
                if (r < 0)
                        return r;
        }

        return ftruncate(to, size) < 0 ? -errno : 0;
}

int pending_file_copy_old(PendingFile *p, CopyStep step, void *userdata) {
        _cleanup_(closep) int old = -EBADF;
        struct stat st;

        old = openat(p->parent_fd, p->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (old < 0)
                return errno == ENOENT ? -ESTALE : -errno;
        if (fstat(old, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -ESTALE;

        p->patched = true;
        return copy_file(old, p->fd, st.st_size, step, userdata);
}

int pending_file_write(PendingFile *p, SetStream *stream, uint64_t size, int *ret_failure) {
        uint64_t offset, begun = 0, end = 0;
        const void *data;
        size_t n;
        int r;

        *ret_failure = 0;
        while ((r = set_stream_data(stream, &data, &n, &offset)) > 0) {
                if (*ret_failure < 0)
                        continue; /* reads on, to see whether the set is good */

                *ret_failure = pwrite_all(p->fd, data, n, offset);
                end = offset + n;
                if (end - begun >= WRITEBACK_STEP) {
                        (void) sync_file_range(p->fd, (off_t) begun, (off_t) (end - begun),
                                               SYNC_FILE_RANGE_WRITE);
                        begun = end;
                }
        }

        if (r == 0 && *ret_failure == 0 && (end < size || p->patched) && ftruncate(p->fd, (off_t) size) < 0)
                *ret_failure = -errno;
        return r;
}

/* Gives a nameless file a temporary name. */
static int pending_link(PendingFile *p, const char *name) {
        char path[sizeof("/proc/self/fd/") + 16];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", p->fd);
        return linkat(AT_FDCWD, path, p->parent_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

int pending_file_publish(PendingFile *p) {
        bool replaces;
        int r;

        if (!p->temporary) {
                r = pending_file_name(p);
                if (r < 0)
                        return r;

                /* Where nothing is, there is nothing to replace. */
                r = pending_link(p, p->name);
                replaces = r == -EEXIST;
                if (replaces)
                        r = pending_link(p, p->temporary);
                if (!replaces || r < 0) {
                        free(TAKE_PTR(p->temporary));
                        return r;
                }
        }

        if (renameat(p->parent_fd, p->temporary, p->parent_fd, p->name) < 0)
                return -errno;

        /* Two links to one file are left alone by rename(), both of them. Else this finds nothing. */
        (void) unlinkat(p->parent_fd, p->temporary, 0);
        free(p->temporary);
        p->temporary = NULL;
        return 0;
}

int pending_file_make_special(PendingFile *p, struct archive_entry *entry, char type, unsigned *losses) {
        int r;

        r = pending_file_name(p);
        if (r < 0)
                return r;

        if (type == 'l')
                r = symlinkat(archive_entry_symlink(entry), p->parent_fd, p->temporary);
        else
                r = mknodat(p->parent_fd, p->temporary, archive_entry_filetype(entry) | 0600,
                            archive_entry_rdev(entry));
        if (r < 0) {
                r = -errno;
                free(TAKE_PTR(p->temporary));
                return r;
        }

        return set_entry_apply_at(entry, p->parent_fd, p->temporary, losses);
}
