/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What chattr(1) Forbids
 *
 * A file that is immutable, or may only be appended to, is made changeable for as long as it takes. What
 * flags it has afterwards says the source, where that has flags itself, else they are put back.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "providers/files/files-stat.h"
#include "providers/revert/revert-internal.h"

#define LOCKING (FS_IMMUTABLE_FL | FS_APPEND_FL)
#define EARLY (FS_NOCOW_FL | FS_COMPR_FL | FS_NOCOMP_FL)
#define SETTABLE (LOCKING | FS_SYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL | FS_DIRSYNC_FL | EARLY)

int revert_unlock(Revert *r, int fd, const struct statx *stx) {
        int flags, q;

        if (!(stx->stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)))
                return 0;
        if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
                return -errno;
        if (!(flags & LOCKING))
                return 0;

        q = revert_remember_flags(r, stx->stx_ino, (unsigned) flags);
        if (q < 0)
                return q;
        revert_step(r, "unlock");
        flags &= ~LOCKING;
        return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? -errno : 0;
}

int revert_unlock_level(Revert *r, RevertLevel *l) {
        struct statx stx;
        int q;

        if (l->unlocked)
                return 0;

        q = files_stat(l->target_fd, "", &stx);
        if (q >= 0)
                q = revert_unlock(r, l->target_fd, &stx);
        if (q >= 0)
                l->unlocked = true;
        return q;
}

int revert_unlock_at(Revert *r, int dir_fd, const char *name, const struct statx *stx) {
        _cleanup_(closep) int fd = -EBADF;

        if (!(stx->stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) ||
            (!S_ISREG(stx->stx_mode) && !S_ISDIR(stx->stx_mode)))
                return 0;

        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        return fd < 0 ? -errno : revert_unlock(r, fd, stx);
}

static int set_flags(Revert *r, int fd, int had, int wanted) {
        if (had == wanted)
                return 0;

        revert_step(r, "flags");
        if (ioctl(fd, FS_IOC_SETFLAGS, &wanted) == 0)
                return 0;

        /* Whether it is copied on write, and compressed, can be chosen for empty files only. */
        wanted = (wanted & ~EARLY) | (had & EARLY);
        return had == wanted || ioctl(fd, FS_IOC_SETFLAGS, &wanted) == 0 ? 0 : -errno;
}

int revert_relock(Revert *r, int fd, int source_fd, uint64_t ino) {
        unsigned before;
        int had, flags;

        if (!r->options->has_flags && !revert_recall_flags(r, ino, &before))
                return 0;
        if (ioctl(fd, FS_IOC_GETFLAGS, &had) < 0)
                return errno == ENOTTY || errno == EOPNOTSUPP ? 0 : -errno;
        if (!r->options->has_flags)
                return set_flags(r, fd, had, had | ((int) before & LOCKING));
        if (ioctl(source_fd, FS_IOC_GETFLAGS, &flags) < 0)
                return -errno;

        return set_flags(r, fd, had, (had & ~SETTABLE) | (flags & SETTABLE));
}

int revert_prepare_flags(Revert *r, int fd, int source_fd) {
        int had, flags;

        if (!r->options->has_flags)
                return 0;
        if (ioctl(fd, FS_IOC_GETFLAGS, &had) < 0 || ioctl(source_fd, FS_IOC_GETFLAGS, &flags) < 0)
                return -errno;

        return set_flags(r, fd, had, (had & ~EARLY) | (flags & EARLY));
}
