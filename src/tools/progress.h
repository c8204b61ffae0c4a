/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Progress
 *
 * On a terminal a bar that is redrawn in place; elsewhere a plain line at each tenth, so that a log stays readable. On stderr, and not at all with --quiet.
 */

#include <stdint.h>

/* @total: bytes in all; 0: not known (no percentage then). @what: "Saving", "Restoring". One at a time. */
void progress_begin(const char *what, uint64_t total);
/* Of what has no bytes: thousandths are set. */
void progress_begin_share(const char *what);
void progress_set(uint64_t done);
void progress_add(uint64_t more);
void progress_total(uint64_t total); /* it has become known */
void progress_end(void);             /* clears the bar, or says how much it was and how fast */
