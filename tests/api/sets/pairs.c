/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pairs of Writes
 *
 *      pairs write A B      writes 1 to A, then 1 to B, then 2 to A, then 2 to B, and so on, until it is killed;
 *                           a line on stdout says that it has begun
 *      pairs check A B      what two copies of them say: 0 when that can have been at one time
 *
 * Each write begins after the one before has ended. So whoever looks at both at one instant never finds a number in B
 * that is not in A yet. This is what a set of two volumes has to promise; a set that is not one instant breaks it
 * sooner or later, as a pair takes a few microseconds only.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#define EXIT_BROKEN 3

static int open_or_die(const char *path, int flags) {
        int fd = open(path, flags | O_CLOEXEC, 0644);

        if (fd < 0) {
                (void) fprintf(stderr, "pairs: %s: %s\n", path, strerror(errno));
                exit(EXIT_FAILURE);
        }

        return fd;
}

static int write_pairs(const char *a, const char *b) {
        int fds[2] = { open_or_die(a, O_RDWR | O_CREAT), open_or_die(b, O_RDWR | O_CREAT) };

        /* Not longer than whoever started it. */
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

        for (uint64_t n = 1;; ++n) {
                for (size_t i = 0; i < 2; ++i)
                        if (pwrite(fds[i], &n, sizeof(n), 0) != sizeof(n))
                                return EXIT_FAILURE;
                if (n == 1) {
                        (void) puts("begun");
                        (void) fflush(stdout);
                }
        }
}

static uint64_t read_number(const char *path) {
        int fd = open_or_die(path, O_RDONLY);
        uint64_t n;

        if (pread(fd, &n, sizeof(n), 0) != sizeof(n)) {
                (void) fprintf(stderr, "pairs: %s has no number in it\n", path);
                exit(EXIT_FAILURE);
        }

        (void) close(fd);
        return n;
}

static int check_pairs(const char *a, const char *b) {
        uint64_t in_a = read_number(a), in_b = read_number(b);

        (void) printf("%" PRIu64 " %" PRIu64 "\n", in_a, in_b);
        return in_b <= in_a ? EXIT_SUCCESS : EXIT_BROKEN;
}

int main(int argc, char **argv) {
        if (argc == 4 && strcmp(argv[1], "write") == 0)
                return write_pairs(argv[2], argv[3]);
        if (argc == 4 && strcmp(argv[1], "check") == 0)
                return check_pairs(argv[2], argv[3]);

        (void) fputs("pairs write|check A B\n", stderr);
        return EXIT_FAILURE;
}
