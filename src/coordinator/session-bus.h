/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * umbra.Session1
 *
 * Decodes a message, calls, encodes the answer; decides nothing.
 */

#include "coordinator/coordinator-forward.h"
#include "wire/wire-types.h"

int session_bus_attach(Connection *c);

/* The answers of operations. Each settles and frees @op. */
void session_bus_settle_metadata(Session *s, Operation *op);
void session_bus_settle_document(Session *s, Operation *op);
void session_bus_settle_status(Session *s, Operation *op);
void session_bus_settle_added(Session *s, Operation *op, const SetSnapshot *added);
void session_bus_settle_bool(Operation *op, bool value);
void session_bus_settle_volumes(Operation *op, const WireVolume *volumes, size_t n);
void session_bus_settle_deleted(Operation *op, int32_t deleted, const GUID *nondeleted, HRESULT hr);
