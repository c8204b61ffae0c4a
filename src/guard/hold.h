/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One Thing That Is Held
 *
 * The guard, its client, and whoever comes after both were killed: all of them begin and end holds with these
 * functions, which allocate, open and log nothing.
 */

#include <sys/types.h>

typedef enum HoldKind {
        HOLD_NONE = -1,

        /* FIFREEZE: writing waits, reading does not. */
        HOLD_FREEZE,
        /* The device-mapper device that the file system lies on is suspended: both wait. lvm takes a snapshot of
         * what is suspended already, and resumes it. */
        HOLD_SUSPEND,
        /* Nothing: a provider suspends the device itself, and resumes it. But should that not come about, then at
         * the end it is resumed all the same. */
        HOLD_WATCH,

        _HOLD_KIND_MAX,
        _HOLD_KIND_INVALID = -22,
} HoldKind;

const char *hold_kind_to_string(HoldKind kind);
HoldKind hold_kind_from_string(const char *s);

typedef struct Hold {
        HoldKind kind;
        int fd;    /* a directory of the file system */
        dev_t dev; /* what it lies on, unless it is to be frozen */
} Hold;

/* @control: of dm_open_control(); -EBADF where all are to be frozen. -EBUSY: somebody else holds it. */
int hold_begin(const Hold *hold, int control);
/* 0 also when it is not held (any more). */
int hold_end(const Hold *hold, int control);
