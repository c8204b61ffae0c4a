/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Texts of the API
 */

#include "testers/vss-text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf.h"

void *or_die(void *p) {
        if (!p) {
                fputs("Out of memory, giving up\n", stderr);
                exit(EXIT_FAILURE);
        }
        return p;
}

char *text_copy(const char *s) {
        return s ? or_die(strdup(s)) : NULL;
}

char *text_from_wide(const WCHAR *s) {
        char *text = NULL;

        if (!s)
                return NULL;
        if (utf8_from_wide(s, &text) == -EILSEQ)
                return text_copy("(not a text)");
        return or_die(text);
}

char *text_take(BSTR s) {
        char *text = text_from_wide(s);

        SysFreeString(s);
        return text;
}

WCHAR *text_to_wide(const char *s) {
        WCHAR *wide = NULL;

        if (!s)
                return NULL;
        (void) wide_from_utf8(s, &wide);
        return or_die(wide);
}

char *text_format(const char *format, ...) {
        char *text;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        return or_die(text);
}
