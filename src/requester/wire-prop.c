/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Properties from the Wire
 */

#include "requester/wire-prop.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/utf.h"
#include "com/com-enum.h"
#include "com/com-prop.h"

typedef struct Text {
        VSS_PWSZ *ret;
        const char *text;
} Text;

/* malloc() is what CoTaskMemFree() frees, so the strings can be handed out as they are. */
static int convert(const Text *texts, size_t n) {
        for (size_t i = 0; i < n; ++i) {
                int r = wide_from_utf8(texts[i].text, texts[i].ret);

                if (r < 0)
                        return r;
        }

        return 0;
}

HRESULT snapshot_prop_from_wire(const WireSnapshot *s, VSS_SNAPSHOT_PROP *ret) {
        VSS_SNAPSHOT_PROP p = {
                .m_SnapshotId = s->id,
                .m_SnapshotSetId = s->set_id,
                .m_lSnapshotsCount = s->snapshots_count,
                .m_ProviderId = s->provider_id,
                .m_lSnapshotAttributes = s->attributes,
                .m_tsCreationTimestamp = s->timestamp,
                .m_eStatus = (VSS_SNAPSHOT_STATE) s->state,
        };
        const Text texts[] = {
                { &p.m_pwszSnapshotDeviceObject, s->device_object },
                { &p.m_pwszOriginalVolumeName, s->original_volume },
                { &p.m_pwszOriginatingMachine, s->originating_machine },
                { &p.m_pwszServiceMachine, s->service_machine },
                { &p.m_pwszExposedName, s->exposed_name },
                { &p.m_pwszExposedPath, s->exposed_path },
        };

        *ret = (VSS_SNAPSHOT_PROP){ 0 };
        if (convert(texts, ELEMENTSOF(texts)) < 0) {
                snapshot_prop_clear(&p);
                return E_OUTOFMEMORY;
        }

        *ret = p;
        return S_OK;
}

HRESULT provider_prop_from_wire(const WireProvider *w, VSS_PROVIDER_PROP *ret) {
        VSS_PROVIDER_PROP p = {
                .m_ProviderId = w->id,
                .m_eProviderType = (VSS_PROVIDER_TYPE) w->type,
                .m_ProviderVersionId = w->version_id,
                .m_ClassId = w->class_id,
        };
        const Text texts[] = { { &p.m_pwszProviderName, w->name },
                               { &p.m_pwszProviderVersion, w->version } };

        *ret = (VSS_PROVIDER_PROP){ 0 };
        if (convert(texts, ELEMENTSOF(texts)) < 0) {
                provider_prop_clear(&p);
                return E_OUTOFMEMORY;
        }

        *ret = p;
        return S_OK;
}

HRESULT volume_prop_from_wire(const WireVolume *v, VSS_VOLUME_PROP *ret) {
        VSS_MGMT_OBJECT_PROP p = { .Type = VSS_MGMT_OBJECT_VOLUME };
        const Text texts[] = {
                { &p.Obj.Vol.m_pwszVolumeName, v->name },
                { &p.Obj.Vol.m_pwszVolumeDisplayName, v->mount_point },
        };

        *ret = (VSS_VOLUME_PROP){ 0 };
        if (convert(texts, ELEMENTSOF(texts)) < 0) {
                mgmt_object_prop_clear(&p);
                return E_OUTOFMEMORY;
        }

        *ret = p.Obj.Vol;
        return S_OK;
}

HRESULT enum_object_from_query(const SessionQuery *q, IVssEnumObject **ret) {
        VSS_OBJECT_PROP *props;
        size_t n = 0;
        HRESULT hr = S_OK;

        props = calloc_checked(q->n_snapshots + q->n_providers + 1, sizeof(*props));
        if (!props)
                return E_OUTOFMEMORY;

        for (size_t i = 0; i < q->n_snapshots && SUCCEEDED(hr); ++i) {
                props[n].Type = VSS_OBJECT_SNAPSHOT;
                hr = snapshot_prop_from_wire(q->snapshots + i, &props[n++].Obj.Snap);
        }
        for (size_t i = 0; i < q->n_providers && SUCCEEDED(hr); ++i) {
                props[n].Type = VSS_OBJECT_PROVIDER;
                hr = provider_prop_from_wire(q->providers + i, &props[n++].Obj.Prov);
        }

        if (SUCCEEDED(hr))
                return enum_object_take(props, n, ret);

        for (size_t i = 0; i < n; ++i)
                object_prop_clear(props + i);
        free(props);
        return hr;
}

static HRESULT area_prop_from_wire(const WireArea *a, VSS_DIFF_AREA_PROP *ret) {
        VSS_MGMT_OBJECT_PROP p = {
                .Type = VSS_MGMT_OBJECT_DIFF_AREA,
                .Obj.DiffArea = {
                        .m_llMaximumDiffSpace = a->maximum,
                        .m_llAllocatedDiffSpace = a->allocated,
                        .m_llUsedDiffSpace = a->used,
                },
        };
        const Text texts[] = {
                { &p.Obj.DiffArea.m_pwszVolumeName, a->volume },
                { &p.Obj.DiffArea.m_pwszDiffAreaVolumeName, a->place },
        };

        *ret = (VSS_DIFF_AREA_PROP){ 0 };
        if (convert(texts, ELEMENTSOF(texts)) < 0) {
                mgmt_object_prop_clear(&p);
                return E_OUTOFMEMORY;
        }

        *ret = p.Obj.DiffArea;
        return S_OK;
}

static HRESULT place_prop_from_wire(const WirePlace *v, VSS_DIFF_VOLUME_PROP *ret) {
        VSS_MGMT_OBJECT_PROP p = {
                .Type = VSS_MGMT_OBJECT_DIFF_VOLUME,
                .Obj.DiffVol = { .m_llVolumeFreeSpace = v->free, .m_llVolumeTotalSpace = v->total },
        };
        const Text texts[] = {
                { &p.Obj.DiffVol.m_pwszVolumeName, v->name },
                { &p.Obj.DiffVol.m_pwszVolumeDisplayName, v->mount_point },
        };

        *ret = (VSS_DIFF_VOLUME_PROP){ 0 };
        if (convert(texts, ELEMENTSOF(texts)) < 0) {
                mgmt_object_prop_clear(&p);
                return E_OUTOFMEMORY;
        }

        *ret = p.Obj.DiffVol;
        return S_OK;
}

HRESULT enum_mgmt_object_from_query(const SessionQuery *q, IVssEnumMgmtObject **ret) {
        VSS_MGMT_OBJECT_PROP *props;
        size_t n = 0;
        HRESULT hr = S_OK;

        props = calloc_checked(q->n_volumes + q->n_areas + q->n_places + 1, sizeof(*props));
        if (!props)
                return E_OUTOFMEMORY;

        for (size_t i = 0; i < q->n_volumes && SUCCEEDED(hr); ++i) {
                props[n].Type = VSS_MGMT_OBJECT_VOLUME;
                hr = volume_prop_from_wire(q->volumes + i, &props[n++].Obj.Vol);
        }
        for (size_t i = 0; i < q->n_areas && SUCCEEDED(hr); ++i) {
                props[n].Type = VSS_MGMT_OBJECT_DIFF_AREA;
                hr = area_prop_from_wire(q->areas + i, &props[n++].Obj.DiffArea);
        }
        for (size_t i = 0; i < q->n_places && SUCCEEDED(hr); ++i) {
                props[n].Type = VSS_MGMT_OBJECT_DIFF_VOLUME;
                hr = place_prop_from_wire(q->places + i, &props[n++].Obj.DiffVol);
        }

        if (SUCCEEDED(hr))
                return enum_mgmt_object_take(props, n, ret);

        for (size_t i = 0; i < n; ++i)
                mgmt_object_prop_clear(props + i);
        free(props);
        return hr;
}
