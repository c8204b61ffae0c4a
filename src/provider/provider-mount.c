/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a Shadow Copy Is Seen
 */

#include "provider/provider-mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"

int provider_shadow_path(const ProviderEnv *env, const GUID *id, char **ret) {
        return format_to(ret, "%s/shadow/%s", env->runtime_dir, GUID_TO_STRING(id));
}

static int unmount_all(const char *path) {
        while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) >= 0)
                ;

        return errno == EINVAL || errno == ENOENT ? 0 : -errno; /* no mount, or not even a directory */
}

/* Is it this very thing that is mounted there already? Then whoever reads it is not disturbed. */
static bool is_attached(int mount_fd, const char *path) {
        struct statx there, new;

        if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_INO, &there) < 0 ||
            statx(mount_fd, "", AT_EMPTY_PATH, STATX_INO, &new) < 0)
                return false;

        return (there.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 && there.stx_ino == new.stx_ino &&
               there.stx_dev_major == new.stx_dev_major && there.stx_dev_minor == new.stx_dev_minor;
}

int provider_shadow_attach(const ProviderEnv *env, const GUID *id, int mount_fd, char **ret_device) {
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
        _cleanup_(freep) char *path = NULL;
        int r;

        r = provider_shadow_path(env, id, &path);
        if (r < 0)
                return r;

        r = mkdir_p(path, 0700);
        if (r < 0)
                return provider_fail(r, "its place '%s' cannot be made: %m", path);

        if (is_attached(mount_fd, path)) {
                *ret_device = TAKE_PTR(path);
                return 0;
        }

        r = unmount_all(path);
        if (r < 0)
                return provider_fail(r, "its place '%s' cannot be cleared: %m", path);

        if (mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
                return provider_fail(-errno, "it cannot be made read-only: %m");

        if (move_mount(mount_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return provider_fail(-errno, "it cannot be mounted at '%s': %m", path);

        *ret_device = TAKE_PTR(path);
        return 0;
}

int provider_shadow_bind(const ProviderEnv *env, const GUID *id, const char *path, char **ret_device) {
        _cleanup_(closep) int mount_fd = -EBADF;

        mount_fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
        if (mount_fd < 0)
                return provider_fail(-errno, "'%s' cannot be shown elsewhere: %m", path);

        return provider_shadow_attach(env, id, mount_fd, ret_device);
}

int provider_shadow_remove(const ProviderEnv *env, const GUID *id) {
        _cleanup_(freep) char *path = NULL;
        int r;

        r = provider_shadow_path(env, id, &path);
        if (r < 0)
                return r;

        /* Without privileges nothing was mounted. */
        r = env->privileged ? unmount_all(path) : 0;
        if (r < 0)
                return provider_fail(r, "'%s' cannot be unmounted: %m", path);

        if (rmdir(path) < 0 && errno != ENOENT)
                return provider_fail(-errno, "'%s' cannot be removed: %m", path);

        return 0;
}

int provider_shadow_make_writable(const ProviderEnv *env, const GUID *id) {
        struct mount_attr attr = { .attr_clr = MOUNT_ATTR_RDONLY };
        _cleanup_(freep) char *path = NULL;
        int r;

        if (!env->privileged)
                return 0;

        r = provider_shadow_path(env, id, &path);
        if (r < 0)
                return r;

        if (mount_setattr(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &attr, sizeof(attr)) < 0 && errno != ENOENT &&
            errno != EINVAL)
                return provider_fail(-errno, "'%s' cannot be made writable: %m", path);

        return 0;
}
