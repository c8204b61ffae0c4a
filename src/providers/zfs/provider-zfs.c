/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ZFS
 *
 * A shadow copy is a snapshot of the dataset, mounted read-only. Those of all volumes of a set that lie in one
 * pool are made by one command and are one instant, whatever is written meanwhile; those of different pools
 * are some milliseconds apart, as nothing can hold ZFS: it has no FIFREEZE.
 *
 * What it does not contain: other datasets below this one, each of which is a volume of its own.
 *
 * As long as somebody reads a snapshot, ZFS does not let it go. discard() takes it out of sight at once and
 * waits for a moment; then it says so, and umbrad comes again.
 */

#include "providers/zfs/provider-zfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>

#include <vss.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "provider/provider-builtin.h"
#include "provider/provider-mount.h"
#include "providers/zfs/zfs-command.h"
#include "providers/zfs/zfs-deeds.h"
#include "providers/zfs/zfs-find.h"
#include "providers/zfs/zfs-mount.h"

#define ZFS_MAGIC 0x2fc12fc1

#define MOUNTINFO "/proc/self/mountinfo"

/* The volumes of a set, WIRE_VOLUMES_MAX. */
#define SNAPSHOTS_MAX 64U

/* umbrad gives up before; what counts is that nobody waits for ever. */
#define COMMIT_TIMEOUT_USEC (30 * USEC_PER_SEC)

/* What prepare() found out. */
typedef struct ZfsSnapshot {
        uint64_t pool;
        char *name;     /* of the snapshot to be made */
        char *property; /* "umbra:set=<id>" */
} ZfsSnapshot;

/* So long it holds what a pool has said, for the next dataset that is asked about. */
#define BELOW_ASKED_USEC (2 * USEC_PER_SEC)

static void add_below(const char *dataset, ProviderProbe *probe) {
        static struct {
                char pool[ZFS_NAME_MAX + 1];
                ProviderProbe probe;
                usec_t usec;
        } last;
        size_t n = strcspn(dataset, "/");

        if (n != strlen(last.pool) || memcmp(last.pool, dataset, n) != 0 ||
            now_usec(CLOCK_MONOTONIC) - last.usec > BELOW_ASKED_USEC) {
                last.probe = (ProviderProbe){ 0 };
                zfs_find_below(dataset, MOUNTINFO, &last.probe);
                (void) snprintf(last.pool, sizeof(last.pool), "%.*s", (int) n, dataset);
                last.usec = now_usec(CLOCK_MONOTONIC);
        }

        probe->flags |= last.probe.flags;
        probe->n_below = last.probe.n_below;
        memcpy(probe->below, last.probe.below, sizeof(probe->below));
}

static int zfs_probe(const ProviderEnv *env, const char *volume, int volume_fd, ProviderProbe *ret) {
        _cleanup_(freep) char *dataset = NULL;
        struct statfs fs;
        int r;

        if (fstatfs(volume_fd, &fs) < 0)
                return -errno;
        if ((uint32_t) fs.f_type != ZFS_MAGIC)
                return provider_fail(-EOPNOTSUPP, "it does not lie on ZFS");
        if (!env->privileged)
                return provider_fail(-EOPNOTSUPP, "umbrad may not mount, which snapshots of ZFS need");

        r = zfs_check_installed();
        if (r >= 0)
                r = zfs_dataset_of(volume_fd, MOUNTINFO, &dataset);
        if (r < 0)
                return r;

        *ret = (ProviderProbe){
                .flags = PROVIDER_FORBIDS_HOLD,
                .consistency = PROVIDER_CONSISTENCY_CRASH,
                .consistency_held = PROVIDER_CONSISTENCY_CRASH,
                .attributes = VSS_VOLSNAP_ATTR_DIFFERENTIAL,
        };
        add_below(dataset, ret);
        return 0;
}

static int zfs_plan(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        _cleanup_(freep) char *dataset = NULL;
        ZfsNote note = { 0 };
        int r;

        r = zfs_dataset_of(s->volume_fd, MOUNTINFO, &dataset);
        if (r >= 0)
                r = zfs_pool_guid(dataset, &note.pool);
        if (r >= 0)
                r = zfs_dataset_guid(dataset, &note.dataset);
        if (r < 0)
                return r;

        (void) guid_to_string(&s->id, note.id);
        note.name = dataset;
        return zfs_note_write(&note, ret_note);
}

static void zfs_release(ProviderSnapshot *s) {
        ZfsSnapshot *snapshot = s->data;

        if (!snapshot)
                return;

        free(snapshot->name);
        free(snapshot->property);
        free(snapshot);
        s->data = NULL;
}

static int zfs_prepare(const ProviderEnv *env, ProviderSnapshot *s) {
        ZfsSnapshot *snapshot;
        uint64_t guid;
        ZfsNote note;
        int r;

        r = zfs_note_read(s->note, &note);
        if (r >= 0)
                r = zfs_dataset_guid(note.name, &guid);
        if (r < 0)
                return r;
        if (guid != note.dataset)
                return provider_fail(-ENOENT, "its dataset '%s' is another one since a moment ago",
                                     note.name);

        snapshot = calloc_checked(1, sizeof(*snapshot));
        if (!snapshot)
                return -ENOMEM;

        s->data = snapshot; /* release() has the rest */
        snapshot->pool = note.pool;
        r = format_to(&snapshot->property, ZFS_PROPERTY "=%s", GUID_TO_STRING(&s->set_id));
        return r < 0 ? r : format_to(&snapshot->name, "%s@" ZFS_NAME_PREFIX "%s", note.name, note.id);
}

/* The Instant */

/* One command: what it is told, and the locks that it keeps. */
typedef struct Batch {
        const char *argv[SNAPSHOTS_MAX + 5];
        int locks[SNAPSHOTS_MAX];
        size_t n;
        Command command;
} Batch;

static int batch_start(Batch *b, ProviderSnapshot *const *all, size_t n, size_t first) {
        const ZfsSnapshot *leader = all[first]->data;
        usec_t instant = now_usec(CLOCK_REALTIME);
        size_t n_words = 0;

        b->argv[n_words++] = "zfs";
        b->argv[n_words++] = "snapshot";
        b->argv[n_words++] = "-o";
        b->argv[n_words++] = leader->property;
        for (size_t i = first; i < n; ++i) {
                const ZfsSnapshot *snapshot = all[i]->data;

                if (snapshot->pool != leader->pool)
                        continue;
                all[i]->instant_usec = instant;
                b->argv[n_words++] = snapshot->name;
                b->locks[b->n++] = all[i]->lock_fd;
        }

        return command_start(b->argv, b->locks, b->n, &b->command);
}

static bool pool_is_new(ProviderSnapshot *const *all, size_t i) {
        for (size_t k = 0; k < i; ++k)
                if (((const ZfsSnapshot *) all[k]->data)->pool == ((const ZfsSnapshot *) all[i]->data)->pool)
                        return false;

        return true;
}

/* All pools at once. When one fails the others' snapshots are made all the same; discard() knows them. */
static int zfs_commit_all(const ProviderEnv *env, ProviderSnapshot *const *all, size_t n) {
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), COMMIT_TIMEOUT_USEC);
        Batch batches[SNAPSHOTS_MAX];
        size_t n_batches = 0;
        int r = 0;

        if (n > SNAPSHOTS_MAX)
                return -E2BIG;

        for (size_t i = 0; i < n && r >= 0; ++i)
                if (pool_is_new(all, i)) {
                        batches[n_batches] = (Batch){ .command = COMMAND_INIT };
                        r = batch_start(&batches[n_batches], all, n, i);
                        if (r >= 0)
                                ++n_batches;
                }
        if (r < 0)
                r = provider_fail(r, "zfs cannot be started: %m");

        for (size_t i = 0; i < n_batches; ++i) {
                if (r >= 0)
                        r = zfs_finish(&batches[i].command, batches[i].argv, deadline, NULL);
                command_clear(&batches[i].command);
        }

        return r;
}

/* Seeing It */

static int find(const ProviderSnapshot *s, ZfsFound *ret) {
        ZfsNote note;
        int r;

        r = zfs_note_read(s->note, &note);
        return r < 0 ? r : zfs_find(&note, s, ret);
}

static int zfs_surface(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_device) {
        _cleanup_(zfs_found_clear) ZfsFound found = { 0 };
        int r;

        r = find(s, &found);
        if (r < 0)
                return r;
        if (!found.snapshot)
                return provider_fail(-ENOENT, "somebody has removed it");

        return zfs_mount_at_shadow(env, s, found.clone ?: found.snapshot, ret_device);
}

/* Going Away */

/* -d: what somebody has made a clone of, or put a hold on, goes when that goes. */
static int destroy(const ProviderSnapshot *s, const ZfsFound *found) {
        int r = 0;

        if (found->clone)
                r = zfs_run_patiently((const char *[]){ "zfs", "destroy", found->clone, NULL }, s);
        if (r >= 0 && found->ours)
                r = zfs_run_patiently((const char *[]){ "zfs", "destroy", "-d", found->snapshot, NULL }, s);
        return r;
}

static int zfs_discard(const ProviderEnv *env, const ProviderSnapshot *s) {
        _cleanup_(zfs_found_clear) ZfsFound found = { 0 };
        int r;

        r = provider_shadow_remove(env, &s->id);
        if (r >= 0)
                r = find(s, &found);
        return r < 0 ? r : destroy(s, &found);
}

/* Space */

/* "tank/data@umbra-1,umbra-2": each of @notes that is there still, which is found by name: this is a question, and
 * nothing is done to what is found. */
static int snapshots_with_notes(char *const *notes, const char *dataset, char **ret) {
        _cleanup_(freep) char *output = NULL, *list = NULL;
        char *text, *field;
        int r;

        r = zfs_run((const char *[]){ "zfs", "list", "-Hp", "-d", "1", "-t", "snapshot", "-o", "name",
                                      dataset, NULL },
                    NULL, ZFS_CHANGE_TIMEOUT_USEC, &output);
        if (r < 0)
                return r;

        text = output;
        while ((r = zfs_next_row(&text, &field, 1)) > 0)
                STRV_FOREACH(n, notes) {
                        ZfsNote note;
                        char *longer;

                        if (!zfs_is_ours(field) || zfs_note_read(*n, &note) < 0 ||
                            !zfs_is_called(field, '@', note.id))
                                continue;

                        r = list ? format_to(&longer, "%s,%s", list, strchr(field, '@') + 1) :
                                   strdup_to(field, &longer);
                        if (r < 0)
                                return r;
                        free(list);
                        list = longer;
                }

        *ret = TAKE_PTR(list);
        return r;
}

/* What would be free without them. Adding up what each has for itself would miss what several share; destroying
 * them without doing it (-n) tells the sum. */
static int measure(const char *snapshots, uint64_t *ret) {
        _cleanup_(freep) char *output = NULL;
        char *text, *fields[2];
        int r;

        r = zfs_run((const char *[]){ "zfs", "destroy", "-n", "-v", "-p", snapshots, NULL }, NULL,
                    ZFS_CHANGE_TIMEOUT_USEC, &output);
        if (r < 0)
                return r;

        text = output;
        while ((r = zfs_next_row(&text, fields, ELEMENTSOF(fields))) > 0)
                if (strcmp(fields[0], "reclaim") == 0)
                        return zfs_number(fields[1], ret);

        return r < 0 ? r : provider_fail(-EBADMSG, "zfs answers in a form that is not known");
}

static int zfs_usage(const ProviderEnv *env,
                     const char *volume,
                     int volume_fd,
                     char *const *notes,
                     ProviderUsage *ret) {
        _cleanup_(freep) char *dataset = NULL, *pool = NULL, *snapshots = NULL;
        uint64_t used = 0;
        int r;

        r = zfs_dataset_of(volume_fd, MOUNTINFO, &dataset);
        if (r >= 0 && *notes)
                r = snapshots_with_notes(notes, dataset, &snapshots);
        if (r >= 0 && snapshots) {
                /* What was written in the last seconds is counted with the next transaction group. */
                r = format_to(&pool, "%.*s", (int) strcspn(dataset, "/"), dataset);
                if (r >= 0)
                        r = zfs_run((const char *[]){ "zpool", "sync", pool, NULL }, NULL,
                                    ZFS_CHANGE_TIMEOUT_USEC, NULL);
                if (r >= 0)
                        r = measure(snapshots, &used);
        }
        if (r < 0)
                return r;

        *ret = (ProviderUsage){ .used = used, .allocated = used };
        return strdup_to(volume, &ret->place);
}

const ProviderOps provider_zfs_ops = {
        PROVIDER_IDENTITY_ZFS,
        .probe = zfs_probe,
        .usage = zfs_usage,
        .plan = zfs_plan,
        .prepare = zfs_prepare,
        .commit_all = zfs_commit_all,
        .surface = zfs_surface,
        .unseal = zfs_unseal,
        .seal = zfs_seal,
        .discard = zfs_discard,
        .may_revert = zfs_may_revert,
        .revert = zfs_revert,
        .break_off = zfs_break_off,
        .import = zfs_import,
        .release = zfs_release,
};
