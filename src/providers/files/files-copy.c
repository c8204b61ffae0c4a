/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copying One File
 *
 * A file with one name is copied to where that name is in the store. A file with several is copied to the
 * directory of links, under the number of its inode, and each of its names in the store is a link to that:
 * whichever of them comes first, vanishes or comes back, the others need not know. That directory is removed
 * when all is done.
 *
 * Who changes a copy in place changes it under all its names. That is right as long as it is a copy of the
 * same inode, and only then is it done.
 */

#include "providers/files/files-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd-util.h"
#include "providers/files/files-data.h"
#include "providers/files/files-meta.h"

#define LINK_NAME_MAX 40U /* "<device>-<inode>" in hex */
#define PRIVATE_MODE 0600 /* until it is complete */

/* One file on its way. */
typedef struct Transfer {
        FilesCopy *copy;
        int from_fd;            /* the directory it is in … */
        const char *name;       /* … and its name there */
        struct statx stx;       /* as it was … */
        int64_t now;            /* … after this */
        bool hidden;            /* a file that something is mounted over: what is in it cannot be seen */
        bool suspect, open;     /* the outcome: FILE_SUSPECT, FILE_OPEN */
} Transfer;

void files_copy_record(FileEntry *entry, const struct statx *stx, bool suspect) {
        entry->ino = stx->stx_ino;
        entry->size = stx->stx_size;
        entry->ctime = files_time(&stx->stx_ctime);
        entry->mtime = files_time(&stx->stx_mtime);
        entry->mode = stx->stx_mode;
        entry->flags &= (uint16_t) ~(FILE_SUSPECT | FILE_OPEN | FILE_SEVERAL);
        if (stx->stx_nlink > 1)
                entry->flags |= FILE_SEVERAL;
        if (suspect)
                entry->flags |= FILE_SUSPECT;
}

/* Never blocks, not at a pipe that has taken the place of a file either. -ENOENT if it is none. */
static int open_regular(Transfer *t) {
        int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, fd;

        fd = openat(t->from_fd, t->name, flags | O_NOATIME);
        if (fd < 0 && errno == EPERM) /* not ours */
                fd = openat(t->from_fd, t->name, flags);
        if (fd < 0 && errno == EWOULDBLOCK) /* somebody has a lease on it, and has been told to give it up */
                fd = openat(t->from_fd, t->name, flags & ~O_NONBLOCK);
        if (fd < 0)
                return errno == ELOOP || errno == ENXIO || errno == EISDIR ? -ESTALE : -errno;

        return fd;
}

/* Opens the copy: empty, and nobody else's. With @in_place it is there already. */
static int open_copy(int dir_fd, const char *name, bool in_place) {
        int flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, fd;

        flags |= in_place ? O_TRUNC : O_CREAT | O_EXCL;
        fd = openat(dir_fd, name, flags, PRIVATE_MODE);
        if (fd < 0 && errno == EACCES && in_place && fchmodat(dir_fd, name, PRIVATE_MODE, 0) == 0)
                fd = openat(dir_fd, name, flags);

        if (fd < 0) /* nobody but us is in the store: -ENOENT would be taken for news from the volume */
                return errno == ENOENT ? -EIO : -errno;

        return fd;
}

static void notice_torn(Transfer *t, int fd) {
        struct statx stx;

        if (files_stat(fd, "", &stx) < 0 || files_time(&stx.stx_ctime) != files_time(&t->stx.stx_ctime))
                ++t->copy->work->torn;
}

static int transfer_regular(Transfer *t, int to_fd, const char *to_name, bool in_place) {
        FilesCopy *copy = t->copy;
        _cleanup_(closep) int from = -EBADF, to = -EBADF;
        bool nobody_writes, cloned, has_names = t->stx.stx_nlink > 1;
        uint64_t ino = t->stx.stx_ino;
        int r;

        from = open_regular(t);
        if (from < 0)
                return from;

        /* What is open is the truth. If it is another file than the name was decided upon for, decide again. */
        r = files_stat(from, "", &t->stx);
        if (r < 0)
                return r;
        if (!S_ISREG(t->stx.stx_mode) || t->stx.stx_ino != ino)
                return -ESTALE;

        /* Asked before the first byte is read: whoever opens it later moves its time stamps. */
        t->open = copy->watched && !copy->window && !files_nobody_writes(from);
        nobody_writes = copy->window ||
                        files_time_is_at_rest(&copy->trust, files_time(&t->stx.stx_ctime), copy->synced) ||
                        (copy->watched ? !t->open
                                       : copy->trust.leases && !copy->clone && files_nobody_writes(from));

        to = open_copy(to_fd, to_name, in_place);
        if (to < 0)
                return to;

        r = files_copy_data(copy, from, to, &t->stx, &cloned);
        if (r < 0)
                return r;

        r = files_copy_metadata(&(FilesNode){ .fd = from }, &(FilesNode){ .fd = to }, &t->stx,
                                t->stx.stx_mode, &copy->lost);
        if (r < 0)
                return r;

        t->suspect = !files_time_is_settled(&copy->trust, files_time(&t->stx.stx_ctime), t->now) ||
                     !(cloned || nobody_writes || t->stx.stx_size == 0) ||
                     has_names != (t->stx.stx_nlink > 1);
        notice_torn(t, from);
        return 0;
}

static int make_symlink(Transfer *t, int to_fd, const char *to_name) {
        char target[PATH_MAX];
        ssize_t n;

        n = readlinkat(t->from_fd, t->name, target, sizeof(target) - 1);
        if (n < 0)
                return errno == EINVAL ? -ESTALE : -errno; /* no link any more */

        target[n] = '\0';
        return symlinkat(target, to_fd, to_name) < 0 ? -errno : 0;
}

/* Links, pipes, sockets and devices are made anew rather than changed. */
static int transfer_other(Transfer *t, int to_fd, const char *to_name, bool in_place) {
        mode_t mode = t->stx.stx_mode;
        int r;

        if (in_place && unlinkat(to_fd, to_name, 0) < 0 && errno != ENOENT)
                return -errno;

        if (S_ISLNK(mode))
                r = make_symlink(t, to_fd, to_name);
        else {
                dev_t device = makedev(t->stx.stx_rdev_major, t->stx.stx_rdev_minor);

                r = mknodat(to_fd, to_name, (mode & S_IFMT) | PRIVATE_MODE, device) < 0 ? -errno : 0;
        }
        if (r < 0)
                return r;

        ++t->copy->work->others;
        t->suspect = !files_time_is_settled(&t->copy->trust, files_time(&t->stx.stx_ctime), t->now);
        return files_copy_metadata(&(FilesNode){ .fd = -EBADF, .dir_fd = t->from_fd, .name = t->name },
                                   &(FilesNode){ .fd = -EBADF, .dir_fd = to_fd, .name = to_name },
                                   &t->stx, mode, &t->copy->lost);
}

static int transfer(Transfer *t, int to_fd, const char *to_name, bool in_place) {
        if (S_ISREG(t->stx.stx_mode) && !t->hidden)
                return transfer_regular(t, to_fd, to_name, in_place);

        return transfer_other(t, to_fd, to_name, in_place);
}

/* Brings the copy in the directory of links up to date, unless another name of the file has just done so. */
static int transfer_to_links(Transfer *t, FileLink *link, const char *link_name) {
        FilesCopy *copy = t->copy;
        bool is_fresh, in_place = link->store_ino != 0;
        struct stat st;
        int r;

        /* Not only to save work: what is made anew is another file, and a name that is up to date keeps the old. */
        is_fresh = link->ctime == files_time(&t->stx.stx_ctime) && (link->pass == copy->pass || !link->suspect);
        if (in_place && link->mode == t->stx.stx_mode && is_fresh) {
                t->suspect = link->suspect;
                t->open = link->open;
                return 0;
        }

        if (in_place && (link->mode & S_IFMT) != (t->stx.stx_mode & S_IFMT)) {
                if (unlinkat(copy->links_fd, link_name, 0) < 0 && errno != ENOENT)
                        return -errno;
                in_place = false;
        }

        link->ctime = 0; /* until it is complete */
        r = transfer(t, copy->links_fd, link_name, in_place);
        if (r < 0) {
                if (!in_place) {
                        (void) unlinkat(copy->links_fd, link_name, 0);
                        link->store_ino = 0;
                }
                return r;
        }

        if (fstatat(copy->links_fd, link_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;

        link->store_ino = st.st_ino;
        link->ctime = files_time(&t->stx.stx_ctime);
        link->mode = t->stx.stx_mode;
        link->pass = copy->pass;
        link->suspect = t->suspect;
        link->open = t->open;
        return 0;
}

/* A file with several names. -EMLINK: the store cannot give it as many. */
static int transfer_linked(Transfer *t, int to_fd, bool in_store) {
        uint32_t device = (uint32_t) (t->stx.stx_dev_major << 20 | t->stx.stx_dev_minor);
        FilesTree *tree = t->copy->tree;
        char link_name[LINK_NAME_MAX];
        FileLink *link;
        struct stat st;
        int r;

        link = files_tree_link(tree, device, t->stx.stx_ino);
        if (!link) {
                r = files_tree_add_link(tree, device, t->stx.stx_ino, &link);
                if (r < 0)
                        return r;
        }

        (void) snprintf(link_name, sizeof(link_name), "%x-%llx", device,
                        (unsigned long long) t->stx.stx_ino);
        r = transfer_to_links(t, link, link_name);
        if (r < 0)
                return r;

        if (in_store) {
                if (fstatat(to_fd, t->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == link->store_ino)
                        return 0;
                if (unlinkat(to_fd, t->name, 0) < 0 && errno != ENOENT)
                        return -errno;
        }

        if (linkat(t->copy->links_fd, link_name, to_fd, t->name, 0) < 0)
                return errno == ENOENT ? -EIO : -errno;

        return 0;
}

int files_copy_entry(FilesCopy *copy,
                     FileId id,
                     int from_fd,
                     int to_fd,
                     const struct statx *stx,
                     int64_t now) {
        FileEntry *entry = files_tree_entry(copy->tree, id);
        Transfer t = {
                .copy = copy,
                .from_fd = from_fd,
                .name = files_tree_name(copy->tree, id),
                .stx = *stx,
                .now = now,
                .hidden = entry->flags & FILE_BOUNDARY,
        };
        bool in_store = entry->flags & FILE_IN_STORE, in_place;
        int r = -EMLINK;

        assert(!S_ISDIR(stx->stx_mode));

        /* The same inode of the same type is brought up to date in place. */
        in_place =
                in_store && entry->ino == stx->stx_ino && (entry->mode & S_IFMT) == (stx->stx_mode & S_IFMT);

        if (stx->stx_nlink > 1 && stx->stx_ino != 0 && !t.hidden) {
                r = transfer_linked(&t, to_fd, in_store);
                in_place = false; /* if that has failed */
        }
        if (r == -EMLINK) {
                if (in_store && !in_place && unlinkat(to_fd, t.name, 0) < 0 && errno != ENOENT)
                        return -errno;
                r = transfer(&t, to_fd, t.name, in_place);
        }
        if (r == -EPERM && (S_ISCHR(stx->stx_mode) || S_ISBLK(stx->stx_mode))) {
                ++copy->skipped;
                entry->flags &= (uint16_t) ~FILE_IN_STORE;
                files_copy_record(entry, stx, false);
                return 0;
        }
        if (r < 0) {
                (void) unlinkat(to_fd, t.name, 0);
                entry->flags &= (uint16_t) ~FILE_IN_STORE;
                entry->ino = 0;
                return r;
        }

        entry->flags |= FILE_IN_STORE;
        if (copy->largest == FILE_NONE || t.stx.stx_size > copy->largest_size) {
                copy->largest = id;
                copy->largest_size = t.stx.stx_size;
        }
        files_copy_record(entry, &t.stx, t.suspect);
        if (t.open)
                entry->flags |= FILE_OPEN;
        return 0;
}
