/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a copy ends, and what happens when it cannot be made: mounts, subvolumes, umbra's own files, full
 * disks, missing rights, held file systems and sudden death.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "provider/provider-protocol.h"
#include "unit/provider-files/files-fixture.h"

#define NOBODY 65534

static void test_that_what_is_mounted_in_a_volume_is_not_in_its_copy(void **state) {
        static const struct {
                const ProviderOps *ops;
                const char *file_system;
        } cases[] = { { COPY, NULL }, { REFLINK, "xfs" } };

        skip_unless_root();
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(fixture_freep) Fixture *f = fixture_new(cases[i].ops, cases[i].file_system);

                write_file(f->volume, "mount/under", "seen, as on any snapshot");
                write_file(f->volume, "file", "under");
                write_file(f->volume, "other", "other");
                run("cd %s && mount -t tmpfs none mount && touch mount/over && mount --bind other file",
                    f->volume);

                fixture_prepare(f);
                fixture_commit(f);
                fixture_surface(f);
                assert_true(file_exists(f->device, "mount/under"));
                assert_false(file_exists(f->device, "mount/over"));
                {
                        _cleanup_(freep) char *text = read_file(f->device, "file");

                        assert_string_equal(text, "under");
                }
                fixture_discard(f);
                run("cd %s && umount mount file", f->volume);
        }
}

static void test_that_a_subvolume_is_an_empty_directory(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;

        skip_unless_root();
        f = fixture_new(REFLINK, "btrfs");
        write_file(f->volume, "d/file", "x");
        run("cd %s/d && btrfs subvolume create sub >/dev/null && echo x > sub/file", f->volume);
        fixture_prepare(f);
        fixture_commit(f);
        fixture_surface(f);
        assert_true(file_exists(f->device, "d/sub"));
        assert_true(file_exists(f->device, "d/file"));
        assert_false(file_exists(f->device, "d/sub/file"));
        fixture_discard(f);
}

static void test_that_a_copy_on_an_overlay_sees_every_change(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;
        _cleanup_(freep) char *path = NULL;
        char *map;
        int fd;

        skip_unless_root();
        f = fixture_new(COPY, NULL);
        write_file(f->dir, "lower/a/below", "lower");
        write_file(f->dir, "lower/a/changed", "lower");
        write_file(f->dir, "lower/removed", "lower");
        run("cd %s && mkdir upper work && mount -t overlay -o lowerdir=lower,upperdir=upper,"
            "workdir=work none volume",
            f->dir);
        f->is_mounted = true;
        (void) fd_close(f->s.volume_fd);
        f->s.volume_fd = open(f->volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        write_file(f->volume, "mapped", "before");
        path = path_in(f->volume, "mapped");
        fd = open(path, O_RDWR | O_CLOEXEC);
        map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_true(map != MAP_FAILED);
        (void) fd_close(fd);
        memcpy(map, "dirty!", 6);

        fixture_prepare(f);
        memcpy(map, "behind", 6);
        run("cd %s && rm removed && echo changed > a/changed && mkdir new && mv a/below new", f->volume);
        fixture_commit(f);
        fixture_surface_is_equal(f);
        fixture_discard(f);
        assert_int_equal(munmap(map, 4096), 0);
}

static void test_that_umbras_own_files_are_left_out(void **state) {
        _cleanup_(fixture_freep) Fixture *f = fixture_new(COPY, NULL);
        _cleanup_(freep) char *own = path_in(f->volume, "var/umbra");

        write_file(f->volume, "var/umbra/catalog", "x");
        write_file(f->volume, "var/other", "x");
        write_file(f->volume, ".umbra-shadow/another/tree/file", "x");
        write_file(f->volume, "deeper/.umbra-shadow/file", "x");
        f->env.state_dir = own;

        fixture_prepare(f);
        fixture_commit(f);
        fixture_surface(f);
        assert_true(file_exists(f->device, "var/other"));
        assert_true(file_exists(f->device, "deeper/.umbra-shadow/file"));
        assert_false(file_exists(f->device, "var/umbra"));
        assert_false(file_exists(f->device, ".umbra-shadow"));
        f->env.state_dir = f->state;
}

static void test_that_the_store_itself_cannot_be_copied(void **state) {
        _cleanup_(fixture_freep) Fixture *f = fixture_new(COPY, NULL);
        static const struct {
                const char *volume;
                int r;
        } cases[] = {
                { "state",           0           },
                { "state/store",     -EOPNOTSUPP },
                { "state/store/x/y", -EOPNOTSUPP },
                { "state/other",     0           },
        };

        write_file(f->dir, "state/store/x/y/file", "x");
        write_file(f->dir, "state/other/file", "x");
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *path = path_in(f->dir, cases[i].volume);
                _cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                ProviderProbe probe;

                assert_int_equal(COPY->probe(&f->env, path, fd, &probe), cases[i].r);
        }
}

static void probe_says(Fixture *f, uint32_t flags, int held) {
        ProviderProbe probe;

        assert_int_equal(f->ops->probe(&f->env, f->volume, f->s.volume_fd, &probe), 0);
        assert_int_equal(probe.flags, flags | PROVIDER_HAS_PRE_COMMIT);
        assert_int_equal(probe.consistency, PROVIDER_CONSISTENCY_FUZZY);
        assert_int_equal(probe.consistency_held, held);
}

static void test_that_a_volume_is_held_only_if_nothing_is_written_to_it(void **state) {
        skip_unless_root();
        {
                _cleanup_(fixture_freep) Fixture *f = fixture_new(COPY, NULL);

                probe_says(f, PROVIDER_FORBIDS_HOLD, PROVIDER_CONSISTENCY_FUZZY); /* the same file system */

                /* Another one, but in an image that lies on the volume's. */
                run("cd %s && truncate -s 32M image && mkfs.ext4 -q image && mount -o loop image state",
                    f->dir);
                probe_says(f, PROVIDER_FORBIDS_HOLD, PROVIDER_CONSISTENCY_FUZZY);
                run("cd %s && umount state && mount -t tmpfs none state", f->dir);
                probe_says(f, PROVIDER_WANTS_HOLD, PROVIDER_CONSISTENCY_CRASH);
                run("cd %s && umount state", f->dir);
        }
        {
                _cleanup_(fixture_freep) Fixture *f = fixture_new(COPY, "ext4");

                probe_says(f, PROVIDER_WANTS_HOLD, PROVIDER_CONSISTENCY_CRASH);
        }
        {
                _cleanup_(fixture_freep) Fixture *f = fixture_new(COPY, "btrfs");
                _cleanup_(freep) char *sub = path_in(f->volume, "sub");

                run("btrfs subvolume create %s >/dev/null", sub);
                probe_says(f, PROVIDER_WANTS_HOLD, PROVIDER_CONSISTENCY_CRASH);
                f->env.state_dir = sub; /* another device number, the same file system */
                probe_says(f, PROVIDER_FORBIDS_HOLD, PROVIDER_CONSISTENCY_FUZZY);
                f->env.state_dir = f->state;
        }
        {
                _cleanup_(fixture_freep) Fixture *f = fixture_new(REFLINK, "xfs");

                probe_says(f, PROVIDER_FORBIDS_HOLD, PROVIDER_CONSISTENCY_FUZZY);
                assert_false(file_exists(f->volume, ".umbra-shadow"));
        }
}

static void test_that_files_are_not_cloned_where_they_cannot_be(void **state) {
        static const char *const file_systems[] = { "ext4", "tmpfs" };

        skip_unless_root();
        for (size_t i = 0; i < ELEMENTSOF(file_systems); ++i) {
                _cleanup_(fixture_freep) Fixture *f = fixture_new(REFLINK, file_systems[i]);
                ProviderProbe probe;

                assert_int_equal(REFLINK->probe(&f->env, f->volume, f->s.volume_fd, &probe), -EOPNOTSUPP);
        }
}

/* The real thing: whoever wrote to the volume now would sleep until the thaw. */
static void test_that_a_held_volume_is_copied_without_touching_it(void **state) {
        static const char *const file_systems[] = { "ext4", "xfs", "btrfs" };

        skip_unless_root();
        for (size_t i = 0; i < ELEMENTSOF(file_systems); ++i) {
                _cleanup_(fixture_freep) Fixture *f = fixture_new(COPY, file_systems[i]);
                pid_t rescuer;
                int r;

                run("cd %s && mkdir d && ln -s d link && echo 1 > d/file && ln d/file d/two && mkfifo p && "
                    "setfattr -n user.x "
                    "-v y d/file && mount -o remount,strictatime .",
                    f->volume);
                fixture_prepare(f);
                run("cd %s && echo 2 > d/file && ln -sf x link && mkdir -p new/below && echo 3 > "
                    "new/below/file && rm p",
                    f->volume);

                assert_int_equal(ioctl(f->s.volume_fd, FIFREEZE, 0), 0);
                rescuer = fork();
                assert_true(rescuer >= 0);
                if (rescuer == 0) {
                        (void) poll(NULL, 0, 20000);
                        (void) ioctl(f->s.volume_fd, FITHAW, 0);
                        _exit(1);
                }
                r = COPY->commit(&f->env, &f->s, true);
                assert_int_equal(ioctl(f->s.volume_fd, FITHAW, 0), 0); /* it still was */
                assert_int_equal(kill(rescuer, SIGKILL), 0);
                assert_int_equal(waitpid(rescuer, NULL, 0), rescuer);

                assert_int_equal(r, 0);
                assert_int_equal(fixture_statistics(f)->window.torn, 0);
                fixture_surface_is_equal(f);
                fixture_discard(f);
        }
}

static unsigned count_mounts(const char *path) {
        _cleanup_(freep) char *text = NULL;
        unsigned n = 0;

        assert_int_equal(file_read_text("/proc/self/mountinfo", 1 << 20, &text), 0);
        for (const char *p = text; (p = strstr(p, path)); ++p)
                ++n;
        return n;
}

static void test_that_a_copy_can_be_surfaced_again_and_not_written_to(void **state) {
        _cleanup_(fixture_freep) Fixture *f = fixture_new(COPY, NULL);
        _cleanup_(freep) char *device = NULL, *file = NULL;

        write_file(f->volume, "file", "x");
        fixture_prepare(f);
        fixture_commit(f);
        fixture_surface(f);
        assert_int_equal(strdup_to(f->device, &device), 0);

        f->ops->release(&f->s); /* another worker, after a restart, the volume being gone */
        f->s.volume_fd = fd_close(f->s.volume_fd);
        fixture_surface(f);
        assert_string_equal(f->device, device);

        if (f->env.privileged) {
                assert_int_equal(count_mounts(device), 1);
                file = path_in(device, "file");
                assert_int_equal(open(file, O_WRONLY | O_CLOEXEC), -1);
                assert_int_equal(errno, EROFS);

                assert_int_equal(umount2(device, 0), 0); /* a reboot */
                fixture_surface(f);
                assert_int_equal(count_mounts(device), 1);
        }

        {
                _cleanup_(closep) int reader = open(f->device, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                fixture_discard(f); /* while somebody is in it */
                assert_true(reader >= 0);
        }
}

static void test_that_discarding_what_was_only_planned_does_nothing(void **state) {
        static const ProviderOps *const both[] = { COPY, REFLINK };

        for (size_t i = 0; i < ELEMENTSOF(both); ++i) {
                _cleanup_(fixture_freep) Fixture *f = fixture_new(both[i], NULL);
                char *note;

                assert_int_equal(f->ops->plan(&f->env, &f->s, &note), 0);
                f->s.note = note;
                write_file(f->volume, "file", "x");
                f->s.volume_fd = fd_close(f->s.volume_fd);
                fixture_discard(f);
                assert_true(file_exists(f->volume, "file"));
        }
}

static void test_that_a_store_of_somebody_else_is_not_touched(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;
        ProviderProbe probe;
        char *planned;

        skip_unless_root();
        f = fixture_new(REFLINK, "xfs");
        assert_int_equal(REFLINK->plan(&f->env, &f->s, &planned), 0);
        f->s.note = planned;

        /* In place of the store: a way to somewhere else. */
        write_file(f->dir, "elsewhere/file", "x");
        run("mkdir -p %s/elsewhere/%s/tree && ln -s %s/elsewhere %s/.umbra-shadow", f->dir,
            GUID_TO_STRING(&f->s.id), f->dir, f->volume);
        assert_int_equal(REFLINK->probe(&f->env, f->volume, f->s.volume_fd, &probe), -EOPNOTSUPP);
        assert_int_equal(REFLINK->prepare(&f->env, &f->s), -EPERM);
        assert_non_null(strstr(provider_sentence(), "belongs to somebody else"));
        assert_int_equal(REFLINK->discard(&f->env, &f->s), 0);
        assert_true(file_exists(f->dir, "elsewhere/file"));
        run("test -d %s/elsewhere/%s/tree", f->dir, GUID_TO_STRING(&f->s.id));

        /* And a directory that is not ours. */
        run("cd %s && rm .umbra-shadow && mkdir .umbra-shadow && chown 1000 .umbra-shadow", f->volume);
        assert_int_equal(REFLINK->prepare(&f->env, &f->s), -EPERM);
}

static void test_that_a_full_store_is_noticed_before_it_is_full(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;
        char *note;

        skip_unless_root();
        f = fixture_new(COPY, NULL);
        run("mount -t tmpfs -o size=4M none %s && head -c 8M /dev/urandom > %s/large", f->state, f->volume);
        assert_int_equal(COPY->plan(&f->env, &f->s, &note), 0);
        f->s.note = note;
        assert_int_equal(COPY->prepare(&f->env, &f->s), -ENOSPC);
        assert_non_null(strstr(provider_sentence(), "the copy needs 8.0 MiB in '"));
        assert_non_null(strstr(provider_sentence(), "/state/store', where 4.0 MiB are free"));
        run("test $(du -sk %s/store | cut -f1) -lt 100", f->state); /* nothing was copied in vain */
        fixture_discard(f);

        run("umount %s && mount -t tmpfs -o nr_inodes=20 none %s && rm %s/large && cd %s && seq 100 | xargs "
            "touch",
            f->state, f->state, f->volume, f->volume);
        assert_int_equal(COPY->prepare(&f->env, &f->s), -ENOSPC);
        assert_non_null(strstr(provider_sentence(), "the copy needs 10")); /* 1 files in … */
        fixture_discard(f);
        run("umount %s", f->state);
}

static void test_that_a_store_that_becomes_full_in_the_window_leaves_nothing(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;

        skip_unless_root();
        f = fixture_new(COPY, NULL);
        run("mount -t tmpfs -o size=4M none %s && echo small > %s/file", f->state, f->volume);
        fixture_prepare(f);
        run("head -c 8M /dev/urandom > %s/file", f->volume);
        assert_int_equal(COPY->commit(&f->env, &f->s, false), -ENOSPC);
        assert_non_null(strstr(provider_sentence(), "/state/store'"));
        fixture_discard(f);
        run("umount %s", f->state);
}

static void test_that_a_full_volume_cannot_be_cloned(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;
        char *note;
        int r;

        skip_unless_root();
        f = fixture_new(REFLINK, "xfs");
        run("cd %s && mkdir many && cd many && seq 5000 | xargs touch; cd .. && { dd if=/dev/zero of=fill "
            "bs=1M || dd "
            "if=/dev/zero of=fill2 bs=4k || true; } 2>/dev/null",
            f->volume);
        assert_int_equal(REFLINK->plan(&f->env, &f->s, &note), 0);
        f->s.note = note;
        r = REFLINK->prepare(&f->env, &f->s);
        assert_int_equal(r, -ENOSPC);
        assert_true(strstr(provider_sentence(), "is full") || strstr(provider_sentence(), "No space left"));
        fixture_discard(f);
}

/* Runs the life of a snapshot as another user, who reports by exit status what went wrong. */
static int life_as_nobody(Fixture *f, int *ret_error, const char *sentence) {
        int status;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int r;

                if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
                        _exit(100);
                f->env.privileged = false;
                r = f->ops->prepare(&f->env, &f->s);
                if (r == 0)
                        r = f->ops->commit(&f->env, &f->s, false);
                if (r == 0)
                        r = f->ops->surface(&f->env, &f->s, &f->device);
                if (r < 0 && sentence && !strstr(provider_sentence(), sentence))
                        print_error("%s\n", provider_sentence());
                _exit(r < 0 ? (sentence && !strstr(provider_sentence(), sentence) ? 101 : -r) : 0);
        }

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        *ret_error = -WEXITSTATUS(status);
        return 0;
}

static int discard_as_nobody(Fixture *f) {
        int status;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
                        _exit(100);
                f->env.privileged = false;
                _exit(-f->ops->discard(&f->env, &f->s));
        }

        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

static void test_that_who_is_not_root_copies_what_he_may_read(void **state) {
        static const struct {
                const ProviderOps *ops;
                const char *file_system;
                const char *store; /* below the fixture's directory */
        } cases[] = {
                { COPY, NULL, "state/store" },
                { REFLINK, "xfs",
                  "volume/home/.umbra-shadow" }, /* the nearest directory above that he can write to */
                { REFLINK, "xfs", "volume/home/own/.umbra-shadow" }, /* none: in the volume itself */
        };

        skip_unless_root();
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(fixture_freep) Fixture *f = fixture_new(cases[i].ops, cases[i].file_system);
                _cleanup_(freep) char *own = NULL, *copy = NULL;
                char *note;
                int r;

                write_file(f->volume, "home/own/d/file", "x");
                run("cd %s/home/own && ln -s x link && ln d/file d/two && echo ro > d/ro && mkfifo p && "
                    "mkdir -p ro/ro && echo y | tee ro/y "
                    "> ro/ro/y && setfattr -n user.x -v y d/file && chmod 0400 d/ro && chmod 4755 d/file && "
                    "chmod 0555 ro ro/ro "
                    "&& cd .. && chown -hR %d:%d %s .",
                    f->volume, NOBODY, NOBODY, f->state);
                if (i == 2)
                        run("chown root %s/home && chmod 0755 %s/home", f->volume, f->volume);
                run("cd %s/home/own && chmod 4755 d/file", f->volume); /* chown has taken it away */

                own = path_in(f->volume, "home/own");
                f->s.volume = own;
                (void) fd_close(f->s.volume_fd);
                f->s.volume_fd = open(own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                assert_int_equal(seteuid(NOBODY), 0);
                assert_int_equal(f->ops->plan(&f->env, &f->s, &note), 0);
                assert_int_equal(seteuid(0), 0);
                f->s.note = note;

                assert_int_equal(life_as_nobody(f, &r, NULL), 0);
                assert_int_equal(r, 0);
                {
                        _cleanup_(freep) char *tree = NULL;

                        assert_int_equal(
                                format_to(&tree, "%s/%s/tree", cases[i].store, GUID_TO_STRING(&f->s.id)), 0);
                        copy = path_in(f->dir, tree);
                        trees_are_equal(own, copy);
                }
                assert_int_equal(discard_as_nobody(f), 0);
                {
                        _cleanup_(freep) char *store = path_in(cases[i].store, GUID_TO_STRING(&f->s.id));

                        assert_false(file_exists(f->dir, store));
                }

                /* Somebody else's secret. */
                write_file(own, "d/secret", "x");
                run("chmod 0600 %s/d/secret", own);
                assert_int_equal(life_as_nobody(f, &r, "own/d/secret' cannot be copied"), 0);
                assert_int_equal(r, -EACCES);
                assert_int_equal(discard_as_nobody(f), 0);
                f->s.volume = f->volume;
        }
}

static void test_that_sudden_death_leaves_nothing_that_discard_does_not_find(void **state) {
        static const struct {
                const ProviderOps *ops;
                const char *file_system;
        } cases[] = { { COPY, NULL }, { REFLINK, "xfs" } };
        unsigned seed = 7;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(fixture_freep) Fixture *f = NULL;
                char *note;

                if (cases[i].file_system && geteuid() != 0)
                        continue;
                f = fixture_new(cases[i].ops, cases[i].file_system);
                run("cd %s && for i in 1 2 3 4 5; do mkdir -p $i/d; (cd $i/d; seq 40 | xargs touch; echo x "
                    "> x; ln x y); done",
                    f->volume);
                assert_int_equal(f->ops->plan(&f->env, &f->s, &note), 0);
                f->s.note = note;

                for (unsigned n = 0; n < 40; ++n) {
                        pid_t pid = fork();

                        assert_true(pid >= 0);
                        if (pid == 0) {
                                char *device;

                                for (;;)
                                        if (f->ops->prepare(&f->env, &f->s) < 0 ||
                                            f->ops->commit(&f->env, &f->s, false) < 0 ||
                                            f->ops->surface(&f->env, &f->s, &device) < 0 ||
                                            f->ops->discard(&f->env, &f->s) < 0)
                                                _exit(1);
                        }

                        (void) usleep((unsigned) rand_r(&seed) % 120000);
                        assert_int_equal(kill(pid, SIGKILL), 0);
                        {
                                int status;

                                assert_int_equal(waitpid(pid, &status, 0), pid);
                                assert_true(WIFSIGNALED(status));
                        }
                        fixture_discard(f);
                }
        }
}

static void test_that_no_descriptor_is_left_open(void **state) {
        _cleanup_(fixture_freep) Fixture *f = fixture_new(COPY, NULL);
        unsigned fds = count_open_fds();

        run("cd %s && mkdir -p a/b/c && echo x > a/b/c/x && ln a/b/c/x y", f->volume);
        fixture_prepare(f);
        fixture_commit(f);
        fixture_surface(f);
        f->ops->release(&f->s);
        assert_int_equal(count_open_fds(), fds);
}

static void test_that_any_allocation_may_fail(void **state) {
        _cleanup_(fixture_freep) Fixture *f = fixture_new(COPY, NULL);
        unsigned fds = count_open_fds();
        int r = -ENOMEM;
        char *note;

        run("cd %s && mkdir -p a/b && echo x > a/b/x && ln a/b/x y && setfattr -n user.x -v y y", f->volume);
        assert_int_equal(f->ops->plan(&f->env, &f->s, &note), 0);
        f->s.note = note;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                char *device = NULL;

                fault_fail_allocation(n);
                r = f->ops->prepare(&f->env, &f->s);
                if (r == 0)
                        r = f->ops->commit(&f->env, &f->s, false);
                if (r == 0)
                        r = f->ops->surface(&f->env, &f->s, &device);
                fault_clear();

                f->ops->release(&f->s);
                assert_int_equal(count_open_fds(), fds);
                free(device);
                fixture_discard(f);
        }
        assert_int_equal(r, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_what_is_mounted_in_a_volume_is_not_in_its_copy),
                cmocka_unit_test(test_that_a_subvolume_is_an_empty_directory),
                cmocka_unit_test(test_that_a_copy_on_an_overlay_sees_every_change),
                cmocka_unit_test(test_that_umbras_own_files_are_left_out),
                cmocka_unit_test(test_that_the_store_itself_cannot_be_copied),
                cmocka_unit_test(test_that_a_volume_is_held_only_if_nothing_is_written_to_it),
                cmocka_unit_test(test_that_files_are_not_cloned_where_they_cannot_be),
                cmocka_unit_test(test_that_a_held_volume_is_copied_without_touching_it),
                cmocka_unit_test(test_that_a_copy_can_be_surfaced_again_and_not_written_to),
                cmocka_unit_test(test_that_discarding_what_was_only_planned_does_nothing),
                cmocka_unit_test(test_that_a_store_of_somebody_else_is_not_touched),
                cmocka_unit_test(test_that_a_full_store_is_noticed_before_it_is_full),
                cmocka_unit_test(test_that_a_store_that_becomes_full_in_the_window_leaves_nothing),
                cmocka_unit_test(test_that_a_full_volume_cannot_be_cloned),
                cmocka_unit_test(test_that_who_is_not_root_copies_what_he_may_read),
                cmocka_unit_test(test_that_sudden_death_leaves_nothing_that_discard_does_not_find),
                cmocka_unit_test(test_that_no_descriptor_is_left_open),
                cmocka_unit_test(test_that_any_allocation_may_fail),
        };

        return cmocka_run_group_tests_name("files-limits", tests, fixture_namespace, NULL);
}
