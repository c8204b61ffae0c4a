/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Making One Tree What Another Is
 *
 * The target is worked on through a private mount of it, where we may make one: without the mounts in it, so
 * that what lies under them is reverted as well, and without access times.
 */

#include "providers/revert/revert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/time-util.h"
#include "base/utf.h"
#include "providers/btrfs/btrfs-ioctl.h"
#include "providers/files/files-plan.h"
#include "providers/files/files-stat.h"
#include "providers/revert/revert-internal.h"

#define MARGIN_NSEC INT64_C(2000000000) /* a write() stamps the file first and is taken to last that long */
#define PLACED 950U                     /* of 1000, when the first pass is over */
#define FINISHED 990U

void revert_step(Revert *r, const char *what) {
        if (r->options->step)
                r->options->step(what, r->options->userdata);
}

int revert_path(const Revert *r, const RevertLevel *l, const char *name, char **ret) {
        size_t n = name ? strlen(name) : 0, used = 0;
        char *path;

        for (const RevertLevel *i = r->levels + 1; i <= l; ++i)
                n += strlen(i->name) + 1;

        path = calloc_checked(n + 1, 1);
        if (!path)
                return -ENOMEM;

        for (const RevertLevel *i = r->levels + 1; i <= l; ++i)
                used += (size_t) sprintf(path + used, "%s%s", i->name, i < l || name ? "/" : "");
        if (name)
                strcpy(path + used, name);
        *ret = path;
        return 0;
}

static bool ends_all(int error) {
        switch (-error) {
        case ENOSPC:
        case EDQUOT:
        case EIO:
        case ENOMEM:
        case EROFS:
        case ENODEV:
        case EMFILE:
        case ENFILE:
        case EUCLEAN:
                return true;
        default:
                return false;
        }
}

int revert_failed(Revert *r, const RevertLevel *l, const char *name, int error) {
        _cleanup_(freep) char *path = NULL, *readable = NULL, *sentence = NULL;

        if (!ends_all(error) && r->error < 0)
                return 0;
        if (revert_path(r, l, name, &path) < 0 || xml_escape_bytes(path, &readable) < 0)
                return -ENOMEM;

        errno = -error;
        if (format_to(&sentence, "'%s/%s' cannot be reverted: %m", r->options->target, readable) < 0)
                return -ENOMEM;
        if (ends_all(error))
                return provider_fail(error, "%s", sentence);

        r->error = error;
        r->sentence = TAKE_PTR(sentence);
        return 0;
}

bool revert_is_boundary(const Revert *r, const struct statx *stx) {
        if (stx->stx_attributes & STATX_ATTR_MOUNT_ROOT)
                return true;

        return S_ISDIR(stx->stx_mode) && files_device(stx) != r->target_device;
}

/* Whatever volume it holds shadow copies of: a store is a store, wherever it lies. So is what was broken off,
 * which is the administrator's, and none of the volume's. */
bool revert_is_own(const Revert *r, const char *name, const struct statx *stx) {
        if (!S_ISDIR(stx->stx_mode))
                return false;
        if ((strcmp(name, FILES_SHADOW_NAME) == 0 || strcmp(name, FILES_BROKEN_REFLINK_NAME) == 0) &&
            stx->stx_uid == geteuid() && (stx->stx_mode & 077) == 0)
                return true;

        for (size_t i = 0; i < r->n_own; ++i)
                if (r->own[i].ino == stx->stx_ino && r->own[i].device == files_device(stx))
                        return true;

        return false;
}

bool revert_is_proven(const Revert *r, const struct statx *source, const struct statx *target) {
        int64_t ctime = files_time(&target->stx_ctime);

        if (source->stx_mode != target->stx_mode || ctime > INT64_MAX - MARGIN_NSEC ||
            ctime + MARGIN_NSEC > r->options->proven ||
            files_time(&source->stx_mtime) != files_time(&target->stx_mtime))
                return false;
        if (!S_ISDIR(source->stx_mode) && source->stx_size != target->stx_size)
                return false;

        return !r->options->same_inodes ||
               (source->stx_ino == target->stx_ino && files_time(&source->stx_ctime) == ctime);
}

/* Since the machine was started again, time stamps prove nothing: what a power cut leaves of a file that was
 * being written may be newer than its times. So do the clocks of servers, and file systems where a mapping
 * is written to without a trace. */
int64_t revert_proven_by_copy(int source_fd, int target_fd) {
        int64_t started = (int64_t) ((now_usec(CLOCK_REALTIME) - now_usec(CLOCK_BOOTTIME)) * NSEC_PER_USEC);
        FilesTrust trust;
        struct statx stx;
        int64_t made;

        if (files_trust_for(target_fd, &trust) < 0 || !trust.write_notify || trust.tick > MARGIN_NSEC)
                return INT64_MIN;
        if (statx(source_fd, "", AT_EMPTY_PATH, STATX_BTIME, &stx) < 0 || !(stx.stx_mask & STATX_BTIME))
                return INT64_MIN;

        made = files_time(&stx.stx_btime);
        return made > started ? made : INT64_MIN;
}

static bool is_same_file_system(int a, int b, uint64_t a_device, uint64_t b_device) {
        char a_uuid[BTRFS_UUID_STRING_MAX], b_uuid[BTRFS_UUID_STRING_MAX];

        if (a_device == b_device)
                return true;

        /* Each subvolume has a device number of its own. */
        return btrfs_uuid(a, a_uuid) >= 0 && btrfs_uuid(b, b_uuid) >= 0 && strcmp(a_uuid, b_uuid) == 0;
}

static int open_private(int target_fd) {
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOATIME, .attr_clr = MOUNT_ATTR__ATIME };
        _cleanup_(closep) int mount_fd = -EBADF;
        int fd = -EBADF;

        mount_fd = open_tree(target_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
        if (mount_fd >= 0 && mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
                fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                fd = openat(target_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int open_trees(Revert *r) {
        const RevertOptions *o = r->options;
        struct statx source, target, own;
        int q;

        r->source_fd = openat(o->source_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (r->source_fd < 0)
                return -errno;
        r->target_fd = open_private(o->target_fd);
        if (r->target_fd < 0)
                return r->target_fd;

        q = files_stat(r->source_fd, "", &source);
        if (q >= 0)
                q = files_stat(r->target_fd, "", &target);
        if (q < 0)
                return q;
        r->source_device = files_device(&source);
        r->target_device = files_device(&target);
        r->same_fs =
                is_same_file_system(r->source_fd, r->target_fd, r->source_device, r->target_device);

        for (size_t i = 0; i < REVERT_OWN_MAX && o->own[i]; ++i) {
                if (files_stat(AT_FDCWD, o->own[i], &own) < 0)
                        continue;
                r->own[r->n_own].device = files_device(&own);
                r->own[r->n_own++].ino = own.stx_ino;
        }

        return 0;
}

static void revert_done(Revert *r) {
        revert_levels_clear(r);
        revert_links_clear(r);
        (void) fd_close(r->source_fd);
        (void) fd_close(r->target_fd);
        free(r->buffers[0]);
        free(r->buffers[1]);
        free(r->sentence);
}

static void report(const Revert *r) {
        const RevertWork *w = &r->work;

        log_info("Reverted '%s': looked at %" PRIu64 " files, compared %" PRIu64 ", changed %" PRIu64
                 " (%" PRIu64 " KiB cloned, %" PRIu64 " KiB copied), made %" PRIu64 ", moved %" PRIu64
                 ", removed %" PRIu64,
                 r->options->target, w->looked_at, w->compared, w->changed, w->cloned / 1024,
                 w->copied / 1024, w->made, w->moved, w->removed);
        if (w->kept > 0)
                log_notice("%" PRIu64 " directories of '%s' were left: volumes of their own, or umbra's files, "
                           "lie below", w->kept, r->options->target);
        if (w->lost > 0)
                log_notice("%" PRIu64 " attributes or owners of files of '%s' could not be given back, ignoring",
                           w->lost, r->options->target);
}

void revert_options_done(RevertOptions *options) {
        options->source_fd = fd_close(options->source_fd);
}

/* The source fitted once, so what fills the disk is what the source has not, somewhere further on. */
static int place_all(Revert *r) {
        int q;

        q = revert_walk(r, &revert_place, 0, PLACED);
        if (q != -ENOSPC && q != -EDQUOT)
                return q;

        q = revert_walk(r, &revert_make_room, r->permille, r->permille);
        if (q >= 0 && syncfs(r->target_fd) < 0) /* some give it back only then */
                q = -errno;
        return q < 0 ? q : revert_walk(r, &revert_place, r->permille, PLACED);
}

int revert_tree(const RevertOptions *o, RevertWork *ret_work) {
        _cleanup_(revert_done) Revert r = { .options = o, .source_fd = -EBADF, .target_fd = -EBADF };
        int q;

        q = open_trees(&r);
        if (q < 0)
                return provider_fail(q, "it cannot be opened: %m");

        /* What is dirty is written, so that extents and directories tell the truth. */
        if (syncfs(r.target_fd) < 0)
                return provider_fail(-errno, "it cannot be written out: %m");

        q = place_all(&r);
        if (q >= 0) {
                r.finishing = true;
                q = revert_walk(&r, &revert_finish, PLACED, FINISHED);
        }
        if (ret_work)
                *ret_work = r.work;
        if (q < 0)
                return q;
        if (r.error < 0)
                return provider_fail(r.error, "%s", r.sentence);

        report(&r);
        return 0;
}

static int open_options(const ProviderEnv *env,
                        const ProviderSnapshot *s,
                        const ProviderRevert *v,
                        RevertOpen open,
                        RevertOptions *ret) {
        *ret = (RevertOptions){
                .target = v->target,
                .source_fd = -EBADF,
                .target_fd = v->target_fd,
                .proven = INT64_MIN,
                .own = { env->state_dir, env->runtime_dir },
        };
        return open(env, s, ret);
}

int revert_may(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, RevertOpen open) {
        _cleanup_(revert_options_done) RevertOptions options = REVERT_OPTIONS_INIT;
        int r;

        r = open_options(env, s, v, open, &options);
        return r < 0 ? r : revert_check(&options, v->flags & PROVIDER_REVERT_FORCED);
}

int revert_in_place(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, RevertOpen open) {
        _cleanup_(revert_options_done) RevertOptions options = REVERT_OPTIONS_INIT;
        int r;

        r = open_options(env, s, v, open, &options);
        return r < 0 ? r : revert_tree(&options, NULL);
}
