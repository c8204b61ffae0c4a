/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reverting a Logical Volume That Cannot Be Freed
 *
 * Each call looks at what lvm reports and takes the one step that is next; so it does not matter who died where. That a
 * thin volume was activated anew is told by its number in the pool, which was noted down before: then it is the
 * snapshot's, and all names are what they were.
 */

#include "providers/lvm/lvm-merge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/log.h"
#include "provider/provider-mount.h"
#include "providers/lvm/lvm-command.h"
#include "providers/lvm/lvm-revert.h"
#include "providers/lvm/lvm-state.h"

static int find_origin(const LvmNote *note, LvmVolume *ret) {
        return lvm_find(ret, "lv_uuid=\"%s\"", note->origin);
}

/* What the merge would take along. */
static int check_extent(const ProviderEnv *env, const LvmNote *note, const LvmVolume *origin, const ProviderRevert *v) {
        _cleanup_(freep) char *where = NULL;

        if (strcmp(note->root, "/") != 0)
                return provider_fail(-EOPNOTSUPP,
                                     "the system runs on it, and only a part of its file system is the volume: what is reverted "
                                     "at a restart is all of %s",
                                     note->origin_name);
        return lvm_state_find(env, origin, v->target_fd, v->target, &where);
}

int lvm_may_merge(const ProviderEnv *env, const LvmNote *note, const ProviderRevert *v, char **ret_how) {
        _cleanup_volume_ LvmVolume origin = { 0 };
        int r;

        r = find_origin(note, &origin);
        if (r < 0)
                return r == -ENOENT ? provider_fail(r, "its volume %s has gone", note->origin_name) : r;
        r = check_extent(env, note, &origin, v);
        if (r < 0)
                return r;
        if (origin.merging)
                return provider_fail(-EBUSY, "another snapshot is merged into %s already", note->origin_name);
        if (!(v->flags & PROVIDER_REVERT_FORCED))
                return provider_fail(-EBUSY, "the system runs on it; it can be reverted by force, at the next restart");

        return format_to(ret_how, "merge thin=%" PRIu64, origin.thin_id);
}

/* Thin snapshots */

static int find_kept(const LvmNote *note, LvmVolume *ret) {
        return lvm_find(ret, "vg_uuid=\"%s\" && lv_name=\"%s" LVM_KEPT_SUFFIX "\"", note->group, lvm_note_name(note));
}

static int keep(const ProviderSnapshot *s, const LvmNote *note) {
        _cleanup_(freep) char *name = NULL;
        _cleanup_volume_ LvmVolume v = { 0 };
        int r;

        r = find_kept(note, &v);
        if (r != -ENOENT)
                return r;

        r = format_to(&name, "%s" LVM_KEPT_SUFFIX, lvm_note_name(note));
        return r < 0 ? r :
                       LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvcreate", "--yes", "--snapshot", "--setactivationskip", "y",
                               "--addtag", LVM_TAG, "--name", name, note->name);
}

/* After the merge, which may have been a life ago. */
static int put_kept_in_place(const ProviderSnapshot *s, const LvmNote *note) {
        _cleanup_(freep) char *name = NULL;
        _cleanup_volume_ LvmVolume v = { 0 };
        int r;

        r = find_kept(note, &v);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        r = format_to(&name, "%s" LVM_KEPT_SUFFIX, lvm_note_name(note));
        return r < 0 ? r :
                       LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvrename", note->group_name, name, lvm_note_name(note));
}

/* Both */

static int begin(const ProviderEnv *env,
                 const ProviderSnapshot *s,
                 const ProviderRevert *v,
                 const LvmNote *note,
                 const LvmVolume *origin,
                 const LvmVolume *snapshot) {
        _cleanup_(freep) char *where = NULL;
        int r;

        r = lvm_state_find(env, origin, v->target_fd, v->target, &where);
        if (r >= 0)
                r = *snapshot->pool ? keep(s, note) : lvm_make_room(s, note, snapshot);
        if (r >= 0 && where)
                r = lvm_state_take(env, s, note, where);
        if (r < 0)
                return r;

        r = LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvconvert", "--yes", "--merge", note->name);
        return r < 0 && r != -ETIMEDOUT ? r : PROVIDER_REVERT_WAITS;
}

/* Somebody has to have lvm write down that the merge is over; where nobody polls for it, it is us. What does that goes
 * on alone, and must not keep our lock; what became of it is seen at the next look. */
static void poll(const LvmNote *note) {
        (void) LVM_RUN(-EBADF, LVM_TIMEOUT_USEC, "lvchange", "--poll", "y", note->origin_name);
}

/* A thin volume is the snapshot as soon as it is activated; a COW snapshot is copied back, and lvm reports how much is
 * left of that. */
static void look_after(const LvmNote *note, const LvmVolume *origin, const LvmVolume *snapshot, bool activated) {
        if (snapshot->merge_failed)
                log_warning("The merge of %s into %s has failed; the kernel's messages say why, and lvm tries again when %s is "
                            "next activated",
                            note->name, note->origin_name, note->origin_name);
        if (!activated)
                return;

        if (!*snapshot->pool)
                provider_progress(MAX(1U, (unsigned) ((1 - MIN(origin->used, 1)) * 1000)));
        if (*snapshot->pool || origin->used == 0)
                poll(note);
}

/* What was begun goes on whether we see it or not. */
static int look_again(const LvmNote *note, const char *trouble) {
        log_warning("Looking whether %s was merged into %s, %s; looking again", note->name, note->origin_name, trouble);
        return PROVIDER_REVERT_WAITS;
}

int lvm_merge(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v) {
        _cleanup_volume_ LvmVolume origin = { 0 }, snapshot = { 0 };
        uint64_t thin_id;
        bool activated;
        LvmNote note;
        int r;

        if (sscanf(v->how, "merge thin=%" SCNu64, &thin_id) != 1)
                return provider_fail(-EINVAL, "'%s' is not a way to revert it", v->how);

        r = lvm_note_read(s->note, &note);
        if (r < 0)
                return r;
        r = find_origin(&note, &origin);
        if (r < 0)
                return look_again(&note, r == -ENOENT ? "that is not there" : "lvm fails"); /* its disk comes later, perhaps */
        activated = *origin.pool ? origin.thin_id != thin_id : origin.used >= 0;

        r = lvm_revert_find(&note, &snapshot);
        if (r == -ENOENT && !*origin.pool) {
                r = provider_shadow_remove(env, &s->id);
                return r < 0 ? r : PROVIDER_REVERTED_WITH_ALL;
        }
        if (r < 0 && r != -ENOENT && r != -ENODATA)
                return look_again(&note, "lvm fails");
        if (r < 0 && !(r == -ENOENT && activated))
                return r;

        if (snapshot.merging) {
                look_after(&note, &origin, &snapshot, activated);
                return PROVIDER_REVERT_WAITS;
        }
        return *origin.pool && activated ? put_kept_in_place(s, &note) : begin(env, s, v, &note, &origin, &snapshot);
}
