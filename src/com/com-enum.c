/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Enumerators
 *
 * One enumerator does for both interfaces: it walks over elements whose size, copying and freeing its kind
 * knows. An element that Next() hands out is a copy, which the caller frees in its own time. @lock guards
 * @position; the elements never change.
 */

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "com/com-enum.h"
#include "com/com-object.h"
#include "com/com-prop.h"

typedef struct EnumKind {
        size_t size;
        HRESULT (*copy)(const void *from, void *ret);
        void (*clear)(void *element);
} EnumKind;

typedef struct Enum {
        ComObject com;
        IVssEnumObject IVssEnumObject_iface;         /* one of these two is in use: its class says which */
        IVssEnumMgmtObject IVssEnumMgmtObject_iface;

        const EnumKind *kind;
        char *elements;
        size_t n_elements;

        pthread_mutex_t lock;
        size_t position;
} Enum;

static HRESULT copy_object(const void *from, void *ret) {
        return object_prop_copy(from, ret);
}

static void clear_object(void *element) {
        object_prop_clear(element);
}

static HRESULT copy_mgmt_object(const void *from, void *ret) {
        return mgmt_object_prop_copy(from, ret);
}

static void clear_mgmt_object(void *element) {
        mgmt_object_prop_clear(element);
}

static const EnumKind object_kind = {
        .size = sizeof(VSS_OBJECT_PROP),
        .copy = copy_object,
        .clear = clear_object,
};

static const EnumKind mgmt_object_kind = {
        .size = sizeof(VSS_MGMT_OBJECT_PROP),
        .copy = copy_mgmt_object,
        .clear = clear_mgmt_object,
};

/* Copies @n elements to @ret, all or none. */
static HRESULT elements_copy(const EnumKind *kind, const char *from, size_t n, char *ret) {
        for (size_t i = 0; i < n; ++i) {
                HRESULT hr = kind->copy(from + i * kind->size, ret + i * kind->size);

                if (FAILED(hr)) {
                        while (i-- > 0)
                                kind->clear(ret + i * kind->size);
                        return hr;
                }
        }

        return S_OK;
}

static void elements_free(const EnumKind *kind, char *elements, size_t n) {
        for (size_t i = 0; i < n; ++i)
                kind->clear(elements + i * kind->size);
        free(elements);
}

static void enum_finalize(ComObject *object) {
        Enum *e = container_of(object, Enum, com);

        elements_free(e->kind, e->elements, e->n_elements);
        pthread_mutex_destroy(&e->lock);
        free(e);
}

/* Takes @elements over, also on failure. */
static HRESULT enum_take(const EnumKind *kind, const ComClass *class, void *elements, size_t n, Enum **ret) {
        Enum *e;

        e = calloc_checked(1, sizeof(*e));
        if (!e) {
                elements_free(kind, elements, n);
                return E_OUTOFMEMORY;
        }

        com_object_init(&e->com, class);
        pthread_mutex_init(&e->lock, NULL);
        e->kind = kind;
        e->elements = elements;
        e->n_elements = n;

        *ret = e;
        return S_OK;
}

static HRESULT enum_new(const EnumKind *kind,
                        const ComClass *class,
                        const void *elements,
                        size_t n,
                        Enum **ret) {
        _cleanup_(freep) char *copies = NULL;
        HRESULT hr;

        copies = calloc_checked(MAX(n, (size_t) 1), kind->size);
        if (!copies)
                return E_OUTOFMEMORY;

        hr = elements_copy(kind, elements, n, copies);
        return FAILED(hr) ? hr : enum_take(kind, class, TAKE_PTR(copies), n, ret);
}

static HRESULT enum_next(Enum *e, ULONG n_wanted, void *ret_elements, ULONG *ret_n_fetched) {
        HRESULT hr;
        size_t n;

        if (ret_n_fetched)
                *ret_n_fetched = 0;

        /* How many there are must be told somewhere, unless only one can be. [MS:
         * nf-vss-ivssenumobject-next] */
        if (!ret_elements || (!ret_n_fetched && n_wanted != 1))
                return E_POINTER;

        pthread_mutex_lock(&e->lock);
        n = MIN((size_t) n_wanted, e->n_elements - e->position);
        hr = elements_copy(e->kind, e->elements + e->position * e->kind->size, n, ret_elements);
        if (SUCCEEDED(hr))
                e->position += n;
        pthread_mutex_unlock(&e->lock);

        if (FAILED(hr))
                return hr;

        if (ret_n_fetched)
                *ret_n_fetched = (ULONG) n;
        return n == n_wanted ? S_OK : S_FALSE;
}

static HRESULT enum_skip(Enum *e, ULONG n) {
        HRESULT hr;

        pthread_mutex_lock(&e->lock);
        hr = n <= e->n_elements - e->position ? S_OK : S_FALSE;
        e->position = hr == S_OK ? e->position + n : e->n_elements;
        pthread_mutex_unlock(&e->lock);

        return hr;
}

static HRESULT enum_reset(Enum *e) {
        pthread_mutex_lock(&e->lock);
        e->position = 0;
        pthread_mutex_unlock(&e->lock);

        return S_OK;
}

static size_t enum_position(Enum *e) {
        size_t position;

        pthread_mutex_lock(&e->lock);
        position = e->position;
        pthread_mutex_unlock(&e->lock);

        return position;
}

/* The two faces. */

static const IVssEnumObjectVtbl enum_object_vtbl;
static const IVssEnumMgmtObjectVtbl enum_mgmt_object_vtbl;
static const ComClass enum_object_class, enum_mgmt_object_class;

static Enum *impl_from_IVssEnumObject(IVssEnumObject *iface) {
        assert(iface->lpVtbl == &enum_object_vtbl);
        return container_of(iface, Enum, IVssEnumObject_iface);
}

static Enum *impl_from_IVssEnumMgmtObject(IVssEnumMgmtObject *iface) {
        assert(iface->lpVtbl == &enum_mgmt_object_vtbl);
        return container_of(iface, Enum, IVssEnumMgmtObject_iface);
}

COM_DEFINE_UNKNOWN(enum_object, IVssEnumObject)
COM_DEFINE_UNKNOWN(enum_mgmt_object, IVssEnumMgmtObject)

static HRESULT STDMETHODCALLTYPE enum_object_Next(IVssEnumObject *iface,
                                                  ULONG n,
                                                  VSS_OBJECT_PROP *ret,
                                                  ULONG *ret_n) {
        HRESULT hr = enum_next(impl_from_IVssEnumObject(iface), n, ret, ret_n);

        /* The page has no other word for it. [MS: nf-vss-ivssenumobject-next] */
        return hr == E_OUTOFMEMORY ? E_FAIL : hr;
}

static HRESULT STDMETHODCALLTYPE enum_object_Skip(IVssEnumObject *iface, ULONG n) {
        return enum_skip(impl_from_IVssEnumObject(iface), n);
}

static HRESULT STDMETHODCALLTYPE enum_object_Reset(IVssEnumObject *iface) {
        return enum_reset(impl_from_IVssEnumObject(iface));
}

static HRESULT STDMETHODCALLTYPE enum_object_Clone(IVssEnumObject *iface, IVssEnumObject **ret) {
        Enum *e = impl_from_IVssEnumObject(iface), *clone;
        HRESULT hr;

        if (!ret)
                return E_POINTER;
        *ret = NULL;

        hr = enum_new(e->kind, &enum_object_class, e->elements, e->n_elements, &clone);
        if (FAILED(hr))
                return hr;

        clone->IVssEnumObject_iface.lpVtbl = &enum_object_vtbl;
        clone->position = enum_position(e);
        *ret = &clone->IVssEnumObject_iface;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE enum_mgmt_object_Next(IVssEnumMgmtObject *iface,
                                                       ULONG n,
                                                       VSS_MGMT_OBJECT_PROP *ret,
                                                       ULONG *ret_n) {
        return enum_next(impl_from_IVssEnumMgmtObject(iface), n, ret, ret_n);
}

static HRESULT STDMETHODCALLTYPE enum_mgmt_object_Skip(IVssEnumMgmtObject *iface, ULONG n) {
        return enum_skip(impl_from_IVssEnumMgmtObject(iface), n);
}

static HRESULT STDMETHODCALLTYPE enum_mgmt_object_Reset(IVssEnumMgmtObject *iface) {
        return enum_reset(impl_from_IVssEnumMgmtObject(iface));
}

static HRESULT STDMETHODCALLTYPE enum_mgmt_object_Clone(IVssEnumMgmtObject *iface,
                                                        IVssEnumMgmtObject **ret) {
        Enum *e = impl_from_IVssEnumMgmtObject(iface), *clone;
        HRESULT hr;

        if (!ret)
                return E_POINTER;
        *ret = NULL;

        hr = enum_new(e->kind, &enum_mgmt_object_class, e->elements, e->n_elements, &clone);
        if (FAILED(hr))
                return hr;

        clone->IVssEnumMgmtObject_iface.lpVtbl = &enum_mgmt_object_vtbl;
        clone->position = enum_position(e);
        *ret = &clone->IVssEnumMgmtObject_iface;
        return S_OK;
}

static const IVssEnumObjectVtbl enum_object_vtbl = {
        .QueryInterface = enum_object_QueryInterface,
        .AddRef = enum_object_AddRef,
        .Release = enum_object_Release,
        .Next = enum_object_Next,
        .Skip = enum_object_Skip,
        .Reset = enum_object_Reset,
        .Clone = enum_object_Clone,
};

static const IVssEnumMgmtObjectVtbl enum_mgmt_object_vtbl = {
        .QueryInterface = enum_mgmt_object_QueryInterface,
        .AddRef = enum_mgmt_object_AddRef,
        .Release = enum_mgmt_object_Release,
        .Next = enum_mgmt_object_Next,
        .Skip = enum_mgmt_object_Skip,
        .Reset = enum_mgmt_object_Reset,
        .Clone = enum_mgmt_object_Clone,
};

static_assert(sizeof(enum_object_vtbl) == 7 * sizeof(void *), "the table grew: extend the tests");
static_assert(sizeof(enum_mgmt_object_vtbl) == 7 * sizeof(void *), "the table grew: extend the tests");

static const ComInterface enum_object_interfaces[] = {
        COM_INTERFACE(Enum, IVssEnumObject),
};

static const ComInterface enum_mgmt_object_interfaces[] = {
        COM_INTERFACE(Enum, IVssEnumMgmtObject),
};

static const ComClass enum_object_class = {
        .name = "EnumObject",
        .interfaces = enum_object_interfaces,
        .n_interfaces = ELEMENTSOF(enum_object_interfaces),
        .finalize = enum_finalize,
};

static const ComClass enum_mgmt_object_class = {
        .name = "EnumMgmtObject",
        .interfaces = enum_mgmt_object_interfaces,
        .n_interfaces = ELEMENTSOF(enum_mgmt_object_interfaces),
        .finalize = enum_finalize,
};

HRESULT enum_object_take(VSS_OBJECT_PROP *props, size_t n, IVssEnumObject **ret) {
        HRESULT hr;
        Enum *e;

        hr = enum_take(&object_kind, &enum_object_class, props, n, &e);
        if (FAILED(hr))
                return hr;

        e->IVssEnumObject_iface.lpVtbl = &enum_object_vtbl;
        *ret = &e->IVssEnumObject_iface;
        return S_OK;
}

HRESULT enum_mgmt_object_take(VSS_MGMT_OBJECT_PROP *props, size_t n, IVssEnumMgmtObject **ret) {
        HRESULT hr;
        Enum *e;

        hr = enum_take(&mgmt_object_kind, &enum_mgmt_object_class, props, n, &e);
        if (FAILED(hr))
                return hr;

        e->IVssEnumMgmtObject_iface.lpVtbl = &enum_mgmt_object_vtbl;
        *ret = &e->IVssEnumMgmtObject_iface;
        return S_OK;
}
