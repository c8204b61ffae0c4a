/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Properties from the Wire
 *
 * What umbrad says of shadow copies, providers and volumes, as the structures of the API. Their strings are
 * the caller's; see com/com-prop.h. Complete or, with E_OUTOFMEMORY, all zero.
 */

#include <vsmgmt.h>
#include <vss.h>

#include "requester/session-proxy.h"

HRESULT snapshot_prop_from_wire(const WireSnapshot *s, VSS_SNAPSHOT_PROP *ret);
HRESULT provider_prop_from_wire(const WireProvider *p, VSS_PROVIDER_PROP *ret);
HRESULT volume_prop_from_wire(const WireVolume *v, VSS_VOLUME_PROP *ret);

/* Snapshots and providers of @q; its volumes, areas and places. */
HRESULT enum_object_from_query(const SessionQuery *q, IVssEnumObject **ret);
HRESULT enum_mgmt_object_from_query(const SessionQuery *q, IVssEnumMgmtObject **ret);
