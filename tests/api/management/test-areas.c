/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Storage areas: how they come and go, where they may lie, and that a limit is one.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "api/management/areas.h"
#include "base/alloc.h"
#include "base/utf.h"
#include "lib/reference.h"
#include "lib/test-util.h"

#define SMALL_MINIMUM "[storage]\nminimum = 1M\n"

static void test_that_an_area_lives_from_its_making_to_its_end(void **state) {
        assert_int_equal(areas_for_volume().n, 0);
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, S_OK,
                       add_area(place, DEFAULT_MINIMUM));
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "AddDiffArea", "volume names need a trailing");
        areas_expect_maximum(DEFAULT_MINIMUM);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "QueryDiffAreasForVolume", "enumerator elements");

        assert_true(areas_on_volume(place).is_ours);
        assert_int_equal(areas_on_volume(elsewhere).n, 0);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "QueryDiffAreasOnVolume",
                     "areas that physically lie");

        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, VSS_E_OBJECT_ALREADY_EXISTS,
                       add_area(place, 2 * DEFAULT_MINIMUM));
        areas_expect_maximum(DEFAULT_MINIMUM);

        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, ChangeDiffAreaMaximumSize, S_OK,
                       change_area(place, VSS_ASSOC_NO_MAX_SPACE));
        areas_expect_maximum(VSS_ASSOC_NO_MAX_SPACE);
        assert_int_equal(change_area(place, DEFAULT_MINIMUM + 1), S_OK);
        fixture_restart(fixture, NULL);
        areas_expect_maximum(DEFAULT_MINIMUM + 1);

        assert_int_equal(change_area(elsewhere, VSS_ASSOC_REMOVE), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(change_area(place, VSS_ASSOC_REMOVE), S_OK);
        assert_int_equal(areas_for_volume().n, 0);
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, ChangeDiffAreaMaximumSize,
                       VSS_E_OBJECT_NOT_FOUND, change_area(place, VSS_ASSOC_REMOVE));
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "ChangeDiffAreaMaximumSize",
                     "0 (VSS_ASSOC_REMOVE)");

        /* A change makes what is not there. */
        assert_int_equal(change_area(place, DEFAULT_MINIMUM), S_OK);
        areas_expect_maximum(DEFAULT_MINIMUM);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "ChangeDiffAreaMaximumSize", "creates the area");
        assert_int_equal(change_area(place, VSS_ASSOC_REMOVE), S_OK);
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt2, ChangeDiffAreaMaximumSizeEx, S_OK,
                       change_area_ex(place, DEFAULT_MINIMUM, FALSE));
        areas_expect_maximum(DEFAULT_MINIMUM);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt2, "ChangeDiffAreaMaximumSizeEx",
                     "creates a missing");
}

static void test_that_a_passing_limit_ends_with_the_boot(void **state) {
        assert_int_equal(add_area(place, DEFAULT_MINIMUM), S_OK);
        assert_int_equal(change_area_ex(place, 2 * DEFAULT_MINIMUM, TRUE), S_OK);
        areas_expect_maximum(2 * DEFAULT_MINIMUM);
        fixture_restart(fixture, NULL);
        areas_expect_maximum(2 * DEFAULT_MINIMUM);

        areas_change_catalog("UPDATE area SET passing_boot = x'000102030405060708090a0b0c0d0e0f'");
        areas_expect_maximum(DEFAULT_MINIMUM);
        assert_int_equal(change_area_ex(place, 2 * DEFAULT_MINIMUM, TRUE), S_OK);
        assert_int_equal(change_area_ex(place, 3 * DEFAULT_MINIMUM, FALSE), S_OK);
        areas_expect_maximum(3 * DEFAULT_MINIMUM);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt2, "ChangeDiffAreaMaximumSizeEx",
                     "bVolatile FALSE equals");

        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt2, ChangeDiffAreaMaximumSizeEx, E_INVALIDARG,
                       change_area_ex(place, VSS_ASSOC_REMOVE, TRUE));
        areas_expect_maximum(3 * DEFAULT_MINIMUM);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt2, "ChangeDiffAreaMaximumSizeEx",
                     "bVolatile must be FALSE");
}

static void test_that_a_size_has_to_make_sense(void **state) {
        static const LONGLONG cases[] = { -2, INT64_MIN, 1, DEFAULT_MINIMUM - 1 };
        IVssSnapshotMgmt2 *mgmt2 = NULL;
        LONGLONG minimum = 0;

        assert_int_equal(IVssSnapshotMgmt_QueryInterface(mgmt, &IID_IVssSnapshotMgmt2, (void **) &mgmt2),
                         S_OK);
        REACHES_RULE(IVssSnapshotMgmt2, "GetMinDiffAreaSize", "interface obtained by QueryInterface");
        ASSERT_RETURNS(IVssSnapshotMgmt2, GetMinDiffAreaSize, S_OK,
                       IVssSnapshotMgmt2_GetMinDiffAreaSize(mgmt2, &minimum));
        assert_int_equal(minimum, DEFAULT_MINIMUM);
        assert_int_equal(IVssSnapshotMgmt2_GetMinDiffAreaSize(mgmt2, NULL), E_INVALIDARG);
        REACHES_RETURN(IVssSnapshotMgmt2, GetMinDiffAreaSize, "HRESULT");

        assert_int_equal(add_area(place, VSS_ASSOC_REMOVE), E_INVALIDARG);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, E_INVALIDARG,
                               add_area(place, cases[i]));
                ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, ChangeDiffAreaMaximumSize, E_INVALIDARG,
                               change_area(place, cases[i]));
        }
        assert_non_null(strstr(umbra_last_error(), "umbra.conf"));
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "AddDiffArea",
                     "llMaximumDiffSpace at least 320 MB");

        /* More than there is. */
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, VSS_E_VOLUME_NOT_SUPPORTED,
                       add_area(place, INT64_MAX));
        assert_int_equal(add_area(place, VSS_ASSOC_NO_MAX_SPACE), S_OK);
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, ChangeDiffAreaMaximumSize,
                       VSS_E_INSUFFICIENT_STORAGE, change_area(place, INT64_MAX));
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt2, ChangeDiffAreaMaximumSizeEx,
                       VSS_E_INSUFFICIENT_STORAGE, change_area_ex(place, INT64_MAX, TRUE));

        fixture_restart(fixture, "[storage]\nminimum = 2G\n");
        assert_int_equal(IVssSnapshotMgmt2_GetMinDiffAreaSize(mgmt2, &minimum), S_OK);
        assert_int_equal(minimum, 2048 * MiB);
        assert_int_equal(change_area(place, 2048 * MiB - 1), E_INVALIDARG);
        REACHES_RULE(IVssSnapshotMgmt2, "GetMinDiffAreaSize", "value is machine wide");
        IVssSnapshotMgmt2_Release(mgmt2);
}

static void test_that_the_place_is_the_providers_choice(void **state) {
        IVssEnumMgmtObject *list = NULL;
        struct statvfs st;
        Found found;

        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, QueryVolumesSupportedForDiffAreas, S_OK,
                       IVssDifferentialSoftwareSnapshotMgmt3_QueryVolumesSupportedForDiffAreas(
                               diff, fixture->wide, &list));
        found = areas_take(list);
        assert_int_equal(found.n, 1);
        assert_int_equal(statvfs(fixture->dir, &st), 0);
        assert_int_equal(found.volume.m_llVolumeTotalSpace, (LONGLONG) (st.f_blocks * st.f_frsize));
        assert_true(found.volume.m_llVolumeFreeSpace > 0 &&
                    found.volume.m_llVolumeFreeSpace <= found.volume.m_llVolumeTotalSpace);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "QueryVolumesSupportedForDiffAreas",
                     "enumerator elements");
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "QueryVolumesSupportedForDiffAreas",
                     "caller releases");

        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, VSS_E_VOLUME_NOT_SUPPORTED,
                       add_area(elsewhere, DEFAULT_MINIMUM));
        assert_non_null(strstr(umbra_last_error(), "nowhere else"));
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "AddDiffArea", "virtual hard disk");
        assert_int_equal(change_area(elsewhere, DEFAULT_MINIMUM), VSS_E_OBJECT_NOT_FOUND);
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt2, ChangeDiffAreaMaximumSizeEx,
                       VSS_E_OBJECT_NOT_FOUND, change_area_ex(elsewhere, DEFAULT_MINIMUM, FALSE));
        assert_int_equal(change_area(nowhere, DEFAULT_MINIMUM), VSS_E_OBJECT_NOT_FOUND);
}

static void test_that_shadow_copies_have_an_area_by_themselves(void **state) {
        IVssBackupComponents *backup = NULL;
        VSS_ID snapshot_id;
        Found found;

        assert_int_equal(make_copy(fake_id, &backup, &snapshot_id), S_OK);
        found = areas_for_snapshot(snapshot_id);
        assert_int_equal(found.n, 1);
        assert_true(found.is_ours);
        assert_int_equal(found.area.m_llMaximumDiffSpace, VSS_ASSOC_NO_MAX_SPACE);
        assert_true(found.area.m_llUsedDiffSpace > 0);
        assert_int_equal(found.area.m_llAllocatedDiffSpace, found.area.m_llUsedDiffSpace);
        assert_int_equal(areas_for_snapshot(unknown_id).n, 0);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "QueryDiffAreasForSnapshot",
                     "areas used by the original");

        areas_script("used = unknown\n");
        assert_int_equal(areas_for_volume().area.m_llUsedDiffSpace, -1);
        areas_script("");

        assert_int_equal(add_area(place, DEFAULT_MINIMUM), VSS_E_OBJECT_ALREADY_EXISTS);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "AddDiffArea",
                     "cannot be used when the volume already");
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, ChangeDiffAreaMaximumSize,
                       VSS_E_OBJECT_NOT_FOUND, change_area(elsewhere, VSS_ASSOC_REMOVE));
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, ChangeDiffAreaMaximumSize, VSS_E_VOLUME_IN_USE,
                       change_area(place, VSS_ASSOC_REMOVE));
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt2, ChangeDiffAreaMaximumSizeEx,
                       VSS_E_VOLUME_IN_USE, change_area_ex(place, VSS_ASSOC_REMOVE, FALSE));

        /* Once somebody has said something of it, it stays when the copies go. */
        assert_int_equal(change_area(place, DEFAULT_MINIMUM), S_OK);
        release_copy(backup);
        areas_expect_maximum(DEFAULT_MINIMUM);
        assert_int_equal(areas_for_volume().area.m_llUsedDiffSpace, 0);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "ChangeDiffAreaMaximumSize",
                     "makes the area explicit");
        assert_int_equal(change_area(place, VSS_ASSOC_REMOVE), S_OK);

        /* One that nobody spoke of goes with them. */
        assert_int_equal(make_copy(fake_id, &backup, &snapshot_id), S_OK);
        assert_int_equal(areas_for_volume().n, 1);
        release_copy(backup);
        assert_int_equal(areas_for_volume().n, 0);
}

static void test_that_a_limit_is_kept_by_the_next_shadow_copy(void **state) {
        IVssBackupComponents *first = NULL, *second = NULL;
        VSS_ID first_id, second_id;
        char *megabyte;

        fixture_restart(fixture, SMALL_MINIMUM);
        megabyte = calloc(1, MiB + 1);
        memset(megabyte, 'x', MiB);
        fixture_write(fixture, "large", megabyte);
        free(megabyte);

        IVssDifferentialSoftwareSnapshotMgmt3_Release(diff);
        diff = diff_of(copy_id);
        assert_int_equal(add_area(place, MiB), S_OK);
        assert_int_equal(make_copy(copy_id, &first, &first_id), VSS_E_INSUFFICIENT_STORAGE);
        assert_non_null(strstr(umbra_last_error(), "of the maximum for its copies"));
        assert_true(volume_has_no_copies(NULL));

        /* Room for one, and not for two. */
        assert_int_equal(change_area(place, MiB + MiB / 2), S_OK);
        assert_int_equal(make_copy(copy_id, &first, &first_id), S_OK);
        assert_true(areas_for_volume().area.m_llUsedDiffSpace >= MiB);
        assert_int_equal(make_copy(copy_id, &second, &second_id), VSS_E_INSUFFICIENT_STORAGE);

        /* Less than there is: what is there stays. */
        assert_int_equal(change_area(place, MiB), S_OK);
        assert_int_equal(areas_for_snapshot(first_id).n, 1);
        assert_int_equal(make_copy(copy_id, &second, &second_id), VSS_E_INSUFFICIENT_STORAGE);
        assert_non_null(strstr(umbra_last_error(), "raise the limit"));
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "ChangeDiffAreaMaximumSize",
                     "effect may be delayed");

        /* The limit is for copies of one provider, and passes. */
        assert_int_equal(make_copy(fake_id, &second, &second_id), S_OK);
        assert_int_equal(IVssBackupComponents_Release(second), 0);
        assert_int_equal(change_area(place, VSS_ASSOC_NO_MAX_SPACE), S_OK);
        assert_int_equal(make_copy(copy_id, &second, &second_id), S_OK);
        assert_int_equal(IVssBackupComponents_Release(second), 0);
        release_copy(first);
}

static void test_that_areas_are_limited_in_number(void **state) {
        areas_change_catalog(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4096)"
                "INSERT INTO volume SELECT CAST(format('%16d', i) AS BLOB), '/no/' || i FROM n;"
                "INSERT INTO area (volume_id, area_volume_id, provider_id, maximum)"
                "SELECT id, id, x'000102030405060708090a0b0c0d0e0f', -1 FROM volume "
                "WHERE path LIKE '/no/%'");
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea,
                       VSS_E_MAXIMUM_DIFFAREA_ASSOCIATIONS_REACHED, add_area(place, DEFAULT_MINIMUM));
}

/* The mount that copies lie on, by its own name. */
static WCHAR *place_of_copies(void) {
        IVssEnumMgmtObject *list = NULL;
        VSS_MGMT_OBJECT_PROP prop;
        ULONG fetched;

        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_QueryVolumesSupportedForDiffAreas(
                                 diff, fixture->wide, &list),
                         S_OK);
        assert_int_equal(IVssEnumMgmtObject_Next(list, 1, &prop, &fetched), S_OK);
        IVssEnumMgmtObject_Release(list);
        CoTaskMemFree(prop.Obj.DiffVol.m_pwszVolumeName);
        return prop.Obj.DiffVol.m_pwszVolumeDisplayName;
}

static void test_that_what_a_lost_volume_left_is_forgotten(void **state) {
        _cleanup_(freep) WCHAR *mount = place_of_copies();
        VSS_VOLUME_PROTECTION_INFO info;
        WCHAR *other = NULL;

        assert_int_equal(add_area(place, DEFAULT_MINIMUM), S_OK);
        areas_change_catalog(
                "UPDATE volume SET path = '/no/longer/here' WHERE id IN (SELECT volume_id FROM area)");

        /* By another volume of the same storage. */
        assert_int_equal(wide_from_utf8(fixture->dir, &other), 0);
        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_GetVolumeProtectLevel(diff, other, &info),
                         S_OK);
        assert_true(info.m_volumeHasUnusedDiffArea);
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt3, DeleteUnusedDiffAreas, S_OK,
                       IVssDifferentialSoftwareSnapshotMgmt3_DeleteUnusedDiffAreas(diff, mount));
        assert_int_equal(areas_on_volume(mount).n, 0);
        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_GetVolumeProtectLevel(diff, other, &info),
                         S_OK);
        assert_false(info.m_volumeHasUnusedDiffArea);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt3, "DeleteUnusedDiffAreas",
                     "argument is the storage");

        /* What is in use is not touched; and who cannot tell says so. */
        assert_int_equal(add_area(place, DEFAULT_MINIMUM), S_OK);
        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_DeleteUnusedDiffAreas(diff, mount), S_OK);
        areas_expect_maximum(DEFAULT_MINIMUM);
        areas_script("usage = fail ENOSYS\n");
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt3, DeleteUnusedDiffAreas, E_NOTIMPL,
                       IVssDifferentialSoftwareSnapshotMgmt3_DeleteUnusedDiffAreas(diff, mount));
        free(other);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(test_that_##name, areas_setup, areas_teardown)
                TEST(an_area_lives_from_its_making_to_its_end),
                TEST(a_passing_limit_ends_with_the_boot),
                TEST(a_size_has_to_make_sense),
                TEST(the_place_is_the_providers_choice),
                TEST(shadow_copies_have_an_area_by_themselves),
                TEST(a_limit_is_kept_by_the_next_shadow_copy),
                TEST(areas_are_limited_in_number),
                TEST(what_a_lost_volume_left_is_forgotten),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
