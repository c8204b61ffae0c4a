/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tools for Tests
 *
 * See the header. Waiting is done on events where the kernel has some, so that the tests are as fast as the
 * code, and always with an end, so that a test that hangs says which one it is.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/time-util.h"
#include "lib/test-util.h"

#define FILE_SIZE_MAX ((size_t) 64 * 1024 * 1024)

char *path_in(const char *dir, const char *name) {
        char *path = NULL;

        assert_int_equal(format_to(&path, "%s/%s", dir, name), 0);
        return path;
}

char *temp_dir_new(void) {
        const char *parent = getenv("TMPDIR");
        char *dir;

        dir = path_in(parent && *parent ? parent : "/tmp", "umbra-test-XXXXXX");
        if (!mkdtemp(dir))
                fail_msg("Failed to make directory '%s': %s", dir, strerror(errno));

        return dir;
}

char *temp_dir_free(char *dir) {
        _cleanup_(closep) int parent_fd = -EBADF;
        char *name;
        int r;

        if (!dir)
                return NULL;

        name = strrchr(dir, '/');
        *name++ = '\0';
        parent_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        r = rm_rf_at(parent_fd, name);
        if (r < 0)
                print_error("Failed to remove '%s/%s', leaving it: %s\n", dir, name, strerror(-r));

        free(dir);
        return NULL;
}

void write_file(const char *dir, const char *name, const char *text) {
        _cleanup_(closep) int dir_fd = -EBADF, fd = -EBADF;
        const char *base = strrchr(name, '/');

        dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(dir_fd >= 0);

        if (base) {
                _cleanup_(freep) char *between = NULL;

                assert_int_equal(format_to(&between, "%.*s", (int) (base - name), name), 0);
                assert_int_equal(mkdir_p_at(dir_fd, between, 0755), 0);
        }

        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0)
                fail_msg("Failed to open '%s/%s': %s", dir, name, strerror(errno));
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

char *read_file(const char *dir, const char *name) {
        _cleanup_(freep) char *path = path_in(dir, name);
        char *text = NULL;
        int r;

        r = file_read_text(path, FILE_SIZE_MAX, &text);
        if (r < 0 && r != -ENOENT)
                fail_msg("Failed to read '%s': %s", path, strerror(-r));

        return text;
}

bool file_exists(const char *dir, const char *name) {
        _cleanup_(freep) char *path = path_in(dir, name);
        struct stat st;

        return lstat(path, &st) == 0;
}

void skip_unless_root(void) {
        if (geteuid() != 0) {
                print_message("Needs root, skipping\n");
                skip();
        }
}

unsigned count_open_fds(void) {
        unsigned n = 0;
        DIR *dir;

        dir = opendir("/proc/self/fd");
        assert_non_null(dir);
        while (readdir(dir))
                ++n;
        (void) closedir(dir);

        return n - 3; /* ".", ".." and the directory itself */
}

bool eventually(bool (*predicate)(void *arg), void *arg, uint64_t usec) {
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), usec);

        while (!predicate(arg)) {
                if (now_usec(CLOCK_MONOTONIC) >= deadline)
                        return false;

                (void) poll(NULL, 0, 1);
        }

        return true;
}

/* poll() for what is left until @deadline; false when nothing is. */
static bool readable_by(int fd, usec_t deadline) {
        for (;;) {
                struct pollfd pollfd = { .fd = fd, .events = POLLIN };
                usec_t now = now_usec(CLOCK_MONOTONIC);
                struct timespec left = timespec_from_usec(deadline > now ? deadline - now : 0);
                int n = ppoll(&pollfd, 1, &left, NULL);

                if (n >= 0)
                        return n > 0;
                assert_int_equal(errno, EINTR);
        }
}

bool eventually_readable(int fd, uint64_t usec) {
        return readable_by(fd, usec_add(now_usec(CLOCK_MONOTONIC), usec));
}

bool eventually_exists(const char *dir, const char *name, uint64_t usec) {
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), usec);
        _cleanup_(closep) int inotify_fd = -EBADF;
        char events[4096];

        inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        assert_true(inotify_fd >= 0);
        assert_true(inotify_add_watch(inotify_fd, dir, IN_CREATE | IN_MOVED_TO) >= 0);

        /* Looked at after the watch is set, so that nothing falls in between. */
        while (!file_exists(dir, name)) {
                if (!readable_by(inotify_fd, deadline))
                        return false;

                (void) !read(inotify_fd, events, sizeof(events));
        }

        return true;
}
