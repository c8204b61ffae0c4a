/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where it ends: too many shadow copies of a volume, and file systems that are not written out or cannot
 * be held any longer. The limits are the real ones, so two of these wait for ten seconds.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/storage/storage.h"
#include "base/alloc.h"
#include "base/guid.h"
#include "catalog/catalog.h"
#include "volume/volume.h"
#include "wire/wire-limits.h"

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

static Catalog *open_catalog(void) {
        _cleanup_(freep) char *path = path_in(world->state, "catalog.sqlite");
        Catalog *c = NULL;

        assert_int_equal(catalog_open(path, &c), 0);
        return c;
}

/* So many of the volume as one may have, as if somebody had made them over the years. */
static void fill_catalog(void) {
        _cleanup_(catalog_closep) Catalog *c = open_catalog();
        _cleanup_(volume_freep) Volume *v = NULL;
        CatalogSnapshot row = {
                .provider = (char *) (uintptr_t) "fake",
                .provider_id = fake_provider,
                .note = (char *) (uintptr_t) "fake/none",
                .device = (char *) (uintptr_t) "/",
                .snapshots_count = WIRE_SNAPSHOTS_MAX,
                .context = (uint32_t) VSS_CTX_NAS_ROLLBACK,
                .consistency = 2,
                .created_usec = 1,
        };
        static CatalogSnapshot rows[WIRE_SNAPSHOTS_MAX];

        assert_int_equal(volume_resolve(world->volume, &v, NULL), S_OK);
        row.volume = v->path;
        row.volume_id = v->id;
        guid_generate(&row.set_id);
        for (size_t i = 0; i < ELEMENTSOF(rows); ++i) {
                rows[i] = row;
                guid_generate(&rows[i].id);
        }
        assert_int_equal(catalog_plan(c, rows, ELEMENTSOF(rows)), 0);
        assert_int_equal(catalog_set_created(c, rows, ELEMENTSOF(rows)), 0);
}

static void test_that_a_volume_has_so_many_shadow_copies_at_most(void **state) {
        IVssBackupComponentsEx4 *b;
        VSS_ID id;

        world_kill_umbrad(world);
        fill_catalog();
        world_start_umbrad(world);
        b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), S_OK);
        ASSERT_RETURNS(IVssBackupComponents, AddToSnapshotSet, VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED,
                       IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(world->volume), fake_provider, &id));
        storage_release(b);
}

static HRESULT make(void) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        IVssAsync *async = NULL;
        HRESULT hr;
        VSS_ID id;

        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), S_OK);
        assert_int_equal(
                IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(world->volume), fake_provider, &id), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_DoSnapshotSet(b, &async), S_OK);
        hr = storage_end(async);
        storage_release(b);
        return hr;
}

static void test_that_writes_are_held_for_so_long_at_most(void **state) {
        HRESULT hr;

        world_script(world, "commit = hang");
        hr = make();
        world_script(world, NULL);
        assert_int_equal(hr, VSS_E_HOLD_WRITES_TIMEOUT);
        REACHES_RETURN(IVssBackupComponents, DoSnapshotSet, "VSS_E_HOLD_WRITES_TIMEOUT");
        (void) world_write(world, 0);
        world_assert_clean(world);
}

/* A guard that never gets as far as to hold anything. */
static char *make_programs(void) {
        _cleanup_(freep) char *dir = path_in(world->dir, "programs"),
                              *guard = path_in(world->dir, "programs/umbra-guard"),
                              *provider = path_in(world->dir, "programs/umbra-provider"), *real = NULL;

        write_file(world->dir, "programs/umbra-guard",
                   "#!/bin/sh\nwhile kill -0 $PPID; do sleep 0.1; done\n");
        assert_int_equal(chmod(guard, 0755), 0);
        real = path_in(getenv("UMBRA_LIBEXECDIR"), "umbra-provider");
        assert_int_equal(symlink(real, provider), 0);
        return TAKE_PTR(dir);
}

static void test_that_writes_are_flushed_in_time_or_nothing_is_held(void **state) {
        _cleanup_(freep) char *programs = NULL, *real = NULL, *why = NULL;
        HRESULT hr;

        skip_unless_root(); /* else nothing is held anyway */
        assert_int_equal(strdup_to(getenv("UMBRA_LIBEXECDIR"), &real), 0);
        programs = make_programs();
        world_kill_umbrad(world);
        setenv("UMBRA_LIBEXECDIR", programs, 1);
        world_start_umbrad(world);
        hr = make();
        assert_int_equal(strdup_to(umbra_last_error(), &why), 0);
        world_kill_umbrad(world);
        setenv("UMBRA_LIBEXECDIR", real, 1);
        world_start_umbrad(world);
        assert_int_equal(hr, VSS_E_FLUSH_WRITES_TIMEOUT);
        assert_non_null(strstr(why, "try again when less is written"));
        REACHES_RETURN(IVssBackupComponents, DoSnapshotSet, "VSS_E_FLUSH_WRITES_TIMEOUT");
        world_assert_clean(world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_writes_are_held_for_so_long_at_most),
                cmocka_unit_test(test_that_writes_are_flushed_in_time_or_nothing_is_held),
                cmocka_unit_test(test_that_a_volume_has_so_many_shadow_copies_at_most),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
