/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One connection, several threads: who waits gets his own answer, in time, whoever dispatches; and when the
 * connection ends, everybody learns of it, once. Also run under ThreadSanitizer.
 */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vsserror.h>

#include <cmocka.h>

#include "base/macro.h"
#include "base/time-util.h"
#include "fake-server.h"
#include "wire/wire-client.h"
#include "wire/wire-error.h"
#include "wire/wire-names.h"
#include "wire/wire-types.h"

#define SOON (30 * USEC_PER_SEC)

typedef struct Fixture {
        FakeServer *server;
        WireClient *client;
} Fixture;

static int setup(void **state) {
        static Fixture f;

        f.server = fake_server_start(FAKE_SERVER_TALKS);
        assert_int_equal(wire_client_connect(fake_server_path(f.server), SOON, &f.client), 0);
        *state = &f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        wire_client_unref(f->client);
        fake_server_stop(f->server);
        return 0;
}

/* Locked by the caller. */
static sd_bus_message *new_call(WireClient *c, sd_bus *bus, const char *member) {
        sd_bus_message *m = NULL;

        assert_int_equal(sd_bus_message_new_method_call(bus, &m, NULL, "/test", "test.Test", member), 0);
        return m;
}

static int call_text(WireClient *c,
                     const char *member,
                     uint32_t ms,
                     const char *text,
                     usec_t timeout,
                     char *ret,
                     size_t size) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *answer;
        int r;

        WIRE_CLIENT_LOCKED(c);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        m = new_call(c, wire_client_lock(c), member);
        wire_client_unlock(c);
        if (strcmp(member, "Later") == 0)
                assert_true(sd_bus_message_append(m, "u", ms) >= 0);
        assert_true(sd_bus_message_append(m, "s", text) >= 0);

        r = wire_client_call(c, m, timeout, &error, &reply);
        if (r < 0) {
                assert_non_null(error.name);
                return r;
        }

        assert_true(sd_bus_message_read(reply, "s", &answer) > 0);
        (void) snprintf(ret, size, "%s", answer);
        return 0;
}

static void test_that_failing_to_connect_says_how(void **state) {
        static const struct {
                FakeServerMode mode;
                int r;
                /* clang-format off */
        } cases[] = {
                { FAKE_SERVER_CLOSES, -ECONNRESET },
                { FAKE_SERVER_MUTE,   -ETIMEDOUT  },
                { FAKE_SERVER_FULL,   -ETIMEDOUT  },
        };
        /* clang-format on */
        char far[200];
        WireClient *c;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                FakeServer *s = fake_server_start(cases[i].mode);
                usec_t begin = now_usec(CLOCK_MONOTONIC);

                assert_int_equal(wire_client_connect(fake_server_path(s), 200 * USEC_PER_MSEC, &c),
                                 cases[i].r);
                assert_true(now_usec(CLOCK_MONOTONIC) - begin < 20 * USEC_PER_SEC);
                fake_server_stop(s);
        }

        assert_int_equal(wire_client_connect("/nonexistent/umbra.sock", SOON, &c), -ENOENT);
        assert_int_equal(wire_client_connect("/etc/passwd", SOON, &c), -ECONNREFUSED);
        assert_int_equal(wire_client_connect("", SOON, &c), -ENAMETOOLONG);
        memset(far, 'x', sizeof(far) - 1);
        far[sizeof(far) - 1] = '\0';
        assert_int_equal(wire_client_connect(far, SOON, &c), -ENAMETOOLONG);
}

static void test_that_the_override_comes_before_the_environment(void **state) {
        char *path;

        unsetenv(WIRE_SOCKET_ENV);
        assert_int_equal(wire_socket_path(&path), 0);
        assert_string_equal(path, WIRE_SOCKET_DEFAULT);
        free(path);

        setenv(WIRE_SOCKET_ENV, "/tmp/from-environment", true);
        assert_int_equal(wire_socket_path(&path), 0);
        assert_string_equal(path, "/tmp/from-environment");
        free(path);

        assert_int_equal(wire_socket_override("/tmp/from-program"), 0);
        assert_int_equal(wire_socket_override(""), -EINVAL);
        assert_int_equal(wire_socket_path(&path), 0);
        assert_string_equal(path, "/tmp/from-program");
        free(path);

        assert_int_equal(wire_socket_override(NULL), 0);
        assert_int_equal(wire_socket_path(&path), 0);
        assert_string_equal(path, "/tmp/from-environment");
        free(path);
        unsetenv(WIRE_SOCKET_ENV);
}

static void test_that_a_call_gets_its_answer(void **state) {
        Fixture *f = *state;
        char answer[64];

        assert_int_equal(call_text(f->client, "Echo", 0, "hello", SOON, answer, sizeof(answer)), 0);
        assert_string_equal(answer, "hello");
        assert_true(wire_client_is_connected(f->client));
}

static void test_that_an_error_keeps_its_code_and_its_sentence(void **state) {
        static const struct {
                HRESULT hr;
                const char *text, *sentence;
                /* clang-format off */
        } cases[] = {
                { VSS_E_BAD_STATE,                "too early", "too early" },
                { VSS_E_BAD_STATE,                "", "the call was made in the wrong state or order" },
                { VSS_S_ASYNC_CANCELLED,          "", "the operation was cancelled" },
                { E_ACCESSDENIED,                 "", "you are not allowed to do this" },
                { UMBRA_HRESULT(0x8004BEEF),      "", "an unknown error occurred" },
        };
        /* clang-format on */
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

                WIRE_CLIENT_LOCKED(f->client);
                _cleanup_message_ sd_bus_message *m = NULL;

                m = new_call(f->client, wire_client_lock(f->client), "Fail");
                wire_client_unlock(f->client);
                assert_true(sd_bus_message_append(m, "is", cases[i].hr, cases[i].text) >= 0);
                assert_true(wire_client_call(f->client, m, SOON, &error, NULL) < 0);
                assert_int_equal(hresult_from_wire_error(&error), cases[i].hr);
                assert_string_equal(error.message, cases[i].sentence);
        }
}

static void test_that_a_late_answer_is_dropped_and_the_connection_lives(void **state) {
        Fixture *f = *state;
        char answer[64];

        assert_int_equal(
                call_text(f->client, "Later", 200, "late", 50 * USEC_PER_MSEC, answer, sizeof(answer)),
                -ETIMEDOUT);
        usleep(300 * 1000);
        assert_int_equal(call_text(f->client, "Echo", 0, "next", SOON, answer, sizeof(answer)), 0);
        assert_string_equal(answer, "next");
}

typedef struct Thread {
        pthread_t thread;
        WireClient *client;
        unsigned n, n_calls, ms;
        const char *member;
        usec_t timeout;
        int r, errors;
} Thread;

static void *thread_main(void *arg) {
        Thread *t = arg;

        for (unsigned i = 0; i < t->n_calls; ++i) {
                char text[64], answer[64] = "";

                (void) snprintf(text, sizeof(text), "%u.%u", t->n, i);
                t->r = call_text(t->client, t->member, t->ms, text, t->timeout, answer, sizeof(answer));
                if (t->r < 0 || strcmp(text, answer) != 0)
                        ++t->errors;
        }

        return NULL;
}

static void threads_start(Thread *threads, size_t n, const Thread *model) {
        for (size_t i = 0; i < n; ++i) {
                threads[i] = *model;
                threads[i].n = (unsigned) i;
                assert_int_equal(pthread_create(&threads[i].thread, NULL, thread_main, threads + i), 0);
        }
}

static void threads_join(Thread *threads, size_t n) {
        for (size_t i = 0; i < n; ++i)
                assert_int_equal(pthread_join(threads[i].thread, NULL), 0);
}

static void test_that_every_thread_gets_its_own_answers(void **state) {
        Fixture *f = *state;
        Thread quick[6], slow[6];

        threads_start(
                slow, ELEMENTSOF(slow),
                &(Thread){
                        .client = f->client, .member = "Later", .ms = 7, .n_calls = 20, .timeout = SOON });
        threads_start(quick, ELEMENTSOF(quick),
                      &(Thread){ .client = f->client, .member = "Echo", .n_calls = 200, .timeout = SOON });
        threads_join(quick, ELEMENTSOF(quick));
        threads_join(slow, ELEMENTSOF(slow));

        for (size_t i = 0; i < ELEMENTSOF(quick); ++i) {
                assert_int_equal(quick[i].errors, 0);
                assert_int_equal(slow[i].errors, 0);
        }
}

static void test_that_who_still_waits_leads_when_the_leader_is_served(void **state) {
        Fixture *f = *state;
        Thread first[1], second[1];

        threads_start(
                first, 1,
                &(Thread){
                        .client = f->client, .member = "Later", .ms = 100, .n_calls = 1, .timeout = SOON });
        usleep(20 * 1000);
        threads_start(
                second, 1,
                &(Thread){
                        .client = f->client, .member = "Later", .ms = 300, .n_calls = 1, .timeout = SOON });
        threads_join(first, 1);
        threads_join(second, 1);
        assert_int_equal(first->errors + second->errors, 0);
}

static void test_that_followers_time_out_on_their_own(void **state) {
        Fixture *f = *state;
        usec_t begin = now_usec(CLOCK_MONOTONIC);
        Thread leader[1], follower[1];

        threads_start(
                leader, 1,
                &(Thread){
                        .client = f->client, .member = "Later", .ms = 700, .n_calls = 1, .timeout = SOON });
        usleep(20 * 1000);
        threads_start(follower, 1,
                      &(Thread){
                              .client = f->client,
                              .member = "Later",
                              .ms = 20000,
                              .n_calls = 1,
                              .timeout = 100 * USEC_PER_MSEC,
                      });
        threads_join(follower, 1);
        assert_int_equal(follower->r, -ETIMEDOUT);
        threads_join(leader, 1);
        assert_int_equal(leader->errors, 0);
        assert_true(now_usec(CLOCK_MONOTONIC) - begin < 15 * USEC_PER_SEC);
}

typedef struct Answer {
        WireClient *client;
        atomic_uint n, n_lost;
        int nested;
        bool disconnect;
} Answer;

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Answer *a = userdata;

        atomic_fetch_add(&a->n, 1);
        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_DISCONNECTED))
                atomic_fetch_add(&a->n_lost, 1);
        if (a->disconnect)
                wire_client_disconnect(a->client);
        return 0;
}

static bool answer_has_come(void *arg) {
        Answer *a = arg;

        return atomic_load(&a->n) > 0;
}

static void begin(WireClient *c, const char *member, uint32_t ms, Answer *answer) {
        sd_bus_message_handler_t callback = on_answer;

        WIRE_CLIENT_LOCKED(c);
        _cleanup_message_ sd_bus_message *m = NULL;

        m = new_call(c, wire_client_lock(c), member);
        wire_client_unlock(c);
        if (strcmp(member, "Later") == 0)
                assert_true(sd_bus_message_append(m, "us", ms, "x") >= 0);
        assert_int_equal(wire_client_call_async(c, m, callback, answer), 0);
}

static void test_that_polling_alone_brings_the_answer(void **state) {
        Fixture *f = *state;
        Answer answer = { f->client };
        unsigned rounds = 0;

        begin(f->client, "Later", 100, &answer);
        while (!answer_has_come(&answer)) {
                usleep(10 * 1000);
                wire_client_poll(f->client);
                assert_true(++rounds < 1000);
        }
        assert_int_equal(answer.n_lost, 0);
        wire_client_poll(f->client);
        assert_int_equal(answer.n, 1);
}

static void test_that_one_who_polls_serves_those_who_wait(void **state) {
        Fixture *f = *state;
        Thread threads[3];

        threads_start(threads, ELEMENTSOF(threads),
                      &(Thread){ .client = f->client, .member = "Echo", .n_calls = 300, .timeout = SOON });
        for (unsigned i = 0; i < 2000; ++i)
                wire_client_poll(f->client);
        threads_join(threads, ELEMENTSOF(threads));
        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(threads[i].errors, 0);
}

static void test_that_the_end_of_the_server_is_told_to_all_once(void **state) {
        static const char *const members[] = { "Close", "Garbage" };
        Fixture *f = *state;

        for (size_t k = 0; k < ELEMENTSOF(members); ++k) {
                Answer answer = { 0 };
                Thread threads[4];
                WireClient *c;

                assert_int_equal(wire_client_connect(fake_server_path(f->server), SOON, &c), 0);
                answer.client = c;
                threads_start(threads, ELEMENTSOF(threads),
                              &(Thread){
                                      .client = c,
                                      .member = "Later",
                                      .ms = 20000,
                                      .n_calls = 1,
                                      .timeout = SOON,
                              });
                for (unsigned i = 0; i < 5; ++i)
                        begin(c, "Never", 0, &answer);
                usleep(50 * 1000);
                begin(c, members[k], 0, &answer);

                threads_join(threads, ELEMENTSOF(threads));
                for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                        assert_int_equal(threads[i].r, -ENOTCONN);
                assert_int_equal(answer.n, 6);
                assert_int_equal(answer.n_lost, 6);
                assert_false(wire_client_is_connected(c));

                assert_int_equal(wire_client_wait(c, answer_has_come, &answer, 0), 0);
                assert_int_equal(call_text(c, "Echo", 0, "x", SOON, NULL, 0), -ENOTCONN);
                wire_client_unref(c);
                assert_int_equal(answer.n, 6);
        }
}

static void test_that_disconnecting_ends_all_waits(void **state) {
        Fixture *f = *state;
        Answer answer = { f->client };
        Thread threads[4];

        threads_start(threads, ELEMENTSOF(threads),
                      &(Thread){
                              .client = f->client,
                              .member = "Later",
                              .ms = 20000,
                              .n_calls = 1,
                              .timeout = SOON,
                      });
        begin(f->client, "Never", 0, &answer);
        usleep(50 * 1000);
        wire_client_disconnect(f->client);
        wire_client_disconnect(f->client);
        assert_int_equal(answer.n, 1);
        assert_int_equal(answer.n_lost, 1);

        threads_join(threads, ELEMENTSOF(threads));
        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(threads[i].r, -ENOTCONN);
}

static void test_that_the_last_reference_answers_what_is_pending(void **state) {
        Fixture *f = *state;
        Answer answer = { 0 };
        WireClient *c;

        assert_int_equal(wire_client_connect(fake_server_path(f->server), SOON, &c), 0);
        begin(c, "Never", 0, &answer);
        wire_client_unref(wire_client_ref(c));
        assert_int_equal(answer.n, 0);
        wire_client_unref(c);
        assert_int_equal(answer.n, 1);
        assert_int_equal(answer.n_lost, 1);
}

static void test_that_a_callback_may_disconnect(void **state) {
        Fixture *f = *state;
        Answer first = { f->client, .disconnect = true }, second = { f->client };

        begin(f->client, "Never", 0, &second);
        begin(f->client, "Later", 10, &first);
        assert_int_equal(wire_client_wait(f->client, answer_has_come, &second, USEC_INFINITY), 0);
        assert_int_equal(first.n, 1);
        assert_int_equal(first.n_lost, 0);
        assert_int_equal(second.n_lost, 1);
        assert_false(wire_client_is_connected(f->client));
}

static int on_answer_that_waits(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Answer *a = userdata;

        a->nested = call_text(a->client, "Echo", 0, "x", SOON, NULL, 0);
        atomic_fetch_add(&a->n, 1);
        return 0;
}

static void test_that_a_callback_cannot_wait(void **state) {
        Fixture *f = *state;
        Answer answer = { f->client };

        {
                WIRE_CLIENT_LOCKED(f->client);
                _cleanup_message_ sd_bus_message *m =
                        new_call(f->client, wire_client_lock(f->client), "Echo");

                wire_client_unlock(f->client);
                assert_int_equal(wire_client_call_async(f->client, m, on_answer_that_waits, &answer), 0);
        }
        assert_int_equal(wire_client_wait(f->client, answer_has_come, &answer, USEC_INFINITY), 0);
        assert_int_equal(answer.nested, -EDEADLK);
}

static bool flag_is_set(void *arg) {
        return *(bool *) arg;
}

typedef struct Waker {
        WireClient *client;
        bool flag;
} Waker;

static void *waker_main(void *arg) {
        Waker *w = arg;

        usleep(50 * 1000);
        (void) wire_client_lock(w->client);
        w->flag = true;
        wire_client_unlock(w->client);
        wire_client_wake(w->client);
        return NULL;
}

static void test_that_a_wait_can_be_woken(void **state) {
        Fixture *f = *state;
        Waker waker = { f->client, false };
        pthread_t thread;

        assert_int_equal(wire_client_wait(f->client, flag_is_set, &waker.flag, 0), -ETIMEDOUT);
        assert_int_equal(pthread_create(&thread, NULL, waker_main, &waker), 0);
        assert_int_equal(wire_client_wait(f->client, flag_is_set, &waker.flag, USEC_INFINITY), 0);
        pthread_join(thread, NULL);
}

/* More than the socket takes while the other side sleeps: the rest has to be written later. */
static void test_that_large_messages_wait_for_room(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *bytes = calloc(1, 8 << 20);
        const void *back;
        size_t size;

        WIRE_CLIENT_LOCKED(f->client);
        _cleanup_message_ sd_bus_message *sleep = NULL, *m = NULL, *reply = NULL;
        sd_bus *bus = wire_client_lock(f->client);

        sleep = new_call(f->client, bus, "Sleep");
        assert_true(sd_bus_message_append(sleep, "u", 100) >= 0);
        assert_int_equal(wire_client_send(f->client, sleep), 0);

        memset(bytes, 'b', 8 << 20);
        m = new_call(f->client, bus, "Echo");
        wire_client_unlock(f->client);
        assert_true(sd_bus_message_append_array(m, 'y', bytes, 8 << 20) >= 0);
        assert_int_equal(wire_client_call(f->client, m, SOON, NULL, &reply), 0);
        assert_true(sd_bus_message_read_array(reply, 'y', &back, &size) > 0);
        assert_int_equal(size, 8 << 20);
        assert_memory_equal(back, bytes, size);
}

/* What a child of fork() does with its copy must not end the connection of its parent. */
static void test_that_a_fork_does_not_hurt_its_parent(void **state) {
        Fixture *f = *state;
        char answer[64];
        int status;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int r = call_text(f->client, "Echo", 0, "child", SOON, answer, sizeof(answer));

                wire_client_disconnect(f->client);
                _exit(r == 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);

        assert_int_equal(call_text(f->client, "Echo", 0, "parent", SOON, answer, sizeof(answer)), 0);
        assert_string_equal(answer, "parent");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_failing_to_connect_says_how),
                cmocka_unit_test(test_that_the_override_comes_before_the_environment),
                cmocka_unit_test_setup_teardown(test_that_a_call_gets_its_answer, setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_an_error_keeps_its_code_and_its_sentence, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_that_a_late_answer_is_dropped_and_the_connection_lives,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_every_thread_gets_its_own_answers, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_that_who_still_waits_leads_when_the_leader_is_served,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_followers_time_out_on_their_own, setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_polling_alone_brings_the_answer, setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_one_who_polls_serves_those_who_wait, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_that_the_end_of_the_server_is_told_to_all_once, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_that_disconnecting_ends_all_waits, setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_the_last_reference_answers_what_is_pending, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_that_a_callback_may_disconnect, setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_a_callback_cannot_wait, setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_a_wait_can_be_woken, setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_large_messages_wait_for_room, setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_a_fork_does_not_hurt_its_parent, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
