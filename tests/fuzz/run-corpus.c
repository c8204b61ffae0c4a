/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Fuzzer without the Fuzzing
 *
 * Feeds every file of the directories given to the harness it is linked with. So the corpora, in which every
 * input that ever did harm is kept, are ordinary tests with any compiler.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd-util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(int dir_fd, const char *name) {
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(freep) uint8_t *data = NULL;
        struct stat st;
        ssize_t n;

        fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return 0;

        /* Exactly its size, so that a byte read too far is seen. */
        data = malloc((size_t) st.st_size);
        if (!data && st.st_size > 0)
                return -ENOMEM;

        n = fd_read_full(fd, data, (size_t) st.st_size);
        if (n < 0)
                return (int) n;

        LLVMFuzzerTestOneInput(data, (size_t) n);
        return 1;
}

static int run_directory(const char *path) {
        struct dirent *entry;
        DIR *dir;
        int n = 0;

        dir = opendir(path);
        if (!dir)
                return -errno;

        while ((entry = readdir(dir))) {
                int r = run_file(dirfd(dir), entry->d_name);

                if (r < 0) {
                        closedir(dir);
                        return r;
                }
                n += r;
        }

        closedir(dir);
        return n;
}

int main(int argc, char *argv[]) {
        for (int i = 1; i < argc; ++i) {
                int n = run_directory(argv[i]);

                if (n <= 0) {
                        fprintf(stderr, "%s: nothing to run (%d)\n", argv[i], n);
                        return EXIT_FAILURE;
                }
                printf("%s: %d inputs\n", argv[i], n);
        }

        return EXIT_SUCCESS;
}
