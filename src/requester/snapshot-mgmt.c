/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssSnapshotMgmt
 *
 * Every question opens a session of its own: the object lives long and asks rarely.
 */

#include "requester/snapshot-mgmt.h"

#include "base/alloc.h"
#include "com/com-object.h"
#include "requester/session-proxy.h"
#include "requester/wire-prop.h"
#include "wire/last-error.h"

typedef struct SnapshotMgmt {
        ComObject com;
        IVssSnapshotMgmt IVssSnapshotMgmt_iface;
} SnapshotMgmt;

static const IVssSnapshotMgmtVtbl snapshot_mgmt_vtbl;

static SnapshotMgmt *impl_from_IVssSnapshotMgmt(IVssSnapshotMgmt *iface) {
        assert(iface->lpVtbl == &snapshot_mgmt_vtbl);
        return container_of(iface, SnapshotMgmt, IVssSnapshotMgmt_iface);
}

COM_DEFINE_UNKNOWN(snapshot_mgmt, IVssSnapshotMgmt)

static HRESULT STDMETHODCALLTYPE snapshot_mgmt_GetProviderMgmtInterface(IVssSnapshotMgmt *iface,
                                                                        VSS_ID provider_id,
                                                                        REFIID iid,
                                                                        IUnknown **ret) {
        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;

        return last_error_set(E_NOTIMPL, NULL);
}

/* [MS: nf-vsmgmt-ivsssnapshotmgmt-queryvolumessupportedforsnapshots] */
static HRESULT STDMETHODCALLTYPE snapshot_mgmt_QueryVolumesSupportedForSnapshots(IVssSnapshotMgmt *iface,
                                                                                 VSS_ID provider_id,
                                                                                 LONG context,
                                                                                 IVssEnumMgmtObject **ret) {
        _cleanup_(session_proxy_freep) SessionProxy *session = NULL;
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        HRESULT hr;

        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;

        hr = session_proxy_open(&session);
        if (SUCCEEDED(hr))
                hr = session_proxy_initialize(session, WIRE_SESSION_QUERY, context);
        if (SUCCEEDED(hr))
                hr = session_proxy_query_volumes(session, &provider_id, context, &q);
        if (FAILED(hr))
                return hr;

        hr = enum_mgmt_object_from_query(&q, ret);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

static HRESULT STDMETHODCALLTYPE snapshot_mgmt_QuerySnapshotsByVolume(IVssSnapshotMgmt *iface,
                                                                      VSS_PWSZ volume,
                                                                      VSS_ID provider_id,
                                                                      IVssEnumObject **ret) {
        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;

        return last_error_set(E_NOTIMPL, NULL);
}

static const IVssSnapshotMgmtVtbl snapshot_mgmt_vtbl = {
        .QueryInterface = snapshot_mgmt_QueryInterface,
        .AddRef = snapshot_mgmt_AddRef,
        .Release = snapshot_mgmt_Release,
        .GetProviderMgmtInterface = snapshot_mgmt_GetProviderMgmtInterface,
        .QueryVolumesSupportedForSnapshots = snapshot_mgmt_QueryVolumesSupportedForSnapshots,
        .QuerySnapshotsByVolume = snapshot_mgmt_QuerySnapshotsByVolume,
};

static_assert(sizeof(snapshot_mgmt_vtbl) == 6 * sizeof(void *), "the table grew: extend the tests");

static void snapshot_mgmt_finalize(ComObject *object) {
        free(container_of(object, SnapshotMgmt, com));
}

static const ComInterface snapshot_mgmt_interfaces[] = {
        COM_INTERFACE(SnapshotMgmt, IVssSnapshotMgmt),
};

static const ComClass snapshot_mgmt_class = {
        .name = "SnapshotMgmt",
        .interfaces = snapshot_mgmt_interfaces,
        .n_interfaces = ELEMENTSOF(snapshot_mgmt_interfaces),
        .finalize = snapshot_mgmt_finalize,
};

HRESULT snapshot_mgmt_new(IVssSnapshotMgmt **ret) {
        SnapshotMgmt *mgmt;

        mgmt = calloc_checked(1, sizeof(*mgmt));
        if (!mgmt)
                return last_error_set(E_OUTOFMEMORY, NULL);

        com_object_init(&mgmt->com, &snapshot_mgmt_class);
        mgmt->IVssSnapshotMgmt_iface.lpVtbl = &snapshot_mgmt_vtbl;

        *ret = &mgmt->IVssSnapshotMgmt_iface;
        return S_OK;
}
