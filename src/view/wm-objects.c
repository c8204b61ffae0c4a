/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssWMComponent, and what holds its Document
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "com/com-object.h"
#include "view/view-text.h"
#include "view/wm-objects.h"

HRESULT writer_doc_holder_new(WriterDoc *doc, WriterDocHolder **ret) {
        WriterDocHolder *h;

        h = calloc_checked(1, sizeof(*h));
        if (!h)
                return E_OUTOFMEMORY;

        atomic_init(&h->n_ref, 1);
        h->doc = doc;
        *ret = h;
        return S_OK;
}

WriterDocHolder *writer_doc_holder_ref(WriterDocHolder *h) {
        unsigned n = atomic_fetch_add_explicit(&h->n_ref, 1, memory_order_relaxed);

        assert(n > 0);
        return h;
}

WriterDocHolder *writer_doc_holder_unref(WriterDocHolder *h) {
        unsigned n;

        if (!h)
                return NULL;

        n = atomic_fetch_sub_explicit(&h->n_ref, 1, memory_order_acq_rel);
        assert(n > 0);
        if (n > 1)
                return NULL;

        writer_doc_free(h->doc);
        free(h);
        return NULL;
}

typedef struct WMComponent {
        ComObject com;
        IVssWMComponent IVssWMComponent_iface;

        WriterDocHolder *holder;
        const WriterDocComponent *component; /* of the holder's document */
} WMComponent;

static const IVssWMComponentVtbl wm_component_vtbl;

static WMComponent *impl_from_IVssWMComponent(IVssWMComponent *iface) {
        assert(iface->lpVtbl == &wm_component_vtbl);
        return container_of(iface, WMComponent, IVssWMComponent_iface);
}

COM_DEFINE_UNKNOWN(wm_component, IVssWMComponent)

static VSS_COMPONENTINFO *component_info_free(VSS_COMPONENTINFO *info) {
        if (!info)
                return NULL;

        bstr_free(info->bstrLogicalPath);
        bstr_free(info->bstrComponentName);
        bstr_free(info->bstrCaption);
        free(info->pbIcon);
        free(info);
        return NULL;
}

DEFINE_CLEANUP(VSS_COMPONENTINFO *, component_info_free)

static HRESULT component_info_new(const WriterDocComponent *c, VSS_COMPONENTINFO **ret) {
        _cleanup_(component_info_freep) VSS_COMPONENTINFO *info = NULL;
        HRESULT hr;

        hr = doc_extra_check(c->extra);
        if (FAILED(hr))
                return hr;

        info = calloc_checked(1, sizeof(*info));
        if (!info)
                return E_OUTOFMEMORY;

        info->type = c->type;
        info->bRestoreMetadata = c->restore_metadata;
        info->bNotifyOnBackupComplete = c->notify_on_backup_complete;
        info->bSelectable = c->selectable;
        info->bSelectableForRestore = c->selectable_for_restore;
        info->dwComponentFlags = c->flags;
        info->cFileCount = (UINT) c->files.n;
        info->cDatabases = (UINT) c->database_files.n;
        info->cLogFiles = (UINT) c->log_files.n;
        info->cDependencies = (UINT) c->n_dependencies;

        hr = view_texts_to_bstr(
                (const ViewText[]){
                        { &info->bstrLogicalPath, c->logical_path },
                        { &info->bstrComponentName, c->name },
                        { &info->bstrCaption, c->caption },
                },
                3);
        if (FAILED(hr))
                return hr;

        if (c->icon_size > 0) {
                info->pbIcon = calloc_checked(c->icon_size, 1);
                if (!info->pbIcon)
                        return E_OUTOFMEMORY;

                memcpy(info->pbIcon, c->icon, c->icon_size);
                info->cbIcon = (UINT) c->icon_size;
        }

        *ret = TAKE_PTR(info);
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE wm_component_GetComponentInfo(IVssWMComponent *iface,
                                                               PVSSCOMPONENTINFO *ret) {
        VSS_COMPONENTINFO *info;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = component_info_new(impl_from_IVssWMComponent(iface)->component, &info);
        if (FAILED(hr))
                return hr;

        *ret = info;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE wm_component_FreeComponentInfo(IVssWMComponent *iface,
                                                                PVSSCOMPONENTINFO info) {
        /* What GetComponentInfo() gave is constant for the caller, not for us. */
        component_info_free((VSS_COMPONENTINFO *) (uintptr_t) info);
        return S_OK;
}

/* The file sets of a component whose own element is damaged could be read; what they belong to could not. */
static HRESULT get_filedesc(IVssWMComponent *iface, size_t list, UINT i, IVssWMFiledesc **ret) {
        const WriterDocComponent *c = impl_from_IVssWMComponent(iface)->component;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = doc_extra_check(c->extra);
        if (FAILED(hr))
                return hr;

        return wm_filedesc_new_at((const DocFileSpecs *) ((const char *) c + list), i, NULL, ret);
}

static HRESULT STDMETHODCALLTYPE wm_component_GetFile(IVssWMComponent *iface, UINT i, IVssWMFiledesc **ret) {
        return get_filedesc(iface, offsetof(WriterDocComponent, files), i, ret);
}

static HRESULT STDMETHODCALLTYPE wm_component_GetDatabaseFile(IVssWMComponent *iface,
                                                              UINT i,
                                                              IVssWMFiledesc **ret) {
        return get_filedesc(iface, offsetof(WriterDocComponent, database_files), i, ret);
}

static HRESULT STDMETHODCALLTYPE wm_component_GetDatabaseLogFile(IVssWMComponent *iface,
                                                                 UINT i,
                                                                 IVssWMFiledesc **ret) {
        return get_filedesc(iface, offsetof(WriterDocComponent, log_files), i, ret);
}

static HRESULT STDMETHODCALLTYPE wm_component_GetDependency(IVssWMComponent *iface,
                                                            UINT i,
                                                            IVssWMDependency **ret) {
        const WriterDocComponent *c = impl_from_IVssWMComponent(iface)->component;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = doc_extra_check(c->extra);
        if (FAILED(hr))
                return hr;

        return i < c->n_dependencies ? wm_dependency_new(&c->dependencies[i], ret) : VSS_E_OBJECT_NOT_FOUND;
}

static const IVssWMComponentVtbl wm_component_vtbl = {
        .QueryInterface = wm_component_QueryInterface,
        .AddRef = wm_component_AddRef,
        .Release = wm_component_Release,
        .GetComponentInfo = wm_component_GetComponentInfo,
        .FreeComponentInfo = wm_component_FreeComponentInfo,
        .GetFile = wm_component_GetFile,
        .GetDatabaseFile = wm_component_GetDatabaseFile,
        .GetDatabaseLogFile = wm_component_GetDatabaseLogFile,
        .GetDependency = wm_component_GetDependency,
};

static void wm_component_finalize(ComObject *object) {
        WMComponent *c = container_of(object, WMComponent, com);

        writer_doc_holder_unref(c->holder);
        free(c);
}

static const ComInterface wm_component_interfaces[] = {
        { &IID_IUnknown, offsetof(WMComponent, IVssWMComponent_iface) },
};

static const ComClass wm_component_class = {
        .name = "WMComponent",
        .interfaces = wm_component_interfaces,
        .n_interfaces = ELEMENTSOF(wm_component_interfaces),
        .finalize = wm_component_finalize,
};

HRESULT wm_component_new(WriterDocHolder *holder,
                         const WriterDocComponent *component,
                         IVssWMComponent **ret) {
        WMComponent *c;

        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return E_OUTOFMEMORY;

        com_object_init(&c->com, &wm_component_class);
        c->IVssWMComponent_iface.lpVtbl = &wm_component_vtbl;
        c->holder = writer_doc_holder_ref(holder);
        c->component = component;

        *ret = &c->IVssWMComponent_iface;
        return S_OK;
}
