/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A World of Its Own
 *
 * One private umbrad with its directories, and one volume: as root an ext4 file system in a loop image, mounted where nobody else sees it; else a plain
 * directory. What was started here ends here.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/time-util.h"

typedef struct World {
        char *dir, *socket, *state, *runtime, *volume;
        char *config; /* umbra.conf, from the next start on; NULL: TEST_CONFIG. Freed with the world. */
        bool held; /* the volume is one that umbra holds */
        pid_t umbrad;
        int umbrad_pidfd;
} World;

World *world_new(void);
/* The same on another file system (root only): "xfs", or a subvolume of "btrfs". */
World *world_new_on(const char *type);
World *world_free(World *w);

void world_start_umbrad(World *w);
void world_kill_umbrad(World *w);
/* What the fake provider is to do, from the next worker on; see providers/fake/fake-script.h. NULL: nothing. */
void world_script(World *w, const char *script);

/* A process of this umbrad, by its program's name; 0 when there is none. */
pid_t world_child(const World *w, const char *program);

/* Writes to the volume, and waits until that has reached the disk. How long it took, from @since (CLOCK_MONOTONIC). Fails the test when it does not. */
usec_t world_write(World *w, usec_t since);
/* The status has @needle in it, within the patience of a test. */
void world_await_status(World *w, const char *needle);
/* No snapshot in the catalog, no file in a store, no mount below the runtime directory, within the patience of a test. */
void world_assert_clean(World *w);
