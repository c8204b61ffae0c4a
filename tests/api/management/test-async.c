/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssAsync and IUnknown, by the objects that backup programs hold: what each ending of an operation looks
 * like, and what is left when the last reference goes.
 */

#include <stdlib.h>
#include <umbra.h>
#include <vsadmin.h>
#include <vsbackup.h>
#include <vsmgmt.h>

#include "api/fake-umbrad.h"
#include "base/guid.h"
#include "lib/reference.h"
#include "lib/test-util.h"

static FakeUmbrad *umbrad;
static IVssBackupComponents *backup;

static int setup(void **state) {
        VSS_ID id;

        umbrad = fake_umbrad_start();
        assert_int_equal(CreateVssBackupComponents(&backup), S_OK);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(backup, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_SetContext(backup, VSS_CTX_FILE_SHARE_BACKUP), S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(backup, &id), S_OK);
        return 0;
}

static int teardown(void **state) {
        assert_int_equal(IVssBackupComponents_Release(backup), 0);
        REACHES_RETURN(IUnknown, Release, "ULONG");
        assert_true(fake_umbrad_await_connections(umbrad, 0));
        fake_umbrad_stop(umbrad);
        return 0;
}

static IVssAsync *begin(FakeMood mood, HRESULT hr) {
        IVssAsync *async = NULL;

        fake_umbrad_set(umbrad, "DoSnapshotSet", mood, hr);
        assert_int_equal(IVssBackupComponents_DoSnapshotSet(backup, &async), S_OK);
        return async;
}

static HRESULT status_of(IVssAsync *async) {
        INT reserved = 7; /* should be NULL, and does not matter */
        HRESULT status = E_FAIL;

        ASSERT_RETURNS(IVssAsync, QueryStatus, S_OK, IVssAsync_QueryStatus(async, &status, NULL));
        assert_int_equal(IVssAsync_QueryStatus(async, &status, &reserved), S_OK);
        REACHES_RULE(IVssAsync, "QueryStatus", "pReserved should be NULL");
        return status;
}

static void test_that_waiting_may_end_before_the_operation_does(void **state) {
        static const DWORD times[] = { 0, 1, 20 };
        IVssAsync *async = begin(FAKE_NEVER, S_OK);

        for (size_t i = 0; i < ELEMENTSOF(times); ++i) {
                ASSERT_RETURNS(IVssAsync, Wait, S_OK, IVssAsync_Wait(async, times[i]));
                assert_int_equal(status_of(async), VSS_S_ASYNC_PENDING);
        }
        REACHES_RETURN(IVssAsync, QueryStatus, "VSS_S_ASYNC_PENDING");
        REACHES_RULE(IVssAsync, "Wait", "no return code for an expired");
        REACHES_RULE(IVssAsync, "Wait", "S_OK does not mean success");

        ASSERT_RETURNS(IVssAsync, QueryStatus, E_INVALIDARG, IVssAsync_QueryStatus(async, NULL, NULL));
        ASSERT_RETURNS(IVssAsync, Cancel, S_OK, IVssAsync_Cancel(async));
        assert_int_equal(status_of(async), VSS_S_ASYNC_CANCELLED);
        REACHES_RETURN(IVssAsync, QueryStatus, "VSS_S_ASYNC_CANCELLED");
        ASSERT_RETURNS(IVssAsync, Cancel, VSS_S_ASYNC_CANCELLED, IVssAsync_Cancel(async));
        assert_int_equal(IVssAsync_Wait(async, INFINITE), S_OK);
        IVssAsync_Release(async);
}

static void test_that_a_success_is_finished(void **state) {
        IVssAsync *async = begin(FAKE_ANSWERS, S_OK);

        assert_int_equal(IVssAsync_Wait(async, INFINITE), S_OK);
        REACHES_RULE(IVssAsync, "Wait", "dwMilliseconds defaults to INFINITE");
        assert_int_equal(status_of(async), VSS_S_ASYNC_FINISHED);
        REACHES_RETURN(IVssAsync, QueryStatus, "VSS_S_ASYNC_FINISHED");
        ASSERT_RETURNS(IVssAsync, Cancel, VSS_S_ASYNC_FINISHED, IVssAsync_Cancel(async));
        assert_int_equal(status_of(async), VSS_S_ASYNC_FINISHED);
        IVssAsync_Release(async);
}

/* Polling is as good as waiting. */
static bool has_ended(void *arg) {
        return status_of(arg) != VSS_S_ASYNC_PENDING;
}

static void test_that_a_failure_is_told_by_every_method(void **state) {
        static const struct {
                FakeMood mood;
                HRESULT told, hr;
        } cases[] = {
                { FAKE_FAILS, VSS_E_PROVIDER_VETO, VSS_E_PROVIDER_VETO },
                { FAKE_FAILS, E_ACCESSDENIED, E_ACCESSDENIED },
                { FAKE_GOES, S_OK, VSS_E_UNEXPECTED },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                for (unsigned polling = 0; polling < 2; ++polling) {
                        IVssAsync *async = begin(cases[i].mood, cases[i].told);

                        if (polling)
                                assert_true(eventually(has_ended, async, TEST_PATIENCE_USEC));
                        assert_int_equal(IVssAsync_Wait(async, INFINITE), cases[i].hr);
                        assert_true(*umbra_last_error());
                        assert_int_equal(status_of(async), cases[i].hr);
                        assert_int_equal(IVssAsync_Cancel(async), cases[i].hr);
                        IVssAsync_Release(async);

                        assert_int_equal(teardown(state), 0);
                        assert_int_equal(setup(state), 0);
                }

        REACHES_RETURN(IVssAsync, Wait, "operation-error");
        REACHES_RETURN(IVssAsync, Wait, "E_ACCESSDENIED");
        REACHES_RETURN(IVssAsync, Wait, "VSS_E_UNEXPECTED");
        REACHES_RETURN(IVssAsync, QueryStatus, "operation-error");
        REACHES_RETURN(IVssAsync, Cancel, "operation-error");
        REACHES_RETURN(IVssAsync, Cancel, "VSS_E_UNEXPECTED");
}

static void test_that_every_object_counts_its_references(void **state) {
        static const struct {
                const CLSID *clsid;
                const IID *iid;
        } classes[] = {
                { &CLSID_VSSCoordinator, &IID_IVssAdmin },
                { &CLSID_VSSCoordinator, &IID_IVssAdminEx },
                { &CLSID_VssSnapshotMgmt, &IID_IVssSnapshotMgmt },
                { &CLSID_VssSnapshotMgmt, &IID_IVssSnapshotMgmt2 },
        };

        for (size_t i = 0; i < ELEMENTSOF(classes); ++i) {
                IUnknown *object = NULL, *identity = NULL, *again = NULL, *other = object;

                assert_int_equal(CoCreateInstance(classes[i].clsid, NULL, CLSCTX_ALL, classes[i].iid,
                                                  (void **) &object),
                                 S_OK);
                assert_int_equal(IUnknown_AddRef(object), 2);
                REACHES_RETURN(IUnknown, AddRef, "ULONG");
                assert_int_equal(IUnknown_Release(object), 1);

                ASSERT_RETURNS(IUnknown, QueryInterface, S_OK,
                               IUnknown_QueryInterface(object, &IID_IUnknown, (void **) &identity));
                assert_int_equal(IUnknown_QueryInterface(identity, classes[i].iid, (void **) &again), S_OK);
                assert_ptr_equal(again, object);
                ASSERT_RETURNS(IUnknown, QueryInterface, E_NOINTERFACE,
                               IUnknown_QueryInterface(object, &IID_IVssAsync, (void **) &other));
                assert_null(other);
                ASSERT_RETURNS(IUnknown, QueryInterface, E_POINTER,
                               IUnknown_QueryInterface(object, &IID_IUnknown, NULL));

                assert_int_equal(IUnknown_Release(again), 2);
                assert_int_equal(IUnknown_Release(identity), 1);
                assert_int_equal(IUnknown_Release(object), 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, setup, teardown)
                TEST(waiting_may_end_before_the_operation_does),
                TEST(a_success_is_finished),
                TEST(a_failure_is_told_by_every_method),
                TEST(every_object_counts_its_references),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
