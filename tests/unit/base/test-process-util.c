/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Processes: what a child gets and what it does not, how it ends, and that it does not outlive whom it
 * belongs to.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/strv.h"
#include "base/time-util.h"
#include "lib/test-util.h"

static const char *target_path; /* spawn-target.c */

/* A child that does @deed with @arg; @options says the rest. */
static int start(SpawnOptions options, const char *deed, const char *arg, int *ret_pidfd) {
        _cleanup_(strv_freep) char **argv = NULL;

        assert_int_equal(strv_append(&argv, "spawn-target"), 0);
        assert_int_equal(strv_append(&argv, deed), 0);
        assert_int_equal(strv_append(&argv, arg), 0);

        options.path = options.path ? options.path : target_path;
        options.argv = argv;
        return process_spawn(&options, NULL, ret_pidfd);
}

/* The same, waited for. Returns its status. */
static int run(SpawnOptions options, const char *deed, const char *arg) {
        _cleanup_(closep) int pidfd = -EBADF;
        int status = INT_MAX;

        assert_int_equal(start(options, deed, arg, &pidfd), 0);
        assert_true(eventually_readable(pidfd, TEST_PATIENCE_USEC));
        assert_int_equal(process_reap(pidfd, &status), 0);
        return status;
}

/* The same, with what it writes to standard output. */
static char *run_for_output(SpawnOptions options, const char *deed, const char *arg) {
        _cleanup_(closep) int from = -EBADF, to = -EBADF;
        char *output = NULL;
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        from = fds[0];
        to = fds[1];

        options.stdout_fd = to;
        assert_int_equal(run(options, deed, arg), 0);
        to = fd_close(to);
        assert_int_equal(fd_read_text(from, 4096, &output), 0);
        return output;
}

/* A pipe with @text in it and nothing to follow. */
static int pipe_with(const char *text) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(fd_write_all(fds[1], text, strlen(text)), 0);
        (void) close(fds[1]);
        return fds[0];
}

static void assert_no_child_left(void) {
        siginfo_t info;

        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), -1);
        assert_int_equal(errno, ECHILD);
}

static void test_that_what_cannot_be_executed_is_an_error_at_once(void **state) {
        static const struct {
                const char *name, *text;
                mode_t mode;
                int r;
        } cases[] = {
                { "nothing",     NULL,                  0,    -ENOENT  },
                { "no-mode",     "#!/bin/sh\n",         0600, -EACCES  },
                { "no-format",   "\x01\x02",            0700, -ENOEXEC },
                { "no-shell",    "#!/no/such/shell\n",  0700, -ENOENT  },
                { "no-mode/a",   NULL,                  0,    -ENOTDIR },
                { "",            NULL,                  0,    -EACCES  }, /* a directory */
        };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        unsigned fds = count_open_fds();

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *path = path_in(dir, cases[i].name);
                int pidfd = -EBADF;

                if (cases[i].text) {
                        write_file(dir, cases[i].name, cases[i].text);
                        assert_int_equal(chmod(path, cases[i].mode), 0);
                }

                assert_int_equal(start((SpawnOptions){ .path = path }, "exit", "0", &pidfd), cases[i].r);
                assert_int_equal(pidfd, -EBADF);
        }

        assert_int_equal(count_open_fds(), fds);
        assert_no_child_left();
}

static void test_that_the_way_it_ended_is_told(void **state) {
        static const struct {
                const char *deed, *arg;
                int status;
        } cases[] = {
                { "exit", "255", 255      },
                { "exit", "0",   0        },
                { "exit", "3",   3        },
                { "die",  "9",   -SIGKILL },
                { "die",  "15",  -SIGTERM },
                { "what", "",    64       },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(run((SpawnOptions){}, cases[i].deed, cases[i].arg), cases[i].status);

        assert_no_child_left();
}

static void test_that_reaping_does_not_wait(void **state) {
        _cleanup_(closep) int pidfd = -EBADF;
        int status = INT_MAX;

        assert_int_equal(start((SpawnOptions){}, "sleep", "", &pidfd), 0);
        assert_int_equal(fcntl(pidfd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(process_reap(pidfd, &status), -EAGAIN);
        assert_int_equal(status, INT_MAX);

        assert_int_equal(process_end(pidfd, 0, &status), 0);
        assert_int_equal(status, -SIGKILL);

        /* Nobody is reaped twice. */
        assert_int_equal(process_reap(pidfd, &status), -ECHILD);
        assert_int_equal(process_end(pidfd, 0, NULL), -ECHILD);
}

static void test_that_ending_waits_as_long_as_it_was_told(void **state) {
        static const struct {
                const char *deed;
                usec_t timeout_usec, at_least_usec, at_most_usec;
                int status;
        } cases[] = {
                { "sleep", 50 * USEC_PER_MSEC,  50 * USEC_PER_MSEC, TEST_PATIENCE_USEC,     -SIGKILL },
                { "sleep", 0,                   0,                  TEST_PATIENCE_USEC,     -SIGKILL },
                { "exit",  USEC_INFINITY,       0,                  TEST_PATIENCE_USEC,     7        },
                { "exit",  TEST_PATIENCE_USEC,  0,                  TEST_PATIENCE_USEC - 1, 7        },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(closep) int pidfd = -EBADF;
                int status = INT_MAX;
                usec_t begin, span;

                assert_int_equal(start((SpawnOptions){}, cases[i].deed, "7", &pidfd), 0);
                begin = now_usec(CLOCK_MONOTONIC);
                assert_int_equal(process_end(pidfd, cases[i].timeout_usec, &status), 0);
                span = now_usec(CLOCK_MONOTONIC) - begin;

                assert_int_equal(status, cases[i].status);
                assert_in_range(span, cases[i].at_least_usec, cases[i].at_most_usec);
        }
}

static void test_that_a_child_has_its_three_descriptors_and_no_others(void **state) {
        _cleanup_(closep) int stray = -EBADF;
        _cleanup_(freep) char *output = NULL;

        stray = dup(STDERR_FILENO); /* without close-on-exec, as foreign code leaves them */
        assert_true(stray > STDERR_FILENO);

        output = run_for_output((SpawnOptions){}, "fds", "");
        assert_string_equal(output, "0 1 2 ");
}

/* Each source stands where another one has to go, and one is asked for twice. */
static void test_that_descriptors_get_their_numbers_whatever_they_had(void **state) {
        _cleanup_(freep) char *output = NULL, *numbers = NULL;
        int saved[4], fds[4];
        static const int order[] = { 6, 5, 4, 3 };

        for (size_t i = 0; i < ELEMENTSOF(fds); ++i)
                saved[i] = fcntl(3 + (int) i, F_DUPFD_CLOEXEC, 20); /* what the test itself has there */

        for (size_t i = 0; i < ELEMENTSOF(fds); ++i) {
                char text[] = { (char) ('a' + (int) i), '\0' };
                int fd = pipe_with(text), high = fcntl(fd, F_DUPFD_CLOEXEC, 40);

                (void) close(fd);
                fds[i] = high;
        }
        for (size_t i = 0; i < ELEMENTSOF(fds); ++i) {
                assert_int_equal(dup3(fds[i], order[i], O_CLOEXEC), order[i]);
                (void) close(fds[i]);
        }

        output = run_for_output((SpawnOptions){ .fds = order, .n_fds = ELEMENTSOF(order) }, "read", "6");
        numbers = run_for_output((SpawnOptions){ .fds = (int[]){ 3, 3 }, .n_fds = 2 }, "fds", "");

        for (size_t i = 0; i < ELEMENTSOF(fds); ++i) {
                (void) close(3 + (int) i);
                if (saved[i] >= 0) {
                        (void) dup3(saved[i], 3 + (int) i, O_CLOEXEC);
                        (void) close(saved[i]);
                }
        }

        assert_string_equal(output, "3:a 4:b 5:c 6:d ");
        assert_string_equal(numbers, "0 1 2 3 4 ");
}

static void test_that_a_descriptor_that_is_not_open_is_an_error(void **state) {
        const int fds[] = { STDERR_FILENO, 12345 };
        unsigned before = count_open_fds();
        int pidfd = -EBADF;

        assert_int_equal(start((SpawnOptions){ .fds = fds, .n_fds = 2 }, "exit", "0", &pidfd), -EBADF);
        assert_int_equal(start((SpawnOptions){ .stdout_fd = 12345 }, "exit", "0", &pidfd), -EBADF);
        assert_int_equal(start((SpawnOptions){ .stderr_fd = 12345 }, "exit", "0", &pidfd), -EBADF);
        assert_int_equal(count_open_fds(), before);
        assert_no_child_left();
}

static void test_that_output_and_errors_may_be_exchanged(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "file"), *text = NULL, *output = NULL;
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        output = run_for_output((SpawnOptions){ .stderr_fd = fd }, "speak", "a");
        assert_string_equal(output, "out a\n");
        text = read_file(dir, "file");
        assert_string_equal(text, "err a\n");

        /* Both to one place; negative is inherited as well. */
        assert_int_equal(run((SpawnOptions){ .stdout_fd = fd, .stderr_fd = fd }, "speak", "b"), 0);
        text = (free(text), read_file(dir, "file"));
        assert_string_equal(text, "err a\nerr b\nout b\n");
        assert_int_equal(run((SpawnOptions){ .stdout_fd = -EBADF, .stderr_fd = -EBADF }, "exit", "0"), 0);
}

static void ignore_signal(int signo) {
}

static void test_that_signals_are_reset(void **state) {
        struct sigaction ignore = { .sa_handler = SIG_IGN }, handle = { .sa_handler = ignore_signal };
        struct sigaction saved_pipe, saved_usr1;
        _cleanup_(freep) char *output = NULL;
        sigset_t mask, saved, after;

        (void) sigaction(SIGPIPE, &ignore, &saved_pipe);
        (void) sigaction(SIGUSR1, &handle, &saved_usr1);
        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGTERM);
        (void) sigaddset(&mask, SIGCHLD);
        (void) sigprocmask(SIG_BLOCK, &mask, &saved);

        output = run_for_output((SpawnOptions){}, "signals", "");

        /* Ours are as they were. */
        (void) sigprocmask(SIG_SETMASK, &saved, &after);
        assert_true(sigismember(&after, SIGTERM) && sigismember(&after, SIGCHLD));
        assert_false(sigismember(&after, SIGINT));
        (void) sigaction(SIGPIPE, &saved_pipe, &ignore);
        assert_ptr_equal(ignore.sa_handler, SIG_IGN);
        (void) sigaction(SIGUSR1, &saved_usr1, NULL);

        assert_string_equal(output, "");
}

typedef struct Leave {
        int result;
        char comm[32]; /* of the child, when we were asked */
} Leave;

static int give_leave(pid_t pid, void *userdata) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int fd = -EBADF;
        Leave *leave = userdata;

        assert_int_equal(format_to(&path, "/proc/%d/comm", (int) pid), 0);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_true(read(fd, leave->comm, sizeof(leave->comm) - 1) > 0);
        return leave->result;
}

static void test_that_a_program_begins_when_it_may_and_not_before(void **state) {
        Leave yes = { .result = 0 }, no = { .result = -EDQUOT };
        SpawnOptions options = { .new_session = true, .about_to_begin = give_leave, .userdata = &yes };
        int pidfd = -EBADF;

        assert_int_equal(run(options, "exit", "7"), 7);
        assert_null(strstr(yes.comm, "spawn-target"));

        options.userdata = &no;
        assert_int_equal(start(options, "exit", "7", &pidfd), -EDQUOT);
        assert_int_equal(pidfd, -EBADF);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
}

static void test_that_a_session_is_new_when_asked_for(void **state) {
        _cleanup_(freep) char *own = run_for_output((SpawnOptions){ .new_session = true }, "session", "");
        _cleanup_(freep) char *inherited = run_for_output((SpawnOptions){}, "session", "");

        assert_string_equal(own, "own");
        assert_string_equal(inherited, "inherited");
}

static void test_that_the_environment_is_the_one_given(void **state) {
        char variable[] = "UMBRA_TEST_B=2", *const envp[] = { variable, NULL };
        _cleanup_(freep) char *given = NULL, *inherited = NULL;

        assert_int_equal(setenv("UMBRA_TEST_A", "1", 1), 0);
        given = run_for_output((SpawnOptions){ .envp = envp }, "environment", "");
        inherited = run_for_output((SpawnOptions){}, "environment", "");
        assert_int_equal(unsetenv("UMBRA_TEST_A"), 0);

        assert_string_equal(given, "UMBRA_TEST_B=2 ");
        assert_string_equal(inherited, "UMBRA_TEST_A=1 ");
}

static void test_that_a_child_dies_with_its_parent(void **state) {
        _cleanup_(closep) int from = -EBADF, to = -EBADF, pidfd = -EBADF;
        char byte;
        int fds[2], status = 0;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        from = fds[0];
        to = fds[1];

        /* The child starts a grandchild; both hold the pipe and sleep. */
        assert_int_equal(start((SpawnOptions){ .fds = &to, .n_fds = 1 }, "parent", target_path, &pidfd), 0);
        to = fd_close(to);
        assert_true(eventually_readable(from, TEST_PATIENCE_USEC));
        assert_int_equal(read(from, &byte, 1), 1);

        assert_int_equal(process_end(pidfd, 0, &status), 0);
        assert_int_equal(status, -SIGKILL);

        /* Its end is the grandchild's end, or somebody still holds the pipe. */
        assert_true(eventually_readable(from, TEST_PATIENCE_USEC));
        assert_int_equal(read(from, &byte, 1), 0);
}

static void test_that_a_sibling_program_is_found(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *program = path_in(dir, "umbra-helper"), *own = NULL, *found = NULL;
        char path[PATH_MAX] = { 0 };

        assert_int_equal(unsetenv("UMBRA_LIBEXECDIR"), 0);
        assert_int_equal(program_path("umbra-helper", dir, &found), -ENOENT);
        assert_int_equal(program_path("umbra-helper", NULL, &found), -ENOENT);

        /* What cannot be executed is not it. */
        write_file(dir, "umbra-helper", "#!/bin/sh\n");
        assert_int_equal(program_path("umbra-helper", dir, &found), -ENOENT);
        assert_null(found);

        assert_int_equal(chmod(program, 0700), 0);
        assert_int_equal(program_path("umbra-helper", dir, &found), 0);
        assert_string_equal(found, program);

        assert_int_equal(setenv("UMBRA_LIBEXECDIR", dir, 1), 0);
        found = (free(found), NULL);
        assert_int_equal(program_path("umbra-helper", "/nowhere", &found), 0);
        assert_string_equal(found, program);
        assert_int_equal(setenv("UMBRA_LIBEXECDIR", "/nowhere", 1), 0);

        /* This very program stands beside itself, and goes before the fallback. */
        assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
        write_file(dir, strrchr(path, '/') + 1, "");
        assert_int_equal(program_path(strrchr(path, '/') + 1, dir, &own), 0);
        assert_string_equal(own, path);
        assert_int_equal(unsetenv("UMBRA_LIBEXECDIR"), 0);
}

static void test_that_processes_survive_any_failed_allocation(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *program = path_in(dir, "umbra-helper");
        char name[] = "spawn-target", *const argv[] = { name, NULL };
        const SpawnOptions options = { .path = target_path, .argv = argv };
        int r = -ENOMEM;

        write_file(dir, "umbra-helper", "");
        assert_int_equal(chmod(program, 0700), 0);

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                _cleanup_(closep) int pidfd = -EBADF;
                _cleanup_(freep) char *found = NULL;

                fault_fail_allocation(n);
                r = program_path("umbra-helper", dir, &found);
                if (r == 0)
                        r = process_spawn(&options, NULL, &pidfd);
                fault_clear();

                assert_int_equal(pidfd >= 0, r == 0);
                if (r == 0)
                        assert_int_equal(process_end(pidfd, TEST_PATIENCE_USEC, NULL), 0);
        }

        assert_int_equal(r, 0);
        assert_no_child_left();
}

static void test_that_hurrying_ends_and_is_not_inherited(void **state) {
        int pidfd = -EBADF, status, child;
        pid_t pid;

        process_hurry();
        if (sched_getscheduler(0) == SCHED_OTHER)
                skip(); /* not allowed */
        assert_int_equal(sched_getscheduler(0), SCHED_RR | SCHED_RESET_ON_FORK);
        process_hurry(); /* twice is as good as once */

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(sched_getscheduler(0));
        pidfd = pidfd_open(pid, 0);
        assert_true(pidfd >= 0);
        child = process_end(pidfd, TEST_PATIENCE_USEC, &status);
        fd_close(pidfd);

        process_take_time();
        assert_int_equal(sched_getscheduler(0) & ~SCHED_RESET_ON_FORK, SCHED_OTHER);
        process_take_time();
        assert_int_equal(child, 0);
        assert_int_equal(status, SCHED_OTHER);
}

static void test_that_who_has_real_time_keeps_it(void **state) {
        struct sched_param first = { .sched_priority = 1 }, none = { .sched_priority = 0 };
        int after;

        if (sched_setscheduler(0, SCHED_RR, &first) < 0)
                skip();
        process_hurry();
        process_take_time();
        after = sched_getscheduler(0);
        assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &none), 0);
        assert_int_equal(after, SCHED_RR);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_what_cannot_be_executed_is_an_error_at_once),
                cmocka_unit_test(test_that_the_way_it_ended_is_told),
                cmocka_unit_test(test_that_reaping_does_not_wait),
                cmocka_unit_test(test_that_ending_waits_as_long_as_it_was_told),
                cmocka_unit_test(test_that_a_child_has_its_three_descriptors_and_no_others),
                cmocka_unit_test(test_that_descriptors_get_their_numbers_whatever_they_had),
                cmocka_unit_test(test_that_a_descriptor_that_is_not_open_is_an_error),
                cmocka_unit_test(test_that_output_and_errors_may_be_exchanged),
                cmocka_unit_test(test_that_signals_are_reset),
                cmocka_unit_test(test_that_a_program_begins_when_it_may_and_not_before),
                cmocka_unit_test(test_that_a_session_is_new_when_asked_for),
                cmocka_unit_test(test_that_the_environment_is_the_one_given),
                cmocka_unit_test(test_that_a_child_dies_with_its_parent),
                cmocka_unit_test(test_that_a_sibling_program_is_found),
                cmocka_unit_test(test_that_hurrying_ends_and_is_not_inherited),
                cmocka_unit_test(test_that_who_has_real_time_keeps_it),
                cmocka_unit_test(test_that_processes_survive_any_failed_allocation),
        };

        if (argc != 2) {
                (void) fprintf(stderr, "Usage: %s SPAWN-TARGET\n", argv[0]);
                return EXIT_FAILURE;
        }

        target_path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
