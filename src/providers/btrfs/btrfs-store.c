/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where btrfs Snapshots Lie
 */

#include "providers/btrfs/btrfs-store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vss.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "providers/btrfs/btrfs-find.h"

#define STORE_TRIES_MAX 16U

int btrfs_note_write(const BtrfsNote *note, char **ret) {
        return format_to(ret, "uuid=%s name=%s device=%s", note->uuid, note->name, note->device);
}

int btrfs_note_read(const char *text, BtrfsNote *ret) {
        BtrfsNote note = { 0 };
        int n = 0;
        GUID id;

        if (!text || sscanf(text, "uuid=%36s name=%36s device=%n", note.uuid, note.name, &n) != 2 ||
            n == 0 || guid_from_string(note.uuid, &id) < 0 || guid_from_string(note.name, &id) < 0)
                return provider_fail(-EINVAL, "its note '%s' cannot be understood", text ?: "");

        note.device = text + n;
        *ret = note;
        return 0;
}

/* Somebody else who may write into the top level could have made a directory of this name. */
int btrfs_store_check(int store_fd) {
        struct stat st;

        if (fstat(store_fd, &st) < 0)
                return -errno;
        if (st.st_uid != geteuid() || (st.st_mode & 0077) != 0)
                return provider_fail(-EPERM, "the directory " BTRFS_STORE
                                             " in the file system's top level is open to others");
        if (st.st_nlink == 0)
                return -ESTALE; /* a discard() of the last snapshot was faster than our lock */

        return 0;
}

int btrfs_store_open(int top_fd) {
        for (unsigned i = 0; i < STORE_TRIES_MAX; ++i) {
                _cleanup_(closep) int fd = -EBADF;
                int r;

                if (mkdirat(top_fd, BTRFS_STORE, 0700) < 0 && errno != EEXIST)
                        return -errno;

                fd = open_beneath(top_fd, BTRFS_STORE, O_RDONLY | O_DIRECTORY, 0);
                if (fd == -ENOENT)
                        continue;
                if (fd < 0)
                        return fd;
                if (flock(fd, LOCK_SH) < 0)
                        return -errno;

                r = btrfs_store_check(fd);
                if (r == -ESTALE)
                        continue;
                if (r < 0)
                        return r;

                return TAKE_FD(fd);
        }

        return -EAGAIN;
}

void btrfs_store_remove(int top_fd, int store_fd) {
        if (flock(store_fd, LOCK_EX | LOCK_NB) >= 0)
                (void) unlinkat(top_fd, BTRFS_STORE, AT_REMOVEDIR);
}

static int not_there(const BtrfsNote *note) {
        return provider_fail(-ENODEV, "its file system {%s}, last seen on '%s', is not there", note->uuid,
                             note->device);
}

/* One that was received lies wherever somebody has put it, and stays his: the store gets a snapshot of it. */
static int adopt_received(const ProviderSnapshot *s, const BtrfsNote *note) {
        struct btrfs_ioctl_vol_args_v2 args = { .flags = BTRFS_SUBVOL_RDONLY };
        _cleanup_(closep) int top_fd = -EBADF, fd = -EBADF, store_fd = -EBADF;

        if (!(s->context & VSS_VOLSNAP_ATTR_IMPORTED))
                return -ENOENT;

        top_fd = btrfs_mount_private(note->uuid, NULL, true);
        if (top_fd < 0)
                return provider_fail(top_fd, "the top level of its file system cannot be written to: %m");
        fd = btrfs_find_received(note->uuid, top_fd, note->name);
        if (fd < 0)
                return fd;
        store_fd = btrfs_store_open(top_fd);
        if (store_fd < 0)
                return store_fd;

        args.fd = fd;
        (void) snprintf(args.name, sizeof(args.name), "%s", note->name);
        if (ioctl(store_fd, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0)
                return provider_fail(-errno, "it cannot be taken into " BTRFS_STORE ": %m");
        return 0;
}

/* Where nobody has mounted the file system, this is what does, and then it could not be written to as long as the snapshot is seen: others in
 * it could not be deleted. So it is mounted to be written to; the snapshot itself is read-only whatever its mount says. */
static int mount_in_store(const BtrfsNote *note) {
        _cleanup_(freep) char *path = NULL;
        int fd, r;

        r = format_to(&path, BTRFS_STORE "/%s", note->name);
        if (r < 0)
                return r;

        fd = btrfs_mount_private(note->uuid, path, true);
        return fd == -EROFS || fd == -EACCES ? btrfs_mount_private(note->uuid, path, false) : fd;
}

int btrfs_store_mount(const ProviderSnapshot *s, const BtrfsNote *note) {
        int fd, r;

        fd = mount_in_store(note);
        if (fd == -ENOENT) {
                r = adopt_received(s, note);
                fd = r < 0 ? r : mount_in_store(note);
        }
        if (fd == -ENODEV)
                return not_there(note);
        if (fd == -ENOENT)
                return provider_fail(fd, "somebody has removed it");
        return fd < 0 ? provider_fail(fd, "it cannot be mounted: %m") : fd;
}

int btrfs_store_find(const BtrfsNote *note, int *ret_top_fd, int *ret_store_fd) {
        int fd;

        fd = btrfs_mount_private(note->uuid, NULL, true);
        if (fd == -ENODEV)
                return not_there(note);
        if (fd < 0)
                return provider_fail(fd, "the top level of its file system cannot be opened: %m");
        *ret_top_fd = fd;

        fd = open_beneath(*ret_top_fd, BTRFS_STORE, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return fd;
        *ret_store_fd = fd;
        return 0;
}

int btrfs_store_open_snapshot(const char *text) {
        _cleanup_(closep) int mount_fd = -EBADF;
        _cleanup_(freep) char *path = NULL;
        BtrfsNote note;
        int fd, r;

        r = btrfs_note_read(text, &note);
        if (r >= 0)
                r = format_to(&path, BTRFS_STORE "/%s", note.name);
        if (r < 0)
                return r;

        mount_fd = btrfs_mount_private(note.uuid, path, false);
        if (mount_fd < 0)
                return mount_fd == -ENODEV ? -ENOENT : mount_fd;

        fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}
