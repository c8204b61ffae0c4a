/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSADMIN_H
#define UMBRA_VSADMIN_H

/*
 * Administering Providers
 *
 * Which providers there are. CoCreateInstance(CLSID_VSSCoordinator) gives an IVssAdmin.
 */

#include "vss.h"

EXTERN_C UMBRA_API const CLSID CLSID_VSSCoordinator; /* {E579AB5F-1CC4-44B4-BED9-DE0991FF0623} */

/*
 * IVssAdmin
 *
 * Providers come and go with umbra's own set-up, too; this is the way for programs.
 */
EXTERN_C UMBRA_API const IID IID_IVssAdmin; /* {77ED5996-2F63-11D3-8A39-00C04F72D8E3} */

#define IVSS_ADMIN_METHODS                                                                                  \
        /* Makes a provider known under its id. ClassId names the program or library that it is, as the     \
         * manual page of umbrad says. Fails with VSS_E_PROVIDER_ALREADY_REGISTERED.                        \
         * [MS: nf-vsadmin-ivssadmin-registerprovider] */                                                   \
        STDMETHOD(RegisterProvider)(THIS_ VSS_ID pProviderId,                                               \
                                          CLSID ClassId,                                                    \
                                          VSS_PWSZ pwszProviderName,                                        \
                                          VSS_PROVIDER_TYPE eProviderType,                                  \
                                          VSS_PWSZ pwszProviderVersion,                                     \
                                          VSS_ID ProviderVersionId) PURE;                                   \
                                                                                                            \
        /* Forgets it. Its shadow copies stay. Fails with VSS_E_PROVIDER_IN_USE,                            \
         * VSS_E_PROVIDER_NOT_REGISTERED. [MS: nf-vsadmin-ivssadmin-unregisterprovider] */                  \
        STDMETHOD(UnregisterProvider)(THIS_ VSS_ID ProviderId) PURE;                                        \
                                                                                                            \
        /* Lists all providers. The caller releases *ppEnum. Fails with VSS_E_OBJECT_NOT_FOUND,             \
         * VSS_E_PROVIDER_VETO. [MS: nf-vsadmin-ivssadmin-queryproviders] */                                \
        STDMETHOD(QueryProviders)(THIS_ IVssEnumObject **ppEnum) PURE;                                      \
                                                                                                            \
        /* Reserved. E_NOTIMPL. [MS: nf-vsadmin-ivssadmin-abortallsnapshotsinprogress] */                   \
        STDMETHOD(AbortAllSnapshotsInProgress)(THIS) PURE;

#define INTERFACE IVssAdmin
DECLARE_INTERFACE_(IVssAdmin, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)
        IVSS_ADMIN_METHODS
};
#undef INTERFACE

/*
 * IVssAdminEx
 *
 * Has no page in the documentation; known from the headers only.
 */
EXTERN_C UMBRA_API const IID IID_IVssAdminEx; /* {7858A9F8-B1FA-41A6-964F-B9B36B8CD8D8} */

#define INTERFACE IVssAdminEx
DECLARE_INTERFACE_(IVssAdminEx, IVssAdmin) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_ADMIN_METHODS)

        /* VSS_PROVIDER_CAPABILITIES bits of a provider. */
        STDMETHOD(GetProviderCapability)(THIS_ VSS_ID pProviderId,
                                               ULONGLONG *pllOriginalCapabilityMask) PURE;

        /* The context that a provider is in. */
        STDMETHOD(GetProviderContext)(THIS_ VSS_ID ProviderId, LONG *plContext) PURE;

        /* Sets it. */
        STDMETHOD(SetProviderContext)(THIS_ VSS_ID ProviderId, LONG lContext) PURE;
};
#undef INTERFACE

#if !defined(__cplusplus) || defined(CINTERFACE)
#  include "vsadmin-calls.h"
#endif

#endif
