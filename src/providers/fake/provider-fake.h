/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Fake Provider
 *
 * For tests and demonstrations: it copies the tree below the volume to <state_dir>/fake/<id>, and fails,
 * hangs and dies when it is told to (see fake-script.h). It is nobody's choice unless it is named, or
 * $UMBRA_FAKE_PROVIDER says so.
 */

#include "provider/provider.h"

extern const ProviderOps provider_fake_ops;
