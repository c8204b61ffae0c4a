/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "provider/provider.h"

extern const ProviderOps provider_lvm_thin_ops, provider_lvm_cow_ops;
