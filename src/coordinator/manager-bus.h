/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * umbra.Manager1
 *
 * The first word of every connection: a session, a writer, or just a question.
 */

#include <stdint.h>

#include <systemd/sd-bus.h>

#include "coordinator/coordinator-forward.h"

int manager_bus_attach(Connection *c);

/* What every first call says. */
int manager_bus_check_version(uint32_t version, sd_bus_error *error);
