/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * File Systems to Freeze
 *
 * Loop devices are shared by all tests that run at the same time, hence the loop around the one that is
 * free.
 */

#include "loop-fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/strv.h"
#include "lib/test-util.h"

static const struct {
        const char *type;
        off_t size; /* the smallest that its mkfs takes; the file is sparse */
        const char *mkfs;
        const char *options;
} types[] = {
        { "ext4",  32 << 20,  "/sbin/mkfs.ext4",  "-qF" },
        { "xfs",   512 << 20, "/sbin/mkfs.xfs",   "-qf" },
        { "btrfs", 256 << 20, "/sbin/mkfs.btrfs", "-qf" },
};

static int enter_once(void) {
        static bool entered;

        if (entered)
                return 0;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -errno;

        entered = true;
        return 0;
}

void enter_private_mounts(void) {
        skip_unless_root();
        assert_int_equal(enter_once(), 0);
}

int private_mounts_group_setup(void **state) {
        /* A directory that is everywhere, and where nobody keeps the programs that we start. */
        static const char tmp[] = "/dev/shm";

        if (geteuid() != 0)
                return 0;

        if (enter_once() < 0 || mount("tmpfs", tmp, "tmpfs", 0, "mode=1777") < 0)
                return -1;

        return setenv("TMPDIR", tmp, 1);
}

static void make_filesystem(const char *image, const char *type, const char *uuid) {
        for (size_t i = 0; i < ELEMENTSOF(types); ++i) {
                _cleanup_(strv_freep) char **argv = NULL;
                _cleanup_(closep) int fd = -EBADF, pidfd = -EBADF;
                int status;

                if (strcmp(types[i].type, type) != 0)
                        continue;

                fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                assert_true(fd >= 0);
                assert_int_equal(ftruncate(fd, types[i].size), 0);

                assert_int_equal(strv_append(&argv, types[i].mkfs), 0);
                assert_int_equal(strv_append(&argv, types[i].options), 0);
                if (uuid) {
                        assert_int_equal(strv_append(&argv, "-U"), 0);
                        assert_int_equal(strv_append(&argv, uuid), 0);
                }
                assert_int_equal(strv_append(&argv, image), 0);
                assert_int_equal(
                        process_spawn(&(SpawnOptions){ .path = argv[0], .argv = argv }, NULL, &pidfd), 0);
                assert_int_equal(process_end(pidfd, TEST_PATIENCE_USEC, &status), 0);
                assert_int_equal(status, 0);
                return;
        }

        fail_msg("No file systems of type '%s' here", type);
}

/* Returns the descriptor that keeps the device until it is mounted. */
static int attach(const char *image, char **ret_device) {
        _cleanup_(closep) int control = -EBADF, fd = -EBADF;

        control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
        assert_true(control >= 0);
        fd = open(image, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);

        for (;;) {
                struct loop_config config = { .fd = (__u32) fd, .info.lo_flags = LO_FLAGS_AUTOCLEAR };
                _cleanup_(closep) int loop = -EBADF;
                _cleanup_(freep) char *device = NULL;
                int n;

                n = ioctl(control, LOOP_CTL_GET_FREE);
                assert_true(n >= 0);
                assert_int_equal(format_to(&device, "/dev/loop%d", n), 0);

                loop = open(device, O_RDWR | O_CLOEXEC);
                if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
                        *ret_device = TAKE_PTR(device);
                        return TAKE_FD(loop);
                }

                /* Somebody else was faster. */
                assert_true(errno == EBUSY || errno == ENXIO || errno == ENOENT);
        }
}

LoopFs *loop_fs_new(const char *dir, const char *name, const char *type) {
        return loop_fs_new_with_uuid(dir, name, type, NULL);
}

LoopFs *loop_fs_new_with_uuid(const char *dir, const char *name, const char *type, const char *uuid) {
        _cleanup_(freep) char *image = NULL;
        _cleanup_(closep) int loop = -EBADF;
        LoopFs *fs;

        fs = calloc_checked(1, sizeof(*fs));
        assert_non_null(fs);

        fs->target = path_in(dir, name);
        assert_int_equal(format_to(&image, "%s.img", fs->target), 0);
        make_filesystem(image, type, uuid);
        loop = attach(image, &fs->device);

        assert_int_equal(mkdir(fs->target, 0755), 0);
        if (mount(fs->device, fs->target, type, 0, NULL) < 0)
                fail_msg("Failed to mount '%s': %s", image, strerror(errno));

        fs->fd = open(fs->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fs->fd >= 0);
        write_file(fs->target, "written", "");
        return fs;
}

LoopFs *loop_fs_free(LoopFs *fs) {
        if (!fs)
                return NULL;

        while (ioctl(fs->fd, FITHAW, 0) == 0)
                ;
        fd_close(fs->fd);
        if (umount2(fs->target, MNT_DETACH) < 0)
                print_error("Failed to unmount '%s', leaving it: %s\n", fs->target, strerror(errno));

        free(fs->target);
        free(fs->device);
        free(fs);
        return NULL;
}

void loop_fs_freeze(const LoopFs *fs) {
        assert_int_equal(ioctl(fs->fd, FIFREEZE, 0), 0);
}

void loop_fs_thaw(const LoopFs *fs) {
        assert_int_equal(ioctl(fs->fd, FITHAW, 0), 0);
}

bool loop_fs_is_frozen(const LoopFs *fs) {
        if (ioctl(fs->fd, FIFREEZE, 0) < 0) {
                assert_int_equal(errno, EBUSY);
                return true;
        }

        loop_fs_thaw(fs);
        return false;
}

struct Writer {
        pthread_t thread;
        int fd, done;
};

static void *writer_run(void *userdata) {
        Writer *w = userdata;
        uint64_t one = 1;

        if (write(w->fd, "x", 1) == 1)
                (void) fd_write_all(w->done, &one, sizeof(one));
        return NULL;
}

Writer *writer_start(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, "written");
        Writer *w;

        w = calloc_checked(1, sizeof(*w));
        assert_non_null(w);

        /* Creating it would wait as well, but here and not in the thread. */
        w->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        w->done = eventfd(0, EFD_CLOEXEC);
        assert_true(w->fd >= 0 && w->done >= 0);
        assert_int_equal(pthread_create(&w->thread, NULL, writer_run, w), 0);
        return w;
}

bool writer_is_done(Writer *w, uint64_t usec) {
        return eventually_readable(w->done, usec);
}

Writer *writer_free(Writer *w) {
        if (!w)
                return NULL;

        (void) pthread_join(w->thread, NULL);
        fd_close(w->fd);
        fd_close(w->done);
        free(w);
        return NULL;
}
