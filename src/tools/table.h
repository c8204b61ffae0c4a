/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Tables
 *
 * Rows of text under a heading, aligned for people, or the same as a JSON array of objects. Keys are the headings in lower case with '_'.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct Table Table;

/* @headings: NULL-terminated, kept by reference. Dies when memory runs out. */
Table *table_new(const char *const *headings);
Table *table_free(Table *t);
DEFINE_CLEANUP(Table *, table_free)

/* As many texts as there are headings; copied. NULL is nothing ("-", null). */
void table_add(Table *t, const char *const *cells);
#define TABLE_ADD(t, ...) table_add((t), (const char *const[]){ __VA_ARGS__ })
size_t table_rows(const Table *t);
/* Forgets what was added after the first @rows. */
void table_truncate(Table *t, size_t rows);

/* On stdout. Without rows, the table for people says @empty instead (may be NULL). */
void table_print(const Table *t, bool json, const char *empty);
