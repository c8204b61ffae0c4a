/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * String Vectors
 *
 * Short lists of names: arguments, excludes, volumes. They carry no count, so appending walks them; what may
 * have ten thousand entries is an array of its own (see array_reserve()).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"

char **strv_free(char **v) {
        if (!v)
                return NULL;

        for (char **s = v; *s; ++s)
                free(*s);

        free(v);
        return NULL;
}

size_t strv_length(char *const *v) {
        size_t n = 0;

        STRV_FOREACH(s, v)
                ++n;

        return n;
}

int strv_consume(char ***v, char *s) {
        size_t n = strv_length(*v);
        char **bigger;

        bigger = realloc_checked(*v, n + 2, sizeof(char *));
        if (!bigger) {
                free(s);
                return -ENOMEM;
        }

        bigger[n] = s;
        bigger[n + 1] = NULL;
        *v = bigger;
        return 0;
}

int strv_append(char ***v, const char *s) {
        char *copy;
        int r;

        assert(s);

        r = strdup_to(s, &copy);
        if (r < 0)
                return r;

        return strv_consume(v, copy);
}

int strv_copy(char *const *v, char ***ret) {
        _cleanup_(strv_freep) char **copy = NULL;
        size_t n = strv_length(v);
        int r;

        if (n > 0) {
                copy = calloc_checked(n + 1, sizeof(char *));
                if (!copy)
                        return -ENOMEM;
        }

        for (size_t i = 0; i < n; ++i) {
                r = strdup_to(v[i], &copy[i]);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(copy);
        return 0;
}

bool strv_contains(char *const *v, const char *s) {
        STRV_FOREACH(t, v)
                if (strcmp(*t, s) == 0)
                        return true;

        return false;
}

static int compare_strings(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

void strv_sort(char **v) {
        if (v)
                qsort(v, strv_length(v), sizeof(char *), compare_strings);
}

int strv_split(const char *s, const char *separators, char ***ret) {
        _cleanup_(strv_freep) char **v = NULL;
        int r;

        for (s += strspn(s, separators); *s; s += strspn(s, separators)) {
                size_t n = strcspn(s, separators);
                char *field;

                field = calloc_checked(n + 1, 1);
                if (!field)
                        return -ENOMEM;

                memcpy(field, s, n);

                r = strv_consume(&v, field);
                if (r < 0)
                        return r;

                s += n;
        }

        *ret = TAKE_PTR(v);
        return 0;
}

char *strv_join(char *const *v, const char *separator) {
        size_t size = 1, n_separator = strlen(separator);
        char *joined, *end;

        STRV_FOREACH(s, v)
                size += strlen(*s) + n_separator; /* one separator too many is cheaper than a special case */

        joined = calloc_checked(size, 1);
        if (!joined)
                return NULL;

        end = joined;
        STRV_FOREACH(s, v) {
                if (s != v)
                        end = stpcpy(end, separator);
                end = stpcpy(end, *s);
        }

        return joined;
}
