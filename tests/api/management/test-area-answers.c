/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssSnapshotMgmt and IVssDifferentialSoftwareSnapshotMgmt: who gets which answer.
 */

#include <pwd.h>
#include <string.h>

#include "api/management/areas.h"
#include "api/management/as-user.h"
#include "base/alloc.h"
#include "lib/reference.h"
#include "lib/test-util.h"

/* What a provider refuses to tell. */
static void test_that_the_providers_word_is_the_answer(void **state) {
        IVssEnumMgmtObject *list = NULL;
        VSS_VOLUME_PROTECTION_INFO info;

        areas_script("usage = fail ELOOP\n");
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, VSS_E_NESTED_VOLUME_LIMIT,
                       add_area(place, DEFAULT_MINIMUM));
        areas_script("");
        assert_int_equal(add_area(place, DEFAULT_MINIMUM), S_OK);
        areas_script("usage = fail EIO\n");

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

        areas_script("");
        assert_int_equal(change_area(place, VSS_ASSOC_REMOVE), S_OK);
        areas_script("usage = fail EIO\n");
        VETOED(IVssDifferentialSoftwareSnapshotMgmt, AddDiffArea, fixture->wide, place, DEFAULT_MINIMUM);
}

static void test_that_a_snapshots_area_needs_its_provider(void **state) {
        IVssEnumMgmtObject *list = NULL;
        IVssBackupComponents *backup = NULL;
        VSS_ID snapshot_id;

        assert_int_equal(make_copy(fake_id, &backup, &snapshot_id), S_OK);
        areas_script("usage = fail EIO\n");
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
        areas_script("usage = fail ENOSYS\n");

#define UNKNOWN(Method, ...)                                                                                \
        ASSERT_RETURNS(IVssDifferentialSoftwareSnapshotMgmt3, Method, E_NOTIMPL,                            \
                       IVssDifferentialSoftwareSnapshotMgmt3_##Method(diff, __VA_ARGS__))
        UNKNOWN(SetVolumeProtectLevel, fixture->wide, VSS_PROTECTION_LEVEL_SNAPSHOT);
        UNKNOWN(GetVolumeProtectLevel, fixture->wide, &info);
        UNKNOWN(ClearVolumeProtectFault, fixture->wide);

        /* What was known before it forgot is still told. */
        areas_expect_maximum(DEFAULT_MINIMUM);
        assert_int_equal(areas_for_volume().area.m_llUsedDiffSpace, -1);
        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_QueryVolumesSupportedForDiffAreas(
                                 diff, fixture->wide, &list),
                         S_OK);
        assert_int_equal(areas_take(list).n, 0);
        list = NULL;

        /* Its copies are as large as they like: nobody could say when it is enough. */
        assert_int_equal(make_copy(fake_id, &backup, &snapshot_id), S_OK);
        release_copy(backup);
        areas_script("");
        assert_int_equal(change_area(place, VSS_ASSOC_REMOVE), S_OK);
        areas_script("usage = fail ENOSYS\n");
        assert_int_equal(add_area(place, DEFAULT_MINIMUM), VSS_E_VOLUME_NOT_SUPPORTED);
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
#define TEST(name) cmocka_unit_test_setup_teardown(test_that_##name, areas_setup, areas_teardown)
                TEST(the_providers_word_is_the_answer),
                TEST(a_snapshots_area_needs_its_provider),
                TEST(arguments_are_checked),
                TEST(shadow_copies_are_protected_always),
                TEST(a_provider_need_not_know_areas),
                TEST(what_is_reserved_says_so),
                TEST(a_provider_has_one_management_interface),
                TEST(copies_are_found_by_their_volume),
                TEST(requesters_ask_and_administrators_change),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
