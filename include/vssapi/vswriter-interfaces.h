/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSWRITER_INTERFACES_H
#define UMBRA_VSWRITER_INTERFACES_H

/*
 * What Writers and Requesters tell each other
 *
 * The two documents as interfaces. A writer describes itself through IVssCreateWriterMetadata and works on
 * the components of a backup or restore through IVssWriterComponents and IVssComponent; a requester reads
 * the latter, too. The classes from which a writer in C++ derives are in vswriter.h, the functions for one
 * in C in umbra-writer.h; both include this file.
 */

#include "vss.h"

typedef struct IVssExamineWriterMetadata IVssExamineWriterMetadata; /* vsbackup.h */
typedef struct IXMLDOMDocument IXMLDOMDocument;                     /* only reserved methods speak of it */

/* What the data of a writer is for. */
typedef enum VSS_USAGE_TYPE UMBRA_ENUM_INT {
        VSS_UT_UNDEFINED = 0,           /* an error */
        VSS_UT_BOOTABLESYSTEMSTATE = 1, /* part of the bootable system state */
        VSS_UT_SYSTEMSERVICE = 2,       /* data of a system service */
        VSS_UT_USERDATA = 3,            /* user data */
        VSS_UT_OTHER = 4,               /* anything else */
} VSS_USAGE_TYPE;

/* What kind of program a writer is. */
typedef enum VSS_SOURCE_TYPE UMBRA_ENUM_INT {
        VSS_ST_UNDEFINED = 0,       /* an error */
        VSS_ST_TRANSACTEDDB = 1,    /* transactional database */
        VSS_ST_NONTRANSACTEDDB = 2, /* non-transactional database */
        VSS_ST_OTHER = 3,           /* anything else; files */
} VSS_SOURCE_TYPE;

/* How the files of a writer come back. */
typedef enum VSS_RESTOREMETHOD_ENUM UMBRA_ENUM_INT {
        VSS_RME_UNDEFINED = 0,                           /* an error */
        /* if none of the files is there, else to the alternate location */
        VSS_RME_RESTORE_IF_NOT_THERE = 1,
        /* if all files can be replaced, else to the alternate location */
        VSS_RME_RESTORE_IF_CAN_REPLACE = 2,
        VSS_RME_STOP_RESTORE_START = 3,                  /* with the service stopped meanwhile */
        VSS_RME_RESTORE_TO_ALTERNATE_LOCATION = 4,       /* always to the alternate location */
        VSS_RME_RESTORE_AT_REBOOT = 5,                   /* put in place at the next restart */
        /* now if all can be replaced, else at the next restart */
        VSS_RME_RESTORE_AT_REBOOT_IF_CANNOT_REPLACE = 6,
        VSS_RME_CUSTOM = 7,                              /* by an interface of the writer's own */
        VSS_RME_RESTORE_STOP_START = 8,                  /* then stop and start the service */
} VSS_RESTOREMETHOD_ENUM;

/* Whether a writer takes part in a restore. */
typedef enum VSS_WRITERRESTORE_ENUM UMBRA_ENUM_INT {
        VSS_WRE_UNDEFINED = 0,        /* an error */
        VSS_WRE_NEVER = 1,            /* it needs no restore events */
        /* OnPreRestore() always, OnPostRestore() if files could not be replaced */
        VSS_WRE_IF_REPLACE_FAILS = 2,
        VSS_WRE_ALWAYS = 3,           /* always */
} VSS_WRITERRESTORE_ENUM;

/* What a component consists of. */
typedef enum VSS_COMPONENT_TYPE UMBRA_ENUM_INT {
        VSS_CT_UNDEFINED = 0, /* an error */
        VSS_CT_DATABASE = 1,  /* database files and log files */
        VSS_CT_FILEGROUP = 2, /* files */
} VSS_COMPONENT_TYPE;

/* Reserved: VSS_AWS_NO_ALTERNATE_WRITER is the only one to use. */
typedef enum VSS_ALTERNATE_WRITER_STATE UMBRA_ENUM_INT {
        VSS_AWS_UNDEFINED = 0,                /* undefined */
        VSS_AWS_NO_ALTERNATE_WRITER = 1,      /* the default */
        VSS_AWS_ALTERNATE_WRITER_EXISTS = 2,  /* reserved */
        VSS_AWS_THIS_IS_ALTERNATE_WRITER = 3, /* reserved */
} VSS_ALTERNATE_WRITER_STATE;

/* Which events a writer wants: both of backup and restore, always. */
typedef enum VSS_SUBSCRIBE_MASK UMBRA_ENUM_INT {
        VSS_SM_POST_SNAPSHOT_FLAG = 0x00000001,  /* reserved */
        VSS_SM_BACKUP_EVENTS_FLAG = 0x00000002,  /* from OnPrepareBackup() to OnBackupComplete() */
        VSS_SM_RESTORE_EVENTS_FLAG = 0x00000004, /* OnPreRestore() and OnPostRestore() */
        VSS_SM_IO_THROTTLING_FLAG = 0x00000008,  /* reserved */
        VSS_SM_ALL_FLAGS = (int) 0xFFFFFFFF,     /* reserved */
} VSS_SUBSCRIBE_MASK;

/* Where the files of a component go. */
typedef enum VSS_RESTORE_TARGET UMBRA_ENUM_INT {
        VSS_RT_UNDEFINED = 0,         /* an error */
        VSS_RT_ORIGINAL = 1,          /* the default: as the restore method says */
        VSS_RT_ALTERNATE = 2,         /* to the alternate location mappings */
        VSS_RT_DIRECTED = 3,          /* to the directed targets */
        VSS_RT_ORIGINAL_LOCATION = 4, /* to where they were, whatever the method says */
} VSS_RESTORE_TARGET;

/* How the restore of a component went. */
typedef enum VSS_FILE_RESTORE_STATUS UMBRA_ENUM_INT {
        VSS_RS_UNDEFINED = 0, /* not begun */
        VSS_RS_NONE = 1,      /* nothing was restored, nothing was changed */
        VSS_RS_ALL = 2,       /* everything was restored */
        VSS_RS_FAILED = 3,    /* only some files were: what is on disk is broken */
} VSS_FILE_RESTORE_STATUS;

/* What a component is like. */
typedef enum VSS_COMPONENT_FLAGS UMBRA_ENUM_INT {
        VSS_CF_BACKUP_RECOVERY = 0x00000001,       /* the writer recovers it on the shadow copy */
        VSS_CF_APP_ROLLBACK_RECOVERY = 0x00000002, /* likewise, on rollback shadow copies only */
        VSS_CF_NOT_SYSTEM_STATE = 0x00000004,      /* not part of the system state */
} VSS_COMPONENT_FLAGS;

/*
 * IVssWMFiledesc
 *
 * A file set: directory, pattern, and whether to go deeper.
 */
#define INTERFACE IVssWMFiledesc
DECLARE_INTERFACE_(IVssWMFiledesc, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* The directory; may contain environment variables. Free it with SysFreeString().
         * [MS: nf-vswriter-ivsswmfiledesc-getpath] */
        STDMETHOD(GetPath)(THIS_ BSTR *pbstrPath) PURE;

        /* The pattern, with * and ?. Free it with SysFreeString().
         * [MS: nf-vswriter-ivsswmfiledesc-getfilespec] */
        STDMETHOD(GetFilespec)(THIS_ BSTR *pbstrFilespec) PURE;

        /* Whether directories below it count. [MS: nf-vswriter-ivsswmfiledesc-getrecursive] */
        STDMETHOD(GetRecursive)(THIS_ bool *pbRecursive) PURE;

        /* Where to read from instead (file sets) or to restore to (mappings, targets). S_FALSE and NULL if
         * there is none. [MS: nf-vswriter-ivsswmfiledesc-getalternatelocation] */
        STDMETHOD(GetAlternateLocation)(THIS_ BSTR *pbstrAlternateLocation) PURE;

        /* VSS_FILE_SPEC_BACKUP_TYPE bits. [MS: nf-vswriter-ivsswmfiledesc-getbackuptypemask] */
        STDMETHOD(GetBackupTypeMask)(THIS_ DWORD *pdwTypeMask) PURE;
};
#undef INTERFACE

/*
 * IVssWMDependency
 *
 * A component of another writer that a component needs.
 */
#define INTERFACE IVssWMDependency
DECLARE_INTERFACE_(IVssWMDependency, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* The class of the other writer. S_FALSE if no writer has that component.
         * [MS: nf-vswriter-ivsswmdependency-getwriterid] */
        STDMETHOD(GetWriterId)(THIS_ VSS_ID *pWriterId) PURE;

        /* Free it with SysFreeString(). S_FALSE if no writer has that component.
         * [MS: nf-vswriter-ivsswmdependency-getlogicalpath] */
        STDMETHOD(GetLogicalPath)(THIS_ BSTR *pbstrLogicalPath) PURE;

        /* Free it with SysFreeString(). S_FALSE if no writer has that component.
         * [MS: nf-vswriter-ivsswmdependency-getcomponentname] */
        STDMETHOD(GetComponentName)(THIS_ BSTR *pbstrComponentName) PURE;
};
#undef INTERFACE

/*
 * IVssComponent
 *
 * A component in a backup or restore, seen by its writer (who may say things during the events that are
 * named) and by the requester (who reads). A Get...() that has nothing to say returns S_FALSE and NULL.
 * BSTRs are freed with SysFreeString(). QueryInterface() leads to IVssComponentEx2.
 */
EXTERN_C UMBRA_API const IID IID_IVssComponent; /* {D2C72C96-C121-4518-B627-E5A93D010EAD} */

#define IVSS_COMPONENT_METHODS                                                                              \
        /* S_FALSE and NULL if it has none. [MS: nf-vswriter-ivsscomponent-getlogicalpath] */               \
        STDMETHOD(GetLogicalPath)(THIS_ BSTR *pbstrPath) PURE;                                              \
                                                                                                            \
        /* Database or file group. [MS: nf-vswriter-ivsscomponent-getcomponenttype] */                      \
        STDMETHOD(GetComponentType)(THIS_ VSS_COMPONENT_TYPE *pct) PURE;                                    \
                                                                                                            \
        /* Its name. [MS: nf-vswriter-ivsscomponent-getcomponentname] */                                    \
        STDMETHOD(GetComponentName)(THIS_ BSTR *pbstrName) PURE;                                            \
                                                                                                            \
        /* What the requester said with SetBackupSucceeded(); S_FALSE if it has not said it yet.            \
         * [MS: nf-vswriter-ivsscomponent-getbackupsucceeded] */                                            \
        STDMETHOD(GetBackupSucceeded)(THIS_ bool *pbSucceeded) PURE;                                        \
                                                                                                            \
        /* How many alternate location mappings were really used in the restore.                            \
         * [MS: nf-vswriter-ivsscomponent-getalternatelocationmappingcount] */                              \
        STDMETHOD(GetAlternateLocationMappingCount)(THIS_ UINT *pcMappings) PURE;                           \
                                                                                                            \
        /* One of them. The caller releases it. Fails with VSS_E_OBJECT_NOT_FOUND.                          \
         * [MS: nf-vswriter-ivsscomponent-getalternatelocationmapping] */                                   \
        STDMETHOD(GetAlternateLocationMapping)(THIS_ UINT iMapping, IVssWMFiledesc **ppFiledesc) PURE;      \
                                                                                                            \
        /* Private words of the writer, kept with the backup. Once per component, while the backup is       \
         * prepared or in OnPostSnapshot(). Fails with VSS_E_OBJECT_ALREADY_EXISTS.                         \
         * [MS: nf-vswriter-ivsscomponent-setbackupmetadata] */                                             \
        STDMETHOD(SetBackupMetadata)(THIS_ LPCWSTR wszData) PURE;                                           \
                                                                                                            \
        /* S_FALSE and NULL if there are none. [MS: nf-vswriter-ivsscomponent-getbackupmetadata] */         \
        STDMETHOD(GetBackupMetadata)(THIS_ BSTR *pbstrData) PURE;                                           \
                                                                                                            \
        /* Only parts of this file need saving. wszRanges is "offset:length, ..." in bytes, decimal or 0x,  \
         * or "File=" and the path of a ranges file. [MS: nf-vswriter-ivsscomponent-addpartialfile] */      \
        STDMETHOD(AddPartialFile)(THIS_ LPCWSTR wszPath,                                                    \
                                        LPCWSTR wszFilename,                                                \
                                        LPCWSTR wszRanges,                                                  \
                                        LPCWSTR wszMetadata) PURE;                                          \
                                                                                                            \
        /* How many partial files there are. [MS: nf-vswriter-ivsscomponent-getpartialfilecount] */         \
        STDMETHOD(GetPartialFileCount)(THIS_ UINT *pcPartialFiles) PURE;                                    \
                                                                                                            \
        /* One of them. Free all four with SysFreeString(). Fails with VSS_E_OBJECT_NOT_FOUND.              \
         * [MS: nf-vswriter-ivsscomponent-getpartialfile] */                                                \
        STDMETHOD(GetPartialFile)(THIS_ UINT iPartialFile,                                                  \
                                        BSTR *pbstrPath,                                                    \
                                        BSTR *pbstrFilename,                                                \
                                        BSTR *pbstrRange,                                                   \
                                        BSTR *pbstrMetadata) PURE;                                          \
                                                                                                            \
        /* Whether the requester restores it. [MS: nf-vswriter-ivsscomponent-isselectedforrestore] */       \
        STDMETHOD(IsSelectedForRestore)(THIS_ bool *pbSelectedForRestore) PURE;                             \
                                                                                                            \
        /* true: more restores follow, do not run recovery yet. S_FALSE if the requester has not said.      \
         * [MS: nf-vswriter-ivsscomponent-getadditionalrestores] */                                         \
        STDMETHOD(GetAdditionalRestores)(THIS_ bool *pbAdditionalRestores) PURE;                            \
                                                                                                            \
        /* How many file sets go to a new place. [MS: nf-vswriter-ivsscomponent-getnewtargetcount] */       \
        STDMETHOD(GetNewTargetCount)(THIS_ UINT *pcNewTarget) PURE;                                         \
                                                                                                            \
        /* One of them; the place is its alternate location. The caller releases it. Fails with             \
         * VSS_E_OBJECT_NOT_FOUND. [MS: nf-vswriter-ivsscomponent-getnewtarget] */                          \
        STDMETHOD(GetNewTarget)(THIS_ UINT iNewTarget, IVssWMFiledesc **ppFiledesc) PURE;                   \
                                                                                                            \
        /* In OnPreRestore(): these ranges of the saved file go to those ranges of another file, with       \
         * VSS_RT_DIRECTED. [MS: nf-vswriter-ivsscomponent-adddirectedtarget] */                            \
        STDMETHOD(AddDirectedTarget)(THIS_ LPCWSTR wszSourcePath,                                           \
                                           LPCWSTR wszSourceFilename,                                       \
                                           LPCWSTR wszSourceRangeList,                                      \
                                           LPCWSTR wszDestinationPath,                                      \
                                           LPCWSTR wszDestinationFilename,                                  \
                                           LPCWSTR wszDestinationRangeList) PURE;                           \
                                                                                                            \
        /* How many directed targets there are. [MS: nf-vswriter-ivsscomponent-getdirectedtargetcount] */   \
        STDMETHOD(GetDirectedTargetCount)(THIS_ UINT *pcDirectedTarget) PURE;                               \
                                                                                                            \
        /* One of them. Free all six with SysFreeString(). Fails with VSS_E_OBJECT_NOT_FOUND.               \
         * [MS: nf-vswriter-ivsscomponent-getdirectedtarget] */                                             \
        STDMETHOD(GetDirectedTarget)(THIS_ UINT iDirectedTarget,                                            \
                                           BSTR *pbstrSourcePath,                                           \
                                           BSTR *pbstrSourceFileName,                                       \
                                           BSTR *pbstrSourceRangeList,                                      \
                                           BSTR *pbstrDestinationPath,                                      \
                                           BSTR *pbstrDestinationFilename,                                  \
                                           BSTR *pbstrDestinationRangeList) PURE;                           \
                                                                                                            \
        /* Private words of the writer from OnPreRestore() to OnPostRestore(). Once per component. Fails    \
         * with VSS_E_OBJECT_ALREADY_EXISTS. [MS: nf-vswriter-ivsscomponent-setrestoremetadata] */          \
        STDMETHOD(SetRestoreMetadata)(THIS_ LPCWSTR wszRestoreMetadata) PURE;                               \
                                                                                                            \
        /* S_FALSE and NULL if there are none. [MS: nf-vswriter-ivsscomponent-getrestoremetadata] */        \
        STDMETHOD(GetRestoreMetadata)(THIS_ BSTR *pbstrRestoreMetadata) PURE;                               \
                                                                                                            \
        /* In OnPreRestore(): where the files shall go. [MS: nf-vswriter-ivsscomponent-setrestoretarget] */ \
        STDMETHOD(SetRestoreTarget)(THIS_ VSS_RESTORE_TARGET target) PURE;                                  \
                                                                                                            \
        /* VSS_RT_ORIGINAL, which means "follow the restore method", unless the writer said otherwise.      \
         * Fails with VSS_E_OBJECT_NOT_FOUND. [MS: nf-vswriter-ivsscomponent-getrestoretarget] */           \
        STDMETHOD(GetRestoreTarget)(THIS_ VSS_RESTORE_TARGET *pTarget) PURE;                                \
                                                                                                            \
        /* A sentence for the requester, in OnPreRestore().                                                 \
         * [MS: nf-vswriter-ivsscomponent-setprerestorefailuremsg] */                                       \
        STDMETHOD(SetPreRestoreFailureMsg)(THIS_ LPCWSTR wszPreRestoreFailureMsg) PURE;                     \
                                                                                                            \
        /* S_FALSE and NULL if there is none. [MS: nf-vswriter-ivsscomponent-getprerestorefailuremsg] */    \
        STDMETHOD(GetPreRestoreFailureMsg)(THIS_ BSTR *pbstrPreRestoreFailureMsg) PURE;                     \
                                                                                                            \
        /* A sentence for the requester, in OnPostRestore().                                                \
         * [MS: nf-vswriter-ivsscomponent-setpostrestorefailuremsg] */                                      \
        STDMETHOD(SetPostRestoreFailureMsg)(THIS_ LPCWSTR wszPostRestoreFailureMsg) PURE;                   \
                                                                                                            \
        /* S_FALSE and NULL if there is none. [MS: nf-vswriter-ivsscomponent-getpostrestorefailuremsg] */   \
        STDMETHOD(GetPostRestoreFailureMsg)(THIS_ BSTR *pbstrPostRestoreFailureMsg) PURE;                   \
                                                                                                            \
        /* What the writer wants to see again as the previous stamp of the next incremental backup.         \
         * [MS: nf-vswriter-ivsscomponent-setbackupstamp] */                                                \
        STDMETHOD(SetBackupStamp)(THIS_ LPCWSTR wszBackupStamp) PURE;                                       \
                                                                                                            \
        /* S_FALSE and NULL if there is none. [MS: nf-vswriter-ivsscomponent-getbackupstamp] */             \
        STDMETHOD(GetBackupStamp)(THIS_ BSTR *pbstrBackupStamp) PURE;                                       \
                                                                                                            \
        /* The stamp of the backup this one builds on. S_FALSE and NULL if there is none.                   \
         * [MS: nf-vswriter-ivsscomponent-getpreviousbackupstamp] */                                        \
        STDMETHOD(GetPreviousBackupStamp)(THIS_ BSTR *pbstrBackupStamp) PURE;                               \
                                                                                                            \
        /* What the requester said with SetBackupOptions(). S_FALSE and NULL if nothing.                    \
         * [MS: nf-vswriter-ivsscomponent-getbackupoptions] */                                              \
        STDMETHOD(GetBackupOptions)(THIS_ BSTR *pbstrBackupOptions) PURE;                                   \
                                                                                                            \
        /* What the requester said with SetRestoreOptions(). S_FALSE and NULL if nothing.                   \
         * [MS: nf-vswriter-ivsscomponent-getrestoreoptions] */                                             \
        STDMETHOD(GetRestoreOptions)(THIS_ BSTR *pbstrRestoreOptions) PURE;                                 \
                                                                                                            \
        /* How many subcomponents are restored on their own.                                                \
         * [MS: nf-vswriter-ivsscomponent-getrestoresubcomponentcount] */                                   \
        STDMETHOD(GetRestoreSubcomponentCount)(THIS_ UINT *pcRestoreSubcomponent) PURE;                     \
                                                                                                            \
        /* One of them. Free both with SysFreeString(); *pbRepair is false. Fails with                      \
         * VSS_E_OBJECT_NOT_FOUND. [MS: nf-vswriter-ivsscomponent-getrestoresubcomponent] */                \
        STDMETHOD(GetRestoreSubcomponent)(THIS_ UINT iComponent,                                            \
                                                BSTR *pbstrLogicalPath,                                     \
                                                BSTR *pbstrComponentName,                                   \
                                                bool *pbRepair) PURE;                                       \
                                                                                                            \
        /* What the requester said with SetFileRestoreStatus().                                             \
         * [MS: nf-vswriter-ivsscomponent-getfilerestorestatus] */                                          \
        STDMETHOD(GetFileRestoreStatus)(THIS_ VSS_FILE_RESTORE_STATUS *pStatus) PURE;                       \
                                                                                                            \
        /* In an incremental backup only files of this set changed after the time need saving; a time of 0  \
         * leaves the choice to the requester.                                                              \
         * [MS: nf-vswriter-ivsscomponent-adddifferencedfilesbylastmodifytime] */                           \
        STDMETHOD(AddDifferencedFilesByLastModifyTime)(THIS_ LPCWSTR wszPath,                               \
                                                             LPCWSTR wszFilespec,                           \
                                                             BOOL bRecursive,                               \
                                                             FILETIME ftLastModifyTime) PURE;               \
                                                                                                            \
        /* Reserved. E_NOTIMPL. [MS: nf-vswriter-ivsscomponent-adddifferencedfilesbylastmodifylsn] */       \
        STDMETHOD(AddDifferencedFilesByLastModifyLSN)(THIS_ LPCWSTR wszPath,                                \
                                                            LPCWSTR wszFilespec,                            \
                                                            BOOL bRecursive,                                \
                                                            BSTR bstrLsnString) PURE;                       \
                                                                                                            \
        /* How many differenced file sets there are.                                                        \
         * [MS: nf-vswriter-ivsscomponent-getdifferencedfilescount] */                                      \
        STDMETHOD(GetDifferencedFilesCount)(THIS_ UINT *pcDifferencedFiles) PURE;                           \
                                                                                                            \
        /* One of them. Free the strings with SysFreeString(); *pbstrLsnString is NULL. Fails with          \
         * VSS_E_OBJECT_NOT_FOUND. [MS: nf-vswriter-ivsscomponent-getdifferencedfile] */                    \
        STDMETHOD(GetDifferencedFile)(THIS_ UINT iDifferencedFile,                                          \
                                            BSTR *pbstrPath,                                                \
                                            BSTR *pbstrFilespec,                                            \
                                            BOOL *pbRecursive,                                              \
                                            BSTR *pbstrLsnString,                                           \
                                            FILETIME *pftLastModifyTime) PURE;

#define INTERFACE IVssComponent
DECLARE_INTERFACE_(IVssComponent, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)
        IVSS_COMPONENT_METHODS
};
#undef INTERFACE

/*
 * IVssComponentEx
 */
EXTERN_C UMBRA_API const IID IID_IVssComponentEx; /* {156C8B5E-F131-4BD7-9C97-D1923BE7E1FA} */

#define IVSS_COMPONENT_EX_METHODS                                                                           \
        /* A sentence for the requester, in OnPrepareBackup().                                              \
         * [MS: nf-vswriter-ivsscomponentex-setprepareforbackupfailuremsg] */                               \
        STDMETHOD(SetPrepareForBackupFailureMsg)(THIS_ LPCWSTR wszFailureMsg) PURE;                         \
                                                                                                            \
        /* A sentence for the requester, in OnPostSnapshot().                                               \
         * [MS: nf-vswriter-ivsscomponentex-setpostsnapshotfailuremsg] */                                   \
        STDMETHOD(SetPostSnapshotFailureMsg)(THIS_ LPCWSTR wszFailureMsg) PURE;                             \
                                                                                                            \
        /* S_FALSE and NULL if there is none.                                                               \
         * [MS: nf-vswriter-ivsscomponentex-getprepareforbackupfailuremsg] */                               \
        STDMETHOD(GetPrepareForBackupFailureMsg)(THIS_ BSTR *pbstrFailureMsg) PURE;                         \
                                                                                                            \
        /* S_FALSE and NULL if there is none.                                                               \
         * [MS: nf-vswriter-ivsscomponentex-getpostsnapshotfailuremsg] */                                   \
        STDMETHOD(GetPostSnapshotFailureMsg)(THIS_ BSTR *pbstrFailureMsg) PURE;                             \
                                                                                                            \
        /* What the requester said with SetAuthoritativeRestore(); false if nothing.                        \
         * [MS: nf-vswriter-ivsscomponentex-getauthoritativerestore] */                                     \
        STDMETHOD(GetAuthoritativeRestore)(THIS_ bool *pbAuth) PURE;                                        \
                                                                                                            \
        /* What the requester said with SetRollForward(). Free *pbstrPoint with SysFreeString().            \
         * [MS: nf-vswriter-ivsscomponentex-getrollforward] */                                              \
        STDMETHOD(GetRollForward)(THIS_ VSS_ROLLFORWARD_TYPE *pRollType, BSTR *pbstrPoint) PURE;            \
                                                                                                            \
        /* The new name. Free it with SysFreeString(). [MS: nf-vswriter-ivsscomponentex-getrestorename] */  \
        STDMETHOD(GetRestoreName)(THIS_ BSTR *pbstrName) PURE;

#define INTERFACE IVssComponentEx
DECLARE_INTERFACE_(IVssComponentEx, IVssComponent) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_COMPONENT_METHODS)
        IVSS_COMPONENT_EX_METHODS
};
#undef INTERFACE

/*
 * IVssComponentEx2
 */
EXTERN_C UMBRA_API const IID IID_IVssComponentEx2; /* {3B5BE0F2-07A9-4E4B-BDD3-CFDC8E2C0D2D} */

#define INTERFACE IVssComponentEx2
DECLARE_INTERFACE_(IVssComponentEx2, IVssComponentEx) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_COMPONENT_METHODS)
        BASE_METHODS(IVSS_COMPONENT_EX_METHODS)

        /* This component failed, the others may be good: hr is one of the five VSS_E_WRITERERROR_ codes that
         * SetWriterFailure() takes. The writer then sets VSS_E_WRITERERROR_PARTIAL_FAILURE for itself.
         * dwReserved is 0. [MS: nf-vswriter-ivsscomponentex2-setfailure] */
        STDMETHOD(SetFailure)(THIS_ HRESULT hr,
                                    HRESULT hrApplication,
                                    LPCWSTR wszApplicationMessage,
                                    DWORD dwReserved) PURE;

        /* S_OK in *phr if it did not fail. Free *pbstrApplicationMessage with SysFreeString().
         * [MS: nf-vswriter-ivsscomponentex2-getfailure] */
        STDMETHOD(GetFailure)(THIS_ HRESULT *phr,
                                    HRESULT *phrApplication,
                                    BSTR *pbstrApplicationMessage,
                                    DWORD *pdwReserved) PURE;
};
#undef INTERFACE

/*
 * IVssWriterComponents
 *
 * The components of one writer that take part, as its handlers get them. Not a COM interface: it has no
 * IUnknown, and ends with the handler.
 */
#define INTERFACE IVssWriterComponents
DECLARE_INTERFACE(IVssWriterComponents) {
        /* How many components of this writer take part.
         * [MS: nf-vswriter-ivsswritercomponents-getcomponentcount] */
        STDMETHOD(GetComponentCount)(THIS_ UINT *pcComponents) PURE;

        /* Which writer this is. [MS: nf-vswriter-ivsswritercomponents-getwriterinfo] */
        STDMETHOD(GetWriterInfo)(THIS_ VSS_ID *pidInstance, VSS_ID *pidWriter) PURE;

        /* One component. The caller releases it. Fails with VSS_E_OBJECT_NOT_FOUND.
         * [MS: nf-vswriter-ivsswritercomponents-getcomponent] */
        STDMETHOD(GetComponent)(THIS_ UINT iComponent, IVssComponent **ppComponent) PURE;
};
#undef INTERFACE

/*
 * IVssCreateWriterMetadata
 *
 * A writer's description of itself, written in OnIdentify(). Not a COM interface: it has no IUnknown, and
 * ends with the handler. Components come first, then their files. wszLogicalPath may be NULL, names may not;
 * paths may contain environment variables.
 */

#define IVSS_CREATE_WRITER_METADATA_METHODS                                                                 \
        /* Reserved. E_NOTIMPL. [MS: nf-vswriter-ivsscreatewritermetadata-addincludefiles] */               \
        STDMETHOD(AddIncludeFiles)(THIS_ LPCWSTR wszPath,                                                   \
                                         LPCWSTR wszFilespec,                                               \
                                         bool bRecursive,                                                   \
                                         LPCWSTR wszAlternateLocation) PURE;                                \
                                                                                                            \
        /* These files are never to be saved, even if a component names them.                               \
         * [MS: nf-vswriter-ivsscreatewritermetadata-addexcludefiles] */                                    \
        STDMETHOD(AddExcludeFiles)(THIS_ LPCWSTR wszPath, LPCWSTR wszFilespec, bool bRecursive) PURE;       \
                                                                                                            \
        /* wszLogicalPath and wszCaption may be NULL, and pbIcon if cbIcon is 0. dwComponentFlags is        \
         * VSS_COMPONENT_FLAGS. Fails with VSS_E_OBJECT_ALREADY_EXISTS.                                     \
         * [MS: nf-vswriter-ivsscreatewritermetadata-addcomponent] */                                       \
        STDMETHOD(AddComponent)(THIS_ VSS_COMPONENT_TYPE ct,                                                \
                                      LPCWSTR wszLogicalPath,                                               \
                                      LPCWSTR wszComponentName,                                             \
                                      LPCWSTR wszCaption,                                                   \
                                      const BYTE *pbIcon,                                                   \
                                      UINT cbIcon,                                                          \
                                      bool bRestoreMetadata,                                                \
                                      bool bNotifyOnBackupComplete,                                         \
                                      bool bSelectable,                                                     \
                                      bool bSelectableForRestore DEFAULT_ARGUMENT(false),                   \
                                      DWORD dwComponentFlags DEFAULT_ARGUMENT(0)) PURE;                     \
                                                                                                            \
        /* Adds files to a VSS_CT_DATABASE component. wszFilespec may contain * and ?. Fails with           \
         * VSS_E_OBJECT_NOT_FOUND. [MS: nf-vswriter-ivsscreatewritermetadata-adddatabasefiles] */           \
        STDMETHOD(AddDatabaseFiles)(THIS_                                                                   \
                LPCWSTR wszLogicalPath,                                                                     \
                LPCWSTR wszDatabaseName,                                                                    \
                LPCWSTR wszPath,                                                                            \
                LPCWSTR wszFilespec,                                                                        \
                DWORD dwBackupTypeMask                                                                      \
                DEFAULT_ARGUMENT(VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED)) PURE;      \
                                                                                                            \
        /* Adds log files to a VSS_CT_DATABASE component. Fails with VSS_E_OBJECT_NOT_FOUND.                \
         * [MS: nf-vswriter-ivsscreatewritermetadata-adddatabaselogfiles] */                                \
        STDMETHOD(AddDatabaseLogFiles)(THIS_                                                                \
                LPCWSTR wszLogicalPath,                                                                     \
                LPCWSTR wszDatabaseName,                                                                    \
                LPCWSTR wszPath,                                                                            \
                LPCWSTR wszFilespec,                                                                        \
                DWORD dwBackupTypeMask                                                                      \
                DEFAULT_ARGUMENT(VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED)) PURE;      \
                                                                                                            \
        /* Adds files to a VSS_CT_FILEGROUP component. wszAlternateLocation, which may be NULL, is where to \
         * read them from. Fails with VSS_E_NOT_SUPPORTED, VSS_E_OBJECT_NOT_FOUND.                          \
         * [MS: nf-vswriter-ivsscreatewritermetadata-addfilestofilegroup] */                                \
        STDMETHOD(AddFilesToFileGroup)(THIS_                                                                \
                LPCWSTR wszLogicalPath,                                                                     \
                LPCWSTR wszGroupName,                                                                       \
                LPCWSTR wszPath,                                                                            \
                LPCWSTR wszFilespec,                                                                        \
                bool bRecursive,                                                                            \
                LPCWSTR wszAlternateLocation,                                                               \
                DWORD dwBackupTypeMask                                                                      \
                DEFAULT_ARGUMENT(VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED)) PURE;      \
                                                                                                            \
        /* How to restore this writer. wszService is for VSS_RME_STOP_RESTORE_START and _STOP_START,        \
         * wszUserProcedure a hint for VSS_RME_CUSTOM; else NULL. Fails with VSS_E_NOT_SUPPORTED.           \
         * [MS: nf-vswriter-ivsscreatewritermetadata-setrestoremethod] */                                   \
        STDMETHOD(SetRestoreMethod)(THIS_ VSS_RESTOREMETHOD_ENUM method,                                    \
                                          LPCWSTR wszService,                                               \
                                          LPCWSTR wszUserProcedure,                                         \
                                          VSS_WRITERRESTORE_ENUM writerRestore,                             \
                                          bool bRebootRequired) PURE;                                       \
                                                                                                            \
        /* Where the files of this set go if they cannot go home. VSS_E_OBJECT_NOT_FOUND before             \
         * SetRestoreMethod(). [MS: nf-vswriter-ivsscreatewritermetadata-addalternatelocationmapping] */    \
        STDMETHOD(AddAlternateLocationMapping)(THIS_ LPCWSTR wszSourcePath,                                 \
                                                     LPCWSTR wszSourceFilespec,                             \
                                                     bool bRecursive,                                       \
                                                     LPCWSTR wszDestination) PURE;                          \
                                                                                                            \
        /* The component needs that component of another writer: they are saved and restored together.      \
         * Fails with VSS_E_OBJECT_NOT_FOUND.                                                               \
         * [MS: nf-vswriter-ivsscreatewritermetadata-addcomponentdependency] */                             \
        STDMETHOD(AddComponentDependency)(THIS_ LPCWSTR wszForLogicalPath,                                  \
                                                LPCWSTR wszForComponentName,                                \
                                                VSS_ID onWriterId,                                          \
                                                LPCWSTR wszOnLogicalPath,                                   \
                                                LPCWSTR wszOnComponentName) PURE;                           \
                                                                                                            \
        /* VSS_BACKUP_SCHEMA bits: what this writer can do. Without this call, full backups only. Fails     \
         * with VSS_E_NOT_SUPPORTED. [MS: nf-vswriter-ivsscreatewritermetadata-setbackupschema] */          \
        STDMETHOD(SetBackupSchema)(THIS_ DWORD dwSchemaMask) PURE;                                          \
                                                                                                            \
        /* Reserved. E_NOTIMPL. [MS: nf-vswriter-ivsscreatewritermetadata-getdocument] */                   \
        STDMETHOD(GetDocument)(THIS_ IXMLDOMDocument **pDoc) PURE;                                          \
                                                                                                            \
        /* The document as it is now. Free it with SysFreeString().                                         \
         * [MS: nf-vswriter-ivsscreatewritermetadata-saveasxml] */                                          \
        STDMETHOD(SaveAsXML)(THIS_ BSTR *pbstrXML) PURE;

#define INTERFACE IVssCreateWriterMetadata
DECLARE_INTERFACE(IVssCreateWriterMetadata) {
        IVSS_CREATE_WRITER_METADATA_METHODS
};
#undef INTERFACE

/*
 * IVssCreateWriterMetadataEx
 *
 * The same with what Vista added. It has two bases, IVssCreateWriterMetadata and IUnknown, and therefore two
 * tables, also in C. IUnknown is there for QueryInterface(); the object still ends with the handler.
 */
EXTERN_C UMBRA_API const IID IID_IVssCreateWriterMetadataEx; /* {9F21981D-D469-4349-B807-39E64E4674E1} */

#define IVSS_CREATE_WRITER_METADATA_EX_METHODS                                                              \
        /* These files shall not be in the shadow copy. The writer's process deletes them from it when      \
         * OnPostSnapshot() has returned true, as far as the handler has not; links are not followed. Not   \
         * where the context has VSS_VOLSNAP_ATTR_NO_AUTORECOVERY, TRANSPORTABLE or no writers.             \
         * [MS: nf-vswriter-ivsscreatewritermetadataex-addexcludefilesfromsnapshot] */                      \
        STDMETHOD(AddExcludeFilesFromSnapshot)(THIS_ LPCWSTR wszPath,                                       \
                                                     LPCWSTR wszFilespec,                                   \
                                                     bool bRecursive) PURE;

#define INTERFACE IVssCreateWriterMetadataEx
#if defined(__cplusplus) && !defined(CINTERFACE)
struct IVssCreateWriterMetadataEx : public IVssCreateWriterMetadata, public IUnknown {
        IVSS_CREATE_WRITER_METADATA_EX_METHODS
};
#else
typedef struct IVssCreateWriterMetadataEx IVssCreateWriterMetadataEx;
typedef struct IVssCreateWriterMetadataExVtbl {
        IVSS_CREATE_WRITER_METADATA_METHODS
        IVSS_CREATE_WRITER_METADATA_EX_METHODS
} IVssCreateWriterMetadataExVtbl;

struct IVssCreateWriterMetadataEx {
        const IVssCreateWriterMetadataExVtbl *lpVtbl;
        IUnknown unknown;
};
#endif
#undef INTERFACE

/*
 * IVssCreateExpressWriterMetadata
 *
 * The description of an express writer: one that has data, but no process to ask. Mind that the slots are in
 * another order than those of IVssCreateWriterMetadata.
 */
/* {9C772E77-B26E-427F-92DD-C996F41EA5E3} */
EXTERN_C UMBRA_API const IID IID_IVssCreateExpressWriterMetadata;

#define INTERFACE IVssCreateExpressWriterMetadata
DECLARE_INTERFACE_(IVssCreateExpressWriterMetadata, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* These files are never to be saved, even if a component names them.
         * [MS: nf-vswriter-ivsscreateexpresswritermetadata-addexcludefiles] */
        STDMETHOD(AddExcludeFiles)(THIS_ LPCWSTR wszPath, LPCWSTR wszFilespec, bool bRecursive) PURE;

        /* ct is VSS_CT_FILEGROUP. wszLogicalPath and wszCaption may be NULL, and pbIcon if cbIcon is 0.
         * dwComponentFlags has no recovery flags. Fails with VSS_E_OBJECT_ALREADY_EXISTS.
         * [MS: nf-vswriter-ivsscreateexpresswritermetadata-addcomponent] */
        STDMETHOD(AddComponent)(THIS_ VSS_COMPONENT_TYPE ct,
                                      LPCWSTR wszLogicalPath,
                                      LPCWSTR wszComponentName,
                                      LPCWSTR wszCaption,
                                      const BYTE *pbIcon,
                                      UINT cbIcon,
                                      bool bRestoreMetadata,
                                      bool bNotifyOnBackupComplete,
                                      bool bSelectable,
                                      bool bSelectableForRestore DEFAULT_ARGUMENT(false),
                                      DWORD dwComponentFlags DEFAULT_ARGUMENT(0)) PURE;

        /* As for a full writer, but wszAlternateLocation is NULL, and the mask is the default or names no
         * differential, incremental or log backup. Fails with VSS_E_OBJECT_NOT_FOUND.
         * [MS: nf-vswriter-ivsscreateexpresswritermetadata-addfilestofilegroup] */
        STDMETHOD(AddFilesToFileGroup)(THIS_
                LPCWSTR wszLogicalPath,
                LPCWSTR wszGroupName,
                LPCWSTR wszPath,
                LPCWSTR wszFilespec,
                bool bRecursive,
                LPCWSTR wszAlternateLocation,
                DWORD dwBackupTypeMask
                DEFAULT_ARGUMENT(VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED)) PURE;

        /* As for a full writer, without VSS_RME_CUSTOM and VSS_RME_RESTORE_TO_ALTERNATE_LOCATION;
         * writerRestore must be VSS_WRE_NEVER.
         * [MS: nf-vswriter-ivsscreateexpresswritermetadata-setrestoremethod] */
        STDMETHOD(SetRestoreMethod)(THIS_ VSS_RESTOREMETHOD_ENUM method,
                                          LPCWSTR wszService,
                                          LPCWSTR wszUserProcedure,
                                          VSS_WRITERRESTORE_ENUM writerRestore,
                                          bool bRebootRequired) PURE;

        /* The component needs that component of another writer: they are saved and restored together. Fails
         * with VSS_E_OBJECT_NOT_FOUND.
         * [MS: nf-vswriter-ivsscreateexpresswritermetadata-addcomponentdependency] */
        STDMETHOD(AddComponentDependency)(THIS_ LPCWSTR wszForLogicalPath,
                                                LPCWSTR wszForComponentName,
                                                VSS_ID onWriterId,
                                                LPCWSTR wszOnLogicalPath,
                                                LPCWSTR wszOnComponentName) PURE;

        /* Only VSS_BS_UNDEFINED, VSS_BS_COPY and VSS_BS_INDEPENDENT_SYSTEM_STATE.
         * [MS: nf-vswriter-ivsscreateexpresswritermetadata-setbackupschema] */
        STDMETHOD(SetBackupSchema)(THIS_ DWORD dwSchemaMask) PURE;

        /* The document, for LoadMetadata(). Free it with SysFreeString().
         * [MS: nf-vswriter-ivsscreateexpresswritermetadata-saveasxml] */
        STDMETHOD(SaveAsXML)(THIS_ BSTR *pbstrXML) PURE;
};
#undef INTERFACE

/*
 * IVssExpressWriter
 *
 * Registers a writer that is nothing but its document; umbrad answers in its place.
 */
EXTERN_C UMBRA_API const IID IID_IVssExpressWriter; /* {E33AFFDC-59C7-47B1-97D5-4266598F6235} */

#define INTERFACE IVssExpressWriter
DECLARE_INTERFACE_(IVssExpressWriter, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* Begins the document of a writer that never runs. usageType is VSS_UT_BOOTABLESYSTEMSTATE,
         * VSS_UT_SYSTEMSERVICE or VSS_UT_USERDATA; reserved is 0. The caller releases it.
         * [MS: nf-vswriter-ivssexpresswriter-createmetadata] */
        STDMETHOD(CreateMetadata)(THIS_ VSS_ID writerId,
                                        LPCWSTR writerName,
                                        VSS_USAGE_TYPE usageType,
                                        DWORD versionMajor,
                                        DWORD versionMinor,
                                        DWORD reserved,
                                        IVssCreateExpressWriterMetadata **ppMetadata) PURE;

        /* Takes a document from IVssCreateExpressWriterMetadata::SaveAsXML(), instead of CreateMetadata().
         * reserved is 0. Fails with VSS_E_INVALID_XML_DOCUMENT, also where it has what an express writer may
         * not have.
         * [MS: nf-vswriter-ivssexpresswriter-loadmetadata] */
        STDMETHOD(LoadMetadata)(THIS_ LPCWSTR metadata, DWORD reserved) PURE;

        /* Stores the document as it stands now: from now on GatherWriterMetadata() reports this writer, also
         * when umbrad is started again. Fails with VSS_E_OBJECT_ALREADY_EXISTS, VSS_E_INVALID_XML_DOCUMENT
         * (SetRestoreMethod() was not called), VSS_E_BAD_STATE (there is no document), E_ACCESSDENIED.
         * [MS: nf-vswriter-ivssexpresswriter-register] */
        STDMETHOD(Register)(THIS) PURE;

        /* Forgets it again. Fails with VSS_E_OBJECT_NOT_FOUND.
         * [MS: nf-vswriter-ivssexpresswriter-unregister] */
        STDMETHOD(Unregister)(THIS_ VSS_ID writerId) PURE;
};
#undef INTERFACE

#ifdef __cplusplus
extern "C" {
#endif

/* The way to IVssExpressWriter. The caller releases it. Both names are the same function.
 * [MS: nf-vswriter-createvssexpresswriter] */
UMBRA_API HRESULT CreateVssExpressWriter(IVssExpressWriter **ppWriter);
UMBRA_API HRESULT CreateVssExpressWriterInternal(IVssExpressWriter **ppWriter);

#ifdef __cplusplus
}
#endif

#if !defined(__cplusplus) || defined(CINTERFACE)
#  include "vswriter-calls.h"
#endif

#endif
