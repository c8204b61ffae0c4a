/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Is Done to a Snapshot of LVM That Exists
 *
 * The volume of a snapshot can always be written to; it is the file system on it that is mounted read-only,
 * without a look at its journal. Who is to write gets it mounted anew.
 */

#include "providers/lvm/lvm-use.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include <vss.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "provider/provider-mount.h"
#include "providers/lvm/lvm-mapper.h"
#include "providers/lvm/lvm-measure.h"

#define BROKEN_PREFIX "shadow-" /* names with "snapshot" are reserved */

/* What is so full, of 1000, gets more, a part of what it has. */
#define FULL 700U
#define MORE_PART 4

/* So long what lvm has said of a pool holds for the next snapshot in it. */
#define POOL_ASKED_USEC (1 * USEC_PER_SEC)

int lvm_activate(const ProviderSnapshot *s, const LvmNote *note, const LvmVolume *v) {
        return v->active ? 0 :
                           LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvchange", "--yes", "--activate", "y",
                                   "--ignoreactivationskip", note->name);
}

int lvm_unseal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int mount_fd = -EBADF;
        _cleanup_volume_ LvmVolume v = { 0 };
        LvmNote note;
        int r;

        r = lvm_note_read(s->note, &note);
        if (r >= 0)
                r = lvm_note_find(&note, &v);
        if (r >= 0)
                r = provider_shadow_remove(env, &s->id); /* one file system is read-only or not, wherever it is mounted */
        if (r < 0)
                return r;

        mount_fd = lvm_file_system_mount(note.type, note.root, v.path, false);
        if (mount_fd < 0)
                return provider_fail(mount_fd, "%s cannot be mounted for writing: %m", v.path);

        return provider_shadow_attach(env, &s->id, mount_fd, &path);
}

int lvm_seal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device) {
        int r;

        r = lvm_file_system_seal(device);
        return r < 0 ? provider_fail(r, "its file system cannot be made read-only: %m") : 0;
}

/* Under another name, and without what makes it umbra's; it is a volume that can be written to, as it always was. */
static int hand_over(const ProviderSnapshot *s, const LvmNote *note) {
        char name[sizeof(BROKEN_PREFIX) + GUID_STRING_MAX];
        int r;

        (void) snprintf(name, sizeof(name), BROKEN_PREFIX "%s", GUID_TO_STRING(&s->id));
        r = LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvchange", "--setactivationskip", "n", "--deltag", LVM_TAG, note->name);
        if (r < 0)
                return r;

        return LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvrename", note->group_name, lvm_note_name(note), name);
}

int lvm_break_off(const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags) {
        _cleanup_volume_ LvmVolume v = { 0 };
        LvmNote note;
        int r;

        r = provider_check_identity(s, flags);
        if (r >= 0)
                r = lvm_note_read(s->note, &note);
        if (r < 0)
                return r;

        r = lvm_note_find(&note, &v);
        if (r == -ENOENT)
                return 0; /* the worker before this one has done it */
        if (r >= 0 && flags & VSS_BREAKEX_FLAG_MAKE_READ_WRITE)
                r = lvm_unseal(env, s, NULL);
        return r < 0 ? r : hand_over(s, &note);
}

/* By as much as there is. */
static int enlarge(const ProviderSnapshot *s, const LvmVolume *v, const char *option, uint64_t more) {
        _cleanup_(freep) char *size = NULL, *name = NULL;
        int r;

        more = MIN(more, v->group_free);
        more -= more % v->extent;
        if (more == 0)
                return 0;

        r = format_to(&size, "+%" PRIu64 "b", more);
        if (r >= 0)
                r = format_to(&name, "%s/%s", v->group, v->name);
        return r < 0 ? r : LVM_RUN(s->lock_fd, LVM_TIMEOUT_USEC, "lvextend", option, size, name);
}

static unsigned permille_of(double used) {
        return used < 0 ? 0 : used > 1 ? 1000 : (unsigned) (used * 1000);
}

int lvm_tend_cow(const ProviderEnv *env, const ProviderSnapshot *s, unsigned *ret_permille) {
        _cleanup_volume_ LvmVolume v = { 0 }, after = { 0 };
        unsigned permille = FULL;
        LvmNote note;
        int r;

        r = lvm_note_read(s->note, &note);
        if (r >= 0 && lvm_mapper_fullness(&note, &permille) >= 0 && permille < FULL) {
                *ret_permille = permille;
                return 0;
        }
        if (r >= 0)
                r = lvm_note_find(&note, &v);
        if (r < 0)
                return r;
        if (v.invalid)
                return provider_fail(-ENODATA, "it is lost: its store of %" PRIu64 " MiB has filled up",
                                     v.size / 1024 / 1024);

        *ret_permille = permille_of(v.used);
        if (*ret_permille < FULL || v.size >= note.store_max || v.merging) /* lvm makes no room in what it merges */
                return 0;

        r = enlarge(s, &v, "--size", MIN(MAX(v.size / MORE_PART, v.extent), note.store_max - v.size));
        if (r >= 0)
                r = lvm_note_find(&note, &after);
        if (r >= 0)
                *ret_permille = permille_of(after.used);
        return r;
}

static int tend_pool(const ProviderSnapshot *s, const LvmNote *note, unsigned *ret_permille) {
        _cleanup_volume_ LvmVolume pool = { 0 }, after = { 0 };
        unsigned data, metadata;
        int r;

        r = lvm_find(&pool, "lv_uuid=\"%s\"", note->pool);
        if (r < 0)
                return r;

        data = permille_of(pool.used);
        metadata = permille_of(pool.metadata_used);
        *ret_permille = MAX(data, metadata);
        if (*ret_permille < FULL)
                return 0;

        if (data >= FULL)
                r = enlarge(s, &pool, "--size", MAX(pool.size / MORE_PART, pool.extent));
        if (r >= 0 && metadata >= FULL)
                r = enlarge(s, &pool, "--poolmetadatasize", pool.extent);
        if (r >= 0)
                r = lvm_find(&after, "lv_uuid=\"%s\"", note->pool);
        if (r >= 0)
                *ret_permille = permille_of(MAX(after.used, after.metadata_used));
        return r;
}

/* The pool is shared with the volume itself and with others, which are lost with it; so that is looked after, once for all snapshots
 * in it that are asked for one after the other. */
int lvm_tend_thin(const ProviderEnv *env, const ProviderSnapshot *s, unsigned *ret_permille) {
        static struct {
                char pool[LVM_UUID_STRING_MAX];
                unsigned permille;
                usec_t usec;
        } last;
        unsigned permille = FULL;
        LvmNote note;
        int r;

        lvm_measure_tidy(env);
        r = lvm_note_read(s->note, &note);
        if (r < 0)
                return r;

        if (lvm_mapper_fullness(&note, &permille) < 0 || permille >= FULL) {
                if (strcmp(last.pool, note.pool) != 0 || now_usec(CLOCK_MONOTONIC) - last.usec > POOL_ASKED_USEC) {
                        r = tend_pool(s, &note, &last.permille);
                        if (r < 0)
                                return r;
                        (void) stpcpy(last.pool, note.pool);
                        last.usec = now_usec(CLOCK_MONOTONIC);
                }
                permille = last.permille;
        }

        *ret_permille = permille;
        return 0;
}
