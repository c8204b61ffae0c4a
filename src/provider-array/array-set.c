/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Set, Step by Step
 */

#include <oleauto.h>

#include "base/guid.h"
#include "provider-array/array-provider.h"
#include "provider-array/array-script.h"

static ArrayProvider *impl_from_IVssProviderCreateSnapshotSet(IVssProviderCreateSnapshotSet *iface) {
        assert(iface->lpVtbl == &array_set_vtbl);
        return container_of(iface, ArrayProvider, IVssProviderCreateSnapshotSet_iface);
}
COM_DEFINE_UNKNOWN(set, IVssProviderCreateSnapshotSet)

static HRESULT step(ArrayVerb verb, const VSS_ID *set_id) {
        json_t *request = json_pack("{s:s}", "set", GUID_TO_STRING(set_id));

        return request ? array_script_call(verb, request, NULL) : E_OUTOFMEMORY;
}

static HRESULT STDMETHODCALLTYPE set_EndPrepareSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id) {
        return step(ARRAY_END_PREPARE, &id);
}

static HRESULT STDMETHODCALLTYPE set_PreCommitSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id) {
        return step(ARRAY_PRE_COMMIT, &id);
}

static HRESULT STDMETHODCALLTYPE set_CommitSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id) {
        return step(ARRAY_COMMIT, &id);
}

static HRESULT STDMETHODCALLTYPE set_PostCommitSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id, LONG n) {
        json_t *request = json_pack("{s:s, s:i}", "set", GUID_TO_STRING(&id), "count", (int) n);

        return request ? array_script_call(ARRAY_POST_COMMIT, request, NULL) : E_OUTOFMEMORY;
}

static HRESULT STDMETHODCALLTYPE set_PreFinalCommitSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id) {
        return step(ARRAY_PRE_FINAL_COMMIT, &id);
}

static HRESULT STDMETHODCALLTYPE set_PostFinalCommitSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id) {
        return step(ARRAY_POST_FINAL_COMMIT, &id);
}

static HRESULT STDMETHODCALLTYPE set_AbortSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id) {
        return step(ARRAY_ABORT, &id);
}

const IVssProviderCreateSnapshotSetVtbl array_set_vtbl = {
        .QueryInterface = set_QueryInterface,
        .AddRef = set_AddRef,
        .Release = set_Release,
        .EndPrepareSnapshots = set_EndPrepareSnapshots,
        .PreCommitSnapshots = set_PreCommitSnapshots,
        .CommitSnapshots = set_CommitSnapshots,
        .PostCommitSnapshots = set_PostCommitSnapshots,
        .PreFinalCommitSnapshots = set_PreFinalCommitSnapshots,
        .PostFinalCommitSnapshots = set_PostFinalCommitSnapshots,
        .AbortSnapshots = set_AbortSnapshots,
};

static ArrayProvider *impl_from_IVssProviderNotifications(IVssProviderNotifications *iface) {
        assert(iface->lpVtbl == &array_notifications_vtbl);
        return container_of(iface, ArrayProvider, IVssProviderNotifications_iface);
}
COM_DEFINE_UNKNOWN(notifications, IVssProviderNotifications)

static HRESULT STDMETHODCALLTYPE notifications_OnLoad(IVssProviderNotifications *iface, IUnknown *callback) {
        return array_script_call(ARRAY_ON_LOAD, NULL, NULL);
}

/* What a script that does not want to go says is nobody's result. */
static HRESULT STDMETHODCALLTYPE notifications_OnUnload(IVssProviderNotifications *iface, BOOL force) {
        (void) array_script_call(ARRAY_ON_UNLOAD, NULL, NULL);
        return S_OK;
}

const IVssProviderNotificationsVtbl array_notifications_vtbl = {
        .QueryInterface = notifications_QueryInterface,
        .AddRef = notifications_AddRef,
        .Release = notifications_Release,
        .OnLoad = notifications_OnLoad,
        .OnUnload = notifications_OnUnload,
};
