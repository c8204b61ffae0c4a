/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The GUID of a Volume
 *
 * It is the name-based GUID of one of
 *
 *      uuid:<UUID of the file system>:<path within the file system>
 *      uuid:<UUID of the file system>:<number of the subvolume>:<path within the subvolume>
 *      dev:<device>:<path within the file system>            the file system has no UUID
 *      path:<path>                                           it has no device either (tmpfs, overlay)
 *
 * These are promises: whoever changes one changes the names of volumes that people have written down.
 */

#include "volume/volume-id.h"

#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <blkid/blkid.h>

#include "base/alloc.h"
#include "base/guid.h"

#define UUID_SIZE 16U

/* Linux 6.9; the headers here may be older. */
typedef struct FsUuid {
        __u8 len;
        __u8 uuid[UUID_SIZE];
} FsUuid;
#define IOC_GETFSUUID _IOR(0x15, 0, FsUuid)

static const GUID volume_space = {
        0x5d3c10f2, 0x4a8e, 0x4c1b, { 0x9e, 0x37, 0x62, 0xb1, 0x0f, 0xd4, 0x7a, 0x85 }
};

static void format_uuid(const __u8 uuid[static UUID_SIZE], char text[static UUID_TEXT_MAX]) {
        static const char digits[] = "0123456789abcdef";
        char *p = text;

        for (size_t i = 0; i < UUID_SIZE; ++i) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *p++ = '-';
                *p++ = digits[uuid[i] >> 4];
                *p++ = digits[uuid[i] & 0xf];
        }
        *p = '\0';
}

/* Somebody cleared it, and not only there. */
static bool is_null_uuid(const __u8 uuid[static UUID_SIZE]) {
        for (size_t i = 0; i < UUID_SIZE; ++i)
                if (uuid[i] != 0)
                        return false;

        return true;
}

static void free_probep(blkid_probe *probe) {
        blkid_free_probe(*probe);
}

/* Looking for the one type that is mounted is quick, and does not find what an earlier one has left. */
static int probe_only(blkid_probe probe, const char *type) {
        char *ext[] = { (char[]){ "ext2" }, (char[]){ "ext3" }, (char[]){ "ext4" }, NULL };
        char *one[] = { (char *) (uintptr_t) type, NULL };

        if (strcmp(type, "fuseblk") == 0)
                return 0; /* could be any */

        /* The kernel mounts each of these as any other. */
        if (strncmp(type, "ext", 3) == 0)
                return blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, ext);

        return blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, one);
}

void volume_uuid_from_disk(const char *device, const char *type, char text[static UUID_TEXT_MAX]) {
        _cleanup_(free_probep) blkid_probe probe = NULL;
        const char *uuid;

        probe = blkid_new_probe_from_filename(device);
        if (!probe)
                return;

        if (blkid_probe_enable_superblocks(probe, 1) == 0 &&
            blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUID) == 0 &&
            probe_only(probe, type) == 0 && blkid_do_safeprobe(probe) == 0 &&
            blkid_probe_lookup_value(probe, "UUID", &uuid, NULL) == 0 && strlen(uuid) < UUID_TEXT_MAX)
                (void) stpcpy(text, uuid);
}

/* @text stays empty when the file system has none. The kernel is asked first; libblkid gives the same
 * answer, but has to read the disk. (What it says is not remembered: device numbers and mount numbers are
 * used again at once.) */
static void filesystem_uuid(const Mount *mount,
                            const char *device,
                            int fd,
                            char text[static UUID_TEXT_MAX]) {
        struct btrfs_ioctl_fs_info_args info = {};
        FsUuid uuid = {};

        /* Those without a disk have one for each mount. */
        if (mount->class >= FS_UNLISTED && major(mount->fs_dev) == 0)
                return;

        if (strcmp(mount->fstype, "btrfs") == 0 && ioctl(fd, BTRFS_IOC_FS_INFO, &info) == 0)
                format_uuid(info.fsid, text);
        else if (ioctl(fd, IOC_GETFSUUID, &uuid) == 0 && uuid.len == UUID_SIZE && !is_null_uuid(uuid.uuid))
                format_uuid(uuid.uuid, text);
        else if (device)
                volume_uuid_from_disk(device, mount->fstype, text);
}

static bool is_subvolume_root(const struct stat *st) {
        return st->st_ino == BTRFS_FIRST_FREE_OBJECTID && S_ISDIR(st->st_mode);
}

bool fd_is_subvolume(const Mount *mount, int fd) {
        struct stat st;

        return strcmp(mount->fstype, "btrfs") == 0 && fstat(fd, &st) == 0 && is_subvolume_root(&st);
}

/* What of @path is below the root of its subvolume; NULL when that root is not visible in this mount. */
static int path_in_subvolume(const Mount *mount, const char *path, char **ret) {
        _cleanup_(freep) char *dir = NULL;
        struct stat st;
        int r;

        r = strdup_to(path, &dir);
        if (r < 0)
                return r;

        while (path_below(dir, mount->target)) {
                char *slash;

                if (stat(dir, &st) == 0 && is_subvolume_root(&st))
                        return strdup_to(path_below(path, dir), ret);

                slash = strrchr(dir, '/');
                if (strcmp(dir, "/") == 0)
                        break;
                slash[slash == dir ? 1 : 0] = '\0';
        }

        *ret = NULL;
        return 0;
}

/* As the file system itself would name it. */
static int path_in_filesystem(const Mount *mount, const char *path, char **ret) {
        const char *below = path_below(path, mount->target) ?: path;
        const char *root = strcmp(mount->root, "/") == 0 ? "" : mount->root;

        return format_to(ret, "%s%s", root, below);
}

static int btrfs_name(const Mount *mount, const char *path, int fd, const char *uuid, char **ret) {
        _cleanup_(freep) struct btrfs_ioctl_get_subvol_info_args *info = NULL;
        _cleanup_(freep) char *inner = NULL;
        int r;

        info = calloc_checked(1, sizeof(*info));
        if (!info)
                return -ENOMEM;

        r = path_in_subvolume(mount, path, &inner);
        if (r >= 0 && !inner)
                r = path_in_filesystem(mount, path, &inner);
        if (r < 0)
                return r;

        if (ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, info) < 0)
                return -errno;

        return format_to(ret, "uuid:%s:%llu:%s/", uuid, (unsigned long long) info->treeid, inner);
}

static int volume_id_name(const Mount *mount, const char *path, int fd, char **ret) {
        _cleanup_(freep) char *device = NULL, *inner = NULL;
        char uuid[UUID_TEXT_MAX] = "";
        int r;

        r = mount_device(mount, &device);
        if (r < 0)
                return r;

        r = path_in_filesystem(mount, path, &inner);
        if (r < 0)
                return r;

        filesystem_uuid(mount, device, fd, uuid);

        if (uuid[0] != '\0' && strcmp(mount->fstype, "btrfs") == 0)
                return btrfs_name(mount, path, fd, uuid, ret);
        if (uuid[0] != '\0')
                return format_to(ret, "uuid:%s:%s/", uuid, inner);
        if (device)
                return format_to(ret, "dev:%s:%s/", device, inner);
        return format_to(ret, "path:%s", path);
}

int volume_id_compute(const Mount *mount, const char *path, int fd, GUID *ret) {
        _cleanup_(freep) char *name = NULL;
        int r;

        r = volume_id_name(mount, path, fd, &name);
        if (r < 0)
                return r;

        guid_from_name(&volume_space, name, ret);
        return 0;
}
