/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Volume Put Away
 */

#include "provider-com/com-away.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/log.h"
#include "base/strv.h"
#include "provider/provider-busy.h"

#define AWAY_TEXT_MAX 16384U

void com_away_clear(ComAway *a) {
        free(a->type);
        free(a->options);
        com_disk_clear(&a->disk);
        a->disk_fd = fd_close(a->disk_fd);
        a->owner_fd = fd_close(a->owner_fd);
}

/* What is mounted at @path, the uppermost of it. -ENOENT. */
static int read_mount(const char *path, char **ret_type, char **ret_options) {
        _cleanup_(freep) char *type = NULL, *options = NULL;
        char buffer[AWAY_TEXT_MAX];
        struct mntent entry;
        FILE *mounts;
        int r = 0;

        mounts = setmntent("/proc/self/mounts", "re");
        if (!mounts)
                return -errno;
        while (r >= 0 && getmntent_r(mounts, &entry, buffer, sizeof(buffer)))
                if (strcmp(entry.mnt_dir, path) == 0) {
                        r = free_and_strdup(&type, entry.mnt_type);
                        if (r >= 0)
                                r = free_and_strdup(&options, entry.mnt_opts);
                }
        (void) endmntent(mounts);
        if (r < 0 || !type)
                return r < 0 ? r : -ENOENT;

        *ret_type = TAKE_PTR(type);
        *ret_options = TAKE_PTR(options);
        return 0;
}

/* The disk that @path lies on, and how it is mounted there. */
static int look_at(const char *path, int volume_fd, ComAway *a) {
        int r;

        r = com_disk_of_volume(volume_fd, &a->disk);
        if (r < 0)
                return r;
        if (a->disk.partition != 0)
                return provider_fail(-EOPNOTSUPP, "it is a partition, and the disk would be copied with all others");

        r = read_mount(path, &a->type, &a->options);
        return r == -ENOENT ? provider_fail(-EOPNOTSUPP, "it is a directory of a file system, and no file system") : r;
}

int com_away_is_possible(const char *path, int volume_fd) {
        _cleanup_(com_away_clear) ComAway a = COM_AWAY_INIT;
        int r;

        r = look_at(path, volume_fd, &a);
        return r < 0 ? r : provider_check_unused(path);
}

static int away_path(const ProviderEnv *env, const GUID *id, char **ret) {
        return format_to(ret, "%s/luns/%s.away", env->state_dir, GUID_TO_STRING(id));
}

/* "TYPE OPTIONS SERIAL". -ENOENT. */
static int read_away(const ProviderEnv *env, const GUID *id, ComAway *a) {
        _cleanup_(freep) char *path = NULL, *text = NULL, *options = NULL, *serial = NULL;
        int r;

        r = away_path(env, id, &path);
        if (r >= 0)
                r = file_read_text(path, AWAY_TEXT_MAX, &text);
        if (r < 0)
                return r;

        options = strchr(text, ' ') ? strdup(strchr(text, ' ') + 1) : NULL;
        if (!options || !strchr(options, ' '))
                return -EUCLEAN;
        *strchr(text, ' ') = '\0';
        r = strdup_to(strchr(options, ' ') + 1, &serial);
        *strchr(options, ' ') = '\0';
        if (r >= 0)
                r = strdup_to(text, &a->type);
        if (r >= 0)
                r = strdup_to(options, &a->options);
        if (r < 0)
                return r;

        r = com_disk_find(serial, &a->disk);
        return r == -ENODEV ? provider_fail(r, "its disk '%s' is not here", serial) : r;
}

static int write_away(const ProviderEnv *env, const GUID *id, const ComAway *a) {
        _cleanup_(freep) char *path = NULL, *text = NULL;
        int r;

        r = away_path(env, id, &path);
        if (r >= 0)
                r = format_to(&text, "%s %s %s", a->type, a->options, a->disk.lun.m_szSerialNumber);
        if (r >= 0)
                r = file_write_text_atomic(path, 0600, text);
        return r < 0 ? provider_fail(r, "'%s' cannot be written: %m", path) : 0;
}

int com_away_forget(const ProviderEnv *env, const GUID *id) {
        _cleanup_(freep) char *path = NULL;
        int r;

        r = away_path(env, id, &path);
        if (r < 0)
                return r;

        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* As it was before us: written down, or there to be seen. */
static int learn(const ProviderEnv *env, const GUID *id, const char *path, ComAway *a) {
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = read_away(env, id, a);
        if (r != -ENOENT)
                return r;

        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return provider_fail(-errno, "'%s' cannot be opened: %m", path);
        r = look_at(path, fd, a);
        return r < 0 ? r : write_away(env, id, a);
}

/* After a crash it may be unmounted already, or mounted again by the start of the machine. */
static bool is_mounted(const char *path, const ComAway *a) {
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_disk_ ComDisk d = { 0 };

        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd >= 0 && com_disk_of_volume(fd, &d) >= 0 &&
               strcmp(d.lun.m_szSerialNumber, a->disk.lun.m_szSerialNumber) == 0;
}

static int unmount(const char *path) {
        if (umount2(path, UMOUNT_NOFOLLOW) >= 0)
                return 0;
        if (errno != EBUSY)
                return provider_fail(-errno, "it cannot be unmounted: %m");
        if (provider_check_unused(path) < 0)
                return -EBUSY;

        /* Who used it may be gone by now. */
        return umount2(path, UMOUNT_NOFOLLOW) >= 0 ?
                       0 :
                       provider_fail(-EBUSY, "it cannot be unmounted: another file system is mounted in it");
}

int com_away_put(const ProviderEnv *env, const GUID *id, const char *path, ComAway *ret) {
        _cleanup_(com_away_clear) ComAway a = COM_AWAY_INIT;
        int r;

        r = learn(env, id, path, &a);
        if (r < 0)
                return r;
        a.disk_fd = open(a.disk.device, O_RDONLY | O_CLOEXEC);
        if (a.disk_fd < 0)
                return provider_fail(-errno, "'%s' cannot be opened: %m", a.disk.device);

        r = is_mounted(path, &a) ? unmount(path) : 0;
        if (r < 0) {
                (void) com_away_forget(env, id);
                return r;
        }
        a.owner_fd = open(a.disk.device, O_RDONLY | O_EXCL | O_CLOEXEC);
        if (a.owner_fd < 0) {
                r = -errno;
                return com_away_bring_back(env, id, path, &a) < 0 ?
                               -EREMOTEIO :
                               provider_fail(r, "its disk '%s' is mounted elsewhere as well", a.disk.device);
        }

        *ret = a;
        a = (ComAway) COM_AWAY_INIT;
        return 0;
}

static unsigned attribute_of(const char *option) {
        static const struct {
                const char *option;
                unsigned attribute;
        } all[] = {
                { "ro",          MOUNT_ATTR_RDONLY      },
                { "nosuid",      MOUNT_ATTR_NOSUID      },
                { "nodev",       MOUNT_ATTR_NODEV       },
                { "noexec",      MOUNT_ATTR_NOEXEC      },
                { "noatime",     MOUNT_ATTR_NOATIME     },
                { "nodiratime",  MOUNT_ATTR_NODIRATIME  },
        };

        for (size_t i = 0; i < ELEMENTSOF(all); ++i)
                if (strcmp(all[i].option, option) == 0)
                        return all[i].attribute;
        return 0;
}

/* Those that the kernel shows and does not take are its own business. */
static void set_option(int fs, const char *option) {
        _cleanup_(freep) char *key = strdup(option);
        char *value = key ? strchr(key, '=') : NULL;
        int r;

        if (!key || strcmp(option, "rw") == 0 || strcmp(option, "relatime") == 0 || strcmp(option, "seclabel") == 0)
                return;
        if (value)
                *value++ = '\0';
        r = fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
        if (r < 0)
                log_debug_errno(-errno, "The mount option '%s' is not taken: %m", option);
}

static int mount_again(const char *path, const ComAway *a) {
        _cleanup_(strv_freep) char **options = NULL;
        _cleanup_(closep) int fs = -EBADF, fd = -EBADF;
        unsigned attributes = 0;
        int r;

        r = strv_split(a->options, ",", &options);
        if (r < 0)
                return r;
        fs = fsopen(a->type, FSOPEN_CLOEXEC);
        if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", a->disk.device, 0) < 0)
                return -errno;
        STRV_FOREACH(option, options) {
                attributes |= attribute_of(*option);
                if (strcmp(*option, "ro") == 0 || attribute_of(*option) == 0)
                        set_option(fs, *option);
        }
        if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        fd = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
        if (fd < 0)
                return -errno;
        return move_mount(fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

int com_away_bring_back(const ProviderEnv *env, const GUID *id, const char *path, ComAway *a) {
        int r;

        /* What the kernel remembers of the disk is not what is on it. */
        if (a->disk_fd >= 0)
                (void) ioctl(a->disk_fd, BLKFLSBUF, 0);
        a->owner_fd = fd_close(a->owner_fd);
        r = mount_again(path, a);
        if (r < 0)
                return provider_fail(r, "'%s' cannot be mounted again at '%s': %m", a->disk.device, path);

        return com_away_forget(env, id);
}
