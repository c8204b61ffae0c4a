/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Descriptors
 *
 * What the C library leaves to every program: reading all of it, writing all of it, replacing a file so that
 * nobody sees half of it, opening below a directory without being led out of it, and memory as a message.
 */

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* The kernel gives up with EAGAIN when directories are renamed while it resolves a path beneath one. */
#define OPENAT2_TRIES_MAX 16U

#define READ_CHUNK ((size_t) 4096)

int fd_close(int fd) {
        int saved = errno;

        /* Not repeated on EINTR: on Linux the descriptor is gone, and the number may be somebody else's by
         * now. */
        if (fd >= 0)
                (void) close(fd);

        errno = saved;
        return -EBADF;
}

int fd_write_all(int fd, const void *data, size_t size) {
        const char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        return -EIO;

                p += n;
                size -= (size_t) n;
        }

        return 0;
}

ssize_t fd_read_full(int fd, void *data, size_t size) {
        size_t done = 0;

        while (done < size) {
                ssize_t n = read(fd, (char *) data + done, size - done);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        break;

                done += (size_t) n;
        }

        return (ssize_t) done;
}

int fd_read_text(int fd, size_t max, char **ret) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 0, capacity = 0;
        int r;

        /* The size is not asked for: files of /proc and pipes do not know theirs. */
        for (;;) {
                size_t want = MIN(READ_CHUNK, max - size) + 1; /* one byte more shows that there is more */
                ssize_t n;

                r = ARRAY_RESERVE(text, capacity, size + want + 1);
                if (r < 0)
                        return r;

                n = fd_read_full(fd, text + size, want);
                if (n < 0)
                        return (int) n;

                size += (size_t) n;
                if (size > max)
                        return -E2BIG;
                if ((size_t) n < want)
                        break;
        }

        text[size] = '\0';
        if (strlen(text) != size)
                return -EILSEQ;

        *ret = TAKE_PTR(text);
        return 0;
}

int file_read_text(const char *path, size_t max, char **ret) {
        _cleanup_(closep) int fd = -EBADF;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;

        return fd_read_text(fd, max, ret);
}

/* Writes the new text under a name of its own, and gives it the old one. */
static int replace_at(int dir_fd, const char *temporary, const char *name, mode_t mode, const char *text) {
        _cleanup_(closep) int fd = -EBADF;
        int r;

        fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;

        r = fd_write_all(fd, text, strlen(text));
        if (r == 0 && fchmod(fd, mode) < 0) /* after writing: from then on others may read it */
                r = -errno;
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlinkat(dir_fd, temporary, 0);
                return r;
        }

        return fsync(dir_fd) < 0 ? -errno : 0;
}

int file_write_text_atomic(const char *path, mode_t mode, const char *text) {
        _cleanup_(freep) char *dir = NULL, *temporary = NULL;
        _cleanup_(closep) int dir_fd = -EBADF;
        const char *name;
        GUID unique;
        int r;

        name = strrchr(path, '/');
        name = name ? name + 1 : path;
        if (*name == '\0')
                return -EISDIR;

        r = format_to(&dir, "%.*s", (int) (name - path), path);
        if (r < 0)
                return r;

        guid_generate(&unique);
        r = format_to(&temporary, ".umbra-%s", GUID_TO_STRING(&unique));
        if (r < 0)
                return r;

        dir_fd = open(*dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return -errno;

        return replace_at(dir_fd, temporary, name, mode, text);
}

int fd_set_nonblock(int fd, bool on) {
        int flags, wanted;

        flags = fcntl(fd, F_GETFL);
        if (flags < 0)
                return -errno;

        wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
        if (wanted == flags)
                return 0;

        return fcntl(fd, F_SETFL, wanted) < 0 ? -errno : 0;
}

int open_beneath(int dir_fd, const char *path, int flags, mode_t mode) {
        struct open_how how = {
                .flags = (unsigned) flags | O_CLOEXEC,
                .mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };

        for (unsigned i = 0; i < OPENAT2_TRIES_MAX; ++i) {
                long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

                if (fd >= 0)
                        return (int) fd;
                if (errno != EAGAIN && errno != EINTR)
                        break;
        }

        return -errno;
}

/* Makes directory @name, a single component, in *@fd and goes there. */
static int mkdir_and_enter(int *fd, const char *name, mode_t mode) {
        int child;

        if (mkdirat(*fd, name, mode) < 0 && errno != EEXIST)
                return -errno;

        child = openat(*fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child < 0)
                return -errno;

        (void) fd_close(*fd);
        *fd = child;
        return 0;
}

int mkdir_p_at(int dir_fd, const char *path, mode_t mode) {
        _cleanup_(freep) char *names = NULL;
        _cleanup_(closep) int fd = -EBADF;
        char *rest, *name;
        int r;

        if (*path == '/' || *path == '\0')
                return -EINVAL;

        r = strdup_to(path, &names);
        if (r < 0)
                return r;

        fd = openat(dir_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        rest = names;
        while ((name = strsep(&rest, "/"))) {
                if (*name == '\0' || strcmp(name, ".") == 0)
                        continue;
                if (strcmp(name, "..") == 0)
                        return -EINVAL;

                r = mkdir_and_enter(&fd, name, mode);
                if (r < 0)
                        return r;
        }

        return 0;
}

int mkdir_p(const char *path, mode_t mode) {
        _cleanup_(freep) char *prefix = NULL;
        struct stat st;
        int r;

        if (*path == '\0')
                return -EINVAL;

        r = strdup_to(path, &prefix);
        if (r < 0)
                return r;

        for (char *end = prefix; *end;) {
                char saved;

                end += strspn(end, "/");
                end += strcspn(end, "/");

                saved = *end;
                *end = '\0';
                if (mkdir(prefix, mode) < 0 && errno != EEXIST) {
                        int error = -errno;

                        /* A read-only file system, or no right to write, where the directory is there
                         * anyway. */
                        if (stat(prefix, &st) < 0)
                                return error;
                }
                *end = saved;
        }

        if (stat(path, &st) < 0)
                return -errno;

        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int memfd_new_sealed(const char *name, const void *data, size_t size) {
        _cleanup_(closep) int fd = -EBADF;
        int r;

        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
        if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
                fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;

        r = fd_write_all(fd, data, size);
        if (r < 0)
                return r;

        if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
                return -errno;

        return TAKE_FD(fd);
}

int memfd_read_sealed(int fd, size_t max, char **ret_data, size_t *ret_size) {
        static const int needed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
        _cleanup_(freep) char *data = NULL;
        struct stat st;
        size_t size;
        int seals;

        /* Whoever sent it could otherwise change it after we have checked it. Other files have no seals
         * (EINVAL). */
        seals = fcntl(fd, F_GET_SEALS);
        if (seals < 0 || (seals & needed) != needed)
                return -EBADF;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_size < 0 || (uint64_t) st.st_size > max)
                return -E2BIG;

        size = (size_t) st.st_size;
        data = calloc_checked(size + 1, 1);
        if (!data)
                return -ENOMEM;

        /* pread(), as the position belongs to everybody who has the descriptor. */
        for (size_t done = 0; done < size;) {
                ssize_t n = pread(fd, data + done, size - done, (off_t) done);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (n == 0)
                        return -EIO;

                done += (size_t) n;
        }

        *ret_data = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}
