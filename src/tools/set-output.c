/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a Backup Set Goes
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <zstd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "tools/block-queue.h"
#include "tools/set-format.h"
#include "tools/set-output.h"
#include "tools/set-seal.h"

#define OUTPUT_BLOCKS 8
#define OUTPUT_WORKERS_MAX 4

/* Small pieces (tar's headers) are gathered, as each call of zstd takes a lock. */
#define OUTPUT_GATHER_SIZE ((size_t) 128 * 1024)

struct SetOutput {
        char *path, *part; /* NULL: not a file that could be renamed */
        int fd, dir_fd;
        bool replace; /* what has the name already */

        ZSTD_CCtx *zstd; /* NULL: not compressed */
        char *gathered;
        size_t n_gathered;

        BlockQueue *queue;
        Block *block; /* being filled */
        pthread_t thread;
        bool has_thread, finished;
        bool unnamed; /* it is finished, and still FILE.part */
        uint64_t produced, tail; /* bytes handed to the thread; where the tail began */

        SealHash *seal; /* from here on the thread's */
        _Atomic uint64_t written;
};

bool set_level_is_valid(int level) {
        return level >= SET_LEVEL_NONE && level <= ZSTD_maxCLevel();
}

/* The thread: hash, write. */
static void *output_thread(void *userdata) {
        SetOutput *o = userdata;
        Block *b;

        while ((b = block_queue_pop(o->queue))) {
                int r;

                r = fd_write_all(o->fd, b->data, b->size);
                if (r < 0) {
                        block_queue_close(o->queue, r);
                        break;
                }

                seal_hash_update(o->seal, b->data, b->size);
                atomic_fetch_add(&o->written, b->size);
                block_queue_return(o->queue, b);
        }

        return NULL;
}

/* Two that began at the same moment may each have taken the other's file for a stale one. */
static bool output_owns_part(const SetOutput *o) {
        struct stat mine, named;

        return o->part && fstat(o->fd, &mine) == 0 && lstat(o->part, &named) == 0 &&
               mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

/* Takes the name FILE.part, also from a backup that is no more. */
static int output_create_part(SetOutput *o) {
        for (unsigned tries = 0; tries < 2; ++tries) {
                _cleanup_(closep) int stale = -EBADF;

                o->fd = open(o->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
                if (o->fd >= 0)
                        return flock(o->fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
                if (errno != EEXIST)
                        return -errno;

                stale = open(o->part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
                if (stale < 0)
                        return -errno;
                if (flock(stale, LOCK_EX | LOCK_NB) < 0)
                        return errno == EWOULDBLOCK ? -EBUSY : -errno;
                if (unlink(o->part) < 0)
                        return -errno;
        }

        return -EBUSY;
}

static int output_open_parent(SetOutput *o) {
        _cleanup_(freep) char *parent = NULL;
        const char *slash = strrchr(o->path, '/');
        int r;

        r = slash ? format_to(&parent, "%.*s", (int) (slash - o->path + 1), o->path) :
                    strdup_to(".", &parent);
        if (r < 0)
                return r;

        o->dir_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return o->dir_fd < 0 ? -errno : 0;
}

static int output_open_file(SetOutput *o, const char *path) {
        struct stat st;
        int r;

        if (strcmp(path, "-") == 0) {
                o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
                return o->fd < 0 ? -errno : 0;
        }

        /* A tape, a pipe: there is nothing to rename. */
        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
                o->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
                return o->fd < 0 ? -errno : 0;
        }

        r = strdup_to(path, &o->path);
        if (r < 0)
                return r;

        r = format_to(&o->part, "%s.part", path);
        if (r < 0)
                return r;

        r = output_open_parent(o);
        if (r < 0)
                return r;

        return output_create_part(o);
}

static int output_open_zstd(SetOutput *o, int level) {
        int workers = MIN(get_nprocs(), OUTPUT_WORKERS_MAX);

        o->zstd = ZSTD_createCCtx();
        o->gathered = realloc_checked(NULL, OUTPUT_GATHER_SIZE, 1);
        if (!o->zstd || !o->gathered)
                return -ENOMEM;

        if (ZSTD_isError(ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_compressionLevel, level)) ||
            ZSTD_isError(ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_checksumFlag, 1)))
                return -EINVAL;

        /* Refused by a zstd that was built without threads; it works all the same. */
        (void) ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_nbWorkers, workers);
        return 0;
}

int set_output_open(const char *path, bool replace, int level, SetOutput **ret) {
        _cleanup_(set_output_freep) SetOutput *o = NULL;
        int r;

        if (!set_level_is_valid(level))
                return -EINVAL;

        o = calloc_checked(1, sizeof(*o));
        if (!o)
                return -ENOMEM;

        o->fd = o->dir_fd = -EBADF;
        o->replace = replace;
        atomic_init(&o->written, 0);

        r = seal_hash_new(&o->seal);
        if (r < 0)
                return r;

        r = block_queue_new(OUTPUT_BLOCKS, SET_BLOCK_SIZE, &o->queue);
        if (r < 0)
                return r;

        if (level != SET_LEVEL_NONE) {
                r = output_open_zstd(o, level);
                if (r < 0)
                        return r;
        }

        r = output_open_file(o, path);
        if (r < 0)
                return r;

        r = -pthread_create(&o->thread, NULL, output_thread, o);
        if (r < 0)
                return r;

        o->has_thread = true;
        *ret = TAKE_PTR(o);
        return 0;
}

static void output_join(SetOutput *o) {
        if (o->has_thread)
                (void) pthread_join(o->thread, NULL);
        o->has_thread = false;
}

SetOutput *set_output_free(SetOutput *o) {
        if (!o)
                return NULL;

        if (o->queue)
                block_queue_close(o->queue, o->finished ? 0 : -ECANCELED);
        output_join(o);

        if (!o->finished && output_owns_part(o))
                (void) unlink(o->part);

        (void) fd_close(o->fd);
        (void) fd_close(o->dir_fd);
        ZSTD_freeCCtx(o->zstd);
        block_queue_free(o->queue);
        seal_hash_free(o->seal);
        free(o->gathered);
        free(o->part);
        free(o->path);
        free(o);
        return NULL;
}

/* Sees to it that there is room in the block. */
static int output_room(SetOutput *o) {
        if (o->block && o->block->size == SET_BLOCK_SIZE)
                block_queue_push(o->queue, TAKE_PTR(o->block));

        if (!o->block)
                o->block = block_queue_take_empty(o->queue);

        if (!o->block) {
                int error = block_queue_error(o->queue);

                return error < 0 ? error : -EIO;
        }

        return 0;
}

static int output_plain(SetOutput *o, const char *p, size_t size) {
        while (size > 0) {
                size_t n;
                int r;

                r = output_room(o);
                if (r < 0)
                        return r;

                n = MIN(size, SET_BLOCK_SIZE - o->block->size);
                memcpy(o->block->data + o->block->size, p, n);
                o->block->size += n;
                o->produced += n;
                p += n;
                size -= n;
        }

        return 0;
}

static int output_compress(SetOutput *o, const void *data, size_t size, ZSTD_EndDirective end) {
        ZSTD_inBuffer in = { .src = data, .size = size };

        for (;;) {
                ZSTD_outBuffer out;
                size_t left;
                int r;

                r = output_room(o);
                if (r < 0)
                        return r;

                out = (ZSTD_outBuffer){ .dst = o->block->data,
                                        .size = SET_BLOCK_SIZE,
                                        .pos = o->block->size };
                left = ZSTD_compressStream2(o->zstd, &out, &in, end);
                if (ZSTD_isError(left))
                        return -EIO;

                o->produced += out.pos - o->block->size;
                o->block->size = out.pos;

                if (end == ZSTD_e_continue ? in.pos == in.size : left == 0)
                        return 0;
        }
}

static int output_flush_gathered(SetOutput *o) {
        size_t n = o->n_gathered;

        o->n_gathered = 0;
        return n > 0 ? output_compress(o, o->gathered, n, ZSTD_e_continue) : 0;
}

int set_output_write(SetOutput *o, const void *data, size_t size) {
        int r;

        if (!o->zstd)
                return output_plain(o, data, size);

        if (size > OUTPUT_GATHER_SIZE - o->n_gathered) {
                r = output_flush_gathered(o);
                if (r < 0)
                        return r;
        }

        if (size > OUTPUT_GATHER_SIZE)
                return output_compress(o, data, size, ZSTD_e_continue);

        memcpy(o->gathered + o->n_gathered, data, size);
        o->n_gathered += size;
        return 0;
}

static int output_end_frame(SetOutput *o) {
        int r;

        if (!o->zstd)
                return 0;

        r = output_flush_gathered(o);
        return r < 0 ? r : output_compress(o, NULL, 0, ZSTD_e_end);
}

/* Brings all bytes so far to where they go. Pipes and tapes know no disk to wait for. */
static int output_settle(SetOutput *o) {
        int r;

        if (o->block)
                block_queue_push(o->queue, TAKE_PTR(o->block));

        r = block_queue_drain(o->queue);
        if (r < 0)
                return r;

        return fsync(o->fd) < 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP ? -errno : 0;
}

int set_output_begin_tail(SetOutput *o) {
        int r;

        r = output_end_frame(o);
        if (r < 0)
                return r;

        o->tail = o->produced;
        return output_settle(o);
}

/* The thread has come to the end. What it hashed is sealed. */
static int output_write_seal(SetOutput *o) {
        char seal[SET_SEAL_SIZE];
        int r;

        seal_hash_end(o->seal, o->tail, seal);
        r = fd_write_all(o->fd, seal, sizeof(seal));
        if (r < 0)
                return r;

        atomic_fetch_add(&o->written, sizeof(seal));
        return 0;
}

/* NFS has no rename that spares what is there, but links. exFAT has neither: there a moment is left. */
static int output_rename(const SetOutput *o) {
        struct stat st;

        if (o->replace)
                return rename(o->part, o->path) < 0 ? -errno : 0;
        if (renameat2(AT_FDCWD, o->part, AT_FDCWD, o->path, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        if (link(o->part, o->path) == 0)
                return unlink(o->part) < 0 ? -errno : 0;
        if (errno != EPERM && errno != EOPNOTSUPP)
                return -errno;
        if (lstat(o->path, &st) == 0)
                return -EEXIST;

        return rename(o->part, o->path) < 0 ? -errno : 0;
}

static int output_publish(SetOutput *o) {
        int r;

        if (!o->part)
                return 0;

        if (!output_owns_part(o))
                return -EBUSY;
        if (fsync(o->fd) < 0)
                return -errno;

        /* From here on it is there, by one name or the other, whatever the power supply does next. */
        o->finished = true;
        r = output_rename(o);
        o->unnamed = r < 0;
        if (fsync(o->dir_fd) < 0 && r == 0)
                r = -errno;
        return r;
}

int set_output_finish(SetOutput *o) {
        int r;

        r = output_end_frame(o);
        if (r < 0)
                return r;

        if (o->block)
                block_queue_push(o->queue, TAKE_PTR(o->block));
        block_queue_close(o->queue, 0);
        output_join(o);

        r = block_queue_error(o->queue);
        if (r < 0)
                return r;

        r = output_write_seal(o);
        if (r < 0)
                return r;

        r = output_publish(o);
        if (r < 0)
                return r;

        o->finished = true;
        return 0;
}

const char *set_output_left(const SetOutput *o) {
        return o->unnamed ? o->part : NULL;
}

uint64_t set_output_bytes(const SetOutput *o) {
        return atomic_load(&o->written);
}
