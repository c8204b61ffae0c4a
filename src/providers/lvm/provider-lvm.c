/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * LVM
 *
 * Two providers, because they promise different things. lvm-thin: the volume is thin, a snapshot shares the
 * pool with it and lives as long as the pool has room. lvm-cow: a store beside the volume takes what the
 * volume overwrites; when it is full, the snapshot is lost.
 *
 * The instant is when the device mapper has suspended the origin, which brings the file system on it to rest.
 * Where one volume is all there is, lvm (lvm-cow) or we (lvm-thin) suspend it; in a set of several umbra-guard
 * has suspended them all before. FIFREEZE would be of no use: on a file system that is frozen already the
 * device mapper fails, and leaves the origin half-changed.
 *
 * Whatever is made is made in prepare(), under a name that follows from the snapshot's id. So commit() has
 * little to do, and discard() little to look for:
 *
 *         lvm-thin   prepare: a thin snapshot        commit: it is made anew (lvm-thin.h)
 *         lvm-cow    prepare: the store, a volume    commit: it becomes a snapshot
 */

#include "providers/lvm/provider-lvm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <vss.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/log.h"
#include "provider/provider-builtin.h"
#include "provider/provider-mount.h"
#include "provider/provider-protocol.h"
#include "providers/lvm/lvm-command.h"
#include "providers/lvm/lvm-file-system.h"
#include "providers/lvm/lvm-measure.h"
#include "providers/lvm/lvm-merge.h"
#include "providers/lvm/lvm-note.h"
#include "providers/lvm/lvm-ready.h"
#include "providers/lvm/lvm-revert.h"
#include "providers/lvm/lvm-thin.h"
#include "providers/lvm/lvm-use.h"

#define NAME_PREFIX "umbra-"

/* How large a COW store is: a tenth of the volume, at least this much, never more than it can need. */
#define STORE_MIN ((uint64_t) 256 * 1024 * 1024)
#define STORE_PART 10

/* A pool that is so full does not take another snapshot. */
#define POOL_FULL 0.8

/* What prepare() made. */
typedef struct LvmSnapshot {
        LvmReady *ready; /* lvm-cow */
        LvmThin thin;    /* lvm-thin */
} LvmSnapshot;

/* The logical volume that carries the directory, and what is on it. */
static int find_origin(int volume_fd, LvmVolume *ret, LvmFileSystem *ret_file_system) {
        char uuid[LVM_UUID_STRING_MAX];
        struct stat st;
        int r;

        if (fstat(volume_fd, &st) < 0)
                return -errno;

        r = lvm_uuid_of_device(st.st_dev, uuid);
        if (r == -EOPNOTSUPP)
                return provider_fail(r, "it does not lie on a logical volume");
        if (r >= 0)
                r = lvm_file_system_at(volume_fd, ret_file_system);
        return r < 0 ? r : lvm_find(ret, "lv_uuid=\"%s\"", uuid);
}

static int probe(const ProviderEnv *env, int volume_fd, bool thin, ProviderProbe *ret) {
        _cleanup_(lvm_file_system_clear) LvmFileSystem file_system = { 0 };
        _cleanup_volume_ LvmVolume origin = { 0 };
        int r;

        if (!env->privileged)
                return provider_fail(-EOPNOTSUPP, "umbrad may not mount, which snapshots of LVM need");

        r = find_origin(volume_fd, &origin, &file_system);
        if (r < 0)
                return r;
        if (thin != (*origin.pool != '\0'))
                return provider_fail(-EOPNOTSUPP, "its logical volume is %s", thin ? "not thin" : "thin");
        if (!thin && *origin.origin)
                return provider_fail(-EOPNOTSUPP, "its logical volume is a snapshot itself");

        *ret = (ProviderProbe) {
                .flags = PROVIDER_WANTS_SUSPEND,
                .consistency = PROVIDER_CONSISTENCY_CRASH,
                .consistency_held = PROVIDER_CONSISTENCY_CRASH,
                .attributes = VSS_VOLSNAP_ATTR_DIFFERENTIAL,
        };
        return 0;
}

static int thin_probe(const ProviderEnv *env, const char *volume, int volume_fd, ProviderProbe *ret) {
        return probe(env, volume_fd, true, ret);
}

static int cow_probe(const ProviderEnv *env, const char *volume, int volume_fd, ProviderProbe *ret) {
        return probe(env, volume_fd, false, ret);
}

/* What a store can need at most is a copy of all of the origin, and its tables. 0: there is no room. */
static void choose_store(const LvmVolume *origin, uint64_t room, LvmNote *note) {
        uint64_t most = origin->size + origin->size / 100 + 2 * origin->extent;
        uint64_t size = MIN(MAX(origin->size / STORE_PART, STORE_MIN), most);

        note->store_max = room > 0 ? MIN(room, most) : most;
        size = MIN(size, note->store_max);
        size = MIN(size, origin->group_free);
        note->store = size - size % origin->extent;
}

static int lvm_plan(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        _cleanup_(lvm_file_system_clear) LvmFileSystem file_system = { 0 };
        _cleanup_volume_ LvmVolume origin = { 0 };
        LvmNote note = { .pool = "-" };
        int r;

        r = find_origin(s->volume_fd, &origin, &file_system);
        if (r < 0)
                return r;

        (void) stpcpy(note.group, origin.group_uuid);
        (void) stpcpy(note.origin, origin.uuid);
        (void) snprintf(note.origin_name, sizeof(note.origin_name), "%s/%s", origin.group, origin.name);
        (void) snprintf(note.name, sizeof(note.name), "%s/" NAME_PREFIX "%s", origin.group, GUID_TO_STRING(&s->id));
        (void) stpcpy(note.type, file_system.type);
        note.root = file_system.root;
        if (*origin.pool) {
                (void) stpcpy(note.pool, origin.pool_uuid);
                note.thin_id = origin.thin_id;
        } else
                choose_store(&origin, s->room, &note);

        return lvm_note_write(&note, ret_note);
}

static void lvm_release(ProviderSnapshot *s) {
        LvmSnapshot *snapshot = s->data;

        if (!snapshot)
                return;

        lvm_ready_free(snapshot->ready);
        fd_close(snapshot->thin.control);
        free(snapshot);
        s->data = NULL;
}

/* lvm's sentence says it better, but has no code for it. */
static int fail_if_full(const LvmNote *note, int r) {
        _cleanup_volume_ LvmVolume pool = { 0 };

        if (lvm_find(&pool, "lv_uuid=\"%s\"", note->pool) < 0 ||
            (pool.used < POOL_FULL && pool.metadata_used < POOL_FULL))
                return r;

        return provider_fail(-ENOSPC,
                             "thin pool %s/%s is full (%.0f %%, its metadata %.0f %%): make it larger with "
                             "lvextend, or delete snapshots",
                             pool.group, pool.name, pool.used * 100, pool.metadata_used * 100);
}

static int snapshot_new(ProviderSnapshot *s, LvmNote *ret_note, LvmSnapshot **ret) {
        LvmSnapshot *snapshot;
        int r;

        r = lvm_note_read(s->note, ret_note);
        if (r < 0)
                return r;

        s->data = snapshot = calloc_checked(1, sizeof(*snapshot)); /* release() has the rest */
        if (!snapshot)
                return -ENOMEM;

        snapshot->thin = (LvmThin) LVM_THIN_INIT;
        *ret = snapshot;
        return 0;
}

static int thin_prepare(const ProviderEnv *env, ProviderSnapshot *s) {
        _cleanup_volume_ LvmVolume made = { 0 };
        LvmSnapshot *snapshot;
        LvmNote note;
        struct stat st;
        int r;

        r = snapshot_new(s, &note, &snapshot);
        if (r < 0)
                return r;

        r = LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvcreate", "--yes", "--snapshot", "--setactivationskip", "y",
                    "--addtag", LVM_TAG, "--name", note.name, note.origin_name);
        if (r < 0)
                return fail_if_full(&note, r);

        r = lvm_note_find(&note, &made);
        if (r < 0)
                return r;
        if (fstat(s->volume_fd, &st) < 0)
                return -errno;

        r = lvm_thin_open(&snapshot->thin, note.group, note.pool);
        if (r < 0)
                return provider_fail(r, "its thin pool cannot be found: %m");

        snapshot->thin.origin = st.st_dev;
        snapshot->thin.origin_id = note.thin_id;
        snapshot->thin.snapshot_id = made.thin_id;
        return 0;
}

static int thin_commit(const ProviderEnv *env, ProviderSnapshot *s, bool held) {
        const LvmSnapshot *snapshot = s->data;

        return lvm_thin_renew(&snapshot->thin, held);
}

/* Of what there is by now: the other volumes of the set may have taken some of it. */
static int make_store(const ProviderSnapshot *s, const LvmNote *note) {
        _cleanup_volume_ LvmVolume origin = { 0 };
        _cleanup_(freep) char *size = NULL;
        uint64_t store;
        int r;

        r = lvm_find(&origin, "lv_uuid=\"%s\"", note->origin);
        if (r < 0)
                return r;

        store = MIN(note->store, origin.group_free);
        store -= store % origin.extent;
        if (store == 0)
                return provider_fail(-ENOSPC,
                                     "there is no room for what changes meanwhile beside %s: make its group larger "
                                     "with vgextend, or delete snapshots",
                                     note->origin_name);

        r = format_to(&size, "%" PRIu64 "b", store);
        return r < 0 ? r :
                       LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvcreate", "--yes", "--wipesignatures", "y", "--zero", "y",
                               "--size", size, "--addtag", LVM_TAG, "--name", lvm_note_name(note), note->group_name);
}

static int cow_prepare(const ProviderEnv *env, ProviderSnapshot *s) {
        _cleanup_(freep) char *line = NULL;
        LvmSnapshot *snapshot;
        LvmNote note;
        int r;

        r = snapshot_new(s, &note, &snapshot);
        if (r >= 0)
                r = make_store(s, &note);
        if (r >= 0)
                r = format_to(&line,
                              "lvconvert -y --type snapshot -Zn --noudevsync "
                              "--config 'backup{backup=0 archive=0} activation{monitoring=0}' %s %s",
                              note.origin_name, note.name);
        if (r >= 0)
                r = lvm_ready_new(line, s->lock_fd, &snapshot->ready);
        return r == -E2BIG ? 0 : r;
}

/* lvm suspends the origin, unless it is already, and resumes it in any case. */
static int cow_commit(const ProviderEnv *env, ProviderSnapshot *s, bool held) {
        const LvmSnapshot *snapshot = s->data;
        LvmNote note;
        int r;

        r = lvm_note_read(s->note, &note);
        if (r >= 0 && held && !lvm_is_suspended(note.origin))
                r = lvm_fail_resumed();
        if (r >= 0 && snapshot->ready)
                return lvm_ready_go(snapshot->ready, LVM_TIMEOUT_USEC);

        return r < 0 ? r :
                       LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvconvert", "--yes", "--type", "snapshot", "--zero", "n",
                               note.origin_name, note.name);
}

static int lvm_surface(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_device) {
        _cleanup_volume_ LvmVolume v = { 0 };
        _cleanup_(closep) int mount_fd = -EBADF;
        LvmNote note;
        int r;

        r = lvm_note_read(s->note, &note);
        if (r < 0)
                return r;

        r = lvm_note_find(&note, &v);
        if (r == -ENOENT)
                return provider_fail(r, "somebody has removed it");
        if (r < 0)
                return r;
        if (v.invalid)
                return provider_fail(-EIO, "it is lost: its store of %" PRIu64 " MiB has filled up",
                                     v.size / 1024 / 1024);

        r = lvm_activate(s, &note, &v);
        if (r < 0)
                return r;

        mount_fd = lvm_file_system_mount(note.type, note.root, v.path, true);
        if (mount_fd < 0)
                return provider_fail(mount_fd, "%s cannot be mounted: %m", v.path);

        return provider_shadow_attach(env, &s->id, mount_fd, ret_device);
}

/* Why it could not be removed: a volume that is in use stays, whatever one says. */
static int fail_if_open(const LvmNote *note, int r) {
        _cleanup_volume_ LvmVolume v = { 0 };

        return lvm_note_find(note, &v) >= 0 && v.open ?
                       provider_fail(-EBUSY, "somebody still has files of it open") :
                       r;
}

static int lvm_discard(const ProviderEnv *env, const ProviderSnapshot *s) {
        _cleanup_(freep) char *selection = NULL;
        LvmNote note;
        int r;

        lvm_measure_tidy(env); /* else nothing becomes free */
        r = provider_shadow_remove(env, &s->id);
        if (r >= 0)
                r = lvm_note_read(s->note, &note);
        if (r >= 0)
                r = lvm_resume(note.origin, s->lock_fd);
        if (r >= 0)
                r = format_to(&selection, "vg_uuid=\"%s\" && (lv_name=\"%s\" || lv_name=\"%s" LVM_KEPT_SUFFIX "\")",
                              note.group, lvm_note_name(&note), lvm_note_name(&note));
        if (r < 0)
                return r;

        r = LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvremove", "--force", "--yes", "--select", selection);
        return r < 0 ? fail_if_open(&note, r) : 0;
}

/* Adds what a COW snapshot takes; it may be going away just now. */
static int add_usage(const char *text, ProviderUsage *usage) {
        _cleanup_volume_ LvmVolume v = { 0 };
        LvmNote note;
        int r;

        r = lvm_note_read(text, &note);
        if (r >= 0)
                r = lvm_note_find(&note, &v);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        usage->allocated += v.size;
        usage->used += v.used < 0 ? 0 : (uint64_t) (v.used * (double) v.size);
        return 0;
}

/* Where copies lie is the group of the volume, which is no file system: the volume itself stands for it. */
static int usage_place(const char *volume, int volume_fd, LvmVolume *origin, ProviderUsage *u) {
        _cleanup_(lvm_file_system_clear) LvmFileSystem file_system = { 0 };
        int r;

        if (volume_fd < 0)
                return provider_fail(-ENOENT, "it is not mounted");

        r = find_origin(volume_fd, origin, &file_system);
        if (r < 0)
                return r;

        u->free = origin->group_free;
        u->total = origin->group_size;
        return strdup_to(volume, &u->place);
}

static uint64_t thin_used(const ProviderEnv *env, const char *volume, const LvmVolume *pool, char *const *notes) {
        uint64_t used = 0;
        int r;

        r = *notes ? lvm_measure(env, pool, notes, &used) : 0;
        if (r >= 0)
                return used;

        if (!*provider_sentence())
                (void) provider_fail(r, "%m");
        log_info("What the thin snapshots of '%s' take is not known: %s", volume, provider_sentence());
        return PROVIDER_SIZE_UNKNOWN;
}

/* In the pool there is also the volume itself, and others. A pool that fills up is made larger, as long as the group has room. */
static int thin_usage(const ProviderEnv *env, const char *volume, int volume_fd, char *const *notes, ProviderUsage *ret) {
        _cleanup_volume_ LvmVolume origin = { 0 }, pool = { 0 };
        ProviderUsage u = { .used = 0 };
        int r;

        r = usage_place(volume, volume_fd, &origin, &u);
        if (r >= 0)
                r = lvm_find(&pool, "lv_uuid=\"%s\"", origin.pool_uuid);
        if (r < 0) {
                free(u.place);
                return r;
        }

        u.used = u.allocated = thin_used(env, volume, &pool, notes);
        u.total = pool.size + origin.group_free;
        u.free = origin.group_free + (pool.used < 0 ? 0 : (uint64_t) ((1 - pool.used) * (double) pool.size));
        *ret = u;
        return 0;
}

static int cow_usage(const ProviderEnv *env, const char *volume, int volume_fd, char *const *notes, ProviderUsage *ret) {
        _cleanup_volume_ LvmVolume origin = { 0 };
        ProviderUsage u = { .used = 0 };
        int r;

        r = usage_place(volume, volume_fd, &origin, &u);
        for (char *const *note = notes; *note && r >= 0; ++note)
                r = add_usage(*note, &u);
        if (r < 0) {
                free(u.place);
                return r;
        }

        *ret = u;
        return 0;
}

const ProviderOps provider_lvm_thin_ops = {
        PROVIDER_IDENTITY_LVM_THIN,
        .probe = thin_probe,
        .usage = thin_usage,
        .plan = lvm_plan,
        .prepare = thin_prepare,
        .commit = thin_commit,
        .surface = lvm_surface,
        .unseal = lvm_unseal,
        .seal = lvm_seal,
        .tend = lvm_tend_thin,
        .discard = lvm_discard,
        .may_revert = lvm_may_revert,
        .revert = lvm_revert,
        .break_off = lvm_break_off,
        .release = lvm_release,
        .takes_no_limit = true,
};

const ProviderOps provider_lvm_cow_ops = {
        PROVIDER_IDENTITY_LVM_COW,
        .probe = cow_probe,
        .usage = cow_usage,
        .plan = lvm_plan,
        .prepare = cow_prepare,
        .commit = cow_commit,
        .surface = lvm_surface,
        .unseal = lvm_unseal,
        .seal = lvm_seal,
        .tend = lvm_tend_cow,
        .discard = lvm_discard,
        .may_revert = lvm_may_revert,
        .revert = lvm_revert,
        .release = lvm_release,
};
