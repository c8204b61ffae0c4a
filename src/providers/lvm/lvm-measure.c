/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Measuring What Thin Snapshots Take
 */

#include "providers/lvm/lvm-measure.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/fd-util.h"
#include "base/log.h"
#include "base/time-util.h"
#include "providers/lvm/lvm-blocks.h"
#include "providers/lvm/lvm-mapper.h"
#include "providers/lvm/lvm-merge.h"
#include "providers/lvm/lvm-note.h"
#include "providers/lvm/lvm-thin.h"

#define RECORD "lvm-measured" /* in the state directory: "GROUP POOL", or nothing */
#define RECORD_MAX ((size_t) 256)

#define RESERVE "reserve_metadata_snap"
#define RELEASE "release_metadata_snap"

/* So long a metadata snapshot is kept. */
#define DUMP_TIMEOUT_USEC (120 * USEC_PER_SEC)
#define PIECE_SIZE ((size_t) 64 * 1024)

/* Which Volumes They Are */

typedef struct Ids {
        char **names; /* of the snapshots, without their group */
        size_t n_names;
        uint64_t *items;
        size_t n, room;
} Ids;

static void ids_clear(Ids *ids) {
        for (size_t i = 0; i < ids->n_names; ++i)
                free(ids->names[i]);
        free(ids->names);
        free(ids->items);
}

static int ids_name(Ids *ids, char *const *notes) {
        size_t n = 0;

        while (notes[n])
                ++n;
        ids->names = calloc_checked(n + 1, sizeof(*ids->names));
        if (!ids->names)
                return -ENOMEM;

        for (; ids->n_names < n; ++ids->n_names) {
                LvmNote note;
                int r;

                r = lvm_note_read(notes[ids->n_names], &note);
                if (r >= 0)
                        r = strdup_to(lvm_note_name(&note), ids->names + ids->n_names);
                if (r < 0)
                        return r;
        }

        return 0;
}

static bool is_called(const char *volume, const char *name) {
        size_t n = strlen(name);

        return strncmp(volume, name, n) == 0 && (volume[n] == '\0' || strcmp(volume + n, LVM_KEPT_SUFFIX) == 0);
}

static int ids_take(const LvmVolume *v, void *userdata) {
        Ids *ids = userdata;

        for (size_t i = 0; i < ids->n_names; ++i) {
                int r;

                if (!is_called(v->name, ids->names[i]))
                        continue;

                r = ARRAY_RESERVE(ids->items, ids->room, ids->n + 1);
                if (r < 0)
                        return r;
                ids->items[ids->n++] = v->thin_id;
                return 0;
        }

        return 0;
}

/* What Is Written Down */

/* The caller closes it, and that is the end of the lock. Who measures makes it, and waits for a measurement of another session, which
 * has a deadline. -ENOENT, -EWOULDBLOCK for others. */
static int record_open(const ProviderEnv *env, bool measuring) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = format_to(&path, "%s/" RECORD, env->state_dir);
        if (r < 0)
                return r;

        fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (measuring ? O_CREAT : 0), 0600);
        if (fd < 0)
                return -errno;
        while (flock(fd, LOCK_EX | (measuring ? 0 : LOCK_NB)) < 0)
                if (errno != EINTR)
                        return -errno;

        return TAKE_FD(fd);
}

static int record_forget(int fd) {
        return ftruncate(fd, 0) < 0 ? -errno : 0;
}

static int record_write(int fd, const LvmVolume *pool) {
        _cleanup_(freep) char *text = NULL;
        int r;

        r = format_to(&text, "%s %s\n", pool->group_uuid, pool->uuid);
        if (r >= 0)
                r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : fd_write_all(fd, text, strlen(text));
        if (r < 0)
                return r;

        return fsync(fd) < 0 ? -errno : 0;
}

/* -ENXIO: the pool is not active, and keeps what it has. */
static int let_go(int fd, const char *group, const char *pool) {
        LvmThin thin = LVM_THIN_INIT;
        int r;

        r = lvm_thin_open(&thin, group, pool);
        if (r >= 0)
                r = lvm_thin_tell(&thin, RELEASE);
        fd_close(thin.control);
        if (r < 0 && r != -EINVAL) /* that there is none: the end came before it was made */
                return provider_fail(r, "its thin pool does not let go of a metadata snapshot of umbra's: %m");

        return record_forget(fd);
}

/* Forgets a pool that is no more, if @thorough: lvm needs a second for that. */
static int record_tidy(int fd, bool thorough) {
        char group[LVM_UUID_STRING_MAX], pool[LVM_UUID_STRING_MAX];
        _cleanup_volume_ LvmVolume v = { 0 };
        _cleanup_(freep) char *text = NULL;
        int r;

        r = fd_read_text(fd, RECORD_MAX, &text);
        if (r < 0 || !*text)
                return r;
        if (sscanf(text, "%38s %38s", group, pool) != 2 || !strchr(text, '\n'))
                return record_forget(fd); /* half of it: nothing was reserved yet */

        r = let_go(fd, group, pool);
        return r == -ENXIO && thorough && lvm_find(&v, "lv_uuid=\"%s\"", pool) == -ENOENT ? record_forget(fd) : r;
}

void lvm_measure_tidy(const ProviderEnv *env) {
        _cleanup_(closep) int fd = -EBADF;
        static bool told; /* it comes once for each snapshot */
        int r;

        fd = record_open(env, false);
        if (fd < 0)
                return; /* there is none, or somebody is at work */

        r = record_tidy(fd, false);
        if (r < 0 && r != -ENXIO && !told) {
                log_warning_errno(r, "A thin pool does not let go of what a measurement has left behind, trying again: %m");
                told = true;
        }
}

/* The Measurement */

static int read_dump(int fd, usec_t deadline, LvmBlocks *blocks) {
        _cleanup_(freep) char *piece = NULL;

        piece = calloc_checked(1, PIECE_SIZE);
        if (!piece)
                return -ENOMEM;

        for (;;) {
                struct pollfd pollfd = { .fd = fd, .events = POLLIN };
                usec_t now = MIN(now_usec(CLOCK_MONOTONIC), deadline);
                struct timespec left = timespec_from_usec(deadline - now);
                ssize_t n;
                int r;

                n = ppoll(&pollfd, 1, &left, NULL);
                if (n == 0)
                        return -ETIMEDOUT;
                if (n > 0)
                        n = read(fd, piece, PIECE_SIZE);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;

                r = lvm_blocks_feed(blocks, piece, (size_t) n);
                if (r < 0)
                        return r;
        }
}

/* It ends by itself when nobody reads what it writes. */
static int run_dump(const char *device, LvmBlocks *blocks) {
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), DUMP_TIMEOUT_USEC);
        _cleanup_(command_clear) Command c = COMMAND_INIT;
        _cleanup_(freep) char *reason = NULL;
        _cleanup_(closep) int from = -EBADF, to = -EBADF;
        int r, fds[2], status;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        from = fds[0];
        to = fds[1];

        r = command_start_with((const char *[]){ "thin_dump", device, "--metadata-snap", NULL },
                               &(CommandOptions){ .out_fd = to }, &c);
        to = fd_close(to);
        if (r >= 0)
                r = read_dump(from, deadline, blocks);
        if (r >= 0)
                r = command_wait(&c, deadline, &status);
        if (r < 0)
                return r;
        if (status == 0)
                return 0;

        r = command_reason(&c, &reason);
        return r < 0 ? r : provider_fail(-EIO, "thin_dump: %s", *reason ? reason : "it failed and did not say why");
}

static int dump(const LvmVolume *pool, const Ids *ids, uint64_t *ret_used) {
        _cleanup_(lvm_blocks_freep) LvmBlocks *blocks = NULL;
        _cleanup_volume_ LvmVolume metadata = { 0 };
        int r;

        r = lvm_find(&metadata, "lv_uuid=\"%s\"", pool->metadata_uuid);
        if (r >= 0)
                r = lvm_blocks_new(ids->items, ids->n, &blocks);
        if (r >= 0)
                r = run_dump(metadata.path, blocks);
        if (r >= 0)
                r = lvm_blocks_count(blocks, ret_used);
        return r == -EBADMSG ? provider_fail(r, "thin_dump says what cannot be understood") : r;
}

static int reserve(int fd, const LvmVolume *pool, const LvmThin *thin) {
        int r;

        r = lvm_mapper_has_metadata_snapshot(thin->control, pool->group_uuid, pool->uuid);
        if (r > 0)
                r = -EBUSY;
        if (r >= 0)
                r = record_write(fd, pool);
        if (r >= 0) {
                r = lvm_thin_tell(thin, RESERVE);
                if (r < 0)
                        (void) record_forget(fd);
        }

        return r == -EBUSY ? provider_fail(r, "somebody else has a metadata snapshot of its thin pool") : r;
}

static int measure(int fd, const LvmVolume *pool, const Ids *ids, uint64_t *ret_used) {
        LvmThin thin = LVM_THIN_INIT;
        int r, q;

        r = lvm_thin_open(&thin, pool->group_uuid, pool->uuid);
        if (r >= 0)
                r = reserve(fd, pool, &thin);
        if (r >= 0) {
                r = dump(pool, ids, ret_used);
                q = let_go(fd, pool->group_uuid, pool->uuid);
                if (r >= 0)
                        r = q;
        }

        fd_close(thin.control);
        return r;
}

int lvm_measure(const ProviderEnv *env, const LvmVolume *pool, char *const *notes, uint64_t *ret_used) {
        _cleanup_(ids_clear) Ids ids = { 0 };
        _cleanup_(closep) int fd = -EBADF;
        int r;

        if (!command_exists("thin_dump"))
                return provider_fail(-EOPNOTSUPP, "thin_dump is not installed");

        r = ids_name(&ids, notes);
        if (r >= 0)
                r = lvm_find_thin(pool->uuid, ids_take, &ids);
        if (r < 0)
                return r;

        fd = record_open(env, true);
        if (fd < 0)
                return fd;

        r = record_tidy(fd, true);
        return r < 0 ? r : measure(fd, pool, &ids, ret_used);
}
