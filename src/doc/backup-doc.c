/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Backup Components Document: the Model
 *
 * Writers are known by class and instance, components of a writer by type, logical path and name. None of
 * these ever changes once it is in the document, so the indices borrow the strings.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/string-table.h"
#include "doc/backup-doc-table.h"
#include "doc/backup-doc.h"
#include "doc/doc-index.h"
#include "doc/doc-limits.h"
#include "doc/doc-names.h"

static const char *const consistency_table[_CONSISTENCY_MAX] = {
        [CONSISTENCY_UNKNOWN] = "unknown",
        [CONSISTENCY_FUZZY] = "fuzzy",
        [CONSISTENCY_CRASH] = "crash",
        [CONSISTENCY_APPLICATION] = "application",
};

DEFINE_STRING_TABLE(consistency, Consistency)

int backup_doc_new(BackupDoc **ret) {
        _cleanup_(backup_doc_freep) BackupDoc *d = NULL;
        int r;

        d = calloc_checked(1, sizeof(*d));
        if (!d)
                return -ENOMEM;

        r = strdup_to(DOCUMENT_VERSION, &d->version);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(d);
        return 0;
}

BackupDoc *backup_doc_free(BackupDoc *d) {
        if (!d)
                return NULL;

        for (size_t i = 0; i < d->n_writers; ++i)
                doc_index_free(d->writers[i]->index);

        doc_index_free(d->index);
        doc_clear(backup_doc_format.root, d);
        free(d);
        return NULL;
}

HRESULT backup_doc_copy(const BackupDoc *d, BackupDoc **ret) {
        _cleanup_(backup_doc_freep) BackupDoc *copy = NULL;
        HRESULT hr;

        copy = calloc_checked(1, sizeof(*copy));
        if (!copy)
                return E_OUTOFMEMORY;

        hr = doc_copy(backup_doc_format.root, d, copy);
        if (FAILED(hr))
                return hr;

        *ret = TAKE_PTR(copy);
        return S_OK;
}

BackupVolume *backup_doc_find_volume(BackupDoc *d, const GUID *snapshot_id) {
        for (size_t i = 0; i < d->n_volumes; ++i)
                if (guid_equal(&d->volumes[i].snapshot_id, snapshot_id))
                        return &d->volumes[i];

        return NULL;
}

HRESULT backup_doc_add_volume(BackupDoc *d,
                              const GUID *snapshot_id,
                              const GUID *provider_id,
                              const char *volume) {
        _cleanup_(freep) char *name = NULL;
        int r;

        if (!volume)
                return E_INVALIDARG;
        if (backup_doc_find_volume(d, snapshot_id))
                return VSS_E_OBJECT_ALREADY_EXISTS;

        r = strdup_to(volume, &name);
        if (r < 0)
                return hresult_from_errno(r);

        r = ARRAY_RESERVE(d->volumes, d->volumes_capacity, d->n_volumes + 1);
        if (r < 0)
                return hresult_from_errno(r);

        d->volumes[d->n_volumes++] = (BackupVolume){
                .snapshot_id = *snapshot_id,
                .provider_id = *provider_id,
                .volume = TAKE_PTR(name),
        };
        return S_OK;
}

/* Each writer is in the index twice: as itself, and, if it is the first of its class, as any instance of
 * it. */
static DocKey writer_key(const GUID *instance_id, const GUID *writer_id) {
        return (DocKey){ .writer_id = *writer_id, .instance_id = *instance_id };
}

static DocKey class_key(const GUID *writer_id) {
        return (DocKey){ .writer_id = *writer_id, .type = -1 };
}

HRESULT backup_doc_writer_ready(void *parent, void *object) {
        BackupWriter *w = object;
        DocKey key = writer_key(&w->instance_id, &w->writer_id), any = class_key(&w->writer_id);
        BackupDoc *d = parent;
        DocIndex *index = d->index;
        int r;

        r = doc_index_add(&index, &key, d->n_writers - 1);
        d->index = index;
        if (r < 0)
                return r == -EEXIST ? VSS_E_INVALID_XML_DOCUMENT : hresult_from_errno(r);

        r = doc_index_add(&index, &any, d->n_writers - 1);
        if (r < 0 && r != -EEXIST) {
                doc_index_remove(index, &key);
                return hresult_from_errno(r);
        }

        return S_OK;
}

HRESULT backup_doc_component_ready(void *parent, void *object) {
        BackupComponent *c = object;
        DocKey key = { .type = (int) c->type, .path = c->logical_path, .name = c->name };
        BackupWriter *w = parent;
        DocIndex *index = w->index;
        int r;

        r = doc_index_add(&index, &key, w->n_components - 1);
        w->index = index;
        return r == -EEXIST ? VSS_E_INVALID_XML_DOCUMENT : hresult_from_errno(r);
}

BackupWriter *backup_doc_find_writer(BackupDoc *d, const GUID *instance_id, const GUID *writer_id) {
        DocKey key = guid_is_null(instance_id) ? class_key(writer_id) : writer_key(instance_id, writer_id);
        size_t i;

        return doc_index_find(d->index, &key, &i) ? d->writers[i] : NULL;
}

HRESULT backup_doc_set_instance(BackupDoc *d, size_t i, const GUID *instance_id) {
        BackupWriter *w = d->writers[i];
        DocKey old = writer_key(&w->instance_id, &w->writer_id), key = writer_key(instance_id, &w->writer_id);
        DocIndex *index = d->index;
        size_t found;
        int r;

        r = doc_index_add(&index, &key, i);
        d->index = index;
        if (r < 0)
                return hresult_from_errno(r);
        if (doc_index_find(index, &old, &found) && found == i)
                doc_index_remove(index, &old);

        w->instance_id = *instance_id;
        return S_OK;
}

static BackupWriter *backup_writer_free(BackupWriter *w) {
        if (!w)
                return NULL;

        free(w->instance_name);
        free(w);
        return NULL;
}

DEFINE_CLEANUP(BackupWriter *, backup_writer_free)

HRESULT backup_doc_add_writer(BackupDoc *d,
                              const GUID *instance_id,
                              const GUID *writer_id,
                              const char *instance_name,
                              uint32_t backup_schema,
                              BackupWriter **ret) {
        _cleanup_(backup_writer_freep) BackupWriter *w = NULL;
        DocKey key = writer_key(instance_id, writer_id);
        HRESULT hr;
        int r;

        if (doc_index_find(d->index, &key, &(size_t){ 0 }))
                return VSS_E_OBJECT_ALREADY_EXISTS;
        if (d->n_writers >= DOCUMENT_WRITERS_MAX)
                return VSS_E_INVALID_XML_DOCUMENT;

        w = calloc_checked(1, sizeof(*w));
        if (!w)
                return E_OUTOFMEMORY;

        w->instance_id = *instance_id;
        w->writer_id = *writer_id;
        w->backup_schema = backup_schema;

        r = strdup_to(instance_name, &w->instance_name);
        if (r < 0)
                return hresult_from_errno(r);

        r = ARRAY_RESERVE(d->writers, d->writers_capacity, d->n_writers + 1);
        if (r < 0)
                return hresult_from_errno(r);

        d->writers[d->n_writers++] = w;
        hr = backup_doc_writer_ready(d, w);
        if (FAILED(hr)) {
                d->n_writers--;
                return hr;
        }

        if (ret)
                *ret = w;
        TAKE_PTR(w);
        return S_OK;
}

BackupComponent *backup_writer_find_component(BackupWriter *w,
                                              VSS_COMPONENT_TYPE type,
                                              const char *logical_path,
                                              const char *name) {
        DocKey key = { .type = (int) type, .path = logical_path, .name = name };
        size_t i;

        return name && doc_index_find(w->index, &key, &i) ? w->components[i] : NULL;
}

static BackupComponent *backup_component_free(BackupComponent *c) {
        if (!c)
                return NULL;

        doc_clear(&backup_component_element, c);
        free(c);
        return NULL;
}

DEFINE_CLEANUP(BackupComponent *, backup_component_free)

void backup_component_init(void *object) {
        BackupComponent *c = object;

        c->backup_succeeded = c->additional_restores = c->selected_for_restore = TRI_UNSET;
}

HRESULT backup_writer_add_component(BackupWriter *w,
                                    VSS_COMPONENT_TYPE type,
                                    const char *logical_path,
                                    const char *name,
                                    BackupComponent **ret) {
        _cleanup_(backup_component_freep) BackupComponent *c = NULL;
        HRESULT hr;
        int r;

        if (!name || (type != VSS_CT_DATABASE && type != VSS_CT_FILEGROUP))
                return E_INVALIDARG;
        if (backup_writer_find_component(w, type, logical_path, name))
                return VSS_E_OBJECT_ALREADY_EXISTS;
        if (w->n_components >= DOCUMENT_COMPONENTS_MAX)
                return VSS_E_INVALID_XML_DOCUMENT;

        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return E_OUTOFMEMORY;

        backup_component_init(c);
        c->type = type;

        r = strdup_to(logical_path, &c->logical_path);
        if (r < 0)
                return hresult_from_errno(r);

        r = strdup_to(name, &c->name);
        if (r < 0)
                return hresult_from_errno(r);

        r = ARRAY_RESERVE(w->components, w->components_capacity, w->n_components + 1);
        if (r < 0)
                return hresult_from_errno(r);

        w->components[w->n_components++] = c;
        hr = backup_doc_component_ready(w, c);
        if (FAILED(hr)) {
                w->n_components--;
                return hr;
        }

        if (ret)
                *ret = c;
        TAKE_PTR(c);
        return S_OK;
}

/* Fills a list item from texts: strings[i] is copied to *fields[i]. On failure the item is empty again. */
static int copy_texts(const char *const *strings, char **const *fields, size_t n) {
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; ++i)
                r = strdup_to(strings[i], fields[i]);

        if (r < 0)
                for (size_t i = 0; i < n; ++i) {
                        free(*fields[i]);
                        *fields[i] = NULL;
                }

        return r;
}

int backup_component_add_partial_file(BackupComponent *c,
                                      const char *path,
                                      const char *filename,
                                      const char *ranges,
                                      const char *metadata) {
        DocPartialFile *f;
        int r;

        if (c->n_partial_files >= DOCUMENT_LIST_MAX)
                return -EINVAL;

        r = ARRAY_RESERVE(c->partial_files, c->partial_files_capacity, c->n_partial_files + 1);
        if (r < 0)
                return r;

        f = &c->partial_files[c->n_partial_files];
        *f = (DocPartialFile){ 0 };

        r = copy_texts((const char *const[]){ path, filename, ranges, metadata },
                       (char **const[]){ &f->path, &f->filename, &f->ranges, &f->metadata }, 4);
        if (r < 0)
                return r;

        c->n_partial_files++;
        return 0;
}

int backup_component_add_differenced_file(BackupComponent *c,
                                          const char *path,
                                          const char *filespec,
                                          bool recursive,
                                          const char *lsn,
                                          int64_t last_modify_time) {
        DocDifferencedFile *f;
        int r;

        if (c->n_differenced_files >= DOCUMENT_LIST_MAX)
                return -EINVAL;

        r = ARRAY_RESERVE(c->differenced_files, c->differenced_files_capacity, c->n_differenced_files + 1);
        if (r < 0)
                return r;

        f = &c->differenced_files[c->n_differenced_files];
        *f = (DocDifferencedFile){ .recursive = recursive, .last_modify_time = last_modify_time };

        r = copy_texts((const char *const[]){ path, filespec, lsn },
                       (char **const[]){ &f->path, &f->filespec, &f->lsn }, 3);
        if (r < 0)
                return r;

        c->n_differenced_files++;
        return 0;
}

int backup_component_add_directed_target(BackupComponent *c,
                                         const char *source_path,
                                         const char *source_filename,
                                         const char *source_ranges,
                                         const char *destination_path,
                                         const char *destination_filename,
                                         const char *destination_ranges) {
        DocDirectedTarget *t;
        int r;

        if (c->n_directed_targets >= DOCUMENT_LIST_MAX)
                return -EINVAL;

        r = ARRAY_RESERVE(c->directed_targets, c->directed_targets_capacity, c->n_directed_targets + 1);
        if (r < 0)
                return r;

        t = &c->directed_targets[c->n_directed_targets];
        *t = (DocDirectedTarget){ 0 };

        r = copy_texts((const char *const[]){ source_path, source_filename, source_ranges, destination_path,
                                              destination_filename, destination_ranges },
                       (char **const[]){ &t->source_path, &t->source_filename, &t->source_ranges,
                                         &t->destination_path, &t->destination_filename,
                                         &t->destination_ranges },
                       6);
        if (r < 0)
                return r;

        c->n_directed_targets++;
        return 0;
}

int backup_component_add_restore_subcomponent(BackupComponent *c,
                                              const char *logical_path,
                                              const char *name,
                                              bool repair) {
        DocSubcomponent *s;
        int r;

        if (c->n_restore_subcomponents >= DOCUMENT_LIST_MAX)
                return -EINVAL;

        r = ARRAY_RESERVE(c->restore_subcomponents, c->restore_subcomponents_capacity,
                          c->n_restore_subcomponents + 1);
        if (r < 0)
                return r;

        s = &c->restore_subcomponents[c->n_restore_subcomponents];
        *s = (DocSubcomponent){ .repair = repair };

        r = copy_texts((const char *const[]){ logical_path, name },
                       (char **const[]){ &s->logical_path, &s->name }, 2);
        if (r < 0)
                return r;

        c->n_restore_subcomponents++;
        return 0;
}
