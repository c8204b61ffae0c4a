/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ranges
 *
 * Writers of real programs put blanks where they like, and one comma too many at the end.
 */

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "base/ranges.h"

#define BLANKS " \t\r\n"
#define FILE_PREFIX "File="

static int digit_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;

        return -EINVAL;
}

/* Moves *@p behind the number and the blanks around it. */
static int parse_number(const char **p, uint64_t *ret) {
        unsigned base = 10;
        uint64_t v = 0;
        const char *s = *p, *first;

        s += strspn(s, BLANKS);
        if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
                base = 16;
                s += 2;
        }

        for (first = s;; ++s) {
                int d = digit_value(*s);

                if (d < 0 || (unsigned) d >= base)
                        break;
                if (v > (UINT64_MAX - (unsigned) d) / base)
                        return -EINVAL;

                v = v * base + (unsigned) d;
        }
        if (s == first)
                return -EINVAL;

        *p = s + strspn(s, BLANKS);
        *ret = v;
        return 0;
}

static int parse_range(const char **p, ByteRange *ret) {
        ByteRange range;
        int r;

        r = parse_number(p, &range.offset);
        if (r < 0)
                return r;

        if (*(*p)++ != ':')
                return -EINVAL;

        r = parse_number(p, &range.length);
        if (r < 0)
                return r;
        if (range.length > UINT64_MAX - range.offset)
                return -EINVAL;

        *ret = range;
        return 0;
}

int ranges_parse(const char *s, ByteRange **ret, size_t *ret_n) {
        _cleanup_(freep) ByteRange *ranges = NULL;
        size_t n = 0, capacity = 0;
        int r;

        do {
                if (n >= RANGES_MAX)
                        return -EINVAL;

                r = ARRAY_RESERVE(ranges, capacity, n + 1);
                if (r < 0)
                        return r;

                r = parse_range(&s, &ranges[n]);
                if (r < 0)
                        return r;

                ++n;
                if (*s != ',')
                        break;

                ++s;
        } while (s[strspn(s, BLANKS)]);

        if (s[strspn(s, BLANKS)])
                return -EINVAL;

        *ret = TAKE_PTR(ranges);
        *ret_n = n;
        return 0;
}

bool ranges_are_in_file(const char *s, const char **ret) {
        if (strncasecmp(s, FILE_PREFIX, strlen(FILE_PREFIX)) == 0)
                s += strlen(FILE_PREFIX);
        else if (!strpbrk(s, "/\\"))
                return false;

        if (ret)
                *ret = s;
        return *s;
}

int ranges_parse_file(const void *data, size_t size, ByteRange **ret, size_t *ret_n) {
        _cleanup_(freep) ByteRange *ranges = NULL;
        const uint8_t *bytes = data;
        uint64_t n, pair[2];

        if (size < sizeof(n))
                return -EINVAL;

        memcpy(&n, bytes, sizeof(n));
        n = le64toh(n);
        if (n > RANGES_MAX || size != sizeof(n) + n * sizeof(pair))
                return -EINVAL;

        ranges = calloc_checked(n + 1, sizeof(*ranges));
        if (!ranges)
                return -ENOMEM;

        for (uint64_t i = 0; i < n; ++i) {
                memcpy(pair, bytes + sizeof(n) + i * sizeof(pair), sizeof(pair));
                ranges[i] = (ByteRange){ le64toh(pair[0]), le64toh(pair[1]) };
                if (ranges[i].length > UINT64_MAX - ranges[i].offset)
                        return -EINVAL;
        }

        *ret = TAKE_PTR(ranges);
        *ret_n = (size_t) n;
        return 0;
}

static int compare_ranges(const void *a, const void *b) {
        const ByteRange *x = a, *y = b;

        return (x->offset > y->offset) - (x->offset < y->offset);
}

size_t ranges_merge(ByteRange *ranges, size_t n, uint64_t end) {
        size_t k = 0;

        if (n > 1)
                qsort(ranges, n, sizeof(*ranges), compare_ranges);

        for (size_t i = 0; i < n; ++i) {
                uint64_t offset = MIN(ranges[i].offset, end);
                uint64_t limit = MIN(ranges[i].offset + ranges[i].length, end);

                if (offset == limit)
                        continue;
                if (k > 0 && offset <= ranges[k - 1].offset + ranges[k - 1].length) {
                        limit = MAX(limit, ranges[k - 1].offset + ranges[k - 1].length);
                        ranges[k - 1].length = limit - ranges[k - 1].offset;
                } else
                        ranges[k++] = (ByteRange){ offset, limit - offset };
        }

        return k;
}
