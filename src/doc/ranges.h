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

typedef struct DocRange {
        uint64_t offset, length;
} DocRange;

/* Caller frees *ret. -EINVAL when it is not a list of ranges or one ends beyond 2^64, -ENOMEM. */
int ranges_parse(const char *s, DocRange **ret, size_t *ret_n);
/* Is it the name of a ranges file? *ret (may be NULL) points at the path within @s. */
bool ranges_are_in_file(const char *s, const char **ret);
