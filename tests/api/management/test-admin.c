/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssAdmin: who may register what, that it is remembered, and what naming such a provider means.
 */

#include <pwd.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <vsadmin.h>
#include <wchar.h>

#include "api/fixture.h"
#include "api/management/as-user.h"
#include "base/alloc.h"
#include "base/guid.h"
#include "lib/reference.h"
#include "lib/test-util.h"

static const VSS_ID provider_id = { 0x10000001, 1, 1, { 1, 2, 3, 4, 5, 6, 7, 8 } };
static const VSS_ID version_id = { 0x10000002, 2, 2, { 1, 2, 3, 4, 5, 6, 7, 8 } };
static const CLSID class_id = { 0x10000003, 3, 3, { 1, 2, 3, 4, 5, 6, 7, 8 } };
static const VSS_ID unknown_id = { 0x10000004, 4, 4, { 1, 2, 3, 4, 5, 6, 7, 8 } };
static const VSS_ID windows_system_id = { 0xb5946137,
                                          0x7b9f,
                                          0x4925,
                                          { 0xaf, 0x80, 0x51, 0xab, 0xd6, 0x0b, 0x20, 0xd5 } };
static const VSS_ID fake_id = { 0x9d3f1a52,
                                0x6b1e,
                                0x4c7a,
                                { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } };

static Fixture *fixture;
static IVssAdminEx *admin;

static int setup(void **state) {
        fixture = fixture_new();
        assert_int_equal(chmod(fixture->dir, 0755), 0); /* for those who are not root */
        assert_int_equal(CoCreateInstance(&CLSID_VSSCoordinator, NULL, CLSCTX_ALL, &IID_IVssAdminEx,
                                          (void **) &admin),
                         S_OK);
        return 0;
}

static int teardown(void **state) {
        assert_int_equal(IVssAdminEx_Release(admin), 0);
        fixture = fixture_free(fixture);
        return 0;
}

static WCHAR *wide(const WCHAR *s) {
        return (WCHAR *) (uintptr_t) s;
}

static HRESULT register_it(void *userdata) {
        return IVssAdminEx_RegisterProvider(admin, provider_id, class_id, wide(L"Sto\u00dfprovider"),
                                            VSS_PROV_HARDWARE, wide(L"1.0 b"), version_id);
}

static HRESULT unregister_it(void *userdata) {
        return IVssAdminEx_UnregisterProvider(admin, provider_id);
}

static HRESULT list_all(void *userdata) {
        IVssEnumObject *list = NULL;
        HRESULT hr;

        hr = IVssAdminEx_QueryProviders(admin, &list);
        assert_int_equal(FAILED(hr), !list);
        if (list)
                IVssEnumObject_Release(list);
        return hr;
}

static HRESULT abort_all(void *userdata) {
        return IVssAdminEx_AbortAllSnapshotsInProgress(admin);
}

/* How often the provider is in a list, with all that was said of it. */
static unsigned count_listed(IVssEnumObject *list) {
        unsigned n = 0;

        for (;;) {
                VSS_OBJECT_PROP prop;
                VSS_PROVIDER_PROP *p = &prop.Obj.Prov;
                ULONG fetched = 0;
                HRESULT hr;

                hr = IVssEnumObject_Next(list, 1, &prop, &fetched);
                if (hr == S_FALSE)
                        break;
                assert_int_equal(hr, S_OK);
                assert_int_equal(prop.Type, VSS_OBJECT_PROVIDER);
                if (guid_equal(&p->m_ProviderId, &provider_id)) {
                        assert_int_equal(wcscmp(p->m_pwszProviderName, L"Sto\u00dfprovider"), 0);
                        assert_int_equal(wcscmp(p->m_pwszProviderVersion, L"1.0 b"), 0);
                        assert_int_equal(p->m_eProviderType, VSS_PROV_HARDWARE);
                        assert_true(guid_equal(&p->m_ProviderVersionId, &version_id));
                        assert_true(guid_equal(&p->m_ClassId, &class_id));
                        ++n;
                }
                CoTaskMemFree(p->m_pwszProviderName);
                CoTaskMemFree(p->m_pwszProviderVersion);
        }
        IVssEnumObject_Release(list);
        return n;
}

static IVssBackupComponents *backup_new(void) {
        IVssBackupComponents *backup = NULL;

        assert_int_equal(CreateVssBackupComponents(&backup), S_OK);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(backup, NULL), S_OK);
        assert_int_equal(IVssBackupComponents_SetContext(backup, VSS_CTX_FILE_SHARE_BACKUP), S_OK);
        return backup;
}

static void expect_listed(unsigned n) {
        IVssBackupComponents *backup = backup_new();
        IVssEnumObject *list = NULL;

        ASSERT_RETURNS(IVssAdmin, QueryProviders, S_OK, IVssAdminEx_QueryProviders(admin, &list));
        assert_int_equal(count_listed(list), n);
        assert_int_equal(
                IVssBackupComponents_Query(backup, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_PROVIDER, &list),
                S_OK);
        assert_int_equal(count_listed(list), n);
        IVssBackupComponents_Release(backup);
}

static void test_that_a_registered_provider_is_remembered(void **state) {
        expect_listed(0);
        ASSERT_RETURNS(IVssAdmin, RegisterProvider, S_OK, register_it(NULL));
        REACHES_RULE(IVssAdmin, "RegisterProvider", "hardware providers only");
        expect_listed(1);
        fixture_restart(fixture, NULL);
        expect_listed(1);
        REACHES_RULE(IVssAdmin, "QueryProviders", "enumerator elements are");

        ASSERT_RETURNS(IVssAdmin, UnregisterProvider, S_OK, unregister_it(NULL));
        expect_listed(0);
        fixture_restart(fixture, NULL);
        expect_listed(0);
        ASSERT_RETURNS(IVssAdmin, UnregisterProvider, VSS_E_PROVIDER_NOT_REGISTERED, unregister_it(NULL));
}

static void test_that_an_id_is_registered_once(void **state) {
        assert_int_equal(register_it(NULL), S_OK);
        ASSERT_RETURNS(IVssAdmin, RegisterProvider, VSS_E_PROVIDER_ALREADY_REGISTERED, register_it(NULL));
        assert_non_null(strstr(umbra_last_error(), "unregister it first"));

        /* Another version is the same provider. */
        assert_int_equal(IVssAdminEx_RegisterProvider(admin, provider_id, class_id, wide(L"Newer"),
                                                      VSS_PROV_HARDWARE, wide(L"2"), unknown_id),
                         VSS_E_PROVIDER_ALREADY_REGISTERED);
        expect_listed(1);
        REACHES_RULE(IVssAdmin, "RegisterProvider", "pProviderId is persistent");

        assert_int_equal(unregister_it(NULL), S_OK);
        assert_int_equal(register_it(NULL), S_OK);
        REACHES_RULE(IVssAdmin, "RegisterProvider", "to update a provider");

        /* umbra's own cannot be replaced. */
        assert_int_equal(IVssAdminEx_RegisterProvider(admin, fake_id, class_id, wide(L"x"),
                                                      VSS_PROV_SOFTWARE, wide(L"1"), version_id),
                         VSS_E_PROVIDER_ALREADY_REGISTERED);
        assert_int_equal(IVssAdminEx_RegisterProvider(admin, windows_system_id, class_id, wide(L"x"),
                                                      VSS_PROV_SOFTWARE, wide(L"1"), version_id),
                         VSS_E_PROVIDER_ALREADY_REGISTERED);
        assert_int_equal(IVssAdminEx_UnregisterProvider(admin, fake_id), VSS_E_PROVIDER_IN_USE);
        assert_non_null(strstr(umbra_last_error(), "a part of umbra"));
}

static void test_that_what_is_no_provider_is_not_registered(void **state) {
        static const struct {
                VSS_ID id;
                CLSID class_id;
                const WCHAR *name;
                int type;
                const WCHAR *version;
                VSS_ID version_id;
        } cases[] = {
                /* clang-format off */
                { { 0 }, { 1 }, L"x", VSS_PROV_SOFTWARE, L"1", { 2 } },
                { { 3 }, { 0 }, L"x", VSS_PROV_SOFTWARE, L"1", { 2 } },
                { { 3 }, { 1 }, L"x", VSS_PROV_SOFTWARE, L"1", { 0 } },
                { { 3 }, { 1 }, NULL, VSS_PROV_SOFTWARE, L"1", { 2 } },
                { { 3 }, { 1 }, L"",  VSS_PROV_SOFTWARE, L"1", { 2 } },
                { { 3 }, { 1 }, L"x", VSS_PROV_SOFTWARE, NULL, { 2 } },
                { { 3 }, { 1 }, L"x", VSS_PROV_UNKNOWN,  L"1", { 2 } },
                { { 3 }, { 1 }, L"x", VSS_PROV_SYSTEM,   L"1", { 2 } },
                { { 3 }, { 1 }, L"x", 5,                 L"1", { 2 } },
                /* clang-format on */
        };
        IVssEnumObject **nowhere = NULL;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                ASSERT_RETURNS(IVssAdmin, RegisterProvider, E_INVALIDARG,
                               IVssAdminEx_RegisterProvider(admin, cases[i].id, cases[i].class_id,
                                                            wide(cases[i].name),
                                                            (VSS_PROVIDER_TYPE) cases[i].type,
                                                            wide(cases[i].version), cases[i].version_id));
        ASSERT_RETURNS(IVssAdmin, QueryProviders, E_INVALIDARG, IVssAdminEx_QueryProviders(admin, nowhere));
}

/* As if a version that runs them had been here. */
static void give_it_a_shadow_copy(void) {
        static const char sql[] =
                "PRAGMA journal_mode = PERSIST;"
                "INSERT INTO volume VALUES (x'00000000000000000000000000000001', '/srv');"
                "INSERT INTO snapshot_set VALUES (x'00000000000000000000000000000002', 1, 'here');"
                "INSERT INTO snapshot (id, set_id, state, provider, provider_id, volume_id, volume,"
                "                      context, consistency, created_usec)"
                "SELECT x'00000000000000000000000000000003', x'00000000000000000000000000000002', 'created',"
                "       name, id, x'00000000000000000000000000000001', '/srv', 25, 1, 1 FROM provider;";
        _cleanup_(freep) char *path = path_in(fixture->state_dir, "catalog.sqlite");
        sqlite3 *db = NULL;

        fixture_kill(fixture);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        fixture_restart(fixture, NULL);
}

static void test_that_a_provider_with_shadow_copies_stays(void **state) {
        assert_int_equal(register_it(NULL), S_OK);
        give_it_a_shadow_copy();
        ASSERT_RETURNS(IVssAdmin, UnregisterProvider, VSS_E_PROVIDER_IN_USE, unregister_it(NULL));
        assert_non_null(strstr(umbra_last_error(), "delete them first"));
        expect_listed(1);
}

/* What they do when it is there: tests/providers/. */
static void test_that_naming_a_registered_provider_says_what_is_missing(void **state) {
        IVssBackupComponents *backup = backup_new();
        VSS_ID set_id, snapshot_id;
        BOOL supported = TRUE;

        assert_int_equal(register_it(NULL), S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(backup, &set_id), S_OK);
        assert_int_equal(
                IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, provider_id, &snapshot_id),
                VSS_E_UNEXPECTED_PROVIDER_ERROR);
        assert_non_null(strstr(umbra_last_error(), "its shared object '"));
        assert_int_equal(
                IVssBackupComponents_IsVolumeSupported(backup, provider_id, fixture->wide, &supported),
                VSS_E_UNEXPECTED_PROVIDER_ERROR);
        assert_false(supported);
        REACHES_RULE(IVssAdmin, "RegisterProvider", "providers are out-of-process");

        assert_int_equal(
                IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, unknown_id, &snapshot_id),
                VSS_E_PROVIDER_NOT_REGISTERED);
        /* Whoever names the system provider of Windows means the usual one. */
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(backup, fixture->wide, windows_system_id,
                                                               &snapshot_id),
                         S_OK);
        assert_int_equal(IVssBackupComponents_Release(backup), 0);
}

static void test_that_only_administrators_change_anything(void **state) {
        const struct passwd *p;
        uid_t requester, administrator;

        skip_unless_root();
        requester = (p = getpwnam("daemon")) ? p->pw_uid : 0;
        administrator = (p = getpwnam("games")) ? p->pw_uid : 0;
        if (requester == 0 || administrator == 0)
                skip();
        fixture_restart(fixture, "[requesters]\nuser = daemon\n[administrators]\nuser = games\n");

        ASSERT_RETURNS(IVssAdmin, QueryProviders, E_ACCESSDENIED, as_user(STRANGER, list_all, NULL));
        assert_int_equal(as_user(requester, list_all, NULL), S_OK);
        ASSERT_RETURNS(IVssAdmin, RegisterProvider, E_ACCESSDENIED, as_user(requester, register_it, NULL));
        assert_int_equal(as_user(STRANGER, register_it, NULL), E_ACCESSDENIED);
        assert_int_equal(as_user(requester, abort_all, NULL), E_ACCESSDENIED);
        expect_listed(0);

        assert_int_equal(as_user(administrator, register_it, NULL), S_OK);
        assert_int_equal(as_user(requester, unregister_it, NULL), E_ACCESSDENIED);
        expect_listed(1);
        assert_int_equal(as_user(administrator, unregister_it, NULL), S_OK);
        assert_int_equal(as_user(administrator, abort_all, NULL), S_OK);
}

static bool set_is_being_prepared(void *arg) {
        char *json = NULL;
        bool is;

        if (FAILED(umbra_get_status(&json)))
                return false;
        is = strstr(json, "prepare-volumes");
        CoTaskMemFree(json);
        return is;
}

static void test_that_sets_in_progress_are_aborted(void **state) {
        IVssBackupComponents *backup = backup_new(), *other = backup_new();
        VSS_ID set_id, snapshot_id;
        IVssAsync *async = NULL;
        HRESULT status = S_OK;
        LONG context = 7;

        write_file(fixture->state_dir, "fake.script", "prepare = hang\n");
        assert_int_equal(abort_all(NULL), S_OK); /* there is none */

        /* One that is being put together … */
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(backup, &set_id), S_OK);
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(other, &set_id),
                         VSS_E_SNAPSHOT_SET_IN_PROGRESS);
        assert_int_equal(abort_all(NULL), S_OK);

        /* … and one that would last for ever. */
        assert_int_equal(IVssBackupComponents_StartSnapshotSet(other, &set_id), S_OK);
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(other, fixture->wide, fake_id, &snapshot_id),
                         S_OK);
        assert_int_equal(IVssAdminEx_GetProviderContext(admin, fake_id, &context), S_OK);
        assert_int_equal(context, VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(IVssBackupComponents_DoSnapshotSet(other, &async), S_OK);
        assert_true(eventually(set_is_being_prepared, NULL, TEST_PATIENCE_USEC));
        assert_int_equal(abort_all(NULL), S_OK);
        REACHES_RETURN(IVssAdmin, AbortAllSnapshotsInProgress, "-");
        REACHES_RULE(IVssAdmin, "AbortAllSnapshotsInProgress", "not supported");

        assert_int_equal(IVssAsync_Wait(async, INFINITE), E_ABORT);
        assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        assert_int_equal(status, E_ABORT);
        assert_non_null(strstr(umbra_last_error(), "administrator"));
        IVssAsync_Release(async);
        assert_int_equal(IVssAdminEx_GetProviderContext(admin, fake_id, &context), S_OK);
        assert_int_equal(context, VSS_CTX_BACKUP);

        assert_int_equal(IVssBackupComponents_Release(backup), 0);
        assert_int_equal(IVssBackupComponents_Release(other), 0);
}

static void test_that_a_provider_is_described(void **state) {
        ULONGLONG capabilities = 1;
        LONG context = 1;

        assert_int_equal(IVssAdminEx_GetProviderCapability(admin, fake_id, &capabilities), S_OK);
        assert_int_equal(capabilities, VSS_PRV_CAPABILITY_COMPLIANT);
        assert_int_equal(register_it(NULL), S_OK);
        assert_int_equal(IVssAdminEx_GetProviderCapability(admin, provider_id, &capabilities), S_OK);
        assert_int_equal(capabilities, 0);
        assert_int_equal(IVssAdminEx_GetProviderCapability(admin, unknown_id, &capabilities),
                         VSS_E_PROVIDER_NOT_REGISTERED);
        assert_int_equal(IVssAdminEx_GetProviderCapability(admin, fake_id, NULL), E_INVALIDARG);
        REACHES_RETURN(IVssAdminEx, GetProviderCapability, "-");

        assert_int_equal(IVssAdminEx_GetProviderContext(admin, provider_id, &context), S_OK);
        assert_int_equal(context, VSS_CTX_BACKUP);
        assert_int_equal(IVssAdminEx_GetProviderContext(admin, unknown_id, &context),
                         VSS_E_PROVIDER_NOT_REGISTERED);
        assert_int_equal(IVssAdminEx_GetProviderContext(admin, fake_id, NULL), E_INVALIDARG);
        REACHES_RETURN(IVssAdminEx, GetProviderContext, "-");

        assert_int_equal(IVssAdminEx_SetProviderContext(admin, provider_id, VSS_CTX_BACKUP), E_NOTIMPL);
        REACHES_RETURN(IVssAdminEx, SetProviderContext, "-");
        REACHES_RULE(IVssAdminEx, "SetProviderContext", "use unknown");
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(test_that_##name, setup, teardown)
                TEST(a_registered_provider_is_remembered),
                TEST(an_id_is_registered_once),
                TEST(what_is_no_provider_is_not_registered),
                TEST(a_provider_with_shadow_copies_stays),
                TEST(naming_a_registered_provider_says_what_is_missing),
                TEST(only_administrators_change_anything),
                TEST(sets_in_progress_are_aborted),
                TEST(a_provider_is_described),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
