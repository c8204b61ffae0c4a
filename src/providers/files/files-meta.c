/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Everything About a File but What Is in It
 *
 * The order is forced: a change of owner takes set-user-id and capabilities away, an ACL changes the mode,
 * and everything changes the times.
 */

#include "providers/files/files-meta.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/macro.h"

#define NODE_PATH_MAX (sizeof("/proc/self/fd//") + 3 * sizeof(int) + 256)

/* The list of names and one value. Nearly always there are none or few, so that both fit in here. */
typedef struct Buffer {
        char *data;
        size_t size;
        char inline_data[1024];
} Buffer;

#define BUFFER_INLINE(b) { .data = (b).inline_data, .size = sizeof((b).inline_data) }

static void buffer_done(Buffer *buffer) {
        if (buffer->data != buffer->inline_data)
                free(buffer->data);
}

static int buffer_grow(Buffer *buffer) {
        char *data;

        data = calloc_checked(XATTR_SIZE_MAX, 1); /* 64 KiB: the most that list or value can have */
        if (!data)
                return -ENOMEM;

        buffer_done(buffer);
        buffer->data = data;
        buffer->size = XATTR_SIZE_MAX;
        return 0;
}

/* Calls on a name need /proc, but follow neither a link nor anything else. */
static const char *node_path(const FilesNode *node, char path[NODE_PATH_MAX]) {
        (void) snprintf(path, NODE_PATH_MAX, "/proc/self/fd/%d/%s", node->dir_fd, node->name);
        return path;
}

static ssize_t node_listxattr(const FilesNode *node, char *data, size_t size) {
        char path[NODE_PATH_MAX];

        return node->fd >= 0 ? flistxattr(node->fd, data, size)
                             : llistxattr(node_path(node, path), data, size);
}

static ssize_t node_getxattr(const FilesNode *node, const char *name, char *data, size_t size) {
        char path[NODE_PATH_MAX];

        return node->fd >= 0 ? fgetxattr(node->fd, name, data, size)
                             : lgetxattr(node_path(node, path), name, data, size);
}

static int node_setxattr(const FilesNode *node, const char *name, const char *data, size_t size) {
        char path[NODE_PATH_MAX];

        return node->fd >= 0 ? fsetxattr(node->fd, name, data, size, 0)
                             : lsetxattr(node_path(node, path), name, data, size, 0);
}

static int node_removexattr(const FilesNode *node, const char *name) {
        char path[NODE_PATH_MAX];

        return node->fd >= 0 ? fremovexattr(node->fd, name) : lremovexattr(node_path(node, path), name);
}

/* NUL-separated names. Returns their size, 0 also where there is no such thing as attributes. */
static ssize_t read_list(const FilesNode *node, Buffer *list) {
        ssize_t n;
        int r;

        n = node_listxattr(node, list->data, list->size);
        if (n < 0 && errno == ERANGE) {
                r = buffer_grow(list);
                if (r < 0)
                        return r;
                n = node_listxattr(node, list->data, list->size);
        }
        if (n < 0)
                return errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM ? 0 : -errno;

        return n;
}

static ssize_t read_value(const FilesNode *node, const char *name, Buffer *value) {
        ssize_t n;
        int r;

        n = node_getxattr(node, name, value->data, value->size);
        if (n < 0 && errno == ERANGE) {
                r = buffer_grow(value);
                if (r < 0)
                        return r;
                n = node_getxattr(node, name, value->data, value->size);
        }

        return n < 0 ? -errno : n;
}

static bool list_contains(const char *list, ssize_t n, const char *name) {
        for (const char *p = list; p < list + n; p += strlen(p) + 1)
                if (strcmp(p, name) == 0)
                        return true;

        return false;
}

/* Takes away what @to inherited from its directory, or had before. */
static int remove_others(const FilesNode *to, const char *list, ssize_t n) {
        _cleanup_(buffer_done) Buffer mine = BUFFER_INLINE(mine);
        ssize_t n_mine;

        n_mine = read_list(to, &mine);
        if (n_mine < 0)
                return (int) n_mine;

        /* Some cannot be taken away, such as a label: then they are as on any new file. */
        for (const char *p = mine.data; p < mine.data + n_mine; p += strlen(p) + 1)
                if (!list_contains(list, n, p))
                        (void) node_removexattr(to, p);

        return 0;
}

static bool means_it_cannot_have_it(int error) {
        switch (error) {
        case EOPNOTSUPP:
        case EPERM:
        case EACCES:
        case EINVAL:
        case E2BIG:
        case ERANGE:
        case ENOSPC: /* of ext4: no room left for attributes; a full disk will be noticed elsewhere */
                return true;
        default:
                return false;
        }
}

static int copy_attributes(const FilesNode *from, const FilesNode *to, uint64_t *lost) {
        _cleanup_(buffer_done) Buffer list = BUFFER_INLINE(list);
        _cleanup_(buffer_done) Buffer value = BUFFER_INLINE(value);
        ssize_t n;
        int r;

        n = read_list(from, &list);
        if (n < 0)
                return (int) n;

        r = remove_others(to, list.data, n);
        if (r < 0)
                return r;

        for (const char *p = list.data; p < list.data + n; p += strlen(p) + 1) {
                ssize_t size = read_value(from, p, &value);

                if (size == -ENODATA) /* taken away meanwhile */
                        continue;
                if (size == -ENOMEM)
                        return -ENOMEM;
                if (size < 0 && !means_it_cannot_have_it((int) -size))
                        return (int) size;

                if (size >= 0 && node_setxattr(to, p, value.data, (size_t) size) == 0)
                        continue;
                if (size >= 0 && !means_it_cannot_have_it(errno))
                        return -errno;

                ++*lost;
        }

        return 0;
}

static struct timespec timespec_from_statx(const struct statx_timestamp *t) {
        return (struct timespec){ .tv_sec = (time_t) t->tv_sec, .tv_nsec = t->tv_nsec };
}

static int set_owner(const FilesNode *to, const struct statx *stx) {
        if (to->fd >= 0)
                return fchown(to->fd, stx->stx_uid, stx->stx_gid) < 0 ? -errno : 0;

        if (fchownat(to->dir_fd, to->name, stx->stx_uid, stx->stx_gid, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;

        return 0;
}

static int set_mode(const FilesNode *to, mode_t mode) {
        if (to->fd >= 0)
                return fchmod(to->fd, mode) < 0 ? -errno : 0;
        if (S_ISLNK(mode))
                return 0; /* a link has none of its own */

        return fchmodat(to->dir_fd, to->name, mode & ~(mode_t) S_IFMT, 0) < 0 ? -errno : 0;
}

static int set_times(const FilesNode *to, const struct statx *stx) {
        struct timespec times[2] = { timespec_from_statx(&stx->stx_atime),
                                     timespec_from_statx(&stx->stx_mtime) };

        if (to->fd >= 0)
                return futimens(to->fd, times) < 0 ? -errno : 0;

        return utimensat(to->dir_fd, to->name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int files_copy_metadata(const FilesNode *from,
                        const FilesNode *to,
                        const struct statx *stx,
                        mode_t mode,
                        uint64_t *lost) {
        int r;

        /* Who is not root cannot give files away, and root of a user namespace not to everybody. What is
         * copied is the copier's own then, and must not act in that name. */
        r = set_owner(to, stx);
        if (r == -EPERM || r == -EINVAL) {
                mode &= ~(mode_t) (S_ISUID | S_ISGID);
                ++*lost;
        } else if (r < 0)
                return r;

        r = copy_attributes(from, to, lost);
        if (r < 0)
                return r;

        r = set_mode(to, mode);
        if (r < 0)
                return r;

        return set_times(to, stx);
}

static int has_attributes(const FilesNode *from, const FilesNode *to) {
        _cleanup_(buffer_done) Buffer theirs = BUFFER_INLINE(theirs), mine = BUFFER_INLINE(mine);
        _cleanup_(buffer_done) Buffer their_value = BUFFER_INLINE(their_value), my_value = BUFFER_INLINE(my_value);
        ssize_t n, n_mine;

        n = read_list(from, &theirs);
        if (n < 0)
                return (int) n;
        n_mine = read_list(to, &mine);
        if (n_mine < 0)
                return (int) n_mine;
        if (n != n_mine) /* the names are as long in all */
                return 0;

        for (const char *p = theirs.data; p < theirs.data + n; p += strlen(p) + 1) {
                ssize_t size, my_size;

                if (!list_contains(mine.data, n_mine, p))
                        return 0;
                size = read_value(from, p, &their_value);
                my_size = read_value(to, p, &my_value);
                if (size == -ENOMEM || my_size == -ENOMEM)
                        return -ENOMEM;
                if (size < 0 || size != my_size || memcmp(their_value.data, my_value.data, (size_t) size) != 0)
                        return 0;
        }

        return 1;
}

int files_has_metadata(const FilesNode *from,
                       const FilesNode *to,
                       const struct statx *from_stx,
                       const struct statx *to_stx) {
        if (from_stx->stx_mode != to_stx->stx_mode || from_stx->stx_uid != to_stx->stx_uid ||
            from_stx->stx_gid != to_stx->stx_gid ||
            from_stx->stx_mtime.tv_sec != to_stx->stx_mtime.tv_sec ||
            from_stx->stx_mtime.tv_nsec != to_stx->stx_mtime.tv_nsec)
                return 0;

        return has_attributes(from, to);
}
