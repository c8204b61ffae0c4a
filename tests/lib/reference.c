/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Rows of the Reference
 */

#include "lib/reference.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd-util.h"
#include "base/hresult.h"
#include "lib/test-util.h"

#define LINE_BYTES 512U

/* One write() a line: many tests, and their threads, append to the file at the same time. */
static void note(const char *table, const char *iface, const char *method, const char *key) {
        const char *path = getenv("UMBRA_REFERENCE_LOG");
        _cleanup_(closep) int fd = -EBADF;
        char line[LINE_BYTES];
        int n;

        if (!path)
                return;

        n = snprintf(line, sizeof(line), "%s\t%s\t%s\t%s\n", table, iface, method, key);
        assert_in_range(n, 1, sizeof(line) - 1);

        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0 || write(fd, line, (size_t) n) != n)
                fail_msg("cannot append to the reference log %s", path);
}

void reference_assert_returned(const char *iface,
                               const char *method,
                               const char *symbol,
                               HRESULT expected,
                               HRESULT actual,
                               const char *file,
                               int line) {
        if (actual != expected) {
                print_error("%s::%s() returned %s (0x%08x) instead of %s\n", iface, method,
                            hresult_name(actual), (unsigned) actual, symbol);
                _fail(file, line);
        }

        note("returns", iface, method, symbol);
}

void reference_reach_return(const char *iface, const char *method, const char *symbol) {
        note("returns", iface, method, symbol);
}

void reference_reach_rule(const char *iface, const char *method, const char *part) {
        note("preconditions", iface, method, part);
}
