/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who Uses a Directory
 *
 * Processes come and go while we look; what is not there any more uses nothing.
 */

#include "provider/provider-busy.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/time-util.h"
#include "provider/provider.h"

/* How long the worker of a session that has ended may take to be gone. */
#define SIBLING_PATIENCE_USEC (5 * USEC_PER_SEC)
#define SIBLING_POLL_USEC 20000U

typedef struct Look {
        const char *path;
        size_t length; /* of path; 0 for the root directory */
        bool writing;  /* only that is looked for */
        char found[PATH_MAX + 16];
        pid_t pid;     /* who uses it; 0: nobody */
        bool is_sibling;
} Look;

static void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static void fclosep(FILE **f) {
        if (*f)
                (void) fclose(*f);
}

static bool is_below(Look *l, const char *name) {
        if (name[0] != '/' || strncmp(name, l->path, l->length) != 0 ||
            (name[l->length] != '/' && name[l->length] != '\0'))
                return false;

        (void) snprintf(l->found, sizeof(l->found), "%s", name);
        return true;
}

static bool link_is_below(Look *l, int dir_fd, const char *name) {
        char target[PATH_MAX];
        ssize_t n;

        n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
        if (n <= 0)
                return false;

        target[n] = '\0';
        return is_below(l, target);
}

static DIR *open_directory(int dir_fd, const char *name) {
        int fd;
        DIR *d;

        fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return NULL;

        d = fdopendir(fd);
        if (!d)
                fd_close(fd);
        return d;
}

/* "flags:" is octal, as open() was given them. */
static bool is_open_for_writing(int process_fd, const char *name) {
        _cleanup_(fclosep) FILE *info = NULL;
        char path[NAME_MAX + 16], line[128];
        unsigned flags;
        int fd;

        (void) snprintf(path, sizeof(path), "fdinfo/%s", name);
        fd = openat(process_fd, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        info = fdopen(fd, "r");
        if (!info) {
                fd_close(fd);
                return false;
        }

        while (fgets(line, sizeof(line), info))
                if (sscanf(line, "flags: %o", &flags) == 1)
                        return (flags & O_ACCMODE) != O_RDONLY && !(flags & O_PATH);
        return false;
}

static bool has_open(Look *l, int process_fd) {
        _cleanup_(closedirp) DIR *d = open_directory(process_fd, "fd");
        const struct dirent *entry;

        while (d && (entry = readdir(d)))
                if (isdigit((unsigned char) entry->d_name[0]) && link_is_below(l, dirfd(d), entry->d_name) &&
                    (!l->writing || is_open_for_writing(process_fd, entry->d_name)))
                        return true;

        return false;
}

static bool is_mapped_for_writing(const char *line) {
        const char *rights = strchr(line, ' ');

        return rights && strnlen(rights, 5) == 5 && rights[2] == 'w' && rights[4] == 's';
}

/* Lines are "start-end rwxp offset major:minor inode      /path". */
static bool has_mapped(Look *l, int process_fd) {
        _cleanup_(fclosep) FILE *maps = NULL;
        _cleanup_(freep) char *line = NULL;
        size_t size = 0;
        int fd;

        fd = openat(process_fd, "maps", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        maps = fdopen(fd, "r");
        if (!maps) {
                fd_close(fd);
                return false;
        }

        while (getline(&line, &size, maps) >= 0) {
                char *path = strchr(line, '/');

                line[strcspn(line, "\n")] = '\0';
                if (path && (!l->writing || is_mapped_for_writing(line)) && is_below(l, path))
                        return true;
        }

        return false;
}

static bool process_is_in(Look *l, int process_fd) {
        return link_is_below(l, process_fd, "cwd") || link_is_below(l, process_fd, "root");
}

static bool process_uses(Look *l, int process_fd) {
        return (!l->writing && process_is_in(l, process_fd)) || has_open(l, process_fd) ||
               has_mapped(l, process_fd);
}

/* Its parent is ours: another worker of the same umbrad. "PID (NAME) STATE PARENT …", and the name may be anything. */
static bool is_sibling(int process_fd) {
        _cleanup_(closep) int fd = openat(process_fd, "stat", O_RDONLY | O_CLOEXEC);
        _cleanup_(freep) char *text = NULL;
        const char *end;
        int parent;

        if (fd < 0 || fd_read_text(fd, 4096, &text) < 0)
                return false;
        end = strrchr(text, ')');
        return end && sscanf(end, ") %*c %d", &parent) == 1 && parent == getppid();
}

static int look_once(Look *l) {
        _cleanup_(closedirp) DIR *proc = open_directory(AT_FDCWD, "/proc");
        const struct dirent *entry;

        if (!proc)
                return provider_fail(-errno, "'/proc' cannot be read: %m");

        l->pid = 0;
        while ((entry = readdir(proc))) {
                _cleanup_(closep) int process_fd = -EBADF;
                pid_t pid = atoi(entry->d_name);

                if (pid <= 0 || pid == getpid() || pid == getppid())
                        continue;

                process_fd = openat(dirfd(proc), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (process_fd < 0 || !process_uses(l, process_fd))
                        continue;
                l->pid = pid;
                l->is_sibling = is_sibling(process_fd);
                break;
        }
        return 0;
}

/* A session that has just ended takes its workers along, but not at once. */
static int check(const char *path, bool writing) {
        Look look = {
                .path = path,
                .length = strcmp(path, "/") == 0 ? 0 : strlen(path),
                .writing = writing,
        };
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), SIBLING_PATIENCE_USEC);
        int r;

        while ((r = look_once(&look)) >= 0 && look.pid > 0 && look.is_sibling && now_usec(CLOCK_MONOTONIC) < deadline)
                (void) usleep(SIBLING_POLL_USEC);
        if (r < 0 || look.pid == 0)
                return r;

        return provider_fail(-EBUSY, writing ? "process %d still writes to '%.500s'" : "process %d uses '%.500s'",
                             (int) look.pid, look.found);
}

int provider_check_unused(const char *path) {
        return check(path, false);
}

int provider_check_unwritten(const char *path) {
        return check(path, true);
}
