/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All Providers
 */

#include "provider/provider.h"

/* Any of providers[], and the fake one, which is not in there. NULL: there is none of this name. */
const ProviderOps *provider_find(const char *name);
