/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Store of One Snapshot
 *
 * It may lie in a directory that others can write to, so it is never assumed to be what we left there: it is
 * ours or nothing.
 */

#include "providers/files/files-store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "providers/files/files-data.h"

#define STORE_MODE 0700
#define CREATE_TRIES_MAX 8U /* discard() of another snapshot may remove the empty store meanwhile */
#define PROBE_SIZE 4096U

void files_store_close(FilesStore *store) {
        store->tree_fd = fd_close(store->tree_fd);
        store->links_fd = fd_close(store->links_fd);
}

/* A directory that nobody else can have put there, or can write to. */
static int open_own(int dir_fd, const char *name) {
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;

        fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
                return -EPERM;

        return TAKE_FD(fd);
}

static int make_own(int dir_fd, const char *name) {
        if (mkdirat(dir_fd, name, STORE_MODE) < 0 && errno != EEXIST)
                return -errno;

        return open_own(dir_fd, name);
}

/* Makes the snapshot's directory. The store is locked until that is in it, so that nobody takes it for empty.
 * -ENOENT: that has just happened. */
static int make_snapshot(const FilesPlan *plan, int parent_fd) {
        _cleanup_(closep) int store_fd = -EBADF;
        int r;

        store_fd = make_own(parent_fd, plan->store);
        if (store_fd < 0)
                return store_fd;
        if (flock(store_fd, LOCK_SH) < 0)
                return -errno;

        r = rm_rf_at(store_fd, plan->name);
        if (r < 0)
                return r;
        if (mkdirat(store_fd, plan->name, STORE_MODE) < 0)
                return -errno;

        return open_own(store_fd, plan->name);
}

int files_store_create(const FilesPlan *plan, FilesStore *ret) {
        _cleanup_(files_store_close) FilesStore store = FILES_STORE_EMPTY;
        _cleanup_(closep) int parent_fd = -EBADF, fd = -EBADF;
        int r;

        r = plan->reflink ? 0 : mkdir_p(plan->parent, STORE_MODE);
        if (r < 0)
                return provider_fail(r, "'%s' cannot be made: %m", plan->parent);

        parent_fd = open(plan->parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (parent_fd < 0 && errno == EACCES)
                parent_fd = open(plan->parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (parent_fd < 0)
                return provider_fail(-errno, "'%s' cannot be opened: %m", plan->parent);

        for (unsigned i = 0; i < CREATE_TRIES_MAX && (fd == -EBADF || fd == -ENOENT); ++i)
                fd = make_snapshot(plan, parent_fd);
        if (fd == -EPERM || fd == -ENOTDIR || fd == -ELOOP)
                return provider_fail(-EPERM, "'%s/%s' belongs to somebody else", plan->parent, plan->store);
        if (fd < 0)
                return provider_fail(fd, "no store can be made in '%s': %m", plan->parent);

        store.tree_fd = make_own(fd, "tree");
        if (store.tree_fd < 0)
                return store.tree_fd;

        store.links_fd = make_own(fd, "links");
        if (store.links_fd < 0)
                return store.links_fd;

        *ret = store;
        store = FILES_STORE_EMPTY;
        return 0;
}

static int open_snapshot(const FilesPlan *plan) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int parent_fd = -EBADF;
        int r;

        r = format_to(&path, "%s/%s", plan->store, plan->name);
        if (r < 0)
                return r;

        parent_fd = open(plan->parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (parent_fd < 0)
                return -errno;

        return open_beneath(parent_fd, path, O_RDONLY | O_DIRECTORY, 0);
}

int files_store_finish(const FilesPlan *plan) {
        _cleanup_(closep) int fd = -EBADF;
        int r;

        fd = open_snapshot(plan);
        if (fd < 0)
                return provider_fail(fd, "its copy in '%s/%s' has gone: %m", plan->parent, plan->store);

        r = rm_rf_at(fd, "links");
        if (r < 0)
                return r;

        return syncfs(fd) < 0 ? provider_fail(-errno, "its copy could not be written to the disk: %m") : 0;
}

/* Not while there are others in it, or one is being made. */
static void remove_store(int parent_fd, const char *name) {
        _cleanup_(closep) int fd = open_own(parent_fd, name);

        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) >= 0)
                (void) unlinkat(parent_fd, name, AT_REMOVEDIR);
}

bool files_store_is_complete(const FilesPlan *plan) {
        _cleanup_(closep) int parent_fd = -EBADF, store_fd = -EBADF, fd = -EBADF, tree_fd = -EBADF;

        parent_fd = open(plan->parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        store_fd = parent_fd < 0 ? -errno : open_own(parent_fd, plan->store);
        fd = store_fd < 0 ? store_fd : open_own(store_fd, plan->name);
        tree_fd = fd < 0 ? fd : openat(fd, "tree", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return tree_fd >= 0 && faccessat(fd, "links", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

int files_store_remove(const FilesPlan *plan) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int parent_fd = -EBADF;
        int r;

        parent_fd = open(plan->parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (parent_fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;

        r = format_to(&path, "%s/%s", plan->store, plan->name);
        if (r < 0)
                return r;

        r = rm_rf_at(parent_fd, path);
        if (r == -ELOOP || r == -ENOTDIR) /* not ours, so nothing was made in it */
                return 0;
        if (r < 0)
                return provider_fail(r, "its copy in '%s/%s' cannot be removed: %m", plan->parent,
                                     plan->store);

        if (plan->reflink)
                remove_store(parent_fd, plan->store);
        return 0;
}

/* The worker before this one may have moved it. */
static int give_tree(const FilesPlan *plan, int broken_fd) {
        _cleanup_(closep) int fd = -EBADF;

        fd = open_snapshot(plan);
        if (fd >= 0 && renameat(fd, "tree", broken_fd, plan->name) >= 0)
                return 0;
        if ((fd < 0 && fd != -ENOENT) || (fd >= 0 && errno != ENOENT))
                return fd < 0 ? fd : -errno;

        return faccessat(broken_fd, plan->name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int files_store_give(const FilesPlan *plan) {
        const char *name = plan->reflink ? FILES_BROKEN_REFLINK_NAME : FILES_BROKEN_COPY_NAME;
        _cleanup_(closep) int parent_fd = -EBADF, broken_fd = -EBADF;
        int r;

        parent_fd = open(plan->parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (parent_fd < 0)
                return provider_fail(-errno, "'%s' cannot be opened: %m", plan->parent);
        broken_fd = make_own(parent_fd, name);
        if (broken_fd < 0)
                return provider_fail(broken_fd, "it cannot be moved to '%s/%s': %m", plan->parent, name);

        r = give_tree(plan, broken_fd);
        if (r >= 0 && syncfs(broken_fd) < 0)
                r = -errno;
        if (r < 0)
                return provider_fail(r, "it cannot be moved to '%s/%s': %m", plan->parent, name);

        return files_store_remove(plan);
}

int files_store_open_tree(const FilesPlan *plan) {
        _cleanup_(closep) int fd = open_snapshot(plan);

        return fd < 0 ? fd : open_beneath(fd, "tree", O_RDONLY | O_DIRECTORY, 0);
}

int files_store_tree_path(const FilesPlan *plan, char **ret) {
        return format_to(ret, "%s/%s/%s/tree", strcmp(plan->parent, "/") == 0 ? "" : plan->parent,
                         plan->store, plan->name);
}

/* A file without a name, or with one for as long as it takes to open it. */
static int open_nameless(int dir_fd) {
        char name[sizeof(".umbra-") + GUID_STRING_MAX];
        GUID id;
        int fd;

        fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
                return fd < 0 ? -errno : fd;

        guid_generate(&id);
        (void) snprintf(name, sizeof(name), ".umbra-%s", GUID_TO_STRING(&id));
        fd = openat(dir_fd, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;

        (void) unlinkat(dir_fd, name, 0);
        return fd;
}

bool files_can_clone(int fd) {
        static const char data[PROBE_SIZE] = { 1 };
        _cleanup_(closep) int from = -EBADF, to = -EBADF;

        from = open_nameless(fd);
        to = from < 0 ? -EBADF : open_nameless(fd);

        return to >= 0 && fd_write_all(from, data, sizeof(data)) == 0 && files_clone(from, to) == 0;
}

int files_store_room(int fd, uint64_t *ret_bytes, uint64_t *ret_files) {
        struct statvfs fs;

        if (fstatvfs(fd, &fs) < 0)
                return -errno;

        *ret_bytes = (uint64_t) (geteuid() == 0 ? fs.f_bfree : fs.f_bavail) * fs.f_frsize;
        *ret_files = fs.f_files == 0 ? UINT64_MAX : fs.f_favail;
        return 0;
}
