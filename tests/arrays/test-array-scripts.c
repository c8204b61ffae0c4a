/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Arrays by script: the example of umbra-array-script(7) does all that an array can, and what a script does wrong is
 * said and leaves nothing behind.
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/utf.h"
#include "providers/puppeteer.h"

static Puppeteer *puppeteer; /* without its puppet */
static char *arrays, *store;

static bool can_run(void) {
        return geteuid() == 0 && system("command -v jq losetup > /dev/null") == 0;
}

/* Before each word the script does @trouble, where the word is one of @verbs. */
static void write_script(const char *verbs, const char *trouble) {
        _cleanup_(freep) char *text = NULL, *path = path_in(arrays, GUID_TO_STRING(&puppet_class_id));

        assert_int_equal(format_to(&text,
                                   "#!/bin/sh\necho $1 >> %s/calls\ncase ' %s ' in *\" $1 \"*) %s\nesac\nexec %s/example.sh \"$@\"\n",
                                   arrays, verbs, trouble, arrays),
                         0);
        (void) unlink(path);
        write_file(arrays, GUID_TO_STRING(&puppet_class_id), text);
        assert_int_equal(chmod(path, 0755), 0);
}

static void write_plain_script(void) {
        write_script("nothing", "true");
}

static int setup(void **state) {
        _cleanup_(freep) char *puppet = NULL, *command = NULL;

        arrays = temp_dir_new();
        store = path_in(arrays, "store");
        setenv("UMBRA_ARRAYDIR", arrays, 1);
        assert_int_equal(format_to(&command, "sed 's|^STORE=.*|STORE=%s|' '%s' > %s/example.sh && chmod 755 %s/example.sh",
                                   store, getenv("ARRAY_SCRIPT"), arrays, arrays),
                         0);
        assert_int_equal(system(command), 0);
        write_plain_script();

        puppeteer = puppeteer_new(VSS_PROV_HARDWARE);
        assert_int_equal(format_to(&puppet, "%s/%s.so", puppeteer->providers, GUID_TO_STRING(&puppet_class_id)), 0);
        assert_int_equal(unlink(puppet), 0);
        return 0;
}

static int teardown(void **state) {
        puppeteer = puppeteer_free(puppeteer);
        free(store);
        temp_dir_free(arrays);
        return 0;
}

static bool store_is_empty(void *arg) {
        return rmdir(store) == 0 || access(store, F_OK) < 0;
}

static void assert_clean(void) {
        _cleanup_(freep) char *command = NULL;

        world_assert_clean(puppeteer->world);
        assert_true(eventually(store_is_empty, NULL, TEST_PATIENCE_USEC));
        assert_int_equal(format_to(&command, "! losetup --list --noheadings --output BACK-FILE | grep '%s/'", arrays), 0);
        assert_int_equal(system(command), 0);
}

static VSS_ID make_in(IVssBackupComponentsEx4 *b) {
        VSS_ID id;
        HRESULT hr = puppeteer_make(puppeteer, b, puppet_id, &id);

        if (hr != VSS_S_ASYNC_FINISHED)
                fail_msg("0x%08x %s", (unsigned) hr, umbra_last_error());
        return id;
}

static char *device_of(VSS_ID id) {
        VSS_SNAPSHOT_PROP p = storage_properties(id);
        char *device = NULL;

        assert_int_equal(utf8_from_wide(p.m_pwszSnapshotDeviceObject, &device), 0);
        VssFreeSnapshotProperties(&p);
        return device;
}

static HRESULT recover(BSTR document, VSS_ID id) {
        IVssBackupComponentsEx4 *b = storage_object();
        IVssAsync *async = NULL;
        HRESULT hr;

        assert_int_equal(IVssBackupComponentsEx4_InitializeForRestore(b, document), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_AddSnapshotToRecoverySet(b, id, 0, NULL), S_OK);
        hr = IVssBackupComponentsEx4_RecoverSet(b, 0, &async);
        if (hr == S_OK)
                hr = storage_end(async);
        storage_release(b);
        return hr == VSS_S_ASYNC_FINISHED ? S_OK : hr;
}

static bool is_shown_again(void *device) {
        return storage_is_mounted(device) && storage_reads(device, "data/file", "the one thing to save\n");
}

static void test_that_an_array_is_a_script(void **state) {
        static const char once[] = "on-load\nare-luns-supported\nbegin-prepare\nend-prepare\npre-commit\ncommit\n"
                                   "post-commit\npre-final-commit\nget-target-luns\nlocate-luns\nfill-in-lun-info\n"
                                   "post-final-commit\n";
        IVssBackupComponentsEx4 *b;
        _cleanup_(freep) char *device = NULL, *calls = NULL, *command = NULL, *calls_path = NULL;
        BSTR document = NULL;
        VSS_ID id;

        if (!can_run())
                skip();
        calls_path = path_in(arrays, "calls");
        (void) unlink(calls_path);
        b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        id = make_in(b);
        calls = read_file(arrays, "calls");
        if (strncmp(calls, once, strlen(once)) != 0)
                fail_msg("%s", calls);
        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(b, &document), S_OK);
        storage_release(b);

        write_file(puppeteer->world->volume, "data/file", "changed since\n");
        device = device_of(id);
        assert_true(storage_is_mounted(device));
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));

        /* The machine was off: the array shows the disk again. */
        world_kill_umbrad(puppeteer->world);
        assert_int_equal(format_to(&command, "umount '%s' && losetup --detach $(losetup --list --noheadings --output "
                                             "NAME,BACK-FILE | grep '%s/' | cut -d' ' -f1)",
                                   device, store),
                         0);
        assert_int_equal(system(command), 0);
        world_start_umbrad(puppeteer->world);
        assert_true(eventually(is_shown_again, device, TEST_PATIENCE_USEC));

        assert_int_equal(recover(document, id), S_OK);
        assert_true(storage_reads(puppeteer->world->volume, "data/file", "the one thing to save\n"));
        SysFreeString(document);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        assert_clean();
}

static void test_that_what_a_script_does_wrong_is_said_and_leaves_nothing(void **state) {
        static const struct {
                const char *verb, *trouble;
                HRESULT hr;
                const char *why;
        } cases[] = {
                { "on-load", "echo the controller does not answer >&2; exit 1", VSS_E_PROVIDER_VETO,
                  "on-load' ended with 1: the controller does not answer" },
                { "are-luns-supported", "exit 3", VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER, "it says that it cannot" },
                { "are-luns-supported", "kill -SEGV $$", VSS_E_UNEXPECTED_PROVIDER_ERROR, "signal 11" },
                { "begin-prepare", "exit 3", VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER, "does not do 'begin-prepare'" },
                { "begin-prepare", "exit 5", VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED, "ended with 5" },
                { "end-prepare", "echo the pool is full >&2; exit 4", VSS_E_INSUFFICIENT_STORAGE, "the pool is full" },
                { "pre-commit", "sleep 1000 & echo $! > $0.pid; wait", VSS_E_PROVIDER_VETO, "had not ended after 8.0 s" },
                { "commit", "exit 3", VSS_E_PROVIDER_VETO, "does not do 'commit'" },
                { "commit", "kill -KILL $$", VSS_E_UNEXPECTED_PROVIDER_ERROR, "signal 9" },
                { "post-commit", "exit 6", VSS_E_OBJECT_NOT_FOUND, "it did not say why" },
                { "get-target-luns", "echo hello; exit 0", VSS_E_UNEXPECTED_PROVIDER_ERROR, "did not write JSON" },
                { "get-target-luns", "exit 0", VSS_E_UNEXPECTED_PROVIDER_ERROR, "did not write JSON" },
                { "get-target-luns", "echo '[]'; exit 0", VSS_E_UNEXPECTED_PROVIDER_ERROR, "no object" },
                { "get-target-luns", "echo '{\"luns\": []}'; exit 0", VSS_E_UNEXPECTED_PROVIDER_ERROR, "0 LUNs instead of 1" },
                { "get-target-luns", "echo '{\"luns\": [{\"serial\": 7}]}'; exit 0", VSS_E_UNEXPECTED_PROVIDER_ERROR,
                  "without a serial number" },
                { "get-target-luns", "head -c 100000000 /dev/zero; exit 0", VSS_E_UNEXPECTED_PROVIDER_ERROR,
                  "more than 65536 bytes" },
                { "locate-luns", "echo 'no\tpath' >&2; exit 1", VSS_E_PROVIDER_VETO, "no?path" },
                { "fill-in-lun-info", "exit 3", VSS_E_UNEXPECTED_PROVIDER_ERROR, "does not know the disk" },
                { "post-final-commit", "exit 1", VSS_E_PROVIDER_VETO, "ended with 1" },
        };

        if (!can_run())
                skip();
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
                HRESULT hr;
                VSS_ID id;

                write_script(cases[i].verb, cases[i].trouble);
                hr = puppeteer_make(puppeteer, b, puppet_id, &id);
                if (hr != cases[i].hr || !strstr(umbra_last_error(), cases[i].why))
                        fail_msg("%s, %s: 0x%08x %s", cases[i].verb, cases[i].trouble, (unsigned) hr, umbra_last_error());
                write_plain_script();
                storage_release(b);
                assert_clean();
        }
}

static bool is_gone(void *pid) {
        return kill(*(pid_t *) pid, 0) < 0;
}

/* Of the case above that was late. */
static void test_that_what_a_late_script_has_started_is_ended(void **state) {
        _cleanup_(freep) char *name = NULL, *text = NULL;
        pid_t child;

        if (!can_run())
                skip();
        assert_int_equal(format_to(&name, "%s.pid", GUID_TO_STRING(&puppet_class_id)), 0);
        text = read_file(arrays, name);
        assert_non_null(text);
        child = atoi(text);
        assert_true(child > 1);
        assert_true(eventually(is_gone, &child, TEST_PATIENCE_USEC));
}

/* In the folder of the scripts, where the script is $SCRIPT. */
static void run_there(const char *command) {
        _cleanup_(freep) char *whole = NULL;

        assert_int_equal(setenv("SCRIPT", GUID_TO_STRING(&puppet_class_id), true), 0);
        assert_int_equal(format_to(&whole, "cd $UMBRA_ARRAYDIR && %s", command), 0);
        assert_int_equal(system(whole), 0);
}

static void test_that_a_script_that_anybody_could_change_is_not_run(void **state) {
        static const struct {
                const char *done, *undone, *why;
        } cases[] = {
                { "chmod 0777 $SCRIPT",                       "chmod 0755 $SCRIPT",                   "written to by others" },
                { "chmod 0775 $SCRIPT",                       "chmod 0755 $SCRIPT",                   "written to by others" },
                { "chown 1:0 $SCRIPT",                        "chown 0:0 $SCRIPT",                    "written to by others" },
                { "chmod 0777 .",                             "chmod 0700 .",                         "written to by others" },
                { "chmod 0644 $SCRIPT",                       "chmod 0755 $SCRIPT",                   "cannot be executed"   },
                { "mv $SCRIPT aside",                         "mv aside $SCRIPT",                     "there is neither"     },
                { "mv $SCRIPT aside && ln -s nowhere $SCRIPT", "mv aside $SCRIPT",                    "cannot be found"      },
                { "mv $SCRIPT aside && mkdir $SCRIPT",        "rmdir $SCRIPT && mv aside $SCRIPT",    "is no file"           },
        };

        if (!can_run())
                skip();
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
                HRESULT hr;
                VSS_ID id;

                run_there(cases[i].done);
                hr = puppeteer_make(puppeteer, b, puppet_id, &id);
                if (hr != VSS_E_UNEXPECTED_PROVIDER_ERROR || !strstr(umbra_last_error(), cases[i].why))
                        fail_msg("%s: 0x%08x %s", cases[i].done, (unsigned) hr, umbra_last_error());
                run_there(cases[i].undone);
                storage_release(b);
                assert_clean();
        }
}

static void test_that_a_copy_stays_until_its_script_is_there_again(void **state) {
        IVssBackupComponentsEx4 *b;
        VSS_ID id, nondeleted;
        LONG n = 0;

        if (!can_run())
                skip();
        b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        id = make_in(b);
        storage_release(b);
        write_script("on-lun-empty", "exit 1");
        b = storage_backup((LONG) VSS_CTX_ALL);
        assert_int_equal(IVssBackupComponentsEx4_DeleteSnapshots(b, id, VSS_OBJECT_SNAPSHOT, TRUE, &n, &nondeleted),
                         VSS_E_PROVIDER_VETO);
        storage_release(b);
        assert_false(store_is_empty(NULL));
        write_plain_script();
        assert_clean();
}

static bool was_aborted_again(void *arg) {
        _cleanup_(freep) char *calls = read_file(arrays, "calls");
        unsigned n = 0;

        for (const char *at = calls; (at = strstr(at, "abort\n")); ++at)
                ++n;
        return n > 1;
}

/* Before its disk is known there is nothing else that would take it back. */
static void test_that_a_set_is_aborted_until_its_script_does_it(void **state) {
        if (!can_run())
                skip();
        for (int restarted = 0; restarted <= 1; ++restarted) {
                IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
                _cleanup_(freep) char *calls = path_in(arrays, "calls");
                VSS_SNAPSHOT_PROP p;
                VSS_ID id;

                write_script("post-commit abort", "echo the controller is away >&2; exit 1");
                (void) unlink(calls);
                assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id), VSS_E_PROVIDER_VETO);
                assert_non_null(strstr(umbra_last_error(), "post-commit' ended with 1: the controller is away"));
                assert_true(eventually(was_aborted_again, NULL, TEST_PATIENCE_USEC));
                assert_false(store_is_empty(NULL));
                assert_int_equal(IVssBackupComponentsEx4_GetSnapshotProperties(b, id, &p), VSS_E_OBJECT_NOT_FOUND);
                if (restarted)
                        world_kill_umbrad(puppeteer->world);
                write_plain_script();
                if (restarted)
                        world_start_umbrad(puppeteer->world);
                storage_release(b);
                assert_clean();
        }
}

/* What the array does not know cannot be taken back. */
static void test_that_a_set_that_the_array_does_not_know_is_aborted(void **state) {
        IVssBackupComponentsEx4 *b;
        VSS_ID id;

        if (!can_run())
                skip();
        b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        write_script("pre-commit abort", "rm -rf \"${0%/*}/store\"; exit 6");
        assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id), VSS_E_OBJECT_NOT_FOUND);
        storage_release(b);
        assert_clean();
        write_plain_script();
}

static void test_that_a_copy_that_was_deleted_in_the_array_is_forgotten(void **state) {
        _cleanup_(freep) char *device = NULL, *command = NULL;
        IVssBackupComponentsEx4 *b;
        VSS_ID id;

        if (!can_run())
                skip();
        b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        id = make_in(b);
        storage_release(b);
        device = device_of(id);
        assert_int_equal(format_to(&command, "umount '%s' && losetup --detach $(losetup --list --noheadings --output "
                                             "NAME,BACK-FILE | grep '%s/' | cut -d' ' -f1) && rm -r '%s'",
                                   device, store, store),
                         0);
        assert_int_equal(system(command), 0);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        assert_clean();
}

static void test_that_an_array_that_does_not_answer_keeps_nobody_from_asking(void **state) {
        BOOL present = TRUE;
        LONG bits;

        if (!can_run())
                skip();
        write_script("on-load", "exit 1");
        assert_int_equal(IsVolumeSnapshotted(wide(puppeteer->world->volume), &present, &bits), S_OK);
        assert_false(present);
        write_plain_script();
}

static void test_that_copying_back_that_fails_brings_the_volume_back(void **state) {
        static const struct {
                const char *trouble;
                HRESULT hr;
                const char *why;
        } cases[] = {
                { "exit 3",                                VSS_E_PROVIDER_VETO,             "does not do 'resync-luns'" },
                { "echo the disk is too small >&2; exit 4", VSS_E_INSUFFICIENT_STORAGE,      "the disk is too small"     },
                { "kill -ABRT $$",                         VSS_E_UNEXPECTED_PROVIDER_ERROR, "signal 6"                  },
        };
        IVssBackupComponentsEx4 *b;
        BSTR document = NULL;
        VSS_ID id;

        if (!can_run())
                skip();
        b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        id = make_in(b);
        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(b, &document), S_OK);
        storage_release(b);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr;

                write_script("resync-luns", cases[i].trouble);
                hr = recover(document, id);
                if (hr != cases[i].hr || !strstr(umbra_last_error(), cases[i].why))
                        fail_msg("%s: 0x%08x %s", cases[i].trouble, (unsigned) hr, umbra_last_error());
                assert_true(storage_is_mounted(puppeteer->world->volume));
        }
        write_plain_script();
        SysFreeString(document);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        assert_clean();
}

static void test_that_a_script_may_hide_what_is_broken_off(void **state) {
        _cleanup_(freep) char *command = NULL;
        IVssBackupComponentsEx4 *b;
        VSS_ID id;

        if (!can_run())
                skip();
        b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        id = make_in(b);
        storage_release(b);
        write_script("on-lun-state-change", "exit 3");
        assert_int_equal(storage_break(id, VSS_BREAKEX_FLAG_MASK_LUNS), VSS_E_PROVIDER_VETO);
        assert_non_null(strstr(umbra_last_error(), "cannot hide a LUN"));
        write_plain_script();
        assert_int_equal(storage_break(id, VSS_BREAKEX_FLAG_MASK_LUNS), S_OK);

        /* It is the administrator's now. */
        assert_false(store_is_empty(NULL));
        assert_int_equal(format_to(&command, "rm -r '%s'", store), 0);
        assert_int_equal(system(command), 0);
        assert_clean();
}

static void test_that_a_copy_by_script_comes_to_another_machine(void **state) {
        World *here = puppeteer->world;
        _cleanup_(freep) char *device = NULL;
        IVssBackupComponentsEx4 *maker, *b;
        IVssAsync *async = NULL;
        BSTR document = NULL;
        VSS_ID id;

        if (!can_run())
                skip();
        write_file(here->volume, "data/file", "the one thing to save\n");
        maker = storage_backup(VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_NO_WRITERS | VSS_VOLSNAP_ATTR_TRANSPORTABLE);
        id = make_in(maker);
        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(maker, &document), S_OK);

        puppeteer->world = world_new();
        assert_int_equal(puppeteer_register(VSS_PROV_HARDWARE), S_OK);
        b = storage_object();
        assert_int_equal(IVssBackupComponentsEx4_InitializeForBackup(b, document), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_SetContext(b, VSS_CTX_NAS_ROLLBACK), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_ImportSnapshots(b, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        storage_release(b);
        SysFreeString(document);
        device = device_of(id);
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));
        storage_delete(id, VSS_OBJECT_SNAPSHOT); /* the array has one machine, and empties the disk for both */
        world_assert_clean(puppeteer->world);

        world_free(puppeteer->world);
        puppeteer->world = here;
        setenv("UMBRA_SOCKET", here->socket, 1);
        storage_release(maker);
        world_assert_clean(here);
        assert_true(eventually(store_is_empty, NULL, TEST_PATIENCE_USEC));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_an_array_is_a_script),
                cmocka_unit_test(test_that_what_a_script_does_wrong_is_said_and_leaves_nothing),
                cmocka_unit_test(test_that_what_a_late_script_has_started_is_ended),
                cmocka_unit_test(test_that_a_script_that_anybody_could_change_is_not_run),
                cmocka_unit_test(test_that_a_copy_stays_until_its_script_is_there_again),
                cmocka_unit_test(test_that_a_set_is_aborted_until_its_script_does_it),
                cmocka_unit_test(test_that_a_set_that_the_array_does_not_know_is_aborted),
                cmocka_unit_test(test_that_a_copy_that_was_deleted_in_the_array_is_forgotten),
                cmocka_unit_test(test_that_an_array_that_does_not_answer_keeps_nobody_from_asking),
                cmocka_unit_test(test_that_copying_back_that_fails_brings_the_volume_back),
                cmocka_unit_test(test_that_a_script_may_hide_what_is_broken_off),
                cmocka_unit_test(test_that_a_copy_by_script_comes_to_another_machine),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
