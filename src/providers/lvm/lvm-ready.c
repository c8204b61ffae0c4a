/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Command of LVM at the Ready
 *
 * "lvm FILE" runs the lines of FILE one by one (lvm(8)); ours is standard input, a pipe with room for one piece. So when there
 * is room again, the piece before has been read, and when that was a line, the one before it has been run.
 */

#include "providers/lvm/lvm-ready.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "provider/provider.h"
#include "providers/lvm/lvm-command.h"

#define PIECE 4096    /* the smallest pipe there is */
#define LINE_SIZE 256 /* what lvm reads a line into */
#define MAPS_MAX ((size_t) 256 * 1024)

/* Read each time, by lvm or what it is linked with; not all are everywhere. */
static const char *const settings[] = {
        "/etc/lvm/lvm.conf",
        "/etc/lvm/lvmlocal.conf",
        "/etc/lvm/devices/system.devices",
};

typedef struct Locked {
        void *start;
        size_t size;
} Locked;

struct LvmReady {
        Command command;
        int pipe_fd;
        char *line;
        Locked *locked;
        size_t n_locked, locked_capacity;
};

LvmReady *lvm_ready_free(LvmReady *p) {
        if (!p)
                return NULL;

        fd_close(p->pipe_fd); /* the end, for one that still waits */
        command_clear(&p->command);
        for (size_t i = 0; i < p->n_locked; ++i)
                (void) munmap(p->locked[i].start, p->locked[i].size);
        free(p->locked);
        free(p->line);
        free(p);
        return NULL;
}

/* What cannot be locked may still be there when it is needed. */
static int lock_file(LvmReady *p, const char *path) {
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        void *start;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
                return 0;

        r = ARRAY_RESERVE(p->locked, p->locked_capacity, p->n_locked + 1);
        if (r < 0)
                return r;

        start = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (start == MAP_FAILED)
                return 0;

        (void) mlock(start, (size_t) st.st_size);
        p->locked[p->n_locked++] = (Locked){ .start = start, .size = (size_t) st.st_size };
        return 0;
}

static int lock_files(LvmReady *p) {
        _cleanup_(strv_freep) char **lines = NULL;
        _cleanup_(freep) char *path = NULL, *maps = NULL;
        const char *last = "";
        int r;

        r = format_to(&path, "/proc/%d/maps", (int) p->command.pid);
        if (r >= 0)
                r = file_read_text(path, MAPS_MAX, &maps);
        if (r >= 0)
                r = strv_split(maps, "\n", &lines);

        STRV_FOREACH(line, lines) {
                const char *name = strchr(*line, '/'); /* the one word that can have it */

                if (r < 0)
                        break;
                if (!name || strcmp(name, last) == 0)
                        continue;
                last = name;
                r = lock_file(p, name);
        }
        for (size_t i = 0; i < ELEMENTSOF(settings) && r >= 0; ++i)
                r = lock_file(p, settings[i]);
        return r;
}

/* Hands lvm a piece; returns when it has taken it. */
static int say(LvmReady *p, const char *text, usec_t timeout) {
        struct pollfd fds[] = {
                { .fd = p->pipe_fd, .events = POLLOUT },
                { .fd = p->command.pidfd, .events = POLLIN },
        };
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), timeout);
        int r;

        r = fd_write_all(p->pipe_fd, text, strlen(text));
        if (r < 0)
                return r;

        for (;;) {
                usec_t now = now_usec(CLOCK_MONOTONIC);
                int n;

                if (now >= deadline)
                        return -ETIMEDOUT;
                n = poll(fds, ELEMENTSOF(fds), (int) ((deadline - now) / USEC_PER_MSEC + 1));
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0 && fds[1].revents)
                        return -EPIPE; /* it has ended */
                if (n > 0 && fds[0].revents & POLLOUT)
                        return 0;
        }
}

static int start(LvmReady *p, int lock_fd) {
        _cleanup_(closep) int theirs = -EBADF;
        CommandOptions options = { 0 };
        int ends[2], r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;

        theirs = ends[0];
        p->pipe_fd = ends[1];
        if (fcntl(p->pipe_fd, F_SETPIPE_SZ, PIECE) != PIECE)
                return -errno;

        if (lock_fd > 0)
                options = (CommandOptions){ .locks = &lock_fd, .n_locks = 1, .variables = lvm_keep_lock };
        options.stdin_fd = theirs;
        r = command_start_with((const char *const[]){ "lvm", "/proc/self/fd/0", NULL }, &options, &p->command);
        if (r == -ENOENT)
                return provider_fail(-EOPNOTSUPP, "the lvm command is not installed");

        return r;
}

static int fail(LvmReady *p, int r) {
        _cleanup_(freep) char *reason = NULL;

        if (command_reason(&p->command, &reason) >= 0 && *reason)
                return provider_fail(-EIO, "lvm: %s", reason);

        return provider_fail(r, "lvm does not get ready: %m");
}

int lvm_ready_new(const char *line, int lock_fd, LvmReady **ret) {
        _cleanup_(lvm_ready_freep) LvmReady *p = NULL;
        int r;

        p = calloc_checked(1, sizeof(*p));
        if (!p)
                return -ENOMEM;

        p->pipe_fd = -EBADF;
        p->command = (Command) COMMAND_INIT;
        r = format_to(&p->line, "%s\n", line);
        if (r >= 0 && strlen(p->line) >= LINE_SIZE)
                r = -E2BIG;
        if (r < 0)
                return r;

        r = start(p, lock_fd);
        if (r < 0)
                return r;

        r = say(p, "#!lvm\n", LVM_TIMEOUT_USEC);
        if (r >= 0)
                r = say(p, "version\n", LVM_TIMEOUT_USEC);
        if (r >= 0)
                r = say(p, "# and now\n", LVM_TIMEOUT_USEC);
        if (r < 0)
                return fail(p, r);

        r = lock_files(p);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(p);
        return 0;
}

int lvm_ready_go(LvmReady *p, usec_t timeout) {
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), timeout);
        int r, status;

        r = fd_write_all(p->pipe_fd, p->line, strlen(p->line));
        if (r < 0)
                return fail(p, r);

        p->pipe_fd = fd_close(p->pipe_fd);
        r = command_wait(&p->command, deadline, &status);
        if (r == -ETIMEDOUT)
                return provider_fail(r, "lvm has not ended in time and goes on alone");
        if (r < 0)
                return r;

        return status == 0 ? 0 : fail(p, -EIO);
}
