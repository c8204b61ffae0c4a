/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Time
 *
 * Conversions that neither overflow nor depend on locale or time zone: what is printed here ends up in
 * documents, logs and tests.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/time-util.h"

#define NSEC_PER_FILETIME 100
#define FILETIME_PER_USEC 10
#define FILETIME_PER_SEC 10000000

/* From 1601-01-01 to 1970-01-01, in seconds. */
#define FILETIME_EPOCH_SEC INT64_C(11644473600)

usec_t now_usec(clockid_t clock) {
        struct timespec ts;
        int r;

        r = clock_gettime(clock, &ts);
        assert(r == 0);
        (void) r;

        return usec_from_timespec(&ts);
}

usec_t usec_add(usec_t a, usec_t b) {
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

usec_t usec_from_timespec(const struct timespec *ts) {
        if (ts->tv_sec < 0)
                return 0;
        if ((usec_t) ts->tv_sec > USEC_INFINITY / USEC_PER_SEC)
                return USEC_INFINITY;

        return usec_add((usec_t) ts->tv_sec * USEC_PER_SEC, (usec_t) ts->tv_nsec / NSEC_PER_USEC);
}

struct timespec timespec_from_usec(usec_t t) {
        return (struct timespec) {
                .tv_sec = (time_t) (t / USEC_PER_SEC),
                .tv_nsec = (long) (t % USEC_PER_SEC * NSEC_PER_USEC),
        };
}

int64_t filetime_from_timespec(const struct timespec *ts) {
        int64_t sec, filetime;

        if (__builtin_add_overflow((int64_t) ts->tv_sec, FILETIME_EPOCH_SEC, &sec) ||
            __builtin_mul_overflow(sec, (int64_t) FILETIME_PER_SEC, &filetime) ||
            __builtin_add_overflow(filetime, (int64_t) ts->tv_nsec / NSEC_PER_FILETIME, &filetime))
                return ts->tv_sec < 0 ? 0 : INT64_MAX;

        return MAX(filetime, (int64_t) 0);
}

int64_t filetime_from_usec(usec_t realtime) {
        struct timespec ts = timespec_from_usec(realtime);

        return filetime_from_timespec(&ts);
}

usec_t usec_from_filetime(int64_t filetime) {
        int64_t usec = filetime / FILETIME_PER_USEC - FILETIME_EPOCH_SEC * (int64_t) USEC_PER_SEC;

        return usec < 0 ? 0 : (usec_t) usec;
}

char *timestamp_to_string(usec_t realtime, char buffer[TIMESTAMP_STRING_MAX]) {
        time_t sec = (time_t) (realtime / USEC_PER_SEC);
        struct tm tm;

        if (realtime == USEC_INFINITY || !gmtime_r(&sec, &tm) ||
            strftime(buffer, TIMESTAMP_STRING_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                (void) snprintf(buffer, TIMESTAMP_STRING_MAX, "never");

        return buffer;
}

char *instant_to_string(usec_t realtime, char buffer[TIMESTAMP_STRING_MAX]) {
        time_t sec = (time_t) (realtime / USEC_PER_SEC);
        struct tm tm;
        size_t n = 0;

        if (realtime != USEC_INFINITY && gmtime_r(&sec, &tm))
                n = strftime(buffer, TIMESTAMP_STRING_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
        if (n == 0)
                (void) snprintf(buffer, TIMESTAMP_STRING_MAX, "never");
        else
                (void) snprintf(buffer + n, TIMESTAMP_STRING_MAX - n, ".%06uZ", (unsigned) (realtime % USEC_PER_SEC));

        return buffer;
}

int instant_from_string(const char *s, usec_t *ret) {
        char again[TIMESTAMP_STRING_MAX];
        struct tm tm = { 0 };
        unsigned usec;
        time_t sec;

        if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d.%6uZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
                   &usec) != 7)
                return -EINVAL;
        tm.tm_year -= 1900;
        --tm.tm_mon;
        sec = timegm(&tm);
        if (sec < 0)
                return -EINVAL;

        *ret = (usec_t) sec * USEC_PER_SEC + usec;
        return strcmp(instant_to_string(*ret, again), s) == 0 ? 0 : -EINVAL;
}

char *span_to_string(usec_t span, char buffer[SPAN_STRING_MAX]) {
        const usec_t minute = 60 * USEC_PER_SEC, hour = 60 * minute;

        /* Integers only: "%f" would print what the program's locale takes for a point. */
        if (span == USEC_INFINITY)
                (void) snprintf(buffer, SPAN_STRING_MAX, "forever");
        else if (span < USEC_PER_MSEC)
                (void) snprintf(buffer, SPAN_STRING_MAX, "%" PRIu64 " µs", span);
        else if (span < USEC_PER_SEC)
                (void) snprintf(buffer, SPAN_STRING_MAX, "%" PRIu64 ".%03" PRIu64 " ms",
                                span / USEC_PER_MSEC, span % USEC_PER_MSEC);
        else if (span < minute)
                (void) snprintf(buffer, SPAN_STRING_MAX, "%" PRIu64 ".%" PRIu64 " s", span / USEC_PER_SEC,
                                span % USEC_PER_SEC / (USEC_PER_SEC / 10));
        else if (span < hour)
                (void) snprintf(buffer, SPAN_STRING_MAX, "%" PRIu64 " min %" PRIu64 " s", span / minute,
                                span % minute / USEC_PER_SEC);
        else
                (void) snprintf(buffer, SPAN_STRING_MAX, "%" PRIu64 " h %" PRIu64 " min", span / hour,
                                span % hour / minute);

        return buffer;
}
