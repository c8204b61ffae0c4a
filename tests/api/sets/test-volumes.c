/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets of many kinds of volumes, with real file systems: what is held, that nothing waits for itself, and which instant
 * the document gives to whom. The copies are what they say: "pairs" writes to two volumes in turn, and no copy has the
 * second write without the first. Its path is the argument.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <oleauto.h>

#include "api/sets/sets.h"
#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "loop-fs.h"
#include "phases/actors.h"

#define PAIR_SETS 25U /* held sets, each with its check; more of them in the virtual machine */
#define UNHELD_TRIES_MAX 20U
#define LATE_USEC (2 * USEC_PER_SEC) /* of a machine that is busy */

static char *pairs_path;
static World *world;
static char *dir;

static int set_up(void **state) {
        if (geteuid() != 0)
                return 0;
        world = world_new();
        dir = temp_dir_new();
        return 0;
}

static void *free_world(void) {
        world = world_free(world);
        dir = temp_dir_free(dir);
        return NULL;
}

static int tear_down(void **state) {
        if (world)
                (void) free_world();
        return 0;
}

static char *mount_tmpfs(const char *name) {
        char *path = path_in(dir, name);

        assert_int_equal(mkdir(path, 0755), 0);
        assert_int_equal(mount("tmpfs", path, "tmpfs", 0, NULL), 0);
        return path;
}

static void assert_volume(const Sets *s, size_t i, Consistency consistency) {
        const BackupVolume *v = sets_volume(s, i);

        if (v->consistency != consistency)
                fail_msg("'%s' is %s", v->volume, consistency_to_string(v->consistency));
        assert_int_equal(v->instant != NULL, consistency >= CONSISTENCY_CRASH);
}

static bool one_instant(const Sets *s, size_t i, size_t k) {
        const char *a = sets_volume(s, i)->instant, *b = sets_volume(s, k)->instant;

        return a && b && strcmp(a, b) == 0;
}

static void test_that_volumes_of_many_kinds_make_one_set(void **state) {
        _cleanup_(loop_fs_freep) LoopFs *ext4 = NULL, *xfs = NULL, *btrfs = NULL;
        _cleanup_(freep) char *tmpfs = NULL;
        Sets s;

        enter_private_mounts();
        ext4 = loop_fs_new(dir, "ext4", "ext4");
        xfs = loop_fs_new(dir, "xfs", "xfs");
        btrfs = loop_fs_new(dir, "btrfs", "btrfs");
        tmpfs = mount_tmpfs("tmpfs");
        write_file(ext4->target, "file", "of ext4");
        write_file(xfs->target, "file", "of xfs");
        write_file(btrfs->target, "file", "of btrfs");
        write_file(tmpfs, "file", "of tmpfs");

        sets_begin(&s);
        sets_add(&s, ext4->target, GUID_NULL);
        sets_add(&s, xfs->target, files_copy_provider);
        sets_add(&s, btrfs->target, GUID_NULL);
        sets_add(&s, tmpfs, GUID_NULL);
        sets_make(&s);

        assert_volume(&s, 0, CONSISTENCY_CRASH);
        assert_volume(&s, 1, CONSISTENCY_CRASH);
        assert_volume(&s, 2, CONSISTENCY_CRASH);
        assert_volume(&s, 3, CONSISTENCY_FUZZY); /* nobody can hold it */
        assert_true(one_instant(&s, 0, 1));
        assert_true(one_instant(&s, 0, 2)); /* the only one that is its own */
        assert_true(storage_reads(sets_volume(&s, 0)->device_object, "file", "of ext4"));
        assert_true(storage_reads(sets_volume(&s, 1)->device_object, "file", "of xfs"));
        assert_true(storage_reads(sets_volume(&s, 2)->device_object, "file", "of btrfs"));
        assert_true(storage_reads(sets_volume(&s, 3)->device_object, "file", "of tmpfs"));
        sets_end(&s);
        world_assert_clean(world);
        assert_int_equal(umount2(tmpfs, MNT_DETACH), 0);
}

static void test_that_two_of_btrfs_are_an_instant_each(void **state) {
        _cleanup_(loop_fs_freep) LoopFs *one = NULL, *other = NULL, *ext4 = NULL;
        Sets s;

        enter_private_mounts();
        one = loop_fs_new(dir, "one", "btrfs");
        other = loop_fs_new(dir, "other", "btrfs");
        ext4 = loop_fs_new(dir, "ext4", "ext4");

        sets_begin(&s);
        sets_add(&s, one->target, GUID_NULL);
        sets_add(&s, other->target, GUID_NULL);
        sets_add(&s, ext4->target, GUID_NULL);
        sets_make(&s);

        for (size_t i = 0; i < 3; ++i)
                assert_volume(&s, i, CONSISTENCY_CRASH);
        assert_false(one_instant(&s, 0, 1));
        assert_false(one_instant(&s, 0, 2));
        assert_false(one_instant(&s, 1, 2));
        sets_end(&s);
}

/* Everything lies in a file on what comes next: three file systems deep, in the order in which nobody holds them. */
static void test_that_what_lies_in_a_file_of_another_volume_is_held_first(void **state) {
        _cleanup_(loop_fs_freep) LoopFs *bottom = NULL, *middle = NULL, *top = NULL;
        Sets s;

        enter_private_mounts();
        bottom = loop_fs_new(dir, "bottom", "xfs");
        middle = loop_fs_new(bottom->target, "middle", "ext4");
        top = loop_fs_new(middle->target, "top", "ext4");
        write_file(top->target, "file", "on top");

        sets_begin(&s);
        sets_add(&s, middle->target, files_copy_provider);
        sets_add(&s, bottom->target, files_copy_provider);
        sets_add(&s, top->target, files_copy_provider);
        sets_make(&s);

        for (size_t i = 0; i < 3; ++i)
                assert_volume(&s, i, CONSISTENCY_CRASH);
        assert_true(one_instant(&s, 0, 1) && one_instant(&s, 0, 2));
        assert_true(storage_reads(sets_volume(&s, 2)->device_object, "file", "on top"));
        sets_end(&s);

        top = loop_fs_free(top);
        middle = loop_fs_free(middle);
}

/* Its snapshot writes to the file: were that frozen, it would wait until the time is up. */
static void test_that_a_snapshot_does_not_wait_for_what_its_file_system_lies_on(void **state) {
        _cleanup_(loop_fs_freep) LoopFs *ext4 = NULL, *btrfs = NULL;
        Sets s;

        enter_private_mounts();
        ext4 = loop_fs_new(dir, "ext4", "ext4");
        btrfs = loop_fs_new(ext4->target, "btrfs", "btrfs");
        write_file(btrfs->target, "file", "inside");

        sets_begin(&s);
        sets_add(&s, btrfs->target, GUID_NULL);
        sets_add(&s, ext4->target, GUID_NULL);
        sets_make(&s);
        assert_volume(&s, 0, CONSISTENCY_CRASH);
        assert_volume(&s, 1, CONSISTENCY_FUZZY); /* nobody holds it */
        assert_true(storage_reads(sets_volume(&s, 0)->device_object, "file", "inside"));
        sets_end(&s);
        btrfs = loop_fs_free(btrfs);
}

static void test_that_one_file_system_by_several_ways_is_held_once(void **state) {
        _cleanup_(freep) char *bound = path_in(dir, "bound"), *inside = NULL;
        _cleanup_(loop_fs_freep) LoopFs *ext4 = NULL;
        Sets s;

        enter_private_mounts();
        ext4 = loop_fs_new(dir, "ext4", "ext4");
        write_file(ext4->target, "inside/file", "the same");
        inside = path_in(ext4->target, "inside");
        assert_int_equal(mkdir(bound, 0755), 0);
        assert_int_equal(mount(ext4->target, bound, NULL, MS_BIND, NULL), 0);

        sets_begin(&s);
        sets_add(&s, bound, GUID_NULL);
        sets_add(&s, inside, GUID_NULL);
        sets_add(&s, ext4->target, GUID_NULL);
        sets_make(&s);
        assert_true(one_instant(&s, 0, 1) && one_instant(&s, 0, 2));
        assert_true(storage_reads(sets_volume(&s, 0)->device_object, "inside/file", "the same"));
        assert_true(storage_reads(sets_volume(&s, 1)->device_object, "file", "the same"));
        sets_end(&s);
        assert_int_equal(umount2(bound, MNT_DETACH), 0);
}

static void test_that_sixty_four_volumes_make_a_set_and_no_more(void **state) {
        LoopFs *volumes[SETS_VOLUMES_MAX] = { 0 };
        Sets s;

        enter_private_mounts();
        sets_begin(&s);
        for (size_t i = 0; i < ELEMENTSOF(volumes); ++i) {
                _cleanup_(freep) char *name = NULL;

                assert_int_equal(format_to(&name, "volume %zu", i), 0);
                volumes[i] = loop_fs_new(dir, name, "ext4");
                write_file(volumes[i]->target, "file", name);
                sets_add(&s, volumes[i]->target, GUID_NULL);
        }
        assert_int_equal(sets_try_add(&s, world->volume, GUID_NULL), VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED);

        sets_make(&s);
        for (size_t i = 0; i < ELEMENTSOF(volumes); ++i) {
                _cleanup_(freep) char *name = NULL;

                assert_int_equal(format_to(&name, "volume %zu", i), 0);
                assert_volume(&s, i, CONSISTENCY_CRASH);
                assert_true(one_instant(&s, 0, i));
                assert_true(storage_reads(sets_volume(&s, i)->device_object, "file", name));
        }
        sets_end(&s);
        for (size_t i = 0; i < ELEMENTSOF(volumes); ++i)
                (void) loop_fs_free(volumes[i]);
}

/* Real time, where that is allowed. */
static int policy_of_who_hurries(void) {
        int policy;

        process_hurry();
        policy = sched_getscheduler(0);
        process_take_time();
        return policy;
}

/* The provider of one volume hangs, and all the others wait for it: not for longer than they may. */
static void test_that_a_hold_ends_in_time_and_writers_hear_of_it(void **state) {
        _cleanup_(loop_fs_freep) LoopFs *ext4 = NULL, *xfs = NULL;
        Sets s = { .backup = NULL };
        IVssAsync *async = NULL;
        Writer *first, *second;
        usec_t begun;
        int hurried;
        Actor *actor;

        enter_private_mounts();
        ext4 = loop_fs_new(dir, "ext4", "ext4");
        xfs = loop_fs_new(dir, "xfs", "xfs");
        hurried = policy_of_who_hurries();
        actor = actor_writer("Patient", world->volume, NULL);
        world_script(world, "commit = hang");

        s.backup = storage_backup(VSS_CTX_BACKUP);
        assert_int_equal(IVssBackupComponentsEx4_SetBackupState(s.backup, false, false, VSS_BT_FULL, false), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_GatherWriterMetadata(s.backup, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(s.backup, &s.set_id), S_OK);
        sets_add(&s, world->volume, fake_provider);
        sets_add(&s, ext4->target, files_copy_provider);
        sets_add(&s, xfs->target, files_copy_provider);
        assert_int_equal(IVssBackupComponentsEx4_PrepareForBackup(s.backup, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);

        assert_int_equal(IVssBackupComponentsEx4_DoSnapshotSet(s.backup, &async), S_OK);
        actor_await(actor, "Freeze");
        world_await_status(world, "\"phase\":\"commit\"");
        assert_int_equal(sched_getscheduler(world->umbrad), hurried);
        begun = now_usec(CLOCK_MONOTONIC);
        first = writer_start(ext4->target);
        second = writer_start(xfs->target);
        assert_int_equal(storage_end(async), VSS_E_HOLD_WRITES_TIMEOUT);
        assert_true(writer_is_done(first, TEST_PATIENCE_USEC) && writer_is_done(second, TEST_PATIENCE_USEC));
        assert_true(now_usec(CLOCK_MONOTONIC) - begun < 10 * USEC_PER_SEC + LATE_USEC);
        writer_free(first);
        writer_free(second);

        actor_await(actor, "Abort");
        assert_int_equal(sched_getscheduler(world->umbrad), SCHED_OTHER);
        assert_false(actor_has_said(actor, "Thaw"));
        assert_false(loop_fs_is_frozen(ext4) || loop_fs_is_frozen(xfs));
        (void) world_write(world, 0);
        storage_release(s.backup);
        world_script(world, NULL);
        world_assert_clean(world);
        (void) actor_free(actor);

        sets_begin(&s);
        sets_add(&s, world->volume, fake_provider);
        sets_add(&s, ext4->target, files_copy_provider);
        sets_make(&s);
        sets_end(&s);
}

/* Somebody who writes pairs until he is killed. */
typedef struct PairWriter {
        int pidfd;
} PairWriter;

static PairWriter pairs_start(const char *a, const char *b) {
        char write_word[] = "write";
        char *const argv[] = { pairs_path, write_word, (char *) (uintptr_t) a, (char *) (uintptr_t) b, NULL };
        _cleanup_(closep) int begun = -EBADF;
        PairWriter w = { .pidfd = -EBADF };
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        begun = fds[0];
        assert_int_equal(process_spawn(&(SpawnOptions){ .path = pairs_path, .argv = argv, .stdout_fd = fds[1] }, NULL,
                                       &w.pidfd),
                         0);
        fd_close(fds[1]);
        assert_true(eventually_readable(begun, TEST_PATIENCE_USEC));
        return w;
}

static void pairs_stop(PairWriter *w) {
        (void) process_end(w->pidfd, 0, NULL);
        w->pidfd = fd_close(w->pidfd);
}

/* Whether two copies can have been at one time. */
static bool pairs_check(const char *a, const char *b) {
        char check_word[] = "check";
        char *const argv[] = { pairs_path, check_word, (char *) (uintptr_t) a, (char *) (uintptr_t) b, NULL };
        _cleanup_(closep) int pidfd = -EBADF, quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
        int status;

        assert_int_equal(process_spawn(&(SpawnOptions){ .path = pairs_path, .argv = argv, .stdout_fd = quiet }, NULL,
                                       &pidfd),
                         0);
        assert_int_equal(process_end(pidfd, TEST_PATIENCE_USEC, &status), 0);
        assert_true(status == 0 || status == 3);
        return status == 0;
}

static void test_that_no_held_set_has_the_second_write_without_the_first(void **state) {
        _cleanup_(loop_fs_freep) LoopFs *first = NULL, *second = NULL;
        _cleanup_(freep) char *a = NULL, *b = NULL;
        PairWriter w;

        enter_private_mounts();
        first = loop_fs_new(dir, "first", "ext4");
        second = loop_fs_new(dir, "second", "xfs");
        a = path_in(first->target, "a");
        b = path_in(second->target, "b");
        w = pairs_start(a, b);

        for (unsigned i = 0; i < PAIR_SETS; ++i) {
                bool swapped = i % 2;
                Sets s;

                sets_begin(&s);
                sets_add(&s, swapped ? second->target : first->target, files_copy_provider);
                sets_add(&s, swapped ? first->target : second->target, files_copy_provider);
                sets_make(&s);
                assert_true(one_instant(&s, 0, 1));
                assert_true(pairs_check(sets_path(&s, swapped, "a"), sets_path(&s, !swapped, "b")));
                sets_end(&s);
        }
        pairs_stop(&w);
}

static void take_one(Sets *s, const char *volume) {
        sets_begin(s);
        sets_add(s, volume, files_copy_provider);
        sets_make(s);
}

/* The same, but the volumes are taken one after the other: then it is found out. */
static void test_that_two_sets_one_after_the_other_are_found_out(void **state) {
        _cleanup_(loop_fs_freep) LoopFs *first = NULL, *second = NULL;
        _cleanup_(freep) char *a = NULL, *b = NULL;
        unsigned n_broken = 0;
        PairWriter w;

        enter_private_mounts();
        first = loop_fs_new(dir, "first", "ext4");
        second = loop_fs_new(dir, "second", "xfs");
        a = path_in(first->target, "a");
        b = path_in(second->target, "b");
        w = pairs_start(a, b);

        for (unsigned i = 0; i < UNHELD_TRIES_MAX && n_broken == 0; ++i) {
                Sets one, other;

                take_one(&one, first->target);
                take_one(&other, second->target);
                n_broken += !pairs_check(sets_path(&one, 0, "a"), sets_path(&other, 0, "b"));
                sets_end(&one);
                sets_end(&other);
        }
        assert_true(n_broken > 0);
        pairs_stop(&w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_that_##name, set_up, tear_down)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                TEST(volumes_of_many_kinds_make_one_set),
                TEST(two_of_btrfs_are_an_instant_each),
                TEST(what_lies_in_a_file_of_another_volume_is_held_first),
                TEST(a_snapshot_does_not_wait_for_what_its_file_system_lies_on),
                TEST(one_file_system_by_several_ways_is_held_once),
                TEST(sixty_four_volumes_make_a_set_and_no_more),
                TEST(a_hold_ends_in_time_and_writers_hear_of_it),
                TEST(no_held_set_has_the_second_write_without_the_first),
                TEST(two_sets_one_after_the_other_are_found_out),
        };
        int failed;

        pairs_path = argc == 2 ? realpath(argv[1], NULL) : NULL;
        if (!pairs_path)
                return EXIT_FAILURE;

        failed = cmocka_run_group_tests(tests, private_mounts_group_setup, NULL);
        free(pairs_path);
        return failed;
}
