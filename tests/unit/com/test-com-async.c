/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssAsync with a pump of the test's own: what Wait(), QueryStatus() and Cancel() ask of it, and who wins.
 */

#include <errno.h>
#include <pthread.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "base/time-util.h"
#include "com/com-async.h"

typedef struct Pump {
        Async *async;
        HRESULT arrives; /* what the next wait() or poll() delivers; VSS_S_ASYNC_PENDING for nothing */
        HRESULT answers; /* what arrives while cancel() runs */
        int wait_fails, cancel_fails;
        unsigned n_wait, n_poll, n_cancel;
        int n_ref;
        uint64_t deadline, cookie;
} Pump;

static void pump_deliver(Pump *pump, HRESULT result) {
        if (result != VSS_S_ASYNC_PENDING)
                async_complete(pump->async, result);
}

static int pump_wait(void *userdata, bool (*done)(void *arg), void *arg, uint64_t deadline_usec) {
        Pump *pump = userdata;

        ++pump->n_wait;
        pump->deadline = deadline_usec;
        if (pump->wait_fails < 0)
                return pump->wait_fails;

        assert_false(done(arg));
        pump_deliver(pump, pump->arrives);
        return done(arg) ? 0 : -ETIMEDOUT;
}

static void pump_poll(void *userdata) {
        Pump *pump = userdata;

        ++pump->n_poll;
        pump_deliver(pump, pump->arrives);
}

static int pump_cancel(void *userdata, uint64_t cookie) {
        Pump *pump = userdata;

        ++pump->n_cancel;
        pump->cookie = cookie;
        pump_deliver(pump, pump->answers);
        return pump->cancel_fails;
}

static void pump_ref(void *userdata) {
        ++((Pump *) userdata)->n_ref;
}

static void pump_unref(void *userdata) {
        --((Pump *) userdata)->n_ref;
}

static const AsyncPump pump_ops = {
        .wait = pump_wait,
        .poll = pump_poll,
        .cancel = pump_cancel,
        .ref = pump_ref,
        .unref = pump_unref,
};

static IVssAsync *pump_start(Pump *pump) {
        IVssAsync *iface;

        *pump = (Pump){ .arrives = VSS_S_ASYNC_PENDING, .answers = VSS_S_ASYNC_PENDING };
        assert_int_equal(async_new(&pump_ops, pump, 4711, &pump->async, &iface), S_OK);
        assert_int_equal(pump->n_ref, 1);
        return iface;
}

static void pump_end(Pump *pump, IVssAsync *iface) {
        assert_int_equal(IVssAsync_Release(iface), 0);
        assert_int_equal(pump->n_ref, 0);
}

static HRESULT status_of(IVssAsync *iface) {
        HRESULT status = E_FAIL;

        assert_int_equal(IVssAsync_QueryStatus(iface, &status, NULL), S_OK);
        return status;
}

static void test_that_polling_the_status_is_enough_to_get_the_result(void **state) {
        IVssAsync *iface;
        Pump pump;

        (void) state;

        iface = pump_start(&pump);
        assert_int_equal(status_of(iface), VSS_S_ASYNC_PENDING);
        pump.arrives = S_OK;
        assert_int_equal(status_of(iface), VSS_S_ASYNC_FINISHED);
        assert_int_equal(status_of(iface), VSS_S_ASYNC_FINISHED);
        assert_int_equal(pump.n_poll, 2);
        assert_int_equal(pump.n_wait, 0);
        pump_end(&pump, iface);
}

static void test_that_the_status_of_nowhere_is_an_invalid_argument(void **state) {
        IVssAsync *iface;
        Pump pump;

        (void) state;

        iface = pump_start(&pump);
        assert_int_equal(IVssAsync_QueryStatus(iface, NULL, NULL), E_INVALIDARG);
        pump_end(&pump, iface);
}

static void test_that_waiting_pumps_until_the_result_or_the_time_is_there(void **state) {
        static const struct {
                DWORD timeout_ms;
                HRESULT arrives, waited, status;
        } cases[] = {
                { INFINITE, S_OK,                              S_OK,                VSS_S_ASYNC_FINISHED  },
                { 1000,     S_OK,                              S_OK,                VSS_S_ASYNC_FINISHED  },
                { INFINITE, VSS_E_PROVIDER_VETO,               VSS_E_PROVIDER_VETO, VSS_E_PROVIDER_VETO   },
                { 1000,     VSS_S_ASYNC_CANCELLED,             S_OK,                VSS_S_ASYNC_CANCELLED },
                { 1000,     VSS_S_ASYNC_PENDING,               S_OK,                VSS_S_ASYNC_PENDING   },
                { 0,        VSS_S_ASYNC_PENDING,               S_OK,                VSS_S_ASYNC_PENDING   },
                { 0,        S_OK,                              S_OK,                VSS_S_ASYNC_FINISHED  },
                /* A success that says more than S_OK is kept. */
                { 1,        VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED, S_OK, VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED    },
        };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                IVssAsync *iface;
                usec_t before;
                Pump pump;

                iface = pump_start(&pump);
                pump.arrives = cases[i].arrives;

                before = now_usec(CLOCK_MONOTONIC);
                assert_int_equal(IVssAsync_Wait(iface, cases[i].timeout_ms), cases[i].waited);
                if (cases[i].timeout_ms == INFINITE)
                        assert_true(pump.deadline == USEC_INFINITY);
                else
                        assert_in_range(pump.deadline - cases[i].timeout_ms * USEC_PER_MSEC,
                                        before,
                                        now_usec(CLOCK_MONOTONIC));

                assert_int_equal(status_of(iface), cases[i].status);
                pump_end(&pump, iface);
        }
}

static void test_that_a_broken_pump_ends_the_operation(void **state) {
        IVssAsync *iface;
        Pump pump;

        (void) state;

        iface = pump_start(&pump);
        pump.wait_fails = -ENOTCONN;
        assert_true(FAILED(IVssAsync_Wait(iface, INFINITE)));
        assert_true(FAILED(status_of(iface)));
        assert_true(FAILED(IVssAsync_Wait(iface, INFINITE)));
        assert_int_equal(pump.n_wait, 1);
        pump_end(&pump, iface);
}

static void test_that_cancelling_asks_the_pump_once_and_says_so_to_the_first_only(void **state) {
        IVssAsync *iface;
        Pump pump;

        (void) state;

        iface = pump_start(&pump);
        assert_int_equal(IVssAsync_Cancel(iface), S_OK);
        assert_int_equal(IVssAsync_Cancel(iface), VSS_S_ASYNC_CANCELLED);
        assert_int_equal(pump.n_cancel, 1);
        assert_int_equal(pump.cookie, 4711);
        assert_int_equal(status_of(iface), VSS_S_ASYNC_CANCELLED);
        assert_int_equal(IVssAsync_Wait(iface, INFINITE), S_OK);

        /* What the operation would have said is dropped. */
        async_complete(pump.async, VSS_E_BAD_STATE);
        assert_int_equal(status_of(iface), VSS_S_ASYNC_CANCELLED);
        pump_end(&pump, iface);
}

static void test_that_a_failure_caused_by_the_cancelling_counts_as_cancelled(void **state) {
        IVssAsync *iface;
        Pump pump;

        (void) state;

        iface = pump_start(&pump);
        pump.answers = E_ABORT;
        assert_int_equal(IVssAsync_Cancel(iface), S_OK);
        assert_int_equal(status_of(iface), VSS_S_ASYNC_CANCELLED);
        pump_end(&pump, iface);
}

static void test_that_a_success_that_overtakes_the_cancelling_wins(void **state) {
        IVssAsync *iface;
        Pump pump;

        (void) state;

        iface = pump_start(&pump);
        pump.answers = S_OK;
        assert_int_equal(IVssAsync_Cancel(iface), VSS_S_ASYNC_FINISHED);
        assert_int_equal(status_of(iface), VSS_S_ASYNC_FINISHED);
        pump_end(&pump, iface);
}

static void test_that_an_operation_that_cannot_be_cancelled_in_time_goes_on(void **state) {
        IVssAsync *iface;
        Pump pump;

        (void) state;

        iface = pump_start(&pump);
        pump.cancel_fails = -ETIMEDOUT;
        for (unsigned i = 0; i < 2; ++i) {
                assert_int_equal(IVssAsync_Cancel(iface), VSS_E_UNEXPECTED);
                assert_int_equal(status_of(iface), VSS_S_ASYNC_PENDING);
        }
        async_complete(pump.async, VSS_E_BAD_STATE); /* for reasons of its own */
        assert_int_equal(IVssAsync_Cancel(iface), VSS_E_BAD_STATE);
        assert_int_equal(pump.n_cancel, 2);
        pump_end(&pump, iface);

        /* It ended all the same. */
        iface = pump_start(&pump);
        pump.cancel_fails = -ENOTCONN;
        pump.answers = VSS_E_UNEXPECTED;
        assert_int_equal(IVssAsync_Cancel(iface), S_OK);
        assert_int_equal(status_of(iface), VSS_S_ASYNC_CANCELLED);
        pump_end(&pump, iface);
}

static void test_that_cancelling_what_has_failed_returns_its_error(void **state) {
        IVssAsync *iface;
        Pump pump;

        (void) state;

        iface = pump_start(&pump);
        async_complete(pump.async, VSS_E_HOLD_WRITES_TIMEOUT);
        assert_int_equal(IVssAsync_Cancel(iface), VSS_E_HOLD_WRITES_TIMEOUT);
        assert_int_equal(pump.n_cancel, 0);
        pump_end(&pump, iface);
}

static void test_that_an_operation_can_be_complete_at_birth(void **state) {
        IVssAsync *iface;

        (void) state;

        assert_int_equal(async_new_completed(VSS_E_BAD_STATE, &iface), S_OK);
        assert_int_equal(IVssAsync_Wait(iface, INFINITE), VSS_E_BAD_STATE);
        assert_int_equal(status_of(iface), VSS_E_BAD_STATE);
        assert_int_equal(IVssAsync_Release(iface), 0);

        assert_int_equal(async_new_completed(S_OK, &iface), S_OK);
        assert_int_equal(IVssAsync_Wait(iface, 0), S_OK);
        assert_int_equal(status_of(iface), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssAsync_Release(iface), 0);
}

static void *complete_soon(void *userdata) {
        Async *async = userdata;

        usleep(10 * USEC_PER_MSEC);
        async_complete(async, S_OK);
        async_unref(async);
        return NULL;
}

static void test_that_without_a_pump_another_thread_ends_the_wait(void **state) {
        IVssAsync *iface;
        pthread_t thread;
        Async *async;

        (void) state;

        assert_int_equal(async_new(NULL, NULL, 0, &async, &iface), S_OK);
        assert_int_equal(IVssAsync_Wait(iface, 1), S_OK);
        assert_int_equal(status_of(iface), VSS_S_ASYNC_PENDING);

        assert_int_equal(pthread_create(&thread, NULL, complete_soon, async_ref(async)), 0);
        assert_int_equal(IVssAsync_Wait(iface, INFINITE), S_OK);
        assert_int_equal(status_of(iface), VSS_S_ASYNC_FINISHED);

        pthread_join(thread, NULL);
        assert_int_equal(IVssAsync_Release(iface), 0);
}

static void test_that_creating_an_operation_survives_any_failed_allocation(void **state) {
        HRESULT hr = E_OUTOFMEMORY;
        IVssAsync *iface = NULL;
        Async *async = NULL;

        (void) state;

        for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                fault_fail_allocation(n);
                hr = async_new(NULL, NULL, 0, &async, &iface);
                fault_clear();
        }

        assert_int_equal(hr, S_OK);
        assert_int_equal(IVssAsync_Release(iface), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_polling_the_status_is_enough_to_get_the_result),
                cmocka_unit_test(test_that_the_status_of_nowhere_is_an_invalid_argument),
                cmocka_unit_test(test_that_waiting_pumps_until_the_result_or_the_time_is_there),
                cmocka_unit_test(test_that_a_broken_pump_ends_the_operation),
                cmocka_unit_test(test_that_cancelling_asks_the_pump_once_and_says_so_to_the_first_only),
                cmocka_unit_test(test_that_a_failure_caused_by_the_cancelling_counts_as_cancelled),
                cmocka_unit_test(test_that_a_success_that_overtakes_the_cancelling_wins),
                cmocka_unit_test(test_that_an_operation_that_cannot_be_cancelled_in_time_goes_on),
                cmocka_unit_test(test_that_cancelling_what_has_failed_returns_its_error),
                cmocka_unit_test(test_that_an_operation_can_be_complete_at_birth),
                cmocka_unit_test(test_that_without_a_pump_another_thread_ends_the_wait),
                cmocka_unit_test(test_that_creating_an_operation_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
