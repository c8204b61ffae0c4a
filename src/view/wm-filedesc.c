/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssWMFiledesc and IVssWMDependency
 *
 * Constants once made, so no locks. Neither has an IID: QueryInterface() finds IUnknown only. Over a
 * damaged element they exist, so that the others keep their numbers, and each method says what is the
 * matter. One that came out of a view ends with it; its pages know no better code for that than
 * VSS_E_UNEXPECTED.
 */

#include <stdlib.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "com/com-object.h"
#include "view/view-text.h"
#include "view/wm-objects.h"

typedef struct WMFiledesc {
        ComObject com;
        IVssWMFiledesc IVssWMFiledesc_iface;

        ViewOwner *owner; /* NULL: of a writer's metadata */
        char *path, *filespec, *alternate;
        uint32_t backup_type;
        bool recursive;
        HRESULT hr; /* of every method: VSS_E_INVALID_XML_DOCUMENT when the element is damaged */
} WMFiledesc;

static const IVssWMFiledescVtbl wm_filedesc_vtbl;

static WMFiledesc *impl_from_IVssWMFiledesc(IVssWMFiledesc *iface) {
        assert(iface->lpVtbl == &wm_filedesc_vtbl);
        return container_of(iface, WMFiledesc, IVssWMFiledesc_iface);
}

COM_DEFINE_UNKNOWN(wm_filedesc, IVssWMFiledesc)

static HRESULT filedesc_check(const WMFiledesc *f) {
        if (f->owner) {
                if (FAILED(view_owner_enter(f->owner)))
                        return VSS_E_UNEXPECTED;

                view_owner_leave(f->owner);
        }

        return f->hr;
}

static HRESULT get_text(BSTR *ret, HRESULT hr, const char *text) {
        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        return FAILED(hr) ? hr : view_text_to_bstr(text, ret);
}

/* Without a text: NULL, and no word of it. */
static HRESULT get_needed_text(BSTR *ret, HRESULT hr, const char *text) {
        hr = get_text(ret, hr, text);
        return hr == S_FALSE ? S_OK : hr;
}

static HRESULT STDMETHODCALLTYPE wm_filedesc_GetPath(IVssWMFiledesc *iface, BSTR *ret) {
        const WMFiledesc *f = impl_from_IVssWMFiledesc(iface);

        return get_needed_text(ret, filedesc_check(f), f->path);
}

static HRESULT STDMETHODCALLTYPE wm_filedesc_GetFilespec(IVssWMFiledesc *iface, BSTR *ret) {
        const WMFiledesc *f = impl_from_IVssWMFiledesc(iface);

        return get_needed_text(ret, filedesc_check(f), f->filespec);
}

static HRESULT STDMETHODCALLTYPE wm_filedesc_GetRecursive(IVssWMFiledesc *iface, bool *ret) {
        const WMFiledesc *f = impl_from_IVssWMFiledesc(iface);
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;

        hr = filedesc_check(f);
        *ret = SUCCEEDED(hr) && f->recursive;
        return hr;
}

static HRESULT STDMETHODCALLTYPE wm_filedesc_GetAlternateLocation(IVssWMFiledesc *iface, BSTR *ret) {
        const WMFiledesc *f = impl_from_IVssWMFiledesc(iface);

        return get_text(ret, filedesc_check(f), f->alternate);
}

static HRESULT STDMETHODCALLTYPE wm_filedesc_GetBackupTypeMask(IVssWMFiledesc *iface, DWORD *ret) {
        const WMFiledesc *f = impl_from_IVssWMFiledesc(iface);
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;

        hr = filedesc_check(f);
        *ret = SUCCEEDED(hr) ? f->backup_type : 0;
        return hr;
}

static const IVssWMFiledescVtbl wm_filedesc_vtbl = {
        .QueryInterface = wm_filedesc_QueryInterface,
        .AddRef = wm_filedesc_AddRef,
        .Release = wm_filedesc_Release,
        .GetPath = wm_filedesc_GetPath,
        .GetFilespec = wm_filedesc_GetFilespec,
        .GetRecursive = wm_filedesc_GetRecursive,
        .GetAlternateLocation = wm_filedesc_GetAlternateLocation,
        .GetBackupTypeMask = wm_filedesc_GetBackupTypeMask,
};

static void wm_filedesc_finalize(ComObject *object) {
        WMFiledesc *f = container_of(object, WMFiledesc, com);

        view_owner_unref(f->owner);
        free(f->path);
        free(f->filespec);
        free(f->alternate);
        free(f);
}

static const ComInterface wm_filedesc_interfaces[] = {
        { &IID_IUnknown, offsetof(WMFiledesc, IVssWMFiledesc_iface) },
};

static const ComClass wm_filedesc_class = {
        .name = "WMFiledesc",
        .interfaces = wm_filedesc_interfaces,
        .n_interfaces = ELEMENTSOF(wm_filedesc_interfaces),
        .finalize = wm_filedesc_finalize,
};

static HRESULT wm_filedesc_new(const DocFileSpec *spec, ViewOwner *owner, IVssWMFiledesc **ret) {
        WMFiledesc *f;

        f = calloc_checked(1, sizeof(*f));
        if (!f)
                return E_OUTOFMEMORY;

        com_object_init(&f->com, &wm_filedesc_class);
        f->IVssWMFiledesc_iface.lpVtbl = &wm_filedesc_vtbl;
        f->owner = owner ? view_owner_ref(owner) : NULL;
        f->backup_type = spec->backup_type;
        f->recursive = spec->recursive;
        f->hr = doc_extra_check(spec->extra);

        if (strdup_to(spec->path, &f->path) < 0 || strdup_to(spec->filespec, &f->filespec) < 0 ||
            strdup_to(spec->alternate, &f->alternate) < 0) {
                com_object_unref(&f->com);
                return E_OUTOFMEMORY;
        }

        *ret = &f->IVssWMFiledesc_iface;
        return S_OK;
}

HRESULT wm_filedesc_new_at(const DocFileSpecs *list, UINT i, ViewOwner *owner, IVssWMFiledesc **ret) {
        return i < list->n ? wm_filedesc_new(&list->items[i], owner, ret) : VSS_E_OBJECT_NOT_FOUND;
}

typedef struct WMDependency {
        ComObject com;
        IVssWMDependency IVssWMDependency_iface;

        VSS_ID writer_id;
        char *logical_path, *component_name;
        HRESULT hr; /* as above */
} WMDependency;

static const IVssWMDependencyVtbl wm_dependency_vtbl;

static WMDependency *impl_from_IVssWMDependency(IVssWMDependency *iface) {
        assert(iface->lpVtbl == &wm_dependency_vtbl);
        return container_of(iface, WMDependency, IVssWMDependency_iface);
}

COM_DEFINE_UNKNOWN(wm_dependency, IVssWMDependency)

/* A dependency on nobody: no writer could ever be found that manages the other component. The page's S_FALSE
 * says so; whether one of a class is running is nothing that a document knows. */
static HRESULT dependency_result(const WMDependency *d, HRESULT hr) {
        if (SUCCEEDED(hr))
                return guid_is_null(&d->writer_id) ? S_FALSE : S_OK;

        return hr;
}

static HRESULT STDMETHODCALLTYPE wm_dependency_GetWriterId(IVssWMDependency *iface, VSS_ID *ret) {
        const WMDependency *d = impl_from_IVssWMDependency(iface);

        if (!ret)
                return E_INVALIDARG;

        *ret = SUCCEEDED(d->hr) ? d->writer_id : GUID_NULL;
        return dependency_result(d, d->hr);
}

/* A component without a logical path gives NULL and S_OK. */
static HRESULT STDMETHODCALLTYPE wm_dependency_GetLogicalPath(IVssWMDependency *iface, BSTR *ret) {
        const WMDependency *d = impl_from_IVssWMDependency(iface);

        return dependency_result(d, get_text(ret, d->hr, d->logical_path));
}

static HRESULT STDMETHODCALLTYPE wm_dependency_GetComponentName(IVssWMDependency *iface, BSTR *ret) {
        const WMDependency *d = impl_from_IVssWMDependency(iface);

        return dependency_result(d, get_text(ret, d->hr, d->component_name));
}

static const IVssWMDependencyVtbl wm_dependency_vtbl = {
        .QueryInterface = wm_dependency_QueryInterface,
        .AddRef = wm_dependency_AddRef,
        .Release = wm_dependency_Release,
        .GetWriterId = wm_dependency_GetWriterId,
        .GetLogicalPath = wm_dependency_GetLogicalPath,
        .GetComponentName = wm_dependency_GetComponentName,
};

static void wm_dependency_finalize(ComObject *object) {
        WMDependency *d = container_of(object, WMDependency, com);

        free(d->logical_path);
        free(d->component_name);
        free(d);
}

static const ComInterface wm_dependency_interfaces[] = {
        { &IID_IUnknown, offsetof(WMDependency, IVssWMDependency_iface) },
};

static const ComClass wm_dependency_class = {
        .name = "WMDependency",
        .interfaces = wm_dependency_interfaces,
        .n_interfaces = ELEMENTSOF(wm_dependency_interfaces),
        .finalize = wm_dependency_finalize,
};

HRESULT wm_dependency_new(const DocDependency *dependency, IVssWMDependency **ret) {
        WMDependency *d;

        d = calloc_checked(1, sizeof(*d));
        if (!d)
                return E_OUTOFMEMORY;

        com_object_init(&d->com, &wm_dependency_class);
        d->IVssWMDependency_iface.lpVtbl = &wm_dependency_vtbl;
        d->writer_id = dependency->writer_id;
        d->hr = doc_extra_check(dependency->extra);

        if (strdup_to(dependency->logical_path, &d->logical_path) < 0 ||
            strdup_to(dependency->component_name, &d->component_name) < 0) {
                com_object_unref(&d->com);
                return E_OUTOFMEMORY;
        }

        *ret = &d->IVssWMDependency_iface;
        return S_OK;
}
