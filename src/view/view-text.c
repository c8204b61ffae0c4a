/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Texts at the Edge
 */

#include <stdlib.h>

#include "base/hresult.h"
#include "base/utf.h"
#include "doc/writer-doc.h"
#include "view/view-text.h"

HRESULT view_text_from_wide(const WCHAR *s, char **ret) {
        _cleanup_(freep) char *text = NULL;
        int r;

        r = utf8_from_wide(s, &text);
        if (r < 0)
                return hresult_from_errno(r);
        if (text && !doc_text_fits(text))
                return E_INVALIDARG;

        *ret = TAKE_PTR(text);
        return S_OK;
}

HRESULT view_text_to_bstr(const char *s, BSTR *ret) {
        int r;

        r = bstr_from_utf8(s, ret);
        if (r < 0)
                return hresult_from_errno(r);

        return s ? S_OK : S_FALSE;
}

HRESULT view_texts_to_bstr(const ViewText *texts, size_t n) {
        HRESULT hr = S_OK;

        for (size_t i = 0; i < n; ++i)
                *texts[i].ret = NULL;

        for (size_t i = 0; i < n && SUCCEEDED(hr); ++i)
                hr = view_text_to_bstr(texts[i].text, texts[i].ret);

        if (SUCCEEDED(hr))
                return S_OK;

        for (size_t i = 0; i < n; ++i) {
                bstr_free(*texts[i].ret);
                *texts[i].ret = NULL;
        }

        return hr;
}
