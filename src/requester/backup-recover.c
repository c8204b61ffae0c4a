/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Shadow Copies Given Away, Taken Over, and Put Back
 *
 * Breaking and importing whole sets, and recovering several volumes at once.
 */

#include "base/guid.h"
#include "requester/operation.h"
#include "requester/storage-proxy.h"
#include "view/view-text.h"
#include "wire/last-error.h"

static int append_context(sd_bus_message *m, BackupComponents *b, const void *ignored) {
        return sd_bus_message_append(m, "i", b->rules.context);
}

/* Some of them having come is a success of its own. */
static HRESULT import_finish(BackupComponents *b, sd_bus_message *m) {
        HRESULT hr;

        if (sd_bus_message_read(m, "i", &hr) < 0 || (hr != S_OK && hr != VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED))
                return last_error_set(VSS_E_UNEXPECTED, "The answer of umbrad is not understood.");

        return hr;
}

/* What is imported is what the document names that InitializeForBackup() was given. What does not come, or
 * not all of it, is the requester's to clean up. [MS: nf-vsbackup-ivssbackupcomponents-importsnapshots] */
HRESULT backup_components_ImportSnapshots(BackupIface iface, IVssAsync **ret) {
        static const OperationKind import = {
                .name = "ImportSnapshots",
                .call = CALL_IMPORT,
                .document = DOCUMENT_REQUIRED,
                .success = _SESSION_STATE_INVALID,
                .failure = _SESSION_STATE_INVALID,
                .append = append_context,
                .finish = import_finish,
        };
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        if (!ret)
                return backup_argument_missing("ImportSnapshots");
        *ret = NULL;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_IMPORT, "ImportSnapshots");
        if (FAILED(hr))
                return hr;
        if (b->view->doc->n_volumes == 0)
                return last_error_set(
                        VSS_E_BAD_STATE,
                        "There is nothing to import: InitializeForBackup() takes the document of the "
                        "backup that made the shadow copies.");

        return operation_begin(b, &import, ret);
}

/* As DeleteSnapshots(), its page knows no VSS_E_BAD_STATE. [MS:
 * nf-vsbackup-ivssbackupcomponents-breaksnapshotset] */
HRESULT backup_components_BreakSnapshotSet(BackupIface iface, VSS_ID set_id) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_BREAK, "BreakSnapshotSet");
        if (FAILED(hr))
                return hr;
        if (guid_is_null(&set_id))
                return last_error_set(E_INVALIDARG, "GUID_NULL is no set.");

        return storage_proxy_break(b->session, &set_id);
}

typedef struct BreakArguments {
        GUID set_id;
        DWORD flags;
} BreakArguments;

static int append_break(sd_bus_message *m, BackupComponents *b, const void *arg) {
        const BreakArguments *a = arg;
        int r;

        r = wire_append_guid(m, &a->set_id);
        return r < 0 ? r : sd_bus_message_append(m, "u", (uint32_t) a->flags);
}

/* [MS: nf-vsbackup-ivssbackupcomponentsex2-breaksnapshotsetex] */
HRESULT backup_components_BreakSnapshotSetEx(BackupIface iface,
                                             VSS_ID set_id,
                                             DWORD flags,
                                             IVssAsync **ret) {
        static const DWORD known = VSS_BREAKEX_FLAG_MASK_LUNS | VSS_BREAKEX_FLAG_MAKE_READ_WRITE |
                                   VSS_BREAKEX_FLAG_REVERT_IDENTITY_ALL |
                                   VSS_BREAKEX_FLAG_REVERT_IDENTITY_NONE;
        static const DWORD identity =
                VSS_BREAKEX_FLAG_REVERT_IDENTITY_ALL | VSS_BREAKEX_FLAG_REVERT_IDENTITY_NONE;
        static const OperationKind break_off = {
                .name = "BreakSnapshotSetEx",
                .member = "BreakSnapshotSet",
                .call = CALL_BREAK_EX,
                .document = DOCUMENT_NONE,
                .success = _SESSION_STATE_INVALID,
                .failure = _SESSION_STATE_INVALID,
                .append = append_break,
        };
        const BreakArguments arguments = { .set_id = set_id, .flags = flags };

        if (!ret)
                return backup_argument_missing("BreakSnapshotSetEx");
        *ret = NULL;
        if (guid_is_null(&set_id))
                return last_error_set(E_INVALIDARG, "GUID_NULL is no set.");
        if (flags & ~known || (flags & identity) == identity)
                return last_error_set(
                        E_INVALIDARG,
                        "0x%x are not flags of BreakSnapshotSetEx(): VSS_BREAKEX_FLAG_…, and one "
                        "of REVERT_IDENTITY_ALL and _NONE at most.",
                        (unsigned) flags);

        return operation_begin_with(impl_from_IVssBackupComponentsEx4(iface), &break_off, &arguments, ret);
}

/* Reserved, on Windows as well. [MS: nf-vsbackup-ivssbackupcomponentsex2-prefastrecovery] */
static HRESULT reserved(const char *method, IVssAsync **ret) {
        if (ret)
                *ret = NULL;

        return last_error_set(E_NOTIMPL, "%s() is reserved: RecoverSet() recovers volumes.", method);
}

HRESULT backup_components_PreFastRecovery(BackupIface iface, VSS_ID set_id, DWORD flags, IVssAsync **ret) {
        return reserved("PreFastRecovery", ret);
}

HRESULT backup_components_FastRecovery(BackupIface iface, VSS_ID set_id, DWORD flags, IVssAsync **ret) {
        return reserved("FastRecovery", ret);
}

/* [MS: nf-vsbackup-ivssbackupcomponentsex3-addsnapshottorecoveryset] */
HRESULT backup_components_AddSnapshotToRecoverySet(BackupIface iface,
                                                   VSS_ID snapshot_id,
                                                   DWORD flags,
                                                   VSS_PWSZ destination) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(freep) char *name = NULL;
        HRESULT hr;

        if (guid_is_null(&snapshot_id) || flags != 0)
                return last_error_set(
                        E_INVALIDARG,
                        "AddSnapshotToRecoverySet() takes a shadow copy, and no flags: they are reserved.");
        hr = view_text_from_wide(destination, &name);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_RECOVER, "AddSnapshotToRecoverySet");
        if (FAILED(hr))
                return hr;
        if (!backup_doc_find_volume(b->view->doc, &snapshot_id))
                return last_error_set(
                        VSS_E_SNAPSHOT_NOT_IN_SET,
                        "The document that InitializeForRestore() was given does not name this shadow copy.");

        return storage_proxy_add_to_recovery(b->session, &snapshot_id, name);
}

static int append_flags(sd_bus_message *m, BackupComponents *b, const void *arg) {
        return sd_bus_message_append(m, "u", *(const uint32_t *) arg);
}

/* [MS: nf-vsbackup-ivssbackupcomponentsex3-recoverset] */
HRESULT backup_components_RecoverSet(BackupIface iface, DWORD flags, IVssAsync **ret) {
        static const OperationKind recover = {
                .name = "RecoverSet",
                .call = CALL_RECOVER,
                .document = DOCUMENT_NONE,
                .success = _SESSION_STATE_INVALID,
                .failure = _SESSION_STATE_INVALID,
                .append = append_flags,
        };
        const uint32_t wire_flags = flags;

        if (!ret)
                return backup_argument_missing("RecoverSet");
        *ret = NULL;
        if (flags & ~(DWORD) (VSS_RECOVERY_REVERT_IDENTITY_ALL | VSS_RECOVERY_NO_VOLUME_CHECK))
                return last_error_set(E_INVALIDARG, "0x%x are not VSS_RECOVERY_OPTIONS.", (unsigned) flags);

        return operation_begin_with(impl_from_IVssBackupComponentsEx4(iface), &recover, &wire_flags, ret);
}
