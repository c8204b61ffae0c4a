/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Disks of an array on another machine: the document says which they are, the array shows them there.
 */

#include <stdlib.h>
#include <string.h>

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

/* The umbrad that makes it, and the array, which both machines have. The other machine has an umbrad of its own. */
typedef struct Transport {
        World *here;
        IVssBackupComponentsEx4 *maker;
        BSTR document;
        VSS_ID id;
} Transport;

static void make(Transport *t, LONG context) {
        t->here = puppeteer->world;
        t->maker = storage_backup(context);
        assert_int_equal(puppeteer_make(puppeteer, t->maker, puppet_id, &t->id), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(t->maker, &t->document), S_OK);

        puppeteer->world = world_new();
        assert_int_equal(puppeteer_register(VSS_PROV_HARDWARE), S_OK);
        free(puppeteer_take_calls(puppeteer));
}

static void back_home(Transport *t) {
        world_assert_clean(puppeteer->world);
        world_free(puppeteer->world);
        puppeteer->world = t->here;
        setenv("UMBRA_SOCKET", t->here->socket, 1);
        SysFreeString(t->document);
        storage_release(t->maker);
}

static HRESULT import(const Transport *t, LONG context) {
        IVssBackupComponentsEx4 *b = storage_object();
        IVssAsync *async = NULL;
        HRESULT hr;

        assert_int_equal(IVssBackupComponentsEx4_InitializeForBackup(b, t->document), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_SetContext(b, context), S_OK);
        hr = IVssBackupComponentsEx4_ImportSnapshots(b, &async);
        if (hr == S_OK)
                hr = storage_end(async);
        storage_release(b);
        return hr;
}

static void test_that_an_array_shows_its_disks_on_another_machine(void **state) {
        _cleanup_(freep) char *calls = NULL, *device = NULL, *again = NULL, *deleted = NULL;
        VSS_SNAPSHOT_PROP p;
        Transport t;

        skip_unless_root();
        make(&t, VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_NO_WRITERS | VSS_VOLSNAP_ATTR_TRANSPORTABLE);
        assert_int_equal(import(&t, VSS_CTX_NAS_ROLLBACK), VSS_S_ASYNC_FINISHED);
        calls = puppeteer_take_calls(puppeteer);
        assert_non_null(strstr(calls, "LocateLuns 1\nFillInLunInfo\n"));
        assert_null(strstr(calls, "GetTargetLuns"));
        REACHES_RULE(IVssHardwareSnapshotProvider, "LocateLuns", "called on import");

        p = storage_properties(t.id);
        assert_int_equal(utf8_from_wide(p.m_pwszSnapshotDeviceObject, &device), 0);
        assert_true(p.m_lSnapshotAttributes & VSS_VOLSNAP_ATTR_IMPORTED);
        VssFreeSnapshotProperties(&p);
        assert_true(storage_is_mounted(device));
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));

        world_kill_umbrad(puppeteer->world);
        world_start_umbrad(puppeteer->world);
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));
        again = puppeteer_take_calls(puppeteer);
        assert_null(strstr(again, "GetTargetLuns"));
        assert_int_equal(import(&t, VSS_CTX_NAS_ROLLBACK), VSS_E_BAD_STATE);

        /* Whoever made it deletes it as well, so the array keeps it until then. */
        puppeteer_script(puppeteer, FACES "OnLunEmpty = lie");
        storage_delete(t.id, VSS_OBJECT_SNAPSHOT);
        deleted = puppeteer_take_calls(puppeteer);
        assert_non_null(strstr(deleted, "OnLunEmpty\n"));
        puppeteer_script(puppeteer, FACES);
        back_home(&t);
        puppeteer_assert_clean(puppeteer);
}

static void test_that_a_disk_that_does_not_come_is_not_imported(void **state) {
        static const char *const scripts[] = { FACES "LocateLuns = VSS_E_PROVIDER_VETO", FACES "FillInLunInfo = lie.another",
                                               FACES "FillInLunInfo = lie.unknown" };
        Transport t;

        skip_unless_root();
        make(&t, VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_NO_WRITERS | VSS_VOLSNAP_ATTR_TRANSPORTABLE);
        for (size_t i = 0; i < ELEMENTSOF(scripts); ++i) {
                puppeteer_script(puppeteer, scripts[i]);
                assert_int_equal(import(&t, VSS_CTX_NAS_ROLLBACK), VSS_E_NO_SNAPSHOTS_IMPORTED);
        }
        puppeteer_script(puppeteer, FACES);
        back_home(&t);
        puppeteer_assert_clean(puppeteer);
}

static void test_that_the_document_must_say_on_which_disk(void **state) {
        Transport t;

        skip_unless_root();
        make(&t, VSS_CTX_FILE_SHARE_BACKUP); /* not transportable */
        assert_int_equal(import(&t, VSS_CTX_NAS_ROLLBACK), VSS_E_NO_SNAPSHOTS_IMPORTED);
        back_home(&t);
        puppeteer_assert_clean(puppeteer);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_an_array_shows_its_disks_on_another_machine),
                cmocka_unit_test(test_that_a_disk_that_does_not_come_is_not_imported),
                cmocka_unit_test(test_that_the_document_must_say_on_which_disk),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
