/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_UNKNWN_H
#define UMBRA_UNKNWN_H

/*
 * IUnknown and how Interfaces are declared
 *
 * One declaration, two languages. In C++ it becomes an abstract class; in C it becomes a struct of function
 * pointers plus the one-pointer object that carries it. Both have the same layout in the Itanium C++ ABI, so
 * a C++ caller can call an object written in C and the other way round. The order of the methods is the ABI:
 * real programs call slots by number.
 *
 *         #define INTERFACE IVssAsync
 *         DECLARE_INTERFACE_(IVssAsync, IUnknown) {
 *                 BASE_METHODS(IUNKNOWN_METHODS)
 *                 STDMETHOD(Wait)(THIS_ DWORD dwMilliseconds DEFAULT_ARGUMENT(INFINITE)) PURE;
 *         };
 *         #undef INTERFACE
 *
 * A table in C repeats the slots of its bases, a class in C++ inherits them: BASE_METHODS() is empty there.
 * In C, IFoo_Method(This, ...) calls the method, inherited ones as well. Define CINTERFACE to get the C form
 * in C++.
 */

#include "wintypes.h"

#if defined(__cplusplus) && !defined(CINTERFACE)
#  define STDMETHOD(name)           virtual HRESULT STDMETHODCALLTYPE name
#  define STDMETHOD_(type, name)    virtual type STDMETHODCALLTYPE name
#  define PURE                      = 0
#  define DEFAULT_ARGUMENT(value)   = value
#  define THIS_
#  define THIS                      void
#  define BASE_METHODS(list)
#  define DECLARE_INTERFACE(i)      struct i
#  define DECLARE_INTERFACE_(i, b)  struct i : public b
#else
#  define STDMETHOD(name)           HRESULT (STDMETHODCALLTYPE *name)
#  define STDMETHOD_(type, name)    type (STDMETHODCALLTYPE *name)
#  define PURE
#  define DEFAULT_ARGUMENT(value)
#  define THIS_                     INTERFACE *This,
#  define THIS                      INTERFACE *This
#  define BASE_METHODS(list)        list
#  define DECLARE_INTERFACE(i)                         \
        typedef struct i i;                            \
        typedef struct i##Vtbl i##Vtbl;                \
        struct i { const i##Vtbl *lpVtbl; };           \
        struct i##Vtbl
#  define DECLARE_INTERFACE_(i, b)  DECLARE_INTERFACE(i)
#endif

/* IUnknown is {00000000-0000-0000-C000-000000000046} */
EXTERN_C UMBRA_API const IID IID_IUnknown;

/*
 * QueryInterface(): *ppvObject becomes another interface of the same object, with a reference of its own
 * that the caller has to Release(). E_NOINTERFACE (and *ppvObject is NULL) if there is none, E_POINTER if
 * ppvObject is NULL. IID_IUnknown always gives the same pointer for the same object.
 *
 * AddRef(), Release(): the return value is the new number of references; good for tests only. The object is
 * gone when the last reference is.
 */
#define IUNKNOWN_METHODS                                                    \
        STDMETHOD(QueryInterface)(THIS_ REFIID riid, void **ppvObject) PURE; \
        STDMETHOD_(ULONG, AddRef)(THIS) PURE;                               \
        STDMETHOD_(ULONG, Release)(THIS) PURE;

#define INTERFACE IUnknown
DECLARE_INTERFACE(IUnknown) {
        IUNKNOWN_METHODS
};
#undef INTERFACE

typedef IUnknown *LPUNKNOWN;

#if !defined(__cplusplus) || defined(CINTERFACE)
#  define UMBRA_CALL0(This, method) ((This)->lpVtbl->method(This))
#  define UMBRA_CALL(This, method, ...) ((This)->lpVtbl->method((This), __VA_ARGS__))

#  define IUnknown_QueryInterface(This, ...) UMBRA_CALL(This, QueryInterface, __VA_ARGS__)
#  define IUnknown_AddRef(This) UMBRA_CALL0(This, AddRef)
#  define IUnknown_Release(This) UMBRA_CALL0(This, Release)
#endif

#endif
