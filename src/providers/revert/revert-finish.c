/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Second Pass: What Is Left
 *
 * From the bottom up, because whatever is done in a directory moves its times. Every file has its place, so
 * what the source has not is needed by nobody.
 */

#include <errno.h>
#include <unistd.h>

#include "providers/files/files-meta.h"
#include "providers/files/files-stat.h"
#include "providers/revert/revert-internal.h"

/* What is umbra's is left as a matter of course; what else is, people should know. */
static int remove_extra(Revert *r, RevertLevel *l, const char *name) {
        struct statx stx;
        int q;

        if (files_stat(l->target_fd, name, &stx) >= 0 && revert_is_own(r, name, &stx))
                return 0;

        q = revert_remove(r, l, name);
        if (q == 1)
                ++r->work.kept;
        return q < 0 ? revert_failed(r, l, name, q) : 0;
}

static int finish_metadata(Revert *r, RevertLevel *l) {
        const FilesNode from = { .fd = l->source_fd }, to = { .fd = l->target_fd };
        struct statx source, target;
        int q;

        q = files_stat(l->source_fd, "", &source);
        if (q >= 0)
                q = files_stat(l->target_fd, "", &target);
        if (q < 0)
                return q;

        if (!revert_is_proven(r, &source, &target)) {
                q = files_has_metadata(&from, &to, &source, &target);
                if (q < 0)
                        return q;
                if (q == 0) {
                        q = revert_unlock(r, l->target_fd, &target);
                        if (q < 0)
                                return q;
                        revert_step(r, "directory");
                        q = files_copy_metadata(&from, &to, &source, source.stx_mode, &r->work.lost);
                        if (q < 0)
                                return q;
                }
        }

        return revert_relock(r, l->target_fd, l->source_fd, target.stx_ino);
}

static int leave(Revert *r, RevertLevel *l) {
        int q;

        q = revert_for_each_extra(r, l, remove_extra);
        if (q < 0)
                return q;
        q = finish_metadata(r, l);
        if (q < 0)
                q = revert_failed(r, l, NULL, q);
        revert_tell(r, l, 1, 1, 0, 0);
        return q;
}

const RevertVisitor revert_finish = { .leave = leave };
