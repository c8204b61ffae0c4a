/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssComponentEx2: Members
 */

#include <stdlib.h>

#include "base/hresult.h"
#include "view/component-internal.h"
#include "view/wm-objects.h"

#define TEXT_MEMBER(c, offset) (*(char **) ((char *) (c) + (offset)))

/* The two metadata texts are elements of their own, and may be damaged by themselves. */
static HRESULT text_check(const BackupComponent *c, size_t offset) {
        return offset == TEXT(backup_metadata)  ? doc_extra_check(c->backup_metadata_extra) :
               offset == TEXT(restore_metadata) ? doc_extra_check(c->restore_metadata_extra) :
                                                  S_OK;
}

HRESULT component_get_text(IVssComponentEx2 *iface, size_t offset, BSTR *ret) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        hr = text_check(c, offset);
        if (SUCCEEDED(hr))
                hr = view_text_to_bstr(TEXT_MEMBER(c, offset), ret);
        component_leave(iface);
        return hr;
}

static HRESULT put_text(IVssComponentEx2 *iface, size_t offset, unsigned rights, bool once, const WCHAR *s) {
        _cleanup_(freep) char *text = NULL, *replaced = NULL;
        BackupComponent *c;
        HRESULT hr;

        if (!s)
                return E_INVALIDARG;

        hr = view_text_from_wide(s, &text);
        if (FAILED(hr))
                return hr;

        hr = component_enter(iface, rights, &c);
        if (FAILED(hr))
                return hr;

        hr = text_check(c, offset);
        if (SUCCEEDED(hr) && once && TEXT_MEMBER(c, offset))
                hr = VSS_E_OBJECT_ALREADY_EXISTS;
        if (SUCCEEDED(hr)) {
                replaced = TEXT_MEMBER(c, offset);
                TEXT_MEMBER(c, offset) = TAKE_PTR(text);
        }

        component_leave(iface);
        return hr;
}

HRESULT component_set_text(IVssComponentEx2 *iface, size_t offset, unsigned rights, const WCHAR *s) {
        return put_text(iface, offset, rights, false, s);
}

HRESULT component_set_text_once(IVssComponentEx2 *iface, size_t offset, unsigned rights, const WCHAR *s) {
        return put_text(iface, offset, rights, true, s);
}

HRESULT component_get_count(IVssComponentEx2 *iface, size_t offset, UINT *ret) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = 0;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        *ret = (UINT) * (const size_t *) ((const char *) c + offset);
        component_leave(iface);
        return S_OK;
}

HRESULT component_get_filedesc(IVssComponentEx2 *iface, size_t offset, UINT i, IVssWMFiledesc **ret) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        hr = wm_filedesc_new_at((const DocFileSpecs *) ((const char *) c + offset), i,
                                component_owner(iface), ret);
        component_leave(iface);
        return hr;
}

HRESULT component_get_tristate(IVssComponentEx2 *iface, size_t offset, bool *ret) {
        BackupComponent *c;
        Tristate t;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = false;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        t = *(const Tristate *) ((const char *) c + offset);
        *ret = t == TRI_YES;
        component_leave(iface);
        return t == TRI_UNSET ? S_FALSE : S_OK;
}

HRESULT component_texts_from_wide(const WCHAR *const *wide, char **ret, size_t n) {
        for (size_t i = 0; i < n; ++i) {
                HRESULT hr = view_text_from_wide(wide[i], &ret[i]);

                if (FAILED(hr))
                        return hr;
        }

        return S_OK;
}

void component_texts_free(char **texts, size_t n) {
        for (size_t i = 0; i < n; ++i)
                free(texts[i]);
}
