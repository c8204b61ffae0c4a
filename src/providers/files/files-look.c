/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Looking at One File
 *
 * Everything that is done to the store while a directory is visited: copies come and go here.
 */

#include "providers/files/files-look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd-util.h"
#include "base/utf.h"
#include "provider/provider.h"
#include "providers/files/files-meta.h"
#include "providers/files/files-plan.h"

#define SENTENCE_PATH_MAX 512U
#define TRIES_MAX 4U
#define STAT_BLOCK 512U
#define NODE_BYTES 512U       /* what a file without contents is taken to need */
#define DIRECTORY_BYTES 4096U

int files_look_failed(FilesScan *s, FileId id, int r) {
        _cleanup_(freep) char *readable = NULL;
        char path[SENTENCE_PATH_MAX];

        if (id == FILE_ROOT)
                return provider_fail(r, "it cannot be read: %m");

        (void) files_tree_path(s->tree, id, path, sizeof(path));
        (void) xml_escape_bytes(path, &readable);
        return provider_fail(r, "'%s%s%s' cannot be copied: %m", s->volume,
                             strcmp(s->volume, "/") == 0 ? "" : "/", readable ? readable : "?");
}

bool files_means_gone(int r) {
        return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ESTALE;
}

bool files_is_entered(const FilesScan *s, const FileEntry *entry) {
        return S_ISDIR(entry->mode) && !(entry->flags & FILE_BOUNDARY) &&
               (s->counting || (entry->flags & FILE_IN_STORE));
}

/* Whoever makes a second name for a file stamps it first and counts the name then, and may be put to sleep for long in
 * between. So the stamp alone does not prove that it still has one name. */
static bool has_as_many_names(const FileEntry *entry, const struct statx *stx) {
        return S_ISDIR(stx->stx_mode) || (stx->stx_nlink > 1) == ((entry->flags & FILE_SEVERAL) != 0);
}

bool files_is_unchanged(const FileEntry *entry, const struct statx *stx) {
        return has_as_many_names(entry, stx) && !(entry->flags & FILE_SUSPECT) && entry->ino == stx->stx_ino &&
               entry->mode == stx->stx_mode && entry->size == stx->stx_size &&
               entry->ctime == files_time(&stx->stx_ctime) && entry->mtime == files_time(&stx->stx_mtime);
}

void files_set_flag(FileEntry *entry, FileFlags flag, bool on) {
        entry->flags = (uint16_t) (on ? entry->flags | flag : entry->flags & ~flag);
}

int files_store_directory(FilesScan *s, FileId id) {
        int fd = files_walk_to(&s->to, s->tree, id);

        return files_means_gone(fd) ? -EIO : fd;
}

int files_drop(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        const char *name = files_tree_name(s->tree, id);
        int fd, r = 0;

        if (entry->flags & FILE_IN_STORE) {
                fd = files_store_directory(s, entry->parent);
                if (fd < 0)
                        return fd;

                if (S_ISDIR(entry->mode))
                        r = rm_rf_at(fd, name);
                else if (unlinkat(fd, name, 0) < 0 && errno != ENOENT)
                        r = -errno;
                if (r < 0)
                        return r;

                ++s->copy.work->removed;
                files_set_flag(files_tree_entry(s->tree, entry->parent), FILE_TOUCHED, true);
        }

        files_tree_remove_children(s->tree, id);
        files_set_flag(entry, FILE_IN_STORE, false);
        entry->ino = 0;
        return 0;
}

int files_read_names(FilesScan *s, FileId directory, int fd) {
        FileEntry *entry = files_tree_entry(s->tree, directory);
        ssize_t n;
        int r;

        r = files_index_build(&s->index, s->tree, directory);
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;

        while ((n = getdents64(fd, s->names, FILES_NAMES_SIZE)) > 0)
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

                        files_set_flag(files_tree_entry(s->tree, id), FILE_SEEN, true);
                }
        if (n < 0)
                return -errno;

        ++s->copy.work->directories_read;

        for (uint32_t *link = &entry->first_child; *link != FILE_NONE;) {
                FileEntry *child = files_tree_entry(s->tree, *link);

                if (child->flags & FILE_SEEN) {
                        files_set_flag(child, FILE_SEEN, false);
                        link = &child->next;
                        continue;
                }

                r = files_drop(s, *link);
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

int files_make_directory(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        int fd;

        fd = files_store_directory(s, entry->parent);
        if (fd < 0)
                return fd;
        if (mkdirat(fd, files_tree_name(s->tree, id), FILES_DIRECTORY_MODE) < 0)
                return errno == ENOENT ? -EIO : -errno;

        ++s->copy.work->others;
        files_set_flag(entry, FILE_IN_STORE | FILE_TOUCHED, true);
        files_set_flag(files_tree_entry(s->tree, entry->parent), FILE_TOUCHED, true);
        entry->mode = S_IFDIR | FILES_DIRECTORY_MODE;
        entry->ino = 0;
        return 0;
}

/* A directory seen from the one it is in. What is in it is looked at when it is visited, unless it is not
 * ours. */
static int look_at_directory(FilesScan *s, FileId id, int from_fd, const struct statx *stx) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        const char *name = files_tree_name(s->tree, id);
        int fd, r;

        if (!(entry->flags & FILE_IN_STORE)) {
                r = files_make_directory(s, id);
                if (r < 0)
                        return r;
        }

        if (entry->ino != stx->stx_ino)
                entry->ino = 0;
        if (!(entry->flags & FILE_BOUNDARY) || files_is_unchanged(entry, stx))
                return 0;

        fd = files_store_directory(s, entry->parent);
        if (fd < 0)
                return fd;

        files_copy_record(entry, stx, false);
        files_set_flag(entry, FILE_TOUCHED, false);
        return files_copy_metadata(&(FilesNode){ .fd = -EBADF, .dir_fd = from_fd, .name = name },
                                   &(FilesNode){ .fd = -EBADF, .dir_fd = fd, .name = name }, stx,
                                   stx->stx_mode, &s->copy.lost);
}

void files_distrust(const FilesScan *s, FileEntry *entry) {
        uint64_t device = s->copy.trust.device;
        FileLink *link;

        files_set_flag(entry, FILE_SUSPECT, true);
        link = files_tree_link(s->tree, (uint32_t) (device >> 32 << 20 | (uint32_t) device), entry->ino);
        if (link)
                link->suspect = true;
}

/* Whether somebody has the file open who might write to it without an event. True if in doubt. */
static bool somebody_writes(const FileEntry *entry, int from_fd, const char *name) {
        _cleanup_(closep) int fd = -EBADF;
        struct statx stx;

        fd = openat(from_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_NOATIME | O_CLOEXEC);
        return fd < 0 || files_stat(fd, "", &stx) < 0 || stx.stx_ino != entry->ino ||
               !files_nobody_writes(fd);
}

/* A file as it was written down: asks who could change it next. Returns whether it has to be copied all the same. */
static bool look_for_writers(FilesScan *s, FileEntry *entry, int from_fd, const char *name) {
        bool is_asked = s->ask_writers || (entry->flags & (FILE_TODO | FILE_OPEN));

        if (!s->copy.watched || !is_asked || !S_ISREG(entry->mode) || (entry->flags & FILE_BOUNDARY) ||
            (s->copy.window && s->copy.trust.write_notify))
                return false;

        files_set_flag(entry, FILE_OPEN, somebody_writes(entry, from_fd, name));
        if (!(entry->flags & FILE_OPEN) || s->copy.trust.write_notify)
                return false;

        files_distrust(s, entry);
        return true;
}

static int look_once(FilesScan *s, FileId directory, int from_fd, FileId id, bool reread) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        bool is_boundary, was_boundary = entry->flags & FILE_BOUNDARY;
        int64_t now = files_now();
        struct statx stx;
        int fd, r;

        /* What is a directory stays one unless the names around it change. */
        if (!reread && files_is_entered(s, entry))
                return 0;

        r = files_stat(from_fd, files_tree_name(s->tree, id), &stx);
        if (r < 0)
                return files_means_gone(r) ? FILES_GONE : r;

        ++s->copy.work->looked_at;
        if (is_excluded(s, directory, id, &stx))
                return FILES_GONE;

        is_boundary = files_is_boundary(&s->copy.trust, &stx);
        if (s->counting) {
                files_set_flag(entry, FILE_BOUNDARY, is_boundary);
                return count(s, entry, &stx);
        }

        if ((entry->flags & FILE_IN_STORE) && S_ISDIR(entry->mode) != S_ISDIR(stx.stx_mode)) {
                r = files_drop(s, id);
                if (r < 0)
                        return r;
        }
        if (was_boundary != is_boundary) {
                r = files_drop(s, id);
                if (r < 0)
                        return r;
                files_set_flag(entry, FILE_BOUNDARY, is_boundary);
        }

        if (S_ISDIR(stx.stx_mode))
                return look_at_directory(s, id, from_fd, &stx);
        if (files_is_unchanged(entry, &stx) &&
            !look_for_writers(s, entry, from_fd, files_tree_name(s->tree, id)))
                return 0;

        fd = files_store_directory(s, directory);
        if (fd < 0)
                return fd;

        files_set_flag(files_tree_entry(s->tree, directory), FILE_TOUCHED, true);
        r = files_copy_entry(&s->copy, id, from_fd, fd, &stx, now);
        return r != -ESTALE && files_means_gone(r) ? FILES_GONE : r;
}

int files_look_at(FilesScan *s, FileId directory, int from_fd, FileId id, bool reread) {
        int r = -ESTALE;

        /* Who replaces a file by renaming never lets the name be missing, so nor may the copy. */
        for (unsigned i = 0; i < TRIES_MAX && r == -ESTALE; ++i)
                r = look_once(s, directory, from_fd, id, reread);

        return r == -ESTALE ? FILES_GONE : r;
}

