/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What We Do Not Know
 *
 * Attributes and elements of a document that this version has no name for are kept as they came and written
 * again at the end of their element. So are those that it has a name for, but that say nothing: a number
 * that is none, a component without a name. Most elements have nothing of the kind, so they carry one NULL
 * pointer.
 */

#include <stdbool.h>
#include <stddef.h>

#include <vss.h>

#include "base/macro.h"

typedef struct DocExtra {
        char **attributes; /* strv: name, value, name, value, … in document order */
        char **elements;   /* strv: each a serialised element */

        bool invalid; /* damaged: do not trust the members of the element, and do not change them */
        bool raw;     /* @attributes are all that it has; the members are what could be read of them */
        bool unknown; /* what it is known by is not there, or another one's: it is in no index */
        bool escaped; /* something here needs the mark on the root to mean what it means */
} DocExtra;

static inline bool doc_extra_is_invalid(const DocExtra *x) {
        return x && x->invalid;
}

/* S_OK, or VSS_E_INVALID_XML_DOCUMENT for a damaged element: what asking for it, or setting it, gives. */
static inline HRESULT doc_extra_check(const DocExtra *x) {
        return doc_extra_is_invalid(x) ? VSS_E_INVALID_XML_DOCUMENT : S_OK;
}

DocExtra *doc_extra_free(DocExtra *x);
DEFINE_CLEANUP(DocExtra *, doc_extra_free)
