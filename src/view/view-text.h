/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Texts at the Edge
 *
 * The API speaks WCHAR and BSTR, the documents UTF-8. Every string of a view passes here, and a text that a
 * document could not hold is refused here and not when it is written.
 */

#include <stdbool.h>

#include <vss.h>

#include "base/bstr.h"
#include "base/macro.h"

/* NULL maps to NULL. E_INVALIDARG: not text, or too long for a document. E_OUTOFMEMORY. Caller frees. */
HRESULT view_text_from_wide(const WCHAR *s, char **ret);

/* NULL maps to NULL with S_FALSE: how the API says that there is none. E_OUTOFMEMORY. */
HRESULT view_text_to_bstr(const char *s, BSTR *ret);

/* All or none; the second of each pair may be NULL and gives NULL. */
typedef struct ViewText {
        BSTR *ret;
        const char *text;
} ViewText;
HRESULT view_texts_to_bstr(const ViewText *texts, size_t n);

static inline bool wide_is_empty(const WCHAR *s) {
        return !s || !*s;
}
