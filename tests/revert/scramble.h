/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whatever People Do to Their Files
 *
 * A tree of some size, and any number of random changes to a tree: contents, names, kinds, metadata. The
 * same seed makes the same changes.
 */

#include <stdint.h>

void scramble_make(const char *dir, uint64_t seed);
void scramble(const char *dir, uint64_t seed, unsigned n_changes);
