/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_WINTYPES_H
#define UMBRA_WINTYPES_H

/*
 * The Types of Windows
 *
 * The one place that decides what the words of the VSS API are on Linux. Everything that programs recompiled
 * from Windows expect of <windows.h> and that the VSS headers need is here, and nothing else.
 *
 *   - WCHAR is wchar_t, which is 32 bit here: L"..." and std::wstring work. A wide string holds UTF-32; a
 *     byte of a path that is not UTF-8 is carried as U+DC80 ... U+DCFF, so the way there and back loses
 *     nothing.
 *   - LONG, ULONG, DWORD, BOOL and HRESULT have 32 bits as on Windows, whatever "long" is.
 *   - bool has one byte, in C and in C++; BOOL has four. VSS uses both, see each method.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef __cplusplus
#  include <stdbool.h>
#endif

/* What libvssapi exports. */
#define UMBRA_API __attribute__((visibility("default")))

#ifdef __cplusplus
#  define EXTERN_C extern "C"
#else
#  define EXTERN_C extern
#endif

/* Calling conventions are a matter of 32-bit Windows; the words stay, so that declarations can be copied. */
#define STDMETHODCALLTYPE
#define STDAPICALLTYPE
#define APIENTRY
#define WINAPI

typedef int32_t HRESULT;
typedef int32_t BOOL;
typedef int32_t INT;
typedef int32_t LONG;
typedef int64_t LONGLONG;
typedef uint8_t BYTE;
typedef uint16_t WORD;
typedef uint16_t USHORT;
typedef int16_t SHORT;
typedef uint32_t UINT;
typedef uint32_t ULONG;
typedef uint32_t DWORD;
typedef uint64_t ULONGLONG;
typedef uint64_t DWORDLONG;
typedef size_t SIZE_T;
typedef float FLOAT;
typedef double DOUBLE;
typedef char CHAR;
typedef void *LPVOID;
typedef void *PVOID;

typedef wchar_t WCHAR;
typedef WCHAR OLECHAR;
typedef WCHAR *LPWSTR;
typedef WCHAR *PWSTR;
typedef WCHAR *LPOLESTR;
typedef const WCHAR *LPCWSTR;
typedef const WCHAR *PCWSTR;
typedef const WCHAR *LPCOLESTR;
typedef char *LPSTR;
typedef const char *LPCSTR;

/* Points at characters; the length in bytes stands in the four bytes before them. Only SysAllocString() and
 * its kin make one, only SysFreeString() frees one. NULL is the empty string. */
typedef WCHAR *BSTR;

#ifndef TRUE
#  define TRUE 1
#endif
#ifndef FALSE
#  define FALSE 0
#endif

#define INFINITE UINT32_MAX /* milliseconds */

/* 100 ns units since 1601-01-01 00:00 UTC, in two halves. */
typedef struct FILETIME {
        DWORD dwLowDateTime;
        DWORD dwHighDateTime;
} FILETIME;

typedef struct GUID {
        uint32_t Data1;
        uint16_t Data2;
        uint16_t Data3;
        uint8_t Data4[8];
} GUID;
typedef GUID IID;
typedef GUID CLSID;

#ifdef __cplusplus
typedef const GUID &REFGUID;
typedef const IID &REFIID;
typedef const CLSID &REFCLSID;
#else
typedef const GUID *REFGUID;
typedef const IID *REFIID;
typedef const CLSID *REFCLSID;
#endif

EXTERN_C UMBRA_API const GUID GUID_NULL; /* all zero */

static inline BOOL IsEqualGUID(REFGUID a, REFGUID b) {
#ifdef __cplusplus
        return memcmp(&a, &b, sizeof(GUID)) == 0;
#else
        return memcmp(a, b, sizeof(GUID)) == 0;
#endif
}

#define IsEqualIID(a, b) IsEqualGUID((a), (b))
#define IsEqualCLSID(a, b) IsEqualGUID((a), (b))

#if defined(__cplusplus) && !defined(UMBRA_NO_GUID_OPERATORS)
extern "C++" {
inline bool operator==(const GUID &a, const GUID &b) {
        return IsEqualGUID(a, b) != 0;
}

inline bool operator!=(const GUID &a, const GUID &b) {
        return IsEqualGUID(a, b) == 0;
}
}
#endif

/*
 * HRESULT: bit 31 says failure, the next bits the facility, the low word the code. Success has many values:
 * S_FALSE and VSS_S_ASYNC_CANCELLED are successes, too. The codes of VSS itself are in vsserror.h.
 */
#define UMBRA_HRESULT(x) ((HRESULT) (x))

#define SUCCEEDED(hr) ((HRESULT) (hr) >= 0)
#define FAILED(hr) ((HRESULT) (hr) < 0)

#define HRESULT_CODE(hr) ((hr) & 0xFFFF)
#define HRESULT_FACILITY(hr) (((hr) >> 16) & 0x1FFF)
#define MAKE_HRESULT(severity, facility, code) \
        UMBRA_HRESULT((ULONG) (severity) << 31 | (ULONG) (facility) << 16 | (ULONG) (code))

#define S_OK           UMBRA_HRESULT(0x00000000) /* success */
#define S_FALSE        UMBRA_HRESULT(0x00000001) /* success with a negative answer: not set, end of list */
#define E_NOTIMPL      UMBRA_HRESULT(0x80004001) /* not implemented */
#define E_NOINTERFACE  UMBRA_HRESULT(0x80004002) /* QueryInterface(): the object does not have it */
#define E_POINTER      UMBRA_HRESULT(0x80004003) /* a required pointer is NULL */
#define E_ABORT        UMBRA_HRESULT(0x80004004) /* the operation was aborted */
#define E_FAIL         UMBRA_HRESULT(0x80004005) /* internal error */
#define E_UNEXPECTED   UMBRA_HRESULT(0x8000FFFF) /* unexpected error; umbra says VSS_E_UNEXPECTED instead */
#define E_ACCESSDENIED UMBRA_HRESULT(0x80070005) /* the caller may not do this */
#define E_OUTOFMEMORY  UMBRA_HRESULT(0x8007000E) /* out of memory or other resources */
#define E_INVALIDARG   UMBRA_HRESULT(0x80070057) /* a parameter is not valid */

#define REGDB_E_CLASSNOTREG   UMBRA_HRESULT(0x80040154) /* CoCreateInstance(): no such class */
#define CLASS_E_NOAGGREGATION UMBRA_HRESULT(0x80040110) /* CoCreateInstance(): nothing here can be */
#define CO_E_CLASSSTRING      UMBRA_HRESULT(0x800401F3) /* CLSIDFromString(), IIDFromString(): not a GUID */
#define DISP_E_BADVARTYPE     UMBRA_HRESULT(0x80020008) /* VariantClear(): not a type of VARENUM */

/*
 * VARIANT: a value that carries its type. VSS uses it in one place, SetSnapshotProperty() of a provider, so
 * only the types which can occur there have a member.
 */
typedef WORD VARTYPE;
typedef SHORT VARIANT_BOOL;

#define VARIANT_TRUE  ((VARIANT_BOOL) -1)
#define VARIANT_FALSE ((VARIANT_BOOL) 0)

enum VARENUM {
        VT_EMPTY = 0,    /* nothing */
        VT_NULL = 1,     /* nothing, said explicitly */
        VT_I2 = 2,       /* iVal */
        VT_I4 = 3,       /* lVal */
        VT_R4 = 4,       /* fltVal */
        VT_R8 = 5,       /* dblVal */
        VT_BSTR = 8,     /* bstrVal */
        VT_ERROR = 10,   /* scode */
        VT_BOOL = 11,    /* boolVal */
        VT_UNKNOWN = 13, /* punkVal */
        VT_I1 = 16,      /* cVal */
        VT_UI1 = 17,     /* bVal */
        VT_UI2 = 18,     /* uiVal */
        VT_UI4 = 19,     /* ulVal */
        VT_I8 = 20,      /* llVal */
        VT_UI8 = 21,     /* ullVal */
        VT_INT = 22,     /* intVal */
        VT_UINT = 23,    /* uintVal */
};

struct IUnknown;

typedef struct VARIANT {
        VARTYPE vt; /* VARENUM */
        WORD wReserved1;
        WORD wReserved2;
        WORD wReserved3;
        union {
                LONGLONG llVal;
                LONG lVal;
                BYTE bVal;
                SHORT iVal;
                FLOAT fltVal;
                DOUBLE dblVal;
                VARIANT_BOOL boolVal;
                HRESULT scode;
                BSTR bstrVal;
                struct IUnknown *punkVal;
                CHAR cVal;
                USHORT uiVal;
                ULONG ulVal;
                ULONGLONG ullVal;
                INT intVal;
                UINT uintVal;
                void *pRecord[2]; /* as large as on Windows */
        };
} VARIANT;

#ifdef __cplusplus
#  define UMBRA_STATIC_ASSERT(what, why) static_assert(what, why)
/* C++ may assume that an enum holds no other bits than its values; with a fixed type it may not. */
#  define UMBRA_ENUM_INT : int
#else
#  define UMBRA_STATIC_ASSERT(what, why) _Static_assert(what, why)
#  define UMBRA_ENUM_INT
#endif

UMBRA_STATIC_ASSERT(sizeof(bool) == 1, "bool travels as one byte");
UMBRA_STATIC_ASSERT(sizeof(GUID) == 16, "GUIDs travel as raw bytes");
UMBRA_STATIC_ASSERT(sizeof(WCHAR) == 4, "WCHAR is wchar_t; do not compile with -fshort-wchar");

#endif
