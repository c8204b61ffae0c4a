/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the Testers Say
 */

#include "testers/report.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/time-util.h"
#include "base/utf.h"

struct Report {
        pthread_mutex_t lock; /* the program itself speaks, and the thread of the callbacks */
        FILE *file;
        bool as_json;
        bool held;
        json_t *waiting; /* an array: what was said while nothing may be written */
};

int report_new(const char *file, bool as_json, Report **ret) {
        _cleanup_(report_freep) Report *r = NULL;

        r = calloc_checked(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        pthread_mutex_init(&r->lock, NULL);
        r->as_json = as_json;
        r->waiting = json_array();
        if (!r->waiting)
                return -ENOMEM;
        r->file = file ? fopen(file, "we") : stdout;
        if (!r->file)
                return -errno;

        *ret = TAKE_PTR(r);
        return 0;
}

Report *report_free(Report *r) {
        if (!r)
                return NULL;

        report_release(r);
        if (r->file && r->file != stdout)
                (void) fclose(r->file);
        json_decref(r->waiting);
        pthread_mutex_destroy(&r->lock);
        free(r);
        return NULL;
}

/* Records */

static void say_time(char *buffer, size_t size) {
        struct timespec now;
        struct tm utc;
        size_t n;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        (void) gmtime_r(&now.tv_sec, &utc);
        n = strftime(buffer, size, "%Y-%m-%dT%H:%M:%S", &utc);
        snprintf(buffer + n, size - n, ".%06ldZ", now.tv_nsec / (long) NSEC_PER_USEC);
}

json_t *record_new(const char *kind, const char *what) {
        json_t *record = json_object();
        char time[64];

        say_time(time, sizeof(time));
        record_text(record, "time", time);
        record_text(record, kind, what);
        return record;
}

/* Texts come from file names, too: bytes that are no UTF-8 are shown as \xHH. */
static json_t *json_of_text(const char *text) {
        _cleanup_(freep) char *escaped = NULL;
        json_t *value = json_string(text);

        if (!value && xml_escape_bytes(text, &escaped) >= 0)
                value = json_string(escaped);
        return value;
}

void record_text(json_t *record, const char *key, const char *text) {
        if (text)
                (void) json_object_set_new(record, key, json_of_text(text));
}

void record_format(json_t *record, const char *key, const char *format, ...) {
        _cleanup_(freep) char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        record_text(record, key, text);
}

void record_flag(json_t *record, const char *key, bool flag) {
        if (flag)
                (void) json_object_set_new(record, key, json_true());
}

void record_number(json_t *record, const char *key, unsigned long long number) {
        (void) json_object_set_new(record, key, json_integer((json_int_t) number));
}

json_t *record_list(json_t *record, const char *key) {
        json_t *list = json_object_get(record, key);

        if (!list) {
                list = json_array();
                (void) json_object_set_new(record, key, list);
        }
        return list;
}

/* For people */

static void print_scalar(FILE *f, const char *key, const json_t *value) {
        if (json_is_true(value))
                fprintf(f, " %s", key);
        else if (json_is_integer(value))
                fprintf(f, " %s=%" JSON_INTEGER_FORMAT, key, json_integer_value(value));
        else if (json_is_string(value) && strpbrk(json_string_value(value), " \t\n"))
                fprintf(f, " %s=\"%s\"", key, json_string_value(value));
        else if (json_is_string(value))
                fprintf(f, " %s=%s", key, json_string_value(value));
}

static void print_members(FILE *f, json_t *object, unsigned depth);

static void print_list(FILE *f, const char *key, const json_t *list, unsigned depth) {
        json_t *item;
        size_t i;

        json_array_foreach(list, i, item) {
                fprintf(f, "\n%*s%s", (int) depth * 4, "", key);
                if (json_is_object(item))
                        print_members(f, item, depth);
                else
                        fprintf(f, " %s", json_string_value(item) ?: "");
        }
}

/* What has a name of its own stands on its own line. */
static void print_members(FILE *f, json_t *object, unsigned depth) {
        const char *key;
        json_t *value;

        json_object_foreach(object, key, value) if (!json_is_array(value)) print_scalar(f, key, value);
        json_object_foreach(object, key, value) if (json_is_array(value))
                print_list(f, key, value, depth + 1);
}

static void print_record(FILE *f, json_t *record) {
        const char *key, *time = json_string_value(json_object_get(record, "time"));
        bool is_first = true;
        json_t *value;

        /* "2026-03-01T12:00:00.123456Z": the time of day will do */
        fprintf(f, "%.15s", time && strlen(time) > 11 ? time + 11 : "");
        json_object_foreach(record, key, value) {
                if (strcmp(key, "time") == 0 || json_is_array(value))
                        continue;
                if (is_first)
                        fprintf(f, " %s%s%s", strcmp(key, "event") == 0 ? "" : key,
                                strcmp(key, "event") == 0 ? "" : ": ", json_string_value(value) ?: "");
                else
                        print_scalar(f, key, value);
                is_first = false;
        }
        json_object_foreach(record, key, value) if (json_is_array(value)) print_list(f, key, value, 1);
        fputc('\n', f);
}

/* Writing */

static void write_record(Report *r, json_t *record) {
        if (r->as_json) {
                (void) json_dumpf(record, r->file, JSON_COMPACT);
                fputc('\n', r->file);
        } else
                print_record(r->file, record);
        fflush(r->file);
}

void report_emit(Report *r, json_t *record) {
        if (!record)
                return;

        pthread_mutex_lock(&r->lock);
        if (r->held)
                (void) json_array_append(r->waiting, record);
        else
                write_record(r, record);
        pthread_mutex_unlock(&r->lock);
        json_decref(record);
}

void report_hold(Report *r) {
        pthread_mutex_lock(&r->lock);
        r->held = true;
        pthread_mutex_unlock(&r->lock);
}

void report_release(Report *r) {
        json_t *record;
        size_t i;

        pthread_mutex_lock(&r->lock);
        r->held = false;
        json_array_foreach(r->waiting, i, record) write_record(r, record);
        (void) json_array_clear(r->waiting);
        pthread_mutex_unlock(&r->lock);
}
