/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Volumes
 *
 * What lies under a directory, and whether it can be held.
 */

#include "volume/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "volume/volume-id.h"
#include "volume/volume-internal.h"
#include "volume/volume-stack.h"

Volume *volume_free(Volume *v) {
        if (!v)
                return NULL;

        free(v->path);
        free(v->mount_point);
        free(v->device);
        free(v->fstype);
        free(v);
        return NULL;
}

void volume_list_free(Volume **list, size_t n) {
        for (size_t i = 0; i < n; ++i)
                volume_free(list[i]);

        free(list);
}

int volume_new(const MountTable *table, const Mount *mount, const char *path, int fd, Volume **ret) {
        _cleanup_(volume_freep) Volume *v = NULL;
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;

        v = calloc_checked(1, sizeof(*v));
        if (!v)
                return -ENOMEM;

        r = strdup_to(path, &v->path);
        if (r < 0)
                return r;

        r = strdup_to(mount->target, &v->mount_point);
        if (r < 0)
                return r;

        r = strdup_to(mount->fstype, &v->fstype);
        if (r < 0)
                return r;

        r = mount_device(mount, &v->device);
        if (r < 0)
                return r;

        r = volume_id_compute(mount, path, fd, &v->id);
        if (r < 0)
                return r;

        v->dev = st.st_dev;
        v->fs_dev = mount->fs_dev;
        v->overlay = mount->class == FS_OVERLAY;
        v->is_mount = strcmp(path, mount->target) == 0 || fd_is_subvolume(mount, fd);
        v->holdable = mount->class == FS_HOLDABLE && !mount_is_read_only(mount) && stack_may_freeze() &&
                !stack_is_protected(table, mount->fs_dev, VOLUME_KEEPS);
        v->mapped = stack_is_mapped(mount->fs_dev) && stack_may_freeze();
        v->suspendable = v->mapped && !stack_is_protected(table, mount->fs_dev, VOLUME_CARRIES);

        *ret = TAKE_PTR(v);
        return 0;
}

int volume_of_mount(const MountTable *table, const Mount *mount, Volume **ret) {
        _cleanup_(closep) int fd = -EBADF;

        fd = open(mount->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        return volume_new(table, mount, mount->target, fd, ret);
}

static bool is_listed(const MountTable *table, const Mount *mount) {
        struct stat st;

        if (mount->class > FS_OVERLAY || stack_is_ours(mount->target) || stack_is_suspended(mount->fs_dev))
                return false;

        /* A container's root is what there is, whatever it is made of. */
        if (mount->class >= FS_UNLISTED && strcmp(mount->target, "/") != 0)
                return false;

        return mount_is_visible(table, mount) && stat(mount->target, &st) == 0 && S_ISDIR(st.st_mode);
}

static int compare_by_path(const void *a, const void *b) {
        const Volume *const *x = a, *const *y = b;

        return strcmp((*x)->path, (*y)->path);
}

typedef struct VolumeArray {
        Volume **items;
        size_t n, capacity;
} VolumeArray;

static void volume_array_clear(VolumeArray *a) {
        volume_list_free(a->items, a->n);
}

int volume_list(Volume ***ret, size_t *ret_n) {
        _cleanup_(mount_table_clear) MountTable table = {};
        _cleanup_(volume_array_clear) VolumeArray list = {};
        int r;

        r = mount_table_read(&table);
        if (r < 0)
                return r;

        for (size_t i = 0; i < table.n; ++i) {
                if (!is_listed(&table, table.mounts + i))
                        continue;

                r = ARRAY_RESERVE(list.items, list.capacity, list.n + 1);
                if (r < 0)
                        return r;

                /* Not ours to read, or gone meanwhile. */
                r = volume_of_mount(&table, table.mounts + i, &list.items[list.n]);
                if (r == -ENOMEM)
                        return r;
                if (r >= 0)
                        ++list.n;
        }

        if (list.n > 1)
                qsort(list.items, list.n, sizeof(*list.items), compare_by_path);

        *ret = TAKE_PTR(list.items);
        *ret_n = list.n;
        list.n = 0;
        return 0;
}

int volume_guid_name(const Volume *v, char **ret) {
        return format_to(ret, "\\\\?\\Volume{%s}\\", GUID_TO_STRING(&v->id));
}
