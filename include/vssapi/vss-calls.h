/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSS_CALLS_H
#define UMBRA_VSS_CALLS_H

/*
 * How C calls the Methods of vss.h
 *
 * IFoo_Method(This, ...) for every method, inherited ones as well: those are the macros of the base, because
 * the tables begin alike. The arguments are those of the declaration. vss.h includes this file; do not do so
 * yourself.
 */

#include "unknwn.h"

#define IVssEnumObject_QueryInterface IUnknown_QueryInterface
#define IVssEnumObject_AddRef IUnknown_AddRef
#define IVssEnumObject_Release IUnknown_Release
#define IVssEnumObject_Next(This, ...) UMBRA_CALL(This, Next, __VA_ARGS__)
#define IVssEnumObject_Skip(This, ...) UMBRA_CALL(This, Skip, __VA_ARGS__)
#define IVssEnumObject_Reset(This) UMBRA_CALL0(This, Reset)
#define IVssEnumObject_Clone(This, ...) UMBRA_CALL(This, Clone, __VA_ARGS__)

#define IVssAsync_QueryInterface IUnknown_QueryInterface
#define IVssAsync_AddRef IUnknown_AddRef
#define IVssAsync_Release IUnknown_Release
#define IVssAsync_Cancel(This) UMBRA_CALL0(This, Cancel)
#define IVssAsync_Wait(This, ...) UMBRA_CALL(This, Wait, __VA_ARGS__)
#define IVssAsync_QueryStatus(This, ...) UMBRA_CALL(This, QueryStatus, __VA_ARGS__)

#endif
