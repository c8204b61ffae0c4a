/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Log: nothing is written while lines are held, nothing is lost without saying so, and a line is a line.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/time-util.h"
#include "lib/test-util.h"

#define HELD_LINES 256U /* as log.c has it */

/* Where standard error leads meanwhile. */
static int captured_fd = -EBADF, saved_stderr_fd = -EBADF;

static int capture_setup(void **state) {
        captured_fd = memfd_create("stderr", MFD_CLOEXEC);
        saved_stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        if (captured_fd < 0 || saved_stderr_fd < 0 || dup2(captured_fd, STDERR_FILENO) < 0)
                return -1;

        (void) unsetenv("JOURNAL_STREAM");
        (void) unsetenv("UMBRA_LOG_LEVEL");
        log_open("test");
        return 0;
}

static int capture_teardown(void **state) {
        (void) dup2(saved_stderr_fd, STDERR_FILENO);
        closep(&saved_stderr_fd);
        closep(&captured_fd);
        return 0;
}

/* What was written since last asked. */
static char *take_captured(void) {
        char *text = NULL;

        assert_int_equal(lseek(captured_fd, 0, SEEK_SET), 0);
        assert_int_equal(fd_read_text(captured_fd, 1 << 24, &text), 0);
        assert_int_equal(ftruncate(captured_fd, 0), 0);
        assert_int_equal(lseek(captured_fd, 0, SEEK_SET), 0);
        return text;
}

static void assert_captured(const char *expected) {
        _cleanup_(freep) char *text = take_captured();

        assert_string_equal(text, expected);
}

/* The line without what only held ones have: "test: [2026-03-01 12:00:00.000000 UTC] text". */
static const char *without_time(const char *line, usec_t *ret_time) {
        static const char prefix[] = "test: [";
        unsigned usec;
        struct tm tm = { 0 };
        char *end;

        assert_memory_equal(line, prefix, strlen(prefix));
        end = strptime(line + strlen(prefix), "%Y-%m-%d %H:%M:%S", &tm);
        assert_non_null(end);
        assert_int_equal(sscanf(end, ".%6u UTC] ", &usec), 1);

        *ret_time = (usec_t) timegm(&tm) * USEC_PER_SEC + usec;
        return strchr(end, ']') + 2;
}

static void test_that_a_line_says_who_and_why(void **state) {
        log_info("Snapshot set '%s' is created", "x");
        assert_captured("test: Snapshot set 'x' is created\n");

        log_error_errno(-ENOENT, "Failed to open '%s', refusing: %m", "/srv");
        assert_captured("test: Failed to open '/srv', refusing: No such file or directory\n");
}

static void test_that_logging_returns_the_error_and_keeps_errno(void **state) {
        errno = ENOSPC;
        assert_int_equal(log_error_errno(-ENOENT, "%m"), -ENOENT);
        assert_int_equal(log_warning_errno(ENOENT, "%m"), -ENOENT);
        assert_int_equal(log_debug_errno(-EIO, "not shown: %m"), -EIO);
        assert_int_equal(log_error_errno(0, "fine"), 0);
        assert_int_equal(errno, ENOSPC);
        assert_captured("test: No such file or directory\ntest: No such file or directory\ntest: fine\n");
}

static void test_that_a_name_cannot_forge_a_line(void **state) {
        log_info("Ignoring '%s'", "a\ntest: Thawed everything\r\x1B[2J\x7F");
        assert_captured("test: Ignoring 'a?test: Thawed everything??[2J?'\n");

        log_info("Ignoring '%s'", "\xC3\xBC\xFF");
        assert_captured("test: Ignoring '\xC3\xBC\xFF'\n");
}

static void test_that_a_long_line_is_cut(void **state) {
        _cleanup_(freep) char *text = NULL;
        char name[10000];

        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        log_info("%s", name);

        text = take_captured();
        assert_in_range(strlen(text), 2000, 2100);
        assert_string_equal(text + strlen(text) - 2, "x\n");
}

static void test_that_the_environment_sets_the_level(void **state) {
        static const struct {
                const char *level, *written;
        } cases[] = {
                { "loud",    "test: Unknown log level 'loud' in $UMBRA_LOG_LEVEL, using 'info'\n"
                             "test: error\ntest: warning\ntest: notice\ntest: info\n"              },
                { "",        "test: Unknown log level '' in $UMBRA_LOG_LEVEL, using 'info'\n"
                             "test: error\ntest: warning\ntest: notice\ntest: info\n"              },
                { NULL,      "test: error\ntest: warning\ntest: notice\ntest: info\n"              },
                { "err",     "test: error\n"                                                       },
                { "warning", "test: error\ntest: warning\n"                                        },
                { "debug",   "test: error\ntest: warning\ntest: notice\ntest: info\ntest: debug\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                if (cases[i].level)
                        (void) setenv("UMBRA_LOG_LEVEL", cases[i].level, 1);
                else
                        (void) unsetenv("UMBRA_LOG_LEVEL");

                log_open("test");
                log_error("error");
                log_warning("warning");
                log_notice("notice");
                log_info("info");
                log_debug("debug");
                assert_captured(cases[i].written);
        }

        log_set_max_level(LOG_WARNING);
        log_notice("notice");
        log_warning("warning");
        assert_captured("test: warning\n");
}

static void test_that_held_lines_come_in_order_with_their_times(void **state) {
        static const char *const expected[] = { "first", "second: Input/output error", "third" };
        _cleanup_(strv_freep) char **lines = NULL;
        _cleanup_(freep) char *text = NULL;
        usec_t before, after;

        log_hold();
        before = now_usec(CLOCK_REALTIME);
        log_info("first");
        assert_int_equal(log_error_errno(-EIO, "second: %m"), -EIO);
        log_info("third");
        after = now_usec(CLOCK_REALTIME);
        assert_captured("");
        while (now_usec(CLOCK_REALTIME) < after + 2 * USEC_PER_MSEC) /* the time of writing is another one */
                ;
        log_release();
        log_info("fourth");

        text = take_captured();
        assert_int_equal(strv_split(text, "\n", &lines), 0);
        assert_int_equal(strv_length(lines), 4);
        for (size_t i = 0; i < ELEMENTSOF(expected); ++i) {
                usec_t time = 0;

                assert_string_equal(without_time(lines[i], &time), expected[i]);
                assert_in_range(time, before, after);
                before = time;
        }
        assert_string_equal(lines[3], "test: fourth");
}

static void test_that_only_the_last_release_writes(void **state) {
        _cleanup_(freep) char *text = NULL;

        log_hold();
        log_hold();
        log_info("held");
        log_release();
        assert_captured("");
        log_debug("not shown later either");
        log_release();

        text = take_captured();
        assert_non_null(strstr(text, "] held\n"));
        assert_null(strstr(text, "later"));

        /* Nothing is written twice. */
        log_hold();
        log_release();
        assert_captured("");
}

static void test_that_what_does_not_fit_is_counted(void **state) {
        static const unsigned extras[] = { 7, 0, 1 };

        for (size_t i = 0; i < ELEMENTSOF(extras); ++i) {
                _cleanup_(strv_freep) char **lines = NULL;
                _cleanup_(freep) char *text = NULL;
                usec_t time;

                log_hold();
                for (unsigned n = 0; n < HELD_LINES + extras[i]; ++n)
                        log_info("%u", n);
                log_release();

                text = take_captured();
                assert_int_equal(strv_split(text, "\n", &lines), 0);
                assert_int_equal(strv_length(lines), HELD_LINES + (extras[i] > 0));

                /* The oldest stay: they say what went wrong. */
                assert_string_equal(without_time(lines[0], &time), "0");
                assert_string_equal(without_time(lines[HELD_LINES - 1], &time), "255");
                if (extras[i] > 0) {
                        char expected[128];

                        (void) snprintf(expected, sizeof(expected),
                                        "test: %u more lines were logged while writes were held, dropping",
                                        extras[i]);
                        assert_string_equal(lines[HELD_LINES], expected);
                }
        }
}

static void test_that_a_held_line_has_its_bound(void **state) {
        _cleanup_(freep) char *text = NULL;
        char name[2000];

        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        log_hold();
        log_info("%s", name);
        log_release();

        text = take_captured();
        assert_in_range(strlen(text), 511, 600);
        assert_string_equal(text + strlen(text) - 2, "x\n");
}

static void test_that_holding_allocates_nothing(void **state) {
        fault_fail_allocation(0);
        log_hold();
        log_error_errno(-EIO, "held '%s': %m", "x");
        assert_null(calloc_checked(1, 1)); /* so it had not failed before */
        fault_fail_allocation(0);
        log_release();
        assert_null(calloc_checked(1, 1));
        free(take_captured());
}

static void *log_much(void *userdata) {
        for (unsigned i = 0; i < 50; ++i)
                log_info("%s", (const char *) userdata);

        return NULL;
}

static void test_that_threads_do_not_mix_their_lines(void **state) {
        static char name[] = "a thread, and its line from the beginning to the end";
        _cleanup_(freep) char *text = NULL;
        pthread_t threads[4];
        unsigned n = 0;

        log_hold();
        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(pthread_create(&threads[i], NULL, log_much, name), 0);
        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        log_release();

        text = take_captured();
        for (char *s = text; (s = strstr(s, name)); s += strlen(name), ++n)
                assert_int_equal(s[strlen(name)], '\n');
        assert_int_equal(n, 50 * ELEMENTSOF(threads));
}

/* Where there is no journal, sending to it is a success with nothing to be seen; where there is one, as
 * well. */
static void test_that_the_journal_is_used_only_where_stderr_is_the_journal(void **state) {
        struct stat st;
        const struct {
                unsigned long long dev_offset, ino_offset;
                bool journal;
        } cases[] = {
                { 0, 1, false },
                { 1, 0, false },
                { 0, 0, true  },
        };
        static const char *const broken[] = { "", ":", "1", "x:y" };

        assert_int_equal(fstat(STDERR_FILENO, &st), 0);

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *stream = NULL;

                assert_int_equal(format_to(&stream, "%llu:%llu", st.st_dev + cases[i].dev_offset,
                                           st.st_ino + cases[i].ino_offset),
                                 0);
                (void) setenv("JOURNAL_STREAM", stream, 1);
                log_open("test");
                log_error_errno(-EIO, "A test, ignoring: %m");
                assert_captured(cases[i].journal ? "" : "test: A test, ignoring: Input/output error\n");
        }

        for (size_t i = 0; i < ELEMENTSOF(broken); ++i) {
                (void) setenv("JOURNAL_STREAM", broken[i], 1);
                log_open("test");
                log_info("x");
                assert_captured("test: x\n");
        }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, capture_setup, capture_teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_that_a_line_says_who_and_why),
                TEST(test_that_logging_returns_the_error_and_keeps_errno),
                TEST(test_that_a_name_cannot_forge_a_line),
                TEST(test_that_a_long_line_is_cut),
                TEST(test_that_the_environment_sets_the_level),
                TEST(test_that_held_lines_come_in_order_with_their_times),
                TEST(test_that_only_the_last_release_writes),
                TEST(test_that_what_does_not_fit_is_counted),
                TEST(test_that_a_held_line_has_its_bound),
                TEST(test_that_holding_allocates_nothing),
                TEST(test_that_threads_do_not_mix_their_lines),
                TEST(test_that_the_journal_is_used_only_where_stderr_is_the_journal),
        };
#undef TEST

        return cmocka_run_group_tests(tests, NULL, NULL);
}
