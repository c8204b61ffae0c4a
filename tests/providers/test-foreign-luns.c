/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Providers of hardware: the volume is on a disk, the array copies disks, and umbra shows what is on the copy.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/utf.h"
#include "providers/puppeteer.h"

#define FACES "faces = hardware ex set notifications\n"

static Puppeteer *puppeteer;

static int setup(void **state) {
        puppeteer = puppeteer_new(VSS_PROV_HARDWARE);
        puppeteer_script(puppeteer, FACES);
        return 0;
}

static int teardown(void **state) {
        puppeteer = puppeteer_free(puppeteer);
        return 0;
}

static void tell(const char *what) {
        _cleanup_(freep) char *script = NULL;

        assert_int_equal(format_to(&script, FACES "%s", what), 0);
        puppeteer_script(puppeteer, script);
}

static void tell_nothing(void) {
        puppeteer_script(puppeteer, FACES);
        puppeteer_assert_clean(puppeteer);
}

static VSS_ID make(void) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        HRESULT hr;
        VSS_ID id;

        hr = puppeteer_make(puppeteer, b, puppet_id, &id);
        if (hr != VSS_S_ASYNC_FINISHED)
                fail_msg("0x%08x %s", (unsigned) hr, umbra_last_error());
        storage_release(b);
        return id;
}

static void assert_order(const char *text, const char *const *steps, size_t n) {
        for (size_t i = 0; i < n; ++i) {
                text = strstr(text, steps[i]);
                if (!text)
                        fail_msg("'%s' does not come, or comes too early", steps[i]);
                text += strlen(steps[i]);
        }
}

static void test_that_a_disk_array_makes_shadow_copies(void **state) {
        static const char *const steps[] = {
                "AreLunsSupported 1 ", "BeginPrepareSnapshot 1 ", "EndPrepareSnapshots",   "PreCommitSnapshots",
                "CommitSnapshots",     "PostCommitSnapshots 1",   "PreFinalCommitSnapshots", "GetTargetLuns 1",
                "LocateLuns 1",        "FillInLunInfo",           "PostFinalCommitSnapshots",
        };
        _cleanup_(freep) char *calls = NULL, *device = NULL, *deleted = NULL;
        VSS_SNAPSHOT_PROP p;
        VSS_ID id;

        skip_unless_root();
        free(puppeteer_take_calls(puppeteer));
        id = make();
        calls = puppeteer_take_calls(puppeteer);
        assert_order(calls, steps, ELEMENTSOF(steps));
        REACHES_RULE(IVssHardwareSnapshotProvider, "AreLunsSupported", "once per volume added");
        REACHES_RULE(IVssHardwareSnapshotProvider, "BeginPrepareSnapshot", "once per shadow copy added");
        REACHES_RULE(IVssHardwareSnapshotProvider, "GetTargetLuns", "after PostCommitSnapshots");
        REACHES_RULE(IVssHardwareSnapshotProvider, "FillInLunInfo", "after LocateLuns or before OnLunEmpty");

        write_file(puppeteer->world->volume, "data/file", "changed since\n");
        p = storage_properties(id);
        assert_int_equal(utf8_from_wide(p.m_pwszSnapshotDeviceObject, &device), 0);
        VssFreeSnapshotProperties(&p);
        assert_true(storage_is_mounted(device));
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));
        write_file(puppeteer->world->volume, "data/file", "the one thing to save\n");

        world_kill_umbrad(puppeteer->world);
        world_start_umbrad(puppeteer->world);
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));
        free(puppeteer_take_calls(puppeteer));
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        deleted = puppeteer_take_calls(puppeteer);
        assert_non_null(strstr(deleted, "FillInLunInfo\nOnLunEmpty\n"));
        REACHES_RULE(IVssHardwareSnapshotProvider, "OnLunEmpty", "only here may a provider delete");
        REACHES_RULE(IVssHardwareSnapshotProvider, "OnLunEmpty", "persistent: when the requester deletes");
        puppeteer_assert_clean(puppeteer);
}

static HRESULT try_making(const char *script) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        HRESULT hr;
        VSS_ID id;

        tell(script);
        hr = puppeteer_make(puppeteer, b, puppet_id, &id);
        puppeteer_script(puppeteer, FACES);
        storage_release(b);
        puppeteer_assert_clean(puppeteer);
        return hr == VSS_S_ASYNC_FINISHED ? S_OK : hr;
}

static void test_that_each_documented_result_of_an_array_has_its_consequence(void **state) {
        static const struct {
                const char *method, *symbol;
                HRESULT hr, expected;
        } cases[] = {
                { "AreLunsSupported",     "S_OK",                                    S_OK, S_OK },
                { "AreLunsSupported",     "E_OUTOFMEMORY",                           E_OUTOFMEMORY, E_OUTOFMEMORY },
                { "AreLunsSupported",     "E_INVALIDARG",                            E_INVALIDARG, E_INVALIDARG },
                { "AreLunsSupported",     "VSS_E_PROVIDER_VETO",                     VSS_E_PROVIDER_VETO, VSS_E_PROVIDER_VETO },
                { "FillInLunInfo",        "S_OK",                                    S_OK, S_OK },
                { "FillInLunInfo",        "E_OUTOFMEMORY",                           E_OUTOFMEMORY, S_OK }, /* is ignored */
                { "FillInLunInfo",        "E_INVALIDARG",                            E_INVALIDARG, S_OK },
                { "FillInLunInfo",        "VSS_E_PROVIDER_VETO",                     VSS_E_PROVIDER_VETO, S_OK },
                { "BeginPrepareSnapshot", "S_OK",                                    S_OK, S_OK },
                { "BeginPrepareSnapshot", "E_OUTOFMEMORY",                           E_OUTOFMEMORY, E_OUTOFMEMORY },
                { "BeginPrepareSnapshot", "E_INVALIDARG",                            E_INVALIDARG, E_INVALIDARG },
                { "BeginPrepareSnapshot", "VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED", VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED,
                  VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED },
                { "BeginPrepareSnapshot", "VSS_E_NESTED_VOLUME_LIMIT",               VSS_E_NESTED_VOLUME_LIMIT,
                  VSS_E_NESTED_VOLUME_LIMIT },
                { "BeginPrepareSnapshot", "VSS_E_PROVIDER_VETO",                     VSS_E_PROVIDER_VETO, VSS_E_PROVIDER_VETO },
                { "BeginPrepareSnapshot", "VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER",  VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER,
                  VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER },
                { "BeginPrepareSnapshot", "VSS_E_UNSUPPORTED_CONTEXT",               VSS_E_UNSUPPORTED_CONTEXT,
                  VSS_E_UNSUPPORTED_CONTEXT },
                { "GetTargetLuns",        "S_OK",                                    S_OK, S_OK },
                { "GetTargetLuns",        "E_OUTOFMEMORY",                           E_OUTOFMEMORY, E_OUTOFMEMORY },
                { "GetTargetLuns",        "E_INVALIDARG",                            E_INVALIDARG, E_INVALIDARG },
                { "GetTargetLuns",        "VSS_E_PROVIDER_VETO",                     VSS_E_PROVIDER_VETO, VSS_E_PROVIDER_VETO },
        };

        skip_unless_root();
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *script = NULL;
                HRESULT hr;

                assert_int_equal(format_to(&script, "%s = 0x%08x", cases[i].method, (unsigned) cases[i].hr), 0);
                hr = try_making(script);
                if (hr != cases[i].expected)
                        fail_msg("%s %s: 0x%08x %s", cases[i].method, cases[i].symbol, (unsigned) hr,
                                 umbra_last_error());
                reference_reach_return("IVssHardwareSnapshotProvider", cases[i].method, cases[i].symbol);
        }
        REACHES_RETURN(IVssHardwareSnapshotProvider, FillInLunInfo, "ignored");
        /* Those that failed in it are followed by others. */
        REACHES_RULE(IVssHardwareSnapshotProvider, "BeginPrepareSnapshot", "an out-of-sequence call starts a new set");
}

/* LUNs that exist by now are emptied when their set fails, too; LocateLuns() comes once more for that in vain. */
static void test_that_an_array_that_does_not_show_its_disks_is_found_out(void **state) {
        static const struct {
                const char *symbol;
                HRESULT hr;
        } cases[] = {
                { "E_OUTOFMEMORY",       E_OUTOFMEMORY       },
                { "E_INVALIDARG",        E_INVALIDARG        },
                { "VSS_E_PROVIDER_VETO", VSS_E_PROVIDER_VETO },
        };

        skip_unless_root();
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *script = NULL;

                assert_int_equal(format_to(&script, "LocateLuns = 0x%08x", (unsigned) cases[i].hr), 0);
                assert_int_equal(try_making(script), cases[i].hr);
                reference_reach_return("IVssHardwareSnapshotProvider", "LocateLuns", cases[i].symbol);
        }
        assert_int_equal(try_making("LocateLuns = S_OK\nPreCommitSnapshots = E_FAIL"), VSS_E_UNEXPECTED_PROVIDER_ERROR);
        assert_int_equal(try_making(""), S_OK);
        REACHES_RETURN(IVssHardwareSnapshotProvider, LocateLuns, "S_OK");
}

static void test_that_a_lun_that_cannot_be_emptied_is_asked_for_again(void **state) {
        static const struct {
                const char *symbol;
                HRESULT hr;
        } cases[] = {
                { "S_OK",                S_OK                },
                { "E_OUTOFMEMORY",       E_OUTOFMEMORY       },
                { "E_INVALIDARG",        E_INVALIDARG        },
                { "VSS_E_PROVIDER_VETO", VSS_E_PROVIDER_VETO },
        };

        skip_unless_root();
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
                _cleanup_(freep) char *script = NULL;
                VSS_ID id = make(), nondeleted;
                LONG n = 0;

                if (cases[i].hr != S_OK) {
                        assert_int_equal(format_to(&script, "OnLunEmpty = 0x%08x", (unsigned) cases[i].hr), 0);
                        tell(script);
                }
                assert_int_equal(IVssBackupComponentsEx4_DeleteSnapshots(b, id, VSS_OBJECT_SNAPSHOT, TRUE, &n, &nondeleted),
                                 cases[i].hr);
                reference_reach_return("IVssHardwareSnapshotProvider", "OnLunEmpty", cases[i].symbol);
                storage_release(b);
                puppeteer_script(puppeteer, FACES);
                puppeteer_assert_clean(puppeteer); /* by the umbrad that was told no */
        }
}

static void test_that_an_array_hears_what_becomes_of_a_broken_lun(void **state) {
        static const struct {
                const char *symbol;
                HRESULT hr;
        } cases[] = {
                { "E_OUTOFMEMORY",       E_OUTOFMEMORY       },
                { "E_INVALIDARG",        E_INVALIDARG        },
                { "VSS_E_PROVIDER_VETO", VSS_E_PROVIDER_VETO },
        };
        _cleanup_(freep) char *calls = NULL, *device = NULL, *name = NULL;
        VSS_SNAPSHOT_PROP p;
        VSS_ID id;

        skip_unless_root();
        id = make();
        p = storage_properties(id);
        assert_int_equal(utf8_from_wide(p.m_pwszSnapshotDeviceObject, &device), 0);
        VssFreeSnapshotProperties(&p);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *script = NULL;

                assert_int_equal(format_to(&script, "OnLunStateChange = 0x%08x", (unsigned) cases[i].hr), 0);
                tell(script);
                assert_int_equal(storage_break(id, 0), cases[i].hr);
                reference_reach_return("IVssHardwareSnapshotProviderEx", "OnLunStateChange", cases[i].symbol);
        }
        puppeteer_script(puppeteer, "faces = hardware set notifications\n"); /* without Ex */
        assert_int_equal(storage_break(id, 0), VSS_E_PROVIDER_VETO);
        puppeteer_script(puppeteer, FACES);

        free(puppeteer_take_calls(puppeteer));
        assert_int_equal(storage_break(id, VSS_BREAKEX_FLAG_MAKE_READ_WRITE), S_OK);
        calls = puppeteer_take_calls(puppeteer);
        assert_non_null(strstr(calls, "OnLunStateChange 1 0x100\n"));
        REACHES_RETURN(IVssHardwareSnapshotProviderEx, OnLunStateChange, "S_OK");
        write_file(device, "data/file", "the administrator's now\n");
        assert_true(storage_reads(device, "data/file", "the administrator's now\n"));

        /* It is the administrator's to clean up. */
        assert_int_equal(umount2(device, 0), 0);
        assert_int_equal(rmdir(device), 0);
        assert_int_equal(system("for l in $(losetup -n -O NAME,BACK-FILE | grep $UMBRA_PUPPET/store | cut -d' ' -f1); do "
                                "losetup -d $l; done; rm -rf $UMBRA_PUPPET/store"), 0);

        id = make();
        free(puppeteer_take_calls(puppeteer));
        assert_int_equal(storage_break(id, VSS_BREAKEX_FLAG_MASK_LUNS), S_OK);
        name = puppeteer_take_calls(puppeteer);
        assert_non_null(strstr(name, "OnLunStateChange 1 0x800\n"));
        REACHES_RULE(IVssHardwareSnapshotProviderEx, "OnLunStateChange", "only DO_MASK_LUNS requires action");
        assert_int_equal(system("for l in $(losetup -n -O NAME,BACK-FILE | grep $UMBRA_PUPPET/store | cut -d' ' -f1); do "
                                "losetup -d $l; done; rm -rf $UMBRA_PUPPET/store"), 0);
        puppeteer_assert_clean(puppeteer);
}

static void test_that_disks_are_what_the_provider_said(void **state) {
        static const char *const lies[] = {
                "GetTargetLuns = lie.serial", "GetTargetLuns = lie.version",  "GetTargetLuns = lie.signature",
                "FillInLunInfo = lie.another", "FillInLunInfo = lie.unknown", "GetTargetLuns = crash",
        };

        skip_unless_root();
        for (size_t i = 0; i < ELEMENTSOF(lies); ++i) {
                HRESULT hr = try_making(lies[i]);

                if (hr != VSS_E_UNEXPECTED_PROVIDER_ERROR)
                        fail_msg("%s: 0x%08x %s", lies[i], (unsigned) hr, umbra_last_error());
        }
        assert_int_equal(try_making("AreLunsSupported = lie.no"), VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER);
        REACHES_RULE(IVssHardwareSnapshotProvider, "AreLunsSupported", "all or nothing");
        tell_nothing();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_disk_array_makes_shadow_copies),
                cmocka_unit_test(test_that_each_documented_result_of_an_array_has_its_consequence),
                cmocka_unit_test(test_that_an_array_that_does_not_show_its_disks_is_found_out),
                cmocka_unit_test(test_that_a_lun_that_cannot_be_emptied_is_asked_for_again),
                cmocka_unit_test(test_that_an_array_hears_what_becomes_of_a_broken_lun),
                cmocka_unit_test(test_that_disks_are_what_the_provider_said),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
