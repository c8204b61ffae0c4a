/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Components of one Writer
 *
 * IVssWriterComponentsExt is two tables, since its first base has no IUnknown: a C++ compiler puts them one
 * behind the other, and so do we. [reference pitfalls 33] The three methods do the same in both objects.
 */

#include <stdlib.h>

#include "base/alloc.h"
#include "com/com-object.h"
#include "view/component.h"
#include "view/writer-components.h"

/* What both objects are over. */
typedef struct WriterView {
        ViewOwner *owner;
        BackupWriter *writer; /* of the owner's document; gone when the view is closed */
} WriterView;

static HRESULT writer_view_count(const WriterView *v, UINT *ret) {
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = 0;

        hr = view_owner_enter(v->owner);
        if (FAILED(hr))
                return hr;

        *ret = (UINT) v->writer->n_components;
        view_owner_leave(v->owner);
        return S_OK;
}

static HRESULT writer_view_info(const WriterView *v, VSS_ID *ret_instance, VSS_ID *ret_writer) {
        HRESULT hr;

        if (!ret_instance || !ret_writer)
                return E_INVALIDARG;
        *ret_instance = *ret_writer = GUID_NULL;

        hr = view_owner_enter(v->owner);
        if (FAILED(hr))
                return hr;

        hr = doc_extra_check(v->writer->extra);
        if (SUCCEEDED(hr)) {
                *ret_instance = v->writer->instance_id;
                *ret_writer = v->writer->writer_id;
        }
        view_owner_leave(v->owner);
        return hr;
}

static HRESULT writer_view_component(const WriterView *v, UINT i, IVssComponent **ret) {
        IVssComponentEx2 *component = NULL;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = view_owner_enter(v->owner);
        if (FAILED(hr))
                return hr;

        hr = i < v->writer->n_components ? component_new(v->owner, v->writer->components[i], &component) :
                                           VSS_E_OBJECT_NOT_FOUND;
        view_owner_leave(v->owner);

        /* One table: the earlier interfaces are its first slots. */
        *ret = (IVssComponent *) component;
        return hr;
}

typedef struct WriterComponentsExt {
        ComObject com;
        IVssWriterComponentsExt iface;
        WriterView view;
} WriterComponentsExt;

static const IVssWriterComponentsVtbl ext_components_vtbl;
static const IUnknownVtbl ext_unknown_vtbl;

static WriterComponentsExt *impl_from_IVssWriterComponents(IVssWriterComponents *iface) {
        assert(iface->lpVtbl == &ext_components_vtbl);
        return container_of(iface, WriterComponentsExt, iface.components);
}

static WriterComponentsExt *impl_from_IUnknown(IUnknown *iface) {
        assert(iface->lpVtbl == &ext_unknown_vtbl);
        return container_of(iface, WriterComponentsExt, iface.unknown);
}

static HRESULT STDMETHODCALLTYPE ext_GetComponentCount(IVssWriterComponents *iface, UINT *ret) {
        return writer_view_count(&impl_from_IVssWriterComponents(iface)->view, ret);
}

static HRESULT STDMETHODCALLTYPE ext_GetWriterInfo(IVssWriterComponents *iface,
                                                   VSS_ID *ret_instance,
                                                   VSS_ID *ret_writer) {
        return writer_view_info(&impl_from_IVssWriterComponents(iface)->view, ret_instance, ret_writer);
}

static HRESULT STDMETHODCALLTYPE ext_GetComponent(IVssWriterComponents *iface, UINT i, IVssComponent **ret) {
        return writer_view_component(&impl_from_IVssWriterComponents(iface)->view, i, ret);
}

static const IVssWriterComponentsVtbl ext_components_vtbl = {
        .GetComponentCount = ext_GetComponentCount,
        .GetWriterInfo = ext_GetWriterInfo,
        .GetComponent = ext_GetComponent,
};

COM_DEFINE_UNKNOWN(ext, IUnknown)

static const IUnknownVtbl ext_unknown_vtbl = {
        .QueryInterface = ext_QueryInterface,
        .AddRef = ext_AddRef,
        .Release = ext_Release,
};

static_assert(offsetof(IVssWriterComponentsExt, components) == 0, "the first base comes first");
static_assert(offsetof(IVssWriterComponentsExt, unknown) == sizeof(void *),
              "the second base comes right behind it");

static void ext_finalize(ComObject *object) {
        WriterComponentsExt *c = container_of(object, WriterComponentsExt, com);

        view_owner_unref(c->view.owner);
        free(c);
}

static const ComInterface ext_interfaces[] = {
        { &IID_IUnknown, offsetof(WriterComponentsExt, iface.unknown) },
};

static const ComClass ext_class = {
        .name = "WriterComponentsExt",
        .interfaces = ext_interfaces,
        .n_interfaces = ELEMENTSOF(ext_interfaces),
        .finalize = ext_finalize,
};

HRESULT writer_components_ext_new(ViewOwner *owner, BackupWriter *writer, IVssWriterComponentsExt **ret) {
        WriterComponentsExt *c;

        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return E_OUTOFMEMORY;

        com_object_init(&c->com, &ext_class);
        c->iface.components.lpVtbl = &ext_components_vtbl;
        c->iface.unknown.lpVtbl = &ext_unknown_vtbl;
        c->view.owner = view_owner_ref(owner);
        c->view.writer = writer;

        *ret = &c->iface;
        return S_OK;
}

struct WriterComponents {
        IVssWriterComponents IVssWriterComponents_iface;
        WriterView view;
};

static const IVssWriterComponentsVtbl writer_components_vtbl;

static WriterComponents *writer_components_from(IVssWriterComponents *iface) {
        assert(iface->lpVtbl == &writer_components_vtbl);
        return container_of(iface, WriterComponents, IVssWriterComponents_iface);
}

static HRESULT STDMETHODCALLTYPE writer_components_GetComponentCount(IVssWriterComponents *iface,
                                                                     UINT *ret) {
        return writer_view_count(&writer_components_from(iface)->view, ret);
}

static HRESULT STDMETHODCALLTYPE writer_components_GetWriterInfo(IVssWriterComponents *iface,
                                                                 VSS_ID *ret_instance,
                                                                 VSS_ID *ret_writer) {
        return writer_view_info(&writer_components_from(iface)->view, ret_instance, ret_writer);
}

static HRESULT STDMETHODCALLTYPE writer_components_GetComponent(IVssWriterComponents *iface,
                                                                UINT i,
                                                                IVssComponent **ret) {
        return writer_view_component(&writer_components_from(iface)->view, i, ret);
}

static const IVssWriterComponentsVtbl writer_components_vtbl = {
        .GetComponentCount = writer_components_GetComponentCount,
        .GetWriterInfo = writer_components_GetWriterInfo,
        .GetComponent = writer_components_GetComponent,
};

HRESULT writer_components_new(ViewOwner *owner, BackupWriter *writer, WriterComponents **ret) {
        WriterComponents *c;

        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return E_OUTOFMEMORY;

        c->IVssWriterComponents_iface.lpVtbl = &writer_components_vtbl;
        c->view.owner = view_owner_ref(owner);
        c->view.writer = writer;

        *ret = c;
        return S_OK;
}

IVssWriterComponents *writer_components_iface(WriterComponents *c) {
        return &c->IVssWriterComponents_iface;
}

WriterComponents *writer_components_free(WriterComponents *c) {
        if (!c)
                return NULL;

        view_owner_unref(c->view.owner);
        free(c);
        return NULL;
}
