/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Progress
 */

#include "tools/progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/time-util.h"
#include "tools/verb.h"

#define REDRAW_USEC (100 * USEC_PER_MSEC)
#define PLAIN_USEC (10 * USEC_PER_SEC) /* without a total, a line now and then */
#define BAR_WIDTH 30U

static struct {
        const char *what;
        uint64_t total, done;
        usec_t began, drawn;
        unsigned tenths; /* said so far */
        bool active, terminal;
        bool share; /* of a whole, not bytes */
} progress;

static const char *human(uint64_t bytes, char buffer[32]) {
        static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
        double value = (double) bytes;
        size_t unit = 0;

        while (value >= 1024 && unit + 1 < ELEMENTSOF(units)) {
                value /= 1024;
                ++unit;
        }
        snprintf(buffer, 32, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
        return buffer;
}

static uint64_t speed(void) {
        usec_t elapsed = now_usec(CLOCK_MONOTONIC) - progress.began;

        return elapsed > 0 ? (uint64_t) ((double) progress.done * 1e6 / (double) elapsed) : 0;
}

static void draw_bar(void) {
        char done[32], fast[32], bar[BAR_WIDTH + 1];
        uint64_t rate = speed();
        size_t filled;

        if (progress.total == 0) {
                fprintf(stderr, "\r%s  %s  %s/s\033[K", progress.what, human(progress.done, done), human(rate, fast));
                return;
        }
        filled = (size_t) (BAR_WIDTH * MIN(progress.done, progress.total) / progress.total);
        memset(bar, '#', filled);
        memset(bar + filled, '.', BAR_WIDTH - filled);
        bar[BAR_WIDTH] = '\0';
        if (progress.share) {
                fprintf(stderr, "\r%s [%s] %3u%%\033[K", progress.what, bar,
                        (unsigned) (100 * MIN(progress.done, progress.total) / progress.total));
                return;
        }
        fprintf(stderr, "\r%s [%s] %3u%%  %s  %s/s", progress.what, bar,
                (unsigned) (100 * MIN(progress.done, progress.total) / progress.total), human(progress.done, done), human(rate, fast));
        if (rate > 0 && progress.total > progress.done)
                fprintf(stderr, "  %" PRIu64 " s left", (progress.total - progress.done) / rate);
        fputs("\033[K", stderr);
}

static void say_line(usec_t now) {
        char done[32], fast[32];
        unsigned tenths;

        if (progress.total == 0) {
                if (now - progress.drawn < PLAIN_USEC)
                        return;
                fprintf(stderr, "%s: %s, %s/s\n", progress.what, human(progress.done, done), human(speed(), fast));
                progress.drawn = now;
                return;
        }
        tenths = (unsigned) (10 * MIN(progress.done, progress.total) / progress.total);
        if (tenths <= progress.tenths)
                return;
        progress.tenths = tenths;
        if (progress.share) {
                fprintf(stderr, "%s: %u%%\n", progress.what, tenths * 10);
                return;
        }
        fprintf(stderr, "%s: %u%%, %s, %s/s\n", progress.what, tenths * 10, human(progress.done, done), human(speed(), fast));
}

static void progress_update(void) {
        usec_t now;

        if (!progress.active)
                return;
        now = now_usec(CLOCK_MONOTONIC);
        if (!progress.terminal) {
                say_line(now);
                return;
        }
        if (now - progress.drawn < REDRAW_USEC)
                return;
        progress.drawn = now;
        draw_bar();
}

void progress_begin(const char *what, uint64_t total) {
        memset(&progress, 0, sizeof(progress));
        progress.what = what;
        progress.total = total;
        progress.began = progress.drawn = now_usec(CLOCK_MONOTONIC);
        progress.active = !tool_quiet;
        progress.terminal = isatty(STDERR_FILENO);
}

void progress_begin_share(const char *what) {
        progress_begin(what, 1000);
        progress.share = true;
}

void progress_set(uint64_t done) {
        progress.done = done;
        progress_update();
}

void progress_add(uint64_t more) {
        progress_set(progress.done + more);
}

void progress_total(uint64_t total) {
        progress.total = total;
}

void progress_end(void) {
        char done[32], fast[32];

        if (!progress.active)
                return;
        if (progress.terminal)
                fputs("\r\033[K", stderr);
        if (!progress.share)
                fprintf(stderr, "%s: done, %s, %s/s\n", progress.what, human(progress.done, done), human(speed(), fast));
        progress.active = false;
}
