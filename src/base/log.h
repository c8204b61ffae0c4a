/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Log
 *
 * Programs log, libraries return. Lines go to the journal where stderr is connected to it ($JOURNAL_STREAM)
 * with structured fields, to stderr else. While anything is frozen, log_hold() keeps lines in a fixed ring
 * in memory; log_release() writes them. %m is the error given to the _errno variants.
 *
 *         log_error_errno(r, "Failed to open '%s', refusing: %m", path);
 */

#include <errno.h>
#include <stdbool.h>
#include <syslog.h>

/* Also reads $UMBRA_LOG_LEVEL (err, warning, notice, info, debug); default info. @identifier must stay. */
void log_open(const char *identifier);
void log_set_max_level(int level);
/* Holds nest; the last release writes what was held, in order, each line with the time it was logged at. */
void log_hold(void);
void log_release(void);

int log_internal(int level, int error, const char *file, int line, const char *format, ...)
        __attribute__((format(printf, 5, 6)));

/* Each returns -|error|, so that "return log_error_errno(r, …)" reads well; without errno they return 0. */
#define log_full_errno(level, error, ...) log_internal((level), (error), __FILE__, __LINE__, __VA_ARGS__)
#define log_error_errno(error, ...) log_full_errno(LOG_ERR, (error), __VA_ARGS__)
#define log_warning_errno(error, ...) log_full_errno(LOG_WARNING, (error), __VA_ARGS__)
#define log_debug_errno(error, ...) log_full_errno(LOG_DEBUG, (error), __VA_ARGS__)
#define log_error(...) ((void) log_full_errno(LOG_ERR, 0, __VA_ARGS__))
#define log_warning(...) ((void) log_full_errno(LOG_WARNING, 0, __VA_ARGS__))
#define log_notice(...) ((void) log_full_errno(LOG_NOTICE, 0, __VA_ARGS__))
#define log_info(...) ((void) log_full_errno(LOG_INFO, 0, __VA_ARGS__))
#define log_debug(...) ((void) log_full_errno(LOG_DEBUG, 0, __VA_ARGS__))
