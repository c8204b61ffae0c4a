/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Backup Components Document: from XML
 */

#include "base/alloc.h"
#include "doc/backup-doc-table.h"
#include "doc/backup-doc.h"

HRESULT backup_doc_read(const char *text, size_t size, BackupDoc **ret) {
        _cleanup_(backup_doc_freep) BackupDoc *d = NULL;
        HRESULT hr;

        d = calloc_checked(1, sizeof(*d));
        if (!d)
                return E_OUTOFMEMORY;

        hr = doc_read(&backup_doc_format, text, size, d);
        if (FAILED(hr))
                return hr;

        *ret = TAKE_PTR(d);
        return S_OK;
}
