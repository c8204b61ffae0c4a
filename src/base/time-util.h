/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Time
 *
 * One unit in the tree: microseconds. FILETIME (100 ns since 1601, UTC) exists at the API edge only.
 */

#include <stdint.h>
#include <time.h>

#include <wintypes.h>

typedef uint64_t usec_t;

#define USEC_INFINITY UINT64_MAX
#define USEC_PER_MSEC ((usec_t) 1000)
#define USEC_PER_SEC ((usec_t) 1000000)
#define NSEC_PER_USEC 1000U

usec_t now_usec(clockid_t clock);
usec_t usec_add(usec_t a, usec_t b); /* saturates at USEC_INFINITY */
usec_t usec_from_timespec(const struct timespec *ts); /* before the clock's start: 0 */
struct timespec timespec_from_usec(usec_t t);

/* All saturate: nothing before 1601 (0), nothing after what 63 bits hold (INT64_MAX, in the year 30828). */
int64_t filetime_from_usec(usec_t realtime); /* the 64-bit number, as VSS_TIMESTAMP */
usec_t usec_from_filetime(int64_t filetime); /* before 1970: 0 */
int64_t filetime_from_timespec(const struct timespec *ts);

#define TIMESTAMP_STRING_MAX 32U
/* "2026-03-01 12:00:00 UTC"; "never" for USEC_INFINITY */
char *timestamp_to_string(usec_t realtime, char buffer[TIMESTAMP_STRING_MAX]);
/* "2026-03-01T12:00:00.000000Z", as XML has it; "never" for USEC_INFINITY */
char *instant_to_string(usec_t realtime, char buffer[TIMESTAMP_STRING_MAX]);
/* Exactly that, from 1970 on; -EINVAL: it is something else. */
int instant_from_string(const char *s, usec_t *ret);
#define SPAN_STRING_MAX 32U
/* "850 µs", "1.234 ms", "12.0 s", "2 min 5 s", "3 h 20 min", "forever": for people. */
char *span_to_string(usec_t span, char buffer[SPAN_STRING_MAX]);
