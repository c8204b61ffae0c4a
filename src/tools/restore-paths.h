/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Many Paths
 *
 * Which files there were: a set of a chain names all of them, and what an earlier set has and it does not
 * was deleted meanwhile.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct RestorePaths RestorePaths;

int restore_paths_new(RestorePaths **ret);
RestorePaths *restore_paths_free(RestorePaths *p);
DEFINE_CLEANUP(RestorePaths *, restore_paths_free)

int restore_paths_add(RestorePaths *p, const char *path, bool directory);
bool restore_paths_have(const RestorePaths *p, const char *path);
int restore_paths_add_all(RestorePaths *p, const RestorePaths *other);

/* In the order in which they were added, or the other way round. The first value other than 0 ends it and is
 * its result. */
int restore_paths_for_each(const RestorePaths *p,
                           bool backwards,
                           int (*f)(const char *path, bool directory, void *userdata),
                           void *userdata);
