/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * COM Objects
 *
 * The part that every umbra COM object shares: an atomic reference counter, and a pointer to the class that
 * says which interfaces the object has and how it is destroyed. A class is a constant; there is no
 * registration step.
 *
 * An object embeds ComObject, and one interface struct per interface family:
 *
 *         typedef struct Async {
 *                 ComObject com;
 *                 IVssAsync IVssAsync_iface;
 *                 ...
 *         } Async;
 *
 * ComObject must be its FIRST member, because a ComInterface counts its offset from there. The caller of an
 * interface only ever holds &async->IVssAsync_iface, and the method gets back to the object with
 * impl_from_IVssAsync(), which the file writes by hand and which asserts that the table is the right one.
 *
 * A family (IVssBackupComponents ... Ex4) is one table of the most derived type; its earlier interfaces are
 * entries with COM_INTERFACE_AS() that point at the same place.
 */

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>

#include <unknwn.h>

#include "base/macro.h"

typedef struct ComClass ComClass;
typedef struct ComInterface ComInterface;
typedef struct ComObject ComObject;

struct ComInterface {
        const IID *iid;
        size_t offset;
};

struct ComClass {
        const char *name;
        const ComInterface *interfaces; /* the first entry is the identity: the answer to IID_IUnknown */
        size_t n_interfaces;
        void (*finalize)(ComObject *object);
};

struct ComObject {
        const ComClass *class;
        _Atomic(ULONG) n_ref;
};

#define COM_INTERFACE(Type, Iface) { &IID_##Iface, offsetof(Type, Iface##_iface) }
#define COM_INTERFACE_AS(Type, Iface, Derived) { &IID_##Iface, offsetof(Type, Derived##_iface) }

/* Born with one reference. Interfaces without an IID (IVssWMComponent, ...) have { &IID_IUnknown, offset }
 * alone. */
void com_object_init(ComObject *object, const ComClass *class);
ULONG com_object_ref(ComObject *object);
ULONG com_object_unref(ComObject *object);
HRESULT com_object_query(ComObject *object, const IID *iid, void **ret);

/* Defines the three IUnknown methods of one interface; they are the same for all. */
#define COM_DEFINE_UNKNOWN(prefix, Iface)                                                                   \
        static HRESULT STDMETHODCALLTYPE prefix##_QueryInterface(Iface *iface,                              \
                                                                 const IID *iid,                            \
                                                                 void **ppv) {                              \
                return com_object_query(&impl_from_##Iface(iface)->com, iid, ppv);                          \
        }                                                                                                   \
        static ULONG STDMETHODCALLTYPE prefix##_AddRef(Iface *iface) {                                      \
                return com_object_ref(&impl_from_##Iface(iface)->com);                                      \
        }                                                                                                   \
        static ULONG STDMETHODCALLTYPE prefix##_Release(Iface *iface) {                                     \
                return com_object_unref(&impl_from_##Iface(iface)->com);                                    \
        }
