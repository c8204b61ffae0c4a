/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a copy keeps: everything that a file is.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "unit/provider-files/files-fixture.h"

static const struct {
        const ProviderOps *ops;
        const char *file_system;
} everywhere[] = {
        { COPY,    NULL    },
        { COPY,    "ext4"  },
        { COPY,    "xfs"   },
        { COPY,    "btrfs" },
        { COPY,    "tmpfs" },
        { REFLINK, "xfs"   },
        { REFLINK, "btrfs" },
};

/* Has @fill make files in each kind of volume and compares. What needs root is left out for others. */
static void is_kept_everywhere(void (*fill)(const char *volume, bool root)) {
        for (size_t i = 0; i < ELEMENTSOF(everywhere); ++i) {
                _cleanup_(fixture_freep) Fixture *f = NULL;

                if (everywhere[i].file_system && geteuid() != 0)
                        continue;

                f = fixture_new(everywhere[i].ops, everywhere[i].file_system);
                fill(f->volume, geteuid() == 0);
                fixture_copy_is_equal(f);
        }
}

static void set_time(const char *dir, const char *name, time_t sec, long nsec) {
        _cleanup_(freep) char *path = path_in(dir, name);
        struct timespec times[2] = { { sec, nsec }, { sec, nsec } };

        assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void set_attribute(const char *dir, const char *name, const char *attribute, const char *value) {
        _cleanup_(freep) char *path = path_in(dir, name);

        if (lsetxattr(path, attribute, value, strlen(value), 0) < 0 && errno != EOPNOTSUPP &&
            errno != ENOSPC)
                fail_msg("Failed to set '%s' of '%s': %s", attribute, path, strerror(errno));
}

static void fill_with_types(const char *volume, bool root) {
        run("cd %s && mkfifo pipe && ln -s nowhere link && ln -s /etc/passwd absolute && mkdir -p a/b/c "
            "empty",
            volume);
        run("cd %s && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'", volume);
        write_file(volume, "a/b/c/file", "contents");
        write_file(volume, "a/empty", "");
        if (root)
                run("cd %s && mknod null c 1 3 && mknod disk b 7 200 && chown 12:34 null pipe && chmod 0640 "
                    "disk",
                    volume);
}

static void test_that_every_type_of_file_is_kept(void **state) {
        is_kept_everywhere(fill_with_types);
}

static void fill_with_owners(const char *volume, bool root) {
        write_file(volume, "d/file", "1");
        write_file(volume, "d/program", "2");
        write_file(volume, "d/secret", "3");
        run("cd %s && ln -s file d/link && chmod 0000 d/secret && chmod 04755 d/program && chmod 01777 d",
            volume);
        if (root)
                run("cd %s && chown -h 1000:1001 d/link d/program d/secret && chmod 06755 d/program && "
                    "chown 5:6 . && "
                    "mkdir setgid && chgrp 9 setgid && chmod 2775 setgid && touch setgid/x",
                    volume);
        else
                run("cd %s && chmod 0400 d/secret", volume);
}

static void test_that_owners_and_modes_are_kept(void **state) {
        is_kept_everywhere(fill_with_owners);
}

static void fill_with_times(const char *volume, bool root) {
        write_file(volume, "d/file", "1");
        write_file(volume, "old", "1");
        run("ln -s x %s/d/link", volume);
        set_time(volume, "d/file", 1234567890, 123456789);
        set_time(volume, "d/link", 1234567891, 987654321);
        set_time(volume, "old", 1, 1);
        set_time(volume, "d", 1300000000, 1);
        set_time(volume, ".", 1400000000, 999999999);
}

static void test_that_times_are_kept_to_the_nanosecond(void **state) {
        is_kept_everywhere(fill_with_times);
}

static void fill_with_attributes(const char *volume, bool root) {
        write_file(volume, "d/file", "1");
        write_file(volume, "d/plain", "1");
        write_file(volume, "program", "1");
        run("cd %s && ln -s file d/link && mkdir acls && touch acls/before", volume);
        run("cd %s && setfacl -m u:1234:rwx -m g:55:r d/file 2>/dev/null || true", volume);
        run("cd %s && setfacl -d -m u:1234:rwx acls 2>/dev/null || true", volume);
        run("cd %s && mkdir acls/below && touch acls/below/after acls/after && setfacl -b acls/after",
            volume);
        set_attribute(volume, "d/file", "user.empty", "");
        set_attribute(volume, "d/file", "user.one", "value");
        set_attribute(volume, "d", "user.directory", "value");
        set_attribute(volume, ".", "user.root", "value");
        if (root) {
                set_attribute(volume, "d/link", "trusted.of-a-link", "value");
                set_attribute(volume, "d/file", "trusted.secret", "value");
                run("setcap cap_net_raw+ep %s/program 2>/dev/null || true", volume);
        }
}

static void test_that_attributes_acls_and_capabilities_are_kept(void **state) {
        is_kept_everywhere(fill_with_attributes);
}

static void fill_with_large_attributes(const char *volume, bool root) {
        _cleanup_(freep) char *value = calloc_checked(3000, 1);

        assert_non_null(value);
        memset(value, 'v', 2999);
        write_file(volume, "file", "1");
        set_attribute(volume, "file", "user.large", value);
        for (unsigned i = 0; i < 12; ++i) {
                char name[64];

                (void) snprintf(name, sizeof(name), "user.attribute-with-a-long-and-boring-name-%u", i);
                set_attribute(volume, "file", name, "x");
        }
}

static void test_that_many_and_large_attributes_are_kept(void **state) {
        is_kept_everywhere(fill_with_large_attributes);
}

static void fill_with_hard_links(const char *volume, bool root) {
        write_file(volume, "a/one", "contents");
        run("cd %s && mkdir b && ln a/one b/two && ln a/one three && ln -s x s && ln -P s b/s && mkfifo p "
            "&& ln p b/p && "
            "echo single > b/single && chmod 0444 a/one",
            volume);
}

static void test_that_names_of_the_same_file_stay_that(void **state) {
        is_kept_everywhere(fill_with_hard_links);
}

static void fill_with_holes(const char *volume, bool root) {
        _cleanup_(freep) char *path = path_in(volume, "sparse");
        _cleanup_(closep) int fd = -EBADF;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
        assert_int_equal(pwrite(fd, "middle", 6, (off_t) 3 << 30), 6);
        assert_int_equal(ftruncate(fd, (off_t) 5 << 30), 0);
        run("cd %s && truncate -s 100M hole && truncate -s 1M ends-in-data && printf x >> ends-in-data",
            volume);
}

static void test_that_holes_stay_holes(void **state) {
        is_kept_everywhere(fill_with_holes);
}

static void fill_with_names(const char *volume, bool root) {
        char longest[256];

        memset(longest, 'n', 255);
        longest[255] = '\0';
        write_file(volume, "d/ leading", "1");
        write_file(volume, "d/new\nline", "2");
        write_file(volume, "d/back\\slash", "3");
        write_file(volume, "d/\xff\xfe\x01", "4");
        write_file(volume, "d/...", "5");
        write_file(volume, "d/-rf", "6");
        write_file(volume, "d/umlaut \xc3\xa4", "7");
        write_file(volume, longest, "8");
        write_file(volume, "d/.umbra-shadow/only at the top", "9");
}

static void test_that_names_may_be_any_bytes(void **state) {
        is_kept_everywhere(fill_with_names);
}

/* Far longer than PATH_MAX. */
static void fill_with_depth(const char *volume, bool root) {
        int fd = open(volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        for (unsigned i = 0; i < 400; ++i) {
                int below;

                assert_int_equal(mkdirat(fd, "a directory with a long name", 0755), 0);
                below = openat(fd, "a directory with a long name", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(below >= 0);
                (void) fd_close(fd);
                fd = below;
        }
        assert_int_equal(mkdirat(fd, "sibling", 0700), 0);
        (void) fd_close(openat(fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        (void) fd_close(fd);
}

static void test_that_paths_may_be_longer_than_any_path(void **state) {
        is_kept_everywhere(fill_with_depth);
}

static void fill_with_many(const char *volume, bool root) {
        run("cd %s && mkdir many && cd many && seq 1 1500 | xargs touch && for i in 1 2 3; do mkdir d$i; "
            "(cd d$i; seq 1 200 | xargs mkdir); done",
            volume);
}

static void test_that_directories_may_be_large(void **state) {
        is_kept_everywhere(fill_with_many);
}

static void test_that_a_file_without_copy_on_write_is_cloned(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;

        skip_unless_root();
        f = fixture_new(REFLINK, "btrfs");
        write_file(f->volume, "normal", "x");
        run("cd %s && mkdir images && chattr +C images && head -c 3M /dev/urandom > images/disk", f->volume);
        fixture_prepare(f);
        fixture_commit(f);
        assert_int_equal(fixture_statistics(f)->ahead.cloned, fixture_statistics(f)->ahead.files);
        fixture_surface_is_equal(f);
}

static void test_that_a_clone_takes_no_room(void **state) {
        _cleanup_(fixture_freep) Fixture *f = NULL;

        skip_unless_root();
        f = fixture_new(REFLINK, "xfs");
        run("head -c 200M /dev/zero | tr '\\0' x > %s/large",
            f->volume); /* of 400 MiB, most of which are left */
        run("sync -f %s", f->volume);
        fixture_prepare(f);
        fixture_commit(f);
        fixture_surface_is_equal(f);
        run("test $(df --output=used -BM %s | tail -1 | tr -dc 0-9) -lt 300", f->volume);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_every_type_of_file_is_kept),
                cmocka_unit_test(test_that_owners_and_modes_are_kept),
                cmocka_unit_test(test_that_times_are_kept_to_the_nanosecond),
                cmocka_unit_test(test_that_attributes_acls_and_capabilities_are_kept),
                cmocka_unit_test(test_that_many_and_large_attributes_are_kept),
                cmocka_unit_test(test_that_names_of_the_same_file_stay_that),
                cmocka_unit_test(test_that_holes_stay_holes),
                cmocka_unit_test(test_that_names_may_be_any_bytes),
                cmocka_unit_test(test_that_paths_may_be_longer_than_any_path),
                cmocka_unit_test(test_that_directories_may_be_large),
                cmocka_unit_test(test_that_a_file_without_copy_on_write_is_cloned),
                cmocka_unit_test(test_that_a_clone_takes_no_room),
        };

        return cmocka_run_group_tests_name("files-kept", tests, fixture_namespace, NULL);
}
