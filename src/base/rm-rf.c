/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * rm -rf
 *
 * Removes trees that users filled: snapshots, copies, failed restores. They may be deeper than we may have
 * descriptors, may be changed while we are in them, and may have things mounted in them. So the way down is
 * held as names and inode numbers, not as descriptors; the way up is ".." and is checked; and the kernel is
 * asked to cross neither links nor mounts. Mounts, not device numbers: a btrfs subvolume has a device number
 * of its own and is to be removed, a bind mount has not and must stay.
 *
 * Who wants some of it to stay is asked about everything before it goes.
 */

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/alloc.h"
#include "base/fd-util.h"

/* A directory on the way down. Its files are gone already, its directories are still to be visited. */
typedef struct Level {
        char *name; /* in the level above */
        dev_t dev;
        ino_t ino;
        char **directories;
        size_t n_directories, directories_capacity;
        bool kept; /* something in it stays, and so does it */
} Level;

typedef struct RemoveTree {
        Level *levels;
        size_t n_levels, levels_capacity;
        int fd;    /* O_PATH, the last level */
        int error; /* the first one */
        RmRfKeep keep; /* may be NULL */
        void *userdata;
} RemoveTree;

static void level_done(Level *level) {
        for (size_t i = 0; i < level->n_directories; ++i)
                free(level->directories[i]);

        free(level->directories);
        free(level->name);
        *level = (Level) {};
}

static void closedirp(DIR **dir) {
        if (*dir)
                (void) closedir(*dir);
}

static void remove_tree_done(RemoveTree *tree) {
        for (size_t i = 0; i < tree->n_levels; ++i)
                level_done(&tree->levels[i]);

        free(tree->levels);
        closep(&tree->fd);
}

static void remove_tree_failed(RemoveTree *tree, int error) {
        if (tree->error == 0)
                tree->error = error;
}

/* Without O_RDONLY, which a directory may refuse, and with no way out of this mount. */
static int open_directory(int dir_fd, const char *name) {
        struct open_how how = {
                .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
        };
        long fd;

        fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
        return fd < 0 ? -errno : (int) fd;
}

/* The owner of a directory may have taken his own rights away; root does not notice, he does. */
static int make_accessible(int path_fd) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

        /* fchmod() refuses an O_PATH descriptor; its magic link is the way round that follows nothing else.
         * */
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
        return chmod(path, 0700) < 0 ? -errno : 0;
}

static int open_for_reading(int path_fd) {
        int fd;

        fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 || errno != EACCES)
                return fd < 0 ? -errno : fd;

        if (make_accessible(path_fd) < 0)
                return -EACCES;

        fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int remove_entry(int dir_fd, const char *name, int flags) {
        if (unlinkat(dir_fd, name, flags) == 0 || errno == ENOENT)
                return 0;
        if (errno != EACCES)
                return -errno;

        /* A directory that must not be written to. If it is another user's, this fails as well. */
        if (make_accessible(dir_fd) < 0)
                return -EACCES;

        return unlinkat(dir_fd, name, flags) == 0 || errno == ENOENT ? 0 : -errno;
}

/* Asks, and notes in the level that something stays. */
static int remove_tree_keeps(RemoveTree *tree, Level *level, const char *name) {
        int r;

        if (!tree->keep)
                return 0;

        r = tree->keep(tree->fd, name, tree->userdata);
        if (r < 0)
                remove_tree_failed(tree, r);
        if (r != 0)
                level->kept = true;
        return r;
}

static int level_remember_directory(Level *level, const char *name) {
        int r;

        r = ARRAY_RESERVE(level->directories, level->directories_capacity, level->n_directories + 1);
        if (r < 0)
                return r;

        r = strdup_to(name, &level->directories[level->n_directories]);
        if (r < 0)
                return r;

        ++level->n_directories;
        return 0;
}

/* unlink() tells files from directories better than d_type, which some file systems do not fill in. */
static int remove_files(RemoveTree *tree, Level *level, DIR *dir) {
        struct dirent *entry;
        int r;

        /* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody else has this DIR. */
        while (errno = 0, (entry = readdir(dir))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                    remove_tree_keeps(tree, level, entry->d_name) != 0)
                        continue;

                r = entry->d_type == DT_DIR ? -EISDIR : remove_entry(tree->fd, entry->d_name, 0);
                if (r == -EISDIR)
                        r = level_remember_directory(level, entry->d_name);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        remove_tree_failed(tree, r);
        }

        return -errno;
}

/* Makes @name, a directory in the last level, the last level, and removes its files. Takes @name over. */
static int remove_tree_descend(RemoveTree *tree, char *name) {
        _cleanup_(closep) int fd = -EBADF, read_fd = -EBADF;
        _cleanup_(freep) char *owned = name;
        _cleanup_(closedirp) DIR *dir = NULL;
        struct stat st;
        Level *level;
        int r;

        fd = open_directory(tree->fd, name);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;

        read_fd = open_for_reading(fd);
        if (read_fd < 0)
                return read_fd;

        dir = fdopendir(read_fd);
        if (!dir)
                return -ENOMEM;
        TAKE_FD(read_fd);

        r = ARRAY_RESERVE(tree->levels, tree->levels_capacity, tree->n_levels + 1);
        if (r < 0)
                return r;

        level = &tree->levels[tree->n_levels++];
        *level = (Level) { .name = TAKE_PTR(owned), .dev = st.st_dev, .ino = st.st_ino };
        (void) fd_close(tree->fd);
        tree->fd = TAKE_FD(fd);

        return remove_files(tree, level, dir);
}

/* Leaves the last level, which is as empty as it will get, and removes it. */
static int remove_tree_ascend(RemoveTree *tree) {
        Level *level = &tree->levels[tree->n_levels - 1], *above = level - 1;
        struct stat st;
        int r, fd;

        fd = openat(tree->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        (void) fd_close(tree->fd);
        tree->fd = fd;

        /* Somebody may have moved the directory while we were in it. Then ".." is none of our business. */
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_dev != above->dev || st.st_ino != above->ino)
                return -ESTALE;

        /* The place where the tree stood is not ours to change. */
        if (level->kept) {
                above->kept = true;
                r = 0;
        } else if (above == tree->levels)
                r = unlinkat(fd, level->name, AT_REMOVEDIR) < 0 ? -errno : 0;
        else
                r = remove_entry(fd, level->name, AT_REMOVEDIR);
        if (r < 0)
                remove_tree_failed(tree, r);

        level_done(level);
        --tree->n_levels;
        return 0;
}

/* Empties and removes directory @name, which is a single component, in @dir_fd. */
static int remove_tree(int dir_fd, const char *name, RmRfKeep keep, void *userdata) {
        _cleanup_(remove_tree_done) RemoveTree tree = { .fd = -EBADF, .keep = keep, .userdata = userdata };
        struct stat st;
        char *top;
        int r;

        /* Level 0 is where @name stands. */
        tree.fd = open_directory(dir_fd, ".");
        if (tree.fd < 0)
                return tree.fd;
        if (fstat(tree.fd, &st) < 0)
                return -errno;

        r = ARRAY_RESERVE(tree.levels, tree.levels_capacity, 1);
        if (r < 0)
                return r;

        tree.levels[0] = (Level) { .dev = st.st_dev, .ino = st.st_ino };
        tree.n_levels = 1;

        r = strdup_to(name, &top);
        if (r < 0)
                return r;

        r = remove_tree_descend(&tree, top);
        while (tree.n_levels > 1) {
                Level *level = &tree.levels[tree.n_levels - 1];

                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        remove_tree_failed(&tree, r);

                if (level->n_directories > 0) {
                        r = remove_tree_descend(&tree, level->directories[--level->n_directories]);
                        continue;
                }

                r = remove_tree_ascend(&tree);
                if (r < 0)
                        return r;
        }

        if (tree.error < 0 || r < 0)
                return tree.error < 0 ? tree.error : r;
        return tree.levels[0].kept ? 1 : 0;
}

static bool path_stays_beneath(const char *path) {
        if (*path == '/' || *path == '\0')
                return false;

        while (*path) {
                size_t n = strcspn(path, "/");

                if (n == 2 && memcmp(path, "..", 2) == 0)
                        return false;

                path += n;
                path += strspn(path, "/");
        }

        return true;
}

int rm_rf_at(int dir_fd, const char *name) {
        return rm_rf_at_except(dir_fd, name, NULL, NULL);
}

int rm_rf_at_except(int dir_fd, const char *name, RmRfKeep keep, void *userdata) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int parent_fd = -EBADF;
        char *base;
        int r, unlink_error;

        if (!path_stays_beneath(name))
                return -EINVAL;

        r = strdup_to(name, &path);
        if (r < 0)
                return r;

        for (size_t n = strlen(path); path[n - 1] == '/'; --n)
                path[n - 1] = '\0';

        base = strrchr(path, '/');
        if (base)
                *base++ = '\0';
        if (strcmp(base ? base : path, ".") == 0)
                return -EINVAL;

        parent_fd = open_directory(dir_fd, base ? path : ".");
        if (parent_fd < 0)
                return parent_fd == -ENOENT ? 0 : parent_fd;

        base = base ? base : path;
        r = keep ? keep(parent_fd, base, userdata) : 0;
        if (r != 0)
                return r;
        if (unlinkat(parent_fd, base, 0) == 0 || errno == ENOENT)
                return 0;

        unlink_error = -errno;
        r = remove_tree(parent_fd, base, keep, userdata);
        if (r == -ENOTDIR)
                return unlink_error;
        return r == -ENOENT ? 0 : r;
}
