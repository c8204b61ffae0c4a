/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What happens between the first pass and the window: whatever it is, the copy is what the volume was when
 * it closed, and no more was copied in the window than had changed.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "unit/provider-files/files-fixture.h"

/* Changes are followed where we may mount, else all files are looked at. */
static const struct {
        const ProviderOps *ops;
        const char *file_system;
        bool may_not_mount;
} everywhere[] = {
        { COPY,    NULL,    false },
        { COPY,    "ext4",  false },
        { COPY,    "xfs",   false },
        { COPY,    "btrfs", false },
        { COPY,    "tmpfs", false },
        { REFLINK, "xfs",   false },
        { REFLINK, "btrfs", false },
        { COPY,    NULL,    true  },
        { REFLINK, "xfs",   true  },
        { COPY,    "tmpfs", true  },
};

#define FOR_EVERYWHERE(i) for (size_t i = 0; i < ELEMENTSOF(everywhere); ++i)

static Fixture *somewhere(size_t i) {
        Fixture *f;

        if (everywhere[i].file_system && geteuid() != 0)
                return NULL;

        f = fixture_new(everywhere[i].ops, everywhere[i].file_system);
        if (everywhere[i].may_not_mount)
                f->env.privileged = false;
        return f;
}

static void fill(const char *volume) {
        run("cd %s && mkdir -p a/b c d/e/f && for i in 1 2 3 4 5 6 7 8 9; do echo $i > a/$i; echo $i$i > "
            "a/b/$i; "
            "echo $i$i$i > d/e/f/$i; done; ln -s a link; mkfifo pipe; echo one > c/one; ln c/one c/two; ln "
            "c/one three",
            volume);
}

static void test_that_nothing_is_copied_in_the_window_if_nothing_changed(void **state) {
        FOR_EVERYWHERE(i) {
                _cleanup_(fixture_freep) Fixture *f = somewhere(i);

                if (!f)
                        continue;
                fill(f->volume);
                fixture_prepare(f);
                assert_int_equal(fixture_statistics(f)->ahead.torn, 0);
                fixture_commit(f);
                assert_int_equal(fixture_statistics(f)->window.files, 0);
                assert_int_equal(fixture_statistics(f)->window.others, 0);
                assert_int_equal(fixture_statistics(f)->window.removed, 0);
                fixture_surface_is_equal(f);
        }
}

/* Each is done after prepare(); commit() then copies so many files. */
static const struct {
        const char *change;
        uint64_t files;
} changes[] = {
        { "true", 0 },
        { "echo more >> a/1", 1 },
        { "echo X | dd of=a/1 conv=notrunc status=none", 1 },
        { "echo X | dd of=a/1 conv=notrunc status=none; touch -r a/2 a/1", 1 }, /* the time set back */
        { "touch -r a/1 ../r; echo X | dd of=a/1 conv=notrunc status=none; touch -r ../r a/1", 1 },
        { ": > a/1", 1 },
        { "truncate -s 1M a/1", 1 },
        { "chmod 600 a/1", 1 },
        { "rm a/1", 0 },
        { "rm -r a", 0 },
        { "rm -r a; mkdir a; echo 1 > a/1", 1 },
        { "echo new > new", 1 },
        { "mkdir -p x/y/z; echo new > x/y/z/new", 1 },
        { "mv a/1 a/renamed", 1 },
        { "mv a/1 d/e/f/1", 1 },
        { "mv a/1 a/2", 1 },
        { "mv a/b/1 t; mv a/b/2 a/b/1; mv t a/b/2", 2 },
        { "mv a renamed", 18 },
        { "mv d/e/f up; rmdir d/e; mv up d/e", 9 },
        { "rm a/1; mkdir a/1; echo x > a/1/x", 1 }, /* a file becomes a directory */
        { "rm -r a/b; echo x > a/b", 1 },           /* and the other way round */
        { "rm -r a/b; ln -s nowhere a/b", 0 },
        { "rm a/1; mkfifo a/1", 0 },
        { "rm link; ln -s elsewhere link", 0 },
        { "rm link; echo file > link", 1 },
        { "rm pipe", 0 },
        { "chmod 700 a; chmod 1777 .", 0 },
        { "touch -d 2001-01-01 d/e", 0 },
        { "touch -h -d 2001-01-01 link", 0 },
        { "echo changed > c/one", 1 }, /* under three names */
        { "echo changed > c/two; rm c/one", 1 },
        { "rm c/two", 1 },
        { "rm c/two c/one", 1 },
        { "rm c/one c/two three", 0 },
        { "ln a/1 a/another", 1 },
        { "ln a/1 a/another; echo changed >> a/1", 1 },
        { "ln a/1 a/0; rm a/1", 1 },
        { "ln c/one four; echo x > four", 1 },
        { "cp c/two t; mv t c/two", 2 }, /* one name of three becomes a file of its own */
        { "cp c/two t; mv t c/two; echo y >> c/two; echo x >> three", 2 },
        { "rm c/one; echo 1 > c/one; ln -f c/one c/two", 2 },
        { "rm c/*; echo y > c/x; ln c/x c/y", 2 },
        { "mv c/two a; mv c/one c/two; mv a/two c/one", 1 },
        { "echo x > .umbra-shadowed", 1 },
};

static void test_that_the_window_copies_what_changed_and_nothing_else(void **state) {
        for (size_t n = 0; n < ELEMENTSOF(changes); ++n)
                /* Not all of them everywhere, as making a file system takes a while. */
                for (size_t i = 0; i < ELEMENTSOF(everywhere); i += n % 3 == 0 ? 1 : 6) {
                        _cleanup_(fixture_freep) Fixture *f = somewhere(i);

                        if (!f)
                                continue;
                        fill(f->volume);
                        fixture_prepare(f);
                        run("cd %s && { %s; }", f->volume, changes[n].change);
                        fixture_commit(f);
                        if (fixture_statistics(f)->window.files != changes[n].files)
                                fail_msg("'%s' made the window copy %llu files on %s", changes[n].change,
                                         (unsigned long long) fixture_statistics(f)->window.files,
                                         everywhere[i].file_system ?: "a directory");
                        fixture_surface_is_equal(f);
                        fixture_discard(f);
                }
}

/* The trap: a mapping whose page is dirty already is written to without asking the kernel. */
static void test_that_a_write_through_a_mapping_is_seen(void **state) {
        FOR_EVERYWHERE(i) {
                _cleanup_(fixture_freep) Fixture *f = somewhere(i);
                _cleanup_(freep) char *path = NULL;
                int fd;
                char *map;

                if (!f)
                        continue;

                write_file(f->volume, "mapped", "before");
                path = path_in(f->volume, "mapped");
                fd = open(path, O_RDWR | O_CLOEXEC);
                assert_true(fd >= 0);
                map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                assert_true(map != MAP_FAILED);
                (void) fd_close(fd);

                memcpy(map, "dirty!", 6); /* just before the copy, so that the page may stay dirty */
                fixture_prepare(f);
                memcpy(map, "behind", 6);
                fixture_commit(f);
                fixture_surface_is_equal(f);
                fixture_discard(f);
                assert_int_equal(munmap(map, 4096), 0);
        }
}

/* Mapped all the time, but written to long ago: nothing has to be copied again until it is written to. */
static void test_that_a_write_through_an_old_mapping_is_seen(void **state) {
        FOR_EVERYWHERE(i) {
                _cleanup_(fixture_freep) Fixture *f = somewhere(i);
                _cleanup_(freep) char *path = NULL;
                int fd;
                char *map;

                if (!f || strcmp(everywhere[i].file_system ?: "", "tmpfs") == 0) /* it never lets go of a mapping */
                        continue;

                write_file(f->volume, "mapped", "before");
                path = path_in(f->volume, "mapped");
                fd = open(path, O_RDWR | O_CLOEXEC);
                assert_true(fd >= 0);
                map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                assert_true(map != MAP_FAILED);
                (void) fd_close(fd);
                memcpy(map, "dirty!", 6);
                (void) usleep(2200 * 1000);

                fixture_prepare(f);
                fixture_commit(f);
                assert_int_equal(fixture_statistics(f)->window.files, 0);
                f->ops->release(&f->s);
                fixture_discard(f);
                free((char *) (uintptr_t) f->s.note);
                f->s.note = NULL;

                fixture_prepare(f);
                memcpy(map, "behind", 6);
                fixture_commit(f);
                assert_int_equal(fixture_statistics(f)->window.files, 1);
                fixture_surface_is_equal(f);
                assert_int_equal(munmap(map, 4096), 0);
        }
}

/* Something that never rests, until it is told to. */
typedef struct Restless {
        const char *volume;
        atomic_bool stop;
        unsigned seed;
        unsigned limit; /* 0: until told */
} Restless;

static void some_path(Restless *r, char path[512]) {
        static const char *const directories[] = { "", "a/", "a/b/", "c/", "d/e/", "d/e/f/", "new/" };

        (void) snprintf(path, 512, "%s/%s%u", r->volume,
                        directories[(unsigned) rand_r(&r->seed) % ELEMENTSOF(directories)],
                        (unsigned) rand_r(&r->seed) % 12);
}

static void one_change(Restless *r) {
        char path[512], other[512];
        int fd;

        some_path(r, path);
        some_path(r, other);
        switch (rand_r(&r->seed) % 14) {
        case 0:
        case 1:
        case 2:
                fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0644);
                if (fd >= 0)
                        (void) !write(fd, path, 20 + (size_t) rand_r(&r->seed) % 40);
                (void) fd_close(fd);
                break;
        case 3:
                fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0600);
                (void) fd_close(fd);
                break;
        case 4:
                (void) rename(path, other);
                break;
        case 5:
                (void) unlink(path);
                break;
        case 6:
                (void) link(path, other);
                break;
        case 7:
                (void) mkdir(path, 0755);
                break;
        case 8:
                (void) rmdir(path);
                break;
        case 9:
                (void) symlink("target", path);
                break;
        case 10:
                (void) chmod(path, 0700);
                break;
        case 11: /* a file for a directory, a tree for another */
                (void) renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE);
                break;
        case 12:
                (void) link(path, other);
                (void) unlink(path);
                break;
        default:
                (void) mkfifo(path, 0644);
        }
}

static void *be_restless(void *arg) {
        Restless *r = arg;
        unsigned n = 0;

        while (!atomic_load(&r->stop) && (r->limit == 0 || n++ < r->limit)) {
                one_change(r);
                if (r->limit == 0)
                        (void) usleep(100);
        }

        return NULL;
}

static void test_that_any_changes_at_rest_are_copied(void **state) {
        for (unsigned seed = 1; seed <= 24; ++seed) {
                _cleanup_(fixture_freep) Fixture *f = somewhere(seed % ELEMENTSOF(everywhere));
                Restless r = { .seed = seed, .limit = 60 };

                if (!f)
                        continue;
                r.volume = f->volume;
                fill(f->volume);
                (void) be_restless(&r);
                fixture_prepare(f);
                r.limit = seed * 5;
                (void) be_restless(&r);
                fixture_commit(f);
                fixture_surface_is_equal(f);
                fixture_discard(f);
        }
}

/* More rounds than anybody has patience for every day: $UMBRA_TEST_ROUNDS of them. */
static unsigned rounds(unsigned some) {
        const char *many = getenv("UMBRA_TEST_ROUNDS"); // NOLINT(concurrency-mt-unsafe)

        return many ? (unsigned) strtoul(many, NULL, 10) : some;
}

static void test_that_changes_during_the_passes_are_copied(void **state) {
        for (unsigned seed = 100; seed < 100 + rounds(30); ++seed) {
                _cleanup_(fixture_freep) Fixture *f = somewhere(seed % ELEMENTSOF(everywhere));
                Restless r = { .seed = seed };
                pthread_t thread;

                if (!f)
                        continue;
                r.volume = f->volume;
                fill(f->volume);
                assert_int_equal(pthread_create(&thread, NULL, be_restless, &r), 0);
                fixture_prepare(f);
                atomic_store(&r.stop, true);
                assert_int_equal(pthread_join(thread, NULL), 0);
                assert_true(fixture_statistics(f)->passes <= FILES_PASSES_MAX);
                fixture_commit(f);
                fixture_surface_is_equal(f);
                fixture_discard(f);
        }
}

/* Then it is fuzzy, but it is a copy, and nothing goes wrong. */
static void test_that_changes_in_the_window_do_no_harm(void **state) {
        for (unsigned seed = 200; seed < 221; ++seed) {
                _cleanup_(fixture_freep) Fixture *f = somewhere(seed % ELEMENTSOF(everywhere));
                Restless r = { .seed = seed };
                pthread_t thread;

                if (!f)
                        continue;
                r.volume = f->volume;
                fill(f->volume);
                assert_int_equal(pthread_create(&thread, NULL, be_restless, &r), 0);
                fixture_prepare(f);
                fixture_commit(f);
                atomic_store(&r.stop, true);
                assert_int_equal(pthread_join(thread, NULL), 0);
                fixture_surface(f);
                fixture_discard(f);
        }
}

/* A database under load, in one file: ahead it is copied in vain, in the window it counts. */
static void *append_for_ever(void *arg) {
        Restless *r = arg;
        _cleanup_(freep) char *path = path_in(r->volume, "log");

        while (!atomic_load(&r->stop)) {
                int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0644);

                (void) !write(fd, "a line in a log\n", 16);
                (void) fd_close(fd);
                (void) usleep(50);
        }

        return NULL;
}

typedef struct Log {
        const char *volume;
        off_t size; /* that it had */
} Log;

static bool log_has_grown(void *arg) {
        const Log *log = arg;
        _cleanup_(freep) char *path = path_in(log->volume, "log");
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_size > log->size;
}

static off_t log_size(const char *volume) {
        _cleanup_(freep) char *path = path_in(volume, "log");
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_size;
}

static void test_that_what_never_rests_is_left_to_the_window(void **state) {
        FOR_EVERYWHERE(i) {
                _cleanup_(fixture_freep) Fixture *f = somewhere(i);
                Restless r = { 0 };
                pthread_t thread;

                if (!f)
                        continue;
                r.volume = f->volume;
                fill(f->volume);
                assert_int_equal(pthread_create(&thread, NULL, append_for_ever, &r), 0);
                assert_true(eventually_exists(f->volume, "log", TEST_PATIENCE_USEC));
                fixture_prepare(f);
                assert_false(fixture_statistics(f)->converged);
                assert_in_range(fixture_statistics(f)->passes, 2, FILES_PASSES_MAX);
                assert_true(eventually(log_has_grown, &(Log){ f->volume, log_size(f->volume) }, TEST_PATIENCE_USEC));
                atomic_store(&r.stop, true);
                assert_int_equal(pthread_join(thread, NULL), 0);
                fixture_commit(f);
                assert_int_equal(fixture_statistics(f)->window.files, 1);
                fixture_surface_is_equal(f);
                fixture_discard(f);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_nothing_is_copied_in_the_window_if_nothing_changed),
                cmocka_unit_test(test_that_the_window_copies_what_changed_and_nothing_else),
                cmocka_unit_test(test_that_a_write_through_a_mapping_is_seen),
                cmocka_unit_test(test_that_a_write_through_an_old_mapping_is_seen),
                cmocka_unit_test(test_that_any_changes_at_rest_are_copied),
                cmocka_unit_test(test_that_changes_during_the_passes_are_copied),
                cmocka_unit_test(test_that_changes_in_the_window_do_no_harm),
                cmocka_unit_test(test_that_what_never_rests_is_left_to_the_window),
        };

        return cmocka_run_group_tests_name("files-window", tests, fixture_namespace, NULL);
}
