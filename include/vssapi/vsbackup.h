/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSBACKUP_H
#define UMBRA_VSBACKUP_H

/*
 * The Requester's Side
 *
 * Everything a backup program needs: IVssBackupComponents, which is one backup or one restore from beginning
 * to end, and what it hands out. A backup in short:
 *
 *   CreateVssBackupComponents, InitializeForBackup, SetContext, SetBackupState, GatherWriterMetadata,
 *   StartSnapshotSet, AddToSnapshotSet per volume, PrepareForBackup, DoSnapshotSet, GetSnapshotProperties,
 *   (read the files), SetBackupSucceeded per component, BackupComplete, SaveAsXML, Release
 *
 * Releasing the object without BackupComplete() gives the backup up. umbra is as patient about the order of
 * calls as the programs in use need it; what is out of order by the documentation gets VSS_E_BAD_STATE.
 *
 * The object lives as long as its connection to umbrad. When that is lost all methods answer VSS_E_UNEXPECTED,
 * and E_ACCESSDENIED when the administrator has taken the right to make backups away; only SaveAsXML() and what
 * frees something go on. A new object is needed then.
 */

#include "vss.h"
#include "vswriter.h"

#define VSS_SW_BOOTABLE_STATE 0x1

/* What a writer said about one of its components. NULL strings are possible except for the name. */
typedef struct VSS_COMPONENTINFO {
        VSS_COMPONENT_TYPE type;      /* database or file group */
        BSTR bstrLogicalPath;         /* or NULL */
        BSTR bstrComponentName;       /* component name */
        BSTR bstrCaption;             /* text to show, or NULL */
        BYTE *pbIcon;                 /* bytes of an icon, or NULL */
        UINT cbIcon;                  /* size of the icon */
        bool bRestoreMetadata;        /* the writer may supply private words at restore */
        bool bNotifyOnBackupComplete; /* reserved */
        bool bSelectable;             /* selectable for backup */
        bool bSelectableForRestore;   /* selectable for restore */
        DWORD dwComponentFlags;       /* VSS_COMPONENT_FLAGS */
        UINT cFileCount;              /* file sets of a file group */
        UINT cDatabases;              /* database file sets */
        UINT cLogFiles;               /* database log file sets */
        UINT cDependencies;           /* dependencies on other writers */
} VSS_COMPONENTINFO;
typedef const VSS_COMPONENTINFO *PVSSCOMPONENTINFO;

/*
 * IVssWMComponent
 *
 * A component in the metadata of a writer.
 */
#define INTERFACE IVssWMComponent
DECLARE_INTERFACE_(IVssWMComponent, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* Free *ppInfo with FreeComponentInfo() of this object, and with nothing else.
         * [MS: nf-vsbackup-ivsswmcomponent-getcomponentinfo] */
        STDMETHOD(GetComponentInfo)(THIS_ PVSSCOMPONENTINFO *ppInfo) PURE;

        /* Takes NULL. [MS: nf-vsbackup-ivsswmcomponent-freecomponentinfo] */
        STDMETHOD(FreeComponentInfo)(THIS_ PVSSCOMPONENTINFO pInfo) PURE;

        /* A file set of a file group, 0 <= iFile < cFileCount. The caller releases it. Fails with
         * VSS_E_OBJECT_NOT_FOUND. [MS: nf-vsbackup-ivsswmcomponent-getfile] */
        STDMETHOD(GetFile)(THIS_ UINT iFile, IVssWMFiledesc **ppFiledesc) PURE;

        /* A file set of a database, 0 <= iDBFile < cDatabases. The caller releases it. Fails with
         * VSS_E_OBJECT_NOT_FOUND. [MS: nf-vsbackup-ivsswmcomponent-getdatabasefile] */
        STDMETHOD(GetDatabaseFile)(THIS_ UINT iDBFile, IVssWMFiledesc **ppFiledesc) PURE;

        /* A set of log files, 0 <= iDbLogFile < cLogFiles. The caller releases it. Fails with
         * VSS_E_OBJECT_NOT_FOUND. [MS: nf-vsbackup-ivsswmcomponent-getdatabaselogfile] */
        STDMETHOD(GetDatabaseLogFile)(THIS_ UINT iDbLogFile, IVssWMFiledesc **ppFiledesc) PURE;

        /* A component of another writer that this one needs, 0 <= iDependency < cDependencies. The caller
         * releases it. Fails with VSS_E_OBJECT_NOT_FOUND. [MS: nf-vsbackup-ivsswmcomponent-getdependency] */
        STDMETHOD(GetDependency)(THIS_ UINT iDependency, IVssWMDependency **ppDependency) PURE;
};
#undef INTERFACE

/*
 * IVssExamineWriterMetadata
 *
 * What a writer said about itself. QueryInterface() leads to IVssExamineWriterMetadataEx2.
 */
EXTERN_C UMBRA_API const IID IID_IVssExamineWriterMetadata; /* {902FCF7F-B7FD-42F8-81F1-B2E400B1E5BD} */

#define IVSS_EXAMINE_WRITER_METADATA_METHODS                                                                \
        /* Free *pbstrWriterName with SysFreeString().                                                      \
         * [MS: nf-vsbackup-ivssexaminewritermetadata-getidentity] */                                       \
        STDMETHOD(GetIdentity)(THIS_ VSS_ID *pidInstance,                                                   \
                                     VSS_ID *pidWriter,                                                     \
                                     BSTR *pbstrWriterName,                                                 \
                                     VSS_USAGE_TYPE *pUsage,                                                \
                                     VSS_SOURCE_TYPE *pSource) PURE;                                        \
                                                                                                            \
        /* *pcIncludeFiles is always 0. [MS: nf-vsbackup-ivssexaminewritermetadata-getfilecounts] */        \
        STDMETHOD(GetFileCounts)(THIS_ UINT *pcIncludeFiles,                                                \
                                       UINT *pcExcludeFiles,                                                \
                                       UINT *pcComponents) PURE;                                            \
                                                                                                            \
        /* Reserved. E_NOTIMPL. [MS: nf-vsbackup-ivssexaminewritermetadata-getincludefile] */               \
        STDMETHOD(GetIncludeFile)(THIS_ UINT iFile, IVssWMFiledesc **ppFiledesc) PURE;                      \
                                                                                                            \
        /* A file set that must not be saved. The caller releases it. Fails with VSS_E_OBJECT_NOT_FOUND.    \
         * [MS: nf-vsbackup-ivssexaminewritermetadata-getexcludefile] */                                    \
        STDMETHOD(GetExcludeFile)(THIS_ UINT iFile, IVssWMFiledesc **ppFiledesc) PURE;                      \
                                                                                                            \
        /* The caller releases it. Fails with VSS_E_OBJECT_NOT_FOUND.                                       \
         * [MS: nf-vsbackup-ivssexaminewritermetadata-getcomponent] */                                      \
        STDMETHOD(GetComponent)(THIS_ UINT iComponent, IVssWMComponent **ppComponent) PURE;                 \
                                                                                                            \
        /* S_FALSE if the writer defined none. Free both strings with SysFreeString().                      \
         * [MS: nf-vsbackup-ivssexaminewritermetadata-getrestoremethod] */                                  \
        STDMETHOD(GetRestoreMethod)(THIS_ VSS_RESTOREMETHOD_ENUM *pMethod,                                  \
                                          BSTR *pbstrService,                                               \
                                          BSTR *pbstrUserProcedure,                                         \
                                          VSS_WRITERRESTORE_ENUM *pwriterRestore,                           \
                                          bool *pbRebootRequired,                                           \
                                          UINT *pcMappings) PURE;                                           \
                                                                                                            \
        /* Where to restore a file set to if it cannot go home. The caller releases it. Fails with          \
         * VSS_E_OBJECT_NOT_FOUND.                                                                          \
         * [MS: nf-vsbackup-ivssexaminewritermetadata-getalternatelocationmapping] */                       \
        STDMETHOD(GetAlternateLocationMapping)(THIS_ UINT iMapping, IVssWMFiledesc **ppFiledesc) PURE;      \
                                                                                                            \
        /* VSS_BACKUP_SCHEMA bits. [MS: nf-vsbackup-ivssexaminewritermetadata-getbackupschema] */           \
        STDMETHOD(GetBackupSchema)(THIS_ DWORD *pdwSchemaMask) PURE;                                        \
                                                                                                            \
        /* Reserved. E_NOTIMPL. [MS: nf-vsbackup-ivssexaminewritermetadata-getdocument] */                  \
        STDMETHOD(GetDocument)(THIS_ IXMLDOMDocument **pDoc) PURE;                                          \
                                                                                                            \
        /* The Writer Metadata Document. Free it with SysFreeString().                                      \
         * [MS: nf-vsbackup-ivssexaminewritermetadata-saveasxml] */                                         \
        STDMETHOD(SaveAsXML)(THIS_ BSTR *pbstrXML) PURE;                                                    \
                                                                                                            \
        /* Replaces what the object knows. S_FALSE, a success code, if the document cannot be loaded.       \
         * [MS: nf-vsbackup-ivssexaminewritermetadata-loadfromxml] */                                       \
        STDMETHOD(LoadFromXML)(THIS_ BSTR bstrXML) PURE;

#define INTERFACE IVssExamineWriterMetadata
DECLARE_INTERFACE_(IVssExamineWriterMetadata, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)
        IVSS_EXAMINE_WRITER_METADATA_METHODS
};
#undef INTERFACE

/*
 * IVssExamineWriterMetadataEx
 */
EXTERN_C UMBRA_API const IID IID_IVssExamineWriterMetadataEx; /* {0C0E5EC0-CA44-472B-B702-E652DB1C0451} */

#define IVSS_EXAMINE_WRITER_METADATA_EX_METHODS                                                             \
        /* As GetIdentity(), with the name of the instance. Free both strings with SysFreeString().         \
         * [MS: nf-vsbackup-ivssexaminewritermetadataex-getidentityex] */                                   \
        STDMETHOD(GetIdentityEx)(THIS_ VSS_ID *pidInstance,                                                 \
                                       VSS_ID *pidWriter,                                                   \
                                       BSTR *pbstrWriterName,                                               \
                                       BSTR *pbstrInstanceName,                                             \
                                       VSS_USAGE_TYPE *pUsage,                                              \
                                       VSS_SOURCE_TYPE *pSource) PURE;

#define INTERFACE IVssExamineWriterMetadataEx
DECLARE_INTERFACE_(IVssExamineWriterMetadataEx, IVssExamineWriterMetadata) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_EXAMINE_WRITER_METADATA_METHODS)
        IVSS_EXAMINE_WRITER_METADATA_EX_METHODS
};
#undef INTERFACE

/*
 * IVssExamineWriterMetadataEx2
 */
EXTERN_C UMBRA_API const IID IID_IVssExamineWriterMetadataEx2; /* {CE115780-A611-431B-B57F-C38303AB6AEE} */

#define INTERFACE IVssExamineWriterMetadataEx2
DECLARE_INTERFACE_(IVssExamineWriterMetadataEx2, IVssExamineWriterMetadataEx) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_EXAMINE_WRITER_METADATA_METHODS)
        BASE_METHODS(IVSS_EXAMINE_WRITER_METADATA_EX_METHODS)

        /* The version the writer gave with InitializeEx().
         * [MS: nf-vsbackup-ivssexaminewritermetadataex2-getversion] */
        STDMETHOD(GetVersion)(THIS_ DWORD *pdwMajorVersion, DWORD *pdwMinorVersion) PURE;

        /* How many file sets the writer deletes from the shadow copy.
         * [MS: nf-vsbackup-ivssexaminewritermetadataex2-getexcludefromsnapshotcount] */
        STDMETHOD(GetExcludeFromSnapshotCount)(THIS_ UINT *pcExcludedFromSnapshot) PURE;

        /* One of them. The caller releases it.
         * [MS: nf-vsbackup-ivssexaminewritermetadataex2-getexcludefromsnapshotfile] */
        STDMETHOD(GetExcludeFromSnapshotFile)(THIS_ UINT iFile, IVssWMFiledesc **ppFiledesc) PURE;
};
#undef INTERFACE

/*
 * IVssWriterComponentsExt
 *
 * The components of one writer, for the requester. It has two bases, IVssWriterComponents (which has no
 * IUnknown) and IUnknown, and therefore two tables, also in C. Must be released.
 */
#if defined(__cplusplus) && !defined(CINTERFACE)
struct IVssWriterComponentsExt : public IVssWriterComponents, public IUnknown {};
#else
typedef struct IVssWriterComponentsExt {
        IVssWriterComponents components;
        IUnknown unknown;
} IVssWriterComponentsExt;
#endif

/*
 * IVssBackupComponents
 *
 * One backup or one restore. Methods that return an IVssAsync have only begun when they return; a failure
 * then shows up in IVssAsync::QueryStatus(). QueryInterface() leads to IVssBackupComponentsEx4.
 */
EXTERN_C UMBRA_API const IID IID_IVssBackupComponents; /* {665C1D5F-C218-414D-A05D-7FEF5F9D5C86} */

#define IVSS_BACKUP_COMPONENTS_METHODS                                                                      \
        /* How many writers have components in the document (writers, whatever the name of the parameter    \
         * says). [MS: nf-vsbackup-ivssbackupcomponents-getwritercomponentscount] */                        \
        STDMETHOD(GetWriterComponentsCount)(THIS_ UINT *pcComponents) PURE;                                 \
                                                                                                            \
        /* The components of one writer. The caller releases it before the next PrepareForBackup(),         \
         * DoSnapshotSet(), BackupComplete(), PreRestore() or PostRestore(), after which it is stale. Fails \
         * with VSS_E_OBJECT_NOT_FOUND. [MS: nf-vsbackup-ivssbackupcomponents-getwritercomponents] */       \
        STDMETHOD(GetWriterComponents)(THIS_ UINT iWriter, IVssWriterComponentsExt **ppWriter) PURE;        \
                                                                                                            \
        /* The first call of a backup. bstrXML is NULL, or a document from SaveAsXML() whose shadow copies  \
         * shall be imported. [MS: nf-vsbackup-ivssbackupcomponents-initializeforbackup] */                 \
        STDMETHOD(InitializeForBackup)(THIS_ BSTR bstrXML DEFAULT_ARGUMENT(NULL)) PURE;                     \
                                                                                                            \
        /* What kind of backup it will be: with components or whole volumes, with the bootable system state \
         * or not. [MS: nf-vsbackup-ivssbackupcomponents-setbackupstate] */                                 \
        STDMETHOD(SetBackupState)(THIS_ bool bSelectComponents,                                             \
                                        bool bBackupBootableSystemState,                                    \
                                        VSS_BACKUP_TYPE backupType,                                         \
                                        bool bPartialFileSupport DEFAULT_ARGUMENT(false)) PURE;             \
                                                                                                            \
        /* The first call of a restore, with the document that SaveAsXML() gave at the end of the backup.   \
         * [MS: nf-vsbackup-ivssbackupcomponents-initializeforrestore] */                                   \
        STDMETHOD(InitializeForRestore)(THIS_ BSTR bstrXML) PURE;                                           \
                                                                                                            \
        /* What kind of restore it will be; before PreRestore().                                            \
         * [MS: nf-vsbackup-ivssbackupcomponents-setrestorestate] */                                        \
        STDMETHOD(SetRestoreState)(THIS_ VSS_RESTORE_TYPE restoreType) PURE;                                \
                                                                                                            \
        /* Asks every writer to identify itself. Once per object. VSS_E_WRITER_INFRASTRUCTURE if umbrad     \
         * cannot be reached. [MS: nf-vsbackup-ivssbackupcomponents-gatherwritermetadata] */                \
        STDMETHOD(GatherWriterMetadata)(THIS_ IVssAsync **pAsync) PURE;                                     \
                                                                                                            \
        /* How many writers answered GatherWriterMetadata(). Those that failed are not among them.          \
         * [MS: nf-vsbackup-ivssbackupcomponents-getwritermetadatacount] */                                 \
        STDMETHOD(GetWriterMetadataCount)(THIS_ UINT *pcWriters) PURE;                                      \
                                                                                                            \
        /* What one writer said about itself. The caller releases *ppMetadata. Fails with                   \
         * VSS_E_OBJECT_NOT_FOUND. [MS: nf-vsbackup-ivssbackupcomponents-getwritermetadata] */              \
        STDMETHOD(GetWriterMetadata)(THIS_ UINT iWriter,                                                    \
                                           VSS_ID *pidInstance,                                             \
                                           IVssExamineWriterMetadata **ppMetadata) PURE;                    \
                                                                                                            \
        /* Forgets what GatherWriterMetadata() brought; it cannot be gathered again on this object.         \
         * [MS: nf-vsbackup-ivssbackupcomponents-freewritermetadata] */                                     \
        STDMETHOD(FreeWriterMetadata)(THIS) PURE;                                                           \
                                                                                                            \
        /* Takes a component into the backup. It must be in the metadata of that writer. wszLogicalPath may \
         * be NULL. Fails with VSS_E_OBJECT_ALREADY_EXISTS.                                                 \
         * [MS: nf-vsbackup-ivssbackupcomponents-addcomponent] */                                           \
        STDMETHOD(AddComponent)(THIS_ VSS_ID instanceId,                                                    \
                                      VSS_ID writerId,                                                      \
                                      VSS_COMPONENT_TYPE ct,                                                \
                                      LPCWSTR wszLogicalPath,                                               \
                                      LPCWSTR wszComponentName) PURE;                                       \
                                                                                                            \
        /* Raises OnPrepareBackup() in the writers.                                                         \
         * [MS: nf-vsbackup-ivssbackupcomponents-prepareforbackup] */                                       \
        STDMETHOD(PrepareForBackup)(THIS_ IVssAsync **ppAsync) PURE;                                        \
                                                                                                            \
        /* Gives the backup up and raises OnAbort(); harmless when nothing is under way. A restore cannot   \
         * be aborted. [MS: nf-vsbackup-ivssbackupcomponents-abortbackup] */                                \
        STDMETHOD(AbortBackup)(THIS) PURE;                                                                  \
                                                                                                            \
        /* Asks every writer for its state. Valid after the asynchronous operations, not between. Fails     \
         * with VSS_E_WRITER_INFRASTRUCTURE. [MS: nf-vsbackup-ivssbackupcomponents-gatherwriterstatus] */   \
        STDMETHOD(GatherWriterStatus)(THIS_ IVssAsync **pAsync) PURE;                                       \
                                                                                                            \
        /* How many writers have a status; as many as have metadata.                                        \
         * [MS: nf-vsbackup-ivssbackupcomponents-getwriterstatuscount] */                                   \
        STDMETHOD(GetWriterStatusCount)(THIS_ UINT *pcWriters) PURE;                                        \
                                                                                                            \
        /* Forgets what GatherWriterStatus() brought.                                                       \
         * [MS: nf-vsbackup-ivssbackupcomponents-freewriterstatus] */                                       \
        STDMETHOD(FreeWriterStatus)(THIS) PURE;                                                             \
                                                                                                            \
        /* The state of one writer. *phResultFailure is S_OK or a VSS_E_WRITERERROR_ code, or one of VSS    \
         * itself: VSS_E_WRITER_NOT_RESPONDING, VSS_E_WRITER_STATUS_NOT_AVAILABLE. Free *pbstrWriter with   \
         * SysFreeString(). Fails with VSS_E_OBJECT_NOT_FOUND.                                              \
         * [MS: nf-vsbackup-ivssbackupcomponents-getwriterstatus] */                                        \
        STDMETHOD(GetWriterStatus)(THIS_ UINT iWriter,                                                      \
                                         VSS_ID *pidInstance,                                               \
                                         VSS_ID *pidWriter,                                                 \
                                         BSTR *pbstrWriter,                                                 \
                                         VSS_WRITER_STATE *pnStatus,                                        \
                                         HRESULT *phResultFailure) PURE;                                    \
                                                                                                            \
        /* Tells the writer whether all files of this component were saved; for each component, before      \
         * BackupComplete(). Fails with VSS_E_OBJECT_NOT_FOUND.                                             \
         * [MS: nf-vsbackup-ivssbackupcomponents-setbackupsucceeded] */                                     \
        STDMETHOD(SetBackupSucceeded)(THIS_ VSS_ID instanceId,                                              \
                                            VSS_ID writerId,                                                \
                                            VSS_COMPONENT_TYPE ct,                                          \
                                            LPCWSTR wszLogicalPath,                                         \
                                            LPCWSTR wszComponentName,                                       \
                                            bool bSucceded) PURE;                                           \
                                                                                                            \
        /* Private words for the writer; before PrepareForBackup(). Fails with VSS_E_OBJECT_NOT_FOUND.      \
         * [MS: nf-vsbackup-ivssbackupcomponents-setbackupoptions] */                                       \
        STDMETHOD(SetBackupOptions)(THIS_ VSS_ID writerId,                                                  \
                                          VSS_COMPONENT_TYPE ct,                                            \
                                          LPCWSTR wszLogicalPath,                                           \
                                          LPCWSTR wszComponentName,                                         \
                                          LPCWSTR wszBackupOptions) PURE;                                   \
                                                                                                            \
        /* Takes a component into the restore, or out; before PreRestore(). VSS_E_OBJECT_NOT_FOUND if it    \
         * was not added explicitly at the backup or its writer does not run.                               \
         * [MS: nf-vsbackup-ivssbackupcomponents-setselectedforrestore] */                                  \
        STDMETHOD(SetSelectedForRestore)(THIS_ VSS_ID writerId,                                             \
                                               VSS_COMPONENT_TYPE ct,                                       \
                                               LPCWSTR wszLogicalPath,                                      \
                                               LPCWSTR wszComponentName,                                    \
                                               bool bSelectedForRestore) PURE;                              \
                                                                                                            \
        /* Private words for the writer, said once; before PreRestore(). Fails with VSS_E_OBJECT_NOT_FOUND. \
         * [MS: nf-vsbackup-ivssbackupcomponents-setrestoreoptions] */                                      \
        STDMETHOD(SetRestoreOptions)(THIS_ VSS_ID writerId,                                                 \
                                           VSS_COMPONENT_TYPE ct,                                           \
                                           LPCWSTR wszLogicalPath,                                          \
                                           LPCWSTR wszComponentName,                                        \
                                           LPCWSTR wszRestoreOptions) PURE;                                 \
                                                                                                            \
        /* true: more restores of this component follow, so do not run recovery yet. Before PreRestore().   \
         * Fails with VSS_E_OBJECT_NOT_FOUND.                                                               \
         * [MS: nf-vsbackup-ivssbackupcomponents-setadditionalrestores] */                                  \
        STDMETHOD(SetAdditionalRestores)(THIS_ VSS_ID writerId,                                             \
                                               VSS_COMPONENT_TYPE ct,                                       \
                                               LPCWSTR wszLogicalPath,                                      \
                                               LPCWSTR wszComponentName,                                    \
                                               bool bAdditionalRestores) PURE;                              \
                                                                                                            \
        /* The stamp of the backup that this one builds on, from IVssComponent::GetBackupStamp(); before    \
         * PrepareForBackup(). Fails with VSS_E_OBJECT_NOT_FOUND.                                           \
         * [MS: nf-vsbackup-ivssbackupcomponents-setpreviousbackupstamp] */                                 \
        STDMETHOD(SetPreviousBackupStamp)(THIS_ VSS_ID writerId,                                            \
                                                VSS_COMPONENT_TYPE ct,                                      \
                                                LPCWSTR wszLogicalPath,                                     \
                                                LPCWSTR wszComponentName,                                   \
                                                LPCWSTR wszPreviousBackupStamp) PURE;                       \
                                                                                                            \
        /* The Backup Components Document as it is now. Free it with SysFreeString().                       \
         * [MS: nf-vsbackup-ivssbackupcomponents-saveasxml] */                                              \
        STDMETHOD(SaveAsXML)(THIS_ BSTR *pbstrXML) PURE;                                                    \
                                                                                                            \
        /* Raises OnBackupComplete(). Not after a failed DoSnapshotSet(). A writer that fails in it, or has \
         * ended, says so in its status. [MS: nf-vsbackup-ivssbackupcomponents-backupcomplete] */           \
        STDMETHOD(BackupComplete)(THIS_ IVssAsync **ppAsync) PURE;                                          \
                                                                                                            \
        /* Says that the files of this file set went to wszDestination; path, pattern and recursion are     \
         * those of the file set. Fails with VSS_E_OBJECT_NOT_FOUND.                                        \
         * [MS: nf-vsbackup-ivssbackupcomponents-addalternativelocationmapping] */                          \
        STDMETHOD(AddAlternativeLocationMapping)(THIS_ VSS_ID writerId,                                     \
                                                       VSS_COMPONENT_TYPE componentType,                    \
                                                       LPCWSTR wszLogicalPath,                              \
                                                       LPCWSTR wszComponentName,                            \
                                                       LPCWSTR wszPath,                                     \
                                                       LPCWSTR wszFilespec,                                 \
                                                       bool bRecursive,                                     \
                                                       LPCWSTR wszDestination) PURE;                        \
                                                                                                            \
        /* Restores this subcomponent, which must be selectable for restore, instead of the whole component,\
         * which must be selected. bRepair must be false. Before PreRestore(). Fails with                   \
         * VSS_E_OBJECT_NOT_FOUND.                                                                          \
         * [MS: nf-vsbackup-ivssbackupcomponents-addrestoresubcomponent] */                                 \
        STDMETHOD(AddRestoreSubcomponent)(THIS_ VSS_ID writerId,                                            \
                                                VSS_COMPONENT_TYPE componentType,                           \
                                                LPCWSTR wszLogicalPath,                                     \
                                                LPCWSTR wszComponentName,                                   \
                                                LPCWSTR wszSubComponentLogicalPath,                         \
                                                LPCWSTR wszSubComponentName,                                \
                                                bool bRepair) PURE;                                         \
                                                                                                            \
        /* How the restore of the component went: VSS_RS_ALL, VSS_RS_NONE (nothing changed) or              \
         * VSS_RS_FAILED (only some files). Between PreRestore() and PostRestore(). Fails with              \
         * VSS_E_OBJECT_NOT_FOUND. [MS: nf-vsbackup-ivssbackupcomponents-setfilerestorestatus] */           \
        STDMETHOD(SetFileRestoreStatus)(THIS_ VSS_ID writerId,                                              \
                                              VSS_COMPONENT_TYPE ct,                                        \
                                              LPCWSTR wszLogicalPath,                                       \
                                              LPCWSTR wszComponentName,                                     \
                                              VSS_FILE_RESTORE_STATUS status) PURE;                         \
                                                                                                            \
        /* Restores this file set to wszAlternatePath, if the writer has VSS_BS_WRITER_SUPPORTS_NEW_TARGET. \
         * Before PreRestore(). Fails with VSS_E_OBJECT_NOT_FOUND.                                          \
         * [MS: nf-vsbackup-ivssbackupcomponents-addnewtarget] */                                           \
        STDMETHOD(AddNewTarget)(THIS_ VSS_ID writerId,                                                      \
                                      VSS_COMPONENT_TYPE ct,                                                \
                                      LPCWSTR wszLogicalPath,                                               \
                                      LPCWSTR wszComponentName,                                             \
                                      LPCWSTR wszPath,                                                      \
                                      LPCWSTR wszFileName,                                                  \
                                      bool bRecursive,                                                      \
                                      LPCWSTR wszAlternatePath) PURE;                                       \
                                                                                                            \
        /* Where the ranges file of a partial file operation was restored to. Before PostRestore(). Fails   \
         * with VSS_E_OBJECT_NOT_FOUND. [MS: nf-vsbackup-ivssbackupcomponents-setrangesfilepath] */         \
        STDMETHOD(SetRangesFilePath)(THIS_ VSS_ID writerId,                                                 \
                                           VSS_COMPONENT_TYPE ct,                                           \
                                           LPCWSTR wszLogicalPath,                                          \
                                           LPCWSTR wszComponentName,                                        \
                                           UINT iPartialFile,                                               \
                                           LPCWSTR wszRangesFile) PURE;                                     \
                                                                                                            \
        /* Raises OnPreRestore() in the writers that have components selected for restore.                  \
         * [MS: nf-vsbackup-ivssbackupcomponents-prerestore] */                                             \
        STDMETHOD(PreRestore)(THIS_ IVssAsync **ppAsync) PURE;                                              \
                                                                                                            \
        /* Raises OnPostRestore() in the writers that have components selected for restore.                 \
         * [MS: nf-vsbackup-ivssbackupcomponents-postrestore] */                                            \
        STDMETHOD(PostRestore)(THIS_ IVssAsync **ppAsync) PURE;                                             \
                                                                                                            \
        /* A VSS_SNAPSHOT_CONTEXT, with VSS_VOLSNAP_ATTR_ bits or'ed in. Without this call it is            \
         * VSS_CTX_BACKUP. VSS_E_UNSUPPORTED_CONTEXT if umbra has no such thing.                            \
         * [MS: nf-vsbackup-ivssbackupcomponents-setcontext] */                                             \
        STDMETHOD(SetContext)(THIS_ LONG lContext) PURE;                                                    \
                                                                                                            \
        /* Begins a shadow copy set. VSS_E_SNAPSHOT_SET_IN_PROGRESS while another requester is between here \
         * and the end of DoSnapshotSet(): try again later.                                                 \
         * [MS: nf-vsbackup-ivssbackupcomponents-startsnapshotset] */                                       \
        STDMETHOD(StartSnapshotSet)(THIS_ VSS_ID *pSnapshotSetId) PURE;                                     \
                                                                                                            \
        /* Adds a volume, by mount point, directory, device or volume GUID; GUID_NULL lets umbra choose the \
         * provider. 64 volumes at most. Fails with VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED,                \
         * VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED, VSS_E_NESTED_VOLUME_LIMIT, VSS_E_OBJECT_NOT_FOUND,    \
         * VSS_E_PROVIDER_NOT_REGISTERED, VSS_E_PROVIDER_VETO (also: it is being reverted),                 \
         * VSS_E_SNAPSHOT_SET_IN_PROGRESS, VSS_E_VOLUME_IN_USE (it stays suspended: see dmsetup(8)),        \
         * VSS_E_VOLUME_NOT_SUPPORTED, VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER.                              \
         * [MS: nf-vsbackup-ivssbackupcomponents-addtosnapshotset] */                                       \
        STDMETHOD(AddToSnapshotSet)(THIS_ VSS_PWSZ pwszVolumeName,                                          \
                                          VSS_ID ProviderId,                                                \
                                          VSS_ID *pidSnapshot) PURE;                                        \
                                                                                                            \
        /* Takes the shadow copies: PrepareForSnapshot, Freeze, the instant, Thaw, PostSnapshot. Read the   \
         * result with QueryStatus(). Fails with VSS_E_INSUFFICIENT_STORAGE, VSS_E_FLUSH_WRITES_TIMEOUT,    \
         * VSS_E_HOLD_WRITES_TIMEOUT, VSS_E_NESTED_VOLUME_LIMIT, VSS_E_PROVIDER_VETO,                       \
         * VSS_E_REBOOT_REQUIRED, VSS_E_TRANSACTION_FREEZE_TIMEOUT, VSS_E_TRANSACTION_THAW_TIMEOUT;         \
         * VSS_E_AUTORECOVERY_FAILED: a writer still has a file of a copy open for writing.                 \
         * [MS: nf-vsbackup-ivssbackupcomponents-dosnapshotset] */                                          \
        STDMETHOD(DoSnapshotSet)(THIS_ IVssAsync **ppAsync) PURE;                                           \
                                                                                                            \
        /* Deletes a shadow copy or a set (eSourceObjectType). *plDeletedSnapshots counts those deleted,    \
         * *pNondeletedSnapshotID is the one on which it failed. Fails with VSS_E_OBJECT_NOT_FOUND,         \
         * VSS_E_PROVIDER_VETO. [MS: nf-vsbackup-ivssbackupcomponents-deletesnapshots] */                   \
        STDMETHOD(DeleteSnapshots)(THIS_ VSS_ID SourceObjectId,                                             \
                                         VSS_OBJECT_TYPE eSourceObjectType,                                 \
                                         BOOL bForceDelete,                                                 \
                                         LONG *plDeletedSnapshots,                                          \
                                         VSS_ID *pNondeletedSnapshotID) PURE;                               \
                                                                                                            \
        /* Brings in the transportable shadow copies of the document given to InitializeForBackup(),        \
         * in this object's context. VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED, a success code, if not all          \
         * came; VSS_E_NO_SNAPSHOTS_IMPORTED if none did. VSS_E_BAD_STATE: there are none in the            \
         * document, or they are here. [MS: nf-vsbackup-ivssbackupcomponents-importsnapshots] */            \
        STDMETHOD(ImportSnapshots)(THIS_ IVssAsync **ppAsync) PURE;                                         \
                                                                                                            \
        /* Makes volumes of their own out of the shadow copies, where umbra(1) says: they can be written    \
         * to there, and stay to be seen at their device objects, read-only, until those are unmounted.     \
         * VSS_E_PROVIDER_VETO if their provider cannot. Fails with VSS_E_OBJECT_NOT_FOUND.                 \
         * [MS: nf-vsbackup-ivssbackupcomponents-breaksnapshotset] */                                       \
        STDMETHOD(BreakSnapshotSet)(THIS_ VSS_ID SnapshotSetId) PURE;                                       \
                                                                                                            \
        /* Free the strings in *pProp with VssFreeSnapshotProperties(). Fails with VSS_E_OBJECT_NOT_FOUND,  \
         * VSS_E_PROVIDER_VETO. [MS: nf-vsbackup-ivssbackupcomponents-getsnapshotproperties] */             \
        STDMETHOD(GetSnapshotProperties)(THIS_ VSS_ID SnapshotId, VSS_SNAPSHOT_PROP *pProp) PURE;           \
                                                                                                            \
        /* Lists shadow copies or providers (eReturnedObjectsType); QueriedObjectId is GUID_NULL and        \
         * eQueriedObjectType VSS_OBJECT_NONE. The caller releases *ppEnum. Fails with                      \
         * VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO. [MS: nf-vsbackup-ivssbackupcomponents-query] */     \
        STDMETHOD(Query)(THIS_ VSS_ID QueriedObjectId,                                                      \
                               VSS_OBJECT_TYPE eQueriedObjectType,                                          \
                               VSS_OBJECT_TYPE eReturnedObjectsType,                                        \
                               IVssEnumObject **ppEnum) PURE;                                               \
                                                                                                            \
        /* Whether the provider (GUID_NULL: any) can take shadow copies of the volume. Fails with           \
         * VSS_E_NESTED_VOLUME_LIMIT, VSS_E_OBJECT_NOT_FOUND.                                               \
         * [MS: nf-vsbackup-ivssbackupcomponents-isvolumesupported] */                                      \
        STDMETHOD(IsVolumeSupported)(THIS_ VSS_ID ProviderId,                                               \
                                           VSS_PWSZ pwszVolumeName,                                         \
                                           BOOL *pbSupportedByThisProvider) PURE;                           \
                                                                                                            \
        /* These writers shall not take part. Only before GatherWriterMetadata(); later calls have no       \
         * effect. [MS: nf-vsbackup-ivssbackupcomponents-disablewriterclasses] */                           \
        STDMETHOD(DisableWriterClasses)(THIS_ const VSS_ID *rgWriterClassId, UINT cClassId) PURE;           \
                                                                                                            \
        /* Only these writers shall take part: the first call disables all others. Only before              \
         * GatherWriterMetadata(). [MS: nf-vsbackup-ivssbackupcomponents-enablewriterclasses] */            \
        STDMETHOD(EnableWriterClasses)(THIS_ const VSS_ID *rgWriterClassId, UINT cClassId) PURE;            \
                                                                                                            \
        /* Like DisableWriterClasses(), for single instances.                                               \
         * [MS: nf-vsbackup-ivssbackupcomponents-disablewriterinstances] */                                 \
        STDMETHOD(DisableWriterInstances)(THIS_ const VSS_ID *rgWriterInstanceId, UINT cInstanceId) PURE;   \
                                                                                                            \
        /* Shows a persistent shadow copy at wszExpose: an empty directory of the caller's                  \
         * (VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY; wszPathFromRoot is NULL), or a share (_REMOTELY; umbra        \
         * makes none yet: VSS_E_PROVIDER_VETO). It stays until UnexposeSnapshot() or its deletion,         \
         * also when the machine is restarted. Free *pwszExposed, where it is, with CoTaskMemFree().        \
         * E_ACCESSDENIED: the directory is another's, or umbrad may not mount; E_INVALIDARG: it is         \
         * not empty, or no directory; VSS_E_BAD_STATE: exposed already, or not persistent. Fails           \
         * with VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO. [MS:                                           \
         * nf-vsbackup-ivssbackupcomponents-exposesnapshot] */                                              \
        STDMETHOD(ExposeSnapshot)(THIS_ VSS_ID SnapshotId,                                                  \
                                        VSS_PWSZ wszPathFromRoot,                                           \
                                        LONG lAttributes,                                                   \
                                        VSS_PWSZ wszExpose,                                                 \
                                        VSS_PWSZ *pwszExposed) PURE;                                        \
                                                                                                            \
        /* Sets the volume back to what it was. Returns when the work has begun; QueryRevertStatus()        \
         * follows it. It cannot be cancelled, and goes on when umbrad is started again.                    \
         * bForceDismount: also while processes use the volume (else VSS_E_VOLUME_IN_USE). Fails            \
         * with E_NOTIMPL, VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_NOT_REGISTERED,                           \
         * VSS_E_REVERT_IN_PROGRESS, VSS_E_UNSUPPORTED_CONTEXT (not persistent),                            \
         * VSS_E_VOLUME_NOT_SUPPORTED, and with E_FAIL where others say VSS_E_UNEXPECTED. [MS:              \
         * nf-vsbackup-ivssbackupcomponents-reverttosnapshot] */                                            \
        STDMETHOD(RevertToSnapshot)(THIS_ VSS_ID SnapshotId, BOOL bForceDismount) PURE;                     \
                                                                                                            \
        /* The revert that is running on a volume. VSS_E_OBJECT_NOT_FOUND if there is none, or it is done.  \
         * Cancelling its IVssAsync does not: VSS_E_UNEXPECTED. Fails with E_NOTIMPL, E_POINTER,            \
         * VSS_E_VOLUME_NOT_SUPPORTED. [MS: nf-vsbackup-ivssbackupcomponents-queryrevertstatus] */          \
        STDMETHOD(QueryRevertStatus)(THIS_ VSS_PWSZ pwszVolume, IVssAsync **ppAsync) PURE;

#define INTERFACE IVssBackupComponents
DECLARE_INTERFACE_(IVssBackupComponents, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)
        IVSS_BACKUP_COMPONENTS_METHODS
};
#undef INTERFACE

/*
 * IVssBackupComponentsEx
 */
EXTERN_C UMBRA_API const IID IID_IVssBackupComponentsEx; /* {963F03AD-9E4C-4A34-AC15-E4B6174E5036} */

#define IVSS_BACKUP_COMPONENTS_EX_METHODS                                                                   \
        /* As GetWriterMetadata(), with the interface that knows the instance name. Fails with              \
         * VSS_E_OBJECT_NOT_FOUND. [MS: nf-vsbackup-ivssbackupcomponentsex-getwritermetadataex] */          \
        STDMETHOD(GetWriterMetadataEx)(THIS_ UINT iWriter,                                                  \
                                             VSS_ID *pidInstance,                                           \
                                             IVssExamineWriterMetadataEx **ppMetadata) PURE;                \
                                                                                                            \
        /* As SetSelectedForRestore(), for one of several instances of a writer (GUID_NULL: the only one).  \
         * E_INVALIDARG for an instance of another writer, or one that cannot be restored to.               \
         * Fails with VSS_E_OBJECT_NOT_FOUND.                                                               \
         * [MS: nf-vsbackup-ivssbackupcomponentsex-setselectedforrestoreex] */                              \
        STDMETHOD(SetSelectedForRestoreEx)(THIS_ VSS_ID writerId,                                           \
                                                 VSS_COMPONENT_TYPE ct,                                     \
                                                 LPCWSTR wszLogicalPath,                                    \
                                                 LPCWSTR wszComponentName,                                  \
                                                 bool bSelectedForRestore,                                  \
                                                 VSS_ID instanceId DEFAULT_ARGUMENT(GUID_NULL)) PURE;

#define INTERFACE IVssBackupComponentsEx
DECLARE_INTERFACE_(IVssBackupComponentsEx, IVssBackupComponents) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_BACKUP_COMPONENTS_METHODS)
        IVSS_BACKUP_COMPONENTS_EX_METHODS
};
#undef INTERFACE

/*
 * IVssBackupComponentsEx2
 */
EXTERN_C UMBRA_API const IID IID_IVssBackupComponentsEx2; /* {ACFE2B3A-22C9-4EF8-BD03-2F9CA230084E} */

#define IVSS_BACKUP_COMPONENTS_EX2_METHODS                                                                  \
        /* Takes back ExposeSnapshot(). VSS_E_OBJECT_NOT_FOUND if it is not exposed. Fails with             \
         * VSS_E_PROVIDER_VETO. [MS: nf-vsbackup-ivssbackupcomponentsex2-unexposesnapshot] */               \
        STDMETHOD(UnexposeSnapshot)(THIS_ VSS_ID snapshotId) PURE;                                          \
                                                                                                            \
        /* Restored data shall win over what other replicas have; the writer needs                          \
         * VSS_BS_AUTHORITATIVE_RESTORE. Fails with VSS_E_OBJECT_NOT_FOUND.                                 \
         * [MS: nf-vsbackup-ivssbackupcomponentsex2-setauthoritativerestore] */                             \
        STDMETHOD(SetAuthoritativeRestore)(THIS_ VSS_ID writerId,                                           \
                                                 VSS_COMPONENT_TYPE ct,                                     \
                                                 LPCWSTR wszLogicalPath,                                    \
                                                 LPCWSTR wszComponentName,                                  \
                                                 bool bAuth) PURE;                                          \
                                                                                                            \
        /* How far the writer shall replay its logs, and to which point; the writer needs                   \
         * VSS_BS_ROLLFORWARD_RESTORE. Fails with VSS_E_OBJECT_NOT_FOUND.                                   \
         * [MS: nf-vsbackup-ivssbackupcomponentsex2-setrollforward] */                                      \
        STDMETHOD(SetRollForward)(THIS_ VSS_ID writerId,                                                    \
                                        VSS_COMPONENT_TYPE ct,                                              \
                                        LPCWSTR wszLogicalPath,                                             \
                                        LPCWSTR wszComponentName,                                           \
                                        VSS_ROLLFORWARD_TYPE rollType,                                      \
                                        LPCWSTR wszRollForwardPoint) PURE;                                  \
                                                                                                            \
        /* Restores the component under another name; the writer needs VSS_BS_RESTORE_RENAME. Fails with    \
         * VSS_E_OBJECT_NOT_FOUND. [MS: nf-vsbackup-ivssbackupcomponentsex2-setrestorename] */              \
        STDMETHOD(SetRestoreName)(THIS_ VSS_ID writerId,                                                    \
                                        VSS_COMPONENT_TYPE ct,                                              \
                                        LPCWSTR wszLogicalPath,                                             \
                                        LPCWSTR wszComponentName,                                           \
                                        LPCWSTR wszRestoreName) PURE;                                       \
                                                                                                            \
        /* As BreakSnapshotSet(), with VSS_BREAKEX_FLAG_ bits: MASK_LUNS unmounts the device objects,       \
         * MAKE_READ_WRITE makes them writable. VSS_E_BREAK_REVERT_ID_FAILED: REVERT_IDENTITY_ALL, and the  \
         * original is still there. Fails with VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO.                 \
         * [MS: nf-vsbackup-ivssbackupcomponentsex2-breaksnapshotsetex] */                                  \
        STDMETHOD(BreakSnapshotSetEx)(THIS_ VSS_ID SnapshotSetID,                                           \
                                            DWORD dwBreakFlags,                                             \
                                            IVssAsync **ppAsync) PURE;                                      \
                                                                                                            \
        /* Reserved. E_NOTIMPL. [MS: nf-vsbackup-ivssbackupcomponentsex2-prefastrecovery] */                \
        STDMETHOD(PreFastRecovery)(THIS_ VSS_ID SnapshotSetID,                                              \
                                         DWORD dwPreFastRecoveryFlags,                                      \
                                         IVssAsync **ppAsync) PURE;                                         \
                                                                                                            \
        /* Reserved. E_NOTIMPL. [MS: nf-vsbackup-ivssbackupcomponentsex2-fastrecovery] */                   \
        STDMETHOD(FastRecovery)(THIS_ VSS_ID SnapshotSetID,                                                 \
                                      DWORD dwFastRecoveryFlags,                                            \
                                      IVssAsync **ppAsync) PURE;

#define INTERFACE IVssBackupComponentsEx2
DECLARE_INTERFACE_(IVssBackupComponentsEx2, IVssBackupComponentsEx) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_BACKUP_COMPONENTS_METHODS)
        BASE_METHODS(IVSS_BACKUP_COMPONENTS_EX_METHODS)
        IVSS_BACKUP_COMPONENTS_EX2_METHODS
};
#undef INTERFACE

/*
 * IVssBackupComponentsEx3
 */
EXTERN_C UMBRA_API const IID IID_IVssBackupComponentsEx3; /* {C191BFBC-B602-4675-8BD1-67D642F529D5} */

#define IVSS_BACKUP_COMPONENTS_EX3_METHODS                                                                  \
        /* As GetWriterStatus(), with the application's own code and sentence; both may be NULL.            \
         * VSS_E_WRITERERROR_PARTIAL_FAILURE: see IVssComponentEx2::GetFailure(). Free both strings with    \
         * SysFreeString(). Fails with VSS_E_OBJECT_NOT_FOUND.                                              \
         * [MS: nf-vsbackup-ivssbackupcomponentsex3-getwriterstatusex] */                                   \
        STDMETHOD(GetWriterStatusEx)(THIS_ UINT iWriter,                                                    \
                                           VSS_ID *pidInstance,                                             \
                                           VSS_ID *pidWriter,                                               \
                                           BSTR *pbstrWriter,                                               \
                                           VSS_WRITER_STATE *pnStatus,                                      \
                                           HRESULT *phrFailureWriter,                                       \
                                           HRESULT *phrApplication DEFAULT_ARGUMENT(NULL),                  \
                                           BSTR *pbstrApplicationMessage DEFAULT_ARGUMENT(NULL)) PURE;      \
                                                                                                            \
        /* Plans to put a shadow copy back over a volume (NULL: where it came from). Fails with             \
         * VSS_E_LEGACY_PROVIDER, VSS_E_OBJECT_NOT_FOUND, VSS_E_RESYNC_IN_PROGRESS,                         \
         * VSS_E_SNAPSHOT_NOT_IN_SET, VSS_E_VOLUME_NOT_SUPPORTED.                                           \
         * [MS: nf-vsbackup-ivssbackupcomponentsex3-addsnapshottorecoveryset] */                            \
        STDMETHOD(AddSnapshotToRecoverySet)(THIS_                                                           \
                VSS_ID snapshotId,                                                                          \
                DWORD dwFlags,                                                                              \
                VSS_PWSZ pwszDestinationVolume DEFAULT_ARGUMENT(NULL)) PURE;                                \
                                                                                                            \
        /* Does what AddSnapshotToRecoverySet() planned. dwFlags is VSS_RECOVERY_OPTIONS. E_NOTIMPL if the  \
         * provider cannot. Fails with VSS_E_LEGACY_PROVIDER, VSS_E_PROVIDER_VETO, VSS_E_UNSELECTED_VOLUME, \
         * VSS_E_CANNOT_REVERT_DISKID. [MS: nf-vsbackup-ivssbackupcomponentsex3-recoverset] */              \
        STDMETHOD(RecoverSet)(THIS_ DWORD dwFlags, IVssAsync **ppAsync) PURE;                               \
                                                                                                            \
        /* The id of this session, the same that writers see.                                               \
         * [MS: nf-vsbackup-ivssbackupcomponentsex3-getsessionid] */                                        \
        STDMETHOD(GetSessionId)(THIS_ VSS_ID *idSession) PURE;

#define INTERFACE IVssBackupComponentsEx3
DECLARE_INTERFACE_(IVssBackupComponentsEx3, IVssBackupComponentsEx2) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_BACKUP_COMPONENTS_METHODS)
        BASE_METHODS(IVSS_BACKUP_COMPONENTS_EX_METHODS)
        BASE_METHODS(IVSS_BACKUP_COMPONENTS_EX2_METHODS)
        IVSS_BACKUP_COMPONENTS_EX3_METHODS
};
#undef INTERFACE

/*
 * IVssBackupComponentsEx4
 */
EXTERN_C UMBRA_API const IID IID_IVssBackupComponentsEx4; /* {F434C2FD-B553-4961-A9F9-A8E90B673E53} */

#define INTERFACE IVssBackupComponentsEx4
DECLARE_INTERFACE_(IVssBackupComponentsEx4, IVssBackupComponentsEx3) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_BACKUP_COMPONENTS_METHODS)
        BASE_METHODS(IVSS_BACKUP_COMPONENTS_EX_METHODS)
        BASE_METHODS(IVSS_BACKUP_COMPONENTS_EX2_METHODS)
        BASE_METHODS(IVSS_BACKUP_COMPONENTS_EX3_METHODS)

        /* The volume that a path lies on, which need not exist: what AddToSnapshotSet() takes (the mount or
         * btrfs subvolume), and its GUID name. Free both with CoTaskMemFree(). There are no server names to
         * be normalised. [MS: nf-vsbackup-ivssbackupcomponentsex4-getrootandlogicalprefixpaths] */
        STDMETHOD(GetRootAndLogicalPrefixPaths)(THIS_
                VSS_PWSZ pwszFilePath,
                VSS_PWSZ *ppwszRootPath,
                VSS_PWSZ *ppwszLogicalPrefix,
                BOOL bNormalizeFQDNforRootPath DEFAULT_ARGUMENT(FALSE)) PURE;
};
#undef INTERFACE

#ifdef __cplusplus
extern "C" {
#endif

/* Begins a backup or restore. The caller releases *ppBackup. On Windows the first name is C++ only and calls
 * the second; here both are the same function with a plain C name.
 * [MS: nf-vsbackup-createvssbackupcomponents] */
UMBRA_API HRESULT CreateVssBackupComponents(IVssBackupComponents **ppBackup);
UMBRA_API HRESULT CreateVssBackupComponentsInternal(IVssBackupComponents **ppBackup);

/* Reads a document from IVssExamineWriterMetadata::SaveAsXML(). The caller releases *ppMetadata.
 * VSS_E_INVALID_XML_DOCUMENT if it is not one. [MS: nf-vsbackup-createvssexaminewritermetadata] */
UMBRA_API HRESULT CreateVssExamineWriterMetadata(BSTR bstrXML, IVssExamineWriterMetadata **ppMetadata);
UMBRA_API HRESULT CreateVssExamineWriterMetadataInternal(BSTR bstrXML,
                                                         IVssExamineWriterMetadata **ppMetadata);

/* Whether the volume has shadow copies. *plSnapshotCapability is VSS_SNAPSHOT_COMPATIBILITY bits.
 * VSS_E_OBJECT_NOT_FOUND if there is no such volume. [MS: nf-vsbackup-isvolumesnapshotted] */
UMBRA_API HRESULT IsVolumeSnapshotted(VSS_PWSZ pwszVolumeName,
                                      BOOL *pbSnapshotsPresent,
                                      LONG *plSnapshotCapability);
UMBRA_API HRESULT IsVolumeSnapshottedInternal(VSS_PWSZ pwszVolumeName,
                                              BOOL *pbSnapshotsPresent,
                                              LONG *plSnapshotCapability);

/* Frees the strings in *pProp, not *pProp itself, and clears them.
 * [MS: nf-vsbackup-vssfreesnapshotproperties] */
UMBRA_API void VssFreeSnapshotProperties(VSS_SNAPSHOT_PROP *pProp);
UMBRA_API void VssFreeSnapshotPropertiesInternal(VSS_SNAPSHOT_PROP *pProp);

/* Whether a writer on this volume would be hurt by a revert, so that it should not be done: one that
 * umbra.conf names ([revert] blocked-by), that runs, and that has files there. VSS_E_OBJECT_NOT_FOUND if no
 * mounted volume has this \\?\Volume{…}\. [MS: nf-vsbackup-shouldblockrevert] */
UMBRA_API HRESULT ShouldBlockRevert(LPCWSTR wszVolumeName, bool *pbBlock);
UMBRA_API HRESULT ShouldBlockRevertInternal(LPCWSTR wszVolumeName, bool *pbBlock);

/* IVssSnapshotMgmt::GetProviderMgmtInterface() without the detour. */
UMBRA_API HRESULT GetProviderMgmtInterface(VSS_ID ProviderId, IID InterfaceId, IUnknown **ppItf);
UMBRA_API HRESULT GetProviderMgmtInterfaceInternal(VSS_ID ProviderId, IID InterfaceId, IUnknown **ppItf);

#ifdef __cplusplus
}
#endif

#if !defined(__cplusplus) || defined(CINTERFACE)
#  include "vsbackup-calls.h"
#endif

#endif
