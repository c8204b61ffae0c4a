/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whatever People Do to Their Files
 */

#include "revert/scramble.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "lib/test-util.h"

#define BLOCK 4096U
#define FILE_BLOCKS 40U

static uint64_t random_next(uint64_t *state) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

static unsigned random_below(uint64_t *state, unsigned n) {
        return (unsigned) (random_next(state) >> 16) % n;
}

/* All that there is, or all directories. */
static char **list(const char *dir, bool directories) {
        char *paths[] = { (char *) (uintptr_t) dir, NULL };
        char **names = NULL;
        FTSENT *e;
        FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);

        assert_non_null(fts);
        while ((e = fts_read(fts)))
                if (e->fts_info != FTS_DP && (!directories || e->fts_info == FTS_D) &&
                    (directories || e->fts_level > 0))
                        assert_int_equal(strv_append(&names, e->fts_path), 0);
        (void) fts_close(fts);
        strv_sort(names);
        return names;
}

static char *pick(const char *dir, uint64_t *state, bool directory) {
        _cleanup_(strv_freep) char **names = list(dir, directory);
        size_t n = strv_length(names);
        char *path;

        assert_int_equal(strdup_to(n > 0 ? names[random_below(state, (unsigned) n)] : dir, &path), 0);
        return path;
}

/* Of few, so that the old ones come back as something else. */
static char *new_name(const char *dir, uint64_t *state) {
        _cleanup_(freep) char *parent = pick(dir, state, true);
        char *path;

        assert_int_equal(format_to(&path, "%s/%c%u", parent, "abc"[random_below(state, 3)], random_below(state, 12)),
                         0);
        return path;
}

static void write_blocks(const char *path, uint64_t *state, int flags) {
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0644);
        unsigned n = 1 + random_below(state, 6);
        char block[BLOCK];
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return;
        memset(block, 'a' + (int) random_below(state, 26), sizeof(block));
        for (unsigned i = 0; i < n; ++i) {
                size_t size = random_below(state, 3) == 0 ? 1 + random_below(state, BLOCK) : BLOCK;

                assert_true(pwrite(fd, block, size, random_below(state, FILE_BLOCKS) * (off_t) BLOCK) > 0);
        }
}

static void replace(const char *path, uint64_t *state) {
        _cleanup_(freep) char *beside = NULL;

        assert_int_equal(format_to(&beside, "%s.new", path), 0);
        write_blocks(beside, state, O_CREAT);
        if (rename(beside, path) < 0)
                (void) unlink(beside);
}

static void remove_one(const char *dir, const char *path, uint64_t *state) {
        _cleanup_(closep) int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (unlink(path) == 0 || random_below(state, 3) != 0 || strcmp(path, dir) == 0)
                return;
        assert_int_equal(rm_rf_at(fd, path + strlen(dir) + 1), 0);
}

static void change_times(const char *path, uint64_t *state) {
        const struct timespec times[2] = {
                { .tv_sec = random_below(state, 1000000000), .tv_nsec = random_below(state, 1000000000) },
                { .tv_sec = random_below(state, 1000000000), .tv_nsec = random_below(state, 1000000000) },
        };

        (void) utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

static void change_size(const char *path, uint64_t *state) {
        struct stat st;

        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
                (void) truncate(path, random_below(state, FILE_BLOCKS * BLOCK));
}

static void change_attribute(const char *path, uint64_t *state) {
        char name[32];

        (void) snprintf(name, sizeof(name), "user.%u", random_below(state, 4));
        if (random_below(state, 3) == 0)
                (void) lremovexattr(path, name);
        else
                (void) lsetxattr(path, name, "value", 1 + random_below(state, 5), 0);
}

static void punch(const char *path, uint64_t *state) {
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        if (fd >= 0)
                (void) fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                 random_below(state, FILE_BLOCKS) * (off_t) BLOCK, 5 * (off_t) BLOCK);
}

static void change(const char *dir, uint64_t *state) {
        unsigned what = random_below(state, 20);
        _cleanup_(freep) char *path = pick(dir, state, false), *other = new_name(dir, state);

        switch (what) {
        case 0: /* to anywhere, over anything */
        case 1:
        case 2:
                (void) rename(path, other);
                return;
        case 3:
        case 4:
                write_blocks(other, state, O_CREAT);
                return;
        case 5:
                (void) mkdir(other, 0755);
                return;
        case 6:
        case 7:
                (void) link(path, other);
                return;
        case 8:
                (void) symlink(path, other);
                return;
        case 9:
        case 10:
                remove_one(dir, path, state);
                return;
        case 11:
                replace(path, state);
                return;
        case 12:
                change_size(path, state);
                return;
        case 13:
                change_attribute(path, state);
                return;
        case 14:
                (void) fchmodat(AT_FDCWD, path, 0700 | random_below(state, 0100), 0);
                return;
        case 15:
                (void) lchown(path, random_below(state, 5), random_below(state, 5));
                return;
        case 16:
                change_times(path, state);
                return;
        case 17:
                punch(path, state);
                return;
        case 18:
                (void) mkfifo(other, 0600);
                return;
        default:
                write_blocks(path, state, 0);
        }
}

void scramble(const char *dir, uint64_t seed, unsigned n_changes) {
        uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

        for (unsigned i = 0; i < n_changes; ++i)
                change(dir, &state);
}

void scramble_make(const char *dir, uint64_t seed) {
        scramble(dir, seed, 150);
}
