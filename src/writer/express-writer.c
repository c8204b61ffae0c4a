/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Express Writers
 *
 * Writers that are a registered document and no process. umbrad does not keep such documents yet, so nobody can make one.
 */

#include <vswriter.h>

#include "wire/last-error.h"

/* [MS: nf-vswriter-createvssexpresswriter] */
HRESULT CreateVssExpressWriterInternal(IVssExpressWriter **ppWriter) {
        if (!ppWriter)
                return last_error_set(E_INVALIDARG, NULL);
        *ppWriter = NULL;
        return last_error_set(E_NOTIMPL, "express writers cannot be registered with umbra yet; register a writer of your own");
}

HRESULT CreateVssExpressWriter(IVssExpressWriter **ppWriter) {
        return CreateVssExpressWriterInternal(ppWriter);
}
