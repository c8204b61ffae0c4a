/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Walking Two Trees as One
 *
 * Not recursive, and with few descriptors: trees may be deep. What is far up is closed and found again as
 * ".."; it must still be the same directory then.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "providers/files/files-stat.h"
#include "providers/files/files-walk.h"
#include "providers/revert/revert-internal.h"

#define OPEN_LEVELS_MAX 64U
#define NAMES_ROOM ((size_t) 32 * 1024)

static void names_clear(RevertNames *names) {
        free(names->text);
        free(names->items);
        *names = (RevertNames){ 0 };
}

static int by_name(const void *a, const void *b) {
        return strcmp(((const RevertName *) a)->name, ((const RevertName *) b)->name);
}

/* The text moves while names are collected: only then they can be pointed at. */
static int names_add(RevertNames *names, const struct dirent64 *entry) {
        size_t length = strlen(entry->d_name) + 1;
        int r;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                return 0;

        r = ARRAY_RESERVE(names->text, names->capacity, names->size + length);
        if (r >= 0)
                r = ARRAY_RESERVE(names->items, names->items_capacity, names->n + 1);
        if (r < 0)
                return r;

        memcpy(names->text + names->size, entry->d_name, length);
        names->items[names->n++] = (RevertName){ .offset = names->size, .type = entry->d_type };
        names->size += length;
        return 0;
}

static int names_read(int fd, RevertNames *ret) {
        _cleanup_(freep) char *room = calloc_checked(NAMES_ROOM, 1);
        _cleanup_(names_clear) RevertNames names = { 0 };
        ssize_t n;
        int r;

        if (!room)
                return -ENOMEM;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;

        while ((n = getdents64(fd, room, NAMES_ROOM)) > 0)
                for (ssize_t i = 0; i < n;) {
                        const struct dirent64 *d = (const struct dirent64 *) (const void *) (room + i);

                        r = names_add(&names, d);
                        if (r < 0)
                                return r;
                        i += d->d_reclen;
                }
        if (n < 0)
                return -errno;

        for (size_t i = 0; i < names.n; ++i)
                names.items[i].name = names.text + names.items[i].offset;
        if (names.n > 0)
                qsort(names.items, names.n, sizeof(*names.items), by_name);

        *ret = names;
        names = (RevertNames){ 0 };
        return 0;
}

int revert_for_each_extra(Revert *r,
                          RevertLevel *l,
                          int (*each)(Revert *r, RevertLevel *l, const char *name)) {
        size_t s = 0;

        for (size_t t = 0; t < l->target.n; ++t) {
                const char *name = l->target.items[t].name;
                int q;

                while (s < l->source.n && strcmp(l->source.items[s].name, name) < 0)
                        ++s;
                if (s < l->source.n && strcmp(l->source.items[s].name, name) == 0)
                        continue;

                q = each(r, l, name);
                if (q < 0)
                        return q;
        }

        return 0;
}

void revert_tell(Revert *r, const RevertLevel *l, size_t i, size_t n, uint64_t done, uint64_t size) {
        double part = ((double) i + (size > 0 ? (double) done / (double) size : 0)) / (double) MAX(n, 1U);
        unsigned permille = l->begin + (unsigned) ((l->middle - l->begin) * part);

        permille /= 1000;
        if (permille <= r->permille)
                return;
        r->permille = permille;
        provider_progress(permille);
}

static void level_clear(RevertLevel *l) {
        (void) fd_close(l->source_fd);
        (void) fd_close(l->target_fd);
        names_clear(&l->source);
        names_clear(&l->target);
        free(l->name);
}

void revert_levels_clear(Revert *r) {
        while (r->n_levels > 0)
                level_clear(&r->levels[--r->n_levels]);
        free(r->levels);
        r->levels = NULL;
        r->levels_capacity = 0;
}

static int inode_of(int fd, uint64_t *ret) {
        struct statx stx;
        int r;

        r = files_stat(fd, "", &stx);
        if (r >= 0)
                *ret = stx.stx_ino;
        return r;
}

/* How much of the progress is this directory's files', and how much that of the directories in it. */
static void level_share(RevertLevel *l, unsigned begin, unsigned end) {
        size_t directories = 0;

        for (size_t i = 0; i < l->source.n; ++i)
                directories += l->source.items[i].type == DT_DIR;
        l->begin = begin;
        l->end = end;
        l->middle = directories == 0 ? end : directories == l->source.n ? begin : begin + (end - begin) / 2;
}

/* Where the progress is when @i of all names are done. */
static unsigned level_at(const RevertLevel *l, size_t i) {
        return l->middle + (unsigned) ((double) (l->end - l->middle) * (double) i / (double) l->source.n);
}

/* Takes the descriptors and @name over. */
static int push(Revert *r, int source_fd, int target_fd, char *name, unsigned begin, unsigned end) {
        RevertLevel level = { .name = name, .source_fd = source_fd, .target_fd = target_fd };
        int q;

        q = ARRAY_RESERVE(r->levels, r->levels_capacity, r->n_levels + 1);
        if (q >= 0)
                q = inode_of(source_fd, &level.source_ino);
        if (q >= 0)
                q = inode_of(target_fd, &level.target_ino);
        if (q >= 0)
                q = names_read(source_fd, &level.source);
        if (q >= 0)
                q = names_read(target_fd, &level.target);
        if (q < 0) {
                level_clear(&level);
                return q;
        }

        level_share(&level, begin, end);
        if (r->n_levels >= OPEN_LEVELS_MAX) {
                RevertLevel *far = &r->levels[r->n_levels - OPEN_LEVELS_MAX];

                far->source_fd = fd_close(far->source_fd);
                far->target_fd = fd_close(far->target_fd);
        }
        r->levels[r->n_levels++] = level;
        return 0;
}

/* -ESTALE: somebody has moved the directory while we were in it. */
static int open_above(int fd, uint64_t ino) {
        _cleanup_(closep) int above = files_open_directory(fd, "..");
        uint64_t found;
        int r;

        if (above < 0)
                return above;
        r = inode_of(above, &found);
        if (r < 0)
                return r;
        return found == ino ? TAKE_FD(above) : -ESTALE;
}

static int pop(Revert *r) {
        RevertLevel *l = &r->levels[r->n_levels - 1], *above = l - 1;
        int q = 0;

        if (r->n_levels > 1 && above->source_fd < 0) {
                above->source_fd = open_above(l->source_fd, above->source_ino);
                above->target_fd = open_above(l->target_fd, above->target_ino);
                if (above->source_fd < 0 || above->target_fd < 0)
                        q = above->source_fd < 0 ? above->source_fd : above->target_fd;
        }
        if (q < 0)
                q = provider_fail(q, "the directory above '%s' was moved meanwhile", l->name);

        level_clear(l);
        --r->n_levels;
        return q;
}

/* Without a way out of the mount. The owner may have taken his own rights away. */
static int open_target(int dir_fd, const char *name) {
        struct open_how how = {
                .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
        };
        long fd;

        fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
        if (fd < 0 && errno == EACCES && geteuid() != 0 && fchmodat(dir_fd, name, 0700, 0) == 0)
                fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
        return fd < 0 ? -errno : (int) fd;
}

/* Opens @name in both trees. -EXDEV: not to be entered. */
static int open_pair(Revert *r, const RevertLevel *l, const char *name, int *ret_source, int *ret_target) {
        _cleanup_(closep) int source_fd = -EBADF, target_fd = -EBADF;
        struct statx stx;
        int q;

        source_fd = files_open_directory(l->source_fd, name);
        if (source_fd < 0)
                return source_fd;
        target_fd = open_target(l->target_fd, name);
        if (target_fd < 0)
                return target_fd;
        q = files_stat(target_fd, "", &stx);
        if (q < 0)
                return q;
        if (revert_is_boundary(r, &stx) || revert_is_own(r, name, &stx))
                return -EXDEV;

        *ret_source = TAKE_FD(source_fd);
        *ret_target = TAKE_FD(target_fd);
        return 0;
}

/* Enters the next directory of the last level. Returns 0 when there is none. */
static int descend(Revert *r, const RevertVisitor *visitor) {
        RevertLevel *l = &r->levels[r->n_levels - 1];

        while (l->next < l->source.n) {
                const RevertName *n = &l->source.items[l->next++];
                unsigned begin = level_at(l, l->next - 1), end = level_at(l, l->next);
                _cleanup_(freep) char *name = NULL;
                int source_fd, target_fd, q;

                if (n->type != DT_DIR && n->type != DT_UNKNOWN)
                        continue;
                q = open_pair(r, l, n->name, &source_fd, &target_fd);
                if (q == -EXDEV || q == -ENOTDIR)
                        continue; /* none, or none of ours; what is wrong with it was said in its place */
                if (q < 0) {
                        q = revert_failed(r, l, n->name, q);
                        if (q < 0)
                                return q;
                        continue;
                }

                q = strdup_to(n->name, &name);
                if (q < 0) {
                        (void) fd_close(source_fd);
                        (void) fd_close(target_fd);
                        return q;
                }
                q = push(r, source_fd, target_fd, TAKE_PTR(name), begin, end);
                if (q >= 0 && visitor->enter)
                        q = visitor->enter(r, &r->levels[r->n_levels - 1]);
                return q < 0 ? q : 1;
        }

        return 0;
}

static int walk(Revert *r, const RevertVisitor *visitor, unsigned begin, unsigned end) {
        int source_fd, target_fd, q;

        source_fd = files_open_directory(r->source_fd, ".");
        if (source_fd < 0)
                return source_fd;
        target_fd = files_open_directory(r->target_fd, ".");
        if (target_fd < 0) {
                (void) fd_close(source_fd);
                return target_fd;
        }

        q = push(r, source_fd, target_fd, NULL, begin * 1000, end * 1000);
        if (q >= 0 && visitor->enter)
                q = visitor->enter(r, r->levels);
        while (q >= 0 && r->n_levels > 0) {
                q = descend(r, visitor);
                if (q != 0)
                        continue;
                if (visitor->leave)
                        q = visitor->leave(r, &r->levels[r->n_levels - 1]);
                if (q >= 0)
                        q = pop(r);
        }

        return q;
}

int revert_walk(Revert *r, const RevertVisitor *visitor, unsigned begin, unsigned end) {
        int q;

        q = walk(r, visitor, begin, end);
        revert_levels_clear(r);
        return q;
}
