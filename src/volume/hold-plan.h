/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How the Volumes of a Set Come to One Instant
 *
 * From what the providers want for each volume to how it is held while all of them commit, so that no commit waits
 * for what is held, and in which order they commit. Why that is one instant is told in hold-plan.c.
 */

#include <stdbool.h>
#include <stddef.h>

#include "provider/provider.h"
#include "volume/volume.h"

typedef struct HoldPlan {
        /* What is known. */
        const Volume *volume;
        const ProviderProbe *probe;

        /* What follows. */
        HoldKind kind;
        bool own; /* not held by us, and yet one instant: its commit is one, and comes before those that let go of
                   * what we hold */
} HoldPlan;

/* -errno when the table of mounts cannot be read. */
int hold_plan(HoldPlan *plans, size_t n);
