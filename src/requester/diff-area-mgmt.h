/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * IVssDifferentialSoftwareSnapshotMgmt, 2 and 3: where shadow copies lie, and how much room they may take.
 */

#include <vsmgmt.h>

/* @provider_id: of whose copies; GUID_NULL for any. */
HRESULT diff_area_mgmt_new(const GUID *provider_id, IVssDifferentialSoftwareSnapshotMgmt3 **ret);
