/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Walking a Tree
 *
 * Visits the files of a file set below one directory, by descriptors, never following a link. The paths that
 * are matched and reported are those below @path, wherever the descriptor really is: a shadow copy, an
 * alternate place.
 */

#include <dirent.h>

#include "tools/file-set.h"

typedef struct TreeVisitor {
        /* A file that belongs to the set: anything but a directory. */
        int (*file)(int dir_fd, const char *name, const char *path, void *userdata);
        /* A directory that does, before what is in it. May be NULL. */
        int (*directory)(int fd, const char *path, void *userdata);
        /* Where directory @name, whose path is @path, really is: a descriptor, or -ENOENT for "right there",
         * or another error. May be NULL. */
        int (*open)(const char *path, void *userdata);
        /* Before going on from the directory @parent to @fd, which has the path @path. 1: go; 0: leave it out. May be NULL. */
        int (*enter)(int parent_fd, int fd, const char *path, void *userdata);
        /* A directory that could not be read. 0: go on without. May be NULL: it is an error. */
        int (*failed)(const char *path, int error, void *userdata);
} TreeVisitor;

/* @fd stays the caller's. The first value other than 0 of a visitor ends the walk and is its result. */
int tree_walk(const FileSet *set, const char *path, int fd, const TreeVisitor *visitor, void *userdata);
