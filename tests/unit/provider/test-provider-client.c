/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The coordinator's end: every question is answered exactly once, whatever becomes of the worker. Argument:
 * where the bad worker is.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "provider/provider-builtin.h"
#include "unit/provider/asker.h"

static const char *bad_worker_dir;

typedef struct World {
        Asker asker;
        char *dir, *state, *runtime, *volume, *note;
        ProviderSnapshot snapshot;
} World;

static int world_setup(void **state) {
        World *w = calloc(1, sizeof(*w));
        ProviderEnv env;

        assert_non_null(w);
        w->dir = temp_dir_new();
        write_file(w->dir, "volume/file", "text");
        write_file(w->dir, "state/fake.script", "");
        write_file(w->dir, "run/.keep", "");
        w->volume = path_in(w->dir, "volume");
        w->state = path_in(w->dir, "state");
        w->runtime = path_in(w->dir, "run");
        guid_generate(&w->snapshot.id);
        guid_generate(&w->snapshot.set_id);
        w->snapshot.volume = w->volume;
        w->snapshot.volume_fd = -EBADF;

        env = (ProviderEnv) { .state_dir = w->state, .runtime_dir = w->runtime };
        asker_start(&w->asker, "fake", &env);
        *state = w;
        return 0;
}

static int world_teardown(void **state) {
        World *w = *state;

        asker_stop(&w->asker);
        free(w->volume);
        free(w->state);
        free(w->runtime);
        free(w->note);
        temp_dir_free(w->dir);
        free(w);
        return 0;
}

/* See fake-script.h. */
static void script(World *w, const char *text) {
        write_file(w->state, "fake.script", text);
}

static void plan_and_prepare(World *w) {
        _cleanup_answer_ Answer planned = ask_plan(&w->asker, &w->snapshot);
        _cleanup_answer_ Answer prepared = { 0 };

        assert_answer(planned, S_OK);
        w->snapshot.note = w->note = TAKE_PTR(planned.text);
        prepared = ask_prepare(&w->asker, &w->snapshot.id);
        assert_answer(prepared, S_OK);
}

/* Another worker, of which nothing good is to be expected. */
static void start_bad_worker(World *w, const char *how) {
        _cleanup_(freep) char *good = NULL;

        assert_int_equal(strdup_to(getenv("UMBRA_LIBEXECDIR"), &good), 0);
        assert_int_equal(setenv("UMBRA_LIBEXECDIR", bad_worker_dir, 1), 0);
        w->asker.info.name = how;
        asker_restart(&w->asker);
        assert_int_equal(setenv("UMBRA_LIBEXECDIR", good, 1), 0);
}

static void test_that_answers_carry_what_was_asked_for(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer probed = ask_probe(&w->asker, w->volume);
        _cleanup_answer_ Answer planned = ask_plan(&w->asker, &w->snapshot);

        assert_answer(probed, S_OK);
        assert_int_equal(probed.probe.consistency, 1);
        assert_null(probed.text);
        assert_null(probed.message);
        assert_answer(planned, S_OK);
        assert_non_null(strstr(planned.text, "fake/"));
}

static void test_that_a_failure_keeps_its_sentence(void **state) {
        World *w = *state;
        _cleanup_(freep) char *expected = NULL;
        _cleanup_answer_ Answer a = { 0 };

        plan_and_prepare(w);
        script(w, "commit = fail ENOSPC");
        a = ask_commit(&w->asker, NULL, 0);
        assert_answer(a, VSS_E_INSUFFICIENT_STORAGE);
        assert_int_equal(
                format_to(&expected,
                          "the fake provider could not make a shadow copy of '%s': the script says so "
                          "(No space left on device)",
                          w->volume),
                0);
        assert_string_equal(a.message, expected);
}

static void test_that_names_that_are_not_utf_8_survive(void **state) {
        World *w = *state;
        _cleanup_(freep) char *volume = path_in(w->dir, "not \xff utf-8");
        _cleanup_answer_ Answer probed = { 0 }, failed = { 0 };

        failed = ask_probe(&w->asker, volume);
        assert_answer(failed, VSS_E_OBJECT_NOT_FOUND);
        assert_non_null(strstr(failed.message, "not \\xff utf-8"));
        write_file(w->dir, "not \xff utf-8/file", "");
        probed = ask_probe(&w->asker, volume);
        assert_answer(probed, S_OK);
}

static void test_that_a_worker_that_dies_answers_every_question(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer first = { 0 }, second = { 0 }, third = { 0 };
        ProviderClient *c = w->asker.client;

        script(w, "plan = kill");
        assert_int_equal(provider_client_plan(c, &w->snapshot, ASKER_TIMEOUT_USEC, answer_take, &first), 0);
        assert_int_equal(provider_client_sync(c, ASKER_TIMEOUT_USEC, answer_take, &second), 0);
        asker_await(&w->asker, &first);
        asker_await(&w->asker, &second);
        assert_answer(first, VSS_E_UNEXPECTED_PROVIDER_ERROR);
        assert_answer(second, VSS_E_UNEXPECTED_PROVIDER_ERROR);
        assert_string_equal(first.message, "the fake provider's worker died (signal 9)");

        third = ask_probe(&w->asker, w->volume); /* and so does whoever asks later */
        assert_answer(third, VSS_E_UNEXPECTED_PROVIDER_ERROR);
        assert_string_equal(third.message, first.message);
}

static void test_that_an_answer_before_death_counts(void **state) {
        World *w = *state;
        ProviderClient *c = w->asker.client;
        _cleanup_(closep) int pidfd = pidfd_open(provider_client_pid(c), 0);
        _cleanup_answer_ Answer first = ask_probe(&w->asker, w->volume), second = { 0 }, third = { 0 };

        assert_answer(first, S_OK);
        script(w, "probe.3 = kill");
        assert_int_equal(provider_client_probe(c, w->volume, ASKER_TIMEOUT_USEC, answer_take, &second), 0);
        assert_int_equal(provider_client_probe(c, w->volume, ASKER_TIMEOUT_USEC, answer_take, &third), 0);
        assert_true(eventually_readable(pidfd, TEST_PATIENCE_USEC)); /* all has happened before we look */
        asker_await(&w->asker, &second);
        asker_await(&w->asker, &third);
        assert_answer(second, S_OK);
        assert_answer(third, VSS_E_UNEXPECTED_PROVIDER_ERROR);
}

static void test_that_a_worker_that_hangs_is_stopped_at_the_deadline(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer late = { 0 }, other = { 0 };
        ProviderClient *c = w->asker.client;
        _cleanup_(closep) int pidfd = pidfd_open(provider_client_pid(c), 0);

        plan_and_prepare(w);
        script(w, "commit = hang");
        assert_int_equal(provider_client_commit(c, &(ProviderCommit){ 0 }, 100 * USEC_PER_MSEC, answer_take, &late), 0);
        assert_int_equal(provider_client_probe(c, w->volume, ASKER_TIMEOUT_USEC, answer_take, &other), 0);
        asker_await(&w->asker, &late);
        assert_answer(late, VSS_E_PROVIDER_VETO);
        assert_non_null(strstr(late.message, "did not make a shadow copy of the volume within 100"));
        assert_true(eventually_readable(pidfd, TEST_PATIENCE_USEC));
        asker_await(&w->asker, &other);
        assert_answer(other, VSS_E_UNEXPECTED_PROVIDER_ERROR);
}

static void test_that_bad_workers_are_found_out(void **state) {
        static const struct {
                const char *how, *says;
        } cases[] = {
                { "ends",     "the ends provider's worker ended (status 7)"                    },
                { "garbage",  "the garbage provider's worker talked nonsense"                  },
                { "nonsense", "the nonsense provider's worker answered nonsense to 'Probe'"    },
                { "foreign",  "the foreign provider's worker answered nonsense to 'Probe'"     },
        };
        World *w = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_answer_ Answer a = { 0 };

                start_bad_worker(w, cases[i].how);
                a = ask_probe(&w->asker, w->volume);
                assert_answer(a, VSS_E_UNEXPECTED_PROVIDER_ERROR);
                assert_string_equal(a.message, cases[i].says);
        }
}

static void test_that_nobody_waits_for_a_deaf_worker(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer a = { 0 };

        start_bad_worker(w, "deaf");
        assert_int_equal(
                provider_client_probe(w->asker.client, w->volume, 50 * USEC_PER_MSEC, answer_take, &a), 0);
        asker_await(&w->asker, &a);
        assert_answer(a, VSS_E_PROVIDER_VETO);
}

static void free_client(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        Asker *a = userdata;

        a->client = provider_client_free(a->client);
}

static void test_that_a_client_may_be_freed_by_its_answer(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer never = { 0 };

        assert_int_equal(provider_client_probe(w->asker.client, w->volume, ASKER_TIMEOUT_USEC, free_client,
                                               &w->asker),
                         0);
        assert_int_equal(provider_client_sync(w->asker.client, ASKER_TIMEOUT_USEC, answer_take, &never), 0);
        while (w->asker.client)
                assert_true(sd_event_run(w->asker.event, UINT64_MAX) >= 0);
        while (sd_event_run(w->asker.event, 10 * USEC_PER_MSEC) > 0)
                ;
        assert_int_equal(never.n_times, 0);

        asker_restart(&w->asker); /* the same when the answer is the worker's death */
        script(w, "probe = kill");
        assert_int_equal(provider_client_probe(w->asker.client, w->volume, ASKER_TIMEOUT_USEC, free_client,
                                               &w->asker),
                         0);
        assert_int_equal(provider_client_sync(w->asker.client, ASKER_TIMEOUT_USEC, answer_take, &never), 0);
        while (w->asker.client)
                assert_true(sd_event_run(w->asker.event, UINT64_MAX) >= 0);
        assert_int_equal(never.n_times, 0);

        asker_restart(&w->asker); /* and when it is the deadline */
        script(w, "probe = hang");
        assert_int_equal(provider_client_probe(w->asker.client, w->volume, 10 * USEC_PER_MSEC, free_client,
                                               &w->asker),
                         0);
        assert_int_equal(provider_client_sync(w->asker.client, ASKER_TIMEOUT_USEC, answer_take, &never), 0);
        while (w->asker.client)
                assert_true(sd_event_run(w->asker.event, UINT64_MAX) >= 0);
        assert_int_equal(never.n_times, 0);
}

static void test_that_freeing_a_client_ends_its_worker_and_leaves_no_descriptor(void **state) {
        World *w = *state;
        unsigned n_fds;
        _cleanup_(closep) int pidfd = pidfd_open(provider_client_pid(w->asker.client), 0);
        _cleanup_answer_ Answer first = ask_probe(&w->asker, w->volume), never = { 0 };

        assert_answer(first, S_OK); /* the loop has all its own descriptors now */
        w->asker.client = provider_client_free(w->asker.client);
        assert_true(eventually_readable(pidfd, TEST_PATIENCE_USEC));
        pidfd = fd_close(pidfd);
        while (sd_event_run(w->asker.event, 10 * USEC_PER_MSEC) > 0) /* reaps */
                ;
        n_fds = count_open_fds();
        script(w, "probe = hang");
        asker_restart(&w->asker);
        pidfd = pidfd_open(provider_client_pid(w->asker.client), 0);
        assert_int_equal(
                provider_client_probe(w->asker.client, w->volume, ASKER_TIMEOUT_USEC, answer_take, &never),
                0);
        assert_true(sd_event_run(w->asker.event, UINT64_MAX) >= 0);
        w->asker.client = provider_client_free(w->asker.client);
        assert_true(eventually_readable(pidfd, TEST_PATIENCE_USEC));
        while (sd_event_run(w->asker.event, 10 * USEC_PER_MSEC) > 0) /* reaps */
                ;
        pidfd = fd_close(pidfd);
        assert_int_equal(count_open_fds(), n_fds);
        assert_int_equal(never.n_times, 0);
}

static void test_that_two_snapshots_commit_at_the_same_time(void **state) {
        World *w = *state;
        ProviderSnapshot other = w->snapshot;
        _cleanup_answer_ Answer planned = { 0 }, prepared = { 0 }, committed = { 0 };
        usec_t begin;

        plan_and_prepare(w);
        guid_generate(&other.id);
        other.note = NULL;
        planned = ask_plan(&w->asker, &other);
        assert_answer(planned, S_OK);
        prepared = ask_prepare(&w->asker, &other.id);
        assert_answer(prepared, S_OK);

        script(w, "commit = sleep 400");
        begin = now_usec(CLOCK_MONOTONIC);
        committed = ask_commit(&w->asker, NULL, 0);
        assert_answer(committed, S_OK);
        assert_in_range(now_usec(CLOCK_MONOTONIC) - begin, 400 * USEC_PER_MSEC, 790 * USEC_PER_MSEC);
}

static void test_that_the_first_failure_of_a_round_is_its_answer(void **state) {
        World *w = *state;
        ProviderSnapshot other = w->snapshot;
        _cleanup_(freep) char *second = path_in(w->dir, "second"), *aside = path_in(w->dir, "aside");
        _cleanup_answer_ Answer planned = { 0 }, prepared = { 0 }, synced = { 0 };

        plan_and_prepare(w);
        write_file(w->dir, "second/file", "");
        guid_generate(&other.id);
        other.volume = second;
        other.note = NULL;
        planned = ask_plan(&w->asker, &other);
        assert_answer(planned, S_OK);
        prepared = ask_prepare(&w->asker, &other.id);
        assert_answer(prepared, S_OK);

        assert_int_equal(rename(second, aside), 0);
        synced = ask_sync(&w->asker);
        assert_answer(synced, VSS_E_OBJECT_NOT_FOUND);
        assert_non_null(strstr(synced.message, "second"));
}

/* The first worker may still be in the kernel, making what the second one is to remove. */
static void test_that_a_discard_waits_for_the_worker_before_it(void **state) {
        World *w = *state;
        Asker other;
        _cleanup_answer_ Answer early = { 0 }, late = { 0 };

        plan_and_prepare(w);
        asker_start(&other, "fake", &w->asker.env);
        assert_int_equal(provider_client_discard(other.client, &w->snapshot, 100 * USEC_PER_MSEC,
                                                 answer_take, &early),
                         0);
        asker_await(&other, &early);
        assert_answer(early, VSS_E_PROVIDER_VETO);
        assert_true(file_exists(w->state, w->note));

        asker_restart(&other);
        assert_int_equal(provider_client_discard(other.client, &w->snapshot, ASKER_TIMEOUT_USEC, answer_take,
                                                 &late),
                         0);
        asker_kill(&w->asker);
        asker_await(&other, &late);
        assert_answer(late, S_OK);
        assert_false(file_exists(w->state, w->note));
        asker_stop(&other);
}

static void test_that_a_client_survives_any_failed_allocation(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer answer = { 0 };
        ProviderClient *c = NULL;
        int r = -ENOMEM;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                fault_fail_allocation(n);
                r = provider_client_new(w->asker.event, &w->asker.env, provider_builtin_by_name("fake"), &c);
                fault_clear();
        }
        assert_int_equal(r, 0);
        provider_client_free(w->asker.client);
        w->asker.client = c;

        r = -ENOMEM;
        for (unsigned n = 0; r == -ENOMEM; ++n) {
                fault_fail_allocation(n);
                r = provider_client_plan(c, &w->snapshot, ASKER_TIMEOUT_USEC, answer_take, &answer);
                fault_clear();
        }
        assert_int_equal(r, 0);
        asker_await(&w->asker, &answer);
        assert_answer(answer, S_OK);
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, world_setup, world_teardown)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                TEST(answers_carry_what_was_asked_for),
                TEST(a_failure_keeps_its_sentence),
                TEST(names_that_are_not_utf_8_survive),
                TEST(a_worker_that_dies_answers_every_question),
                TEST(an_answer_before_death_counts),
                TEST(a_worker_that_hangs_is_stopped_at_the_deadline),
                TEST(bad_workers_are_found_out),
                TEST(nobody_waits_for_a_deaf_worker),
                TEST(a_client_may_be_freed_by_its_answer),
                TEST(freeing_a_client_ends_its_worker_and_leaves_no_descriptor),
                TEST(two_snapshots_commit_at_the_same_time),
                TEST(the_first_failure_of_a_round_is_its_answer),
                TEST(a_discard_waits_for_the_worker_before_it),
                TEST(a_client_survives_any_failed_allocation),
        };

        assert(argc == 2);
        bad_worker_dir = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
