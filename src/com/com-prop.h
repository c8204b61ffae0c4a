/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Properties
 *
 * Copying and freeing the property structures of vss.h and vsmgmt.h. Their strings come from
 * CoTaskMemAlloc(), because callers of the API free them one by one. A copy is complete or it is not there;
 * a cleared structure is all zero and may be cleared again.
 */

#include <vsmgmt.h>
#include <vss.h>

/* NULL maps to NULL. */
HRESULT task_string_copy(const WCHAR *s, WCHAR **ret);

HRESULT snapshot_prop_copy(const VSS_SNAPSHOT_PROP *from, VSS_SNAPSHOT_PROP *ret);
void snapshot_prop_clear(VSS_SNAPSHOT_PROP *p);

HRESULT provider_prop_copy(const VSS_PROVIDER_PROP *from, VSS_PROVIDER_PROP *ret);
void provider_prop_clear(VSS_PROVIDER_PROP *p);

/* A Type that is none of the union's copies as it is and owns nothing. */
HRESULT object_prop_copy(const VSS_OBJECT_PROP *from, VSS_OBJECT_PROP *ret);
void object_prop_clear(VSS_OBJECT_PROP *p);

HRESULT mgmt_object_prop_copy(const VSS_MGMT_OBJECT_PROP *from, VSS_MGMT_OBJECT_PROP *ret);
void mgmt_object_prop_clear(VSS_MGMT_OBJECT_PROP *p);
