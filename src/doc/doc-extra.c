/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What We Do Not Know
 *
 * Nothing of umbra looks into it; the reader fills it, the writer writes it again.
 */

#include <stdlib.h>

#include "base/strv.h"
#include "doc/doc-extra.h"

DocExtra *doc_extra_free(DocExtra *x) {
        if (!x)
                return NULL;

        strv_free(x->attributes);
        strv_free(x->elements);
        free(x);
        return NULL;
}
