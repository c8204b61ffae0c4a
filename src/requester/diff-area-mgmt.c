/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssDifferentialSoftwareSnapshotMgmt3
 *
 * Names become bytes, and umbrad decides. What is reserved on Windows is E_NOTIMPL here.
 */

#include "requester/diff-area-mgmt.h"

#include "base/alloc.h"
#include "com/com-object.h"
#include "requester/session-proxy.h"
#include "requester/area-proxy.h"
#include "requester/wire-prop.h"
#include "view/view-text.h"
#include "wire/last-error.h"

typedef struct DiffAreaMgmt {
        ComObject com;
        IVssDifferentialSoftwareSnapshotMgmt3 IVssDifferentialSoftwareSnapshotMgmt3_iface;
        GUID provider_id;
} DiffAreaMgmt;

typedef IVssDifferentialSoftwareSnapshotMgmt3 *Iface;

static const IVssDifferentialSoftwareSnapshotMgmt3Vtbl diff_area_mgmt_vtbl;

static DiffAreaMgmt *impl_from_IVssDifferentialSoftwareSnapshotMgmt3(Iface iface) {
        assert(iface->lpVtbl == &diff_area_mgmt_vtbl);
        return container_of(iface, DiffAreaMgmt, IVssDifferentialSoftwareSnapshotMgmt3_iface);
}

COM_DEFINE_UNKNOWN(diff_area_mgmt, IVssDifferentialSoftwareSnapshotMgmt3)

static const GUID *provider_of(Iface iface) {
        return &impl_from_IVssDifferentialSoftwareSnapshotMgmt3(iface)->provider_id;
}

static HRESULT take_name(VSS_PWSZ name, char **ret) {
        HRESULT hr;

        if (!name || !*name)
                return last_error_set(E_INVALIDARG, "A volume must have a name.");

        hr = view_text_from_wide(name, ret);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

static HRESULT take_names(VSS_PWSZ volume, VSS_PWSZ place, char **ret_volume, char **ret_place) {
        HRESULT hr;

        hr = take_name(place, ret_place);
        return FAILED(hr) ? hr : take_name(volume, ret_volume);
}

static HRESULT make_enumerator(HRESULT hr, const SessionQuery *q, IVssEnumMgmtObject **ret) {
        if (FAILED(hr))
                return hr;

        hr = enum_mgmt_object_from_query(q, ret);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

/* Associations */

/* [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-adddiffarea] */
static HRESULT STDMETHODCALLTYPE diff_area_mgmt_AddDiffArea(Iface iface,
                                                            VSS_PWSZ volume,
                                                            VSS_PWSZ place,
                                                            LONGLONG maximum) {
        _cleanup_(freep) char *v = NULL, *p = NULL;
        HRESULT hr;

        hr = take_names(volume, place, &v, &p);
        return FAILED(hr) ? hr : area_proxy_add_area(provider_of(iface), v, p, maximum);
}

/* [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt2-changediffareamaximumsizeex] */
static HRESULT STDMETHODCALLTYPE diff_area_mgmt_ChangeDiffAreaMaximumSizeEx(Iface iface,
                                                                            VSS_PWSZ volume,
                                                                            VSS_PWSZ place,
                                                                            LONGLONG maximum,
                                                                            BOOL is_volatile) {
        _cleanup_(freep) char *v = NULL, *p = NULL;
        HRESULT hr;

        hr = take_names(volume, place, &v, &p);
        return FAILED(hr) ? hr :
                            area_proxy_change_area(provider_of(iface), v, p, maximum, is_volatile != FALSE);
}

static HRESULT STDMETHODCALLTYPE diff_area_mgmt_ChangeDiffAreaMaximumSize(Iface iface,
                                                                          VSS_PWSZ volume,
                                                                          VSS_PWSZ place,
                                                                          LONGLONG maximum) {
        return diff_area_mgmt_ChangeDiffAreaMaximumSizeEx(iface, volume, place, maximum, FALSE);
}

/* Questions */

/* One: where their provider keeps them.
 * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-queryvolumessupportedfordiffareas] */
static HRESULT STDMETHODCALLTYPE diff_area_mgmt_QueryVolumesSupportedForDiffAreas(Iface iface,
                                                                                  VSS_PWSZ volume,
                                                                                  IVssEnumMgmtObject **ret) {
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        _cleanup_(freep) char *name = NULL;
        HRESULT hr;

        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;

        hr = take_name(volume, &name);
        if (SUCCEEDED(hr))
                hr = area_proxy_query_place(provider_of(iface), name, &q);
        return make_enumerator(hr, &q, ret);
}

static HRESULT query_areas(Iface iface,
                           WireAreaQuestion question,
                           VSS_PWSZ volume,
                           IVssEnumMgmtObject **ret) {
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        _cleanup_(freep) char *name = NULL;
        HRESULT hr;

        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;

        hr = take_name(volume, &name);
        if (SUCCEEDED(hr))
                hr = area_proxy_query_areas(provider_of(iface), question, name, &GUID_NULL, &q);
        return make_enumerator(hr, &q, ret);
}

/* [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-querydiffareasforvolume] */
static HRESULT STDMETHODCALLTYPE diff_area_mgmt_QueryDiffAreasForVolume(Iface iface,
                                                                        VSS_PWSZ volume,
                                                                        IVssEnumMgmtObject **ret) {
        return query_areas(iface, WIRE_AREAS_FOR_VOLUME, volume, ret);
}

/* [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-querydiffareasonvolume] */
static HRESULT STDMETHODCALLTYPE diff_area_mgmt_QueryDiffAreasOnVolume(Iface iface,
                                                                       VSS_PWSZ volume,
                                                                       IVssEnumMgmtObject **ret) {
        return query_areas(iface, WIRE_AREAS_ON_VOLUME, volume, ret);
}

/* [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt-querydiffareasforsnapshot] */
static HRESULT STDMETHODCALLTYPE diff_area_mgmt_QueryDiffAreasForSnapshot(Iface iface,
                                                                          VSS_ID snapshot_id,
                                                                          IVssEnumMgmtObject **ret) {
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        HRESULT hr;

        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;

        hr = area_proxy_query_areas(provider_of(iface), WIRE_AREAS_FOR_SNAPSHOT, NULL, &snapshot_id, &q);
        return make_enumerator(hr, &q, ret);
}

/* Reserved */

static HRESULT STDMETHODCALLTYPE diff_area_mgmt_MigrateDiffAreas(Iface iface,
                                                                 VSS_PWSZ volume,
                                                                 VSS_PWSZ place,
                                                                 VSS_PWSZ new_place) {
        return last_error_set(E_NOTIMPL, NULL);
}

static HRESULT STDMETHODCALLTYPE diff_area_mgmt_QueryMigrationStatus(Iface iface,
                                                                     VSS_PWSZ volume,
                                                                     VSS_PWSZ place,
                                                                     IVssAsync **ret) {
        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;

        return last_error_set(E_NOTIMPL, NULL);
}

static HRESULT STDMETHODCALLTYPE diff_area_mgmt_SetSnapshotPriority(Iface iface,
                                                                    VSS_ID snapshot_id,
                                                                    BYTE priority) {
        return last_error_set(E_NOTIMPL, NULL);
}

static HRESULT STDMETHODCALLTYPE diff_area_mgmt_QuerySnapshotDeltaBitmap(Iface iface,
                                                                         VSS_ID older,
                                                                         VSS_ID younger,
                                                                         ULONG *ret_block_size,
                                                                         ULONG *ret_length,
                                                                         BYTE **ret_bitmap) {
        if (!ret_block_size || !ret_length || !ret_bitmap)
                return last_error_set(E_INVALIDARG, NULL);
        *ret_block_size = *ret_length = 0;
        *ret_bitmap = NULL;

        return last_error_set(E_NOTIMPL, NULL);
}

/* Protection */

#define LEVEL_ANY (-1)

static HRESULT protection(Iface iface,
                          VSS_PWSZ volume,
                          int32_t level,
                          int32_t *ret_level,
                          bool *ret_has_unused) {
        _cleanup_(freep) char *name = NULL;
        HRESULT hr;

        hr = take_name(volume, &name);
        return FAILED(hr) ? hr :
                            area_proxy_protection(provider_of(iface), name, level, ret_level, ret_has_unused);
}

/* [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt3-setvolumeprotectlevel] */
static HRESULT STDMETHODCALLTYPE diff_area_mgmt_SetVolumeProtectLevel(Iface iface,
                                                                      VSS_PWSZ volume,
                                                                      VSS_PROTECTION_LEVEL level) {
        int32_t now;
        bool has_unused;

        if ((int) level != VSS_PROTECTION_LEVEL_ORIGINAL_VOLUME &&
            (int) level != VSS_PROTECTION_LEVEL_SNAPSHOT)
                return last_error_set(E_INVALIDARG, "There is no protection level %d.", (int) level);

        return protection(iface, volume, (int32_t) level, &now, &has_unused);
}

/* No volume is ever taken offline, so there is never a fault.
 * [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt3-getvolumeprotectlevel] */
static HRESULT STDMETHODCALLTYPE diff_area_mgmt_GetVolumeProtectLevel(Iface iface,
                                                                      VSS_PWSZ volume,
                                                                      VSS_VOLUME_PROTECTION_INFO *ret) {
        int32_t level;
        bool has_unused;
        HRESULT hr;

        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = (VSS_VOLUME_PROTECTION_INFO){ 0 };

        hr = protection(iface, volume, LEVEL_ANY, &level, &has_unused);
        if (FAILED(hr))
                return hr;

        ret->m_protectionLevel = (VSS_PROTECTION_LEVEL) level;
        ret->m_volumeHasUnusedDiffArea = has_unused ? TRUE : FALSE;
        return S_OK;
}

/* [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt3-clearvolumeprotectfault] */
static HRESULT STDMETHODCALLTYPE diff_area_mgmt_ClearVolumeProtectFault(Iface iface, VSS_PWSZ volume) {
        int32_t level;
        bool has_unused;

        return protection(iface, volume, LEVEL_ANY, &level, &has_unused);
}

/* [MS: nf-vsmgmt-ivssdifferentialsoftwaresnapshotmgmt3-deleteunuseddiffareas] */
static HRESULT STDMETHODCALLTYPE diff_area_mgmt_DeleteUnusedDiffAreas(Iface iface, VSS_PWSZ place) {
        _cleanup_(freep) char *name = NULL;
        HRESULT hr;

        hr = take_name(place, &name);
        return FAILED(hr) ? hr : area_proxy_delete_unused(provider_of(iface), name);
}

static const IVssDifferentialSoftwareSnapshotMgmt3Vtbl diff_area_mgmt_vtbl = {
        .QueryInterface = diff_area_mgmt_QueryInterface,
        .AddRef = diff_area_mgmt_AddRef,
        .Release = diff_area_mgmt_Release,
        .AddDiffArea = diff_area_mgmt_AddDiffArea,
        .ChangeDiffAreaMaximumSize = diff_area_mgmt_ChangeDiffAreaMaximumSize,
        .QueryVolumesSupportedForDiffAreas = diff_area_mgmt_QueryVolumesSupportedForDiffAreas,
        .QueryDiffAreasForVolume = diff_area_mgmt_QueryDiffAreasForVolume,
        .QueryDiffAreasOnVolume = diff_area_mgmt_QueryDiffAreasOnVolume,
        .QueryDiffAreasForSnapshot = diff_area_mgmt_QueryDiffAreasForSnapshot,
        .ChangeDiffAreaMaximumSizeEx = diff_area_mgmt_ChangeDiffAreaMaximumSizeEx,
        .MigrateDiffAreas = diff_area_mgmt_MigrateDiffAreas,
        .QueryMigrationStatus = diff_area_mgmt_QueryMigrationStatus,
        .SetSnapshotPriority = diff_area_mgmt_SetSnapshotPriority,
        .SetVolumeProtectLevel = diff_area_mgmt_SetVolumeProtectLevel,
        .GetVolumeProtectLevel = diff_area_mgmt_GetVolumeProtectLevel,
        .ClearVolumeProtectFault = diff_area_mgmt_ClearVolumeProtectFault,
        .DeleteUnusedDiffAreas = diff_area_mgmt_DeleteUnusedDiffAreas,
        .QuerySnapshotDeltaBitmap = diff_area_mgmt_QuerySnapshotDeltaBitmap,
};

static_assert(sizeof(diff_area_mgmt_vtbl) == 18 * sizeof(void *), "the table grew: extend the tests");

static void diff_area_mgmt_finalize(ComObject *object) {
        free(container_of(object, DiffAreaMgmt, com));
}

static const ComInterface diff_area_mgmt_interfaces[] = {
        COM_INTERFACE(DiffAreaMgmt, IVssDifferentialSoftwareSnapshotMgmt3),
        COM_INTERFACE_AS(DiffAreaMgmt,
                         IVssDifferentialSoftwareSnapshotMgmt2,
                         IVssDifferentialSoftwareSnapshotMgmt3),
        COM_INTERFACE_AS(DiffAreaMgmt,
                         IVssDifferentialSoftwareSnapshotMgmt,
                         IVssDifferentialSoftwareSnapshotMgmt3),
};

static const ComClass diff_area_mgmt_class = {
        .name = "DiffAreaMgmt",
        .interfaces = diff_area_mgmt_interfaces,
        .n_interfaces = ELEMENTSOF(diff_area_mgmt_interfaces),
        .finalize = diff_area_mgmt_finalize,
};

HRESULT diff_area_mgmt_new(const GUID *provider_id, IVssDifferentialSoftwareSnapshotMgmt3 **ret) {
        DiffAreaMgmt *mgmt;

        mgmt = calloc_checked(1, sizeof(*mgmt));
        if (!mgmt)
                return last_error_set(E_OUTOFMEMORY, NULL);

        com_object_init(&mgmt->com, &diff_area_mgmt_class);
        mgmt->IVssDifferentialSoftwareSnapshotMgmt3_iface.lpVtbl = &diff_area_mgmt_vtbl;
        mgmt->provider_id = *provider_id;

        *ret = &mgmt->IVssDifferentialSoftwareSnapshotMgmt3_iface;
        return S_OK;
}
