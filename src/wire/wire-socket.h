/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where umbrad Listens
 *
 * The connect() behind wire_client_connect().
 */

#include "base/time-util.h"

/* *ret is connected and non-blocking. When the queue of the server is full, connect() waits until it accepts
 * somebody; that wait ends at the CLOCK_MONOTONIC @deadline, with -ETIMEDOUT. */
int wire_socket_connect(const char *path, usec_t deadline, int *ret);
