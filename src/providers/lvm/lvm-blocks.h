/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which Blocks of a Thin Pool Are in Which Volumes
 *
 * A block belongs to every volume that shows it, so what lvm says of one volume says nothing of what would be free
 * without it. thin_dump says which blocks each of them has, as XML; what is in snapshots only is counted here. Blocks
 * that several snapshots share count once.
 *
 * A newer thin_dump names what several volumes have in common (def) and refers to it (ref); an older one repeats it.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

typedef struct LvmBlocks LvmBlocks;

/* @ids: thin ids of the snapshots; they stay the caller's, and as they are. */
int lvm_blocks_new(const uint64_t *ids, size_t n, LvmBlocks **ret);
LvmBlocks *lvm_blocks_free(LvmBlocks *b);

static inline void lvm_blocks_freep(LvmBlocks **b) {
        *b = lvm_blocks_free(*b);
}

/* The next piece of what thin_dump says. -EBADMSG: that is none; -E2BIG: of a pool that is larger than any. */
int lvm_blocks_feed(LvmBlocks *b, const char *text, size_t size);
/* That was all. *@ret_bytes: what is in the snapshots and in no other volume. */
int lvm_blocks_count(LvmBlocks *b, uint64_t *ret_bytes);
