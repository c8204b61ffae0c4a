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
#include <sys/ioctl.h>
#include <unistd.h>

#include <vss.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "provider/provider-builtin.h"
#include "provider/provider-mount.h"
#include "providers/btrfs/btrfs-deeds.h"
#include "providers/btrfs/btrfs-ioctl.h"
#include "providers/btrfs/btrfs-store.h"
#include "providers/btrfs/btrfs-usage.h"

/* What prepare() opened. */
typedef struct BtrfsSnapshot {
        int top_fd, store_fd;
        struct btrfs_ioctl_vol_args_v2 args; /* ready to be handed to the kernel */
} BtrfsSnapshot;

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
        return btrfs_note_write(&note, ret_note);
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

        r = btrfs_note_read(s->note, &note);
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

        snapshot->store_fd = btrfs_store_open(snapshot->top_fd);
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

static int btrfs_surface(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_device) {
        _cleanup_(closep) int mount_fd = -EBADF;
        BtrfsNote note;
        int r;

        r = btrfs_note_read(s->note, &note);
        if (r < 0)
                return r;

        mount_fd = btrfs_store_mount(s, &note);
        return mount_fd < 0 ? mount_fd : provider_shadow_attach(env, &s->id, mount_fd, ret_device);
}

/* A snapshot is made read-only, so that it is one whoever dies; writers are let in later. */
static int set_read_only(const ProviderSnapshot *s, bool read_only) {
        _cleanup_(closep) int top_fd = -EBADF, store_fd = -EBADF;
        BtrfsNote note;
        int r;

        r = btrfs_note_read(s->note, &note);
        if (r >= 0)
                r = btrfs_store_find(&note, &top_fd, &store_fd);
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

        r = btrfs_note_read(s->note, &note);
        if (r < 0)
                return r;

        r = btrfs_store_find(&note, &top_fd, &store_fd);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        r = btrfs_remove_subvolume(store_fd, note.name);
        if (r < 0 && r != -ENOENT)
                return provider_fail(r, "the subvolume " BTRFS_STORE "/%s cannot be removed: %m", note.name);

        btrfs_store_remove(top_fd, store_fd);
        return 0;
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

static int open_snapshots(char *const *notes, SnapshotFds *l) {
        size_t n = 0;

        while (notes[n])
                ++n;
        l->fds = calloc_checked(n + 1, sizeof(*l->fds));
        if (!l->fds)
                return -ENOMEM;

        for (size_t i = 0; i < n; ++i) {
                int fd = btrfs_store_open_snapshot(notes[i]);

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
