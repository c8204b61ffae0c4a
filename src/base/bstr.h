/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * BSTR
 *
 * The string type that the API hands out. The functions themselves (SysAllocString …) are exported and live
 * in com/; these are the bridges from the house's UTF-8.
 */

#include <wintypes.h>

#include "base/macro.h"

/* The allocation itself: 4 bytes of length in bytes, the characters, a NUL. @s may be NULL (zeroed
 * characters). */
BSTR bstr_alloc(const WCHAR *s, size_t n_chars);
void bstr_free(BSTR s);
size_t bstr_length(BSTR s); /* characters; 0 for NULL */
int bstr_from_utf8(const char *s, BSTR *ret); /* NULL maps to NULL */
int utf8_from_bstr(BSTR s, char **ret);       /* NULL maps to NULL; -EILSEQ on an embedded NUL */

static inline void bstr_freep(BSTR *s) {
        bstr_free(*s);
}
