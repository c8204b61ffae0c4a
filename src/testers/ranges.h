/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Ranges
 *
 * Which bytes of a file a partial file or a directed target means: "offset:length, ...", decimal or 0x, or "File=" and
 * the path of a file that holds their number and then the pairs, 64 bits each. [MS: nf-vswriter-ivsscomponent-addpartialfile]
 */

#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX 65536U

typedef struct Range {
        uint64_t offset, length;
} Range;

/* The caller frees *ret. -EINVAL when it is none, -E2BIG over the limit, what reading the file gives. */
int ranges_parse(const char *text, Range **ret, size_t *ret_n);
