/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Measuring What Thin Snapshots Take
 *
 * The kernel lets others look into the metadata of a pool that is in use: it keeps them as they are at one moment (a metadata
 * snapshot), until it is told to let go. Meanwhile no block that is given back to the pool becomes free, and there can be
 * one only.
 *
 *     (write down the pool) ──> reserve ──> thin_dump ──> release ──> (forget the pool)
 *
 * What is written down, and nobody works on any more (the file is locked as long as somebody does), was left behind by a
 * worker that was killed, or when the power went off. It is let go by whoever looks after a snapshot next, discards one or
 * measures again. A metadata snapshot that was there before is somebody else's, and is left alone.
 */

#include <stdint.h>

#include "provider/provider.h"
#include "providers/lvm/lvm-command.h"

/* What the snapshots with @notes (NULL at the end) take in their @pool: bytes in no other volume. Takes as long as reading
 * the metadata of all of it, some minutes at most. -EOPNOTSUPP: thin_dump is not installed; -EBUSY: somebody else looks into
 * the pool. */
int lvm_measure(const ProviderEnv *env, const LvmVolume *pool, char *const *notes, uint64_t *ret_used);

/* Lets go of what was left behind. Quick where there is nothing. */
void lvm_measure_tidy(const ProviderEnv *env);
