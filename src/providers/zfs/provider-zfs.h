/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "provider/provider.h"

extern const ProviderOps provider_zfs_ops;
