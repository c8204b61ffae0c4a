/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssSnapshotMgmt and IVssDifferentialSoftwareSnapshotMgmt: where shadow copies lie, what they take, and
 * that a limit is one.
 */

#include <pwd.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vsmgmt.h>
#include <wchar.h>

#include "api/fixture.h"
#include "api/management/as-user.h"
#include "base/alloc.h"
#include "base/guid.h"
#include "base/utf.h"
#include "lib/reference.h"
#include "lib/test-util.h"

#define MiB (INT64_C(1) << 20)
#define DEFAULT_MINIMUM (320 * MiB)
#define SMALL_MINIMUM "[storage]\nminimum = 1M\n"

static const VSS_ID system_id = { 0xb5946137,
                                  0x7b9f,
                                  0x4925,
                                  { 0xaf, 0x80, 0x51, 0xab, 0xd6, 0x0b, 0x20, 0xd5 } };
static const VSS_ID fake_id = { 0x9d3f1a52,
                                0x6b1e,
                                0x4c7a,
                                { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } };
static const VSS_ID copy_id = { 0x9d3f1a52,
                                0x6b1e,
                                0x4c7a,
                                { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x03 } };
static const VSS_ID unknown_id = { 0x10000004, 4, 4, { 1, 2, 3, 4, 5, 6, 7, 8 } };

typedef IVssDifferentialSoftwareSnapshotMgmt3 *Diff;

static Fixture *fixture;
static IVssSnapshotMgmt *mgmt;
static Diff diff;    /* of the fake provider, whom tests can tell what to do */
static WCHAR *place; /* a directory on the file system that copies lie on */
static WCHAR elsewhere[] = L"\\dev\\shm\\";
static WCHAR nowhere[] = L"\\no\\such\\directory\\";

static Diff diff_of(VSS_ID provider_id) {
        Diff d = NULL;

        ASSERT_RETURNS(IVssSnapshotMgmt, GetProviderMgmtInterface, S_OK,
                       IVssSnapshotMgmt_GetProviderMgmtInterface(mgmt, provider_id,
                                                                 &IID_IVssDifferentialSoftwareSnapshotMgmt3,
                                                                 (IUnknown **) &d));
        return d;
}

static int setup(void **state) {
        fixture = fixture_new();
        assert_int_equal(chmod(fixture->dir, 0755), 0); /* for those who are not root */
        assert_int_equal(wide_from_utf8(fixture->dir, &place), 0);
        assert_int_equal(CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssSnapshotMgmt,
                                          (void **) &mgmt),
                         S_OK);
        diff = diff_of(fake_id);
        return 0;
}

static int teardown(void **state) {
        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_Release(diff), 0);
        assert_int_equal(IVssSnapshotMgmt_Release(mgmt), 0);
        free(place);
        fixture = fixture_free(fixture);
        return 0;
}

static void script(const char *text) {
        write_file(fixture->state_dir, "fake.script", text);
}

static HRESULT add_area(WCHAR *where, LONGLONG maximum) {
        return IVssDifferentialSoftwareSnapshotMgmt3_AddDiffArea(diff, fixture->wide, where, maximum);
}

static HRESULT change_area(WCHAR *where, LONGLONG maximum) {
        return IVssDifferentialSoftwareSnapshotMgmt3_ChangeDiffAreaMaximumSize(diff, fixture->wide, where,
                                                                               maximum);
}

static HRESULT change_area_ex(WCHAR *where, LONGLONG maximum, BOOL is_volatile) {
        return IVssDifferentialSoftwareSnapshotMgmt3_ChangeDiffAreaMaximumSizeEx(diff, fixture->wide, where,
                                                                                 maximum, is_volatile);
}

/* The elements of @list, which it releases; strings are freed, sizes stay. */
typedef struct Found {
        unsigned n;
        VSS_DIFF_AREA_PROP area;
        VSS_DIFF_VOLUME_PROP volume;
        bool is_ours; /* an area: of the fixture's volume */
} Found;

static bool names_the_volume(const WCHAR *name) {
        VSS_ID set_id, first_id, second_id;
        IVssBackupComponents *backup = NULL;
        HRESULT hr;

        /* Two names mean one volume if it cannot be added to a set by both. */
        assert_int_equal(CreateVssBackupComponents(&backup), S_OK);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(backup, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_SetContext(backup, VSS_CTX_FILE_SHARE_BACKUP), S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(backup, &set_id), S_OK);
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, fake_id, &first_id),
                         S_OK);
        hr = IVssBackupComponents_AddToSnapshotSet(backup, (WCHAR *) (uintptr_t) name, fake_id, &second_id);
        assert_int_equal(IVssBackupComponents_Release(backup), 0);
        return hr == VSS_E_OBJECT_ALREADY_EXISTS;
}

static Found take(IVssEnumMgmtObject *list) {
        Found found = { 0 };

        assert_non_null(list);
        for (;;) {
                VSS_MGMT_OBJECT_PROP prop;
                ULONG fetched = 0;
                HRESULT hr;

                hr = IVssEnumMgmtObject_Next(list, 1, &prop, &fetched);
                if (hr == S_FALSE)
                        break;
                assert_int_equal(hr, S_OK);
                ++found.n;
                if (prop.Type == VSS_MGMT_OBJECT_DIFF_AREA) {
                        found.area = prop.Obj.DiffArea;
                        found.is_ours = names_the_volume(found.area.m_pwszVolumeName);
                        assert_int_equal(wcsncmp(found.area.m_pwszDiffAreaVolumeName, L"\\\\?\\Volume{", 11),
                                         0);
                        CoTaskMemFree(prop.Obj.DiffArea.m_pwszVolumeName);
                        CoTaskMemFree(prop.Obj.DiffArea.m_pwszDiffAreaVolumeName);
                } else {
                        assert_int_equal(prop.Type, VSS_MGMT_OBJECT_DIFF_VOLUME);
                        found.volume = prop.Obj.DiffVol;
                        assert_int_equal(found.volume.m_pwszVolumeDisplayName[0], L'/');
                        CoTaskMemFree(prop.Obj.DiffVol.m_pwszVolumeName);
                        CoTaskMemFree(prop.Obj.DiffVol.m_pwszVolumeDisplayName);
                }
        }
        IVssEnumMgmtObject_Release(list);
        return found;
}

static Found areas_for_volume(void) {
        IVssEnumMgmtObject *list = NULL;

        ASSERT_RETURNS(
                IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasForVolume, S_OK,
                IVssDifferentialSoftwareSnapshotMgmt3_QueryDiffAreasForVolume(diff, fixture->wide, &list));
        return take(list);
}

static Found areas_on_volume(WCHAR *where) {
        IVssEnumMgmtObject *list = NULL;

        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasOnVolume, S_OK,
                       IVssDifferentialSoftwareSnapshotMgmt3_QueryDiffAreasOnVolume(diff, where, &list));
        return take(list);
}

static Found areas_for_snapshot(VSS_ID snapshot_id) {
        IVssEnumMgmtObject *list = NULL;

        ASSERT_RETURNS(
                IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasForSnapshot, S_OK,
                IVssDifferentialSoftwareSnapshotMgmt3_QueryDiffAreasForSnapshot(diff, snapshot_id, &list));
        return take(list);
}

static void expect_maximum(LONGLONG maximum) {
        Found found = areas_for_volume();

        assert_int_equal(found.n, 1);
        assert_true(found.is_ours);
        assert_int_equal(found.area.m_llMaximumDiffSpace, maximum);
}

/* A shadow copy that lives as long as *ret. */
static HRESULT make_copy(VSS_ID provider_id, IVssBackupComponents **ret, VSS_ID *ret_id) {
        IVssBackupComponents *backup = NULL;
        IVssAsync *async = NULL;
        HRESULT status = E_FAIL;
        VSS_ID set_id;

        assert_int_equal(CreateVssBackupComponents(&backup), S_OK);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(backup, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_SetContext(backup, VSS_CTX_FILE_SHARE_BACKUP), S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(backup, &set_id), S_OK);
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, provider_id, ret_id),
                         S_OK);
        assert_int_equal(IVssBackupComponents_DoSnapshotSet(backup, &async), S_OK);
        (void) IVssAsync_Wait(async, INFINITE);
        assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        IVssAsync_Release(async);
        if (FAILED(status)) {
                assert_int_equal(IVssBackupComponents_Release(backup), 0);
                return status;
        }
        *ret = backup;
        return S_OK;
}

static bool volume_has_no_copies(void *arg) {
        BOOL present = TRUE;
        LONG capability;

        return SUCCEEDED(IsVolumeSnapshotted(fixture->wide, &present, &capability)) && !present;
}

static void release_copy(IVssBackupComponents *backup) {
        assert_int_equal(IVssBackupComponents_Release(backup), 0);
        assert_true(eventually(volume_has_no_copies, NULL, TEST_PATIENCE_USEC));
}

static void change_catalog(const char *sql) {
        _cleanup_(freep) char *path = path_in(fixture->state_dir, "catalog.sqlite");
        sqlite3 *db = NULL;

        fixture_kill(fixture);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        fixture_restart(fixture, NULL);
}

static void test_that_an_area_lives_from_its_making_to_its_end(void **state) {
        assert_int_equal(areas_for_volume().n, 0);
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, S_OK,
                       add_area(place, DEFAULT_MINIMUM));
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "AddDiffArea", "volume names need a trailing");
        expect_maximum(DEFAULT_MINIMUM);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "QueryDiffAreasForVolume", "enumerator elements");

        assert_true(areas_on_volume(place).is_ours);
        assert_int_equal(areas_on_volume(elsewhere).n, 0);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "QueryDiffAreasOnVolume",
                     "areas that physically lie");

        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, VSS_E_OBJECT_ALREADY_EXISTS,
                       add_area(place, 2 * DEFAULT_MINIMUM));
        expect_maximum(DEFAULT_MINIMUM);

        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, ChangeDiffAreaMaximumSize, S_OK,
                       change_area(place, VSS_ASSOC_NO_MAX_SPACE));
        expect_maximum(VSS_ASSOC_NO_MAX_SPACE);
        assert_int_equal(change_area(place, DEFAULT_MINIMUM + 1), S_OK);
        fixture_restart(fixture, NULL);
        expect_maximum(DEFAULT_MINIMUM + 1);

        assert_int_equal(change_area(elsewhere, VSS_ASSOC_REMOVE), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(change_area(place, VSS_ASSOC_REMOVE), S_OK);
        assert_int_equal(areas_for_volume().n, 0);
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, ChangeDiffAreaMaximumSize,
                       VSS_E_OBJECT_NOT_FOUND, change_area(place, VSS_ASSOC_REMOVE));
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "ChangeDiffAreaMaximumSize",
                     "0 (VSS_ASSOC_REMOVE)");

        /* A change makes what is not there. */
        assert_int_equal(change_area(place, DEFAULT_MINIMUM), S_OK);
        expect_maximum(DEFAULT_MINIMUM);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt, "ChangeDiffAreaMaximumSize", "creates the area");
        assert_int_equal(change_area(place, VSS_ASSOC_REMOVE), S_OK);
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt2, ChangeDiffAreaMaximumSizeEx, S_OK,
                       change_area_ex(place, DEFAULT_MINIMUM, FALSE));
        expect_maximum(DEFAULT_MINIMUM);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt2, "ChangeDiffAreaMaximumSizeEx",
                     "creates a missing");
}

static void test_that_a_passing_limit_ends_with_the_boot(void **state) {
        assert_int_equal(add_area(place, DEFAULT_MINIMUM), S_OK);
        assert_int_equal(change_area_ex(place, 2 * DEFAULT_MINIMUM, TRUE), S_OK);
        expect_maximum(2 * DEFAULT_MINIMUM);
        fixture_restart(fixture, NULL);
        expect_maximum(2 * DEFAULT_MINIMUM);

        change_catalog("UPDATE area SET passing_boot = x'000102030405060708090a0b0c0d0e0f'");
        expect_maximum(DEFAULT_MINIMUM);
        assert_int_equal(change_area_ex(place, 2 * DEFAULT_MINIMUM, TRUE), S_OK);
        assert_int_equal(change_area_ex(place, 3 * DEFAULT_MINIMUM, FALSE), S_OK);
        expect_maximum(3 * DEFAULT_MINIMUM);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt2, "ChangeDiffAreaMaximumSizeEx",
                     "bVolatile FALSE equals");

        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt2, ChangeDiffAreaMaximumSizeEx, E_INVALIDARG,
                       change_area_ex(place, VSS_ASSOC_REMOVE, TRUE));
        expect_maximum(3 * DEFAULT_MINIMUM);
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
        found = take(list);
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

        script("used = unknown\n");
        assert_int_equal(areas_for_volume().area.m_llUsedDiffSpace, -1);
        script("");

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
        expect_maximum(DEFAULT_MINIMUM);
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
        change_catalog(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4096)"
                "INSERT INTO volume SELECT CAST(format('%16d', i) AS BLOB), '/no/' || i FROM n;"
                "INSERT INTO area (volume_id, area_volume_id, provider_id, maximum)"
                "SELECT id, id, x'000102030405060708090a0b0c0d0e0f', -1 FROM volume "
                "WHERE path LIKE '/no/%'");
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea,
                       VSS_E_MAXIMUM_DIFFAREA_ASSOCIATIONS_REACHED, add_area(place, DEFAULT_MINIMUM));
}

/* What a provider refuses to tell. */
static void test_that_the_providers_word_is_the_answer(void **state) {
        IVssEnumMgmtObject *list = NULL;
        VSS_VOLUME_PROTECTION_INFO info;

        script("usage = fail ELOOP\n");
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, VSS_E_NESTED_VOLUME_LIMIT,
                       add_area(place, DEFAULT_MINIMUM));
        script("");
        assert_int_equal(add_area(place, DEFAULT_MINIMUM), S_OK);
        script("usage = fail EIO\n");

#define VETOED(iface, Method, ...)                                                                          \
        ASSERT_RETURNS(iface, Method, VSS_E_PROVIDER_VETO,                                                  \
                       IVssDifferentialSoftwareSnapshotMgmt3_##Method(diff, __VA_ARGS__))
        VETOED(IVssDifferentialSoftwareSnapshotMgmt, ChangeDiffAreaMaximumSize, fixture->wide, place,
               DEFAULT_MINIMUM);
        VETOED(IVssDifferentialSoftwareSnapshotMgmt, QueryVolumesSupportedForDiffAreas, fixture->wide,
               &list);
        VETOED(IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasForVolume, fixture->wide, &list);
        VETOED(IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasOnVolume, place, &list);
        VETOED(IVssDifferentialSoftwareSnapshotMgmt2, ChangeDiffAreaMaximumSizeEx, fixture->wide, place,
               DEFAULT_MINIMUM, FALSE);
        VETOED(IVssDifferentialSoftwareSnapshotMgmt3, SetVolumeProtectLevel, fixture->wide,
               VSS_PROTECTION_LEVEL_SNAPSHOT);
        VETOED(IVssDifferentialSoftwareSnapshotMgmt3, GetVolumeProtectLevel, fixture->wide, &info);
        VETOED(IVssDifferentialSoftwareSnapshotMgmt3, ClearVolumeProtectFault, fixture->wide);
        VETOED(IVssDifferentialSoftwareSnapshotMgmt3, DeleteUnusedDiffAreas, place);
        assert_null(list);
        assert_non_null(strstr(umbra_last_error(), "the fake provider could not measure"));

        script("");
        assert_int_equal(change_area(place, VSS_ASSOC_REMOVE), S_OK);
        script("usage = fail EIO\n");
        VETOED(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, fixture->wide, place, DEFAULT_MINIMUM);
}

static void test_that_a_snapshots_area_needs_its_provider(void **state) {
        IVssEnumMgmtObject *list = NULL;
        IVssBackupComponents *backup = NULL;
        VSS_ID snapshot_id;

        assert_int_equal(make_copy(fake_id, &backup, &snapshot_id), S_OK);
        script("usage = fail EIO\n");
        VETOED(IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasForSnapshot, snapshot_id, &list);
        assert_null(list);
        release_copy(backup);
}

static void test_that_arguments_are_checked(void **state) {
        IVssEnumMgmtObject *list = NULL;
        VSS_VOLUME_PROTECTION_INFO info;
        WCHAR relative[] = L"srv", empty[] = L"";
        WCHAR *const bad[] = { NULL, empty, relative };

#define REFUSED(iface, Method, ...)                                                                         \
        ASSERT_RETURNS(iface, Method, E_INVALIDARG,                                                         \
                       IVssDifferentialSoftwareSnapshotMgmt3_##Method(diff, __VA_ARGS__))
        for (size_t i = 0; i < ELEMENTSOF(bad); ++i) {
                REFUSED(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, bad[i], place, DEFAULT_MINIMUM);
                REFUSED(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, fixture->wide, bad[i],
                        DEFAULT_MINIMUM);
                REFUSED(IVssDifferentialSoftwareSnapshotMgmt, ChangeDiffAreaMaximumSize, bad[i], place, -1);
                REFUSED(IVssDifferentialSoftwareSnapshotMgmt, ChangeDiffAreaMaximumSize, fixture->wide,
                        bad[i], -1);
                REFUSED(IVssDifferentialSoftwareSnapshotMgmt, QueryVolumesSupportedForDiffAreas, bad[i],
                        &list);
                REFUSED(IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasForVolume, bad[i], &list);
                REFUSED(IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasOnVolume, bad[i], &list);
                REFUSED(IVssDifferentialSoftwareSnapshotMgmt3, SetVolumeProtectLevel, bad[i],
                        VSS_PROTECTION_LEVEL_SNAPSHOT);
                REFUSED(IVssDifferentialSoftwareSnapshotMgmt3, GetVolumeProtectLevel, bad[i], &info);
                REFUSED(IVssDifferentialSoftwareSnapshotMgmt3, ClearVolumeProtectFault, bad[i]);
                REFUSED(IVssDifferentialSoftwareSnapshotMgmt3, DeleteUnusedDiffAreas, bad[i]);
        }
        REFUSED(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, nowhere, place, DEFAULT_MINIMUM);
        REFUSED(IVssDifferentialSoftwareSnapshotMgmt, QueryVolumesSupportedForDiffAreas, fixture->wide,
                NULL);
        REFUSED(IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasForVolume, fixture->wide, NULL);
        REFUSED(IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasForVolume, nowhere, &list);
        REFUSED(IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasOnVolume, place, NULL);
        REFUSED(IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasForSnapshot, unknown_id, NULL);
        REFUSED(IVssDifferentialSoftwareSnapshotMgmt3, GetVolumeProtectLevel, fixture->wide, NULL);
        REFUSED(IVssDifferentialSoftwareSnapshotMgmt3, SetVolumeProtectLevel, fixture->wide,
                (VSS_PROTECTION_LEVEL) 2);
        assert_null(list);
}

static HRESULT set_level(VSS_PROTECTION_LEVEL level) {
        return IVssDifferentialSoftwareSnapshotMgmt3_SetVolumeProtectLevel(diff, fixture->wide, level);
}

static void test_that_shadow_copies_are_protected_always(void **state) {
        VSS_VOLUME_PROTECTION_INFO info;

        ASSERT_RETURNS(
                IVssDifferentialSoftwareSnapshotMgmt3, GetVolumeProtectLevel, S_OK,
                IVssDifferentialSoftwareSnapshotMgmt3_GetVolumeProtectLevel(diff, fixture->wide, &info));
        assert_int_equal(info.m_protectionLevel, VSS_PROTECTION_LEVEL_SNAPSHOT);
        assert_false(info.m_volumeIsOfflineForProtection);
        assert_int_equal(info.m_protectionFault, VSS_PROTECTION_FAULT_NONE);
        assert_int_equal(info.m_failureStatus, 0);
        assert_false(info.m_volumeHasUnusedDiffArea);
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt3, "GetVolumeProtectLevel", "are zero when");

        /* With an association and without. */
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt3, SetVolumeProtectLevel, S_OK,
                       set_level(VSS_PROTECTION_LEVEL_SNAPSHOT));
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt3, "SetVolumeProtectLevel", "for level SNAPSHOT");
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt3, "SetVolumeProtectLevel", "no effect when");
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt3, SetVolumeProtectLevel, E_NOTIMPL,
                       set_level(VSS_PROTECTION_LEVEL_ORIGINAL_VOLUME));
        assert_non_null(strstr(umbra_last_error(), "never gives up"));
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt3, ClearVolumeProtectFault, S_OK,
                       IVssDifferentialSoftwareSnapshotMgmt3_ClearVolumeProtectFault(diff, fixture->wide));
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt3, "ClearVolumeProtectFault",
                     "dismounts the volume");

#define MISSING(Method, ...)                                                                                \
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt3, Method, VSS_E_OBJECT_NOT_FOUND,               \
                       IVssDifferentialSoftwareSnapshotMgmt3_##Method(diff, __VA_ARGS__))
        MISSING(SetVolumeProtectLevel, nowhere, VSS_PROTECTION_LEVEL_SNAPSHOT);
        MISSING(GetVolumeProtectLevel, nowhere, &info);
        MISSING(ClearVolumeProtectFault, nowhere);
        MISSING(DeleteUnusedDiffAreas, nowhere);
}

static void test_that_a_provider_need_not_know_areas(void **state) {
        VSS_VOLUME_PROTECTION_INFO info;
        IVssEnumMgmtObject *list = NULL;
        IVssBackupComponents *backup = NULL;
        VSS_ID snapshot_id;

        assert_int_equal(add_area(place, DEFAULT_MINIMUM), S_OK);
        script("usage = fail ENOSYS\n");

#define UNKNOWN(Method, ...)                                                                                \
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt3, Method, E_NOTIMPL,                            \
                       IVssDifferentialSoftwareSnapshotMgmt3_##Method(diff, __VA_ARGS__))
        UNKNOWN(SetVolumeProtectLevel, fixture->wide, VSS_PROTECTION_LEVEL_SNAPSHOT);
        UNKNOWN(GetVolumeProtectLevel, fixture->wide, &info);
        UNKNOWN(ClearVolumeProtectFault, fixture->wide);

        /* What was known before it forgot is still told. */
        expect_maximum(DEFAULT_MINIMUM);
        assert_int_equal(areas_for_volume().area.m_llUsedDiffSpace, -1);
        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_QueryVolumesSupportedForDiffAreas(
                                 diff, fixture->wide, &list),
                         S_OK);
        assert_int_equal(take(list).n, 0);
        list = NULL;

        /* Its copies are as large as they like: nobody could say when it is enough. */
        assert_int_equal(make_copy(fake_id, &backup, &snapshot_id), S_OK);
        release_copy(backup);
        script("");
        assert_int_equal(change_area(place, VSS_ASSOC_REMOVE), S_OK);
        script("usage = fail ENOSYS\n");
        assert_int_equal(add_area(place, DEFAULT_MINIMUM), VSS_E_VOLUME_NOT_SUPPORTED);
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
        change_catalog(
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
        expect_maximum(DEFAULT_MINIMUM);
        script("usage = fail ENOSYS\n");
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt3, DeleteUnusedDiffAreas, E_NOTIMPL,
                       IVssDifferentialSoftwareSnapshotMgmt3_DeleteUnusedDiffAreas(diff, mount));
        free(other);
}

static void test_that_what_is_reserved_says_so(void **state) {
        VSS_ID id = unknown_id;
        IVssAsync *async = (IVssAsync *) (uintptr_t) 1;
        ULONG block = 1, length = 1;
        BYTE *bitmap = (BYTE *) (uintptr_t) 1;

        assert_int_equal(
                IVssDifferentialSoftwareSnapshotMgmt3_MigrateDiffAreas(diff, fixture->wide, place, place),
                E_NOTIMPL);
        REACHES_RETURN(IVssDifferentialSoftwareSnapshotMgmt2, MigrateDiffAreas, "HRESULT");
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt2, "MigrateDiffAreas", "not supported");
        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_QueryMigrationStatus(diff, fixture->wide,
                                                                                    place, &async),
                         E_NOTIMPL);
        assert_null(async);
        REACHES_RETURN(IVssDifferentialSoftwareSnapshotMgmt2, QueryMigrationStatus, "HRESULT");
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt2, "QueryMigrationStatus", "not supported");
        assert_int_equal(
                IVssDifferentialSoftwareSnapshotMgmt3_QueryMigrationStatus(diff, fixture->wide, place, NULL),
                E_INVALIDARG);
        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_SetSnapshotPriority(diff, id, 7), E_NOTIMPL);
        REACHES_RETURN(IVssDifferentialSoftwareSnapshotMgmt2, SetSnapshotPriority, "HRESULT");
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt2, "SetSnapshotPriority", "not supported");
        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_QuerySnapshotDeltaBitmap(diff, id, id, &block,
                                                                                        &length, &bitmap),
                         E_NOTIMPL);
        assert_true(block == 0 && length == 0 && !bitmap);
        REACHES_RETURN(IVssDifferentialSoftwareSnapshotMgmt3, QuerySnapshotDeltaBitmap, "HRESULT");
        REACHES_RULE(IVssDifferentialSoftwareSnapshotMgmt3, "QuerySnapshotDeltaBitmap", "not supported");
}

/* By IVssSnapshotMgmt */

static void test_that_a_provider_has_one_management_interface(void **state) {
        static const IID *const versions[] = {
                &IID_IVssDifferentialSoftwareSnapshotMgmt,
                &IID_IVssDifferentialSoftwareSnapshotMgmt2,
                &IID_IVssDifferentialSoftwareSnapshotMgmt3,
        };
        IUnknown *found = NULL;

        for (size_t i = 0; i < ELEMENTSOF(versions); ++i) {
                assert_int_equal(
                        IVssSnapshotMgmt_GetProviderMgmtInterface(mgmt, system_id, versions[i], &found),
                        S_OK);
                IUnknown_Release(found);
                assert_int_equal(GetProviderMgmtInterface(system_id, *versions[i], &found), S_OK);
                IUnknown_Release(found);
        }
        REACHES_RULE(IVssSnapshotMgmt, "GetProviderMgmtInterface",
                     "object is created with CoCreateInstance");

        assert_int_equal(IVssSnapshotMgmt_GetProviderMgmtInterface(mgmt, system_id, &IID_IVssAsync, &found),
                         E_NOINTERFACE);
        assert_null(found);
        assert_int_equal(IVssSnapshotMgmt_GetProviderMgmtInterface(mgmt, unknown_id, versions[0], &found),
                         VSS_E_PROVIDER_NOT_REGISTERED);
        assert_int_equal(IVssSnapshotMgmt_GetProviderMgmtInterface(mgmt, system_id, versions[0], NULL),
                         E_INVALIDARG);
        assert_int_equal(IVssSnapshotMgmt_GetProviderMgmtInterface(mgmt, system_id, NULL, &found),
                         E_INVALIDARG);
        REACHES_RETURN(IVssSnapshotMgmt, GetProviderMgmtInterface, "HRESULT");
        REACHES_RULE(IVssSnapshotMgmt, "GetProviderMgmtInterface", "ProviderId must be the system provider");
}

static unsigned count_copies(WCHAR *volume, VSS_ID provider_id) {
        IVssEnumObject *list = NULL;
        unsigned n = 0;

        ASSERT_RETURNS(IVssSnapshotMgmt, QuerySnapshotsByVolume, S_OK,
                       IVssSnapshotMgmt_QuerySnapshotsByVolume(mgmt, volume, provider_id, &list));
        for (;;) {
                VSS_OBJECT_PROP prop;
                ULONG fetched;

                if (IVssEnumObject_Next(list, 1, &prop, &fetched) != S_OK)
                        break;
                assert_int_equal(prop.Type, VSS_OBJECT_SNAPSHOT);
                VssFreeSnapshotProperties(&prop.Obj.Snap);
                ++n;
        }
        IVssEnumObject_Release(list);
        return n;
}

static void test_that_copies_are_found_by_their_volume(void **state) {
        IVssEnumMgmtObject *volumes = NULL;
        IVssBackupComponents *backup = NULL;
        IVssEnumObject *list = NULL;
        VSS_ID snapshot_id;

        assert_int_equal(count_copies(fixture->wide, GUID_NULL), 0);
        assert_int_equal(make_copy(fake_id, &backup, &snapshot_id), S_OK);
        assert_int_equal(count_copies(fixture->wide, GUID_NULL), 1);
        assert_int_equal(count_copies(fixture->wide, system_id), 1);
        assert_int_equal(count_copies(fixture->wide, fake_id), 1);
        assert_int_equal(count_copies(fixture->wide, copy_id), 0);
        assert_int_equal(count_copies(place, GUID_NULL), 0);
        REACHES_RULE(IVssSnapshotMgmt, "QuerySnapshotsByVolume", "documented as unsupported");
        release_copy(backup);

        assert_int_equal(IVssSnapshotMgmt_QuerySnapshotsByVolume(mgmt, fixture->wide, unknown_id, &list),
                         VSS_E_PROVIDER_NOT_REGISTERED);
        assert_int_equal(IVssSnapshotMgmt_QuerySnapshotsByVolume(mgmt, nowhere, GUID_NULL, &list),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssSnapshotMgmt_QuerySnapshotsByVolume(mgmt, NULL, GUID_NULL, &list),
                         E_INVALIDARG);
        assert_int_equal(IVssSnapshotMgmt_QuerySnapshotsByVolume(mgmt, fixture->wide, GUID_NULL, NULL),
                         E_INVALIDARG);
        assert_null(list);
        REACHES_RETURN(IVssSnapshotMgmt, QuerySnapshotsByVolume, "HRESULT");

        ASSERT_RETURNS(IVssSnapshotMgmt, QueryVolumesSupportedForSnapshots, S_OK,
                       IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(mgmt, system_id, VSS_CTX_BACKUP,
                                                                          &volumes));
        IVssEnumMgmtObject_Release(volumes);
        volumes = NULL;
        assert_int_equal(IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(mgmt, unknown_id, VSS_CTX_BACKUP,
                                                                            &volumes),
                         VSS_E_PROVIDER_NOT_REGISTERED);
        assert_null(volumes);
        REACHES_RETURN(IVssSnapshotMgmt, QueryVolumesSupportedForSnapshots, "HRESULT");
        REACHES_RULE(IVssSnapshotMgmt, "QueryVolumesSupportedForSnapshots", "documented as unsupported");
}

/* Who may */

typedef struct Attempt {
        const char *interface, *method;
        HRESULT (*call)(void *userdata);
        bool changes; /* requesters may not */
} Attempt;

#define ATTEMPT(name, ...)                                                                                  \
        static HRESULT try_##name(void *userdata) {                                                         \
                return IVssDifferentialSoftwareSnapshotMgmt3_##name(diff, __VA_ARGS__);                     \
        }
static IVssEnumMgmtObject *ignored;
static VSS_VOLUME_PROTECTION_INFO ignored_info;

ATTEMPT(AddDiffArea, fixture->wide, place, DEFAULT_MINIMUM)
ATTEMPT(ChangeDiffAreaMaximumSize, fixture->wide, place, DEFAULT_MINIMUM)
ATTEMPT(ChangeDiffAreaMaximumSizeEx, fixture->wide, place, DEFAULT_MINIMUM, FALSE)
ATTEMPT(QueryVolumesSupportedForDiffAreas, fixture->wide, &ignored)
ATTEMPT(QueryDiffAreasForVolume, fixture->wide, &ignored)
ATTEMPT(QueryDiffAreasOnVolume, place, &ignored)
ATTEMPT(QueryDiffAreasForSnapshot, unknown_id, &ignored)
ATTEMPT(SetVolumeProtectLevel, fixture->wide, VSS_PROTECTION_LEVEL_SNAPSHOT)
ATTEMPT(GetVolumeProtectLevel, fixture->wide, &ignored_info)
ATTEMPT(ClearVolumeProtectFault, fixture->wide)
ATTEMPT(DeleteUnusedDiffAreas, place)

#define DIFF "IVssDifferentialSoftwareSnapshotMgmt"

/* clang-format off */
static const Attempt attempts[] = {
        { DIFF,     "AddDiffArea",                       try_AddDiffArea,                        true },
        { DIFF,     "ChangeDiffAreaMaximumSize",         try_ChangeDiffAreaMaximumSize,          true },
        { DIFF "2", "ChangeDiffAreaMaximumSizeEx",       try_ChangeDiffAreaMaximumSizeEx,        true },
        { DIFF,     "QueryVolumesSupportedForDiffAreas", try_QueryVolumesSupportedForDiffAreas,  false },
        { DIFF,     "QueryDiffAreasForVolume",           try_QueryDiffAreasForVolume,            false },
        { DIFF,     "QueryDiffAreasOnVolume",            try_QueryDiffAreasOnVolume,             false },
        { DIFF,     "QueryDiffAreasForSnapshot",         try_QueryDiffAreasForSnapshot,          false },
        { DIFF "3", "SetVolumeProtectLevel",             try_SetVolumeProtectLevel,              true },
        { DIFF "3", "GetVolumeProtectLevel",             try_GetVolumeProtectLevel,              true },
        { DIFF "3", "ClearVolumeProtectFault",           try_ClearVolumeProtectFault,            true },
        { DIFF "3", "DeleteUnusedDiffAreas",             try_DeleteUnusedDiffAreas,              true },
};
/* clang-format on */

static void test_that_requesters_ask_and_administrators_change(void **state) {
        const struct passwd *p;
        uid_t requester, administrator;

        skip_unless_root();
        requester = (p = getpwnam("daemon")) ? p->pw_uid : 0;
        administrator = (p = getpwnam("games")) ? p->pw_uid : 0;
        if (requester == 0 || administrator == 0)
                skip();
        fixture_restart(fixture, "[requesters]\nuser = daemon\n[administrators]\nuser = games\n");

        for (size_t i = 0; i < ELEMENTSOF(attempts); ++i) {
                const Attempt *a = attempts + i;

                assert_int_equal(as_user(STRANGER, a->call, NULL), E_ACCESSDENIED);
                assert_int_equal(as_user(requester, a->call, NULL), a->changes ? E_ACCESSDENIED : S_OK);
                assert_int_equal(as_user(administrator, a->call, NULL), S_OK);
                reference_reach_return(a->interface, a->method, "E_ACCESSDENIED");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(test_that_##name, setup, teardown)
                TEST(an_area_lives_from_its_making_to_its_end),
                TEST(a_passing_limit_ends_with_the_boot),
                TEST(a_size_has_to_make_sense),
                TEST(the_place_is_the_providers_choice),
                TEST(shadow_copies_have_an_area_by_themselves),
                TEST(a_limit_is_kept_by_the_next_shadow_copy),
                TEST(areas_are_limited_in_number),
                TEST(the_providers_word_is_the_answer),
                TEST(a_snapshots_area_needs_its_provider),
                TEST(arguments_are_checked),
                TEST(shadow_copies_are_protected_always),
                TEST(a_provider_need_not_know_areas),
                TEST(what_a_lost_volume_left_is_forgotten),
                TEST(what_is_reserved_says_so),
                TEST(a_provider_has_one_management_interface),
                TEST(copies_are_found_by_their_volume),
                TEST(requesters_ask_and_administrators_change),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
