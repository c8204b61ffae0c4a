/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Backup Components Document: to XML
 */

#include "doc/backup-doc-table.h"
#include "doc/backup-doc.h"

HRESULT backup_doc_write(const BackupDoc *d, char **ret_text, size_t *ret_size) {
        return doc_write(&backup_doc_format, d, ret_text, ret_size);
}

HRESULT backup_doc_write_part(const BackupDoc *d, const BackupWriter *w, char **ret_text, size_t *ret_size) {
        BackupWriter *writers[] = { (BackupWriter *) (uintptr_t) w };
        BackupDoc part = *d;

        part.writers = writers;
        part.n_writers = ELEMENTSOF(writers);
        return doc_write(&backup_doc_format, &part, ret_text, ret_size);
}
