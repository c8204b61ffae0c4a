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

int fd_write_all(int fd, const void *data, size_t size); /* -EAGAIN where a non-blocking @fd is full */
ssize_t fd_read_full(int fd, void *data, size_t size);   /* until @size or the end; bytes read or -errno */
/* The whole file, NUL-terminated; -E2BIG over @max bytes, -EILSEQ when a NUL is among them. */
int fd_read_text(int fd, size_t max, char **ret);
int file_read_text(const char *path, size_t max, char **ret);
/* Beside, fsync, rename: whoever reads @path sees the old text or the new one, also after a power failure.
 * Replaces a link instead of following it; the file gets exactly @mode. */
int file_write_text_atomic(const char *path, mode_t mode, const char *text);
int fd_set_nonblock(int fd, bool on);

/* openat2() with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS. Returns the descriptor or
 * -errno: -ELOOP at a link, -EXDEV where @path is absolute or leads out. */
int open_beneath(int dir_fd, const char *path, int flags, mode_t mode);
/* mkdir -p below @dir_fd, never following a link (-ENOTDIR). 0 also when it is there. -EINVAL when @path is
 * absolute or has "..". */
int mkdir_p_at(int dir_fd, const char *path, mode_t mode);
/* The same for a path of the administrator's, in which links are followed. */
int mkdir_p(const char *path, mode_t mode);
/* rm -rf below @dir_fd, never following a link and never leaving the file system of @dir_fd. -ENOENT is 0.
 * What can be removed is removed, whatever else fails; the first failure is returned. -EXDEV: something is
 * mounted in there. Subvolumes of btrfs are directories like any other. -EINVAL when @name is absolute or
 * has "..". */
int rm_rf_at(int dir_fd, const char *name);
/* Whether @name in @dir_fd (O_PATH) stays, asked of everything before it is removed: 1 keeps it and all below,
 * 0 removes it, an error keeps it and is returned in the end. It may be gone already. */
typedef int (*RmRfKeep)(int dir_fd, const char *name, void *userdata);
/* The same, but for what @keep says. Returns 1 when something was kept. */
int rm_rf_at_except(int dir_fd, const char *name, RmRfKeep keep, void *userdata);

/* A memfd with @data, sealed against every change. Returns the descriptor or -errno. */
int memfd_new_sealed(const char *name, const void *data, size_t size);
/* Checks that @fd is a memfd sealed against write, shrink and grow (-EBADF else), that it holds at most @max
 * bytes (-E2BIG), and reads it. *ret_data is NUL-terminated beyond @*ret_size; caller frees. */
int memfd_read_sealed(int fd, size_t max, char **ret_data, size_t *ret_size);
