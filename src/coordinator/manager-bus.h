/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * umbra.Manager1
 *
 * The first word of every connection: a session, a writer, or just a question.
 */

#include "coordinator/coordinator-forward.h"

int manager_bus_attach(Connection *c);
