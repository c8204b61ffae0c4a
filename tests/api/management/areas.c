/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Storage Areas of One's Own
 */

#include "api/management/areas.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/utf.h"
#include "lib/reference.h"
#include "lib/test-util.h"

const VSS_ID system_id = { 0xb5946137, 0x7b9f, 0x4925, { 0xaf, 0x80, 0x51, 0xab, 0xd6, 0x0b, 0x20, 0xd5 } };
const VSS_ID fake_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } };
const VSS_ID copy_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x03 } };
const VSS_ID unknown_id = { 0x10000004, 4, 4, { 1, 2, 3, 4, 5, 6, 7, 8 } };

Fixture *fixture;
IVssSnapshotMgmt *mgmt;
Diff diff;    /* of the fake provider, whom tests can tell what to do */
WCHAR *place; /* a directory on the file system that copies lie on */
WCHAR elsewhere[] = L"\\dev\\shm\\";
WCHAR nowhere[] = L"\\no\\such\\directory\\";

Diff diff_of(VSS_ID provider_id) {
        Diff d = NULL;

        ASSERT_RETURNS(IVssSnapshotMgmt, GetProviderMgmtInterface, S_OK,
                       IVssSnapshotMgmt_GetProviderMgmtInterface(mgmt, provider_id,
                                                                 &IID_IVssDifferentialSoftwareSnapshotMgmt3,
                                                                 (IUnknown **) &d));
        return d;
}

int areas_setup(void **state) {
        fixture = fixture_new();
        assert_int_equal(chmod(fixture->dir, 0755), 0); /* for those who are not root */
        assert_int_equal(wide_from_utf8(fixture->dir, &place), 0);
        assert_int_equal(CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssSnapshotMgmt,
                                          (void **) &mgmt),
                         S_OK);
        diff = diff_of(fake_id);
        return 0;
}

int areas_teardown(void **state) {
        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_Release(diff), 0);
        assert_int_equal(IVssSnapshotMgmt_Release(mgmt), 0);
        free(place);
        fixture = fixture_free(fixture);
        return 0;
}

void areas_script(const char *text) {
        write_file(fixture->state_dir, "fake.script", text);
}

HRESULT add_area(WCHAR *where, LONGLONG maximum) {
        return IVssDifferentialSoftwareSnapshotMgmt3_AddDiffArea(diff, fixture->wide, where, maximum);
}

HRESULT change_area(WCHAR *where, LONGLONG maximum) {
        return IVssDifferentialSoftwareSnapshotMgmt3_ChangeDiffAreaMaximumSize(diff, fixture->wide, where,
                                                                               maximum);
}

HRESULT change_area_ex(WCHAR *where, LONGLONG maximum, BOOL is_volatile) {
        return IVssDifferentialSoftwareSnapshotMgmt3_ChangeDiffAreaMaximumSizeEx(diff, fixture->wide, where,
                                                                                 maximum, is_volatile);
}

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

Found areas_take(IVssEnumMgmtObject *list) {
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

Found areas_for_volume(void) {
        IVssEnumMgmtObject *list = NULL;

        ASSERT_RETURNS(
                IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasForVolume, S_OK,
                IVssDifferentialSoftwareSnapshotMgmt3_QueryDiffAreasForVolume(diff, fixture->wide, &list));
        return areas_take(list);
}

Found areas_on_volume(WCHAR *where) {
        IVssEnumMgmtObject *list = NULL;

        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasOnVolume, S_OK,
                       IVssDifferentialSoftwareSnapshotMgmt3_QueryDiffAreasOnVolume(diff, where, &list));
        return areas_take(list);
}

Found areas_for_snapshot(VSS_ID snapshot_id) {
        IVssEnumMgmtObject *list = NULL;

        ASSERT_RETURNS(
                IVssDifferentialSoftwareSnapshotMgmt, QueryDiffAreasForSnapshot, S_OK,
                IVssDifferentialSoftwareSnapshotMgmt3_QueryDiffAreasForSnapshot(diff, snapshot_id, &list));
        return areas_take(list);
}

void areas_expect_maximum(LONGLONG maximum) {
        Found found = areas_for_volume();

        assert_int_equal(found.n, 1);
        assert_true(found.is_ours);
        assert_int_equal(found.area.m_llMaximumDiffSpace, maximum);
}

/* A shadow copy that lives as long as *ret. */
HRESULT make_copy(VSS_ID provider_id, IVssBackupComponents **ret, VSS_ID *ret_id) {
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

bool volume_has_no_copies(void *arg) {
        BOOL present = TRUE;
        LONG capability;

        return SUCCEEDED(IsVolumeSnapshotted(fixture->wide, &present, &capability)) && !present;
}

void release_copy(IVssBackupComponents *backup) {
        assert_int_equal(IVssBackupComponents_Release(backup), 0);
        assert_true(eventually(volume_has_no_copies, NULL, TEST_PATIENCE_USEC));
}

void areas_change_catalog(const char *sql) {
        _cleanup_(freep) char *path = path_in(fixture->state_dir, "catalog.sqlite");
        sqlite3 *db = NULL;

        fixture_kill(fixture);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        fixture_restart(fixture, NULL);
}
