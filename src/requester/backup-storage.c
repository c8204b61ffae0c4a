/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Shadow Copies in Use
 *
 * Exposing them, reverting a volume to one, and where paths lie. What gives storage away or takes it over is
 * in backup-recover.c.
 */

#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/utf.h"
#include "requester/operation.h"
#include "requester/storage-proxy.h"
#include "view/view-text.h"
#include "wire/last-error.h"

/* CoTaskMemFree() is what callers free it with, and malloc() is what that frees. */
static HRESULT text_to_task_string(const char *text, VSS_PWSZ *ret) {
        int r;

        r = wide_from_utf8(text, ret);
        return r < 0 ? last_error_set(E_OUTOFMEMORY, NULL) : S_OK;
}

/* There are shares to be made one day; until then the arguments are looked at, so that a wrong call is known
 * for one. [MS: nf-vsbackup-ivssbackupcomponents-exposesnapshot] */
static HRESULT refuse_share(const WCHAR *path_from_root, const WCHAR *share) {
        if (path_from_root && wcspbrk(path_from_root, L"*?%$"))
                return last_error_set(E_INVALIDARG,
                                      "A path from the root holds neither wildcards nor variables.");
        if (share && wcspbrk(share, L"/\\"))
                return last_error_set(E_INVALIDARG, "A share has a name and no path.");

        return last_error_set(
                VSS_E_PROVIDER_VETO,
                "umbra makes no shares: expose the shadow copy at a directory, and share that.");
}

static HRESULT check_place(const WCHAR *path_from_root, LONG attributes, const WCHAR *place) {
        if (attributes == VSS_VOLSNAP_ATTR_EXPOSED_REMOTELY)
                return refuse_share(path_from_root, place);
        if (attributes != VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY)
                return last_error_set(E_INVALIDARG,
                                      "A shadow copy is exposed with exactly one of "
                                      "VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY and _REMOTELY.");
        if (path_from_root)
                return last_error_set(
                        E_INVALIDARG,
                        "Locally all of a shadow copy is exposed: the path from its root must be NULL.");
        if (wide_is_empty(place))
                return last_error_set(
                        E_INVALIDARG,
                        "Where the shadow copy is to be exposed must be named: an empty directory.");
        if (place[0] != L'/' && place[0] != L'\\')
                return last_error_set(
                        E_INVALIDARG,
                        "There are no drive letters here: name an empty directory by its absolute path.");

        return S_OK;
}

/* Separators as Linux has them, and none at the end. */
static HRESULT place_to_path(const WCHAR *place, char **ret) {
        char *path;
        HRESULT hr;

        hr = view_text_from_wide(place, &path);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        if (path[0] == '\\')
                for (char *p = path; *p; ++p)
                        if (*p == '\\')
                                *p = '/';
        for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; --n)
                path[n - 1] = '\0';

        *ret = path;
        return S_OK;
}

HRESULT backup_components_ExposeSnapshot(BackupIface iface,
                                         VSS_ID snapshot_id,
                                         VSS_PWSZ path_from_root,
                                         LONG attributes,
                                         VSS_PWSZ expose,
                                         VSS_PWSZ *ret_exposed) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(freep) char *path = NULL, *exposed = NULL;
        HRESULT hr;

        if (!ret_exposed)
                return backup_argument_missing("ExposeSnapshot");
        *ret_exposed = NULL;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_EXPOSE, "ExposeSnapshot");
        if (SUCCEEDED(hr))
                hr = check_place(path_from_root, attributes, expose);
        if (SUCCEEDED(hr))
                hr = place_to_path(expose, &path);
        if (SUCCEEDED(hr))
                hr = storage_proxy_expose(b->session, &snapshot_id, path, &exposed);
        return FAILED(hr) ? hr : text_to_task_string(exposed, ret_exposed);
}

/* [MS: nf-vsbackup-ivssbackupcomponentsex2-unexposesnapshot] */
HRESULT backup_components_UnexposeSnapshot(BackupIface iface, VSS_ID snapshot_id) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_EXPOSE, "UnexposeSnapshot");
        if (FAILED(hr))
                return hr;
        if (guid_is_null(&snapshot_id))
                return last_error_set(E_INVALIDARG, "GUID_NULL is no shadow copy.");

        return storage_proxy_unexpose(b->session, &snapshot_id);
}

/* The pages of reverting say E_FAIL for what all others call VSS_E_UNEXPECTED. */
static HRESULT revert_error(HRESULT hr) {
        _cleanup_(freep) char *why = NULL;

        if (hr != VSS_E_UNEXPECTED)
                return hr;

        (void) strdup_to(last_error_get(), &why);
        return last_error_set(E_FAIL, why ? "%s" : NULL, why);
}

/* It returns when the work has begun, which then goes on by itself.
 * [MS: nf-vsbackup-ivssbackupcomponents-reverttosnapshot] */
HRESULT backup_components_RevertToSnapshot(BackupIface iface, VSS_ID snapshot_id, BOOL force_dismount) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_REVERT, "RevertToSnapshot");
        if (FAILED(hr))
                return revert_error(hr);
        if (guid_is_null(&snapshot_id))
                return last_error_set(E_INVALIDARG, "GUID_NULL is no shadow copy.");

        return revert_error(storage_proxy_revert(b->session, &snapshot_id, force_dismount));
}

static int append_volume(sd_bus_message *m, BackupComponents *b, const void *volume) {
        return wire_append_text(m, volume);
}

/* Two steps, because the method itself says that there is none. Should it end in between, the second one is
 * told so. [MS: nf-vsbackup-ivssbackupcomponents-queryrevertstatus] */
HRESULT backup_components_QueryRevertStatus(BackupIface iface, VSS_PWSZ volume, IVssAsync **ret) {
        static const OperationKind await = {
                .name = "QueryRevertStatus",
                .member = "AwaitRevert",
                .call = CALL_QUERY_REVERT,
                .document = DOCUMENT_NONE,
                .success = _SESSION_STATE_INVALID,
                .failure = _SESSION_STATE_INVALID,
                .cannot_cancel = true,
                .append = append_volume,
        };
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(freep) char *name = NULL;
        HRESULT hr;

        if (!ret)
                return last_error_set(E_POINTER, "QueryRevertStatus() was called with a NULL pointer.");
        *ret = NULL;
        if (wide_is_empty(volume))
                return backup_argument_missing("QueryRevertStatus");

        hr = view_text_from_wide(volume, &name);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_QUERY_REVERT, "QueryRevertStatus");
        if (SUCCEEDED(hr))
                hr = storage_proxy_find_revert(b->session, name);
        if (SUCCEEDED(hr))
                hr = operation_begin_with(b, &await, name, ret);
        return FAILED(hr) ? revert_error(hr) : S_OK;
}

/* The root is what AddToSnapshotSet() takes: the mount or subvolume that the path lies on. Its logical
 * prefix is its GUID name, as on Windows. There are no servers in local names, so nothing is to be
 * normalised. [MS: nf-vsbackup-ivssbackupcomponentsex4-getrootandlogicalprefixpaths] */
HRESULT backup_components_GetRootAndLogicalPrefixPaths(BackupIface iface,
                                                       VSS_PWSZ path,
                                                       VSS_PWSZ *ret_root,
                                                       VSS_PWSZ *ret_prefix,
                                                       BOOL normalize) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(freep) char *text = NULL, *root = NULL, *slashed = NULL, *name = NULL;
        _cleanup_(freep) WCHAR *wide_root = NULL;
        HRESULT hr;

        if (ret_root)
                *ret_root = NULL;
        if (ret_prefix)
                *ret_prefix = NULL;
        if (!ret_root || !ret_prefix || wide_is_empty(path))
                return backup_argument_missing("GetRootAndLogicalPrefixPaths");

        hr = view_text_from_wide(path, &text);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_GET_ROOT, "GetRootAndLogicalPrefixPaths");
        if (SUCCEEDED(hr))
                hr = storage_proxy_get_volume_root(b->session, text, &root, &name);
        if (FAILED(hr))
                return hr;

        if (format_to(&slashed, "%s%s", root, strcmp(root, "/") == 0 ? "" : "/") < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);
        hr = text_to_task_string(slashed, &wide_root);
        if (SUCCEEDED(hr))
                hr = text_to_task_string(name, ret_prefix);
        if (FAILED(hr))
                return hr;

        *ret_root = TAKE_PTR(wide_root);
        return S_OK;
}
