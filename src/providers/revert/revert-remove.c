/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Removing What the Source Has Not
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/guid.h"
#include "providers/files/files-stat.h"
#include "providers/revert/revert-internal.h"

char *revert_temporary(char buffer[REVERT_TEMPORARY_MAX]) {
        GUID id;

        guid_generate(&id);
        (void) snprintf(buffer, REVERT_TEMPORARY_MAX, REVERT_TEMPORARY_PREFIX "%s", GUID_TO_STRING(&id));
        return buffer;
}

typedef struct Removal {
        Revert *revert;
        RevertLevel *level;
} Removal;

static int keep(int dir_fd, const char *name, void *userdata) {
        Removal *removal = userdata;
        Revert *r = removal->revert;
        struct statx stx;
        int q;

        q = files_stat(dir_fd, name, &stx);
        if (q < 0)
                return q == -ENOENT ? 0 : q;
        if (revert_is_boundary(r, &stx) || revert_is_own(r, name, &stx) || revert_is_wanted(r, stx.stx_ino))
                return 1;

        q = revert_unlock_level(r, removal->level);
        if (q >= 0)
                q = revert_unlock_at(r, dir_fd, name, &stx);
        if (q < 0)
                return q;
        revert_step(r, "remove");
        return 0;
}

int revert_remove(Revert *r, RevertLevel *l, const char *name) {
        Removal removal = { .revert = r, .level = l };
        int q;

        q = rm_rf_at_except(l->target_fd, name, keep, &removal);
        if (q == 0)
                ++r->work.removed;

        /* Something is mounted in there, in sight of others. */
        return q == -EBUSY ? 1 : q;
}
