/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Seal
 */

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/alloc.h"
#include "tools/set-format.h"
#include "tools/set-seal.h"

#define SKIPPABLE_MAGIC 0x184D2A5EU /* one of the sixteen that zstd passes over */
#define SEAL_HEADER_SIZE 8U

#define SEAL_CHUNK_SIZE ((uint64_t) 8 * 1024 * 1024)
#define SEAL_THREADS_MAX 8

#define SEAL_FORMAT                    \
        "umbra seal 1\n"               \
        "length %020" PRIu64 "\n"      \
        "tail %020" PRIu64 "\n"        \
        "xxh3-128 %s\n"

#define SEAL_HEX_MAX (2 * SET_SEAL_HASH_SIZE + 1)

static_assert(sizeof(XXH128_canonical_t) == SET_SEAL_HASH_SIZE, "the hash is stored as it is printed");

struct SealHash {
        XXH3_state_t *chunk, *total;
        uint64_t length;
};

int seal_hash_new(SealHash **ret) {
        _cleanup_(seal_hash_freep) SealHash *h = NULL;

        h = calloc_checked(1, sizeof(*h));
        if (!h)
                return -ENOMEM;

        h->chunk = XXH3_createState();
        h->total = XXH3_createState();
        if (!h->chunk || !h->total)
                return -ENOMEM;

        (void) XXH3_128bits_reset(h->chunk);
        (void) XXH3_128bits_reset(h->total);
        *ret = TAKE_PTR(h);
        return 0;
}

SealHash *seal_hash_free(SealHash *h) {
        if (!h)
                return NULL;

        (void) XXH3_freeState(h->total);
        (void) XXH3_freeState(h->chunk);
        free(h);
        return NULL;
}

/* The hash of what went in, and begins anew. */
static void hash_end(XXH3_state_t *state, uint8_t ret[SET_SEAL_HASH_SIZE]) {
        XXH128_canonical_t hash;

        XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(state));
        memcpy(ret, &hash, sizeof(hash));
        (void) XXH3_128bits_reset(state);
}

static void seal_hash_end_chunk(SealHash *h) {
        uint8_t hash[SET_SEAL_HASH_SIZE];

        hash_end(h->chunk, hash);
        (void) XXH3_128bits_update(h->total, hash, sizeof(hash));
}

void seal_hash_update(SealHash *h, const void *data, size_t size) {
        const char *p = data;

        while (size > 0) {
                size_t n = MIN(size, (size_t) (SEAL_CHUNK_SIZE - h->length % SEAL_CHUNK_SIZE));

                (void) XXH3_128bits_update(h->chunk, p, n);
                h->length += n;
                p += n;
                size -= n;

                if (h->length % SEAL_CHUNK_SIZE == 0)
                        seal_hash_end_chunk(h);
        }
}

static void hash_to_hex(const uint8_t hash[SET_SEAL_HASH_SIZE], char hex[SEAL_HEX_MAX]) {
        for (size_t i = 0; i < SET_SEAL_HASH_SIZE; ++i)
                (void) snprintf(hex + 2 * i, 3, "%02x", hash[i]);
}

/* The one form a seal has, so that no bit of it can flip unnoticed. */
static void seal_format(const SetSeal *seal, char buffer[SET_SEAL_SIZE]) {
        char hex[SEAL_HEX_MAX];
        uint32_t magic = htole32(SKIPPABLE_MAGIC), size = htole32(SET_SEAL_SIZE - SEAL_HEADER_SIZE);
        int n;

        memset(buffer, '\n', SET_SEAL_SIZE);
        memcpy(buffer, &magic, sizeof(magic));
        memcpy(buffer + sizeof(magic), &size, sizeof(size));
        hash_to_hex(seal->hash, hex);
        n = snprintf(buffer + SEAL_HEADER_SIZE, SET_SEAL_SIZE - SEAL_HEADER_SIZE, SEAL_FORMAT, seal->length,
                     seal->tail, hex);
        buffer[SEAL_HEADER_SIZE + (unsigned) n] = '\n'; /* the NUL of snprintf() */
}

void seal_hash_end(SealHash *h, uint64_t tail, char ret_seal[SET_SEAL_SIZE]) {
        SetSeal seal = { .length = h->length, .tail = tail };

        if (h->length % SEAL_CHUNK_SIZE != 0)
                seal_hash_end_chunk(h);

        hash_end(h->total, seal.hash);
        seal_format(&seal, ret_seal);
}

/* pread() until @size or the end of the file. */
static ssize_t pread_full(int fd, char *data, size_t size, uint64_t offset) {
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(fd, data + done, size - done, (off_t) (offset + done));

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;

                done += (size_t) n;
        }

        return (ssize_t) done;
}

static int seal_parse(const char buffer[SET_SEAL_SIZE], uint64_t file_size, SetSeal *ret) {
        char text[SET_SEAL_SIZE - SEAL_HEADER_SIZE + 1], hex[SEAL_HEX_MAX], again[SET_SEAL_SIZE];
        SetSeal seal;

        memcpy(text, buffer + SEAL_HEADER_SIZE, sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';

        if (sscanf(text, "umbra seal 1 length %" SCNu64 " tail %" SCNu64 " xxh3-128 %32s", &seal.length,
                   &seal.tail, hex) != 3)
                return -ENODATA;
        if (strlen(hex) != 2 * SET_SEAL_HASH_SIZE)
                return -EBADMSG;

        for (size_t i = 0; i < SET_SEAL_HASH_SIZE; ++i)
                if (sscanf(hex + 2 * i, "%2" SCNx8, &seal.hash[i]) != 1)
                        return -EBADMSG;

        /* Whatever sscanf() forgave shows here. */
        seal_format(&seal, again);
        if (memcmp(buffer, again, SET_SEAL_SIZE) != 0 || seal.length != file_size - SET_SEAL_SIZE ||
            seal.tail > seal.length)
                return -EBADMSG;

        *ret = seal;
        return 0;
}

int set_seal_read(int fd, SetSeal *ret) {
        char buffer[SET_SEAL_SIZE];
        struct stat st;
        ssize_t n;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -ESPIPE;
        if (st.st_size < (off_t) SET_SEAL_SIZE)
                return -ENODATA;

        n = pread_full(fd, buffer, sizeof(buffer), (uint64_t) st.st_size - SET_SEAL_SIZE);
        if (n < 0)
                return (int) n;
        if (n != (ssize_t) SET_SEAL_SIZE)
                return -ENODATA;

        return seal_parse(buffer, (uint64_t) st.st_size, ret);
}

/* One verification, shared by its threads. Each takes the next chunk until there is none. */
typedef struct SealCheck {
        int fd;
        uint64_t length, n_chunks;
        uint8_t (*hashes)[SET_SEAL_HASH_SIZE];

        pthread_mutex_t lock;
        uint64_t next, done;
        int error;
        SealProgress progress;
        void *userdata;
} SealCheck;

static void seal_check_fail(SealCheck *check, int error) {
        (void) pthread_mutex_lock(&check->lock);
        if (check->error == 0)
                check->error = error;
        (void) pthread_mutex_unlock(&check->lock);
}

static bool seal_check_take(SealCheck *check, uint64_t *ret_chunk) {
        bool taken;

        (void) pthread_mutex_lock(&check->lock);
        taken = check->error == 0 && check->next < check->n_chunks;
        if (taken)
                *ret_chunk = check->next++;
        (void) pthread_mutex_unlock(&check->lock);

        return taken;
}

static void seal_check_count(SealCheck *check, uint64_t size) {
        (void) pthread_mutex_lock(&check->lock);
        check->done += size;
        if (check->progress && check->error == 0)
                check->error = check->progress(check->done, check->userdata);
        (void) pthread_mutex_unlock(&check->lock);
}

static int seal_check_chunk(SealCheck *check, uint64_t chunk, XXH3_state_t *state, char *buffer) {
        uint64_t offset = chunk * SEAL_CHUNK_SIZE, end = MIN(offset + SEAL_CHUNK_SIZE, check->length);

        while (offset < end) {
                size_t want = (size_t) MIN(end - offset, (uint64_t) SET_BLOCK_SIZE);
                ssize_t n;

                n = pread_full(check->fd, buffer, want, offset);
                if (n < 0)
                        return (int) n;
                if ((size_t) n < want)
                        return -EBADMSG; /* somebody is cutting it right now */

                (void) XXH3_128bits_update(state, buffer, want);
                offset += want;
                seal_check_count(check, want);
        }

        hash_end(state, check->hashes[chunk]);
        return 0;
}

static void *seal_check_thread(void *userdata) {
        SealCheck *check = userdata;
        _cleanup_(seal_hash_freep) SealHash *h = NULL;
        _cleanup_(freep) char *buffer = NULL;
        uint64_t chunk;
        int r;

        buffer = realloc_checked(NULL, SET_BLOCK_SIZE, 1);
        r = buffer ? seal_hash_new(&h) : -ENOMEM;
        while (r == 0 && seal_check_take(check, &chunk))
                r = seal_check_chunk(check, chunk, h->chunk, buffer);
        if (r < 0)
                seal_check_fail(check, r);

        return NULL;
}

static void seal_check_run(SealCheck *check) {
        pthread_t threads[SEAL_THREADS_MAX];
        unsigned n = 0, want = (unsigned) MAX(get_nprocs(), 1);

        want = MIN(want, (unsigned) SEAL_THREADS_MAX);
        want = (unsigned) MIN((uint64_t) want, check->n_chunks);
        while (n + 1 < want && pthread_create(&threads[n], NULL, seal_check_thread, check) == 0)
                ++n;

        (void) seal_check_thread(check);
        while (n > 0)
                (void) pthread_join(threads[--n], NULL);
}

int set_seal_verify(int fd, const SetSeal *seal, SealProgress progress, void *userdata) {
        _cleanup_(freep) uint8_t(*hashes)[SET_SEAL_HASH_SIZE] = NULL;
        SealCheck check = {
                .fd = fd,
                .length = seal->length,
                .n_chunks = (seal->length + SEAL_CHUNK_SIZE - 1) / SEAL_CHUNK_SIZE,
                .lock = PTHREAD_MUTEX_INITIALIZER,
                .progress = progress,
                .userdata = userdata,
        };
        XXH128_canonical_t total;

        hashes = calloc_checked(check.n_chunks + 1, sizeof(*hashes));
        if (!hashes)
                return -ENOMEM;

        check.hashes = hashes;
        seal_check_run(&check);
        if (check.error < 0)
                return check.error;

        XXH128_canonicalFromHash(&total, XXH3_128bits(hashes, (size_t) check.n_chunks * sizeof(*hashes)));
        return memcmp(&total, seal->hash, sizeof(total)) == 0 ? 0 : -EBADMSG;
}
