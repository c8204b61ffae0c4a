/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Measuring Copies
 *
 * As du(1) does. A file with several names counts with a part for each of them: in a copy they are all
 * there, so the parts make a whole. What a clone shares with its origin costs nothing until the origin
 * changes; which extents these are, FIEMAP knows.
 */

#include "provider/provider-measure.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"

#define EXTENTS_AT_ONCE 128U
#define STAT_BLOCK_SIZE 512U /* of st_blocks */

/* How many bytes of the file it shares with others; 0 where the file system does not tell. */
static int shared_bytes(const char *path, uint64_t *ret) {
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(freep) struct fiemap *map = NULL;
        uint64_t shared = 0;
        bool last = false;

        fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;

        map = calloc_checked(1, sizeof(*map) + EXTENTS_AT_ONCE * sizeof(struct fiemap_extent));
        if (!map)
                return -ENOMEM;

        for (uint64_t start = 0; !last;) {
                *map = (struct fiemap){
                        .fm_start = start,
                        .fm_length = FIEMAP_MAX_OFFSET - start,
                        .fm_extent_count = EXTENTS_AT_ONCE,
                };
                if (ioctl(fd, FS_IOC_FIEMAP, map) < 0 || map->fm_mapped_extents == 0)
                        break;

                for (unsigned i = 0; i < map->fm_mapped_extents; ++i) {
                        const struct fiemap_extent *e = map->fm_extents + i;

                        if (e->fe_flags & FIEMAP_EXTENT_SHARED)
                                shared += e->fe_length;
                        last |= e->fe_flags & FIEMAP_EXTENT_LAST;
                        start = e->fe_logical + e->fe_length;
                }
        }

        *ret = shared;
        return 0;
}

static int measure_one(const FTSENT *entry, ProviderMeasure what, uint64_t *bytes) {
        const struct stat *st = entry->fts_statp;
        uint64_t size = (uint64_t) st->st_blocks * STAT_BLOCK_SIZE, shared = 0;
        int r;

        if (what == PROVIDER_MEASURE_EXCLUSIVE && S_ISREG(st->st_mode) && size > 0) {
                r = shared_bytes(entry->fts_accpath, &shared);
                if (r < 0)
                        return r;
                size -= MIN(size, shared);
        }

        *bytes += S_ISDIR(st->st_mode) ? size : size / MAX(st->st_nlink, 1U);
        return 0;
}

static void fts_closep(FTS **fts) {
        if (*fts)
                (void) fts_close(*fts);
}

int provider_measure(const char *path, ProviderMeasure what, uint64_t *bytes) {
        char *const paths[] = { (char *) (uintptr_t) path, NULL };
        _cleanup_(fts_closep) FTS *fts = NULL;
        FTSENT *entry;
        int r;

        fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
        if (!fts)
                return -errno;

        while (errno = 0, (entry = fts_read(fts))) {
                switch (entry->fts_info) {
                case FTS_DP:
                        continue;
                case FTS_DNR:
                case FTS_ERR:
                case FTS_NS:
                        if (entry->fts_errno == ENOENT) /* it is being deleted while we look */
                                continue;
                        return -entry->fts_errno;
                default:
                        r = measure_one(entry, what, bytes);
                        if (r < 0)
                                return r;
                }
        }

        return -errno;
}
