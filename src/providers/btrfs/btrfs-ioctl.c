/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What btrfs Can Do
 */

#include "providers/btrfs/btrfs-ioctl.h"

#include <blkid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"

#define TOP_LEVEL "5" /* BTRFS_FS_TREE_OBJECTID */

int btrfs_is_subvolume(int fd) {
        struct statfs fs;
        struct stat st;

        if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
                return -errno;

        return fs.f_type == BTRFS_SUPER_MAGIC && st.st_ino == BTRFS_FIRST_FREE_OBJECTID;
}

int btrfs_uuid(int fd, char ret[BTRFS_UUID_STRING_MAX]) {
        struct btrfs_ioctl_fs_info_args info = { 0 };
        static const char digits[] = "0123456789abcdef";
        char *p = ret;

        if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
                return -errno;

        for (unsigned i = 0; i < sizeof(info.fsid); ++i) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *p++ = '-';
                *p++ = digits[info.fsid[i] >> 4];
                *p++ = digits[info.fsid[i] & 15];
        }
        *p = '\0';
        return 0;
}

static void closedirp(DIR **dir) {
        if (*dir)
                (void) closedir(*dir);
}

/* The kernel lists what is mounted in /sys/fs/btrfs; a slash in a device's name is written there as '!'. */
static int device_node(const char *entry, char **ret) {
        _cleanup_(freep) char *path = NULL;
        int r;

        r = format_to(&path, "/dev/%s", entry);
        if (r < 0)
                return r;

        for (char *p = path; *p; ++p)
                if (*p == '!')
                        *p = '/';
        if (access(path, F_OK) < 0)
                return -ENOENT;

        *ret = TAKE_PTR(path);
        return 0;
}

int btrfs_mounted_device(const char *uuid, char **ret) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        int r;

        r = format_to(&path, "/sys/fs/btrfs/%s/devices", uuid);
        if (r < 0)
                return r;

        dir = opendir(path);
        if (!dir)
                return -errno;

        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;

                r = device_node(entry->d_name, ret);
                if (r != -ENOENT)
                        return r;
        }

        return -ENOENT;
}

/* With a cache that nobody has filled before: what devices held a moment ago is no help. */
int btrfs_unmounted_device(const char *uuid, char **ret) {
        blkid_cache cache = NULL;
        blkid_dev device;
        int r = -ENOENT;

        if (blkid_get_cache(&cache, "/dev/null") < 0)
                return -ENOMEM;

        device = blkid_find_dev_with_tag(cache, "UUID", uuid);
        if (device)
                r = strdup_to(blkid_dev_devname(device), ret);

        blkid_put_cache(cache);
        return r;
}

/* Without MOUNT_ATTR_RDONLY: whether one can write is then up to the file system. */
static int mount_device(const char *device, const char *path, const char *subvolume_id, bool read_only) {
        _cleanup_(closep) int fs_fd = -EBADF;
        int fd;

        fs_fd = fsopen("btrfs", FSOPEN_CLOEXEC);
        if (fs_fd < 0)
                return -errno;

        if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", device, 0) < 0 ||
            fsconfig(fs_fd, FSCONFIG_SET_STRING, path ? "subvol" : "subvolid", path ?: subvolume_id, 0) < 0)
                return -errno;

        if (read_only && fsconfig(fs_fd, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
                return -errno;

        if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;

        fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        return fd < 0 ? -errno : fd;
}

static int check_uuid(int fd, const char *uuid) {
        char found[BTRFS_UUID_STRING_MAX];
        _cleanup_(closep) int dir_fd = -EBADF;
        int r;

        dir_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* the mount is an O_PATH descriptor */
        if (dir_fd < 0)
                return -errno;

        r = btrfs_uuid(dir_fd, found);
        if (r < 0)
                return r;

        return strcmp(uuid, found) == 0 ? 0 : -ENODEV;
}

static int mount_private(const char *uuid, const char *path, const char *subvolume_id, bool writable) {
        _cleanup_(freep) char *device = NULL;
        _cleanup_(closep) int fd = -EBADF;
        bool mounted = true;
        struct statvfs fs;
        int r;

        r = btrfs_mounted_device(uuid, &device);
        if (r == -ENOENT) {
                mounted = false;
                r = btrfs_unmounted_device(uuid, &device);
        }
        if (r < 0)
                return r == -ENOENT ? -ENODEV : r;

        /* A writable mount makes the whole file system writable. So if it is mounted, we join it as it
         * is, and see. */
        fd = mount_device(device, path, subvolume_id, mounted || !writable);
        if (fd < 0)
                return fd;

        r = check_uuid(fd, uuid);
        if (r < 0)
                return r;

        if (fstatvfs(fd, &fs) < 0)
                return -errno;
        if (writable && (fs.f_flag & ST_RDONLY))
                return -EROFS;

        return TAKE_FD(fd);
}

int btrfs_mount_private(const char *uuid, const char *path, bool writable) {
        return mount_private(uuid, path, TOP_LEVEL, writable);
}

int btrfs_mount_subvolume(const char *uuid, uint64_t id) {
        char text[3 * sizeof(id) + 1];

        (void) snprintf(text, sizeof(text), "%" PRIu64, id);
        return mount_private(uuid, NULL, text, false);
}

/* What was ordered before this is on the disk when it returns. */
static int commit_transaction(int fd) {
        __u64 transaction = 0;

        if (ioctl(fd, BTRFS_IOC_START_SYNC, &transaction) < 0 ||
            ioctl(fd, BTRFS_IOC_WAIT_SYNC, &transaction) < 0)
                return -errno;

        return 0;
}

int btrfs_set_read_only(int dir_fd, const char *name, bool read_only) {
        _cleanup_(closep) int fd = -EBADF;
        __u64 flags, wanted;

        fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) < 0)
                return -errno;

        wanted = read_only ? flags | BTRFS_SUBVOL_RDONLY : flags & ~(__u64) BTRFS_SUBVOL_RDONLY;
        if (wanted != flags && ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &wanted) < 0)
                return -errno;

        return commit_transaction(dir_fd);
}

int btrfs_remove_subvolume(int dir_fd, const char *name) {
        struct btrfs_ioctl_vol_args args = { 0 };

        if (strlen(name) >= sizeof(args.name))
                return -ENAMETOOLONG;

        strcpy(args.name, name);
        if (ioctl(dir_fd, BTRFS_IOC_SNAP_DESTROY, &args) < 0)
                return -errno;

        return commit_transaction(dir_fd);
}

int btrfs_origin(int fd, BtrfsOrigin *ret) {
        struct btrfs_ioctl_get_subvol_info_args info = { 0 };

        if (ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) < 0)
                return -errno;

        memcpy(ret->uuid, info.uuid, sizeof(ret->uuid));
        memcpy(ret->parent_uuid, info.parent_uuid, sizeof(ret->parent_uuid));
        ret->made = (int64_t) info.otime.sec * INT64_C(1000000000) + info.otime.nsec;
        return 0;
}

/* The kernel fills in a struct btrfs_data_container: a header, offsets, and what they point at. */
int btrfs_inode_paths(int fd, uint64_t inode, BtrfsPaths **ret) {
        _cleanup_(freep) BtrfsPaths *paths = calloc_checked(1, sizeof(*paths));
        struct btrfs_ioctl_ino_path_args args = { .inum = inode };
        struct btrfs_data_container *container;

        if (!paths)
                return -ENOMEM;

        container = (struct btrfs_data_container *) (void *) paths->room;
        args.size = sizeof(paths->room);
        args.fspath = (uint64_t) (uintptr_t) container;
        if (ioctl(fd, BTRFS_IOC_INO_PATHS, &args) < 0)
                return -errno;

        paths->n = container->elem_cnt;
        paths->missed = container->elem_missed;
        *ret = TAKE_PTR(paths);
        return 0;
}

const char *btrfs_paths_get(const BtrfsPaths *paths, size_t i) {
        const struct btrfs_data_container *container = (const void *) paths->room;

        return (const char *) container->val + container->val[i];
}
