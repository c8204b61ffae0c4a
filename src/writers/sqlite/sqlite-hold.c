/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Holding Many Databases
 *
 * The rounds that are described at databases_hold().
 */

#include <errno.h>

#include "writers/sqlite/sqlite-database.h"

/* What a held database's writers wait for another database, in the first round. It doubles with each round,
 * so that many busy databases are got in the end. */
#define PATIENCE_FIRST_USEC (20 * USEC_PER_MSEC)

void databases_release(Database *const *databases, size_t n) {
        for (size_t i = 0; i < n; ++i)
                database_release(databases[i]);
}

/* All but @first, which is held. On failure *ret_culprit is the index. */
static int hold_others(Database *const *databases,
                       size_t n,
                       size_t first,
                       usec_t deadline,
                       size_t *ret_culprit) {
        for (size_t i = 0; i < n; ++i) {
                int r;

                if (i == first)
                        continue;

                r = database_hold(databases[i], deadline);
                if (r < 0) {
                        *ret_culprit = i;
                        return r;
                }
        }

        return 0;
}

int databases_hold(Database *const *databases, size_t n, usec_t deadline, Database **ret_culprit) {
        usec_t patience = PATIENCE_FIRST_USEC;
        size_t first = 0;

        if (n == 0)
                return 0;

        for (;;) {
                size_t culprit = first;
                usec_t now;
                int r;

                r = database_hold(databases[first], deadline);
                now = now_usec(CLOCK_MONOTONIC);
                if (r >= 0)
                        r = hold_others(databases, n, first, MIN(deadline, usec_add(now, patience)),
                                        &culprit);
                if (r >= 0)
                        return 0;

                databases_release(databases, n);
                if (r != -EBUSY || culprit == first || now_usec(CLOCK_MONOTONIC) >= deadline) {
                        *ret_culprit = databases[culprit];
                        return r;
                }

                first = culprit;
                patience *= 2;
        }
}
