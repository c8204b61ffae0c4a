/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whoever Dies, Whenever
 *
 * Each process of a backup is killed at each point of it, for real. What must hold: what was held runs again at once, every writer that froze is thawed or told to
 * abort, nothing is left over once umbrad is (back) there, and the next backup works.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/test-util.h"
#include "phases/actors.h"
#include "phases/world.h"

typedef enum Victim {
        REQUESTER,
        WRITER,
        UMBRAD,
        WORKER,
        GUARD,
        UMBRAD_AND_GUARD,
} Victim;

static const char *const victim_names[] = { "requester", "writer", "umbrad", "worker", "guard", "umbrad and guard" };

/* A point of the backup, and how the actors are made to stand still at it. */
typedef struct Point {
        const char *name;
        const char *writer_at;    /* the writer stands in this event */
        const char *requester_at; /* the requester stands after this step */
        const char *script;       /* the provider hangs here */
        const char *status;       /* what the status says when it is reached */
        bool worker, guard;       /* these processes live then */
} Point;

static const Point points[] = {
        { "PrepareBackup",      "PrepareBackup",   NULL,         NULL,             NULL,                    true,  false },
        { "prepared",           NULL,              "Prepared",   NULL,             NULL,                    true,  false },
        { "provider prepares",  NULL,              NULL,         "prepare = hang", "\"phase\":\"prepare-volumes\"",   true,  false },
        { "PrepareSnapshot",    "PrepareSnapshot", NULL,         NULL,             NULL,                    true,  false },
        { "Freeze",             "Freeze",          NULL,         NULL,             NULL,                    true,  true  },
        { "held",               NULL,              NULL,         "commit = hang",  "\"phase\":\"commit\"",  true,  true  },
        { "committed and held", NULL,              NULL,         "commit = hang after", "\"phase\":\"commit\"", true, true },
        { "Thaw",               "Thaw",            NULL,         NULL,             NULL,                    true,  false },
        { "surface",            NULL,              NULL,         "surface = hang", "\"phase\":\"surface\"", true,  false },
        { "PostSnapshot",       "PostSnapshot",    NULL,         NULL,             NULL,                    true,  false },
        { "created",            NULL,              "Created",    NULL,             NULL,                    false, false },
        { "BackupComplete",     "BackupComplete",  NULL,         NULL,             NULL,                    false, false },
};

static bool can_die(const Point *p, Victim v, const World *w) {
        switch (v) {
        case WORKER:
                return p->worker;
        case GUARD:
        case UMBRAD_AND_GUARD:
                return p->guard && w->held;
        default:
                return true;
        }
}

static void reach(World *w, const Point *p, Actor *writer, Actor *requester) {
        if (p->writer_at)
                actor_await(writer, p->writer_at);
        if (p->requester_at)
                actor_await(requester, p->requester_at);
        if (p->status)
                world_await_status(w, p->status);
}

static void kill_child(World *w, const char *program) {
        pid_t pid = world_child(w, program);

        if (pid <= 0)
                fail_msg("there is no %s to kill", program);
        assert_int_equal(kill(pid, SIGKILL), 0);
}

static void strike(World *w, Victim v, Actor *writer, Actor *requester) {
        switch (v) {
        case REQUESTER:
                actor_kill(requester);
                return;
        case WRITER:
                actor_kill(writer);
                return;
        case WORKER:
                kill_child(w, "umbra-provider");
                return;
        case GUARD:
                kill_child(w, "umbra-guard");
                return;
        case UMBRAD_AND_GUARD:
                kill_child(w, "umbra-guard"); /* may thaw through umbrad first, which is as good */
                world_kill_umbrad(w);
                return;
        case UMBRAD:
                world_kill_umbrad(w);
                return;
        }
}

/* A backup from beginning to end, by whoever is there now. */
static void back_up_again(World *w) {
        Actor *writer = actor_writer("again", w->volume, NULL), *requester = actor_requester(w->volume, NULL);

        actor_await(requester, "Done");
        actor_await_after(writer, "Freeze", "Thaw");
        actor_free(requester);
        actor_free(writer);
}

static void die_at(World *w, const Point *p, Victim v) {
        Actor *writer, *bystander, *requester;
        usec_t died, thawed;

        world_script(w, p->script);
        writer = actor_writer("victim", w->volume, p->writer_at);
        bystander = actor_writer("bystander", w->volume, NULL);
        requester = actor_requester(w->volume, p->requester_at);
        reach(w, p, writer, requester);

        died = now_usec(CLOCK_MONOTONIC);
        strike(w, v, writer, requester);
        if (v == UMBRAD_AND_GUARD)
                world_start_umbrad(w); /* the service manager's hook and the next umbrad thaw what is left */
        thawed = world_write(w, died);
        print_message("%s dies at %s: writable after %.1f ms\n", victim_names[v], p->name, (double) thawed / 1e3);

        world_script(w, NULL);
        if (v == UMBRAD)
                world_start_umbrad(w);
        if (v != REQUESTER && p->requester_at)
                actor_go(requester);
        if (v != WRITER && p->writer_at)
                actor_go(writer);
        if (v == WRITER && p->script)
                actor_kill(requester);
        if (actor_has_said(bystander, "Freeze"))
                actor_await_after(bystander, "Freeze", "Thaw,Abort");
        if (v != WRITER && actor_has_said(writer, "Freeze"))
                actor_await_after(writer, "Freeze", "Thaw,Abort");
        /* It comes to an end, well or not; but a provider that hangs is not helped by the death of a writer. */
        if (v != REQUESTER && !(v == WRITER && p->script))
                assert_true(eventually_readable(requester->pidfd, TEST_PATIENCE_USEC));

        actor_free(requester);
        actor_free(bystander);
        actor_free(writer);
        world_assert_clean(w);
        back_up_again(w);
        world_assert_clean(w);
}

static void die_everywhere(Victim v) {
        World *w = world_new();

        for (size_t i = 0; i < ELEMENTSOF(points); ++i)
                if (can_die(&points[i], v, w))
                        die_at(w, &points[i], v);
        world_free(w);
}

static void test_that_a_requester_may_die_at_any_point(void **state) {
        die_everywhere(REQUESTER);
}

static void test_that_a_writer_may_die_at_any_point(void **state) {
        die_everywhere(WRITER);
}

static void test_that_umbrad_may_die_at_any_point(void **state) {
        die_everywhere(UMBRAD);
}

static void test_that_a_worker_may_die_at_any_point(void **state) {
        die_everywhere(WORKER);
}

static void test_that_the_guard_may_die_while_it_holds(void **state) {
        skip_unless_root();
        die_everywhere(GUARD);
}

static void test_that_umbrad_and_its_guard_may_die_together(void **state) {
        skip_unless_root();
        die_everywhere(UMBRAD_AND_GUARD);
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_requester_may_die_at_any_point),
                cmocka_unit_test(test_that_a_writer_may_die_at_any_point),
                cmocka_unit_test(test_that_umbrad_may_die_at_any_point),
                cmocka_unit_test(test_that_a_worker_may_die_at_any_point),
                cmocka_unit_test(test_that_the_guard_may_die_while_it_holds),
                cmocka_unit_test(test_that_umbrad_and_its_guard_may_die_together),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
