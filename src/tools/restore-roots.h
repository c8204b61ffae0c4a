/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where Files Are Restored To
 *
 * A list of directories, each with the one that takes its place, and the way from a path in the set to an
 * open directory. Below such a place no link is followed, and what is missing is made; what was made without
 * anybody saying how it should be is remembered.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct RestoreRoot {
        char *from, *to;
        int fd; /* of @to; -EBADF until needed */
} RestoreRoot;

typedef struct MadeDirectory {
        RestoreRoot *root;
        char *relative;
} MadeDirectory;

typedef struct RestoreVolume {
        dev_t dev;
        int fd;
} RestoreVolume;

typedef struct RestoreRoots {
        RestoreRoot **roots;
        size_t n, capacity;
        MadeDirectory *made; /* by us, because files are in them */
        size_t n_made, made_capacity;
        RestoreVolume *volumes; /* that anything was done to: a root may have others mounted below it */
        size_t n_volumes, volumes_capacity;
} RestoreRoots;

void restore_roots_clear(RestoreRoots *roots);

/* What was below directory @from goes below directory @to. */
int restore_roots_map(RestoreRoots *roots, const char *from, const char *to);
/* The one for @path: the longest that fits; NULL: none. */
RestoreRoot *restore_roots_find(const RestoreRoots *roots, const char *path);
/* The one below whose @to @place lies: the longest that fits; NULL: none. */
RestoreRoot *restore_roots_find_place(const RestoreRoots *roots, const char *place);
/* Where @path goes; NULL: nowhere. The caller frees. */
int restore_roots_destination(const RestoreRoots *roots, const char *path, char **ret);

/* What of @path is below @directory; "" for itself. */
const char *path_relative_to(const char *path, const char *directory);

/* Opens the root itself. -ENOENT: it is not there. */
int restore_roots_reach(RestoreRoot *root);
/* A descriptor. @relative "" is the root. Makes what is missing. *ret_made may be NULL. */
int restore_roots_open(RestoreRoots *roots, RestoreRoot *root, const char *relative, bool *ret_made);
/* Remembers that something in directory @fd is changed. restore_roots_open() does so itself. */
int restore_roots_note(RestoreRoots *roots, int fd);
/* Brings all of that to disk. */
int restore_roots_sync(const RestoreRoots *roots);
/* Forgets that @relative was made. Was it? Then the caller says how it should be. */
bool restore_roots_take_made(RestoreRoots *roots, const RestoreRoot *root, const char *relative);
/* Lets others into what was made. */
void restore_roots_open_made(RestoreRoots *roots);
