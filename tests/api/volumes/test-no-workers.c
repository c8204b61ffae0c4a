/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where no worker can be started, as its program is not there or there are too many processes, that is what requesters hear. umbrad goes
 * on, and works again when they can be.
 */

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vsmgmt.h>

#include "api/storage/storage.h"
#include "base/alloc.h"

static World *world;
static char *programs;

/* umbrad looks for them in an empty directory; @there: in the right one, which it cannot know. */
static void set_programs(bool there) {
        _cleanup_(freep) char *link = path_in(world->dir, "libexec");

        (void) unlink(link);
        assert_int_equal(symlink(there ? programs : world->volume, link), 0);
}

static int setup(void **state) {
        _cleanup_(freep) char *link = NULL;

        world = world_new();
        assert_int_equal(strdup_to(getenv("UMBRA_LIBEXECDIR"), &programs), 0);
        link = path_in(world->dir, "libexec");
        set_programs(false);
        world_kill_umbrad(world);
        setenv("UMBRA_LIBEXECDIR", link, 1);
        world_start_umbrad(world);
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        setenv("UMBRA_LIBEXECDIR", programs, 1);
        free(TAKE_PTR(programs));
        return 0;
}

static HRESULT add(void) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        VSS_ID id;
        HRESULT hr;

        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), S_OK);
        hr = IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(world->volume), GUID_NULL, &id);
        storage_release(b);
        return hr;
}

static HRESULT is_supported(BOOL *ret) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_BACKUP);
        HRESULT hr = IVssBackupComponentsEx4_IsVolumeSupported(b, GUID_NULL, wide(world->volume), ret);

        storage_release(b);
        return hr;
}

/* One volume after the other is asked about, and none of them has an answer. */
static void assert_no_volumes(void) {
        IVssSnapshotMgmt *mgmt = NULL;
        IVssEnumMgmtObject *list = NULL;
        VSS_MGMT_OBJECT_PROP prop;
        ULONG n = 1;

        assert_int_equal(CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssSnapshotMgmt, (void **) &mgmt), S_OK);
        assert_int_equal(IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(mgmt, fake_provider, VSS_CTX_BACKUP, &list), S_OK);
        assert_int_equal(IVssEnumMgmtObject_Next(list, 1, &prop, &n), S_FALSE);
        IVssEnumMgmtObject_Release(list);
        IVssSnapshotMgmt_Release(mgmt);
}

static void test_that_umbrad_survives_that_no_worker_can_be_started(void **state) {
        BOOL yes = TRUE;

        assert_int_equal(add(), VSS_E_UNEXPECTED_PROVIDER_ERROR);
        assert_int_equal(is_supported(&yes), VSS_E_UNEXPECTED_PROVIDER_ERROR);
        assert_int_equal(yes, FALSE);
        assert_no_volumes();

        set_programs(true);
        assert_int_equal(add(), S_OK);
        assert_int_equal(is_supported(&yes), S_OK);
        assert_int_equal(yes, TRUE);
        world_assert_clean(world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_that_umbrad_survives_that_no_worker_can_be_started, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
