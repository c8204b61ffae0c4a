/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who Dies, and Where
 *
 * What the tests of this folder have in common: a volume of a provider (first argument), somebody who is killed
 * (second argument) before one of his steps, and what has to happen then before anybody looks.
 */

#include <vss.h>

#include "api/deaths/tracer.h"
#include "phases/actors.h"
#include "phases/world.h"

#define STEPS_MIN 4U /* of anybody who has a part in it */

typedef struct Place {
        const char *provider, *file_system;
        VSS_ID id;
} Place;

typedef enum Victim {
        VICTIM_REQUESTER,
        VICTIM_UMBRAD,
        VICTIM_WORKER,
        VICTIM_WORKER_AND_UMBRAD, /* before each step of the worker */
        VICTIM_GUARD,
        VICTIM_GUARD_AND_UMBRAD,
        _VICTIM_MAX,
} Victim;

/* Of this process; deaths_main() sets them. */
extern const Place *place;
extern Victim victim;

const char *victim_to_string(Victim v);
bool victim_is_umbrad(Victim v);

/* Waits until the victim is about to make its @at-th step since @requester was let go (which this does). 0: the
 * requester has ended instead. */
pid_t death_reach(const World *w, Actor *requester, unsigned at, Tracer **ret, char ret_step[STEP_NAME_MAX]);
/* The victim @pid dies there, and all others run on. Afterwards the requester has ended and been read, and umbrad runs
 * (again). */
void death_strike(World *w, pid_t pid, Actor *requester, Tracer *t);

int deaths_main(int argc, char **argv, void (*test)(void **state), const char *name);
