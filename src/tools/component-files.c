/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which Files Are a Component's
 */

#include "tools/component-files.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
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
                c->flags = info->dwComponentFlags;
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
        VSS_SOURCE_TYPE source;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_QueryInterface(w->metadata, &IID_IVssExamineWriterMetadataEx, (void **) &ex);
        if (FAILED(hr))
                return hr;
        hr = IVssExamineWriterMetadataEx_GetIdentityEx(ex, &w->instance_id, &w->writer_id, &name, &instance, &w->usage, &source);
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

/* As if each path ended with a separator: what is below a path comes right behind it. */
static int compare_paths(const char *a, const char *b) {
        for (size_t i = 0;; ++i) {
                unsigned char x = a[i] ? (unsigned char) a[i] : '\\', y = b[i] ? (unsigned char) b[i] : '\\';

                if (x != y)
                        return x < y ? -1 : 1;
                if (!a[i] || !b[i])
                        return (a[i] != '\0') - (b[i] != '\0');
        }
}

static int compare_components(const void *a, const void *b) {
        return compare_paths((*(Component *const *) a)->logical_path, (*(Component *const *) b)->logical_path);
}

static HRESULT order_components(WriterMetadata *w) {
        w->by_path = calloc_checked(w->n_components + 1, sizeof(*w->by_path));
        if (!w->by_path)
                return E_OUTOFMEMORY;
        for (size_t i = 0; i < w->n_components; ++i) {
                Component *c = &w->components[i], *known;

                w->by_path[i] = c;
                HASH_FIND(hh, w->by_name, c->full, strlen(c->full), known);
                if (!known)
                        HASH_ADD_KEYPTR(hh, w->by_name, c->full, strlen(c->full), c);
        }
        qsort(w->by_path, w->n_components, sizeof(*w->by_path), compare_components);
        return S_OK;
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
                hr = IVssExamineWriterMetadata_GetBackupSchema(metadata, &ret->schema);
        if (SUCCEEDED(hr))
                hr = IVssExamineWriterMetadata_GetFileCounts(metadata, &n_include, &n_exclude, &n);
        if (SUCCEEDED(hr)) {
                ret->components = calloc_checked(n + 1U, sizeof(*ret->components));
                hr = ret->components ? S_OK : E_OUTOFMEMORY;
        }
        for (UINT i = 0; SUCCEEDED(hr) && i < n; ++i) {
                hr = read_component(metadata, i, &ret->components[ret->n_components]);
                if (hr == VSS_E_INVALID_XML_DOCUMENT) {
                        tool_say("Component number %u of the writer '%s' is damaged in its metadata and cannot be chosen.", i + 1, ret->name);
                        hr = S_OK;
                        continue;
                }
                ++ret->n_components;
        }
        if (SUCCEEDED(hr))
                hr = order_components(ret);
        if (FAILED(hr))
                writer_metadata_clear(ret);
        return FAILED(hr) ? hr : S_OK;
}

void writer_metadata_clear(WriterMetadata *w) {
        HASH_CLEAR(hh, w->by_name);
        free(w->by_path);
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
        _cleanup_(freep) char *full = NULL;
        const Component *c = NULL;

        if (format_to(&full, "%s%s%s", logical_path, *logical_path ? "\\" : "", name) >= 0)
                HASH_FIND(hh, w->by_name, full, strlen(full), c);
        if (!c || strcmp(c->name, name) == 0)
                return c;
        /* A name with a separator in it looks like a path. */
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

bool writer_is_called(const WriterMetadata *w, const char *name) {
        GUID id;

        return strcmp(w->name, name) == 0 || strcmp(w->instance_name, name) == 0 ||
               (guid_from_string(name, &id) >= 0 && (guid_equal(&id, &w->writer_id) || guid_equal(&id, &w->instance_id)));
}

const Component *component_ancestor(const WriterMetadata *w, const Component *c, size_t level, bool *ret_more) {
        const char *end = c->logical_path;
        const Component *found;

        for (size_t i = 0;; ++i) {
                end += strcspn(end, "\\");
                if (i == level || !*end)
                        break;
                ++end;
        }
        *ret_more = *end;
        HASH_FIND(hh, w->by_name, c->logical_path, (size_t) (end - c->logical_path), found);
        return found == c ? NULL : found;
}

const Component *component_set_of(const WriterMetadata *w, const Component *c) {
        bool more = *c->logical_path;

        for (size_t level = 0; more; ++level) {
                const Component *found = component_ancestor(w, c, level, &more);

                if (found && found->selectable)
                        return found;
        }
        return NULL;
}

/* All that follow @c, whether they come along with it or not. */
static size_t followers(const WriterMetadata *w, const Component *c, size_t *ret_first) {
        size_t low = 0, high = w->n_components, n = 0;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (compare_paths(w->by_path[middle]->logical_path, c->full) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        while (low + n < w->n_components && component_follows(w->by_path[low + n], c))
                ++n;
        *ret_first = low;
        return n;
}

size_t component_members(const WriterMetadata *w, const Component *top, size_t *ret_first) {
        return top->selectable ? followers(w, top, ret_first) : 0;
}

bool component_is_member(const Component *c, const Component *top) {
        return c == top || (top->selectable && component_follows(c, top));
}

/* File sets */

static void component_files_clear(ComponentFiles *f) {
        free(f->path);
        free(f->spec);
        free(f->alternate);
}

static HRESULT read_filedesc(IVssWMFiledesc *desc, ComponentFiles *ret) {
        BSTR path = NULL, spec = NULL, alternate = NULL;
        HRESULT hr;

        hr = IVssWMFiledesc_GetPath(desc, &path);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetFilespec(desc, &spec);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetRecursive(desc, &ret->recursive);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetAlternateLocation(desc, &alternate);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetBackupTypeMask(desc, &ret->mask);
        ret->path = tool_take_bstr(path);
        ret->spec = tool_take_bstr(spec);
        ret->alternate = alternate && *alternate ? tool_text(alternate) : NULL;
        SysFreeString(alternate);
        return FAILED(hr) ? hr : S_OK;
}

static HRESULT get_filedesc(IVssWMComponent *component, unsigned kind, UINT i, IVssWMFiledesc **ret) {
        return kind == 0 ? IVssWMComponent_GetFile(component, i, ret) :
               kind == 1 ? IVssWMComponent_GetDatabaseFile(component, i, ret) :
                           IVssWMComponent_GetDatabaseLogFile(component, i, ret);
}

typedef HRESULT (*EachFiles)(const ComponentFiles *files, void *userdata);

static HRESULT each_files(IVssWMComponent *component, PVSSCOMPONENTINFO info, const Component *c, EachFiles f, void *userdata) {
        const UINT counts[] = { info->cFileCount, info->cDatabases, info->cLogFiles };
        HRESULT hr = S_OK;

        for (unsigned kind = 0; kind < ELEMENTSOF(counts); ++kind)
                for (UINT i = 0; i < counts[kind]; ++i) {
                        _cleanup_(component_files_clear) ComponentFiles files = { .component = c, .is_log = kind == 2 };
                        IVssWMFiledesc *desc = NULL;

                        hr = get_filedesc(component, kind, i, &desc);
                        if (FAILED(hr))
                                return hr;
                        hr = read_filedesc(desc, &files);
                        IVssWMFiledesc_Release(desc);
                        if (SUCCEEDED(hr))
                                hr = f(&files, userdata);
                        if (FAILED(hr))
                                return hr;
                }
        return S_OK;
}

static HRESULT open_component(const WriterMetadata *w, const Component *c, IVssWMComponent **ret, PVSSCOMPONENTINFO *ret_info) {
        HRESULT hr;

        hr = IVssExamineWriterMetadata_GetComponent(w->metadata, (UINT) c->index, ret);
        if (FAILED(hr))
                return hr;
        hr = IVssWMComponent_GetComponentInfo(*ret, ret_info);
        if (FAILED(hr))
                IVssWMComponent_Release(*ret);
        return hr;
}

static void close_component(IVssWMComponent *component, PVSSCOMPONENTINFO info) {
        (void) IVssWMComponent_FreeComponentInfo(component, info);
        IVssWMComponent_Release(component);
}

static HRESULT files_of(const WriterMetadata *w, const Component *c, EachFiles f, void *userdata) {
        IVssWMComponent *component = NULL;
        PVSSCOMPONENTINFO info = NULL;
        HRESULT hr;

        hr = open_component(w, c, &component, &info);
        if (FAILED(hr))
                return hr;
        hr = each_files(component, info, c, f, userdata);
        close_component(component, info);
        return hr;
}

static HRESULT files_of_all(const WriterMetadata *w, const Component *c, size_t first, size_t n, EachFiles f, void *userdata) {
        HRESULT hr;

        hr = files_of(w, c, f, userdata);
        for (size_t i = first; SUCCEEDED(hr) && i < first + n; ++i)
                hr = files_of(w, w->by_path[i], f, userdata);
        return hr;
}

HRESULT component_for_each_files(const WriterMetadata *w, const Component *c, EachFiles f, void *userdata) {
        size_t first = 0, n = component_members(w, c, &first);

        return files_of_all(w, c, first, n, f, userdata);
}

/* S_FALSE: it depends on a component that there is no writer for. */
static HRESULT read_dependency(IVssWMComponent *component, UINT i, GUID *id, BSTR *path, BSTR *name) {
        IVssWMDependency *dependency = NULL;
        HRESULT hr;

        hr = IVssWMComponent_GetDependency(component, i, &dependency);
        if (FAILED(hr))
                return hr;
        hr = IVssWMDependency_GetWriterId(dependency, id);
        if (SUCCEEDED(hr))
                hr = IVssWMDependency_GetLogicalPath(dependency, path);
        if (SUCCEEDED(hr))
                hr = IVssWMDependency_GetComponentName(dependency, name);
        IVssWMDependency_Release(dependency);
        return hr;
}

HRESULT component_for_each_dependency(const WriterMetadata *w,
                                      const Component *c,
                                      HRESULT (*f)(const GUID *writer_id, const char *logical_path, const char *name, void *userdata),
                                      void *userdata) {
        IVssWMComponent *component = NULL;
        PVSSCOMPONENTINFO info = NULL;
        HRESULT hr;

        hr = open_component(w, c, &component, &info);
        for (UINT i = 0; SUCCEEDED(hr) && i < info->cDependencies; ++i) {
                _cleanup_(freep) char *path = NULL, *name = NULL;
                BSTR bpath = NULL, bname = NULL;
                GUID id;

                hr = read_dependency(component, i, &id, &bpath, &bname);
                path = tool_take_bstr(bpath);
                name = tool_take_bstr(bname);
                if (SUCCEEDED(hr))
                        hr = f(&id, path, name, userdata);
        }
        if (info)
                close_component(component, info);
        return FAILED(hr) ? hr : S_OK;
}

/* Into sets */

static HRESULT exclude_files(IVssWMFiledesc *desc, FileSet *set) {
        _cleanup_(component_files_clear) ComponentFiles files = { 0 };
        HRESULT hr;

        hr = read_filedesc(desc, &files);
        IVssWMFiledesc_Release(desc);
        return FAILED(hr) ? hr : hresult_from_errno(file_set_exclude(set, files.path, files.spec, files.recursive));
}

static HRESULT exclude_from_snapshot(const WriterMetadata *w, FileSet *set) {
        IVssExamineWriterMetadataEx2 *ex = NULL;
        UINT n = 0;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_QueryInterface(w->metadata, &IID_IVssExamineWriterMetadataEx2, (void **) &ex);
        if (FAILED(hr))
                return hr;
        hr = IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotCount(ex, &n);
        for (UINT i = 0; SUCCEEDED(hr) && i < n; ++i) {
                IVssWMFiledesc *desc = NULL;

                hr = IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotFile(ex, i, &desc);
                if (SUCCEEDED(hr))
                        hr = exclude_files(desc, set);
        }
        IVssExamineWriterMetadataEx2_Release(ex);
        return hr;
}

HRESULT writer_exclude_files(const WriterMetadata *w, bool snapshot, FileSet *set) {
        UINT n_include, n_exclude, n_components;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_GetFileCounts(w->metadata, &n_include, &n_exclude, &n_components);
        for (UINT i = 0; SUCCEEDED(hr) && i < n_exclude; ++i) {
                IVssWMFiledesc *desc = NULL;

                hr = IVssExamineWriterMetadata_GetExcludeFile(w->metadata, i, &desc);
                if (SUCCEEDED(hr))
                        hr = exclude_files(desc, set);
        }
        return SUCCEEDED(hr) && snapshot ? exclude_from_snapshot(w, set) : hr;
}

static HRESULT each_part(const WriterMetadata *w, const Component *c, EachFiles f, void *userdata) {
        size_t first = 0, n;

        n = component_set_of(w, c) ? followers(w, c, &first) : component_members(w, c, &first);
        return files_of_all(w, c, first, n, f, userdata);
}

static HRESULT add_files(const ComponentFiles *files, void *userdata) {
        return hresult_from_errno(file_set_add(userdata, files->path, files->spec, files->recursive));
}

HRESULT component_add_files(const WriterMetadata *w, const Component *c, FileSet *set) {
        HRESULT hr = each_part(w, c, add_files, set);

        return SUCCEEDED(hr) ? writer_exclude_files(w, true, set) : hr;
}

typedef struct Masked {
        FileSet *set;
        DWORD mask;
} Masked;

static HRESULT add_files_of(const ComponentFiles *files, void *userdata) {
        const Masked *m = userdata;

        return files->mask & m->mask ? add_files(files, m->set) : S_OK;
}

HRESULT component_add_files_of(const WriterMetadata *w, const Component *c, DWORD mask, FileSet *set) {
        HRESULT hr = each_part(w, c, add_files_of, &(Masked){ .set = set, .mask = mask });

        return SUCCEEDED(hr) ? writer_exclude_files(w, true, set) : hr;
}

static HRESULT add_live_files(const ComponentFiles *files, void *userdata) {
        return (files->mask & VSS_FSBT_ALL_SNAPSHOT_REQUIRED) != VSS_FSBT_ALL_SNAPSHOT_REQUIRED ? add_files(files, userdata) :
                                                                                              S_OK;
}

HRESULT component_add_live_files(const WriterMetadata *w, const Component *c, FileSet *set) {
        HRESULT hr = each_part(w, c, add_live_files, set);

        return SUCCEEDED(hr) ? writer_exclude_files(w, false, set) : hr;
}
