/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Provider Made, Shown
 *
 * On Windows a shadow copy is a device. Here a provider names a directory, which is shown at the snapshot's own
 * place, or a block device, which is mounted there; read-only, both.
 */

#include "provider/provider.h"

/* @ret as in ProviderOps.surface(). @method: who named @device, for the sentence. */
int com_device_show(const ProviderEnv *env,
                    const ProviderSnapshot *s,
                    const char *method,
                    const char *device,
                    char **ret);
