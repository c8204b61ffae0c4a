/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tables
 */

#include "tools/table.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/utf.h"

#define COLUMNS_MAX 16

struct Table {
        const char *const *headings;
        size_t n_columns;
        char **cells; /* row by row; NULL is nothing */
        size_t n_cells, capacity;
};

static void die_of_memory(void) {
        fputs("umbra: out of memory\n", stderr);
        exit(1);
}

Table *table_new(const char *const *headings) {
        Table *t = calloc(1, sizeof(*t));

        if (!t)
                die_of_memory();
        t->headings = headings;
        while (headings[t->n_columns])
                ++t->n_columns;
        assert(t->n_columns <= COLUMNS_MAX);
        return t;
}

Table *table_free(Table *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->n_cells; ++i)
                free(t->cells[i]);
        free(t->cells);
        free(t);
        return NULL;
}

/* Control characters of names do not reach a terminal. */
static char *presentable(const char *s) {
        char *copy = NULL;

        if (xml_escape_bytes(s, &copy) < 0)
                die_of_memory();
        for (char *c = copy; *c; ++c)
                if (*c == '\n' || *c == '\t' || *c == '\r')
                        *c = ' ';
        return copy;
}

void table_add(Table *t, const char *const *cells) {
        if (ARRAY_RESERVE(t->cells, t->capacity, t->n_cells + t->n_columns) < 0)
                die_of_memory();
        for (size_t i = 0; i < t->n_columns; ++i)
                t->cells[t->n_cells++] = cells[i] ? presentable(cells[i]) : NULL;
}

size_t table_rows(const Table *t) {
        return t->n_cells / t->n_columns;
}

void table_truncate(Table *t, size_t rows) {
        while (t->n_cells > rows * t->n_columns)
                free(t->cells[--t->n_cells]);
}

static bool is_ascii(const char *s) {
        while (*s && (unsigned char) *s < 0x80)
                ++s;
        return !*s;
}

/* Columns on the terminal; bytes where the locale cannot say, and where there is nothing to say: nearly always. */
static size_t width(const char *s) {
        wchar_t wide[4096];
        size_t n = strlen(s);
        int columns;

        if (is_ascii(s))
                return n;
        n = mbstowcs(wide, s, ELEMENTSOF(wide) - 1);
        if (n == (size_t) -1)
                return strlen(s);
        wide[n] = L'\0';
        columns = wcswidth(wide, n);
        return columns < 0 ? strlen(s) : (size_t) columns;
}

static void print_row(const Table *t, const char *const *cells, const size_t *widths) {
        for (size_t c = 0; c < t->n_columns; ++c) {
                const char *text = cells[c] ?: "-";

                fputs(text, stdout);
                if (c + 1 < t->n_columns)
                        printf("%*s", (int) (widths[c] - width(text) + 2), "");
        }
        putchar('\n');
}

static void print_for_people(const Table *t) {
        size_t widths[COLUMNS_MAX];

        for (size_t c = 0; c < t->n_columns; ++c) {
                widths[c] = width(t->headings[c]);
                for (size_t i = c; i < t->n_cells; i += t->n_columns)
                        widths[c] = MAX(widths[c], width(t->cells[i] ?: "-"));
        }
        print_row(t, t->headings, widths);
        for (size_t i = 0; i < t->n_cells; i += t->n_columns)
                print_row(t, (const char *const *) &t->cells[i], widths);
}

static void print_json(const Table *t) {
        json_t *rows = json_array();

        for (size_t i = 0; i < t->n_cells; i += t->n_columns) {
                json_t *row = json_object();

                for (size_t c = 0; c < t->n_columns; ++c) {
                        char key[64];
                        size_t k = 0;

                        for (const char *h = t->headings[c]; *h && k + 1 < sizeof(key); ++h)
                                key[k++] = (char) (*h == ' ' ? '_' : tolower((unsigned char) *h));
                        key[k] = '\0';
                        json_object_set_new(row, key, t->cells[i + c] ? json_string(t->cells[i + c]) : json_null());
                }
                json_array_append_new(rows, row);
        }
        (void) json_dumpf(rows, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(rows);
}

void table_print(const Table *t, bool json, const char *empty) {
        if (json)
                print_json(t);
        else if (t->n_cells == 0 && empty)
                puts(empty);
        else
                print_for_people(t);
}
