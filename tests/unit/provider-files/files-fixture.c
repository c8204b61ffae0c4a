/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Volume and Its Copy
 */

#include "unit/provider-files/files-fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "provider/provider-protocol.h"

#define XATTRS_MAX 65536U
#define HARD_LINKS_MAX 4096U

void run(const char *format, ...) {
        char command[8192];
        va_list ap;

        va_start(ap, format);
        assert_true(vsnprintf(command, sizeof(command), format, ap) < (int) sizeof(command));
        va_end(ap);

        if (system(command) != 0) // NOLINT
                fail_msg("Failed: %s", command);
}

int fixture_namespace(void **state) {
        if (geteuid() != 0)
                return 0;
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -1;

        return 0;
}

static void make_file_system(Fixture *f, const char *type) {
        _cleanup_(freep) char *image = path_in(f->dir, "image");

        if (strcmp(type, "tmpfs") == 0)
                run("mount -t tmpfs none %s", f->volume);
        else {
                const char *options = strcmp(type, "xfs") == 0 ? "-m reflink=1" : "";

                run("truncate -s 400M %s && mkfs.%s -q %s %s >/dev/null 2>&1 && mount -o loop %s %s", image,
                    type, options, image, image, f->volume);
        }
        f->is_mounted = true;
}

Fixture *fixture_new(const ProviderOps *ops, const char *file_system) {
        Fixture *f = calloc_checked(1, sizeof(*f));

        assert_non_null(f);
        f->ops = ops;
        f->dir = temp_dir_new();
        f->volume = path_in(f->dir, "volume");
        f->state = path_in(f->dir, "state");
        f->runtime = path_in(f->dir, "runtime");
        assert_int_equal(chmod(f->dir, 0755), 0);
        assert_int_equal(mkdir(f->volume, 0755), 0);
        assert_int_equal(mkdir(f->state, 0755), 0);
        assert_int_equal(mkdir(f->runtime, 0755), 0);

        if (file_system)
                make_file_system(f, file_system);

        f->env = (ProviderEnv){ .state_dir = f->state,
                                .runtime_dir = f->runtime,
                                .privileged = geteuid() == 0 };
        guid_generate(&f->s.id);
        guid_generate(&f->s.set_id);
        f->s.volume = f->volume;
        f->s.volume_fd = open(f->volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(f->s.volume_fd >= 0);
        return f;
}

Fixture *fixture_free(Fixture *f) {
        if (!f)
                return NULL;

        if (f->s.data)
                f->ops->release(&f->s);
        if (f->s.note)
                (void) f->ops->discard(&f->env, &f->s);

        free((char *) (uintptr_t) f->s.note);
        (void) fd_close(f->s.volume_fd);
        if (f->is_mounted)
                (void) umount2(f->volume, MNT_DETACH);
        free(f->volume);
        free(f->state);
        free(f->runtime);
        free(f->device);
        f->dir = temp_dir_free(f->dir);
        free(f);
        return NULL;
}

static void check(int r, const char *what) {
        if (r < 0)
                fail_msg("%s: %s (%s)", what, provider_sentence(), strerror(-r));
}

void fixture_prepare(Fixture *f) {
        char *note;

        check(f->ops->plan(&f->env, &f->s, &note), "plan");
        f->s.note = note;
        check(f->ops->prepare(&f->env, &f->s), "prepare");
}

void fixture_commit(Fixture *f) {
        check(f->ops->commit(&f->env, &f->s, false), "commit");
}

void fixture_surface(Fixture *f) {
        free(TAKE_PTR(f->device));
        check(f->ops->surface(&f->env, &f->s, &f->device), "surface");
}

static unsigned count_names(const char *dir, const char *name) {
        _cleanup_(freep) char *path = path_in(dir, name);
        struct dirent *entry;
        unsigned n = 0;
        DIR *d;

        d = opendir(path);
        if (!d)
                return 0;
        while ((entry = readdir(d)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        ++n;
        (void) closedir(d);
        return n;
}

void fixture_discard(Fixture *f) {
        if (f->s.data)
                f->ops->release(&f->s);

        check(f->ops->discard(&f->env, &f->s), "discard");
        assert_int_equal(count_names(f->state, "store"), 0);
        assert_int_equal(count_names(f->runtime, "shadow"), 0);
        assert_false(file_exists(f->volume, ".umbra-shadow"));
        check(f->ops->discard(&f->env, &f->s), "discard again");
}

const FilesStatistics *fixture_statistics(const Fixture *f) {
        const FilesStatistics *st = provider_files_statistics(&f->s);

        assert_non_null(st);
        return st;
}

void fixture_surface_is_equal(Fixture *f) {
        fixture_surface(f);
        trees_are_equal(f->volume, f->device);
}

void fixture_copy_is_equal(Fixture *f) {
        fixture_prepare(f);
        fixture_commit(f);
        fixture_surface_is_equal(f);
        fixture_discard(f);
}

/* Names of the same file: the n-th inode here must be the n-th there. */
typedef struct Comparison {
        ino_t links[2][HARD_LINKS_MAX];
        size_t n_links;
        const char *root;
} Comparison;

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static size_t read_names(int fd, bool is_root, char ***ret) {
        char **names = NULL;
        size_t n = 0, capacity = 0;
        struct dirent *entry;
        DIR *d;

        d = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
        assert_non_null(d);
        rewinddir(d);
        while ((entry = readdir(d))) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                    (is_root && strcmp(entry->d_name, ".umbra-shadow") == 0))
                        continue;
                assert_int_equal(ARRAY_RESERVE(names, capacity, n + 1), 0);
                assert_int_equal(strdup_to(entry->d_name, &names[n++]), 0);
        }
        (void) closedir(d);

        if (n > 0)
                qsort(names, n, sizeof(*names), compare_names);
        *ret = names;
        return n;
}

static void attributes_are_equal(const int dir_fds[2], const char *name) {
        char *lists[2], path[512];
        ssize_t n[2];

        for (size_t i = 0; i < 2; ++i) {
                lists[i] = calloc_checked(XATTRS_MAX, 1);
                assert_non_null(lists[i]);
                (void) snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fds[i], name);
                n[i] = llistxattr(path, lists[i], XATTRS_MAX);
        }
        if (n[0] != n[1])
                fail_msg("'%s' has %zd bytes of attribute names, its copy %zd", name, n[0], n[1]);

        for (const char *p = lists[0]; p < lists[0] + n[0]; p += strlen(p) + 1) {
                char *values[2];
                ssize_t size[2];

                for (size_t i = 0; i < 2; ++i) {
                        values[i] = calloc_checked(XATTRS_MAX, 1);
                        assert_non_null(values[i]);
                        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fds[i], name);
                        size[i] = lgetxattr(path, p, values[i], XATTRS_MAX);
                }
                if (size[0] < 0 || size[0] != size[1] || memcmp(values[0], values[1], (size_t) size[0]) != 0)
                        fail_msg("'%s' differs in attribute '%s'", name, p);
                free(values[0]);
                free(values[1]);
        }

        free(lists[0]);
        free(lists[1]);
}

static void contents_are_equal(const int dir_fds[2], const char *name, off_t size) {
        _cleanup_(closep) int a = -EBADF, b = -EBADF;
        static char buffers[2][65536];

        a = openat(dir_fds[0], name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);
        b = openat(dir_fds[1], name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (a < 0 || b < 0)
                fail_msg("Failed to open '%s': %s", name, strerror(errno));

        for (off_t offset = 0; offset < size; offset += (off_t) sizeof(buffers[0])) {
                off_t data_a = lseek(a, offset, SEEK_DATA), data_b = lseek(b, offset, SEEK_DATA);
                ssize_t n;

                if (data_a < 0 && data_b < 0)
                        break; /* both end in a hole */
                if ((data_a < 0 || data_a > offset) && (data_b < 0 || data_b > offset)) {
                        off_t next = data_a < 0 ? data_b : data_b < 0 ? data_a : MIN(data_a, data_b);

                        offset = next - next % (off_t) sizeof(buffers[0]);
                }

                n = pread(a, buffers[0], sizeof(buffers[0]), offset);
                if (n < 0 || pread(b, buffers[1], sizeof(buffers[1]), offset) != n ||
                    memcmp(buffers[0], buffers[1], (size_t) n) != 0)
                        fail_msg("'%s' differs in its contents near %lld", name, (long long) offset);
        }
}

static void links_are_equal(Comparison *c, const struct stat *a, const struct stat *b, const char *name) {
        for (size_t i = 0; i < c->n_links; ++i)
                if ((c->links[0][i] == a->st_ino) != (c->links[1][i] == b->st_ino))
                        fail_msg("'%s' is another name of another file in the copy", name);

        assert_true(c->n_links < HARD_LINKS_MAX);
        c->links[0][c->n_links] = a->st_ino;
        c->links[1][c->n_links++] = b->st_ino;
}

static void status_is_equal(Comparison *c, const struct stat *a, const struct stat *b, const char *name) {
        if (a->st_mode != b->st_mode)
                fail_msg("'%s' has mode %o, its copy %o", name, a->st_mode, b->st_mode);
        if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
                fail_msg("'%s' belongs to %u:%u, its copy to %u:%u", name, a->st_uid, a->st_gid, b->st_uid,
                         b->st_gid);
        if (a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
                fail_msg("'%s' was changed at %lld.%09ld, its copy at %lld.%09ld", name,
                         (long long) a->st_mtim.tv_sec, a->st_mtim.tv_nsec, (long long) b->st_mtim.tv_sec,
                         b->st_mtim.tv_nsec);
        if (S_ISDIR(a->st_mode))
                return;

        if (a->st_size != b->st_size)
                fail_msg("'%s' has %lld bytes, its copy %lld", name, (long long) a->st_size,
                         (long long) b->st_size);
        if ((S_ISCHR(a->st_mode) || S_ISBLK(a->st_mode)) && a->st_rdev != b->st_rdev)
                fail_msg("'%s' is another device in the copy", name);
        if (a->st_nlink != b->st_nlink)
                fail_msg("'%s' has %lu names, its copy %lu", name, (unsigned long) a->st_nlink,
                         (unsigned long) b->st_nlink);
        if (a->st_nlink > 1)
                links_are_equal(c, a, b, name);
        if (b->st_blocks > a->st_blocks + 2048) /* 1 MiB of slack for who preallocates */
                fail_msg("'%s' takes %lld blocks, its copy %lld", name, (long long) a->st_blocks,
                         (long long) b->st_blocks);
}

static void directories_are_equal(Comparison *c, const int fds[2], bool is_root);

static void files_are_equal(Comparison *c, const int fds[2], const char *name) {
        struct stat a, b;

        assert_int_equal(fstatat(fds[0], name, &a, AT_SYMLINK_NOFOLLOW), 0);
        assert_int_equal(fstatat(fds[1], name, &b, AT_SYMLINK_NOFOLLOW), 0);
        status_is_equal(c, &a, &b, name);
        attributes_are_equal(fds, name);

        if (S_ISREG(a.st_mode))
                contents_are_equal(fds, name, a.st_size);
        else if (S_ISLNK(a.st_mode)) {
                char targets[2][4096] = { { 0 } };

                for (size_t i = 0; i < 2; ++i)
                        assert_true(readlinkat(fds[i], name, targets[i], sizeof(targets[i]) - 1) > 0);
                assert_string_equal(targets[0], targets[1]);
        } else if (S_ISDIR(a.st_mode)) {
                int below[2];

                for (size_t i = 0; i < 2; ++i) {
                        below[i] = openat(fds[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                        assert_true(below[i] >= 0);
                }
                directories_are_equal(c, below, false);
        }
}

/* Closes both. */
static void directories_are_equal(Comparison *c, const int fds[2], bool is_root) {
        char **names[2];
        size_t n[2];

        for (size_t i = 0; i < 2; ++i)
                n[i] = read_names(fds[i], is_root, &names[i]);

        for (size_t i = 0; i < n[0] || i < n[1]; ++i) {
                int order = i == n[0] ? 1 : i == n[1] ? -1 : strcmp(names[0][i], names[1][i]);

                if (order < 0)
                        fail_msg("'%s' is missing in the copy", names[0][i]);
                if (order > 0)
                        fail_msg("'%s' is in the copy only", names[1][i]);
        }
        for (size_t i = 0; i < n[0]; ++i) {
                files_are_equal(c, fds, names[0][i]);
                free(names[0][i]);
                free(names[1][i]);
        }

        for (size_t i = 0; i < 2; ++i) {
                free(names[i]);
                (void) fd_close(fds[i]);
        }
}

void trees_are_equal(const char *a, const char *b) {
        static Comparison c;
        const char *const paths[2] = { a, b };
        struct stat st[2];
        int fds[2];

        c.n_links = 0;
        for (size_t i = 0; i < 2; ++i) {
                fds[i] = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(fds[i] >= 0);
                assert_int_equal(fstat(fds[i], &st[i]), 0);
        }

        status_is_equal(&c, &st[0], &st[1], "the volume");
        attributes_are_equal(fds, ".");
        directories_are_equal(&c, fds, true);
}
