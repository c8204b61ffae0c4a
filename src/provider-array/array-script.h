/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Script of an Array
 *
 * /etc/umbra/arrays/CLASS-ID, or $UMBRA_ARRAYDIR/CLASS-ID: a program of the administrator's, which is run for each call.
 * It reads a JSON object and writes one, or nothing; how it ends says what became of the call. What it complains goes to
 * the log, and its last line to the requester.
 */

#include <jansson.h>

#include <vsprov.h>

#include "base/macro.h"
#include "provider-array/array-verb.h"

#define ARRAY_OUTPUT_MAX (64U * 1024U)
#define ARRAY_REASON_MAX 512U

void array_script_init(const CLSID *class_id);

/* Runs it. Takes @request over, NULL for an empty one, and adds what all of them have. *@ret, when it is not NULL: the
 * object that it has written, which it must then. S_FALSE: the answer is no. */
HRESULT array_script_call(ArrayVerb verb, json_t *request, json_t **ret);

/* Remembers why a call failed, for whoever asks next; returns @hr. */
HRESULT array_fail(HRESULT hr, const char *format, ...) _printf_(2, 3);
/* Copies it; "" when nothing has failed since the last time. */
void array_take_reason(char reason[ARRAY_REASON_MAX]);
