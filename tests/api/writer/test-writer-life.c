/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Life of a Writer
 *
 * Subscribed, once or twice or by two; unsubscribed in whatever state; and there again when umbrad is.
 */

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <umbra.h>

#include "api/writer/backup.h"
#include "api/writer/journal.h"
#include "api/writer/puppet.h"
#include "base/alloc.h"
#include "lib/test-util.h"
#include "phases/world.h"

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

static bool are_there(void *arg) {
        Backup *b = backup_new();
        bool there = backup_gather(b) == S_OK && backup_writer_count(b) == *(const unsigned *) arg;

        backup_free(b);
        return there;
}

static void await_writers(unsigned n) {
        if (!eventually(are_there, &n, TEST_PATIENCE_USEC))
                fail_msg("there never were %u writers", n);
}

static void test_that_a_writer_is_there_from_subscribing_until_unsubscribing(void **state) {
        Puppet *p = puppet_new_unsubscribed("subscribes", world->volume, NULL);

        await_writers(0);
        assert_int_equal(umbra_writer_unsubscribe(p->writer), S_OK);
        for (unsigned round = 0; round < 3; ++round) {
                assert_int_equal(puppet_subscribe(p), S_OK);
                await_writers(1);
                assert_int_equal(puppet_subscribe(p), VSS_E_WRITER_ALREADY_SUBSCRIBED);
                assert_int_equal(umbra_writer_unsubscribe(p->writer), S_OK);
                await_writers(0);
                assert_int_equal(umbra_writer_unsubscribe(p->writer), S_OK);
        }
        puppet_free(p);
}

static void test_that_arguments_are_looked_at(void **state) {
        Puppet *p = puppet_new_unsubscribed("checks", world->volume, NULL);
        UmbraWriterCallbacks callbacks = { .size = sizeof(callbacks) };
        UmbraWriter *w = (void *) p;

        assert_int_equal(umbra_writer_new(NULL, NULL, &w), E_INVALIDARG);
        assert_null(w);
        assert_int_equal(umbra_writer_new(&callbacks, NULL, &w), E_INVALIDARG); /* the four are missing */
        assert_int_equal(umbra_writer_new(&callbacks, NULL, NULL), E_INVALIDARG);
        assert_int_equal(umbra_writer_initialize(NULL, puppet_writer_id, L"x", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER, VSS_APP_FRONT_END, 0,
                                                 VSS_AWS_NO_ALTERNATE_WRITER, false, NULL),
                         E_INVALIDARG);
        assert_int_equal(umbra_writer_initialize(p->writer, puppet_writer_id, L"x", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER,
                                                 VSS_APP_FRONT_END, 0, VSS_AWS_NO_ALTERNATE_WRITER, false, NULL),
                         VSS_E_BAD_STATE); /* once */
        assert_int_equal(umbra_writer_subscribe(NULL, INFINITE, UMBRA_WRITER_EVENTS), E_INVALIDARG);
        assert_int_equal(umbra_writer_subscribe(p->writer, INFINITE, 0), E_INVALIDARG);
        assert_int_equal(umbra_writer_unsubscribe(NULL), E_INVALIDARG);
        assert_int_equal(umbra_writer_install_alternate(p->writer, puppet_writer_id, puppet_writer_id), E_NOTIMPL);
        assert_null(umbra_writer_free(NULL));
        puppet_free(p);
}

static void test_that_two_writers_and_two_instances_live_in_one_process(void **state) {
        static const VSS_ID other_id = { 0x1, 0x2, 0x3, { 0x80 } };
        Puppet *first = puppet_new("first", world->volume, NULL);
        Puppet *twin = puppet_new("twin", world->volume, NULL); /* of the same class, as another instance */
        Puppet *other = puppet_new("other", world->volume, &(PuppetOptions){ .id = other_id });
        Backup *b = backup_new();

        await_writers(3);
        journal_clear();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(backup_complete(b), S_OK);
        backup_free(b);
        journal_await("first backup-shutdown");
        journal_await("twin backup-shutdown");
        journal_await("other backup-shutdown");
        assert_int_equal(journal_count("first thaw") + journal_count("twin thaw") + journal_count("other thaw"), 3);
        puppet_free(twin);
        await_writers(2);
        puppet_free(first);
        puppet_free(other);
        await_writers(0);
}

static void test_that_a_writer_registers_again_when_umbrad_comes_back(void **state) {
        Puppet *p = puppet_new("patient", world->volume, &(PuppetOptions){ .silent_identify = true });

        await_writers(1);
        for (unsigned round = 1; round <= 2; ++round) {
                journal_clear();
                world_kill_umbrad(world);
                journal_await("patient disconnected");
                assert_int_equal(puppet_subscribe(p), VSS_E_WRITER_ALREADY_SUBSCRIBED);
                world_start_umbrad(world);
                await_writers(1);
                journal_expect("patient disconnected\n");
        }
        puppet_free(p);
}

static void test_that_a_writer_can_leave_while_umbrad_is_gone(void **state) {
        Puppet *p = puppet_new("leaves", world->volume, NULL);

        journal_clear();
        world_kill_umbrad(world);
        journal_await("leaves disconnected");
        assert_int_equal(umbra_writer_unsubscribe(p->writer), S_OK);
        assert_int_equal(puppet_subscribe(p), VSS_E_WRITER_INFRASTRUCTURE);
        assert_true(strlen(umbra_last_error()) > 0);
        world_start_umbrad(world);
        assert_int_equal(puppet_subscribe(p), S_OK);
        await_writers(1);
        puppet_free(p);
}

/* A requester on a thread of its own, so that the test can do something else meanwhile. */
static void *back_up_main(void *arg) {
        Backup *b = backup_new();

        if (backup_run(b, world->volume) == S_OK)
                (void) backup_complete(b);
        backup_free(b);
        return NULL;
}

static void test_that_a_writer_that_is_frozen_wakes_when_umbrad_dies(void **state) {
        Puppet *p = puppet_new("frozen", world->volume, &(PuppetOptions){ .silent_identify = true });
        pthread_t requester;

        journal_clear();
        world_script(world, "commit = hang");
        assert_int_equal(pthread_create(&requester, NULL, back_up_main, NULL), 0);
        world_await_status(world, "\"phase\":\"commit\"");
        world_kill_umbrad(world);
        journal_await("frozen disconnected");
        journal_expect("frozen prepare-backup\n"
                       "frozen prepare-snapshot\n"
                       "frozen freeze\n"
                       "frozen abort\n"
                       "frozen backup-shutdown\n"
                       "frozen disconnected\n");
        pthread_join(requester, NULL);
        world_script(world, NULL);
        world_start_umbrad(world);
        await_writers(1);
        puppet_free(p);
        world_assert_clean(world);
}

/* Where the writer stands when it is unsubscribed, and whether an OnAbort is owed then. */
static void test_that_a_writer_can_leave_in_every_state(void **state) {
        static const struct {
                WireEvent event;
                bool owed;
        } cases[] = {
                { WIRE_EVENT_IDENTIFY,         false },
                { WIRE_EVENT_PREPARE_BACKUP,   true  },
                { WIRE_EVENT_PREPARE_SNAPSHOT, true  },
                { WIRE_EVENT_FREEZE,           true  },
                { WIRE_EVENT_THAW,             true  },
                { WIRE_EVENT_POST_SNAPSHOT,    false },
                { WIRE_EVENT_BACKUP_COMPLETE,  false },
                { WIRE_EVENT_BACKUP_SHUTDOWN,  false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                Puppet *p = puppet_new("leaves", world->volume, &(PuppetOptions){ .unsubscribe_msec = 50 });
                _cleanup_(freep) char *line = NULL;
                Gate *gate = gate_new();
                pthread_t requester;

                assert_true(format_to(&line, "leaves %s", wire_event_to_string(cases[i].event)) >= 0);
                journal_clear();
                p->acts[cases[i].event].gate = gate;
                assert_int_equal(pthread_create(&requester, NULL, back_up_main, NULL), 0);
                journal_await(line);

                /* In the middle of a handler it is not waited for longer than was agreed. */
                assert_int_equal(umbra_writer_unsubscribe(p->writer), VSS_E_UNEXPECTED);
                assert_true(umbra_writer_is_shutting_down(p->writer));
                assert_int_equal(puppet_subscribe(p), VSS_E_WRITER_ALREADY_SUBSCRIBED);
                pthread_join(requester, NULL); /* the requester is not held up by it */

                gate_open(gate);
                p->writer = umbra_writer_free(p->writer); /* waits */
                assert_int_equal(journal_count("leaves abort"), cases[i].owed);
                gate_free(gate);
                puppet_free(p);
                await_writers(0);
        }
        world_assert_clean(world);
}

static HRESULT said_in_handler[2];

static void try_to_leave(Puppet *p, IVssWriterComponents *components) {
        said_in_handler[0] = umbra_writer_unsubscribe(p->writer);
        said_in_handler[1] = puppet_subscribe(p);
}

static void test_that_a_handler_cannot_unsubscribe_its_writer(void **state) {
        Puppet *p = puppet_new("stays", world->volume, NULL);

        p->acts[WIRE_EVENT_IDENTIFY].does = try_to_leave;
        await_writers(1);
        assert_int_equal(said_in_handler[0], VSS_E_BAD_STATE);
        assert_int_equal(said_in_handler[1], VSS_E_WRITER_ALREADY_SUBSCRIBED);
        puppet_free(p);
}

static void test_that_a_fork_leaves_its_parents_writer_alone(void **state) {
        Puppet *p = puppet_new("parent", world->volume, NULL);
        int status = -1;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(umbra_writer_unsubscribe(p->writer) == S_OK && !umbra_writer_free(p->writer) ? 0 : 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        await_writers(1);
        puppet_free(p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_writer_is_there_from_subscribing_until_unsubscribing),
                cmocka_unit_test(test_that_arguments_are_looked_at),
                cmocka_unit_test(test_that_two_writers_and_two_instances_live_in_one_process),
                cmocka_unit_test(test_that_a_writer_registers_again_when_umbrad_comes_back),
                cmocka_unit_test(test_that_a_writer_can_leave_while_umbrad_is_gone),
                cmocka_unit_test(test_that_a_writer_that_is_frozen_wakes_when_umbrad_dies),
                cmocka_unit_test(test_that_a_writer_can_leave_in_every_state),
                cmocka_unit_test(test_that_a_handler_cannot_unsubscribe_its_writer),
                cmocka_unit_test(test_that_a_fork_leaves_its_parents_writer_alone),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
