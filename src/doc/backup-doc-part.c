/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Writer's Part of a Restore
 *
 * Components may be restored to another instance of their writer than they were saved from
 * (SetSelectedForRestoreEx). The document keeps them where they are; who hears of them is worked out here,
 * as a writer that borrows them.
 */

#include <stdlib.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "doc/backup-doc-table.h"
#include "doc/backup-doc.h"
#include "doc/doc-index.h"

BackupWriter *backup_doc_part_free(BackupWriter *w) {
        if (!w)
                return NULL;

        doc_index_free(w->index);
        free(w->components);
        free(w);
        return NULL;
}

static bool goes_to(const BackupWriter *from, const BackupComponent *c, const GUID *instance_id) {
        const GUID *to =
                guid_is_null(&c->restore_instance_id) ? &from->instance_id : &c->restore_instance_id;

        return guid_equal(to, instance_id);
}

/* Of two of one name the first stays: a writer could not tell which of them is meant. */
static HRESULT part_take(BackupWriter *part, const BackupWriter *from) {
        for (size_t i = 0; i < from->n_components; ++i) {
                BackupComponent *c = from->components[i];
                HRESULT hr;

                if (!goes_to(from, c, &part->instance_id) ||
                    backup_writer_find_component(part, c->type, c->logical_path, c->name))
                        continue;
                if (ARRAY_RESERVE(part->components, part->components_capacity, part->n_components + 1) < 0)
                        return E_OUTOFMEMORY;
                part->components[part->n_components++] = c;
                if (!c->name || (c->extra && c->extra->unknown))
                        continue; /* damaged, and in no index */
                hr = backup_doc_component_ready(part, c);
                if (FAILED(hr))
                        return hr;
        }
        return S_OK;
}

HRESULT backup_doc_restore_part(BackupDoc *d,
                                const GUID *instance_id,
                                const GUID *writer_id,
                                BackupWriter **ret) {
        _cleanup_(backup_doc_part_freep) BackupWriter *part = NULL;
        const BackupWriter *own = backup_doc_find_writer(d, instance_id, writer_id);
        HRESULT hr;

        part = calloc_checked(1, sizeof(*part));
        if (!part)
                return E_OUTOFMEMORY;
        if (own) {
                part->instance_name = own->instance_name;
                part->backup_schema = own->backup_schema;
        }
        part->writer_id = *writer_id;
        part->instance_id = *instance_id;

        hr = own ? part_take(part, own) : S_OK;
        for (size_t i = 0; i < d->n_writers && SUCCEEDED(hr); ++i)
                if (d->writers[i] != own && guid_equal(&d->writers[i]->writer_id, writer_id))
                        hr = part_take(part, d->writers[i]);
        if (FAILED(hr))
                return hr;

        *ret = TAKE_PTR(part);
        return S_OK;
}
