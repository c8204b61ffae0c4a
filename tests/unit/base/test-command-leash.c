/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Commands on a leash: what they do wrong ends, and is said.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/command-leash.h"
#include "base/fd-util.h"
#include "lib/test-util.h"

#define OUTPUT_MAX 4096U

static int run_until(const char *script, const char *input, usec_t span, CommandEnd *ret) {
        const CommandLeash leash = {
                .input = input,
                .variables = (const char *const[]){ "PATH=/usr/bin:/bin", NULL },
                .output_max = OUTPUT_MAX,
                .deadline = usec_add(now_usec(CLOCK_MONOTONIC), span),
        };

        return command_run((const char *[]){ "sh", "-c", script, NULL }, &leash, ret);
}

static int run(const char *script, const char *input, CommandEnd *ret) {
        return run_until(script, input, TEST_PATIENCE_USEC, ret);
}

static void test_that_a_command_reads_and_says_what_it_has_to(void **state) {
        static const struct {
                const char *script, *output, *reason;
                int status;
        } cases[] = {
                { "exit 3",                                         "",      "",       3   },
                { "kill -SEGV $$",                                  "",      "",       -11 },
                { "cat; echo no >&2",                               "input", "no",     0   },
                { "echo a > /dev/stdout; echo b > /dev/stdout",     "a\nb\n", "",      0   }, /* opened anew */
                { "printf 'first\\n  last  \\n\\n' >&2; exit 1",    "",      "last",   1   },
                { "printf 'a\\033[31mb\\377' >&2; exit 1",          "",      "a?[31mb?", 1 },
                { "head -c 300000 /dev/zero >&2; printf '\\nend' >&2", "",   "end",    0   },
                { "head -c 4096 /dev/zero | tr '\\0' x | tail -c 2; exec >&- 2>&-", "xx", "", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_end_ CommandEnd end = { 0 };

                assert_int_equal(run(cases[i].script, "input", &end), 0);
                assert_int_equal(end.status, cases[i].status);
                assert_string_equal(end.output ?: "", cases[i].output);
                assert_string_equal(command_end_reason(&end), cases[i].reason);
        }
}

static void test_that_it_gets_nothing_but_what_it_is_given(void **state) {
        _cleanup_(closep) int fd = open("/dev/null", O_RDONLY); /* not closed by exec() */
        _cleanup_end_ CommandEnd environment = { 0 }, descriptors = { 0 };

        assert_true(fd >= 0);
        assert_int_equal(setenv("UMBRA_SECRET", "yes", true), 0);
        assert_int_equal(run("exec env", "", &environment), 0);
        assert_null(strstr(environment.output, "UMBRA_SECRET"));
        assert_non_null(strstr(environment.output, "LC_ALL=C\n"));
        assert_int_equal(run("ls /proc/$$/fd", "", &descriptors), 0);
        assert_string_equal(descriptors.output, "0\n1\n2\n");
}

static bool is_gone(void *pid) {
        return kill(*(pid_t *) pid, 0) < 0;
}

/* What it has started goes with it: the number that it says is of such a one. */
static void assert_child_goes(CommandEnd *end) {
        pid_t child;

        assert_non_null(end->output);
        child = atoi(end->output);
        assert_true(child > 1);
        assert_true(eventually(is_gone, &child, TEST_PATIENCE_USEC));
}

static void test_that_what_it_leaves_running_is_ended(void **state) {
        _cleanup_end_ CommandEnd end = { 0 };

        assert_int_equal(run("sleep 1000 & echo $!", "", &end), 0);
        assert_int_equal(end.status, 0);
        assert_child_goes(&end);
}

static void test_that_one_that_is_late_is_killed_with_all_it_has_started(void **state) {
        _cleanup_end_ CommandEnd end = { 0 };

        assert_int_equal(run_until("sleep 1000 & echo $!; echo waiting >&2; wait", "", 2 * USEC_PER_SEC, &end), -ETIMEDOUT);
        assert_string_equal(command_end_reason(&end), "waiting");
        assert_child_goes(&end);
}

/* We are killed while it runs: the child of the command says its number in a file. */
static void test_that_all_of_it_ends_with_whoever_runs_it(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *script = NULL, *fifo = path_in(dir, "fifo");
        _cleanup_(closep) int fd = -EBADF;
        char line[32] = "";
        pid_t pid, child;

        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_int_equal(format_to(&script, "sleep 1000 & echo $! > '%s'; wait", fifo), 0);
        fd = open(fifo, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                CommandEnd end;

                _exit(run(script, "", &end) < 0);
        }
        assert_true(read(fd, line, sizeof(line) - 1) > 0);
        child = atoi(line);
        assert_true(child > 1 && !is_gone(&child));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_true(eventually(is_gone, &child, TEST_PATIENCE_USEC));
}

static void test_that_one_that_does_not_stop_talking_is_killed(void **state) {
        static const char *const scripts[] = {
                "sleep 1000 & echo $!; exec yes",
                "sleep 1000 & echo $!; head -c 100000000 /dev/zero",
                "sleep 1000 & echo $!; head -c 5000 /dev/zero", /* has ended by then */
        };

        for (size_t i = 0; i < ELEMENTSOF(scripts); ++i) {
                _cleanup_end_ CommandEnd end = { 0 };

                assert_int_equal(run(scripts[i], "", &end), -E2BIG);
                assert_true(end.output_size <= OUTPUT_MAX);
                if (end.output)
                        assert_child_goes(&end);
        }
}

static void test_that_what_is_no_program_is_said_to_be_none(void **state) {
        const CommandLeash leash = { .input = "", .output_max = OUTPUT_MAX, .deadline = USEC_INFINITY };
        _cleanup_end_ CommandEnd end = { 0 };

        assert_int_equal(command_run((const char *[]){ "/nonexistent/program", NULL }, &leash, &end), -ENOENT);
        assert_int_equal(command_run((const char *[]){ "/etc/passwd", NULL }, &leash, &end), -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_command_reads_and_says_what_it_has_to),
                cmocka_unit_test(test_that_it_gets_nothing_but_what_it_is_given),
                cmocka_unit_test(test_that_what_it_leaves_running_is_ended),
                cmocka_unit_test(test_that_one_that_is_late_is_killed_with_all_it_has_started),
                cmocka_unit_test(test_that_all_of_it_ends_with_whoever_runs_it),
                cmocka_unit_test(test_that_one_that_does_not_stop_talking_is_killed),
                cmocka_unit_test(test_that_what_is_no_program_is_said_to_be_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
