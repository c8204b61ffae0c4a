/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * String Vectors
 *
 * NULL-terminated arrays of strings, owned as one thing. NULL is the empty vector, and the only one these
 * functions hand out.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

char **strv_free(char **v);
DEFINE_CLEANUP(char **, strv_free)
size_t strv_length(char *const *v);
int strv_append(char ***v, const char *s); /* copies @s */
int strv_consume(char ***v, char *s);      /* takes @s over, also on failure (then it is freed) */
int strv_copy(char *const *v, char ***ret);
bool strv_contains(char *const *v, const char *s);
void strv_sort(char **v);                                           /* by bytes, whatever the locale */
int strv_split(const char *s, const char *separators, char ***ret); /* empty fields are dropped */
char *strv_join(char *const *v, const char *separator);             /* NULL when out of memory */

#define STRV_FOREACH(s, v) for (char *const *s = (v); s && *s; ++s)
