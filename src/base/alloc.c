/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Allocation
 *
 * The only place of the house that calls malloc's family, so that sizes are checked once and a test can let
 * any single allocation fail. What is handed out belongs to free().
 */

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macro.h"

/* Allocations still to succeed before the one that fails; negative: none will be failed. */
static atomic_long fault_countdown = -1;

void fault_fail_allocation(unsigned n) {
        atomic_store(&fault_countdown, (long) n);
}

void fault_clear(void) {
        atomic_store(&fault_countdown, -1);
}

static bool fault_is_due(void) {
        if (atomic_load_explicit(&fault_countdown, memory_order_relaxed) < 0)
                return false;

        return atomic_fetch_sub(&fault_countdown, 1) == 0;
}

void *calloc_checked(size_t n, size_t size) {
        size_t total;

        if (fault_is_due() || __builtin_mul_overflow(n, size, &total))
                return NULL;

        return calloc(1, MAX(total, (size_t) 1)); /* so that NULL always means that it failed */
}

void *realloc_checked(void *p, size_t n, size_t size) {
        size_t total;

        if (fault_is_due() || __builtin_mul_overflow(n, size, &total))
                return NULL;

        return realloc(p, MAX(total, (size_t) 1));
}

int array_reserve(void *array, size_t *capacity, size_t n, size_t size) {
        size_t room, old = *capacity;
        void *p;

        assert(size > 0);

        if (n <= old)
                return 0;

        /* Doubling must not be what overflows: then exactly what is asked for has to do. */
        room = old <= SIZE_MAX / 2 ? MAX(n, old * 2) : n;

        memcpy(&p, array, sizeof(p));
        p = realloc_checked(p, room, size);
        if (!p)
                return -ENOMEM;

        memset((char *) p + old * size, 0, (room - old) * size);
        memcpy(array, &p, sizeof(p));
        *capacity = room;
        return 0;
}

int strdup_to(const char *s, char **ret) {
        char *copy = NULL;

        if (s) {
                size_t size = strlen(s) + 1;

                copy = calloc_checked(size, 1);
                if (!copy)
                        return -ENOMEM;

                memcpy(copy, s, size);
        }

        *ret = copy;
        return 0;
}

int free_and_strdup(char **dest, const char *s) {
        char *copy;
        int r;

        r = strdup_to(s, &copy);
        if (r < 0)
                return r;

        free(*dest);
        *dest = copy;
        return 0;
}

int format_to(char **ret, const char *format, ...) {
        va_list ap;
        char *s;
        int n;

        if (fault_is_due())
                return -ENOMEM;

        va_start(ap, format);
        n = vasprintf(&s, format, ap);
        va_end(ap);
        if (n < 0)
                return -ENOMEM;

        *ret = s;
        return 0;
}
