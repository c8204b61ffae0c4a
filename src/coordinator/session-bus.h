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

/* For the other files of the interface. NULL: the connection is none of a session. */
Session *session_of_connection(Connection *c, sd_bus_error *error);
/* The answer of a method that has none but its success. @why: NULL, or what is wrong. */
int session_bus_reply(sd_bus_message *m, HRESULT hr, const char *why, sd_bus_error *error);
/* A numbered operation, if none runs yet. */
int session_bus_operation_begin(sd_bus_message *m, Session *s, uint32_t number, Operation **ret, sd_bus_error *error);

/* The answers of operations. Each settles and frees @op. */
void session_bus_settle_metadata(Session *s, Operation *op);
void session_bus_settle_document(Session *s, Operation *op);
void session_bus_settle_status(Session *s, Operation *op);
void session_bus_settle_added(Session *s, Operation *op, const SetSnapshot *added);
void session_bus_settle_snapshotted(Operation *op, bool present, int32_t compatibility);
void session_bus_settle_bool(Operation *op, bool value);
void session_bus_settle_volumes(Operation *op, const WireVolume *volumes, size_t n);
void session_bus_settle_deleted(Operation *op, int32_t deleted, const GUID *nondeleted, HRESULT hr);
