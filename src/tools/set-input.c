/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a Backup Set Comes From
 *
 * libarchive in its "raw" format is a universal unpacker: whatever the filters take off is handed out as one
 * file.
 */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <archive.h>

#include "base/alloc.h"
#include "tools/block-queue.h"
#include "tools/set-format.h"
#include "tools/set-input.h"

#define INPUT_BLOCKS 8

struct SetInput {
        int fd;
        uint64_t end;
        _Atomic uint64_t position;

        struct archive *unpacker;
        char *buffer; /* packed */

        BlockQueue *queue;
        Block *block; /* that the caller reads */
        pthread_t thread;
        bool has_thread;
        int read_error; /* of the file itself; the thread's */
};

static la_ssize_t input_read_packed(struct archive *a, void *userdata, const void **ret) {
        SetInput *i = userdata;
        uint64_t position = atomic_load(&i->position);
        ssize_t n;

        do
                n = pread(i->fd, i->buffer, (size_t) MIN((uint64_t) SET_BLOCK_SIZE, i->end - position),
                          (off_t) position);
        while (n < 0 && errno == EINTR);

        if (n < 0) {
                i->read_error = -errno;
                archive_set_error(a, errno, "read");
                return ARCHIVE_FATAL;
        }

        atomic_store(&i->position, position + (uint64_t) n);
        *ret = i->buffer;
        return n;
}

/* Fills one block. 1 when there is more, 0 at the end. */
static int input_fill(SetInput *i, Block *b) {
        while (b->size < SET_BLOCK_SIZE) {
                la_ssize_t n;

                n = archive_read_data(i->unpacker, b->data + b->size, SET_BLOCK_SIZE - b->size);
                if (n < 0)
                        return i->read_error < 0 ? i->read_error : -EBADMSG;
                if (n == 0)
                        return 0;

                b->size += (size_t) n;
        }

        return 1;
}

static int input_unpack(SetInput *i) {
        struct archive_entry *entry;
        int r;

        r = archive_read_open(i->unpacker, i, NULL, input_read_packed, NULL);
        if (r == ARCHIVE_OK)
                r = archive_read_next_header(i->unpacker, &entry);
        if (r == ARCHIVE_EOF)
                return 0;
        if (r < ARCHIVE_WARN)
                return i->read_error < 0 ? i->read_error : -EBADMSG;

        do {
                Block *b;

                b = block_queue_take_empty(i->queue);
                if (!b)
                        return 0; /* nobody wants the rest */

                r = input_fill(i, b);
                if (r >= 0)
                        block_queue_push(i->queue, b);
        } while (r > 0);

        return r;
}

static void *input_thread(void *userdata) {
        SetInput *i = userdata;

        block_queue_close(i->queue, input_unpack(i));
        return NULL;
}

int set_input_open(int fd, uint64_t begin, uint64_t end, SetInput **ret) {
        _cleanup_(set_input_freep) SetInput *i = NULL;
        int r;

        i = calloc_checked(1, sizeof(*i));
        if (!i)
                return -ENOMEM;

        i->fd = fd;
        i->end = end;
        atomic_init(&i->position, begin);

        i->buffer = realloc_checked(NULL, SET_BLOCK_SIZE, 1);
        i->unpacker = archive_read_new();
        if (!i->buffer || !i->unpacker)
                return -ENOMEM;

        /* Filters for which there is only a program to start warn about it: those are not wanted. */
        (void) archive_read_support_filter_zstd(i->unpacker);
        (void) archive_read_support_filter_gzip(i->unpacker);
        (void) archive_read_support_filter_bzip2(i->unpacker);
        (void) archive_read_support_filter_xz(i->unpacker);
        (void) archive_read_support_filter_lz4(i->unpacker);
        if (archive_read_support_format_raw(i->unpacker) != ARCHIVE_OK)
                return -EOPNOTSUPP;

        r = block_queue_new(INPUT_BLOCKS, SET_BLOCK_SIZE, &i->queue);
        if (r < 0)
                return r;

        r = -pthread_create(&i->thread, NULL, input_thread, i);
        if (r < 0)
                return r;

        i->has_thread = true;
        *ret = TAKE_PTR(i);
        return 0;
}

SetInput *set_input_free(SetInput *i) {
        if (!i)
                return NULL;

        if (i->has_thread) {
                block_queue_close(i->queue, 0);
                (void) pthread_join(i->thread, NULL);
        }

        if (i->unpacker)
                archive_read_free(i->unpacker);
        block_queue_free(i->queue);
        free(i->buffer);
        free(i);
        return NULL;
}

ssize_t set_input_read(SetInput *i, const void **ret_data) {
        for (;;) {
                if (i->block)
                        block_queue_return(i->queue, TAKE_PTR(i->block));

                i->block = block_queue_pop(i->queue);
                if (!i->block)
                        return block_queue_error(i->queue);
                if (i->block->size == 0)
                        continue;

                *ret_data = i->block->data;
                return (ssize_t) i->block->size;
        }
}

uint64_t set_input_position(const SetInput *i) {
        return atomic_load(&i->position);
}
