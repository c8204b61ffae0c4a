/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Base64
 *
 * The icon of a component is the only thing in the documents that is not text. One spelling per value: what
 * decodes is exactly what encode produces.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "doc/xml-util.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(const void *data, size_t size, char **ret) {
        const uint8_t *p = data;
        char *text, *out;

        if (size > SIZE_MAX / 2)
                return -ENOMEM;

        text = out = calloc_checked((size + 2) / 3 * 4 + 1, 1);
        if (!text)
                return -ENOMEM;

        for (size_t i = 0; i < size; i += 3) {
                size_t n = MIN(size - i, (size_t) 3);
                uint32_t v = (uint32_t) p[i] << 16;

                if (n > 1)
                        v |= (uint32_t) p[i + 1] << 8;
                if (n > 2)
                        v |= p[i + 2];

                *out++ = alphabet[v >> 18];
                *out++ = alphabet[v >> 12 & 63];
                *out++ = n > 1 ? alphabet[v >> 6 & 63] : '=';
                *out++ = n > 2 ? alphabet[v & 63] : '=';
        }

        *ret = text;
        return 0;
}

static int digit(char c) {
        const char *p = c ? strchr(alphabet, c) : NULL;

        return p ? (int) (p - alphabet) : -EINVAL;
}

int base64_decode(const char *text, uint8_t **ret, size_t *ret_size) {
        _cleanup_(freep) uint8_t *data = NULL;
        size_t size = strlen(text), n = 0;

        if (size % 4 != 0)
                return -EINVAL;

        data = calloc_checked(size / 4 * 3 + 1, 1);
        if (!data)
                return -ENOMEM;

        for (size_t i = 0; i < size; i += 4) {
                size_t padding = 0;
                uint32_t v = 0;

                if (i + 4 == size)
                        padding = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;

                for (size_t k = 0; k < 4 - padding; ++k) {
                        int d = digit(text[i + k]);

                        if (d < 0)
                                return -EINVAL;
                        v |= (uint32_t) d << (18 - 6 * k);
                }

                /* Bits that padding says are not there have to be zero. */
                if (v & ((1U << 8 * padding) - 1))
                        return -EINVAL;

                for (size_t k = 0; k < 3 - padding; ++k)
                        data[n++] = (uint8_t) (v >> (16 - 8 * k));
        }

        *ret = TAKE_PTR(data);
        *ret_size = n;
        return 0;
}
