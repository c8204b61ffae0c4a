/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Seal
 *
 * The last 512 bytes of a backup set. They look to zstd like a frame to be skipped and to tar like padding,
 * and say how long the set is, where its tail begins, and what its bytes hash to:
 *
 *      XXH3 (128 bits) over the XXH3s of every 8 MiB of it
 *
 * so that several threads can check it, as fast as the disk reads. Whatever happens to a set, a bit that
 * flips, an end that is missing, is found here, before anything is believed that stands in it. It is no
 * signature, and neither are the SHA-256s of the index: whoever can write the set can write those. A second
 * SHA-256 of all the bytes would say nothing more, and cost a processor as much as compressing them.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

#define SET_SEAL_SIZE 512U
#define SET_SEAL_HASH_SIZE 16U

typedef struct SetSeal {
        uint64_t length; /* of what is sealed: the seal begins there */
        uint64_t tail;   /* offset of the tail */
        uint8_t hash[SET_SEAL_HASH_SIZE];
} SetSeal;

/* For the writer: hashes the bytes as they go by. */
typedef struct SealHash SealHash;

int seal_hash_new(SealHash **ret);
SealHash *seal_hash_free(SealHash *h);
DEFINE_CLEANUP(SealHash *, seal_hash_free)
void seal_hash_update(SealHash *h, const void *data, size_t size);
void seal_hash_end(SealHash *h, uint64_t tail, char ret_seal[SET_SEAL_SIZE]);

/* -ENODATA: there is none; -EBADMSG: there was one; -ESPIPE where @fd cannot seek. */
int set_seal_read(int fd, SetSeal *ret);

/* Called now and then with the bytes checked so far; an error ends the check and is its result. */
typedef int (*SealProgress)(uint64_t done, void *userdata);

/* Compares the bytes. -EBADMSG: they are not those that were sealed. @progress may be NULL. */
int set_seal_verify(int fd, const SetSeal *seal, SealProgress progress, void *userdata);
