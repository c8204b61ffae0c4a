/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * umbra.Areas1
 *
 * Decodes a message, calls, encodes the answer; decides nothing.
 */

#include "coordinator/area-job.h"

int area_bus_attach(Connection *c);

/* The answers. Each settles and frees the operation. */
void area_bus_settle_areas(AreaJob *j); /* those that are anywhere, and with j->place on that */
void area_bus_settle_place(AreaJob *j); /* of the first area */
void area_bus_settle_protection(AreaJob *j);
