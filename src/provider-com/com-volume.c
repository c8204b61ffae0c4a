/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Providers of Volumes
 */

#include "provider-com/com-volume.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <wchar.h>

#include <oleauto.h>
#include <vsserror.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/macro.h"
#include "base/utf.h"
#include "com/com-prop.h"
#include "provider-com/com-result.h"

#define QUERY_MAX 100000U /* what a provider may list before nobody listens any more */

/* The method of whichever of the two the provider is. */
#define CALL(m, method, ...)                                                              \
        ((m)->software ? IVssSoftwareSnapshotProvider_##method((m)->software, __VA_ARGS__) : \
                         IVssFileShareSnapshotProvider_##method((m)->share, __VA_ARGS__))

int com_volume_name(const char *volume, WCHAR **ret) {
        _cleanup_(freep) char *name = NULL;
        int r;

        r = format_to(&name, "%s/", strcmp(volume, "/") == 0 ? "" : volume);
        return r < 0 ? r : wide_from_utf8(name, ret);
}

int com_volume_set_context(ComModule *m, uint32_t context) {
        return com_result("SetContext", CALL(m, SetContext, (LONG) context));
}

int com_volume_is_supported(ComModule *m, const char *volume, BOOL *ret) {
        _cleanup_(freep) WCHAR *name = NULL;
        int r;

        r = com_volume_name(volume, &name);
        if (r < 0)
                return r;

        *ret = FALSE;
        if (m->software)
                return com_result("IsVolumeSupported",
                                  IVssSoftwareSnapshotProvider_IsVolumeSupported(m->software, name, ret));
        return com_result("IsPathSupported",
                          IVssFileShareSnapshotProvider_IsPathSupported(m->share, name, ret));
}

int com_volume_is_snapshotted(ComModule *m, const char *volume, BOOL *ret_present, LONG *ret_compatibility) {
        _cleanup_(freep) WCHAR *name = NULL;
        int r;

        r = com_volume_name(volume, &name);
        if (r < 0)
                return r;

        *ret_present = FALSE;
        *ret_compatibility = 0;
        if (m->software)
                return com_result("IsVolumeSnapshotted",
                                  IVssSoftwareSnapshotProvider_IsVolumeSnapshotted(
                                          m->software, name, ret_present, ret_compatibility));
        return com_result("IsPathSnapshotted",
                          IVssFileShareSnapshotProvider_IsPathSnapshotted(m->share, name, ret_present,
                                                                          ret_compatibility));
}

int com_volume_begin_prepare(ComModule *m, const ProviderSnapshot *s, const GUID *provider_id) {
        _cleanup_(freep) WCHAR *name = NULL;
        LONG context = (LONG) s->context;
        HRESULT hr;
        int r;

        r = com_volume_name(s->volume, &name);
        if (r < 0)
                return r;

        hr = m->software ? IVssSoftwareSnapshotProvider_BeginPrepareSnapshot(m->software, s->set_id, s->id, name,
                                                                             context) :
                           IVssFileShareSnapshotProvider_BeginPrepareSnapshot(m->share, s->set_id, s->id, name,
                                                                              context, *provider_id);
        return com_result("BeginPrepareSnapshot", hr);
}

/* What a provider says of a snapshot that it made. [MS: nf-vsprov-ivsssoftwaresnapshotprovider-getsnapshotproperties] */
static int check_properties(const ProviderSnapshot *s, const VSS_SNAPSHOT_PROP *p, char **ret_device) {
        static const char method[] = "GetSnapshotProperties";
        _cleanup_(freep) char *device = NULL;

        if (!guid_equal(&p->m_SnapshotId, &s->id))
                return com_nonsense(method, "speaks of another shadow copy");
        if (!p->m_pwszSnapshotDeviceObject)
                return com_nonsense(method, "gave no device");
        if (wcsnlen(p->m_pwszSnapshotDeviceObject, PATH_MAX) >= PATH_MAX)
                return com_nonsense(method, "gave a device whose name is too long");
        if (utf8_from_wide(p->m_pwszSnapshotDeviceObject, &device) < 0)
                return com_nonsense(method, "gave a device whose name is none");
        if (device[0] != '/')
                return com_nonsense(method, "gave a device that is no absolute path");

        *ret_device = TAKE_PTR(device);
        return 0;
}

int com_volume_device(ComModule *m, const ProviderSnapshot *s, char **ret) {
        VSS_SNAPSHOT_PROP p = { 0 };
        int r;

        r = com_result("GetSnapshotProperties", CALL(m, GetSnapshotProperties, s->id, &p));
        if (r < 0)
                return r;

        r = check_properties(s, &p, ret);
        snapshot_prop_clear(&p);
        return r;
}

static int list_has(IVssEnumObject *list, const GUID *snapshot_id) {
        for (unsigned i = 0; i < QUERY_MAX; ++i) {
                VSS_OBJECT_PROP p = { 0 };
                ULONG n = 0;
                HRESULT hr;
                bool found;

                hr = IVssEnumObject_Next(list, 1, &p, &n);
                if (hr == S_FALSE || (hr == S_OK && n == 0))
                        return -ENOENT;
                if (hr != S_OK)
                        return com_result("Next", hr);
                if (p.Type != VSS_OBJECT_SNAPSHOT)
                        return com_nonsense("Query", "listed what is no shadow copy");

                found = guid_equal(&p.Obj.Snap.m_SnapshotId, snapshot_id);
                object_prop_clear(&p);
                if (found)
                        return 0;
        }

        return com_nonsense("Query", "listed too many shadow copies");
}

int com_volume_find(ComModule *m, const GUID *snapshot_id) {
        IVssEnumObject *list = NULL;
        int r;

        r = com_result("Query",
                       CALL(m, Query, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list));
        if (r < 0)
                return r;
        if (!list)
                return com_nonsense("Query", "gave no list");

        r = list_has(list, snapshot_id);
        (void) IVssEnumObject_Release(list);
        return r;
}

int com_volume_delete(ComModule *m, const GUID *snapshot_id) {
        VSS_ID nondeleted = GUID_NULL;
        LONG n = 0;
        HRESULT hr;

        hr = CALL(m, DeleteSnapshots, *snapshot_id, VSS_OBJECT_SNAPSHOT, TRUE, &n, &nondeleted);
        if (hr == S_OK && (n < 1 || !guid_is_null(&nondeleted)))
                return com_nonsense("DeleteSnapshots", "returned S_OK and deleted nothing");

        return com_result("DeleteSnapshots", hr);
}

int com_volume_set_property(ComModule *m,
                            const GUID *snapshot_id,
                            VSS_SNAPSHOT_PROPERTY_ID property,
                            const char *value) {
        _cleanup_(freep) WCHAR *wide = NULL;
        VARIANT v = { 0 };
        HRESULT hr;
        int r;

        r = wide_from_utf8(value, &wide);
        if (r < 0)
                return r;
        if (wide) {
                v.vt = VT_BSTR;
                v.bstrVal = SysAllocString(wide);
                if (!v.bstrVal)
                        return -ENOMEM;
        }

        hr = CALL(m, SetSnapshotProperty, *snapshot_id, property, v);
        (void) VariantClear(&v);
        return com_result("SetSnapshotProperty", hr);
}
