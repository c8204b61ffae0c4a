/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One Pass Over the Volume
 *
 * Functions return GONE for what is not there any more, or has become something else while we looked. Then it leaves the
 * store, and its directory is a suspect.
 */

#include "providers/files/files-scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/utf.h"
#include "provider/provider.h"
#include "providers/files/files-meta.h"
#include "providers/files/files-plan.h"

#define GONE 1
#define NAMES_SIZE ((size_t) 64 * 1024)
#define SENTENCE_PATH_MAX 512U
#define STAT_BLOCK 512U
#define NODE_BYTES 512U       /* what a file without contents is taken to need */
#define DIRECTORY_BYTES 4096U
#define DIRECTORY_MODE 0700

static int scan_fail(FilesScan *s, FileId id, int r) {
        _cleanup_(freep) char *readable = NULL;
        char path[SENTENCE_PATH_MAX];

        if (id == FILE_ROOT)
                return provider_fail(r, "it cannot be read: %m");

        (void) files_tree_path(s->tree, id, path, sizeof(path));
        (void) xml_escape_bytes(path, &readable);
        return provider_fail(r, "'%s%s%s' cannot be copied: %m", s->volume, strcmp(s->volume, "/") == 0 ? "" : "/",
                             readable ? readable : "?");
}

static bool means_gone(int r) {
        return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ESTALE;
}

static bool is_entered(const FilesScan *s, const FileEntry *entry) {
        return S_ISDIR(entry->mode) && !(entry->flags & FILE_BOUNDARY) && (s->counting || (entry->flags & FILE_IN_STORE));
}

static bool is_unchanged(const FileEntry *entry, const struct statx *stx) {
        return !(entry->flags & FILE_SUSPECT) && entry->ino == stx->stx_ino && entry->mode == stx->stx_mode &&
               entry->size == stx->stx_size && entry->ctime == files_time(&stx->stx_ctime) &&
               entry->mtime == files_time(&stx->stx_mtime);
}

static void set_flag(FileEntry *entry, FileFlags flag, bool on) {
        entry->flags = (uint16_t) (on ? entry->flags | flag : entry->flags & ~flag);
}

/* The copy of directory @id. Nobody but us should be there, so what is missing is an error, not news. */
static int store_directory(FilesScan *s, FileId id) {
        int fd = files_walk_to(&s->to, s->tree, id);

        return means_gone(fd) ? -EIO : fd;
}

/* Removes the copy of @id and all below, in store and tree. The entry stays and counts as changed. */
static int drop(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        const char *name = files_tree_name(s->tree, id);
        int fd, r = 0;

        if (entry->flags & FILE_IN_STORE) {
                fd = store_directory(s, entry->parent);
                if (fd < 0)
                        return fd;

                if (S_ISDIR(entry->mode))
                        r = rm_rf_at(fd, name);
                else if (unlinkat(fd, name, 0) < 0 && errno != ENOENT)
                        r = -errno;
                if (r < 0)
                        return r;

                ++s->copy.work->removed;
                set_flag(files_tree_entry(s->tree, entry->parent), FILE_TOUCHED, true);
        }

        files_tree_remove_children(s->tree, id);
        set_flag(entry, FILE_IN_STORE, false);
        entry->ino = 0;
        return 0;
}

/* Reads the names in @directory again: new ones are added, with nothing known of them, missing ones dropped. */
static int read_names(FilesScan *s, FileId directory, int fd) {
        FileEntry *entry = files_tree_entry(s->tree, directory);
        ssize_t n;
        int r;

        r = files_index_build(&s->index, s->tree, directory);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;

        while ((n = getdents64(fd, s->names, NAMES_SIZE)) > 0)
                for (ssize_t i = 0; i < n;) {
                        const struct dirent64 *d = (const struct dirent64 *) (const void *) (s->names + i);
                        FileId id;

                        i += d->d_reclen;
                        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
                                continue;

                        id = files_index_find(&s->index, s->tree, d->d_name);
                        if (id == FILE_NONE) {
                                r = files_tree_add(s->tree, directory, d->d_name, &id);
                                if (r == 0)
                                        r = files_index_add(&s->index, s->tree, id);
                                if (r < 0)
                                        return r;
                        }

                        set_flag(files_tree_entry(s->tree, id), FILE_SEEN, true);
                }
        if (n < 0)
                return -errno;

        ++s->copy.work->directories_read;

        for (uint32_t *link = &entry->first_child; *link != FILE_NONE;) {
                FileEntry *child = files_tree_entry(s->tree, *link);

                if (child->flags & FILE_SEEN) {
                        set_flag(child, FILE_SEEN, false);
                        link = &child->next;
                        continue;
                }

                r = drop(s, *link);
                if (r < 0)
                        return r;
                files_tree_remove(s->tree, link);
        }

        return 0;
}

static bool is_excluded(const FilesScan *s, FileId directory, FileId id, const struct statx *stx) {
        if (!S_ISDIR(stx->stx_mode))
                return false;

        if (directory == FILE_ROOT && strcmp(files_tree_name(s->tree, id), FILES_SHADOW_NAME) == 0)
                return true;

        for (size_t i = 0; i < s->n_excluded; ++i)
                if (s->excluded[i].ino == stx->stx_ino && s->excluded[i].device == files_device(stx))
                        return true;

        return false;
}

/* Adds up what @id needs; a file with several names once. */
static int count(FilesScan *s, FileEntry *entry, const struct statx *stx) {
        uint32_t device = (uint32_t) (stx->stx_dev_major << 20 | stx->stx_dev_minor);
        FileLink *link;

        entry->mode = stx->stx_mode;
        if (S_ISDIR(stx->stx_mode)) {
                s->needed += DIRECTORY_BYTES;
                return 0;
        }

        if (stx->stx_nlink > 1 && stx->stx_ino != 0) {
                int r;

                if (files_tree_link(s->tree, device, stx->stx_ino))
                        return 0;
                r = files_tree_add_link(s->tree, device, stx->stx_ino, &link);
                if (r < 0)
                        return r;
        }

        s->needed += NODE_BYTES;
        if (S_ISREG(stx->stx_mode) && !(entry->flags & FILE_BOUNDARY))
                s->needed += MIN(stx->stx_blocks * STAT_BLOCK, stx->stx_size);
        return 0;
}

/* Makes the copy of a directory, empty and for us alone until it is left. */
static int make_directory(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        int fd;

        fd = store_directory(s, entry->parent);
        if (fd < 0)
                return fd;
        if (mkdirat(fd, files_tree_name(s->tree, id), DIRECTORY_MODE) < 0)
                return errno == ENOENT ? -EIO : -errno;

        ++s->copy.work->others;
        set_flag(entry, FILE_IN_STORE | FILE_TOUCHED, true);
        set_flag(files_tree_entry(s->tree, entry->parent), FILE_TOUCHED, true);
        entry->mode = S_IFDIR | DIRECTORY_MODE;
        entry->ino = 0;
        return 0;
}

/* A directory seen from the one it is in. What is in it is looked at when it is visited, unless it is not ours. */
static int look_at_directory(FilesScan *s, FileId id, int from_fd, const struct statx *stx) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        const char *name = files_tree_name(s->tree, id);
        int fd, r;

        if (!(entry->flags & FILE_IN_STORE)) {
                r = make_directory(s, id);
                if (r < 0)
                        return r;
        }

        if (entry->ino != stx->stx_ino)
                entry->ino = 0;
        if (!(entry->flags & FILE_BOUNDARY) || is_unchanged(entry, stx))
                return 0;

        fd = store_directory(s, entry->parent);
        if (fd < 0)
                return fd;

        files_copy_record(entry, stx, false);
        set_flag(entry, FILE_TOUCHED, false);
        return files_copy_metadata(&(FilesNode){ .fd = -EBADF, .dir_fd = from_fd, .name = name },
                                   &(FilesNode){ .fd = -EBADF, .dir_fd = fd, .name = name }, stx, stx->stx_mode,
                                   &s->copy.lost);
}

/* Looks at @id in @directory, whose names have been read again if @reread. */
static int look_at(FilesScan *s, FileId directory, int from_fd, FileId id, bool reread) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        bool is_boundary, was_boundary = entry->flags & FILE_BOUNDARY;
        int64_t now = files_now();
        struct statx stx;
        int fd, r;

        /* What is a directory stays one unless the names around it change. */
        if (!reread && is_entered(s, entry))
                return 0;

        r = files_stat(from_fd, files_tree_name(s->tree, id), &stx);
        if (r < 0)
                return means_gone(r) ? GONE : r;

        ++s->copy.work->looked_at;
        if (is_excluded(s, directory, id, &stx))
                return GONE;

        is_boundary = files_is_boundary(&s->copy.trust, &stx);
        if (s->counting) {
                set_flag(entry, FILE_BOUNDARY, is_boundary);
                return count(s, entry, &stx);
        }

        if ((entry->flags & FILE_IN_STORE) && S_ISDIR(entry->mode) != S_ISDIR(stx.stx_mode)) {
                r = drop(s, id);
                if (r < 0)
                        return r;
        }
        if (was_boundary != is_boundary) {
                r = drop(s, id);
                if (r < 0)
                        return r;
                set_flag(entry, FILE_BOUNDARY, is_boundary);
        }

        if (S_ISDIR(stx.stx_mode))
                return look_at_directory(s, id, from_fd, &stx);
        if (is_unchanged(entry, &stx))
                return 0;

        fd = store_directory(s, directory);
        if (fd < 0)
                return fd;

        set_flag(files_tree_entry(s->tree, directory), FILE_TOUCHED, true);
        r = files_copy_entry(&s->copy, id, from_fd, fd, &stx, now);
        return means_gone(r) ? GONE : r;
}

static int look_at_children(FilesScan *s, FileId directory, int from_fd, bool reread) {
        FileEntry *entry = files_tree_entry(s->tree, directory);
        int r;

        for (uint32_t *link = &entry->first_child; *link != FILE_NONE;) {
                FileId id = *link;
                FileEntry *child = files_tree_entry(s->tree, id);

                r = look_at(s, directory, from_fd, id, reread);
                if (r == GONE) {
                        r = drop(s, id);
                        if (r < 0)
                                return scan_fail(s, id, r);

                        files_tree_remove(s->tree, link);
                        continue;
                }
                if (r < 0)
                        return scan_fail(s, id, r);

                if (!S_ISDIR(child->mode) && (child->flags & FILE_SUSPECT))
                        ++s->suspects;
                link = &child->next;
        }

        return 0;
}

/* A directory that something has been mounted over since its own directory was looked at. */
static int becomes_boundary(FilesScan *s, FileId id) {
        int r;

        r = drop(s, id);
        if (r < 0)
                return r;

        set_flag(files_tree_entry(s->tree, id), FILE_BOUNDARY, true);
        return s->counting ? 0 : make_directory(s, id);
}

static int visit(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        int64_t now = files_now();
        struct statx stx;
        bool reread;
        int fd, r;

        fd = files_walk_to(&s->from, s->tree, id);
        if (fd < 0)
                return means_gone(fd) ? GONE : scan_fail(s, id, fd);

        r = files_stat(fd, "", &stx);
        if (r < 0)
                return scan_fail(s, id, r);

        ++s->copy.work->looked_at;
        if (id != FILE_ROOT && files_is_boundary(&s->copy.trust, &stx)) {
                r = becomes_boundary(s, id);
                return r < 0 ? scan_fail(s, id, r) : 0;
        }

        reread = !is_unchanged(entry, &stx);
        if (reread) {
                set_flag(entry, FILE_TOUCHED, true);
                r = read_names(s, id, fd);
                if (r < 0)
                        return means_gone(r) ? GONE : scan_fail(s, id, r);
        }

        if (!s->counting)
                files_copy_record(entry, &stx, !files_time_is_settled(&s->copy.trust, files_time(&stx.stx_ctime), now));

        r = look_at_children(s, id, fd, reread);
        if (r == 0 && (entry->flags & FILE_SUSPECT))
                ++s->suspects;
        return r;
}

/* A directory that went away between being seen and being visited. */
static int forget(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id), *parent = files_tree_entry(s->tree, entry->parent);
        int r;

        r = drop(s, id);
        if (r < 0)
                return scan_fail(s, id, r);

        entry->mode = 0;
        if (!(parent->flags & FILE_SUSPECT))
                ++s->suspects;
        set_flag(parent, FILE_SUSPECT, true);
        return 0;
}

/* Everything below @id has been done. */
static int leave(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        struct statx stx;
        mode_t mode;
        int from, to, r;

        if (s->counting || !(entry->flags & FILE_TOUCHED) || !(entry->flags & FILE_IN_STORE))
                return 0;

        /* If it has gone, that is found out when its own directory is looked at again. */
        from = files_walk_to(&s->from, s->tree, id);
        if (means_gone(from))
                return 0;
        to = from < 0 ? from : store_directory(s, id);
        r = to < 0 ? to : files_stat(from, "", &stx);
        if (r < 0)
                return scan_fail(s, id, r);

        mode = stx.stx_mode;
        set_flag(entry, FILE_MODE_LATER, geteuid() != 0 && (mode & S_IRWXU) != S_IRWXU);
        if (entry->flags & FILE_MODE_LATER)
                mode |= S_IRWXU;

        r = files_copy_metadata(&(FilesNode){ .fd = from }, &(FilesNode){ .fd = to }, &stx, mode, &s->copy.lost);
        if (r < 0)
                return scan_fail(s, id, r);

        set_flag(entry, FILE_TOUCHED, false);
        return 0;
}

static FileId next_directory(const FilesScan *s, FileId id) {
        while (id != FILE_NONE && !is_entered(s, files_tree_entry(s->tree, id)))
                id = files_tree_entry(s->tree, id)->next;

        return id;
}

/* Calls @visit_one before and @leave_one after what is below each directory. Not recursive: trees may be deep. */
static int walk(FilesScan *s, int (*visit_one)(FilesScan *s, FileId id), int (*leave_one)(FilesScan *s, FileId id)) {
        FileId id = FILE_ROOT, next;
        int r;

        for (;;) {
                r = visit_one ? visit_one(s, id) : 0;
                if (r == GONE && id != FILE_ROOT)
                        r = forget(s, id);
                if (r != 0)
                        return r == GONE ? provider_fail(-ENOENT, "it has gone") : r;

                next = next_directory(s, files_tree_entry(s->tree, id)->first_child);
                while (next == FILE_NONE) {
                        r = leave_one(s, id);
                        if (r < 0 || id == FILE_ROOT)
                                return r;

                        next = next_directory(s, files_tree_entry(s->tree, id)->next);
                        id = files_tree_entry(s->tree, id)->parent;
                }

                id = next;
        }
}

int files_scan_pass(FilesScan *s) {
        s->suspects = 0;
        s->needed = s->counting ? 0 : s->needed;
        files_walk_done(&s->from);
        files_walk_done(&s->to);
        return walk(s, visit, leave);
}

static int seal_one(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        int fd;

        if (!(entry->flags & FILE_MODE_LATER))
                return 0;

        fd = store_directory(s, id);
        if (fd < 0 || fchmod(fd, entry->mode & ~(mode_t) S_IFMT) < 0)
                return scan_fail(s, id, fd < 0 ? fd : -errno);

        return 0;
}

int files_scan_seal(FilesScan *s) {
        return geteuid() == 0 ? 0 : walk(s, NULL, seal_one);
}

void files_scan_exclude(FilesScan *s, const char *path) {
        struct statx stx;

        assert(s->n_excluded < FILES_EXCLUDED_MAX);

        if (files_stat(AT_FDCWD, path, &stx) < 0)
                return;

        s->excluded[s->n_excluded].device = files_device(&stx);
        s->excluded[s->n_excluded].ino = stx.stx_ino;
        ++s->n_excluded;
}

int files_scan_init(FilesScan *s, const char *volume, int from_fd, int to_fd, int links_fd) {
        FileEntry *root;
        int r;

        r = files_tree_new(&s->tree);
        if (r < 0)
                return r;

        s->names = calloc_checked(NAMES_SIZE, 1);
        if (!s->names)
                return -ENOMEM;

        r = files_copy_init(&s->copy);
        if (r < 0)
                return r;

        r = files_trust_for(from_fd, &s->copy.trust);
        if (r < 0)
                return r;

        root = files_tree_entry(s->tree, FILE_ROOT);
        root->mode = S_IFDIR | DIRECTORY_MODE;
        root->flags = FILE_IN_STORE | FILE_TOUCHED;

        s->volume = volume;
        s->copy.tree = s->tree;
        s->copy.links_fd = links_fd;
        s->from.root_fd = from_fd;
        s->to.root_fd = to_fd;
        return 0;
}

void files_scan_done(FilesScan *s) {
        files_walk_done(&s->from);
        files_walk_done(&s->to);
        files_index_done(&s->index);
        files_copy_done(&s->copy);
        s->tree = files_tree_free(s->tree);
        free(s->names);
        s->names = NULL;
}
