/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One Backup or one Restore: the object
 *
 * Its table, how it comes into the world and how it leaves.
 */

#include "requester/backup-components.h"

#include "base/alloc.h"
#include "base/guid.h"
#include "requester/operation.h"
#include "wire/last-error.h"

static const IVssBackupComponentsEx4Vtbl backup_components_vtbl;

BackupComponents *impl_from_IVssBackupComponentsEx4(IVssBackupComponentsEx4 *iface) {
        assert(iface->lpVtbl == &backup_components_vtbl);
        return container_of(iface, BackupComponents, IVssBackupComponentsEx4_iface);
}

COM_DEFINE_UNKNOWN(backup_components, IVssBackupComponentsEx4)

static const IVssBackupComponentsEx4Vtbl backup_components_vtbl = {
        .QueryInterface = backup_components_QueryInterface,
        .AddRef = backup_components_AddRef,
        .Release = backup_components_Release,
        .GetWriterComponentsCount = backup_components_GetWriterComponentsCount,
        .GetWriterComponents = backup_components_GetWriterComponents,
        .InitializeForBackup = backup_components_InitializeForBackup,
        .SetBackupState = backup_components_SetBackupState,
        .InitializeForRestore = backup_components_InitializeForRestore,
        .SetRestoreState = backup_components_SetRestoreState,
        .GatherWriterMetadata = backup_components_GatherWriterMetadata,
        .GetWriterMetadataCount = backup_components_GetWriterMetadataCount,
        .GetWriterMetadata = backup_components_GetWriterMetadata,
        .FreeWriterMetadata = backup_components_FreeWriterMetadata,
        .AddComponent = backup_components_AddComponent,
        .PrepareForBackup = backup_components_PrepareForBackup,
        .AbortBackup = backup_components_AbortBackup,
        .GatherWriterStatus = backup_components_GatherWriterStatus,
        .GetWriterStatusCount = backup_components_GetWriterStatusCount,
        .FreeWriterStatus = backup_components_FreeWriterStatus,
        .GetWriterStatus = backup_components_GetWriterStatus,
        .SetBackupSucceeded = backup_components_SetBackupSucceeded,
        .SetBackupOptions = backup_components_SetBackupOptions,
        .SetSelectedForRestore = backup_components_SetSelectedForRestore,
        .SetRestoreOptions = backup_components_SetRestoreOptions,
        .SetAdditionalRestores = backup_components_SetAdditionalRestores,
        .SetPreviousBackupStamp = backup_components_SetPreviousBackupStamp,
        .SaveAsXML = backup_components_SaveAsXML,
        .BackupComplete = backup_components_BackupComplete,
        .AddAlternativeLocationMapping = backup_components_AddAlternativeLocationMapping,
        .AddRestoreSubcomponent = backup_components_AddRestoreSubcomponent,
        .SetFileRestoreStatus = backup_components_SetFileRestoreStatus,
        .AddNewTarget = backup_components_AddNewTarget,
        .SetRangesFilePath = backup_components_SetRangesFilePath,
        .PreRestore = backup_components_PreRestore,
        .PostRestore = backup_components_PostRestore,
        .SetContext = backup_components_SetContext,
        .StartSnapshotSet = backup_components_StartSnapshotSet,
        .AddToSnapshotSet = backup_components_AddToSnapshotSet,
        .DoSnapshotSet = backup_components_DoSnapshotSet,
        .DeleteSnapshots = backup_components_DeleteSnapshots,
        .ImportSnapshots = backup_components_ImportSnapshots,
        .BreakSnapshotSet = backup_components_BreakSnapshotSet,
        .GetSnapshotProperties = backup_components_GetSnapshotProperties,
        .Query = backup_components_Query,
        .IsVolumeSupported = backup_components_IsVolumeSupported,
        .DisableWriterClasses = backup_components_DisableWriterClasses,
        .EnableWriterClasses = backup_components_EnableWriterClasses,
        .DisableWriterInstances = backup_components_DisableWriterInstances,
        .ExposeSnapshot = backup_components_ExposeSnapshot,
        .RevertToSnapshot = backup_components_RevertToSnapshot,
        .QueryRevertStatus = backup_components_QueryRevertStatus,
        .GetWriterMetadataEx = backup_components_GetWriterMetadataEx,
        .SetSelectedForRestoreEx = backup_components_SetSelectedForRestoreEx,
        .UnexposeSnapshot = backup_components_UnexposeSnapshot,
        .SetAuthoritativeRestore = backup_components_SetAuthoritativeRestore,
        .SetRollForward = backup_components_SetRollForward,
        .SetRestoreName = backup_components_SetRestoreName,
        .BreakSnapshotSetEx = backup_components_BreakSnapshotSetEx,
        .PreFastRecovery = backup_components_PreFastRecovery,
        .FastRecovery = backup_components_FastRecovery,
        .GetWriterStatusEx = backup_components_GetWriterStatusEx,
        .AddSnapshotToRecoverySet = backup_components_AddSnapshotToRecoverySet,
        .RecoverSet = backup_components_RecoverSet,
        .GetSessionId = backup_components_GetSessionId,
        .GetRootAndLogicalPrefixPaths = backup_components_GetRootAndLogicalPrefixPaths,
};

static_assert(offsetof(IVssBackupComponentsEx4Vtbl, QueryInterface) == 0, "IUnknown comes first");
static_assert(sizeof(backup_components_vtbl) == 65 * sizeof(void *), "the table grew: extend the tests");

static const ComInterface backup_components_interfaces[] = {
        COM_INTERFACE(BackupComponents, IVssBackupComponentsEx4),
        COM_INTERFACE_AS(BackupComponents, IVssBackupComponents, IVssBackupComponentsEx4),
        COM_INTERFACE_AS(BackupComponents, IVssBackupComponentsEx, IVssBackupComponentsEx4),
        COM_INTERFACE_AS(BackupComponents, IVssBackupComponentsEx2, IVssBackupComponentsEx4),
        COM_INTERFACE_AS(BackupComponents, IVssBackupComponentsEx3, IVssBackupComponentsEx4),
};

void backup_components_free_writers(BackupComponents *b) {
        for (size_t i = 0; i < b->n_writers; ++i) {
                writer_doc_free(b->writers[i].doc);
                free(b->writers[i].text);
        }
        free(b->writers);
        b->writers = NULL;
        b->n_writers = 0;
}

static BackupComponents *backup_components_free(BackupComponents *b) {
        if (!b)
                return NULL;

        /* First of all: what is still pending is answered now, and looks at the object once more. */
        session_proxy_free(b->session);

        if (b->view)
                view_owner_invalidate(b->view);
        view_owner_unref(b->view);
        session_statuses_clear(&b->statuses);
        backup_components_free_writers(b);
        free(b);
        return NULL;
}

DEFINE_CLEANUP(BackupComponents *, backup_components_free)

void backup_components_keep(BackupComponents *b) {
        atomic_fetch_add_explicit(&b->n_alive, 1, memory_order_relaxed);
}

void backup_components_drop(BackupComponents *b) {
        if (atomic_fetch_sub_explicit(&b->n_alive, 1, memory_order_acq_rel) == 1)
                backup_components_free(b);
}

/* The last Release(): the end of the backup, for umbrad as well. */
static void backup_components_finalize(ComObject *object) {
        BackupComponents *b = container_of(object, BackupComponents, com);

        {
                BACKUP_LOCKED(b);

                b->released = true;
                view_owner_invalidate(b->view);
                if (!b->running || !operation_is_awaited(b->running))
                        wire_client_disconnect(b->session->client);
        }

        backup_components_drop(b);
}

static const ComClass backup_components_class = {
        .name = "BackupComponents",
        .interfaces = backup_components_interfaces,
        .n_interfaces = ELEMENTSOF(backup_components_interfaces),
        .finalize = backup_components_finalize,
};

HRESULT backup_components_new(IVssBackupComponents **ret) {
        _cleanup_(backup_components_freep) BackupComponents *b = NULL;
        _cleanup_(backup_doc_freep) BackupDoc *doc = NULL;
        HRESULT hr;

        b = calloc_checked(1, sizeof(*b));
        if (!b || backup_doc_new(&doc) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);

        com_object_init(&b->com, &backup_components_class);
        b->IVssBackupComponentsEx4_iface.lpVtbl = &backup_components_vtbl;
        atomic_init(&b->n_alive, 1);
        session_rules_init(&b->rules);

        hr = backup_components_set_document(b, doc);
        if (FAILED(hr))
                return hr;
        TAKE_PTR(doc);

        hr = session_proxy_open(&b->session);
        if (FAILED(hr))
                return hr;

        *ret = (IVssBackupComponents *) &TAKE_PTR(b)->IVssBackupComponentsEx4_iface;
        return S_OK;
}

HRESULT backup_components_check(BackupComponents *b, SessionCall call, const char *method) {
        HRESULT hr;

        hr = session_proxy_check(b->session);
        if (FAILED(hr) && !session_call_outlives_umbrad(call))
                return hr;

        return session_rules_check(&b->rules, call, method);
}

unsigned backup_components_view_rights(const BackupComponents *b) {
        return b->rules.state >= SESSION_RESTORE ? VIEW_RESTORE : VIEW_READ_ONLY;
}

HRESULT backup_components_set_document(BackupComponents *b, BackupDoc *doc) {
        ViewOwner *view;

        if (view_owner_new(doc, backup_components_view_rights(b), &view) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);

        if (b->view)
                view_owner_invalidate(b->view);
        view_owner_unref(b->view);
        b->view = view;
        return S_OK;
}

HRESULT backup_components_renew_view(BackupComponents *b) {
        ViewOwner *view;

        /* First the room for it: once the document is taken out, it must go somewhere. */
        if (view_owner_new(NULL, backup_components_view_rights(b), &view) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);

        view->doc = view_owner_take_doc(b->view);
        view_owner_unref(b->view);
        b->view = view;
        return S_OK;
}

LiveWriter *backup_components_find_writer(BackupComponents *b,
                                          const GUID *instance_id,
                                          const GUID *writer_id) {
        for (size_t i = 0; i < b->n_writers; ++i)
                if (guid_equal(&b->writers[i].writer_id, writer_id) &&
                    (guid_is_null(instance_id) || guid_equal(&b->writers[i].instance_id, instance_id)))
                        return b->writers + i;

        return NULL;
}

bool backup_components_is_instance(const BackupComponents *b, const GUID *instance_id) {
        for (size_t i = 0; i < b->n_writers; ++i)
                if (guid_equal(&b->writers[i].instance_id, instance_id))
                        return true;

        return false;
}

HRESULT backup_argument_missing(const char *method) {
        return last_error_set(E_INVALIDARG, "%s() was called with a NULL pointer that must not be one.",
                              method);
}
