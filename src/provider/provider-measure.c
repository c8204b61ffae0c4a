/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Measuring Copies
 *
 * As du(1) does. A file with several names counts with a part for each of them: in a copy they are all
 * there, so the parts make a whole.
 *
 * What a clone shares costs nothing as long as somebody else has it. FIEMAP says which extents are shared, but
 * not with whom; so those of all clones are put together, each once, and what the origin still has is taken
 * off.
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
#include "base/ranges.h"

#define EXTENTS_AT_ONCE 128U
#define EXTENTS_SETTLE 65536U /* in memory, before what is there twice is looked for */
#define STAT_BLOCK_SIZE 512U /* of st_blocks */

/* Places on disk. */
typedef struct Extents {
        ByteRange *items;
        size_t n, capacity;
} Extents;

static void extents_clear(Extents *e) {
        free(e->items);
        *e = (Extents){ 0 };
}

static int extents_add(Extents *e, const struct fiemap_extent *extent) {
        int r;

        if (e->n >= EXTENTS_SETTLE && e->n == e->capacity)
                e->n = ranges_merge(e->items, e->n, UINT64_MAX); /* clones have much the same */
        r = ARRAY_RESERVE(e->items, e->capacity, e->n + 1);
        if (r < 0)
                return r;

        e->items[e->n++] = (ByteRange){ extent->fe_physical, extent->fe_length };
        return 0;
}

/* Adds the extents that the file shares with others, and how many bytes they are; nothing where the file system
 * does not tell. */
static int shared_extents(const char *path, Extents *e, uint64_t *bytes) {
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(freep) struct fiemap *map = NULL;
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
                        const struct fiemap_extent *extent = map->fm_extents + i;
                        int r;

                        if (extent->fe_flags & FIEMAP_EXTENT_SHARED) {
                                r = extents_add(e, extent);
                                if (r < 0)
                                        return r;
                                *bytes += extent->fe_length;
                        }
                        last |= extent->fe_flags & FIEMAP_EXTENT_LAST;
                        start = extent->fe_logical + extent->fe_length;
                }
        }

        return 0;
}

typedef struct Walk {
        const char *skip; /* the name of directories that are not looked into; NULL */
        Extents *shared;  /* of all files; NULL: shared or not makes no difference */
        uint64_t *bytes;  /* of what is not shared */
} Walk;

static int measure_one(const Walk *w, const FTSENT *entry) {
        const struct stat *st = entry->fts_statp;
        uint64_t size = (uint64_t) st->st_blocks * STAT_BLOCK_SIZE, shared = 0;
        int r;

        if (w->shared && S_ISREG(st->st_mode) && size > 0) {
                r = shared_extents(entry->fts_accpath, w->shared, &shared);
                if (r < 0)
                        return r;
                size -= MIN(size, shared);
        }

        *w->bytes += S_ISDIR(st->st_mode) ? size : size / MAX(st->st_nlink, 1U);
        return 0;
}

static void fts_closep(FTS **fts) {
        if (*fts)
                (void) fts_close(*fts);
}

static int walk(const Walk *w, const char *path) {
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
                case FTS_D:
                        if (w->skip && strcmp(entry->fts_name, w->skip) == 0) {
                                (void) fts_set(fts, entry, FTS_SKIP);
                                continue;
                        }
                        __attribute__((fallthrough));
                default:
                        r = measure_one(w, entry);
                        if (r < 0)
                                return r;
                }
        }

        return -errno;
}

int provider_measure(const char *path, uint64_t *bytes) {
        return walk(&(Walk){ .bytes = bytes }, path);
}

/* How much of @ours is not in @theirs; both are in order and touch nothing of themselves. */
static uint64_t sum_without(const Extents *ours, const Extents *theirs) {
        uint64_t sum = 0;
        size_t k = 0;

        for (size_t i = 0; i < ours->n; ++i) {
                uint64_t at = ours->items[i].offset, end = at + ours->items[i].length;

                while (k < theirs->n && theirs->items[k].offset + theirs->items[k].length <= at)
                        ++k;
                for (size_t m = k; at < end; ++m) {
                        uint64_t next = m < theirs->n ? MIN(theirs->items[m].offset, end) : end;

                        if (next > at)
                                sum += next - at;
                        at = m < theirs->n ? MAX(at, theirs->items[m].offset + theirs->items[m].length) : end;
                }
        }

        return sum;
}

int provider_measure_clones(char *const *paths, const char *origin, const char *skip, uint64_t *bytes) {
        _cleanup_(extents_clear) Extents ours = { 0 }, theirs = { 0 };
        uint64_t own = 0, ignored = 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && paths[i]; ++i)
                r = walk(&(Walk){ .shared = &ours, .bytes = &own }, paths[i]);
        if (r >= 0 && ours.n > 0 && origin)
                r = walk(&(Walk){ .skip = skip, .shared = &theirs, .bytes = &ignored }, origin);
        if (r < 0)
                return r;

        ours.n = ranges_merge(ours.items, ours.n, UINT64_MAX);
        theirs.n = ranges_merge(theirs.items, theirs.n, UINT64_MAX);
        *bytes += own + sum_without(&ours, &theirs);
        return 0;
}
