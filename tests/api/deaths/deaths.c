/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who Dies, and Where
 */

#include "api/deaths/deaths.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/test-util.h"

#define TEST_SKIPPED 77 /* what meson takes for it */
#define PROVIDER_ID(last) { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, last } }

static const Place places[] = {
        { "fake",          "ext4",  PROVIDER_ID(0x0f) },
        { "files-reflink", "xfs",   PROVIDER_ID(0x02) },
        { "btrfs",         "btrfs", PROVIDER_ID(0x01) },
};

static const char *const victim_table[_VICTIM_MAX] = {
        [VICTIM_REQUESTER] = "requester",
        [VICTIM_UMBRAD] = "umbrad",
        [VICTIM_WORKER] = "worker",
        [VICTIM_WORKER_AND_UMBRAD] = "worker-and-umbrad",
        [VICTIM_GUARD] = "guard",
        [VICTIM_GUARD_AND_UMBRAD] = "guard-and-umbrad",
};

const Place *place;
Victim victim;

const char *victim_to_string(Victim v) {
        return victim_table[v];
}

bool victim_is_umbrad(Victim v) {
        return v == VICTIM_UMBRAD || v == VICTIM_WORKER_AND_UMBRAD || v == VICTIM_GUARD_AND_UMBRAD;
}

pid_t death_reach(const World *w, Actor *requester, unsigned at, Tracer **ret, char ret_step[STEP_NAME_MAX]) {
        static const char *const programs[_VICTIM_MAX] = {
                [VICTIM_WORKER] = "umbra-provider",
                [VICTIM_WORKER_AND_UMBRAD] = "umbra-provider",
                [VICTIM_GUARD] = "umbra-guard",
                [VICTIM_GUARD_AND_UMBRAD] = "umbra-guard",
        };

        *ret = tracer_new(victim == VICTIM_REQUESTER ? requester->pid : w->umbrad, programs[victim], at);
        actor_go(requester);
        return tracer_await(*ret, requester->pidfd, ret_step);
}

void death_strike(World *w, pid_t pid, Actor *requester, Tracer *t) {
        if (victim == VICTIM_REQUESTER)
                actor_kill(requester);
        if (victim_is_umbrad(victim))
                world_kill_umbrad(w); /* before it can do anything about the other */
        /* Another thread of it may have seen the end of umbrad, and ended it; or umbrad has, when all was done. */
        if (victim != VICTIM_REQUESTER && victim != VICTIM_UMBRAD && kill(pid, SIGKILL) < 0)
                assert_true(victim_is_umbrad(victim) || eventually_readable(requester->pidfd, TEST_PATIENCE_USEC));
        tracer_free(t);

        if (victim == VICTIM_REQUESTER)
                world_await_status(w, "\"sessions\":[]"); /* all that it has sent is read */
        else
                assert_true(eventually_readable(requester->pidfd, TEST_PATIENCE_USEC));
        if (victim_is_umbrad(victim))
                world_start_umbrad(w);
}

static bool read_arguments(char **argv) {
        for (size_t i = 0; i < ELEMENTSOF(places); ++i)
                if (strcmp(places[i].provider, argv[1]) == 0)
                        place = &places[i];
        for (victim = 0; victim < _VICTIM_MAX; ++victim)
                if (strcmp(victim_table[victim], argv[2]) == 0)
                        break;
        return place && victim < _VICTIM_MAX;
}

int deaths_main(int argc, char **argv, void (*test)(void **state), const char *name) {
        const struct CMUnitTest tests[] = { { .name = name, .test_func = test } };

        if (argc != 3 || !read_arguments(argv)) {
                print_error("Usage: %s fake|files-reflink|btrfs VICTIM\n", argv[0]);
                return EXIT_FAILURE;
        }
        if (geteuid() != 0)
                return TEST_SKIPPED;
        /* It cannot be looked for in a process that is traced. */
        (void) setenv("LSAN_OPTIONS", "detect_leaks=0", 1);
        return cmocka_run_group_tests_name(argv[1], tests, NULL, NULL);
}
