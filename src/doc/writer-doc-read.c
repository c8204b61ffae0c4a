/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writer Metadata Document: from XML
 */

#include "base/alloc.h"
#include "doc/writer-doc-table.h"
#include "doc/writer-doc.h"

HRESULT writer_doc_read(const char *text, size_t size, WriterDoc **ret) {
        _cleanup_(writer_doc_freep) WriterDoc *d = NULL;
        HRESULT hr;

        d = calloc_checked(1, sizeof(*d));
        if (!d)
                return E_OUTOFMEMORY;

        hr = doc_read(&writer_doc_format, text, size, d);
        if (FAILED(hr))
                return hr;

        *ret = TAKE_PTR(d);
        return S_OK;
}
