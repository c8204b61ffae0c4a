/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * File Specifications
 *
 * Asked for every file of every volume, so nothing here allocates but path_normalise().
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "doc/filespec.h"

/* What '?' stands for: one character, or one byte of a name that is not UTF-8. */
static size_t character_size(const char *s) {
        unsigned char c = (unsigned char) *s;
        size_t n = c >= 0xF0 && c < 0xF8 ? 4 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xC2 && c < 0xE0 ? 2 : 1;

        for (size_t i = 1; i < n; ++i)
                if (((unsigned char) s[i] & 0xC0) != 0x80)
                        return 1;

        return n;
}

bool filespec_match_name(const char *pattern, const char *name) {
        const char *star = NULL, *resume = NULL;

        if (!pattern || strchr(name, '/'))
                return false;

        /* In the Windows API this means every file, with or without a dot. */
        if (strcmp(pattern, "*.*") == 0)
                return true;

        while (*name) {
                if (*pattern == '*') {
                        star = ++pattern;
                        resume = name;
                } else if (*pattern == '?') {
                        ++pattern;
                        name += character_size(name);
                } else if (*pattern == *name) {
                        ++pattern;
                        ++name;
                } else if (star) {
                        /* The last '*' takes one character more. Those before it have nothing to gain. */
                        pattern = star;
                        name = resume += character_size(resume);
                } else
                        return false;
        }

        return pattern[strspn(pattern, "*")] == '\0';
}

static bool is_separator(char c) {
        return c == '/' || c == '\\';
}

/* The next level of *@path that says anything; NULL at the end. Moves *@path behind it. */
static const char *next_level(const char **path, size_t *ret_size) {
        for (;;) {
                const char *level;

                while (is_separator(**path))
                        ++*path;
                if (!**path)
                        return NULL;

                level = *path;
                while (**path && !is_separator(**path))
                        ++*path;

                *ret_size = (size_t) (*path - level);
                if (*ret_size != 1 || *level != '.')
                        return level;
        }
}

static bool is_parent(const char *level, size_t size) {
        return size == 2 && level[0] == '.' && level[1] == '.';
}

/* What of @file lies below @directory, whose spelling is free; NULL when it does not. */
static const char *below(const char *file, const char *directory) {
        const char *level;
        size_t n;

        if (!directory || !is_separator(*directory) || *file != '/')
                return NULL;

        while ((level = next_level(&directory, &n))) {
                if (is_parent(level, n) || strncmp(file + 1, level, n) != 0)
                        return NULL;

                file += 1 + n;
                if (*file != '/')
                        return NULL;
        }

        return file + 1;
}

bool filespec_matches(const DocFileSpec *spec, const char *file) {
        const char *rest, *slash;

        rest = below(file, spec->path);
        if (!rest || !*rest)
                return false;

        slash = strrchr(rest, '/');
        if (slash && !spec->recursive)
                return false;

        return filespec_match_name(spec->filespec, slash ? slash + 1 : rest);
}

int path_normalise(const char *path, char **ret) {
        bool absolute = is_separator(*path);
        const char *level;
        char *normal, *out;
        size_t n;

        normal = out = calloc_checked(strlen(path) + 2, 1);
        if (!normal)
                return -ENOMEM;

        if (absolute)
                *out++ = '/';

        while ((level = next_level(&path, &n))) {
                if (is_parent(level, n)) {
                        free(normal);
                        return -EINVAL;
                }

                if (out > normal && out[-1] != '/')
                        *out++ = '/';
                out = mempcpy(out, level, n);
        }

        /* Neither "" nor "." names a place. */
        if (out == normal) {
                free(normal);
                return -EINVAL;
        }

        *ret = normal;
        return 0;
}

bool path_is_below(const char *path, const char *directory) {
        size_t n = strlen(directory);

        if (n > 0 && directory[n - 1] == '/')
                --n; /* only "/" ends so */

        return strncmp(path, directory, n) == 0 && (path[n] == '\0' || path[n] == '/');
}
