/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * File Sets
 */

#include <errno.h>
#include <string.h>

#include <uthash.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "tools/file-set.h"

typedef struct FilePattern {
        char *text;
        bool recursive, exclude;
} FilePattern;

typedef struct FileSetDirectory {
        char *path;
        FilePattern *names, *patterns; /* @names are literal, sorted when @sorted */
        size_t n_names, names_capacity, n_patterns, patterns_capacity;
        bool sorted, includes, recursive; /* something is wanted here; and below */
        UT_hash_handle hh;
} FileSetDirectory;

struct FileSet {
        FileSetDirectory *directories;
};

int file_set_new(FileSet **ret) {
        FileSet *s = calloc_checked(1, sizeof(*s));

        if (!s)
                return -ENOMEM;

        *ret = s;
        return 0;
}

static void directory_free(FileSetDirectory *d) {
        for (size_t i = 0; i < d->n_names; ++i)
                free(d->names[i].text);
        for (size_t i = 0; i < d->n_patterns; ++i)
                free(d->patterns[i].text);
        free(d->names);
        free(d->patterns);
        free(d->path);
        free(d);
}

FileSet *file_set_free(FileSet *s) {
        FileSetDirectory *d, *next;

        if (!s)
                return NULL;

        HASH_ITER(hh, s->directories, d, next) {
                HASH_DEL(s->directories, d);
                directory_free(d);
        }

        free(s);
        return NULL;
}

static bool is_separator(char c) {
        return c == '/' || c == '\\';
}

int file_set_normalise(const char *path, char **ret) {
        _cleanup_(freep) char *normal = NULL;
        char *out;

        if (!path || !is_separator(*path))
                return -EINVAL;

        out = normal = calloc_checked(strlen(path) + 2, 1);
        if (!normal)
                return -ENOMEM;

        while (*path) {
                size_t n = 0;

                while (is_separator(*path))
                        ++path;
                while (path[n] && !is_separator(path[n]))
                        ++n;

                if (n == 2 && path[0] == '.' && path[1] == '.')
                        return -EINVAL;
                if (n > 0 && !(n == 1 && path[0] == '.')) {
                        *out++ = '/';
                        out = mempcpy(out, path, n);
                }

                path += n;
        }

        if (out == normal)
                *out = '/';

        *ret = TAKE_PTR(normal);
        return 0;
}

bool path_is_below(const char *path, const char *directory) {
        size_t n = strlen(directory);

        if (n == 1) /* "/" */
                return true;

        return strncmp(path, directory, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* What '?' stands for: one character, or one byte of a name that is not UTF-8. */
static size_t character_size(const char *s) {
        unsigned char c = (unsigned char) *s;
        size_t n = c >= 0xF0 && c < 0xF8 ? 4 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xC2 && c < 0xE0 ? 2 : 1;

        for (size_t i = 1; i < n; ++i)
                if (((unsigned char) s[i] & 0xC0) != 0x80)
                        return 1;

        return n;
}

static bool pattern_matches(const char *pattern, const char *name) {
        const char *star = NULL, *resume = NULL;

        while (*name)
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

        return pattern[strspn(pattern, "*")] == '\0';
}

static int find_or_add(FileSet *s, const char *directory, FileSetDirectory **ret) {
        _cleanup_(freep) char *path = NULL;
        FileSetDirectory *d;
        int r;

        r = file_set_normalise(directory, &path);
        if (r < 0)
                return r;

        HASH_FIND_STR(s->directories, path, d);
        if (!d) {
                d = calloc_checked(1, sizeof(*d));
                if (!d)
                        return -ENOMEM;

                d->path = TAKE_PTR(path);
                HASH_ADD_KEYPTR(hh, s->directories, d->path, strlen(d->path), d);
        }

        *ret = d;
        return 0;
}

static int add_pattern(FileSet *s,
                       const char *directory,
                       const char *text,
                       bool literal,
                       bool recursive,
                       bool exclude) {
        FilePattern pattern = { .recursive = recursive, .exclude = exclude };
        FileSetDirectory *d;
        int r;

        r = find_or_add(s, directory, &d);
        if (r < 0)
                return r;

        r = literal ? ARRAY_RESERVE(d->names, d->names_capacity, d->n_names + 1)
                    : ARRAY_RESERVE(d->patterns, d->patterns_capacity, d->n_patterns + 1);
        if (r == 0)
                r = strdup_to(text, &pattern.text);
        if (r < 0)
                return r;

        if (literal)
                d->names[d->n_names++] = pattern;
        else
                d->patterns[d->n_patterns++] = pattern;

        d->sorted = false;
        if (!exclude) {
                d->includes = true;
                d->recursive = d->recursive || recursive;
        }

        return 0;
}

static int add(FileSet *s, const char *directory, const char *pattern, bool recursive, bool exclude) {
        /* In the Windows API this means every file, with or without a dot. */
        if (!pattern || !*pattern || strcmp(pattern, "*.*") == 0)
                pattern = "*";
        if (strchr(pattern, '/'))
                return -EINVAL;

        return add_pattern(s, directory, pattern, !strpbrk(pattern, "*?"), recursive, exclude);
}

int file_set_add(FileSet *s, const char *directory, const char *pattern, bool recursive) {
        return add(s, directory, pattern, recursive, false);
}

int file_set_add_literal(FileSet *s, const char *directory, const char *name) {
        return add_pattern(s, directory, name, true, false, false);
}

int file_set_exclude(FileSet *s, const char *directory, const char *pattern, bool recursive) {
        return add(s, directory, pattern, recursive, true);
}

bool file_set_is_empty(const FileSet *s) {
        for (const FileSetDirectory *d = s->directories; d; d = d->hh.next)
                if (d->includes)
                        return false;

        return true;
}

static int compare_patterns(const void *a, const void *b) {
        return strcmp(((const FilePattern *) a)->text, ((const FilePattern *) b)->text);
}

/* Sorting late makes adding cheap; what is sorted does not show. */
static void directory_sort(FileSetDirectory *d) {
        if (!d->sorted && d->n_names > 1)
                qsort(d->names, d->n_names, sizeof(*d->names), compare_patterns);

        d->sorted = true;
}

/* The directory above: its length in @path; 0 above "/". */
static size_t parent_length(const char *path, size_t length) {
        if (length <= 1)
                return 0;

        do
                --length;
        while (path[length] != '/');

        return MAX(length, (size_t) 1);
}

void file_set_view(const FileSet *s, const char *directory, FileSetView *ret) {
        size_t length = strlen(directory);

        ret->n_levels = 0;
        ret->own = ret->recursive = false;

        for (size_t n = length; n > 0 && ret->n_levels < FILE_SET_DEPTH_MAX;
             n = parent_length(directory, n)) {
                FileSetDirectory *d;

                HASH_FIND(hh, s->directories, directory, n, d);
                if (!d)
                        continue;

                directory_sort(d);
                if (n == length)
                        ret->own = true;
                ret->levels[ret->n_levels++] = d;
                ret->recursive = ret->recursive || d->recursive;
        }
}

/* Sets *@included when it is wanted; true when it is excluded. */
static bool level_excludes(const FileSetDirectory *d, const char *name, bool own, bool *included) {
        FilePattern key = { .text = (char *) (uintptr_t) name };
        const FilePattern *found = NULL;

        if (d->n_names > 0)
                found = bsearch(&key, d->names, d->n_names, sizeof(*d->names), compare_patterns);

        /* One name may have been said several times. */
        while (found && found > d->names && strcmp(found[-1].text, name) == 0)
                --found;
        for (; found && found < d->names + d->n_names && strcmp(found->text, name) == 0; ++found)
                if (own || found->recursive) {
                        if (found->exclude)
                                return true;
                        *included = true;
                }

        for (const FilePattern *p = d->patterns; p < d->patterns + d->n_patterns; ++p) {
                if (!(own || p->recursive) || (*included && !p->exclude) || !pattern_matches(p->text, name))
                        continue;
                if (p->exclude)
                        return true;
                *included = true;
        }

        return false;
}

bool file_set_view_matches(const FileSetView *v, const char *name) {
        bool included = false;

        for (size_t i = 0; i < v->n_levels; ++i)
                if (level_excludes(v->levels[i], name, v->own && i == 0, &included))
                        return false;

        return included;
}

bool file_set_view_is_member(const FileSetView *v) {
        return v->recursive || (v->own && v->levels[0]->includes);
}

bool file_set_contains(const FileSet *s, const char *path) {
        _cleanup_(freep) char *directory = NULL;
        const char *slash = strrchr(path, '/');
        FileSetView view;

        if (!slash || strdup_to(path, &directory) < 0)
                return false;

        directory[MAX(slash - path, 1)] = '\0';
        file_set_view(s, directory, &view);
        return file_set_view_matches(&view, slash + 1);
}

/* Would it be reached from a directory above? */
static bool is_covered(const FileSet *s, const FileSetDirectory *directory) {
        const char *path = directory->path;

        for (size_t n = parent_length(path, strlen(path)); n > 0; n = parent_length(path, n)) {
                FileSetDirectory *d;

                HASH_FIND(hh, s->directories, path, n, d);
                if (d && d->recursive)
                        return true;
        }

        return false;
}

int file_set_roots(const FileSet *s, char ***ret) {
        _cleanup_(strv_freep) char **roots = NULL;
        int r;

        for (const FileSetDirectory *d = s->directories; d; d = d->hh.next)
                if (d->includes && !is_covered(s, d)) {
                        r = strv_append(&roots, d->path);
                        if (r < 0)
                                return r;
                }

        strv_sort(roots);
        *ret = TAKE_PTR(roots);
        return 0;
}
