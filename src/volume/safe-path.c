/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Paths That May Lead Nowhere
 */

#include "volume/safe-path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "volume/volume-stack.h"

#define LINKS_MAX 40U /* the kernel's */

typedef struct Walk {
        const MountTable *table;
        char done[PATH_MAX]; /* no links in it; "" is the root */
        char rest[PATH_MAX];
        unsigned n_links;
} Walk;

const Mount *path_untouchable(const MountTable *table, const char *path) {
        const Mount *mount = mount_covering(table, path);

        if (!mount)
                return NULL;

        return mount->class == FS_NETWORK || mount->class == FS_AUTOMOUNT || stack_is_suspended(mount->fs_dev) ? mount :
                                                                                                                NULL;
}

/* Takes the first component off what is left; false when there is none. */
static bool walk_next(Walk *w, char name[static NAME_MAX + 1], int *ret_error) {
        char *rest = w->rest + strspn(w->rest, "/");
        size_t n = strcspn(rest, "/");

        if (n > NAME_MAX) {
                *ret_error = -ENAMETOOLONG;
                return false;
        }

        *(char *) mempcpy(name, rest, n) = '\0';
        (void) memmove(w->rest, rest + n, strlen(rest + n) + 1);
        return n > 0;
}

static int walk_append(Walk *w, const char *name) {
        size_t n = strlen(w->done);

        return snprintf(w->done + n, sizeof(w->done) - n, "/%s", name) >= (int) (sizeof(w->done) - n) ? -ENAMETOOLONG : 0;
}

static void walk_up(Walk *w) {
        char *slash = strrchr(w->done, '/');

        if (slash)
                *slash = '\0';
}

/* Below an automount point something may be mounted already: straight to there. */
static bool walk_leap(Walk *w, const Mount *untouchable) {
        char text[2 * PATH_MAX];
        const Mount *below;
        const char *rest;

        (void) snprintf(text, sizeof(text), "%s%s", w->done, w->rest);
        below = mount_covering(w->table, text);
        if (untouchable->class != FS_AUTOMOUNT || !below || path_untouchable(w->table, text) ||
            strlen(below->target) < strlen(w->done))
                return false;

        rest = path_below(text, below->target);
        (void) snprintf(w->rest, sizeof(w->rest), "%s", rest);
        (void) snprintf(w->done, sizeof(w->done), "%s", below->target);
        return true;
}

/* @target stands in the place of the last component. */
static int walk_follow(Walk *w, const char *target) {
        char rest[PATH_MAX];

        if (++w->n_links > LINKS_MAX)
                return -ELOOP;
        if (snprintf(rest, sizeof(rest), "%s%s", target, w->rest) >= (int) sizeof(rest))
                return -ENAMETOOLONG;

        if (target[0] == '/')
                w->done[0] = '\0';
        else
                walk_up(w);
        (void) strcpy(w->rest, rest);
        return 0;
}

static int walk_step(Walk *w, const char *name, const Mount **ret_mount) {
        char target[PATH_MAX];
        const Mount *mount;
        ssize_t n;
        int r;

        if (strcmp(name, ".") == 0)
                return 0;
        if (strcmp(name, "..") == 0) {
                walk_up(w);
                return 0;
        }

        r = walk_append(w, name);
        if (r < 0)
                return r;

        mount = path_untouchable(w->table, w->done);
        if (mount) {
                if (walk_leap(w, mount))
                        return 0;
                *ret_mount = mount;
                return -EREMOTE;
        }

        n = readlink(w->done, target, sizeof(target) - 1);
        if (n < 0)
                return errno == EINVAL ? 0 : -errno;

        target[n] = '\0';
        return walk_follow(w, target);
}

int path_resolve(const MountTable *table, const char *path, char **ret, const Mount **ret_mount) {
        _cleanup_(freep) Walk *w = NULL;
        char name[NAME_MAX + 1];
        const Mount *mount = NULL;
        int r = 0;

        if (*path != '/')
                return -EINVAL;
        if (strlen(path) >= PATH_MAX)
                return -ENAMETOOLONG;

        w = calloc_checked(1, sizeof(*w));
        if (!w)
                return -ENOMEM;

        w->table = table;
        (void) strcpy(w->rest, path);
        while (r == 0 && walk_next(w, name, &r))
                r = walk_step(w, name, &mount);
        if (r < 0) {
                if (ret_mount)
                        *ret_mount = mount;
                return r;
        }

        return strdup_to(w->done[0] != '\0' ? w->done : "/", ret);
}
