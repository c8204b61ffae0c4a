/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Directories that lie on an overlay are volumes where the administrator says so, and nowhere else. Whoever asks whether they are hears
 * what AddToSnapshotSet() would say.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vsmgmt.h>

#include "api/storage/storage.h"
#include "base/alloc.h"

#define TEST_SKIPPED 77

static World *world;
static char *overlay;

/* Its files lie in the world's volume, and so do those below. */
static void mount_overlay(void) {
        _cleanup_(freep) char *options = NULL;

        overlay = path_in(world->dir, "overlay");
        assert_int_equal(mkdir(overlay, 0755), 0);
        write_file(world->volume, "upper/directory/file", "text\n");
        write_file(world->volume, "lower/file", "text\n");
        write_file(world->volume, "work/empty", "");
        assert_int_equal(format_to(&options, "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", world->volume, world->volume,
                                   world->volume),
                         0);
        assert_int_equal(mount("overlay", overlay, "overlay", 0, options), 0);
}

static int setup(void **state) {
        world = world_new();
        mount_overlay();
        return 0;
}

static int teardown(void **state) {
        free(TAKE_PTR(overlay));
        world = world_free(world);
        return 0;
}

static void configure(const char *text) {
        write_file(world->dir, "umbra.conf", text);
        world_kill_umbrad(world);
        free(world->config);
        world->config = path_in(world->dir, "umbra.conf");
        world_start_umbrad(world);
}

static HRESULT add(const char *volume, VSS_ID provider) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        VSS_ID id;
        HRESULT hr;

        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), S_OK);
        hr = IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(volume), provider, &id);
        storage_release(b);
        return hr;
}

static bool is_supported(const char *volume, VSS_ID provider) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_BACKUP);
        BOOL yes = 7;

        assert_int_equal(IVssBackupComponentsEx4_IsVolumeSupported(b, provider, wide(volume), &yes), S_OK);
        storage_release(b);
        return yes;
}

static HRESULT query_place(const char *volume) {
        IVssDifferentialSoftwareSnapshotMgmt *diff = NULL;
        IVssEnumMgmtObject *list = NULL;
        IVssSnapshotMgmt *mgmt = NULL;
        HRESULT hr;

        assert_int_equal(CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssSnapshotMgmt, (void **) &mgmt), S_OK);
        assert_int_equal(IVssSnapshotMgmt_GetProviderMgmtInterface(mgmt, files_copy_provider,
                                                                   &IID_IVssDifferentialSoftwareSnapshotMgmt,
                                                                   (IUnknown **) &diff),
                         S_OK);
        hr = IVssDifferentialSoftwareSnapshotMgmt_QueryVolumesSupportedForDiffAreas(diff, wide(volume), &list);
        if (list)
                IVssEnumMgmtObject_Release(list);
        IVssDifferentialSoftwareSnapshotMgmt_Release(diff);
        IVssSnapshotMgmt_Release(mgmt);
        return hr;
}

static void test_that_an_overlay_is_refused_by_everybody(void **state) {
        static const char *const texts[] = { "", "[storage]\noverlays = no\n" };
        _cleanup_(freep) char *directory = path_in(overlay, "directory");
        const char *const volumes[] = { overlay, directory };

        for (size_t t = 0; t < ELEMENTSOF(texts); ++t) {
                configure(texts[t]);
                for (size_t i = 0; i < ELEMENTSOF(volumes); ++i) {
                        assert_false(is_supported(volumes[i], GUID_NULL));
                        assert_false(is_supported(volumes[i], fake_provider));
                        assert_int_equal(query_place(volumes[i]), VSS_E_VOLUME_NOT_SUPPORTED);
                        assert_int_equal(add(volumes[i], fake_provider), VSS_E_VOLUME_NOT_SUPPORTED);
                        assert_int_equal(add(volumes[i], GUID_NULL), VSS_E_VOLUME_NOT_SUPPORTED);
                        assert_non_null(strstr(umbra_last_error(), "name the volume that has them"));
                        assert_non_null(strstr(umbra_last_error(), "umbra.conf"));
                }
                assert_int_equal(add(world->volume, fake_provider), S_OK);
        }
        world_assert_clean(world);
}

static void test_that_an_overlay_is_taken_where_the_administrator_says_so(void **state) {
        _cleanup_(freep) char *path = NULL;
        IVssBackupComponentsEx4 *b;
        VSS_ID set_id, id;

        configure("[storage]\noverlays = yes\n");
        assert_true(is_supported(overlay, GUID_NULL));
        assert_int_equal(query_place(overlay), S_OK);
        b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        storage_make_set(b, &overlay, 1, files_copy_provider, &set_id, &id);
        path = storage_shadow_path(world, id);
        write_file(overlay, "directory/file", "other\n");
        assert_true(storage_reads(path, "directory/file", "text\n"));
        assert_true(storage_reads(path, "file", "text\n"));
        storage_release(b);
        world_assert_clean(world);
}

static void test_that_what_is_no_volume_is_not_supported(void **state) {
        _cleanup_(freep) char *file = path_in(world->volume, "data/file");
        const char *const names[] = { "/proc", "/sys/kernel", file };

        for (size_t i = 0; i < ELEMENTSOF(names); ++i) {
                assert_false(is_supported(names[i], GUID_NULL));
                assert_int_equal(add(names[i], GUID_NULL), VSS_E_VOLUME_NOT_SUPPORTED);
        }
        world_assert_clean(world);
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(an_overlay_is_refused_by_everybody),
                TEST(an_overlay_is_taken_where_the_administrator_says_so),
                TEST(what_is_no_volume_is_not_supported),
        };

        if (geteuid() != 0)
                return TEST_SKIPPED;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
