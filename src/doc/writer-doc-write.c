/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writer Metadata Document: to XML
 */

#include "doc/writer-doc-table.h"
#include "doc/writer-doc.h"

HRESULT writer_doc_write(const WriterDoc *d, char **ret_text, size_t *ret_size) {
        return doc_write(&writer_doc_format, d, ret_text, ret_size);
}
