/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * BSTR
 *
 * A BSTR points at its characters; the length stands in the four bytes before them, in bytes, and may be
 * larger than wcslen() says. Callers free with SysFreeString(), which com/ builds on bstr_free(), so both
 * ends of that contract are here.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bstr.h"
#include "base/utf.h"

typedef uint32_t BstrLength;

_Static_assert(sizeof(BstrLength) == 4, "programs read the length from the four bytes before");
_Static_assert(sizeof(BstrLength) % _Alignof(WCHAR) == 0, "the characters behind the length are aligned");

BSTR bstr_alloc(const WCHAR *s, size_t n_chars) {
        BstrLength length;
        WCHAR *chars;
        char *block;

        if (n_chars > (UINT32_MAX - sizeof(BstrLength) - sizeof(WCHAR)) / sizeof(WCHAR))
                return NULL;

        length = (BstrLength) (n_chars * sizeof(WCHAR));
        block = calloc_checked(sizeof(BstrLength) + length + sizeof(WCHAR), 1);
        if (!block)
                return NULL;

        memcpy(block, &length, sizeof(length));
        chars = (WCHAR *) (void *) (block + sizeof(length));
        if (s)
                memcpy(chars, s, length);

        return chars;
}

void bstr_free(BSTR s) {
        if (s)
                free((char *) s - sizeof(BstrLength));
}

size_t bstr_length(BSTR s) {
        BstrLength length;

        if (!s)
                return 0;

        memcpy(&length, (const char *) s - sizeof(length), sizeof(length));
        return length / sizeof(WCHAR);
}

int bstr_from_utf8(const char *s, BSTR *ret) {
        size_t size;
        BSTR wide;

        if (!s) {
                *ret = NULL;
                return 0;
        }

        size = strlen(s);
        wide = bstr_alloc(NULL, wide_length(s, size));
        if (!wide)
                return -ENOMEM;

        wide_fill(s, size, wide);
        *ret = wide;
        return 0;
}

int utf8_from_bstr(BSTR s, char **ret) {
        return utf8_from_wide_n(s, bstr_length(s), ret);
}
