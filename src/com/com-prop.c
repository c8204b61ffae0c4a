/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Properties
 *
 * Each structure has one list of its strings here, and copying and freeing both walk it: a string that is
 * forgotten in the list is leaked by neither and shared by both, so the tests look at every member.
 */

#include <stddef.h>
#include <string.h>
#include <wchar.h>

#include "base/macro.h"
#include "com/com-prop.h"

static const size_t snapshot_strings[] = {
        offsetof(VSS_SNAPSHOT_PROP, m_pwszSnapshotDeviceObject),
        offsetof(VSS_SNAPSHOT_PROP, m_pwszOriginalVolumeName),
        offsetof(VSS_SNAPSHOT_PROP, m_pwszOriginatingMachine),
        offsetof(VSS_SNAPSHOT_PROP, m_pwszServiceMachine),
        offsetof(VSS_SNAPSHOT_PROP, m_pwszExposedName),
        offsetof(VSS_SNAPSHOT_PROP, m_pwszExposedPath),
};

static const size_t provider_strings[] = {
        offsetof(VSS_PROVIDER_PROP, m_pwszProviderName),
        offsetof(VSS_PROVIDER_PROP, m_pwszProviderVersion),
};

static const size_t volume_strings[] = {
        offsetof(VSS_VOLUME_PROP, m_pwszVolumeName),
        offsetof(VSS_VOLUME_PROP, m_pwszVolumeDisplayName),
};

static const size_t diff_volume_strings[] = {
        offsetof(VSS_DIFF_VOLUME_PROP, m_pwszVolumeName),
        offsetof(VSS_DIFF_VOLUME_PROP, m_pwszVolumeDisplayName),
};

static const size_t diff_area_strings[] = {
        offsetof(VSS_DIFF_AREA_PROP, m_pwszVolumeName),
        offsetof(VSS_DIFF_AREA_PROP, m_pwszDiffAreaVolumeName),
};

HRESULT task_string_copy(const WCHAR *s, WCHAR **ret) {
        WCHAR *copy;
        size_t size;

        if (!s) {
                *ret = NULL;
                return S_OK;
        }

        size = (wcslen(s) + 1) * sizeof(WCHAR);
        copy = CoTaskMemAlloc(size);
        if (!copy)
                return E_OUTOFMEMORY;

        memcpy(copy, s, size);
        *ret = copy;
        return S_OK;
}

static WCHAR **string_at(void *p, size_t offset) {
        return (WCHAR **) (void *) ((char *) p + offset);
}

static void clear_strings(void *p, const size_t *offsets, size_t n) {
        for (size_t i = 0; i < n; ++i)
                CoTaskMemFree(*string_at(p, offsets[i]));
}

/* @p is a flat copy whose strings are still those of the original; on success they are its own. */
static HRESULT own_strings(void *p, const size_t *offsets, size_t n) {
        for (size_t i = 0; i < n; ++i) {
                HRESULT hr = task_string_copy(*string_at(p, offsets[i]), string_at(p, offsets[i]));

                if (FAILED(hr)) {
                        clear_strings(p, offsets, i);
                        return hr;
                }
        }

        return S_OK;
}

HRESULT snapshot_prop_copy(const VSS_SNAPSHOT_PROP *from, VSS_SNAPSHOT_PROP *ret) {
        VSS_SNAPSHOT_PROP copy = *from;
        HRESULT hr;

        hr = own_strings(&copy, snapshot_strings, ELEMENTSOF(snapshot_strings));
        if (FAILED(hr))
                return hr;

        *ret = copy;
        return S_OK;
}

void snapshot_prop_clear(VSS_SNAPSHOT_PROP *p) {
        clear_strings(p, snapshot_strings, ELEMENTSOF(snapshot_strings));
        *p = (VSS_SNAPSHOT_PROP){ 0 };
}

HRESULT provider_prop_copy(const VSS_PROVIDER_PROP *from, VSS_PROVIDER_PROP *ret) {
        VSS_PROVIDER_PROP copy = *from;
        HRESULT hr;

        hr = own_strings(&copy, provider_strings, ELEMENTSOF(provider_strings));
        if (FAILED(hr))
                return hr;

        *ret = copy;
        return S_OK;
}

void provider_prop_clear(VSS_PROVIDER_PROP *p) {
        clear_strings(p, provider_strings, ELEMENTSOF(provider_strings));
        *p = (VSS_PROVIDER_PROP){ 0 };
}

HRESULT object_prop_copy(const VSS_OBJECT_PROP *from, VSS_OBJECT_PROP *ret) {
        VSS_OBJECT_PROP copy = *from;
        HRESULT hr = S_OK;

        if (from->Type == VSS_OBJECT_SNAPSHOT)
                hr = snapshot_prop_copy(&from->Obj.Snap, &copy.Obj.Snap);
        else if (from->Type == VSS_OBJECT_PROVIDER)
                hr = provider_prop_copy(&from->Obj.Prov, &copy.Obj.Prov);
        if (FAILED(hr))
                return hr;

        *ret = copy;
        return S_OK;
}

void object_prop_clear(VSS_OBJECT_PROP *p) {
        if (p->Type == VSS_OBJECT_SNAPSHOT)
                snapshot_prop_clear(&p->Obj.Snap);
        else if (p->Type == VSS_OBJECT_PROVIDER)
                provider_prop_clear(&p->Obj.Prov);
        memset(p, 0, sizeof(*p));
}

/* The strings of the member that @type selects; none for a type that we do not know. */
static const size_t *mgmt_strings(VSS_MGMT_OBJECT_TYPE type, size_t *ret_n) {
        switch (type) {
        case VSS_MGMT_OBJECT_VOLUME:
                *ret_n = ELEMENTSOF(volume_strings);
                return volume_strings;
        case VSS_MGMT_OBJECT_DIFF_VOLUME:
                *ret_n = ELEMENTSOF(diff_volume_strings);
                return diff_volume_strings;
        case VSS_MGMT_OBJECT_DIFF_AREA:
                *ret_n = ELEMENTSOF(diff_area_strings);
                return diff_area_strings;
        case VSS_MGMT_OBJECT_UNKNOWN:
        default:
                *ret_n = 0;
                return NULL;
        }
}

HRESULT mgmt_object_prop_copy(const VSS_MGMT_OBJECT_PROP *from, VSS_MGMT_OBJECT_PROP *ret) {
        VSS_MGMT_OBJECT_PROP copy = *from;
        const size_t *strings;
        HRESULT hr;
        size_t n;

        strings = mgmt_strings(from->Type, &n);
        hr = own_strings(&copy.Obj, strings, n);
        if (FAILED(hr))
                return hr;

        *ret = copy;
        return S_OK;
}

void mgmt_object_prop_clear(VSS_MGMT_OBJECT_PROP *p) {
        const size_t *strings;
        size_t n;

        strings = mgmt_strings(p->Type, &n);
        clear_strings(&p->Obj, strings, n);
        memset(p, 0, sizeof(*p));
}
