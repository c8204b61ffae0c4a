/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Index
 *
 * uthash with a key that is compared where it lies, and SipHash-1-3 with a random key over it.
 */

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "doc/doc-index.h"

static unsigned doc_key_hash(const DocKey *key);
static int doc_key_compare(const DocKey *a, const DocKey *b);

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, size, hash) ((hash) = doc_key_hash((const DocKey *) (key)))
#define HASH_KEYCMP(a, b, size) doc_key_compare((const DocKey *) (a), (const DocKey *) (b))
#define uthash_malloc(size) calloc_checked((size), 1)
#include <uthash.h>

typedef struct DocIndexEntry {
        DocKey key;
        size_t value;
        UT_hash_handle hh;
} DocIndexEntry;

struct DocIndex {
        DocIndexEntry *entries;
};

static uint64_t sip_key[2];

static void sip_key_init(void) {
        /* Without randomness it still works, only not against malice. */
        if (getrandom(sip_key, sizeof(sip_key), GRND_NONBLOCK) != (ssize_t) sizeof(sip_key))
                sip_key[0] ^= (uint64_t) getpid();
}

static uint64_t rotate(uint64_t x, unsigned n) {
        return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4]) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word) {
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
}

/* The last word has the size in its highest byte, so texts that follow each other do not run together. */
static void sip_bytes(uint64_t v[4], const void *data, size_t size) {
        const uint8_t *p = data;
        uint64_t word;

        for (size_t n = size; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
                memcpy(&word, p, sizeof(word));
                sip_word(v, word);
        }

        word = 0;
        memcpy(&word, p, size % sizeof(word));
        sip_word(v, word | (uint64_t) size << 56);
}

static const char *or_empty(const char *s) {
        return s ? s : "";
}

static unsigned doc_key_hash(const DocKey *key) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        const char *path = or_empty(key->path), *name = or_empty(key->name);
        uint64_t v[4];

        (void) pthread_once(&once, sip_key_init);

        v[0] = sip_key[0] ^ UINT64_C(0x736f6d6570736575);
        v[1] = sip_key[1] ^ UINT64_C(0x646f72616e646f6d);
        v[2] = sip_key[0] ^ UINT64_C(0x6c7967656e657261);
        v[3] = sip_key[1] ^ UINT64_C(0x7465646279746573);

        sip_bytes(v, &key->writer_id, sizeof(GUID));
        sip_bytes(v, &key->instance_id, sizeof(GUID));
        sip_bytes(v, path, strlen(path));
        sip_bytes(v, name, strlen(name));
        sip_word(v, (uint64_t) key->type);

        v[2] ^= 0xff;
        for (unsigned i = 0; i < 3; ++i)
                sip_round(v);

        return (unsigned) (v[0] ^ v[1] ^ v[2] ^ v[3]);
}

static int doc_key_compare(const DocKey *a, const DocKey *b) {
        return a->type != b->type || !guid_equal(&a->writer_id, &b->writer_id) ||
               !guid_equal(&a->instance_id, &b->instance_id) ||
               strcmp(or_empty(a->path), or_empty(b->path)) != 0 ||
               strcmp(or_empty(a->name), or_empty(b->name)) != 0;
}

DocIndex *doc_index_free(DocIndex *index) {
        DocIndexEntry *entry, *next;

        if (!index)
                return NULL;

        entry = index->entries;
        HASH_CLEAR(hh, index->entries);
        for (; entry; entry = next) {
                next = entry->hh.next;
                free(entry);
        }

        free(index);
        return NULL;
}

static DocIndexEntry *index_lookup(const DocIndex *index, const DocKey *key, unsigned hash) {
        DocIndexEntry *entry = NULL;

        if (index)
                HASH_FIND_BYHASHVALUE(hh, index->entries, key, sizeof(*key), hash, entry);

        return entry;
}

int doc_index_add(DocIndex **index, const DocKey *key, size_t value) {
        unsigned hash = doc_key_hash(key);
        DocIndexEntry *entry;

        if (!*index) {
                *index = calloc_checked(1, sizeof(**index));
                if (!*index)
                        return -ENOMEM;
        }

        if (index_lookup(*index, key, hash))
                return -EEXIST;

        entry = calloc_checked(1, sizeof(*entry));
        if (!entry)
                return -ENOMEM;

        entry->key = *key;
        entry->value = value;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, (*index)->entries, &entry->key, sizeof(entry->key), hash, entry);
        if (!entry->hh.tbl) {
                free(entry);
                return -ENOMEM;
        }

        return 0;
}

void doc_index_remove(DocIndex *index, const DocKey *key) {
        DocIndexEntry *entry = index_lookup(index, key, doc_key_hash(key));

        if (!entry)
                return;

        HASH_DEL(index->entries, entry);
        free(entry);
}

bool doc_index_find(const DocIndex *index, const DocKey *key, size_t *ret) {
        const DocIndexEntry *entry = index_lookup(index, key, doc_key_hash(key));

        if (!entry)
                return false;

        *ret = entry->value;
        return true;
}
