/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Express Writers on the Bus
 *
 * Two methods of umbra.Manager1. While anything is frozen the catalog is not written, so then they are
 * answered later.
 */

#include <systemd/sd-bus.h>

#include "coordinator/coordinator-forward.h"

int express_bus_register(sd_bus_message *m, void *userdata, sd_bus_error *error);
int express_bus_unregister(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* Nothing is frozen any more: what waits is answered from the loop. */
void express_bus_resume(Manager *m);
