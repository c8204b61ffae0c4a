/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is there: shadow copies, volumes, providers.
 */

#include <vsadmin.h>
#include <vsbackup.h>
#include <vsmgmt.h>
#include <wchar.h>

#include "api/stages.h"

static void test_that_shadow_copies_can_be_looked_at_and_deleted(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_NEW, DAMAGE_NONE);
        VSS_OBJECT_PROP objects[2];
        WCHAR volume[] = L"\\srv\\data\\";
        VSS_SNAPSHOT_PROP prop;
        IVssEnumObject *list;
        BOOL supported = FALSE;
        ULONG fetched;
        VSS_ID id;
        LONG n;

        assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_SetContext(b, (LONG) VSS_CTX_ALL), S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b, &id), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponents_IsVolumeSupported(b, GUID_NULL, volume, &supported), S_OK);
        assert_int_equal(supported, TRUE);

        assert_int_equal(IVssBackupComponents_GetSnapshotProperties(b, fake_snapshot_id, &prop), S_OK);
        assert_memory_equal(&prop.m_SnapshotId, &fake_snapshot_id, sizeof(GUID));
        assert_memory_equal(&prop.m_SnapshotSetId, &fake_set_id, sizeof(GUID));
        assert_true(wcscmp(prop.m_pwszSnapshotDeviceObject, L"/run/umbra/shadow/x") == 0);
        assert_true(wcscmp(prop.m_pwszOriginalVolumeName, L"/srv/data/") == 0);
        assert_null(prop.m_pwszExposedName);
        assert_int_equal(prop.m_eStatus, VSS_SS_CREATED);
        assert_true(prop.m_tsCreationTimestamp == 132000000000000000);
        VssFreeSnapshotProperties(&prop);
        assert_null(prop.m_pwszSnapshotDeviceObject);
        VssFreeSnapshotProperties(&prop); /* once more does no harm */
        VssFreeSnapshotProperties(NULL);

        assert_int_equal(
                IVssBackupComponents_Query(b, stage_instance, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list),
                E_INVALIDARG);
        assert_int_equal(IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_SNAPSHOT_SET,
                                                    VSS_OBJECT_SNAPSHOT, &list),
                         E_INVALIDARG);
        assert_int_equal(
                IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT_SET, &list),
                E_INVALIDARG);
        assert_int_equal(
                IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list), S_OK);
        assert_int_equal(IVssEnumObject_Next(list, 2, objects, &fetched), S_FALSE);
        assert_int_equal(fetched, 1);
        assert_int_equal(objects[0].Type, VSS_OBJECT_SNAPSHOT);
        VssFreeSnapshotProperties(&objects[0].Obj.Snap);
        IVssEnumObject_Release(list);
        assert_int_equal(
                IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_PROVIDER, &list), S_OK);
        assert_int_equal(IVssEnumObject_Next(list, 1, objects, NULL), S_OK);
        assert_true(wcscmp(objects[0].Obj.Prov.m_pwszProviderName, L"fake") == 0);
        CoTaskMemFree(objects[0].Obj.Prov.m_pwszProviderName);
        CoTaskMemFree(objects[0].Obj.Prov.m_pwszProviderVersion);
        IVssEnumObject_Release(list);

        /* What was deleted before it stopped counts, and the one on which it did is named. */
        assert_int_equal(
                IVssBackupComponents_DeleteSnapshots(b, fake_set_id, VSS_OBJECT_SNAPSHOT_SET, TRUE, &n, &id),
                VSS_E_PROVIDER_VETO);
        assert_int_equal(n, 2);
        assert_memory_equal(&id, &fake_snapshot_id, sizeof(id));
        stage_release(b);
}

/* More than as many volumes as a set may have, with as many as a volume may have. */
static void test_that_a_machine_may_have_any_number_of_shadow_copies(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_NEW, DAMAGE_NONE);
        unsigned n = 64 * 512 + 1, found = 0;
        VSS_OBJECT_PROP object;
        IVssEnumObject *list;

        fake_umbrad_set_snapshots(stage_umbrad, n);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list), S_OK);
        for (; IVssEnumObject_Next(list, 1, &object, NULL) == S_OK; ++found)
                VssFreeSnapshotProperties(&object.Obj.Snap);
        assert_int_equal(found, n);
        IVssEnumObject_Release(list);
        stage_release(b);
}

static void test_that_volumes_can_be_listed(void **state) {
        WCHAR named[] = L"\\srv\\data", device[] = L"/dev/sdz", unknown[] = L"/home/";
        VSS_MGMT_OBJECT_PROP object;
        IVssEnumMgmtObject *list;
        IVssSnapshotMgmt *mgmt;
        BOOL present;
        LONG bits;

        assert_int_equal(CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssSnapshotMgmt,
                                          (void **) &mgmt),
                         S_OK);
        assert_int_equal(
                IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(mgmt, GUID_NULL, VSS_CTX_BACKUP, NULL),
                E_INVALIDARG);
        assert_int_equal(
                IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(mgmt, GUID_NULL, VSS_CTX_BACKUP, &list),
                S_OK);
        assert_int_equal(IVssEnumMgmtObject_Next(list, 1, &object, NULL), S_OK);
        assert_int_equal(object.Type, VSS_MGMT_OBJECT_VOLUME);
        assert_true(wcscmp(object.Obj.Vol.m_pwszVolumeName, L"\\\\?\\Volume{1}\\") == 0);
        assert_true(wcscmp(object.Obj.Vol.m_pwszVolumeDisplayName, L"/srv/data/") == 0);
        CoTaskMemFree(object.Obj.Vol.m_pwszVolumeName);
        CoTaskMemFree(object.Obj.Vol.m_pwszVolumeDisplayName);
        IVssEnumMgmtObject_Release(list);
        IVssSnapshotMgmt_Release(mgmt);

        assert_int_equal(CoCreateInstance(&stage_writer, NULL, CLSCTX_ALL, &IID_IUnknown, (void **) &mgmt),
                         REGDB_E_CLASSNOTREG);
        assert_int_equal(
                CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssAsync, (void **) &mgmt),
                E_NOINTERFACE);
        assert_null(mgmt);
        assert_int_equal(CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IUnknown, NULL),
                         E_POINTER);

        assert_int_equal(IsVolumeSnapshotted(named, &present, &bits), S_OK);
        assert_int_equal(present, TRUE);
        assert_int_equal(IsVolumeSnapshotted(device, &present, &bits), S_OK);
        assert_int_equal(present, TRUE);
        assert_int_equal(IsVolumeSnapshotted(unknown, &present, &bits), S_OK);
        assert_int_equal(present, FALSE);
        fake_umbrad_set(stage_umbrad, "IsVolumeSupported", FAKE_FAILS, VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IsVolumeSnapshotted(unknown, &present, &bits), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IsVolumeSnapshotted(NULL, &present, &bits), E_INVALIDARG);
        assert_int_equal(IsVolumeSnapshotted(named, NULL, &bits), E_INVALIDARG);
        assert_int_equal(IsVolumeSnapshotted(named, &present, NULL), E_INVALIDARG);
}

static void test_that_providers_can_be_listed(void **state) {
        IVssEnumObject *list = (void *) 1;
        VSS_OBJECT_PROP object;
        IVssAdmin *admin;

        assert_int_equal(
                CoCreateInstance(&CLSID_VSSCoordinator, NULL, CLSCTX_ALL, &IID_IVssAdmin, (void **) &admin),
                S_OK);
        assert_int_equal(IVssAdmin_QueryProviders(admin, NULL), E_INVALIDARG);
        assert_int_equal(IVssAdmin_QueryProviders(admin, &list), S_OK);
        assert_int_equal(IVssEnumObject_Next(list, 1, &object, NULL), S_OK);
        assert_int_equal(object.Type, VSS_OBJECT_PROVIDER);
        assert_memory_equal(&object.Obj.Prov.m_ProviderId, &fake_provider_id, sizeof(GUID));
        CoTaskMemFree(object.Obj.Prov.m_pwszProviderName);
        CoTaskMemFree(object.Obj.Prov.m_pwszProviderVersion);
        IVssEnumObject_Release(list);

        fake_umbrad_set(stage_umbrad, "Query", FAKE_FAILS, E_ACCESSDENIED);
        assert_int_equal(IVssAdmin_QueryProviders(admin, &list), E_ACCESSDENIED);
        assert_null(list);
        IVssAdmin_Release(admin);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STAGE_TEST(test_that_shadow_copies_can_be_looked_at_and_deleted),
                STAGE_TEST(test_that_a_machine_may_have_any_number_of_shadow_copies),
                STAGE_TEST(test_that_volumes_can_be_listed),
                STAGE_TEST(test_that_providers_can_be_listed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
