/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSMGMT_CALLS_H
#define UMBRA_VSMGMT_CALLS_H

/*
 * How C calls the Methods of vsmgmt.h
 *
 * IFoo_Method(This, ...) for every method, inherited ones as well: those are the macros of the base, because
 * the tables begin alike. The arguments are those of the declaration. vsmgmt.h includes this file; do not do
 * so yourself.
 */

#include "unknwn.h"

#define IVssEnumMgmtObject_QueryInterface IUnknown_QueryInterface
#define IVssEnumMgmtObject_AddRef IUnknown_AddRef
#define IVssEnumMgmtObject_Release IUnknown_Release
#define IVssEnumMgmtObject_Next(This, ...) UMBRA_CALL(This, Next, __VA_ARGS__)
#define IVssEnumMgmtObject_Skip(This, ...) UMBRA_CALL(This, Skip, __VA_ARGS__)
#define IVssEnumMgmtObject_Reset(This) UMBRA_CALL0(This, Reset)
#define IVssEnumMgmtObject_Clone(This, ...) UMBRA_CALL(This, Clone, __VA_ARGS__)

#define IVssSnapshotMgmt_QueryInterface IUnknown_QueryInterface
#define IVssSnapshotMgmt_AddRef IUnknown_AddRef
#define IVssSnapshotMgmt_Release IUnknown_Release
#define IVssSnapshotMgmt_GetProviderMgmtInterface(This, ...) \
        UMBRA_CALL(This, GetProviderMgmtInterface, __VA_ARGS__)
#define IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(This, ...) \
        UMBRA_CALL(This, QueryVolumesSupportedForSnapshots, __VA_ARGS__)
#define IVssSnapshotMgmt_QuerySnapshotsByVolume(This, ...) \
        UMBRA_CALL(This, QuerySnapshotsByVolume, __VA_ARGS__)

#define IVssSnapshotMgmt2_QueryInterface IUnknown_QueryInterface
#define IVssSnapshotMgmt2_AddRef IUnknown_AddRef
#define IVssSnapshotMgmt2_Release IUnknown_Release
#define IVssSnapshotMgmt2_GetMinDiffAreaSize(This, ...) UMBRA_CALL(This, GetMinDiffAreaSize, __VA_ARGS__)

#define IVssDifferentialSoftwareSnapshotMgmt_QueryInterface IUnknown_QueryInterface
#define IVssDifferentialSoftwareSnapshotMgmt_AddRef IUnknown_AddRef
#define IVssDifferentialSoftwareSnapshotMgmt_Release IUnknown_Release
#define IVssDifferentialSoftwareSnapshotMgmt_AddDiffArea(This, ...) \
        UMBRA_CALL(This, AddDiffArea, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt_ChangeDiffAreaMaximumSize(This, ...) \
        UMBRA_CALL(This, ChangeDiffAreaMaximumSize, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt_QueryVolumesSupportedForDiffAreas(This, ...) \
        UMBRA_CALL(This, QueryVolumesSupportedForDiffAreas, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt_QueryDiffAreasForVolume(This, ...) \
        UMBRA_CALL(This, QueryDiffAreasForVolume, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt_QueryDiffAreasOnVolume(This, ...) \
        UMBRA_CALL(This, QueryDiffAreasOnVolume, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt_QueryDiffAreasForSnapshot(This, ...) \
        UMBRA_CALL(This, QueryDiffAreasForSnapshot, __VA_ARGS__)

#define IVssDifferentialSoftwareSnapshotMgmt2_QueryInterface IUnknown_QueryInterface
#define IVssDifferentialSoftwareSnapshotMgmt2_AddRef IUnknown_AddRef
#define IVssDifferentialSoftwareSnapshotMgmt2_Release IUnknown_Release
#define IVssDifferentialSoftwareSnapshotMgmt2_AddDiffArea IVssDifferentialSoftwareSnapshotMgmt_AddDiffArea
#define IVssDifferentialSoftwareSnapshotMgmt2_ChangeDiffAreaMaximumSize \
        IVssDifferentialSoftwareSnapshotMgmt_ChangeDiffAreaMaximumSize
#define IVssDifferentialSoftwareSnapshotMgmt2_QueryVolumesSupportedForDiffAreas \
        IVssDifferentialSoftwareSnapshotMgmt_QueryVolumesSupportedForDiffAreas
#define IVssDifferentialSoftwareSnapshotMgmt2_QueryDiffAreasForVolume \
        IVssDifferentialSoftwareSnapshotMgmt_QueryDiffAreasForVolume
#define IVssDifferentialSoftwareSnapshotMgmt2_QueryDiffAreasOnVolume \
        IVssDifferentialSoftwareSnapshotMgmt_QueryDiffAreasOnVolume
#define IVssDifferentialSoftwareSnapshotMgmt2_QueryDiffAreasForSnapshot \
        IVssDifferentialSoftwareSnapshotMgmt_QueryDiffAreasForSnapshot
#define IVssDifferentialSoftwareSnapshotMgmt2_ChangeDiffAreaMaximumSizeEx(This, ...) \
        UMBRA_CALL(This, ChangeDiffAreaMaximumSizeEx, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt2_MigrateDiffAreas(This, ...) \
        UMBRA_CALL(This, MigrateDiffAreas, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt2_QueryMigrationStatus(This, ...) \
        UMBRA_CALL(This, QueryMigrationStatus, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt2_SetSnapshotPriority(This, ...) \
        UMBRA_CALL(This, SetSnapshotPriority, __VA_ARGS__)

#define IVssDifferentialSoftwareSnapshotMgmt3_QueryInterface IUnknown_QueryInterface
#define IVssDifferentialSoftwareSnapshotMgmt3_AddRef IUnknown_AddRef
#define IVssDifferentialSoftwareSnapshotMgmt3_Release IUnknown_Release
#define IVssDifferentialSoftwareSnapshotMgmt3_AddDiffArea IVssDifferentialSoftwareSnapshotMgmt_AddDiffArea
#define IVssDifferentialSoftwareSnapshotMgmt3_ChangeDiffAreaMaximumSize \
        IVssDifferentialSoftwareSnapshotMgmt_ChangeDiffAreaMaximumSize
#define IVssDifferentialSoftwareSnapshotMgmt3_QueryVolumesSupportedForDiffAreas \
        IVssDifferentialSoftwareSnapshotMgmt_QueryVolumesSupportedForDiffAreas
#define IVssDifferentialSoftwareSnapshotMgmt3_QueryDiffAreasForVolume \
        IVssDifferentialSoftwareSnapshotMgmt_QueryDiffAreasForVolume
#define IVssDifferentialSoftwareSnapshotMgmt3_QueryDiffAreasOnVolume \
        IVssDifferentialSoftwareSnapshotMgmt_QueryDiffAreasOnVolume
#define IVssDifferentialSoftwareSnapshotMgmt3_QueryDiffAreasForSnapshot \
        IVssDifferentialSoftwareSnapshotMgmt_QueryDiffAreasForSnapshot
#define IVssDifferentialSoftwareSnapshotMgmt3_ChangeDiffAreaMaximumSizeEx \
        IVssDifferentialSoftwareSnapshotMgmt2_ChangeDiffAreaMaximumSizeEx
#define IVssDifferentialSoftwareSnapshotMgmt3_MigrateDiffAreas \
        IVssDifferentialSoftwareSnapshotMgmt2_MigrateDiffAreas
#define IVssDifferentialSoftwareSnapshotMgmt3_QueryMigrationStatus \
        IVssDifferentialSoftwareSnapshotMgmt2_QueryMigrationStatus
#define IVssDifferentialSoftwareSnapshotMgmt3_SetSnapshotPriority \
        IVssDifferentialSoftwareSnapshotMgmt2_SetSnapshotPriority
#define IVssDifferentialSoftwareSnapshotMgmt3_SetVolumeProtectLevel(This, ...) \
        UMBRA_CALL(This, SetVolumeProtectLevel, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt3_GetVolumeProtectLevel(This, ...) \
        UMBRA_CALL(This, GetVolumeProtectLevel, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt3_ClearVolumeProtectFault(This, ...) \
        UMBRA_CALL(This, ClearVolumeProtectFault, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt3_DeleteUnusedDiffAreas(This, ...) \
        UMBRA_CALL(This, DeleteUnusedDiffAreas, __VA_ARGS__)
#define IVssDifferentialSoftwareSnapshotMgmt3_QuerySnapshotDeltaBitmap(This, ...) \
        UMBRA_CALL(This, QuerySnapshotDeltaBitmap, __VA_ARGS__)

#endif
