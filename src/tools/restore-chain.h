/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Sets of a Restore
 *
 * One, or several that build on each other: a full one and what changed since, in the order in which they
 * were made. All of them are verified, and whether they are a chain is decided, before anything is written.
 */

#include <stdbool.h>
#include <stddef.h>

#include <vss.h>

#include "tools/set-reader.h"

typedef struct ChainSet {
        const char *path;
        SetReader *reader;
        const char *id, *since; /* as the manifest has them; NULL: none */
} ChainSet;

typedef struct RestoreChain {
        ChainSet *sets;
        size_t n;
} RestoreChain;

/* Opens and verifies them. An ExitCode; a message was printed when it is not EXIT_OK. */
int restore_chain_open(RestoreChain *c, char *const *paths);
void restore_chain_clear(RestoreChain *c);

/* Is each built on the one before it? @onto_existing: the first may build on what is in place. An ExitCode. */
int restore_chain_check(const RestoreChain *c, bool onto_existing);

/* What "damaged" means for @error, in a sentence that ends with @so_far. An ExitCode. */
int chain_set_explain(const ChainSet *s, int error, const char *so_far);
