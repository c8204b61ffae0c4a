/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Fake Provider
 *
 * Its snapshots are copies in <state_dir>/fake/<id>/tree, which fake-copy.c makes. What is broken off is moved to
 * <state_dir>/broken/<id>; what is imported has been put to <state_dir>/fake/<id> by somebody else.
 */

#include "providers/fake/provider-fake.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <vss.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "provider/provider-builtin.h"
#include "provider/provider-expose.h"
#include "provider/provider-measure.h"
#include "provider/provider-mount.h"
#include "providers/fake/fake-copy.h"
#include "providers/fake/fake-script.h"

#define MKDIR_ATTEMPTS 16U

static int fake_probe(const ProviderEnv *env, const char *volume, int volume_fd, ProviderProbe *ret) {
        ProviderProbe probe = {
                .flags = PROVIDER_WANTS_HOLD,
                .consistency = PROVIDER_CONSISTENCY_FUZZY,
                .consistency_held = PROVIDER_CONSISTENCY_CRASH,
                .attributes = VSS_VOLSNAP_ATTR_PLEX,
        };
        struct stat on_volume, in_state;
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_PROBE, &call);
        if (r < 0)
                return r;

        if (fstat(volume_fd, &on_volume) < 0 || stat(env->state_dir, &in_state) < 0)
                return -errno;
        if (on_volume.st_dev == in_state.st_dev) { /* we would wait for ourselves */
                probe.flags = PROVIDER_FORBIDS_HOLD;
                probe.consistency_held = PROVIDER_CONSISTENCY_FUZZY;
        }

        r = fake_script_probe(env, &probe);
        if (r < 0)
                return r;

        r = fake_script_after(env, FAKE_PROBE, call);
        if (r < 0)
                return r;

        *ret = probe;
        return 0;
}

static int fake_usage(const ProviderEnv *env,
                      const char *volume,
                      int volume_fd,
                      char *const *notes,
                      ProviderUsage *ret) {
        ProviderUsage usage = { 0 };
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_USAGE, &call);
        for (char *const *note = notes; r >= 0 && *note; ++note) {
                _cleanup_(freep) char *path = NULL;

                r = format_to(&path, "%s/%s", env->state_dir, *note);
                if (r >= 0)
                        r = provider_measure(path, &usage.used);
        }
        if (r < 0)
                return r;

        usage.allocated = usage.used;
        r = fake_script_usage(env, &usage);
        if (r >= 0)
                r = fake_script_after(env, FAKE_USAGE, call);
        if (r >= 0)
                r = strdup_to(env->state_dir, &usage.place);
        if (r < 0)
                return r;

        *ret = usage;
        return 0;
}

static int fake_plan(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_PLAN, &call);
        if (r < 0)
                return r;

        r = fake_script_after(env, FAKE_PLAN, call);
        if (r < 0)
                return r;

        return format_to(ret_note, "fake/%s", GUID_TO_STRING(&s->id));
}

static int fake_prepare(const ProviderEnv *env, ProviderSnapshot *s) {
        _cleanup_(freep) char *path = NULL;
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_PREPARE, &call);
        if (r < 0)
                return r;

        r = format_to(&path, "%s/%s", env->state_dir, s->note);
        if (r < 0)
                return r;

        /* A worker that discards the last copy at this moment takes the directory above away. */
        for (unsigned attempt = 0; attempt < MKDIR_ATTEMPTS; ++attempt) {
                r = mkdir_p(path, 0700);
                if (r != -ENOENT)
                        break;
        }
        if (r < 0)
                return r;

        return fake_script_after(env, FAKE_PREPARE, call);
}

static int fake_pre_commit(const ProviderEnv *env, ProviderSnapshot *s) {
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_PRE_COMMIT, &call);
        if (r < 0)
                return r;

        return fake_script_after(env, FAKE_PRE_COMMIT, call);
}

static int fake_commit(const ProviderEnv *env, ProviderSnapshot *s, bool held) {
        _cleanup_(freep) char *path = NULL, *store = NULL;
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_COMMIT, &call);
        if (r < 0)
                return r;

        /* Not there yet: a directory that is keeps its time. */
        r = format_to(&path, "%s/%s/tree", env->state_dir, s->note);
        if (r < 0)
                return r;

        r = format_to(&store, "%s/fake", env->state_dir);
        if (r < 0)
                return r;

        r = fake_copy_tree(s->volume, path, store);
        if (r < 0)
                return r;

        return fake_script_after(env, FAKE_COMMIT, call);
}

static int fake_surface(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_device) {
        _cleanup_(freep) char *path = NULL, *device = NULL;
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_SURFACE, &call);
        if (r < 0)
                return r;

        r = format_to(&path, "%s/%s/tree", env->state_dir, s->note);
        if (r < 0)
                return r;

        if (env->privileged) {
                r = provider_shadow_bind(env, &s->id, path, &device);
                if (r < 0)
                        return r;
        }

        r = fake_script_after(env, FAKE_SURFACE, call);
        if (r < 0)
                return r;

        *ret_device = device ? TAKE_PTR(device) : TAKE_PTR(path);
        return 0;
}

/* A copy is a directory like any other; all there is to do is the mount's flag. */
static int fake_let(const ProviderEnv *env, FakeFunction f) {
        unsigned call = 0;
        int r;

        r = fake_script_before(env, f, &call);
        return r < 0 ? r : fake_script_after(env, f, call);
}

static int fake_unseal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device) {
        return fake_let(env, FAKE_UNSEAL);
}

static int fake_seal(const ProviderEnv *env, const ProviderSnapshot *s, const char *device) {
        return fake_let(env, FAKE_SEAL);
}

static int fake_discard(const ProviderEnv *env, const ProviderSnapshot *s) {
        _cleanup_(closep) int state_fd = -EBADF;
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_DISCARD, &call);
        if (r < 0)
                return r;

        r = provider_shadow_remove(env, &s->id);
        if (r < 0)
                return r;

        state_fd = open(env->state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (state_fd < 0)
                return errno == ENOENT ? 0 : -errno;

        r = rm_rf_at(state_fd, s->note);
        if (r < 0)
                return r;

        (void) unlinkat(state_fd, "fake", AT_REMOVEDIR); /* not while there are others */
        return fake_script_after(env, FAKE_DISCARD, call);
}

static int fake_expose(const ProviderEnv *env, const ProviderSnapshot *s, const char *device, int path_fd) {
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_EXPOSE, &call);
        if (r < 0)
                return r;

        r = provider_expose_bind(env, device, path_fd);
        if (r < 0)
                return r;

        return fake_script_after(env, FAKE_EXPOSE, call);
}

static int fake_unexpose(const ProviderEnv *env,
                         const ProviderSnapshot *s,
                         const char *device,
                         const char *path) {
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_UNEXPOSE, &call);
        if (r < 0)
                return r;

        r = provider_unexpose_bind(env, device, path);
        if (r < 0)
                return r;

        return fake_script_after(env, FAKE_UNEXPOSE, call);
}

#define HOW "as the script says, and not in place"

static int fake_may_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, char **ret_how) {
        const char *target = v->target;
        size_t n = strlen(target);
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_MAY_REVERT, &call);
        if (r < 0)
                return r;

        if (strcmp(target, "/") == 0 ||
            (strncmp(env->state_dir, target, n) == 0 && (env->state_dir[n] == '/' || env->state_dir[n] == '\0')))
                return provider_fail(-EOPNOTSUPP, "the copies themselves are in it");

        r = v->flags & PROVIDER_REVERT_MAY_WAIT ? fake_script_reverted(env) : 0;
        if (r > 0)
                r = strdup_to(HOW, ret_how);
        return r < 0 ? r : fake_script_after(env, FAKE_MAY_REVERT, call);
}

/* All that is in there, but not what is mounted. */
static int empty_directory(int fd) {
        const struct dirent *entry;
        int copy, r = 0;
        DIR *d;

        copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (copy < 0)
                return -errno;
        d = fdopendir(copy);
        if (!d) {
                fd_close(copy);
                return -ENOMEM;
        }

        while (r == 0 && (entry = readdir(d)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
                        r = rm_rf_at(fd, entry->d_name);
                        if (r == -EXDEV || r == -EBUSY)
                                r = 0;
                }

        (void) closedir(d);
        return r;
}

/* Of a directory that is there already the copying leaves the time alone. */
static int copy_time(const char *from, int to_fd) {
        struct stat st;

        if (stat(from, &st) < 0)
                return -errno;

        return futimens(to_fd, (const struct timespec[2]){ st.st_atim, st.st_mtim }) < 0 ? -errno : 0;
}

/* From the beginning, however far an earlier one came. */
static int fake_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v) {
        _cleanup_(freep) char *tree = NULL;
        unsigned call = 0;
        int r, reverted;

        r = fake_script_before(env, FAKE_REVERT, &call);
        if (r < 0)
                return r;

        if (v->how && strcmp(v->how, HOW) != 0)
                return provider_fail(-EBADMSG, "it was not to be done '%s'", v->how);
        reverted = v->how ? fake_script_reverted(env) : PROVIDER_REVERTED;
        if (reverted < 0 || reverted == PROVIDER_REVERT_WAITS)
                return reverted;

        r = format_to(&tree, "%s/%s/tree", env->state_dir, s->note);
        if (r < 0)
                return r;

        provider_progress(0);
        r = empty_directory(v->target_fd);
        if (r < 0)
                return r;

        provider_progress(500);
        r = fake_copy_tree(tree, v->target, "");
        if (r >= 0)
                r = copy_time(tree, v->target_fd);
        if (r < 0)
                return r;

        provider_progress(1000);
        r = fake_script_after(env, FAKE_REVERT, call);
        if (r >= 0 && reverted == PROVIDER_REVERTED_WITH_ALL)
                r = fake_discard(env, s);
        return r < 0 ? r : reverted;
}

static int fake_break_off(const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags) {
        _cleanup_(closep) int state_fd = -EBADF;
        _cleanup_(freep) char *broken = NULL;
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_BREAK_OFF, &call);
        if (r < 0)
                return r;

        state_fd = open(env->state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (state_fd < 0)
                return -errno;

        r = format_to(&broken, "broken/%s", GUID_TO_STRING(&s->id));
        if (r >= 0)
                r = mkdir_p_at(state_fd, "broken", 0700);
        if (r < 0)
                return r;

        /* The worker before this one may have done it. */
        if (renameat(state_fd, s->note, state_fd, broken) < 0 &&
            (errno != ENOENT || faccessat(state_fd, broken, F_OK, 0) < 0))
                return -errno;

        (void) unlinkat(state_fd, "fake", AT_REMOVEDIR); /* not while there are others */
        return fake_script_after(env, FAKE_BREAK_OFF, call);
}

static int fake_import(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        _cleanup_(freep) char *note = NULL, *tree = NULL;
        unsigned call = 0;
        int r;

        r = fake_script_before(env, FAKE_IMPORT, &call);
        if (r < 0)
                return r;

        r = format_to(&note, "fake/%s", GUID_TO_STRING(&s->id));
        if (r >= 0)
                r = format_to(&tree, "%s/%s/tree", env->state_dir, note);
        if (r < 0)
                return r;
        if (access(tree, F_OK) < 0)
                return provider_fail(-errno, "'%s' has not arrived", tree);

        r = fake_script_after(env, FAKE_IMPORT, call);
        if (r < 0)
                return r;

        *ret_note = TAKE_PTR(note);
        return 0;
}

const ProviderOps provider_fake_ops = {
        PROVIDER_IDENTITY_FAKE,
        .probe = fake_probe,
        .usage = fake_usage,
        .plan = fake_plan,
        .prepare = fake_prepare,
        .pre_commit = fake_pre_commit,
        .commit = fake_commit,
        .surface = fake_surface,
        .unseal = fake_unseal,
        .seal = fake_seal,
        .discard = fake_discard,
        .may_revert = fake_may_revert,
        .revert = fake_revert,
        .break_off = fake_break_off,
        .import = fake_import,
        .expose = fake_expose,
        .unexpose = fake_unexpose,
};
