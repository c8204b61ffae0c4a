/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Lies on a Volume
 *
 * Links are followed, because applications name their data as they like. A mount further down is another
 * volume, which the device number tells; what cannot be looked at is decided by its name, and then rather
 * too much counts than too little.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "doc/filespec.h"
#include "writer/writer-internal.h"

/* The length of the name in "%NAME%…"; 0 when that is not how @s begins. */
static size_t variable_length(const char *s) {
        const char *end = *s == '%' ? strchr(s + 1, '%') : NULL;

        return end ? (size_t) (end - s - 1) : 0;
}

int path_expand(const char *path, char **ret) {
        _cleanup_(freep) char *whole = NULL;
        int r;

        r = strdup_to("", &whole);
        for (const char *s = path; *s && r >= 0;) {
                size_t n = variable_length(s), plain = 1 + strcspn(s + 1, "%");
                _cleanup_(freep) char *name = n > 0 ? strndup(s + 1, n) : NULL;
                const char *value = name ? getenv(name) : NULL;
                char *longer;

                r = value ? format_to(&longer, "%s%s", whole, value) : format_to(&longer, "%s%.*s", whole, (int) plain, s);
                if (r < 0)
                        return r;
                free(whole);
                whole = longer;
                s += value ? n + 2 : plain;
        }
        if (r >= 0)
                *ret = TAKE_PTR(whole);
        return r;
}

/* The longest part of @path that exists, as it is really called; *ret_rest is what follows it. NULL: not
 * even a part. */
static char *path_real_part(const char *path, const char **ret_rest) {
        _cleanup_(freep) char *part = strdup(path);
        char *real;

        for (size_t n = part ? strlen(part) : 0; n > 0; --n) {
                if (path[n] != '\0' && path[n] != '/')
                        continue;
                part[n] = '\0';
                real = realpath(part, NULL);
                if (real) {
                        *ret_rest = path + n;
                        return real;
                }
        }
        return NULL;
}

int path_real(const char *path, char **ret) {
        _cleanup_(freep) char *real = NULL;
        const char *rest = NULL;

        real = path_real_part(path, &rest);
        if (!real)
                return strdup_to(path, ret);
        if (*rest == '\0') {
                *ret = TAKE_PTR(real);
                return 0;
        }
        return format_to(ret, "%s%s", strcmp(real, "/") == 0 ? "" : real, rest);
}

/* The device of the directory that @path is in, or is: files of an overlay have numbers of their own. */
static bool directory_device(char *path, dev_t *ret) {
        struct stat st;
        char *slash;

        if (stat(path, &st) < 0)
                return false;
        slash = strrchr(path, '/');
        if (!S_ISDIR(st.st_mode) && slash && slash > path) {
                *slash = '\0';
                if (stat(path, &st) < 0)
                        return false;
        }
        *ret = st.st_dev;
        return true;
}

bool path_is_on_volume(const char *path, const char *volume) {
        _cleanup_(freep) char *real = NULL, *whole = NULL;
        const char *rest = NULL;
        struct stat volume_st;
        dev_t device;

        real = path_real_part(path, &rest);
        if (!real)
                return path_is_below(path, volume);
        if (format_to(&whole, "%s%s", strcmp(real, "/") == 0 ? "" : real, rest) < 0 || !path_is_below(whole, volume))
                return false;
        return !directory_device(real, &device) || stat(volume, &volume_st) < 0 || device == volume_st.st_dev;
}
