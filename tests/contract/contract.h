/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Provider, and a Place for It
 *
 * What the tests of the contract have in common. Each of them has a worker process and a volume of its own, with a tree of files.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time-util.h"
#include "contract/place.h"
#include "provider/provider-protocol.h"
#include "provider/provider.h"
#include "unit/provider/asker.h"

extern const char *provider, *kind; /* what is tested, and where: see place.h */

typedef struct World {
        Place *place;
        Asker asker;
        ProviderSnapshot snapshot; /* of place->volume */
        char *note;
        uint32_t flags; /* what probe said */
        char *names;    /* of everything there was before */
        char *device;   /* where the shadow copy is seen */
} World;

int world_setup(void **state);
int world_teardown(void **state);

/* One step each, which has to succeed. */
void probe(World *w);
void plan(World *w);
void prepare(World *w);
void synchronize(World *w);
void pre_commit(World *w);
void commit(World *w);
void surface(World *w);
void discard(World *w);
void unseal(World *w);
void seal(World *w);

/* The life of a snapshot, as far as tests want to go. */
typedef struct ContractStep {
        ProviderCall call;
        void (*run)(World *w);
} ContractStep;
#define CONTRACT_STEPS 6U
extern const ContractStep steps[CONTRACT_STEPS];
void run_steps(World *w, size_t n);

void assert_nothing_left(World *w);

/* What a writer changes in a copy. */
void put_right(World *w);
void assert_put_right(World *w);

/* A provider of vsprov.h, which is asked through umbra-provider-com. */
bool is_foreign(void);
bool can(uint32_t ability);

/* Asks and does not wait. */
int begin(World *w, ProviderCall call, Answer *answer);
/* When in a step a worker is killed, up to UINT64_MAX. Where each step takes a second, later, and not so often. */
const uint64_t *kill_delays(const World *w);
void kill_in_the_middle(World *w, ProviderCall call, uint64_t usec);
/* For what is told again after a kill until it is done: in round 0 it is done, and how long that took is returned; in each of the rounds
 * up to KILLS a worker is killed a part of that time (@whole) later, and another one does it. */
#define KILLS 5U
usec_t do_or_kill(World *w, ProviderCall call, unsigned round, usec_t whole);

/* contract-deeds.c */
void test_that_what_is_broken_off_is_nobodys_to_discard(void **state);
void test_that_a_break_that_was_killed_is_gone_on_with(void **state);
void test_that_a_volume_becomes_what_its_copy_is(void **state);
void test_that_a_revert_that_was_killed_goes_on(void **state);

/* contract-room.c */
void test_that_discard_gives_the_space_back(void **state);
void test_that_a_revert_that_its_copy_would_not_survive_is_refused(void **state);
void test_that_a_full_disk_is_said_to_be_full(void **state);
void test_that_a_copy_that_fills_up_gets_more_room(void **state);
void test_that_two_copies_share_what_room_there_is(void **state);
void test_that_a_copy_that_could_not_be_kept_is_said_to_be_lost(void **state);
