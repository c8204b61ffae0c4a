/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the real ZFS adds to the contract: that a set is one instant, what a rollback keeps, and where snapshots
 * are found after pools were given other names. Runs in the virtual machine only.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "contract/place-zfs.h"
#include "loop-fs.h"
#include "provider/provider-protocol.h"
#include "providers/zfs/provider-zfs.h"
#include "unit/provider/asker.h"

#define TEST_SKIPPED 77

#define N_SETS 6

typedef struct World {
        char *dir, *root, *runtime;
        PlaceZfs *pool;
        char *volumes[2];
        ProviderEnv env;
        Asker asker;
        ProviderSnapshot snapshots[2];
        char *notes[2], *devices[2];
} World;

static int world_setup(void **state) {
        World *w = calloc_checked(1, sizeof(*w));

        assert_non_null(w);
        w->dir = temp_dir_new();
        w->root = path_in(w->dir, "root");
        w->runtime = path_in(w->dir, "run");
        assert_int_equal(mkdir(w->runtime, 0755), 0);
        w->pool = place_zfs_new(w->dir, w->root);
        w->volumes[0] = path_in(w->root, "first");
        w->volumes[1] = path_in(w->root, "second");
        w->env = (ProviderEnv){ .state_dir = w->dir, .runtime_dir = w->runtime, .privileged = true };
        asker_start(&w->asker, "zfs", &w->env);
        *state = w;
        return 0;
}

static void forget(World *w) {
        for (size_t i = 0; i < 2; ++i) {
                free(TAKE_PTR(w->notes[i]));
                free(TAKE_PTR(w->devices[i]));
        }
}

static int world_teardown(void **state) {
        World *w = *state;

        asker_stop(&w->asker);
        for (size_t i = 0; i < 2; ++i)
                if (w->devices[i])
                        (void) umount2(w->devices[i], MNT_DETACH);
        place_zfs_free(w->pool);
        forget(w);
        free(w->volumes[0]);
        free(w->volumes[1]);
        free(w->root);
        free(w->runtime);
        temp_dir_free(w->dir);
        free(w);
        return 0;
}

static void prepare(World *w, size_t i, const GUID *set_id) {
        ProviderSnapshot *s = &w->snapshots[i];

        *s = (ProviderSnapshot){ .set_id = *set_id, .volume = w->volumes[i], .volume_fd = -EBADF };
        guid_generate(&s->id);
        _cleanup_answer_ Answer planned = ask_plan(&w->asker, s);
        assert_answer(planned, S_OK);
        s->note = w->notes[i] = TAKE_PTR(planned.text);
        _cleanup_answer_ Answer prepared = ask_prepare(&w->asker, &s->id);
        assert_answer(prepared, S_OK);
}

static void surface(World *w, size_t i) {
        _cleanup_answer_ Answer a = ask_surface(&w->asker, &w->snapshots[i]);

        assert_answer(a, S_OK);
        free(w->devices[i]);
        w->devices[i] = TAKE_PTR(a.text);
}

static void commit(World *w) {
        _cleanup_answer_ Answer a = ask_commit(&w->asker, NULL, 0);

        assert_answer(a, S_OK);
}

/* The first volume, or both of them. */
static void make(World *w, size_t n) {
        GUID set_id;

        guid_generate(&set_id);
        for (size_t i = 0; i < n; ++i)
                prepare(w, i, &set_id);
        commit(w);
        for (size_t i = 0; i < n; ++i)
                surface(w, i);
}

static void discard(World *w, size_t i) {
        _cleanup_answer_ Answer a = ask_discard(&w->asker, &w->snapshots[i]);

        assert_answer(a, S_OK);
}

static void assert_snapshots(World *w, const char *expected) {
        _cleanup_(freep) char *names = place_zfs_shell(w->pool, "zfs list -H -o name -t snapshot -r $POOL | sed 's/.*@//; s/^umbra-.*/umbra/'");

        assert_string_equal(names, expected);
}

static void assert_file(const char *dir, const char *name, const char *expected) {
        _cleanup_(freep) char *text = read_file(dir, name);

        if (expected)
                assert_string_equal(text, expected);
        else
                assert_null(text);
}

/* One Instant */

/* Writes a number to the first volume, then the same one to the second. */
typedef struct Pairs {
        int fds[2];
        atomic_bool end;
        _Atomic uint64_t n;
        pthread_t thread;
} Pairs;

static void *pairs_run(void *arg) {
        Pairs *p = arg;

        for (uint64_t n = 1; !atomic_load(&p->end); ++n) {
                for (size_t i = 0; i < 2; ++i)
                        if (pwrite(p->fds[i], &n, sizeof(n), 0) != sizeof(n))
                                return p;
                atomic_store(&p->n, n);
        }
        return NULL;
}

static void pairs_start(Pairs *p, World *w) {
        *p = (Pairs){ .fds = { -EBADF, -EBADF } };
        for (size_t i = 0; i < 2; ++i) {
                _cleanup_(freep) char *path = path_in(w->volumes[i], "number");

                p->fds[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                assert_true(p->fds[i] >= 0);
        }
        assert_int_equal(pthread_create(&p->thread, NULL, pairs_run, p), 0);
}

static void pairs_end(Pairs *p) {
        void *failed = p;

        atomic_store(&p->end, true);
        assert_int_equal(pthread_join(p->thread, &failed), 0);
        assert_null(failed);
        p->fds[0] = fd_close(p->fds[0]);
        p->fds[1] = fd_close(p->fds[1]);
}

static bool has_gone_on(void *pairs) {
        return atomic_load(&((Pairs *) pairs)->n) > 100;
}

static uint64_t number_in(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, "number");
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        uint64_t n = 0;

        assert_true(fd >= 0);
        assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
        return n;
}

static void test_that_the_volumes_of_a_set_are_of_one_instant(void **state) {
        World *w = *state;
        uint64_t numbers[2];
        Pairs pairs;

        pairs_start(&pairs, w);
        assert_true(eventually(has_gone_on, &pairs, TEST_PATIENCE_USEC));
        for (size_t k = 0; k < N_SETS; ++k) {
                make(w, 2);
                numbers[0] = number_in(w->devices[0]);
                numbers[1] = number_in(w->devices[1]);
                assert_in_range(numbers[0] - numbers[1], 0, 1); /* never the second without the first */
                discard(w, 0);
                discard(w, 1);
                forget(w);
        }

        /* And that this can be seen at all: two sets of one each. */
        make(w, 1);
        guid_generate(&w->snapshots[1].set_id);
        prepare(w, 1, &w->snapshots[1].set_id);
        commit(w);
        surface(w, 1);
        assert_true(number_in(w->devices[1]) > number_in(w->devices[0]));
        pairs_end(&pairs);
}

/* Reverting */

static int revert(World *w) {
        _cleanup_(closep) int fd = open(w->volumes[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const ProviderRevert v = { .target = w->volumes[0], .target_fd = fd };
        char *how = NULL;
        int r;

        assert_true(fd >= 0);
        r = provider_zfs_ops.may_revert(&w->env, &w->snapshots[0], &v, &how);
        assert_null(how);
        return r < 0 ? r : provider_zfs_ops.revert(&w->env, &w->snapshots[0], &v);
}

static void test_that_a_volume_becomes_what_the_snapshot_is(void **state) {
        World *w = *state;

        write_file(w->volumes[0], "changed", "before");
        write_file(w->volumes[0], "directory/deleted", "before");
        make(w, 1);
        write_file(w->volumes[0], "changed", "after");
        write_file(w->volumes[0], "new", "after");
        place_zfs_run(w->pool, "rm -r \"$ROOT/first/directory\"");

        assert_int_equal(revert(w), 0);
        assert_file(w->volumes[0], "changed", "before");
        assert_file(w->volumes[0], "directory/deleted", "before");
        assert_file(w->volumes[0], "new", NULL);
        assert_snapshots(w, "umbra\n");
        assert_int_equal(revert(w), 0); /* told again after a crash */
        discard(w, 0);
}

static void test_that_reverting_costs_no_later_snapshot(void **state) {
        World *w = *state;

        write_file(w->volumes[0], "changed", "before");
        make(w, 1);
        write_file(w->volumes[0], "changed", "after");
        write_file(w->volumes[0], "new", "after");
        place_zfs_run(w->pool, "zfs snapshot \"$POOL/first of: two@mine\"");

        assert_int_equal(revert(w), 0);
        assert_file(w->volumes[0], "changed", "before");
        assert_file(w->volumes[0], "new", NULL);
        assert_snapshots(w, "umbra\nmine\n");
}

/* Breaking and Importing */

static void test_that_what_is_broken_off_goes_with_its_snapshot(void **state) {
        World *w = *state;

        write_file(w->volumes[0], "file", "text");
        make(w, 1);
        _cleanup_answer_ Answer broken = ask_break(&w->asker, &w->snapshots[0], 0);
        assert_answer(broken, S_OK);
        discard(w, 0); /* finds nothing of its own any more, but what is seen */
        assert_snapshots(w, "umbra\n");
        place_zfs_run(w->pool, "mkdir there; mount -t zfs \"$(zfs list -H -o name -r $POOL | grep /umbra-)\" there;"
                               "echo more >>there/file; grep -q text there/file; umount there; rmdir there;"
                               "zfs destroy \"$(zfs list -H -o name -r $POOL | grep /umbra-)\"");
        assert_snapshots(w, "");
}

static void test_that_a_pool_can_come_back_with_another_name(void **state) {
        World *w = *state;

        write_file(w->volumes[0], "file", "text");
        make(w, 1);
        assert_int_equal(umount2(w->devices[0], MNT_DETACH), 0);
        place_zfs_run(w->pool, "zpool export $POOL; zpool import -N -o cachefile=none -d $(cat loop) $POOL umbra-other-pool");
        surface(w, 0);
        assert_file(w->devices[0], "file", "text");
        discard(w, 0);
        place_zfs_run(w->pool, "[ -z \"$(zfs list -H -t snapshot -o name -r umbra-other-pool)\" ];"
                               "zpool export umbra-other-pool; zpool import -N -o cachefile=none -d $(cat loop) umbra-other-pool $POOL");
}

static void test_that_a_snapshot_that_was_received_can_be_imported(void **state) {
        World *w = *state;
        ProviderSnapshot received;
        _cleanup_(freep) char *note = NULL;

        write_file(w->volumes[0], "file", "text");
        make(w, 1);
        place_zfs_run(w->pool, "zfs send -p \"$(zfs list -H -t snapshot -o name -r $POOL)\" | zfs receive -u $POOL/received");
        discard(w, 0); /* not the copy */
        assert_snapshots(w, "umbra\n");

        received = w->snapshots[0];
        received.note = NULL;
        assert_int_equal(provider_zfs_ops.import(&w->env, &received, &note), 0);
        w->snapshots[0].note = note;
        surface(w, 0);
        assert_file(w->devices[0], "file", "text");
        discard(w, 0);
        assert_snapshots(w, "umbra\n"); /* it is whose copy it was */
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, world_setup, world_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(the_volumes_of_a_set_are_of_one_instant),
                TEST(a_volume_becomes_what_the_snapshot_is),
                TEST(reverting_costs_no_later_snapshot),
                TEST(what_is_broken_off_goes_with_its_snapshot),
                TEST(a_pool_can_come_back_with_another_name),
                TEST(a_snapshot_that_was_received_can_be_imported),
        };

        if (!place_zfs_is_possible()) {
                print_message("It needs ZFS, skipping\n");
                return TEST_SKIPPED;
        }

        return cmocka_run_group_tests(tests, private_mounts_group_setup, NULL);
}
