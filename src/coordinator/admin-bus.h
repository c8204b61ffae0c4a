/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * umbra.Admin1
 *
 * What administrators may do to all: register providers, and end what others have begun. Decides nothing.
 */

#include "coordinator/coordinator-forward.h"

int admin_bus_attach(Connection *c);
