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

/* For the other files of the interface: a part of its methods, which get the Session as their userdata. */
int session_bus_add_vtable(Connection *c, const sd_bus_vtable *vtable);
/* The answer of a method that has none but its success. @why: NULL, or what is wrong. */
int session_bus_reply(sd_bus_message *m, HRESULT hr, const char *why, sd_bus_error *error);
/* A numbered operation, if none runs yet. */
int session_bus_operation_begin(sd_bus_message *m, Session *s, uint32_t number, Operation **ret, sd_bus_error *error);
