/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Ranges
 *
 * Which bytes of a file are meant: "offset:length, offset:length, …", decimal or 0x, or the path of a file
 * that holds them in binary, bare or behind "File=". [MS: nf-vswriter-ivsscomponent-addpartialfile]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ByteRange {
        uint64_t offset, length;
} ByteRange;

#define RANGES_MAX 262144U /* of one file */

/* Caller frees *ret. -EINVAL when it is not a list of ranges or one ends beyond 2^64, -ENOMEM. */
int ranges_parse(const char *s, ByteRange **ret, size_t *ret_n);
/* Is it the name of a ranges file? *ret (may be NULL) points at the path within @s. */
bool ranges_are_in_file(const char *s, const char **ret);

/* What is in a ranges file: a count and so many pairs of offset and length, 64 bits each, the low byte first.
 * The size must fit exactly. Caller frees *ret. -EINVAL, -ENOMEM. */
int ranges_parse_file(const void *data, size_t size, ByteRange **ret, size_t *ret_n);
/* Puts them in order, joins those that touch or overlap, cuts them off at @end, drops empty ones. Returns how
 * many are left. */
size_t ranges_merge(ByteRange *ranges, size_t n, uint64_t end);
