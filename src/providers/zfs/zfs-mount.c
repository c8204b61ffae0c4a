/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounting Snapshots and Clones
 *
 * Not by way of .zfs/snapshot: what is mounted there when somebody looks goes away when nobody does.
 */

#include "providers/zfs/zfs-mount.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd-util.h"
#include "provider/provider-mount.h"

static int mount_dataset(const char *name, bool read_only) {
        _cleanup_(closep) int fs_fd = -EBADF;
        int fd;

        fs_fd = fsopen("zfs", FSOPEN_CLOEXEC);
        if (fs_fd < 0)
                return -errno;

        if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", name, 0) < 0 ||
            (read_only && fsconfig(fs_fd, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0) ||
            fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;

        fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        return fd < 0 ? -errno : fd;
}

/* A clone may be written to one day, so its file system is not read-only; where it is attached, it is before. */
int zfs_mount_private(const char *name) {
        int fd = mount_dataset(name, strchr(name, '@'));

        return fd < 0 ? provider_fail(fd, "'%s' cannot be mounted: %m", name) : fd;
}

int zfs_mount_at_shadow(const ProviderEnv *env,
                        const ProviderSnapshot *s,
                        const char *name,
                        char **ret_device) {
        _cleanup_(closep) int mount_fd = -EBADF;

        mount_fd = zfs_mount_private(name);
        if (mount_fd < 0)
                return mount_fd;

        return provider_shadow_attach(env, &s->id, mount_fd, ret_device);
}
