/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where changes are followed, the window looks at what was touched and at nothing else. And it misses nothing: not what
 * raises no event, not what was opened long ago, not what there were too many events for.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "providers/files/files-watch.h"
#include "unit/provider-files/files-fixture.h"

static const struct {
        const ProviderOps *ops;
        const char *file_system;
} everywhere[] = {
        { COPY,    "ext4"  },
        { COPY,    "xfs"   },
        { COPY,    "btrfs" },
        { COPY,    "tmpfs" },
        { REFLINK, "xfs"   },
        { REFLINK, "btrfs" },
};

#define FOR_EVERYWHERE(i) for (size_t i = 0; i < ELEMENTSOF(everywhere); ++i)

static Fixture *somewhere(size_t i) {
        return fixture_new(everywhere[i].ops, everywhere[i].file_system);
}

/* 2000 files in 100 directories, some deep. What mkfs has made has no fractions of a second in its stamps, and would be a
 * suspect for two seconds. */
static void fill(const Fixture *f) {
        run("cd %s && rm -rf lost+found && for d in $(seq 50); do mkdir -p $d/deep/er; (cd $d; seq 20 | xargs touch; cd deep/er; seq 20 | "
            "xargs touch); done; ln 1/1 2/one",
            f->volume);
}

static void expect_followed(const Fixture *f, uint64_t files, uint64_t looked_at) {
        const FilesStatistics *st = fixture_statistics(f);

        assert_true(st->followed);
        assert_int_equal(st->lost, 0);
        if (st->window.files != files || st->window.looked_at > looked_at)
                fail_msg("The window copied %llu files and looked at %llu, not %llu and %llu",
                         (unsigned long long) st->window.files, (unsigned long long) st->window.looked_at,
                         (unsigned long long) files, (unsigned long long) looked_at);
}

static void test_that_the_window_looks_at_what_was_touched_and_nothing_else(void **state) {
        static const struct {
                const char *change;
                uint64_t files, looked_at;
        } changes[] = {
                { "true", 0, 0 },
                { "cat */?* >/dev/null 2>&1 || true", 0, 1050 }, /* somebody reads: looked at, not copied */
                { "echo x > 7/deep/er/7", 1, 2 },
                { "truncate -s 5 7/deep/er/7; chmod 600 9/9; setfattr -n user.x -v y 8/8", 3, 6 },
                { "echo x > 3/new", 1, 30 }, /* its directory is read again */
                { "rm 3/3", 0, 30 },
                { "mkdir -p 4/a/b; echo x > 4/a/b/c", 1, 40 },
                { "rm -r 5/deep", 0, 60 },
                { "rm -r 5; mkdir 5; echo x > 5/x", 1, 120 },
                { "mv 6/6 7/deep/er/six", 1, 60 },
                { "mv 6/deep/er 7/er", 20, 120 },
                { "echo x > 2/one", 1, 4 }, /* two names */
                { "rm 2/one", 1, 40 },
                { "ln 3/3 4/three", 1, 40 },
        };

        skip_unless_root();
        for (size_t n = 0; n < ELEMENTSOF(changes); ++n) {
                _cleanup_(fixture_freep) Fixture *f = somewhere(n % ELEMENTSOF(everywhere));

                fill(f);
                fixture_prepare(f);
                assert_true(fixture_statistics(f)->converged);
                run("cd %s && { %s; }", f->volume, changes[n].change);
                fixture_commit(f);
                expect_followed(f, changes[n].files, changes[n].looked_at);
                fixture_surface_is_equal(f);
                fixture_discard(f);
        }
}

static char *map_file(const Fixture *f, const char *name) {
        _cleanup_(freep) char *path = path_in(f->volume, name);
        _cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC);
        char *map;

        assert_true(fd >= 0);
        map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_true(map != MAP_FAILED);
        return map;
}

/* Writes through a mapping raise no event, whether it is made before or behind our back, and is still there or not. */
static void test_that_what_is_written_through_a_mapping_is_followed(void **state) {
        skip_unless_root();
        FOR_EVERYWHERE(i) {
                _cleanup_(fixture_freep) Fixture *f = somewhere(i);
                char *before, *behind, *gone, *read_first;

                fill(f);
                run("cd %s && for i in 1 2 3 4; do echo text > mapped-$i; done; ln mapped-1 1/mapped", f->volume);
                before = map_file(f, "mapped-1");
                fixture_prepare(f);

                memcpy(before, "1111", 4);
                behind = map_file(f, "mapped-2");
                memcpy(behind, "2222", 4);
                gone = map_file(f, "mapped-3");
                memcpy(gone, "3333", 4);
                assert_int_equal(munmap(gone, 4096), 0);
                read_first = map_file(f, "mapped-4");
                assert_int_equal(*(volatile char *) read_first, 't');
                memcpy(read_first, "4444", 4);

                fixture_commit(f);
                expect_followed(f, 4, 20);
                fixture_surface_is_equal(f);
                fixture_discard(f);
                assert_int_equal(munmap(before, 4096), 0);
                assert_int_equal(munmap(behind, 4096), 0);
                assert_int_equal(munmap(read_first, 4096), 0);
        }
}

/* The kernel itself writes to the image of a loop device, and does not say so. */
static void test_that_what_a_loop_device_writes_is_followed(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;

        skip_unless_root();
        f = fixture_new(COPY, "ext4");
        fill(f);
        run("cd %s && truncate -s 1M image && losetup --find --show image > %s/loop", f->volume, f->dir);
        fixture_prepare(f);
        run("echo behind | dd of=$(cat %s/loop) conv=fsync status=none", f->dir);
        fixture_commit(f);
        expect_followed(f, 1, 3);
        fixture_surface_is_equal(f);
        run("losetup --detach $(cat %s/loop)", f->dir);
}

/* A file that is open for writing is watched as long as that lasts, and no longer. */
static void test_that_an_open_file_is_let_go_of(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;
        _cleanup_(freep) char *path = NULL;
        int fd;

        skip_unless_root();
        f = fixture_new(COPY, "ext4");
        fill(f);
        path = path_in(f->volume, "1/2");
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        fixture_prepare(f);
        assert_int_equal(f->ops->pre_commit(&f->env, &f->s), 0);
        assert_int_equal(fixture_statistics(f)->window.looked_at, 1);
        (void) fd_close(fd);
        assert_int_equal(f->ops->pre_commit(&f->env, &f->s), 0);
        assert_int_equal(fixture_statistics(f)->window.looked_at, 2);
        fixture_commit(f);
        expect_followed(f, 0, 2);
        fixture_surface_is_equal(f);
}

static void test_that_what_is_caught_up_with_before_the_hold_is_not_copied_in_it(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;

        skip_unless_root();
        f = fixture_new(COPY, "xfs");
        fill(f);
        fixture_prepare(f);
        run("cd %s && for i in 1 2 3; do echo x > $i/$i; done; mkdir new; echo x > new/file; touch -d 2001-01-01 4/4; "
            "sleep 0.05",
            f->volume); /* longer than a tick of the file system's clock, so that none is a suspect */
        assert_int_equal(f->ops->pre_commit(&f->env, &f->s), 0);
        assert_int_equal(fixture_statistics(f)->window.files, 5);
        run("cd %s && echo y > 5/5 && echo z > new/file", f->volume);
        fixture_commit(f);
        expect_followed(f, 7, 120);
        fixture_surface_is_equal(f);
        fixture_discard(f);
}

/* Too much to be followed: then everything is looked at, whether that is noticed ahead or in the window. */
static void test_that_nothing_is_missed_when_events_are_lost(void **state) {
        for (unsigned when = 0; when < 2; ++when) {
                _cleanup_(fixture_freep) Fixture *f = NULL;
                _cleanup_(freep) char *volume = NULL;
                char *before;

                skip_unless_root();
                f = fixture_new(COPY, "tmpfs");
                run("cd %s && mkdir -p volume other && cd volume && mkdir a && echo 1 > a/1 && echo 2 > a/2 && echo 3 > 3",
                    f->volume);
                volume = path_in(f->volume, "volume");
                f->s.volume = volume;
                (void) fd_close(f->s.volume_fd);
                f->s.volume_fd = open(volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                before = map_file(f, "volume/3");

                fixture_prepare(f);
                run("cd %s && echo changed > a/1 && rm a/2 && cd ../other && seq %zu | xargs touch", volume,
                    FILES_WATCH_MAX + 10);
                memcpy(before, "4", 1);
                if (when == 0)
                        assert_int_equal(f->ops->pre_commit(&f->env, &f->s), 0);
                fixture_commit(f);
                assert_int_equal(fixture_statistics(f)->lost, 1);
                assert_true(fixture_statistics(f)->followed == (when == 0));
                fixture_surface(f);
                trees_are_equal(volume, f->device);
                fixture_discard(f);
                f->s.volume = f->volume;
                assert_int_equal(munmap(before, 4096), 0);
        }
}

static void test_that_a_subvolume_is_copied_though_it_cannot_be_followed(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;
        _cleanup_(freep) char *volume = NULL;

        skip_unless_root();
        f = fixture_new(COPY, "btrfs");
        run("btrfs subvolume create %s/sub >/dev/null && cd %s/sub && mkdir a && echo 1 > a/1 && echo 2 > a/2", f->volume,
            f->volume);
        volume = path_in(f->volume, "sub");
        f->s.volume = volume;
        (void) fd_close(f->s.volume_fd);
        f->s.volume_fd = open(volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        fixture_prepare(f);
        run("cd %s && echo changed > a/1 && rm a/2", volume);
        fixture_commit(f);
        assert_false(fixture_statistics(f)->followed);
        fixture_surface(f);
        trees_are_equal(volume, f->device);
        fixture_discard(f);
        f->s.volume = f->volume;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_the_window_looks_at_what_was_touched_and_nothing_else),
                cmocka_unit_test(test_that_what_is_written_through_a_mapping_is_followed),
                cmocka_unit_test(test_that_what_a_loop_device_writes_is_followed),
                cmocka_unit_test(test_that_an_open_file_is_let_go_of),
                cmocka_unit_test(test_that_what_is_caught_up_with_before_the_hold_is_not_copied_in_it),
                cmocka_unit_test(test_that_nothing_is_missed_when_events_are_lost),
                cmocka_unit_test(test_that_a_subvolume_is_copied_though_it_cannot_be_followed),
        };

        return cmocka_run_group_tests_name("files-followed", tests, fixture_namespace, NULL);
}
