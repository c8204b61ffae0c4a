/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where Files Are Restored To
 */

#include "tools/restore-roots.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "tools/file-set.h"

void restore_roots_clear(RestoreRoots *roots) {
        for (size_t i = 0; i < roots->n_made; ++i)
                free(roots->made[i].relative);
        free(roots->made);

        for (size_t i = 0; i < roots->n_volumes; ++i)
                (void) fd_close(roots->volumes[i].fd);
        free(roots->volumes);

        for (size_t i = 0; i < roots->n; ++i) {
                (void) fd_close(roots->roots[i]->fd);
                free(roots->roots[i]->to);
                free(roots->roots[i]->from);
                free(roots->roots[i]);
        }
        free(roots->roots);
        *roots = (RestoreRoots){ 0 };
}

int restore_roots_map(RestoreRoots *roots, const char *from, const char *to) {
        RestoreRoot *root;
        int r;

        r = ARRAY_RESERVE(roots->roots, roots->capacity, roots->n + 1);
        if (r < 0)
                return r;

        root = calloc_checked(1, sizeof(*root));
        if (!root)
                return -ENOMEM;

        root->fd = -EBADF;
        roots->roots[roots->n++] = root;
        r = strdup_to(from, &root->from);
        return r < 0 ? r : strdup_to(to, &root->to);
}

RestoreRoot *restore_roots_find(const RestoreRoots *roots, const char *path) {
        RestoreRoot *best = NULL;

        for (size_t i = 0; i < roots->n; ++i)
                if (path_is_below(path, roots->roots[i]->from) &&
                    (!best || strlen(best->from) < strlen(roots->roots[i]->from)))
                        best = roots->roots[i];

        return best;
}

RestoreRoot *restore_roots_find_place(const RestoreRoots *roots, const char *place) {
        RestoreRoot *best = NULL;

        for (size_t i = 0; i < roots->n; ++i)
                if (path_is_below(place, roots->roots[i]->to) &&
                    (!best || strlen(best->to) < strlen(roots->roots[i]->to)))
                        best = roots->roots[i];

        return best;
}

const char *path_relative_to(const char *path, const char *directory) {
        path += strlen(directory);
        return *path == '/' ? path + 1 : path;
}

int restore_roots_destination(const RestoreRoots *roots, const char *path, char **ret) {
        RestoreRoot *root = restore_roots_find(roots, path);
        const char *relative;

        if (!root) {
                *ret = NULL;
                return 0;
        }

        relative = path_relative_to(path, root->from);
        return format_to(ret, "%s%s%s", root->to, *relative && strcmp(root->to, "/") != 0 ? "/" : "",
                         relative);
}

int restore_roots_reach(RestoreRoot *root) {
        if (root->fd >= 0)
                return 0;

        root->fd = open(root->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return root->fd < 0 ? -errno : 0;
}

static int root_open(RestoreRoot *root) {
        int r;

        r = restore_roots_reach(root);
        if (r != -ENOENT)
                return r;

        r = mkdir_p(root->to, 0755);
        return r < 0 ? r : restore_roots_reach(root);
}

int restore_roots_note(RestoreRoots *roots, int fd) {
        RestoreVolume v;
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        for (size_t i = roots->n_volumes; i-- > 0;)
                if (roots->volumes[i].dev == st.st_dev)
                        return 0;

        r = ARRAY_RESERVE(roots->volumes, roots->volumes_capacity, roots->n_volumes + 1);
        if (r < 0)
                return r;

        v = (RestoreVolume){ .dev = st.st_dev, .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0) };
        if (v.fd < 0)
                return -errno;

        roots->volumes[roots->n_volumes++] = v;
        return 0;
}

int restore_roots_sync(const RestoreRoots *roots) {
        for (size_t i = 0; i < roots->n_volumes; ++i)
                if (syncfs(roots->volumes[i].fd) < 0)
                        return -errno;

        return 0;
}

/* Remembers @relative and what is above it, as far as it is not there yet. */
static int roots_note_missing(RestoreRoots *roots, RestoreRoot *root, const char *relative) {
        for (size_t n = strlen(relative); n > 0;) {
                MadeDirectory made = { .root = root };
                struct stat st;
                int r;

                r = format_to(&made.relative, "%.*s", (int) n, relative);
                if (r < 0)
                        return r;

                if (fstatat(root->fd, made.relative, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
                    ARRAY_RESERVE(roots->made, roots->made_capacity, roots->n_made + 1) < 0) {
                        free(made.relative);
                        return 0;
                }

                roots->made[roots->n_made++] = made;
                while (n > 0 && relative[--n] != '/')
                        ;
        }

        return 0;
}

int restore_roots_open(RestoreRoots *roots, RestoreRoot *root, const char *relative, bool *ret_made) {
        bool made = false;
        int fd, r;

        r = root_open(root);
        if (r < 0)
                return r;

        fd = open_beneath(root->fd, *relative ? relative : ".", O_RDONLY | O_DIRECTORY, 0);
        if (fd == -ENOENT) {
                r = roots_note_missing(roots, root, relative);
                if (r < 0)
                        return r;

                /* Nobody looks into it before it has its owner. */
                r = mkdir_p_at(root->fd, relative, 0700);
                if (r < 0)
                        return r;

                made = true;
                fd = open_beneath(root->fd, relative, O_RDONLY | O_DIRECTORY, 0);
        }

        if (fd < 0)
                return fd;

        r = restore_roots_note(roots, fd);
        if (r < 0) {
                (void) fd_close(fd);
                return r;
        }

        if (ret_made)
                *ret_made = made;
        return fd;
}

bool restore_roots_take_made(RestoreRoots *roots, const RestoreRoot *root, const char *relative) {
        for (size_t i = roots->n_made; i-- > 0;)
                if (roots->made[i].root == root && strcmp(roots->made[i].relative, relative) == 0) {
                        free(roots->made[i].relative);
                        roots->made[i] = roots->made[--roots->n_made];
                        return true;
                }

        return false;
}

/* Of those that the caller did not restore, the set says nothing here: they become what mkdir would have
 * made of them, or the owner of the files could not reach them. Those that it did restore get theirs
 * afterwards. */
void restore_roots_open_made(RestoreRoots *roots) {
        for (size_t i = 0; i < roots->n_made; ++i) {
                _cleanup_(closep) int fd = -EBADF;

                fd = open_beneath(roots->made[i].root->fd, roots->made[i].relative, O_RDONLY | O_DIRECTORY,
                                  0);
                if (fd >= 0)
                        (void) fchmod(fd, 0755);
        }
}
