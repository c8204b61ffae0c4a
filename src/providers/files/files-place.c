/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where Writes End Up
 *
 * The device number of a directory is that of its subvolume; the one in mountinfo is that of the file
 * system. From there down it goes through /sys/dev/block: "slaves" of device mapper and RAID, the disk of a
 * partition, the image of a loop.
 */

#include "providers/files/files-place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"

#define MOUNTINFO_MAX ((size_t) 16 * 1024 * 1024)
#define STACK_DEPTH_MAX 16U
#define FUSE_MAGIC 0x65735546
#define SYSFS_TEXT_MAX 4096U

static int writes_to(int store_fd, dev_t volume, unsigned depth);

static void closedirp(DIR **dir) {
        if (*dir)
                (void) closedir(*dir);
}

/* The device of the file system itself, and the block device it was mounted from (0: none). */
static int file_system_of(int fd, dev_t *ret_device, dev_t *ret_source) {
        _cleanup_(freep) char *text = NULL;
        char *line, *rest;
        struct statx stx;
        int r;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0)
                return -errno;
        if (!(stx.stx_mask & STATX_MNT_ID))
                return -EOPNOTSUPP;

        r = file_read_text("/proc/self/mountinfo", MOUNTINFO_MAX, &text);
        if (r < 0)
                return r;

        /* "36 35 98:0 /root /mountpoint options shared:1 - ext4 /dev/sda1 rw" */
        for (rest = text; (line = strsep(&rest, "\n"));) {
                unsigned long long id;
                unsigned major, minor;
                char *source;
                struct stat st;

                if (sscanf(line, "%llu %*u %u:%u", &id, &major, &minor) != 3 || id != stx.stx_mnt_id)
                        continue;

                *ret_device = makedev(major, minor);
                *ret_source = major != 0 ? *ret_device : 0;

                source = strstr(line, " - ");
                source = source ? strchr(source + 3, ' ') : NULL;
                if (*ret_source == 0 && source && source[1] == '/') {
                        source[1 + strcspn(source + 1, " ")] = '\0';
                        if (stat(source + 1, &st) == 0 && S_ISBLK(st.st_mode))
                                *ret_source = st.st_rdev;
                }
                return 0;
        }

        return -ENOENT;
}

/* 1, 0 or -errno: whether what is written to the image behind loop device @sysfs ends up on @volume. */
static int loop_writes_to(const char *sysfs, dev_t volume, unsigned depth) {
        _cleanup_(freep) char *path = NULL, *image = NULL;
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = format_to(&path, "%s/loop/backing_file", sysfs);
        if (r < 0)
                return r;

        r = file_read_text(path, SYSFS_TEXT_MAX, &image);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;

        image[strcspn(image, "\n")] = '\0';
        fd = open(image, O_PATH | O_CLOEXEC);
        return fd < 0 ? -errno : writes_to(fd, volume, depth + 1);
}

static int device_writes_to(const char *sysfs, dev_t volume, unsigned depth);

static int slaves_write_to(const char *sysfs, dev_t volume, unsigned depth) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;
        int r;

        r = format_to(&path, "%s/slaves", sysfs);
        if (r < 0)
                return r;

        dir = opendir(path);
        if (!dir)
                return errno == ENOENT ? 0 : -errno;

        while ((entry = readdir(dir))) { // NOLINT(concurrency-mt-unsafe): nobody else has @dir
                _cleanup_(freep) char *slave = NULL;

                if (entry->d_name[0] == '.')
                        continue;

                r = format_to(&slave, "%s/%s", path, entry->d_name);
                if (r == 0)
                        r = device_writes_to(slave, volume, depth + 1);
                if (r != 0)
                        return r;
        }

        return 0;
}

static int device_writes_to(const char *sysfs, dev_t volume, unsigned depth) {
        _cleanup_(freep) char *partition = NULL, *disk = NULL;
        int r;

        if (depth > STACK_DEPTH_MAX)
                return -ELOOP;

        r = loop_writes_to(sysfs, volume, depth);
        if (r != 0)
                return r;

        r = slaves_write_to(sysfs, volume, depth);
        if (r != 0)
                return r;

        r = format_to(&partition, "%s/partition", sysfs);
        if (r < 0)
                return r;
        if (access(partition, F_OK) < 0)
                return 0;

        r = format_to(&disk, "%s/..", sysfs);
        return r < 0 ? r : device_writes_to(disk, volume, depth + 1);
}

static int writes_to(int store_fd, dev_t volume, unsigned depth) {
        _cleanup_(freep) char *link = NULL, *sysfs = NULL;
        dev_t device, source;
        struct statfs fs;
        int r;

        if (depth > STACK_DEPTH_MAX)
                return -ELOOP;

        r = file_system_of(store_fd, &device, &source);
        if (r < 0)
                return r;
        if (device == volume)
                return 1;

        if (fstatfs(store_fd, &fs) < 0)
                return -errno;
        if (fs.f_type == OVERLAYFS_SUPER_MAGIC ||
            fs.f_type == FUSE_MAGIC) /* these write wherever they like */
                return -ENOTSUP;
        if (source == 0) /* memory, or a server */
                return 0;

        r = format_to(&link, "/sys/dev/block/%u:%u", major(source), minor(source));
        if (r < 0)
                return r;

        sysfs = realpath(link, NULL);
        return sysfs ? device_writes_to(sysfs, volume, depth) : -errno;
}

bool place_writes_to(int store_fd, int volume_fd) {
        dev_t volume, source;

        if (file_system_of(volume_fd, &volume, &source) < 0)
                return true;

        return writes_to(store_fd, volume, 0) != 0;
}
