/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Out of memory, everywhere once: in each call of a backup each allocation fails in turn, until the call
 * gets through. A call that failed has changed nothing, so the next try of the same call goes on from there.
 * The sanitizer sees that nothing is leaked.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <umbra.h>
#include <vsbackup.h>
#include <vsmgmt.h>

#include "api/fixture.h"
#include "base/alloc.h"
#include "lib/test-util.h"

#define TRIES_MAX 10000

static Fixture *fixture;

static int setup(void **state) {
        fixture = fixture_new();
        return 0;
}

static int teardown(void **state) {
        fixture = fixture_free(fixture);
        return 0;
}

static void check(HRESULT hr, const char *what, unsigned n) {
        if (hr != E_OUTOFMEMORY)
                fail_msg("%s, allocation %u: 0x%08x %s", what, n, (unsigned) hr, umbra_last_error());
}

/* @call is tried until no allocation of it fails any more; how often one did. */
#define EVENTUALLY(call)                                                                                    \
        ({                                                                                                  \
                unsigned _n;                                                                                \
                                                                                                            \
                for (_n = 0; _n < TRIES_MAX; ++_n) {                                                        \
                        HRESULT _hr;                                                                        \
                                                                                                            \
                        fault_fail_allocation(_n);                                                          \
                        _hr = (call);                                                                       \
                        fault_clear();                                                                      \
                        if (SUCCEEDED(_hr))                                                                 \
                                break;                                                                      \
                        check(_hr, #call, _n);                                                              \
                }                                                                                           \
                assert_true(_n < TRIES_MAX);                                                                \
                _n;                                                                                         \
        })

/* Began and waited for. */
static HRESULT run(HRESULT hr, IVssAsync *async) {
        HRESULT status = E_FAIL;

        if (FAILED(hr)) {
                assert_null(async);
                return hr;
        }
        hr = IVssAsync_Wait(async, INFINITE);
        assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        IVssAsync_Release(async);
        return FAILED(hr) ? hr : status;
}

#define RUN(Method)                                                                                         \
        ({                                                                                                  \
                IVssAsync *_async = NULL;                                                                   \
                HRESULT _begin = IVssBackupComponents_##Method(backup, &_async);                            \
                run(_begin, _async);                                                                        \
        })

static HRESULT save(IVssBackupComponents *backup) {
        BSTR xml = NULL;
        HRESULT hr;

        hr = IVssBackupComponents_SaveAsXML(backup, &xml);
        assert_int_equal(FAILED(hr), !xml);
        SysFreeString(xml);
        return hr;
}

static HRESULT get_properties(IVssBackupComponents *backup, VSS_ID id) {
        VSS_SNAPSHOT_PROP prop;
        HRESULT hr;

        hr = IVssBackupComponents_GetSnapshotProperties(backup, id, &prop);
        assert_int_equal(FAILED(hr), !prop.m_pwszSnapshotDeviceObject);
        VssFreeSnapshotProperties(&prop);
        return hr;
}

static HRESULT query(IVssBackupComponents *backup, VSS_OBJECT_TYPE what) {
        IVssEnumObject *list = NULL;
        HRESULT hr;

        hr = IVssBackupComponents_Query(backup, GUID_NULL, VSS_OBJECT_NONE, what, &list);
        assert_int_equal(FAILED(hr), !list);
        if (list)
                IVssEnumObject_Release(list);
        return hr;
}

static HRESULT query_volumes(void) {
        IVssEnumMgmtObject *list = NULL;
        IVssSnapshotMgmt *mgmt = NULL;
        HRESULT hr;

        hr = CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssSnapshotMgmt,
                              (void **) &mgmt);
        if (FAILED(hr))
                return hr;
        hr = IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(mgmt, GUID_NULL, VSS_CTX_BACKUP, &list);
        if (list)
                IVssEnumMgmtObject_Release(list);
        IVssSnapshotMgmt_Release(mgmt);
        return hr;
}

static void test_that_a_backup_survives_any_failed_allocation(void **state) {
        IVssBackupComponents *backup = NULL;
        VSS_ID set_id, snapshot_id, nondeleted;
        BOOL supported = FALSE;
        char *json = NULL;
        LONG deleted = 0;

        assert_true(EVENTUALLY(CreateVssBackupComponents(&backup)) > 3);
        assert_true(EVENTUALLY(IVssBackupComponents_InitializeForBackup(backup, NULL)) > 1);
        assert_int_equal(EVENTUALLY(IVssBackupComponents_SetContext(backup, VSS_CTX_BACKUP)), 0);
        assert_int_equal(IVssBackupComponents_SetBackupState(backup, false, false, VSS_BT_COPY, false),
                         S_OK);
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        assert_true(EVENTUALLY(IVssBackupComponents_IsVolumeSupported(backup, GUID_NULL, fixture->wide,
                                                                      &supported)) > 1);
        assert_int_equal(supported, TRUE);

        assert_int_equal(IVssBackupComponents_StartSnapshotSet(backup, &set_id), S_OK);
        assert_int_equal(
                IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &snapshot_id), S_OK);
        assert_true(EVENTUALLY(RUN(PrepareForBackup)) > 5);
        assert_true(EVENTUALLY(RUN(GatherWriterStatus)) > 2);
        assert_int_equal(RUN(DoSnapshotSet), VSS_S_ASYNC_FINISHED);

        assert_true(EVENTUALLY(save(backup)) > 1);
        assert_true(EVENTUALLY(get_properties(backup, snapshot_id)) > 5);
        assert_true(EVENTUALLY(query(backup, VSS_OBJECT_SNAPSHOT)) > 5);
        assert_true(EVENTUALLY(query(backup, VSS_OBJECT_PROVIDER)) > 5);
        assert_true(EVENTUALLY(query_volumes()) > 5);
        assert_true(EVENTUALLY(umbra_get_status(&json)) > 3);
        CoTaskMemFree(json);
        assert_true(EVENTUALLY(RUN(BackupComplete)) > 5);
        (void) EVENTUALLY(IVssBackupComponents_DeleteSnapshots(backup, snapshot_id, VSS_OBJECT_SNAPSHOT,
                                                               TRUE, &deleted, &nondeleted));
        assert_int_equal(deleted, 1);
        assert_int_equal(IVssBackupComponents_Release(backup), 0);
}

static void test_that_a_restore_survives_any_failed_allocation(void **state) {
        IVssBackupComponents *backup = NULL;
        VSS_ID id = { 1, 0, 0, { 0 } };
        BSTR xml;

        assert_int_equal(CreateVssBackupComponents(&backup), S_OK);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(backup, NULL), S_OK);
        assert_true(EVENTUALLY(IVssBackupComponents_EnableWriterClasses(backup, &id, 1)) > 0);
        assert_true(EVENTUALLY(IVssBackupComponents_DisableWriterClasses(backup, &id, 1)) > 0);
        assert_true(EVENTUALLY(IVssBackupComponents_DisableWriterInstances(backup, &id, 1)) > 0);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(backup, &id), S_OK);
        assert_true(EVENTUALLY(IVssBackupComponents_AbortBackup(backup)) > 0);
        assert_int_equal(IVssBackupComponents_SaveAsXML(backup, &xml), S_OK);
        assert_int_equal(IVssBackupComponents_Release(backup), 0);

        assert_int_equal(CreateVssBackupComponents(&backup), S_OK);
        assert_true(EVENTUALLY(IVssBackupComponents_InitializeForRestore(backup, xml)) > 3);
        SysFreeString(xml);
        assert_int_equal(RUN(GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
        assert_true(EVENTUALLY(RUN(PreRestore)) > 5);
        assert_true(EVENTUALLY(RUN(GatherWriterStatus)) > 2);
        assert_true(EVENTUALLY(RUN(PostRestore)) > 5);
        assert_int_equal(IVssBackupComponents_Release(backup), 0);
}

/* What umbrad has done once it does not do again, though the library had no memory for the answer. So here
 * each try is an object of its own. */
static HRESULT try_to_gather(unsigned n) {
        IVssBackupComponents *backup = NULL;
        HRESULT hr;

        assert_int_equal(CreateVssBackupComponents(&backup), S_OK);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(backup, NULL), S_OK);
        fault_fail_allocation(n);
        hr = RUN(GatherWriterMetadata);
        fault_clear();
        assert_int_equal(IVssBackupComponents_Release(backup), 0);
        return hr;
}

static HRESULT try_to_make(unsigned n) {
        IVssBackupComponents *backup = NULL;
        HRESULT hr;
        VSS_ID id;

        assert_int_equal(CreateVssBackupComponents(&backup), S_OK);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(backup, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_SetContext(backup, VSS_CTX_FILE_SHARE_BACKUP), S_OK);
        do
                hr = IVssBackupComponents_StartSnapshotSet(backup, &id);
        while (hr == VSS_E_SNAPSHOT_SET_IN_PROGRESS); /* the one before is still being undone */
        assert_int_equal(hr, S_OK);
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, GUID_NULL, &id), S_OK);
        fault_fail_allocation(n);
        hr = RUN(DoSnapshotSet);
        fault_clear();
        assert_int_equal(IVssBackupComponents_Release(backup), 0);
        return hr;
}

static void test_that_what_can_be_done_once_survives_any_failed_allocation(void **state) {
        static const struct {
                const char *what;
                HRESULT (*try)(unsigned n);
        } cases[] = {
                { "GatherWriterMetadata", try_to_gather },
                { "DoSnapshotSet", try_to_make },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr = E_OUTOFMEMORY;
                unsigned n;

                for (n = 0; hr == E_OUTOFMEMORY && n < 200; ++n) {
                        hr = cases[i].try(n);
                        if (FAILED(hr))
                                check(hr, cases[i].what, n);
                }
                assert_int_equal(hr, VSS_S_ASYNC_FINISHED);
                assert_true(n > 3);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_that_a_backup_survives_any_failed_allocation, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_that_a_restore_survives_any_failed_allocation, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(
                        test_that_what_can_be_done_once_survives_any_failed_allocation, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
