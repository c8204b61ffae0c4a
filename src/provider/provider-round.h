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
        HRESULT own_result; /* of provider_fail_with() */
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

/* A step of a set as a whole. */
typedef int (*RoundAll)(const ProviderEnv *env, ProviderSnapshot *const *all, size_t n);

/* Runs @step once, here, for all or for those that are chosen. A failure is the first one's. */
Planned *rounds_run_all(Rounds *rounds, RoundAll step, bool all);
/* Lists all snapshots, or those that are chosen; returns how many. @list has room for WIRE_VOLUMES_MAX. */
size_t rounds_list(const Rounds *rounds, bool all, ProviderSnapshot **list);
