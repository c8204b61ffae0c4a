/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Contents of One File
 *
 * On one file system two files have the same contents wherever they have the same extents, and what differs
 * is cloned. That reads nothing and writes nothing but extents. Where extents tell nothing (they are
 * compressed, or packed with others, or lie on another file system) contents are read and compared.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "providers/files/files-data.h"
#include "providers/revert/revert-internal.h"

#define EXTENTS_AT_ONCE 256U
#define GAP_MAX UINT64_C(16384)           /* as much that is the same is cloned along with what differs */
#define CLONE_MAX (UINT64_C(256) << 20)   /* at once, so that progress is seen */
#define ALIGNMENT UINT64_C(65536)         /* at least a block of any file system */
#define BUFFER_SIZE ((size_t) 256 * 1024)
#define PIECE_SIZE ((size_t) 4096)        /* what differs in it is written as a whole */
#define OPAQUE_FLAGS                                                                                          \
        (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE | \
         FIEMAP_EXTENT_DATA_TAIL)

typedef enum PieceKind {
        PIECE_ZERO,   /* a hole, or reserved only */
        PIECE_DATA,
        PIECE_ENCODED, /* compressed, say: where it is does not tell which part of it this is */
        PIECE_OPAQUE,  /* data that has no place of its own */
} PieceKind;

static PieceKind kind_of(unsigned flags) {
        if (flags & OPAQUE_FLAGS)
                return PIECE_OPAQUE;
        if (flags & FIEMAP_EXTENT_ENCODED)
                return PIECE_ENCODED;
        return flags & FIEMAP_EXTENT_UNWRITTEN ? PIECE_ZERO : PIECE_DATA;
}

/* Part of a file. */
typedef struct Piece {
        PieceKind kind;
        uint64_t end;
        uint64_t physical; /* PIECE_DATA */
} Piece;

/* The extents of a file, from front to back. */
typedef struct Extents {
        int fd;
        struct fiemap *map;
        unsigned next;
        bool last, begun;
} Extents;

static void extents_done(Extents *x) {
        free(x->map);
}

static int extents_read(Extents *x, uint64_t offset) {
        if (!x->map)
                x->map = calloc_checked(1, sizeof(*x->map) + EXTENTS_AT_ONCE * sizeof(struct fiemap_extent));
        if (!x->map)
                return -ENOMEM;

        *x->map = (struct fiemap){
                .fm_start = offset,
                .fm_length = FIEMAP_MAX_OFFSET - offset,
                .fm_flags = x->begun ? 0 : FIEMAP_FLAG_SYNC,
                .fm_extent_count = EXTENTS_AT_ONCE,
        };
        if (ioctl(x->fd, FS_IOC_FIEMAP, x->map) < 0)
                return -errno;

        x->begun = true;
        x->next = 0;
        x->last = x->map->fm_mapped_extents == 0 ||
                  (x->map->fm_extents[x->map->fm_mapped_extents - 1].fe_flags & FIEMAP_EXTENT_LAST);
        return 0;
}

/* What the file has at @offset, which never goes back. */
static int extents_at(Extents *x, uint64_t offset, Piece *ret) {
        for (;;) {
                const struct fiemap_extent *e;
                int r;

                while (x->map && x->next < x->map->fm_mapped_extents &&
                       x->map->fm_extents[x->next].fe_logical + x->map->fm_extents[x->next].fe_length <= offset)
                        ++x->next;
                if (!x->map || (x->next == x->map->fm_mapped_extents && !x->last)) {
                        r = extents_read(x, offset);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (x->next == x->map->fm_mapped_extents) {
                        *ret = (Piece){ .kind = PIECE_ZERO, .end = UINT64_MAX };
                        return 0;
                }

                e = &x->map->fm_extents[x->next];
                if (e->fe_logical > offset)
                        *ret = (Piece){ .kind = PIECE_ZERO, .end = e->fe_logical };
                else
                        *ret = (Piece){
                                .kind = kind_of(e->fe_flags),
                                .end = e->fe_logical + e->fe_length,
                                .physical = e->fe_physical + (offset - e->fe_logical),
                        };
                return 0;
        }
}

static int make_buffers(Revert *r) {
        for (size_t i = 0; i < ELEMENTSOF(r->buffers); ++i) {
                if (!r->buffers[i])
                        r->buffers[i] = calloc_checked(BUFFER_SIZE, 1);
                if (!r->buffers[i])
                        return -ENOMEM;
        }
        return 0;
}

/* As much as there is: less than @size at the end of the file only. */
static ssize_t read_at(int fd, char *buffer, size_t size, uint64_t offset) {
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(fd, buffer + done, size - done, (off_t) (offset + done));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t) n;
        }
        return (ssize_t) done;
}

static int write_at(RevertData *d, const char *buffer, size_t size, uint64_t offset) {
        int fd = d->write(d->userdata);

        if (fd < 0)
                return fd;
        d->changed = true;
        d->revert->work.copied += size;
        while (size > 0) {
                ssize_t n = pwrite(fd, buffer, size, (off_t) offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                buffer += n;
                size -= (size_t) n;
                offset += (uint64_t) n;
        }
        return 0;
}

/* Writes what differs of @n bytes at @offset, in the buffers. */
static int write_difference(RevertData *d, size_t n, size_t n_target, uint64_t offset) {
        const char *source = d->revert->buffers[0], *target = d->revert->buffers[1];
        size_t begin = 0, end = 0;

        for (size_t at = 0; at < n; at += PIECE_SIZE) {
                size_t size = MIN(PIECE_SIZE, n - at);
                int r;

                if (at + size > n_target || memcmp(source + at, target + at, size) != 0) {
                        begin = end > begin ? begin : at;
                        end = at + size;
                        continue;
                }
                r = end > begin ? write_at(d, source + begin, end - begin, offset + begin) : 0;
                if (r < 0)
                        return r;
                begin = end = 0;
        }

        return end > begin ? write_at(d, source + begin, end - begin, offset + begin) : 0;
}

static int copy_data(RevertData *d, uint64_t offset, uint64_t end) {
        while (offset < end) {
                size_t size = (size_t) MIN(end - offset, BUFFER_SIZE);
                ssize_t n, n_target = 0;
                int r;

                n = read_at(d->source_fd, d->revert->buffers[0], size, offset);
                if (n >= 0 && !d->is_new)
                        n_target = read_at(d->target_fd, d->revert->buffers[1], size, offset);
                if (n < 0 || n_target < 0)
                        return (int) (n < 0 ? n : n_target);
                if (n == 0)
                        return -EIO; /* nobody changes the source */

                r = write_difference(d, (size_t) n, (size_t) n_target, offset);
                if (r < 0)
                        return r;
                offset += (uint64_t) n;
                d->tell(offset, d->userdata);
        }
        return 0;
}

static int write_zeros(RevertData *d, uint64_t offset, uint64_t end) {
        memset(d->revert->buffers[0], 0, BUFFER_SIZE);
        while (offset < end) {
                size_t size = (size_t) MIN(end - offset, BUFFER_SIZE);
                int r = write_at(d, d->revert->buffers[0], size, offset);

                if (r < 0)
                        return r;
                offset += size;
        }
        return 0;
}

static int punch(RevertData *d, uint64_t offset, uint64_t end) {
        int fd = d->write(d->userdata);

        if (fd < 0)
                return fd;
        d->changed = true;
        if (end >= d->source_size) /* the last block as a whole */
                end = (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t) offset, (off_t) (end - offset)) == 0)
                return 0;
        return errno == EOPNOTSUPP || errno == EINVAL ? write_zeros(d, offset, MIN(end, d->source_size)) : -errno;
}

/* The next data at or after @offset, and where it ends; @end when there is none before. */
static int find_data(int fd, uint64_t offset, uint64_t end, uint64_t *ret_data, uint64_t *ret_end) {
        off_t data, hole = -1;

        data = lseek(fd, (off_t) offset, SEEK_DATA);
        if (data < 0 && errno == ENXIO) {
                *ret_data = *ret_end = end;
                return 0;
        }
        if (data < 0 && errno != EINVAL && errno != EOPNOTSUPP)
                return -errno;
        if (data >= 0)
                hole = lseek(fd, data, SEEK_HOLE);

        *ret_data = data < 0 ? offset : MIN((uint64_t) data, end);
        *ret_end = hole < 0 ? end : MIN((uint64_t) hole, end);
        return 0;
}

/* What the target has where the source has a hole. */
static int copy_hole(RevertData *d, uint64_t offset, uint64_t end) {
        while (offset < MIN(end, d->target_size) && !d->is_new) {
                uint64_t data, data_end;
                int r;

                r = find_data(d->target_fd, offset, end, &data, &data_end);
                if (r >= 0 && data < data_end && data_end >= d->target_size) /* the last block as a whole */
                        data_end = MIN((data_end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, end);
                if (r >= 0 && data < data_end)
                        r = punch(d, data, data_end);
                if (r < 0)
                        return r;
                offset = data_end;
        }
        return 0;
}

static int copy_range(RevertData *d, uint64_t offset, uint64_t end) {
        int r;

        r = make_buffers(d->revert);
        while (r >= 0 && offset < end) {
                uint64_t data, data_end;

                r = find_data(d->source_fd, offset, end, &data, &data_end);
                if (r >= 0 && offset < data)
                        r = copy_hole(d, offset, data);
                if (r >= 0 && data < data_end)
                        r = copy_data(d, data, data_end);
                offset = data_end;
        }
        return r;
}

static bool means_cannot_share(int error) {
        return error == EOPNOTSUPP || error == ENOTTY || error == EXDEV || error == EINVAL || error == EPERM;
}

static int clone_range(RevertData *d, uint64_t offset, uint64_t end) {
        while (offset < end && !d->revert->no_clone) {
                struct file_clone_range range = {
                        .src_fd = d->source_fd,
                        .src_offset = offset,
                        .src_length = MIN(end - offset, CLONE_MAX),
                        .dest_offset = offset,
                };
                int fd = d->write(d->userdata);

                if (fd < 0)
                        return fd;
                if (ioctl(fd, FICLONERANGE, &range) < 0) {
                        if (!means_cannot_share(errno))
                                return -errno;
                        d->revert->no_clone = errno != EINVAL && errno != EPERM; /* these are about the file */
                        break;
                }

                d->changed = true;
                d->revert->work.cloned += range.src_length;
                offset += range.src_length;
                d->tell(offset, d->userdata);
        }

        return offset < end ? copy_range(d, offset, end) : 0;
}

static bool is_same(const Piece *a, const Piece *b) {
        if (a->kind != b->kind)
                return false;
        return a->kind == PIECE_ZERO || (a->kind == PIECE_DATA && a->physical == b->physical);
}

/* Where one file ends and the other does not, the last block tells nothing. */
static uint64_t comparable(const RevertData *d) {
        if (d->source_size == d->target_size)
                return d->source_size;
        return MIN(d->source_size, d->target_size) / ALIGNMENT * ALIGNMENT;
}

/* -EOPNOTSUPP: extents cannot be read. */
static int clone_differences(RevertData *d) {
        _cleanup_(extents_done) Extents source = { .fd = d->source_fd }, target = { .fd = d->target_fd };
        uint64_t begin = 0, end = 0, limit = comparable(d);
        int r;

        for (uint64_t offset = 0; offset < d->source_size;) {
                Piece a, b;
                uint64_t next;

                r = extents_at(&source, offset, &a);
                if (r >= 0)
                        r = extents_at(&target, offset, &b);
                if (r < 0)
                        return r == -ENOTTY || r == -EBADR ? -EOPNOTSUPP : r;

                next = MIN(a.end, b.end);
                if (offset < limit)
                        next = MIN(next, limit);
                next = MIN(next, d->source_size);
                if (a.kind == PIECE_OPAQUE || b.kind == PIECE_OPAQUE) {
                        r = copy_range(d, offset, next);
                        if (r < 0)
                                return r;
                } else if (offset >= limit || !is_same(&a, &b)) {
                        if (end > begin && offset - end > GAP_MAX) {
                                r = clone_range(d, begin, end);
                                if (r < 0)
                                        return r;
                                begin = end = offset;
                        }
                        if (end == begin)
                                begin = offset;
                        end = next;
                }
                offset = next;
        }

        return end > begin ? clone_range(d, begin, end) : 0;
}

static int set_size(RevertData *d) {
        int fd = d->write(d->userdata);

        if (fd < 0)
                return fd;
        d->changed = true;
        return ftruncate(fd, (off_t) d->source_size) < 0 ? -errno : 0;
}

static int compare(RevertData *d) {
        int r = -EOPNOTSUPP;

        if (d->is_new && d->revert->same_fs && d->source_size > 0) {
                r = files_clone(d->source_fd, d->target_fd);
                if (r >= 0)
                        d->revert->work.cloned += d->source_size;
        } else if (d->revert->same_fs && !d->revert->no_clone)
                r = clone_differences(d);

        return r == -EOPNOTSUPP ? copy_range(d, 0, d->source_size) : r;
}

/* One that is set though it is right already costs the last block, which would no longer be shared. */
static bool has_size(const RevertData *d) {
        struct stat st;

        return fstat(d->target_fd, &st) == 0 && (uint64_t) st.st_size == d->source_size;
}

int revert_data(RevertData *d) {
        int r = 0;

        if (d->target_size > d->source_size)
                r = set_size(d);
        if (r >= 0)
                r = compare(d);
        if (r >= 0 && !has_size(d))
                r = set_size(d);
        return r;
}
