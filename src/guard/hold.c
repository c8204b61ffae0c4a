/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One Thing That Is Held
 */

#include "guard/hold.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "base/string-table.h"
#include "guard/device-mapper.h"

static const char *const hold_kind_table[_HOLD_KIND_MAX] = {
        [HOLD_FREEZE] = "freeze",
        [HOLD_SUSPEND] = "suspend",
        [HOLD_WATCH] = "watch",
};

DEFINE_STRING_TABLE(hold_kind, HoldKind)

static int freeze(int fd) {
        return ioctl(fd, FIFREEZE, 0) < 0 ? -errno : 0;
}

static int thaw(int fd) {
        while (ioctl(fd, FITHAW, 0) < 0)
                if (errno == EINVAL)
                        return 0; /* nobody held it */
                else if (errno != EINTR)
                        return -errno;

        return 0;
}

int hold_begin(const Hold *hold, int control) {
        switch (hold->kind) {
        case HOLD_FREEZE:
                return freeze(hold->fd);
        case HOLD_SUSPEND:
                return dm_suspend(control, hold->dev);
        default:
                return 0;
        }
}

int hold_end(const Hold *hold, int control) {
        return hold->kind == HOLD_FREEZE ? thaw(hold->fd) : dm_resume(control, hold->dev);
}
