/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who Uses a Database
 *
 * See the header.
 */

#include "writers/sqlite/sqlite-users.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/macro.h"

/* Where SQLite locks. In the database: PENDING, RESERVED and the shared range, which each user in WAL mode
 * has locked all the time. In the -shm: eight locks, the first of them the writer's, and one that each user
 * has. [https://sqlite.org/src/file/src/os.h, "PENDING_BYTE"; https://sqlite.org/walformat.html#locks] */
#define DATABASE_LOCKS 0x40000000
#define DATABASE_LOCKS_LENGTH (2 + 510)
#define DATABASE_LOCK_RESERVED (DATABASE_LOCKS + 1)
#define SHM_LOCKS 120
#define SHM_LOCKS_LENGTH (8 + 1)
#define SHM_LOCK_WRITE SHM_LOCKS

static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

/* The files of one database, as they are on disk now. */
typedef struct Files {
        char *paths[ELEMENTSOF(suffixes)];
        struct statx st[ELEMENTSOF(suffixes)]; /* stx_ino 0: there is none */
} Files;

static void files_clear(Files *f) {
        for (size_t i = 0; i < ELEMENTSOF(f->paths); ++i)
                free(f->paths[i]);
}

/* Of any file somebody has open, dead network mounts among them, so nobody is asked who might not answer. */
static int look(int dir_fd, const char *name, struct statx *ret) {
        return statx(dir_fd, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO | STATX_TYPE, ret) < 0 ?
                     -errno :
                     0;
}

static int files_init(const char *path, Files *f) {
        for (size_t i = 0; i < ELEMENTSOF(suffixes); ++i) {
                int r;

                if (format_to(&f->paths[i], "%s%s", path, suffixes[i]) < 0)
                        return -ENOMEM;

                r = look(AT_FDCWD, f->paths[i], &f->st[i]);
                if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                        return r;
                if (r < 0 || !S_ISREG(f->st[i].stx_mode))
                        f->st[i].stx_ino = 0;
        }

        return 0;
}

static bool same_file(const struct statx *a, const struct statx *b) {
        return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
               a->stx_dev_minor == b->stx_dev_minor;
}

/* "/srv/app.db (deleted)" */
static bool is_deleted_path(const char *target, const char *path) {
        size_t n = strlen(path);

        return strncmp(target, path, n) == 0 && strcmp(target + n, " (deleted)") == 0;
}

static bool descriptor_matches(int dir_fd, const char *name, const Files *f, DatabaseUser *u) {
        char target[PATH_MAX + sizeof(" (deleted)")];
        struct statx st;
        ssize_t n;

        if (look(dir_fd, name, &st) < 0 || !S_ISREG(st.stx_mode))
                return false;

        for (size_t i = 0; i < ELEMENTSOF(suffixes); ++i)
                if (f->st[i].stx_ino != 0 && same_file(&st, &f->st[i])) {
                        u->file = suffixes[i];
                        return true;
                }

        n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
        if (n < 0)
                return false;
        target[n] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(suffixes); ++i)
                if (is_deleted_path(target, f->paths[i])) {
                        u->file = suffixes[i];
                        u->deleted = true;
                        return true;
                }

        return false;
}

static void read_comm(pid_t pid, char comm[COMM_MAX]) {
        _cleanup_(freep) char *text = NULL;
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/comm", (int) pid);
        if (file_read_text(path, 4096, &text) < 0)
                (void) snprintf(comm, COMM_MAX, "?");
        else
                (void) snprintf(comm, COMM_MAX, "%.*s",
                                (int) MIN(strcspn(text, "\n"), (size_t) COMM_MAX - 1), text);
}

static void closedirp(DIR **dir) {
        if (*dir)
                (void) closedir(*dir);
}

/* 1: it has one of the files open. -ESRCH and the like: it has ended, or cannot be looked into. */
static int search_process(int proc_fd, const char *pid, const Files *f, DatabaseUser *u) {
        _cleanup_(closedirp) DIR *dir = NULL;
        _cleanup_(freep) char *name = NULL;
        struct dirent *entry;
        int fd;

        if (format_to(&name, "%s/fd", pid) < 0)
                return -ENOMEM;

        fd = openat(proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                (void) close(fd);
                return -ENOMEM;
        }

        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.' && descriptor_matches(dirfd(dir), entry->d_name, f, u))
                        return 1;

        return 0;
}

static int search_processes(const Files *f, DatabaseUser *u, unsigned *unseen) {
        _cleanup_(closedirp) DIR *proc = opendir("/proc");
        struct dirent *entry;

        if (!proc)
                return -errno;

        while ((entry = readdir(proc))) {
                char *end;
                long pid = strtol(entry->d_name, &end, 10);
                int r;

                if (end == entry->d_name || *end != '\0' || pid == (long) getpid())
                        continue;

                r = search_process(dirfd(proc), entry->d_name, f, u);
                if (r == -ENOMEM)
                        return r;
                if (r == -EACCES || r == -EPERM)
                        ++*unseen;
                if (r > 0) {
                        u->pid = (pid_t) pid;
                        read_comm(u->pid, u->comm);
                        return 1;
                }
        }

        return 0;
}

/* Would a write lock on these bytes have to wait? We ask for it as an open file description of its own, so
 * locks of this very process count as well. */
static int search_locks(const Files *f, size_t file, off_t start, off_t length, DatabaseUser *u) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
        _cleanup_(closep) int fd = -EBADF;

        if (f->st[file].stx_ino == 0)
                return 0;

        fd = open(f->paths[file], O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
                return -errno;
        if (lock.l_type == F_UNLCK)
                return 0;

        *u = (DatabaseUser){ .pid = MAX(lock.l_pid, 0), .comm = "?", .file = suffixes[file] };
        if (u->pid > 0)
                read_comm(u->pid, u->comm);
        return 1;
}

int database_find_user(const char *path, DatabaseUser *ret, unsigned *ret_unseen) {
        _cleanup_(files_clear) Files f = { 0 };
        DatabaseUser u = { 0 };
        unsigned unseen = 0;
        int r;

        r = files_init(path, &f);
        if (r < 0)
                return r;

        r = search_processes(&f, &u, &unseen);
        if (r == 0)
                r = search_locks(&f, 0, DATABASE_LOCKS, DATABASE_LOCKS_LENGTH, &u);
        if (r == 0)
                r = search_locks(&f, 2, SHM_LOCKS, SHM_LOCKS_LENGTH, &u);
        if (r < 0)
                return r;

        if (r > 0)
                *ret = u;
        if (ret_unseen)
                *ret_unseen = unseen;
        return r;
}

int database_find_lock_owner(const char *path, DatabaseUser *ret) {
        _cleanup_(files_clear) Files f = { 0 };
        DatabaseUser u = { 0 };
        int r;

        r = files_init(path, &f);
        if (r >= 0)
                r = search_locks(&f, 2, SHM_LOCK_WRITE, 1, &u);
        if (r == 0)
                r = search_locks(&f, 0, DATABASE_LOCKS, DATABASE_LOCK_RESERVED - DATABASE_LOCKS + 1, &u);
        if (r > 0)
                *ret = u;
        return r;
}

char *database_user_to_string(const DatabaseUser *u, char buffer[DATABASE_USER_STRING_MAX]) {
        if (u->pid > 0)
                (void) snprintf(buffer, DATABASE_USER_STRING_MAX, "process %d (%s)", (int) u->pid, u->comm);
        else
                (void) snprintf(buffer, DATABASE_USER_STRING_MAX, "a process that cannot be seen from here");
        return buffer;
}
