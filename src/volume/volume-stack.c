/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Lies on What
 *
 *      ext4 ──> /dev/loop0 ──> a file ──> btrfs ──> /dev/mapper/data ──> /dev/md0 ──> /dev/sda1 ──> /dev/sda
 *               [walk_block]              [walk_filesystem]
 *
 * The walk goes from the top down, once per question; nothing is remembered, as all of it may change. What
 * it needs stands in /sys/dev/block. Whatever it cannot find out (a file in another container, a chain
 * without an end) it answers with "yes, it lies on that": then something is not held that could have been,
 * instead of held for ever.
 */

#include "volume/volume-stack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/capability.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "volume/safe-path.h"

#define STACK_DEPTH_MAX 32U
#define PROTECTED_MAX 16U
#define SUSPENDED_MAX 64U
#define SYSFS_LINE_MAX 64U
#define SYSFS_PATH_MAX 4096U

/* The kernel's number for the first user namespace. */
#define INITIAL_USER_NAMESPACE 0xEFFFFFFDU

static struct {
        char *paths[PROTECTED_MAX];
        VolumeProtection why[PROTECTED_MAX];
        size_t n;
} protected;

static struct {
        dev_t devices[SUSPENDED_MAX];
        size_t n;
} suspended; /* by us */

typedef struct Walk {
        const MountTable *table;
        dev_t below; /* what we look for */
        bool reads;  /* what is only read from counts, too */
        unsigned depth;
        bool pool_seen;
} Walk;

static bool walk_filesystem(Walk *walk, dev_t fs);
static bool walk_block(Walk *walk, dev_t device);

static bool walk_path(Walk *walk, const char *path) {
        const Mount *mount = mount_of_path(walk->table, path);

        return !mount || walk_filesystem(walk, mount->fs_dev);
}

/* "/sys/dev/block/7:0/@name" as text; -ENOENT when there is no such thing. */
static int read_block(dev_t device, const char *name, size_t max, char **ret) {
        _cleanup_(freep) char *path = NULL, *text = NULL;
        int r;

        r = format_to(&path, "/sys/dev/block/%u:%u/%s", major(device), minor(device), name);
        if (r < 0)
                return r;

        r = file_read_text(path, max, &text);
        if (r < 0)
                return r;

        text[strcspn(text, "\n")] = '\0';
        *ret = TAKE_PTR(text);
        return 0;
}

/* For "7:0" in one of these files. */
static int read_block_number(dev_t device, const char *name, dev_t *ret) {
        _cleanup_(freep) char *text = NULL;
        unsigned ma, mi;
        int r;

        r = read_block(device, name, SYSFS_LINE_MAX, &text);
        if (r < 0)
                return r;

        if (sscanf(text, "%u:%u", &ma, &mi) != 2)
                return -EBADMSG;

        *ret = makedev(ma, mi);
        return 0;
}

/* The file behind a loop device by its file system instead of by its path. */
static bool walk_loop_status(Walk *walk, dev_t device) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int fd = -EBADF;
        struct loop_info64 info;

        if (format_to(&path, "/dev/block/%u:%u", major(device), minor(device)) < 0)
                return true;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) {
                path = (free(path), NULL);
                if (format_to(&path, "/dev/loop%u", minor(device)) < 0)
                        return true;
                fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        }
        if (fd < 0 || ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
                return true;

        /* On btrfs this is a subvolume's number, which says nothing. */
        return major((dev_t) info.lo_device) == 0 || walk_filesystem(walk, (dev_t) info.lo_device);
}

static bool walk_loop(Walk *walk, dev_t device, const char *backing_file) {
        struct stat st;

        if (path_untouchable(walk->table, backing_file))
                return true;

        /* A file that was deleted has " (deleted)" behind its name here. */
        return stat(backing_file, &st) == 0 ? walk_path(walk, backing_file) : walk_loop_status(walk, device);
}

static void closedirp(DIR **dir) {
        if (*dir)
                closedir(*dir);
}

static bool walk_slaves(Walk *walk, dev_t device) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;

        if (format_to(&path, "/sys/dev/block/%u:%u/slaves", major(device), minor(device)) < 0)
                return true;

        dir = opendir(path);
        if (!dir)
                return errno != ENOENT;

        while ((entry = readdir(dir))) {
                _cleanup_(freep) char *name = NULL;
                dev_t slave;

                if (entry->d_name[0] == '.')
                        continue;
                if (format_to(&name, "slaves/%s/dev", entry->d_name) < 0 ||
                    read_block_number(device, name, &slave) < 0 || walk_block(walk, slave))
                        return true;
        }

        return false;
}

static bool walk_block(Walk *walk, dev_t device) {
        _cleanup_(freep) char *text = NULL;
        bool found;
        dev_t whole;
        int r;

        if (walk->depth >= STACK_DEPTH_MAX)
                return true;
        ++walk->depth;

        r = read_block(device, "partition", SYSFS_LINE_MAX, &text);
        if (r >= 0)
                found = read_block_number(device, "../dev", &whole) < 0 || walk_block(walk, whole);
        else if (r != -ENOENT)
                found = true;
        else {
                r = read_block(device, "loop/backing_file", SYSFS_PATH_MAX, &text);
                if (r >= 0)
                        found = walk_loop(walk, device, text);
                else
                        found = r != -ENOENT || walk_slaves(walk, device);
        }

        --walk->depth;
        return found;
}

/* btrfs may lie on many. */
static bool walk_btrfs_devices(Walk *walk, const Mount *mount) {
        _cleanup_(freep) struct btrfs_ioctl_dev_info_args *device = NULL;
        _cleanup_(closep) int fd = -EBADF;
        struct btrfs_ioctl_fs_info_args info = {};

        device = calloc_checked(1, sizeof(*device));
        fd = open(mount->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (!device || fd < 0 || ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
                return true;

        for (__u64 id = 0; id <= info.max_id; ++id) {
                struct stat st;

                *device = (struct btrfs_ioctl_dev_info_args){ .devid = id };
                if (ioctl(fd, BTRFS_IOC_DEV_INFO, device) < 0) {
                        if (errno == ENODEV)
                                continue; /* numbers of devices that were removed */
                        return true;
                }

                if (stat((const char *) device->path, &st) < 0 || !S_ISBLK(st.st_mode) ||
                    walk_block(walk, st.st_rdev))
                        return true;
        }

        return false;
}

/* "one:other", where a backslash stands before a colon, or a backslash, that is part of a name. Changes @dirs. */
static bool walk_directories(Walk *walk, char *dirs) {
        char *to = dirs;

        for (char *from = dirs, *dir = dirs;; ++from) {
                if (*from == '\\' && from[1] != '\0')
                        *to++ = *++from;
                else if (*from != ':' && *from != '\0')
                        *to++ = *from;
                else {
                        bool last = *from == '\0';

                        *to = '\0';
                        if (*dir != '\0' && walk_path(walk, dir))
                                return true;
                        if (last)
                                return false;
                        dir = to = from + 1;
                }
        }
}

/* What is written goes to the upper directory; the lower ones are only read, which no freeze stops. */
static bool walk_overlay(Walk *walk, const Mount *mount) {
        _cleanup_(freep) char *upper = NULL, *lower = NULL;

        if (mount_option(mount, "upperdir", &upper) < 0 || mount_option(mount, "lowerdir", &lower) < 0)
                return true;
        if (upper && walk_path(walk, upper))
                return true;

        /* One that has a line for each of them (lowerdir+=) tells them in another way. */
        return walk->reads && (!lower || walk_directories(walk, lower));
}

/* Is it written to, and not by a file system of the table? */
static bool loop_may_be_of_pool(Walk *walk, dev_t device) {
        _cleanup_(freep) char *read_only = NULL;

        if (read_block(device, "ro", SYSFS_LINE_MAX, &read_only) < 0 || strcmp(read_only, "0") != 0)
                return false;

        return !mount_of_device(walk->table, device);
}

static bool walk_loop_of_pool(Walk *walk, const char *name) {
        _cleanup_(freep) char *path = NULL, *file = NULL, *text = NULL;
        unsigned ma, mi;

        if (format_to(&path, "/sys/block/%s/dev", name) < 0 || file_read_text(path, SYSFS_LINE_MAX, &text) < 0 ||
            sscanf(text, "%u:%u", &ma, &mi) != 2)
                return false; /* it has gone */
        if (read_block(makedev(ma, mi), "loop/backing_file", SYSFS_PATH_MAX, &file) < 0 ||
            !loop_may_be_of_pool(walk, makedev(ma, mi)))
                return false;

        return walk_loop(walk, makedev(ma, mi), file);
}

/* What a pool of ZFS consists of only its own commands tell, which would wait where the pool does. A file system is
 * below it by way of a loop device, so each of those that could be a part of some pool counts; or because a file is a part of
 * the pool itself, which its provider finds out (ProviderProbe.below). */
static bool walk_pool(Walk *walk) {
        _cleanup_(closedirp) DIR *dir = NULL;
        struct dirent *entry;

        if (walk->pool_seen) /* the loops are the same */
                return false;
        walk->pool_seen = true;

        dir = opendir("/sys/block");
        if (!dir)
                return true;

        while ((entry = readdir(dir)))
                if (strncmp(entry->d_name, "loop", 4) == 0 && walk_loop_of_pool(walk, entry->d_name))
                        return true;
        return false;
}

static bool walk_without_device(Walk *walk, dev_t fs) {
        const Mount *mount = mount_of_filesystem(walk->table, fs);
        struct stat st;

        if (!mount)
                return true;
        if (strcmp(mount->fstype, "btrfs") == 0)
                return walk_btrfs_devices(walk, mount);
        if (strcmp(mount->fstype, "overlay") == 0)
                return walk_overlay(walk, mount);
        if (strcmp(mount->fstype, "zfs") == 0)
                return walk_pool(walk);

        /* tmpfs and the like name no device. */
        return mount->source[0] == '/' && stat(mount->source, &st) == 0 && S_ISBLK(st.st_mode) &&
                walk_block(walk, st.st_rdev);
}

static bool walk_filesystem(Walk *walk, dev_t fs) {
        bool found;

        if (fs == walk->below || walk->depth >= STACK_DEPTH_MAX)
                return true;

        ++walk->depth;
        found = major(fs) != 0 ? walk_block(walk, fs) : walk_without_device(walk, fs);
        --walk->depth;
        return found;
}

static bool lies_on(const MountTable *table, dev_t fs, dev_t below, bool reads) {
        Walk walk = { .table = table, .below = below, .reads = reads };

        return walk_filesystem(&walk, fs);
}

bool stack_lies_on(const MountTable *table, dev_t fs, dev_t below) {
        return lies_on(table, fs, below, false);
}

bool stack_is_mapped(dev_t fs) {
        _cleanup_(freep) char *name = NULL;

        return major(fs) != 0 && read_block(fs, "dm/name", SYSFS_LINE_MAX, &name) != -ENOENT;
}

bool stack_is_suspended(dev_t fs) {
        _cleanup_(freep) char *text = NULL;

        for (size_t i = 0; i < suspended.n; ++i)
                if (suspended.devices[i] == fs)
                        return true;

        return major(fs) != 0 && read_block(fs, "dm/suspended", SYSFS_LINE_MAX, &text) == 0 && text[0] == '1';
}

void volume_avoid(const dev_t *devices, size_t n) {
        suspended.n = MIN(n, ELEMENTSOF(suspended.devices));
        for (size_t i = 0; i < suspended.n; ++i)
                suspended.devices[i] = devices[i];
}

int volume_protect(const char *path, VolumeProtection protection) {
        struct stat st;
        char *real;

        for (size_t i = 0; i < protected.n; ++i)
                if (strcmp(protected.paths[i], path) == 0 && protected.why[i] == protection)
                        return 0;

        if (protected.n >= PROTECTED_MAX)
                return -E2BIG;

        if (stat(path, &st) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode))
                return -ENOTDIR;

        real = realpath(path, NULL);
        if (!real)
                return -errno;

        protected.why[protected.n] = protection;
        protected.paths[protected.n++] = real;
        return 0;
}

void volume_protect_none(void) {
        for (size_t i = 0; i < protected.n; ++i)
                free(protected.paths[i]);

        protected.n = 0;
}

bool stack_is_protected(const MountTable *table, dev_t fs, VolumeProtection protection) {
        for (size_t i = 0; i < protected.n; ++i) {
                const Mount *mount;

                if (protected.why[i] != protection)
                        continue;

                mount = mount_of_path(table, protected.paths[i]);

                /* From what is suspended not even programs are read. */
                if (!mount || lies_on(table, mount->fs_dev, fs, protection == VOLUME_CARRIES))
                        return true;
        }

        return false;
}

bool stack_is_ours(const char *path) {
        for (size_t i = 0; i < protected.n; ++i) {
                const char *below = path_below(path, protected.paths[i]);

                if (protected.why[i] == VOLUME_KEEPS && below && *below && strcmp(protected.paths[i], "/") != 0)
                        return true;
        }

        return false;
}

bool stack_may_freeze(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
        struct stat st;

        /* The kernel asks for the capability in the namespace the file system was mounted from: the first
         * one. */
        if (stat("/proc/self/ns/user", &st) == 0 && st.st_ino != INITIAL_USER_NAMESPACE)
                return false;

        return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & 1U << CAP_SYS_ADMIN);
}
