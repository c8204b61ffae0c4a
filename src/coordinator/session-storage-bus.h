/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * umbra.Session1, the Part About Storage
 *
 * Decodes a message, calls, encodes the answer; decides nothing.
 */

#include <wintypes.h>

#include "coordinator/coordinator-forward.h"

int session_storage_bus_attach(Connection *c);

/* The answers of operations. Each settles and frees @op. */
void session_storage_bus_settle_text(Operation *op, const char *text);
void session_storage_bus_settle_result(Operation *op, HRESULT hr);
