/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Arrays by Script, as a Provider
 *
 * A disk array that has a command line and no provider of its own: umbra-provider-com loads this one, which runs a
 * script of the administrator's for each call. All that is remembered here is which shadow copies are being made of
 * which LUN, as GetTargetLuns() does not say it; everything else is the script's to remember, on disk.
 */

#include "provider-array/array-provider.h"

#include <stdlib.h>
#include <string.h>

#include <oleauto.h>
#include <vsserror.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/utf.h"
#include "provider-array/array-lun.h"
#include "provider-array/array-script.h"

static const IVssHardwareSnapshotProviderExVtbl luns_vtbl;
static const IUmbraProviderReasonVtbl reason_vtbl;
static const ComClass array_class;

static ArrayProvider provider;

/* One call of BeginPrepareSnapshot(). Partitions of one LUN are several, and each is asked for. */
typedef struct Pending {
        struct Pending *next;
        GUID set_id, id;
        char *serial; /* of its first LUN */
        bool asked;
} Pending;

static Pending *pending;

static HRESULT pending_add(const GUID *set_id, const GUID *id, const VDS_LUN_INFORMATION *lun) {
        Pending *p = calloc_checked(1, sizeof(*p)), **end = &pending;

        if (!p || strdup_to(lun->m_szSerialNumber, &p->serial) < 0) {
                free(p);
                return E_OUTOFMEMORY;
        }
        p->set_id = *set_id;
        p->id = *id;
        while (*end)
                end = &(*end)->next;
        *end = p;
        return S_OK;
}

/* Made of this LUN, and not asked for yet; or asked for again. */
static Pending *pending_find(const VDS_LUN_INFORMATION *lun) {
        Pending *found = NULL;

        for (Pending *p = pending; p; p = p->next)
                if (lun->m_szSerialNumber && p->serial && strcmp(p->serial, lun->m_szSerialNumber) == 0 &&
                    (!found || found->asked))
                        found = p;
        return found;
}

static void pending_clear(void) {
        while (pending) {
                Pending *p = pending;

                pending = p->next;
                free(p->serial);
                free(p);
        }
}

static ArrayProvider *impl_from_IVssHardwareSnapshotProviderEx(IVssHardwareSnapshotProviderEx *iface) {
        assert(iface->lpVtbl == &luns_vtbl);
        return container_of(iface, ArrayProvider, IVssHardwareSnapshotProviderEx_iface);
}
COM_DEFINE_UNKNOWN(luns, IVssHardwareSnapshotProviderEx)

static json_t *about(const VDS_LUN_INFORMATION *luns, size_t n, VSS_PWSZ *devices) {
        return json_pack("{s:o}", "luns", array_luns_to_json(luns, n, devices));
}

static HRESULT STDMETHODCALLTYPE luns_AreLunsSupported(IVssHardwareSnapshotProviderEx *iface,
                                                       LONG n,
                                                       LONG context,
                                                       VSS_PWSZ *devices,
                                                       VDS_LUN_INFORMATION *luns,
                                                       BOOL *ret) {
        json_t *request;
        HRESULT hr;

        if (n < 1 || !devices || !luns || !ret)
                return E_INVALIDARG;
        *ret = FALSE;
        request = json_pack("{s:o, s:I}", "luns", array_luns_to_json(luns, (size_t) n, devices), "context",
                            (json_int_t) (uint32_t) context);
        if (!request)
                return E_OUTOFMEMORY;

        hr = array_script_call(ARRAY_ARE_LUNS_SUPPORTED, request, NULL);
        *ret = hr == S_OK;
        return hr == S_FALSE ? S_OK : hr;
}

/* Nothing is missing of what umbra knows; whether it is the script's is all that is asked. */
static HRESULT STDMETHODCALLTYPE luns_FillInLunInfo(IVssHardwareSnapshotProviderEx *iface,
                                                    VSS_PWSZ device,
                                                    VDS_LUN_INFORMATION *lun,
                                                    BOOL *ret) {
        json_t *request;
        HRESULT hr;

        if (!device || !lun || !ret)
                return E_INVALIDARG;
        *ret = FALSE;
        request = about(lun, 1, &device);
        if (!request)
                return E_OUTOFMEMORY;

        hr = array_script_call(ARRAY_FILL_IN_LUN_INFO, request, NULL);
        *ret = hr == S_OK;
        return hr == S_FALSE ? S_OK : hr;
}

static HRESULT STDMETHODCALLTYPE luns_BeginPrepareSnapshot(IVssHardwareSnapshotProviderEx *iface,
                                                           VSS_ID set_id,
                                                           VSS_ID id,
                                                           LONG context,
                                                           LONG n,
                                                           VSS_PWSZ *devices,
                                                           VDS_LUN_INFORMATION *luns) {
        json_t *request;
        HRESULT hr;

        if (n < 1 || !devices || !luns)
                return E_INVALIDARG;
        request = json_pack("{s:s, s:s, s:I, s:o}", "set", GUID_TO_STRING(&set_id), "snapshot", GUID_TO_STRING(&id),
                            "context", (json_int_t) (uint32_t) context, "luns",
                            array_luns_to_json(luns, (size_t) n, devices));
        if (!request)
                return E_OUTOFMEMORY;

        hr = array_script_call(ARRAY_BEGIN_PREPARE, request, NULL);
        return hr == S_OK ? pending_add(&set_id, &id, luns) : hr;
}

static HRESULT STDMETHODCALLTYPE luns_GetTargetLuns(IVssHardwareSnapshotProviderEx *iface,
                                                    LONG n,
                                                    VSS_PWSZ *devices,
                                                    VDS_LUN_INFORMATION *sources,
                                                    VDS_LUN_INFORMATION *targets) {
        json_t *request, *answer = NULL;
        Pending *p;
        HRESULT hr;

        if (n < 1 || !devices || !sources || !targets)
                return E_INVALIDARG;
        p = pending_find(sources);
        if (!p)
                return array_fail(VSS_E_OBJECT_NOT_FOUND, "nothing is being made of this LUN");
        request = json_pack("{s:s, s:s, s:o}", "set", GUID_TO_STRING(&p->set_id), "snapshot", GUID_TO_STRING(&p->id),
                            "luns", array_luns_to_json(sources, (size_t) n, devices));
        if (!request)
                return E_OUTOFMEMORY;

        hr = array_script_call(ARRAY_GET_TARGET_LUNS, request, &answer);
        if (hr == S_OK)
                hr = array_luns_from_json(answer, targets, (size_t) n);
        p->asked |= hr == S_OK;
        json_decref(answer);
        return hr;
}

static HRESULT STDMETHODCALLTYPE luns_LocateLuns(IVssHardwareSnapshotProviderEx *iface,
                                                 LONG n,
                                                 VDS_LUN_INFORMATION *luns) {
        json_t *request;

        if (n < 1 || !luns)
                return E_INVALIDARG;
        request = about(luns, (size_t) n, NULL);
        return request ? array_script_call(ARRAY_LOCATE_LUNS, request, NULL) : E_OUTOFMEMORY;
}

static HRESULT STDMETHODCALLTYPE luns_OnLunEmpty(IVssHardwareSnapshotProviderEx *iface,
                                                 VSS_PWSZ device,
                                                 VDS_LUN_INFORMATION *lun) {
        json_t *request;

        if (!device || !lun)
                return E_INVALIDARG;
        request = about(lun, 1, &device);
        return request ? array_script_call(ARRAY_ON_LUN_EMPTY, request, NULL) : E_OUTOFMEMORY;
}

static HRESULT STDMETHODCALLTYPE luns_GetProviderCapabilities(IVssHardwareSnapshotProviderEx *iface, ULONGLONG *mask) {
        return E_NOTIMPL;
}

/* Both LUNs of each pair. */
static json_t *about_pairs(const VDS_LUN_INFORMATION *luns, const VDS_LUN_INFORMATION *originals, DWORD n) {
        return json_pack("{s:o, s:o}", "luns", array_luns_to_json(luns, n, NULL), "originals",
                         array_luns_to_json(originals, n, NULL));
}

static HRESULT STDMETHODCALLTYPE luns_OnLunStateChange(IVssHardwareSnapshotProviderEx *iface,
                                                       VDS_LUN_INFORMATION *snapshots,
                                                       VDS_LUN_INFORMATION *originals,
                                                       DWORD n,
                                                       DWORD flags) {
        json_t *request = snapshots && originals ? about_pairs(snapshots, originals, n) : NULL;
        bool mask = (flags & (DWORD) VSS_ONLUNSTATECHANGE_DO_MASK_LUNS) != 0,
             writable = (flags & (DWORD) VSS_ONLUNSTATECHANGE_NOTIFY_READ_WRITE) != 0;
        HRESULT hr;

        if (!request || json_object_set_new(request, "mask", json_boolean(mask)) < 0 ||
            json_object_set_new(request, "writable", json_boolean(writable)) < 0) {
                json_decref(request);
                return snapshots && originals ? E_OUTOFMEMORY : E_INVALIDARG;
        }

        hr = array_script_call(ARRAY_ON_LUN_STATE_CHANGE, request, NULL);
        if (hr != S_FALSE)
                return hr;
        return mask ? array_fail(VSS_E_PROVIDER_VETO, "its script cannot hide a LUN") : S_OK;
}

static HRESULT STDMETHODCALLTYPE luns_ResyncLuns(IVssHardwareSnapshotProviderEx *iface,
                                                 VDS_LUN_INFORMATION *sources,
                                                 VDS_LUN_INFORMATION *targets,
                                                 DWORD n,
                                                 IVssAsync **ret) {
        if (!sources || !targets || !ret)
                return E_INVALIDARG;
        *ret = NULL;
        return array_resync_start(about_pairs(sources, targets, n), ret);
}

static HRESULT STDMETHODCALLTYPE luns_OnReuseLuns(IVssHardwareSnapshotProviderEx *iface,
                                                  VDS_LUN_INFORMATION *snapshots,
                                                  VDS_LUN_INFORMATION *originals,
                                                  DWORD n) {
        return E_NOTIMPL;
}

static const IVssHardwareSnapshotProviderExVtbl luns_vtbl = {
        .QueryInterface = luns_QueryInterface,
        .AddRef = luns_AddRef,
        .Release = luns_Release,
        .AreLunsSupported = luns_AreLunsSupported,
        .FillInLunInfo = luns_FillInLunInfo,
        .BeginPrepareSnapshot = luns_BeginPrepareSnapshot,
        .GetTargetLuns = luns_GetTargetLuns,
        .LocateLuns = luns_LocateLuns,
        .OnLunEmpty = luns_OnLunEmpty,
        .GetProviderCapabilities = luns_GetProviderCapabilities,
        .OnLunStateChange = luns_OnLunStateChange,
        .ResyncLuns = luns_ResyncLuns,
        .OnReuseLuns = luns_OnReuseLuns,
};

static ArrayProvider *impl_from_IUmbraProviderReason(IUmbraProviderReason *iface) {
        assert(iface->lpVtbl == &reason_vtbl);
        return container_of(iface, ArrayProvider, IUmbraProviderReason_iface);
}
COM_DEFINE_UNKNOWN(reason, IUmbraProviderReason)

static HRESULT STDMETHODCALLTYPE reason_GetReason(IUmbraProviderReason *iface, VSS_PWSZ *ret) {
        char reason[ARRAY_REASON_MAX];
        int r;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;
        array_take_reason(reason);
        if (!*reason)
                return S_FALSE;

        for (size_t n = strlen(reason); !utf8_is_valid(reason);) /* where it was cut off */
                reason[--n] = '\0';
        r = wide_from_utf8(reason, ret);
        return r < 0 ? E_OUTOFMEMORY : S_OK;
}

static const IUmbraProviderReasonVtbl reason_vtbl = {
        .QueryInterface = reason_QueryInterface,
        .AddRef = reason_AddRef,
        .Release = reason_Release,
        .GetReason = reason_GetReason,
};

static void array_finalize(ComObject *object) {
        pending_clear();
}

static const ComInterface interfaces[] = {
        COM_INTERFACE(ArrayProvider, IVssHardwareSnapshotProviderEx),
        COM_INTERFACE_AS(ArrayProvider, IVssHardwareSnapshotProvider, IVssHardwareSnapshotProviderEx),
        COM_INTERFACE(ArrayProvider, IVssProviderCreateSnapshotSet),
        COM_INTERFACE(ArrayProvider, IVssProviderNotifications),
        COM_INTERFACE(ArrayProvider, IUmbraProviderReason),
};

static const ComClass array_class = {
        .name = "array",
        .interfaces = interfaces,
        .n_interfaces = ELEMENTSOF(interfaces),
        .finalize = array_finalize,
};

_public_ HRESULT STDAPICALLTYPE CreateVssProvider(REFCLSID class_id, REFIID iid, void **ppv) {
        HRESULT hr;

        array_script_init(class_id);
        provider.IVssHardwareSnapshotProviderEx_iface.lpVtbl = &luns_vtbl;
        provider.IVssProviderCreateSnapshotSet_iface.lpVtbl = &array_set_vtbl;
        provider.IVssProviderNotifications_iface.lpVtbl = &array_notifications_vtbl;
        provider.IUmbraProviderReason_iface.lpVtbl = &reason_vtbl;
        com_object_init(&provider.com, &array_class);
        hr = com_object_query(&provider.com, iid, ppv);
        (void) com_object_unref(&provider.com);
        return hr;
}
