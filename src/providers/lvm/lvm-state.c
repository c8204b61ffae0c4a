/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra's Own State on a Volume That Is Reverted at a Restart
 *
 * The copies of the files provider, in the state directory, too, could be as large as volumes are. They are not taken along: while
 * there are some, the volume stays.
 */

#include "providers/lvm/lvm-state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/log.h"
#include "provider/provider-mount.h"
#include "provider/provider-state.h"
#include "providers/files/files-plan.h"
#include "providers/lvm/lvm-file-system.h"
#include "providers/lvm/lvm-use.h"
#include "providers/revert/revert.h"

static void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static int check_store(const ProviderEnv *env) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closedirp) DIR *store = NULL;
        const struct dirent *entry;
        int r;

        r = format_to(&path, "%s/" FILES_STORE_NAME, env->state_dir);
        if (r < 0)
                return r;
        store = opendir(path);
        if (!store)
                return errno == ENOENT ? 0 : -errno;

        while ((entry = readdir(store)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        return provider_fail(-EOPNOTSUPP,
                                             "the system runs on it, and in '%s' are snapshots of other volumes, which would be "
                                             "lost: delete those of the files provider first",
                                             path);
        return 0;
}

/* Below @top; NULL: it is not. */
static const char *below(const char *path, const char *top) {
        size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);

        if (strcmp(path, top) == 0)
                return ".";
        return strncmp(path, top, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

/* That of the same name in the snapshot will be it, if what is mounted at @target leads to it. */
static bool leads_to(int target_fd, const char *where, const struct stat *state) {
        struct stat st;

        return where && fstatat(target_fd, where, &st, 0) == 0 && st.st_dev == state->st_dev && st.st_ino == state->st_ino;
}

int lvm_state_find(const ProviderEnv *env, const LvmVolume *origin, int target_fd, const char *target, char **ret_where) {
        _cleanup_(freep) char *top = NULL, *path = NULL;
        struct stat state, device;
        const char *where;

        if (stat(env->state_dir, &state) < 0 || stat(origin->path, &device) < 0)
                return provider_fail(-errno, "whether '%s' is on it cannot be found out: %m", env->state_dir);
        if (state.st_dev != device.st_rdev) {
                *ret_where = NULL;
                return 0;
        }

        top = realpath(target, NULL);
        path = realpath(env->state_dir, NULL);
        if (!top || !path)
                return -errno;
        where = below(path, top);
        if (!leads_to(target_fd, where, &state))
                return provider_fail(-EOPNOTSUPP, "the system runs on it, and '%s', where umbra keeps what it knows, is mounted from it at "
                                                  "another place than below '%s'",
                                     env->state_dir, target);

        return strdup_to(where, ret_where) < 0 ? -ENOMEM : check_store(env);
}

/* The catalog is another file here, since umbrad goes on writing to the one there. */
static int put_catalog_in_place(int fd) {
        static const char *const stay[] = { STATE_CATALOG_JOURNAL, STATE_LEFT_BEHIND };

        for (size_t i = 0; i < ELEMENTSOF(stay); ++i)
                if (unlinkat(fd, stay[i], 0) < 0 && errno != ENOENT)
                        return -errno;
        if (renameat(fd, STATE_CATALOG_TAKEN, fd, STATE_CATALOG) < 0)
                return -errno;

        return syncfs(fd) < 0 ? -errno : 0;
}

/* In the snapshot; umbra may not have been there yet when that was taken. */
static int open_state(int mount_fd, const char *where) {
        int r;

        r = strcmp(where, ".") == 0 ? 0 : mkdir_p_at(mount_fd, where, 0700);
        return r < 0 ? r : open_beneath(mount_fd, where, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

static int take(const ProviderEnv *env, int mount_fd, const char *where) {
        _cleanup_(revert_options_done) RevertOptions options = {
                .target = env->state_dir,
                .source_fd = open(env->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                .target_fd = -EBADF,
                .has_flags = true,
                .proven = INT64_MIN,
        };
        _cleanup_(closep) int fd = -EBADF;
        int r;

        if (options.source_fd < 0)
                return provider_fail(-errno, "'%s' cannot be opened: %m", env->state_dir);
        fd = open_state(mount_fd, where);
        if (fd < 0)
                return provider_fail(fd, "'%s' cannot be made in the snapshot: %m", env->state_dir);

        options.target_fd = fd;
        r = revert_tree(&options, NULL);
        provider_progress(0); /* this was none of the revert's */
        if (r < 0)
                return r;

        r = put_catalog_in_place(fd);
        return r < 0 ? provider_fail(r, "the catalog cannot be put into the snapshot: %m") : 0;
}

static int mount_and_take(const ProviderEnv *env, const LvmNote *note, const LvmVolume *v, const char *where) {
        _cleanup_(closep) int mount_fd = -EBADF;

        mount_fd = lvm_file_system_mount(note->type, note->root, v->path, false);
        if (mount_fd == -EBUSY)
                return provider_fail(-EBUSY, "somebody reads the snapshot, in which umbra must put what it knows");
        if (mount_fd < 0)
                return provider_fail(mount_fd, "%s cannot be mounted for writing: %m", v->path);

        return take(env, mount_fd, where);
}

static void show_again(const ProviderEnv *env, const ProviderSnapshot *s, const LvmNote *note, const LvmVolume *v) {
        _cleanup_(closep) int mount_fd = lvm_file_system_mount(note->type, note->root, v->path, true);
        _cleanup_(freep) char *path = NULL;
        int r = mount_fd;

        if (r >= 0)
                r = provider_shadow_attach(env, &s->id, mount_fd, &path);
        if (r < 0)
                log_warning_errno(r, "Failed to show %s again, it is tried at the next start: %m", v->path);
}

int lvm_state_take(const ProviderEnv *env, const ProviderSnapshot *s, const LvmNote *note, const char *where) {
        _cleanup_volume_ LvmVolume v = { 0 };
        int r;

        r = lvm_note_find(note, &v);
        if (r >= 0)
                r = lvm_activate(s, note, &v);
        if (r >= 0)
                r = provider_shadow_remove(env, &s->id); /* one file system is read-only or not, wherever it is mounted */
        if (r < 0)
                return r;

        r = mount_and_take(env, note, &v, where);
        if (r < 0)
                show_again(env, s, note, &v);
        return r;
}
