/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One File, Link, Pipe or Device
 *
 * It is brought up to date where it is, opened for writing only if something differs, and keeps its inode.
 * What cannot be, a program that runs say, is replaced: made under a temporary name, completely, and renamed.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "providers/files/files-meta.h"
#include "providers/files/files-stat.h"
#include "providers/revert/revert-internal.h"

#define PRIVATE_MODE 0600 /* until it is complete */

/* A regular file on its way. */
typedef struct Update {
        RevertEntry *entry;
        int source_fd, target_fd, write_fd;
        bool is_new;
} Update;

static void update_done(Update *u) {
        (void) fd_close(u->source_fd);
        if (u->write_fd != u->target_fd)
                (void) fd_close(u->write_fd);
        (void) fd_close(u->target_fd);
}

static int open_file(int dir_fd, const char *name, int flags) {
        int fd;

        flags |= O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        fd = openat(dir_fd, name, flags | O_NOATIME);
        if (fd < 0 && errno == EPERM) /* not ours */
                fd = openat(dir_fd, name, flags);
        if (fd < 0 && errno == EWOULDBLOCK) /* somebody has a lease on it, and has been told to give it up */
                fd = openat(dir_fd, name, flags & ~O_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

/* Who is not root may have no right to his own file. */
static int open_own_file(int dir_fd, const char *name, int flags) {
        int fd = open_file(dir_fd, name, flags);

        if (fd == -EACCES && geteuid() != 0 && fchmodat(dir_fd, name, PRIVATE_MODE, 0) == 0)
                fd = open_file(dir_fd, name, flags);
        return fd;
}

static int update_write(void *userdata) {
        Update *u = userdata;
        RevertEntry *e = u->entry;
        struct statx stx;
        int q;

        if (u->write_fd >= 0) {
                revert_step(e->revert, "data");
                return u->write_fd;
        }

        q = revert_unlock(e->revert, u->target_fd, &e->target);
        if (q < 0)
                return q;
        u->write_fd = open_own_file(e->level->target_fd, e->name, O_RDWR);
        if (u->write_fd < 0)
                return u->write_fd;
        q = files_stat(u->write_fd, "", &stx);
        if (q < 0)
                return q;
        if (stx.stx_ino != e->target.stx_ino || !S_ISREG(stx.stx_mode))
                return -ESTALE;

        /* Nobody reads in there meanwhile who may not read what it becomes. */
        if (e->source.stx_mode != e->target.stx_mode || e->source.stx_uid != e->target.stx_uid ||
            e->source.stx_gid != e->target.stx_gid)
                (void) fchmod(u->write_fd, PRIVATE_MODE);

        revert_step(e->revert, "data");
        return u->write_fd;
}

static void update_tell(uint64_t done, void *userdata) {
        const RevertEntry *e = ((Update *) userdata)->entry;

        revert_tell(e->revert, e->level, e->i, e->n, done, e->source.stx_size);
}

static int update_data(Update *u, bool *ret_changed) {
        RevertEntry *e = u->entry;
        RevertData data = {
                .revert = e->revert,
                .source_fd = u->source_fd,
                .target_fd = u->target_fd,
                .source_size = e->source.stx_size,
                .target_size = u->is_new ? 0 : e->target.stx_size,
                .is_new = u->is_new,
                .write = update_write,
                .tell = update_tell,
                .userdata = u,
        };
        int q;

        ++e->revert->work.compared;
        q = revert_data(&data);
        if (q >= 0)
                *ret_changed = data.changed;
        e->revert->work.changed += q >= 0 && data.changed;
        return q;
}

static int open_source(const RevertEntry *e) {
        return open_file(e->level->source_fd, e->name, O_RDONLY);
}

/* -ETXTBSY: it has to be replaced. */
static int update_regular(RevertEntry *e) {
        _cleanup_(update_done) Update u = {
                .entry = e, .source_fd = -EBADF, .target_fd = -EBADF, .write_fd = -EBADF,
        };
        FilesNode from, to;
        bool changed = false;
        int q;

        if (revert_is_proven(e->revert, &e->source, &e->target))
                return 0;

        u.source_fd = open_source(e);
        if (u.source_fd < 0)
                return u.source_fd;
        u.target_fd = open_own_file(e->level->target_fd, e->name, O_RDONLY);
        if (u.target_fd < 0)
                return u.target_fd;

        q = update_data(&u, &changed);
        if (q < 0)
                return q;

        from = (FilesNode){ .fd = u.source_fd };
        to = (FilesNode){ .fd = u.target_fd };
        q = changed ? 0 : files_has_metadata(&from, &to, &e->source, &e->target);
        if (q < 0)
                return q;
        if (q == 0) {
                q = revert_unlock(e->revert, u.target_fd, &e->target);
                if (q < 0)
                        return q;
                revert_step(e->revert, "metadata");
                q = files_copy_metadata(&from, &to, &e->source, e->source.stx_mode, &e->revert->work.lost);
                if (q < 0)
                        return q;
        }

        return revert_relock(e->revert, u.target_fd, u.source_fd, e->target.stx_ino);
}

int revert_shrink(RevertEntry *e) {
        _cleanup_(update_done) Update u = {
                .entry = e, .source_fd = -EBADF, .target_fd = -EBADF, .write_fd = -EBADF,
        };
        int fd;

        if (e->target.stx_size <= e->source.stx_size)
                return 0;

        u.target_fd = open_own_file(e->level->target_fd, e->name, O_RDONLY);
        if (u.target_fd < 0)
                return u.target_fd;
        fd = update_write(&u);
        if (fd < 0)
                return fd;
        return ftruncate(fd, (off_t) e->source.stx_size) < 0 ? -errno : 0;
}

static ssize_t read_link(int dir_fd, const char *name, char target[PATH_MAX]) {
        ssize_t n = readlinkat(dir_fd, name, target, PATH_MAX - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        return n;
}

static int is_same_link(const RevertEntry *e) {
        char a[PATH_MAX], b[PATH_MAX];
        ssize_t n;

        n = read_link(e->level->source_fd, e->name, a);
        if (n >= 0)
                n = read_link(e->level->target_fd, e->name, b);
        return n < 0 ? (int) n : strcmp(a, b) == 0;
}

/* -ETXTBSY: it has to be replaced. */
static int update_other(RevertEntry *e) {
        const FilesNode from = { .fd = -EBADF, .dir_fd = e->level->source_fd, .name = e->name };
        const FilesNode to = { .fd = -EBADF, .dir_fd = e->level->target_fd, .name = e->name };
        int q = 1;

        if (S_ISLNK(e->source.stx_mode))
                q = is_same_link(e);
        else if (e->source.stx_rdev_major != e->target.stx_rdev_major ||
                 e->source.stx_rdev_minor != e->target.stx_rdev_minor)
                q = 0;
        if (q <= 0)
                return q < 0 ? q : -ETXTBSY;

        q = files_has_metadata(&from, &to, &e->source, &e->target);
        if (q != 0)
                return q < 0 ? q : 0;
        revert_step(e->revert, "metadata");
        return files_copy_metadata(&from, &to, &e->source, e->source.stx_mode, &e->revert->work.lost);
}

static int make_other(RevertEntry *e, const char *temporary) {
        const FilesNode from = { .fd = -EBADF, .dir_fd = e->level->source_fd, .name = e->name };
        const FilesNode to = { .fd = -EBADF, .dir_fd = e->level->target_fd, .name = temporary };
        mode_t mode = e->source.stx_mode;
        char target[PATH_MAX];

        if (S_ISLNK(mode)) {
                ssize_t n = read_link(e->level->source_fd, e->name, target);

                if (n < 0)
                        return (int) n;
                if (symlinkat(target, e->level->target_fd, temporary) < 0)
                        return -errno;
        } else if (mknodat(e->level->target_fd, temporary, (mode & S_IFMT) | PRIVATE_MODE,
                           makedev(e->source.stx_rdev_major, e->source.stx_rdev_minor)) < 0)
                return -errno;

        return files_copy_metadata(&from, &to, &e->source, mode, &e->revert->work.lost);
}

/* Leaves it open, for its flags. */
static int make_regular(Update *u, const char *temporary) {
        RevertEntry *e = u->entry;
        bool changed;
        int q;

        u->is_new = true;
        u->source_fd = open_source(e);
        if (u->source_fd < 0)
                return u->source_fd;
        u->target_fd = u->write_fd = openat(e->level->target_fd, temporary,
                                            O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, PRIVATE_MODE);
        if (u->target_fd < 0)
                return -errno;

        q = revert_prepare_flags(e->revert, u->target_fd, u->source_fd);
        if (q >= 0)
                q = update_data(u, &changed);
        if (q < 0)
                return q;
        return files_copy_metadata(&(FilesNode){ .fd = u->source_fd }, &(FilesNode){ .fd = u->target_fd },
                                   &e->source, e->source.stx_mode, &e->revert->work.lost);
}

/* Makes it anew; what has the name goes. */
static int make(RevertEntry *e) {
        _cleanup_(update_done) Update u = {
                .entry = e, .source_fd = -EBADF, .target_fd = -EBADF, .write_fd = -EBADF,
        };
        char temporary[REVERT_TEMPORARY_MAX];
        int fd = e->level->target_fd, q;

        q = revert_unlock_level(e->revert, e->level);
        if (q >= 0 && e->exists)
                q = revert_unlock_at(e->revert, fd, e->name, &e->target);
        if (q < 0)
                return q;

        revert_step(e->revert, "make");
        (void) revert_temporary(temporary);
        q = S_ISREG(e->source.stx_mode) ? make_regular(&u, temporary) : make_other(e, temporary);
        if (q >= 0) {
                revert_step(e->revert, "rename");
                q = renameat(fd, temporary, fd, e->name) < 0 ? -errno : 0;
        }
        if (q < 0) {
                (void) unlinkat(fd, temporary, 0);
                return q;
        }

        ++e->revert->work.made;
        q = revert_entry_look(e);
        return q < 0 || u.target_fd < 0 ? q :
                                          revert_relock(e->revert, u.target_fd, u.source_fd, e->target.stx_ino);
}

/* One more name of a file that is in its place already. */
static int link_here(RevertEntry *e, const RevertLink *link) {
        int fd = e->level->target_fd, q;
        char temporary[REVERT_TEMPORARY_MAX];

        if (e->exists && e->target.stx_ino == revert_link_inode(link))
                return 0;
        if (!e->exists)
                return revert_link_make(e->revert, link, e->level, e->name);

        q = revert_unlock_at(e->revert, fd, e->name, &e->target);
        if (q >= 0)
                q = revert_link_make(e->revert, link, e->level, revert_temporary(temporary));
        if (q < 0)
                return q;

        revert_step(e->revert, "rename");
        if (renameat(fd, temporary, fd, e->name) < 0) {
                q = -errno;
                (void) unlinkat(fd, temporary, 0);
        }
        return q;
}

static int remember(RevertEntry *e) {
        _cleanup_(freep) char *path = NULL;
        int q;

        if (e->target.stx_nlink > 1) {
                q = revert_claim(e->revert, e->target.stx_ino, e->source.stx_ino);
                if (q < 0)
                        return q;
        }
        if (e->source.stx_nlink < 2)
                return 0;

        q = revert_path(e->revert, e->level, e->name, &path);
        return q < 0 ? q : revert_link_add(e->revert, e->source.stx_ino, e->target.stx_ino, path);
}

int revert_leaf(RevertEntry *e) {
        const RevertLink *link = e->source.stx_nlink > 1 ? revert_link_find(e->revert, e->source.stx_ino) : NULL;
        int q = -ETXTBSY;

        if (link) {
                q = link_here(e, link);
                if (q != -EMLINK) /* the target cannot give it as many */
                        return q;
        }

        if (e->exists)
                q = S_ISREG(e->source.stx_mode) ? update_regular(e) : update_other(e);
        if (q == -ETXTBSY || q == -EMLINK)
                q = make(e);
        return q < 0 ? q : remember(e);
}
