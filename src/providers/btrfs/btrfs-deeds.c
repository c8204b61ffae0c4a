/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Is Done to btrfs Snapshots Later
 *
 * Broken off, one is moved to a directory beside the store and may be written to from then on. Imported, it is looked for by its name,
 * which is its id, on every btrfs of this machine. Reverted to, it is compared with the volume, and what differs is cloned back.
 */

#include "providers/btrfs/btrfs-deeds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "providers/btrfs/btrfs-find.h"
#include "providers/btrfs/btrfs-ioctl.h"
#include "providers/btrfs/btrfs-store.h"
#include "providers/revert/revert.h"

#define BROKEN "umbra-broken" /* what was broken off, beside the store */

/* Into a directory of the top level for what is not umbra's any more, under the snapshot's id. To move a
 * subvolume is to write to it. */
static int move_out(int top_fd, int store_fd, const char *name) {
        _cleanup_(closep) int broken_fd = -EBADF;
        int r;

        if (mkdirat(top_fd, BROKEN, 0700) < 0 && errno != EEXIST)
                return -errno;
        broken_fd = open_beneath(top_fd, BROKEN, O_RDONLY | O_DIRECTORY, 0);
        if (broken_fd < 0)
                return broken_fd;
        if (faccessat(broken_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return 0; /* the worker before this one has moved it */
        if (store_fd < 0)
                return -ENOENT;

        r = btrfs_set_read_only(store_fd, name, false);
        if (r < 0)
                return r;
        if (renameat(store_fd, name, broken_fd, name) < 0)
                return -errno;

        return syncfs(broken_fd) < 0 ? -errno : 0;
}

int btrfs_break_off(const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags) {
        _cleanup_(closep) int top_fd = -EBADF, store_fd = -EBADF;
        BtrfsNote note;
        int r;

        r = provider_check_identity(s, flags);
        if (r >= 0)
                r = btrfs_note_read(s->note, &note);
        if (r >= 0)
                r = btrfs_store_find(&note, &top_fd, &store_fd);
        if (r < 0 && r != -ENOENT)
                return r;

        r = move_out(top_fd, store_fd, note.name);
        if (r < 0)
                return provider_fail(r, "it cannot be moved to " BROKEN "/%s: %m", note.name);
        if (store_fd >= 0)
                btrfs_store_remove(top_fd, store_fd);
        return 0;
}

static bool is_in_store(int top_fd, const char *name) {
        _cleanup_(closep) int store_fd = -EBADF, fd = -EBADF;

        store_fd = open_beneath(top_fd, BTRFS_STORE, O_RDONLY | O_DIRECTORY, 0);
        if (store_fd < 0 || btrfs_store_check(store_fd) < 0)
                return false;

        fd = open_beneath(store_fd, name, O_RDONLY | O_DIRECTORY, 0);
        return fd >= 0 && btrfs_is_subvolume(fd) > 0;
}

typedef struct Search {
        BtrfsNote note;
        bool received; /* and not in a store */
} Search;

/* 1: it is on this file system. One that cannot be looked at does not have it. */
static int look_for(const char *uuid, void *userdata) {
        _cleanup_(closep) int top_fd = -EBADF, received_fd = -EBADF;
        Search *search = userdata;
        bool found;

        top_fd = btrfs_mount_private(uuid, NULL, false);
        if (top_fd < 0)
                return 0;

        if (search->received)
                received_fd = btrfs_find_received(uuid, top_fd, search->note.name);
        found = search->received ? received_fd >= 0 : is_in_store(top_fd, search->note.name);
        if (found)
                (void) snprintf(search->note.uuid, sizeof(search->note.uuid), "%s", uuid);
        return found;
}

/* The snapshot itself rather than one that was received, if both are here. */
int btrfs_import(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        _cleanup_(freep) char *device = NULL;
        Search search = { .received = false };
        BtrfsNote *note = &search.note;
        int r;

        (void) guid_to_string(&s->id, note->name);
        r = btrfs_foreach_file_system(look_for, &search);
        if (r == 0) {
                search.received = true;
                r = btrfs_foreach_file_system(look_for, &search);
        }
        if (r < 0)
                return r;
        if (r == 0)
                return provider_fail(-ENOENT,
                                     "no btrfs file system of this machine has a snapshot, or a subvolume that was received "
                                     "and is complete, of the name '%s'",
                                     note->name);

        if (btrfs_mounted_device(note->uuid, &device) < 0)
                (void) btrfs_unmounted_device(note->uuid, &device);
        note->device = device ?: "";
        return btrfs_note_write(note, ret_note);
}

/* A snapshot has the inodes of its origin. Another subvolume, or another directory, can become what the
 * snapshot is as well; only more has to be looked at. */
static int open_snapshot(const ProviderEnv *env, const ProviderSnapshot *s, RevertOptions *options) {
        _cleanup_(closep) int mount_fd = -EBADF, fd = -EBADF;
        BtrfsOrigin origin, there;
        BtrfsNote note;
        int r;

        r = btrfs_note_read(s->note, &note);
        if (r < 0)
                return r;
        mount_fd = btrfs_store_mount(s, &note);
        if (mount_fd < 0)
                return mount_fd;

        fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = btrfs_origin(fd, &origin);
        if (r < 0)
                return r;

        options->has_flags = true;
        if (btrfs_is_subvolume(options->target_fd) > 0 && btrfs_origin(options->target_fd, &there) >= 0 &&
            memcmp(there.uuid, origin.parent_uuid, sizeof(there.uuid)) == 0) {
                options->same_inodes = true;
                options->proven = origin.made;
        }
        options->source_fd = TAKE_FD(fd);
        return 0;
}

int btrfs_may_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, char **ret_how) {
        return revert_may(env, s, v, open_snapshot);
}

int btrfs_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v) {
        return revert_in_place(env, s, v, open_snapshot);
}
