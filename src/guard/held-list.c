/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The List of What Is Held
 *
 * Paths and not descriptors, because whoever reads the list was not there when it was written. Opening a
 * directory and thawing it both work on a file system that is frozen.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/macro.h"
#include "base/strv.h"
#include "guard/held-list.h"

/* A byte becomes at most this many: "\134". */
#define ESCAPE_SIZE 4U

static char *append_escaped(char *to, const char *s) {
        for (; *s; ++s)
                if (*s == '\n')
                        to = stpcpy(to, "\\012");
                else if (*s == '\\')
                        to = stpcpy(to, "\\134");
                else
                        *to++ = *s;

        *to++ = '\n';
        return to;
}

static bool unescape(char *line) {
        char *to = line;

        for (const char *p = line; *p;) {
                if (*p != '\\') {
                        *to++ = *p++;
                        continue;
                }

                if (strncmp(p, "\\012", ESCAPE_SIZE) == 0)
                        *to++ = '\n';
                else if (strncmp(p, "\\134", ESCAPE_SIZE) == 0)
                        *to++ = '\\';
                else
                        return false;
                p += ESCAPE_SIZE;
        }

        *to = '\0';
        return true;
}

int held_list_write(const char *path, char *const *mounts) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 1;
        char *end;

        STRV_FOREACH(mount, mounts)
                size += ESCAPE_SIZE * strlen(*mount) + 1;
        if (size > HELD_LIST_SIZE_MAX)
                return -E2BIG;

        text = calloc_checked(size, 1);
        if (!text)
                return -ENOMEM;

        end = text;
        STRV_FOREACH(mount, mounts)
                end = append_escaped(end, *mount);

        return file_write_text_atomic(path, 0600, text);
}

int held_list_read(const char *path, char ***ret) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(strv_freep) char **mounts = NULL;
        int r;

        r = file_read_text(path, HELD_LIST_SIZE_MAX, &text);
        if (r < 0)
                return r;

        r = strv_split(text, "\n", &mounts);
        if (r < 0)
                return r;

        STRV_FOREACH(mount, mounts)
                if ((*mount)[0] != '/' || !unescape(*mount))
                        return -EBADMSG;

        *ret = TAKE_PTR(mounts);
        return 0;
}

int thaw_fd(int fd) {
        while (ioctl(fd, FITHAW, 0) < 0)
                if (errno == EINVAL)
                        return 0; /* nobody held it */
                else if (errno != EINTR)
                        return -errno;

        return 0;
}

int thaw_path(const char *path) {
        _cleanup_(closep) int fd = -EBADF;

        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return -errno;

        return thaw_fd(fd);
}
