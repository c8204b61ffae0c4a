/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Operations: how they are waited for, polled, cancelled and let go, by one thread or many.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <umbra.h>
#include <unistd.h>
#include <vsbackup.h>

#include "api/stages.h"
#include "base/time-util.h"

static void test_that_polling_is_enough(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        unsigned rounds = 0;
        IVssAsync *async;
        HRESULT status;

        fake_umbrad_delay(stage_umbrad, "DoSnapshotSet", 150);
        async = STAGE_BEGIN(b, DoSnapshotSet);
        while ((status = stage_status(async)) == VSS_S_ASYNC_PENDING) {
                usleep(10 * 1000);
                assert_true(++rounds < 2000);
        }
        assert_int_equal(status, VSS_S_ASYNC_FINISHED);
        assert_true(rounds > 0);
        IVssAsync_Release(async);
        stage_release(b);
}

static void test_that_a_wait_may_run_out(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        IVssAsync *async;
        usec_t begin;

        fake_umbrad_set(stage_umbrad, "DoSnapshotSet", FAKE_NEVER, S_OK);
        async = STAGE_BEGIN(b, DoSnapshotSet);
        begin = now_usec(CLOCK_MONOTONIC);
        assert_int_equal(IVssAsync_Wait(async, 0), S_OK);
        assert_int_equal(IVssAsync_Wait(async, 100), S_OK);
        assert_true(now_usec(CLOCK_MONOTONIC) - begin >= 100 * USEC_PER_MSEC);
        assert_int_equal(stage_status(async), VSS_S_ASYNC_PENDING);
        assert_int_equal(IVssAsync_Cancel(async), S_OK);
        IVssAsync_Release(async);
        stage_release(b);
}

static void test_that_one_operation_runs_at_a_time(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_SET, DAMAGE_NONE);
        IVssAsync *async, *second = (void *) 1;
        BSTR xml;

        fake_umbrad_delay(stage_umbrad, "PrepareForBackup", 100);
        async = STAGE_BEGIN(b, PrepareForBackup);
        assert_int_equal(IVssBackupComponents_GatherWriterStatus(b, &second), VSS_E_BAD_STATE);
        assert_null(second);
        assert_string_equal(umbra_last_error(),
                            "GatherWriterStatus() was called while PrepareForBackup() is still "
                            "running: wait for its IVssAsync.");
        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_SetBackupOptions(b, stage_writer, VSS_CT_DATABASE, L"path",
                                                               L"db", L"x"),
                         VSS_E_BAD_STATE);
        assert_int_equal(stage_settle(S_OK, async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(STAGE_RUN(b, GatherWriterStatus), VSS_S_ASYNC_FINISHED);
        stage_release(b);
}

static void *waiter_main(void *arg) {
        IVssAsync *async = arg;

        return (void *) (intptr_t) IVssAsync_Wait(async, INFINITE);
}

static atomic_bool stop_polling;

static void *poller_main(void *arg) {
        HRESULT status = VSS_S_ASYNC_PENDING;

        while (status == VSS_S_ASYNC_PENDING && !atomic_load(&stop_polling)) {
                status = stage_status(arg);
                usleep(1000);
        }
        return (void *) (intptr_t) status;
}

static void test_that_cancelling_ends_the_operation_for_all(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        pthread_t waiter, poller;
        IVssAsync *async;
        void *result;

        fake_umbrad_set(stage_umbrad, "DoSnapshotSet", FAKE_NEVER, S_OK);
        async = STAGE_BEGIN(b, DoSnapshotSet);
        atomic_store(&stop_polling, false);
        assert_int_equal(pthread_create(&waiter, NULL, waiter_main, async), 0);
        assert_int_equal(pthread_create(&poller, NULL, poller_main, async), 0);
        usleep(50 * 1000);

        assert_int_equal(IVssAsync_Cancel(async), S_OK);
        assert_int_equal(fake_umbrad_count(stage_umbrad, "Cancel"), 1);
        assert_int_equal(IVssAsync_Cancel(async), VSS_S_ASYNC_CANCELLED);
        assert_int_equal(pthread_join(waiter, &result), 0);
        assert_int_equal((intptr_t) result, S_OK);
        assert_int_equal(pthread_join(poller, &result), 0);
        assert_int_equal((intptr_t) result, VSS_S_ASYNC_CANCELLED);
        IVssAsync_Release(async);

        /* Nothing is left to go on with. */
        assert_int_equal(STAGE_RUN(b, DoSnapshotSet), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), S_OK);
        stage_release(b);
}

static void test_that_finished_operations_cannot_be_cancelled(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_SET, DAMAGE_NONE);
        IVssAsync *async = STAGE_BEGIN(b, PrepareForBackup);

        assert_int_equal(IVssAsync_Wait(async, INFINITE), S_OK);
        assert_int_equal(IVssAsync_Cancel(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(fake_umbrad_count(stage_umbrad, "Cancel"), 0);
        IVssAsync_Release(async);
        stage_release(b);
}

static void test_that_aborting_ends_what_runs(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_SET, DAMAGE_NONE);
        IVssAsync *async;

        fake_umbrad_set(stage_umbrad, "PrepareForBackup", FAKE_NEVER, S_OK);
        async = STAGE_BEGIN(b, PrepareForBackup);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), S_OK);
        assert_int_equal(stage_status(async), VSS_S_ASYNC_CANCELLED);
        IVssAsync_Release(async);
        assert_int_equal(STAGE_RUN(b, PrepareForBackup), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), S_OK); /* again: it does not hurt */
        stage_release(b);
}

static void test_that_aborting_nothing_is_ignored(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_NEW, DAMAGE_NONE);
        VSS_ID id;

        assert_int_equal(IVssBackupComponents_AbortBackup(b), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_AbortBackup(b), S_OK);
        assert_int_equal(fake_umbrad_count(stage_umbrad, "AbortBackup"), 0);

        /* A failed StartSnapshotSet() may be tried again; restic does every five seconds. */
        fake_umbrad_set(stage_umbrad, "StartSnapshotSet", FAKE_FAILS, VSS_E_SNAPSHOT_SET_IN_PROGRESS);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), VSS_E_SNAPSHOT_SET_IN_PROGRESS);
        fake_umbrad_set(stage_umbrad, "StartSnapshotSet", FAKE_ANSWERS, S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), S_OK);
        stage_release(b);
}

static void test_that_a_failure_arrives_with_its_sentence(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_SET, DAMAGE_NONE);
        IVssAsync *async;

        fake_umbrad_set(stage_umbrad, "PrepareForBackup", FAKE_FAILS, VSS_E_PROVIDER_VETO);
        async = STAGE_BEGIN(b, PrepareForBackup);
        assert_int_equal(IVssAsync_Wait(async, INFINITE), VSS_E_PROVIDER_VETO);
        assert_string_equal(umbra_last_error(), "told to fail");
        assert_int_equal(stage_status(async), VSS_E_PROVIDER_VETO);
        IVssAsync_Release(async);

        /* Nobody knows of the backup yet, so it may be tried again. */
        fake_umbrad_set(stage_umbrad, "PrepareForBackup", FAKE_ANSWERS, S_OK);
        assert_int_equal(STAGE_RUN(b, PrepareForBackup), VSS_S_ASYNC_FINISHED);
        stage_release(b);
}

static void test_that_the_connection_lives_as_long_as_somebody_waits(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_SET, DAMAGE_NONE);
        IVssAsync *async;

        fake_umbrad_delay(stage_umbrad, "PrepareForBackup", 150);
        async = STAGE_BEGIN(b, PrepareForBackup);
        stage_release(b);
        assert_true(fake_umbrad_await_connections(stage_umbrad, 1));
        assert_int_equal(IVssAsync_Wait(async, INFINITE), S_OK);
        assert_int_equal(stage_status(async), VSS_S_ASYNC_FINISHED);

        /* Settled: nothing is waited for any more, though it is still held. */
        assert_true(fake_umbrad_await_connections(stage_umbrad, 0));
        IVssAsync_Release(async);
}

static void test_that_releasing_both_ends_the_connection(void **state) {
        static const bool async_first[] = { false, true };

        fake_umbrad_set(stage_umbrad, "PrepareForBackup", FAKE_NEVER, S_OK);
        for (size_t i = 0; i < ELEMENTSOF(async_first); ++i) {
                IVssBackupComponentsEx4 *b = stage_new(STAGE_SET, DAMAGE_NONE);
                IVssAsync *async = STAGE_BEGIN(b, PrepareForBackup);

                if (async_first[i]) {
                        IVssAsync_Release(async);
                        stage_release(b);
                } else {
                        stage_release(b);
                        IVssAsync_Release(async);
                }
                assert_true(fake_umbrad_await_connections(stage_umbrad, 0));
        }
}

static void test_that_an_operation_nobody_holds_still_moves_on(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_SET, DAMAGE_NONE);
        unsigned rounds = 0;
        IVssAsync *async;
        HRESULT hr;

        fake_umbrad_delay(stage_umbrad, "PrepareForBackup", 50);
        async = STAGE_BEGIN(b, PrepareForBackup);
        IVssAsync_Release(async);

        /* Any later call brings the answer in. */
        while ((hr = IVssBackupComponents_DoSnapshotSet(b, &async)) == VSS_E_BAD_STATE) {
                usleep(10 * 1000);
                assert_true(++rounds < 1000);
        }
        assert_int_equal(stage_settle(hr, async), VSS_S_ASYNC_FINISHED);
        stage_release(b);
}

static void *backup_main(void *arg) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);

        assert_int_equal(STAGE_RUN(b, DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        assert_int_equal(STAGE_RUN(b, BackupComplete), VSS_S_ASYNC_FINISHED);
        stage_release(b);
        return NULL;
}

static void test_that_threads_have_their_own_objects(void **state) {
        pthread_t threads[8];

        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(pthread_create(threads + i, NULL, backup_main, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void *use_main(void *arg) {
        IVssBackupComponentsEx4 *b = arg;

        for (unsigned i = 0; i < 20; ++i) {
                VSS_SNAPSHOT_PROP prop;
                BSTR xml = NULL;
                UINT n;

                assert_int_equal(IVssBackupComponents_GetSnapshotProperties(b, fake_snapshot_id, &prop),
                                 S_OK);
                VssFreeSnapshotProperties(&prop);
                (void) IVssBackupComponents_SaveAsXML(b, &xml); /* not while it is prepared */
                SysFreeString(xml);
                assert_int_equal(IVssBackupComponents_GetWriterMetadataCount(b, &n), S_OK);
        }
        return NULL;
}

static void test_that_threads_share_an_object(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_SET, DAMAGE_NONE);
        pthread_t threads[4];

        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(pthread_create(threads + i, NULL, use_main, b), 0);
        assert_int_equal(STAGE_RUN(b, PrepareForBackup), VSS_S_ASYNC_FINISHED);
        assert_int_equal(STAGE_RUN(b, DoSnapshotSet), VSS_S_ASYNC_FINISHED);
        for (size_t i = 0; i < ELEMENTSOF(threads); ++i)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        stage_release(b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STAGE_TEST(test_that_polling_is_enough),
                STAGE_TEST(test_that_a_wait_may_run_out),
                STAGE_TEST(test_that_one_operation_runs_at_a_time),
                STAGE_TEST(test_that_cancelling_ends_the_operation_for_all),
                STAGE_TEST(test_that_finished_operations_cannot_be_cancelled),
                STAGE_TEST(test_that_aborting_ends_what_runs),
                STAGE_TEST(test_that_aborting_nothing_is_ignored),
                STAGE_TEST(test_that_a_failure_arrives_with_its_sentence),
                STAGE_TEST(test_that_the_connection_lives_as_long_as_somebody_waits),
                STAGE_TEST(test_that_releasing_both_ends_the_connection),
                STAGE_TEST(test_that_an_operation_nobody_holds_still_moves_on),
                STAGE_TEST(test_that_threads_have_their_own_objects),
                STAGE_TEST(test_that_threads_share_an_object),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
