/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Digests
 */

#include <errno.h>
#include <stdbool.h>

#include <openssl/evp.h>

#include "base/alloc.h"
#include "tools/digest.h"

struct Digest {
        EVP_MD_CTX *context;
        EVP_MD *algorithm; /* fetched once: looking it up costs more than hashing a small file */
        bool failed;
};

static void digest_begin(Digest *d) {
        d->failed = EVP_DigestInit_ex2(d->context, d->algorithm, NULL) != 1;
}

int digest_new(Digest **ret) {
        _cleanup_(digest_freep) Digest *d = NULL;

        d = calloc_checked(1, sizeof(*d));
        if (!d)
                return -ENOMEM;

        d->context = EVP_MD_CTX_new();
        if (!d->context)
                return -ENOMEM;

        d->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
        if (!d->algorithm)
                return -EOPNOTSUPP;

        digest_begin(d);
        *ret = TAKE_PTR(d);
        return 0;
}

Digest *digest_free(Digest *d) {
        if (!d)
                return NULL;

        EVP_MD_free(d->algorithm);
        EVP_MD_CTX_free(d->context);
        free(d);
        return NULL;
}

void digest_update(Digest *d, const void *data, size_t size) {
        if (size > 0 && EVP_DigestUpdate(d->context, data, size) != 1)
                d->failed = true;
}

int digest_end(Digest *d, uint8_t ret[DIGEST_SIZE]) {
        uint8_t digest[DIGEST_SIZE];
        bool failed;

        failed = d->failed || EVP_DigestFinal_ex(d->context, digest, NULL) != 1;
        digest_begin(d);
        if (failed)
                return -EIO;

        for (size_t i = 0; i < DIGEST_SIZE; ++i)
                ret[i] = digest[i];
        return 0;
}

char *digest_to_hex(const uint8_t digest[DIGEST_SIZE], char hex[DIGEST_HEX_MAX]) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < DIGEST_SIZE; ++i) {
                hex[2 * i] = digits[digest[i] >> 4];
                hex[2 * i + 1] = digits[digest[i] & 0xF];
        }

        hex[2 * DIGEST_SIZE] = '\0';
        return hex;
}

static int hex_digit(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int digest_from_hex(const char *hex, uint8_t ret[DIGEST_SIZE]) {
        uint8_t digest[DIGEST_SIZE];

        for (size_t i = 0; i < DIGEST_SIZE; ++i) {
                int high = hex_digit(hex[2 * i]);
                int low = high < 0 ? -1 : hex_digit(hex[2 * i + 1]);

                if (low < 0)
                        return -EINVAL;

                digest[i] = (uint8_t) (high << 4 | low);
        }

        for (size_t i = 0; i < DIGEST_SIZE; ++i)
                ret[i] = digest[i];
        return 0;
}
