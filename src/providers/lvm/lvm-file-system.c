/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The File System on a Logical Volume
 */

#include "providers/lvm/lvm-file-system.h"

#include <errno.h>
#include <fcntl.h>
#include <libmount.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "provider/provider.h"

static const struct {
        const char *type;
        const char *always, *read_only; /* options */
        /* clang-format off */
} file_systems[] = {
        { "ext2", NULL,     NULL         },
        { "ext3", NULL,     "noload"     },
        { "ext4", NULL,     "noload"     },
        { "xfs",  "nouuid", "norecovery" },
        /* clang-format on */
};

void lvm_file_system_clear(LvmFileSystem *f) {
        free(f->root);
        *f = (LvmFileSystem){ 0 };
}

static size_t find_type(const char *type) {
        for (size_t i = 0; i < ELEMENTSOF(file_systems); ++i)
                if (strcmp(file_systems[i].type, type) == 0)
                        return i;

        return SIZE_MAX;
}

static void mnt_unref_tablep(struct libmnt_table **t) {
        mnt_unref_table(*t);
}

static struct libmnt_fs *find_mount(struct libmnt_table *table, struct libmnt_iter *iter, uint64_t id) {
        struct libmnt_fs *fs;

        while (mnt_table_next_fs(table, iter, &fs) == 0)
                if ((uint64_t) mnt_fs_get_id(fs) == id)
                        return fs;

        return NULL;
}

static int describe(struct libmnt_fs *fs, LvmFileSystem *ret) {
        const char *type = mnt_fs_get_fstype(fs);

        if (find_type(type) == SIZE_MAX)
                return provider_fail(-EOPNOTSUPP, "snapshots of logical volumes with %s are not known to be whole",
                                     type);

        (void) snprintf(ret->type, sizeof(ret->type), "%s", type);
        return strdup_to(mnt_fs_get_root(fs), &ret->root);
}

int lvm_file_system_at(int fd, LvmFileSystem *ret) {
        _cleanup_(mnt_unref_tablep) struct libmnt_table *table = NULL;
        struct libmnt_iter *iter;
        struct libmnt_fs *fs;
        struct statx stx;
        int r;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &stx) < 0)
                return -errno;
        if (!(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
                return provider_fail(-EOPNOTSUPP, "it is not the top directory of a file system");

        table = mnt_new_table_from_file("/proc/self/mountinfo");
        iter = mnt_new_iter(MNT_ITER_BACKWARD);
        fs = table && iter ? find_mount(table, iter, stx.stx_mnt_id) : NULL;
        r = !table || !iter ? -ENOMEM : !fs ? -ENOENT : describe(fs, ret);
        mnt_free_iter(iter);
        return r;
}

static int set_flag(int fs_fd, const char *name) {
        return name && fsconfig(fs_fd, FSCONFIG_SET_FLAG, name, NULL, 0) < 0 ? -errno : 0;
}

static int configure(int fs_fd, const char *type, const char *device, bool read_only) {
        size_t i = find_type(type);
        int r;

        if (i == SIZE_MAX)
                return -EOPNOTSUPP;
        if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", device, 0) < 0)
                return -errno;

        r = set_flag(fs_fd, file_systems[i].always);
        if (r >= 0 && read_only)
                r = set_flag(fs_fd, "ro");
        if (r >= 0 && read_only)
                r = set_flag(fs_fd, file_systems[i].read_only);
        if (r < 0)
                return r;

        return fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

int lvm_file_system_mount(const char *type, const char *root, const char *device, bool read_only) {
        _cleanup_(closep) int fs_fd = -EBADF, mount_fd = -EBADF, root_fd = -EBADF;
        int r, fd;

        fs_fd = fsopen(type, FSOPEN_CLOEXEC);
        if (fs_fd < 0)
                return -errno;

        r = configure(fs_fd, type, device, read_only);
        if (r < 0)
                return r;

        mount_fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        if (mount_fd < 0)
                return -errno;
        if (strcmp(root, "/") == 0)
                return TAKE_FD(mount_fd);

        root_fd = open_beneath(mount_fd, root + 1, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        if (root_fd < 0)
                return root_fd;

        fd = open_tree(root_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
        return fd < 0 ? -errno : fd;
}

int lvm_file_system_seal(const char *path) {
        _cleanup_(closep) int fs_fd = -EBADF;
        int r;

        fs_fd = fspick(AT_FDCWD, path, FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT);
        if (fs_fd < 0)
                return -errno;

        r = set_flag(fs_fd, "ro");
        if (r < 0)
                return r;

        return fsconfig(fs_fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0 ? -errno : 0;
}
