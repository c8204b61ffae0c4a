/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Last Error
 */

#include "wire/last-error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/hresult.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"

static _Thread_local char sentence[WIRE_MESSAGE_MAX];

HRESULT last_error_set(HRESULT hr, const char *format, ...) {
        char fresh[WIRE_MESSAGE_MAX]; /* an argument may be the sentence itself */
        va_list ap;

        if (!format) {
                (void) snprintf(sentence, sizeof(sentence), "%s", hresult_sentence(hr));
                return hr;
        }

        va_start(ap, format);
        (void) vsnprintf(fresh, sizeof(fresh), format, ap);
        va_end(ap);

        (void) snprintf(sentence, sizeof(sentence), "%s", fresh);
        return hr;
}

HRESULT last_error_from_wire(const sd_bus_error *error) {
        HRESULT hr = hresult_from_wire_error(error);

        return last_error_set(hr, "%s", error && error->message ? error->message : hresult_sentence(hr));
}

const char *last_error_get(void) {
        return sentence;
}
