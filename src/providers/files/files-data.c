/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Is in a File
 *
 * Files grow, shrink and vanish while they are read. What matters is that a file which changed meanwhile is
 * recognised as changed later; so a file is copied up to the size that was written down for it, and no error
 * is made of less.
 */

#include "providers/files/files-data.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"

#define BUFFER_SIZE ((size_t) 256 * 1024) /* small enough not to get in the way of others who read */
#define RANGE_SIZE ((size_t) 16 * 1024 * 1024)
#define STAT_BLOCK 512U

int files_copy_init(FilesCopy *copy) {
        copy->buffer = calloc_checked(BUFFER_SIZE, 1);
        return copy->buffer ? 0 : -ENOMEM;
}

void files_copy_done(FilesCopy *copy) {
        free(copy->buffer);
        copy->buffer = NULL;
}

static bool means_cannot_share(int error) {
        switch (error) {
        case EOPNOTSUPP:
        case ENOTTY:
        case EXDEV:
        case EINVAL:
        case ETXTBSY: /* a swap file */
        case EPERM:
                return true;
        default:
                return false;
        }
}

int files_clone(int from_fd, int to_fd) {
        int flags, to_flags;

        if (ioctl(to_fd, FICLONE, from_fd) == 0)
                return 0;

        /* btrfs shares extents only between files that are both with checksums, or both without. */
        if (errno == EINVAL && ioctl(from_fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_NOCOW_FL) &&
            ioctl(to_fd, FS_IOC_GETFLAGS, &to_flags) == 0 && !(to_flags & FS_NOCOW_FL)) {
                to_flags |= FS_NOCOW_FL;
                if (ioctl(to_fd, FS_IOC_SETFLAGS, &to_flags) == 0 && ioctl(to_fd, FICLONE, from_fd) == 0)
                        return 0;
                errno = EINVAL;
        }

        return means_cannot_share(errno) ? -EOPNOTSUPP : -errno;
}

/* Copies by reading and writing. Returns where it ended: before @end if the file did. */
static int64_t copy_by_hand(FilesCopy *copy, int from_fd, int to_fd, uint64_t offset, uint64_t end) {
        while (offset < end) {
                ssize_t n, done = 0;

                n = pread(from_fd, copy->buffer, (size_t) MIN(end - offset, BUFFER_SIZE), (off_t) offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;

                while (done < n) {
                        ssize_t w = pwrite(to_fd, copy->buffer + done, (size_t) (n - done),
                                           (off_t) offset + done);

                        if (w < 0 && errno == EINTR)
                                continue;
                        if (w <= 0)
                                return w < 0 ? -errno : -EIO;
                        done += w;
                }

                offset += (uint64_t) n;
        }

        return (int64_t) offset;
}

/* The same by the kernel, which may know a shorter way, as far as it will. */
static int64_t copy_by_kernel(FilesCopy *copy, int from_fd, int to_fd, uint64_t offset, uint64_t end) {
        while (!copy->no_range && offset < end) {
                off_t in = (off_t) offset, out = in;
                ssize_t n;

                n = copy_file_range(from_fd, &in, to_fd, &out, (size_t) MIN(end - offset, RANGE_SIZE), 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == ENOMEM))
                        return -errno;
                if (n < 0)
                        copy->no_range = true;
                if (n <= 0)
                        break;

                offset += (uint64_t) n;
        }

        return (int64_t) offset;
}

static int64_t copy_range(FilesCopy *copy, int from_fd, int to_fd, uint64_t offset, uint64_t end) {
        int64_t reached;

        reached = copy_by_kernel(copy, from_fd, to_fd, offset, end);
        if (reached < 0)
                return reached;

        return copy_by_hand(copy, from_fd, to_fd, (uint64_t) reached, end);
}

/* The next stretch of data at or after @offset; the end of the file if there is none. */
static int find_data(int fd, uint64_t offset, uint64_t size, uint64_t *ret_data, uint64_t *ret_end) {
        off_t data, hole;

        data = lseek(fd, (off_t) offset, SEEK_DATA);
        if (data < 0 && errno == ENXIO) {
                *ret_data = *ret_end = size;
                return 0;
        }
        if (data < 0 && errno != EINVAL && errno != EOPNOTSUPP)
                return -errno;

        hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
        *ret_data = data < 0 ? offset : MIN((uint64_t) data, size);
        *ret_end = hole < 0 ? size : MIN((uint64_t) hole, size);
        return 0;
}

static int copy_stretches(FilesCopy *copy, int from_fd, int to_fd, const struct statx *stx) {
        uint64_t size = stx->stx_size;
        bool has_holes = stx->stx_blocks * STAT_BLOCK < size;

        for (uint64_t offset = 0; offset < size;) {
                uint64_t data = offset, end = size;
                int64_t reached;
                int r;

                if (has_holes) {
                        r = find_data(from_fd, offset, size, &data, &end);
                        if (r < 0)
                                return r;
                }

                reached = copy_range(copy, from_fd, to_fd, data, end);
                if (reached < 0)
                        return (int) reached;
                if ((uint64_t) reached < end) /* it has become shorter */
                        break;

                offset = end;
        }

        /* Ends with a hole, perhaps. */
        return ftruncate(to_fd, (off_t) size) < 0 ? -errno : 0;
}

int files_copy_data(FilesCopy *copy, int from_fd, int to_fd, const struct statx *stx, bool *ret_cloned) {
        int r = -EOPNOTSUPP;

        ++copy->work->files;
        copy->work->bytes += stx->stx_size;

        if (copy->clone && stx->stx_size > 0)
                r = files_clone(from_fd, to_fd);
        if (r == 0)
                ++copy->work->cloned;
        else if (r == -EOPNOTSUPP) {
                *ret_cloned = false;
                return copy_stretches(copy, from_fd, to_fd, stx);
        }

        *ret_cloned = r == 0;
        return r;
}
