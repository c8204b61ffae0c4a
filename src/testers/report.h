/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the Testers Say
 *
 * One record per thing that happened, as a JSON object: for programs as one line of JSON, for people as a line of
 * words with what the record holds indented below it. While a writer is frozen nothing may be written to any disk, so
 * records can be held and come out later, with the time at which they were made.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/macro.h"

typedef struct Report Report;

/* @file NULL is stdout. -errno. */
int report_new(const char *file, bool as_json, Report **ret);
Report *report_free(Report *r);
DEFINE_CLEANUP(Report *, report_free)

/* A record of that kind with the time; NULL when memory runs out, which all functions here take. */
json_t *record_new(const char *kind, const char *what);
void record_text(json_t *record, const char *key, const char *text); /* NULL: not at all */
void record_format(json_t *record, const char *key, const char *format, ...) _printf_(3, 4);
void record_flag(json_t *record, const char *key, bool flag);        /* false: not at all */
void record_number(json_t *record, const char *key, unsigned long long number);
json_t *record_list(json_t *record, const char *key);                /* borrowed; made when it is not there */

/* Writes or holds the record, and takes it over. */
void report_emit(Report *r, json_t *record);
void report_hold(Report *r);
void report_release(Report *r);
