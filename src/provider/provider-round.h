/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Snapshots of a Worker, Side by Side
 *
 * Between freeze and thaw every millisecond counts, and the volumes of a set do not depend on each other. So
 * each planned snapshot has a thread of its own, created long before, which sleeps until a round starts: all
 * of them sync, or all of them commit, and the round is over when the last one is done. Nothing is allocated
 * or opened in a round.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"
#include "provider/provider-protocol.h"

typedef struct Rounds Rounds;

/* One snapshot from Plan to the end of its creation. */
typedef struct Planned {
        struct Planned *prev, *next; /* in the order of planning */
        ProviderSnapshot snapshot;
        char *volume, *note; /* what the snapshot's texts point at */
        int lock_fd;
        bool prepared;
        bool chosen; /* for this round of commits */
        bool held;
        usec_t committed_usec; /* when its commit began; CLOCK_REALTIME */

        /* The result of its last round. */
        int r;
        char sentence[PROVIDER_SENTENCE_MAX];

        struct PlannedThread *thread;
} Planned;

typedef int (*RoundStep)(const ProviderOps *ops, const ProviderEnv *env, Planned *p);

int rounds_new(const ProviderOps *ops, const ProviderEnv *env, Rounds **ret);
Rounds *rounds_free(Rounds *rounds);
DEFINE_CLEANUP(Rounds *, rounds_free)

/* Takes over @volume, @note, @lock_fd and the volume's descriptor in @s, also on failure; starts the
 * thread. */
int rounds_add(Rounds *rounds, const ProviderSnapshot *s, char *volume, char *note, int lock_fd);
/* Ends the thread, releases what prepare() made. Does nothing when there is no such snapshot. */
void rounds_remove(Rounds *rounds, const GUID *id);
Planned *rounds_find(const Rounds *rounds, const GUID *id);
Planned *rounds_first(const Rounds *rounds);

/* Runs @step at once for all, or for those that are chosen. Returns the first, in the order of planning, that
 * failed; NULL when none did. */
Planned *rounds_run(Rounds *rounds, RoundStep step, bool all);
