/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What We Do Not Know
 *
 * Attributes and elements of a document that this version has no name for are kept as they came and written
 * again at the end of their element. Most elements have none, so they carry one NULL pointer.
 */

#include <stddef.h>

#include "base/macro.h"

typedef struct DocExtra {
        char **attributes; /* strv: name, value, name, value, … in document order */
        char **elements;   /* strv: each a serialised element */
} DocExtra;

DocExtra *doc_extra_free(DocExtra *x);
DEFINE_CLEANUP(DocExtra *, doc_extra_free)
