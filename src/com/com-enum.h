/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Enumerators
 *
 * IVssEnumObject and IVssEnumMgmtObject over an array: the result of a query, as it was when it was asked.
 */

#include <stddef.h>

#include <vsmgmt.h>
#include <vss.h>

/* The array and what is in it are taken over, also on failure; CoTaskMemAlloc() or its kin must have made both. @n may be 0. The caller
 * owns the one reference. */
HRESULT enum_object_take(VSS_OBJECT_PROP *props, size_t n, IVssEnumObject **ret);
HRESULT enum_mgmt_object_take(VSS_MGMT_OBJECT_PROP *props, size_t n, IVssEnumMgmtObject **ret);
