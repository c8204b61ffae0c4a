/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Log
 *
 * A log line may wait for a disk: journald writes to one, stderr may be a file on one. While umbra holds a
 * disk frozen that would be the end, so lines then stay here, in memory that was there from the start. When
 * the memory is full, the newest lines are dropped and counted: the first ones say what went wrong, the
 * others what followed.
 *
 * Times are the business of whoever reads stderr (journald, a container runtime, ts), and he takes the time
 * of arrival; so only lines that were held carry their own.
 *
 * Rule for this file: between log_hold() and log_release() nothing is allocated, opened or written.
 */

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <systemd/sd-journal.h>

#include "base/fd-util.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/time-util.h"

#define LINE_SIZE 2048U
#define HELD_LINE_SIZE 512U
#define HELD_LINES 256U

typedef struct Line {
        int level;
        int error; /* positive; 0: none */
        const char *file;
        int line;
        usec_t realtime; /* 0: now */
} Line;

typedef struct HeldLine {
        Line line;
        char message[HELD_LINE_SIZE];
} HeldLine;

static struct {
        pthread_mutex_t mutex;
        const char *identifier;
        bool journal;
        int max_level;
        unsigned holds;
        HeldLine held[HELD_LINES];
        unsigned n_held, n_dropped;
} the_log = {
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .max_level = LOG_INFO,
};

static const char *const level_table[] = {
        [LOG_EMERG] = "emerg",
        [LOG_ALERT] = "alert",
        [LOG_CRIT] = "crit",
        [LOG_ERR] = "err",
        [LOG_WARNING] = "warning",
        [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info",
        [LOG_DEBUG] = "debug",
};

static int level_from_string(const char *s) {
        for (size_t i = 0; i < ELEMENTSOF(level_table); ++i)
                if (strcmp(level_table[i], s) == 0)
                        return (int) i;

        return -EINVAL;
}

/* systemd sets $JOURNAL_STREAM to device and inode of what it connected to the journal. A child may have got
 * another stderr since, but the variable all the same. */
static bool stderr_is_journal(void) {
        const char *stream = secure_getenv("JOURNAL_STREAM");
        unsigned long long dev, ino;
        struct stat st;

        if (!stream || sscanf(stream, "%llu:%llu", &dev, &ino) != 2)
                return false;
        if (fstat(STDERR_FILENO, &st) < 0)
                return false;

        return st.st_dev == dev && st.st_ino == ino;
}

void log_open(const char *identifier) {
        const char *name = secure_getenv("UMBRA_LOG_LEVEL");
        int level = name ? level_from_string(name) : LOG_INFO;

        pthread_mutex_lock(&the_log.mutex);
        the_log.identifier = identifier;
        the_log.journal = stderr_is_journal();
        the_log.max_level = level < 0 ? LOG_INFO : level;
        pthread_mutex_unlock(&the_log.mutex);

        if (level < 0)
                log_warning("Unknown log level '%s' in $UMBRA_LOG_LEVEL, using 'info'", name);
}

void log_set_max_level(int level) {
        pthread_mutex_lock(&the_log.mutex);
        the_log.max_level = level;
        pthread_mutex_unlock(&the_log.mutex);
}

static const char *log_identifier(void) {
        return the_log.identifier ? the_log.identifier : program_invocation_short_name;
}

static int write_to_journal(const Line *line, const char *message) {
        char code_file[512], code_line[32], priority[32], error[32], held[64], identifier[128];
        char text[LINE_SIZE + sizeof("MESSAGE=")];
        struct iovec iov[7];
        int n = 0;

#define FIELD(buffer, ...)                                                                    \
        do {                                                                                  \
                (void) snprintf((buffer), sizeof(buffer), __VA_ARGS__);                       \
                iov[n++] = (struct iovec){ .iov_base = (buffer), .iov_len = strlen(buffer) }; \
        } while (0)

        FIELD(text, "MESSAGE=%s", message);
        FIELD(priority, "PRIORITY=%d", line->level);
        FIELD(identifier, "SYSLOG_IDENTIFIER=%s", log_identifier());
        FIELD(code_file, "CODE_FILE=%s", line->file);
        FIELD(code_line, "CODE_LINE=%d", line->line);
        if (line->error > 0)
                FIELD(error, "ERRNO=%d", line->error);
        if (line->realtime > 0)
                FIELD(held, "UMBRA_REALTIME_USEC=%llu", (unsigned long long) line->realtime);

#undef FIELD

        return sd_journal_sendv(iov, n);
}

static void write_to_stderr(const Line *line, const char *message) {
        char text[LINE_SIZE + 128], at[64] = "";
        size_t n;

        if (line->realtime > 0) {
                char timestamp[TIMESTAMP_STRING_MAX];

                (void) snprintf(at, sizeof(at), "[%.19s.%06u UTC] ",
                                timestamp_to_string(line->realtime, timestamp),
                                (unsigned) (line->realtime % USEC_PER_SEC));
        }

        /* In one write(), so that lines of several processes do not mix. */
        (void) snprintf(text, sizeof(text) - 1, "%s: %s%s", log_identifier(), at, message);
        n = strlen(text);
        text[n++] = '\n';
        (void) fd_write_all(STDERR_FILENO, text, n);
}

static void write_line(const Line *line, const char *message) {
        if (the_log.journal && write_to_journal(line, message) >= 0)
                return;

        write_to_stderr(line, message);
}

/* Names from outside may hold line feeds, and would then look like lines of ours, or what moves a terminal's
 * cursor. */
static void make_one_line(char *message) {
        for (unsigned char *u = (unsigned char *) message; *u; ++u)
                if (*u < ' ' || *u == 0x7F)
                        *u = '?';
}

static void hold_line(const Line *line, const char *message) {
        size_t n = strnlen(message, HELD_LINE_SIZE - 1);
        HeldLine *held;

        if (the_log.n_held == HELD_LINES) {
                ++the_log.n_dropped;
                return;
        }

        held = &the_log.held[the_log.n_held++];
        held->line = *line;
        memcpy(held->message, message, n);
        held->message[n] = '\0';
}

int log_internal(int level, int error, const char *file, int line, const char *format, ...) {
        Line entry = { .level = level, .error = abs(error), .file = file, .line = line };
        char message[LINE_SIZE];
        int saved = errno;
        va_list ap;

        pthread_mutex_lock(&the_log.mutex);

        if (level <= the_log.max_level) {
                errno = entry.error;
                va_start(ap, format);
                (void) vsnprintf(message, sizeof(message), format, ap);
                va_end(ap);
                make_one_line(message);

                if (the_log.holds > 0) {
                        entry.realtime = now_usec(CLOCK_REALTIME);
                        hold_line(&entry, message);
                } else
                        write_line(&entry, message);
        }

        pthread_mutex_unlock(&the_log.mutex);

        errno = saved;
        return -entry.error;
}

void log_hold(void) {
        pthread_mutex_lock(&the_log.mutex);
        ++the_log.holds;
        pthread_mutex_unlock(&the_log.mutex);
}

static void write_held_lines(void) {
        for (unsigned i = 0; i < the_log.n_held; ++i)
                write_line(&the_log.held[i].line, the_log.held[i].message);

        if (the_log.n_dropped > 0) {
                Line line = { .level = LOG_WARNING, .file = __FILE__, .line = __LINE__ };
                char message[128];

                (void) snprintf(message, sizeof(message),
                                "%u more lines were logged while writes were held, dropping",
                                the_log.n_dropped);
                write_line(&line, message);
        }

        the_log.n_held = the_log.n_dropped = 0;
}

void log_release(void) {
        int saved = errno;

        pthread_mutex_lock(&the_log.mutex);
        assert(the_log.holds > 0);
        if (--the_log.holds == 0)
                write_held_lines();
        pthread_mutex_unlock(&the_log.mutex);

        errno = saved;
}
