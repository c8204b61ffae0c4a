/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssComponentEx2
 *
 * The object, who it is, and whether it failed. The other methods: component-backup.c, component-restore.c.
 */

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "com/com-object.h"
#include "view/component-internal.h"

typedef struct Component {
        ComObject com;
        IVssComponentEx2 IVssComponentEx2_iface;

        ViewOwner *owner;
        BackupComponent *component; /* of the owner's document; gone when the view is closed */
} Component;

static const IVssComponentEx2Vtbl component_vtbl;

static Component *impl_from_IVssComponentEx2(IVssComponentEx2 *iface) {
        assert(iface->lpVtbl == &component_vtbl);
        return container_of(iface, Component, IVssComponentEx2_iface);
}

COM_DEFINE_UNKNOWN(component, IVssComponentEx2)

HRESULT component_enter(IVssComponentEx2 *iface, unsigned rights, BackupComponent **ret) {
        Component *c = impl_from_IVssComponentEx2(iface);
        HRESULT hr;

        hr = view_owner_enter(c->owner);
        if (FAILED(hr))
                return rights ? VSS_E_BAD_STATE : hr;

        hr = rights && !(c->owner->rights & rights) ? VSS_E_BAD_STATE : doc_extra_check(c->component->extra);
        if (FAILED(hr)) {
                view_owner_leave(c->owner);
                return hr;
        }

        *ret = c->component;
        return S_OK;
}

void component_leave(IVssComponentEx2 *iface) {
        view_owner_leave(impl_from_IVssComponentEx2(iface)->owner);
}

HRESULT component_enter_open(IVssComponentEx2 *iface, BackupComponent **ret) {
        HRESULT hr = component_enter(iface, 0, ret);

        return hr == VSS_E_OBJECT_NOT_FOUND ? VSS_E_BAD_STATE : hr;
}

ViewOwner *component_owner(IVssComponentEx2 *iface) {
        return impl_from_IVssComponentEx2(iface)->owner;
}

static HRESULT STDMETHODCALLTYPE component_GetLogicalPath(IVssComponentEx2 *iface, BSTR *ret) {
        return component_get_text(iface, TEXT(logical_path), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetComponentType(IVssComponentEx2 *iface,
                                                            VSS_COMPONENT_TYPE *ret) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = VSS_CT_UNDEFINED;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        *ret = c->type;
        component_leave(iface);
        return S_OK;
}

/* A document always has the attribute; without anything in it the component has no name. */
static HRESULT STDMETHODCALLTYPE component_GetComponentName(IVssComponentEx2 *iface, BSTR *ret) {
        HRESULT hr = component_get_text(iface, TEXT(name), ret);

        return hr == S_OK && bstr_length(*ret) == 0 ? S_FALSE : hr;
}

static HRESULT STDMETHODCALLTYPE component_GetBackupSucceeded(IVssComponentEx2 *iface, bool *ret) {
        return component_get_tristate(iface, offsetof(BackupComponent, backup_succeeded), ret);
}

static bool is_failure_of_component(HRESULT hr) {
        static const HRESULT allowed[] = {
                S_OK,
                VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT,
                VSS_E_WRITERERROR_OUTOFRESOURCES,
                VSS_E_WRITERERROR_TIMEOUT,
                VSS_E_WRITERERROR_RETRYABLE,
                VSS_E_WRITERERROR_NONRETRYABLE,
        };

        for (size_t i = 0; i < ELEMENTSOF(allowed); ++i)
                if (allowed[i] == hr)
                        return true;

        return false;
}

static HRESULT STDMETHODCALLTYPE component_SetFailure(IVssComponentEx2 *iface,
                                                      HRESULT failure,
                                                      HRESULT application,
                                                      LPCWSTR message,
                                                      DWORD reserved) {
        _cleanup_(freep) char *text = NULL, *replaced = NULL;
        BackupComponent *c;
        HRESULT hr;

        if (reserved != 0 || !is_failure_of_component(failure))
                return E_INVALIDARG;

        hr = view_text_from_wide(message, &text);
        if (FAILED(hr))
                return hr;

        hr = component_enter(iface, VIEW_ANY_EVENT, &c);
        if (FAILED(hr))
                return hr;

        c->has_failure = true;
        c->failure = failure;
        c->failure_application = application;
        replaced = c->failure_message;
        c->failure_message = TAKE_PTR(text);
        component_leave(iface);
        return S_OK;
}

/* All four are mandatory, the reserved one, too. [MS: nf-vswriter-ivsscomponentex2-getfailure] */
static HRESULT STDMETHODCALLTYPE component_GetFailure(IVssComponentEx2 *iface,
                                                      HRESULT *ret_failure,
                                                      HRESULT *ret_application,
                                                      BSTR *ret_message,
                                                      DWORD *ret_reserved) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret_failure || !ret_application || !ret_message || !ret_reserved)
                return E_INVALIDARG;
        *ret_failure = *ret_application = S_OK;
        *ret_message = NULL;
        *ret_reserved = 0;

        hr = component_enter_open(iface, &c);
        if (FAILED(hr))
                return hr;

        if (c->has_failure) {
                *ret_failure = c->failure;
                *ret_application = c->failure_application;
                hr = view_texts_to_bstr(&(ViewText){ ret_message, c->failure_message }, 1);
        }

        component_leave(iface);
        return hr;
}

static const IVssComponentEx2Vtbl component_vtbl = {
        .QueryInterface = component_QueryInterface,
        .AddRef = component_AddRef,
        .Release = component_Release,
        .GetLogicalPath = component_GetLogicalPath,
        .GetComponentType = component_GetComponentType,
        .GetComponentName = component_GetComponentName,
        .GetBackupSucceeded = component_GetBackupSucceeded,
        .GetAlternateLocationMappingCount = component_GetAlternateLocationMappingCount,
        .GetAlternateLocationMapping = component_GetAlternateLocationMapping,
        .SetBackupMetadata = component_SetBackupMetadata,
        .GetBackupMetadata = component_GetBackupMetadata,
        .AddPartialFile = component_AddPartialFile,
        .GetPartialFileCount = component_GetPartialFileCount,
        .GetPartialFile = component_GetPartialFile,
        .IsSelectedForRestore = component_IsSelectedForRestore,
        .GetAdditionalRestores = component_GetAdditionalRestores,
        .GetNewTargetCount = component_GetNewTargetCount,
        .GetNewTarget = component_GetNewTarget,
        .AddDirectedTarget = component_AddDirectedTarget,
        .GetDirectedTargetCount = component_GetDirectedTargetCount,
        .GetDirectedTarget = component_GetDirectedTarget,
        .SetRestoreMetadata = component_SetRestoreMetadata,
        .GetRestoreMetadata = component_GetRestoreMetadata,
        .SetRestoreTarget = component_SetRestoreTarget,
        .GetRestoreTarget = component_GetRestoreTarget,
        .SetPreRestoreFailureMsg = component_SetPreRestoreFailureMsg,
        .GetPreRestoreFailureMsg = component_GetPreRestoreFailureMsg,
        .SetPostRestoreFailureMsg = component_SetPostRestoreFailureMsg,
        .GetPostRestoreFailureMsg = component_GetPostRestoreFailureMsg,
        .SetBackupStamp = component_SetBackupStamp,
        .GetBackupStamp = component_GetBackupStamp,
        .GetPreviousBackupStamp = component_GetPreviousBackupStamp,
        .GetBackupOptions = component_GetBackupOptions,
        .GetRestoreOptions = component_GetRestoreOptions,
        .GetRestoreSubcomponentCount = component_GetRestoreSubcomponentCount,
        .GetRestoreSubcomponent = component_GetRestoreSubcomponent,
        .GetFileRestoreStatus = component_GetFileRestoreStatus,
        .AddDifferencedFilesByLastModifyTime = component_AddDifferencedFilesByLastModifyTime,
        .AddDifferencedFilesByLastModifyLSN = component_AddDifferencedFilesByLastModifyLSN,
        .GetDifferencedFilesCount = component_GetDifferencedFilesCount,
        .GetDifferencedFile = component_GetDifferencedFile,
        .SetPrepareForBackupFailureMsg = component_SetPrepareForBackupFailureMsg,
        .SetPostSnapshotFailureMsg = component_SetPostSnapshotFailureMsg,
        .GetPrepareForBackupFailureMsg = component_GetPrepareForBackupFailureMsg,
        .GetPostSnapshotFailureMsg = component_GetPostSnapshotFailureMsg,
        .GetAuthoritativeRestore = component_GetAuthoritativeRestore,
        .GetRollForward = component_GetRollForward,
        .GetRestoreName = component_GetRestoreName,
        .SetFailure = component_SetFailure,
        .GetFailure = component_GetFailure,
};

static_assert(sizeof(component_vtbl) == 50 * sizeof(void *), "slots 0 to 49: the table grew or shrank");

static void component_finalize(ComObject *object) {
        Component *c = container_of(object, Component, com);

        view_owner_unref(c->owner);
        free(c);
}

static const ComInterface component_interfaces[] = {
        COM_INTERFACE_AS(Component, IVssComponent, IVssComponentEx2),
        COM_INTERFACE_AS(Component, IVssComponentEx, IVssComponentEx2),
        COM_INTERFACE(Component, IVssComponentEx2),
};

static const ComClass component_class = {
        .name = "Component",
        .interfaces = component_interfaces,
        .n_interfaces = ELEMENTSOF(component_interfaces),
        .finalize = component_finalize,
};

HRESULT component_new(ViewOwner *owner, BackupComponent *component, IVssComponentEx2 **ret) {
        Component *c;

        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return E_OUTOFMEMORY;

        com_object_init(&c->com, &component_class);
        c->IVssComponentEx2_iface.lpVtbl = &component_vtbl;
        c->owner = view_owner_ref(owner);
        c->component = component;

        *ret = &c->IVssComponentEx2_iface;
        return S_OK;
}
