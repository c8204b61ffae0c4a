/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each Call Once
 */

#include "api/storage/calls.h"

#include "base/macro.h"

static const VSS_ID nobody = { 0x12345678, 9, 9, { 9 } };
static WCHAR root[] = L"/", volume[] = L"/\\";

/* A method with an IVssAsync ends as that does. */
static HRESULT end(HRESULT hr, IVssAsync *async) {
        HRESULT status = E_FAIL;

        if (!async)
                return hr;
        hr = IVssAsync_Wait(async, INFINITE);
        if (SUCCEEDED(hr))
                hr = IVssAsync_QueryStatus(async, &status, NULL);
        IVssAsync_Release(async);
        return FAILED(hr) ? hr : status;
}

#define ASYNC(Method, ...)                                                              \
        ({                                                                              \
                IVssAsync *_async = NULL;                                               \
                HRESULT _hr = IVssBackupComponentsEx4_##Method(b, ##__VA_ARGS__, &_async); \
                end(_hr, _async);                                                       \
        })

static HRESULT start_snapshot_set(IVssBackupComponentsEx4 *b) {
        VSS_ID id;

        return IVssBackupComponentsEx4_StartSnapshotSet(b, &id);
}

static HRESULT add_to_snapshot_set(IVssBackupComponentsEx4 *b) {
        WCHAR nowhere[] = L"/nowhere/";
        VSS_ID id;

        return IVssBackupComponentsEx4_AddToSnapshotSet(b, nowhere, GUID_NULL, &id);
}

static HRESULT do_snapshot_set(IVssBackupComponentsEx4 *b) {
        return ASYNC(DoSnapshotSet);
}

static HRESULT delete_snapshots(IVssBackupComponentsEx4 *b) {
        LONG deleted;
        VSS_ID id;

        return IVssBackupComponentsEx4_DeleteSnapshots(b, nobody, VSS_OBJECT_SNAPSHOT, TRUE, &deleted, &id);
}

static HRESULT import_snapshots(IVssBackupComponentsEx4 *b) {
        return ASYNC(ImportSnapshots);
}

static HRESULT break_snapshot_set(IVssBackupComponentsEx4 *b) {
        return IVssBackupComponentsEx4_BreakSnapshotSet(b, nobody);
}

static HRESULT break_snapshot_set_ex(IVssBackupComponentsEx4 *b) {
        return ASYNC(BreakSnapshotSetEx, nobody, 0);
}

static HRESULT get_snapshot_properties(IVssBackupComponentsEx4 *b) {
        VSS_SNAPSHOT_PROP prop;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_GetSnapshotProperties(b, nobody, &prop);
        if (SUCCEEDED(hr))
                VssFreeSnapshotProperties(&prop);
        return hr;
}

static HRESULT query(IVssBackupComponentsEx4 *b) {
        IVssEnumObject *list = NULL;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_PROVIDER, &list);
        if (list)
                IVssEnumObject_Release(list);
        return hr;
}

static HRESULT is_volume_supported(IVssBackupComponentsEx4 *b) {
        BOOL supported;

        return IVssBackupComponentsEx4_IsVolumeSupported(b, GUID_NULL, volume, &supported);
}

static HRESULT expose_snapshot(IVssBackupComponentsEx4 *b) {
        VSS_PWSZ exposed = NULL;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_ExposeSnapshot(b, nobody, NULL, VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY, root,
                                                    &exposed);
        CoTaskMemFree(exposed);
        return hr;
}

static HRESULT unexpose_snapshot(IVssBackupComponentsEx4 *b) {
        return IVssBackupComponentsEx4_UnexposeSnapshot(b, nobody);
}

static HRESULT revert_to_snapshot(IVssBackupComponentsEx4 *b) {
        return IVssBackupComponentsEx4_RevertToSnapshot(b, nobody, FALSE);
}

static HRESULT query_revert_status(IVssBackupComponentsEx4 *b) {
        return ASYNC(QueryRevertStatus, volume);
}

static HRESULT add_snapshot_to_recovery_set(IVssBackupComponentsEx4 *b) {
        const VSS_ID named = { 0x22222222, 2, 2, { 2, 2, 2, 2, 2, 2, 2, 2 } };

        return IVssBackupComponentsEx4_AddSnapshotToRecoverySet(b, named, 0, root);
}

static HRESULT recover_set(IVssBackupComponentsEx4 *b) {
        return ASYNC(RecoverSet, 0);
}

static HRESULT get_root(IVssBackupComponentsEx4 *b) {
        VSS_PWSZ found = NULL, prefix = NULL;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_GetRootAndLogicalPrefixPaths(b, root, &found, &prefix, FALSE);
        CoTaskMemFree(found);
        CoTaskMemFree(prefix);
        return hr;
}

/* clang-format off */
const StorageCall storage_calls[] = {
        { "IVssBackupComponents",    "StartSnapshotSet",             NEEDS_BACKUP,   true,  false, true,  start_snapshot_set           },
        { "IVssBackupComponents",    "AddToSnapshotSet",             NEEDS_SET,      true,  true,  true,  add_to_snapshot_set          },
        { "IVssBackupComponents",    "DoSnapshotSet",                NEEDS_SET,      true,  true,  true,  do_snapshot_set              },
        { "IVssBackupComponents",    "DeleteSnapshots",              NEEDS_NOTHING,  true,  true,  true,  delete_snapshots             },
        { "IVssBackupComponents",    "ImportSnapshots",              NEEDS_DOCUMENT, true,  true,  true,  import_snapshots             },
        { "IVssBackupComponents",    "BreakSnapshotSet",             NEEDS_NOTHING,  true,  true,  true,  break_snapshot_set           },
        { "IVssBackupComponents",    "GetSnapshotProperties",        NEEDS_BACKUP,   true,  true,  true,  get_snapshot_properties      },
        { "IVssBackupComponents",    "Query",                        NEEDS_BACKUP,   true,  true,  true,  query                        },
        { "IVssBackupComponents",    "IsVolumeSupported",            NEEDS_BACKUP,   true,  true,  true,  is_volume_supported          },
        { "IVssBackupComponents",    "ExposeSnapshot",               NEEDS_BACKUP,   true,  true,  true,  expose_snapshot              },
        { "IVssBackupComponents",    "RevertToSnapshot",             NEEDS_NOTHING,  false, true,  true,  revert_to_snapshot           },
        { "IVssBackupComponents",    "QueryRevertStatus",            NEEDS_NOTHING,  false, true,  true,  query_revert_status          },
        { "IVssBackupComponentsEx2", "UnexposeSnapshot",             NEEDS_BACKUP,   true,  true,  true,  unexpose_snapshot            },
        { "IVssBackupComponentsEx2", "BreakSnapshotSetEx",           NEEDS_NOTHING,  true,  true,  true,  break_snapshot_set_ex        },
        { "IVssBackupComponentsEx3", "AddSnapshotToRecoverySet",     NEEDS_RESTORE,  false, false, false, add_snapshot_to_recovery_set },
        { "IVssBackupComponentsEx3", "RecoverSet",                   NEEDS_RESTORE,  false, false, false, recover_set                  },
        { "IVssBackupComponentsEx4", "GetRootAndLogicalPrefixPaths", NEEDS_NOTHING,  false, false, true,  get_root                     },
};
/* clang-format on */

const unsigned n_storage_calls = ELEMENTSOF(storage_calls);
