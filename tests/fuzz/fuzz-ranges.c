/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fuzzing Ranges
 *
 * The input is both: the text of a list of ranges, and what stands in a ranges file. Every range that is
 * taken ends within 64 bits; merging them keeps exactly the bytes that were meant.
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/ranges.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true) {
        if (!is_true)
                abort();
}

static bool covers(const ByteRange *ranges, size_t n, uint64_t byte) {
        for (size_t i = 0; i < n; ++i)
                if (byte >= ranges[i].offset && byte - ranges[i].offset < ranges[i].length)
                        return true;

        return false;
}

/* The edges of all ranges are where the two could differ. */
static void check_same_bytes(const ByteRange *before,
                             size_t n,
                             const ByteRange *after,
                             size_t k,
                             uint64_t end) {
        for (size_t i = 0; i < n; ++i) {
                const uint64_t edges[] = {
                        before[i].offset - 1,
                        before[i].offset,
                        before[i].offset + before[i].length - 1,
                        before[i].offset + before[i].length,
                };

                for (size_t e = 0; e < ELEMENTSOF(edges); ++e)
                        check(covers(after, k, edges[e]) == (edges[e] < end && covers(before, n, edges[e])));
        }
}

static void check_merged(const ByteRange *ranges, size_t n, uint64_t end) {
        _cleanup_(freep) ByteRange *merged = calloc(n ?: 1, sizeof(*merged));
        size_t k;

        check(merged);
        if (n > 0)
                memcpy(merged, ranges, n * sizeof(*merged));

        k = ranges_merge(merged, n, end);
        check(k <= n);
        for (size_t i = 0; i < k; ++i) {
                check(merged[i].length > 0);
                check(merged[i].offset < end && merged[i].length <= end - merged[i].offset);
                check(i == 0 || merged[i].offset > merged[i - 1].offset + merged[i - 1].length);
        }

        if (n <= 64)
                check_same_bytes(ranges, n, merged, k, end);
}

static void check_ranges(const ByteRange *ranges, size_t n) {
        check(n <= RANGES_MAX);
        for (size_t i = 0; i < n; ++i)
                check(ranges[i].length <= UINT64_MAX - ranges[i].offset);

        check_merged(ranges, n, UINT64_MAX);
        check_merged(ranges, n, 0);
        check_merged(ranges, n, n > 0 ? ranges[n / 2].offset + ranges[n / 2].length / 2 : 4096);
}

static void check_text(const char *text) {
        _cleanup_(freep) ByteRange *ranges = NULL, *again = NULL;
        _cleanup_(freep) char *written = NULL;
        size_t n, n_again, size;
        FILE *f;
        int r;

        r = ranges_parse(text, &ranges, &n);
        check(r == 0 || r == -22);
        if (r < 0)
                return;

        check_ranges(ranges, n);
        f = open_memstream(&written, &size);
        check(f);
        for (size_t i = 0; i < n; ++i)
                fprintf(f, "%s%" PRIu64 ":%#" PRIx64, i ? ", " : "", ranges[i].offset, ranges[i].length);
        check(fclose(f) == 0);
        if (n == 0)
                return;

        check(ranges_parse(written, &again, &n_again) == 0 && n == n_again);
        check(memcmp(ranges, again, n * sizeof(*ranges)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *text = strndup((const char *) data, size);
        _cleanup_(freep) ByteRange *ranges = NULL;
        const char *path = NULL;
        size_t n;
        int r;

        check(text);
        check_text(text);
        if (ranges_are_in_file(text, &path))
                check(path >= text && path < text + strlen(text));

        r = ranges_parse_file(data, size, &ranges, &n);
        check(r == 0 || r == -22);
        if (r == 0) {
                check(size == 8 + 16 * n);
                check_ranges(ranges, n);
        }

        return 0;
}
