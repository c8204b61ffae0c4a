/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * LUNs in JSON
 */

#include "provider-array/array-lun.h"

#include <string.h>

#include <oleauto.h>
#include <vsserror.h>

#include "base/macro.h"
#include "base/utf.h"
#include "provider-array/array-script.h"

/* The texts of a LUN, by their names in JSON. */
static const struct {
        const char *name;
        size_t offset;
} texts[] = {
        { "serial",   offsetof(VDS_LUN_INFORMATION, m_szSerialNumber)    },
        { "vendor",   offsetof(VDS_LUN_INFORMATION, m_szVendorId)        },
        { "product",  offsetof(VDS_LUN_INFORMATION, m_szProductId)       },
        { "revision", offsetof(VDS_LUN_INFORMATION, m_szProductRevision) },
};

static int set_device(json_t *o, VSS_PWSZ device) {
        _cleanup_(freep) char *name = NULL;

        return utf8_from_wide(device, &name) < 0 ? -1 : json_object_set_new(o, "device", json_string(name));
}

/* What a disk says of itself may be no text. */
static int set_text(json_t *o, const char *name, const char *text) {
        return text && utf8_is_valid(text) ? json_object_set_new(o, name, json_string(text)) : 0;
}

static json_t *lun_to_json(const VDS_LUN_INFORMATION *lun, VSS_PWSZ device) {
        json_t *o = json_object();
        int r = o ? 0 : -1;

        if (r >= 0 && device)
                r = set_device(o, device);
        for (size_t i = 0; i < ELEMENTSOF(texts) && r >= 0; ++i)
                r = set_text(o, texts[i].name, *(char *const *) ((const char *) lun + texts[i].offset));
        if (r >= 0)
                return o;

        json_decref(o);
        return NULL;
}

json_t *array_luns_to_json(const VDS_LUN_INFORMATION *luns, size_t n, VSS_PWSZ *devices) {
        json_t *list = json_array();

        for (size_t i = 0; i < n && list; ++i)
                if (json_array_append_new(list, lun_to_json(luns + i, devices ? devices[i] : NULL)) < 0) {
                        json_decref(list);
                        list = NULL;
                }
        return list;
}

static HRESULT copy_text(const json_t *o, const char *name, char **ret) {
        const char *text = json_string_value(json_object_get(o, name));

        if (!text)
                return S_OK;
        *ret = CoTaskMemAlloc(strlen(text) + 1);
        if (!*ret)
                return E_OUTOFMEMORY;
        (void) strcpy(*ret, text);
        return S_OK;
}

/* What was filled in when another fails is the caller's to free, as the serial number of one is. */
static HRESULT lun_from_json(const json_t *o, VDS_LUN_INFORMATION *lun) {
        const char *serial = json_string_value(json_object_get(o, "serial"));
        HRESULT hr = S_OK;

        if (!serial || !*serial)
                return array_fail(VSS_E_UNEXPECTED_PROVIDER_ERROR, "its script named a LUN without a serial number");

        lun->m_version = VER_VDS_LUN_INFORMATION;
        for (size_t i = 0; i < ELEMENTSOF(texts) && hr == S_OK; ++i)
                hr = copy_text(o, texts[i].name, (char **) ((char *) lun + texts[i].offset));
        return hr;
}

HRESULT array_luns_from_json(const json_t *o, VDS_LUN_INFORMATION *luns, size_t n) {
        const json_t *list = json_object_get(o, "luns");
        HRESULT hr = S_OK;

        if (!json_is_array(list) || json_array_size(list) != n)
                return array_fail(VSS_E_UNEXPECTED_PROVIDER_ERROR, "its script named %zu LUNs instead of %zu",
                                  json_array_size(list), n);
        for (size_t i = 0; i < n && hr == S_OK; ++i)
                hr = lun_from_json(json_array_get(list, i), luns + i);
        return hr;
}
