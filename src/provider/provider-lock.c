/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One Worker per Snapshot
 *
 * All locks are bytes of one file, which is empty and stays: a file per snapshot would have to be removed by
 * somebody who can know that nobody is just about to lock it.
 */

#include "provider/provider-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd-util.h"

/* Which byte: the random part of the GUID that fits. Should two snapshots ever share one, they wait for
 * each other. */
static off_t lock_offset(const GUID *id) {
        uint64_t n;

        memcpy(&n, id->Data4, sizeof(n));
        return (off_t) (n >> 2);
}

int provider_lock(const ProviderEnv *env, const GUID *snapshot_id, bool wait) {
        struct flock lock = {
                .l_type = F_WRLCK,
                .l_whence = SEEK_SET,
                .l_start = lock_offset(snapshot_id),
                .l_len = 1,
        };
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = format_to(&path, "%s/provider.lock", env->runtime_dir);
        if (r < 0)
                return r;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;

        while (fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock) < 0)
                if (errno != EINTR)
                        return errno == EACCES ? -EAGAIN : -errno;

        return TAKE_FD(fd);
}
