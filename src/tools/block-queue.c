/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Block Queue
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "tools/block-queue.h"

struct BlockQueue {
        pthread_mutex_t lock;
        pthread_cond_t changed;

        Block *blocks, **empty, **full; /* @empty is a stack, @full a ring */
        size_t n_blocks, n_empty, n_full, first;
        bool closed;
        int error;
};

int block_queue_new(size_t n_blocks, size_t block_size, BlockQueue **ret) {
        _cleanup_(block_queue_freep) BlockQueue *q = NULL;

        q = calloc_checked(1, sizeof(*q));
        if (!q)
                return -ENOMEM;

        (void) pthread_mutex_init(&q->lock, NULL);
        (void) pthread_cond_init(&q->changed, NULL);

        q->blocks = calloc_checked(n_blocks, sizeof(*q->blocks));
        q->empty = calloc_checked(n_blocks, sizeof(*q->empty));
        q->full = calloc_checked(n_blocks, sizeof(*q->full));
        if (!q->blocks || !q->empty || !q->full)
                return -ENOMEM;

        for (; q->n_blocks < n_blocks; ++q->n_blocks) {
                Block *b = &q->blocks[q->n_blocks];

                b->data = realloc_checked(NULL, block_size, 1);
                if (!b->data)
                        return -ENOMEM;

                q->empty[q->n_empty++] = b;
        }

        *ret = TAKE_PTR(q);
        return 0;
}

BlockQueue *block_queue_free(BlockQueue *q) {
        if (!q)
                return NULL;

        for (size_t i = 0; i < q->n_blocks; ++i)
                free(q->blocks[i].data);

        free(q->full);
        free(q->empty);
        free(q->blocks);
        (void) pthread_cond_destroy(&q->changed);
        (void) pthread_mutex_destroy(&q->lock);
        free(q);
        return NULL;
}

Block *block_queue_take_empty(BlockQueue *q) {
        Block *b = NULL;

        (void) pthread_mutex_lock(&q->lock);
        while (!q->closed && q->n_empty == 0)
                (void) pthread_cond_wait(&q->changed, &q->lock);
        if (!q->closed) {
                b = q->empty[--q->n_empty];
                b->size = 0;
        }
        (void) pthread_mutex_unlock(&q->lock);

        return b;
}

void block_queue_push(BlockQueue *q, Block *b) {
        (void) pthread_mutex_lock(&q->lock);
        q->full[(q->first + q->n_full++) % q->n_blocks] = b;
        (void) pthread_cond_signal(&q->changed);
        (void) pthread_mutex_unlock(&q->lock);
}

int block_queue_drain(BlockQueue *q) {
        int error;

        (void) pthread_mutex_lock(&q->lock);
        while (!q->closed && q->n_empty < q->n_blocks)
                (void) pthread_cond_wait(&q->changed, &q->lock);
        error = q->error;
        (void) pthread_mutex_unlock(&q->lock);

        return error;
}

Block *block_queue_pop(BlockQueue *q) {
        Block *b = NULL;

        (void) pthread_mutex_lock(&q->lock);
        while (!q->closed && q->n_full == 0)
                (void) pthread_cond_wait(&q->changed, &q->lock);
        if (q->error == 0 && q->n_full > 0) {
                b = q->full[q->first];
                q->first = (q->first + 1) % q->n_blocks;
                --q->n_full;
        }
        (void) pthread_mutex_unlock(&q->lock);

        return b;
}

void block_queue_return(BlockQueue *q, Block *b) {
        (void) pthread_mutex_lock(&q->lock);
        q->empty[q->n_empty++] = b;
        (void) pthread_cond_signal(&q->changed);
        (void) pthread_mutex_unlock(&q->lock);
}

void block_queue_close(BlockQueue *q, int error) {
        (void) pthread_mutex_lock(&q->lock);
        q->closed = true;
        if (q->error == 0)
                q->error = error;
        (void) pthread_cond_broadcast(&q->changed);
        (void) pthread_mutex_unlock(&q->lock);
}

int block_queue_error(BlockQueue *q) {
        int error;

        (void) pthread_mutex_lock(&q->lock);
        error = q->error;
        (void) pthread_mutex_unlock(&q->lock);

        return error;
}
