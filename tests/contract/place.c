/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Place for a Provider
 */

#include "contract/place.h"

#include <btrfsutil.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "contract/manifest.h"
#include "contract/place-lvm.h"
#include "contract/place-zfs.h"
#include "lib/test-util.h"
#include "loop-fs.h"

#define TMPFS_SIZE "size=32m"
#define FILLER "filler"

static void mount_tmpfs(const char *dir) {
        assert_int_equal(mkdir(dir, 0755), 0);
        assert_int_equal(mount("tmpfs", dir, "tmpfs", 0, TMPFS_SIZE), 0);
}

static void make_datasets(Place *p) {
        enter_private_mounts();
        p->privileged = true;
        p->root = path_in(p->dir, "root");
        p->volume = path_in(p->root, "first");
        p->second = path_in(p->root, "second");
        p->zfs = place_zfs_new(p->dir, p->root);
}

/* "thin-ext4": NULL when it is no kind with logical volumes. */
static const char *lvm_type(const char *kind) {
        if (strncmp(kind, "thin-", 5) == 0)
                return kind + 5;

        return strncmp(kind, "cow-", 4) == 0 ? kind + 4 : NULL;
}

static void make_logical_volumes(Place *p, const char *kind) {
        enter_private_mounts();
        p->privileged = true;
        p->root = path_in(p->dir, "root");
        p->volume = path_in(p->dir, "root");
        p->second = path_in(p->dir, "second");
        assert_int_equal(strdup_to(lvm_type(kind), &p->type), 0);
        p->lvm = place_lvm_new(p->root, p->second, p->type, *kind == 't');
}

static void make_file_system(Place *p, const char *kind) {
        p->root = path_in(p->dir, "root");
        if (strcmp(kind, "plain") == 0) {
                assert_int_equal(mkdir(p->root, 0755), 0);
                return;
        }

        enter_private_mounts();
        p->privileged = true;
        assert_int_equal(strdup_to(strncmp(kind, "btrfs", 5) == 0 ? "btrfs" : kind, &p->type), 0);
        if (strcmp(kind, "tmpfs") == 0)
                mount_tmpfs(p->root);
        else
                p->fs = loop_fs_new(p->dir, "root", p->type);
}

static void make_volumes(Place *p, const char *kind) {
        bool whole = strcmp(kind, "btrfs") != 0;

        p->volume = whole && p->privileged ? path_in(p->dir, "root") : path_in(p->root, "first");
        p->second = path_in(p->root, "second");
        if (p->type && strcmp(p->type, "btrfs") == 0) {
                assert_int_equal(whole ? 0 : btrfs_util_create_subvolume(p->volume, 0, NULL, NULL), 0);
                assert_int_equal(btrfs_util_create_subvolume(p->second, 0, NULL, NULL), 0);
                return;
        }

        assert_true(p->privileged || mkdir(p->volume, 0755) == 0);
        assert_int_equal(mkdir(p->second, 0755), 0);
}

bool place_is_possible(const char *kind) {
        _cleanup_(freep) char *mkfs = NULL;

        if (strcmp(kind, "plain") == 0)
                return true;
        if (geteuid() != 0)
                return false;
        if (strcmp(kind, "tmpfs") == 0)
                return true;
        if (strcmp(kind, "zfs") == 0)
                return place_zfs_is_possible();
        if (lvm_type(kind))
                return place_lvm_is_possible(lvm_type(kind));

        assert_int_equal(format_to(&mkfs, "/sbin/mkfs.%.*s", (int) strcspn(kind, "-"), kind), 0);
        return access(mkfs, X_OK) == 0;
}

Place *place_new(const char *kind) {
        Place *p = calloc_checked(1, sizeof(*p));

        assert_non_null(p);
        if (strcmp(kind, "plain") != 0)
                enter_private_mounts();

        p->dir = temp_dir_new();
        if (strcmp(kind, "zfs") == 0)
                make_datasets(p);
        else if (lvm_type(kind))
                make_logical_volumes(p, kind);
        else {
                make_file_system(p, kind);
                make_volumes(p, kind);
        }

        p->runtime = path_in(p->dir, "run");
        assert_int_equal(mkdir(p->runtime, 0755), 0);
        write_file(p->runtime, "shadow/.keep", ""); /* what stays */
        write_file(p->runtime, "provider.lock", "");
        p->state = path_in(p->dir, "state");
        if (p->privileged)
                p->state_fs = loop_fs_new(p->dir, "state", "ext4");
        else
                assert_int_equal(mkdir(p->state, 0755), 0);
        write_file(p->state, "store/.keep", ""); /* umbra's own place for copies */

        return p;
}

/* What the test has not discarded. */
static void unmount_shadows(const Place *p) {
        _cleanup_(freep) char *dir = path_in(p->runtime, "shadow");
        struct dirent **entries = NULL;
        int n = scandir(dir, &entries, NULL, NULL);

        for (int i = 0; i < n; ++i) {
                _cleanup_(freep) char *path = path_in(dir, entries[i]->d_name);

                if (entries[i]->d_name[0] != '.')
                        (void) umount2(path, MNT_DETACH);
                free(entries[i]);
        }
        free(entries);
}

Place *place_free(Place *p) {
        if (!p)
                return NULL;

        unmount_shadows(p);
        loop_fs_free(p->fs);
        loop_fs_free(p->state_fs);
        place_zfs_free(p->zfs);
        place_lvm_free(p->lvm);
        if (p->privileged && !p->fs && !p->zfs && !p->lvm)
                (void) umount2(p->root, MNT_DETACH);

        temp_dir_free(p->dir);
        free(p->root);
        free(p->volume);
        free(p->second);
        free(p->state);
        free(p->runtime);
        free(p->type);
        free(p);
        return NULL;
}

/* To the last byte: large pieces first, then small ones. */
static void fill(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, FILLER);
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        off_t at = 0;

        assert_true(fd >= 0);
        for (off_t piece = 64 << 20; piece >= 4096; piece /= 2)
                while (fallocate(fd, 0, at, piece) == 0)
                        at += piece;
        assert_int_equal(errno, ENOSPC);
        (void) fsync(fd);
}

static void unfill(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, FILLER);

        assert_int_equal(unlink(path), 0);
}

bool place_fill(const Place *p) {
        if (!p->privileged)
                return false;

        if (p->zfs)
                place_zfs_fill(p->zfs);
        else if (p->lvm)
                place_lvm_fill(p->lvm);
        else
                fill(p->root);
        fill(p->state);
        return true;
}

void place_empty(const Place *p) {
        if (p->zfs)
                place_zfs_empty(p->zfs);
        else if (p->lvm)
                place_lvm_empty(p->lvm);
        else
                unfill(p->root);
        unfill(p->state);
}

void place_overrun(const Place *p, size_t size) {
        _cleanup_(freep) char *path = path_in(p->root, FILLER);
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        static const char block[1 << 16] = { 1 };

        assert_true(fd >= 0);
        for (size_t n = 0; n < size; n += sizeof(block))
                assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
        assert_int_equal(fsync(fd), 0);
        assert_int_equal(unlink(path), 0);
}

void place_lose(const Place *p) {
        _cleanup_(freep) char *aside = path_in(p->dir, "aside");

        if (p->zfs)
                place_zfs_lose(p->zfs);
        else if (p->fs || p->lvm)
                assert_int_equal(umount2(p->root, MNT_DETACH), 0);
        else if (p->privileged)
                assert_true(mkdir(aside, 0755) == 0 && mount(p->root, aside, NULL, MS_MOVE, NULL) == 0);
        else
                assert_int_equal(rename(p->root, aside), 0);
}

void place_bring_back(const Place *p) {
        _cleanup_(freep) char *aside = path_in(p->dir, "aside");

        if (p->zfs)
                place_zfs_bring_back(p->zfs);
        else if (p->fs || p->lvm)
                assert_int_equal(mount(p->fs ? p->fs->device : place_lvm_device(p->lvm), p->root, p->type, 0, NULL),
                                 0);
        else if (p->privileged)
                assert_true(mount(aside, p->root, NULL, MS_MOVE, NULL) == 0 && rmdir(aside) == 0);
        else
                assert_int_equal(rename(aside, p->root), 0);
}

bool place_can_freeze(const Place *p) {
        return p->fs;
}

void place_freeze(const Place *p) {
        loop_fs_freeze(p->fs);
}

void place_thaw(const Place *p) {
        loop_fs_thaw(p->fs);
}

char *place_names(const Place *p) {
        _cleanup_(freep) char *files = manifest_names(p->dir), *more = NULL;
        char *names;

        if (!p->zfs && !p->lvm)
                return TAKE_PTR(files);

        more = p->zfs ? place_zfs_names(p->zfs) : place_lvm_names(p->lvm);
        assert_int_equal(format_to(&names, "%s%s", files, more), 0);
        return names;
}
