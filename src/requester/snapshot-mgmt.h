/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * IVssSnapshotMgmt: which volumes and shadow copies there are, and who manages their storage.
 */

#include <vsmgmt.h>

HRESULT snapshot_mgmt_new(IVssSnapshotMgmt **ret);
HRESULT provider_mgmt_interface(const GUID *provider_id, const IID *iid, IUnknown **ret);
