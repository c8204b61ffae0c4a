/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text
 *
 * Linux paths are bytes, the API speaks wchar_t (UTF-32 here). Bytes that are not valid UTF-8 travel as the
 * lone surrogates U+DC80…U+DCFF, one per byte, so every NUL-free byte string survives the round trip.
 * Two surrogates that are one character of UTF-16 are taken for it; any other is refused with -EILSEQ, as is
 * anything above U+10FFFF.
 */

#include <stdbool.h>
#include <stddef.h>

#include <wintypes.h>

/* NULL maps to NULL with 0. Caller frees with free(). -EILSEQ, -ENOMEM. */
int utf8_from_wide(const WCHAR *s, char **ret);
int utf8_from_wide_n(const WCHAR *s, size_t n, char **ret); /* @n characters; a NUL inside is -EILSEQ */
int wide_from_utf8(const char *s, WCHAR **ret);
/* The two steps of the last, for who has memory of another kind: how many characters the @size bytes at @s
 * (with a NUL behind them) are, and those characters. */
size_t wide_length(const char *s, size_t size);
void wide_fill(const char *s, size_t size, WCHAR *wide);
bool utf8_is_valid(const char *s);
/* What is longer than @max bytes is cut, between two characters. */
void utf8_cut(char *s, size_t max);

/* A byte string that XML 1.0 cannot hold as it is (control characters, invalid UTF-8, U+FFFE, U+FFFF) is
 * escaped: such a byte becomes the text "\xHH" and a literal backslash followed by 'x' becomes "\x5cx";
 * everything else is unchanged, also tab, line feed and carriage return, which XML holds as character
 * references. NULL maps to NULL. Lossless; unescape refuses with -EILSEQ a "\x" without two lower-case hex
 * digits, and "\x00". */
int xml_escape_bytes(const char *s, char **ret);
int xml_unescape_bytes(const char *s, char **ret);
