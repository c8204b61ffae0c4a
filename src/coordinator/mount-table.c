/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Table of Mounts
 *
 * Also the place that knows types of file systems by name: what can be frozen, what must not be touched, and what is
 * no place for anybody's data.
 */

#include "coordinator/mount-table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/alloc.h"
#include "base/fd-util.h"

#define UEVENT_SIZE_MAX 4096U

static const struct {
        const char *type;
        FsClass class;
} fs_types[] = {
        { "btrfs",              FS_HOLDABLE },
        { "ext2",               FS_HOLDABLE },
        { "ext3",               FS_HOLDABLE },
        { "ext4",               FS_HOLDABLE },
        { "f2fs",               FS_HOLDABLE },
        { "gfs2",               FS_HOLDABLE },
        { "jfs",                FS_HOLDABLE },
        { "nilfs2",             FS_HOLDABLE },
        { "reiserfs",           FS_HOLDABLE },
        { "xfs",                FS_HOLDABLE },

        { "bcachefs",           FS_LOCAL    },
        { "fuseblk",            FS_LOCAL    }, /* ntfs-3g and others, on a disk of our own */
        { "zfs",                FS_LOCAL    },

        { "cramfs",             FS_UNLISTED },
        { "erofs",              FS_UNLISTED },
        { "fuse.fuse-overlayfs", FS_UNLISTED }, /* the root of a rootless container */
        { "iso9660",            FS_UNLISTED },
        { "overlay",            FS_UNLISTED },
        { "ramfs",              FS_UNLISTED },
        { "rootfs",             FS_UNLISTED },
        { "squashfs",           FS_UNLISTED },
        { "tmpfs",              FS_UNLISTED },

        { "9p",                 FS_NETWORK  },
        { "afs",                FS_NETWORK  },
        { "beegfs",             FS_NETWORK  },
        { "ceph",               FS_NETWORK  },
        { "cifs",               FS_NETWORK  },
        { "fuse",               FS_NETWORK  },
        { "lustre",             FS_NETWORK  },
        { "nfs",                FS_NETWORK  },
        { "nfs4",               FS_NETWORK  },
        { "smb3",               FS_NETWORK  },
        { "smbfs",              FS_NETWORK  },
        { "vboxsf",             FS_NETWORK  },
        { "virtiofs",           FS_NETWORK  },

        { "autofs",             FS_PSEUDO   }, /* looking into it mounts something */
        { "devtmpfs",           FS_PSEUDO   },
};

FsClass mount_class(Mount *mount) {
        const char *type = mnt_fs_get_fstype(mount) ?: "";

        for (size_t i = 0; i < ELEMENTSOF(fs_types); ++i)
                if (strcmp(fs_types[i].type, type) == 0)
                        return fs_types[i].class;

        /* A program behind it may hang, and may be on another machine. */
        if (strncmp(type, "fuse.", 5) == 0 || mnt_fs_is_netfs(mount))
                return FS_NETWORK;
        if (mnt_fs_is_pseudofs(mount))
                return FS_PSEUDO;

        /* Of what we have never heard of, only what has a disk below. */
        return major(mnt_fs_get_devno(mount)) != 0 ? FS_LOCAL : FS_PSEUDO;
}

int mount_table_read(MountTable **ret) {
        MountTable *table;

        errno = 0;
        table = mnt_new_table_from_file("/proc/self/mountinfo");
        if (!table)
                return errno > 0 ? -errno : -ENOMEM;

        *ret = table;
        return 0;
}

Mount *mount_next(MountTable *table, Mount *previous) {
        Mount *mount = NULL;
        int r;

        r = previous ? mnt_table_next_child_fs(table, NULL, NULL, NULL) : 0;
        (void) r;
        return mount;
}
