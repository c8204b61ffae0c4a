/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSADMIN_CALLS_H
#define UMBRA_VSADMIN_CALLS_H

/*
 * How C calls the Methods of vsadmin.h
 *
 * IFoo_Method(This, ...) for every method, inherited ones as well: those are the macros of the base, because
 * the tables begin alike. The arguments are those of the declaration. vsadmin.h includes this file; do not
 * do so yourself.
 */

#include "unknwn.h"

#define IVssAdmin_QueryInterface IUnknown_QueryInterface
#define IVssAdmin_AddRef IUnknown_AddRef
#define IVssAdmin_Release IUnknown_Release
#define IVssAdmin_RegisterProvider(This, ...) UMBRA_CALL(This, RegisterProvider, __VA_ARGS__)
#define IVssAdmin_UnregisterProvider(This, ...) UMBRA_CALL(This, UnregisterProvider, __VA_ARGS__)
#define IVssAdmin_QueryProviders(This, ...) UMBRA_CALL(This, QueryProviders, __VA_ARGS__)
#define IVssAdmin_AbortAllSnapshotsInProgress(This) UMBRA_CALL0(This, AbortAllSnapshotsInProgress)

#define IVssAdminEx_QueryInterface IUnknown_QueryInterface
#define IVssAdminEx_AddRef IUnknown_AddRef
#define IVssAdminEx_Release IUnknown_Release
#define IVssAdminEx_RegisterProvider IVssAdmin_RegisterProvider
#define IVssAdminEx_UnregisterProvider IVssAdmin_UnregisterProvider
#define IVssAdminEx_QueryProviders IVssAdmin_QueryProviders
#define IVssAdminEx_AbortAllSnapshotsInProgress IVssAdmin_AbortAllSnapshotsInProgress
#define IVssAdminEx_GetProviderCapability(This, ...) UMBRA_CALL(This, GetProviderCapability, __VA_ARGS__)
#define IVssAdminEx_GetProviderContext(This, ...) UMBRA_CALL(This, GetProviderContext, __VA_ARGS__)
#define IVssAdminEx_SetProviderContext(This, ...) UMBRA_CALL(This, SetProviderContext, __VA_ARGS__)

#endif
