/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Looking at what there is, and deleting it.
 */

#include "base/guid.h"
#include "requester/backup-components.h"
#include "requester/wire-prop.h"
#include "view/view-text.h"
#include "wire/last-error.h"

/* [MS: nf-vsbackup-ivssbackupcomponents-getsnapshotproperties] */
HRESULT backup_components_GetSnapshotProperties(BackupIface iface,
                                                VSS_ID snapshot_id,
                                                VSS_SNAPSHOT_PROP *ret) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(wire_snapshot_clear) WireSnapshot snapshot = { 0 };
        HRESULT hr;

        if (!ret)
                return backup_argument_missing("GetSnapshotProperties");
        *ret = (VSS_SNAPSHOT_PROP){ 0 };

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_QUERY, "GetSnapshotProperties");
        if (FAILED(hr))
                return hr;

        hr = session_proxy_get_snapshot(b->session, &snapshot_id, &snapshot);
        if (FAILED(hr))
                return hr;

        hr = snapshot_prop_from_wire(&snapshot, ret);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

/* The first two are for a future that never came. Shadow copies are those of the context, or all in
 * VSS_CTX_ALL. [MS: nf-vsbackup-ivssbackupcomponents-query] */
HRESULT backup_components_Query(BackupIface iface,
                                VSS_ID id,
                                VSS_OBJECT_TYPE type,
                                VSS_OBJECT_TYPE returned,
                                IVssEnumObject **ret) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        HRESULT hr;

        if (!ret)
                return backup_argument_missing("Query");
        *ret = NULL;
        if (!guid_is_null(&id) || type != VSS_OBJECT_NONE)
                return last_error_set(E_INVALIDARG,
                                      "Query() takes GUID_NULL and VSS_OBJECT_NONE only: everything.");
        if (returned != VSS_OBJECT_SNAPSHOT && returned != VSS_OBJECT_PROVIDER)
                return last_error_set(E_INVALIDARG, "Query() returns shadow copies or providers.");

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_QUERY, "Query");
        if (FAILED(hr))
                return hr;

        hr = session_proxy_query(b->session, returned, b->rules.context, &q);
        if (FAILED(hr))
                return hr;

        hr = enum_object_from_query(&q, ret);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-isvolumesupported] */
HRESULT backup_components_IsVolumeSupported(BackupIface iface,
                                            VSS_ID provider_id,
                                            VSS_PWSZ volume,
                                            BOOL *ret) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(freep) char *name = NULL;
        bool supported = false;
        HRESULT hr;

        if (!ret)
                return backup_argument_missing("IsVolumeSupported");
        *ret = FALSE;
        if (!volume)
                return backup_argument_missing("IsVolumeSupported");

        hr = view_text_from_wide(volume, &name);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_QUERY, "IsVolumeSupported");
        if (FAILED(hr))
                return hr;

        hr = session_proxy_is_volume_supported(b->session, &provider_id, name, &supported);
        if (FAILED(hr))
                return hr;

        *ret = supported ? TRUE : FALSE;
        return S_OK;
}

/* Also without InitializeForBackup(): its page knows no VSS_E_BAD_STATE. What was deleted before it stopped
 * counts. [MS: nf-vsbackup-ivssbackupcomponents-deletesnapshots] */
HRESULT backup_components_DeleteSnapshots(BackupIface iface,
                                          VSS_ID id,
                                          VSS_OBJECT_TYPE type,
                                          BOOL force,
                                          LONG *ret_deleted,
                                          VSS_ID *ret_nondeleted) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr, result;

        if (ret_deleted)
                *ret_deleted = 0;
        if (ret_nondeleted)
                *ret_nondeleted = GUID_NULL;
        if (!ret_deleted || !ret_nondeleted)
                return backup_argument_missing("DeleteSnapshots");
        if (type != VSS_OBJECT_SNAPSHOT && type != VSS_OBJECT_SNAPSHOT_SET)
                return last_error_set(E_INVALIDARG,
                                      "DeleteSnapshots() deletes shadow copies and sets of them.");

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_DELETE, "DeleteSnapshots");
        if (FAILED(hr))
                return hr;

        hr = session_proxy_delete(b->session, &id, type, force, ret_deleted, ret_nondeleted, &result);
        if (FAILED(hr))
                return hr;

        return FAILED(result) ? last_error_set(result, NULL) : S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponentsex3-getsessionid] */
HRESULT backup_components_GetSessionId(BackupIface iface, VSS_ID *ret) {
        if (!ret)
                return backup_argument_missing("GetSessionId");

        *ret = impl_from_IVssBackupComponentsEx4(iface)->session->id;
        return S_OK;
}
