/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The providers of docs/write-a-provider.md: they are built as the text says, and do what it says.
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
        _cleanup_(freep) char *store = NULL;

        puppeteer = puppeteer_new(VSS_PROV_SOFTWARE);
        store = path_in(puppeteer->dir, "store");
        setenv("TINYPROVIDER", store, 1);
        setenv("REFLINK_PROVIDER", store, 1);
        world_kill_umbrad(puppeteer->world); /* so that its workers have these, too */
        world_start_umbrad(puppeteer->world);
        return 0;
}

static int teardown(void **state) {
        puppeteer = puppeteer_free(puppeteer);
        return 0;
}

static void test_that_the_examples_make_shadow_copies(void **state) {
        const char *const examples[] = { getenv("TINYPROVIDER_SO"), getenv("REFLINK_PROVIDER_SO") };

        skip_unless_root(); /* the first wants a volume that is not where it keeps its copies */
        for (size_t i = 0; i < ELEMENTSOF(examples); ++i) {
                IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
                _cleanup_(freep) char *device = NULL;
                VSS_SNAPSHOT_PROP p;
                BOOL present = FALSE;
                LONG bits;
                HRESULT hr;
                VSS_ID id;

                puppeteer_link(puppeteer, examples[i]);
                hr = puppeteer_make(puppeteer, b, puppet_id, &id);
                if (hr != VSS_S_ASYNC_FINISHED)
                        fail_msg("%s: 0x%08x %s", examples[i], (unsigned) hr, umbra_last_error());
                storage_release(b);
                write_file(puppeteer->world->volume, "data/file", "changed since\n");

                world_kill_umbrad(puppeteer->world);
                world_start_umbrad(puppeteer->world);
                p = storage_properties(id);
                assert_int_equal(utf8_from_wide(p.m_pwszSnapshotDeviceObject, &device), 0);
                assert_true(storage_reads(device, "data/file", "the one thing to save\n"));
                VssFreeSnapshotProperties(&p);
                assert_int_equal(IsVolumeSnapshotted(wide(puppeteer->world->volume), &present, &bits), S_OK);
                assert_true(present);

                storage_delete(id, VSS_OBJECT_SNAPSHOT);
                puppeteer_assert_clean(puppeteer);
                write_file(puppeteer->world->volume, "data/file", "the one thing to save\n");
        }
}

static void test_that_the_examples_take_back_what_failed(void **state) {
        const char *const examples[] = { getenv("TINYPROVIDER_SO"), getenv("REFLINK_PROVIDER_SO") };
        _cleanup_(freep) char *broken = path_in(puppeteer->dir, "bin"), *cp = NULL, *path = NULL, *old = NULL;

        skip_unless_root();
        /* A cp that fails, for the shell of the one and the fork of the other. */
        write_file(puppeteer->dir, "bin/cp", "#!/bin/sh\nexit 1\n");
        cp = path_in(broken, "cp");
        assert_int_equal(chmod(cp, 0755), 0);
        assert_int_equal(strdup_to(getenv("PATH"), &old), 0);
        assert_int_equal(format_to(&path, "%s:%s", broken, old), 0);
        world_kill_umbrad(puppeteer->world);
        setenv("PATH", path, 1);
        world_start_umbrad(puppeteer->world);
        for (size_t i = 0; i < ELEMENTSOF(examples); ++i) {
                IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
                VSS_ID id;

                puppeteer_link(puppeteer, examples[i]);
                assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id), VSS_E_PROVIDER_VETO);
                storage_release(b);
                puppeteer_assert_clean(puppeteer);
        }
        setenv("PATH", old, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_the_examples_make_shadow_copies),
                cmocka_unit_test(test_that_the_examples_take_back_what_failed),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
