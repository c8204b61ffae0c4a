/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Snapshots Take
 *
 * All extents of the snapshots, less those that the origin still has, which are nearly all. Of the few that are left the kernel is asked
 * who else has them: another subvolume, a clone in the origin, the origin a moment ago.
 */

#include "providers/btrfs/btrfs-usage.h"

#include <endian.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/macro.h"

#define SEARCH_SIZE ((size_t) 256 * 1024)
#define OWNERS_SIZE ((size_t) 64 * 1024) /* what the kernel takes at most */

typedef struct Extent {
        uint64_t start, size; /* on disk */
} Extent;

typedef struct Extents {
        Extent *items;
        size_t n, capacity;
} Extents;

static void extents_clear(Extents *e) {
        free(e->items);
        *e = (Extents){};
}

static int by_start(const void *a, const void *b) {
        const Extent *x = a, *y = b;

        return x->start < y->start ? -1 : x->start > y->start;
}

/* In order, each once. */
static void extents_settle(Extents *e) {
        size_t n = 0;

        if (e->n == 0)
                return;
        qsort(e->items, e->n, sizeof(*e->items), by_start);
        for (size_t i = 0; i < e->n; ++i)
                if (n == 0 || e->items[n - 1].start != e->items[i].start)
                        e->items[n++] = e->items[i];
        e->n = n;
}

/* One that has no place on disk is a hole, or is kept with the metadata. */
static int extents_add(Extents *e, const void *data, size_t size) {
        struct btrfs_file_extent_item item;
        int r;

        if (size < sizeof(item))
                return 0;
        memcpy(&item, data, sizeof(item));
        if (item.type == BTRFS_FILE_EXTENT_INLINE || item.disk_bytenr == 0)
                return 0;

        r = ARRAY_RESERVE(e->items, e->capacity, e->n + 1);
        if (r < 0)
                return r;
        e->items[e->n++] = (Extent){ le64toh(item.disk_bytenr), le64toh(item.disk_num_bytes) };
        return 0;
}

/* The items of one answer; the next search begins behind the last. */
static int take_items(struct btrfs_ioctl_search_args_v2 *args, Extents *e) {
        struct btrfs_ioctl_search_key *key = &args->key;
        size_t at = 0;

        for (unsigned i = 0; i < key->nr_items; ++i) {
                struct btrfs_ioctl_search_header header;
                int r = 0;

                memcpy(&header, args->buf + at, sizeof(header));
                at += sizeof(header);
                if (header.type == BTRFS_EXTENT_DATA_KEY)
                        r = extents_add(e, args->buf + at, header.len);
                if (r < 0)
                        return r;
                at += header.len;

                key->min_objectid = header.objectid;
                key->min_type = header.offset == UINT64_MAX ? header.type + 1 : header.type;
                key->min_offset = header.offset == UINT64_MAX ? 0 : header.offset + 1;
        }

        return 0;
}

/* Those of all files of a subvolume. */
static int extents_of(int fd, Extents *e) {
        _cleanup_(freep) struct btrfs_ioctl_search_args_v2 *args = NULL;
        int r;

        args = calloc_checked(1, sizeof(*args) + SEARCH_SIZE);
        if (!args)
                return -ENOMEM;

        args->key = (struct btrfs_ioctl_search_key){
                .min_objectid = BTRFS_FIRST_FREE_OBJECTID,
                .max_objectid = BTRFS_LAST_FREE_OBJECTID,
                .max_type = UINT8_MAX,
                .max_offset = UINT64_MAX,
                .max_transid = UINT64_MAX,
        };
        do {
                args->key.nr_items = UINT32_MAX;
                args->buf_size = SEARCH_SIZE;
                if (ioctl(fd, BTRFS_IOC_TREE_SEARCH_V2, args) < 0)
                        return -errno;
                r = take_items(args, e);
        } while (r >= 0 && args->key.nr_items > 0);
        return r;
}

static int subvolume_number(int fd, uint64_t *ret) {
        struct btrfs_ioctl_ino_lookup_args args = { .objectid = BTRFS_FIRST_FREE_OBJECTID };

        if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &args) < 0)
                return -errno;

        *ret = args.treeid;
        return 0;
}

typedef struct Owners {
        int fd; /* of the file system */
        uint64_t *numbers; /* of the snapshots */
        size_t n;
        struct btrfs_data_container *answer;
} Owners;

static void owners_clear(Owners *o) {
        free(o->numbers);
        free(o->answer);
}

static int owners_init(Owners *o, const int *fds, size_t n) {
        int r = 0;

        o->fd = fds[0];
        o->numbers = calloc_checked(n, sizeof(*o->numbers));
        o->answer = calloc_checked(1, OWNERS_SIZE);
        if (!o->numbers || !o->answer)
                return -ENOMEM;

        for (; r >= 0 && o->n < n; ++o->n)
                r = subvolume_number(fds[o->n], o->numbers + o->n);
        return r;
}

static bool is_ours(const Owners *o, uint64_t number) {
        for (size_t i = 0; i < o->n; ++i)
                if (o->numbers[i] == number)
                        return true;

        return false;
}

/* Does nobody else hold it? One that has gone meanwhile is nobody's; one with more owners than can be told is others' as well. */
static bool is_exclusive(const Owners *o, const Extent *e) {
        struct btrfs_ioctl_logical_ino_args args = {
                .logical = e->start,
                .size = OWNERS_SIZE,
                .flags = BTRFS_LOGICAL_INO_ARGS_IGNORE_OFFSET,
                .inodes = (uint64_t) (uintptr_t) o->answer,
        };

        memset(o->answer, 0, sizeof(*o->answer));
        if (ioctl(o->fd, BTRFS_IOC_LOGICAL_INO_V2, &args) < 0 || o->answer->elem_missed > 0)
                return false;

        for (unsigned i = 0; i + 2 < o->answer->elem_cnt; i += 3) /* inode, offset, subvolume */
                if (!is_ours(o, o->answer->val[i + 2]))
                        return false;
        return o->answer->elem_cnt > 0;
}

int btrfs_measure_exclusive(const int *fds, size_t n, int origin_fd, uint64_t *ret) {
        _cleanup_(extents_clear) Extents ours = {}, origin = {};
        _cleanup_(owners_clear) Owners owners = {};
        uint64_t used = 0;
        size_t k = 0;
        int r = 0;

        if (n > 0)
                r = owners_init(&owners, fds, n);
        for (size_t i = 0; r >= 0 && i < n; ++i) {
                r = extents_of(fds[i], &ours);
                extents_settle(&ours); /* now: they are much the same in each */
        }
        if (r >= 0 && origin_fd >= 0 && n > 0)
                r = extents_of(origin_fd, &origin);
        if (r < 0)
                return r;

        extents_settle(&origin);
        for (size_t i = 0; i < ours.n; ++i) {
                while (k < origin.n && origin.items[k].start < ours.items[i].start)
                        ++k;
                if ((k == origin.n || origin.items[k].start != ours.items[i].start) && is_exclusive(&owners, ours.items + i))
                        used += ours.items[i].size;
        }

        *ret = used;
        return 0;
}
