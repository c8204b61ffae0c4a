/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Is a Step
 */

#include "api/deaths/steps.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <sys/syscall.h>

#include "base/macro.h"

typedef struct Step {
        unsigned long number;
        const char *name;
} Step;

static const Step steps[] = {
        { SYS_write,             "write" },
        { SYS_writev,            "writev" },
        { SYS_pwrite64,          "pwrite" },
        { SYS_pwritev,           "pwritev" },
        { SYS_sendto,            "sendto" },
        { SYS_sendmsg,           "sendmsg" },
        { SYS_shutdown,          "shutdown" },
        { SYS_fsync,             "fsync" },
        { SYS_fdatasync,         "fdatasync" },
        { SYS_syncfs,            "syncfs" },
        { SYS_ftruncate,         "ftruncate" },
        { SYS_fallocate,         "fallocate" },
        { SYS_copy_file_range,   "copy_file_range" },
        { SYS_linkat,            "linkat" },
        { SYS_symlinkat,         "symlinkat" },
        { SYS_unlinkat,          "unlinkat" },
        { SYS_mkdirat,           "mkdirat" },
        { SYS_mknodat,           "mknodat" },
        { SYS_renameat2,         "renameat2" },
        { SYS_fchmod,            "fchmod" },
        { SYS_fchmodat,          "fchmodat" },
        { SYS_fchown,            "fchown" },
        { SYS_fchownat,          "fchownat" },
        { SYS_utimensat,         "utimensat" },
        { SYS_setxattr,          "setxattr" },
        { SYS_lsetxattr,         "lsetxattr" },
        { SYS_fsetxattr,         "fsetxattr" },
        { SYS_removexattr,       "removexattr" },
        { SYS_lremovexattr,      "lremovexattr" },
        { SYS_fremovexattr,      "fremovexattr" },
        { SYS_mount,             "mount" },
        { SYS_umount2,           "umount" },
        { SYS_move_mount,        "move_mount" },
        { SYS_mount_setattr,     "mount_setattr" },
        { SYS_clone,             "clone" },
        { SYS_clone3,            "clone3" },
        { SYS_kill,              "kill" },
        { SYS_pidfd_send_signal, "pidfd_send_signal" },
#ifdef SYS_unlink /* not on machines that are younger than the calls above */
        { SYS_link,              "link" },
        { SYS_symlink,           "symlink" },
        { SYS_unlink,            "unlink" },
        { SYS_rmdir,             "rmdir" },
        { SYS_mkdir,             "mkdir" },
        { SYS_mknod,             "mknod" },
        { SYS_rename,            "rename" },
        { SYS_renameat,          "renameat" },
        { SYS_chmod,             "chmod" },
        { SYS_chown,             "chown" },
        { SYS_lchown,            "lchown" },
        { SYS_fork,              "fork" },
        { SYS_vfork,             "vfork" },
#endif
};

static const Step control_steps[] = {
        { FICLONE,                    "FICLONE" },
        { FICLONERANGE,               "FICLONERANGE" },
        { FS_IOC_SETFLAGS,            "FS_IOC_SETFLAGS" },
        { DM_DEV_SUSPEND,             "DM_DEV_SUSPEND" }, /* or resume */
        { FIFREEZE,                   "FIFREEZE" },
        { FITHAW,                     "FITHAW" },
        { BTRFS_IOC_SNAP_CREATE_V2,   "BTRFS_IOC_SNAP_CREATE_V2" },
        { BTRFS_IOC_SNAP_DESTROY,     "BTRFS_IOC_SNAP_DESTROY" },
        { BTRFS_IOC_SNAP_DESTROY_V2,  "BTRFS_IOC_SNAP_DESTROY_V2" },
        { BTRFS_IOC_SUBVOL_SETFLAGS,  "BTRFS_IOC_SUBVOL_SETFLAGS" },
};

static const char *find(const Step *table, size_t n, uint64_t number) {
        for (size_t i = 0; i < n; ++i)
                if (table[i].number == number)
                        return table[i].name;
        return NULL;
}

const char *step_name(uint64_t number, const uint64_t *args) {
        if (number == SYS_ioctl)
                return find(control_steps, ELEMENTSOF(control_steps), (uint32_t) args[1]);
        if (number == SYS_openat)
                return args[2] & O_CREAT ? "openat" : NULL;

        return find(steps, ELEMENTSOF(steps), number);
}

size_t step_numbers(unsigned ret[STEP_NUMBERS_MAX]) {
        size_t n = 0;

        _Static_assert(ELEMENTSOF(steps) + 2 <= STEP_NUMBERS_MAX, "too many kinds of steps");
        ret[n++] = SYS_ioctl;
        ret[n++] = SYS_openat;
        for (size_t i = 0; i < ELEMENTSOF(steps); ++i)
                ret[n++] = (unsigned) steps[i].number;
        return n;
}
