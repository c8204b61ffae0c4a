/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Happened, in Order
 *
 * Handlers run on threads of the library's own, so what a test asserts is written down by them, one line
 * each, and read afterwards; and what a test must stand at is waited for. There is one journal per program.
 */

#include <stdarg.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

void journal_clear(void);
void journal_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Within the patience of a test, else the test fails and shows what there is. */
void journal_await(const char *line);
bool journal_has(const char *line);
/* How often. */
unsigned journal_count(const char *line);
/* The whole of it. */
void journal_expect(const char *lines);
/* Where @line stands; fails the test when it does not. For "this before that". */
unsigned journal_position(const char *line);

/* A door in a handler: it stands there until the test opens it. A gate that nobody opens is opened when the
 * patience of a test ends. */
typedef struct Gate Gate;

Gate *gate_new(void);
Gate *gate_free(Gate *g); /* opens it first */
void gate_wait(Gate *g);
void gate_open(Gate *g);

#ifdef __cplusplus
}
#endif
