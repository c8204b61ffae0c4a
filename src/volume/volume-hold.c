/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Is Held, and in Which Order
 *
 * From the volumes of a set to the descriptors that the guard gets: one for each file system, those that lie
 * on others first. Were the lower one frozen first, freezing the upper one would wait for it.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "volume/mount-table.h"
#include "volume/volume-stack.h"
#include "volume/volume.h"

typedef struct Held {
        const Volume *volume; /* one of those on it */
        HoldKind kind;
        int position; /* in the order; -1: not yet */
} Held;

typedef struct Search {
        Held *items; /* one per file system */
        size_t n;
} Search;

static void search_clear(Search *s) {
        free(s->items);
}

void hold_order_clear(HoldOrder *o) {
        for (size_t i = 0; i < o->n; ++i)
                fd_close(o->holds[i].fd);

        free(o->holds);
        free(o->index);
        strv_free(o->mounts);
        *o = (HoldOrder){};
}

static size_t search_find(Search *s, const Volume *v, HoldKind kind) {
        for (size_t i = 0; i < s->n; ++i)
                if (s->items[i].volume->fs_dev == v->fs_dev)
                        return i;

        s->items[s->n] = (Held){ .volume = v, .kind = kind, .position = -1 };
        return s->n++;
}

static bool carries_another(const Search *s, const MountTable *table, size_t i) {
        for (size_t k = 0; k < s->n; ++k)
                if (k != i && s->items[k].position < 0 &&
                    stack_lies_on(table, s->items[k].volume->fs_dev, s->items[i].volume->fs_dev))
                        return true;

        return false;
}

/* The next one to freeze: the first that carries nothing of what is left. */
static size_t search_next(const Search *s, const MountTable *table) {
        size_t first = s->n;

        for (size_t i = 0; i < s->n; ++i) {
                if (s->items[i].position >= 0)
                        continue;
                if (!carries_another(s, table, i))
                        return i;
                if (first == s->n)
                        first = i;
        }

        /* Each seems to lie on the other: then we do not know enough of either, and any order is as good. */
        return first;
}

static int hold_order_open(HoldOrder *o, const Held *held) {
        const Volume *v = held->volume;
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        int r;

        fd = open(v->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;

        /* Somebody unmounted it since it was looked at, and we would freeze what is below. */
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_dev != v->dev)
                return -ESTALE;

        r = strv_append(&o->mounts, v->mount_point);
        if (r < 0)
                return r;

        o->holds[o->n++] = (Hold){ .kind = held->kind, .fd = TAKE_FD(fd), .dev = v->fs_dev };
        return 0;
}

int volume_hold_order(Volume *const *volumes, const HoldKind *kinds, size_t n, HoldOrder *ret) {
        _cleanup_(mount_table_clear) MountTable table = {};
        _cleanup_(hold_order_clear) HoldOrder o = {};
        _cleanup_(search_clear) Search s = {};
        int r;

        r = mount_table_read(&table);
        if (r < 0)
                return r;

        s.items = calloc_checked(n + 1, sizeof(*s.items));
        o.holds = calloc_checked(n + 1, sizeof(*o.holds));
        o.index = calloc_checked(n + 1, sizeof(*o.index));
        if (!s.items || !o.holds || !o.index)
                return -ENOMEM;

        for (size_t i = 0; i < n; ++i)
                o.index[i] = kinds[i] == HOLD_NONE ? -1 : (int) search_find(&s, volumes[i], kinds[i]);

        while (o.n < s.n) {
                Held *held = s.items + search_next(&s, &table);

                held->position = (int) o.n;
                r = hold_order_open(&o, held);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < n; ++i)
                if (o.index[i] >= 0)
                        o.index[i] = s.items[o.index[i]].position;

        *ret = o;
        o = (HoldOrder){};
        return 0;
}
