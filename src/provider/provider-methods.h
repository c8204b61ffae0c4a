/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Questions to a Provider
 *
 * The object on the worker's bus: see provider-protocol.h for what can be asked.
 */

#include <systemd/sd-bus.h>

#include "provider/provider-round.h"
#include "provider/provider.h"

typedef struct ProviderHost {
        const ProviderOps *ops;
        ProviderEnv env;
        Rounds *rounds; /* the snapshots planned here */
} ProviderHost;

int provider_methods_attach(sd_bus *bus, ProviderHost *host);
