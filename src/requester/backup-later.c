/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a requester cannot do yet: methods move from here to where they belong when they are done. Until then
 * each clears its outputs and says so.
 */

#include "requester/backup-components.h"
#include "wire/last-error.h"

static HRESULT not_yet(const char *method) {
        return last_error_set(E_NOTIMPL, "%s() is not implemented.", method);
}

#define CLEAR(output) ((output) ? (void) (*(output) = NULL) : (void) 0)

HRESULT backup_components_ImportSnapshots(BackupIface iface, IVssAsync **ret) {
        CLEAR(ret);
        return not_yet("ImportSnapshots");
}

HRESULT backup_components_BreakSnapshotSet(BackupIface iface, VSS_ID set_id) {
        return not_yet("BreakSnapshotSet");
}

HRESULT backup_components_ExposeSnapshot(BackupIface iface,
                                         VSS_ID snapshot_id,
                                         VSS_PWSZ path_from_root,
                                         LONG attributes,
                                         VSS_PWSZ expose,
                                         VSS_PWSZ *ret_exposed) {
        CLEAR(ret_exposed);
        return not_yet("ExposeSnapshot");
}

HRESULT backup_components_RevertToSnapshot(BackupIface iface, VSS_ID snapshot_id, BOOL force_dismount) {
        return not_yet("RevertToSnapshot");
}

HRESULT backup_components_QueryRevertStatus(BackupIface iface, VSS_PWSZ volume, IVssAsync **ret) {
        CLEAR(ret);
        return not_yet("QueryRevertStatus");
}

HRESULT backup_components_UnexposeSnapshot(BackupIface iface, VSS_ID snapshot_id) {
        return not_yet("UnexposeSnapshot");
}

HRESULT backup_components_BreakSnapshotSetEx(BackupIface iface,
                                             VSS_ID set_id,
                                             DWORD flags,
                                             IVssAsync **ret) {
        CLEAR(ret);
        return not_yet("BreakSnapshotSetEx");
}

/* Reserved, on Windows as well. [MS: nf-vsbackup-ivssbackupcomponentsex2-prefastrecovery] */
HRESULT backup_components_PreFastRecovery(BackupIface iface, VSS_ID set_id, DWORD flags, IVssAsync **ret) {
        CLEAR(ret);
        return not_yet("PreFastRecovery");
}

/* Reserved, on Windows as well. [MS: nf-vsbackup-ivssbackupcomponentsex2-fastrecovery] */
HRESULT backup_components_FastRecovery(BackupIface iface, VSS_ID set_id, DWORD flags, IVssAsync **ret) {
        CLEAR(ret);
        return not_yet("FastRecovery");
}

HRESULT backup_components_AddSnapshotToRecoverySet(BackupIface iface,
                                                   VSS_ID snapshot_id,
                                                   DWORD flags,
                                                   VSS_PWSZ destination) {
        return not_yet("AddSnapshotToRecoverySet");
}

HRESULT backup_components_RecoverSet(BackupIface iface, DWORD flags, IVssAsync **ret) {
        CLEAR(ret);
        return not_yet("RecoverSet");
}

HRESULT backup_components_GetRootAndLogicalPrefixPaths(BackupIface iface,
                                                       VSS_PWSZ path,
                                                       VSS_PWSZ *ret_root,
                                                       VSS_PWSZ *ret_prefix,
                                                       BOOL normalize) {
        CLEAR(ret_root);
        CLEAR(ret_prefix);
        return not_yet("GetRootAndLogicalPrefixPaths");
}
