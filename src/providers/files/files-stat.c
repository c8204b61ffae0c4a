/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Has This Changed?
 *
 * What is known about clocks and file systems. What is not known is not trusted.
 */

#include "providers/files/files-stat.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/vfs.h>
#include <time.h>

#include "base/macro.h"

#define NSEC_PER_SEC INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)

#define TICK_LOCAL (10 * NSEC_PER_MSEC)      /* CONFIG_HZ=100, the slowest */
#define TICK_WHOLE_SECONDS (2 * NSEC_PER_SEC) /* FAT; ext4 with small inodes has 1 s */
#define TICK_FOREIGN (60 * NSEC_PER_SEC)      /* a server's clock, which we cannot read */
#define WRITE_MAX (2 * NSEC_PER_SEC)          /* how long a single write() is taken to last */

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#define ZFS_SUPER_MAGIC 0x2fc12fc1
#define BCACHEFS_SUPER_MAGIC 0xca451a4e

int files_trust_for(int volume_fd, FilesTrust *ret) {
        FilesTrust trust = { .write_notify = true, .tick = TICK_LOCAL };
        struct statfs fs;
        struct statx stx;
        int r;

        if (fstatfs(volume_fd, &fs) < 0)
                return -errno;

        r = files_stat(volume_fd, "", &stx);
        if (r < 0)
                return r;

        trust.device = files_device(&stx);

        switch ((uint32_t) fs.f_type) {
        case EXT4_SUPER_MAGIC: /* and ext2, ext3 */
        case XFS_SUPER_MAGIC:
        case BTRFS_SUPER_MAGIC:
        case F2FS_SUPER_MAGIC:
                trust.leases = true;
                break;
        case TMPFS_MAGIC:
        case RAMFS_MAGIC:
                trust.leases = true;
                trust.write_notify = false;
                break;
        case OVERLAYFS_SUPER_MAGIC: /* a mapping is of the file below, of which a lease here knows nothing */
        case ZFS_SUPER_MAGIC:
        case BCACHEFS_SUPER_MAGIC:
        case MSDOS_SUPER_MAGIC:
        case EXFAT_SUPER_MAGIC:
                break;
        default:
                trust.tick = TICK_FOREIGN;
        }

        *ret = trust;
        return 0;
}

int files_stat(int dir_fd, const char *name, struct statx *ret) {
        int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name == '\0' ? AT_EMPTY_PATH : 0);

        return statx(dir_fd, name, flags, STATX_BASIC_STATS, ret) < 0 ? -errno : 0;
}

int64_t files_time(const struct statx_timestamp *t) {
        /* Unsigned, as a file may claim to be of any year. */
        return (int64_t) ((uint64_t) t->tv_sec * (uint64_t) NSEC_PER_SEC + t->tv_nsec);
}

uint64_t files_device(const struct statx *stx) {
        return (uint64_t) stx->stx_dev_major << 32 | stx->stx_dev_minor;
}

int64_t files_now(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME_COARSE, &now);
        return (int64_t) now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

bool files_is_boundary(const FilesTrust *trust, const struct statx *stx) {
        if (stx->stx_attributes & STATX_ATTR_MOUNT_ROOT)
                return true;

        /* Only of directories: overlay gives files the device of the layer they lie in. */
        return S_ISDIR(stx->stx_mode) && files_device(stx) != trust->device;
}

bool files_time_is_settled(const FilesTrust *trust, int64_t ctime, int64_t now) {
        int64_t tick = ctime % NSEC_PER_SEC == 0 ? MAX(trust->tick, TICK_WHOLE_SECONDS) : trust->tick;

        return ctime < now - tick;
}

bool files_time_is_at_rest(const FilesTrust *trust, int64_t ctime, int64_t synced) {
        return trust->write_notify && ctime < synced - MAX(trust->tick, WRITE_MAX);
}

bool files_nobody_writes(int fd) {
        /* Whoever opens the file for writing in the microsecond in which the lease is held, waits for that
         * long, and we are told by a signal: by default one that kills, so it is one that is ignored. */
        if (fcntl(fd, F_SETSIG, SIGURG) < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
                return false;

        (void) fcntl(fd, F_SETLEASE, F_UNLCK);
        return true;
}
