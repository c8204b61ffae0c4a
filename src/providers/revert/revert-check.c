/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Could It Be Reverted?
 *
 * What would stand in the way half-way through is found out before anything is changed.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "providers/files/files-stat.h"
#include "providers/revert/revert-internal.h"

static void fclosep(FILE **f) {
        if (*f)
                (void) fclose(*f);
}

/* The kernel writes blanks, tabs, line breaks and backslashes as \ooo. */
static void unescape(char *text) {
        char *to = text;

        for (const char *from = text; *from; ++to)
                if (from[0] == '\\' && from[1] && from[2] && from[3]) {
                        *to = (char) ((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
                        from += 4;
                } else
                        *to = *from++;
        *to = '\0';
}

/* What of @path is below @top, without the slash; NULL: it is not. */
static const char *below(const char *path, const char *top) {
        size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);

        return strncmp(path, top, n) == 0 && path[n] == '/' && path[n + 1] ? path + n + 1 : NULL;
}

/* Calls @each with the @field-th word (the first is 0) of each line of a table of the kernel's. */
static int for_each_path(const char *table,
                         unsigned field,
                         const RevertOptions *o,
                         int (*each)(const RevertOptions *o, const char *path)) {
        _cleanup_(fclosep) FILE *f = fopen(table, "re");
        _cleanup_(freep) char *line = NULL;
        size_t size = 0;

        if (!f)
                return errno == ENOENT ? 0 : -errno;

        while (getline(&line, &size, f) >= 0) {
                char *rest = line, *word = NULL;
                int r;

                for (unsigned i = 0; i <= field; ++i)
                        word = strtok_r(rest, " \t\n", &rest);
                if (!word)
                        continue;
                unescape(word);
                r = each(o, word);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* Below a mount there is a directory, or a file, that cannot be removed while it is mounted. */
static int check_mount(const RevertOptions *o, const char *path) {
        const char *name = below(path, o->target);
        struct stat st;

        if (!name || fstatat(o->source_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return 0;

        return provider_fail(-EBUSY, "something is mounted at '%s', where the shadow copy has nothing; umount(8) "
                             "it first", path);
}

static bool is_root(int fd) {
        struct statx root, target;

        return files_stat(AT_FDCWD, "/", &root) >= 0 && files_stat(fd, "", &target) >= 0 &&
               root.stx_ino == target.stx_ino && files_device(&root) == files_device(&target);
}

static int check_swap(const RevertOptions *o, const char *path) {
        if (!below(path, o->target))
                return 0;

        return provider_fail(-EBUSY, "the swap file '%s' is in use; swapoff(8) ends that", path);
}

static int check_system(const RevertOptions *o) {
        if (is_root(o->target_fd))
                return provider_fail(-EOPNOTSUPP,
                                     "the system runs on it; start another one, and revert it from there");

        return for_each_path("/proc/swaps", 0, o, check_swap);
}

int revert_is_the_systems(const char *target, int target_fd) {
        const RevertOptions o = { .target = target, .target_fd = target_fd };
        int r;

        r = check_system(&o);
        return r == -EOPNOTSUPP || r == -EBUSY ? 1 : r;
}

int revert_check(const RevertOptions *o, bool forced) {
        struct statvfs fs;
        int r;

        r = check_system(o);
        if (r < 0)
                return r;
        if (fstatvfs(o->target_fd, &fs) < 0)
                return -errno;
        if ((fs.f_flag & ST_RDONLY) || (faccessat(o->target_fd, ".", W_OK, AT_EACCESS) < 0 && errno == EROFS))
                return provider_fail(-EROFS, "it is read-only");

        return forced ? 0 : for_each_path("/proc/self/mountinfo", 4, o, check_mount);
}
