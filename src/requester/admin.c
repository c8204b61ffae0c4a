/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssAdmin
 *
 * Backup programs list the providers with it, and installers of providers register theirs.
 */

#include "requester/admin.h"

#include "base/alloc.h"
#include "base/hresult.h"
#include "base/utf.h"
#include "com/com-object.h"
#include "requester/admin-proxy.h"
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

/* umbrad looks at who asks; whether the values can be a provider's, too. @name and @version are checked
 * here: on the wire NULL and "" are the same. */
static HRESULT provider_to_wire(const WCHAR *name, const WCHAR *version, WireProvider *provider) {
        int r;

        if (!name || !*name || !version || !*version)
                return last_error_set(E_INVALIDARG, "A provider needs a name and a version.");

        r = utf8_from_wide(name, &provider->name);
        if (r >= 0)
                r = utf8_from_wide(version, &provider->version);
        return r < 0 ? last_error_set(hresult_from_errno(r), NULL) : S_OK;
}

/* [MS: nf-vsadmin-ivssadmin-registerprovider] */
static HRESULT STDMETHODCALLTYPE admin_RegisterProvider(IVssAdminEx *iface,
                                                        VSS_ID provider_id,
                                                        CLSID class_id,
                                                        VSS_PWSZ name,
                                                        VSS_PROVIDER_TYPE type,
                                                        VSS_PWSZ version,
                                                        VSS_ID version_id) {
        _cleanup_(wire_provider_clear) WireProvider provider = {
                .id = provider_id,
                .class_id = class_id,
                .type = type,
                .version_id = version_id,
        };
        HRESULT hr;

        hr = provider_to_wire(name, version, &provider);
        return FAILED(hr) ? hr : admin_proxy_register(&provider);
}

/* [MS: nf-vsadmin-ivssadmin-unregisterprovider] */
static HRESULT STDMETHODCALLTYPE admin_UnregisterProvider(IVssAdminEx *iface, VSS_ID provider_id) {
        return admin_proxy_unregister(&provider_id);
}

/* [MS: nf-vsadmin-ivssadmin-queryproviders] */
static HRESULT STDMETHODCALLTYPE admin_QueryProviders(IVssAdminEx *iface, IVssEnumObject **ret) {
        _cleanup_(session_proxy_freep) SessionProxy *session = NULL;
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        HRESULT hr;

        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;

        hr = session_proxy_open_to_query((int32_t) VSS_CTX_ALL, &session);
        if (SUCCEEDED(hr))
                hr = session_proxy_query(session, VSS_OBJECT_PROVIDER, (int32_t) VSS_CTX_ALL, &q);
        if (FAILED(hr))
                return hr;

        hr = enum_object_from_query(&q, ret);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

/* Reserved on Windows. Here it does what it says. [MS: nf-vsadmin-ivssadmin-abortallsnapshotsinprogress] */
static HRESULT STDMETHODCALLTYPE admin_AbortAllSnapshotsInProgress(IVssAdminEx *iface) {
        return admin_proxy_abort_all();
}

static HRESULT STDMETHODCALLTYPE admin_GetProviderCapability(IVssAdminEx *iface,
                                                             VSS_ID provider_id,
                                                             ULONGLONG *ret_capabilities) {
        uint64_t capabilities;
        int32_t context;
        HRESULT hr;

        if (!ret_capabilities)
                return last_error_set(E_INVALIDARG, NULL);
        *ret_capabilities = 0;

        hr = admin_proxy_describe(&provider_id, &capabilities, &context);
        if (SUCCEEDED(hr))
                *ret_capabilities = capabilities;
        return hr;
}

static HRESULT STDMETHODCALLTYPE admin_GetProviderContext(IVssAdminEx *iface,
                                                          VSS_ID provider_id,
                                                          LONG *ret_context) {
        uint64_t capabilities;
        int32_t context;
        HRESULT hr;

        if (!ret_context)
                return last_error_set(E_INVALIDARG, NULL);
        *ret_context = 0;

        hr = admin_proxy_describe(&provider_id, &capabilities, &context);
        if (SUCCEEDED(hr))
                *ret_context = context;
        return hr;
}

/* Nobody has ever written down what it is for. */
static HRESULT STDMETHODCALLTYPE admin_SetProviderContext(IVssAdminEx *iface,
                                                          VSS_ID provider_id,
                                                          LONG context) {
        return last_error_set(E_NOTIMPL, "A provider gets its context with each snapshot set: see "
                                         "IVssBackupComponents::SetContext().");
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
