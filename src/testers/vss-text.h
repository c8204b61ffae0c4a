/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Texts of the API
 *
 * The API speaks wide strings, the testers UTF-8. NULL stays NULL; what is returned is freed with free(). When memory
 * runs out the program ends: a test that lacks memory says nothing about what it tests.
 */

#include <oleauto.h>
#include <wintypes.h>

#include "base/macro.h"

char *text_from_wide(const WCHAR *s);
char *text_take(BSTR s); /* and frees it with SysFreeString() */
WCHAR *text_to_wide(const char *s);
char *text_copy(const char *s);
char *text_format(const char *format, ...) _printf_(1, 2);

/* Ends the program if @p is NULL. */
void *or_die(void *p);
