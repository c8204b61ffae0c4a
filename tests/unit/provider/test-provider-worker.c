/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The worker's process by itself: when it ends and how, and what it says to questions that umbrad never
 * asks. Under a sanitizer an orderly end is also one without leaks.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/fd-util.h"
#include "base/guid.h"
#include "base/process-util.h"
#include "provider/provider-protocol.h"
#include "unit/provider/asker.h"
#include "wire/wire-names.h"
#include "wire/wire-types.h"

typedef struct World {
        char *dir, *state, *runtime, *volume;
        int pidfd;
        sd_bus *bus;
        ProviderSnapshot snapshot;
} World;

static void start_worker(World *w, const char *provider, int fd) {
        _cleanup_(freep) char *path = NULL, *name = NULL;
        char program[] = PROVIDER_WORKER_PROGRAM, opt_provider[] = "--provider", opt_state[] = "--state-dir",
             opt_runtime[] = "--runtime-dir";
        SpawnOptions options = {
                .fds = &fd,
                .n_fds = 1,
                .die_with_parent = true,
        };

        assert_int_equal(program_path(PROVIDER_WORKER_PROGRAM, NULL, &path), 0);
        name = strdup(provider);
        assert_non_null(name);
        options.path = path;
        options.argv = (char *[]){ program,  opt_provider, name,       opt_state,
                                   w->state, opt_runtime,  w->runtime, NULL };
        assert_int_equal(process_spawn(&options, NULL, &w->pidfd), 0);
}

static int world_setup(void **state) {
        World *w = calloc(1, sizeof(*w));
        int fds[2];

        assert_non_null(w);
        w->dir = temp_dir_new();
        write_file(w->dir, "volume/file", "text");
        write_file(w->dir, "state/fake.script", "");
        write_file(w->dir, "run/.keep", "");
        w->volume = path_in(w->dir, "volume");
        w->state = path_in(w->dir, "state");
        w->runtime = path_in(w->dir, "run");
        guid_generate(&w->snapshot.id);
        w->snapshot.volume = w->volume;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        start_worker(w, "fake", fds[1]);
        (void) close(fds[1]);
        assert_true(sd_bus_new(&w->bus) >= 0);
        assert_true(sd_bus_set_fd(w->bus, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_start(w->bus) >= 0);
        *state = w;
        return 0;
}

static int world_teardown(void **state) {
        World *w = *state;

        w->bus = sd_bus_close_unref(w->bus);
        if (w->pidfd >= 0)
                assert_int_equal(process_end(w->pidfd, TEST_PATIENCE_USEC, NULL), 0);
        w->pidfd = fd_close(w->pidfd);
        free(w->volume);
        free(w->state);
        free(w->runtime);
        temp_dir_free(w->dir);
        free(w);
        return 0;
}

static sd_bus_message *question(World *w, ProviderCall call) {
        sd_bus_message *m = NULL;

        assert_true(sd_bus_message_new_method_call(w->bus, &m, NULL, WIRE_PROVIDER_PATH,
                                                   WIRE_PROVIDER_INTERFACE,
                                                   provider_members[call].name) >= 0);
        return m;
}

/* Asks, takes @m over, and returns the name of the error; NULL when there is none. */
static char *ask(World *w, sd_bus_message *m) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL, *sent = m;

        if (sd_bus_call(w->bus, sent, ASKER_TIMEOUT_USEC, &error, &reply) >= 0)
                return NULL;

        return strdup(error.name);
}

static void plan_and_prepare(World *w) {
        sd_bus_message *plan = question(w, PROVIDER_CALL_PLAN),
                       *prepare = question(w, PROVIDER_CALL_PREPARE);

        assert_true(provider_append_snapshot(plan, &w->snapshot) >= 0);
        assert_null(ask(w, plan));
        assert_true(wire_append_guid(prepare, &w->snapshot.id) >= 0);
        assert_null(ask(w, prepare));
}

static void assert_ends_well(World *w) {
        int status = -1;

        assert_int_equal(process_end(w->pidfd, TEST_PATIENCE_USEC, &status), 0);
        assert_int_equal(status, 0);
        w->pidfd = fd_close(w->pidfd);
}

static void test_that_it_ends_when_the_coordinator_goes(void **state) {
        World *w = *state;

        plan_and_prepare(w);
        w->bus = sd_bus_close_unref(w->bus);
        assert_ends_well(w);
}

static void test_that_it_ends_although_nobody_ever_spoke(void **state) {
        World *w = *state;

        w->bus = sd_bus_close_unref(w->bus);
        assert_ends_well(w);
}

static void test_that_it_ends_in_the_middle_of_a_function(void **state) {
        World *w = *state;
        _cleanup_message_ sd_bus_message *m = question(w, PROVIDER_CALL_COMMIT);

        plan_and_prepare(w);
        write_file(w->state, "fake.script", "commit = hang");
        assert_true(wire_append_guids(m, NULL, 0) >= 0); /* all */
        assert_true(wire_append_guids(m, NULL, 0) >= 0);
        assert_true(sd_bus_send(w->bus, m, NULL) >= 0);
        assert_true(sd_bus_flush(w->bus) >= 0);
        assert_false(eventually_readable(w->pidfd, 50 * USEC_PER_MSEC)); /* it hangs */
        w->bus = sd_bus_close_unref(w->bus);
        assert_ends_well(w);
}

static void assert_refused(World *w, sd_bus_message *m) {
        _cleanup_(freep) char *error = ask(w, m);

        assert_non_null(error);
        assert_null(strstr(error, "umbra.Error")); /* no failure of the provider */
}

static void test_that_malformed_questions_are_refused_and_nothing_else(void **state) {
        World *w = *state;
        ProviderSnapshot s = w->snapshot;
        sd_bus_message *m;

        m = question(w, PROVIDER_CALL_PREPARE);
        assert_true(sd_bus_message_append_array(m, 'y', "short", 5) >= 0);
        assert_refused(w, m);

        m = question(w, PROVIDER_CALL_PLAN);
        s.volume = "not/absolute";
        assert_true(provider_append_snapshot(m, &s) >= 0);
        assert_refused(w, m);

        m = question(w, PROVIDER_CALL_SYNC);
        assert_true(sd_bus_message_append(m, "s", "unasked") >= 0);
        assert_refused(w, m);

        m = question(w, PROVIDER_CALL_PROBE);
        assert_true(sd_bus_message_append(m, "s", "") >= 0);
        assert_refused(w, m);

        plan_and_prepare(w); /* it is as well as before */
}

static void test_that_it_can_only_be_what_there_is(void **state) {
        World *w = *state;
        World other = { .state = w->state, .runtime = w->runtime };
        int status = 0;

        start_worker(&other, "no such provider", STDIN_FILENO);
        assert_int_equal(process_end(other.pidfd, TEST_PATIENCE_USEC, &status), 0);
        assert_int_equal(status, EXIT_FAILURE);
        (void) fd_close(other.pidfd);
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, world_setup, world_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(it_ends_when_the_coordinator_goes),
                TEST(it_ends_although_nobody_ever_spoke),
                TEST(it_ends_in_the_middle_of_a_function),
                TEST(malformed_questions_are_refused_and_nothing_else),
                TEST(it_can_only_be_what_there_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
