/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the Window of the Files Provider Is Measured With
 *
 *      bench-files fill DIRECTORY FILES SIZE PER-DIRECTORY   makes a tree
 *      bench-files copy STATE-DIR VOLUME EVERY               copies it, changing every so manieth file before the window
 *
 * The latter calls the provider's functions as umbrad's worker does, and prints "name value" lines: microseconds of prepare()
 * and of the window (pre_commit() and commit()), the files that these copied and looked at, and KiB of memory.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd-util.h"
#include "base/guid.h"
#include "base/macro.h"
#include "base/time-util.h"
#include "provider/provider-protocol.h"
#include "providers/files/provider-files.h"

#define BLOCK_SIZE ((size_t) 64 * 1024)

static void must(bool ok, const char *what) {
        if (ok)
                return;
        fprintf(stderr, "bench-files: %s: %m\n", what);
        exit(EXIT_FAILURE);
}

static void must_do(int r, const char *what) {
        if (r >= 0)
                return;
        fprintf(stderr, "bench-files: %s: %s (%s)\n", what, provider_sentence(), strerror(-r));
        exit(EXIT_FAILURE);
}

static uint64_t number(const char *s) {
        char *end;
        uint64_t n = strtoull(s, &end, 10);

        must(*s && *end == '\0' && n > 0, "not a number");
        return n;
}

/* Blocks of their own for each file, so that nothing below can share or compress them away. */
static void write_data(int fd, uint64_t size) {
        static uint64_t block[BLOCK_SIZE / sizeof(uint64_t)], seed = 88172645463325252ULL;

        for (uint64_t done = 0; done < size; done += BLOCK_SIZE) {
                size_t n = MIN(sizeof(block), (size_t) (size - done));

                for (size_t i = 0; i * sizeof(*block) < n; ++i) {
                        seed ^= seed << 13; /* xorshift */
                        seed ^= seed >> 7;
                        seed ^= seed << 17;
                        block[i] = seed;
                }
                must(fd_write_all(fd, block, n) == 0, "write");
        }
}

/* Files are called 0/0, 0/1, … 1/0: so they are found again without reading directories. */
static void file_name(char name[64], uint64_t i, uint64_t per_directory) {
        (void) snprintf(name, 64, "%" PRIu64 "/%" PRIu64, i / per_directory, i % per_directory);
}

static int fill(char **argv) {
        _cleanup_(closep) int dir = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        uint64_t files = number(argv[1]), size = number(argv[2]), per_directory = number(argv[3]);

        must(dir >= 0, argv[0]);
        for (uint64_t i = 0; i < files; ++i) {
                char name[64];
                int fd;

                file_name(name, i, per_directory);
                if (i % per_directory == 0) {
                        *strchr(name, '/') = '\0';
                        must(mkdirat(dir, name, 0755) == 0, name);
                        file_name(name, i, per_directory);
                }
                fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
                must(fd >= 0, name);
                write_data(fd, size);
                (void) fd_close(fd);
        }

        must(syncfs(dir) == 0, "syncfs");
        return EXIT_SUCCESS;
}

/* Writes every @every-th file anew, as long as it was. */
static uint64_t change(int dir, uint64_t every) {
        uint64_t n = 0, per_directory = 0;
        struct stat st;
        char name[64];

        for (;; ++per_directory) {
                (void) snprintf(name, sizeof(name), "0/%" PRIu64, per_directory);
                if (fstatat(dir, name, &st, 0) < 0)
                        break;
        }
        must(per_directory > 0, "the tree is empty");

        for (uint64_t i = 0;; i += every) {
                int fd;

                file_name(name, i, per_directory);
                fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
                if (fd < 0 && errno == ENOENT)
                        return n;
                must(fd >= 0 && fstat(fd, &st) == 0, name);
                write_data(fd, (uint64_t) st.st_size);
                (void) fd_close(fd);
                ++n;
        }
}

static int copy(char **argv) {
        const ProviderOps *ops = &provider_files_copy_ops;
        ProviderEnv env = { .state_dir = argv[0], .runtime_dir = argv[0], .privileged = true };
        ProviderSnapshot s = { .volume = argv[1] };
        const FilesStatistics *st;
        struct rusage usage;
        uint64_t changed;
        usec_t begin, end;
        char *note;

        guid_generate(&s.id);
        s.volume_fd = open(s.volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(s.volume_fd >= 0, s.volume);
        must_do(ops->plan(&env, &s, &note), "plan");
        s.note = note;

        begin = now_usec(CLOCK_MONOTONIC);
        must_do(ops->prepare(&env, &s), "prepare");
        printf("prepare %" PRIu64 "\n", now_usec(CLOCK_MONOTONIC) - begin);

        changed = change(s.volume_fd, number(argv[2]));
        must(syncfs(s.volume_fd) == 0, "syncfs"); /* as umbrad does before the window */

        begin = now_usec(CLOCK_MONOTONIC);
        must_do(ops->pre_commit(&env, &s), "pre_commit");
        end = now_usec(CLOCK_MONOTONIC);
        must_do(ops->commit(&env, &s, true), "commit");
        printf("commit %" PRIu64 "\nwindow %" PRIu64 "\n", now_usec(CLOCK_MONOTONIC) - end,
               now_usec(CLOCK_MONOTONIC) - begin);

        st = provider_files_statistics(&s);
        must(getrusage(RUSAGE_SELF, &usage) == 0, "getrusage");
        printf("files %" PRIu64 "\nchanged %" PRIu64 "\ncopied %" PRIu64 "\nlooked-at %" PRIu64 "\nfollowed %d\n"
               "memory %ld\n",
               st->files, changed, st->window.files, st->window.looked_at, st->followed, usage.ru_maxrss);

        ops->release(&s);
        must_do(ops->discard(&env, &s), "discard");
        free(note);
        (void) fd_close(s.volume_fd);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        if (argc == 6 && strcmp(argv[1], "fill") == 0)
                return fill(argv + 2);
        if (argc == 5 && strcmp(argv[1], "copy") == 0)
                return copy(argv + 2);

        fprintf(stderr, "usage: bench-files fill DIRECTORY FILES SIZE PER-DIRECTORY | copy STATE-DIR VOLUME EVERY\n");
        return EXIT_FAILURE;
}
