/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * GUIDs
 *
 * A GUID in memory is Microsoft's struct in the machine's byte order; its text and what is hashed are the
 * sixteen bytes of RFC 9562, most significant first. Both directions of that are here and nowhere else.
 *
 * Names are hashed with SHA-1 because version 5 is, so anyone can compute our volume GUIDs with uuidgen. A
 * mere mixing function would not do: whoever may create directories chooses names, and must not be able to
 * choose one that has another volume's GUID.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/guid.h"
#include "base/macro.h"
#include "base/time-util.h"

#define GUID_SIZE 16U
#define SHA1_SIZE 20U
#define SHA1_BLOCK 64U

static void guid_to_bytes(const GUID *g, uint8_t bytes[GUID_SIZE]) {
        for (unsigned i = 0; i < 4; ++i)
                bytes[i] = (uint8_t) (g->Data1 >> (24 - 8 * i));

        bytes[4] = (uint8_t) (g->Data2 >> 8);
        bytes[5] = (uint8_t) g->Data2;
        bytes[6] = (uint8_t) (g->Data3 >> 8);
        bytes[7] = (uint8_t) g->Data3;
        memcpy(bytes + 8, g->Data4, sizeof(g->Data4));
}

static void guid_from_bytes(const uint8_t bytes[GUID_SIZE], GUID *ret) {
        ret->Data1 = (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 |
                bytes[3];
        ret->Data2 = (uint16_t) (bytes[4] << 8 | bytes[5]);
        ret->Data3 = (uint16_t) (bytes[6] << 8 | bytes[7]);
        memcpy(ret->Data4, bytes + 8, sizeof(ret->Data4));
}

/* Marks the sixteen bytes as a GUID of @version and of RFC 9562's variant. */
static void guid_from_marked_bytes(uint8_t bytes[GUID_SIZE], unsigned version, GUID *ret) {
        bytes[6] = (uint8_t) ((bytes[6] & 0x0F) | version << 4);
        bytes[8] = (uint8_t) ((bytes[8] & 0x3F) | 0x80);
        guid_from_bytes(bytes, ret);
}

static uint32_t rotate_left(uint32_t x, unsigned n) {
        return x << n | x >> (32 - n);
}

/* FIPS 180-4, 6.1.2: one block. */
static void sha1_block(uint32_t state[5], const uint8_t block[SHA1_BLOCK]) {
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], w[80];

        for (unsigned i = 0; i < 16; ++i)
                w[i] = (uint32_t) block[4 * i] << 24 | (uint32_t) block[4 * i + 1] << 16 |
                        (uint32_t) block[4 * i + 2] << 8 | block[4 * i + 3];

        for (unsigned i = 16; i < 80; ++i)
                w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);

        for (unsigned i = 0; i < 80; ++i) {
                uint32_t f, k, next;

                if (i < 20) {
                        f = (b & c) | (~b & d);
                        k = 0x5A827999;
                } else if (i < 40) {
                        f = b ^ c ^ d;
                        k = 0x6ED9EBA1;
                } else if (i < 60) {
                        f = (b & c) | (b & d) | (c & d);
                        k = 0x8F1BBCDC;
                } else {
                        f = b ^ c ^ d;
                        k = 0xCA62C1D6;
                }

                next = rotate_left(a, 5) + f + e + k + w[i];
                e = d;
                d = c;
                c = rotate_left(b, 30);
                b = a;
                a = next;
        }

        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
}

/* The hash of @space followed by @name. */
static void sha1_of_name(const uint8_t space[GUID_SIZE], const char *name, uint8_t digest[SHA1_SIZE]) {
        uint32_t state[5] = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 };
        uint8_t block[SHA1_BLOCK];
        uint64_t n_bits = (GUID_SIZE + (uint64_t) strlen(name)) * 8;
        size_t used = GUID_SIZE;

        memcpy(block, space, GUID_SIZE);

        for (; *name; ++name) {
                block[used++] = (uint8_t) *name;
                if (used == SHA1_BLOCK) {
                        sha1_block(state, block);
                        used = 0;
                }
        }

        /* A one bit, zeros, and the length in the last eight bytes of a block. */
        block[used++] = 0x80;
        if (used > SHA1_BLOCK - 8) {
                memset(block + used, 0, SHA1_BLOCK - used);
                sha1_block(state, block);
                used = 0;
        }
        memset(block + used, 0, SHA1_BLOCK - 8 - used);
        for (unsigned i = 0; i < 8; ++i)
                block[SHA1_BLOCK - 8 + i] = (uint8_t) (n_bits >> (56 - 8 * i));
        sha1_block(state, block);

        for (unsigned i = 0; i < SHA1_SIZE; ++i)
                digest[i] = (uint8_t) (state[i / 4] >> (24 - 8 * (i % 4)));
}

void guid_from_name(const GUID *space, const char *name, GUID *ret) {
        uint8_t bytes[GUID_SIZE], digest[SHA1_SIZE];

        guid_to_bytes(space, bytes);
        sha1_of_name(bytes, name, digest);
        guid_from_marked_bytes(digest, 5, ret);
}

/* Where the kernel gives no random bytes (a sandbox may forbid the call), what is different for each process
 * and each moment has to do: unique still, but no longer a secret. */
static void guess_bytes(uint8_t bytes[GUID_SIZE]) {
        static _Atomic unsigned count;
        uint8_t digest[SHA1_SIZE];
        char text[128];

        (void) snprintf(text, sizeof(text), "%ld %llu %llu %u", (long) getpid(),
                        (unsigned long long) now_usec(CLOCK_REALTIME),
                        (unsigned long long) now_usec(CLOCK_MONOTONIC), ++count);

        memset(bytes, 0, GUID_SIZE);
        sha1_of_name(bytes, text, digest);
        memcpy(bytes, digest, GUID_SIZE);
}

void guid_generate(GUID *ret) {
        uint8_t bytes[GUID_SIZE];

        if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes))
                guess_bytes(bytes);

        guid_from_marked_bytes(bytes, 4, ret);
}

bool guid_equal(const GUID *a, const GUID *b) {
        return memcmp(a, b, sizeof(GUID)) == 0;
}

bool guid_is_null(const GUID *g) {
        static const GUID null = { 0 };

        return guid_equal(g, &null);
}

unsigned guid_hash(const GUID *g) {
        uint32_t words[4], hash = 0;

        /* Random and named GUIDs are hashes already; well-known ones differ in few bits, which this spreads.
         * */
        memcpy(words, g, sizeof(words));
        for (size_t i = 0; i < ELEMENTSOF(words); ++i)
                hash = (rotate_left(hash, 5) ^ words[i]) * 0x9E3779B1U;

        return hash ^ hash >> 16;
}

char *guid_to_string(const GUID *g, char *buffer) {
        static const char digits[] = "0123456789abcdef";
        uint8_t bytes[GUID_SIZE];
        char *end = buffer;

        guid_to_bytes(g, bytes);

        for (unsigned i = 0; i < GUID_SIZE; ++i) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *end++ = '-';

                *end++ = digits[bytes[i] >> 4];
                *end++ = digits[bytes[i] & 0xF];
        }

        *end = '\0';
        return buffer;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -EINVAL;
}

int guid_from_string(const char *s, GUID *ret) {
        uint8_t bytes[GUID_SIZE];
        bool braces;

        if (!s)
                return -EINVAL;

        braces = *s == '{';
        s += braces;

        for (unsigned i = 0; i < GUID_SIZE; ++i) {
                int high, low;

                if ((i == 4 || i == 6 || i == 8 || i == 10) && *s++ != '-')
                        return -EINVAL;

                high = hex_digit(s[0]);
                if (high < 0)
                        return high;

                low = hex_digit(s[1]);
                if (low < 0)
                        return low;

                bytes[i] = (uint8_t) (high << 4 | low);
                s += 2;
        }

        if (braces && *s++ != '}')
                return -EINVAL;
        if (*s)
                return -EINVAL;

        guid_from_bytes(bytes, ret);
        return 0;
}
