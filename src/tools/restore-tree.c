/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Restoring Files
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "tools/file-set.h"
#include "tools/restore-tree.h"
#include "tools/set-entry.h"
#include "tools/set-format.h"

/* How much waits for the disk together. */
#define PENDING_FILES_MAX 128U
#define PENDING_BYTES_MAX ((uint64_t) 128 * 1024 * 1024)
#define PENDING_SYNCFS_MIN 8U /* from so many on one call for all of them is cheaper */

/* The disk begins early with what it will be waited for. */
#define WRITEBACK_STEP ((uint64_t) 8 * 1024 * 1024)

typedef struct RestoreRoot {
        char *from, *to;
        int fd; /* of @to; -EBADF until needed */
} RestoreRoot;

/* On its way to its name. */
typedef struct PendingFile {
        char *path, *name; /* as in the set; in @parent_fd */
        int parent_fd, fd; /* @fd: a regular file; else -EBADF */
        char *temporary;   /* a name it has meanwhile; NULL: none */
} PendingFile;

typedef struct PendingDirectory {
        RestoreRoot *root;
        char *path, *relative;
        struct archive_entry *entry;
} PendingDirectory;

typedef struct MadeDirectory {
        RestoreRoot *root;
        char *relative;
} MadeDirectory;

struct RestoreTree {
        RestoreCallbacks callbacks;
        void *userdata;

        RestoreRoot **roots;
        size_t n_roots, roots_capacity;

        /* The last directory, as the next file is probably in it, too. */
        RestoreRoot *parent_root;
        char *parent_path;
        int parent_fd;

        PendingFile pending[PENDING_FILES_MAX];
        size_t n_pending;
        uint64_t pending_bytes;

        PendingDirectory *directories;
        size_t n_directories, directories_capacity;
        MadeDirectory *made; /* by us, because files are in them */
        size_t n_made, made_capacity;
        unsigned losses;
};

int restore_tree_new(const RestoreCallbacks *callbacks, void *userdata, RestoreTree **ret) {
        RestoreTree *t = calloc_checked(1, sizeof(*t));

        if (!t)
                return -ENOMEM;

        t->callbacks = *callbacks;
        t->userdata = userdata;
        t->parent_fd = -EBADF;
        *ret = t;
        return 0;
}

static void pending_clear(PendingFile *p) {
        if (p->temporary)
                (void) unlinkat(p->parent_fd, p->temporary, 0);

        (void) fd_close(p->fd);
        (void) fd_close(p->parent_fd);
        free(p->temporary);
        free(p->name);
        free(p->path);
}

RestoreTree *restore_tree_free(RestoreTree *t) {
        if (!t)
                return NULL;

        for (size_t i = 0; i < t->n_pending; ++i)
                pending_clear(&t->pending[i]);

        for (size_t i = 0; i < t->n_directories; ++i) {
                archive_entry_free(t->directories[i].entry);
                free(t->directories[i].relative);
                free(t->directories[i].path);
        }
        free(t->directories);

        for (size_t i = 0; i < t->n_made; ++i)
                free(t->made[i].relative);
        free(t->made);

        for (size_t i = 0; i < t->n_roots; ++i) {
                (void) fd_close(t->roots[i]->fd);
                free(t->roots[i]->to);
                free(t->roots[i]->from);
                free(t->roots[i]);
        }
        free(t->roots);

        (void) fd_close(t->parent_fd);
        free(t->parent_path);
        free(t);
        return NULL;
}

int restore_tree_map(RestoreTree *t, const char *from, const char *to) {
        RestoreRoot *root;
        int r;

        r = ARRAY_RESERVE(t->roots, t->roots_capacity, t->n_roots + 1);
        if (r < 0)
                return r;

        root = calloc_checked(1, sizeof(*root));
        if (!root)
                return -ENOMEM;

        root->fd = -EBADF;
        t->roots[t->n_roots++] = root;
        r = strdup_to(from, &root->from);
        return r < 0 ? r : strdup_to(to, &root->to);
}

static RestoreRoot *tree_find_root(RestoreTree *t, const char *path) {
        RestoreRoot *best = NULL;

        for (size_t i = 0; i < t->n_roots; ++i)
                if (path_is_below(path, t->roots[i]->from) &&
                    (!best || strlen(best->from) < strlen(t->roots[i]->from)))
                        best = t->roots[i];

        return best;
}

/* What of @path is below the root; "" for the root itself. */
static const char *root_relative(const RestoreRoot *root, const char *path) {
        path += strlen(root->from);
        return *path == '/' ? path + 1 : path;
}

int restore_tree_destination(RestoreTree *t, const char *path, char **ret) {
        RestoreRoot *root = tree_find_root(t, path);
        const char *relative;

        if (!root) {
                *ret = NULL;
                return 0;
        }

        relative = root_relative(root, path);
        return format_to(ret, "%s%s%s", root->to, *relative && strcmp(root->to, "/") != 0 ? "/" : "",
                         relative);
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
        default:
                return strerror(-error);
        }
}

static void tree_failed(RestoreTree *t, const char *path, int error) {
        t->callbacks.failed(path, error, failure_sentence(error), t->userdata);
}

static int root_open(RestoreRoot *root) {
        int r;

        if (root->fd >= 0)
                return 0;

        root->fd = open(root->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root->fd < 0 && errno == ENOENT) {
                r = mkdir_p(root->to, 0755);
                if (r < 0)
                        return r;

                root->fd = open(root->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }

        return root->fd < 0 ? -errno : 0;
}

/* Remembers @relative and what is above it, as far as it is not there yet. */
static int tree_note_missing(RestoreTree *t, RestoreRoot *root, const char *relative) {
        for (size_t n = strlen(relative); n > 0;) {
                MadeDirectory made = { .root = root };
                struct stat st;
                int r;

                r = format_to(&made.relative, "%.*s", (int) n, relative);
                if (r < 0)
                        return r;

                if (fstatat(root->fd, made.relative, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
                    ARRAY_RESERVE(t->made, t->made_capacity, t->n_made + 1) < 0) {
                        free(made.relative);
                        return 0;
                }

                t->made[t->n_made++] = made;
                while (n > 0 && relative[--n] != '/')
                        ;
        }

        return 0;
}

/* @relative "" is the root. Makes what is missing. *ret_made may be NULL. */
static int tree_open_directory(RestoreTree *t, RestoreRoot *root, const char *relative, bool *ret_made) {
        bool made = false;
        int fd, r;

        r = root_open(root);
        if (r < 0)
                return r;

        fd = open_beneath(root->fd, *relative ? relative : ".", O_RDONLY | O_DIRECTORY, 0);
        if (fd == -ENOENT) {
                r = tree_note_missing(t, root, relative);
                if (r < 0)
                        return r;

                /* Nobody looks into it before it has its owner. */
                r = mkdir_p_at(root->fd, relative, 0700);
                if (r < 0)
                        return r;

                made = true;
                fd = open_beneath(root->fd, relative, O_RDONLY | O_DIRECTORY, 0);
        }

        if (fd >= 0 && ret_made)
                *ret_made = made;
        return fd;
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

        fd = tree_open_directory(t, root, parent, NULL);
        if (fd < 0)
                return fd;

        (void) fd_close(t->parent_fd);
        free(t->parent_path);
        t->parent_fd = fd;
        t->parent_root = root;
        t->parent_path = TAKE_PTR(parent);
        return 0;
}

static int temporary_name(char **ret) {
        GUID unique;

        guid_generate(&unique);
        return format_to(ret, ".umbra-restore-%s", GUID_TO_STRING(&unique));
}

/* A file without a name; where the file system knows no such thing, with one that nobody else has. */
static int pending_create(PendingFile *p) {
        p->fd = openat(p->parent_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (p->fd >= 0)
                return 0;
        if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)
                return -errno;

        if (temporary_name(&p->temporary) < 0)
                return -ENOMEM;

        p->fd = openat(p->parent_fd, p->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (p->fd < 0) {
                int error = -errno;

                free(p->temporary);
                p->temporary = NULL;
                return error;
        }

        return 0;
}

static int pwrite_all(int fd, const char *data, size_t size, uint64_t offset) {
        while (size > 0) {
                ssize_t n = pwrite(fd, data, size, (off_t) offset);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }

                data += n;
                offset += (uint64_t) n;
                size -= (size_t) n;
        }

        return 0;
}

/* The bytes of the file, and whether they are the right ones. What is wrong with the set is the result, what
 * is wrong with the destination is *@ret_failure. */
static int pending_write(PendingFile *p, SetStream *stream, uint64_t size, int *ret_failure) {
        uint64_t offset, begun = 0, end = 0;
        const void *data;
        size_t n;
        int r;

        *ret_failure = 0;
        while ((r = set_stream_data(stream, &data, &n, &offset)) > 0) {
                if (*ret_failure < 0)
                        continue; /* reads on, to see whether the set is good */

                *ret_failure = pwrite_all(p->fd, data, n, offset);
                end = offset + n;
                if (end - begun >= WRITEBACK_STEP) {
                        (void) sync_file_range(p->fd, (off_t) begun, (off_t) (end - begun),
                                               SYNC_FILE_RANGE_WRITE);
                        begun = end;
                }
        }

        if (r == 0 && *ret_failure == 0 && end < size && ftruncate(p->fd, (off_t) size) < 0)
                *ret_failure = -errno;
        return r;
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

/* Gives a nameless file a temporary name. */
static int pending_link(PendingFile *p, const char *name) {
        char path[sizeof("/proc/self/fd/") + 16];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", p->fd);
        return linkat(AT_FDCWD, path, p->parent_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int pending_publish(PendingFile *p) {
        int r;

        if (!p->temporary) {
                /* Where nothing is, there is nothing to replace. */
                r = pending_link(p, p->name);
                if (r != -EEXIST)
                        return r;

                r = temporary_name(&p->temporary);
                if (r < 0)
                        return r;

                r = pending_link(p, p->temporary);
                if (r < 0) {
                        free(p->temporary);
                        p->temporary = NULL;
                        return r;
                }
        }

        if (renameat(p->parent_fd, p->temporary, p->parent_fd, p->name) < 0)
                return -errno;

        /* Two links to one file are left alone by rename(), both of them. Else this finds nothing. */
        (void) unlinkat(p->parent_fd, p->temporary, 0);
        free(p->temporary);
        p->temporary = NULL;
        return 0;
}

static int tree_publish(RestoreTree *t, PendingFile *p) {
        int r;

        if (t->callbacks.before) {
                r = t->callbacks.before(p->path, t->userdata);
                if (r < 0)
                        return r;
        }

        r = pending_publish(p);
        if (r < 0)
                tree_failed(t, p->path, r);
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
                        tree_failed(t, p->path, r);
                else if (k == 0)
                        k = tree_publish(t, p);
                pending_clear(p);
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
        _cleanup_(freep) char *name = NULL;
        _cleanup_(closep) int parent_fd = -EBADF;
        const char *first = member + strlen(SET_DATA_PREFIX), *relative, *slash;
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

        root = tree_find_root(t, first);
        if (!root)
                return -EXDEV;

        relative = root_relative(root, first);
        slash = strrchr(relative, '/');
        r = format_to(&name, "%.*s", slash ? (int) (slash - relative) : 0, relative);
        if (r < 0)
                return r;

        parent_fd = tree_open_directory(t, root, name, NULL);
        if (parent_fd < 0)
                return parent_fd;

        r = temporary_name(&p->temporary);
        if (r < 0)
                return r;

        if (linkat(parent_fd, slash ? slash + 1 : relative, p->parent_fd, p->temporary, 0) < 0) {
                r = -errno;
                free(TAKE_PTR(p->temporary));
        }

        return r;
}

static int pending_make_special(RestoreTree *t, PendingFile *p, struct archive_entry *entry, char type) {
        int r;

        r = temporary_name(&p->temporary);
        if (r < 0)
                return r;

        if (type == 'l')
                r = symlinkat(archive_entry_symlink(entry), p->parent_fd, p->temporary);
        else
                r = mknodat(p->parent_fd, p->temporary, archive_entry_filetype(entry) | 0600,
                            archive_entry_rdev(entry));
        if (r < 0) {
                r = -errno;
                free(TAKE_PTR(p->temporary));
                return r;
        }

        return set_entry_apply_at(entry, p->parent_fd, p->temporary, &t->losses);
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
        if (type != 'f') {
                *ret_failure = pending_make_special(t, p, entry, type);
                return 0;
        }

        *ret_failure = pending_create(p);
        if (*ret_failure < 0)
                return 0;

        r = pending_write(p, stream, (uint64_t) archive_entry_size(entry), ret_failure);
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
        RestoreRoot *root = tree_find_root(t, path);
        const char *relative = root_relative(root, path), *slash = strrchr(relative, '/');
        int r, failure;

        p->fd = p->parent_fd = -EBADF;
        if (!*relative)
                return -EISDIR;

        failure = tree_enter_parent(t, root, relative);
        if (failure == 0) {
                p->parent_fd = fcntl(t->parent_fd, F_DUPFD_CLOEXEC, 0);
                failure = p->parent_fd < 0 ? -errno : 0;
        }
        if (failure < 0) {
                tree_failed(t, path, failure);
                return -EALREADY;
        }

        if (strdup_to(path, &p->path) < 0 || strdup_to(slash ? slash + 1 : relative, &p->name) < 0)
                return -ENOMEM;

        r = pending_make(t, p, stream, entry, line->type, &failure);
        if (r < 0)
                return r;
        if (failure < 0) {
                tree_failed(t, path, failure);
                return -EALREADY;
        }

        return 0;
}

static int tree_add_directory(RestoreTree *t, struct archive_entry *entry, const char *path, bool keep) {
        _cleanup_(closep) int fd = -EBADF;
        PendingDirectory d = { .root = tree_find_root(t, path) };
        size_t n_made = t->n_made;
        bool made = false;
        int r;

        fd = tree_open_directory(t, d.root, root_relative(d.root, path), &made);
        if (fd < 0) {
                tree_failed(t, path, fd);
                return 0;
        }
        if (!made && keep)
                return 0;

        /* The deepest was noted first. This one has a mode of its own and never has another one before. */
        if (t->n_made > n_made) {
                free(t->made[n_made].relative);
                t->made[n_made] = t->made[--t->n_made];
        }

        if (ARRAY_RESERVE(t->directories, t->directories_capacity, t->n_directories + 1) < 0)
                return -ENOMEM;

        r = strdup_to(path, &d.path);
        if (r == 0)
                r = strdup_to(root_relative(d.root, path), &d.relative);
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
        if (!tree_find_root(t, path)) {
                tree_failed(t, path, -EXDEV);
                return 0;
        }

        if (line->type == 'd')
                return tree_add_directory(t, entry, path, keep_directory);

        if (line->type == '!') {
                t->callbacks.failed(path, -EIO, "it could not be read completely when it was backed up",
                                    t->userdata);
                return 0;
        }

        r = tree_add_file(t, stream, entry, line, path, &p);
        if (r < 0) {
                pending_clear(&p);
                return r == -EALREADY ? 0 : r;
        }

        t->pending[t->n_pending++] = p;
        t->pending_bytes += line->size;
        return t->n_pending == PENDING_FILES_MAX || t->pending_bytes >= PENDING_BYTES_MAX ?
                       restore_tree_flush(t) :
                       0;
}

/* Of those that the caller did not restore, the set says nothing here: they become what mkdir would have
 * made of them, or the owner of the files could not reach them. Those that it did restore get theirs
 * afterwards. */
static void tree_open_made(RestoreTree *t) {
        for (size_t i = 0; i < t->n_made; ++i) {
                _cleanup_(closep) int fd = -EBADF;

                fd = open_beneath(t->made[i].root->fd, t->made[i].relative, O_RDONLY | O_DIRECTORY, 0);
                if (fd >= 0)
                        (void) fchmod(fd, 0755);
        }
}

/* From the end: so a directory that loses its w or x does not keep us from those below it. */
static void tree_finish_directories(RestoreTree *t) {
        for (size_t i = t->n_directories; i-- > 0;) {
                PendingDirectory *d = &t->directories[i];
                _cleanup_(closep) int fd = -EBADF;
                int r;

                fd = tree_open_directory(t, d->root, d->relative, NULL);
                r = fd < 0 ? fd : set_entry_apply(d->entry, fd, &t->losses);
                if (r < 0)
                        tree_failed(t, d->path, r);
        }
}

int restore_tree_finish(RestoreTree *t) {
        int r;

        r = restore_tree_flush(t);
        if (r < 0)
                return r;

        tree_open_made(t);
        tree_finish_directories(t);
        for (size_t i = 0; i < t->n_roots; ++i)
                if (t->roots[i]->fd >= 0 && syncfs(t->roots[i]->fd) < 0)
                        return -errno;

        return 0;
}

unsigned restore_tree_losses(const RestoreTree *t) {
        return t->losses;
}
