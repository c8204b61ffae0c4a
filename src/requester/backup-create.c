/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Making Shadow Copies
 *
 * From SetContext() to BackupComplete(): what begins something in umbrad. Writers are asked in
 * backup-writers.c.
 */

#include "base/guid.h"
#include "requester/backup-document.h"
#include "requester/operation.h"
#include "view/view-text.h"
#include "wire/last-error.h"

/* Before InitializeForBackup() or after GatherWriterMetadata(): programs do both.
 * [MS: nf-vsbackup-ivssbackupcomponents-setcontext, reference requesters.md] */
HRESULT backup_components_SetContext(BackupIface iface, LONG context) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        hr = session_context_check(context);
        if (FAILED(hr))
                return hr;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_SET_CONTEXT, "SetContext");
        if (FAILED(hr))
                return hr;

        b->rules.context = context;
        b->rules.has_context = true;
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-startsnapshotset] */
HRESULT backup_components_StartSnapshotSet(BackupIface iface, VSS_ID *ret_set_id) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;
        GUID id;

        if (!ret_set_id)
                return backup_argument_missing("StartSnapshotSet");
        *ret_set_id = GUID_NULL;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_START_SNAPSHOT_SET, "StartSnapshotSet");
        if (FAILED(hr))
                return hr;

        hr = session_proxy_start_set(b->session, b->rules.context, &id);
        if (SUCCEEDED(hr))
                hr = session_rules_enter(&b->rules, SESSION_SET);
        if (FAILED(hr))
                return hr;

        DOCUMENT_LOCKED(b);

        b->view->doc->snapshot_set_id = id;
        *ret_set_id = id;
        return S_OK;
}

/* The trailing backslash that the page wants is forgiven; umbrad knows what names a volume has.
 * [MS: nf-vsbackup-ivssbackupcomponents-addtosnapshotset] */
HRESULT backup_components_AddToSnapshotSet(BackupIface iface,
                                           VSS_PWSZ volume,
                                           VSS_ID provider_id,
                                           VSS_ID *ret_snapshot_id) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(freep) char *name = NULL, *full_name = NULL;
        GUID snapshot_id, chosen_id;
        HRESULT hr;

        if (!ret_snapshot_id)
                return backup_argument_missing("AddToSnapshotSet");
        *ret_snapshot_id = GUID_NULL;
        if (!volume)
                return backup_argument_missing("AddToSnapshotSet");

        hr = view_text_from_wide(volume, &name);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_ADD_TO_SNAPSHOT_SET, "AddToSnapshotSet");
        if (FAILED(hr))
                return hr;

        hr = session_proxy_add_volume(b->session, name, &provider_id, &snapshot_id, &chosen_id, &full_name);
        if (FAILED(hr))
                return hr;

        DOCUMENT_LOCKED(b);

        hr = backup_doc_add_volume(b->view->doc, &snapshot_id, &chosen_id, full_name ?: name);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        *ret_snapshot_id = snapshot_id;
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-prepareforbackup] */
HRESULT backup_components_PrepareForBackup(BackupIface iface, IVssAsync **ret) {
        static const OperationKind prepare = {
                .name = "PrepareForBackup",
                .call = CALL_PREPARE_FOR_BACKUP,
                .document = DOCUMENT_REQUIRED,
                .writers_write = true,
                .success = SESSION_PREPARED,
                .failure = _SESSION_STATE_INVALID,
                .finish = backup_document_finish,
        };

        if (!ret)
                return backup_argument_missing("PrepareForBackup");
        *ret = NULL;

        return operation_begin(impl_from_IVssBackupComponentsEx4(iface), &prepare, ret);
}

/* [MS: nf-vsbackup-ivssbackupcomponents-dosnapshotset] */
HRESULT backup_components_DoSnapshotSet(BackupIface iface, IVssAsync **ret) {
        static const OperationKind create = {
                .name = "DoSnapshotSet",
                .call = CALL_DO_SNAPSHOT_SET,
                .document = DOCUMENT_OPTIONAL,
                .writers_write = true,
                .success = SESSION_CREATED,
                .failure = SESSION_ABORTED,
                .finish = backup_document_finish_optional,
        };

        if (!ret)
                return backup_argument_missing("DoSnapshotSet");
        *ret = NULL;

        return operation_begin(impl_from_IVssBackupComponentsEx4(iface), &create, ret);
}

/* [MS: nf-vsbackup-ivssbackupcomponents-backupcomplete] */
HRESULT backup_components_BackupComplete(BackupIface iface, IVssAsync **ret) {
        static const OperationKind complete = {
                .name = "BackupComplete",
                .call = CALL_BACKUP_COMPLETE,
                .document = DOCUMENT_REQUIRED,
                .success = SESSION_COMPLETE,
                .failure = _SESSION_STATE_INVALID,
                .finish = backup_document_finish,
        };

        if (!ret)
                return backup_argument_missing("BackupComplete");
        *ret = NULL;

        return operation_begin(impl_from_IVssBackupComponentsEx4(iface), &complete, ret);
}

/* Ignored when there is nothing to abort. After a failed DoSnapshotSet() it is called to be sure, so it is
 * passed on then as well. [MS: nf-vsbackup-ivssbackupcomponents-abortbackup] */
HRESULT backup_components_AbortBackup(BackupIface iface) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_ABORT_BACKUP, "AbortBackup");
        if (FAILED(hr))
                return hr;
        if (!b->running && (b->rules.state == SESSION_BACKUP || b->rules.state == SESSION_COMPLETE))
                return S_OK;

        hr = session_proxy_abort(b->session);
        if (FAILED(hr))
                return hr;

        /* Where nothing had been begun, or all was over, the state stays. */
        (void) session_rules_enter(&b->rules, SESSION_ABORTED);
        return S_OK;
}
