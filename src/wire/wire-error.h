/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Errors on the Bus
 *
 * "umbra.Error.VSS_E_BAD_STATE" or, for a code without a name, "umbra.Error.x80042301"; the message is a
 * sentence for people. VSS_S_ASYNC_CANCELLED travels as an error, too: it is how a cancelled operation
 * answers.
 */

#include <systemd/sd-bus.h>
#include <wintypes.h>

/* Fills @error; returns a negative errno so that "return wire_error_set(error, hr, …)" ends a method.
 * @format may be NULL: the sentence of the code. */
int wire_error_set(sd_bus_error *error, HRESULT hr, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* What a failed call means: ours as it is; a lost connection VSS_E_UNEXPECTED; D-Bus's own (AccessDenied,
 * NoReply, UnknownMethod …) translated. */
HRESULT hresult_from_wire_error(const sd_bus_error *error);
