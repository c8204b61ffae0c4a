/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Measuring Copies
 *
 * For providers whose copies are trees of files.
 */

#include <stdint.h>

typedef enum ProviderMeasure {
        PROVIDER_MEASURE_ALL,       /* every block of every file, once, however many names it has */
        PROVIDER_MEASURE_EXCLUSIVE, /* without the blocks that a file shares with others */
} ProviderMeasure;

/* Adds what the tree at @path takes to *@bytes; 0 also when there is none. Looks at every file. */
int provider_measure(const char *path, ProviderMeasure what, uint64_t *bytes);
