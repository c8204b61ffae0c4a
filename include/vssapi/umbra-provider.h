/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_UMBRA_PROVIDER_H
#define UMBRA_UMBRA_PROVIDER_H

/*
 * What Windows Does Not Ask of a Provider
 *
 * A provider (vsprov.h) is a shared object that exports CreateVssProvider(); where it lies is in vsadmin.h, how
 * to write one in docs/write-a-provider.md.
 *
 * On Linux, file systems are held during CommitSnapshots() by freezing them, and whoever writes to a frozen
 * file system waits until it runs again. A provider that writes there itself, as one that clones files, must say
 * so, or its CommitSnapshots() comes back too late every time. Saying it is an interface of its own, which a
 * provider may have.
 */

#include "vsprov.h"

/* What every provider exports: makes the object of this class and asks it for an interface. Only
 * IID_IUnknown is asked for. */
EXTERN_C UMBRA_API HRESULT STDAPICALLTYPE CreateVssProvider(REFCLSID class_id, REFIID iid, void **ppv);

typedef struct UMBRA_PROVIDER_TRAITS {
        ULONG cbSize; /* what umbra knows of this structure; all members are FALSE or 0 when it asks */

        /* CommitSnapshots() writes to the volume's own file system: it is not to be held. */
        BOOL bWritesToVolume;
        /* What CommitSnapshots() takes is one instant even when the file system is not held. Without this the
         * shadow copy counts as fuzzy where it could not be. */
        BOOL bInstantWithoutHold;
        /* VSS_VOLSNAP_ATTR_DIFFERENTIAL or VSS_VOLSNAP_ATTR_PLEX, if it is always the same. */
        LONG lAttributes;
} UMBRA_PROVIDER_TRAITS;

/*
 * IUmbraProviderTraits
 */
EXTERN_C UMBRA_API const IID IID_IUmbraProviderTraits; /* {2C0D6B31-5E0A-4D0E-9B1C-6A5E6D1F7A44} */

#define INTERFACE IUmbraProviderTraits
DECLARE_INTERFACE_(IUmbraProviderTraits, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* Comes after IsVolumeSupported() (IsPathSupported(), AreLunsSupported()) has said TRUE, with the same
         * name. May return what that may. */
        STDMETHOD(GetTraits)(THIS_ VSS_PWSZ pwszVolumeName, UMBRA_PROVIDER_TRAITS *pTraits) PURE;
};
#undef INTERFACE

/*
 * IUmbraProviderReason
 *
 * What a provider returns is a number; what people need is a sentence. A provider may have one.
 */
EXTERN_C UMBRA_API const IID IID_IUmbraProviderReason; /* {5B8F0A1D-93C4-4E57-8D26-0F4C1A7E9B32} */

#define INTERFACE IUmbraProviderReason
DECLARE_INTERFACE_(IUmbraProviderReason, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* Comes after a method that has failed: why it has, in words, which the requester is told and the log has. It
         * starts small and has no full stop. umbra frees *ppwszReason with CoTaskMemFree(). S_FALSE and NULL:
         * there is nothing to say. */
        STDMETHOD(GetReason)(THIS_ VSS_PWSZ *ppwszReason) PURE;
};
#undef INTERFACE

#if !defined(__cplusplus) || defined(CINTERFACE)
#  define IUmbraProviderTraits_QueryInterface IUnknown_QueryInterface
#  define IUmbraProviderTraits_AddRef IUnknown_AddRef
#  define IUmbraProviderTraits_Release IUnknown_Release
#  define IUmbraProviderTraits_GetTraits(This, ...) UMBRA_CALL(This, GetTraits, __VA_ARGS__)
#  define IUmbraProviderReason_QueryInterface IUnknown_QueryInterface
#  define IUmbraProviderReason_AddRef IUnknown_AddRef
#  define IUmbraProviderReason_Release IUnknown_Release
#  define IUmbraProviderReason_GetReason(This, ...) UMBRA_CALL(This, GetReason, __VA_ARGS__)
#endif

#endif
