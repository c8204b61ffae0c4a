/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Errors on the Bus
 *
 * The name of the error is for the program, its message for people. A code that this version has no name for
 * still arrives: as a number.
 */

#include "wire/wire-error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <vsserror.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "base/macro.h"
#include "base/utf.h"

#define ERROR_PREFIX "umbra.Error."
#define ERROR_MESSAGE_MAX 1022U

/* What sd-bus itself, on either side, says. All else is unexpected. */
static const struct {
        const char *name;
        HRESULT hr;
        /* clang-format off */
} foreign[] = {
        { SD_BUS_ERROR_ACCESS_DENIED,    E_ACCESSDENIED   },
        { SD_BUS_ERROR_AUTH_FAILED,      E_ACCESSDENIED   },
        { SD_BUS_ERROR_NO_MEMORY,        E_OUTOFMEMORY    },
        { SD_BUS_ERROR_LIMITS_EXCEEDED,  E_OUTOFMEMORY    },
        { SD_BUS_ERROR_INVALID_ARGS,     E_INVALIDARG     },
        { SD_BUS_ERROR_NOT_SUPPORTED,    E_NOTIMPL        },
        { SD_BUS_ERROR_UNKNOWN_METHOD,   E_NOTIMPL        }, /* an older umbrad */
        { SD_BUS_ERROR_UNKNOWN_OBJECT,   VSS_E_BAD_STATE  }, /* no session on this connection */
        { SD_BUS_ERROR_UNKNOWN_INTERFACE, VSS_E_BAD_STATE },
};
/* clang-format on */

/* A sentence holds names, and these any byte. sd-bus sends UTF-8 or nothing: then nobody would learn that the
 * call has failed, or the connection would end over it. */
static int error_set_message(sd_bus_error *error, const char *name, char *message) {
        _cleanup_(freep) char *escaped = NULL;

        utf8_cut(message, ERROR_MESSAGE_MAX);
        if (utf8_is_valid(message))
                return sd_bus_error_set(error, name, message);

        if (xml_escape_bytes(message, &escaped) < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_NO_MEMORY, NULL);

        return sd_bus_error_set(error, name, escaped);
}

int wire_error_set(sd_bus_error *error, HRESULT hr, const char *format, ...) {
        char name[128], message[ERROR_MESSAGE_MAX + 2];
        const char *known;
        va_list ap;

        assert(FAILED(hr) || hr == VSS_S_ASYNC_CANCELLED);

        known = hresult_name(hr);
        if (known[0] == '0') /* an element of an error's name cannot begin with a digit */
                ++known;
        (void) snprintf(name, sizeof(name), ERROR_PREFIX "%s", known);

        if (!format)
                return sd_bus_error_set(error, name, hresult_sentence(hr));

        va_start(ap, format);
        (void) vsnprintf(message, sizeof(message), format, ap);
        va_end(ap);

        return error_set_message(error, name, message);
}

static int parse_code(const char *s, HRESULT *ret) {
        uint32_t value = 0;

        if (s[0] != 'x' || strlen(s) != 9)
                return -EINVAL;

        for (++s; *s; ++s) {
                const char *digits = "0123456789ABCDEF", *digit = strchr(digits, *s);

                if (!digit)
                        return -EINVAL;
                value = value << 4 | (uint32_t) (digit - digits);
        }

        *ret = (HRESULT) value;
        return 0;
}

HRESULT hresult_from_wire_error(const sd_bus_error *error) {
        const char *name;
        HRESULT hr;

        if (!error || !error->name)
                return VSS_E_UNEXPECTED;

        if (strncmp(error->name, ERROR_PREFIX, strlen(ERROR_PREFIX)) == 0) {
                name = error->name + strlen(ERROR_PREFIX);
                if (hresult_from_name(name, &hr) < 0 && parse_code(name, &hr) < 0)
                        return VSS_E_UNEXPECTED;

                /* An error is a failure, whatever its name says; except for the one that is the caller's own
                 * wish. */
                return FAILED(hr) || hr == VSS_S_ASYNC_CANCELLED ? hr : VSS_E_UNEXPECTED;
        }

        for (size_t i = 0; i < ELEMENTSOF(foreign); ++i)
                if (strcmp(foreign[i].name, error->name) == 0)
                        return foreign[i].hr;

        /* A method that returned an errno that D-Bus has no name for. */
        if (strncmp(error->name, "System.Error.", strlen("System.Error.")) == 0)
                return hresult_from_errno(-sd_bus_error_get_errno(error));

        return VSS_E_UNEXPECTED;
}
