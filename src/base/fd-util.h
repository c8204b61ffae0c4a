/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Descriptors
 *
 * Directories are descriptors, paths are hints. Everything is opened O_CLOEXEC.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/macro.h"

/* Closes if open, keeps errno, returns -EBADF: fd = fd_close(fd). */
int fd_close(int fd);

static inline void closep(int *fd) {
        *fd = fd_close(*fd);
}

int fd_write_all(int fd, const void *data, size_t size);
ssize_t fd_read_full(int fd, void *data, size_t size); /* until @size or the end; bytes read or -errno */
int fd_read_text(int fd, size_t max, char **ret);       /* the whole file, NUL-terminated; -E2BIG over @max */
int file_read_text(const char *path, size_t max, char **ret);
int file_write_text_atomic(const char *path, mode_t mode, const char *text); /* beside, fsync, rename */
int fd_set_nonblock(int fd, bool on);

/* openat2() with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS. Returns the descriptor or -errno. */
int open_beneath(int dir_fd, const char *path, int flags, mode_t mode);
/* mkdir -p below @dir_fd, never following a link. 0 also when it is there. */
int mkdir_p_at(int dir_fd, const char *path, mode_t mode);
int mkdir_p(const char *path, mode_t mode);
/* rm -rf below @dir_fd, never following a link and never leaving the file system of @dir_fd. -ENOENT is 0. */
int rm_rf_at(int dir_fd, const char *name);

/* A memfd with @data, sealed against every change. Returns the descriptor or -errno. */
int memfd_new_sealed(const char *name, const void *data, size_t size);
/* Checks that @fd is a memfd sealed against write, shrink and grow (-EBADF else), that it holds at most @max bytes (-E2BIG),
 * and reads it. *ret_data is NUL-terminated beyond @*ret_size; caller frees. */
int memfd_read_sealed(int fd, size_t max, char **ret_data, size_t *ret_size);
