/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Snapshots Whose Storage Fills Up
 *
 * Some storage holds a snapshot only as long as what its volume overwrites finds room. As long as there are such
 * snapshots, their providers are asked to look after them (PROVIDER_NEEDS_TENDING): again when half of what is left
 * will be gone at the rate of the last time, so often where much is written, and every ten seconds where nothing
 * is: then somebody may just be beginning.
 */

#include <stdbool.h>

#include "base/macro.h"
#include "base/time-util.h"
#include "coordinator/coordinator-forward.h"

int snapshot_watch_new(Manager *m, SnapshotWatch **ret);
SnapshotWatch *snapshot_watch_free(SnapshotWatch *w);
DEFINE_CLEANUP(SnapshotWatch *, snapshot_watch_free)

/* There may be new ones. */
void snapshot_watch_kick(SnapshotWatch *w);

/* Answers are awaited. */
bool snapshot_watch_is_asking(const SnapshotWatch *w);

/* For umbra status and umbra snapshot list: how full it is, of 1000, and what there is to say of it; NULL: nothing. */
typedef void (*SnapshotWatchEach)(const GUID *id, const char *volume, unsigned permille, const char *trouble, void *userdata);
void snapshot_watch_report(SnapshotWatch *w, SnapshotWatchEach each, void *userdata);

/* When to look again, from how full it was, how full it is, and how long that took. */
usec_t snapshot_watch_interval(unsigned before, unsigned now, usec_t passed);
