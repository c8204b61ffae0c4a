/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Many Paths
 */

#include "tools/restore-paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/alloc.h"

typedef struct Path {
        UT_hash_handle hh;
        bool directory;
        char path[];
} Path;

struct RestorePaths {
        Path *paths;
};

int restore_paths_new(RestorePaths **ret) {
        *ret = calloc_checked(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

RestorePaths *restore_paths_free(RestorePaths *p) {
        Path *path, *next;

        if (!p)
                return NULL;

        HASH_ITER(hh, p->paths, path, next) {
                HASH_DEL(p->paths, path);
                free(path);
        }
        free(p);
        return NULL;
}

static Path *find(const RestorePaths *p, const char *path) {
        Path *found = NULL;

        HASH_FIND_STR(p->paths, path, found);
        return found;
}

int restore_paths_add(RestorePaths *p, const char *path, bool directory) {
        Path *added;

        if (find(p, path))
                return 0;

        added = realloc_checked(NULL, sizeof(*added) + strlen(path) + 1, 1);
        if (!added)
                return -ENOMEM;

        added->directory = directory;
        strcpy(added->path, path);
        HASH_ADD_STR(p->paths, path, added);
        return 0;
}

bool restore_paths_have(const RestorePaths *p, const char *path) {
        return find(p, path);
}

int restore_paths_add_all(RestorePaths *p, const RestorePaths *other) {
        int r = 0;

        for (const Path *path = other->paths; path && r == 0; path = path->hh.next)
                r = restore_paths_add(p, path->path, path->directory);

        return r;
}

int restore_paths_for_each(const RestorePaths *p,
                           bool backwards,
                           int (*f)(const char *path, bool directory, void *userdata),
                           void *userdata) {
        const Path *path = p->paths;
        int r = 0;

        if (backwards && path)
                path = ELMT_FROM_HH(path->hh.tbl, path->hh.tbl->tail);

        for (; path && r == 0; path = backwards ? path->hh.prev : path->hh.next)
                r = f(path->path, path->directory, userdata);

        return r;
}
