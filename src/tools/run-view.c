/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Command Sees
 *
 * Everything that is to be seen is taken as a detached mount first, while all paths still mean what they
 * meant; then it is attached, from the top down. Where the root itself is replaced, the new one is put
 * together beside the old, which goes last.
 */

#include "tools/run-view.h"

#include <errno.h>
#include <fcntl.h>
#include <libmount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "tools/file-set.h"

typedef struct View {
        char *path;
        char *source; /* NULL: what is mounted there already */
        int fd;
} View;

struct RunView {
        View *views;
        size_t n, capacity;
};

int run_view_new(RunView **ret) {
        *ret = calloc_checked(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

RunView *run_view_free(RunView *v) {
        if (!v)
                return NULL;

        for (size_t i = 0; i < v->n; ++i) {
                free(v->views[i].path);
                free(v->views[i].source);
                fd_close(v->views[i].fd);
        }
        free(v->views);
        free(v);
        return NULL;
}

int run_view_add(RunView *v, const char *path, const char *source) {
        View *view;
        int r;

        r = ARRAY_RESERVE(v->views, v->capacity, v->n + 1);
        if (r < 0)
                return r;

        view = &v->views[v->n++];
        *view = (View){ .fd = -EBADF };
        r = strdup_to(path, &view->path);
        if (r >= 0)
                r = strdup_to(source, &view->source);
        return r;
}

static const View *find(const RunView *v, const char *path) {
        for (size_t i = 0; i < v->n; ++i)
                if (strcmp(v->views[i].path, path) == 0)
                        return &v->views[i];

        return NULL;
}

static bool is_covered(const RunView *v, size_t n, const char *path) {
        for (size_t i = 0; i < n; ++i)
                if (path_is_below(path, v->views[i].path))
                        return true;

        return false;
}

static void mnt_unref_tablep(struct libmnt_table **t) {
        mnt_unref_table(*t);
}

static void mnt_free_iterp(struct libmnt_iter **i) {
        mnt_free_iter(*i);
}

/* What is mounted below a path of the view and is not in it. */
static int keep_other_mounts(RunView *v) {
        _cleanup_(mnt_unref_tablep) struct libmnt_table *table = NULL;
        _cleanup_(mnt_free_iterp) struct libmnt_iter *iter = NULL;
        size_t n = v->n;
        struct libmnt_fs *fs;

        table = mnt_new_table_from_file("/proc/self/mountinfo");
        iter = mnt_new_iter(MNT_ITER_FORWARD);
        if (!table || !iter)
                return -ENOMEM;

        while (mnt_table_next_fs(table, iter, &fs) == 0) {
                const char *path = mnt_fs_get_target(fs);
                int r;

                if (!path || !is_covered(v, n, path) || find(v, path))
                        continue;

                r = run_view_add(v, path, NULL);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Parents before what lies in them. */
static int compare_views(const void *a, const void *b) {
        return strcmp(((const View *) a)->path, ((const View *) b)->path);
}

/* What another mount hides cannot be taken, and nobody would see it. */
static int take(View *view) {
        view->fd = open_tree(AT_FDCWD, view->source ?: view->path,
                             OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT);
        if (view->fd >= 0 || !view->source)
                return 0;

        return -errno;
}

/* Links in a path that had none are somebody else's work. */
static int open_target(int root_fd, const char *path) {
        struct open_how how = {
                .flags = O_PATH | O_CLOEXEC,
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
        };
        long fd;

        fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
        return fd < 0 ? -errno : (int) fd;
}

static int attach(int root_fd, const View *view) {
        _cleanup_(closep) int target_fd = -EBADF;

        if (view->fd < 0)
                return 0;

        target_fd = open_target(root_fd, view->path);
        if (target_fd < 0) /* a mount on what the shadow copy does not have is not missed there */
                return view->source ? target_fd : 0;

        if (move_mount(view->fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
                return -errno;

        return 0;
}

/* The new root stands on the shadow copy's own place until it is the root. */
static int begin_root(const View *root) {
        if (move_mount(root->fd, "", AT_FDCWD, root->source, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return -errno;

        return fcntl(root->fd, F_DUPFD_CLOEXEC, 0);
}

static int finish_root(int root_fd) {
        if (fchdir(root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
                return -errno;

        return 0;
}

int run_view_enter(RunView *v, const char **ret_path) {
        _cleanup_(freep) char *here = getcwd(NULL, 0);
        _cleanup_(closep) int root_fd = -EBADF;
        const View *root;
        int r;

        *ret_path = NULL;
        /* Mounts that go outside go here as well; what is done here is not seen outside. */
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
                return -errno;

        r = keep_other_mounts(v);
        if (r < 0)
                return r;

        qsort(v->views, v->n, sizeof(*v->views), compare_views);
        for (size_t i = 0; i < v->n; ++i) {
                r = take(&v->views[i]);
                if (r < 0) {
                        *ret_path = v->views[i].source;
                        return r;
                }
        }

        root = find(v, "/");
        root_fd = root && root->source ? begin_root(root) : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root_fd < 0)
                return root ? root_fd : -errno;

        for (size_t i = 0; i < v->n; ++i) {
                if (&v->views[i] == root)
                        continue;

                r = attach(root_fd, &v->views[i]);
                if (r < 0) {
                        *ret_path = v->views[i].path;
                        return r;
                }
        }

        if (root && root->source) {
                r = finish_root(root_fd);
                if (r < 0)
                        return r;
        }

        /* The same place, as it is seen now. */
        return here && chdir(here) == 0 ? 0 : chdir("/") < 0 ? -errno : 0;
}
