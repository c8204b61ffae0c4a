/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Happened, in Order
 */

#include "api/writer/journal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time-util.h"
#include "lib/test-util.h"

#define LINES_MAX 512U
#define LINE_SIZE 512U

static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        char lines[LINES_MAX][LINE_SIZE];
        unsigned n;
} journal = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static struct timespec end_of_patience(void) {
        return timespec_from_usec(usec_add(now_usec(CLOCK_REALTIME), TEST_PATIENCE_USEC));
}

void journal_clear(void) {
        pthread_mutex_lock(&journal.lock);
        journal.n = 0;
        pthread_mutex_unlock(&journal.lock);
}

void journal_say(const char *format, ...) {
        va_list args;

        va_start(args, format);
        pthread_mutex_lock(&journal.lock);
        if (journal.n < LINES_MAX)
                (void) vsnprintf(journal.lines[journal.n++], LINE_SIZE, format, args);
        pthread_cond_broadcast(&journal.changed);
        pthread_mutex_unlock(&journal.lock);
        va_end(args);
}

/* Under the lock. */
static unsigned count_line(const char *line, unsigned *ret_first) {
        unsigned n = 0;

        for (unsigned i = journal.n; i-- > 0;)
                if (strcmp(journal.lines[i], line) == 0) {
                        ++n;
                        *ret_first = i;
                }
        return n;
}

static void print_journal(void) {
        for (unsigned i = 0; i < journal.n; ++i)
                print_error("        \"%s\\n\"\n", journal.lines[i]);
}

unsigned journal_count(const char *line) {
        unsigned n, first;

        pthread_mutex_lock(&journal.lock);
        n = count_line(line, &first);
        pthread_mutex_unlock(&journal.lock);
        return n;
}

bool journal_has(const char *line) {
        return journal_count(line) > 0;
}

void journal_await(const char *line) {
        struct timespec until = end_of_patience();
        unsigned first;
        bool there;
        int r = 0;

        pthread_mutex_lock(&journal.lock);
        while (!(there = count_line(line, &first) > 0) && r == 0)
                r = pthread_cond_timedwait(&journal.changed, &journal.lock, &until);
        if (!there)
                print_journal();
        pthread_mutex_unlock(&journal.lock);
        if (!there)
                fail_msg("waited for '%s'", line);
}

unsigned journal_position(const char *line) {
        unsigned n, first = 0;

        pthread_mutex_lock(&journal.lock);
        n = count_line(line, &first);
        if (n == 0)
                print_journal();
        pthread_mutex_unlock(&journal.lock);
        if (n == 0)
                fail_msg("there is no '%s'", line);
        return first;
}

void journal_expect(const char *lines) {
        bool same = true;
        const char *at = lines;

        pthread_mutex_lock(&journal.lock);
        for (unsigned i = 0; i < journal.n && same; ++i) {
                size_t n = strlen(journal.lines[i]);

                same = strncmp(at, journal.lines[i], n) == 0 && at[n] == '\n';
                at += same ? n + 1 : 0;
        }
        same = same && *at == '\0';
        if (!same)
                print_journal();
        pthread_mutex_unlock(&journal.lock);
        if (!same)
                fail_msg("the journal is not\n%s", lines);
}

struct Gate {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bool open;
        unsigned inside;
};

Gate *gate_new(void) {
        Gate *g = calloc(1, sizeof(*g));

        assert_non_null(g);
        pthread_mutex_init(&g->lock, NULL);
        pthread_cond_init(&g->changed, NULL);
        return g;
}

void gate_open(Gate *g) {
        pthread_mutex_lock(&g->lock);
        g->open = true;
        pthread_cond_broadcast(&g->changed);
        pthread_mutex_unlock(&g->lock);
}

void gate_wait(Gate *g) {
        struct timespec until = end_of_patience();
        int r = 0;

        pthread_mutex_lock(&g->lock);
        ++g->inside;
        while (!g->open && r == 0)
                r = pthread_cond_timedwait(&g->changed, &g->lock, &until);
        --g->inside;
        pthread_cond_broadcast(&g->changed);
        pthread_mutex_unlock(&g->lock);
}

Gate *gate_free(Gate *g) {
        if (!g)
                return NULL;

        gate_open(g);
        pthread_mutex_lock(&g->lock);
        while (g->inside > 0)
                pthread_cond_wait(&g->changed, &g->lock);
        pthread_mutex_unlock(&g->lock);
        pthread_cond_destroy(&g->changed);
        pthread_mutex_destroy(&g->lock);
        free(g);
        return NULL;
}
