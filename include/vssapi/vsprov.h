/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSPROV_H
#define UMBRA_VSPROV_H

/*
 * The Provider's Side
 *
 * What a provider of shadow copies implements and the coordinator calls. Every provider has
 * IVssProviderCreateSnapshotSet and one of the three that say what it is for; IVssProviderNotifications is
 * optional.
 *
 * A provider returns the documented codes only. Any other, S_FALSE and E_FAIL among them, becomes
 * VSS_E_UNEXPECTED_PROVIDER_ERROR for the requester, except from AbortSnapshots() and OnUnload().
 * VSS_E_PROVIDER_VETO means: I have logged why.
 */

#include "vdslun.h"
#include "vss.h"

/*
 * IVssSoftwareSnapshotProvider
 *
 * A provider that works on volumes.
 */
EXTERN_C UMBRA_API const IID IID_IVssSoftwareSnapshotProvider; /* {609E123E-2C5A-44D3-8F01-0B1D9A47D1FF} */

#define INTERFACE IVssSoftwareSnapshotProvider
DECLARE_INTERFACE_(IVssSoftwareSnapshotProvider, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* Comes first and holds for the following calls.
         * [MS: nf-vsprov-ivsssoftwaresnapshotprovider-setcontext] */
        STDMETHOD(SetContext)(THIS_ LONG lContext) PURE;

        /* The provider fills what it knows; strings with CoTaskMemAlloc(). May return
         * VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivsssoftwaresnapshotprovider-getsnapshotproperties] */
        STDMETHOD(GetSnapshotProperties)(THIS_ VSS_ID SnapshotId, VSS_SNAPSHOT_PROP *pProp) PURE;

        /* Lists the shadow copies of this provider. QueriedObjectId is GUID_NULL, eQueriedObjectType
         * VSS_OBJECT_NONE. May return VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivsssoftwaresnapshotprovider-query] */
        STDMETHOD(Query)(THIS_ VSS_ID QueriedObjectId,
                               VSS_OBJECT_TYPE eQueriedObjectType,
                               VSS_OBJECT_TYPE eReturnedObjectsType,
                               IVssEnumObject **ppEnum) PURE;

        /* Deletes a shadow copy or a set; the outputs count even on failure. May return
         * VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivsssoftwaresnapshotprovider-deletesnapshots] */
        STDMETHOD(DeleteSnapshots)(THIS_ VSS_ID SourceObjectId,
                                         VSS_OBJECT_TYPE eSourceObjectType,
                                         BOOL bForceDelete,
                                         LONG *plDeletedSnapshots,
                                         VSS_ID *pNondeletedSnapshotID) PURE;

        /* One call for each volume of a set. Quick: the slow work belongs into EndPrepareSnapshots(). May
         * return VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO, VSS_E_UNSUPPORTED_CONTEXT,
         * VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER.
         * [MS: nf-vsprov-ivsssoftwaresnapshotprovider-beginpreparesnapshot] */
        STDMETHOD(BeginPrepareSnapshot)(THIS_ VSS_ID SnapshotSetId,
                                              VSS_ID SnapshotId,
                                              VSS_PWSZ pwszVolumeName,
                                              LONG lNewContext) PURE;

        /* Whether this provider can take shadow copies of the volume. Must not change anything. May return
         * VSS_E_NESTED_VOLUME_LIMIT, VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivsssoftwaresnapshotprovider-isvolumesupported] */
        STDMETHOD(IsVolumeSupported)(THIS_ VSS_PWSZ pwszVolumeName, BOOL *pbSupportedByThisProvider) PURE;

        /* Whether it has some. *plSnapshotCompatibility is VSS_SNAPSHOT_COMPATIBILITY bits. May return
         * VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivsssoftwaresnapshotprovider-isvolumesnapshotted] */
        STDMETHOD(IsVolumeSnapshotted)(THIS_ VSS_PWSZ pwszVolumeName,
                                             BOOL *pbSnapshotsPresent,
                                             LONG *plSnapshotCompatibility) PURE;

        /* Remembers a property that the coordinator decides: attributes, exposed name, service machine. May
         * return VSS_E_OBJECT_NOT_FOUND. [MS: nf-vsprov-ivsssoftwaresnapshotprovider-setsnapshotproperty] */
        STDMETHOD(SetSnapshotProperty)(THIS_ VSS_ID SnapshotId,
                                             VSS_SNAPSHOT_PROPERTY_ID eSnapshotPropertyId,
                                             VARIANT vProperty) PURE;

        /* Begins to set the volume back. E_NOTIMPL if the provider cannot. May return
         * VSS_E_REVERT_IN_PROGRESS. [MS: nf-vsprov-ivsssoftwaresnapshotprovider-reverttosnapshot] */
        STDMETHOD(RevertToSnapshot)(THIS_ VSS_ID SnapshotId) PURE;

        /* The running revert of a volume; the caller releases it. E_NOTIMPL if the provider cannot. May
         * return VSS_E_OBJECT_NOT_FOUND, VSS_E_VOLUME_NOT_SUPPORTED.
         * [MS: nf-vsprov-ivsssoftwaresnapshotprovider-queryrevertstatus] */
        STDMETHOD(QueryRevertStatus)(THIS_ VSS_PWSZ pwszVolume, IVssAsync **ppAsync) PURE;
};
#undef INTERFACE

/*
 * IVssHardwareSnapshotProvider
 *
 * A provider that works on LUNs.
 */
EXTERN_C UMBRA_API const IID IID_IVssHardwareSnapshotProvider; /* {9593A157-44E9-4344-BBEB-44FBF9B06B10} */

#define IVSS_HARDWARE_SNAPSHOT_PROVIDER_METHODS                                                             \
        /* Whether this provider can take shadow copies of all these LUNs. May complete pLunInformation.    \
         * May return VSS_E_PROVIDER_VETO. [MS: nf-vsprov-ivsshardwaresnapshotprovider-arelunssupported] */ \
        STDMETHOD(AreLunsSupported)(THIS_ LONG lLunCount,                                                   \
                                          LONG lContext,                                                    \
                                          VSS_PWSZ *rgwszDevices,                                           \
                                          VDS_LUN_INFORMATION *pLunInformation,                             \
                                          BOOL *pbIsSupported) PURE;                                        \
                                                                                                            \
        /* Completes what is known about a LUN. The result is ignored.                                      \
         * [MS: nf-vsprov-ivsshardwaresnapshotprovider-fillinluninfo] */                                    \
        STDMETHOD(FillInLunInfo)(THIS_ VSS_PWSZ wszDeviceName,                                              \
                                       VDS_LUN_INFORMATION *pLunInfo,                                       \
                                       BOOL *pbIsSupported) PURE;                                           \
                                                                                                            \
        /* One call for each volume of a set: the LUNs it lies on. May return                               \
         * VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED, VSS_E_NESTED_VOLUME_LIMIT, VSS_E_PROVIDER_VETO,         \
         * VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER, VSS_E_UNSUPPORTED_CONTEXT.                               \
         * [MS: nf-vsprov-ivsshardwaresnapshotprovider-beginpreparesnapshot] */                             \
        STDMETHOD(BeginPrepareSnapshot)(THIS_ VSS_ID SnapshotSetId,                                         \
                                              VSS_ID SnapshotId,                                            \
                                              LONG lContext,                                                \
                                              LONG lLunCount,                                               \
                                              VSS_PWSZ *rgDeviceNames,                                      \
                                              VDS_LUN_INFORMATION *rgLunInformation) PURE;                  \
                                                                                                            \
        /* After the commit: the LUNs that hold the shadow copies. m_diskSignature is GUID_NULL. May return \
         * VSS_E_PROVIDER_VETO. [MS: nf-vsprov-ivsshardwaresnapshotprovider-gettargetluns] */               \
        STDMETHOD(GetTargetLuns)(THIS_ LONG lLunCount,                                                      \
                                       VSS_PWSZ *rgDeviceNames,                                             \
                                       VDS_LUN_INFORMATION *rgSourceLuns,                                   \
                                       VDS_LUN_INFORMATION *rgDestinationLuns) PURE;                        \
                                                                                                            \
        /* Makes these LUNs visible here, for an import. May return VSS_E_PROVIDER_VETO.                    \
         * [MS: nf-vsprov-ivsshardwaresnapshotprovider-locateluns] */                                       \
        STDMETHOD(LocateLuns)(THIS_ LONG lLunCount, VDS_LUN_INFORMATION *rgSourceLuns) PURE;                \
                                                                                                            \
        /* The last shadow copy on this LUN is gone: it may be reused. May return VSS_E_PROVIDER_VETO.      \
         * [MS: nf-vsprov-ivsshardwaresnapshotprovider-onlunempty] */                                       \
        STDMETHOD(OnLunEmpty)(THIS_ VSS_PWSZ wszDeviceName, VDS_LUN_INFORMATION *pInformation) PURE;

#define INTERFACE IVssHardwareSnapshotProvider
DECLARE_INTERFACE_(IVssHardwareSnapshotProvider, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)
        IVSS_HARDWARE_SNAPSHOT_PROVIDER_METHODS
};
#undef INTERFACE

/*
 * IVssHardwareSnapshotProviderEx
 */
EXTERN_C UMBRA_API const IID IID_IVssHardwareSnapshotProviderEx; /* {7F5BA925-CDB1-4D11-A71F-339EB7E709FD} */

#define INTERFACE IVssHardwareSnapshotProviderEx
DECLARE_INTERFACE_(IVssHardwareSnapshotProviderEx, IVssHardwareSnapshotProvider) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_HARDWARE_SNAPSHOT_PROVIDER_METHODS)

        /* Reserved. E_NOTIMPL. [MS: nf-vsprov-ivsshardwaresnapshotproviderex-getprovidercapabilities] */
        STDMETHOD(GetProviderCapabilities)(THIS_ ULONGLONG *pllOriginalCapabilityMask) PURE;

        /* dwFlags is VSS_HARDWARE_OPTIONS: what happens to the LUNs, or what to do with them. May return
         * VSS_E_PROVIDER_VETO. [MS: nf-vsprov-ivsshardwaresnapshotproviderex-onlunstatechange] */
        STDMETHOD(OnLunStateChange)(THIS_ VDS_LUN_INFORMATION *pSnapshotLuns,
                                          VDS_LUN_INFORMATION *pOriginalLuns,
                                          DWORD dwCount,
                                          DWORD dwFlags) PURE;

        /* Copies shadow copies back to their original LUNs. The caller releases *ppAsync. May return
         * VSS_E_PROVIDER_VETO, VSS_E_INSUFFICIENT_STORAGE.
         * [MS: nf-vsprov-ivsshardwaresnapshotproviderex-resyncluns] */
        STDMETHOD(ResyncLuns)(THIS_ VDS_LUN_INFORMATION *pSourceLuns,
                                    VDS_LUN_INFORMATION *pTargetLuns,
                                    DWORD dwCount,
                                    IVssAsync **ppAsync) PURE;

        /* Reserved. [MS: nf-vsprov-ivsshardwaresnapshotproviderex-onreuseluns] */
        STDMETHOD(OnReuseLuns)(THIS_ VDS_LUN_INFORMATION *pSnapshotLuns,
                                     VDS_LUN_INFORMATION *pOriginalLuns,
                                     DWORD dwCount) PURE;
};
#undef INTERFACE

/*
 * IVssFileShareSnapshotProvider
 *
 * A provider that works on shares of a file server.
 */
EXTERN_C UMBRA_API const IID IID_IVssFileShareSnapshotProvider; /* {C8636060-7C2E-11DF-8C4A-0800200C9A66} */

#define INTERFACE IVssFileShareSnapshotProvider
DECLARE_INTERFACE_(IVssFileShareSnapshotProvider, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* Comes first and holds for the following calls.
         * [MS: nf-vsprov-ivssfilesharesnapshotprovider-setcontext] */
        STDMETHOD(SetContext)(THIS_ LONG lContext) PURE;

        /* The provider fills what it knows; strings with CoTaskMemAlloc(). May return
         * VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivssfilesharesnapshotprovider-getsnapshotproperties] */
        STDMETHOD(GetSnapshotProperties)(THIS_ VSS_ID SnapshotId, VSS_SNAPSHOT_PROP *pProp) PURE;

        /* Lists the shadow copies of this provider. QueriedObjectId is GUID_NULL, eQueriedObjectType
         * VSS_OBJECT_NONE. May return VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivssfilesharesnapshotprovider-query] */
        STDMETHOD(Query)(THIS_ VSS_ID QueriedObjectId,
                               VSS_OBJECT_TYPE eQueriedObjectType,
                               VSS_OBJECT_TYPE eReturnedObjectsType,
                               IVssEnumObject **ppEnum) PURE;

        /* Deletes a shadow copy or a set; the outputs count even on failure. May return
         * VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivssfilesharesnapshotprovider-deletesnapshots] */
        STDMETHOD(DeleteSnapshots)(THIS_ VSS_ID SourceObjectId,
                                         VSS_OBJECT_TYPE eSourceObjectType,
                                         BOOL bForceDelete,
                                         LONG *plDeletedSnapshots,
                                         VSS_ID *pNondeletedSnapshotID) PURE;

        /* One call for each share of a set. May return VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO,
         * VSS_E_UNSUPPORTED_CONTEXT, VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER.
         * [MS: nf-vsprov-ivssfilesharesnapshotprovider-beginpreparesnapshot] */
        STDMETHOD(BeginPrepareSnapshot)(THIS_ VSS_ID SnapshotSetId,
                                              VSS_ID SnapshotId,
                                              VSS_PWSZ pwszSharePath,
                                              LONG lNewContext,
                                              VSS_ID ProviderId) PURE;

        /* Whether this provider can take shadow copies of the share. Must not change anything. May return
         * VSS_E_NESTED_VOLUME_LIMIT, VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivssfilesharesnapshotprovider-ispathsupported] */
        STDMETHOD(IsPathSupported)(THIS_ VSS_PWSZ pwszSharePath, BOOL *pbSupportedByThisProvider) PURE;

        /* Whether it has some. *plSnapshotCompatibility is VSS_SNAPSHOT_COMPATIBILITY bits. May return
         * VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivssfilesharesnapshotprovider-ispathsnapshotted] */
        STDMETHOD(IsPathSnapshotted)(THIS_ VSS_PWSZ pwszSharePath,
                                           BOOL *pbSnapshotsPresent,
                                           LONG *plSnapshotCompatibility) PURE;

        /* Remembers a property that the coordinator decides: attributes, exposed name, service machine. May
         * return VSS_E_OBJECT_NOT_FOUND.
         * [MS: nf-vsprov-ivssfilesharesnapshotprovider-setsnapshotproperty] */
        STDMETHOD(SetSnapshotProperty)(THIS_ VSS_ID SnapshotId,
                                             VSS_SNAPSHOT_PROPERTY_ID eSnapshotPropertyId,
                                             VARIANT vProperty) PURE;
};
#undef INTERFACE

/*
 * IVssProviderCreateSnapshotSet
 *
 * The making of a set, step by step, after one BeginPrepareSnapshot() for each volume.
 */
EXTERN_C UMBRA_API const IID IID_IVssProviderCreateSnapshotSet; /* {5F894E5B-1E39-4778-8E23-9ABAD9F0E08C} */

#define INTERFACE IVssProviderCreateSnapshotSet
DECLARE_INTERFACE_(IVssProviderCreateSnapshotSet, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* Everything slow. Applications still run. May return VSS_E_INSUFFICIENT_STORAGE,
         * VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivssprovidercreatesnapshotset-endpreparesnapshots] */
        STDMETHOD(EndPrepareSnapshots)(THIS_ VSS_ID SnapshotSetId) PURE;

        /* Applications are frozen; a second or two at most. May return VSS_E_OBJECT_NOT_FOUND,
         * VSS_E_PROVIDER_VETO. [MS: nf-vsprov-ivssprovidercreatesnapshotset-precommitsnapshots] */
        STDMETHOD(PreCommitSnapshots)(THIS_ VSS_ID SnapshotSetId) PURE;

        /* The instant. Writes are held: less than a second, a few at most; after 10 s the hold ends and the
         * set fails. May return VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivssprovidercreatesnapshotset-commitsnapshots] */
        STDMETHOD(CommitSnapshots)(THIS_ VSS_ID SnapshotSetId) PURE;

        /* Writes flow again, applications are still frozen; a second or two at most. lSnapshotsCount is that
         * of the whole set. May return VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivssprovidercreatesnapshotset-postcommitsnapshots] */
        STDMETHOD(PostCommitSnapshots)(THIS_ VSS_ID SnapshotSetId, LONG lSnapshotsCount) PURE;

        /* The shadow copies become writable, for auto-recovery. E_NOTIMPL is not an error. May return
         * VSS_E_PROVIDER_VETO. [MS: nf-vsprov-ivssprovidercreatesnapshotset-prefinalcommitsnapshots] */
        STDMETHOD(PreFinalCommitSnapshots)(THIS_ VSS_ID SnapshotSetId) PURE;

        /* Auto-recovery is over: read-only from here on. May return VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivssprovidercreatesnapshotset-postfinalcommitsnapshots] */
        STDMETHOD(PostFinalCommitSnapshots)(THIS_ VSS_ID SnapshotSetId) PURE;

        /* Undo everything. May come at any time after BeginPrepareSnapshot(), and more than once; must not
         * fail for that. May return VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.
         * [MS: nf-vsprov-ivssprovidercreatesnapshotset-abortsnapshots] */
        STDMETHOD(AbortSnapshots)(THIS_ VSS_ID SnapshotSetId) PURE;
};
#undef INTERFACE

/*
 * IVssProviderNotifications
 *
 * Being loaded and unloaded.
 */
EXTERN_C UMBRA_API const IID IID_IVssProviderNotifications; /* {E561901F-03A5-4AFE-86D0-72BAEECE7004} */

#define INTERFACE IVssProviderNotifications
DECLARE_INTERFACE_(IVssProviderNotifications, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* The first call after the provider was loaded. Failing here fails the operation that needed it. May
         * return VSS_E_PROVIDER_VETO. [MS: nf-vsprov-ivssprovidernotifications-onload] */
        STDMETHOD(OnLoad)(THIS_ IUnknown *pCallback) PURE;

        /* The last call. S_FALSE asks to stay, if bForceUnload is FALSE; with TRUE it must return S_OK.
         * [MS: nf-vsprov-ivssprovidernotifications-onunload] */
        STDMETHOD(OnUnload)(THIS_ BOOL bForceUnload) PURE;
};
#undef INTERFACE

#if !defined(__cplusplus) || defined(CINTERFACE)
#  include "vsprov-calls.h"
#endif

#endif
