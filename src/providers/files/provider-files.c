/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Files Providers
 */

#include "providers/files/provider-files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "provider/provider-builtin.h"
#include "provider/provider-measure.h"
#include "provider/provider-mount.h"
#include "providers/files/files-place.h"
#include "providers/files/files-plan.h"
#include "providers/files/files-store.h"
#include "providers/revert/revert.h"

static int reflink_probe(const ProviderEnv *env, const char *volume, int volume_fd, ProviderProbe *ret) {
        _cleanup_(closep) int parent_fd = -EBADF;
        int r;

        r = files_plan_reflink_parent(volume_fd, &parent_fd);
        if (r < 0)
                return -EOPNOTSUPP;
        if (!files_can_clone(parent_fd))
                return -EOPNOTSUPP;

        *ret = (ProviderProbe){
                .flags = PROVIDER_FORBIDS_HOLD | PROVIDER_HAS_PRE_COMMIT,
                .consistency = PROVIDER_CONSISTENCY_FUZZY,
                .consistency_held = PROVIDER_CONSISTENCY_FUZZY,
                .attributes = VSS_VOLSNAP_ATTR_DIFFERENTIAL,
        };
        return 0;
}

/* Whether directory @fd is umbra's own store, or in it: it cannot be copied into itself. */
static int is_in_store(const ProviderEnv *env, int fd) {
        _cleanup_(closep) int here = -EBADF;
        _cleanup_(freep) char *store = NULL;
        struct stat st, above, wanted;
        int next, r;

        r = format_to(&store, "%s/store", env->state_dir);
        if (r < 0)
                return r;
        if (stat(store, &wanted) < 0)
                return 0;

        here = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (here < 0 || fstat(here, &st) < 0)
                return -errno;

        for (;;) {
                if (st.st_dev == wanted.st_dev && st.st_ino == wanted.st_ino)
                        return 1;

                next = openat(here, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (next < 0)
                        return errno == EACCES ? 0 : -errno;
                (void) fd_close(here);
                here = next;

                above = st;
                if (fstat(here, &st) < 0)
                        return -errno;
                if (st.st_dev == above.st_dev && st.st_ino == above.st_ino)
                        return 0;
        }
}

static int copy_probe(const ProviderEnv *env, const char *volume, int volume_fd, ProviderProbe *ret) {
        _cleanup_(closep) int place_fd = -EBADF;
        bool may_hold;
        int r;

        r = is_in_store(env, volume_fd);
        if (r != 0)
                return r < 0 ? r : -EOPNOTSUPP;

        r = files_plan_copy_place(env, &place_fd);
        if (r < 0)
                return r;

        may_hold = !place_writes_to(place_fd, volume_fd);
        *ret = (ProviderProbe){
                .flags = (may_hold ? PROVIDER_WANTS_HOLD : PROVIDER_FORBIDS_HOLD) | PROVIDER_HAS_PRE_COMMIT,
                .consistency = PROVIDER_CONSISTENCY_FUZZY,
                .consistency_held = may_hold ? PROVIDER_CONSISTENCY_CRASH : PROVIDER_CONSISTENCY_FUZZY,
                .attributes = VSS_VOLSNAP_ATTR_PLEX,
        };
        return 0;
}

/* Where the files of the copies are. */
static int files_trees(char *const *notes, char ***ret) {
        _cleanup_(strv_freep) char **trees = NULL;

        for (char *const *note = notes; *note; ++note) {
                _cleanup_(files_plan_done) FilesPlan plan = { 0 };
                char *path = NULL;
                int r;

                r = files_plan_from_note(*note, &plan);
                if (r < 0)
                        return provider_fail(r, "the note '%s' cannot be read", *note);

                r = files_store_tree_path(&plan, &path);
                if (r >= 0)
                        r = strv_consume(&trees, path);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(trees);
        return 0;
}

/* What is not written yet has no place on the disk, and shares it still. */
static int reflink_usage(const ProviderEnv *env,
                         const char *volume,
                         int volume_fd,
                         char *const *notes,
                         ProviderUsage *ret) {
        _cleanup_(strv_freep) char **trees = NULL;
        ProviderUsage usage = { 0 };
        int r;

        r = files_trees(notes, &trees);
        if (r >= 0 && trees && volume_fd >= 0 && syncfs(volume_fd) < 0)
                r = -errno;
        if (r >= 0 && trees)
                r = provider_measure_clones(trees, volume_fd >= 0 ? volume : NULL, FILES_SHADOW_NAME, &usage.used);
        if (r >= 0)
                r = strdup_to(volume, &usage.place);
        if (r < 0)
                return r;

        usage.allocated = usage.used;
        *ret = usage;
        return 0;
}

static int copy_usage(const ProviderEnv *env,
                      const char *volume,
                      int volume_fd,
                      char *const *notes,
                      ProviderUsage *ret) {
        _cleanup_(strv_freep) char **trees = NULL;
        ProviderUsage usage = { 0 };
        int r;

        r = files_trees(notes, &trees);
        STRV_FOREACH(tree, trees)
                if (r >= 0)
                        r = provider_measure(*tree, &usage.used);
        if (r >= 0)
                r = strdup_to(env->state_dir, &usage.place);
        if (r < 0)
                return r;

        usage.allocated = usage.used;
        *ret = usage;
        return 0;
}

static int reflink_plan(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        _cleanup_(files_plan_done) FilesPlan plan = { 0 };
        int r;

        r = files_plan_reflink(env, s, &plan);
        return r < 0 ? r : files_plan_to_note(&plan, ret_note);
}

static int copy_plan(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        _cleanup_(files_plan_done) FilesPlan plan = { 0 };
        int r;

        r = files_plan_copy(env, s, &plan);
        return r < 0 ? r : files_plan_to_note(&plan, ret_note);
}

static int read_plan(const ProviderSnapshot *s, FilesPlan *ret) {
        int r;

        r = files_plan_from_note(s->note, ret);
        return r == -EBADMSG ? provider_fail(r, "its note cannot be read") : r;
}

static void files_release(ProviderSnapshot *s) {
        s->data = files_ahead_free(s->data);
}

static int files_prepare(const ProviderEnv *env, ProviderSnapshot *s) {
        _cleanup_(files_plan_done) FilesPlan plan = { 0 };
        FilesAhead *ahead;
        int r;

        r = read_plan(s, &plan);
        if (r < 0)
                return r;

        r = files_ahead_new(env, s, &plan, &ahead);
        if (r < 0)
                return r;

        files_release(s);
        s->data = ahead;
        return files_ahead_prepare(ahead);
}

static int files_pre_commit(const ProviderEnv *env, ProviderSnapshot *s) {
        return s->data ? files_ahead_catch_up(s->data) : -EINVAL;
}

/* Held or not, it does the same: whether it may be held has been said by probe(). */
static int files_commit(const ProviderEnv *env, ProviderSnapshot *s, bool held) {
        if (!s->data)
                return -EINVAL;

        return files_ahead_commit(s->data);
}

static int files_surface(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_device) {
        _cleanup_(files_plan_done) FilesPlan plan = { 0 };
        _cleanup_(freep) char *path = NULL;
        int r;

        r = read_plan(s, &plan);
        if (r < 0)
                return r;

        r = files_store_finish(&plan);
        if (r < 0)
                return r;

        r = files_store_tree_path(&plan, &path);
        if (r < 0)
                return r;

        if (s->data)
                files_ahead_report(s->data);

        if (env->privileged)
                return provider_shadow_bind(env, &s->id, path, ret_device);

        *ret_device = TAKE_PTR(path);
        return 0;
}

static int files_discard(const ProviderEnv *env, const ProviderSnapshot *s) {
        _cleanup_(files_plan_done) FilesPlan plan = { 0 };
        int r;

        r = read_plan(s, &plan);
        if (r < 0)
                return r;

        r = provider_shadow_remove(env, &s->id);
        if (r < 0)
                return r;

        return files_store_remove(&plan);
}

/* What was copied as a directory is one that can be written to. */
static int files_break_off(const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags) {
        _cleanup_(files_plan_done) FilesPlan plan = { 0 };
        int r;

        r = provider_check_identity(s, flags);
        if (r >= 0)
                r = read_plan(s, &plan);
        return r < 0 ? r : files_store_give(&plan);
}

static int open_copy(const ProviderEnv *env, const ProviderSnapshot *s, RevertOptions *options) {
        _cleanup_(files_plan_done) FilesPlan plan = { 0 };
        int fd, r;

        r = read_plan(s, &plan);
        if (r < 0)
                return r;
        fd = files_store_open_tree(&plan);
        if (fd < 0)
                return provider_fail(fd, "its copy in '%s/%s' has gone: %m", plan.parent, plan.store);

        if (strcmp(s->volume, options->target) == 0)
                options->proven = revert_proven_by_copy(fd, options->target_fd);
        options->source_fd = fd;
        return 0;
}

static int files_may_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, char **ret_how) {
        return revert_may(env, s, v, open_copy);
}

static int files_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v) {
        return revert_in_place(env, s, v, open_copy);
}

static int import(const ProviderEnv *env, const ProviderSnapshot *s, bool reflink, char **ret_note) {
        _cleanup_(files_plan_done) FilesPlan plan = { 0 };
        int r;

        r = files_plan_arrived(env, s, reflink, &plan);
        return r < 0 ? r : files_plan_to_note(&plan, ret_note);
}

static int reflink_import(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        return import(env, s, true, ret_note);
}

static int copy_import(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        return import(env, s, false, ret_note);
}

const FilesStatistics *provider_files_statistics(const ProviderSnapshot *s) {
        return s->data ? files_ahead_statistics(s->data) : NULL;
}

const ProviderOps provider_files_reflink_ops = {
        PROVIDER_IDENTITY_FILES_REFLINK,
        .probe = reflink_probe,
        .usage = reflink_usage,
        .plan = reflink_plan,
        .prepare = files_prepare,
        .pre_commit = files_pre_commit,
        .commit = files_commit,
        .surface = files_surface,
        .discard = files_discard,
        .may_revert = files_may_revert,
        .revert = files_revert,
        .import = reflink_import,
        .break_off = files_break_off,
        .release = files_release,
};

const ProviderOps provider_files_copy_ops = {
        PROVIDER_IDENTITY_FILES_COPY,
        .probe = copy_probe,
        .usage = copy_usage,
        .plan = copy_plan,
        .prepare = files_prepare,
        .pre_commit = files_pre_commit,
        .commit = files_commit,
        .surface = files_surface,
        .discard = files_discard,
        .may_revert = files_may_revert,
        .revert = files_revert,
        .import = copy_import,
        .break_off = files_break_off,
        .release = files_release,
};
