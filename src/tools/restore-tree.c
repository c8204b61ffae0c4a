/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Restoring Files
 */

#include "tools/restore-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "tools/pending-file.h"
#include "tools/restore-paths.h"
#include "tools/restore-roots.h"
#include "tools/set-entry.h"
#include "tools/set-format.h"

/* How much waits for the disk together. */
#define PENDING_FILES_MAX 128U
#define PENDING_BYTES_MAX ((uint64_t) 128 * 1024 * 1024)
#define PENDING_SYNCFS_MIN 8U /* from so many on one call for all of them is cheaper */

typedef struct PendingDirectory {
        RestoreRoot *root;
        char *path, *relative;
        struct archive_entry *entry;
} PendingDirectory;

struct RestoreTree {
        RestoreCallbacks callbacks;
        void *userdata;

        RestoreRoots roots;

        /* The last directory, as the next file is probably in it, too. */
        RestoreRoot *parent_root;
        char *parent_path;
        int parent_fd;

        PendingFile pending[PENDING_FILES_MAX];
        size_t n_pending;
        uint64_t pending_bytes;

        PendingDirectory *directories;
        size_t n_directories, directories_capacity;
        unsigned losses;

        /* What is in place of these is not of the set. */
        RestorePaths *passed;
        bool forgot; /* one of them */
};

int restore_tree_new(const RestoreCallbacks *callbacks, void *userdata, RestoreTree **ret) {
        RestoreTree *t = calloc_checked(1, sizeof(*t));

        if (!t)
                return -ENOMEM;

        t->callbacks = *callbacks;
        t->userdata = userdata;
        t->parent_fd = -EBADF;
        if (restore_paths_new(&t->passed) < 0) {
                free(t);
                return -ENOMEM;
        }

        *ret = t;
        return 0;
}

RestoreTree *restore_tree_free(RestoreTree *t) {
        if (!t)
                return NULL;

        for (size_t i = 0; i < t->n_pending; ++i)
                pending_file_clear(&t->pending[i]);

        for (size_t i = 0; i < t->n_directories; ++i) {
                archive_entry_free(t->directories[i].entry);
                free(t->directories[i].relative);
                free(t->directories[i].path);
        }
        free(t->directories);

        restore_paths_free(t->passed);
        restore_roots_clear(&t->roots);
        (void) fd_close(t->parent_fd);
        free(t->parent_path);
        free(t);
        return NULL;
}

int restore_tree_map(RestoreTree *t, const char *from, const char *to) {
        return restore_roots_map(&t->roots, from, to);
}

int restore_tree_destination(RestoreTree *t, const char *path, bool directory, char **ret) {
        return t->callbacks.place ? t->callbacks.place(path, directory, ret, t->userdata) :
                                    restore_roots_destination(&t->roots, path, ret);
}

/* The same, as a root and what is below it. -EXDEV: nowhere. */
static int tree_find_place(RestoreTree *t,
                           const char *path,
                           bool directory,
                           RestoreRoot **ret_root,
                           char **ret_relative) {
        _cleanup_(freep) char *place = NULL;
        RestoreRoot *root;
        int r;

        r = restore_tree_destination(t, path, directory, &place);
        if (r < 0)
                return r;

        root = place ? restore_roots_find_place(&t->roots, place) : NULL;
        if (!root)
                return -EXDEV;

        *ret_root = root;
        return strdup_to(path_relative_to(place, root->to), ret_relative);
}

static const char *failure_sentence(int error) {
        switch (error) {
        case -ELOOP:
        case -ENOTDIR:
                return "a link, or something else that is no directory, stands in the way";
        case -EISDIR:
        case -ENOTEMPTY:
        case -EEXIST:
                return "a directory stands in the way";
        case -EROFS:
                return "the file system is read-only";
        case -ENOSPC:
        case -EDQUOT:
                return "there is not enough space";
        case -EXDEV:
                return "its name leads out of the destination";
        case -ENODATA:
                return "the set does not have all the bytes of it that its writer wants elsewhere";
        case -ENOLINK:
                return "it is another name of a file that was not restored; restore that one with it";
        case -ESTALE:
                return "the set has only parts of it, and the file that they belong to is not there; restore the "
                       "sets before this one first";
        default:
                return strerror(-error);
        }
}

void restore_tree_pass(RestoreTree *t, const char *path) {
        t->forgot = restore_paths_add(t->passed, path, false) < 0 || t->forgot;
}

void restore_tree_fail(RestoreTree *t, const char *path, int error) {
        restore_tree_pass(t, path);
        t->callbacks.failed(path, error, failure_sentence(error), t->userdata);
}

/* Goes to the directory in which @relative is. */
static int tree_enter_parent(RestoreTree *t, RestoreRoot *root, const char *relative) {
        _cleanup_(freep) char *parent = NULL;
        const char *slash = strrchr(relative, '/');
        int fd, r;

        r = format_to(&parent, "%.*s", slash ? (int) (slash - relative) : 0, relative);
        if (r < 0)
                return r;

        if (t->parent_fd >= 0 && t->parent_root == root && strcmp(t->parent_path, parent) == 0)
                return 0;

        fd = restore_roots_open(&t->roots, root, parent, NULL);
        if (fd < 0)
                return fd;

        (void) fd_close(t->parent_fd);
        free(t->parent_path);
        t->parent_fd = fd;
        t->parent_root = root;
        t->parent_path = TAKE_PTR(parent);
        return 0;
}

/* Brings the bytes of all that wait to disk. */
static int tree_sync(RestoreTree *t) {
        dev_t synced = 0;
        struct stat st;

        for (size_t i = 0; i < t->n_pending; ++i)
                if (t->pending[i].fd >= 0)
                        (void) sync_file_range(t->pending[i].fd, 0, 0, SYNC_FILE_RANGE_WRITE);

        for (size_t i = 0; i < t->n_pending; ++i) {
                int fd = t->pending[i].fd;

                if (fd < 0)
                        continue;
                if (t->n_pending < PENDING_SYNCFS_MIN) {
                        if (fsync(fd) < 0)
                                return -errno;
                        continue;
                }

                if (fstat(fd, &st) < 0)
                        return -errno;
                if (st.st_dev != synced && syncfs(fd) < 0)
                        return -errno;
                synced = st.st_dev;
        }

        return 0;
}

static int tree_publish(RestoreTree *t, PendingFile *p) {
        int r;

        if (t->callbacks.before) {
                r = t->callbacks.before(p->path, t->userdata);
                if (r < 0)
                        return r;
        }

        r = pending_file_publish(p);
        if (r < 0)
                restore_tree_fail(t, p->path, r);
        else if (t->callbacks.restored)
                t->callbacks.restored(p->path, t->userdata);
        return 0;
}

int restore_tree_flush(RestoreTree *t) {
        int r, k = 0;

        r = tree_sync(t);
        for (size_t i = 0; i < t->n_pending; ++i) {
                PendingFile *p = &t->pending[i];

                if (r < 0)
                        restore_tree_fail(t, p->path, r);
                else if (k == 0)
                        k = tree_publish(t, p);
                pending_file_clear(p);
        }

        t->n_pending = 0;
        t->pending_bytes = 0;
        return k;
}

static bool tree_is_pending(const RestoreTree *t, const char *path) {
        for (size_t i = 0; i < t->n_pending; ++i)
                if (strcmp(t->pending[i].path, path) == 0)
                        return true;

        return false;
}

/* Another name for a file that this restore has written. */
static int pending_make_link(RestoreTree *t, PendingFile *p, const char *member) {
        _cleanup_(freep) char *name = NULL, *relative = NULL;
        _cleanup_(closep) int parent_fd = -EBADF;
        const char *first = member + strlen(SET_DATA_PREFIX), *slash;
        RestoreRoot *root;
        int r;

        if (!set_member_name_is_safe(member) ||
            strncmp(member, SET_DATA_PREFIX "/", strlen(SET_DATA_PREFIX) + 1) != 0)
                return -EXDEV;

        if (tree_is_pending(t, first)) {
                r = restore_tree_flush(t);
                if (r < 0)
                        return r;
        }

        if (t->forgot || restore_paths_have(t->passed, first))
                return -ENOLINK;

        r = tree_find_place(t, first, false, &root, &relative);
        if (r < 0)
                return r == -EXDEV ? -ENOLINK : r;

        slash = strrchr(relative, '/');
        r = format_to(&name, "%.*s", slash ? (int) (slash - relative) : 0, relative);
        if (r < 0)
                return r;

        parent_fd = restore_roots_open(&t->roots, root, name, NULL);
        if (parent_fd < 0)
                return parent_fd;

        r = pending_file_name(p);
        if (r < 0)
                return r;

        if (linkat(parent_fd, slash ? slash + 1 : relative, p->parent_fd, p->temporary, 0) < 0) {
                r = -errno;
                free(TAKE_PTR(p->temporary));
        }

        return r;
}

static int pending_make(RestoreTree *t,
                        PendingFile *p,
                        SetStream *stream,
                        struct archive_entry *entry,
                        char type,
                        int *ret_failure) {
        int r;

        *ret_failure = 0;
        if (type == 'h') {
                *ret_failure = pending_make_link(t, p, archive_entry_hardlink(entry));
                return 0;
        }
        if (type != 'f' && type != 'r') {
                *ret_failure = pending_file_make_special(p, entry, type, &t->losses);
                return 0;
        }

        *ret_failure = pending_file_create(p);
        if (*ret_failure == 0 && type == 'r')
                *ret_failure = pending_file_copy_old(p, t->callbacks.step, t->userdata);
        if (*ret_failure < 0)
                return 0;

        r = pending_file_write(p, stream, (uint64_t) archive_entry_size(entry), ret_failure);
        if (r == 0 && *ret_failure == 0)
                *ret_failure = set_entry_apply(entry, p->fd, &t->losses);
        return r;
}

static int tree_add_file(RestoreTree *t,
                         SetStream *stream,
                         struct archive_entry *entry,
                         const SetIndexLine *line,
                         const char *path,
                         PendingFile *p) {
        _cleanup_(freep) char *relative = NULL;
        RestoreRoot *root = NULL;
        const char *slash;
        int r, failure;

        p->fd = p->parent_fd = -EBADF;
        failure = tree_find_place(t, path, false, &root, &relative);
        if (failure == -ENOMEM)
                return failure;
        if (failure == 0)
                failure = *relative ? tree_enter_parent(t, root, relative) : -EISDIR;
        if (failure == 0) {
                p->parent_fd = fcntl(t->parent_fd, F_DUPFD_CLOEXEC, 0);
                failure = p->parent_fd < 0 ? -errno : 0;
        }
        if (failure < 0) {
                restore_tree_fail(t, path, failure);
                return -EALREADY;
        }

        slash = strrchr(relative, '/');
        if (strdup_to(path, &p->path) < 0 || strdup_to(slash ? slash + 1 : relative, &p->name) < 0)
                return -ENOMEM;

        r = pending_make(t, p, stream, entry, line->type, &failure);
        if (r < 0)
                return r;
        if (failure < 0) {
                restore_tree_fail(t, path, failure);
                return -EALREADY;
        }

        return 0;
}

static int tree_add_directory(RestoreTree *t, struct archive_entry *entry, const char *path, bool keep) {
        _cleanup_(freep) char *relative = NULL;
        _cleanup_(closep) int fd = -EBADF;
        PendingDirectory d = { 0 };
        bool made = false;
        int r;

        r = tree_find_place(t, path, true, &d.root, &relative);
        if (r == -ENOMEM)
                return r;
        fd = r < 0 ? r : restore_roots_open(&t->roots, d.root, relative, &made);
        if (fd < 0) {
                restore_tree_fail(t, path, fd);
                return 0;
        }

        /* A file that came before it may have needed it. */
        made = restore_roots_take_made(&t->roots, d.root, relative) || made;
        if (!made && keep)
                return 0;

        /* At once, too: the next restore would leave alone what this one, if it is killed, leaves. */
        if (made)
                set_entry_apply_owner(entry, fd);

        if (ARRAY_RESERVE(t->directories, t->directories_capacity, t->n_directories + 1) < 0)
                return -ENOMEM;

        r = strdup_to(path, &d.path);
        d.relative = TAKE_PTR(relative);
        d.entry = r == 0 ? archive_entry_clone(entry) : NULL;
        if (!d.entry) {
                free(d.relative);
                free(d.path);
                return -ENOMEM;
        }

        t->directories[t->n_directories++] = d;
        return 0;
}

int restore_tree_add(RestoreTree *t,
                     SetStream *stream,
                     struct archive_entry *entry,
                     const SetIndexLine *line,
                     bool keep_directory) {
        const char *path = line->name + strlen(SET_DATA_PREFIX);
        PendingFile p = { 0 };
        int r;

        if (!*path)
                path = "/";
        if (line->type == 'd')
                return tree_add_directory(t, entry, path, keep_directory);

        if (line->type == '!') {
                restore_tree_pass(t, path);
                t->callbacks.failed(path, -EIO, "it could not be read completely when it was backed up",
                                    t->userdata);
                return 0;
        }

        r = tree_add_file(t, stream, entry, line, path, &p);
        if (r < 0) {
                pending_file_clear(&p);
                return r == -EALREADY ? 0 : r;
        }

        return restore_tree_add_file(t, &p, line->size);
}

int restore_tree_begin_file(RestoreTree *t, const char *place, const char *path, PendingFile *ret) {
        RestoreRoot *root = restore_roots_find_place(&t->roots, place);
        const char *relative, *slash;
        int r;

        *ret = (PendingFile){ .fd = -EBADF, .parent_fd = -EBADF };
        if (!root)
                return -EXDEV;

        relative = path_relative_to(place, root->to);
        if (!*relative)
                return -EISDIR;

        r = tree_enter_parent(t, root, relative);
        if (r < 0)
                return r;

        ret->parent_fd = fcntl(t->parent_fd, F_DUPFD_CLOEXEC, 0);
        if (ret->parent_fd < 0)
                return -errno;

        slash = strrchr(relative, '/');
        r = strdup_to(path, &ret->path);
        if (r == 0)
                r = strdup_to(slash ? slash + 1 : relative, &ret->name);
        return r == 0 ? pending_file_create(ret) : r;
}

int restore_tree_describe(RestoreTree *t, PendingFile *p, struct archive_entry *entry) {
        return set_entry_apply(entry, p->fd, &t->losses);
}

int restore_tree_add_file(RestoreTree *t, PendingFile *p, uint64_t size) {
        t->pending[t->n_pending++] = *p;
        t->pending_bytes += size;
        return t->n_pending == PENDING_FILES_MAX || t->pending_bytes >= PENDING_BYTES_MAX ?
                       restore_tree_flush(t) :
                       0;
}

int restore_tree_open(RestoreTree *t, const char *place) {
        RestoreRoot *root = restore_roots_find_place(&t->roots, place);
        _cleanup_(closep) int fd = -EBADF;
        const char *relative;
        int r;

        if (!root)
                return -EXDEV;

        r = restore_roots_reach(root);
        if (r < 0)
                return r;

        relative = path_relative_to(place, root->to);
        fd = open_beneath(root->fd, *relative ? relative : ".", O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return fd;

        r = restore_roots_note(&t->roots, fd); /* whoever asks removes something there */
        return r < 0 ? r : TAKE_FD(fd);
}

int restore_tree_remove(RestoreTree *t, const char *place, bool directory) {
        RestoreRoot *root = restore_roots_find_place(&t->roots, place);
        _cleanup_(freep) char *parent = NULL;
        _cleanup_(closep) int fd = -EBADF;
        const char *relative, *slash;
        int r;

        relative = root ? path_relative_to(place, root->to) : "";
        if (!*relative)
                return 0; /* the root itself stays */

        r = restore_roots_reach(root);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        slash = strrchr(relative, '/');
        r = format_to(&parent, "%.*s", slash ? (int) (slash - relative) : 1, slash ? relative : ".");
        if (r < 0)
                return r;

        fd = open_beneath(root->fd, parent, O_RDONLY | O_DIRECTORY, 0);
        r = fd < 0 ? fd : restore_roots_note(&t->roots, fd);
        if (r == 0 && unlinkat(fd, slash ? slash + 1 : relative, directory ? AT_REMOVEDIR : 0) < 0)
                r = -errno;

        return r == -ENOENT || r == -ENOTDIR || (directory && (r == -ENOTEMPTY || r == -EEXIST)) ? 0 : r;
}

/* From the end: so a directory that loses its w or x does not keep us from those below it. */
static void tree_finish_directories(RestoreTree *t) {
        for (size_t i = t->n_directories; i-- > 0;) {
                PendingDirectory *d = &t->directories[i];
                _cleanup_(closep) int fd = -EBADF;
                int r;

                fd = restore_roots_open(&t->roots, d->root, d->relative, NULL);
                r = fd < 0 ? fd : set_entry_apply(d->entry, fd, &t->losses);
                if (r < 0)
                        restore_tree_fail(t, d->path, r);
        }
}

void restore_tree_leave(RestoreTree *t) {
        restore_roots_open_made(&t->roots);
        tree_finish_directories(t);
}

int restore_tree_finish(RestoreTree *t) {
        int r;

        r = restore_tree_flush(t);
        if (r < 0)
                return r;

        restore_tree_leave(t);
        return restore_roots_sync(&t->roots);
}

unsigned restore_tree_losses(const RestoreTree *t) {
        return t->losses;
}
