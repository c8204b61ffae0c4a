/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Shadow Copies Elsewhere
 */

#include "provider/provider-expose.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"

static int check_privilege(const ProviderEnv *env) {
        if (env->privileged)
                return 0;

        return provider_fail(-EPERM, "umbrad may not mount anything; run it as root");
}

/* 0: empty. */
static int check_empty(int fd) {
        const struct dirent *entry;
        int r = 0, copy;
        DIR *d;

        copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (copy < 0)
                return -errno;
        d = fdopendir(copy);
        if (!d) {
                fd_close(copy);
                return -ENOMEM;
        }

        while (r == 0 && (entry = readdir(d)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        r = -ENOTEMPTY;

        (void) closedir(d);
        return r;
}

static bool is_below(const char *path, const char *directory) {
        size_t n = strlen(directory);

        return strncmp(path, directory, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static int name_of(int fd, char **ret) {
        char link[64], path[PATH_MAX];
        ssize_t n;

        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                return -errno;

        path[n] = '\0';
        return strdup_to(path, ret);
}

static int check_place(const ProviderEnv *env, int fd, uid_t uid, const char *path) {
        struct statx st;
        int r;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_UID, &st) < 0)
                return provider_fail(-errno, "'%s' cannot be looked at: %m", path);
        if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
                return provider_fail(-EBUSY, "something is mounted at '%s'", path);
        if (is_below(path, env->state_dir) || is_below(path, env->runtime_dir))
                return provider_fail(-EINVAL, "'%s' is umbra's own", path);
        if (uid != 0 && st.stx_uid != uid)
                return provider_fail(-EPERM, "'%s' is not yours", path);

        r = check_empty(fd);
        return r < 0 ? provider_fail(r, "'%s' must be an empty directory: %m", path) : 0;
}

int provider_check_exposure(const ProviderEnv *env, const char *path, uid_t uid, char **ret_path) {
        _cleanup_(freep) char *name = NULL;
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = check_privilege(env);
        if (r < 0)
                return r;

        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return provider_fail(-errno, "'%s' cannot be opened as a directory: %m", path);

        r = name_of(fd, &name);
        if (r >= 0)
                r = check_place(env, fd, uid, name);
        if (r < 0)
                return r;

        *ret_path = TAKE_PTR(name);
        return 0;
}

static bool is_same(const struct statx *a, const struct statx *b) {
        return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
               a->stx_dev_minor == b->stx_dev_minor;
}

int provider_expose_bind(const ProviderEnv *env, const char *device, int path_fd) {
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
        _cleanup_(closep) int mount_fd = -EBADF;
        struct statx there, shadow;
        int r;

        r = check_privilege(env);
        if (r < 0)
                return r;

        mount_fd = open_tree(AT_FDCWD, device, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
        if (mount_fd < 0)
                return provider_fail(-errno, "'%s' cannot be shown elsewhere: %m", device);
        if (statx(path_fd, "", AT_EMPTY_PATH, STATX_INO, &there) < 0 ||
            statx(mount_fd, "", AT_EMPTY_PATH, STATX_INO, &shadow) < 0)
                return provider_fail(-errno, "the directory cannot be looked at: %m");
        if (there.stx_attributes & STATX_ATTR_MOUNT_ROOT)
                return is_same(&there, &shadow) ? 0 :
                                                  provider_fail(-EBUSY, "something else is mounted there");

        r = check_empty(path_fd); /* it may have changed since it was chosen */
        if (r < 0)
                return provider_fail(r, "the directory is not empty any more");
        if (mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
                return provider_fail(-errno, "it cannot be made read-only: %m");
        if (move_mount(mount_fd, "", path_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
                return provider_fail(-errno, "it cannot be mounted there: %m");

        return 0;
}

/* Only what is this shadow copy is unmounted. Where that is not to be seen any more, nobody can tell. */
int provider_unexpose_bind(const ProviderEnv *env, const char *device, const char *path) {
        struct statx there, shadow;

        if (!env->privileged)
                return 0; /* nothing was mounted */
        if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_INO, &there) < 0)
                return errno == ENOENT || errno == ENOTDIR ?
                               0 :
                               provider_fail(-errno, "'%s' cannot be looked at: %m", path);
        if (!(there.stx_attributes & STATX_ATTR_MOUNT_ROOT))
                return 0;
        if (statx(AT_FDCWD, device, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_INO, &shadow) >= 0 &&
            !is_same(&there, &shadow))
                return 0;
        if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
                return provider_fail(-errno, "'%s' cannot be unmounted: %m", path);

        return 0;
}
