/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Devices of Device Mapper
 *
 * The kernel's own interface, not libdevmapper's: that one allocates, waits for udev and has a state of its own.
 */

#include "guard/device-mapper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define CONTROL "/dev/" DM_DIR "/" DM_CONTROL_NODE

int dm_open_control(void) {
        int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* *@ret_flags: DM_…_FLAG, as they are after it. */
static int dm_ask(int control, unsigned long request, dev_t device, uint32_t flags, uint32_t *ret_flags) {
        struct dm_ioctl io = {
                .version = { DM_VERSION_MAJOR, 0, 0 },
                .data_size = sizeof(io),
                .flags = flags,
                .dev = device, /* the kernel encodes it like the C library */
        };

        while (ioctl(control, request, &io) < 0)
                if (errno != EINTR)
                        return -errno;

        *ret_flags = io.flags;
        return 0;
}

int dm_is_suspended(int control, dev_t device) {
        uint32_t flags;
        int r;

        r = dm_ask(control, DM_DEV_STATUS, device, 0, &flags);
        return r < 0 ? r : (flags & DM_SUSPEND_FLAG) != 0;
}

int dm_suspend(int control, dev_t device) {
        uint32_t flags;
        int r;

        /* The kernel would not mind, and then we would resume what others suspended. */
        r = dm_is_suspended(control, device);
        if (r != 0)
                return r < 0 ? r : -EBUSY;

        return dm_ask(control, DM_DEV_SUSPEND, device, DM_SUSPEND_FLAG, &flags);
}

int dm_resume(int control, dev_t device) {
        uint32_t flags;
        int r;

        /* A device that runs may have a table that somebody is just preparing, and resuming would put that into
         * effect. */
        r = dm_is_suspended(control, device);
        if (r <= 0)
                return r == -ENXIO ? 0 : r;

        r = dm_ask(control, DM_DEV_SUSPEND, device, 0, &flags);
        return r == -ENXIO ? 0 : r;
}
