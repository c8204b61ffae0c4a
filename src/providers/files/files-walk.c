/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Walking Along Descriptors
 *
 * Level i is i + 1 steps below the root. A depth-first walk takes one step up or down at a time, and that is
 * one openat() or close(); any other move goes back to what the two ways have in common.
 */

#include "providers/files/files-walk.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/fd-util.h"

int files_open_directory(int dir_fd, const char *name) {
        int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, fd;

        fd = openat(dir_fd, name, flags | O_NOATIME);
        if (fd < 0 && errno == EPERM) /* not ours */
                fd = openat(dir_fd, name, flags);

        return fd < 0 ? -errno : fd;
}

static void close_from(FilesWalk *walk, size_t n) {
        while (walk->n_levels > n)
                (void) fd_close(walk->levels[--walk->n_levels].fd);
}

/* Appends level @id, whose descriptor is opened later. */
static int push_level(FilesWalk *walk, FileId id) {
        int r;

        r = ARRAY_RESERVE(walk->levels, walk->capacity, walk->n_levels + 1);
        if (r < 0)
                return r;

        walk->levels[walk->n_levels++] = (FilesWalkLevel){ .id = id, .fd = -EBADF };
        return 0;
}

/* Makes the levels the way to @id, keeping what is open of it. */
static int go_to(FilesWalk *walk, const FilesTree *tree, FileId id) {
        size_t depth = 0, common;
        FileId above;
        int r;

        /* Down by one, up by some: what nearly every move is. */
        if (walk->n_levels > 0 && files_tree_entry(tree, id)->parent == walk->levels[walk->n_levels - 1].id)
                return push_level(walk, id);
        for (size_t i = walk->n_levels, n = 0; i > 0 && n < 2; --i, ++n)
                if (walk->levels[i - 1].id == id) {
                        close_from(walk, i);
                        return 0;
                }

        for (above = id; above != FILE_ROOT; above = files_tree_entry(tree, above)->parent)
                ++depth;

        /* The deepest level that both ways share. */
        close_from(walk, MIN(walk->n_levels, depth));
        common = depth;
        for (above = id; common > walk->n_levels; --common)
                above = files_tree_entry(tree, above)->parent;
        for (; common > 0 && walk->levels[common - 1].id != above; --common)
                above = files_tree_entry(tree, above)->parent;
        close_from(walk, common);

        while (walk->n_levels < depth) {
                r = push_level(walk, FILE_NONE);
                if (r < 0)
                        return r;
        }
        for (above = id; depth > common; --depth, above = files_tree_entry(tree, above)->parent)
                walk->levels[depth - 1].id = above;

        return 0;
}

/* Opens the last level, and whatever is needed on the way to it. */
static int open_levels(FilesWalk *walk, const FilesTree *tree) {
        size_t i = walk->n_levels;

        while (i > 0 && walk->levels[i - 1].fd < 0)
                --i;

        for (; i < walk->n_levels; ++i) {
                int above = i > 0 ? walk->levels[i - 1].fd : walk->root_fd, fd;

                fd = files_open_directory(above, files_tree_name(tree, walk->levels[i].id));
                if (fd < 0) {
                        close_from(walk, i);
                        return fd;
                }

                walk->levels[i].fd = fd;
                if (i >= FILES_WALK_OPEN_MAX)
                        walk->levels[i - FILES_WALK_OPEN_MAX].fd =
                                fd_close(walk->levels[i - FILES_WALK_OPEN_MAX].fd);
        }

        return walk->levels[walk->n_levels - 1].fd;
}

int files_walk_to(FilesWalk *walk, const FilesTree *tree, FileId id) {
        int r;

        if (id == FILE_ROOT) {
                close_from(walk, 0);
                return walk->root_fd;
        }

        if (walk->n_levels == 0 || walk->levels[walk->n_levels - 1].id != id) {
                r = go_to(walk, tree, id);
                if (r < 0) {
                        close_from(walk, 0);
                        return r;
                }
        }

        return open_levels(walk, tree);
}

void files_walk_done(FilesWalk *walk) {
        close_from(walk, 0);
        free(walk->levels);
        walk->levels = NULL;
        walk->capacity = 0;
}
