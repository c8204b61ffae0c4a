/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSPROV_CALLS_H
#define UMBRA_VSPROV_CALLS_H

/*
 * How C calls the Methods of vsprov.h
 *
 * IFoo_Method(This, ...) for every method, inherited ones as well: those are the macros of the base, because
 * the tables begin alike. The arguments are those of the declaration. vsprov.h includes this file; do not do
 * so yourself.
 */

#include "unknwn.h"

#define IVssSoftwareSnapshotProvider_QueryInterface IUnknown_QueryInterface
#define IVssSoftwareSnapshotProvider_AddRef IUnknown_AddRef
#define IVssSoftwareSnapshotProvider_Release IUnknown_Release
#define IVssSoftwareSnapshotProvider_SetContext(This, ...) UMBRA_CALL(This, SetContext, __VA_ARGS__)
#define IVssSoftwareSnapshotProvider_GetSnapshotProperties(This, ...) \
        UMBRA_CALL(This, GetSnapshotProperties, __VA_ARGS__)
#define IVssSoftwareSnapshotProvider_Query(This, ...) UMBRA_CALL(This, Query, __VA_ARGS__)
#define IVssSoftwareSnapshotProvider_DeleteSnapshots(This, ...) \
        UMBRA_CALL(This, DeleteSnapshots, __VA_ARGS__)
#define IVssSoftwareSnapshotProvider_BeginPrepareSnapshot(This, ...) \
        UMBRA_CALL(This, BeginPrepareSnapshot, __VA_ARGS__)
#define IVssSoftwareSnapshotProvider_IsVolumeSupported(This, ...) \
        UMBRA_CALL(This, IsVolumeSupported, __VA_ARGS__)
#define IVssSoftwareSnapshotProvider_IsVolumeSnapshotted(This, ...) \
        UMBRA_CALL(This, IsVolumeSnapshotted, __VA_ARGS__)
#define IVssSoftwareSnapshotProvider_SetSnapshotProperty(This, ...) \
        UMBRA_CALL(This, SetSnapshotProperty, __VA_ARGS__)
#define IVssSoftwareSnapshotProvider_RevertToSnapshot(This, ...) \
        UMBRA_CALL(This, RevertToSnapshot, __VA_ARGS__)
#define IVssSoftwareSnapshotProvider_QueryRevertStatus(This, ...) \
        UMBRA_CALL(This, QueryRevertStatus, __VA_ARGS__)

#define IVssHardwareSnapshotProvider_QueryInterface IUnknown_QueryInterface
#define IVssHardwareSnapshotProvider_AddRef IUnknown_AddRef
#define IVssHardwareSnapshotProvider_Release IUnknown_Release
#define IVssHardwareSnapshotProvider_AreLunsSupported(This, ...) \
        UMBRA_CALL(This, AreLunsSupported, __VA_ARGS__)
#define IVssHardwareSnapshotProvider_FillInLunInfo(This, ...) UMBRA_CALL(This, FillInLunInfo, __VA_ARGS__)
#define IVssHardwareSnapshotProvider_BeginPrepareSnapshot(This, ...) \
        UMBRA_CALL(This, BeginPrepareSnapshot, __VA_ARGS__)
#define IVssHardwareSnapshotProvider_GetTargetLuns(This, ...) UMBRA_CALL(This, GetTargetLuns, __VA_ARGS__)
#define IVssHardwareSnapshotProvider_LocateLuns(This, ...) UMBRA_CALL(This, LocateLuns, __VA_ARGS__)
#define IVssHardwareSnapshotProvider_OnLunEmpty(This, ...) UMBRA_CALL(This, OnLunEmpty, __VA_ARGS__)

#define IVssHardwareSnapshotProviderEx_QueryInterface IUnknown_QueryInterface
#define IVssHardwareSnapshotProviderEx_AddRef IUnknown_AddRef
#define IVssHardwareSnapshotProviderEx_Release IUnknown_Release
#define IVssHardwareSnapshotProviderEx_AreLunsSupported IVssHardwareSnapshotProvider_AreLunsSupported
#define IVssHardwareSnapshotProviderEx_FillInLunInfo IVssHardwareSnapshotProvider_FillInLunInfo
#define IVssHardwareSnapshotProviderEx_BeginPrepareSnapshot IVssHardwareSnapshotProvider_BeginPrepareSnapshot
#define IVssHardwareSnapshotProviderEx_GetTargetLuns IVssHardwareSnapshotProvider_GetTargetLuns
#define IVssHardwareSnapshotProviderEx_LocateLuns IVssHardwareSnapshotProvider_LocateLuns
#define IVssHardwareSnapshotProviderEx_OnLunEmpty IVssHardwareSnapshotProvider_OnLunEmpty
#define IVssHardwareSnapshotProviderEx_GetProviderCapabilities(This, ...) \
        UMBRA_CALL(This, GetProviderCapabilities, __VA_ARGS__)
#define IVssHardwareSnapshotProviderEx_OnLunStateChange(This, ...) \
        UMBRA_CALL(This, OnLunStateChange, __VA_ARGS__)
#define IVssHardwareSnapshotProviderEx_ResyncLuns(This, ...) UMBRA_CALL(This, ResyncLuns, __VA_ARGS__)
#define IVssHardwareSnapshotProviderEx_OnReuseLuns(This, ...) UMBRA_CALL(This, OnReuseLuns, __VA_ARGS__)

#define IVssFileShareSnapshotProvider_QueryInterface IUnknown_QueryInterface
#define IVssFileShareSnapshotProvider_AddRef IUnknown_AddRef
#define IVssFileShareSnapshotProvider_Release IUnknown_Release
#define IVssFileShareSnapshotProvider_SetContext(This, ...) UMBRA_CALL(This, SetContext, __VA_ARGS__)
#define IVssFileShareSnapshotProvider_GetSnapshotProperties(This, ...) \
        UMBRA_CALL(This, GetSnapshotProperties, __VA_ARGS__)
#define IVssFileShareSnapshotProvider_Query(This, ...) UMBRA_CALL(This, Query, __VA_ARGS__)
#define IVssFileShareSnapshotProvider_DeleteSnapshots(This, ...) \
        UMBRA_CALL(This, DeleteSnapshots, __VA_ARGS__)
#define IVssFileShareSnapshotProvider_BeginPrepareSnapshot(This, ...) \
        UMBRA_CALL(This, BeginPrepareSnapshot, __VA_ARGS__)
#define IVssFileShareSnapshotProvider_IsPathSupported(This, ...) \
        UMBRA_CALL(This, IsPathSupported, __VA_ARGS__)
#define IVssFileShareSnapshotProvider_IsPathSnapshotted(This, ...) \
        UMBRA_CALL(This, IsPathSnapshotted, __VA_ARGS__)
#define IVssFileShareSnapshotProvider_SetSnapshotProperty(This, ...) \
        UMBRA_CALL(This, SetSnapshotProperty, __VA_ARGS__)

#define IVssProviderCreateSnapshotSet_QueryInterface IUnknown_QueryInterface
#define IVssProviderCreateSnapshotSet_AddRef IUnknown_AddRef
#define IVssProviderCreateSnapshotSet_Release IUnknown_Release
#define IVssProviderCreateSnapshotSet_EndPrepareSnapshots(This, ...) \
        UMBRA_CALL(This, EndPrepareSnapshots, __VA_ARGS__)
#define IVssProviderCreateSnapshotSet_PreCommitSnapshots(This, ...) \
        UMBRA_CALL(This, PreCommitSnapshots, __VA_ARGS__)
#define IVssProviderCreateSnapshotSet_CommitSnapshots(This, ...) \
        UMBRA_CALL(This, CommitSnapshots, __VA_ARGS__)
#define IVssProviderCreateSnapshotSet_PostCommitSnapshots(This, ...) \
        UMBRA_CALL(This, PostCommitSnapshots, __VA_ARGS__)
#define IVssProviderCreateSnapshotSet_PreFinalCommitSnapshots(This, ...) \
        UMBRA_CALL(This, PreFinalCommitSnapshots, __VA_ARGS__)
#define IVssProviderCreateSnapshotSet_PostFinalCommitSnapshots(This, ...) \
        UMBRA_CALL(This, PostFinalCommitSnapshots, __VA_ARGS__)
#define IVssProviderCreateSnapshotSet_AbortSnapshots(This, ...) UMBRA_CALL(This, AbortSnapshots, __VA_ARGS__)

#define IVssProviderNotifications_QueryInterface IUnknown_QueryInterface
#define IVssProviderNotifications_AddRef IUnknown_AddRef
#define IVssProviderNotifications_Release IUnknown_Release
#define IVssProviderNotifications_OnLoad(This, ...) UMBRA_CALL(This, OnLoad, __VA_ARGS__)
#define IVssProviderNotifications_OnUnload(This, ...) UMBRA_CALL(This, OnUnload, __VA_ARGS__)

#endif
