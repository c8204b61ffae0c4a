/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Volumes by every name, on real mounts in a namespace of their own: loops, bind mounts, subvolumes,
 * overlays, and a file system whose server never answers.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "base/time-util.h"
#include "lib/test-util.h"
#include "loop-fs.h"
#include "volume/mount-table.h"
#include "volume/volume-id.h"
#include "volume/volume-stack.h"
#include "volume/volume.h"

typedef struct Fixture {
        char *dir; /* resolved */
        LoopFs *a, *b;
        char **mounts; /* to be undone, last first */
} Fixture;

static int set_up(void **state) {
        Fixture *f;
        char *dir;

        f = calloc_checked(1, sizeof(*f));
        assert_non_null(f);
        dir = temp_dir_new();
        f->dir = realpath(dir, NULL);
        assert_non_null(f->dir);
        free(dir);
        *state = f;
        return 0;
}

static int tear_down(void **state) {
        Fixture *f = *state;

        volume_protect_none();
        for (size_t i = strv_length(f->mounts); i-- > 0;)
                (void) umount2(f->mounts[i], MNT_DETACH);
        strv_free(f->mounts);
        loop_fs_free(f->b);
        loop_fs_free(f->a);
        temp_dir_free(f->dir);
        free(f);
        return 0;
}

/* Below the fixture's directory. */
static char *make_dir(Fixture *f, const char *name) {
        char *path = path_in(f->dir, name);

        if (mkdir(path, 0755) < 0)
                assert_int_equal(errno, EEXIST);
        return path;
}

static void mount_on(Fixture *f,
                     const char *source,
                     const char *target,
                     const char *type,
                     unsigned long flags,
                     const char *data) {
        if (mount(source, target, type, flags, data) < 0)
                fail_msg("Failed to mount '%s' on '%s': %s", source, target, strerror(errno));
        assert_int_equal(strv_append(&f->mounts, target), 0);
}

static void make_subvolume(const char *dir, const char *name) {
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct btrfs_ioctl_vol_args args = {};

        (void) snprintf(args.name, sizeof(args.name), "%s", name);
        assert_int_equal(ioctl(fd, BTRFS_IOC_SUBVOL_CREATE, &args), 0);
}

static Volume *resolve(const char *name) {
        _cleanup_(freep) char *why = NULL;
        Volume *v = NULL;
        HRESULT hr;

        hr = volume_resolve(name, &v, &why);
        if (hr != S_OK)
                fail_msg("'%s' gives %s: %s", name, hresult_name(hr), why);
        assert_null(why);
        return v;
}

static void assert_refused(const char *name, HRESULT expected) {
        _cleanup_(freep) char *why = NULL;
        Volume *v = NULL;
        HRESULT hr;

        hr = volume_resolve(name, &v, &why);
        if (hr != expected)
                fail_msg("'%s' gives %s instead of %s", name ?: "(null)", hresult_name(hr),
                         hresult_name(expected));
        assert_null(v);
        assert_non_null(why);
}

static bool is_listed(const char *path) {
        Volume **list;
        size_t n;
        bool found = false;

        assert_int_equal(volume_list(&list, &n), 0);
        for (size_t i = 0; i < n; ++i) {
                found = found || strcmp(list[i]->path, path) == 0;
                if (i > 0)
                        assert_true(strcmp(list[i - 1]->path, list[i]->path) <= 0);
        }
        volume_list_free(list, n);
        return found;
}

static void test_that_a_directory_is_found_by_every_spelling(void **state) {
        static const struct {
                const char *format; /* %s: the directory */
                char separator;
        } cases[] = {
                { "%s",          '/'  },
                { "%s/",         '/'  },
                { "%s///",       '/'  },
                { "%s/.",        '/'  },
                { "%s/../data",  '/'  },
                { "/%s",         '/'  },
                { "%s",          '\\' },
                { "%s\\",        '\\' },
                { "%s\\\\",      '\\' },
                { "%s\\",        '/'  }, /* both */
        };
        Fixture *f = *state;
        _cleanup_(freep) char *dir = make_dir(f, "data");

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *spelled = NULL, *name = NULL;
                _cleanup_(volume_freep) Volume *v = NULL;

                assert_int_equal(strdup_to(dir, &spelled), 0);
                for (char *p = spelled; *p; ++p)
                        if (*p == '/')
                                *p = cases[i].separator;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                assert_int_equal(format_to(&name, cases[i].format, spelled), 0);
#pragma GCC diagnostic pop
                v = resolve(name);
                assert_string_equal(v->path, dir);
                assert_false(v->is_mount);
        }
}

static void test_that_a_backslash_may_be_part_of_a_name(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *odd = make_dir(f, "odd\\name"), *outer = make_dir(f, "even");
        _cleanup_(freep) char *inner = path_in(outer, "name"), *name = path_in(f->dir, "even\\name");
        _cleanup_(volume_freep) Volume *v = resolve(odd), *w = NULL;

        assert_int_equal(mkdir(inner, 0755), 0);
        w = resolve(name);
        assert_string_equal(v->path, odd);
        assert_string_equal(w->path, inner);
}

static void test_that_links_are_followed(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *dir = make_dir(f, "data"), *link = path_in(f->dir, "link");
        _cleanup_(volume_freep) Volume *v = NULL;

        assert_int_equal(symlink("data", link), 0);
        v = resolve(link);
        assert_string_equal(v->path, dir);
}

static void test_that_the_root_is_a_volume(void **state) {
        static const char *const names[] = { "/", "//", "\\", "/.", "/tmp/.." };

        for (size_t i = 0; i < ELEMENTSOF(names); ++i) {
                _cleanup_(volume_freep) Volume *v = resolve(names[i]);

                assert_string_equal(v->path, "/");
                assert_string_equal(v->mount_point, "/");
                assert_true(v->is_mount);
        }
        assert_true(is_listed("/"));
}

static void test_that_what_is_no_volume_is_refused(void **state) {
        static const struct {
                const char *name;
                HRESULT hr;
        } cases[] = {
                { NULL,                                                    E_INVALIDARG               },
                { "",                                                      E_INVALIDARG               },
                { "srv",                                                   E_INVALIDARG               },
                { "./srv",                                                 E_INVALIDARG               },
                { "C:\\",                                                  E_INVALIDARG               },
                { "\\\\?\\Volume{}\\",                                     E_INVALIDARG               },
                { "\\\\?\\Volume{00000000-0000-0000-0000-000000000000\\",  E_INVALIDARG               },
                { "\\\\?\\Volume{00000000-0000-0000-0000-00000000000g}\\", E_INVALIDARG               },
                { "\\\\?\\Volume{00000000-0000-0000-0000-000000000000}x",  E_INVALIDARG               },
                { "\\\\?\\Volume{00000000-0000-0000-0000-000000000000}\\x", E_INVALIDARG              },
                { "\\\\?\\Volume{00000000-0000-0000-0000-000000000000}\\", VSS_E_OBJECT_NOT_FOUND     },
                { "\\\\?\\Volume{00000000-0000-0000-0000-000000000000}",   VSS_E_OBJECT_NOT_FOUND     },
                { "//?/volume{00000000-0000-0000-0000-000000000000}/",     VSS_E_OBJECT_NOT_FOUND     },
                { "/does/not/exist",                                       VSS_E_OBJECT_NOT_FOUND     },
                { "/etc/passwd",                                           VSS_E_VOLUME_NOT_SUPPORTED },
                { "/etc/passwd/x",                                         VSS_E_OBJECT_NOT_FOUND     },
                { "/dev/null",                                             VSS_E_VOLUME_NOT_SUPPORTED },
                { "/proc",                                                 VSS_E_VOLUME_NOT_SUPPORTED },
                { "/proc/sys/fs",                                          VSS_E_VOLUME_NOT_SUPPORTED },
                { "/sys",                                                  VSS_E_VOLUME_NOT_SUPPORTED },
                { "/dev",                                                  VSS_E_VOLUME_NOT_SUPPORTED },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_refused(cases[i].name, cases[i].hr);
}

static void test_that_a_very_long_name_is_refused(void **state) {
        _cleanup_(freep) char *name = calloc_checked(100001, 1);

        assert_non_null(name);
        memset(name, 'x', 100000);
        name[0] = '/';
        assert_refused(name, E_INVALIDARG);
}

static void test_that_a_mounted_file_system_has_many_names(void **state) {
        Fixture *f = *state;
        _cleanup_(volume_freep) Volume *by_path = NULL, *by_device = NULL, *by_guid = NULL;
        _cleanup_(freep) char *guid_name = NULL, *link = path_in(f->dir, "device");

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "fs", "ext4");

        by_path = resolve(f->a->target);
        assert_string_equal(by_path->path, f->a->target);
        assert_string_equal(by_path->mount_point, f->a->target);
        assert_string_equal(by_path->device, f->a->device);
        assert_string_equal(by_path->fstype, "ext4");
        assert_true(by_path->is_mount);
        assert_true(by_path->holdable);
        assert_true(is_listed(f->a->target));

        assert_int_equal(symlink(f->a->device, link), 0);
        by_device = resolve(link);
        assert_string_equal(by_device->path, f->a->target);
        assert_true(guid_equal(&by_device->id, &by_path->id));

        assert_int_equal(volume_guid_name(by_path, &guid_name), 0);
        assert_int_equal(strlen(guid_name), 49);
        by_guid = resolve(guid_name);
        assert_string_equal(by_guid->path, f->a->target);
}

static void test_that_a_device_that_is_not_mounted_is_not_found(void **state) {
        Fixture *f = *state;

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "fs", "ext4");
        mount_on(f, "tmpfs", f->a->target, "tmpfs", 0, NULL); /* now it cannot be reached */
        assert_refused(f->a->device, VSS_E_OBJECT_NOT_FOUND);
}

static void test_that_the_guid_stays_when_the_file_system_moves(void **state) {
        static const char *const types[] = { "ext4", "xfs", "btrfs" };
        Fixture *f = *state;

        enter_private_mounts();

        for (size_t i = 0; i < ELEMENTSOF(types); ++i) {
                _cleanup_(freep) char *elsewhere = make_dir(f, "elsewhere"), *in = NULL, *in_moved = NULL;
                _cleanup_(volume_freep) Volume *before = NULL, *after = NULL, *dir_before = NULL,
                                               *dir_after = NULL;

                f->a = loop_fs_new(f->dir, types[i], types[i]);
                in = path_in(f->a->target, "in");
                assert_int_equal(mkdir(in, 0755), 0);
                before = resolve(f->a->target);
                dir_before = resolve(in);

                mount_on(f, f->a->device, elsewhere, types[i], 0, NULL);
                assert_int_equal(umount2(f->a->target, MNT_DETACH), 0);
                in_moved = path_in(elsewhere, "in");
                after = resolve(elsewhere);
                dir_after = resolve(in_moved);

                assert_string_equal(after->path, elsewhere);
                assert_true(guid_equal(&before->id, &after->id));
                assert_true(guid_equal(&dir_before->id, &dir_after->id));
                assert_false(guid_equal(&before->id, &dir_before->id));

                assert_int_equal(umount2(elsewhere, MNT_DETACH), 0);
                mount_on(f, f->a->device, f->a->target, types[i], 0, NULL);
                f->a = loop_fs_free(f->a);
        }
}

/* People write these down, so they are the same in every version of umbra. */
static void test_that_guids_are_computed_as_promised(void **state) {
        static const GUID space = {
                0x5d3c10f2, 0x4a8e, 0x4c1b, { 0x9e, 0x37, 0x62, 0xb1, 0x0f, 0xd4, 0x7a, 0x85 }
        };
        static const char uuid[] = "01234567-89ab-4def-8123-456789abcdef";
        static const struct {
                const char *type, *uuid, *dir, *name;
        } cases[] = {
                { "ext4",  uuid,    "",    "uuid:01234567-89ab-4def-8123-456789abcdef:/"      },
                { "ext4",  uuid,    "/in", "uuid:01234567-89ab-4def-8123-456789abcdef:/in/"   },
                { "btrfs", uuid,    "",    "uuid:01234567-89ab-4def-8123-456789abcdef:5:/"    },
                { "btrfs", uuid,    "/in", "uuid:01234567-89ab-4def-8123-456789abcdef:5:/in/" },
                { "ext4",  "clear", "",    NULL                                               },
                { "ext4",  "clear", "/in", NULL                                               },
        };
        Fixture *f = *state;

        enter_private_mounts();

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *dir = NULL, *name = NULL, *unnamed = NULL;
                _cleanup_(volume_freep) Volume *v = NULL;
                GUID expected;

                assert_int_equal(format_to(&name, "fs%zu", i), 0);
                f->a = loop_fs_new_with_uuid(f->dir, name, cases[i].type, cases[i].uuid);
                assert_int_equal(format_to(&dir, "%s%s", f->a->target, cases[i].dir), 0);
                (void) mkdir(dir, 0755);
                assert_int_equal(format_to(&unnamed, "dev:%s:%s/", f->a->device, cases[i].dir), 0);

                guid_from_name(&space, cases[i].name ?: unnamed, &expected);
                v = resolve(dir);
                assert_string_equal(GUID_TO_STRING(&v->id), GUID_TO_STRING(&expected));
                f->a = loop_fs_free(f->a);
        }

        /* Without a disk and without a mount. */
        {
                _cleanup_(volume_freep) Volume *v = NULL;
                GUID expected;

                mount_on(f, "tmpfs", f->dir, "tmpfs", 0, NULL);
                v = resolve(f->dir);
                {
                        _cleanup_(freep) char *name = NULL;

                        assert_int_equal(format_to(&name, "path:%s", f->dir), 0);
                        guid_from_name(&space, name, &expected);
                }
                assert_true(guid_equal(&v->id, &expected));
        }
}

/* Kernels before 6.9 do not tell, and the GUID must not change when one upgrades. */
static void test_that_the_disk_says_the_same_as_the_kernel(void **state) {
        static const char uuid[] = "01234567-89ab-4def-8123-456789abcdef";
        static const char *const types[] = { "ext4", "btrfs" };
        Fixture *f = *state;

        enter_private_mounts();

        for (size_t i = 0; i < ELEMENTSOF(types); ++i) {
                char text[UUID_TEXT_MAX] = "", other[UUID_TEXT_MAX] = "";
                char span[SPAN_STRING_MAX];
                usec_t begun;

                f->a = loop_fs_new_with_uuid(f->dir, types[i], types[i], uuid);
                begun = now_usec(CLOCK_MONOTONIC);
                volume_uuid_from_disk(f->a->device, types[i], text);
                print_message("           read in %s\n",
                              span_to_string(now_usec(CLOCK_MONOTONIC) - begun, span));
                assert_string_equal(text, uuid);

                volume_uuid_from_disk(f->a->device, "vfat", other);
                assert_string_equal(other, "");
                f->a = loop_fs_free(f->a);
        }
}

static void test_that_a_bind_mount_is_the_same_volume(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *data = NULL, *bound = make_dir(f, "bound"), *whole = make_dir(f, "whole");
        _cleanup_(volume_freep) Volume *v = NULL, *b = NULL, *w = NULL, *fs = NULL;

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "fs", "ext4");
        data = path_in(f->a->target, "data");
        assert_int_equal(mkdir(data, 0755), 0);
        mount_on(f, data, bound, NULL, MS_BIND, NULL);
        mount_on(f, f->a->target, whole, NULL, MS_BIND, NULL);

        v = resolve(data);
        b = resolve(bound);
        w = resolve(whole);
        fs = resolve(f->a->target);

        assert_string_equal(b->path, bound);
        assert_true(b->is_mount);
        assert_true(guid_equal(&v->id, &b->id));
        assert_true(guid_equal(&fs->id, &w->id));
        assert_false(guid_equal(&v->id, &fs->id));
        assert_true(b->fs_dev == fs->fs_dev);
}

static void test_that_subvolumes_are_volumes_of_their_own(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *sub = NULL, *in = NULL, *renamed = NULL, *in_renamed = NULL,
                              *mounted = make_dir(f, "mounted");
        _cleanup_(volume_freep) Volume *fs = NULL, *v = NULL, *m = NULL, *r = NULL, *i = NULL, *j = NULL;

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "fs", "btrfs");
        make_subvolume(f->a->target, "sub");
        sub = path_in(f->a->target, "sub");
        in = path_in(sub, "in");
        assert_int_equal(mkdir(in, 0755), 0);
        mount_on(f, f->a->device, mounted, "btrfs", 0, "subvol=/sub");

        fs = resolve(f->a->target);
        v = resolve(sub);
        m = resolve(mounted);
        i = resolve(in);

        assert_true(v->is_mount); /* in all that matters */
        assert_true(m->is_mount);
        assert_false(i->is_mount);
        assert_true(v->dev != fs->dev);
        assert_true(v->fs_dev == fs->fs_dev);
        assert_string_equal(v->device, f->a->device);
        assert_false(guid_equal(&v->id, &fs->id));
        assert_true(guid_equal(&v->id, &m->id));
        assert_true(is_listed(mounted));

        /* The number counts, not the name. */
        renamed = path_in(f->a->target, "renamed");
        in_renamed = path_in(renamed, "in");
        assert_int_equal(rename(sub, renamed), 0);
        r = resolve(renamed);
        j = resolve(in_renamed);
        assert_true(guid_equal(&v->id, &r->id));
        assert_true(guid_equal(&i->id, &j->id));
}

static void test_that_directories_without_a_disk_are_volumes(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *tmp = make_dir(f, "tmp"), *data = NULL, *overlay = make_dir(f, "overlay");
        _cleanup_(freep) char *lower = make_dir(f, "lower"), *upper = NULL, *work = NULL, *options = NULL;
        _cleanup_(volume_freep) Volume *v = NULL, *w = NULL, *o = NULL;

        enter_private_mounts();
        mount_on(f, "tmpfs", tmp, "tmpfs", 0, NULL);
        data = path_in(tmp, "data");
        upper = path_in(tmp, "upper");
        work = path_in(tmp, "work");
        assert_int_equal(mkdir(data, 0755) | mkdir(upper, 0755) | mkdir(work, 0755), 0);
        assert_int_equal(format_to(&options, "lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work), 0);
        mount_on(f, "overlay", overlay, "overlay", 0, options);

        v = resolve(data);
        assert_string_equal(v->mount_point, tmp);
        assert_null(v->device);
        assert_false(v->holdable);
        assert_false(is_listed(tmp));

        o = resolve(overlay);
        assert_false(o->holdable);
        assert_false(is_listed(overlay));

        /* Its GUID survives a restart, which a tmpfs does not. */
        assert_int_equal(umount2(overlay, MNT_DETACH), 0);
        assert_int_equal(umount2(tmp, MNT_DETACH), 0);
        mount_on(f, "tmpfs", tmp, "tmpfs", 0, NULL);
        assert_int_equal(mkdir(data, 0755), 0);
        w = resolve(data);
        assert_true(guid_equal(&v->id, &w->id));
}

static void test_that_a_server_that_hangs_is_not_asked(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *hung = make_dir(f, "hung"), *below = path_in(hung, "below"), *options = NULL,
                              *link = NULL, *through = NULL, *deep = NULL;
        _cleanup_(closep) int fd = -EBADF;

        enter_private_mounts();
        fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        if (fd < 0)
                skip();

        /* Nobody will ever read from this. */
        assert_int_equal(format_to(&options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd), 0);
        mount_on(f, "server:/export", hung, "fuse.sshfs", 0, options);

        assert_refused(hung, VSS_E_VOLUME_NOT_SUPPORTED);
        assert_refused(below, VSS_E_VOLUME_NOT_SUPPORTED);
        assert_false(is_listed(hung));

        /* Not by a link either, nor by a link on the way, nor by a name that could be two. */
        link = path_in(f->dir, "link");
        assert_int_equal(symlink("hung/below", link), 0);
        assert_refused(link, VSS_E_VOLUME_NOT_SUPPORTED);
        through = path_in(f->dir, "through");
        assert_int_equal(symlink(f->dir, through), 0);
        deep = path_in(through, "hung/a/../b\\c");
        assert_refused(deep, VSS_E_VOLUME_NOT_SUPPORTED);
        {
                _cleanup_(volume_freep) Volume *v = NULL;

                assert_int_equal(volume_containing(link, &v, NULL), VSS_E_VOLUME_NOT_SUPPORTED);
                assert_null(v);
        }
        assert_refused("\\\\?\\Volume{00000000-0000-0000-0000-000000000000}\\", VSS_E_OBJECT_NOT_FOUND);
}

/* Whoever looks into an automount point waits for the automounter, and there is none. */
static void test_that_an_automount_point_is_not_entered(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *point = make_dir(f, "auto"), *below = path_in(point, "disk/dir"), *options = NULL;
        _cleanup_(freep) char *why = NULL;
        _cleanup_(volume_freep) Volume *v = NULL;
        int fds[2];

        enter_private_mounts();
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(format_to(&options, "fd=%d,pgrp=%d,minproto=5,maxproto=5,direct", fds[1], 1), 0);
        if (mount("automounter", point, "autofs", 0, options) < 0)
                skip();

        assert_refused(point, VSS_E_VOLUME_NOT_SUPPORTED);
        assert_refused(below, VSS_E_VOLUME_NOT_SUPPORTED);
        assert_int_equal(volume_resolve(point, &v, &why), VSS_E_VOLUME_NOT_SUPPORTED);
        assert_non_null(strstr(why, "mount it"));
        assert_false(is_listed(point));
        assert_int_equal(umount2(point, MNT_DETACH), 0);
        fd_close(fds[0]);
        fd_close(fds[1]);
}

static void test_that_a_device_that_is_suspended_is_not_entered(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *inside = NULL, *link = path_in(f->dir, "link");
        _cleanup_(volume_freep) Volume *v = NULL;

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "fs", "ext4");
        inside = path_in(f->a->target, "dir");
        assert_int_equal(mkdir(inside, 0755) | symlink(inside, link), 0);
        v = resolve(f->a->target);

        volume_avoid(&v->fs_dev, 1);
        assert_refused(f->a->target, VSS_E_VOLUME_IN_USE);
        assert_refused(inside, VSS_E_VOLUME_IN_USE);
        assert_refused(link, VSS_E_VOLUME_IN_USE);
        assert_false(is_listed(f->a->target));

        volume_avoid(NULL, 0);
        assert_true(is_listed(f->a->target));
}

static void test_that_what_is_mounted_over_is_hidden(void **state) {
        Fixture *f = *state;
        _cleanup_(volume_freep) Volume *before = NULL, *after = NULL;
        _cleanup_(freep) char *guid_name = NULL;

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "fs", "ext4");
        before = resolve(f->a->target);
        mount_on(f, "tmpfs", f->a->target, "tmpfs", 0, NULL);

        after = resolve(f->a->target);
        assert_string_equal(after->fstype, "tmpfs");
        assert_false(is_listed(f->a->target));
        assert_int_equal(volume_guid_name(before, &guid_name), 0);
        assert_refused(guid_name, VSS_E_OBJECT_NOT_FOUND);
}

static void test_that_mounted_files_are_not_listed(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *file = path_in(f->dir, "file");

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "fs", "ext4");
        write_file(f->dir, "file", "");
        write_file(f->a->target, "file", "");
        {
                _cleanup_(freep) char *inner = path_in(f->a->target, "file");

                mount_on(f, inner, file, NULL, MS_BIND, NULL);
        }
        assert_false(is_listed(file));
        assert_refused(file, VSS_E_VOLUME_NOT_SUPPORTED);
}

static void test_that_a_read_only_file_system_is_not_held(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *bound = make_dir(f, "bound");
        _cleanup_(volume_freep) Volume *v = NULL, *w = NULL;

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "fs", "ext4");

        /* A way to it that is read-only says nothing of the others. */
        mount_on(f, f->a->target, bound, NULL, MS_BIND, NULL);
        assert_int_equal(mount(NULL, bound, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
        v = resolve(bound);
        assert_true(v->holdable);

        assert_int_equal(mount(NULL, f->a->target, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        w = resolve(f->a->target);
        assert_false(w->holdable);
}

static void test_that_what_carries_umbra_is_not_held(void **state) {
        Fixture *f = *state;
        _cleanup_(volume_freep) Volume *outer = NULL, *inner = NULL, *outer_after = NULL,
                                       *inner_after = NULL;
        _cleanup_(freep) char *shadow = NULL;

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "outer", "ext4");
        f->b = loop_fs_new(f->a->target, "inner", "ext4");
        outer = resolve(f->a->target);
        inner = resolve(f->b->target);
        assert_true(outer->holdable);
        assert_true(inner->holdable);

        /* On the inner one; so also on the one that this lies on. */
        assert_int_equal(volume_protect(f->b->target, VOLUME_KEEPS), 0);
        assert_int_equal(volume_protect(f->b->target, VOLUME_KEEPS), 0);
        outer_after = resolve(f->a->target);
        inner_after = resolve(f->b->target);
        assert_false(outer_after->holdable);
        assert_false(inner_after->holdable);

        /* On the outer one: the inner one may still be held. */
        volume_protect_none();
        assert_int_equal(volume_protect(f->a->target, VOLUME_KEEPS), 0);
        volume_free(outer_after);
        volume_free(inner_after);
        outer_after = resolve(f->a->target);
        inner_after = resolve(f->b->target);
        assert_false(outer_after->holdable);
        assert_true(inner_after->holdable);

        /* What umbra mounts below its own directories is no volume to it. */
        shadow = path_in(f->a->target, "shadow");
        assert_int_equal(mkdir(shadow, 0755), 0);
        mount_on(f, f->b->target, shadow, NULL, MS_BIND, NULL);
        assert_false(is_listed(shadow));
        assert_true(is_listed(f->a->target));
}

static void test_that_an_overlay_is_as_protected_as_its_upper_directory(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *overlay = make_dir(f, "overlay"), *lower = make_dir(f, "lower");
        _cleanup_(freep) char *upper = NULL, *work = NULL, *options = NULL;
        _cleanup_(volume_freep) Volume *v = NULL;

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "fs", "ext4");
        upper = path_in(f->a->target, "upper");
        work = path_in(f->a->target, "work");
        assert_int_equal(mkdir(upper, 0755) | mkdir(work, 0755), 0);
        assert_int_equal(format_to(&options, "lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work), 0);
        mount_on(f, "overlay", overlay, "overlay", 0, options);

        assert_int_equal(volume_protect(overlay, VOLUME_KEEPS), 0);
        v = resolve(f->a->target);
        assert_false(v->holdable);
}

static bool is_protected(const LoopFs *fs, VolumeProtection protection) {
        _cleanup_(mount_table_clear) MountTable table = {};
        struct stat st;

        assert_int_equal(mount_table_read(&table), 0);
        assert_int_equal(fstat(fs->fd, &st), 0);
        return stack_is_protected(&table, st.st_dev, protection);
}

/* From what is suspended nobody reads programs; so all of its directories count. */
static void test_that_an_overlay_is_carried_by_what_it_reads(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *overlay = make_dir(f, "overlay"), *options = NULL;
        _cleanup_(loop_fs_freep) LoopFs *third = NULL;

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "one", "ext4");
        f->b = loop_fs_new(f->dir, "other:one", "ext4");
        third = loop_fs_new(f->dir, "other", "ext4");
        assert_int_equal(format_to(&options, "lowerdir=%s:%s/other\\:one", f->a->target, f->dir), 0);
        mount_on(f, "overlay", overlay, "overlay", MS_RDONLY, options);

        assert_int_equal(volume_protect(overlay, VOLUME_CARRIES), 0);
        assert_int_equal(volume_protect(overlay, VOLUME_KEEPS), 0);
        assert_true(is_protected(f->a, VOLUME_CARRIES));
        assert_true(is_protected(f->b, VOLUME_CARRIES));
        assert_false(is_protected(third, VOLUME_CARRIES));
        assert_false(is_protected(f->a, VOLUME_KEEPS));
        assert_int_equal(umount2(overlay, MNT_DETACH), 0);
}

static void test_that_only_directories_are_protected(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *nowhere = path_in(f->dir, "nowhere");

        assert_int_equal(volume_protect(nowhere, VOLUME_KEEPS), -ENOENT);
        assert_int_equal(volume_protect("/etc/passwd", VOLUME_KEEPS), -ENOTDIR);
}

static const HoldKind frozen[] = { HOLD_FREEZE, HOLD_FREEZE };

static void test_that_the_inner_one_is_held_first(void **state) {
        Fixture *f = *state;

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "outer", "btrfs");
        f->b = loop_fs_new(f->a->target, "inner", "ext4");

        for (int swapped = 0; swapped < 2; ++swapped) {
                _cleanup_(volume_freep) Volume *outer = resolve(f->a->target),
                                               *inner = resolve(f->b->target);
                _cleanup_(hold_order_clear) HoldOrder o = {};
                Volume *volumes[2] = { swapped ? inner : outer, swapped ? outer : inner };
                struct stat st;

                assert_int_equal(volume_hold_order(volumes, frozen, 2, &o), 0);
                assert_int_equal(o.n, 2);
                assert_string_equal(o.mounts[0], f->b->target);
                assert_string_equal(o.mounts[1], f->a->target);
                assert_int_equal(o.index[swapped], 1);
                assert_int_equal(o.index[1 - swapped], 0);
                assert_int_equal(fstat(o.holds[0].fd, &st), 0);
                assert_true(st.st_dev == inner->dev);
                assert_true(fcntl(o.holds[0].fd, F_GETFD) & FD_CLOEXEC);
        }
}

static void test_that_a_loop_whose_file_was_deleted_still_lies_on_it(void **state) {
        Fixture *f = *state;
        _cleanup_(volume_freep) Volume *outer = NULL, *inner = NULL;
        _cleanup_(mount_table_clear) MountTable table = {};

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "outer", "ext4");
        f->b = loop_fs_new(f->a->target, "inner", "ext4");
        {
                _cleanup_(freep) char *image = path_in(f->a->target, "inner.img");

                assert_int_equal(unlink(image), 0);
        }

        outer = resolve(f->a->target);
        inner = resolve(f->b->target);
        assert_int_equal(mount_table_read(&table), 0);
        assert_true(stack_lies_on(&table, inner->fs_dev, outer->fs_dev));
        assert_false(stack_lies_on(&table, outer->fs_dev, inner->fs_dev));
}

static void test_that_each_file_system_is_held_once(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) char *bound = make_dir(f, "bound"), *sub = NULL, *tmp = make_dir(f, "tmp");
        static const HoldKind kinds[5] = { HOLD_NONE, HOLD_FREEZE, HOLD_SUSPEND, HOLD_NONE, HOLD_FREEZE };
        _cleanup_(hold_order_clear) HoldOrder o = {};
        Volume *volumes[5];

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "one", "btrfs");
        f->b = loop_fs_new(f->dir, "other", "ext4");
        make_subvolume(f->a->target, "sub");
        sub = path_in(f->a->target, "sub");
        mount_on(f, f->a->target, bound, NULL, MS_BIND, NULL);
        mount_on(f, "tmpfs", tmp, "tmpfs", 0, NULL);

        volumes[0] = resolve(tmp);
        volumes[1] = resolve(sub);
        volumes[2] = resolve(f->b->target);
        volumes[3] = resolve(bound);
        volumes[4] = resolve(f->a->target);

        assert_int_equal(volume_hold_order(volumes, kinds, ELEMENTSOF(volumes), &o), 0);
        assert_int_equal(o.n, 2);
        assert_int_equal(o.index[0], -1);
        assert_int_equal(o.index[1], 0);
        assert_int_equal(o.index[2], 1);
        assert_int_equal(o.index[3], -1); /* the same file system, but of no use to its provider */
        assert_int_equal(o.index[4], 0);
        assert_int_equal(o.holds[0].kind, HOLD_FREEZE);
        assert_int_equal(o.holds[1].kind, HOLD_SUSPEND);
        assert_true(o.holds[1].dev == volumes[2]->fs_dev);

        for (size_t i = 0; i < ELEMENTSOF(volumes); ++i)
                volume_free(volumes[i]);
}

static void test_that_a_volume_that_is_gone_is_not_held(void **state) {
        Fixture *f = *state;
        _cleanup_(volume_freep) Volume *v = NULL;
        _cleanup_(hold_order_clear) HoldOrder o = {};

        enter_private_mounts();
        f->a = loop_fs_new(f->dir, "fs", "ext4");
        v = resolve(f->a->target);
        mount_on(f, "tmpfs", f->a->target, "tmpfs", 0, NULL);

        assert_int_equal(volume_hold_order(&v, frozen, 1, &o), -ESTALE);
        assert_int_equal(o.n, 0);
        assert_null(o.holds);
}

static void test_that_nothing_to_hold_is_no_failure(void **state) {
        _cleanup_(hold_order_clear) HoldOrder o = {};

        assert_int_equal(volume_hold_order(NULL, NULL, 0, &o), 0);
        assert_int_equal(o.n, 0);
        assert_null(o.mounts);
}

static void test_that_resolving_survives_any_failed_allocation(void **state) {
        Fixture *f = *state;
        HRESULT hr = E_OUTOFMEMORY;

        for (unsigned n = 0; hr != S_OK; ++n) {
                _cleanup_(volume_freep) Volume *v = NULL;
                _cleanup_(freep) char *why = NULL;

                fault_fail_allocation(n);
                hr = volume_resolve(f->dir, &v, &why);
                fault_clear();
                assert_true(hr == S_OK || hr == E_OUTOFMEMORY);
                assert_int_equal(v != NULL, hr == S_OK);
        }
}

#define volume_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                volume_test(test_that_a_directory_is_found_by_every_spelling),
                volume_test(test_that_a_backslash_may_be_part_of_a_name),
                volume_test(test_that_links_are_followed),
                volume_test(test_that_the_root_is_a_volume),
                volume_test(test_that_what_is_no_volume_is_refused),
                volume_test(test_that_a_very_long_name_is_refused),
                volume_test(test_that_a_mounted_file_system_has_many_names),
                volume_test(test_that_a_device_that_is_not_mounted_is_not_found),
                volume_test(test_that_the_guid_stays_when_the_file_system_moves),
                volume_test(test_that_guids_are_computed_as_promised),
                volume_test(test_that_the_disk_says_the_same_as_the_kernel),
                volume_test(test_that_a_bind_mount_is_the_same_volume),
                volume_test(test_that_subvolumes_are_volumes_of_their_own),
                volume_test(test_that_directories_without_a_disk_are_volumes),
                volume_test(test_that_a_server_that_hangs_is_not_asked),
                volume_test(test_that_an_automount_point_is_not_entered),
                volume_test(test_that_a_device_that_is_suspended_is_not_entered),
                volume_test(test_that_what_is_mounted_over_is_hidden),
                volume_test(test_that_mounted_files_are_not_listed),
                volume_test(test_that_a_read_only_file_system_is_not_held),
                volume_test(test_that_what_carries_umbra_is_not_held),
                volume_test(test_that_an_overlay_is_as_protected_as_its_upper_directory),
                volume_test(test_that_an_overlay_is_carried_by_what_it_reads),
                volume_test(test_that_only_directories_are_protected),
                volume_test(test_that_the_inner_one_is_held_first),
                volume_test(test_that_a_loop_whose_file_was_deleted_still_lies_on_it),
                volume_test(test_that_each_file_system_is_held_once),
                volume_test(test_that_a_volume_that_is_gone_is_not_held),
                volume_test(test_that_nothing_to_hold_is_no_failure),
                volume_test(test_that_resolving_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, private_mounts_group_setup, NULL);
}
