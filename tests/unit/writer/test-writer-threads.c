/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Writer and its Threads
 *
 * What order and threads decide: overlapping sessions, the freeze limit, a connection that ends while
 * something is going on, and unsubscribing just then.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <umbra.h>

#include "api/writer/journal.h"
#include "api/writer/puppet.h"
#include "base/guid.h"
#include "fake-umbrad.h"
#include "lib/reference.h"
#include "lib/test-util.h"

static FakeUmbrad *fake;

static int setup(void **state) {
        fake = fake_new();
        journal_clear();
        return 0;
}

static int teardown(void **state) {
        fake = fake_free(fake);
        return 0;
}

static Puppet *subscribed(const PuppetOptions *options) {
        Puppet *p = puppet_new_unsubscribed("w", "/", options);

        fake_meet_subscriber(fake, p);
        return p;
}

static void events(unsigned session, WireEvent first, WireEvent last) {
        for (WireEvent e = first; e <= last; ++e)
                assert_int_equal(fake_event(fake, e, session), S_OK);
}

static void test_that_a_frozen_writer_wakes_by_itself_once(void **state) {
        Puppet *p = subscribed(&(PuppetOptions){ .freeze_msec = 50 });

        events(1, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_FREEZE);
        journal_await("w abort");
        /* Too late, and it has been woken already. */
        assert_int_equal(fake_event(fake, WIRE_EVENT_THAW, 1), VSS_E_WRITERERROR_TIMEOUT);
        assert_int_equal(fake_event(fake, WIRE_EVENT_ABORT, 1), S_OK);
        assert_int_equal(fake_event(fake, WIRE_EVENT_BACKUP_SHUTDOWN, 1), S_OK);
        journal_expect("w prepare-backup\nw prepare-snapshot\nw freeze\nw abort\nw backup-shutdown\n");
        puppet_free(p);
}

static void test_that_a_thaw_in_time_ends_the_limit(void **state) {
        Puppet *p = subscribed(&(PuppetOptions){ .freeze_msec = 30000 });

        events(1, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_BACKUP_SHUTDOWN);
        puppet_free(p);
        journal_expect("w prepare-backup\nw prepare-snapshot\nw freeze\nw thaw\nw post-snapshot\nw backup-complete\nw backup-shutdown\n");
}

static void test_that_nothing_of_another_session_comes_between_freeze_and_thaw_but_identify(void **state) {
        FakeCall *prepare, *shutdown, *identify, *thaw;
        Puppet *p = subscribed(NULL);

        events(1, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_BACKUP_COMPLETE); /* an older one, not over yet */
        events(2, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_FREEZE);
        journal_clear();
        prepare = fake_send(fake, WIRE_EVENT_PREPARE_BACKUP, 3, NULL);
        shutdown = fake_send(fake, WIRE_EVENT_BACKUP_SHUTDOWN, 1, NULL);
        identify = fake_send(fake, WIRE_EVENT_IDENTIFY, 4, NULL);
        assert_int_equal(fake_await(fake, identify), S_OK);
        assert_false(fake_is_answered(fake, prepare));
        assert_false(fake_is_answered(fake, shutdown));
        thaw = fake_send(fake, WIRE_EVENT_THAW, 2, NULL);
        assert_int_equal(fake_await(fake, thaw), S_OK);
        assert_int_equal(fake_await(fake, prepare), S_OK);
        assert_int_equal(fake_await(fake, shutdown), S_OK);
        journal_expect("w identify\nw thaw\nw prepare-backup\nw backup-shutdown\n");
        puppet_free(p);
}

static void test_that_the_limit_holds_whatever_else_is_waiting(void **state) {
        Puppet *p = subscribed(&(PuppetOptions){ .freeze_msec = 50 });
        FakeCall *prepare;

        events(2, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_FREEZE);
        journal_clear();
        prepare = fake_send(fake, WIRE_EVENT_PREPARE_BACKUP, 3, NULL);
        assert_int_equal(fake_await(fake, prepare), S_OK);
        journal_expect("w abort\nw prepare-backup\n");
        puppet_free(p);
}

static void test_that_a_lost_connection_ends_what_was_going_on(void **state) {
        static const struct {
                WireEvent last; /* the last event before umbrad dies */
                const char *then;
        } cases[] = {
                { WIRE_EVENT_IDENTIFY,         "w disconnected\n"                              },
                { WIRE_EVENT_PREPARE_BACKUP,   "w abort\nw backup-shutdown\nw disconnected\n" },
                { WIRE_EVENT_PREPARE_SNAPSHOT, "w abort\nw backup-shutdown\nw disconnected\n" },
                { WIRE_EVENT_FREEZE,           "w abort\nw backup-shutdown\nw disconnected\n" },
                { WIRE_EVENT_THAW,             "w abort\nw backup-shutdown\nw disconnected\n" },
                { WIRE_EVENT_POST_SNAPSHOT,    "w backup-shutdown\nw disconnected\n"          },
                { WIRE_EVENT_BACKUP_COMPLETE,  "w backup-shutdown\nw disconnected\n"          },
        };
        Puppet *p = subscribed(NULL);
        VSS_ID before = fake_instance(fake);

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                VSS_ID after;

                events(1, WIRE_EVENT_IDENTIFY, cases[i].last);
                journal_clear();
                fake_die(fake);
                journal_await("w disconnected");
                journal_expect(cases[i].then);
                fake_meet(fake); /* without help, and as the same */
                after = fake_instance(fake);
                assert_true(guid_equal(&before, &after));
        }
        puppet_free(p);
}

static void test_that_every_session_gets_its_own_abort(void **state) {
        Puppet *p = subscribed(NULL);

        events(1, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_POST_SNAPSHOT);
        events(2, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_PREPARE_BACKUP);
        events(3, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_FREEZE);
        assert_int_equal(fake_await(fake, fake_send(fake, WIRE_EVENT_IDENTIFY, 4, NULL)), S_OK);
        journal_clear();
        fake_die(fake);
        journal_await("w disconnected");
        assert_int_equal(journal_count("w abort"), 2);
        assert_int_equal(journal_count("w backup-shutdown"), 3);
        puppet_free(p);
}

static void test_that_a_writer_that_is_not_wanted_is_owed_nothing(void **state) {
        Puppet *p = subscribed(NULL);

        assert_int_equal(fake_await(fake, fake_send(fake, WIRE_EVENT_PREPARE_BACKUP, 1, NULL)), S_OK);
        assert_int_equal(fake_event(fake, WIRE_EVENT_ABORT, 1), S_OK);
        fake_die(fake);
        journal_await("w disconnected");
        journal_expect("w prepare-backup\nw disconnected\n");
        puppet_free(p);
}

static void test_that_a_connection_lost_in_a_handler_is_noticed_after_it(void **state) {
        Puppet *p = subscribed(NULL);
        Gate *gate = gate_new();

        events(1, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_PREPARE_SNAPSHOT);
        p->acts[WIRE_EVENT_FREEZE].gate = gate;
        (void) fake_send(fake, WIRE_EVENT_FREEZE, 1, NULL);
        (void) fake_send(fake, WIRE_EVENT_THAW, 1, NULL); /* dropped with the connection */
        journal_await("w freeze");
        fake_die(fake);
        fake_meet(fake); /* the connection's thread does not wait for the handler */
        gate_open(gate);
        journal_await("w disconnected");
        journal_expect("w prepare-backup\nw prepare-snapshot\nw freeze\nw abort\nw backup-shutdown\nw disconnected\n");
        events(5, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_PREPARE_BACKUP);
        puppet_free(p);
        gate_free(gate);
}

static void test_that_unsubscribing_wakes_and_drops_what_waits(void **state) {
        Puppet *p = subscribed(&(PuppetOptions){ .unsubscribe_msec = 20 });
        Gate *gate = gate_new();

        events(1, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_PREPARE_SNAPSHOT);
        p->acts[WIRE_EVENT_FREEZE].gate = gate;
        (void) fake_send(fake, WIRE_EVENT_FREEZE, 1, NULL);
        (void) fake_send(fake, WIRE_EVENT_IDENTIFY, 1, NULL);
        (void) fake_send(fake, WIRE_EVENT_BACKUP_SHUTDOWN, 1, NULL);
        journal_await("w freeze");
        assert_int_equal(puppet_unsubscribe(p), VSS_E_UNEXPECTED);
        assert_int_equal(puppet_unsubscribe(p), VSS_E_UNEXPECTED);
        gate_open(gate);
        puppet_free(p); /* waits */
        gate_free(gate);
        journal_expect("w prepare-backup\nw prepare-snapshot\nw freeze\nw abort\n");
}

static void test_that_a_connection_that_ends_in_the_middle_is_unexpected(void **state) {
        Puppet *p = puppet_new_unsubscribed("w", "/", NULL);
        HRESULT hr;

        hr = fake_desert_subscriber(fake, p);
        ASSERT_RETURNS(CVssWriter, Subscribe, VSS_E_UNEXPECTED, hr);
        ASSERT_RETURNS(CVssWriterEx, SubscribeEx, VSS_E_UNEXPECTED, hr); /* the same call */
        fake_meet_subscriber(fake, p); /* and it may be asked again */
        puppet_free(p);
}

static HRESULT identity_hr;

static void ask_for_identity(Puppet *p, IVssWriterComponents *components) {
        IVssExamineWriterMetadata *metadata = NULL;

        identity_hr = umbra_writer_get_identify_information(p->writer, &metadata);
        if (metadata)
                journal_say("there is an identity");
}

static void test_that_who_never_said_who_it_is_has_no_identity(void **state) {
        Puppet *p = subscribed(NULL);

        p->acts[WIRE_EVENT_PREPARE_BACKUP].does = ask_for_identity;
        events(1, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_PREPARE_BACKUP);
        ASSERT_RETURNS(CVssWriterEx, GetIdentifyInformation, E_FAIL, identity_hr);
        assert_false(journal_has("there is an identity"));
        puppet_free(p);
}

static void test_that_a_writer_can_leave_while_it_looks_for_umbrad(void **state) {
        Puppet *p = subscribed(NULL);

        fake_die(fake);
        fake_stay_mute(fake); /* it connects and hears nothing */
        assert_int_equal(puppet_unsubscribe(p), S_OK);
        fake_meet_subscriber(fake, p);
        events(1, WIRE_EVENT_IDENTIFY, WIRE_EVENT_IDENTIFY);
        puppet_free(p);
}

static atomic_bool asking;

static void *ask_main(void *arg) {
        Puppet *p = arg;
        VSS_ID id;

        while (atomic_load(&asking)) {
                (void) umbra_writer_is_shutting_down(p->writer);
                (void) umbra_writer_get_volume_count(p->writer);
                (void) umbra_writer_get_session_id(p->writer, &id);
                (void) umbra_writer_set_failure(p->writer, VSS_E_WRITERERROR_RETRYABLE);
                (void) puppet_subscribe(p);
        }
        return NULL;
}

static void test_that_questions_on_other_threads_are_harmless(void **state) {
        Puppet *p = subscribed(NULL);
        pthread_t thread;

        atomic_store(&asking, true);
        assert_int_equal(pthread_create(&thread, NULL, ask_main, p), 0);
        for (unsigned session = 1; session <= 6; ++session)
                events(session, WIRE_EVENT_IDENTIFY, WIRE_EVENT_BACKUP_SHUTDOWN);
        atomic_store(&asking, false);
        pthread_join(thread, NULL);
        puppet_free(p);
        assert_int_equal(journal_count("w thaw"), 6); /* nobody else could make it fail */
}

static void *unsubscribe_main(void *arg) {
        return (void *) (intptr_t) puppet_unsubscribe(arg);
}

static void test_that_unsubscribing_at_any_moment_comes_to_an_end(void **state) {
        for (unsigned round = 0; round < 20; ++round) {
                Puppet *p = subscribed(NULL);
                pthread_t threads[2];
                void *hr;

                for (WireEvent e = WIRE_EVENT_IDENTIFY; e <= WIRE_EVENT_BACKUP_SHUTDOWN; ++e) /* they arrive while it leaves */
                        (void) fake_send(fake, e, 1, NULL);
                for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                        assert_int_equal(pthread_create(&threads[i], NULL, unsubscribe_main, p), 0);
                if (round % 2)
                        fake_die(fake);
                for (size_t i = 0; i < ELEMENTSOF(threads); ++i) {
                        pthread_join(threads[i], &hr);
                        assert_int_equal((HRESULT) (intptr_t) hr, S_OK);
                }
                fake_die(fake);
                puppet_free(p);
        }
}

static void test_that_an_event_that_makes_no_sense_is_an_error_and_no_end(void **state) {
        Puppet *p = subscribed(NULL);

        assert_int_equal(fake_await(fake, fake_send(fake, _WIRE_EVENT_MAX, 1, NULL)), E_FAIL);
        assert_true(FAILED(fake_await(fake, fake_send(fake, WIRE_EVENT_PREPARE_BACKUP, 1, "<garbage"))));
        journal_expect(""); /* no handler has seen it */
        events(1, WIRE_EVENT_IDENTIFY, WIRE_EVENT_IDENTIFY);
        puppet_free(p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define FAKED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
                FAKED(test_that_a_frozen_writer_wakes_by_itself_once),
                FAKED(test_that_a_thaw_in_time_ends_the_limit),
                FAKED(test_that_nothing_of_another_session_comes_between_freeze_and_thaw_but_identify),
                FAKED(test_that_the_limit_holds_whatever_else_is_waiting),
                FAKED(test_that_a_lost_connection_ends_what_was_going_on),
                FAKED(test_that_every_session_gets_its_own_abort),
                FAKED(test_that_a_writer_that_is_not_wanted_is_owed_nothing),
                FAKED(test_that_a_connection_lost_in_a_handler_is_noticed_after_it),
                FAKED(test_that_unsubscribing_wakes_and_drops_what_waits),
                FAKED(test_that_a_connection_that_ends_in_the_middle_is_unexpected),
                FAKED(test_that_who_never_said_who_it_is_has_no_identity),
                FAKED(test_that_a_writer_can_leave_while_it_looks_for_umbrad),
                FAKED(test_that_questions_on_other_threads_are_harmless),
                FAKED(test_that_unsubscribing_at_any_moment_comes_to_an_end),
                FAKED(test_that_an_event_that_makes_no_sense_is_an_error_and_no_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
