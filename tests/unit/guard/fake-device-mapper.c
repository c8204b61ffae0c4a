/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Device Mapper Without Devices
 *
 * Linked in place of guard/device-mapper.c, where a test wants to see what is asked of the device mapper and the
 * kernel may have none. Every device number is one; those that are suspended are files of that name in
 * $UMBRA_FAKE_MAPPER. Whoever runs the test may play lvm, and resume one by removing the file.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd-util.h"
#include "guard/device-mapper.h"

#define NAME_SIZE 32U

static const char *device_name(dev_t device, char name[static NAME_SIZE]) {
        (void) snprintf(name, NAME_SIZE, "%u:%u", major(device), minor(device));
        return name;
}

int dm_open_control(void) {
        const char *dir = getenv("UMBRA_FAKE_MAPPER");
        int fd;

        if (!dir)
                return -ENOENT;

        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int dm_is_suspended(int control, dev_t device) {
        char name[NAME_SIZE];

        if (faccessat(control, device_name(device, name), F_OK, 0) == 0)
                return 1;
        return errno == ENOENT ? 0 : -errno;
}

int dm_suspend(int control, dev_t device) {
        char name[NAME_SIZE];
        int fd;

        fd = openat(control, device_name(device, name), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        if (fd < 0)
                return errno == EEXIST ? -EBUSY : -errno;

        fd_close(fd);
        return 0;
}

int dm_resume(int control, dev_t device) {
        char name[NAME_SIZE];

        return unlinkat(control, device_name(device, name), 0) < 0 && errno != ENOENT ? -errno : 0;
}
