/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Table of Mounts
 *
 * Also the place that knows types of file systems by name: what can be frozen, what must not be touched, and
 * what is no place for anybody's data.
 */

#include "volume/mount-table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <libmount/libmount.h>

#include "base/alloc.h"
#include "base/fd-util.h"

#define UEVENT_SIZE_MAX 4096U

static const struct {
        const char *type;
        FsClass class;
} fs_types[] = {
        { "btrfs",                FS_HOLDABLE },
        { "ext2",                 FS_HOLDABLE },
        { "ext3",                 FS_HOLDABLE },
        { "ext4",                 FS_HOLDABLE },
        { "f2fs",                 FS_HOLDABLE },
        { "gfs2",                 FS_HOLDABLE },
        { "jfs",                  FS_HOLDABLE },
        { "nilfs2",               FS_HOLDABLE },
        { "reiserfs",             FS_HOLDABLE },
        { "xfs",                  FS_HOLDABLE },

        { "bcachefs",             FS_LOCAL    },
        { "fuseblk",              FS_LOCAL    }, /* ntfs-3g and others, on a disk of our own */
        { "zfs",                  FS_LOCAL    },

        { "cramfs",               FS_UNLISTED },
        { "erofs",                FS_UNLISTED },
        { "iso9660",              FS_UNLISTED },
        { "ramfs",                FS_UNLISTED },
        { "rootfs",               FS_UNLISTED },
        { "squashfs",             FS_UNLISTED },
        { "tmpfs",                FS_UNLISTED },

        { "fuse.fuse-overlayfs",  FS_OVERLAY  }, /* the root of a rootless container */
        { "overlay",              FS_OVERLAY  },

        { "9p",                   FS_NETWORK  },
        { "afs",                  FS_NETWORK  },
        { "beegfs",               FS_NETWORK  },
        { "ceph",                 FS_NETWORK  },
        { "cifs",                 FS_NETWORK  },
        { "fuse",                 FS_NETWORK  },
        { "lustre",               FS_NETWORK  },
        { "nfs",                  FS_NETWORK  },
        { "nfs4",                 FS_NETWORK  },
        { "smb3",                 FS_NETWORK  },
        { "smbfs",                FS_NETWORK  },
        { "vboxsf",               FS_NETWORK  },
        { "virtiofs",             FS_NETWORK  },

        { "autofs",               FS_AUTOMOUNT },

        { "devtmpfs",             FS_PSEUDO   },
};

static FsClass classify(struct libmnt_fs *fs, const char *type) {
        for (size_t i = 0; i < ELEMENTSOF(fs_types); ++i)
                if (strcmp(fs_types[i].type, type) == 0)
                        return fs_types[i].class;

        /* The program behind it may hang, and may speak for another machine. */
        if (strncmp(type, "fuse.", 5) == 0 || mnt_fs_is_netfs(fs))
                return FS_NETWORK;
        if (mnt_fs_is_pseudofs(fs))
                return FS_PSEUDO;

        /* Of what we have never heard of, only what has a disk below. */
        return major(mnt_fs_get_devno(fs)) != 0 ? FS_LOCAL : FS_PSEUDO;
}

static void free_iterp(struct libmnt_iter **iter) {
        mnt_free_iter(*iter);
}

int mount_table_read(MountTable *ret) {
        _cleanup_(mount_table_clear) MountTable table = {};
        _cleanup_(free_iterp) struct libmnt_iter *iter = NULL;
        struct libmnt_fs *fs;
        int r;

        errno = 0;
        table.parsed = mnt_new_table_from_file("/proc/self/mountinfo");
        if (!table.parsed)
                return errno > 0 ? -errno : -ENOMEM;

        iter = mnt_new_iter(MNT_ITER_FORWARD);
        if (!iter)
                return -ENOMEM;

        while (mnt_table_next_fs(table.parsed, iter, &fs) == 0) {
                const char *type = mnt_fs_get_fstype(fs) ?: "";

                if (!mnt_fs_get_target(fs))
                        continue;

                r = ARRAY_RESERVE(table.mounts, table.capacity, table.n + 1);
                if (r < 0)
                        return r;

                table.mounts[table.n++] = (Mount){
                        .id = mnt_fs_get_id(fs),
                        .fs_dev = mnt_fs_get_devno(fs),
                        .class = classify(fs, type),
                        .target = mnt_fs_get_target(fs),
                        .root = mnt_fs_get_root(fs) ?: "/",
                        .source = mnt_fs_get_source(fs) ?: "",
                        .fstype = type,
                        .fs_options = mnt_fs_get_fs_options(fs) ?: "",
                };
        }

        *ret = table;
        table = (MountTable){};
        return 0;
}

void mount_table_clear(MountTable *table) {
        free(table->mounts);
        mnt_unref_table(table->parsed);
        *table = (MountTable){};
}

const Mount *mount_of_fd(const MountTable *table, int fd) {
        struct statx sx;

        if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_MNT_ID, &sx) < 0 ||
            !(sx.stx_mask & STATX_MNT_ID))
                return NULL;

        for (size_t i = 0; i < table->n; ++i)
                if ((uint64_t) table->mounts[i].id == sx.stx_mnt_id)
                        return table->mounts + i;

        return NULL;
}

const Mount *mount_of_path(const MountTable *table, const char *path) {
        _cleanup_(closep) int fd = -EBADF;

        fd = open(path, O_PATH | O_CLOEXEC);
        return fd < 0 ? NULL : mount_of_fd(table, fd);
}

const char *path_below(const char *path, const char *dir) {
        size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

        if (strncmp(path, dir, n) != 0 || (path[n] != '/' && path[n] != '\0'))
                return NULL;

        return strcmp(path + n, "/") == 0 ? "" : path + n;
}

const Mount *mount_covering(const MountTable *table, const char *path) {
        const Mount *found = NULL;

        /* Of two on one mount point, the later one is on top. */
        for (size_t i = 0; i < table->n; ++i)
                if (path_below(path, table->mounts[i].target) &&
                    (!found || strlen(table->mounts[i].target) >= strlen(found->target)))
                        found = table->mounts + i;

        return found;
}

const Mount *mount_of_filesystem(const MountTable *table, dev_t fs_dev) {
        for (size_t i = 0; i < table->n; ++i)
                if (table->mounts[i].fs_dev == fs_dev)
                        return table->mounts + i;

        return NULL;
}

static bool is_source(const Mount *mount, dev_t device) {
        struct stat st;

        if (mount->fs_dev == device)
                return true;

        /* btrfs and others that may lie on several devices have a number of their own. */
        return major(mount->fs_dev) == 0 && mount->class <= FS_LOCAL && mount->source[0] == '/' &&
                stat(mount->source, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == device;
}

const Mount *mount_of_device(const MountTable *table, dev_t device) {
        const Mount *found = NULL;

        for (size_t i = 0; i < table->n; ++i) {
                const Mount *mount = table->mounts + i;

                if (!is_source(mount, device) || !mount_is_visible(table, mount))
                        continue;
                if (strcmp(mount->root, "/") == 0)
                        return mount;
                if (!found)
                        found = mount;
        }

        return found;
}

bool mount_is_read_only(const Mount *mount) {
        return mnt_optstr_get_option(mount->fs_options, "ro", NULL, NULL) == 0;
}

/* The way to it goes over a server, which is asked at every step. */
static bool is_behind_server(const MountTable *table, const Mount *mount) {
        for (size_t i = 0; i < table->n; ++i)
                if (table->mounts[i].class == FS_NETWORK && path_below(mount->target, table->mounts[i].target))
                        return true;

        return false;
}

bool mount_is_visible(const MountTable *table, const Mount *mount) {
        return mount_covering(table, mount->target) == mount && !is_behind_server(table, mount) &&
               mount_of_path(table, mount->target) == mount;
}

int mount_option(const Mount *mount, const char *name, char **ret) {
        char *value = NULL;
        size_t size = 0;

        if (mnt_optstr_get_option(mount->fs_options, name, &value, &size) != 0 || !value) {
                *ret = NULL;
                return 0;
        }

        return format_to(ret, "%.*s", (int) size, value);
}

/* For "/dev/root" and the like, which were never there: the name that the kernel has. */
static int kernel_device(dev_t device, char **ret) {
        _cleanup_(freep) char *path = NULL, *uevent = NULL;
        const char *name;
        int r;

        r = format_to(&path, "/sys/dev/block/%u:%u/uevent", major(device), minor(device));
        if (r < 0)
                return r;

        r = file_read_text(path, UEVENT_SIZE_MAX, &uevent);
        if (r == -ENOMEM)
                return r;

        name = r < 0 ? NULL : strstr(uevent, "DEVNAME=");
        if (!name) {
                *ret = NULL;
                return 0;
        }

        name += strlen("DEVNAME=");
        return format_to(ret, "/dev/%.*s", (int) strcspn(name, "\n"), name);
}

int mount_device(const Mount *mount, char **ret) {
        struct stat st;

        if (mount->source[0] == '/' && stat(mount->source, &st) == 0 && S_ISBLK(st.st_mode))
                return strdup_to(mount->source, ret);

        if (major(mount->fs_dev) != 0)
                return kernel_device(mount->fs_dev, ret);

        *ret = NULL;
        return 0;
}
