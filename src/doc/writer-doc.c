/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writer Metadata Document: the Model
 *
 * A component is known by logical path and name, whatever its type. The index holds both as borrowed
 * strings, which works because a component's name never changes; the components themselves move when their
 * array grows.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "doc/doc-index.h"
#include "doc/doc-limits.h"
#include "doc/doc-names.h"
#include "doc/writer-doc-table.h"
#include "doc/writer-doc.h"

int writer_doc_new(WriterDoc **ret) {
        _cleanup_(writer_doc_freep) WriterDoc *d = NULL;
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

WriterDoc *writer_doc_free(WriterDoc *d) {
        if (!d)
                return NULL;

        doc_index_free(d->index);
        doc_clear(writer_doc_format.root, d);
        free(d);
        return NULL;
}

HRESULT writer_doc_copy(const WriterDoc *d, WriterDoc **ret) {
        _cleanup_(writer_doc_freep) WriterDoc *copy = NULL;
        HRESULT hr;

        copy = calloc_checked(1, sizeof(*copy));
        if (!copy)
                return E_OUTOFMEMORY;

        hr = doc_copy(writer_doc_format.root, d, copy);
        if (FAILED(hr))
                return hr;

        *ret = TAKE_PTR(copy);
        return S_OK;
}

HRESULT writer_doc_component_ready(void *parent, void *object) {
        WriterDocComponent *c = object;
        DocKey key = { .path = c->logical_path, .name = c->name };
        WriterDoc *d = parent;
        DocIndex *index = d->index;
        int r;

        /* Two components of one name: the API makes no such document. */
        r = doc_index_add(&index, &key, (size_t) (c - d->components));
        d->index = index;
        return r == -EEXIST ? VSS_E_INVALID_XML_DOCUMENT : hresult_from_errno(r);
}

static void component_clear(WriterDocComponent *c) {
        free(c->logical_path);
        free(c->name);
        *c = (WriterDocComponent){ 0 };
}

static HRESULT component_fill(WriterDoc *d,
                              WriterDocComponent *c,
                              const char *logical_path,
                              const char *name) {
        int r;

        r = strdup_to(logical_path, &c->logical_path);
        if (r < 0)
                return hresult_from_errno(r);

        r = strdup_to(name, &c->name);
        if (r < 0)
                return hresult_from_errno(r);

        return writer_doc_component_ready(d, c);
}

HRESULT writer_doc_add_component(WriterDoc *d,
                                 VSS_COMPONENT_TYPE type,
                                 const char *logical_path,
                                 const char *name,
                                 WriterDocComponent **ret) {
        WriterDocComponent *c;
        HRESULT hr;
        int r;

        if (!name || (type != VSS_CT_DATABASE && type != VSS_CT_FILEGROUP))
                return E_INVALIDARG;
        if (writer_doc_find_component(d, VSS_CT_UNDEFINED, logical_path, name))
                return VSS_E_OBJECT_ALREADY_EXISTS;
        if (d->n_components >= DOCUMENT_COMPONENTS_MAX)
                return VSS_E_INVALID_XML_DOCUMENT;

        r = ARRAY_RESERVE(d->components, d->components_capacity, d->n_components + 1);
        if (r < 0)
                return hresult_from_errno(r);

        c = &d->components[d->n_components];
        *c = (WriterDocComponent){ .type = type };

        hr = component_fill(d, c, logical_path, name);
        if (FAILED(hr)) {
                component_clear(c);
                return hr;
        }

        d->n_components++;
        if (ret)
                *ret = c;
        return S_OK;
}

WriterDocComponent *writer_doc_find_component(WriterDoc *d,
                                              VSS_COMPONENT_TYPE type,
                                              const char *logical_path,
                                              const char *name) {
        DocKey key = { .path = logical_path, .name = name };
        size_t i;

        if (!name || !doc_index_find(d->index, &key, &i))
                return NULL;

        return type == VSS_CT_UNDEFINED || d->components[i].type == type ? &d->components[i] : NULL;
}

void doc_filespecs_clear(DocFileSpecs *list) {
        for (size_t i = 0; i < list->n; ++i)
                doc_clear(&alternate_location_mapping_element, &list->items[i]);

        free(list->items);
        *list = (DocFileSpecs){ 0 };
}

static int filespec_fill(DocFileSpec *spec, const char *path, const char *filespec, const char *alternate) {
        int r;

        r = strdup_to(path, &spec->path);
        if (r < 0)
                return r;

        r = strdup_to(filespec, &spec->filespec);
        if (r < 0)
                return r;

        return strdup_to(alternate, &spec->alternate);
}

int doc_filespecs_add(DocFileSpecs *list,
                      const char *path,
                      const char *filespec,
                      bool recursive,
                      const char *alternate,
                      uint32_t backup_type) {
        DocFileSpec *spec;
        int r;

        if (list->n >= DOCUMENT_LIST_MAX)
                return -EINVAL;

        r = ARRAY_RESERVE(list->items, list->capacity, list->n + 1);
        if (r < 0)
                return r;

        spec = &list->items[list->n];
        *spec = (DocFileSpec){ .recursive = recursive, .backup_type = backup_type };

        r = filespec_fill(spec, path, filespec, alternate);
        if (r < 0) {
                doc_clear(&alternate_location_mapping_element, spec);
                return r;
        }

        list->n++;
        return 0;
}

int writer_doc_component_add_dependency(WriterDocComponent *c,
                                        const GUID *writer_id,
                                        const char *logical_path,
                                        const char *name) {
        _cleanup_(freep) char *path_copy = NULL, *name_copy = NULL;
        int r;

        if (c->n_dependencies >= DOCUMENT_LIST_MAX)
                return -EINVAL;

        r = strdup_to(logical_path, &path_copy);
        if (r < 0)
                return r;

        r = strdup_to(name, &name_copy);
        if (r < 0)
                return r;

        r = ARRAY_RESERVE(c->dependencies, c->dependencies_capacity, c->n_dependencies + 1);
        if (r < 0)
                return r;

        c->dependencies[c->n_dependencies++] = (DocDependency){
                .writer_id = *writer_id,
                .logical_path = TAKE_PTR(path_copy),
                .component_name = TAKE_PTR(name_copy),
        };
        return 0;
}
