/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Snapshots That Came from Elsewhere
 *
 * The kernel lists the subvolumes of a file system by number, each with its name in the directory it lies in. What is received gets the
 * uuid that its sender had when all of it is there, and becomes read-only then; before, it is just a directory that grows.
 */

#include "providers/btrfs/btrfs-find.h"

#include <blkid.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/strv.h"

#define ITEMS_AT_ONCE 4096U

static void closedirp(DIR **dir) {
        if (*dir)
                (void) closedir(*dir);
}

static bool is_uuid(const char *s) {
        GUID id;

        return strlen(s) + 1 == BTRFS_UUID_STRING_MAX && guid_from_string(s, &id) >= 0;
}

static int add_once(char ***uuids, const char *uuid) {
        STRV_FOREACH(known, *uuids)
                if (strcmp(*known, uuid) == 0)
                        return 0;

        return strv_append(uuids, uuid);
}

static int add_mounted(char ***uuids) {
        _cleanup_(closedirp) DIR *dir = opendir("/sys/fs/btrfs");
        struct dirent *entry;
        int r = 0;

        if (!dir)
                return errno == ENOENT ? 0 : -errno; /* the module is not loaded: nothing is mounted */

        while (r >= 0 && (entry = readdir(dir)))
                if (is_uuid(entry->d_name))
                        r = add_once(uuids, entry->d_name);
        return r;
}

/* With a cache that nobody has filled before: what devices held a moment ago is no help. */
static int add_unmounted(char ***uuids) {
        blkid_dev_iterate iterate;
        blkid_cache cache = NULL;
        blkid_dev device;
        int r = 0;

        if (blkid_get_cache(&cache, "/dev/null") < 0)
                return -ENOMEM;

        (void) blkid_probe_all(cache);
        iterate = blkid_dev_iterate_begin(cache);
        (void) blkid_dev_set_search(iterate, "TYPE", "btrfs");
        while (r >= 0 && blkid_dev_next(iterate, &device) == 0) {
                _cleanup_(freep) char *uuid = blkid_get_tag_value(cache, "UUID", blkid_dev_devname(device));

                if (uuid && is_uuid(uuid))
                        r = add_once(uuids, uuid);
        }

        blkid_dev_iterate_end(iterate);
        blkid_put_cache(cache);
        return r;
}

int btrfs_foreach_file_system(int (*each)(const char *uuid, void *userdata), void *userdata) {
        _cleanup_(strv_freep) char **uuids = NULL;
        int r;

        r = add_mounted(&uuids);
        if (r >= 0)
                r = add_unmounted(&uuids);
        if (r < 0)
                return r;

        r = 0;
        STRV_FOREACH(uuid, uuids) {
                r = each(*uuid, userdata);
                if (r != 0)
                        break;
        }
        return r;
}

/* From one item of the tree of trees: is it the subvolume's reference to the directory that has it as @name? */
static bool is_called(const struct btrfs_ioctl_search_header *header, const void *data, const char *name) {
        struct btrfs_root_ref ref;
        size_t length = strlen(name);

        if (header->type != BTRFS_ROOT_BACKREF_KEY || header->len != sizeof(ref) + length)
                return false;

        memcpy(&ref, data, sizeof(ref));
        return le16toh(ref.name_len) == length && memcmp((const char *) data + sizeof(ref), name, length) == 0;
}

/* 1: complete. */
static int is_complete(int fd) {
        static const uint8_t nobody[BTRFS_UUID_SIZE];
        struct btrfs_ioctl_get_subvol_info_args info = { 0 };

        if (ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) < 0)
                return -errno;

        return (info.flags & BTRFS_ROOT_SUBVOL_RDONLY) && memcmp(info.received_uuid, nobody, sizeof(nobody)) != 0;
}

/* -ENOENT: that one is not it. */
static int open_received(const char *uuid, uint64_t id) {
        _cleanup_(closep) int mount_fd = -EBADF, fd = -EBADF;
        int r;

        mount_fd = btrfs_mount_subvolume(uuid, id);
        if (mount_fd < 0)
                return mount_fd;

        fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* the mount is an O_PATH descriptor */
        if (fd < 0)
                return -errno;

        r = is_complete(fd);
        if (r < 0)
                return r;

        return r > 0 ? TAKE_FD(fd) : -ENOENT;
}

/* Looks at the items of one answer, and goes on from the last one the next time. */
static int search_items(struct btrfs_ioctl_search_args *args, const char *uuid, const char *name) {
        struct btrfs_ioctl_search_key *key = &args->key;
        size_t at = 0;

        for (unsigned i = 0; i < key->nr_items; ++i) {
                struct btrfs_ioctl_search_header header;
                int fd;

                memcpy(&header, args->buf + at, sizeof(header));
                at += sizeof(header);
                if (is_called(&header, args->buf + at, name)) {
                        fd = open_received(uuid, header.objectid);
                        if (fd != -ENOENT)
                                return fd;
                }
                at += header.len;

                key->min_objectid = header.objectid;
                key->min_type = header.offset == UINT64_MAX ? header.type + 1 : header.type;
                key->min_offset = header.offset == UINT64_MAX ? 0 : header.offset + 1;
        }

        return -ENOENT;
}

int btrfs_find_received(const char *uuid, int top_fd, const char *name) {
        _cleanup_(closep) int fd = -EBADF;
        struct btrfs_ioctl_search_args args = {
                .key = {
                        .tree_id = BTRFS_ROOT_TREE_OBJECTID,
                        .min_objectid = BTRFS_FIRST_FREE_OBJECTID,
                        .max_objectid = BTRFS_LAST_FREE_OBJECTID,
                        .max_type = UINT8_MAX,
                        .max_offset = UINT64_MAX,
                        .max_transid = UINT64_MAX,
                },
        };
        int r;

        fd = openat(top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* the mount is an O_PATH descriptor */
        if (fd < 0)
                return -errno;

        do {
                args.key.nr_items = ITEMS_AT_ONCE;
                if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &args) < 0)
                        return -errno;

                r = search_items(&args, uuid, name);
        } while (r == -ENOENT && args.key.nr_items > 0);
        return r;
}
