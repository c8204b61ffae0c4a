/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Digests
 *
 * SHA-256, which is what a backup set promises of its bytes. libcrypto does the work, because it knows the
 * instructions of the machine; nothing else of it is used.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

#define DIGEST_SIZE 32U
#define DIGEST_HEX_MAX (2 * DIGEST_SIZE + 1)

typedef struct Digest Digest;

int digest_new(Digest **ret); /* -ENOMEM, -EOPNOTSUPP when libcrypto refuses SHA-256 */
Digest *digest_free(Digest *d);
DEFINE_CLEANUP(Digest *, digest_free)

void digest_update(Digest *d, const void *data, size_t size);
/* The digest of all updates since the last end, and begins anew. A failed update shows up here: -EIO. */
int digest_end(Digest *d, uint8_t ret[DIGEST_SIZE]);

/* Lower case. @hex is returned for convenience. */
char *digest_to_hex(const uint8_t digest[DIGEST_SIZE], char hex[DIGEST_HEX_MAX]);
/* Reads exactly 64 lower-case digits; what follows does not matter. -EINVAL. */
int digest_from_hex(const char *hex, uint8_t ret[DIGEST_SIZE]);
