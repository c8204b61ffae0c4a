/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Is a File in Use?
 */

#include "tools/file-use.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"

#define COMM_MAX 64U

static void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

bool file_is_in_use(int dir_fd, const char *name) {
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        bool used;

        fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return false;

        /* Whoever opens it in the moment of the lease makes the kernel send a signal: one that does nothing. */
        (void) fcntl(fd, F_SETSIG, SIGURG);
        used = fcntl(fd, F_SETLEASE, F_WRLCK) < 0 && errno == EAGAIN;
        (void) fcntl(fd, F_SETLEASE, F_UNLCK);
        return used;
}

/* Does the process have it open? */
static bool process_has(const char *pid, const struct stat *file) {
        char path[sizeof("/proc//fd") + 32];
        _cleanup_(closedirp) DIR *d = NULL;
        struct dirent *e;
        struct stat st;

        (void) snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
        d = opendir(path);
        while (d && (e = readdir(d)))
                if (*e->d_name != '.' && fstatat(dirfd(d), e->d_name, &st, 0) == 0 &&
                    st.st_dev == file->st_dev && st.st_ino == file->st_ino)
                        return true;

        return false;
}

char *file_find_user(int dir_fd, const char *name) {
        _cleanup_(closedirp) DIR *d = opendir("/proc");
        struct dirent *e;
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return NULL;

        while (d && (e = readdir(d))) {
                char path[sizeof("/proc//comm") + 32];
                _cleanup_(freep) char *comm = NULL;
                char *user = NULL;

                if (strspn(e->d_name, "0123456789") != strlen(e->d_name) || !process_has(e->d_name, &st))
                        continue;

                (void) snprintf(path, sizeof(path), "/proc/%.20s/comm", e->d_name);
                if (file_read_text(path, COMM_MAX, &comm) < 0)
                        continue;

                comm[strcspn(comm, "\n")] = '\0';
                return format_to(&user, "%s (%s)", comm, e->d_name) < 0 ? NULL : user;
        }

        return NULL;
}
