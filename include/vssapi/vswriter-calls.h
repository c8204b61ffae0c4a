/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSWRITER_CALLS_H
#define UMBRA_VSWRITER_CALLS_H

/*
 * How C calls the Methods of vswriter.h
 *
 * IFoo_Method(This, ...) for every method, inherited ones as well: those are the macros of the base, because
 * the tables begin alike. The arguments are those of the declaration. vswriter-interfaces.h includes this
 * file; do not do so yourself.
 */

#include "unknwn.h"

#define IVssWMFiledesc_QueryInterface IUnknown_QueryInterface
#define IVssWMFiledesc_AddRef IUnknown_AddRef
#define IVssWMFiledesc_Release IUnknown_Release
#define IVssWMFiledesc_GetPath(This, ...) UMBRA_CALL(This, GetPath, __VA_ARGS__)
#define IVssWMFiledesc_GetFilespec(This, ...) UMBRA_CALL(This, GetFilespec, __VA_ARGS__)
#define IVssWMFiledesc_GetRecursive(This, ...) UMBRA_CALL(This, GetRecursive, __VA_ARGS__)
#define IVssWMFiledesc_GetAlternateLocation(This, ...) UMBRA_CALL(This, GetAlternateLocation, __VA_ARGS__)
#define IVssWMFiledesc_GetBackupTypeMask(This, ...) UMBRA_CALL(This, GetBackupTypeMask, __VA_ARGS__)

#define IVssWMDependency_QueryInterface IUnknown_QueryInterface
#define IVssWMDependency_AddRef IUnknown_AddRef
#define IVssWMDependency_Release IUnknown_Release
#define IVssWMDependency_GetWriterId(This, ...) UMBRA_CALL(This, GetWriterId, __VA_ARGS__)
#define IVssWMDependency_GetLogicalPath(This, ...) UMBRA_CALL(This, GetLogicalPath, __VA_ARGS__)
#define IVssWMDependency_GetComponentName(This, ...) UMBRA_CALL(This, GetComponentName, __VA_ARGS__)

#define IVssComponent_QueryInterface IUnknown_QueryInterface
#define IVssComponent_AddRef IUnknown_AddRef
#define IVssComponent_Release IUnknown_Release
#define IVssComponent_GetLogicalPath(This, ...) UMBRA_CALL(This, GetLogicalPath, __VA_ARGS__)
#define IVssComponent_GetComponentType(This, ...) UMBRA_CALL(This, GetComponentType, __VA_ARGS__)
#define IVssComponent_GetComponentName(This, ...) UMBRA_CALL(This, GetComponentName, __VA_ARGS__)
#define IVssComponent_GetBackupSucceeded(This, ...) UMBRA_CALL(This, GetBackupSucceeded, __VA_ARGS__)
#define IVssComponent_GetAlternateLocationMappingCount(This, ...) \
        UMBRA_CALL(This, GetAlternateLocationMappingCount, __VA_ARGS__)
#define IVssComponent_GetAlternateLocationMapping(This, ...) \
        UMBRA_CALL(This, GetAlternateLocationMapping, __VA_ARGS__)
#define IVssComponent_SetBackupMetadata(This, ...) UMBRA_CALL(This, SetBackupMetadata, __VA_ARGS__)
#define IVssComponent_GetBackupMetadata(This, ...) UMBRA_CALL(This, GetBackupMetadata, __VA_ARGS__)
#define IVssComponent_AddPartialFile(This, ...) UMBRA_CALL(This, AddPartialFile, __VA_ARGS__)
#define IVssComponent_GetPartialFileCount(This, ...) UMBRA_CALL(This, GetPartialFileCount, __VA_ARGS__)
#define IVssComponent_GetPartialFile(This, ...) UMBRA_CALL(This, GetPartialFile, __VA_ARGS__)
#define IVssComponent_IsSelectedForRestore(This, ...) UMBRA_CALL(This, IsSelectedForRestore, __VA_ARGS__)
#define IVssComponent_GetAdditionalRestores(This, ...) UMBRA_CALL(This, GetAdditionalRestores, __VA_ARGS__)
#define IVssComponent_GetNewTargetCount(This, ...) UMBRA_CALL(This, GetNewTargetCount, __VA_ARGS__)
#define IVssComponent_GetNewTarget(This, ...) UMBRA_CALL(This, GetNewTarget, __VA_ARGS__)
#define IVssComponent_AddDirectedTarget(This, ...) UMBRA_CALL(This, AddDirectedTarget, __VA_ARGS__)
#define IVssComponent_GetDirectedTargetCount(This, ...) UMBRA_CALL(This, GetDirectedTargetCount, __VA_ARGS__)
#define IVssComponent_GetDirectedTarget(This, ...) UMBRA_CALL(This, GetDirectedTarget, __VA_ARGS__)
#define IVssComponent_SetRestoreMetadata(This, ...) UMBRA_CALL(This, SetRestoreMetadata, __VA_ARGS__)
#define IVssComponent_GetRestoreMetadata(This, ...) UMBRA_CALL(This, GetRestoreMetadata, __VA_ARGS__)
#define IVssComponent_SetRestoreTarget(This, ...) UMBRA_CALL(This, SetRestoreTarget, __VA_ARGS__)
#define IVssComponent_GetRestoreTarget(This, ...) UMBRA_CALL(This, GetRestoreTarget, __VA_ARGS__)
#define IVssComponent_SetPreRestoreFailureMsg(This, ...) \
        UMBRA_CALL(This, SetPreRestoreFailureMsg, __VA_ARGS__)
#define IVssComponent_GetPreRestoreFailureMsg(This, ...) \
        UMBRA_CALL(This, GetPreRestoreFailureMsg, __VA_ARGS__)
#define IVssComponent_SetPostRestoreFailureMsg(This, ...) \
        UMBRA_CALL(This, SetPostRestoreFailureMsg, __VA_ARGS__)
#define IVssComponent_GetPostRestoreFailureMsg(This, ...) \
        UMBRA_CALL(This, GetPostRestoreFailureMsg, __VA_ARGS__)
#define IVssComponent_SetBackupStamp(This, ...) UMBRA_CALL(This, SetBackupStamp, __VA_ARGS__)
#define IVssComponent_GetBackupStamp(This, ...) UMBRA_CALL(This, GetBackupStamp, __VA_ARGS__)
#define IVssComponent_GetPreviousBackupStamp(This, ...) UMBRA_CALL(This, GetPreviousBackupStamp, __VA_ARGS__)
#define IVssComponent_GetBackupOptions(This, ...) UMBRA_CALL(This, GetBackupOptions, __VA_ARGS__)
#define IVssComponent_GetRestoreOptions(This, ...) UMBRA_CALL(This, GetRestoreOptions, __VA_ARGS__)
#define IVssComponent_GetRestoreSubcomponentCount(This, ...) \
        UMBRA_CALL(This, GetRestoreSubcomponentCount, __VA_ARGS__)
#define IVssComponent_GetRestoreSubcomponent(This, ...) UMBRA_CALL(This, GetRestoreSubcomponent, __VA_ARGS__)
#define IVssComponent_GetFileRestoreStatus(This, ...) UMBRA_CALL(This, GetFileRestoreStatus, __VA_ARGS__)
#define IVssComponent_AddDifferencedFilesByLastModifyTime(This, ...) \
        UMBRA_CALL(This, AddDifferencedFilesByLastModifyTime, __VA_ARGS__)
#define IVssComponent_AddDifferencedFilesByLastModifyLSN(This, ...) \
        UMBRA_CALL(This, AddDifferencedFilesByLastModifyLSN, __VA_ARGS__)
#define IVssComponent_GetDifferencedFilesCount(This, ...) \
        UMBRA_CALL(This, GetDifferencedFilesCount, __VA_ARGS__)
#define IVssComponent_GetDifferencedFile(This, ...) UMBRA_CALL(This, GetDifferencedFile, __VA_ARGS__)

#define IVssComponentEx_QueryInterface IUnknown_QueryInterface
#define IVssComponentEx_AddRef IUnknown_AddRef
#define IVssComponentEx_Release IUnknown_Release
#define IVssComponentEx_GetLogicalPath IVssComponent_GetLogicalPath
#define IVssComponentEx_GetComponentType IVssComponent_GetComponentType
#define IVssComponentEx_GetComponentName IVssComponent_GetComponentName
#define IVssComponentEx_GetBackupSucceeded IVssComponent_GetBackupSucceeded
#define IVssComponentEx_GetAlternateLocationMappingCount IVssComponent_GetAlternateLocationMappingCount
#define IVssComponentEx_GetAlternateLocationMapping IVssComponent_GetAlternateLocationMapping
#define IVssComponentEx_SetBackupMetadata IVssComponent_SetBackupMetadata
#define IVssComponentEx_GetBackupMetadata IVssComponent_GetBackupMetadata
#define IVssComponentEx_AddPartialFile IVssComponent_AddPartialFile
#define IVssComponentEx_GetPartialFileCount IVssComponent_GetPartialFileCount
#define IVssComponentEx_GetPartialFile IVssComponent_GetPartialFile
#define IVssComponentEx_IsSelectedForRestore IVssComponent_IsSelectedForRestore
#define IVssComponentEx_GetAdditionalRestores IVssComponent_GetAdditionalRestores
#define IVssComponentEx_GetNewTargetCount IVssComponent_GetNewTargetCount
#define IVssComponentEx_GetNewTarget IVssComponent_GetNewTarget
#define IVssComponentEx_AddDirectedTarget IVssComponent_AddDirectedTarget
#define IVssComponentEx_GetDirectedTargetCount IVssComponent_GetDirectedTargetCount
#define IVssComponentEx_GetDirectedTarget IVssComponent_GetDirectedTarget
#define IVssComponentEx_SetRestoreMetadata IVssComponent_SetRestoreMetadata
#define IVssComponentEx_GetRestoreMetadata IVssComponent_GetRestoreMetadata
#define IVssComponentEx_SetRestoreTarget IVssComponent_SetRestoreTarget
#define IVssComponentEx_GetRestoreTarget IVssComponent_GetRestoreTarget
#define IVssComponentEx_SetPreRestoreFailureMsg IVssComponent_SetPreRestoreFailureMsg
#define IVssComponentEx_GetPreRestoreFailureMsg IVssComponent_GetPreRestoreFailureMsg
#define IVssComponentEx_SetPostRestoreFailureMsg IVssComponent_SetPostRestoreFailureMsg
#define IVssComponentEx_GetPostRestoreFailureMsg IVssComponent_GetPostRestoreFailureMsg
#define IVssComponentEx_SetBackupStamp IVssComponent_SetBackupStamp
#define IVssComponentEx_GetBackupStamp IVssComponent_GetBackupStamp
#define IVssComponentEx_GetPreviousBackupStamp IVssComponent_GetPreviousBackupStamp
#define IVssComponentEx_GetBackupOptions IVssComponent_GetBackupOptions
#define IVssComponentEx_GetRestoreOptions IVssComponent_GetRestoreOptions
#define IVssComponentEx_GetRestoreSubcomponentCount IVssComponent_GetRestoreSubcomponentCount
#define IVssComponentEx_GetRestoreSubcomponent IVssComponent_GetRestoreSubcomponent
#define IVssComponentEx_GetFileRestoreStatus IVssComponent_GetFileRestoreStatus
#define IVssComponentEx_AddDifferencedFilesByLastModifyTime IVssComponent_AddDifferencedFilesByLastModifyTime
#define IVssComponentEx_AddDifferencedFilesByLastModifyLSN IVssComponent_AddDifferencedFilesByLastModifyLSN
#define IVssComponentEx_GetDifferencedFilesCount IVssComponent_GetDifferencedFilesCount
#define IVssComponentEx_GetDifferencedFile IVssComponent_GetDifferencedFile
#define IVssComponentEx_SetPrepareForBackupFailureMsg(This, ...) \
        UMBRA_CALL(This, SetPrepareForBackupFailureMsg, __VA_ARGS__)
#define IVssComponentEx_SetPostSnapshotFailureMsg(This, ...) \
        UMBRA_CALL(This, SetPostSnapshotFailureMsg, __VA_ARGS__)
#define IVssComponentEx_GetPrepareForBackupFailureMsg(This, ...) \
        UMBRA_CALL(This, GetPrepareForBackupFailureMsg, __VA_ARGS__)
#define IVssComponentEx_GetPostSnapshotFailureMsg(This, ...) \
        UMBRA_CALL(This, GetPostSnapshotFailureMsg, __VA_ARGS__)
#define IVssComponentEx_GetAuthoritativeRestore(This, ...) \
        UMBRA_CALL(This, GetAuthoritativeRestore, __VA_ARGS__)
#define IVssComponentEx_GetRollForward(This, ...) UMBRA_CALL(This, GetRollForward, __VA_ARGS__)
#define IVssComponentEx_GetRestoreName(This, ...) UMBRA_CALL(This, GetRestoreName, __VA_ARGS__)

#define IVssComponentEx2_QueryInterface IUnknown_QueryInterface
#define IVssComponentEx2_AddRef IUnknown_AddRef
#define IVssComponentEx2_Release IUnknown_Release
#define IVssComponentEx2_GetLogicalPath IVssComponent_GetLogicalPath
#define IVssComponentEx2_GetComponentType IVssComponent_GetComponentType
#define IVssComponentEx2_GetComponentName IVssComponent_GetComponentName
#define IVssComponentEx2_GetBackupSucceeded IVssComponent_GetBackupSucceeded
#define IVssComponentEx2_GetAlternateLocationMappingCount IVssComponent_GetAlternateLocationMappingCount
#define IVssComponentEx2_GetAlternateLocationMapping IVssComponent_GetAlternateLocationMapping
#define IVssComponentEx2_SetBackupMetadata IVssComponent_SetBackupMetadata
#define IVssComponentEx2_GetBackupMetadata IVssComponent_GetBackupMetadata
#define IVssComponentEx2_AddPartialFile IVssComponent_AddPartialFile
#define IVssComponentEx2_GetPartialFileCount IVssComponent_GetPartialFileCount
#define IVssComponentEx2_GetPartialFile IVssComponent_GetPartialFile
#define IVssComponentEx2_IsSelectedForRestore IVssComponent_IsSelectedForRestore
#define IVssComponentEx2_GetAdditionalRestores IVssComponent_GetAdditionalRestores
#define IVssComponentEx2_GetNewTargetCount IVssComponent_GetNewTargetCount
#define IVssComponentEx2_GetNewTarget IVssComponent_GetNewTarget
#define IVssComponentEx2_AddDirectedTarget IVssComponent_AddDirectedTarget
#define IVssComponentEx2_GetDirectedTargetCount IVssComponent_GetDirectedTargetCount
#define IVssComponentEx2_GetDirectedTarget IVssComponent_GetDirectedTarget
#define IVssComponentEx2_SetRestoreMetadata IVssComponent_SetRestoreMetadata
#define IVssComponentEx2_GetRestoreMetadata IVssComponent_GetRestoreMetadata
#define IVssComponentEx2_SetRestoreTarget IVssComponent_SetRestoreTarget
#define IVssComponentEx2_GetRestoreTarget IVssComponent_GetRestoreTarget
#define IVssComponentEx2_SetPreRestoreFailureMsg IVssComponent_SetPreRestoreFailureMsg
#define IVssComponentEx2_GetPreRestoreFailureMsg IVssComponent_GetPreRestoreFailureMsg
#define IVssComponentEx2_SetPostRestoreFailureMsg IVssComponent_SetPostRestoreFailureMsg
#define IVssComponentEx2_GetPostRestoreFailureMsg IVssComponent_GetPostRestoreFailureMsg
#define IVssComponentEx2_SetBackupStamp IVssComponent_SetBackupStamp
#define IVssComponentEx2_GetBackupStamp IVssComponent_GetBackupStamp
#define IVssComponentEx2_GetPreviousBackupStamp IVssComponent_GetPreviousBackupStamp
#define IVssComponentEx2_GetBackupOptions IVssComponent_GetBackupOptions
#define IVssComponentEx2_GetRestoreOptions IVssComponent_GetRestoreOptions
#define IVssComponentEx2_GetRestoreSubcomponentCount IVssComponent_GetRestoreSubcomponentCount
#define IVssComponentEx2_GetRestoreSubcomponent IVssComponent_GetRestoreSubcomponent
#define IVssComponentEx2_GetFileRestoreStatus IVssComponent_GetFileRestoreStatus
#define IVssComponentEx2_AddDifferencedFilesByLastModifyTime \
        IVssComponent_AddDifferencedFilesByLastModifyTime
#define IVssComponentEx2_AddDifferencedFilesByLastModifyLSN IVssComponent_AddDifferencedFilesByLastModifyLSN
#define IVssComponentEx2_GetDifferencedFilesCount IVssComponent_GetDifferencedFilesCount
#define IVssComponentEx2_GetDifferencedFile IVssComponent_GetDifferencedFile
#define IVssComponentEx2_SetPrepareForBackupFailureMsg IVssComponentEx_SetPrepareForBackupFailureMsg
#define IVssComponentEx2_SetPostSnapshotFailureMsg IVssComponentEx_SetPostSnapshotFailureMsg
#define IVssComponentEx2_GetPrepareForBackupFailureMsg IVssComponentEx_GetPrepareForBackupFailureMsg
#define IVssComponentEx2_GetPostSnapshotFailureMsg IVssComponentEx_GetPostSnapshotFailureMsg
#define IVssComponentEx2_GetAuthoritativeRestore IVssComponentEx_GetAuthoritativeRestore
#define IVssComponentEx2_GetRollForward IVssComponentEx_GetRollForward
#define IVssComponentEx2_GetRestoreName IVssComponentEx_GetRestoreName
#define IVssComponentEx2_SetFailure(This, ...) UMBRA_CALL(This, SetFailure, __VA_ARGS__)
#define IVssComponentEx2_GetFailure(This, ...) UMBRA_CALL(This, GetFailure, __VA_ARGS__)

#define IVssWriterComponents_GetComponentCount(This, ...) UMBRA_CALL(This, GetComponentCount, __VA_ARGS__)
#define IVssWriterComponents_GetWriterInfo(This, ...) UMBRA_CALL(This, GetWriterInfo, __VA_ARGS__)
#define IVssWriterComponents_GetComponent(This, ...) UMBRA_CALL(This, GetComponent, __VA_ARGS__)

#define IVssCreateWriterMetadata_AddIncludeFiles(This, ...) UMBRA_CALL(This, AddIncludeFiles, __VA_ARGS__)
#define IVssCreateWriterMetadata_AddExcludeFiles(This, ...) UMBRA_CALL(This, AddExcludeFiles, __VA_ARGS__)
#define IVssCreateWriterMetadata_AddComponent(This, ...) UMBRA_CALL(This, AddComponent, __VA_ARGS__)
#define IVssCreateWriterMetadata_AddDatabaseFiles(This, ...) UMBRA_CALL(This, AddDatabaseFiles, __VA_ARGS__)
#define IVssCreateWriterMetadata_AddDatabaseLogFiles(This, ...) \
        UMBRA_CALL(This, AddDatabaseLogFiles, __VA_ARGS__)
#define IVssCreateWriterMetadata_AddFilesToFileGroup(This, ...) \
        UMBRA_CALL(This, AddFilesToFileGroup, __VA_ARGS__)
#define IVssCreateWriterMetadata_SetRestoreMethod(This, ...) UMBRA_CALL(This, SetRestoreMethod, __VA_ARGS__)
#define IVssCreateWriterMetadata_AddAlternateLocationMapping(This, ...) \
        UMBRA_CALL(This, AddAlternateLocationMapping, __VA_ARGS__)
#define IVssCreateWriterMetadata_AddComponentDependency(This, ...) \
        UMBRA_CALL(This, AddComponentDependency, __VA_ARGS__)
#define IVssCreateWriterMetadata_SetBackupSchema(This, ...) UMBRA_CALL(This, SetBackupSchema, __VA_ARGS__)
#define IVssCreateWriterMetadata_GetDocument(This, ...) UMBRA_CALL(This, GetDocument, __VA_ARGS__)
#define IVssCreateWriterMetadata_SaveAsXML(This, ...) UMBRA_CALL(This, SaveAsXML, __VA_ARGS__)

#define IVssCreateWriterMetadataEx_QueryInterface(This, ...) \
        IUnknown_QueryInterface(&(This)->unknown, __VA_ARGS__)
#define IVssCreateWriterMetadataEx_AddRef(This) IUnknown_AddRef(&(This)->unknown)
#define IVssCreateWriterMetadataEx_Release(This) IUnknown_Release(&(This)->unknown)
#define IVssCreateWriterMetadataEx_AddIncludeFiles IVssCreateWriterMetadata_AddIncludeFiles
#define IVssCreateWriterMetadataEx_AddExcludeFiles IVssCreateWriterMetadata_AddExcludeFiles
#define IVssCreateWriterMetadataEx_AddComponent IVssCreateWriterMetadata_AddComponent
#define IVssCreateWriterMetadataEx_AddDatabaseFiles IVssCreateWriterMetadata_AddDatabaseFiles
#define IVssCreateWriterMetadataEx_AddDatabaseLogFiles IVssCreateWriterMetadata_AddDatabaseLogFiles
#define IVssCreateWriterMetadataEx_AddFilesToFileGroup IVssCreateWriterMetadata_AddFilesToFileGroup
#define IVssCreateWriterMetadataEx_SetRestoreMethod IVssCreateWriterMetadata_SetRestoreMethod
#define IVssCreateWriterMetadataEx_AddAlternateLocationMapping \
        IVssCreateWriterMetadata_AddAlternateLocationMapping
#define IVssCreateWriterMetadataEx_AddComponentDependency IVssCreateWriterMetadata_AddComponentDependency
#define IVssCreateWriterMetadataEx_SetBackupSchema IVssCreateWriterMetadata_SetBackupSchema
#define IVssCreateWriterMetadataEx_GetDocument IVssCreateWriterMetadata_GetDocument
#define IVssCreateWriterMetadataEx_SaveAsXML IVssCreateWriterMetadata_SaveAsXML
#define IVssCreateWriterMetadataEx_AddExcludeFilesFromSnapshot(This, ...) \
        UMBRA_CALL(This, AddExcludeFilesFromSnapshot, __VA_ARGS__)

#define IVssCreateExpressWriterMetadata_QueryInterface IUnknown_QueryInterface
#define IVssCreateExpressWriterMetadata_AddRef IUnknown_AddRef
#define IVssCreateExpressWriterMetadata_Release IUnknown_Release
#define IVssCreateExpressWriterMetadata_AddExcludeFiles(This, ...) \
        UMBRA_CALL(This, AddExcludeFiles, __VA_ARGS__)
#define IVssCreateExpressWriterMetadata_AddComponent(This, ...) UMBRA_CALL(This, AddComponent, __VA_ARGS__)
#define IVssCreateExpressWriterMetadata_AddFilesToFileGroup(This, ...) \
        UMBRA_CALL(This, AddFilesToFileGroup, __VA_ARGS__)
#define IVssCreateExpressWriterMetadata_SetRestoreMethod(This, ...) \
        UMBRA_CALL(This, SetRestoreMethod, __VA_ARGS__)
#define IVssCreateExpressWriterMetadata_AddComponentDependency(This, ...) \
        UMBRA_CALL(This, AddComponentDependency, __VA_ARGS__)
#define IVssCreateExpressWriterMetadata_SetBackupSchema(This, ...) \
        UMBRA_CALL(This, SetBackupSchema, __VA_ARGS__)
#define IVssCreateExpressWriterMetadata_SaveAsXML(This, ...) UMBRA_CALL(This, SaveAsXML, __VA_ARGS__)

#define IVssExpressWriter_QueryInterface IUnknown_QueryInterface
#define IVssExpressWriter_AddRef IUnknown_AddRef
#define IVssExpressWriter_Release IUnknown_Release
#define IVssExpressWriter_CreateMetadata(This, ...) UMBRA_CALL(This, CreateMetadata, __VA_ARGS__)
#define IVssExpressWriter_LoadMetadata(This, ...) UMBRA_CALL(This, LoadMetadata, __VA_ARGS__)
#define IVssExpressWriter_Register(This) UMBRA_CALL0(This, Register)
#define IVssExpressWriter_Unregister(This, ...) UMBRA_CALL(This, Unregister, __VA_ARGS__)

#endif
