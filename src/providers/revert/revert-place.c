/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The First Pass: Everything Into Its Place
 *
 * From the top down, so that the way to a place is there already and stays as it is. First goes what the
 * source has not, which makes room on the disk as well.
 *
 * With the same inodes on both sides (see revert-inode.c) a name gets the very file that the source has there,
 * if it still exists anywhere. What stands in its place meanwhile, and is wanted elsewhere, steps aside under
 * a temporary name. Else a name keeps what it has, if that is of the right kind, and is brought up to date.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "providers/files/files-stat.h"
#include "providers/revert/revert-internal.h"

#define DIRECTORY_MODE 0700 /* until the second pass */

int revert_entry_look(RevertEntry *e) {
        int q;

        q = files_stat(e->level->target_fd, e->name, &e->target);
        e->exists = q >= 0;
        return q == -ENOENT ? 0 : q;
}

static bool is_same_kind(const RevertEntry *e) {
        return (e->source.stx_mode & S_IFMT) == (e->target.stx_mode & S_IFMT);
}

static int step_aside(RevertEntry *e) {
        char temporary[REVERT_TEMPORARY_MAX];
        int fd = e->level->target_fd, q;

        q = revert_unlock_level(e->revert, e->level);
        if (q >= 0)
                q = revert_unlock_at(e->revert, fd, e->name, &e->target);
        if (q < 0)
                return q;

        revert_step(e->revert, "step aside");
        if (renameat(fd, e->name, fd, revert_temporary(temporary)) < 0)
                return -errno;
        e->exists = false;
        return 0;
}

/* Takes away what has the name. */
static int make_room(RevertEntry *e) {
        int q;

        q = revert_remove(e->revert, e->level, e->name);
        if (q < 0)
                return q;
        if (q == 0) {
                e->exists = false;
                return 0;
        }

        /* Somebody else's mount, or subvolume: that moves nowhere. */
        return e->revert->options->same_inodes && revert_is_wanted(e->revert, e->target.stx_ino) ?
                       step_aside(e) :
                       -EBUSY;
}

static int move_here(RevertEntry *e, int from_fd, const char *from) {
        Revert *r = e->revert;
        int fd = e->level->target_fd;

        /* Its other names may be right, or are removed later. */
        revert_step(r, "move");
        if (!S_ISDIR(e->source.stx_mode) && linkat(from_fd, from, fd, e->name, 0) == 0)
                return 0;
        if (!S_ISDIR(e->source.stx_mode) && errno != EMLINK)
                return -errno;
        return renameat(from_fd, from, fd, e->name) < 0 ? -errno : 0;
}

/* Gives the name to the file of the source's number. Returns 0 when that is nowhere any more. */
static int fetch(RevertEntry *e) {
        Revert *r = e->revert;
        _cleanup_(closep) int from_fd = -EBADF;
        _cleanup_(freep) char *from = NULL;
        struct statx parent, stx;
        int q;

        q = revert_find_inode(r, &e->source, &from_fd, &from);
        if (q < 0)
                return q == -ENOENT ? 0 : q;

        if (e->exists) {
                q = step_aside(e);
                if (q < 0)
                        return q;
        }

        q = files_stat(from_fd, "", &parent);
        if (q >= 0)
                q = files_stat(from_fd, from, &stx);
        if (q >= 0)
                q = revert_unlock_level(r, e->level);
        if (q >= 0)
                q = revert_unlock(r, from_fd, &parent);
        if (q >= 0)
                q = revert_unlock_at(r, from_fd, from, &stx);
        if (q >= 0)
                q = move_here(e, from_fd, from);
        if (q >= 0)
                q = revert_entry_look(e);
        if (q < 0)
                return q;

        ++r->work.moved;
        return 1;
}

/* Whether what has the name may become what the source has there. */
static bool may_become(const RevertEntry *e) {
        return is_same_kind(e) && !revert_is_wanted(e->revert, e->target.stx_ino) &&
               (S_ISDIR(e->target.stx_mode) || e->target.stx_nlink == 1 ||
                !revert_is_claimed(e->revert, e->target.stx_ino, e->source.stx_ino));
}

/* Afterwards the name has the right file, or one that may become it, or none. */
static int settle(RevertEntry *e) {
        Revert *r = e->revert;
        int q;

        if (r->options->same_inodes) {
                if (e->exists && is_same_kind(e) && e->source.stx_ino == e->target.stx_ino)
                        return 0;

                q = fetch(e);
                if (q != 0)
                        return q < 0 ? q : 0;
        }

        return !e->exists || may_become(e) ? 0 : make_room(e);
}

static int make_directory(RevertEntry *e) {
        int q;

        q = revert_unlock_level(e->revert, e->level);
        if (q < 0)
                return q;

        revert_step(e->revert, "mkdir");
        if (mkdirat(e->level->target_fd, e->name, DIRECTORY_MODE) < 0)
                return -errno;
        ++e->revert->work.made;
        return 0;
}

static int place(RevertEntry *e) {
        Revert *r = e->revert;
        int q;

        q = files_stat(e->level->source_fd, e->name, &e->source);
        if (q < 0)
                return q;
        ++r->work.looked_at;
        if (revert_is_own(r, e->name, &e->source)) /* of another time */
                return 0;

        q = revert_entry_look(e);
        if (q < 0)
                return q;
        if (e->exists && revert_is_boundary(r, &e->target))
                return S_ISDIR(e->source.stx_mode) || !S_ISDIR(e->target.stx_mode) ? 0 : -EBUSY;
        if (e->exists && revert_is_own(r, e->name, &e->target))
                return 0;

        q = settle(e);
        if (q < 0)
                return q;
        if (S_ISDIR(e->source.stx_mode))
                return e->exists ? 0 : make_directory(e);
        return revert_leaf(e);
}

static int remove_extra(Revert *r, RevertLevel *l, const char *name) {
        int q;

        q = revert_remove(r, l, name);
        return q < 0 ? revert_failed(r, l, name, q) : 0;
}

static int enter(Revert *r, RevertLevel *l) {
        int q;

        q = revert_for_each_extra(r, l, remove_extra);

        for (size_t i = 0; i < l->source.n && q >= 0; ++i) {
                RevertEntry e = {
                        .revert = r,
                        .level = l,
                        .name = l->source.items[i].name,
                        .i = i,
                        .n = l->source.n,
                };

                q = place(&e);
                if (q < 0)
                        q = revert_failed(r, l, e.name, q);
                revert_tell(r, l, i + 1, l->source.n, 0, 0);
        }

        return q;
}

const RevertVisitor revert_place = { .enter = enter };

/* Only what gives something back to the disk. What cannot be done is tried again, and said, when all goes into its
 * place. */
static int enter_for_room(Revert *r, RevertLevel *l) {
        int q;

        q = revert_for_each_extra(r, l, remove_extra);

        for (size_t i = 0; i < l->source.n && q >= 0; ++i) {
                RevertEntry e = { .revert = r, .level = l, .name = l->source.items[i].name };

                if (l->source.items[i].type != DT_REG || files_stat(l->source_fd, e.name, &e.source) < 0 ||
                    revert_entry_look(&e) < 0 || !e.exists || !is_same_kind(&e) || e.target.stx_nlink > 1 ||
                    (r->options->same_inodes && e.source.stx_ino != e.target.stx_ino))
                        continue;
                (void) revert_shrink(&e);
        }

        return q;
}

const RevertVisitor revert_make_room = { .enter = enter_for_room };
