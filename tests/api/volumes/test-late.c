/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A revert that was interrupted, and whose volume is not mounted when umbrad starts again: what lies under the mount point is another
 * file system, and must not become what the snapshot is.
 */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/storage/storage.h"
#include "base/alloc.h"
#include "catalog/catalog.h"
#include "volume/volume.h"

#define TEST_SKIPPED 77

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

static void unmount_volume(void) {
        assert_int_equal(umount(world->volume), 0);
}

static void mount_volume(void) {
        _cleanup_(freep) char *command = NULL;

        assert_int_equal(format_to(&command, "mount -o loop %s/fs.img %s", world->dir, world->volume), 0);
        assert_int_equal(system(command), 0);
}

/* As if umbrad had died just after it began. */
static void begin_revert(VSS_ID id, char *target) {
        _cleanup_(freep) char *path = path_in(world->state, "catalog.sqlite");
        CatalogDeed deed = { .snapshot_id = id, .kind = CATALOG_REVERT, .target = target };
        _cleanup_(catalog_closep) Catalog *c = NULL;
        _cleanup_(volume_freep) Volume *v = NULL;

        world_kill_umbrad(world);
        assert_int_equal(volume_resolve(target, &v, NULL), S_OK);
        deed.target_id = v->id;
        assert_int_equal(catalog_open(path, &c), 0);
        assert_int_equal(catalog_add_deed(c, &deed), 0);
}

/* The reverts that are not over; -1: one of them is being done. */
static int count_waiting(void) {
        char *text = NULL;
        json_t *root, *d;
        int n = 0;
        size_t i;

        assert_int_equal(umbra_get_status(&text), S_OK);
        root = json_loads(text, 0, NULL);
        CoTaskMemFree(text);
        json_array_foreach(json_object_get(root, "deeds"), i, d) {
                n = json_is_true(json_object_get(d, "doing")) ? -1 : n + 1;
                if (n < 0)
                        break;
        }
        json_decref(root);
        return n;
}

static bool is_over(void *arg) {
        return count_waiting() == 0;
}

/* To @target, a directory of the volume. */
static void assert_waits(char *target) {
        static const char file[] = "data/file", innocent[] = "innocent";
        VSS_ID id = storage_make(world);

        (void) mkdir(target, 0755);
        write_file(target, file, "changed\n");
        begin_revert(id, target);
        unmount_volume();
        (void) mkdir(target, 0755);
        write_file(target, innocent, "of the file system below\n");

        world_start_umbrad(world);
        assert_int_equal(count_waiting(), 1);
        assert_true(storage_reads(target, innocent, "of the file system below\n"));

        /* Another one in its place is not it. */
        assert_int_equal(mount("tmpfs", world->volume, "tmpfs", 0, NULL), 0);
        (void) mkdir(target, 0755);
        write_file(target, innocent, "of another one\n");
        assert_int_equal(count_waiting(), 1);
        world_kill_umbrad(world);
        world_start_umbrad(world);
        assert_int_equal(count_waiting(), 1);
        assert_true(storage_reads(target, innocent, "of another one\n"));
        unmount_volume();

        mount_volume();
        assert_true(eventually(is_over, NULL, TEST_PATIENCE_USEC));
        assert_true(storage_reads(target, file, "the one thing to save\n"));
        unmount_volume();
        assert_true(storage_reads(target, innocent, "of the file system below\n"));

        mount_volume();
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_a_revert_waits_for_its_volume(void **state) {
        assert_waits(world->volume);
}

static void test_that_a_revert_to_another_directory_waits_for_the_volume_of_that(void **state) {
        _cleanup_(freep) char *target = path_in(world->volume, "elsewhere");

        assert_waits(target);
}

static void test_that_a_revert_goes_on_at_once_when_its_volume_is_there(void **state) {
        VSS_ID id = storage_make(world);

        write_file(world->volume, "data/file", "changed\n");
        begin_revert(id, world->volume);
        world_start_umbrad(world);
        assert_true(eventually(is_over, NULL, TEST_PATIENCE_USEC));
        assert_true(storage_reads(world->volume, "data/file", "the one thing to save\n"));
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_revert_waits_for_its_volume),
                TEST(a_revert_to_another_directory_waits_for_the_volume_of_that),
                TEST(a_revert_goes_on_at_once_when_its_volume_is_there),
        };

        if (geteuid() != 0)
                return TEST_SKIPPED;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
