/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whose Is a File?
 */

#include "tools/restore-owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/alloc.h"
#include "base/strv.h"

/* Where the files of some components begin. */
typedef struct Beginning {
        UT_hash_handle hh;
        Chosen **chosen; /* in their order */
        size_t n, capacity;
        char path[];
} Beginning;

struct RestoreOwners {
        Beginning *beginnings;
};

static int owners_add(RestoreOwners *o, const char *path, Chosen *c) {
        size_t length = strlen(path);
        Beginning *b;
        int r;

        HASH_FIND(hh, o->beginnings, path, length, b);
        if (!b) {
                b = calloc_checked(1, sizeof(*b) + length + 1);
                if (!b)
                        return -ENOMEM;

                memcpy(b->path, path, length + 1);
                HASH_ADD_KEYPTR(hh, o->beginnings, b->path, length, b);
        }
        if (b->n > 0 && b->chosen[b->n - 1] == c)
                return 0;

        r = ARRAY_RESERVE(b->chosen, b->capacity, b->n + 1);
        if (r == 0)
                b->chosen[b->n++] = c;
        return r;
}

static int owners_add_set(RestoreOwners *o, const FileSet *set, Chosen *c) {
        _cleanup_(strv_freep) char **roots = NULL;
        int r;

        r = file_set_roots(set, &roots);
        STRV_FOREACH(root, roots)
                if (r == 0)
                        r = owners_add(o, *root, c);
        return r;
}

int restore_owners_new(Chosen *chosen, size_t n, RestoreOwners **ret) {
        _cleanup_(restore_owners_freep) RestoreOwners *o = calloc_checked(1, sizeof(*o));
        int r = 0;

        if (!o)
                return -ENOMEM;

        for (size_t i = 0; i < n; ++i) {
                r = owners_add_set(o, chosen[i].files, &chosen[i]);
                if (r == 0)
                        r = owners_add_set(o, chosen[i].extra, &chosen[i]);
                STRV_FOREACH(file, chosen[i].ranges_files)
                        if (r == 0)
                                r = owners_add(o, *file, &chosen[i]);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(o);
        return 0;
}

RestoreOwners *restore_owners_free(RestoreOwners *o) {
        Beginning *b, *next;

        if (!o)
                return NULL;

        HASH_ITER(hh, o->beginnings, b, next) {
                HASH_DEL(o->beginnings, b);
                free(b->chosen);
                free(b);
        }
        free(o);
        return NULL;
}

static bool has(const Chosen *c, const char *path, bool directory) {
        FileSetView view;

        if (!directory)
                return file_set_contains(c->files, path) || file_set_contains(c->extra, path) ||
                       strv_contains(c->ranges_files, path);

        file_set_view(c->files, path, &view);
        return file_set_view_is_member(&view);
}

/* The first one before @best that has it. */
static Chosen *beginning_find(const Beginning *b, const char *path, bool directory, Chosen *best) {
        for (size_t i = 0; i < b->n && (!best || b->chosen[i] < best); ++i)
                if (has(b->chosen[i], path, directory))
                        return b->chosen[i];

        return best;
}

Chosen *restore_owners_find(const RestoreOwners *o, const char *path, bool directory) {
        Chosen *best = NULL;

        for (size_t n = strlen(path); n > 0;) {
                Beginning *b;

                HASH_FIND(hh, o->beginnings, path, n, b);
                if (b)
                        best = beginning_find(b, path, directory, best);

                if (n == 1)
                        break;
                do
                        --n;
                while (n > 0 && path[n] != '/');
                n = MAX(n, (size_t) 1); /* "/" itself */
        }

        return best;
}
