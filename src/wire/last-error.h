/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Last Error
 *
 * A result is a number; why it came about is a sentence, and both halves of the library leave it here, one
 * per thread, for umbra_last_error(). Successes change nothing.
 */

#include <systemd/sd-bus.h>
#include <wintypes.h>

/* Keeps the sentence (@format NULL: that of the code) and returns @hr, so that "return last_error_set(hr,
 * …)" ends a function. What is too long is cut. */
HRESULT last_error_set(HRESULT hr, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for the answer to a call: umbrad's sentence, or what sd-bus says. */
HRESULT last_error_from_wire(const sd_bus_error *error);
/* Never NULL; valid until the next failure on this thread. */
const char *last_error_get(void);
