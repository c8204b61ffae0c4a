/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Walking a Tree
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "tools/tree-walk.h"

/* Directories below directories: each is a descriptor and a few frames of the stack. */
#define WALK_DEPTH_MAX 4096U

typedef struct Walk {
        const FileSet *set;
        const TreeVisitor *visitor;
        void *userdata;
        unsigned depth;
} Walk;

static inline void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static int walk_directory(Walk *w, const char *path, int fd);

static int walk_failed(Walk *w, const char *path, int error) {
        return w->visitor->failed ? w->visitor->failed(path, error, w->userdata) : error;
}

static int walk_child(Walk *w, const char *path, int dir_fd, const char *name) {
        int fd, r;

        fd = w->visitor->open ? w->visitor->open(path, w->userdata) : -ENOENT;
        if (fd == -ENOENT) {
                fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0)
                        fd = -errno;
        }

        if (fd < 0)
                return walk_failed(w, path, fd);

        r = w->visitor->enter ? w->visitor->enter(dir_fd, fd, path, w->userdata) : 1;
        if (r > 0)
                return walk_directory(w, path, fd);

        (void) fd_close(fd);
        return r;
}

static int is_directory(int dir_fd, const struct dirent *e) {
        struct stat st;

        if (e->d_type != DT_UNKNOWN)
                return e->d_type == DT_DIR;
        if (fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? -ENOENT : -errno;

        return S_ISDIR(st.st_mode);
}

static int walk_entry(Walk *w,
                      const char *directory,
                      int dir_fd,
                      const struct dirent *e,
                      const FileSetView *view) {
        _cleanup_(freep) char *path = NULL;
        bool matches;
        int r, is_dir;

        is_dir = is_directory(dir_fd, e);
        if (is_dir < 0)
                return is_dir == -ENOENT ? 0 : is_dir;

        matches = is_dir ? view->recursive : file_set_view_matches(view, e->d_name);
        if (!matches)
                return 0;

        r = format_to(&path, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, e->d_name);
        if (r < 0)
                return r;

        return is_dir ? walk_child(w, path, dir_fd, e->d_name)
                      : w->visitor->file(dir_fd, e->d_name, path, w->userdata);
}

static int walk_entries(Walk *w, const char *path, DIR *d, const FileSetView *view) {
        for (;;) {
                const struct dirent *e;
                int r;

                errno = 0;
                e = readdir(d);
                if (!e)
                        return errno != 0 ? walk_failed(w, path, -errno) : 0;
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;

                r = walk_entry(w, path, dirfd(d), e, view);
                if (r != 0)
                        return r;
        }
}

/* Takes @fd over. */
static int walk_directory(Walk *w, const char *path, int fd) {
        _cleanup_(freep) FileSetView *view = NULL;
        _cleanup_(closedirp) DIR *d = NULL;
        int r;

        d = fdopendir(fd);
        if (!d) {
                (void) fd_close(fd);
                return -ENOMEM;
        }
        if (w->depth >= WALK_DEPTH_MAX)
                return walk_failed(w, path, -ELOOP);

        view = calloc_checked(1, sizeof(*view));
        if (!view)
                return -ENOMEM;

        file_set_view(w->set, path, view);
        if (w->visitor->directory && file_set_view_is_member(view)) {
                r = w->visitor->directory(fd, path, w->userdata);
                if (r != 0)
                        return r;
        }

        ++w->depth;
        r = walk_entries(w, path, d, view);
        --w->depth;
        return r;
}

int tree_walk(const FileSet *set, const char *path, int fd, const TreeVisitor *visitor, void *userdata) {
        Walk w = { .set = set, .visitor = visitor, .userdata = userdata };
        int copy;

        copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return copy < 0 ? -errno : walk_directory(&w, path, copy);
}
