/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What holds for every call that has to do with shadow copies: without umbrad, without access and without
 * memory it fails as its page says, and nothing else happens.
 */

#include <stdlib.h>
#include <string.h>

#include "api/fake-umbrad.h"
#include "api/storage/calls.h"
#include "api/storage/storage.h"
#include "base/alloc.h"

#define TRIES_MAX 1000

static const WCHAR document[] =
        L"<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\" "
        L"snapshotSetId=\"11111111-0001-0001-0101-010101010101\">"
        L"<SNAPSHOT snapshotId=\"22222222-0002-0002-0202-020202020202\" "
        L"providerId=\"9d3f1a52-6b1e-4c7a-8e21-5f0c771b2d0f\" volumeName=\"/nowhere/\"/></BACKUP_COMPONENTS>";

static IVssBackupComponentsEx4 *object_for(const StorageCall *c) {
        BSTR xml = SysAllocString(document);
        IVssBackupComponentsEx4 *b;
        HRESULT hr = S_OK;
        VSS_ID id;

        switch (c->needs) {
        case NEEDS_BACKUP:
        case NEEDS_SET:
                b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
                break;
        default:
                b = storage_object();
        }
        if (c->needs == NEEDS_SET)
                do
                        hr = IVssBackupComponentsEx4_StartSnapshotSet(b, &id);
                while (hr == VSS_E_SNAPSHOT_SET_IN_PROGRESS); /* the one before is just going */
        if (c->needs == NEEDS_DOCUMENT)
                hr = IVssBackupComponentsEx4_InitializeForBackup(b, xml);
        if (c->needs == NEEDS_RESTORE)
                hr = IVssBackupComponentsEx4_InitializeForRestore(b, xml);
        assert_int_equal(hr, S_OK);
        SysFreeString(xml);
        return b;
}

static void test_that_every_call_says_that_umbrad_is_gone(void **state) {
        FakeUmbrad *umbrad = fake_umbrad_start();

        for (unsigned i = 0; i < n_storage_calls; ++i) {
                const StorageCall *c = &storage_calls[i];
                IVssBackupComponentsEx4 *b = object_for(c);
                bool reverts = strstr(c->method, "Revert");
                HRESULT hr;

                fake_umbrad_end_connections(umbrad, false);
                hr = c->call(b);
                if (hr != (reverts ? E_FAIL : VSS_E_UNEXPECTED))
                        fail_msg("%s: 0x%08x %s", c->method, (unsigned) hr, umbra_last_error());
                if (c->knows_unexpected)
                        reference_reach_return(c->iface, c->method, "VSS_E_UNEXPECTED");
                storage_release(b);
        }
        fake_umbrad_stop(umbrad);
}

static void test_that_every_call_says_that_access_was_taken_away(void **state) {
        FakeUmbrad *umbrad = fake_umbrad_start();

        for (unsigned i = 0; i < n_storage_calls; ++i) {
                const StorageCall *c = &storage_calls[i];
                IVssBackupComponentsEx4 *b = object_for(c);
                HRESULT hr;

                fake_umbrad_end_connections(umbrad, true);
                hr = c->call(b);
                if (hr != E_ACCESSDENIED)
                        fail_msg("%s: 0x%08x %s", c->method, (unsigned) hr, umbra_last_error());
                if (c->knows_denied)
                        reference_reach_return(c->iface, c->method, "E_ACCESSDENIED");
                storage_release(b);
        }
        fake_umbrad_stop(umbrad);
}

/* Each try is an object of its own: what umbrad has done once it does not do again. */
static void test_that_every_call_survives_any_failed_allocation(void **state) {
        World *world = world_new();

        for (unsigned i = 0; i < n_storage_calls; ++i) {
                const StorageCall *c = &storage_calls[i];
                HRESULT hr = E_OUTOFMEMORY;
                unsigned n;

                for (n = 0; n < TRIES_MAX && hr == E_OUTOFMEMORY; ++n) {
                        IVssBackupComponentsEx4 *b = object_for(c);

                        do {
                                fault_fail_allocation(n);
                                hr = c->call(b);
                                fault_clear();
                        } while (hr == VSS_E_SNAPSHOT_SET_IN_PROGRESS);
                        storage_release(b);
                }
                print_message("%s: %u failed allocations, then 0x%08x\n", c->method, n - 1, (unsigned) hr);
                assert_true(n > 1 && n < TRIES_MAX);
                if (c->knows_memory)
                        reference_reach_return(c->iface, c->method, "E_OUTOFMEMORY");
        }
        world_free(world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_every_call_says_that_umbrad_is_gone),
                cmocka_unit_test(test_that_every_call_says_that_access_was_taken_away),
                cmocka_unit_test(test_that_every_call_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
