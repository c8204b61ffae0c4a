/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writers that Hang
 *
 * One that does not come back from a handler costs the backup, at its limit, and nobody else; what waits
 * behind it still gets its turn. Nothing here asserts how long something took.
 */

#include <string.h>

#include <umbra.h>

#include "api/writer/backup.h"
#include "api/writer/journal.h"
#include "api/writer/puppet.h"
#include "base/alloc.h"
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

static void back_up_well(void) {
        Backup *b = backup_new();

        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(backup_complete(b), S_OK);
        backup_free(b);
}

static void test_that_a_writer_that_hangs_in_freeze_is_given_up_at_its_limit(void **state) {
        Puppet *hangs = puppet_new("hangs", world->volume, &(PuppetOptions){ .freeze_msec = 300 });
        Puppet *other = puppet_new("other", world->volume, NULL);
        Gate *gate = gate_new();
        Backup *b = backup_new();

        journal_clear();
        hangs->acts[WIRE_EVENT_FREEZE].gate = gate;
        assert_int_equal(backup_run(b, world->volume), VSS_E_UNEXPECTED_WRITER_ERROR);
        backup_expect_status(b, L"hangs", "FAILED_AT_FREEZE VSS_E_WRITERERROR_TIMEOUT 0x0 the writer did not answer in time");
        journal_await("other abort"); /* while the one that hangs still does */
        assert_false(journal_has("hangs abort"));
        backup_free(b);

        gate_open(gate);
        journal_await("hangs abort");
        journal_await("hangs backup-shutdown");
        assert_int_equal(journal_count("hangs abort"), 1);
        assert_int_equal(journal_count("other abort"), 1);
        assert_false(journal_has("hangs thaw"));
        world_assert_clean(world);

        journal_clear();
        back_up_well();
        assert_true(journal_has("hangs thaw"));
        gate_free(gate);
        puppet_free(hangs);
        puppet_free(other);
}

static void test_that_a_writer_wakes_by_itself_when_another_one_hangs(void **state) {
        Puppet *hangs = puppet_new("hangs", world->volume, NULL);
        Puppet *quick = puppet_new("quick", world->volume, &(PuppetOptions){ .freeze_msec = 300 });
        Gate *gate = gate_new();
        Backup *b = backup_new();

        journal_clear();
        hangs->acts[WIRE_EVENT_FREEZE].gate = gate;
        assert_int_equal(backup_run(b, world->volume), VSS_E_UNEXPECTED_WRITER_ERROR);
        REACHES_RULE(CVssWriter, "Initialize", "dwTimeoutFreeze default 60000 ms counts from the writer's Freeze to its Thaw");
        REACHES_RULE(CVssWriterEx, "InitializeEx", "dwTimeoutFreeze default 60000 ms");
        backup_expect_status(b, L"quick", "FAILED_AT_THAW VSS_E_WRITERERROR_TIMEOUT 0x0 the writer was frozen longer than its limit");
        journal_await("quick abort");
        assert_false(journal_has("hangs abort"));
        backup_free(b);
        journal_await("quick backup-shutdown");
        assert_int_equal(journal_count("quick abort"), 1); /* by itself and by umbrad, but once */
        assert_false(journal_has("quick thaw"));

        gate_open(gate);
        journal_await("hangs backup-shutdown");
        gate_free(gate);
        puppet_free(hangs);
        puppet_free(quick);
        world_assert_clean(world);
}

/* Longer than the other one's limit. */
static void linger(Puppet *p, IVssWriterComponents *components) {
        usec_t end = usec_add(now_usec(CLOCK_MONOTONIC), 1000 * USEC_PER_MSEC);

        while (now_usec(CLOCK_MONOTONIC) < end)
                (void) umbra_writer_is_shutting_down(p->writer);
}

static void test_that_a_limit_begins_with_the_writers_own_freeze(void **state) {
        Puppet *front = puppet_new("front", world->volume, NULL);
        Puppet *back = puppet_new("back", world->volume, &(PuppetOptions){ .level = VSS_APP_BACK_END, .freeze_msec = 900 });

        journal_clear();
        front->acts[WIRE_EVENT_FREEZE].does = linger;
        back_up_well();
        puppet_free(front);
        puppet_free(back);
}

static bool status_can_be_had(void *arg) {
        char *json = NULL;

        if (FAILED(umbra_get_status(&json)))
                return false;
        CoTaskMemFree(json);
        return true;
}

typedef struct Pending {
        Backup *b;
        IVssAsync *async;
} Pending;

static Pending begin_gather(void) {
        Pending p = { .b = backup_new() };

        assert_int_equal(IVssBackupComponents_GatherWriterMetadata(p.b->api, &p.async), S_OK);
        return p;
}

static HRESULT pending_status(Pending *p) {
        HRESULT status = E_FAIL;

        assert_int_equal(IVssAsync_QueryStatus(p->async, &status, NULL), S_OK);
        return status;
}

static void test_that_a_slow_freeze_stops_neither_umbrad_nor_the_queue(void **state) {
        Puppet *slow = puppet_new("slow", world->volume, NULL);
        Gate *gate = gate_new();
        Backup *b = backup_new();
        IVssAsync *async = NULL;
        Pending other;

        journal_clear();
        slow->acts[WIRE_EVENT_FREEZE].gate = gate;
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_select(b, world->volume), S_OK);
        assert_int_equal(backup_prepare(b), S_OK);
        assert_int_equal(IVssBackupComponents_DoSnapshotSet(b->api, &async), S_OK);
        journal_await("slow freeze");

        other = begin_gather(); /* Identify waits behind the Freeze */
        assert_true(status_can_be_had(NULL));
        assert_int_equal(pending_status(&other), VSS_S_ASYNC_PENDING);
        assert_int_equal(journal_count("slow identify"), 1);

        gate_open(gate);
        assert_int_equal(settle(S_OK, other.async), S_OK);
        assert_int_equal(backup_writer_count(other.b), 1);
        assert_int_equal(journal_count("slow identify"), 2);
        assert_int_equal(settle(S_OK, async), S_OK);
        backup_free(other.b);
        backup_free(b);
        gate_free(gate);
        puppet_free(slow);
}

/* Backups overlap: while one has the writer frozen, an older one ends. */
static void test_that_a_backup_that_ends_does_not_wake_a_writer_that_another_one_froze(void **state) {
        Puppet *p = puppet_new("shared", world->volume, &(PuppetOptions){ .silent_identify = true });
        Gate *gate = gate_new();
        Backup *older = backup_new(), *newer = backup_new();
        IVssAsync *async = NULL;

        assert_int_equal(backup_run(older, world->volume), S_OK);
        journal_clear();
        world_script(world, "commit = sleep 300");
        assert_int_equal(backup_gather(newer), S_OK);
        assert_int_equal(backup_select(newer, world->volume), S_OK);
        assert_int_equal(backup_prepare(newer), S_OK);
        p->acts[WIRE_EVENT_FREEZE].gate = gate;
        assert_int_equal(IVssBackupComponents_DoSnapshotSet(newer->api, &async), S_OK);
        journal_await("shared freeze");
        backup_free(older); /* BackupShutdown is behind the Freeze, and waits for the Thaw */
        gate_open(gate);
        assert_int_equal(settle(S_OK, async), S_OK);
        journal_await("shared backup-shutdown");
        assert_true(journal_position("shared thaw") < journal_position("shared backup-shutdown"));
        assert_int_equal(journal_count("shared abort"), 0);
        backup_expect_status(newer, L"shared", "WAITING_FOR_BACKUP_COMPLETE S_OK 0x0 ");
        world_script(world, NULL);
        backup_free(newer);
        gate_free(gate);
        puppet_free(p);
        world_assert_clean(world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_writer_that_hangs_in_freeze_is_given_up_at_its_limit),
                cmocka_unit_test(test_that_a_writer_wakes_by_itself_when_another_one_hangs),
                cmocka_unit_test(test_that_a_limit_begins_with_the_writers_own_freeze),
                cmocka_unit_test(test_that_a_slow_freeze_stops_neither_umbrad_nor_the_queue),
                cmocka_unit_test(test_that_a_backup_that_ends_does_not_wake_a_writer_that_another_one_froze),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
