/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which Blocks of a Thin Pool Are in Which Volumes
 */

#include "providers/lvm/lvm-blocks.h"

#include <errno.h>
#include <libxml/parser.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define BLOCKS_MAX (UINT64_C(1) << 30) /* of 64 KiB, which is the least: 64 TiB */
#define SHARED_RANGES_MAX ((size_t) 1 << 25)
#define PIECE_MAX ((size_t) 1 << 20)
#define NUMBER_MAX 24U
#define SECTOR_SIZE 512U

enum {
        IN_SNAPSHOTS = 1 << 0,
        IN_OTHERS = 1 << 1,
};

typedef struct Range {
        uint64_t begin, n;
} Range;

/* What a def has. */
typedef struct Shared {
        uint64_t name;
        size_t first, n; /* of the ranges */
} Shared;

struct LvmBlocks {
        xmlParserCtxt *ctxt;
        int r; /* the first failure */

        const uint64_t *ids;
        size_t n_ids;

        uint8_t whose; /* the mappings that come now; 0: of nobody yet */
        bool in_shared;
        uint64_t block_size; /* bytes */

        uint8_t *marks; /* one of each block */
        size_t marks_room;
        Range *ranges;
        size_t n_ranges, ranges_room;
        Shared *shared;
        size_t n_shared, shared_room;
        bool sorted;
};

typedef struct Attributes {
        const xmlChar **items; /* five for each: name, prefix, URI, where its value begins and ends */
        size_t n;
} Attributes;

static int number_of(const Attributes *a, const char *name, uint64_t *ret) {
        for (size_t i = 0; i < a->n; ++i) {
                const char *begin = (const char *) a->items[5 * i + 3], *end = (const char *) a->items[5 * i + 4];
                char text[NUMBER_MAX], *stop;
                size_t size = (size_t) (end - begin);

                if (strcmp((const char *) a->items[5 * i], name) != 0)
                        continue;
                if (size == 0 || size >= sizeof(text) || begin[0] < '0' || begin[0] > '9')
                        return -EBADMSG;

                memcpy(text, begin, size);
                text[size] = '\0';
                errno = 0;
                *ret = strtoull(text, &stop, 10);
                return errno != 0 || *stop ? -EBADMSG : 0;
        }

        return -EBADMSG;
}

static int mark(LvmBlocks *b, const Range *range) {
        int r;

        if (range->n > BLOCKS_MAX || range->begin > BLOCKS_MAX - range->n)
                return -E2BIG;

        r = ARRAY_RESERVE(b->marks, b->marks_room, range->begin + range->n);
        for (uint64_t i = 0; i < range->n && r >= 0; ++i)
                b->marks[range->begin + i] |= b->whose;
        return r;
}

static int take(LvmBlocks *b, Range range) {
        int r;

        if (!b->in_shared)
                return b->whose != 0 ? mark(b, &range) : -EBADMSG;
        if (b->n_ranges == SHARED_RANGES_MAX)
                return -E2BIG;

        r = ARRAY_RESERVE(b->ranges, b->ranges_room, b->n_ranges + 1);
        if (r < 0)
                return r;

        b->ranges[b->n_ranges++] = range;
        b->shared[b->n_shared - 1].n++;
        return 0;
}

static int on_superblock(LvmBlocks *b, const Attributes *a) {
        uint64_t sectors;
        int r;

        r = number_of(a, "data_block_size", &sectors);
        if (r >= 0 && (sectors == 0 || sectors > UINT32_MAX))
                r = -EBADMSG;
        if (r >= 0)
                b->block_size = sectors * SECTOR_SIZE;
        return r;
}

static int on_device(LvmBlocks *b, const Attributes *a) {
        uint64_t id;
        int r;

        r = number_of(a, "dev_id", &id);
        if (r < 0)
                return r;

        b->whose = IN_OTHERS;
        for (size_t i = 0; i < b->n_ids; ++i)
                if (b->ids[i] == id)
                        b->whose = IN_SNAPSHOTS;
        return 0;
}

static int on_single_mapping(LvmBlocks *b, const Attributes *a) {
        Range range = { .n = 1 };
        int r;

        r = number_of(a, "data_block", &range.begin);
        return r < 0 ? r : take(b, range);
}

static int on_range_mapping(LvmBlocks *b, const Attributes *a) {
        Range range;
        int r;

        r = number_of(a, "data_begin", &range.begin);
        if (r >= 0)
                r = number_of(a, "length", &range.n);
        return r < 0 ? r : take(b, range);
}

static int on_def(LvmBlocks *b, const Attributes *a) {
        Shared shared = { .first = b->n_ranges };
        int r;

        if (b->in_shared)
                return -EBADMSG;

        r = number_of(a, "name", &shared.name);
        if (r >= 0)
                r = ARRAY_RESERVE(b->shared, b->shared_room, b->n_shared + 1);
        if (r < 0)
                return r;

        b->shared[b->n_shared++] = shared;
        b->in_shared = true;
        b->sorted = false;
        return 0;
}

static int compare_names(const void *a, const void *b) {
        const Shared *x = a, *y = b;

        return x->name < y->name ? -1 : x->name > y->name;
}

static int on_ref(LvmBlocks *b, const Attributes *a) {
        Shared key, *found;
        int r;

        if (b->in_shared || b->n_shared == 0)
                return -EBADMSG;

        r = number_of(a, "name", &key.name);
        if (r < 0)
                return r;

        if (!b->sorted) /* all of them come before the first device */
                qsort(b->shared, b->n_shared, sizeof(*b->shared), compare_names);
        b->sorted = true;

        found = bsearch(&key, b->shared, b->n_shared, sizeof(*b->shared), compare_names);
        if (!found)
                return -EBADMSG;
        for (size_t i = 0; i < found->n && r >= 0; ++i)
                r = take(b, b->ranges[found->first + i]);
        return r;
}

static const struct {
        const char *name;
        int (*begin)(LvmBlocks *b, const Attributes *a);
} elements[] = {
        { "superblock",     on_superblock     },
        { "device",         on_device         },
        { "single_mapping", on_single_mapping },
        { "range_mapping",  on_range_mapping  },
        { "def",            on_def            },
        { "ref",            on_ref            },
};

static void fail(LvmBlocks *b, int r) {
        if (b->r >= 0)
                b->r = r;
        xmlStopParser(b->ctxt);
}

static void on_start(void *userdata,
                     const xmlChar *name,
                     const xmlChar *prefix,
                     const xmlChar *uri,
                     int n_namespaces,
                     const xmlChar **namespaces,
                     int n_attributes,
                     int n_defaulted,
                     const xmlChar **attributes) {
        const Attributes a = { .items = attributes, .n = (size_t) n_attributes };
        LvmBlocks *b = userdata;
        int r = -EBADMSG; /* what it means cannot be known */

        for (size_t i = 0; i < ELEMENTSOF(elements); ++i)
                if (strcmp((const char *) name, elements[i].name) == 0)
                        r = elements[i].begin(b, &a);
        if (r < 0)
                fail(b, r);
}

static void on_end(void *userdata, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
        LvmBlocks *b = userdata;

        if (strcmp((const char *) name, "device") == 0)
                b->whose = 0;
        else if (strcmp((const char *) name, "def") == 0)
                b->in_shared = false;
}

static void on_dtd(void *userdata, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id) {
        fail(userdata, -EBADMSG);
}

static void on_error(void *userdata, xmlErrorPtr error) {
        if (error && error->level >= XML_ERR_ERROR)
                fail(userdata, error->code == XML_ERR_NO_MEMORY ? -ENOMEM : -EBADMSG);
}

static void xml_init(void) {
        xmlInitParser();
}

int lvm_blocks_new(const uint64_t *ids, size_t n, LvmBlocks **ret) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        static const xmlSAXHandler handler = {
                .initialized = XML_SAX2_MAGIC,
                .startElementNs = on_start,
                .endElementNs = on_end,
                .internalSubset = on_dtd,
                .externalSubset = on_dtd,
                .serror = on_error,
        };
        LvmBlocks *b;

        (void) pthread_once(&once, xml_init);
        b = calloc_checked(1, sizeof(*b));
        if (!b)
                return -ENOMEM;

        b->ids = ids;
        b->n_ids = n;
        b->ctxt = xmlCreatePushParserCtxt((xmlSAXHandler *) (uintptr_t) &handler, b, NULL, 0, NULL);
        if (!b->ctxt) {
                free(b);
                return -ENOMEM;
        }

        /* XML_PARSE_HUGE: a pool has many blocks. */
        (void) xmlCtxtUseOptions(b->ctxt, XML_PARSE_NONET | XML_PARSE_HUGE);
        *ret = b;
        return 0;
}

LvmBlocks *lvm_blocks_free(LvmBlocks *b) {
        if (!b)
                return NULL;

        xmlFreeParserCtxt(b->ctxt);
        free(b->marks);
        free(b->ranges);
        free(b->shared);
        free(b);
        return NULL;
}

int lvm_blocks_feed(LvmBlocks *b, const char *text, size_t size) {
        while (size > 0 && b->r >= 0) {
                size_t n = MIN(size, PIECE_MAX);

                (void) xmlParseChunk(b->ctxt, text, (int) n, 0);
                text += n;
                size -= n;
        }

        return b->r;
}

int lvm_blocks_count(LvmBlocks *b, uint64_t *ret_bytes) {
        uint64_t n = 0;

        if (b->r >= 0)
                (void) xmlParseChunk(b->ctxt, NULL, 0, 1);
        if (b->r >= 0 && b->block_size == 0)
                b->r = -EBADMSG;
        if (b->r < 0)
                return b->r;

        for (size_t i = 0; i < b->marks_room; ++i)
                n += b->marks[i] == IN_SNAPSHOTS;
        *ret_bytes = n * b->block_size;
        return 0;
}
