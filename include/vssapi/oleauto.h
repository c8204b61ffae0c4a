/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_OLEAUTO_H
#define UMBRA_OLEAUTO_H

/*
 * Strings, Memory and Start-up of COM
 *
 * What a VSS program needs of COM beside IUnknown: it must free what the API hands out, it passes BSTRs in,
 * and it starts with CoInitializeEx() and CoInitializeSecurity(). On Linux there are no apartments, so the
 * latter have nothing to do and succeed. Everything here may be called from any thread at any time.
 *
 * Who frees what: BSTR with SysFreeString(); everything else that VSS allocates for the caller (VSS_PWSZ,
 * the string of StringFromCLSID()) with CoTaskMemFree(); the strings in a VSS_SNAPSHOT_PROP with
 * VssFreeSnapshotProperties().
 */

#include "unknwn.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * BSTR
 *
 * Lengths of the ...Len functions are in WCHARs without the terminator, those of the ...ByteLen functions in
 * bytes. SysAllocString(NULL) is NULL, and so is everything when memory is out. A BSTR may contain NUL
 * characters.
 */
UMBRA_API BSTR SysAllocString(const OLECHAR *psz);
UMBRA_API BSTR SysAllocStringLen(const OLECHAR *strIn, UINT ui); /* NULL: room for ui WCHARs, all zero */
UMBRA_API BSTR SysAllocStringByteLen(LPCSTR psz, UINT len);      /* likewise; bytes are copied as they are */
UMBRA_API INT SysReAllocString(BSTR *pbstr, const OLECHAR *psz); /* TRUE or FALSE; TRUE frees the old one */
UMBRA_API INT SysReAllocStringLen(BSTR *pbstr, const OLECHAR *psz, UINT len);
UMBRA_API void SysFreeString(BSTR bstrString); /* takes NULL */
UMBRA_API UINT SysStringLen(BSTR pbstr);       /* WCHARs; 0 for NULL */
UMBRA_API UINT SysStringByteLen(BSTR bstr);    /* bytes; 0 for NULL */

/* VARIANT. VariantClear() frees a VT_BSTR, releases a VT_UNKNOWN, and leaves VT_EMPTY. */
UMBRA_API void VariantInit(VARIANT *pvarg);
UMBRA_API HRESULT VariantClear(VARIANT *pvarg);

/* Memory that crosses the API. It comes from malloc(), but say CoTaskMemFree() all the same. */
UMBRA_API LPVOID CoTaskMemAlloc(SIZE_T cb);
UMBRA_API LPVOID CoTaskMemRealloc(LPVOID pv, SIZE_T cb); /* pv may be NULL; cb == 0 frees and returns NULL */
UMBRA_API void CoTaskMemFree(LPVOID pv);                 /* takes NULL */

/*
 * GUIDs as text: {00000000-0000-0000-C000-000000000046}, upper case when written, any case when read.
 *
 * The readers want exactly this form and nothing after it, and give CO_E_CLASSSTRING (IIDFromString:
 * E_INVALIDARG) and GUID_NULL for anything else; a NULL string is GUID_NULL and S_OK. StringFromGUID2()
 * needs room for 39 WCHARs and returns how many it wrote, with the terminator, or 0. What StringFromCLSID()
 * and StringFromIID() return must be freed with CoTaskMemFree().
 */
UMBRA_API HRESULT CLSIDFromString(LPCOLESTR lpsz, CLSID *pclsid);
UMBRA_API HRESULT IIDFromString(LPCOLESTR lpsz, IID *lpiid);
UMBRA_API INT StringFromGUID2(REFGUID rguid, LPOLESTR lpsz, INT cchMax);
UMBRA_API HRESULT StringFromCLSID(REFCLSID rclsid, LPOLESTR *lplpsz);
UMBRA_API HRESULT StringFromIID(REFIID rclsid, LPOLESTR *lplpsz);
UMBRA_API HRESULT CoCreateGuid(GUID *pguid); /* a random one */

/* Start and end. There is nothing to start. As on Windows, the first call of a thread returns S_OK, later
 * ones S_FALSE. */
typedef enum COINIT UMBRA_ENUM_INT {
        COINIT_MULTITHREADED = 0x0,
        COINIT_APARTMENTTHREADED = 0x2,
        COINIT_DISABLE_OLE1DDE = 0x4,
        COINIT_SPEED_OVER_MEMORY = 0x8,
} COINIT;

UMBRA_API HRESULT CoInitialize(LPVOID pvReserved);
UMBRA_API HRESULT CoInitializeEx(LPVOID pvReserved, DWORD dwCoInit);
UMBRA_API void CoUninitialize(void);

/* Who may call whom is decided by umbrad from the credentials of the socket. Always S_OK. */
#define RPC_C_AUTHN_LEVEL_DEFAULT       0
#define RPC_C_AUTHN_LEVEL_NONE          1
#define RPC_C_AUTHN_LEVEL_CONNECT       2
#define RPC_C_AUTHN_LEVEL_CALL          3
#define RPC_C_AUTHN_LEVEL_PKT           4
#define RPC_C_AUTHN_LEVEL_PKT_INTEGRITY 5
#define RPC_C_AUTHN_LEVEL_PKT_PRIVACY   6

#define RPC_C_IMP_LEVEL_DEFAULT     0
#define RPC_C_IMP_LEVEL_ANONYMOUS   1
#define RPC_C_IMP_LEVEL_IDENTIFY    2
#define RPC_C_IMP_LEVEL_IMPERSONATE 3
#define RPC_C_IMP_LEVEL_DELEGATE    4

typedef enum EOLE_AUTHENTICATION_CAPABILITIES UMBRA_ENUM_INT {
        EOAC_NONE = 0x0,
        EOAC_MUTUAL_AUTH = 0x1,
        EOAC_SECURE_REFS = 0x2,
        EOAC_ACCESS_CONTROL = 0x4,
        EOAC_APPID = 0x8,
        EOAC_DYNAMIC = 0x10,
        EOAC_STATIC_CLOAKING = 0x20,
        EOAC_DYNAMIC_CLOAKING = 0x40,
        EOAC_REQUIRE_FULLSIC = 0x100,
        EOAC_DISABLE_AAA = 0x1000,
        EOAC_NO_CUSTOM_MARSHAL = 0x2000,
} EOLE_AUTHENTICATION_CAPABILITIES;

UMBRA_API HRESULT CoInitializeSecurity(void *pSecDesc,
                                       LONG cAuthSvc,
                                       void *asAuthSvc,
                                       void *pReserved1,
                                       DWORD dwAuthnLevel,
                                       DWORD dwImpLevel,
                                       void *pAuthList,
                                       DWORD dwCapabilities,
                                       void *pReserved3);

/*
 * Makes an object of one of the classes that umbra has: CLSID_VSSCoordinator (vsadmin.h) and
 * CLSID_VssSnapshotMgmt (vsmgmt.h). REGDB_E_CLASSNOTREG for any other, CLASS_E_NOAGGREGATION if pUnkOuter is
 * not NULL, E_POINTER if ppv is NULL, E_NOINTERFACE if the class does not have riid. Where it lives
 * (dwClsContext) does not matter.
 */
#define CLSCTX_INPROC_SERVER 0x1
#define CLSCTX_LOCAL_SERVER  0x4
#define CLSCTX_ALL           0x17

UMBRA_API HRESULT CoCreateInstance(REFCLSID rclsid,
                                   LPUNKNOWN pUnkOuter,
                                   DWORD dwClsContext,
                                   REFIID riid,
                                   LPVOID *ppv);

#ifdef __cplusplus
}
#endif

#endif
