/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssSnapshotMgmt and IVssSnapshotMgmt2
 *
 * Two interfaces of one object, neither derived from the other.
 */

#include "requester/snapshot-mgmt.h"

#include "base/alloc.h"
#include "base/guid.h"
#include "com/com-object.h"
#include "requester/admin-proxy.h"
#include "requester/diff-area-mgmt.h"
#include "requester/session-proxy.h"
#include "requester/area-proxy.h"
#include "requester/wire-prop.h"
#include "view/view-text.h"
#include "wire/last-error.h"

typedef struct SnapshotMgmt {
        ComObject com;
        IVssSnapshotMgmt IVssSnapshotMgmt_iface;
        IVssSnapshotMgmt2 IVssSnapshotMgmt2_iface;
} SnapshotMgmt;

static const IVssSnapshotMgmtVtbl snapshot_mgmt_vtbl;
static const IVssSnapshotMgmt2Vtbl snapshot_mgmt2_vtbl;

static SnapshotMgmt *impl_from_IVssSnapshotMgmt(IVssSnapshotMgmt *iface) {
        assert(iface->lpVtbl == &snapshot_mgmt_vtbl);
        return container_of(iface, SnapshotMgmt, IVssSnapshotMgmt_iface);
}

static SnapshotMgmt *impl_from_IVssSnapshotMgmt2(IVssSnapshotMgmt2 *iface) {
        assert(iface->lpVtbl == &snapshot_mgmt2_vtbl);
        return container_of(iface, SnapshotMgmt, IVssSnapshotMgmt2_iface);
}

COM_DEFINE_UNKNOWN(snapshot_mgmt, IVssSnapshotMgmt)
COM_DEFINE_UNKNOWN(snapshot_mgmt2, IVssSnapshotMgmt2)

/* {b5946137-7b9f-4925-af80-51abd60b20d5}, the system provider of Windows: here, whoever made the copies. */
static const GUID system_provider = { 0xb5946137,
                                      0x7b9f,
                                      0x4925,
                                      { 0xaf, 0x80, 0x51, 0xab, 0xd6, 0x0b, 0x20, 0xd5 } };

static bool is_mgmt_interface(const IID *iid) {
        static const IID *const known[] = {
                &IID_IVssDifferentialSoftwareSnapshotMgmt,
                &IID_IVssDifferentialSoftwareSnapshotMgmt2,
                &IID_IVssDifferentialSoftwareSnapshotMgmt3,
        };

        for (size_t i = 0; i < ELEMENTSOF(known); ++i)
                if (guid_equal(iid, known[i]))
                        return true;
        return false;
}

/* Whether copies of this provider can be managed: all those that umbra runs, by whoever may have a session. */
static HRESULT check_provider(const GUID *provider_id) {
        _cleanup_(session_proxy_freep) SessionProxy *session = NULL;
        uint64_t capabilities;
        int32_t context;
        HRESULT hr;

        if (guid_equal(provider_id, &system_provider))
                return session_proxy_open(&session);

        hr = admin_proxy_describe(provider_id, &capabilities, &context);
        if (FAILED(hr))
                return hr;
        if (!(capabilities & VSS_PRV_CAPABILITY_COMPLIANT))
                return last_error_set(E_NOINTERFACE, "The provider has no management interface.");

        return S_OK;
}

/* [MS: nf-vsmgmt-ivsssnapshotmgmt-getprovidermgmtinterface] */
HRESULT provider_mgmt_interface(const GUID *provider_id, const IID *iid, IUnknown **ret) {
        IVssDifferentialSoftwareSnapshotMgmt3 *mgmt;
        HRESULT hr;

        if (!ret || !iid)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;
        if (!is_mgmt_interface(iid))
                return last_error_set(E_NOINTERFACE,
                                      "The management interface is IVssDifferentialSoftwareSnapshotMgmt.");

        hr = check_provider(provider_id);
        if (FAILED(hr))
                return hr;

        hr = diff_area_mgmt_new(provider_id, &mgmt);
        if (FAILED(hr))
                return hr;

        hr = IVssDifferentialSoftwareSnapshotMgmt3_QueryInterface(mgmt, iid, (void **) ret);
        IVssDifferentialSoftwareSnapshotMgmt3_Release(mgmt);
        return hr;
}

static HRESULT STDMETHODCALLTYPE snapshot_mgmt_GetProviderMgmtInterface(IVssSnapshotMgmt *iface,
                                                                        VSS_ID provider_id,
                                                                        REFIID iid,
                                                                        IUnknown **ret) {
        return provider_mgmt_interface(&provider_id, iid, ret);
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

        hr = session_proxy_open_to_query(context, &session);
        if (SUCCEEDED(hr))
                hr = session_proxy_query_volumes(session, &provider_id, context, &q);
        if (FAILED(hr))
                return hr;

        hr = enum_mgmt_object_from_query(&q, ret);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

/* [MS: nf-vsmgmt-ivsssnapshotmgmt-querysnapshotsbyvolume] */
static HRESULT STDMETHODCALLTYPE snapshot_mgmt_QuerySnapshotsByVolume(IVssSnapshotMgmt *iface,
                                                                      VSS_PWSZ volume,
                                                                      VSS_ID provider_id,
                                                                      IVssEnumObject **ret) {
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        _cleanup_(freep) char *name = NULL;
        HRESULT hr;

        if (ret)
                *ret = NULL;
        if (!ret || !volume || !*volume)
                return last_error_set(E_INVALIDARG, NULL);

        hr = view_text_from_wide(volume, &name);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        hr = area_proxy_query_snapshots(&provider_id, name, &q);
        if (FAILED(hr))
                return hr;

        hr = enum_object_from_query(&q, ret);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

/* [MS: nf-vsmgmt-ivsssnapshotmgmt2-getmindiffareasize] */
static HRESULT STDMETHODCALLTYPE snapshot_mgmt2_GetMinDiffAreaSize(IVssSnapshotMgmt2 *iface, LONGLONG *ret) {
        int64_t minimum;
        HRESULT hr;

        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = 0;

        hr = area_proxy_get_minimum(&minimum);
        if (SUCCEEDED(hr))
                *ret = minimum;
        return hr;
}

static const IVssSnapshotMgmtVtbl snapshot_mgmt_vtbl = {
        .QueryInterface = snapshot_mgmt_QueryInterface,
        .AddRef = snapshot_mgmt_AddRef,
        .Release = snapshot_mgmt_Release,
        .GetProviderMgmtInterface = snapshot_mgmt_GetProviderMgmtInterface,
        .QueryVolumesSupportedForSnapshots = snapshot_mgmt_QueryVolumesSupportedForSnapshots,
        .QuerySnapshotsByVolume = snapshot_mgmt_QuerySnapshotsByVolume,
};

static const IVssSnapshotMgmt2Vtbl snapshot_mgmt2_vtbl = {
        .QueryInterface = snapshot_mgmt2_QueryInterface,
        .AddRef = snapshot_mgmt2_AddRef,
        .Release = snapshot_mgmt2_Release,
        .GetMinDiffAreaSize = snapshot_mgmt2_GetMinDiffAreaSize,
};

static_assert(sizeof(snapshot_mgmt_vtbl) == 6 * sizeof(void *), "the table grew: extend the tests");
static_assert(sizeof(snapshot_mgmt2_vtbl) == 4 * sizeof(void *), "the table grew: extend the tests");

static void snapshot_mgmt_finalize(ComObject *object) {
        free(container_of(object, SnapshotMgmt, com));
}

static const ComInterface snapshot_mgmt_interfaces[] = {
        COM_INTERFACE(SnapshotMgmt, IVssSnapshotMgmt),
        COM_INTERFACE(SnapshotMgmt, IVssSnapshotMgmt2),
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
        mgmt->IVssSnapshotMgmt2_iface.lpVtbl = &snapshot_mgmt2_vtbl;

        *ret = &mgmt->IVssSnapshotMgmt_iface;
        return S_OK;
}
