/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files without Names
 */

#include "tools/scratch-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/macro.h"

const char *scratch_directory(void) {
        const char *dir = secure_getenv("TMPDIR");

        return dir && *dir ? dir : "/var/tmp";
}

/* Where the file system knows no nameless files it has a name for a moment. */
static int open_and_unlink(int *ret_fd) {
        _cleanup_(freep) char *path = NULL;
        int fd, r;

        r = format_to(&path, "%s/umbra-XXXXXX", scratch_directory());
        if (r < 0)
                return r;
        fd = mkostemp(path, O_CLOEXEC);
        if (fd < 0)
                return -errno;

        (void) unlink(path);
        *ret_fd = fd;
        return 0;
}

int scratch_file_open(int *ret_fd) {
        int fd = open(scratch_directory(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

        if (fd < 0)
                return errno == EOPNOTSUPP || errno == EISDIR ? open_and_unlink(ret_fd) : -errno;

        *ret_fd = fd;
        return 0;
}

int scratch_file_open_stream(FILE **ret) {
        _cleanup_(closep) int fd = -EBADF;
        FILE *f;
        int r;

        r = scratch_file_open(&fd);
        if (r < 0)
                return r;
        f = fdopen(fd, "w+");
        if (!f)
                return -errno;

        (void) TAKE_FD(fd);
        *ret = f;
        return 0;
}
