/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Walking Along Descriptors
 *
 * Directories of a FilesTree, opened name by name from a root that is a descriptor: no path is ever built,
 * so depth and length of paths have no limit, and no link is followed. The way to the current directory
 * stays open, its nearest FILES_WALK_OPEN_MAX levels at least; what is further up is opened again when the
 * walk comes back to it.
 */

#include <stddef.h>

#include "providers/files/files-tree.h"

#define FILES_WALK_OPEN_MAX 64U

typedef struct FilesWalkLevel {
        FileId id;
        int fd;
} FilesWalkLevel;

typedef struct FilesWalk {
        int root_fd; /* borrowed */
        FilesWalkLevel *levels;
        size_t n_levels, capacity;
} FilesWalk;

/* Returns the descriptor of directory @id, which belongs to the walk and is good until the next call, or
 * -errno. */
int files_walk_to(FilesWalk *walk, const FilesTree *tree, FileId id);
/* Opens a directory without following a link and, where that is allowed, without leaving a trace in its
 * atime. */
int files_open_directory(int dir_fd, const char *name);
void files_walk_done(FilesWalk *walk);
