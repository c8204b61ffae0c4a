/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSS_H
#define UMBRA_VSS_H

/*
 * Volume Shadow Copies: what all Parties share
 *
 * The words that requesters, writers, providers and administrators have in common: the types, the enums, the
 * properties of a shadow copy and of a provider, the enumerator, and the asynchronous operation. Every other
 * header of the API includes this one.
 *
 * Rules of the whole API:
 *
 *   - Methods return HRESULT. Beside what is said at each, all may return E_INVALIDARG (VSS says so for most
 *     pointers that must not be NULL, where COM would say E_POINTER), E_ACCESSDENIED, E_OUTOFMEMORY,
 *     VSS_E_BAD_STATE (the call is out of order) and VSS_E_UNEXPECTED (the log of umbrad says more).
 *   - Strings that come in are copied. Strings that go out belong to the caller: a BSTR is freed with
 *     SysFreeString(), a VSS_PWSZ with CoTaskMemFree().
 *   - Interfaces that go out carry a reference: Release() them, also the IVssAsync of each operation.
 *   - [MS: nf-...] names the page of the Microsoft documentation that a method follows.
 */

#include "oleauto.h"
#include "unknwn.h"
#include "vsserror.h"
#include "wintypes.h"

typedef GUID VSS_ID; /* names shadow copies, sets, providers, provider versions, writers, writer instances */
typedef WCHAR *VSS_PWSZ;
typedef LONGLONG VSS_TIMESTAMP; /* 100 ns units since 1601-01-01 00:00 UTC, as in FILETIME */

/* What an id names. */
typedef enum VSS_OBJECT_TYPE UMBRA_ENUM_INT {
        VSS_OBJECT_UNKNOWN = 0,      /* an error */
        VSS_OBJECT_NONE = 1,         /* nothing: no restriction */
        VSS_OBJECT_SNAPSHOT_SET = 2, /* shadow copy set */
        VSS_OBJECT_SNAPSHOT = 3,     /* shadow copy */
        VSS_OBJECT_PROVIDER = 4,     /* provider */
        VSS_OBJECT_TYPE_COUNT = 5,   /* how many there are */
} VSS_OBJECT_TYPE, *PVSS_OBJECT_TYPE;

/* How far a shadow copy is. Requesters only ever see VSS_SS_CREATED. */
typedef enum VSS_SNAPSHOT_STATE UMBRA_ENUM_INT {
        VSS_SS_UNKNOWN = 0,                     /* unknown */
        VSS_SS_PREPARING = 1,                   /* being prepared */
        VSS_SS_PROCESSING_PREPARE = 2,          /* prepare step running */
        VSS_SS_PREPARED = 3,                    /* prepared */
        VSS_SS_PROCESSING_PRECOMMIT = 4,        /* precommit running */
        VSS_SS_PRECOMMITTED = 5,                /* precommitted */
        VSS_SS_PROCESSING_COMMIT = 6,           /* commit running */
        VSS_SS_COMMITTED = 7,                   /* committed */
        VSS_SS_PROCESSING_POSTCOMMIT = 8,       /* postcommit running */
        VSS_SS_PROCESSING_PREFINALCOMMIT = 9,   /* pre-final-commit running (auto-recovery) */
        VSS_SS_PREFINALCOMMITTED = 10,          /* pre-final-commit done */
        VSS_SS_PROCESSING_POSTFINALCOMMIT = 11, /* post-final-commit running */
        VSS_SS_CREATED = 12,                    /* it exists */
        VSS_SS_ABORTED = 13,                    /* creation aborted */
        VSS_SS_DELETED = 14,                    /* deleted */
        VSS_SS_POSTCOMMITTED = 15,              /* postcommitted, though it comes after DELETED */
        VSS_SS_COUNT = 16,                      /* reserved count */
} VSS_SNAPSHOT_STATE, *PVSS_SNAPSHOT_STATE;

/* What a shadow copy is like. A requester may set in its context those of which it is said here. */
typedef enum VSS_VOLUME_SNAPSHOT_ATTRIBUTES UMBRA_ENUM_INT {
        VSS_VOLSNAP_ATTR_PERSISTENT = 0x00000001,           /* survives a restart; implied by the context */
        /* may be set: read-only from the beginning, writers do not touch it */
        VSS_VOLSNAP_ATTR_NO_AUTORECOVERY = 0x00000002,
        /* for previous versions on shares; implied by the context */
        VSS_VOLSNAP_ATTR_CLIENT_ACCESSIBLE = 0x00000004,
        /* stays when the requester ends; implied by the context */
        VSS_VOLSNAP_ATTR_NO_AUTO_RELEASE = 0x00000008,
        /* taken without writers; implied by the context */
        VSS_VOLSNAP_ATTR_NO_WRITERS = 0x00000010,
        VSS_VOLSNAP_ATTR_TRANSPORTABLE = 0x00000020,        /* may be set: to be imported elsewhere */
        VSS_VOLSNAP_ATTR_NOT_SURFACED = 0x00000040,         /* not exposed, not mounted */
        VSS_VOLSNAP_ATTR_NOT_TRANSACTED = 0x00000080,       /* may be set: without transaction managers */
        VSS_VOLSNAP_ATTR_HARDWARE_ASSISTED = 0x00010000,    /* made by a hardware provider */
        /* may be set: copy on write is demanded; excludes PLEX */
        VSS_VOLSNAP_ATTR_DIFFERENTIAL = 0x00020000,
        /* may be set: a full copy is demanded; excludes DIFFERENTIAL */
        VSS_VOLSNAP_ATTR_PLEX = 0x00040000,
        VSS_VOLSNAP_ATTR_IMPORTED = 0x00080000,             /* came by ImportSnapshots() */
        VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY = 0x00100000,      /* exposed as a directory */
        VSS_VOLSNAP_ATTR_EXPOSED_REMOTELY = 0x00200000,     /* exposed as a share */
        VSS_VOLSNAP_ATTR_AUTORECOVER = 0x00400000,          /* writers recover it in OnPostSnapshot() */
        /* may be set: not for backup; writers recover it */
        VSS_VOLSNAP_ATTR_ROLLBACK_RECOVERY = 0x00800000,
        VSS_VOLSNAP_ATTR_DELAYED_POSTSNAPSHOT = 0x01000000, /* reserved */
        /* may be set: recover file system transactions (nothing to do here) */
        VSS_VOLSNAP_ATTR_TXF_RECOVERY = 0x02000000,
        VSS_VOLSNAP_ATTR_FILE_SHARE = 0x04000000,           /* of a file share */
} VSS_VOLUME_SNAPSHOT_ATTRIBUTES, *PVSS_VOLUME_SNAPSHOT_ATTRIBUTES;

/* What a shadow copy is for: who takes part, how long it lives. Attributes may be or'ed in. */
typedef enum VSS_SNAPSHOT_CONTEXT UMBRA_ENUM_INT {
        /* the default: with writers, ends with the requester */
        VSS_CTX_BACKUP = 0x00000000,
        VSS_CTX_FILE_SHARE_BACKUP = 0x00000010,         /* without writers, ends with the requester */
        VSS_CTX_NAS_ROLLBACK = 0x00000019,              /* without writers, persistent */
        VSS_CTX_APP_ROLLBACK = 0x00000009,              /* with writers, persistent */
        /* for previous versions: without writers, persistent */
        VSS_CTX_CLIENT_ACCESSIBLE = 0x0000001D,
        VSS_CTX_CLIENT_ACCESSIBLE_WRITERS = 0x0000000D, /* likewise with writers */
        VSS_CTX_ALL = (int) 0xFFFFFFFF,                 /* to see and delete all of them; not to make one */
} VSS_SNAPSHOT_CONTEXT, *PVSS_SNAPSHOT_CONTEXT;

/* Reserved. */
typedef enum VSS_PROVIDER_CAPABILITIES UMBRA_ENUM_INT {
        VSS_PRV_CAPABILITY_LEGACY = 0x0001,
        VSS_PRV_CAPABILITY_COMPLIANT = 0x0002,
        VSS_PRV_CAPABILITY_LUN_REPOINT = 0x0004,
        VSS_PRV_CAPABILITY_LUN_RESYNC = 0x0008,
        VSS_PRV_CAPABILITY_OFFLINE_CREATION = 0x0010,
        VSS_PRV_CAPABILITY_MULTIPLE_IMPORT = 0x0020,
        VSS_PRV_CAPABILITY_RECYCLING = 0x0040,
        VSS_PRV_CAPABILITY_PLEX = 0x0080,
        VSS_PRV_CAPABILITY_DIFFERENTIAL = 0x0100,
        VSS_PRV_CAPABILITY_CLUSTERED = 0x0200,
} VSS_PROVIDER_CAPABILITIES, *PVSS_PROVIDER_CAPABILITIES;

/* For BreakSnapshotSetEx() and OnLunStateChange(). */
typedef enum VSS_HARDWARE_OPTIONS UMBRA_ENUM_INT {
        VSS_BREAKEX_FLAG_MASK_LUNS = 0x00000001,                    /* hide the volumes from this host */
        VSS_BREAKEX_FLAG_MAKE_READ_WRITE = 0x00000002,              /* make them writable */
        /* give all of them the ids of the originals */
        VSS_BREAKEX_FLAG_REVERT_IDENTITY_ALL = 0x00000004,
        VSS_BREAKEX_FLAG_REVERT_IDENTITY_NONE = 0x00000008,         /* leave all ids */
        VSS_ONLUNSTATECHANGE_NOTIFY_READ_WRITE = 0x00000100,        /* they become writable for good */
        VSS_ONLUNSTATECHANGE_NOTIFY_LUN_PRE_RECOVERY = 0x00000200,  /* writable until POST_RECOVERY */
        VSS_ONLUNSTATECHANGE_NOTIFY_LUN_POST_RECOVERY = 0x00000400, /* read-only again */
        VSS_ONLUNSTATECHANGE_DO_MASK_LUNS = 0x00000800,             /* hide them from this host */
} VSS_HARDWARE_OPTIONS, *PVSS_HARDWARE_OPTIONS;

/* For RecoverSet(). */
typedef enum VSS_RECOVERY_OPTIONS UMBRA_ENUM_INT {
        VSS_RECOVERY_REVERT_IDENTITY_ALL = 0x00000100, /* the target becomes the original, id and all */
        VSS_RECOVERY_NO_VOLUME_CHECK = 0x00000200,     /* do not look what else lies on the target */
} VSS_RECOVERY_OPTIONS, *PVSS_RECOVERY_OPTIONS;

/* Where a writer stands. */
typedef enum VSS_WRITER_STATE UMBRA_ENUM_INT {
        VSS_WS_UNKNOWN = 0,                     /* unknown: writer error */
        VSS_WS_STABLE = 1,                      /* idle or done */
        VSS_WS_WAITING_FOR_FREEZE = 2,          /* waiting for Freeze */
        VSS_WS_WAITING_FOR_THAW = 3,            /* waiting for Thaw */
        VSS_WS_WAITING_FOR_POST_SNAPSHOT = 4,   /* waiting for PostSnapshot */
        VSS_WS_WAITING_FOR_BACKUP_COMPLETE = 5, /* waiting for the requester to finish the backup */
        VSS_WS_FAILED_AT_IDENTIFY = 6,          /* failed during Identify */
        VSS_WS_FAILED_AT_PREPARE_BACKUP = 7,    /* failed during PrepareForBackup */
        VSS_WS_FAILED_AT_PREPARE_SNAPSHOT = 8,  /* failed during PrepareForSnapshot */
        VSS_WS_FAILED_AT_FREEZE = 9,            /* failed during Freeze */
        VSS_WS_FAILED_AT_THAW = 10,             /* failed during Thaw */
        VSS_WS_FAILED_AT_POST_SNAPSHOT = 11,    /* failed during PostSnapshot */
        VSS_WS_FAILED_AT_BACKUP_COMPLETE = 12,  /* shadow copy exists, failed during BackupComplete */
        VSS_WS_FAILED_AT_PRE_RESTORE = 13,      /* failed during PreRestore */
        VSS_WS_FAILED_AT_POST_RESTORE = 14,     /* failed during PostRestore */
        VSS_WS_FAILED_AT_BACKUPSHUTDOWN = 15,   /* failed during BackupShutdown */
        VSS_WS_COUNT = 16,                      /* reserved count */
} VSS_WRITER_STATE, *PVSS_WRITER_STATE;

/* What a backup saves. A writer that does not support a type makes a full backup of it. */
typedef enum VSS_BACKUP_TYPE UMBRA_ENUM_INT {
        VSS_BT_UNDEFINED = 0,    /* an error */
        VSS_BT_FULL = 1,         /* all files, history updated */
        VSS_BT_INCREMENTAL = 2,  /* changed since the last full or incremental one (VSS_BS_INCREMENTAL) */
        VSS_BT_DIFFERENTIAL = 3, /* changed since the last full one (VSS_BS_DIFFERENTIAL) */
        VSS_BT_LOG = 4,          /* log files only (VSS_BS_LOG) */
        VSS_BT_COPY = 5,         /* all files, history not updated (VSS_BS_COPY) */
        VSS_BT_OTHER = 6,        /* any other type */
} VSS_BACKUP_TYPE, *PVSS_BACKUP_TYPE;

/* How data comes back. */
typedef enum VSS_RESTORE_TYPE UMBRA_ENUM_INT {
        VSS_RTYPE_UNDEFINED = 0, /* not said; writers take it for BY_COPY */
        VSS_RTYPE_BY_COPY = 1,   /* files copied from backup media */
        VSS_RTYPE_IMPORT = 2,    /* transportable shadow copy imported */
        VSS_RTYPE_OTHER = 3,     /* any other type */
} VSS_RESTORE_TYPE, *PVSS_RESTORE_TYPE;

/* How far a writer replays its logs. */
typedef enum VSS_ROLLFORWARD_TYPE UMBRA_ENUM_INT {
        VSS_RF_UNDEFINED = 0, /* unknown */
        VSS_RF_NONE = 1,      /* no roll-forward */
        VSS_RF_ALL = 2,       /* roll forward through all logs */
        VSS_RF_PARTIAL = 3,   /* roll forward to the given point */
} VSS_ROLLFORWARD_TYPE, *PVSS_ROLLFORWARD_TYPE;

/* What kind of provider it is. */
typedef enum VSS_PROVIDER_TYPE UMBRA_ENUM_INT {
        VSS_PROV_UNKNOWN = 0,   /* an error */
        VSS_PROV_SYSTEM = 1,    /* comes with umbra */
        VSS_PROV_SOFTWARE = 2,  /* software provider */
        VSS_PROV_HARDWARE = 3,  /* hardware provider */
        VSS_PROV_FILESHARE = 4, /* file share provider */
} VSS_PROVIDER_TYPE, *PVSS_PROVIDER_TYPE;

/* The order of Freeze; Thaw is in reverse. */
typedef enum VSS_APPLICATION_LEVEL UMBRA_ENUM_INT {
        VSS_APP_UNKNOWN = 0,   /* an error */
        VSS_APP_SYSTEM = 1,    /* frozen last */
        VSS_APP_BACK_END = 2,  /* frozen in between */
        VSS_APP_FRONT_END = 3, /* frozen first; the default */
        VSS_APP_SYSTEM_RM = 4, /* after all others */
        VSS_APP_AUTO = -1,     /* reserved */
} VSS_APPLICATION_LEVEL, *PVSS_APPLICATION_LEVEL;

/* What must not be done on a volume that has shadow copies. */
typedef enum VSS_SNAPSHOT_COMPATIBILITY UMBRA_ENUM_INT {
        VSS_SC_DISABLE_DEFRAG = 0x1,       /* defragmenting */
        VSS_SC_DISABLE_CONTENTINDEX = 0x2, /* indexing */
} VSS_SNAPSHOT_COMPATIBILITY, *PVSS_SNAPSHOT_COMPATIBILITY;

/* Names the members of VSS_SNAPSHOT_PROP. */
typedef enum VSS_SNAPSHOT_PROPERTY_ID UMBRA_ENUM_INT {
        VSS_SPROPID_UNKNOWN = 0x00,             /* unknown: application error */
        VSS_SPROPID_SNAPSHOT_ID = 0x01,         /* m_SnapshotId */
        VSS_SPROPID_SNAPSHOT_SET_ID = 0x02,     /* m_SnapshotSetId */
        VSS_SPROPID_SNAPSHOTS_COUNT = 0x03,     /* m_lSnapshotsCount */
        VSS_SPROPID_SNAPSHOT_DEVICE = 0x04,     /* m_pwszSnapshotDeviceObject */
        VSS_SPROPID_ORIGINAL_VOLUME = 0x05,     /* m_pwszOriginalVolumeName */
        VSS_SPROPID_ORIGINATING_MACHINE = 0x06, /* m_pwszOriginatingMachine */
        VSS_SPROPID_SERVICE_MACHINE = 0x07,     /* m_pwszServiceMachine */
        VSS_SPROPID_EXPOSED_NAME = 0x08,        /* m_pwszExposedName */
        VSS_SPROPID_EXPOSED_PATH = 0x09,        /* m_pwszExposedPath */
        VSS_SPROPID_PROVIDER_ID = 0x0A,         /* m_ProviderId */
        VSS_SPROPID_SNAPSHOT_ATTRIBUTES = 0x0B, /* m_lSnapshotAttributes */
        VSS_SPROPID_CREATION_TIMESTAMP = 0x0C,  /* m_tsCreationTimestamp */
        VSS_SPROPID_STATUS = 0x0D,              /* m_eStatus */
} VSS_SNAPSHOT_PROPERTY_ID, *PVSS_SNAPSHOT_PROPERTY_ID;

/* When the files of a set must be saved, and when they must come from the shadow copy. The default is all of
 * both, 0xF0F. */
typedef enum VSS_FILE_SPEC_BACKUP_TYPE UMBRA_ENUM_INT {
        VSS_FSBT_FULL_BACKUP_REQUIRED = 0x00000001,           /* in every full backup */
        VSS_FSBT_DIFFERENTIAL_BACKUP_REQUIRED = 0x00000002,   /* in every differential backup */
        VSS_FSBT_INCREMENTAL_BACKUP_REQUIRED = 0x00000004,    /* in every incremental backup */
        VSS_FSBT_LOG_BACKUP_REQUIRED = 0x00000008,            /* in every log backup */
        VSS_FSBT_FULL_SNAPSHOT_REQUIRED = 0x00000100,         /* a full backup reads the shadow copy */
        /* a differential backup reads the shadow copy */
        VSS_FSBT_DIFFERENTIAL_SNAPSHOT_REQUIRED = 0x00000200,
        /* an incremental backup reads the shadow copy */
        VSS_FSBT_INCREMENTAL_SNAPSHOT_REQUIRED = 0x00000400,
        VSS_FSBT_LOG_SNAPSHOT_REQUIRED = 0x00000800,          /* a log backup reads the shadow copy */
        /* does not exist yet, will when the shadow copy is taken */
        VSS_FSBT_CREATED_DURING_BACKUP = 0x00010000,
        VSS_FSBT_ALL_BACKUP_REQUIRED = 0x0000000F,            /* in every backup */
        VSS_FSBT_ALL_SNAPSHOT_REQUIRED = 0x00000F00,          /* every backup reads the shadow copy */
} VSS_FILE_SPEC_BACKUP_TYPE, *PVSS_FILE_SPEC_BACKUP_TYPE;

/* What a writer can do. */
typedef enum VSS_BACKUP_SCHEMA UMBRA_ENUM_INT {
        VSS_BS_UNDEFINED = 0x00000000,                          /* full backups of whole files */
        VSS_BS_DIFFERENTIAL = 0x00000001,                       /* differential backups */
        VSS_BS_INCREMENTAL = 0x00000002,                        /* incremental backups */
        VSS_BS_EXCLUSIVE_INCREMENTAL_DIFFERENTIAL = 0x00000004, /* both, but not one on top of the other */
        VSS_BS_LOG = 0x00000008,                                /* log backups */
        VSS_BS_COPY = 0x00000010,                               /* copy backups */
        VSS_BS_TIMESTAMPED = 0x00000020,                        /* uses backup stamps */
        /* uses AddDifferencedFilesByLastModifyTime() */
        VSS_BS_LAST_MODIFY = 0x00000040,
        VSS_BS_LSN = 0x00000080,                                /* reserved */
        VSS_BS_WRITER_SUPPORTS_NEW_TARGET = 0x00000100,         /* understands AddNewTarget() */
        VSS_BS_WRITER_SUPPORTS_RESTORE_WITH_MOVE = 0x00000200,  /* understands SetSelectedForRestoreEx() */
        /* system state that can be saved on its own */
        VSS_BS_INDEPENDENT_SYSTEM_STATE = 0x00000400,
        VSS_BS_ROLLFORWARD_RESTORE = 0x00001000,                /* understands SetRollForward() */
        VSS_BS_RESTORE_RENAME = 0x00002000,                     /* understands SetRestoreName() */
        VSS_BS_AUTHORITATIVE_RESTORE = 0x00004000,              /* understands SetAuthoritativeRestore() */
        VSS_BS_WRITER_SUPPORTS_PARALLEL_RESTORES = 0x00008000,  /* several restores at once */
} VSS_BACKUP_SCHEMA, *PVSS_BACKUP_SCHEMA;

/* A shadow copy. The strings are freed with VssFreeSnapshotProperties(). */
typedef struct VSS_SNAPSHOT_PROP {
        VSS_ID m_SnapshotId;                 /* id of the shadow copy */
        VSS_ID m_SnapshotSetId;              /* id of its set */
        LONG m_lSnapshotsCount;              /* volumes in the set when it was made; some may be gone */
        /* the directory that is the shadow copy, without a trailing slash */
        VSS_PWSZ m_pwszSnapshotDeviceObject;
        VSS_PWSZ m_pwszOriginalVolumeName;   /* original volume name */
        VSS_PWSZ m_pwszOriginatingMachine;   /* machine holding the original volume */
        VSS_PWSZ m_pwszServiceMachine;       /* machine whose VSS service created it */
        VSS_PWSZ m_pwszExposedName;          /* directory or share where it is exposed, or NULL */
        VSS_PWSZ m_pwszExposedPath;          /* the part of it that a share shows, or NULL */
        VSS_ID m_ProviderId;                 /* provider that made it */
        LONG m_lSnapshotAttributes;          /* VSS_VOLUME_SNAPSHOT_ATTRIBUTES */
        VSS_TIMESTAMP m_tsCreationTimestamp; /* when */
        VSS_SNAPSHOT_STATE m_eStatus;        /* VSS_SS_CREATED */
} VSS_SNAPSHOT_PROP, *PVSS_SNAPSHOT_PROP;

/* A provider. The strings are freed with CoTaskMemFree(). */
typedef struct VSS_PROVIDER_PROP {
        VSS_ID m_ProviderId;               /* persistent provider id */
        VSS_PWSZ m_pwszProviderName;       /* name */
        VSS_PROVIDER_TYPE m_eProviderType; /* type */
        VSS_PWSZ m_pwszProviderVersion;    /* version text */
        VSS_ID m_ProviderVersionId;        /* version id */
        CLSID m_ClassId;                   /* COM class of the provider */
} VSS_PROVIDER_PROP, *PVSS_PROVIDER_PROP;

typedef union VSS_OBJECT_UNION {
        VSS_SNAPSHOT_PROP Snap; /* valid when Type is VSS_OBJECT_SNAPSHOT */
        VSS_PROVIDER_PROP Prov; /* valid when Type is VSS_OBJECT_PROVIDER */
} VSS_OBJECT_UNION, *PVSS_OBJECT_UNION;

/* What IVssEnumObject enumerates. */
typedef struct VSS_OBJECT_PROP {
        VSS_OBJECT_TYPE Type; /* selects the union member */
        VSS_OBJECT_UNION Obj; /* properties */
} VSS_OBJECT_PROP, *PVSS_OBJECT_PROP;

/*
 * IVssEnumObject
 *
 * Walks over shadow copies or providers: what Query() and QueryProviders() found at that moment.
 */
EXTERN_C UMBRA_API const IID IID_IVssEnumObject; /* {AE1C7110-2F60-11D3-8A39-00C04F72D8E3} */

#define INTERFACE IVssEnumObject
DECLARE_INTERFACE_(IVssEnumObject, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* Fills the next celt elements of rgelt; their strings are the caller's
         * (VssFreeSnapshotProperties(), or CoTaskMemFree() for those of a provider). S_FALSE if fewer were
         * left; *pceltFetched says how many there are, and may only be NULL if celt is 1. Fails with
         * E_POINTER, E_FAIL: no memory; then it has not moved. [MS: nf-vss-ivssenumobject-next] */
        STDMETHOD(Next)(THIS_ ULONG celt, VSS_OBJECT_PROP *rgelt, ULONG *pceltFetched) PURE;

        /* Passes over celt elements. S_FALSE if that is beyond the end. [MS: nf-vss-ivssenumobject-skip] */
        STDMETHOD(Skip)(THIS_ ULONG celt) PURE;

        /* Goes back to the first element. [MS: nf-vss-ivssenumobject-reset] */
        STDMETHOD(Reset)(THIS) PURE;

        /* Makes a second enumerator at the same position; the caller releases it. Fails with E_POINTER.
         * [MS: nf-vss-ivssenumobject-clone] */
        STDMETHOD(Clone)(THIS_ IVssEnumObject **ppenum) PURE;
};
#undef INTERFACE

/*
 * IVssAsync
 *
 * An operation that goes on while the caller does other things. Whoever polls QueryStatus(), even every 10
 * ms and without ever calling Wait(), keeps it going. Releasing it does not cancel anything.
 */
EXTERN_C UMBRA_API const IID IID_IVssAsync; /* {507C37B4-CF5B-4E95-B0AF-14EB9767467E} */

#define INTERFACE IVssAsync
DECLARE_INTERFACE_(IVssAsync, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* S_OK if this call cancelled the operation; otherwise how it ended: VSS_S_ASYNC_CANCELLED,
         * VSS_S_ASYNC_FINISHED or its error. Blocks until the cancellation has arrived.
         * [MS: nf-vss-ivssasync-cancel] */
        STDMETHOD(Cancel)(THIS) PURE;

        /* Waits at most dwMilliseconds. S_OK when the operation has ended well, was cancelled, or the time
         * is over: QueryStatus() tells which. If it failed, its error. [MS: nf-vss-ivssasync-wait] */
        STDMETHOD(Wait)(THIS_ DWORD dwMilliseconds DEFAULT_ARGUMENT(INFINITE)) PURE;

        /* Never waits. *pHrResult becomes VSS_S_ASYNC_PENDING, VSS_S_ASYNC_FINISHED, VSS_S_ASYNC_CANCELLED
         * or the error of the operation. pReserved may be NULL. [MS: nf-vss-ivssasync-querystatus] */
        STDMETHOD(QueryStatus)(THIS_ HRESULT *pHrResult, INT *pReserved) PURE;
};
#undef INTERFACE

#if !defined(__cplusplus) || defined(CINTERFACE)
#  include "vss-calls.h"
#endif

#endif
