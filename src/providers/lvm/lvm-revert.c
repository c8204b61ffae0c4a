/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reverting Logical Volumes
 *
 * In place, file by file (revert.h): lvm's own merge would use the snapshot up, and wait for the volume to be
 * unmounted. So that is for volumes that the system runs on (lvm-merge.h). Contents are read and compared; that two
 * volumes have something at the same place says nothing, and neither do time stamps, which a power cut may have left
 * older than the contents.
 *
 * What is written to the volume meanwhile may need room for what was there before. A thin snapshot survives a
 * full pool, and the revert can be begun anew; a COW snapshot does not survive a full store. So that one is made
 * as large as it can ever need before the first write, or nothing is written.
 */

#include "providers/lvm/lvm-revert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "providers/lvm/lvm-merge.h"
#include "providers/lvm/lvm-use.h"
#include "providers/revert/revert.h"

/* Of a COW store: its chunks, 16 bytes for each, and two for its header and the end of these tables. */
#define STORE_CHUNK UINT64_C(4096)
#define STORE_TABLE_PART 256

/* What is left of a pool for what a revert writes. */
#define POOL_FULL 0.95

int lvm_revert_find(const LvmNote *note, LvmVolume *ret) {
        int r;

        r = lvm_note_find(note, ret);
        if (r == -ENOENT)
                return provider_fail(r, "somebody has removed it");
        if (r >= 0 && ret->invalid)
                return provider_fail(-ENODATA, "it is lost: its store of %" PRIu64 " MiB has filled up",
                                     ret->size / 1024 / 1024);
        return r;
}

static int check_pool(const LvmNote *note) {
        _cleanup_volume_ LvmVolume pool = { 0 };
        int r;

        r = lvm_find(&pool, "lv_uuid=\"%s\"", note->pool);
        if (r < 0 || (pool.used < POOL_FULL && pool.metadata_used < POOL_FULL))
                return r;

        return provider_fail(-ENOSPC,
                             "thin pool %s/%s is full (%.0f %%, its metadata %.0f %%): make it larger with "
                             "lvextend, or delete other snapshots",
                             pool.group, pool.name, pool.used * 100, pool.metadata_used * 100);
}

/* How much the store must grow for all of the origin to fit in. */
static int store_lacks(const LvmNote *note, const LvmVolume *v, uint64_t *ret) {
        _cleanup_volume_ LvmVolume origin = { 0 };
        uint64_t needed, lacking;
        int r;

        r = lvm_find(&origin, "lv_uuid=\"%s\"", note->origin);
        if (r < 0)
                return r == -ENOENT ? provider_fail(r, "its volume %s has gone", note->origin_name) : r;

        needed = origin.size + origin.size / STORE_TABLE_PART + 2 * STORE_CHUNK;
        lacking = needed > v->size ? needed - v->size : 0;
        lacking = (lacking + v->extent - 1) / v->extent * v->extent;
        if (lacking > v->group_free)
                return provider_fail(-ENOSPC,
                                     "its store must be able to take all of the volume meanwhile, and for that group "
                                     "%s lacks %" PRIu64 " MiB: add a disk with vgextend, or delete other snapshots",
                                     note->group_name, (lacking - v->group_free) / 1024 / 1024);

        *ret = lacking;
        return 0;
}

/* Could it be made? *@ret_lacking: by how much its store must grow. */
static int check_room(const LvmNote *note, const LvmVolume *v, uint64_t *ret_lacking) {
        return *v->pool ? check_pool(note) : store_lacks(note, v, ret_lacking);
}

int lvm_make_room(const ProviderSnapshot *s, const LvmNote *note, const LvmVolume *v) {
        _cleanup_(freep) char *size = NULL;
        uint64_t lacking = 0;
        int r;

        r = check_room(note, v, &lacking);
        if (r < 0 || lacking == 0)
                return r;

        r = format_to(&size, "+%" PRIu64 "b", lacking);
        return r < 0 ? r : LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvextend", "--size", size, note->name);
}

static int open_snapshot(const ProviderEnv *env, const ProviderSnapshot *s, RevertOptions *options) {
        _cleanup_(closep) int mount_fd = -EBADF;
        _cleanup_volume_ LvmVolume v = { 0 };
        LvmNote note;
        int r;

        r = lvm_note_read(s->note, &note);
        if (r >= 0)
                r = lvm_revert_find(&note, &v);
        if (r >= 0)
                r = lvm_activate(s, &note, &v);
        if (r < 0)
                return r;

        mount_fd = lvm_file_system_mount(note.type, note.root, v.path, true);
        if (mount_fd < 0)
                return provider_fail(mount_fd, "%s cannot be mounted: %m", v.path);

        options->has_flags = true;
        options->source_fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return options->source_fd < 0 ? -errno : 0;
}

int lvm_may_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, char **ret_how) {
        _cleanup_volume_ LvmVolume snapshot = { 0 };
        uint64_t lacking;
        LvmNote note;
        int r;

        r = lvm_note_read(s->note, &note);
        if (r >= 0)
                r = lvm_revert_find(&note, &snapshot);
        if (r >= 0)
                r = check_room(&note, &snapshot, &lacking);
        if (r >= 0)
                r = v->flags & PROVIDER_REVERT_MAY_WAIT ? revert_is_the_systems(v->target, v->target_fd) : 0;
        if (r < 0)
                return r;

        return r > 0 ? lvm_may_merge(env, &note, v, ret_how) : revert_may(env, s, v, open_snapshot);
}

int lvm_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v) {
        _cleanup_volume_ LvmVolume snapshot = { 0 };
        LvmNote note;
        int r;

        if (v->how)
                return lvm_merge(env, s, v);

        r = lvm_note_read(s->note, &note);
        if (r >= 0)
                r = lvm_revert_find(&note, &snapshot);
        if (r >= 0)
                r = lvm_make_room(s, &note, &snapshot);
        return r < 0 ? r : revert_in_place(env, s, v, open_snapshot);
}
