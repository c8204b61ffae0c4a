/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSADMIN_H
#define UMBRA_VSADMIN_H

/*
 * Administering Providers
 *
 * Which providers there are. CoCreateInstance(CLSID_VSSCoordinator) gives an IVssAdmin.
 *
 * A provider that is not a part of umbra is a shared object. Its class id is the name that it is found by:
 *
 *         <libdir>/umbra/providers/<class id>.so      lower case, without braces; a link will do
 *
 * which root owns and nobody else may write to. It exports CreateVssProvider() (umbra-provider.h), and is
 * loaded by a process of its own, umbra-provider-com(8), never by umbrad or by the program that registers it.
 *
 * A disk array may have a script instead, /etc/umbra/arrays/<class id>: umbra-array-script(7).
 *
 * A registered provider is asked for every volume before umbra's own are: those of hardware first, then those of
 * software, then those of file shares. Where it fails for a volume the next one is asked, unless the requester
 * named it: then VSS_E_UNEXPECTED_PROVIDER_ERROR says that it crashed, hung, could not be loaded, or returned
 * what it must not.
 */

#include "vss.h"

EXTERN_C UMBRA_API const CLSID CLSID_VSSCoordinator; /* {E579AB5F-1CC4-44B4-BED9-DE0991FF0623} */

/*
 * IVssAdmin
 *
 * Whoever may make backups may ask; to change anything one has to be an administrator: root, the group
 * umbra, or whom [administrators] of umbra.conf(5) names. All calls fail with E_ACCESSDENIED where that is
 * missing, VSS_E_UNEXPECTED when umbrad cannot be reached, E_OUTOFMEMORY.
 */
EXTERN_C UMBRA_API const IID IID_IVssAdmin; /* {77ED5996-2F63-11D3-8A39-00C04F72D8E3} */

#define IVSS_ADMIN_METHODS                                                                                  \
        /* Makes a provider known under its id, for good. ClassId names the shared object that it is, see   \
         * above; it need not be there yet. No id may be GUID_NULL; the type is not VSS_PROV_SYSTEM. A new  \
         * version of a provider has the same id: unregister it first. Fails with E_INVALIDARG,             \
         * VSS_E_PROVIDER_ALREADY_REGISTERED. [MS: nf-vsadmin-ivssadmin-registerprovider] */                \
        STDMETHOD(RegisterProvider)(THIS_ VSS_ID pProviderId,                                               \
                                          CLSID ClassId,                                                    \
                                          VSS_PWSZ pwszProviderName,                                        \
                                          VSS_PROVIDER_TYPE eProviderType,                                  \
                                          VSS_PWSZ pwszProviderVersion,                                     \
                                          VSS_ID ProviderVersionId) PURE;                                   \
                                                                                                            \
        /* Forgets it. Fails with VSS_E_PROVIDER_IN_USE while there are shadow copies of it, and for those  \
         * that are a part of umbra; VSS_E_PROVIDER_NOT_REGISTERED.                                         \
         * [MS: nf-vsadmin-ivssadmin-unregisterprovider] */                                                 \
        STDMETHOD(UnregisterProvider)(THIS_ VSS_ID ProviderId) PURE;                                        \
                                                                                                            \
        /* Lists all providers (VSS_PROVIDER_PROP). The caller releases *ppEnum.                            \
         * [MS: nf-vsadmin-ivssadmin-queryproviders] */                                                     \
        STDMETHOD(QueryProviders)(THIS_ IVssEnumObject **ppEnum) PURE;                                      \
                                                                                                            \
        /* Ends the snapshot set that is in progress on this machine, whoever began it; returns when what   \
         * was made is gone. Its DoSnapshotSet() ends with E_ABORT. S_OK, too, when there was none. Reserved\
         * on Windows. [MS: nf-vsadmin-ivssadmin-abortallsnapshotsinprogress] */                            \
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
 * Has no page in the documentation; known from the headers only. All fail with
 * VSS_E_PROVIDER_NOT_REGISTERED.
 */
EXTERN_C UMBRA_API const IID IID_IVssAdminEx; /* {7858A9F8-B1FA-41A6-964F-B9B36B8CD8D8} */

#define INTERFACE IVssAdminEx
DECLARE_INTERFACE_(IVssAdminEx, IVssAdmin) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_ADMIN_METHODS)

        /* VSS_PROVIDER_CAPABILITIES bits of a provider: VSS_PRV_CAPABILITY_COMPLIANT if umbra can make
         * shadow copies with it, else 0. */
        STDMETHOD(GetProviderCapability)(THIS_ VSS_ID pProviderId,
                                               ULONGLONG *pllOriginalCapabilityMask) PURE;

        /* The context that a provider is in: that of the set in progress if it takes part in it, else
         * VSS_CTX_BACKUP. */
        STDMETHOD(GetProviderContext)(THIS_ VSS_ID ProviderId, LONG *plContext) PURE;

        /* E_NOTIMPL: a provider gets its context with each snapshot set. */
        STDMETHOD(SetProviderContext)(THIS_ VSS_ID ProviderId, LONG lContext) PURE;
};
#undef INTERFACE

#if !defined(__cplusplus) || defined(CINTERFACE)
#  include "vsadmin-calls.h"
#endif

#endif
