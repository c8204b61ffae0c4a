/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which Files Are a Component's
 */

#include "tools/component-files.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "tools/tool-vss.h"

static HRESULT read_component(IVssExamineWriterMetadata *metadata, UINT i, Component *c) {
        IVssWMComponent *component = NULL;
        PVSSCOMPONENTINFO info = NULL;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_GetComponent(metadata, i, &component);
        if (FAILED(hr))
                return hr;
        hr = IVssWMComponent_GetComponentInfo(component, &info);
        if (SUCCEEDED(hr)) {
                c->type = info->type;
                c->logical_path = tool_text(info->bstrLogicalPath);
                c->name = tool_text(info->bstrComponentName);
                c->selectable = info->bSelectable;
                c->index = i;
                if (format_to(&c->full, "%s%s%s", c->logical_path, *c->logical_path ? "\\" : "", c->name) < 0)
                        hr = E_OUTOFMEMORY;
                (void) IVssWMComponent_FreeComponentInfo(component, info);
        }
        IVssWMComponent_Release(component);
        return hr;
}

static HRESULT read_identity(WriterMetadata *w) {
        IVssExamineWriterMetadataEx *ex = NULL;
        BSTR name = NULL, instance = NULL;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_QueryInterface(w->metadata, &IID_IVssExamineWriterMetadataEx, (void **) &ex);
        if (FAILED(hr))
                return hr;
        hr = IVssExamineWriterMetadataEx_GetIdentityEx(ex, &w->instance_id, &w->writer_id, &name, &instance, &usage, &source);
        IVssExamineWriterMetadataEx_Release(ex);
        w->name = tool_take_bstr(name);
        w->instance_name = tool_take_bstr(instance);
        return hr;
}

static HRESULT read_restore_method(WriterMetadata *w) {
        BSTR service = NULL, procedure = NULL;
        VSS_WRITERRESTORE_ENUM restore;
        UINT n_mappings;
        bool reboot;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_GetRestoreMethod(w->metadata, &w->restore_method, &service, &procedure, &restore, &reboot, &n_mappings);
        SysFreeString(service);
        SysFreeString(procedure);
        if (hr != S_OK)
                w->restore_method = VSS_RME_UNDEFINED;
        return hr;
}

HRESULT writer_metadata_read(IVssExamineWriterMetadata *metadata, WriterMetadata *ret) {
        UINT n_include, n_exclude, n = 0;
        HRESULT hr;

        *ret = (WriterMetadata){ .metadata = metadata };
        IVssExamineWriterMetadata_AddRef(metadata);
        hr = read_identity(ret);
        if (SUCCEEDED(hr))
                hr = read_restore_method(ret);
        if (SUCCEEDED(hr))
                hr = IVssExamineWriterMetadata_GetFileCounts(metadata, &n_include, &n_exclude, &n);
        if (SUCCEEDED(hr)) {
                ret->components = calloc_checked(n + 1U, sizeof(*ret->components));
                hr = ret->components ? S_OK : E_OUTOFMEMORY;
        }
        for (; SUCCEEDED(hr) && ret->n_components < n; ++ret->n_components)
                hr = read_component(metadata, (UINT) ret->n_components, &ret->components[ret->n_components]);
        if (FAILED(hr))
                writer_metadata_clear(ret);
        return FAILED(hr) ? hr : S_OK;
}

void writer_metadata_clear(WriterMetadata *w) {
        for (size_t i = 0; i < w->n_components; ++i) {
                free(w->components[i].logical_path);
                free(w->components[i].name);
                free(w->components[i].full);
        }
        free(w->components);
        free(w->name);
        free(w->instance_name);
        if (w->metadata)
                IVssExamineWriterMetadata_Release(w->metadata);
        *w = (WriterMetadata){ 0 };
}

const Component *writer_metadata_find(const WriterMetadata *w, const char *logical_path, const char *name) {
        for (size_t i = 0; i < w->n_components; ++i)
                if (strcmp(w->components[i].logical_path, logical_path) == 0 && strcmp(w->components[i].name, name) == 0)
                        return &w->components[i];
        return NULL;
}

bool component_follows(const Component *c, const Component *parent) {
        size_t length = strlen(parent->full);

        return c != parent && strncmp(c->logical_path, parent->full, length) == 0 &&
               (c->logical_path[length] == '\0' || c->logical_path[length] == '\\');
}

static HRESULT add_filedesc(IVssWMFiledesc *desc, FileSet *set, bool exclude) {
        _cleanup_(freep) char *path = NULL, *spec = NULL;
        BSTR bpath = NULL, bspec = NULL;
        bool recursive = false;
        HRESULT hr;
        int r;

        hr = IVssWMFiledesc_GetPath(desc, &bpath);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetFilespec(desc, &bspec);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetRecursive(desc, &recursive);
        path = tool_take_bstr(bpath);
        spec = tool_take_bstr(bspec);
        if (FAILED(hr))
                return hr;
        r = exclude ? file_set_exclude(set, path, spec, recursive) : file_set_add(set, path, spec, recursive);
        return r < 0 ? hresult_from_errno(r) : S_OK;
}

static HRESULT add_files_of(const WriterMetadata *w, const Component *c, FileSet *set) {
        IVssWMComponent *component = NULL;
        PVSSCOMPONENTINFO info = NULL;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_GetComponent(w->metadata, (UINT) c->index, &component);
        if (FAILED(hr))
                return hr;
        hr = IVssWMComponent_GetComponentInfo(component, &info);
        if (FAILED(hr)) {
                IVssWMComponent_Release(component);
                return hr;
        }

        for (UINT kind = 0; kind < 3 && SUCCEEDED(hr); ++kind) {
                UINT n = kind == 0 ? info->cFileCount : kind == 1 ? info->cDatabases : info->cLogFiles;

                for (UINT i = 0; i < n && SUCCEEDED(hr); ++i) {
                        IVssWMFiledesc *desc = NULL;

                        hr = kind == 0 ? IVssWMComponent_GetFile(component, i, &desc) :
                             kind == 1 ? IVssWMComponent_GetDatabaseFile(component, i, &desc) :
                                         IVssWMComponent_GetDatabaseLogFile(component, i, &desc);
                        if (FAILED(hr))
                                break;
                        hr = add_filedesc(desc, set, false);
                        IVssWMFiledesc_Release(desc);
                }
        }
        (void) IVssWMComponent_FreeComponentInfo(component, info);
        IVssWMComponent_Release(component);
        return hr;
}

static HRESULT add_exclusions(const WriterMetadata *w, FileSet *set) {
        UINT n_include, n_exclude, n_components;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_GetFileCounts(w->metadata, &n_include, &n_exclude, &n_components);
        for (UINT i = 0; SUCCEEDED(hr) && i < n_exclude; ++i) {
                IVssWMFiledesc *desc = NULL;

                hr = IVssExamineWriterMetadata_GetExcludeFile(w->metadata, i, &desc);
                if (FAILED(hr))
                        break;
                hr = add_filedesc(desc, set, true);
                IVssWMFiledesc_Release(desc);
        }
        return hr;
}

HRESULT component_add_files(const WriterMetadata *w, const Component *c, FileSet *set) {
        HRESULT hr;

        hr = add_files_of(w, c, set);
        for (size_t i = 0; i < w->n_components && SUCCEEDED(hr); ++i)
                if (component_follows(&w->components[i], c))
                        hr = add_files_of(w, &w->components[i], set);
        if (SUCCEEDED(hr))
                hr = add_exclusions(w, set);
        return hr;
}
