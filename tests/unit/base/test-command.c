/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Commands: what they say is kept, what they are told is never read by a shell, and nobody kills them.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/fd-util.h"
#include "lib/test-util.h"

#define OUTPUT_MAX 4096U

static usec_t later(usec_t span) {
        return usec_add(now_usec(CLOCK_MONOTONIC), span);
}

static Command start(const char *const *argv) {
        Command c = COMMAND_INIT;

        assert_int_equal(command_start(argv, NULL, 0, &c), 0);
        return c;
}

static int end(Command *c) {
        int status = -1;

        assert_int_equal(command_wait(c, later(TEST_PATIENCE_USEC), &status), 0);
        return status;
}

static void test_that_what_a_command_says_is_kept_apart(void **state) {
        static const struct {
                const char *script, *output, *reason;
                int status;
        } cases[] = {
                { "exit 3",                                      "",      "",       3  },
                { "kill -9 $$",                                  "",      "",       -9 },
                { "printf 'a\\tb\\n'; echo c; echo no >&2",      "a\tb\nc\n", "no", 0  },
                { "printf 'first\\n  last  \\n\\n' >&2; exit 1", "",      "last",   1  },
                { "printf '\\n \\n' >&2; exit 1",                "",      "",       1  },
                { "head -c 70000 /dev/zero | tr '\\0' x >&2",    "",      "",       0  }, /* too much to be one */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(command_clear) Command c = start((const char *[]){ "sh", "-c", cases[i].script, NULL });
                _cleanup_(freep) char *output = NULL, *reason = NULL;

                assert_int_equal(end(&c), cases[i].status);
                assert_int_equal(command_output(&c, OUTPUT_MAX, &output), 0);
                assert_int_equal(command_reason(&c, &reason), 0);
                assert_string_equal(output, cases[i].output);
                assert_string_equal(reason, cases[i].reason);
        }
}

static void test_that_more_output_than_expected_is_an_error(void **state) {
        _cleanup_(command_clear) Command c = start((const char *[]){ "echo", "much", NULL });
        char *output = NULL;

        assert_int_equal(end(&c), 0);
        assert_int_equal(command_output(&c, 4, &output), -E2BIG);
        assert_null(output);
}

static void test_that_words_stay_what_they_are(void **state) {
        static const char odd[] = "a b\t$HOME `id` \"'\\ ;&\n*";
        _cleanup_(command_clear) Command c = start((const char *[]){ "printf", "%s", odd, NULL });
        _cleanup_(freep) char *output = NULL;

        assert_int_equal(end(&c), 0);
        assert_int_equal(command_output(&c, OUTPUT_MAX, &output), 0);
        assert_string_equal(output, odd);
}

static void test_that_programs_speak_the_language_that_programs_read(void **state) {
        _cleanup_(freep) char *output = NULL;

        assert_int_equal(setenv("LC_MESSAGES", "de_DE.UTF-8", true), 0);
        assert_int_equal(setenv("LANGUAGE", "de", true), 0);
        assert_int_equal(setenv("UMBRA_KEPT", "yes", true), 0);
        _cleanup_(command_clear) Command c =
                start((const char *[]){ "sh", "-c", "echo \"$LC_MESSAGES,$LANGUAGE,$LC_ALL,$UMBRA_KEPT\"", NULL });
        assert_int_equal(end(&c), 0);
        assert_int_equal(command_output(&c, OUTPUT_MAX, &output), 0);
        assert_string_equal(output, ",,C,yes\n");
}

static void make_program(const char *dir, const char *name, const char *text, mode_t mode) {
        _cleanup_(freep) char *path = path_in(dir, name);

        write_file(dir, name, text);
        assert_int_equal(chmod(path, mode), 0);
}

static void test_that_the_first_program_of_the_path_is_taken(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *saved = strdup(getenv("PATH")), *path = NULL, *output = NULL;
        Command none = COMMAND_INIT;

        make_program(dir, "1/umbra-none", "", 0644);           /* not to be executed */
        make_program(dir, "2/umbra-none/file", "", 0755);      /* a directory */
        make_program(dir, "1/umbra-some", "#!/bin/sh\n", 0644);
        make_program(dir, "2/umbra-some", "#!/bin/sh\necho 2", 0755);
        make_program(dir, "3/umbra-some", "#!/bin/sh\necho 3", 0755);
        make_program(dir, "4/umbra-odd", "no program", 0755);
        assert_int_equal(format_to(&path, "relative:%s/1:%s/2:%s/3:%s/4", dir, dir, dir, dir), 0);
        assert_int_equal(setenv("PATH", path, true), 0);

        assert_false(command_exists("umbra-none"));
        assert_int_equal(command_start((const char *[]){ "umbra-none", NULL }, NULL, 0, &none), -ENOENT);
        assert_int_equal(command_start((const char *[]){ "umbra-odd", NULL }, NULL, 0, &none), -ENOEXEC);
        assert_true(command_exists("umbra-some"));
        _cleanup_(command_clear) Command c = start((const char *[]){ "umbra-some", NULL });
        assert_int_equal(end(&c), 0);
        assert_int_equal(command_output(&c, OUTPUT_MAX, &output), 0);
        assert_string_equal(output, "2\n");

        assert_int_equal(unsetenv("PATH"), 0); /* as a service may be started */
        assert_true(command_exists("sh"));
        assert_int_equal(setenv("PATH", saved, true), 0);
}

static bool lock_is_free(void *path) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
        _cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC);

        assert_true(fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) >= 0);
        return lock.l_type == F_UNLCK;
}

/* The case that matters: whoever gave up is gone, and what the command does is not done yet. */
static void test_that_a_command_that_takes_too_long_goes_on_and_keeps_its_lock(void **state) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "lock"), *fifo = path_in(dir, "fifo"), *script = NULL;
        _cleanup_(closep) int fifo_fd = -EBADF;
        Command c = COMMAND_INIT;
        int locks[3] = { -EBADF, 0, -EBADF };

        assert_int_equal(mkfifo(fifo, 0600), 0);
        fifo_fd = open(fifo, O_RDWR | O_CLOEXEC);
        assert_true(fifo_fd >= 0);
        locks[2] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(locks[2] >= 0 && fcntl(locks[2], F_OFD_SETLK, &lock) >= 0);

        assert_int_equal(format_to(&script, "read -r line < '%s'; : > '%s/done'", fifo, dir), 0);
        assert_int_equal(command_start((const char *[]){ "sh", "-c", script, NULL }, locks, ELEMENTSOF(locks), &c), 0);
        assert_int_equal(command_wait(&c, now_usec(CLOCK_MONOTONIC), NULL), -ETIMEDOUT);
        command_clear(&c);
        locks[2] = fd_close(locks[2]);
        assert_false(lock_is_free(path));
        assert_false(file_exists(dir, "done"));

        assert_int_equal(fd_write_all(fifo_fd, "go\n", 3), 0);
        assert_true(eventually(lock_is_free, path, TEST_PATIENCE_USEC));
        assert_true(file_exists(dir, "done"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_what_a_command_says_is_kept_apart),
                cmocka_unit_test(test_that_more_output_than_expected_is_an_error),
                cmocka_unit_test(test_that_words_stay_what_they_are),
                cmocka_unit_test(test_that_programs_speak_the_language_that_programs_read),
                cmocka_unit_test(test_that_the_first_program_of_the_path_is_taken),
                cmocka_unit_test(test_that_a_command_that_takes_too_long_goes_on_and_keeps_its_lock),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
