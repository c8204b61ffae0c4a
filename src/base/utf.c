/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Text
 *
 * The one place that knows how bytes become characters and back. Every string that crosses the API goes
 * through here, so the rule is strict where it matters (what comes out is always what went in) and forgiving
 * where Linux is (a file name is whatever the kernel took).
 */

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "base/utf.h"

/* Where a byte that is not UTF-8 hides: U+DC00 plus the byte, so U+DC80…U+DCFF. */
#define BYTE_ESCAPE_BASE 0xDC00U

/* A code point takes at most this many bytes. */
#define UTF8_CHAR_MAX 4U

/* The length of the valid UTF-8 sequence at @s and its code point; 0 when there is none. Reads no further
 * than the first byte that does not belong, so the NUL at the end is bound enough. */
static size_t utf8_decode(const char *s, uint32_t *ret) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const unsigned char *u = (const unsigned char *) s;
        uint32_t c;
        size_t n;

        if (u[0] < 0x80) {
                *ret = u[0];
                return 1;
        }

        if (u[0] >= 0xC2 && u[0] <= 0xDF) {
                n = 2;
                c = u[0] & 0x1FU;
        } else if (u[0] >= 0xE0 && u[0] <= 0xEF) {
                n = 3;
                c = u[0] & 0x0FU;
        } else if (u[0] >= 0xF0 && u[0] <= 0xF4) {
                n = 4;
                c = u[0] & 0x07U;
        } else
                return 0;

        for (size_t i = 1; i < n; ++i) {
                if ((u[i] & 0xC0) != 0x80)
                        return 0;

                c = c << 6 | (u[i] & 0x3FU);
        }

        if (c < smallest[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
                return 0;

        *ret = c;
        return n;
}

/* Writes @c to @out, which has room for UTF8_CHAR_MAX bytes. 0 when @c is neither a character nor a hidden
 * byte. */
static size_t utf8_encode(uint32_t c, char *out) {
        unsigned char *u = (unsigned char *) out;

        if (c >= BYTE_ESCAPE_BASE + 0x80 && c <= BYTE_ESCAPE_BASE + 0xFF) {
                u[0] = (unsigned char) (c - BYTE_ESCAPE_BASE);
                return 1;
        }

        if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
                return 0;

        if (c < 0x80) {
                u[0] = (unsigned char) c;
                return 1;
        }

        if (c < 0x800) {
                u[0] = (unsigned char) (0xC0 | c >> 6);
                u[1] = (unsigned char) (0x80 | (c & 0x3F));
                return 2;
        }

        if (c < 0x10000) {
                u[0] = (unsigned char) (0xE0 | c >> 12);
                u[1] = (unsigned char) (0x80 | (c >> 6 & 0x3F));
                u[2] = (unsigned char) (0x80 | (c & 0x3F));
                return 3;
        }

        u[0] = (unsigned char) (0xF0 | c >> 18);
        u[1] = (unsigned char) (0x80 | (c >> 12 & 0x3F));
        u[2] = (unsigned char) (0x80 | (c >> 6 & 0x3F));
        u[3] = (unsigned char) (0x80 | (c & 0x3F));
        return 4;
}

/* The character at @s, and of how many WCHARs it is: two where a program has UTF-16 in them. A hidden byte
 * never follows the first half of one, so the two cannot be mistaken. */
static uint32_t wide_decode(const WCHAR *s, size_t n, size_t *ret_n) {
        uint32_t c = (uint32_t) s[0];

        *ret_n = 1;
        if (c < 0xD800 || c > 0xDBFF || n < 2 || s[1] < 0xDC00 || s[1] > 0xDFFF)
                return c;

        *ret_n = 2;
        return 0x10000 + ((c & 0x3FF) << 10) + ((uint32_t) s[1] & 0x3FF);
}

int utf8_from_wide_n(const WCHAR *s, size_t n, char **ret) {
        _cleanup_(freep) char *bytes = NULL;
        size_t size = 0;

        if (!s) {
                *ret = NULL;
                return 0;
        }

        /* Counted first, then written: a fourth of the memory for the text one usually meets. */
        for (size_t i = 0, step = 1; i < n; i += step) {
                char buffer[UTF8_CHAR_MAX];
                size_t k;

                step = 1;
                if (s[i] > 0 && s[i] < 0x80) {
                        ++size;
                        continue;
                }

                k = utf8_encode(wide_decode(s + i, n - i, &step), buffer);
                if (k == 0)
                        return -EILSEQ;

                size += k;
        }

        bytes = calloc_checked(size + 1, 1);
        if (!bytes)
                return -ENOMEM;

        size = 0;
        for (size_t i = 0, step = 1; i < n; i += step) {
                char buffer[UTF8_CHAR_MAX];
                size_t k;

                step = 1;
                if (s[i] < 0x80) {
                        bytes[size++] = (char) s[i];
                        continue;
                }

                k = utf8_encode(wide_decode(s + i, n - i, &step), buffer);
                memcpy(bytes + size, buffer, k);
                size += k;
        }

        *ret = TAKE_PTR(bytes);
        return 0;
}

int utf8_from_wide(const WCHAR *s, char **ret) {
        return utf8_from_wide_n(s, s ? wcslen(s) : 0, ret);
}

/* How many of the bytes at @s are ASCII. Texts mostly are, from end to end, and documents are long. */
static size_t ascii_length(const char *s, const char *end) {
        const char *p = s;
        uint64_t word;

        for (; (size_t) (end - p) >= sizeof(word); p += sizeof(word)) {
                memcpy(&word, p, sizeof(word));
                if (word & UINT64_C(0x8080808080808080))
                        break;
        }
        while (p < end && !((unsigned char) *p & 0x80))
                ++p;

        return (size_t) (p - s);
}

/* One character, or one byte that is none. */
static size_t utf8_decode_any(const char *s, uint32_t *ret) {
        size_t k = utf8_decode(s, ret);

        if (k > 0)
                return k;

        *ret = BYTE_ESCAPE_BASE + (unsigned char) *s;
        return 1;
}

size_t wide_length(const char *s, size_t size) {
        const char *end = s + size;
        size_t n = 0;

        while (s < end) {
                size_t k = ascii_length(s, end);

                n += k;
                s += k;
                if (s < end) {
                        s += utf8_decode_any(s, &(uint32_t){ 0 });
                        ++n;
                }
        }

        return n;
}

void wide_fill(const char *s, size_t size, WCHAR *wide) {
        const char *end = s + size;

        while (s < end) {
                uint32_t c;

                for (const char *plain = s + ascii_length(s, end); s < plain; ++s)
                        *wide++ = *s;
                if (s < end) {
                        s += utf8_decode_any(s, &c);
                        *wide++ = (WCHAR) c;
                }
        }
}

int wide_from_utf8(const char *s, WCHAR **ret) {
        WCHAR *wide;
        size_t size;

        if (!s) {
                *ret = NULL;
                return 0;
        }

        size = strlen(s);
        wide = calloc_checked(size + 1, sizeof(WCHAR));
        if (!wide)
                return -ENOMEM;

        wide_fill(s, size, wide);
        *ret = wide;
        return 0;
}

bool utf8_is_valid(const char *s) {
        while (*s) {
                uint32_t c;
                size_t k;

                k = utf8_decode(s, &c);
                if (k == 0)
                        return false;

                s += k;
        }

        return true;
}

void utf8_cut(char *s, size_t max) {
        if (strlen(s) <= max)
                return;

        while (max > 0 && ((unsigned char) s[max] & 0xC0) == 0x80)
                --max;
        s[max] = '\0';
}

static bool xml_can_hold(uint32_t c) {
        if (c < 0x20)
                return c == '\t' || c == '\n' || c == '\r';

        return c != 0xFFFE && c != 0xFFFF;
}

static char *append_escaped_byte(char *end, char byte) {
        static const char digits[] = "0123456789abcdef";
        unsigned char u = (unsigned char) byte;

        *end++ = '\\';
        *end++ = 'x';
        *end++ = digits[u >> 4];
        *end++ = digits[u & 0xF];
        return end;
}

/* Nearly every path and name: nothing in it that could need an escape. */
static bool is_plain(const char *s) {
        while (*s >= 0x20 && *s < 0x7f && *s != '\\')
                ++s;

        return *s == '\0';
}

int xml_escape_bytes(const char *s, char **ret) {
        char *escaped, *end;

        if (!s || is_plain(s))
                return strdup_to(s, ret);

        escaped = end = calloc_checked(strlen(s) + 1, 4);
        if (!escaped)
                return -ENOMEM;

        while (*s) {
                uint32_t c = 0;
                size_t k;
                bool plain;

                k = utf8_decode(s, &c);
                plain = k > 0 && xml_can_hold(c) && !(s[0] == '\\' && s[1] == 'x');

                for (k = MAX(k, (size_t) 1); k > 0; --k, ++s)
                        if (plain)
                                *end++ = *s;
                        else
                                end = append_escaped_byte(end, *s);
        }

        *ret = escaped;
        return 0;
}

/* The value of a digit as append_escaped_byte() writes it, -EILSEQ for anything else. */
static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return -EILSEQ;
}

int xml_unescape_bytes(const char *s, char **ret) {
        _cleanup_(freep) char *bytes = NULL;
        char *end;

        if (!s || !strchr(s, '\\'))
                return strdup_to(s, ret);

        bytes = end = calloc_checked(strlen(s) + 1, 1);
        if (!bytes)
                return -ENOMEM;

        while (*s) {
                int high, low;

                if (s[0] != '\\' || s[1] != 'x') {
                        *end++ = *s++;
                        continue;
                }

                high = hex_digit(s[2]);
                if (high < 0)
                        return high;

                low = hex_digit(s[3]);
                if (low < 0)
                        return low;

                /* A NUL would cut the string short, and then what is checked is not what is used. */
                if (high == 0 && low == 0)
                        return -EILSEQ;

                *end++ = (char) (high << 4 | low);
                s += 4;
        }

        *ret = TAKE_PTR(bytes);
        return 0;
}
