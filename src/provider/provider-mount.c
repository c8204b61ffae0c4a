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
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/time-util.h"
#include "provider/provider-busy.h"

/* Writers that say that they are done may still be closing their files. */
#define SEAL_PATIENCE_USEC (5 * USEC_PER_SEC)
#define SEAL_INTERVAL_USEC (20 * USEC_PER_MSEC)

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

static bool is_mount(const char *path) {
        struct statx st;

        return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_INO, &st) >= 0 &&
               (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* What is mounted at @path once more, to go there in its place. Flags of a mount are not passed on to those
 * that other mount namespaces have of it, and most services have one of their own; mounts are. */
static int clone_mount(const char *path, const struct mount_attr *attr) {
        _cleanup_(closep) int mount_fd = -EBADF;

        mount_fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
        if (mount_fd < 0)
                return -errno;
        if (mount_setattr(mount_fd, "", AT_EMPTY_PATH, (struct mount_attr *) (uintptr_t) attr, sizeof(*attr)) < 0)
                return -errno;

        return TAKE_FD(mount_fd);
}

int provider_shadow_make_writable(const ProviderEnv *env, const GUID *id) {
        const struct mount_attr attr = { .attr_clr = MOUNT_ATTR_RDONLY };
        _cleanup_(closep) int mount_fd = -EBADF;
        _cleanup_(freep) char *path = NULL;
        int r;

        r = provider_shadow_path(env, id, &path);
        if (r < 0)
                return r;
        if (!env->privileged || !is_mount(path))
                return 0;

        r = mount_fd = clone_mount(path, &attr);
        if (r >= 0)
                r = unmount_all(path);
        if (r >= 0 && move_mount(mount_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                r = -errno;
        return r < 0 ? provider_fail(r, "'%s' cannot be made writable: %m", path) : 0;
}

/* -EBUSY as long as a file of it is open for writing: here the kernel says so, in other namespaces /proc. Who
 * only reads keeps what he has. */
static int unmount_unless_written(const char *path) {
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
        int r;

        if (mount_setattr(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &attr, sizeof(attr)) < 0)
                return -errno;
        if (umount2(path, UMOUNT_NOFOLLOW) >= 0)
                return 0;
        if (errno != EBUSY)
                return -errno;

        r = provider_check_unwritten(path);
        return r < 0 ? r : unmount_all(path);
}

static int unmount_patiently(const char *path) {
        const struct timespec interval = timespec_from_usec(SEAL_INTERVAL_USEC);
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), SEAL_PATIENCE_USEC);
        int r;

        while ((r = unmount_unless_written(path)) == -EBUSY && now_usec(CLOCK_MONOTONIC) < deadline)
                (void) nanosleep(&interval, NULL);

        if (r == -EBUSY && provider_check_unwritten(path) == -EBUSY)
                return r; /* that has said who it is */
        return r < 0 ? provider_fail(r, "'%s' cannot be made read-only: %m", path) : 0;
}

int provider_shadow_make_read_only(const ProviderEnv *env, const GUID *id) {
        const struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
        _cleanup_(closep) int mount_fd = -EBADF;
        _cleanup_(freep) char *path = NULL;
        int r;

        if (!env->privileged)
                return 0;

        r = provider_shadow_path(env, id, &path);
        if (r < 0)
                return r;
        if (!is_mount(path))
                return provider_fail(-ENOENT, "nothing is mounted at '%s' any more", path);

        mount_fd = clone_mount(path, &attr);
        if (mount_fd < 0)
                return provider_fail(mount_fd, "'%s' cannot be shown read-only: %m", path);

        r = unmount_patiently(path);
        if (r < 0)
                return r;

        if (move_mount(mount_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return provider_fail(-errno, "it cannot be mounted at '%s' again: %m", path);
        return 0;
}
