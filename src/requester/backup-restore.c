/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Restoring
 *
 * The two events of a restore. What is chosen before the first and reported before the second is written
 * into the document: backup-document.c.
 */

#include "requester/backup-document.h"
#include "requester/operation.h"

/* [MS: nf-vsbackup-ivssbackupcomponents-prerestore] */
HRESULT backup_components_PreRestore(BackupIface iface, IVssAsync **ret) {
        static const OperationKind pre_restore = {
                .name = "PreRestore",
                .call = CALL_PRE_RESTORE,
                .document = DOCUMENT_REQUIRED,
                .writers_write = true,
                .success = SESSION_RESTORING,
                .failure = _SESSION_STATE_INVALID,
                .finish = backup_document_finish,
        };

        if (!ret)
                return backup_argument_missing("PreRestore");
        *ret = NULL;

        return operation_begin(impl_from_IVssBackupComponentsEx4(iface), &pre_restore, ret);
}

/* Its page has the table of another method; these are the codes of PreRestore().
 * [MS: nf-vsbackup-ivssbackupcomponents-postrestore, reference pitfalls 10] */
HRESULT backup_components_PostRestore(BackupIface iface, IVssAsync **ret) {
        static const OperationKind post_restore = {
                .name = "PostRestore",
                .call = CALL_POST_RESTORE,
                .document = DOCUMENT_REQUIRED,
                .writers_write = true,
                .success = SESSION_RESTORED,
                .failure = _SESSION_STATE_INVALID,
                .finish = backup_document_finish,
        };

        if (!ret)
                return backup_argument_missing("PostRestore");
        *ret = NULL;

        return operation_begin(impl_from_IVssBackupComponentsEx4(iface), &post_restore, ret);
}
