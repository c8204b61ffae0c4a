/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Is Done to Snapshots of ZFS
 *
 * A snapshot itself can never be written to; what is written to is a clone of it.
 */

#include "providers/zfs/zfs-deeds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "providers/revert/revert.h"
#include "providers/zfs/zfs-command.h"
#include "providers/zfs/zfs-find.h"
#include "providers/zfs/zfs-mount.h"

#define MOUNTINFO "/proc/self/mountinfo"

static int find_existing(const ProviderSnapshot *s, ZfsNote *ret_note, ZfsFound *ret) {
        int r;

        r = zfs_note_read(s->note, ret_note);
        if (r >= 0)
                r = zfs_find(ret_note, s, ret);
        if (r < 0)
                return r;

        return ret->snapshot ? 0 : provider_fail(-ENOENT, "somebody has removed it");
}

/* Only mounted when somebody says so; @mark: it belongs to the shadow copy, and goes with it. */
static int make_clone(const ProviderSnapshot *s, const char *snapshot, const char *clone, bool mark) {
        const char *argv[] = { "zfs", "clone", "-o", "mountpoint=legacy", snapshot, clone, NULL, NULL, NULL };
        _cleanup_(freep) char *property = NULL;
        int r;

        if (mark) {
                r = format_to(&property, ZFS_PROPERTY "=%s", GUID_TO_STRING(&s->set_id));
                if (r < 0)
                        return r;
                argv[4] = "-o";
                argv[5] = property;
                argv[6] = snapshot;
                argv[7] = clone;
        }

        return zfs_run(argv, s, ZFS_CHANGE_TIMEOUT_USEC, NULL);
}

/* Writers */

int zfs_unseal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device) {
        _cleanup_(zfs_found_clear) ZfsFound found = { 0 };
        _cleanup_(freep) char *dataset = NULL, *clone = NULL, *attached = NULL;
        ZfsNote note;
        int r;

        r = find_existing(s, &note, &found);
        if (r >= 0)
                r = zfs_dataset_name(&note, &dataset);
        if (r >= 0)
                r = zfs_clone_name(dataset, note.id, &clone);
        if (r >= 0 && !found.clone)
                r = make_clone(s, found.snapshot, clone, true);
        return r < 0 ? r : zfs_mount_at_shadow(env, s, found.clone ?: clone, &attached);
}

int zfs_seal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device) {
        _cleanup_(zfs_found_clear) ZfsFound found = { 0 };
        ZfsNote note;
        int r;

        r = find_existing(s, &note, &found);
        if (r < 0)
                return r;
        if (!found.clone)
                return provider_fail(-ENOENT, "somebody has removed what was to be written to");

        return zfs_run((const char *[]){ "zfs", "set", "readonly=on", found.clone, NULL }, s,
                       ZFS_CHANGE_TIMEOUT_USEC, NULL);
}

/* Reverting */

/* The snapshot of the dataset @dataset, or bookmark, that was made last. */
static int find_newest(const char *dataset, char **ret) {
        _cleanup_(freep) char *output = NULL;
        char *text, *field;
        int r;

        r = zfs_run((const char *[]){ "zfs", "list", "-Hp", "-d", "1", "-t", "snapshot,bookmark", "-o",
                                      "name", "-S", "createtxg", dataset, NULL },
                    NULL, ZFS_CHANGE_TIMEOUT_USEC, &output);
        if (r < 0)
                return r;

        text = output;
        r = zfs_next_row(&text, &field, 1);
        return r < 0 ? r : strdup_to(r > 0 ? field : "", ret);
}

/* A rollback is whole or not at all, whatever dies, but it is one of the dataset to what it was. It would destroy
 * what was made later, whosever that is; and it knows nothing of what writers have put right in a clone. */
static int may_roll_back(const ZfsFound *found, int target_fd) {
        _cleanup_(freep) char *dataset = NULL, *newest = NULL;
        size_t n = strcspn(found->snapshot, "@");
        int r;

        if (found->clone || zfs_dataset_of(target_fd, MOUNTINFO, &dataset) < 0 || strlen(dataset) != n ||
            strncmp(dataset, found->snapshot, n) != 0)
                return 0;

        r = find_newest(dataset, &newest);
        return r < 0 ? r : strcmp(newest, found->snapshot) == 0;
}

static int open_snapshot(const ProviderEnv *env, const ProviderSnapshot *s, RevertOptions *options) {
        _cleanup_(zfs_found_clear) ZfsFound found = { 0 };
        _cleanup_(closep) int mount_fd = -EBADF;
        ZfsNote note;
        int r;

        r = find_existing(s, &note, &found);
        if (r < 0)
                return r;
        mount_fd = zfs_mount_private(found.clone ?: found.snapshot);
        if (mount_fd < 0)
                return mount_fd;

        options->source_fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return options->source_fd < 0 ? -errno : 0;
}

int zfs_may_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, char **ret_how) {
        return revert_may(env, s, v, open_snapshot);
}

/* 1: it is done. Without -r, which would destroy what came in between; then it is done the other way. */
static int roll_back(const ProviderSnapshot *s, int target_fd) {
        _cleanup_(zfs_found_clear) ZfsFound found = { 0 };
        ZfsNote note;
        int r;

        r = find_existing(s, &note, &found);
        if (r >= 0)
                r = may_roll_back(&found, target_fd);
        if (r <= 0)
                return r;

        r = zfs_run((const char *[]){ "zfs", "rollback", found.snapshot, NULL }, s, ZFS_CHANGE_TIMEOUT_USEC, NULL);
        return r >= 0 ? 1 : r == -ETIMEDOUT ? r : 0;
}

int zfs_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v) {
        int r;

        r = roll_back(s, v->target_fd);
        if (r < 0)
                return r;
        if (r == 0)
                return revert_in_place(env, s, v, open_snapshot);

        provider_progress(1000);
        return 0;
}

/* Breaking */

/* "-": it is no clone; "": there is no such dataset. */
static int origin_of(const char *dataset, char **ret) {
        _cleanup_(freep) char *output = NULL;
        char *text, *field;
        int r;

        r = zfs_run_leniently(
                (const char *[]){ "zfs", "get", "-Hp", "-o", "value", "origin", dataset, NULL }, NULL,
                ZFS_QUERY_TIMEOUT_USEC, &output);
        if (r < 0)
                return r;

        text = output;
        r = zfs_next_row(&text, &field, 1);
        return r < 0 ? r : strdup_to(r > 0 ? field : "", ret);
}

static int forget_mark(const ProviderSnapshot *s, const char *name) {
        return zfs_run((const char *[]){ "zfs", "inherit", ZFS_PROPERTY, name, NULL }, s,
                       ZFS_CHANGE_TIMEOUT_USEC, NULL);
}

/* What unseal() made is there already. */
static int give_away_clone(const ProviderSnapshot *s, const char *clone) {
        int r;

        r = zfs_run((const char *[]){ "zfs", "inherit", "readonly", clone, NULL }, s,
                    ZFS_CHANGE_TIMEOUT_USEC, NULL);
        return r < 0 ? r : forget_mark(s, clone);
}

/* The snapshot is needed as long as there is the clone, and goes with it. */
static int give_away_snapshot(const ProviderSnapshot *s, const char *snapshot) {
        int r;

        r = zfs_run_patiently((const char *[]){ "zfs", "destroy", "-d", snapshot, NULL }, s);
        return r == -EBUSY ? 0 : r; /* then it stays, as whoever reads it does not know */
}

/* The clone is the administrator's. The original is not made dependent on it, as zfs promote would. */
int zfs_break_off(const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags) {
        _cleanup_(zfs_found_clear) ZfsFound found = { 0 };
        _cleanup_(freep) char *dataset = NULL, *clone = NULL, *origin = NULL, *device = NULL;
        ZfsNote note;
        int r;

        r = provider_check_identity(s, flags);
        if (r >= 0)
                r = zfs_note_read(s->note, &note);
        if (r >= 0)
                r = zfs_find(&note, s, &found);
        if (r >= 0)
                r = zfs_dataset_name(&note, &dataset);
        if (r >= 0)
                r = zfs_clone_name(dataset, note.id, &clone);
        if (r >= 0)
                r = origin_of(found.clone ?: clone, &origin);
        if (r < 0)
                return r;

        if (!found.snapshot && !zfs_is_called(origin, '@', note.id))
                return provider_fail(-ENOENT, "somebody has removed it");
        if (*origin == '\0')
                r = make_clone(s, found.snapshot, clone, false);
        if (r >= 0)
                r = zfs_mount_at_shadow(env, s, found.clone ?: clone, &device);
        if (r >= 0 && found.clone)
                r = give_away_clone(s, found.clone);
        if (r < 0 || (found.snapshot && !found.ours))
                return r;

        if (found.ours)
                r = forget_mark(s, found.snapshot);
        return r < 0 ? r : give_away_snapshot(s, found.snapshot ?: origin);
}

/* Importing */

/* In whatever pool was imported, or has received it. */
int zfs_import(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        _cleanup_(freep) char *output = NULL, *dataset = NULL;
        char *text, *fields[2];
        ZfsNote note = { 0 };
        int r;

        r = zfs_check_installed();
        if (r >= 0)
                r = zfs_run(
                        (const char *[]){ "zfs", "list", "-Hp", "-t", "snapshot", "-o", "name,guid", NULL },
                        NULL, ZFS_CHANGE_TIMEOUT_USEC, &output);
        if (r < 0)
                return r;

        (void) guid_to_string(&s->id, note.id);
        text = output;
        while ((r = zfs_next_row(&text, fields, ELEMENTSOF(fields))) > 0)
                if (zfs_is_called(fields[0], '@', note.id))
                        break;
        if (r == 0)
                return provider_fail(
                        -ENOENT, "no pool that is imported has a snapshot " ZFS_NAME_PREFIX "%s", note.id);
        if (r >= 0)
                r = zfs_number(fields[1], &note.snapshot);
        if (r >= 0)
                r = format_to(&dataset, "%.*s", (int) strcspn(fields[0], "@"), fields[0]);
        if (r >= 0)
                r = zfs_pool_guid(dataset, &note.pool);
        if (r >= 0)
                r = zfs_dataset_guid(dataset, &note.dataset);
        if (r < 0)
                return r;

        note.name = dataset;
        return zfs_note_write(&note, ret_note);
}
