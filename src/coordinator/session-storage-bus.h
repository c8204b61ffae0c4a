/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * umbra.Session1, the Part About Storage
 *
 * Decodes a message, calls, encodes the answer; decides nothing.
 */

#include "coordinator/coordinator-forward.h"

int session_storage_bus_attach(Connection *c);
