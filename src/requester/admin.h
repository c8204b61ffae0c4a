/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * IVssAdmin: which providers there are.
 */

#include <vsadmin.h>

HRESULT admin_new(IVssAdmin **ret);
