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
#include "coordinator/mount-table.h"
#include "coordinator/volume-stack.h"
#include "coordinator/volume.h"

typedef struct Held {
        const Volume *volume; /* one of those on it */
        int position;         /* in the order; -1: not yet */
} Held;

typedef struct HoldOrder {
        Held *items; /* one per file system */
        size_t n;
        int *fds;
        size_t n_fds;
        char **mounts;
        int *index;
} HoldOrder;

static void hold_order_clear(HoldOrder *o) {
        for (size_t i = 0; i < o->n_fds; ++i)
                fd_close(o->fds[i]);

        free(o->fds);
        free(o->items);
        free(o->index);
        strv_free(o->mounts);
}

static size_t hold_order_find(HoldOrder *o, const Volume *v) {
        for (size_t i = 0; i < o->n; ++i)
                if (o->items[i].volume->fs_dev == v->fs_dev)
                        return i;

        o->items[o->n] = (Held){ .volume = v, .position = -1 };
        return o->n++;
}

static bool carries_another(const HoldOrder *o, const MountTable *table, size_t i) {
        for (size_t k = 0; k < o->n; ++k)
                if (k != i && o->items[k].position < 0 &&
                    stack_lies_on(table, o->items[k].volume->fs_dev, o->items[i].volume->fs_dev))
                        return true;

        return false;
}

/* The next one to freeze: the first that carries nothing of what is left. */
static size_t hold_order_next(const HoldOrder *o, const MountTable *table) {
        size_t first = o->n;

        for (size_t i = 0; i < o->n; ++i) {
                if (o->items[i].position >= 0)
                        continue;
                if (!carries_another(o, table, i))
                        return i;
                if (first == o->n)
                        first = i;
        }

        /* Each seems to lie on the other: then we do not know enough of either, and any order is as good. */
        return first;
}

static int hold_order_open(HoldOrder *o, const Volume *v) {
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

        o->fds[o->n_fds++] = TAKE_FD(fd);
        return 0;
}

int volume_hold_order(Volume *const *volumes,
                      size_t n,
                      int **ret_fds,
                      char ***ret_mounts,
                      size_t *ret_n_fds,
                      int **ret_index) {
        _cleanup_(mount_table_clear) MountTable table = {};
        _cleanup_(hold_order_clear) HoldOrder o = {};
        int r;

        r = mount_table_read(&table);
        if (r < 0)
                return r;

        o.items = calloc_checked(n + 1, sizeof(*o.items));
        o.fds = calloc_checked(n + 1, sizeof(*o.fds));
        o.index = calloc_checked(n + 1, sizeof(*o.index));
        if (!o.items || !o.fds || !o.index)
                return -ENOMEM;

        for (size_t i = 0; i < n; ++i)
                o.index[i] = volumes[i]->holdable ? (int) hold_order_find(&o, volumes[i]) : -1;

        while (o.n_fds < o.n) {
                Held *held = o.items + hold_order_next(&o, &table);

                held->position = (int) o.n_fds;
                r = hold_order_open(&o, held->volume);
                if (r < 0)
                        return r;
        }

        for (size_t i = 0; i < n; ++i)
                if (o.index[i] >= 0)
                        o.index[i] = o.items[o.index[i]].position;

        *ret_fds = TAKE_PTR(o.fds);
        *ret_mounts = TAKE_PTR(o.mounts);
        *ret_n_fds = o.n_fds;
        *ret_index = TAKE_PTR(o.index);
        o.n_fds = 0;
        return 0;
}
