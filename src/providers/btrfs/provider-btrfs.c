/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * btrfs
 *
 * A shadow copy is a read-only snapshot of the subvolume. It costs a few milliseconds, shares everything
 * with its origin until one of them changes, and is one instant whether the file system is held or not;
 * btrfs writes the snapshot into the file system itself, which a held one would let wait for ever.
 *
 * Where it is: all snapshots of a file system lie in the directory .umbra-shadow of its top level
 * (subvolid=5), root's alone, each under its id. We reach the top level through a mount of our own that
 * nobody sees, so what the administrator has mounted where does not matter, and a snapshot is inside of its
 * own origin only where that is the top level itself; then it shows up there as an empty directory.
 *
 * What it does not contain: other subvolumes below this one. btrfs snapshots them separately or not at all,
 * and in the snapshot each is an empty directory. For VSS they are volumes of their own.
 */

#include "providers/btrfs/provider-btrfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vss.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "provider/provider-builtin.h"
#include "provider/provider-mount.h"
#include "providers/btrfs/btrfs-find.h"
#include "providers/btrfs/btrfs-ioctl.h"
#include "providers/btrfs/btrfs-usage.h"
#include "providers/revert/revert.h"

#define STORE ".umbra-shadow"
#define BROKEN "umbra-broken" /* what was broken off, beside the store */
#define STORE_TRIES_MAX 16U

/* What plan() wrote down. The device is for people; devices change their names. */
typedef struct BtrfsNote {
        char uuid[BTRFS_UUID_STRING_MAX];
        char name[GUID_STRING_MAX];
        const char *device;
} BtrfsNote;

/* What prepare() opened. */
typedef struct BtrfsSnapshot {
        int top_fd, store_fd;
        struct btrfs_ioctl_vol_args_v2 args; /* ready to be handed to the kernel */
} BtrfsSnapshot;

static int note_write(const BtrfsNote *note, char **ret) {
        return format_to(ret, "uuid=%s name=%s device=%s", note->uuid, note->name, note->device);
}

static int note_read(const char *text, BtrfsNote *ret) {
        BtrfsNote note = { 0 };
        int n = 0;
        GUID id;

        if (!text || sscanf(text, "uuid=%36s name=%36s device=%n", note.uuid, note.name, &n) != 2 ||
            n == 0 || guid_from_string(note.uuid, &id) < 0 || guid_from_string(note.name, &id) < 0)
                return provider_fail(-EINVAL, "its note '%s' cannot be understood", text ?: "");

        note.device = text + n;
        *ret = note;
        return 0;
}

static int btrfs_probe(const ProviderEnv *env, const char *volume, int volume_fd, ProviderProbe *ret) {
        _cleanup_(closep) int top_fd = -EBADF;
        char uuid[BTRFS_UUID_STRING_MAX];
        int r;

        r = btrfs_is_subvolume(volume_fd);
        if (r < 0)
                return r;
        if (r == 0)
                return provider_fail(-EOPNOTSUPP, "it is not the top directory of a btrfs subvolume");
        if (!env->privileged)
                return provider_fail(-EOPNOTSUPP, "umbrad may not mount, which btrfs snapshots need");

        r = btrfs_uuid(volume_fd, uuid);
        if (r < 0)
                return r;

        top_fd = btrfs_mount_private(uuid, NULL, true);
        if (top_fd < 0)
                return provider_fail(-EOPNOTSUPP,
                                     "the top level of its file system cannot be written to (%s)",
                                     strerror(-top_fd));

        *ret = (ProviderProbe) {
                .flags = PROVIDER_FORBIDS_HOLD,
                .consistency = PROVIDER_CONSISTENCY_CRASH,
                .consistency_held = PROVIDER_CONSISTENCY_CRASH,
                .attributes = VSS_VOLSNAP_ATTR_DIFFERENTIAL,
        };
        return 0;
}

static int btrfs_plan(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        _cleanup_(freep) char *device = NULL;
        BtrfsNote note = { 0 };
        int r;

        r = btrfs_uuid(s->volume_fd, note.uuid);
        if (r < 0)
                return r;

        r = btrfs_mounted_device(note.uuid, &device);
        if (r < 0)
                return provider_fail(r, "none of its devices can be found: %m");

        (void) guid_to_string(&s->id, note.name);
        note.device = device;
        return note_write(&note, ret_note);
}

/* Somebody else who may write into the top level could have made a directory of this name. */
static int store_check(int store_fd) {
        struct stat st;

        if (fstat(store_fd, &st) < 0)
                return -errno;
        if (st.st_uid != geteuid() || (st.st_mode & 0077) != 0)
                return provider_fail(-EPERM, "the directory " STORE
                                             " in the file system's top level is open to others");
        if (st.st_nlink == 0)
                return -ESTALE; /* a discard() of the last snapshot was faster than our lock */

        return 0;
}

/* Opens the store, makes it if need be, and holds a lock on it while the descriptor is open, so that
 * nobody takes it for empty. */
static int store_open(int top_fd) {
        for (unsigned i = 0; i < STORE_TRIES_MAX; ++i) {
                _cleanup_(closep) int fd = -EBADF;
                int r;

                if (mkdirat(top_fd, STORE, 0700) < 0 && errno != EEXIST)
                        return -errno;

                fd = open_beneath(top_fd, STORE, O_RDONLY | O_DIRECTORY, 0);
                if (fd == -ENOENT)
                        continue;
                if (fd < 0)
                        return fd;
                if (flock(fd, LOCK_SH) < 0)
                        return -errno;

                r = store_check(fd);
                if (r == -ESTALE)
                        continue;
                if (r < 0)
                        return r;

                return TAKE_FD(fd);
        }

        return -EAGAIN;
}

/* Removes the store unless it is in use or holds other snapshots. */
static void store_remove(int top_fd, int store_fd) {
        if (flock(store_fd, LOCK_EX | LOCK_NB) >= 0)
                (void) unlinkat(top_fd, STORE, AT_REMOVEDIR);
}

static void btrfs_release(ProviderSnapshot *s) {
        BtrfsSnapshot *snapshot = s->data;

        if (!snapshot)
                return;

        (void) fd_close(snapshot->store_fd);
        (void) fd_close(snapshot->top_fd);
        free(snapshot);
        s->data = NULL;
}

static int btrfs_prepare(const ProviderEnv *env, ProviderSnapshot *s) {
        BtrfsSnapshot *snapshot;
        BtrfsNote note;
        int r;

        r = note_read(s->note, &note);
        if (r < 0)
                return r;

        snapshot = calloc_checked(1, sizeof(*snapshot));
        if (!snapshot)
                return -ENOMEM;

        s->data = snapshot; /* release() has the rest */
        snapshot->store_fd = -EBADF;
        snapshot->top_fd = btrfs_mount_private(note.uuid, NULL, true);
        if (snapshot->top_fd < 0)
                return provider_fail(snapshot->top_fd,
                                     "the top level of its file system cannot be opened: %m");

        snapshot->store_fd = store_open(snapshot->top_fd);
        if (snapshot->store_fd < 0)
                return snapshot->store_fd;

        snapshot->args.fd = s->volume_fd;
        snapshot->args.flags = BTRFS_SUBVOL_RDONLY;
        (void) snprintf(snapshot->args.name, sizeof(snapshot->args.name), "%s", note.name);
        return 0;
}

static int btrfs_commit(const ProviderEnv *env, ProviderSnapshot *s, bool held) {
        BtrfsSnapshot *snapshot = s->data;

        if (held)
                return provider_fail(-EDEADLK, "its file system is held, and btrfs would wait for that");

        if (ioctl(snapshot->store_fd, BTRFS_IOC_SNAP_CREATE_V2, &snapshot->args) < 0)
                return errno == ETXTBSY ? provider_fail(-errno, "a swap file in it is in use") : -errno;

        return 0;
}

static int not_there(const BtrfsNote *note) {
        return provider_fail(-ENODEV, "its file system {%s}, last seen on '%s', is not there", note->uuid,
                             note->device);
}

/* One that was received lies wherever somebody has put it, and stays his: the store gets a snapshot of it. */
static int adopt_received(const ProviderSnapshot *s, const BtrfsNote *note) {
        struct btrfs_ioctl_vol_args_v2 args = { .flags = BTRFS_SUBVOL_RDONLY };
        _cleanup_(closep) int top_fd = -EBADF, fd = -EBADF, store_fd = -EBADF;

        if (!(s->context & VSS_VOLSNAP_ATTR_IMPORTED))
                return -ENOENT;

        top_fd = btrfs_mount_private(note->uuid, NULL, true);
        if (top_fd < 0)
                return provider_fail(top_fd, "the top level of its file system cannot be written to: %m");
        fd = btrfs_find_received(note->uuid, top_fd, note->name);
        if (fd < 0)
                return fd;
        store_fd = store_open(top_fd);
        if (store_fd < 0)
                return store_fd;

        args.fd = fd;
        (void) snprintf(args.name, sizeof(args.name), "%s", note->name);
        if (ioctl(store_fd, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0)
                return provider_fail(-errno, "it cannot be taken into " STORE ": %m");
        return 0;
}

/* Where nobody has mounted the file system, this is what does, and then it could not be written to as long as the snapshot is seen: others in
 * it could not be deleted. So it is mounted to be written to; the snapshot itself is read-only whatever its mount says. */
static int mount_in_store(const BtrfsNote *note) {
        _cleanup_(freep) char *path = NULL;
        int fd, r;

        r = format_to(&path, STORE "/%s", note->name);
        if (r < 0)
                return r;

        fd = btrfs_mount_private(note->uuid, path, true);
        return fd == -EROFS || fd == -EACCES ? btrfs_mount_private(note->uuid, path, false) : fd;
}

static int mount_snapshot(const ProviderSnapshot *s, const BtrfsNote *note) {
        int fd, r;

        fd = mount_in_store(note);
        if (fd == -ENOENT) {
                r = adopt_received(s, note);
                fd = r < 0 ? r : mount_in_store(note);
        }
        if (fd == -ENODEV)
                return not_there(note);
        if (fd == -ENOENT)
                return provider_fail(fd, "somebody has removed it");
        return fd < 0 ? provider_fail(fd, "it cannot be mounted: %m") : fd;
}

static int btrfs_surface(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_device) {
        _cleanup_(closep) int mount_fd = -EBADF;
        BtrfsNote note;
        int r;

        r = note_read(s->note, &note);
        if (r < 0)
                return r;

        mount_fd = mount_snapshot(s, &note);
        return mount_fd < 0 ? mount_fd : provider_shadow_attach(env, &s->id, mount_fd, ret_device);
}

/* The store, by the note. -ENOENT: there is none, but the top level it would be in. */
static int store_find(const BtrfsNote *note, int *ret_top_fd, int *ret_store_fd) {
        int fd;

        fd = btrfs_mount_private(note->uuid, NULL, true);
        if (fd == -ENODEV)
                return not_there(note);
        if (fd < 0)
                return provider_fail(fd, "the top level of its file system cannot be opened: %m");
        *ret_top_fd = fd;

        fd = open_beneath(*ret_top_fd, STORE, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return fd;
        *ret_store_fd = fd;
        return 0;
}

/* A snapshot is made read-only, so that it is one whoever dies; writers are let in later. */
static int set_read_only(const ProviderSnapshot *s, bool read_only) {
        _cleanup_(closep) int top_fd = -EBADF, store_fd = -EBADF;
        BtrfsNote note;
        int r;

        r = note_read(s->note, &note);
        if (r >= 0)
                r = store_find(&note, &top_fd, &store_fd);
        if (r < 0)
                return r;

        r = btrfs_set_read_only(store_fd, note.name, read_only);
        return r < 0 ? provider_fail(r, "the subvolume cannot be made %s: %m", read_only ? "read-only" : "writable") : 0;
}

static int btrfs_unseal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device) {
        return set_read_only(s, false);
}

static int btrfs_seal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device) {
        return set_read_only(s, true);
}

static int btrfs_discard(const ProviderEnv *env, const ProviderSnapshot *s) {
        _cleanup_(closep) int top_fd = -EBADF, store_fd = -EBADF;
        BtrfsNote note;
        int r;

        r = provider_shadow_remove(env, &s->id);
        if (r < 0)
                return r;

        r = note_read(s->note, &note);
        if (r < 0)
                return r;

        r = store_find(&note, &top_fd, &store_fd);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        r = btrfs_remove_subvolume(store_fd, note.name);
        if (r < 0 && r != -ENOENT)
                return provider_fail(r, "the subvolume " STORE "/%s cannot be removed: %m", note.name);

        store_remove(top_fd, store_fd);
        return 0;
}

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

static int btrfs_break_off(const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags) {
        _cleanup_(closep) int top_fd = -EBADF, store_fd = -EBADF;
        BtrfsNote note;
        int r;

        r = provider_check_identity(s, flags);
        if (r >= 0)
                r = note_read(s->note, &note);
        if (r >= 0)
                r = store_find(&note, &top_fd, &store_fd);
        if (r < 0 && r != -ENOENT)
                return r;

        r = move_out(top_fd, store_fd, note.name);
        if (r < 0)
                return provider_fail(r, "it cannot be moved to " BROKEN "/%s: %m", note.name);
        if (store_fd >= 0)
                store_remove(top_fd, store_fd);
        return 0;
}

/* Importing */

static bool is_in_store(int top_fd, const char *name) {
        _cleanup_(closep) int store_fd = -EBADF, fd = -EBADF;

        store_fd = open_beneath(top_fd, STORE, O_RDONLY | O_DIRECTORY, 0);
        if (store_fd < 0 || store_check(store_fd) < 0)
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
static int btrfs_import(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
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
        return note_write(note, ret_note);
}

/* The snapshots of a volume, open. */
typedef struct SnapshotFds {
        int *fds;
        size_t n;
} SnapshotFds;

static void snapshot_fds_close(SnapshotFds *l) {
        for (size_t i = 0; i < l->n; ++i)
                (void) fd_close(l->fds[i]);
        free(l->fds);
}

/* -ENOENT: it is gone, or its file system is. */
static int open_by_note(const char *text) {
        _cleanup_(closep) int mount_fd = -EBADF;
        _cleanup_(freep) char *path = NULL;
        BtrfsNote note;
        int fd, r;

        r = note_read(text, &note);
        if (r >= 0)
                r = format_to(&path, STORE "/%s", note.name);
        if (r < 0)
                return r;

        mount_fd = btrfs_mount_private(note.uuid, path, false);
        if (mount_fd < 0)
                return mount_fd == -ENODEV ? -ENOENT : mount_fd;

        fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int open_snapshots(char *const *notes, SnapshotFds *l) {
        size_t n = 0;

        while (notes[n])
                ++n;
        l->fds = calloc_checked(n + 1, sizeof(*l->fds));
        if (!l->fds)
                return -ENOMEM;

        for (size_t i = 0; i < n; ++i) {
                int fd = open_by_note(notes[i]);

                if (fd < 0 && fd != -ENOENT)
                        return fd;
                if (fd >= 0)
                        l->fds[l->n++] = fd;
        }
        return 0;
}

/* What stands at the path of the volume today may be something else. */
static bool is_origin(int volume_fd, int snapshot_fd) {
        char here[BTRFS_UUID_STRING_MAX], there[BTRFS_UUID_STRING_MAX];

        return volume_fd >= 0 && btrfs_is_subvolume(volume_fd) > 0 && btrfs_uuid(volume_fd, here) >= 0 &&
               btrfs_uuid(snapshot_fd, there) >= 0 && strcmp(here, there) == 0;
}

/* Snapshots lie where the volume does, and nothing is set aside for them. What was written since and is in memory only still has its
 * place in them. */
static int btrfs_usage(const ProviderEnv *env,
                       const char *volume,
                       int volume_fd,
                       char *const *notes,
                       ProviderUsage *ret) {
        _cleanup_(snapshot_fds_close) SnapshotFds snapshots = { 0 };
        int origin_fd = -EBADF, r;
        uint64_t used = 0;

        r = open_snapshots(notes, &snapshots);
        if (r >= 0 && snapshots.n > 0 && is_origin(volume_fd, snapshots.fds[0]))
                origin_fd = volume_fd;
        if (r >= 0 && origin_fd >= 0 && syncfs(origin_fd) < 0)
                r = -errno;
        if (r >= 0)
                r = btrfs_measure_exclusive(snapshots.fds, snapshots.n, origin_fd, &used);
        if (r < 0)
                return provider_fail(r, "what its snapshots take cannot be measured: %m");

        *ret = (ProviderUsage){ .used = used, .allocated = used };
        return strdup_to(volume, &ret->place);
}

/* A snapshot has the inodes of its origin. Another subvolume, or another directory, can become what the
 * snapshot is as well; only more has to be looked at. */
static int open_snapshot(const ProviderEnv *env,
                         const ProviderSnapshot *s,
                         const char *target,
                         int target_fd,
                         RevertOptions *ret) {
        _cleanup_(closep) int mount_fd = -EBADF, fd = -EBADF;
        BtrfsOrigin origin, there;
        BtrfsNote note;
        int r;

        r = note_read(s->note, &note);
        if (r < 0)
                return r;
        mount_fd = mount_snapshot(s, &note);
        if (mount_fd < 0)
                return mount_fd;

        fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = btrfs_origin(fd, &origin);
        if (r < 0)
                return r;

        *ret = (RevertOptions){
                .target = target,
                .target_fd = target_fd,
                .has_flags = true,
                .proven = INT64_MIN,
                .own = { env->state_dir, env->runtime_dir },
        };
        if (btrfs_is_subvolume(target_fd) > 0 && btrfs_origin(target_fd, &there) >= 0 &&
            memcmp(there.uuid, origin.parent_uuid, sizeof(there.uuid)) == 0) {
                ret->same_inodes = true;
                ret->proven = origin.made;
        }
        ret->source_fd = TAKE_FD(fd);
        return 0;
}

static int btrfs_may_revert(const ProviderEnv *env,
                            const ProviderSnapshot *s,
                            const char *target,
                            int target_fd,
                            uint32_t flags) {
        _cleanup_(revert_options_done) RevertOptions options = REVERT_OPTIONS_INIT;
        int r;

        r = open_snapshot(env, s, target, target_fd, &options);
        return r < 0 ? r : revert_check(&options, flags & PROVIDER_REVERT_FORCED);
}

static int btrfs_revert(const ProviderEnv *env,
                        const ProviderSnapshot *s,
                        const char *target,
                        int target_fd,
                        uint32_t flags) {
        _cleanup_(revert_options_done) RevertOptions options = REVERT_OPTIONS_INIT;
        int r;

        r = open_snapshot(env, s, target, target_fd, &options);
        return r < 0 ? r : revert_tree(&options, NULL);
}

const ProviderOps provider_btrfs_ops = {
        PROVIDER_IDENTITY_BTRFS,
        .probe = btrfs_probe,
        .usage = btrfs_usage,
        .plan = btrfs_plan,
        .prepare = btrfs_prepare,
        .commit = btrfs_commit,
        .surface = btrfs_surface,
        .unseal = btrfs_unseal,
        .seal = btrfs_seal,
        .discard = btrfs_discard,
        .may_revert = btrfs_may_revert,
        .revert = btrfs_revert,
        .break_off = btrfs_break_off,
        .import = btrfs_import,
        .release = btrfs_release,
};
