/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * GUIDs
 *
 * Names that nobody hands out centrally. Fresh ones are random; those of things that are there already, such
 * as volumes, are computed from what identifies the thing, so that they are the same after a reboot.
 */

#include <stdbool.h>

#include <wintypes.h>

#define GUID_STRING_MAX 37U /* "01234567-89ab-cdef-0123-456789abcdef" and its NUL */

void guid_generate(GUID *ret); /* random, version 4; never fails */
bool guid_equal(const GUID *a, const GUID *b);
bool guid_is_null(const GUID *g);
unsigned guid_hash(const GUID *g);

/* Lower case, no braces. @buffer has GUID_STRING_MAX bytes; returned for convenience. */
char *guid_to_string(const GUID *g, char *buffer);
/* A fresh buffer per use, valid until the end of the block. */
#define GUID_TO_STRING(g) guid_to_string((g), (char[GUID_STRING_MAX]){ 0 })

/* With or without braces, any case, nothing before or after. -EINVAL. */
int guid_from_string(const char *s, GUID *ret);

/* Version 5 (RFC 9562): the same @name in the same @space gives the same GUID, on every machine and boot.
 * Also what "uuidgen --sha1 --namespace @space --name @name" prints. */
void guid_from_name(const GUID *space, const char *name, GUID *ret);
