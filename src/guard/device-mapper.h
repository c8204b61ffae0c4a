/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Devices of Device Mapper
 *
 * A device that is suspended takes no request: what is written to it and what is read from it waits. The kernel
 * freezes the file system on it first and thaws it when the device resumes, so that it is clean meanwhile. The
 * devices are named by their numbers, and none of this opens or allocates anything, except dm_open_control().
 */

#include <stdbool.h>
#include <sys/types.h>

/* What the other functions want as @control. -ENOENT, -ENODEV: there is no device mapper here. */
int dm_open_control(void);

/* Is there such a device, and is it suspended? -ENXIO: there is none. */
int dm_is_suspended(int control, dev_t device);
/* Waits until what is under way has been written. -EBUSY: somebody else has suspended it before. */
int dm_suspend(int control, dev_t device);
/* 0 also when it runs, or is not there any more. */
int dm_resume(int control, dev_t device);
