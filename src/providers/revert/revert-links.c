/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files with Several Names
 *
 * Which file of the source is which of the target, as far as that cannot be seen from the names. And the flags
 * that were taken from files meanwhile.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HASH_FUNCTION HASH_FNV /* uthash's own falls through between cases without saying so, which clang minds */
#include <uthash.h>

#include "base/alloc.h"
#include "providers/revert/revert-internal.h"

#define PATH_PART_MAX 4000U /* of a path, that the kernel takes at once */

struct RevertLink {
        uint64_t key, value; /* inodes, or an inode and its flags */
        char *path;
        UT_hash_handle hh;
};

static RevertLink *find(RevertLink *table, uint64_t key) {
        RevertLink *link;

        HASH_FIND(hh, table, &key, sizeof(key), link);
        return link;
}

static int add(RevertLink **table, uint64_t key, uint64_t value, const char *path) {
        RevertLink *link = find(*table, key);
        int r;

        if (link) {
                link->value = value;
                return free_and_strdup(&link->path, path);
        }

        link = calloc_checked(1, sizeof(*link));
        if (!link)
                return -ENOMEM;
        r = strdup_to(path, &link->path);
        if (r < 0) {
                free(link);
                return r;
        }

        link->key = key;
        link->value = value;
        HASH_ADD(hh, *table, key, sizeof(link->key), link);
        return 0;
}

static void clear(RevertLink **table) {
        RevertLink *link, *tmp;

        HASH_ITER(hh, *table, link, tmp) {
                HASH_DEL(*table, link);
                free(link->path);
                free(link);
        }
}

void revert_links_clear(Revert *r) {
        clear(&r->links);
        clear(&r->claimed);
        clear(&r->unlocked);
}

const RevertLink *revert_link_find(const Revert *r, uint64_t source_ino) {
        return find(r->links, source_ino);
}

uint64_t revert_link_inode(const RevertLink *link) {
        return link->value;
}

int revert_link_add(Revert *r, uint64_t source_ino, uint64_t target_ino, const char *path) {
        return add(&r->links, source_ino, target_ino, path);
}

int revert_claim(Revert *r, uint64_t ino, uint64_t source_ino) {
        return add(&r->claimed, ino, source_ino, NULL);
}

bool revert_is_claimed(const Revert *r, uint64_t ino, uint64_t but_for) {
        const RevertLink *link = find(r->claimed, ino);

        return link && link->value != but_for;
}

int revert_remember_flags(Revert *r, uint64_t ino, unsigned flags) {
        return find(r->unlocked, ino) ? 0 : add(&r->unlocked, ino, flags, NULL);
}

bool revert_recall_flags(const Revert *r, uint64_t ino, unsigned *ret) {
        const RevertLink *link = find(r->unlocked, ino);

        if (!link)
                return false;
        *ret = (unsigned) link->value;
        return true;
}

static int open_part(int dir_fd, const char *path) {
        struct open_how how = {
                .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
        };
        long fd;

        fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
        return fd < 0 ? -errno : (int) fd;
}

int revert_open_parent(const Revert *r, const char *path, int *ret_fd, const char **ret_name) {
        _cleanup_(closep) int fd = -EBADF;
        const char *name = strrchr(path, '/');

        fd = open_part(r->target_fd, ".");
        while (fd >= 0 && name && path < name) {
                _cleanup_(freep) char *part = NULL;
                size_t n = (size_t) (name - path);
                int next;

                /* A longer one in parts, each of which ends at a slash. */
                if (n > PATH_PART_MAX)
                        for (n = PATH_PART_MAX; n > 0 && path[n] != '/'; --n)
                                ;
                if (n == 0)
                        return -ENAMETOOLONG;
                part = strndup(path, n);
                if (!part)
                        return -ENOMEM;

                next = open_part(fd, part);
                (void) fd_close(fd);
                fd = next;
                path += n + 1;
        }
        if (fd < 0)
                return fd;

        *ret_fd = TAKE_FD(fd);
        *ret_name = name ? name + 1 : path;
        return 0;
}

int revert_link_make(Revert *r, const RevertLink *link, RevertLevel *l, const char *name) {
        _cleanup_(closep) int parent_fd = -EBADF;
        const char *from;
        int q;

        q = revert_open_parent(r, link->path, &parent_fd, &from);
        if (q >= 0)
                q = revert_unlock_level(r, l);
        if (q < 0)
                return q;

        revert_step(r, "link");
        return linkat(parent_fd, from, l->target_fd, name, 0) < 0 ? -errno : 0;
}
