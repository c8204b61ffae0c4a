/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSMGMT_H
#define UMBRA_VSMGMT_H

/*
 * Managing Shadow Copies
 *
 * How much room shadow copies may take and where they lie. CoCreateInstance(CLSID_VssSnapshotMgmt) gives an
 * IVssSnapshotMgmt, whose GetProviderMgmtInterface() gives an IVssDifferentialSoftwareSnapshotMgmt.
 *
 * The storage area of a volume is where the shadow copies lie that a provider makes of it: on the volume
 * itself (btrfs, clones of files) or in umbra's own directory (copies of files). That is the provider's
 * choice, so an area anywhere else is refused. Copies have an area by themselves, without a limit;
 * AddDiffArea() and ChangeDiffAreaMaximumSize() set one. It counts for the next shadow copy: one that would
 * need more than is left fails with VSS_E_INSUFFICIENT_STORAGE, and those that exist are never given up for
 * it.
 *
 * Whoever may make backups may ask; to change anything, and for protection levels, one has to be an
 * administrator: root, the group umbra, or whom [administrators] of umbra.conf(5) names. All calls fail with
 * E_ACCESSDENIED where that is missing, E_INVALIDARG, E_OUTOFMEMORY, VSS_E_UNEXPECTED when umbrad cannot be
 * reached. Volumes are named as everywhere in umbra; a missing last separator is forgiven.
 */

#include "vss.h"

EXTERN_C UMBRA_API const CLSID CLSID_VssSnapshotMgmt; /* {0B5A2C52-3EB9-470A-96E2-6C6D4570E40F} */

#define VSS_ASSOC_NO_MAX_SPACE ((LONGLONG) -1) /* no limit */
#define VSS_ASSOC_REMOVE       ((LONGLONG) 0)  /* end the association */

/* Selects the member of VSS_MGMT_OBJECT_UNION. */
typedef enum VSS_MGMT_OBJECT_TYPE UMBRA_ENUM_INT {
        VSS_MGMT_OBJECT_UNKNOWN = 0,     /* unknown */
        VSS_MGMT_OBJECT_VOLUME = 1,      /* union member Vol (VSS_VOLUME_PROP) */
        VSS_MGMT_OBJECT_DIFF_VOLUME = 2, /* union member DiffVol (VSS_DIFF_VOLUME_PROP) */
        VSS_MGMT_OBJECT_DIFF_AREA = 3,   /* union member DiffArea (VSS_DIFF_AREA_PROP) */
} VSS_MGMT_OBJECT_TYPE, *PVSS_MGMT_OBJECT_TYPE;

/* What to give up when the differences no longer fit. */
typedef enum VSS_PROTECTION_LEVEL UMBRA_ENUM_INT {
        VSS_PROTECTION_LEVEL_ORIGINAL_VOLUME = 0, /* the shadow copies; the volume works on */
        VSS_PROTECTION_LEVEL_SNAPSHOT = 1,        /* access to the volume; the shadow copies stay */
} VSS_PROTECTION_LEVEL, *PVSS_PROTECTION_LEVEL;

/* Why a volume was taken offline. */
typedef enum VSS_PROTECTION_FAULT UMBRA_ENUM_INT {
        VSS_PROTECTION_FAULT_NONE = 0,                          /* no fault */
        /* storage area volume not found (often not yet arrived) */
        VSS_PROTECTION_FAULT_DIFF_AREA_MISSING = 1,
        /* storage area volume could not be brought online: I/O failure */
        VSS_PROTECTION_FAULT_IO_FAILURE_DURING_ONLINE = 2,
        VSS_PROTECTION_FAULT_META_DATA_CORRUPTION = 3,          /* storage area metadata corrupted */
        VSS_PROTECTION_FAULT_MEMORY_ALLOCATION_FAILURE = 4,     /* memory allocation failed */
        /* memory mapping failed (page file too small or low memory) */
        VSS_PROTECTION_FAULT_MAPPED_MEMORY_FAILURE = 5,
        VSS_PROTECTION_FAULT_COW_READ_FAILURE = 6,              /* read failed during copy-on-write */
        /* read or write failed during copy-on-write; storage volume perhaps removed */
        VSS_PROTECTION_FAULT_COW_WRITE_FAILURE = 7,
        VSS_PROTECTION_FAULT_DIFF_AREA_FULL = 8,                /* storage area or its volume is full */
        /* area could not be enlarged: no more space on its volume */
        VSS_PROTECTION_FAULT_GROW_TOO_SLOW = 9,
        VSS_PROTECTION_FAULT_GROW_FAILED = 10,                  /* area could not be enlarged */
        VSS_PROTECTION_FAULT_DESTROY_ALL_SNAPSHOTS = 11,        /* unexpected error */
        /* storage files could not be opened or volume not mounted: file system failure */
        VSS_PROTECTION_FAULT_FILE_SYSTEM_FAILURE = 12,
        /* read or write failed on the storage volume */
        VSS_PROTECTION_FAULT_IO_FAILURE = 13,
        VSS_PROTECTION_FAULT_DIFF_AREA_REMOVED = 14,            /* storage volume removed or inaccessible */
        /* another application tried to write to the storage area */
        VSS_PROTECTION_FAULT_EXTERNAL_WRITER_TO_DIFF_AREA = 15,
        VSS_PROTECTION_FAULT_MOUNT_DURING_CLUSTER_OFFLINE = 16, /* no description published */
} VSS_PROTECTION_FAULT, *PVSS_PROTECTION_FAULT;

/* A volume that shadow copies can be taken of. */
typedef struct VSS_VOLUME_PROP {
        VSS_PWSZ m_pwszVolumeName;        /* its name */
        VSS_PWSZ m_pwszVolumeDisplayName; /* its shortest mount point */
} VSS_VOLUME_PROP, *PVSS_VOLUME_PROP;

/* A volume that can hold differences. */
typedef struct VSS_DIFF_VOLUME_PROP {
        VSS_PWSZ m_pwszVolumeName;        /* its name */
        VSS_PWSZ m_pwszVolumeDisplayName; /* its shortest mount point */
        LONGLONG m_llVolumeFreeSpace;     /* free bytes */
        LONGLONG m_llVolumeTotalSpace;    /* total bytes */
} VSS_DIFF_VOLUME_PROP, *PVSS_DIFF_VOLUME_PROP;

/* Where the differences of a volume lie. */
typedef struct VSS_DIFF_AREA_PROP {
        VSS_PWSZ m_pwszVolumeName;         /* original volume */
        VSS_PWSZ m_pwszDiffAreaVolumeName; /* volume holding the storage area */
        LONGLONG m_llMaximumDiffSpace;     /* maximum size in bytes, -1 unlimited */
        LONGLONG m_llAllocatedDiffSpace;   /* allocated bytes, -1 when the provider cannot tell (btrfs) */
        LONGLONG m_llUsedDiffSpace;        /* used bytes, the same */
} VSS_DIFF_AREA_PROP, *PVSS_DIFF_AREA_PROP;

typedef union VSS_MGMT_OBJECT_UNION {
        VSS_VOLUME_PROP Vol;          /* Type VSS_MGMT_OBJECT_VOLUME */
        VSS_DIFF_VOLUME_PROP DiffVol; /* Type VSS_MGMT_OBJECT_DIFF_VOLUME */
        VSS_DIFF_AREA_PROP DiffArea;  /* Type VSS_MGMT_OBJECT_DIFF_AREA */
} VSS_MGMT_OBJECT_UNION, *PVSS_MGMT_OBJECT_UNION;

/* What IVssEnumMgmtObject enumerates. The strings are freed with CoTaskMemFree(). */
typedef struct VSS_MGMT_OBJECT_PROP {
        VSS_MGMT_OBJECT_TYPE Type; /* selects the union member */
        VSS_MGMT_OBJECT_UNION Obj; /* properties */
} VSS_MGMT_OBJECT_PROP, *PVSS_MGMT_OBJECT_PROP;

typedef struct VSS_VOLUME_PROTECTION_INFO {
        VSS_PROTECTION_LEVEL m_protectionLevel; /* target protection level */
        BOOL m_volumeIsOfflineForProtection;    /* volume is offline because of a fault */
        VSS_PROTECTION_FAULT m_protectionFault; /* fault that took it offline, 0 when none */
        LONG m_failureStatus;                   /* internal failure status, 0 when none */
        BOOL m_volumeHasUnusedDiffArea;         /* unused storage area files exist */
        DWORD m_reserved;                       /* reserved */
} VSS_VOLUME_PROTECTION_INFO, *PVSS_VOLUME_PROTECTION_INFO;

/*
 * IVssEnumMgmtObject
 *
 * Walks over volumes or difference areas: what a Query...() found at that moment.
 */
EXTERN_C UMBRA_API const IID IID_IVssEnumMgmtObject; /* {01954E6B-9254-4E6E-808C-C9E05D007696} */

#define INTERFACE IVssEnumMgmtObject
DECLARE_INTERFACE_(IVssEnumMgmtObject, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* Fills the next celt elements of rgelt; their strings are the caller's (CoTaskMemFree()). S_FALSE
         * if fewer were left; *pceltFetched says how many there are, and may only be NULL if celt is 1.
         * [MS: nf-vsmgmt-ivssenummgmtobject-next] */
        STDMETHOD(Next)(THIS_ ULONG celt, VSS_MGMT_OBJECT_PROP *rgelt, ULONG *pceltFetched) PURE;

        /* Passes over celt elements. S_FALSE if that is beyond the end.
         * [MS: nf-vsmgmt-ivssenummgmtobject-skip] */
        STDMETHOD(Skip)(THIS_ ULONG celt) PURE;

        /* Goes back to the first element. [MS: nf-vsmgmt-ivssenummgmtobject-reset] */
        STDMETHOD(Reset)(THIS) PURE;

        /* Makes a second enumerator at the same position; the caller releases it.
         * [MS: nf-vsmgmt-ivssenummgmtobject-clone] */
        STDMETHOD(Clone)(THIS_ IVssEnumMgmtObject **ppenum) PURE;
};
#undef INTERFACE

/*
 * IVssSnapshotMgmt
 */
EXTERN_C UMBRA_API const IID IID_IVssSnapshotMgmt; /* {FA7DF749-66E7-4986-A27F-E2F04AE53772} */

#define INTERFACE IVssSnapshotMgmt
DECLARE_INTERFACE_(IVssSnapshotMgmt, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* The management interface of a provider: IID_IVssDifferentialSoftwareSnapshotMgmt, 2 or 3, else
         * E_NOINTERFACE. The id of Windows' system provider, {b5946137-7b9f-4925-af80-51abd60b20d5}, stands
         * for all that umbra has, theirs for one each; providers of others have none (E_NOINTERFACE). The
         * caller releases it. Fails with VSS_E_PROVIDER_NOT_REGISTERED.
         * [MS: nf-vsmgmt-ivsssnapshotmgmt-getprovidermgmtinterface] */
        STDMETHOD(GetProviderMgmtInterface)(THIS_ VSS_ID ProviderId,
                                                  REFIID InterfaceId,
                                                  IUnknown **ppItf) PURE;

        /* Lists the volumes that the provider can snapshot (VSS_VOLUME_PROP). The caller releases it. Fails
         * with VSS_E_PROVIDER_NOT_REGISTERED.
         * [MS: nf-vsmgmt-ivsssnapshotmgmt-queryvolumessupportedforsnapshots] */
        STDMETHOD(QueryVolumesSupportedForSnapshots)(THIS_ VSS_ID ProviderId,
                                                           LONG lContext,
                                                           IVssEnumMgmtObject **ppEnum) PURE;

        /* Lists the shadow copies of a volume, GUID_NULL: of all providers. The caller releases it. Fails
         * with VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_NOT_REGISTERED.
         * [MS: nf-vsmgmt-ivsssnapshotmgmt-querysnapshotsbyvolume] */
        STDMETHOD(QuerySnapshotsByVolume)(THIS_ VSS_PWSZ pwszVolumeName,
                                                VSS_ID ProviderId,
                                                IVssEnumObject **ppEnum) PURE;
};
#undef INTERFACE

/*
 * IVssSnapshotMgmt2
 *
 * Another interface of the same object; not derived from IVssSnapshotMgmt.
 */
EXTERN_C UMBRA_API const IID IID_IVssSnapshotMgmt2; /* {0F61EC39-FE82-45F2-A3F0-768B5D427102} */

#define INTERFACE IVssSnapshotMgmt2
DECLARE_INTERFACE_(IVssSnapshotMgmt2, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)

        /* The smallest limit that can be set, in bytes; "minimum" of umbra.conf(5), 320 MiB by itself.
         * [MS: nf-vsmgmt-ivsssnapshotmgmt2-getmindiffareasize] */
        STDMETHOD(GetMinDiffAreaSize)(THIS_ LONGLONG *pllMinDiffAreaSize) PURE;
};
#undef INTERFACE

/*
 * IVssDifferentialSoftwareSnapshotMgmt
 *
 * The places where a provider keeps differences. Sizes are in bytes.
 */
/* {214A0F28-B737-4026-B847-4F9E37D79529} */
EXTERN_C UMBRA_API const IID IID_IVssDifferentialSoftwareSnapshotMgmt;

#define IVSS_DIFFERENTIAL_SOFTWARE_SNAPSHOT_MGMT_METHODS                                                    \
        /* The copies of the first volume, which has none yet, are kept on the second. Bytes;               \
         * VSS_ASSOC_NO_MAX_SPACE for no limit. Fails with VSS_E_MAXIMUM_DIFFAREA_ASSOCIATIONS_REACHED,     \
         * VSS_E_NESTED_VOLUME_LIMIT, VSS_E_OBJECT_ALREADY_EXISTS: it has an area; VSS_E_PROVIDER_VETO,     \
         * VSS_E_VOLUME_NOT_SUPPORTED: the provider keeps them elsewhere, or there is less room than that.  \
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-adddiffarea] */                              \
        STDMETHOD(AddDiffArea)(THIS_ VSS_PWSZ pwszVolumeName,                                               \
                                     VSS_PWSZ pwszDiffAreaVolumeName,                                       \
                                     LONGLONG llMaximumDiffSpace) PURE;                                     \
                                                                                                            \
        /* Sets the limit for the next copy, and makes the area if there is none. Bytes; VSS_ASSOC_REMOVE   \
         * ends the association. Fails with VSS_E_INSUFFICIENT_STORAGE: the volume is smaller than that;    \
         * VSS_E_OBJECT_NOT_FOUND: the copies do not lie there; VSS_E_PROVIDER_VETO, VSS_E_VOLUME_IN_USE:   \
         * there are copies, so their area cannot end.                                                      \
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-changediffareamaximumsize] */                \
        STDMETHOD(ChangeDiffAreaMaximumSize)(THIS_ VSS_PWSZ pwszVolumeName,                                 \
                                                   VSS_PWSZ pwszDiffAreaVolumeName,                         \
                                                   LONGLONG llMaximumDiffSpace) PURE;                       \
                                                                                                            \
        /* The volume that copies of this one would lie on (VSS_DIFF_VOLUME_PROP); none when the provider   \
         * cannot tell. The caller releases it. Fails with VSS_E_PROVIDER_VETO.                             \
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-queryvolumessupportedfordiffareas] */        \
        STDMETHOD(QueryVolumesSupportedForDiffAreas)(THIS_ VSS_PWSZ pwszOriginalVolumeName,                 \
                                                           IVssEnumMgmtObject **ppEnum) PURE;               \
                                                                                                            \
        /* Where the differences of this volume lie (VSS_DIFF_AREA_PROP). The caller releases it. Fails     \
         * with VSS_E_PROVIDER_VETO.                                                                        \
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-querydiffareasforvolume] */                  \
        STDMETHOD(QueryDiffAreasForVolume)(THIS_ VSS_PWSZ pwszVolumeName,                                   \
                                                 IVssEnumMgmtObject **ppEnum) PURE;                         \
                                                                                                            \
        /* Whose differences lie on this volume. The caller releases it. Fails with VSS_E_PROVIDER_VETO.    \
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-querydiffareasonvolume] */                   \
        STDMETHOD(QueryDiffAreasOnVolume)(THIS_ VSS_PWSZ pwszVolumeName, IVssEnumMgmtObject **ppEnum) PURE; \
                                                                                                            \
        /* Where the differences of this shadow copy lie. The caller releases it. Fails with                \
         * VSS_E_PROVIDER_VETO.                                                                             \
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-querydiffareasforsnapshot] */                \
        STDMETHOD(QueryDiffAreasForSnapshot)(THIS_ VSS_ID SnapshotId, IVssEnumMgmtObject **ppEnum) PURE;

#define INTERFACE IVssDifferentialSoftwareSnapshotMgmt
DECLARE_INTERFACE_(IVssDifferentialSoftwareSnapshotMgmt, IUnknown) {
        BASE_METHODS(IUNKNOWN_METHODS)
        IVSS_DIFFERENTIAL_SOFTWARE_SNAPSHOT_MGMT_METHODS
};
#undef INTERFACE

/*
 * IVssDifferentialSoftwareSnapshotMgmt2
 */
/* {949D7353-675F-4275-8969-F044C6277815} */
EXTERN_C UMBRA_API const IID IID_IVssDifferentialSoftwareSnapshotMgmt2;

#define IVSS_DIFFERENTIAL_SOFTWARE_SNAPSHOT_MGMT2_METHODS                                                   \
        /* As ChangeDiffAreaMaximumSize(); bVolatile TRUE is forgotten when the machine boots. Fails with   \
         * VSS_E_INSUFFICIENT_STORAGE, VSS_E_OBJECT_NOT_FOUND, VSS_E_PROVIDER_VETO, VSS_E_VOLUME_IN_USE.    \
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt2-changediffareamaximumsizeex] */             \
        STDMETHOD(ChangeDiffAreaMaximumSizeEx)(THIS_ VSS_PWSZ pwszVolumeName,                               \
                                                     VSS_PWSZ pwszDiffAreaVolumeName,                       \
                                                     LONGLONG llMaximumDiffSpace,                           \
                                                     BOOL bVolatile DEFAULT_ARGUMENT(FALSE)) PURE;          \
                                                                                                            \
        /* Reserved. E_NOTIMPL. [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt2-migratediffareas] */   \
        STDMETHOD(MigrateDiffAreas)(THIS_ VSS_PWSZ pwszVolumeName,                                          \
                                          VSS_PWSZ pwszDiffAreaVolumeName,                                  \
                                          VSS_PWSZ pwszNewDiffAreaVolumeName) PURE;                         \
                                                                                                            \
        /* Reserved. E_NOTIMPL.                                                                             \
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt2-querymigrationstatus] */                    \
        STDMETHOD(QueryMigrationStatus)(THIS_ VSS_PWSZ pwszVolumeName,                                      \
                                              VSS_PWSZ pwszDiffAreaVolumeName,                              \
                                              IVssAsync **ppAsync) PURE;                                    \
                                                                                                            \
        /* Reserved. E_NOTIMPL.                                                                             \
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt2-setsnapshotpriority] */                     \
        STDMETHOD(SetSnapshotPriority)(THIS_ VSS_ID idSnapshot, BYTE priority) PURE;

#define INTERFACE IVssDifferentialSoftwareSnapshotMgmt2
DECLARE_INTERFACE_(IVssDifferentialSoftwareSnapshotMgmt2, IVssDifferentialSoftwareSnapshotMgmt) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_DIFFERENTIAL_SOFTWARE_SNAPSHOT_MGMT_METHODS)
        IVSS_DIFFERENTIAL_SOFTWARE_SNAPSHOT_MGMT2_METHODS
};
#undef INTERFACE

/*
 * IVssDifferentialSoftwareSnapshotMgmt3
 *
 * Shadow copies are never given up so that a volume can go on: when there is no room left, writing fails. So
 * VSS_PROTECTION_LEVEL_SNAPSHOT holds always, nothing is ever taken offline for it, and there is no other
 * level: E_NOTIMPL. Providers that cannot tell where their copies lie answer E_NOTIMPL to all of these.
 */
/* {383F7E71-A4C5-401F-B27F-F826289F8458} */
EXTERN_C UMBRA_API const IID IID_IVssDifferentialSoftwareSnapshotMgmt3;

#define INTERFACE IVssDifferentialSoftwareSnapshotMgmt3
DECLARE_INTERFACE_(IVssDifferentialSoftwareSnapshotMgmt3, IVssDifferentialSoftwareSnapshotMgmt2) {
        BASE_METHODS(IUNKNOWN_METHODS)
        BASE_METHODS(IVSS_DIFFERENTIAL_SOFTWARE_SNAPSHOT_MGMT_METHODS)
        BASE_METHODS(IVSS_DIFFERENTIAL_SOFTWARE_SNAPSHOT_MGMT2_METHODS)

        /* What to give up when the differences no longer fit. S_OK for VSS_PROTECTION_LEVEL_SNAPSHOT. Fails
         * with E_NOTIMPL, VSS_E_PROVIDER_VETO, VSS_E_OBJECT_NOT_FOUND.
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt3-setvolumeprotectlevel] */
        STDMETHOD(SetVolumeProtectLevel)(THIS_ VSS_PWSZ pwszVolumeName,
                                               VSS_PROTECTION_LEVEL protectionLevel) PURE;

        /* The level, and whether DeleteUnusedDiffAreas() has something to do. Fails with E_NOTIMPL,
         * VSS_E_PROVIDER_VETO, VSS_E_OBJECT_NOT_FOUND.
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt3-getvolumeprotectlevel] */
        STDMETHOD(GetVolumeProtectLevel)(THIS_ VSS_PWSZ pwszVolumeName,
                                               VSS_VOLUME_PROTECTION_INFO *protectionLevel) PURE;

        /* Brings a volume back that was taken offline to protect its shadow copies: none is. Fails with
         * E_NOTIMPL, VSS_E_PROVIDER_VETO, VSS_E_OBJECT_NOT_FOUND.
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt3-clearvolumeprotectfault] */
        STDMETHOD(ClearVolumeProtectFault)(THIS_ VSS_PWSZ pwszVolumeName) PURE;

        /* Ends the associations with this storage of volumes that are gone and left no copies. Fails with
         * E_NOTIMPL, VSS_E_PROVIDER_VETO, VSS_E_OBJECT_NOT_FOUND.
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt3-deleteunuseddiffareas] */
        STDMETHOD(DeleteUnusedDiffAreas)(THIS_ VSS_PWSZ pwszDiffAreaVolumeName) PURE;

        /* Reserved. E_NOTIMPL.
         * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt3-querysnapshotdeltabitmap] */
        STDMETHOD(QuerySnapshotDeltaBitmap)(THIS_ VSS_ID idSnapshotOlder,
                                                  VSS_ID idSnapshotYounger,
                                                  ULONG *pcBlockSizePerBit,
                                                  ULONG *pcBitmapLength,
                                                  BYTE **ppbBitmap) PURE;
};
#undef INTERFACE

#if !defined(__cplusplus) || defined(CINTERFACE)
#  include "vsmgmt-calls.h"
#endif

#endif
