/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Strings, Memory and Start-up of COM
 *
 * oleauto.h on top of base/: what the API hands out must be freed by those who get it, so the functions that
 * allocate and free are exported. CoCreateInstance(), which must know the classes, is in requester/.
 */

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <oleauto.h>

#include "base/alloc.h"
#include "base/bstr.h"
#include "base/guid.h"
#include "base/macro.h"
#include "com/com-prop.h"

#define GUID_WIDE_MAX 39 /* {01234567-89AB-CDEF-0123-456789ABCDEF} and its NUL */

BSTR SysAllocString(const OLECHAR *psz) {
        return psz ? bstr_alloc(psz, wcslen(psz)) : NULL;
}

BSTR SysAllocStringLen(const OLECHAR *strIn, UINT ui) {
        return bstr_alloc(strIn, ui);
}

BSTR SysAllocStringByteLen(LPCSTR psz, UINT len) {
        uint32_t n_bytes = len;
        BSTR s;

        s = bstr_alloc(NULL, len / sizeof(WCHAR) + (len % sizeof(WCHAR) != 0));
        if (!s)
                return NULL;

        if (psz)
                memcpy(s, psz, len);
        memcpy((char *) s - sizeof(n_bytes), &n_bytes, sizeof(n_bytes));
        return s;
}

INT SysReAllocString(BSTR *pbstr, const OLECHAR *psz) {
        BSTR s;

        if (!pbstr)
                return FALSE;

        s = SysAllocString(psz);
        if (!s && psz)
                return FALSE;

        bstr_free(*pbstr);
        *pbstr = s;
        return TRUE;
}

INT SysReAllocStringLen(BSTR *pbstr, const OLECHAR *psz, UINT len) {
        BSTR s;

        if (!pbstr)
                return FALSE;

        s = SysAllocStringLen(psz, len);
        if (!s)
                return FALSE;

        bstr_free(*pbstr);
        *pbstr = s;
        return TRUE;
}

void SysFreeString(BSTR bstrString) {
        bstr_free(bstrString);
}

UINT SysStringLen(BSTR pbstr) {
        return (UINT) bstr_length(pbstr);
}

UINT SysStringByteLen(BSTR bstr) {
        uint32_t n_bytes;

        if (!bstr)
                return 0;

        memcpy(&n_bytes, (const char *) bstr - sizeof(n_bytes), sizeof(n_bytes));
        return n_bytes;
}

void VariantInit(VARIANT *pvarg) {
        memset(pvarg, 0, sizeof(*pvarg));
}

HRESULT VariantClear(VARIANT *pvarg) {
        if (!pvarg)
                return E_INVALIDARG;

        if (pvarg->vt == VT_BSTR)
                bstr_free(pvarg->bstrVal);
        else if (pvarg->vt == VT_UNKNOWN && pvarg->punkVal)
                IUnknown_Release(pvarg->punkVal);
        else if (pvarg->vt > VT_UINT)
                return DISP_E_BADVARTYPE;

        VariantInit(pvarg);
        return S_OK;
}

LPVOID CoTaskMemAlloc(SIZE_T cb) {
        return realloc_checked(NULL, 1, MAX(cb, (SIZE_T) 1));
}

LPVOID CoTaskMemRealloc(LPVOID pv, SIZE_T cb) {
        if (cb == 0) {
                free(pv);
                return NULL;
        }

        return realloc_checked(pv, 1, cb);
}

void CoTaskMemFree(LPVOID pv) {
        free(pv);
}

/* Only the registry form: 38 characters with braces. guid_from_string() would also take it without. */
static HRESULT guid_from_wide(LPCOLESTR s, GUID *ret, HRESULT malformed) {
        char narrow[GUID_WIDE_MAX];
        size_t n;

        if (!ret)
                return E_INVALIDARG;
        *ret = GUID_NULL;
        if (!s)
                return S_OK;

        n = wcsnlen(s, GUID_WIDE_MAX);
        if (n != GUID_WIDE_MAX - 1)
                return malformed;

        for (size_t i = 0; i <= n; ++i) {
                if (s[i] < 0 || s[i] > 0x7F)
                        return malformed;
                narrow[i] = (char) s[i];
        }

        return guid_from_string(narrow, ret) < 0 ? malformed : S_OK;
}

HRESULT CLSIDFromString(LPCOLESTR lpsz, CLSID *pclsid) {
        return guid_from_wide(lpsz, pclsid, CO_E_CLASSSTRING);
}

HRESULT IIDFromString(LPCOLESTR lpsz, IID *lpiid) {
        return guid_from_wide(lpsz, lpiid, E_INVALIDARG);
}

INT StringFromGUID2(REFGUID rguid, LPOLESTR lpsz, INT cchMax) {
        char narrow[GUID_STRING_MAX];
        size_t n = 0;

        if (!rguid || !lpsz || cchMax < GUID_WIDE_MAX)
                return 0;

        guid_to_string(rguid, narrow);

        lpsz[n++] = L'{';
        for (const char *c = narrow; *c; ++c)
                lpsz[n++] = *c >= 'a' ? *c - 'a' + L'A' : *c;
        lpsz[n++] = L'}';
        lpsz[n++] = L'\0';
        return (INT) n;
}

HRESULT StringFromCLSID(REFCLSID rclsid, LPOLESTR *lplpsz) {
        WCHAR buffer[GUID_WIDE_MAX];

        if (!rclsid || !lplpsz)
                return E_INVALIDARG;
        *lplpsz = NULL;

        StringFromGUID2(rclsid, buffer, GUID_WIDE_MAX);
        return task_string_copy(buffer, lplpsz);
}

HRESULT StringFromIID(REFIID rclsid, LPOLESTR *lplpsz) {
        return StringFromCLSID(rclsid, lplpsz);
}

HRESULT CoCreateGuid(GUID *pguid) {
        if (!pguid)
                return E_INVALIDARG;

        guid_generate(pguid);
        return S_OK;
}

/* How often this thread has called CoInitializeEx() without CoUninitialize(). Nothing depends on it but the
 * return value, which programs look at. */
static _Thread_local unsigned n_initialized;

HRESULT CoInitialize(LPVOID pvReserved) {
        return CoInitializeEx(pvReserved, COINIT_APARTMENTTHREADED);
}

HRESULT CoInitializeEx(LPVOID pvReserved, DWORD dwCoInit) {
        (void) dwCoInit;

        if (pvReserved)
                return E_INVALIDARG;

        return n_initialized++ == 0 ? S_OK : S_FALSE;
}

void CoUninitialize(void) {
        if (n_initialized > 0)
                --n_initialized;
}

HRESULT CoInitializeSecurity(void *pSecDesc,
                             LONG cAuthSvc,
                             void *asAuthSvc,
                             void *pReserved1,
                             DWORD dwAuthnLevel,
                             DWORD dwImpLevel,
                             void *pAuthList,
                             DWORD dwCapabilities,
                             void *pReserved3) {
        (void) pSecDesc;
        (void) cAuthSvc;
        (void) asAuthSvc;
        (void) pReserved1;
        (void) dwAuthnLevel;
        (void) dwImpLevel;
        (void) pAuthList;
        (void) dwCapabilities;
        (void) pReserved3;

        return S_OK;
}
