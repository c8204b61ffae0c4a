/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A writer is made, told who it is and subscribed, and in each of that each allocation fails in turn. Who
 * failed has changed nothing, so the next try goes on from there; the sanitizer sees that nothing is leaked.
 */

#include <umbra-writer.h>
#include <umbra.h>

#include "base/alloc.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "phases/world.h"

#define TRIES_MAX 1000U

static const VSS_ID writer_id = { 0xfa17, 0, 0, { 0x80 } };

static bool say_true(void *userdata) {
        return true;
}

static HRESULT make(UmbraWriter **w) {
        static const UmbraWriterCallbacks callbacks = {
                .size = sizeof(callbacks),
                .OnPrepareSnapshot = say_true,
                .OnFreeze = say_true,
                .OnThaw = say_true,
                .OnAbort = say_true,
        };

        return *w ? S_OK : umbra_writer_new(&callbacks, NULL, w);
}

/* What CVssWriter::Initialize() does, with the object that it makes. */
static HRESULT initialize(UmbraWriter **w) {
        HRESULT hr;

        hr = make(w);
        if (SUCCEEDED(hr))
                hr = umbra_writer_initialize(*w, writer_id, L"faults", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER,
                                             VSS_APP_FRONT_END, 60000, VSS_AWS_NO_ALTERNATE_WRITER, false,
                                             L"one");
        if (FAILED(hr))
                *w = umbra_writer_free(*w);
        return hr;
}

static HRESULT subscribe(UmbraWriter **w) {
        return umbra_writer_subscribe(*w, INFINITE, UMBRA_WRITER_EVENTS);
}

/* How many of its allocations have failed before it got through. */
static unsigned survive(const char *what, HRESULT (*call)(UmbraWriter **w), UmbraWriter **w) {
        for (unsigned n = 0; n < TRIES_MAX; ++n) {
                HRESULT hr;

                fault_fail_allocation(n);
                hr = call(w);
                fault_clear();
                if (hr == S_OK)
                        return n;
                if (hr != E_OUTOFMEMORY)
                        fail_msg("%s, allocation %u: 0x%08x %s", what, n, (unsigned) hr, umbra_last_error());
        }
        fail_msg("%s never gets through", what);
        return 0;
}

static void test_that_a_writer_survives_any_failed_allocation(void **state) {
        World *world = world_new();
        UmbraWriter *w = NULL;

        assert_true(survive("Initialize", initialize, &w) >= 3);
        REACHES_RETURN(CVssWriter, Initialize, "E_OUTOFMEMORY");
        REACHES_RETURN(CVssWriterEx, InitializeEx, "E_OUTOFMEMORY");
        assert_true(survive("Subscribe", subscribe, &w) >= 2);
        REACHES_RETURN(CVssWriter, Subscribe, "E_OUTOFMEMORY");
        REACHES_RETURN(CVssWriterEx, SubscribeEx, "E_OUTOFMEMORY");
        assert_int_equal(umbra_writer_unsubscribe(w), S_OK);
        umbra_writer_free(w);
        world_free(world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_writer_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
