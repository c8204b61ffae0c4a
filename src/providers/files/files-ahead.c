/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copying Ahead
 *
 * The volume is read through a private mount of it, where we may make one: without the mounts below, so that
 * what lies under them is copied as on any other snapshot, and read-only without access times, so that
 * reading it writes nothing.
 */

#include "providers/files/files-ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/log.h"
#include "base/time-util.h"
#include "base/utf.h"
#include "providers/files/files-scan.h"
#include "providers/files/files-watch.h"

#define CATCH_UP_USEC (USEC_PER_SEC)
#define SETTLE_USEC (20 * USEC_PER_MSEC)             /* more than a tick of the clock that stamps files */
#define FLUSH_BYTES (UINT64_C(64) * 1024 * 1024)     /* what may be left in memory when the window opens */
#define NEARLY_NOTHING (UINT64_C(1024) * 1024)       /* a pass that costs less than this is not worth another */
#define CHANGE_BYTES 4096U                           /* what a change costs beside the bytes that are copied */
#define SIZE_STRING_MAX 32U
#define RESTLESS_PATH_MAX 512U

struct FilesAhead {
        FilesScan scan;
        FilesStore store;
        FilesWatch *watch; /* NULL: changes cannot be followed … */
        int watch_error;   /* … and why not */
        FilesStatistics statistics;
        char *volume, *place, *restless; /* for sentences */
        uint64_t room;        /* that the copy may take; 0: what there is */
        int volume_fd, from_fd;
        bool clone;
};

/* Whether the next pass is to be over what was touched. */
static bool is_followed(const FilesAhead *a) {
        return a->watch && a->scan.inodes.slots;
}

static char *size_to_string(uint64_t size, char buffer[SIZE_STRING_MAX]) {
        static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double value = (double) size;
        size_t unit = 0;

        for (; value >= 1024 && unit + 1 < ELEMENTSOF(units); ++unit)
                value /= 1024;

        (void) snprintf(buffer, SIZE_STRING_MAX, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
        return buffer;
}

#define SIZE_TO_STRING(size) size_to_string((size), (char[SIZE_STRING_MAX]){ 0 })

/* The volume without what is mounted in it. Not everybody may have that, and then the volume has to do. */
static int open_source(int volume_fd, bool may_mount, bool *ret_private) {
        struct mount_attr attr = {
                .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME,
                .attr_clr = MOUNT_ATTR__ATIME,
        };
        _cleanup_(closep) int mount_fd = -EBADF;
        int fd = -EBADF;

        if (may_mount)
                mount_fd = open_tree(volume_fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
        if (mount_fd >= 0 && mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
                fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *ret_private = fd >= 0;
        if (fd < 0)
                fd = openat(volume_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

FilesAhead *files_ahead_free(FilesAhead *a) {
        if (!a)
                return NULL;

        a->watch = files_watch_free(a->watch);
        files_scan_done(&a->scan);
        files_store_close(&a->store);
        (void) fd_close(a->from_fd);
        (void) fd_close(a->volume_fd);
        free(a->volume);
        free(a->place);
        free(a->restless);
        free(a);
        return NULL;
}

int files_ahead_new(const ProviderEnv *env,
                    const ProviderSnapshot *s,
                    const FilesPlan *plan,
                    FilesAhead **ret) {
        _cleanup_(files_ahead_freep) FilesAhead *a = NULL;
        _cleanup_(freep) char *own_store = NULL;
        bool is_private;
        int r;

        a = calloc_checked(1, sizeof(*a));
        if (!a)
                return -ENOMEM;

        a->store = FILES_STORE_EMPTY;
        a->from_fd = a->volume_fd = -EBADF;
        a->clone = plan->reflink;
        a->room = s->room;

        r = strdup_to(s->volume, &a->volume);
        if (r == 0)
                r = format_to(&a->place, "%s/%s", plan->parent, plan->store);
        if (r == 0)
                r = format_to(&own_store, "%s/store", env->state_dir);
        if (r < 0)
                return r;

        a->volume_fd = fcntl(s->volume_fd, F_DUPFD_CLOEXEC, 3);
        if (a->volume_fd < 0)
                return -errno;

        a->from_fd = open_source(a->volume_fd, env->privileged, &is_private);
        if (a->from_fd < 0)
                return provider_fail(a->from_fd, "it cannot be read: %m");

        r = files_store_create(plan, &a->store);
        if (r < 0)
                return r;

        r = files_scan_init(&a->scan, a->volume, a->from_fd, a->store.tree_fd, a->store.links_fd);
        if (r < 0)
                return r;

        files_scan_exclude(&a->scan, env->state_dir);
        files_scan_exclude(&a->scan, own_store); /* where the volume is the state directory itself */

        /* What is mounted over a file or directory raises no event there, so it must not show. */
        a->watch_error = is_private ? files_watch_new(a->from_fd, &a->scan.copy.trust, &a->watch) : -EPERM;
        if (a->watch_error == -ENOMEM)
                return -ENOMEM;

        a->scan.copy.watched = a->watch != NULL;
        a->scan.copy.clone = a->clone;
        a->scan.copy.work = &a->statistics.ahead;
        *ret = TAKE_PTR(a);
        return 0;
}

static int no_room(const FilesAhead *a, int r, uint64_t room) {
        if (a->clone)
                return provider_fail(r, "'%s' is full: even clones need room for names and extents",
                                     a->place);

        return provider_fail(r, "the copy needs %s in '%s', where %s are free",
                             SIZE_TO_STRING(a->statistics.needed), a->place, SIZE_TO_STRING(room));
}

/* Gives "no space left" the sentence that helps. */
static int explain(const FilesAhead *a, int r) {
        uint64_t bytes, files;

        if (r != -ENOSPC && r != -EDQUOT)
                return r;

        return files_store_room(a->store.tree_fd, &bytes, &files) < 0 ? r : no_room(a, r, bytes);
}

/* Adds up before copying, rather than filling the disk that umbra and others live on, and failing then. */
static int check_room(FilesAhead *a) {
        FilesWork counted = { 0 };
        uint64_t bytes, files;
        int r;

        a->scan.counting = true;
        a->scan.copy.work = &counted;
        r = files_scan_pass(&a->scan);
        a->scan.counting = false;
        a->scan.copy.work = &a->statistics.ahead;
        if (r < 0)
                return r;

        a->statistics.needed = a->scan.needed;
        r = files_store_room(a->store.tree_fd, &bytes, &files);
        if (r < 0)
                return r;

        if (a->statistics.needed > bytes)
                return no_room(a, -ENOSPC, bytes);
        if (a->room > 0 && a->statistics.needed > a->room)
                return provider_fail(-ENOSPC, "the copy needs %s, and of the maximum for its copies %s are left",
                                     SIZE_TO_STRING(a->statistics.needed), SIZE_TO_STRING(a->room));
        if (files_tree_count(a->scan.tree) > files)
                return provider_fail(-ENOSPC,
                                     "the copy needs %zu files in '%s', where %" PRIu64 " can be made",
                                     files_tree_count(a->scan.tree), a->place, files);

        return 0;
}

static int look_everywhere(uint64_t ino, bool written, void *userdata) {
        return 0;
}

/* Passes over what was touched since the last pass, if that is known, and else over everything. */
static int one_pass(FilesAhead *a) {
        FilesScan *s = &a->scan;
        bool everything = !is_followed(a), lost = false;
        int r = 0;

        if (a->watch)
                r = files_watch_take(a->watch, everything ? look_everywhere : files_scan_touched, s);
        if (r == -EOVERFLOW) {
                ++a->statistics.lost;
                everything = lost = true;
        } else if (r < 0)
                return r;

        /* Who opened a file meanwhile is not known either. */
        s->ask_writers = lost;
        ++s->copy.pass;
        r = everything ? files_scan_pass(s) : files_scan_changed(s);
        if (r == 0 && everything && a->watch && !s->copy.window)
                r = files_inodes_build(&s->inodes, s->tree);
        if (a->watch)
                files_watch_rest(a->watch);

        a->statistics.followed = !everything;
        return explain(a, r);
}

static int one_pass_ahead(FilesAhead *a) {
        /* What is dirty is written, so that a later write to a mapping has to ask the kernel again. */
        a->scan.copy.synced = files_now();
        (void) syncfs(a->volume_fd);

        a->scan.copy.largest = FILE_NONE;
        a->scan.copy.largest_size = 0;
        return one_pass(a);
}

static uint64_t work_changes(const FilesWork *work) {
        return work->files + work->others + work->removed;
}

static FilesWork work_since(const FilesWork *work, const FilesWork *before) {
        return (FilesWork){ .files = work->files - before->files,
                            .bytes = work->bytes - before->bytes,
                            .others = work->others - before->others,
                            .removed = work->removed - before->removed };
}

static uint64_t work_cost(const FilesWork *work) {
        return work->bytes + work_changes(work) * CHANGE_BYTES;
}

/* Which file it was, among others, that did not come to rest: the tree is another one when that is said. */
static int remember_restless(FilesAhead *a) {
        char path[RESTLESS_PATH_MAX];

        if (a->scan.copy.largest == FILE_NONE)
                return 0;

        return xml_escape_bytes(files_tree_path(a->scan.tree, a->scan.copy.largest, path, sizeof(path)),
                                &a->restless);
}

int files_ahead_prepare(FilesAhead *a) {
        FilesStatistics *st = &a->statistics;
        usec_t begin = now_usec(CLOCK_MONOTONIC);
        uint64_t cost_before = 0;
        int r;

        r = a->clone ? 0 : check_room(a);
        if (r < 0)
                return r;

        while (st->passes < FILES_PASSES_MAX && !st->converged) {
                FilesWork before = st->ahead;
                uint64_t cost;

                r = one_pass_ahead(a);
                if (r < 0)
                        return r;

                ++st->passes;
                st->last = work_since(&st->ahead, &before);
                if (!a->clone && st->last.bytes >= FLUSH_BYTES && syncfs(a->store.tree_fd) < 0)
                        return provider_fail(-errno, "its copy could not be written to the disk: %m");

                st->converged = a->scan.suspects == 0 && work_changes(&st->last) == 0;

                /* Once a pass has hardly less to do than the one before, neither has the next. */
                cost = work_cost(&st->last);
                if (st->passes > 2 && (cost * 2 >= cost_before || cost <= NEARLY_NOTHING))
                        break;
                cost_before = cost;

                if (!st->converged) {
                        struct timespec settle = timespec_from_usec(SETTLE_USEC);

                        (void) nanosleep(&settle, NULL);
                }
        }

        st->ahead.usec = now_usec(CLOCK_MONOTONIC) - begin;
        return st->converged ? 0 : remember_restless(a);
}

int files_ahead_catch_up(FilesAhead *a) {
        usec_t begin = now_usec(CLOCK_MONOTONIC);
        int r;

        if (!is_followed(a))
                return 0;

        a->scan.copy.work = &a->statistics.window;
        a->scan.deadline = begin + CATCH_UP_USEC;
        r = one_pass(a);
        a->scan.deadline = 0;

        a->statistics.window.usec += now_usec(CLOCK_MONOTONIC) - begin;
        return r;
}

int files_ahead_commit(FilesAhead *a) {
        FilesStatistics *st = &a->statistics;
        usec_t begin = now_usec(CLOCK_MONOTONIC);
        int r;

        a->scan.copy.work = &st->window;
        a->scan.copy.window = true;

        r = one_pass(a);
        if (r == 0)
                r = files_scan_seal(&a->scan);
        if (r < 0)
                return r;

        /* The volume may be unmounted from now on. The watch stays a little, as its end has to wait for the kernel. */
        a->from_fd = fd_close(a->from_fd);
        a->scan.from.root_fd = -EBADF;
        a->volume_fd = fd_close(a->volume_fd);

        st->files = files_tree_count(a->scan.tree);
        st->unfit = a->scan.copy.lost;
        st->skipped = a->scan.copy.skipped;
        st->window.usec += now_usec(CLOCK_MONOTONIC) - begin;
        return 0;
}

const FilesStatistics *files_ahead_statistics(const FilesAhead *a) {
        return &a->statistics;
}

static void report_following(const FilesAhead *a) {
        const FilesStatistics *st = &a->statistics;

        if (st->lost > 0)
                log_notice("More than could be followed was changed in '%s' at once, looked at all its files %u times more",
                           a->volume, st->lost);
        else if (!st->followed)
                log_info("Changes in '%s' cannot be followed (%s), the window looked at all its files", a->volume,
                         strerror(-a->watch_error)); // NOLINT(concurrency-mt-unsafe)
}

void files_ahead_report(FilesAhead *a) {
        const FilesStatistics *st = &a->statistics;

        a->watch = files_watch_free(a->watch);

        log_info("Copied '%s' in %u passes: %" PRIu64 " files (%s) ahead in %s, %" PRIu64 " (%s) of %" PRIu64
                 " in the window in %s",
                 a->volume, st->passes, st->ahead.files, SIZE_TO_STRING(st->ahead.bytes),
                 span_to_string(st->ahead.usec, (char[SPAN_STRING_MAX]){ 0 }), st->window.files,
                 SIZE_TO_STRING(st->window.bytes), st->files,
                 span_to_string(st->window.usec, (char[SPAN_STRING_MAX]){ 0 }));
        if (!st->converged && st->window.files > 0)
                log_info("'%s' did not come to rest in %u passes, the last copied %" PRIu64
                         " files (%s) again, '%s' for one, leaving them to the window",
                         a->volume, st->passes, st->last.files, SIZE_TO_STRING(st->last.bytes), a->restless ?: "?");
        report_following(a);
        if (st->window.torn > 0)
                log_notice("%" PRIu64 " files of '%s' changed while they were copied, keeping them so",
                           st->window.torn, a->volume);
        if (st->unfit > 0)
                log_notice("%" PRIu64 " attributes or owners of files of '%s' do not fit '%s', ignoring",
                           st->unfit, a->volume, a->place);
        if (st->skipped > 0)
                log_notice("%" PRIu64 " devices of '%s' cannot be made in '%s', leaving them out",
                           st->skipped, a->volume, a->place);
}
