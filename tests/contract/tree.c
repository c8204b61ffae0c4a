/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Tree with One of Everything
 */

#include "contract/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd-util.h"
#include "lib/test-util.h"

#define SPARSE_SIZE (8 << 20)
#define LARGE_SIZE (300 * 1024 + 17)

/* An access control list as the kernel takes it: user::rw-, user:1234:r--, group::r--, mask::rw-,
 * other::--- */
static const uint8_t acl[] = {
        2, 0, 0, 0,                                     /* version */
        0x01, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,          /* the owner */
        0x02, 0, 4, 0, 0xd2, 0x04, 0, 0,                /* user 1234 */
        0x04, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,          /* the group */
        0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,          /* the mask */
        0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,          /* all others */
};

/* Not every file system has every kind. */
static void set_attribute(const char *dir,
                          const char *name,
                          const char *attribute,
                          const void *value,
                          size_t size) {
        _cleanup_(freep) char *path = path_in(dir, name);

        if (lsetxattr(path, attribute, value, size, 0) < 0 && errno != EOPNOTSUPP)
                fail_msg("Failed to give '%s' the attribute '%s': %s", path, attribute, strerror(errno));
}

static void set_time(const char *dir, const char *name, time_t seconds, long nanoseconds) {
        const struct timespec times[2] = { { seconds, nanoseconds }, { seconds, nanoseconds } };
        _cleanup_(freep) char *path = path_in(dir, name);

        assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void make_large(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, "large");
        _cleanup_(freep) uint8_t *data = malloc(LARGE_SIZE);
        _cleanup_(closep) int fd = -EBADF;
        uint32_t x = 1;

        for (size_t i = 0; i < LARGE_SIZE; ++i) {
                x = x * 1664525U + 1013904223U;
                data[i] = (uint8_t) (x >> 24);
        }
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_int_equal(fd_write_all(fd, data, LARGE_SIZE), 0);
}

/* A hole, a little data, and a hole at the end. */
static void make_sparse(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, TREE_SPARSE_NAME);
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        assert_int_equal(pwrite(fd, "middle", 6, SPARSE_SIZE / 2), 6);
        assert_int_equal(ftruncate(fd, SPARSE_SIZE), 0);
}

static void make_links(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, "one name"),
                              *second = path_in(dir, "directory/another name"),
                              *symbolic = path_in(dir, "link"), *nowhere = path_in(dir, "link to nowhere");

        write_file(dir, "one name", "one file");
        assert_int_equal(link(path, second), 0);
        assert_int_equal(symlink("one name", symbolic), 0);
        assert_int_equal(symlink("/nonexistent/\xff", nowhere), 0);
        set_time(dir, "link", 1000000000, 987654321);
}

static void make_special(const char *dir) {
        _cleanup_(freep) char *pipe_path = path_in(dir, "pipe"), *null_path = path_in(dir, "null"),
                              *owned = path_in(dir, "owned"), *program = path_in(dir, "program");

        assert_int_equal(mkfifo(pipe_path, 0640), 0);
        if (geteuid() != 0)
                return;

        assert_int_equal(mknod(null_path, S_IFCHR | 0666, makedev(1, 3)), 0);
        write_file(dir, "owned", "by somebody else");
        assert_int_equal(lchown(owned, 1234, 5678), 0);
        write_file(dir, "program", "#!/bin/true\n");
        assert_int_equal(lchown(program, 1, 1), 0);
        assert_int_equal(chmod(program, 04755), 0);
        set_attribute(dir, "program", "trusted.umbra", "root", 4);
}

void tree_make(const char *dir) {
        _cleanup_(freep) char *closed = path_in(dir, "directory/closed"),
                              *sticky = path_in(dir, "directory/sticky");

        write_file(dir, "empty", "");
        write_file(dir, "directory/deep/deeper/deepest/file", "deep");
        write_file(dir, "name\nwith \xff\xfe bytes", "odd");
        write_file(dir, "attributes", "more than bytes");
        write_file(dir, "directory/closed/inside", "inside");
        write_file(dir, "directory/sticky/inside", "inside");
        make_large(dir);
        make_sparse(dir);
        make_links(dir);
        make_special(dir);

        set_attribute(dir, "attributes", "user.umbra", "\0binary\xff", 8);
        set_attribute(dir, "attributes", "user.empty", "", 0);
        set_attribute(dir, "attributes", "system.posix_acl_access", acl, sizeof(acl));
        set_attribute(dir, "directory", "system.posix_acl_default", acl, sizeof(acl));
        set_attribute(dir, "directory", "user.umbra", "on a directory", 14);
        assert_int_equal(chmod(closed, 0700), 0);
        assert_int_equal(chmod(sticky, 01777), 0);

        set_time(dir, "large", 1234567890, 123456789);
        set_time(dir, "empty", 1, 0);
        set_time(dir, "directory/deep", 1111111111, 1);
        set_time(dir, "directory", 1222222222, 999999999);
}

void tree_spoil(const char *dir) {
        _cleanup_(freep) char *empty = path_in(dir, "empty"), *renamed = path_in(dir, "renamed"),
                              *large = path_in(dir, "large"), *link_path = path_in(dir, "link"),
                              *pipe_path = path_in(dir, "pipe"), *closed = path_in(dir, "directory/closed"),
                              *sparse = path_in(dir, TREE_SPARSE_NAME),
                              *attributes = path_in(dir, "attributes");
        _cleanup_(closep) int fd = -EBADF;

        write_file(dir, "one name", "two names, other text"); /* in place or not, both must do */
        write_file(dir, "directory/deep/new", "new");
        write_file(dir, "new", "new");
        assert_int_equal(rename(empty, renamed), 0);
        assert_int_equal(truncate(large, 4096), 0);
        assert_int_equal(unlink(link_path), 0);
        assert_int_equal(symlink("elsewhere", link_path), 0);
        assert_int_equal(unlink(pipe_path), 0);
        assert_int_equal(chmod(closed, 0755), 0);
        set_attribute(dir, "attributes", "user.umbra", "changed", 7);
        assert_int_equal(chmod(attributes, 0600), 0);

        fd = open(sparse, O_WRONLY | O_CLOEXEC);
        assert_int_equal(pwrite(fd, "MIDDLE", 6, SPARSE_SIZE / 2), 6);
        assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
}
