/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Measuring Copies
 *
 * For providers whose copies are trees of files.
 */

#include <stdint.h>

/* Adds what the tree at @path takes to *@bytes, every block of every file, once, however many names it has; 0 also when there is none.
 * Looks at every file. */
int provider_measure(const char *path, uint64_t *bytes);

/* Adds what the trees at @paths (NULL at the end) take that are clones of the one at @origin (NULL: it is gone): the blocks that it has no more,
 * each once, however many of them share it. @skip is the name of directories in @origin that are not part of it. A block that somebody else
 * has cloned from them counts, too. */
int provider_measure_clones(char *const *paths, const char *origin, const char *skip, uint64_t *bytes);
