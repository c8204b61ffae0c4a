/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * IVssSnapshotMgmt: which volumes there are.
 */

#include <vsmgmt.h>

HRESULT snapshot_mgmt_new(IVssSnapshotMgmt **ret);
