/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A provider of others from its first call to its last: in which order it is asked, what becomes of its shadow
 * copies, and that nobody else is harmed when it crashes, hangs or lies.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/utf.h"
#include "providers/puppeteer.h"

static Puppeteer *puppeteer;

static int setup(void **state) {
        puppeteer = puppeteer_new(VSS_PROV_SOFTWARE);
        return 0;
}

static int teardown(void **state) {
        puppeteer = puppeteer_free(puppeteer);
        return 0;
}

static void replace_all(char **text, const char *what, const char *by) {
        char *found;

        while ((found = strstr(*text, what))) {
                char *longer = NULL;

                assert_int_equal(format_to(&longer, "%.*s%s%s", (int) (found - *text), *text, by,
                                           found + strlen(what)),
                                 0);
                free(*text);
                *text = longer;
        }
}

/* The calls with VOLUME for its path, and without "Gone". */
static char *calls(void) {
        char *text = puppeteer_take_calls(puppeteer);

        replace_all(&text, puppeteer->world->volume, "VOLUME");
        replace_all(&text, "Gone\n", "");
        return text;
}

/* Those of the process that failed end with this, sooner or later. */
static char *calls_without_unload(void) {
        char *text = calls();

        replace_all(&text, "OnUnload 0\n", "");
        return text;
}

static VSS_ID make(IVssBackupComponentsEx4 *b) {
        VSS_ID id = GUID_NULL;
        HRESULT hr = puppeteer_make(puppeteer, b, puppet_id, &id);

        if (hr != VSS_S_ASYNC_FINISHED)
                fail_msg("0x%08x %s", (unsigned) hr, umbra_last_error());
        return id;
}

static void test_that_a_provider_is_called_in_the_documented_order(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        _cleanup_(freep) char *made = NULL, *deleted = NULL;

        free(calls());
        (void) make(b);
        assert_true(puppeteer_await_call(puppeteer, "Gone\n"));
        made = calls();
        assert_string_equal(made, "CreateVssProvider 11111111-2222-3333-4444-555555555502\n"
                                  "OnLoad -\n"
                                  "IsVolumeSupported VOLUME/\n"
                                  "GetTraits\n"
                                  "SetContext 0x10\n"
                                  "BeginPrepareSnapshot VOLUME/ 0x10\n"
                                  "EndPrepareSnapshots\n"
                                  "PreCommitSnapshots\n"
                                  "CommitSnapshots\n"
                                  "PostCommitSnapshots 1\n"
                                  "PreFinalCommitSnapshots\n"
                                  "GetSnapshotProperties\n"
                                  "PostFinalCommitSnapshots\n"
                                  "OnUnload 0\n");
        REACHES_RULE(IVssProviderCreateSnapshotSet, "*", "order: BeginPrepareSnapshot once per volume");
        REACHES_RULE(IVssProviderNotifications, "OnLoad", "pCallback reserved");

        storage_release(b); /* auto-release */
        puppeteer_assert_clean(puppeteer);
        assert_true(puppeteer_await_call(puppeteer, "Gone\n"));
        deleted = calls();
        assert_string_equal(deleted, "CreateVssProvider 11111111-2222-3333-4444-555555555502\n"
                                     "OnLoad -\n"
                                     "SetContext 0xffffffff\n"
                                     "DeleteSnapshots snapshot\n"
                                     "OnUnload 0\n");
}

static void test_that_a_shadow_copy_shows_what_the_provider_made(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        _cleanup_(freep) char *device = NULL;
        VSS_SNAPSHOT_PROP p;
        VSS_ID id;

        id = make(b);
        p = storage_properties(id);
        assert_memory_equal(&p.m_ProviderId, &puppet_id, sizeof(puppet_id));
        assert_int_equal(utf8_from_wide(p.m_pwszSnapshotDeviceObject, &device), 0);
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));
        if (geteuid() == 0)
                assert_true(storage_is_mounted(device));
        VssFreeSnapshotProperties(&p);
        storage_release(b);

        /* It is shown again after a restart, and is the provider's until it is deleted. */
        world_kill_umbrad(puppeteer->world);
        world_start_umbrad(puppeteer->world);
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));
        assert_int_equal(puppeteer_unregister(), VSS_E_PROVIDER_IN_USE);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        puppeteer_assert_clean(puppeteer);
        assert_int_equal(puppeteer_unregister(), S_OK);
        assert_int_equal(puppeteer_register(VSS_PROV_SOFTWARE), S_OK);
}

static void test_that_providers_of_others_are_asked_first(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        VSS_SNAPSHOT_PROP p;
        VSS_ID id;

        assert_int_equal(puppeteer_make(puppeteer, b, GUID_NULL, &id), VSS_S_ASYNC_FINISHED);
        p = storage_properties(id);
        assert_memory_equal(&p.m_ProviderId, &puppet_id, sizeof(puppet_id));
        VssFreeSnapshotProperties(&p);
        storage_release(b);
        puppeteer_assert_clean(puppeteer);
}

static void test_that_one_that_cannot_leaves_it_to_the_next(void **state) {
        static const char *const scripts[] = {
                "IsVolumeSupported = lie.no",
                "IsVolumeSupported = VSS_E_PROVIDER_VETO",
                "IsVolumeSupported = crash",
                "OnLoad = exit",
                "OnLoad = E_FAIL",
                "faces = notifications",
        };

        for (size_t i = 0; i < ELEMENTSOF(scripts); ++i) {
                IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
                VSS_SNAPSHOT_PROP p;
                VSS_ID id;

                puppeteer_script(puppeteer, scripts[i]);
                assert_int_equal(puppeteer_make(puppeteer, b, GUID_NULL, &id), VSS_S_ASYNC_FINISHED);
                p = storage_properties(id);
                assert_memory_not_equal(&p.m_ProviderId, &puppet_id, sizeof(puppet_id));
                VssFreeSnapshotProperties(&p);
                storage_release(b);
                puppeteer_script(puppeteer, NULL);
                puppeteer_assert_clean(puppeteer);
        }
}

/* A place for programs that has not all of them: umbra-provider-com may be in a package of its own. */
static void restart_with_programs(const char *dir) {
        world_kill_umbrad(puppeteer->world);
        setenv("UMBRA_LIBEXECDIR", dir, 1);
        world_start_umbrad(puppeteer->world);
}

static char *programs_without_ours(const char *all) {
        static const char *const names[] = { "umbra-guard", "umbra-provider" };
        _cleanup_(freep) char *dir = path_in(puppeteer->dir, "programs");

        assert_int_equal(mkdir(dir, 0755), 0);
        for (size_t i = 0; i < ELEMENTSOF(names); ++i) {
                _cleanup_(freep) char *from = path_in(all, names[i]), *to = path_in(dir, names[i]);

                assert_int_equal(symlink(from, to), 0);
        }
        return TAKE_PTR(dir);
}

static void test_that_one_that_cannot_be_started_is_passed_over(void **state) {
        _cleanup_(freep) char *all = NULL, *some = NULL;
        IVssBackupComponentsEx4 *b;
        VSS_SNAPSHOT_PROP p;
        VSS_ID id;

        assert_int_equal(strdup_to(getenv("UMBRA_LIBEXECDIR"), &all), 0);
        some = programs_without_ours(all);
        restart_with_programs(some);

        b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(puppeteer_make(puppeteer, b, GUID_NULL, &id), VSS_S_ASYNC_FINISHED);
        p = storage_properties(id);
        assert_memory_not_equal(&p.m_ProviderId, &puppet_id, sizeof(puppet_id));
        VssFreeSnapshotProperties(&p);
        storage_release(b);
        puppeteer_assert_clean(puppeteer);

        /* Who asks for it is told. */
        b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id), VSS_E_UNEXPECTED_PROVIDER_ERROR);
        assert_non_null(strstr(umbra_last_error(), "the Puppet provider cannot be started"));
        storage_release(b);

        restart_with_programs(all);
}

static void test_that_a_provider_that_dies_harms_nobody(void **state) {
        static const char *const methods[] = {
                "OnLoad",          "IsVolumeSupported", "SetContext",          "BeginPrepareSnapshot",
                "EndPrepareSnapshots", "PreCommitSnapshots", "CommitSnapshots", "PostCommitSnapshots",
                "PreFinalCommitSnapshots", "GetSnapshotProperties", "PostFinalCommitSnapshots",
        };

        for (size_t i = 0; i < 2 * ELEMENTSOF(methods); ++i) {
                IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
                _cleanup_(freep) char *script = NULL;
                HRESULT hr;
                VSS_ID id;

                assert_int_equal(
                        format_to(&script, "%s = %s", methods[i / 2], i % 2 == 0 ? "crash" : "exit"), 0);
                free(calls());
                puppeteer_script(puppeteer, script);
                hr = puppeteer_make(puppeteer, b, puppet_id, &id);
                puppeteer_script(puppeteer, NULL);
                if (hr != VSS_E_UNEXPECTED_PROVIDER_ERROR)
                        fail_msg("%s: 0x%08x %s", script, (unsigned) hr, umbra_last_error());
                storage_release(b);
                (void) world_write(puppeteer->world, 0);
        }
        /* Some of them failed again while they were to be discarded: the next umbrad has it done. */
        world_kill_umbrad(puppeteer->world);
        world_start_umbrad(puppeteer->world);
        puppeteer_assert_clean(puppeteer);
}

static void test_that_a_set_that_fails_is_aborted_by_a_fresh_process(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        _cleanup_(freep) char *afterwards = NULL;
        VSS_ID id;

        free(calls());
        puppeteer_script(puppeteer, "CommitSnapshots = VSS_E_PROVIDER_VETO");
        assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id), VSS_E_PROVIDER_VETO);
        assert_non_null(strstr(umbra_last_error(), "CommitSnapshots() returned VSS_E_PROVIDER_VETO"));
        storage_release(b);
        puppeteer_script(puppeteer, NULL);
        puppeteer_assert_clean(puppeteer);
        afterwards = calls_without_unload();
        assert_non_null(strstr(afterwards, "CommitSnapshots\n"
                                           "CreateVssProvider 11111111-2222-3333-4444-555555555502\n"
                                           "OnLoad -\n"
                                           "SetContext 0xffffffff\n"
                                           "AbortSnapshots\n"
                                           "Query everything\n"));
        assert_null(strstr(afterwards, "DeleteSnapshots"));
        REACHES_RULE(IVssProviderCreateSnapshotSet, "EndPrepareSnapshots", "AbortSnapshots can arrive");
}

static void test_that_a_provider_that_hangs_is_ended(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        HRESULT hr;
        VSS_ID id;

        puppeteer_script(puppeteer, "CommitSnapshots = hang");
        hr = puppeteer_make(puppeteer, b, puppet_id, &id);
        puppeteer_script(puppeteer, NULL);
        assert_true(hr == VSS_E_HOLD_WRITES_TIMEOUT || hr == VSS_E_PROVIDER_VETO);
        (void) world_write(puppeteer->world, 0);
        storage_release(b);
        puppeteer_assert_clean(puppeteer);
        REACHES_RULE(IVssProviderCreateSnapshotSet, "CommitSnapshots", "kernel cancels the hold after 10");
}

static void test_that_nonsense_is_the_provider_s_fault(void **state) {
        static const struct {
                const char *script, *why;
        } cases[] = {
                { "GetSnapshotProperties = lie.device",   "gave no device"             },
                { "GetSnapshotProperties = lie.id",       "speaks of another"          },
                { "GetSnapshotProperties = lie.relative", "no absolute path"           },
                { "GetSnapshotProperties = lie.gone",     "cannot be looked at"        },
                { "GetSnapshotProperties = lie.file",     "is no directory"            },
                { "GetSnapshotProperties = lie.long",     "too long"                   },
                { "GetSnapshotProperties = lie.wide",     "whose name is none"         },
                { "CreateVssProvider = lie",              "gave no object"             },
                { "CreateVssProvider = E_NOINTERFACE",    "which no provider may"      },
                { "faces = set notifications",            "none of the interfaces"     },
                { "faces = software",                     "IVssProviderCreateSnapshotSet" },
                { "GetTraits = E_FAIL",                   "GetTraits() returned"       },
                { "CommitSnapshots = S_FALSE",            "CommitSnapshots() returned" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
                HRESULT hr;
                VSS_ID id;

                puppeteer_script(puppeteer, cases[i].script);
                hr = puppeteer_make(puppeteer, b, puppet_id, &id);
                if (hr != VSS_E_UNEXPECTED_PROVIDER_ERROR || !strstr(umbra_last_error(), cases[i].why))
                        fail_msg("%s: 0x%08x %s", cases[i].script, (unsigned) hr, umbra_last_error());
                storage_release(b);
                puppeteer_script(puppeteer, NULL);
                puppeteer_assert_clean(puppeteer);
        }
}

static void test_that_what_others_can_write_to_is_not_loaded(void **state) {
        _cleanup_(freep) char *open_to_all = path_in(puppeteer->dir, "open.so");
        const struct {
                const char *path, *why;
        } cases[] = {
                { "/nonexistent", "cannot be opened" },
                { "/dev",         "is no file"       },
                { open_to_all,    "chmod go-w"       },
                { "/etc/passwd",  "cannot be loaded" },
                { getenv("LIBVSSAPI"), "does not export CreateVssProvider" },
        };

        write_file(puppeteer->dir, "open.so", "");
        assert_int_equal(chmod(open_to_all, 0666), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
                HRESULT hr;
                VSS_ID id;

                puppeteer_link(puppeteer, cases[i].path);
                hr = puppeteer_make(puppeteer, b, puppet_id, &id);
                if (hr != VSS_E_UNEXPECTED_PROVIDER_ERROR || !strstr(umbra_last_error(), cases[i].why))
                        fail_msg("%s: 0x%08x %s", cases[i].path, (unsigned) hr, umbra_last_error());
                storage_release(b);
        }
        puppeteer_link(puppeteer, NULL);
}

static void test_that_a_provider_says_how_it_copies(void **state) {
        static const struct {
                const char *script;
                LONG attributes; /* that are in the shadow copy's */
        } cases[] = {
                { "traits = plex writes", VSS_VOLSNAP_ATTR_PLEX },
                { "traits = instant",     0                     },
                { "faces = software set", 0                     },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
                VSS_SNAPSHOT_PROP p;
                VSS_ID id;

                puppeteer_script(puppeteer, cases[i].script);
                id = make(b);
                p = storage_properties(id);
                assert_int_equal(p.m_lSnapshotAttributes & VSS_VOLSNAP_ATTR_PLEX, cases[i].attributes);
                VssFreeSnapshotProperties(&p);
                storage_release(b);
                storage_delete(id, VSS_OBJECT_SNAPSHOT);
                puppeteer_script(puppeteer, NULL);
                puppeteer_assert_clean(puppeteer);
        }
}

static void test_that_one_that_wants_to_stay_is_unloaded_all_the_same(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        _cleanup_(freep) char *made = NULL;

        free(calls());
        puppeteer_script(puppeteer, "OnUnload = S_FALSE");
        (void) make(b);
        assert_true(puppeteer_await_call(puppeteer, "Gone\n"));
        made = calls();
        assert_non_null(strstr(made, "OnUnload 0\nOnUnload 1\n"));
        puppeteer_script(puppeteer, NULL);
        storage_release(b);
        puppeteer_assert_clean(puppeteer);
        REACHES_RETURN(IVssProviderNotifications, OnUnload, "S_FALSE");
        REACHES_RULE(IVssProviderNotifications, "OnUnload", "with bForceUnload TRUE");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_provider_is_called_in_the_documented_order),
                cmocka_unit_test(test_that_a_shadow_copy_shows_what_the_provider_made),
                cmocka_unit_test(test_that_providers_of_others_are_asked_first),
                cmocka_unit_test(test_that_one_that_cannot_leaves_it_to_the_next),
                cmocka_unit_test(test_that_one_that_cannot_be_started_is_passed_over),
                cmocka_unit_test(test_that_a_provider_that_dies_harms_nobody),
                cmocka_unit_test(test_that_a_set_that_fails_is_aborted_by_a_fresh_process),
                cmocka_unit_test(test_that_a_provider_that_hangs_is_ended),
                cmocka_unit_test(test_that_nonsense_is_the_provider_s_fault),
                cmocka_unit_test(test_that_what_others_can_write_to_is_not_loaded),
                cmocka_unit_test(test_that_a_provider_says_how_it_copies),
                cmocka_unit_test(test_that_one_that_wants_to_stay_is_unloaded_all_the_same),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
