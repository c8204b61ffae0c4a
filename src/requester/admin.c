/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssAdmin
 *
 * Backup programs list the providers with it. Every question opens a session of its own. Registering is not
 * done yet.
 */

#include "requester/admin.h"

#include "base/alloc.h"
#include "com/com-object.h"
#include "requester/session-proxy.h"
#include "requester/wire-prop.h"
#include "wire/last-error.h"

typedef struct Admin {
        ComObject com;
        IVssAdminEx IVssAdminEx_iface;
} Admin;

static const IVssAdminExVtbl admin_vtbl;

static Admin *impl_from_IVssAdminEx(IVssAdminEx *iface) {
        assert(iface->lpVtbl == &admin_vtbl);
        return container_of(iface, Admin, IVssAdminEx_iface);
}

COM_DEFINE_UNKNOWN(admin, IVssAdminEx)

static HRESULT STDMETHODCALLTYPE admin_RegisterProvider(IVssAdminEx *iface,
                                                        VSS_ID provider_id,
                                                        CLSID class_id,
                                                        VSS_PWSZ name,
                                                        VSS_PROVIDER_TYPE type,
                                                        VSS_PWSZ version,
                                                        VSS_ID version_id) {
        return last_error_set(E_NOTIMPL, NULL);
}

static HRESULT STDMETHODCALLTYPE admin_UnregisterProvider(IVssAdminEx *iface, VSS_ID provider_id) {
        return last_error_set(E_NOTIMPL, NULL);
}

/* [MS: nf-vsadmin-ivssadmin-queryproviders] */
static HRESULT STDMETHODCALLTYPE admin_QueryProviders(IVssAdminEx *iface, IVssEnumObject **ret) {
        _cleanup_(session_proxy_freep) SessionProxy *session = NULL;
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        HRESULT hr;

        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;

        hr = session_proxy_open(&session);
        if (SUCCEEDED(hr))
                hr = session_proxy_initialize(session, WIRE_SESSION_QUERY, (int32_t) VSS_CTX_ALL);
        if (SUCCEEDED(hr))
                hr = session_proxy_query(session, VSS_OBJECT_PROVIDER, (int32_t) VSS_CTX_ALL, &q);
        if (FAILED(hr))
                return hr;

        hr = enum_object_from_query(&q, ret);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

/* Reserved, on Windows as well. [MS: nf-vsadmin-ivssadmin-abortallsnapshotsinprogress] */
static HRESULT STDMETHODCALLTYPE admin_AbortAllSnapshotsInProgress(IVssAdminEx *iface) {
        return last_error_set(E_NOTIMPL, NULL);
}

static HRESULT STDMETHODCALLTYPE admin_GetProviderCapability(IVssAdminEx *iface,
                                                             VSS_ID provider_id,
                                                             ULONGLONG *ret_capabilities) {
        if (!ret_capabilities)
                return last_error_set(E_INVALIDARG, NULL);
        *ret_capabilities = 0;

        return last_error_set(E_NOTIMPL, NULL);
}

static HRESULT STDMETHODCALLTYPE admin_GetProviderContext(IVssAdminEx *iface,
                                                          VSS_ID provider_id,
                                                          LONG *ret_context) {
        if (!ret_context)
                return last_error_set(E_INVALIDARG, NULL);
        *ret_context = 0;

        return last_error_set(E_NOTIMPL, NULL);
}

static HRESULT STDMETHODCALLTYPE admin_SetProviderContext(IVssAdminEx *iface,
                                                          VSS_ID provider_id,
                                                          LONG context) {
        return last_error_set(E_NOTIMPL, NULL);
}

static const IVssAdminExVtbl admin_vtbl = {
        .QueryInterface = admin_QueryInterface,
        .AddRef = admin_AddRef,
        .Release = admin_Release,
        .RegisterProvider = admin_RegisterProvider,
        .UnregisterProvider = admin_UnregisterProvider,
        .QueryProviders = admin_QueryProviders,
        .AbortAllSnapshotsInProgress = admin_AbortAllSnapshotsInProgress,
        .GetProviderCapability = admin_GetProviderCapability,
        .GetProviderContext = admin_GetProviderContext,
        .SetProviderContext = admin_SetProviderContext,
};

static_assert(sizeof(admin_vtbl) == 10 * sizeof(void *), "the table grew: extend the tests");

static void admin_finalize(ComObject *object) {
        free(container_of(object, Admin, com));
}

static const ComInterface admin_interfaces[] = {
        COM_INTERFACE(Admin, IVssAdminEx),
        COM_INTERFACE_AS(Admin, IVssAdmin, IVssAdminEx),
};

static const ComClass admin_class = {
        .name = "Admin",
        .interfaces = admin_interfaces,
        .n_interfaces = ELEMENTSOF(admin_interfaces),
        .finalize = admin_finalize,
};

HRESULT admin_new(IVssAdmin **ret) {
        Admin *admin;

        admin = calloc_checked(1, sizeof(*admin));
        if (!admin)
                return last_error_set(E_OUTOFMEMORY, NULL);

        com_object_init(&admin->com, &admin_class);
        admin->IVssAdminEx_iface.lpVtbl = &admin_vtbl;

        *ret = (IVssAdmin *) &admin->IVssAdminEx_iface;
        return S_OK;
}
