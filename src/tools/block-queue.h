/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Block Queue
 *
 * A fixed number of large blocks that go round between two threads: one fills, one drains. It is what lets
 * reading, compressing and writing overlap, and what bounds the memory they need. Either side may close it,
 * with 0 at the end of the data or with an error, and the other side then stops waiting.
 */

#include <stddef.h>

#include "base/macro.h"

typedef struct Block {
        char *data;
        size_t size;
} Block;

typedef struct BlockQueue BlockQueue;

int block_queue_new(size_t n_blocks, size_t block_size, BlockQueue **ret);
BlockQueue *block_queue_free(BlockQueue *q);
DEFINE_CLEANUP(BlockQueue *, block_queue_free)

/* The filling side. NULL: the queue was closed. */
Block *block_queue_take_empty(BlockQueue *q);
void block_queue_push(BlockQueue *q, Block *b);

/* Waits until all that was pushed has come back. The caller has no block. The first error. */
int block_queue_drain(BlockQueue *q);

/* The draining side. NULL: the end of the data, or an error. Blocks that were pushed before an end without
 * an error still come. */
Block *block_queue_pop(BlockQueue *q);
void block_queue_return(BlockQueue *q, Block *b);

/* The first error stays. */
void block_queue_close(BlockQueue *q, int error);
int block_queue_error(BlockQueue *q);
