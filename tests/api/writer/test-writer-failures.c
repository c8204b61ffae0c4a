/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Becomes of a Writer that Fails
 *
 * At each event, with each code: what the requester sees of it, and who is told to abort. [MS: pitfall 12]
 */

#include <stdlib.h>
#include <string.h>

#include <umbra.h>

#include "api/writer/backup.h"
#include "api/writer/journal.h"
#include "api/writer/puppet.h"
#include "base/alloc.h"
#include "base/hresult.h"
#include "lib/reference.h"
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

/* A backup to its end, well or not; what DoSnapshotSet() said. The writer's status just before the requester
 * lets go is checked. */
static HRESULT back_up(const char *status) {
        Backup *b = backup_new();
        HRESULT hr;

        hr = backup_run(b, world->volume);
        if (SUCCEEDED(hr))
                assert_int_equal(backup_complete(b), S_OK);
        backup_expect_status(b, L"fails", status);
        backup_free(b);
        return hr;
}

static const struct {
        WireEvent event;
        const char *state;
        HRESULT created;       /* what DoSnapshotSet() says */
        unsigned aborts;       /* of the one that fails */
        unsigned others_abort; /* of another one */
} cases[] = {
        { WIRE_EVENT_PREPARE_BACKUP,   "FAILED_AT_PREPARE_BACKUP",   S_OK,                          1, 0 }, /* when it is over: it was prepared */
        { WIRE_EVENT_PREPARE_SNAPSHOT, "FAILED_AT_PREPARE_SNAPSHOT", VSS_E_UNEXPECTED_WRITER_ERROR, 1, 1 }, /* the same, not at once */
        { WIRE_EVENT_FREEZE,           "FAILED_AT_FREEZE",           VSS_E_UNEXPECTED_WRITER_ERROR, 1, 1 },
        { WIRE_EVENT_THAW,             "FAILED_AT_THAW",             VSS_E_UNEXPECTED_WRITER_ERROR, 1, 1 },
        { WIRE_EVENT_POST_SNAPSHOT,    "FAILED_AT_POST_SNAPSHOT",    S_OK,                          0, 0 },
        { WIRE_EVENT_BACKUP_COMPLETE,  "FAILED_AT_BACKUP_COMPLETE",  S_OK,                          0, 0 },
};

static void fail_at(size_t i, const PuppetAct *act, const char *codes) {
        Puppet *p = puppet_new("fails", world->volume, NULL), *other = puppet_new("other", world->volume, NULL);
        _cleanup_(freep) char *status = NULL;

        assert_int_equal(format_to(&status, "%s %s", cases[i].state, codes), 0);
        journal_clear();
        p->acts[cases[i].event] = *act;
        assert_int_equal(back_up(status), cases[i].created);
        journal_await("fails backup-shutdown");
        journal_await("other backup-shutdown");
        if (journal_count("fails abort") != cases[i].aborts || journal_count("other abort") != cases[i].others_abort)
                fail_msg("%s: aborted %u and %u times", wire_event_to_string(cases[i].event), journal_count("fails abort"),
                         journal_count("other abort"));
        if (journal_has("fails post-snapshot"))
                assert_false(journal_has("fails abort")); /* never after it [MS: pitfall 12] */
        if (cases[i].others_abort == 0)
                assert_true(journal_has("other backup-complete"));
        puppet_free(other);
        puppet_free(p);
        world_assert_clean(world);
}

static void test_that_false_alone_is_an_error_not_worth_retrying(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                fail_at(i, &(PuppetAct){ .fails = true }, "VSS_E_WRITERERROR_NONRETRYABLE 0x0 ");
}

static void test_that_a_reason_is_a_failure_also_without_false(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                fail_at(i, &(PuppetAct){ .hr = VSS_E_WRITERERROR_RETRYABLE, .hr_application = (HRESULT) 0x80001234, .message = L"déjà vu" },
                        "VSS_E_WRITERERROR_RETRYABLE 0x80001234 déjà vu");
}

static void test_that_each_code_reaches_the_requester(void **state) {
        static const HRESULT codes[] = {
                VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT, VSS_E_WRITERERROR_OUTOFRESOURCES,   VSS_E_WRITERERROR_TIMEOUT,
                VSS_E_WRITERERROR_RETRYABLE,            VSS_E_WRITERERROR_NONRETRYABLE,     VSS_E_WRITERERROR_PARTIAL_FAILURE,
                VSS_E_WRITERERROR_RECOVERY_FAILED,
        };

        for (size_t i = 0; i < ELEMENTSOF(codes); ++i) {
                _cleanup_(freep) char *text = NULL;

                assert_int_equal(format_to(&text, "%s 0x0 ", hresult_name(codes[i])), 0);
                fail_at(2, &(PuppetAct){ .fails = true, .hr = codes[i] }, text);
        }
}

static HRESULT set_twice_results[3];

static void set_failures(Puppet *p, IVssWriterComponents *components) {
        set_twice_results[0] = umbra_writer_set_failure(p->writer, VSS_E_WRITERERROR_RETRYABLE);
        set_twice_results[1] = umbra_writer_set_failure(p->writer, E_FAIL); /* no code of a writer: changes nothing */
        set_twice_results[2] = umbra_writer_set_failure_ex(p->writer, VSS_E_WRITERERROR_OUTOFRESOURCES, E_ABORT, NULL);
}

static void test_that_the_last_reason_counts_and_nonsense_is_refused(void **state) {
        fail_at(2, &(PuppetAct){ .does = set_failures }, "VSS_E_WRITERERROR_OUTOFRESOURCES 0x80004004 ");
        assert_int_equal(set_twice_results[0], S_OK);
        assert_int_equal(set_twice_results[1], E_INVALIDARG);
        assert_int_equal(set_twice_results[2], S_OK);
}

static void take_back(Puppet *p, IVssWriterComponents *components) {
        (void) umbra_writer_set_failure(p->writer, VSS_E_WRITERERROR_RETRYABLE);
        (void) umbra_writer_set_failure(p->writer, S_OK);
}

static void test_that_a_reason_can_be_taken_back(void **state) {
        Puppet *p = puppet_new("fails", world->volume, NULL);

        p->acts[WIRE_EVENT_FREEZE].does = take_back;
        assert_int_equal(back_up("STABLE S_OK 0x0 "), S_OK);
        puppet_free(p);
}

static void remark(Puppet *p, IVssWriterComponents *components) {
        if (umbra_writer_set_failure_ex(p->writer, S_OK, 7, L"slow, but well") != S_OK)
                journal_say("no remark");
}

static void test_that_words_without_a_failure_reach_the_requester(void **state) {
        Puppet *p = puppet_new("says", world->volume, NULL);
        Backup *b = backup_new();

        journal_clear();
        p->acts[WIRE_EVENT_FREEZE].does = remark;
        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_false(journal_has("no remark"));
        backup_expect_status(b, L"says", "WAITING_FOR_BACKUP_COMPLETE S_OK 0x7 slow, but well");
        assert_int_equal(backup_complete(b), S_OK);
        backup_expect_status(b, L"says", "STABLE S_OK 0x7 slow, but well");
        backup_free(b);
        REACHES_RETURN(CVssWriterEx2, SetWriterFailureEx, "S_OK");

        p->acts[WIRE_EVENT_FREEZE].does = NULL; /* and it is over with that backup */
        b = backup_new();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        backup_expect_status(b, L"says", "WAITING_FOR_BACKUP_COMPLETE S_OK 0x0 ");
        backup_free(b);
        puppet_free(p);
}

static void test_that_words_and_false_are_a_failure_with_words(void **state) {
        Puppet *p = puppet_new("fails", world->volume, NULL);

        p->acts[WIRE_EVENT_FREEZE] = (PuppetAct){ .does = remark, .fails = true };
        assert_int_equal(back_up("FAILED_AT_FREEZE VSS_E_WRITERERROR_NONRETRYABLE 0x7 slow, but well"), VSS_E_UNEXPECTED_WRITER_ERROR);
        puppet_free(p);
}

static WCHAR long_message[20000];

static void test_that_an_endless_message_is_cut_between_two_characters(void **state) {
        Puppet *p = puppet_new("fails", world->volume, NULL);
        Backup *b = backup_new();
        char *status;

        for (size_t i = 0; i + 1 < ELEMENTSOF(long_message); ++i)
                long_message[i] = L'é';
        p->acts[WIRE_EVENT_FREEZE] = (PuppetAct){ .hr = VSS_E_WRITERERROR_RETRYABLE, .message = long_message };
        assert_int_equal(backup_run(b, world->volume), VSS_E_UNEXPECTED_WRITER_ERROR);
        status = backup_status(b, L"fails");
        assert_non_null(status);
        assert_int_equal(strncmp(status, "FAILED_AT_FREEZE VSS_E_WRITERERROR_RETRYABLE 0x0 éé", 52), 0);
        assert_in_range(strlen(status), 4000, 4200);
        assert_string_equal(status + strlen(status) - 2, "é");
        free(status);
        backup_free(b);
        puppet_free(p);
}

static void test_that_a_requester_that_gives_up_aborts_once(void **state) {
        Puppet *p = puppet_new("told", world->volume, NULL);
        Backup *b = backup_new();

        journal_clear();
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_select(b, world->volume), S_OK);
        assert_int_equal(backup_prepare(b), S_OK);
        assert_int_equal(IVssBackupComponents_AbortBackup(b->api), S_OK);
        backup_free(b);
        journal_await("told backup-shutdown");
        journal_expect("told identify\n"
                       "told prepare-backup\n"
                       "told abort\n"
                       "told backup-shutdown\n");
        puppet_free(p);
}

static void test_that_a_requester_that_lets_go_aborts_what_it_began(void **state) {
        Puppet *p = puppet_new("told", world->volume, NULL);
        Backup *b = backup_new();

        journal_clear();
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_select(b, world->volume), S_OK);
        assert_int_equal(backup_prepare(b), S_OK);
        backup_free(b);
        journal_await("told backup-shutdown");
        assert_int_equal(journal_count("told abort"), 1);

        journal_clear(); /* but not after PostSnapshot */
        b = backup_new();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        (void) IVssBackupComponents_AbortBackup(b->api);
        backup_free(b);
        journal_await("told backup-shutdown");
        assert_int_equal(journal_count("told abort"), 0);
        puppet_free(p);
        world_assert_clean(world);
}

static void test_that_a_provider_that_fails_aborts_the_writers(void **state) {
        static const char *const scripts[] = { "prepare = fail ENOSPC", "pre_commit = fail EIO\nflags = wants-hold pre-commit", "commit = fail EIO" };
        Puppet *p = puppet_new("told", world->volume, NULL);

        for (size_t i = 0; i < ELEMENTSOF(scripts); ++i) {
                Backup *b = backup_new();

                journal_clear();
                world_script(world, scripts[i]);
                if (backup_run(b, world->volume) == S_OK)
                        fail_msg("'%s' does not fail", scripts[i]);
                backup_free(b);
                journal_await("told backup-shutdown");
                assert_int_equal(journal_count("told abort"), 1);
                assert_int_equal(journal_count("told freeze"), i > 0);
                assert_int_equal(journal_count("told thaw"), 0);
                world_script(world, NULL);
                world_assert_clean(world);
        }
        assert_int_equal(puppet_unsubscribe(p), S_OK);
        puppet_free(p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_false_alone_is_an_error_not_worth_retrying),
                cmocka_unit_test(test_that_a_reason_is_a_failure_also_without_false),
                cmocka_unit_test(test_that_each_code_reaches_the_requester),
                cmocka_unit_test(test_that_the_last_reason_counts_and_nonsense_is_refused),
                cmocka_unit_test(test_that_a_reason_can_be_taken_back),
                cmocka_unit_test(test_that_words_without_a_failure_reach_the_requester),
                cmocka_unit_test(test_that_words_and_false_are_a_failure_with_words),
                cmocka_unit_test(test_that_an_endless_message_is_cut_between_two_characters),
                cmocka_unit_test(test_that_a_requester_that_gives_up_aborts_once),
                cmocka_unit_test(test_that_a_requester_that_lets_go_aborts_what_it_began),
                cmocka_unit_test(test_that_a_provider_that_fails_aborts_the_writers),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
