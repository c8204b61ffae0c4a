/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Volumes by Name
 *
 * Names come from requesters, so they may be anything; what they lead to may be a server that does not
 * answer, so the table of mounts is asked before anything is touched (safe-path.c). Every refusal says why, in a sentence
 * for people.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "volume/safe-path.h"
#include "volume/volume-id.h"
#include "volume/volume-internal.h"
#include "volume/volume-stack.h"

#define GUID_BRACED_SIZE (GUID_STRING_MAX - 1 + 2)

/* An answer and why. When there is no memory for the sentence, the answer stands alone. */
_printf_(3, 4) static HRESULT refuse(HRESULT hr, char **ret_why, const char *format, ...) {
        char why[PATH_MAX + 256];
        va_list args;

        va_start(args, format);
        (void) vsnprintf(why, sizeof(why), format, args);
        va_end(args);

        if (ret_why)
                (void) strdup_to(why, ret_why);
        return hr;
}

static HRESULT refuse_errno(int r, const char *name, char **ret_why) {
        char buffer[128];

        switch (-r) {
        case ENOENT:
        case ENOTDIR:
                return refuse(VSS_E_OBJECT_NOT_FOUND, ret_why, "'%s' does not exist", name);
        default:
                return refuse(hresult_from_errno(r), ret_why, "'%s' cannot be looked at: %s", name,
                              strerror_r(-r, buffer, sizeof(buffer)));
        }
}

static HRESULT refuse_class(const Mount *mount, const char *name, char **ret_why) {
        switch (mount->class) {
        case FS_NETWORK:
                return refuse(VSS_E_VOLUME_NOT_SUPPORTED, ret_why,
                              "'%s' is on %s, whose files are kept elsewhere: make the copy there", name,
                              mount->fstype);
        case FS_AUTOMOUNT:
                return refuse(VSS_E_VOLUME_NOT_SUPPORTED, ret_why,
                              "'%s' is where something is mounted when it is used: mount it, then name it", name);
        case FS_PSEUDO:
                return refuse(VSS_E_VOLUME_NOT_SUPPORTED, ret_why, "'%s' is on %s, which keeps no files",
                              name, mount->fstype);
        default:
                return S_OK;
        }
}

/* @r is of path_resolve(). */
static HRESULT refuse_path(int r, const Mount *mount, const char *name, char **ret_why) {
        HRESULT hr;

        if (r != -EREMOTE)
                return refuse_errno(r, name, ret_why);

        hr = refuse_class(mount, name, ret_why);
        return FAILED(hr) ? hr :
                            refuse(VSS_E_VOLUME_IN_USE, ret_why,
                                   "'%s' is suspended just now, as for a snapshot: try again, or see dmsetup(8)", name);
}

static bool is_separator(char c) {
        return c == '/' || c == '\\';
}

/* "\\?\Volume{…}\"; -ENOENT when @name is not of this kind at all, -EINVAL when it is, but wrong. */
static int parse_guid_name(const char *name, GUID *ret) {
        static const char start[] = "Volume{";
        char braced[GUID_BRACED_SIZE + 1];
        const char *end;

        if (!is_separator(name[0]) || !is_separator(name[1]) || (name[2] != '?' && name[2] != '.') ||
            !is_separator(name[3]) || strncasecmp(name + 4, start, strlen(start)) != 0)
                return -ENOENT;

        name += 4 + strlen(start) - 1; /* the brace is part of the GUID */
        end = strchr(name, '}');
        if (!end || (size_t) (end + 1 - name) != GUID_BRACED_SIZE)
                return -EINVAL;
        if (end[1] != '\0' && (!is_separator(end[1]) || end[2] != '\0'))
                return -EINVAL;

        *(char *) mempcpy(braced, name, GUID_BRACED_SIZE) = '\0';
        return guid_from_string(braced, ret);
}

static HRESULT resolve_guid(const MountTable *table,
                            const GUID *id,
                            const char *name,
                            Volume **ret,
                            char **ret_why) {
        for (size_t i = 0; i < table->n; ++i) {
                _cleanup_(volume_freep) Volume *v = NULL;
                const Mount *mount = table->mounts + i;

                if (mount->class > FS_OVERLAY || stack_is_ours(mount->target) ||
                    stack_is_suspended(mount->fs_dev) || !mount_is_visible(table, mount))
                        continue;
                if (volume_of_mount(table, mount, &v) < 0 || !guid_equal(&v->id, id))
                        continue;

                *ret = TAKE_PTR(v);
                return S_OK;
        }

        return refuse(VSS_E_OBJECT_NOT_FOUND, ret_why, "no volume has the name '%s'", name);
}

static HRESULT resolve_device(const MountTable *table,
                              dev_t device,
                              const char *name,
                              Volume **ret,
                              char **ret_why) {
        const Mount *mount;
        HRESULT hr;
        int r;

        mount = mount_of_device(table, device);
        if (!mount)
                return refuse(VSS_E_OBJECT_NOT_FOUND, ret_why, "the device '%s' is not mounted", name);

        hr = refuse_class(mount, name, ret_why);
        if (FAILED(hr))
                return hr;

        r = volume_of_mount(table, mount, ret);
        return r < 0 ? refuse_errno(r, mount->target, ret_why) : S_OK;
}

static HRESULT resolve_directory(const MountTable *table,
                                 const char *real,
                                 const char *name,
                                 Volume **ret,
                                 char **ret_why) {
        _cleanup_(closep) int fd = -EBADF;
        const Mount *mount;
        HRESULT hr;
        int r;

        fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return refuse_errno(-errno, name, ret_why);

        mount = mount_of_fd(table, fd);
        if (!mount)
                return refuse(VSS_E_VOLUME_NOT_SUPPORTED, ret_why,
                              "'%s' is on a mount that cannot be seen from here", name);

        hr = refuse_class(mount, name, ret_why);
        if (FAILED(hr))
                return hr;

        r = volume_new(table, mount, real, fd, ret);
        return r < 0 ? refuse_errno(r, name, ret_why) : S_OK;
}

static HRESULT resolve_path(const MountTable *table,
                            const char *path,
                            const char *name,
                            Volume **ret,
                            char **ret_why) {
        _cleanup_(freep) char *real = NULL;
        const Mount *mount;
        struct stat st;
        int r;

        r = path_resolve(table, path, &real, &mount);
        if (r < 0)
                return refuse_path(r, mount, name, ret_why);

        if (stat(real, &st) < 0)
                return refuse_errno(-errno, name, ret_why);

        if (S_ISBLK(st.st_mode))
                return resolve_device(table, st.st_rdev, name, ret, ret_why);
        if (!S_ISDIR(st.st_mode))
                return refuse(VSS_E_VOLUME_NOT_SUPPORTED, ret_why, "'%s' is not a directory", name);

        return resolve_directory(table, real, name, ret, ret_why);
}

/* There is something with just this name, or it cannot be known. */
static bool is_name(const MountTable *table, const char *path) {
        _cleanup_(freep) char *real = NULL;
        int r = path_resolve(table, path, &real, NULL);

        return r >= 0 || r == -EREMOTE;
}

/* A backslash is a separator, unless there is something with just this name. The last separators go, and so
 * does the difference between a directory and "directory/.". */
static int normalize(const MountTable *table, const char *name, char **ret) {
        _cleanup_(freep) char *path = NULL;
        size_t n;
        int r;

        r = strdup_to(name, &path);
        if (r < 0)
                return r;

        if (path[0] == '\\' || (strchr(path, '\\') && !is_name(table, path)))
                for (char *p = path; *p; ++p)
                        if (*p == '\\')
                                *p = '/';

        for (n = strlen(path); n > 1 && path[n - 1] == '/'; --n)
                path[n - 1] = '\0';

        *ret = TAKE_PTR(path);
        return 0;
}

HRESULT volume_resolve(const char *name, Volume **ret, char **ret_why) {
        _cleanup_(mount_table_clear) MountTable table = {};
        _cleanup_(freep) char *path = NULL;
        GUID id;
        int r;

        if (!name || !*name)
                return refuse(E_INVALIDARG, ret_why, "a volume must have a name");

        r = mount_table_read(&table);
        if (r < 0)
                return refuse_errno(r, name, ret_why);

        r = parse_guid_name(name, &id);
        if (r == 0)
                return resolve_guid(&table, &id, name, ret, ret_why);
        if (r != -ENOENT)
                return refuse(E_INVALIDARG, ret_why, "'%s' is not of the form \\\\?\\Volume{GUID}\\", name);

        if (!is_separator(name[0]))
                return refuse(E_INVALIDARG, ret_why, "'%s' is not an absolute path", name);

        r = normalize(&table, name, &path);
        if (r < 0)
                return refuse_errno(r, name, ret_why);

        return resolve_path(&table, path, name, ret, ret_why);
}

/* "\\\\?\\Volume{…}\\rest" as a path; -ENOENT when @name is not of this kind. */
static int expand_guid(const MountTable *table, const char *name, char **ret) {
        _cleanup_(volume_freep) Volume *v = NULL;
        _cleanup_(freep) char *head = NULL;
        const char *end = strchr(name, '}');
        GUID id;
        int r;

        r = strdup_to(name, &head);
        if (r < 0)
                return r;
        if (end)
                head[end + 1 - name] = '\0';

        r = parse_guid_name(head, &id);
        if (r < 0)
                return r;
        if (FAILED(resolve_guid(table, &id, name, &v, NULL)))
                return -ENODEV;

        return format_to(ret, "%s/%s", strcmp(v->path, "/") == 0 ? "" : v->path, end + 1 + is_separator(end[1]));
}

/* Cuts @path until something is there. */
static int real_ancestor(const MountTable *table, char *path, char **ret, const Mount **ret_mount) {
        int r;

        while ((r = path_resolve(table, path, ret, ret_mount)) < 0) {
                char *slash = strrchr(path, '/');

                if ((r != -ENOENT && r != -ENOTDIR) || !slash)
                        return r;
                slash[slash == path] = '\0';
        }

        return 0;
}

static bool cut_last(char *path) {
        char *slash = strrchr(path, '/');

        if (!slash || path[1] == '\0')
                return false;

        slash[slash == path] = '\0';
        return true;
}

static HRESULT find_root(const MountTable *table, char *real, const char *name, Volume **ret, char **ret_why) {
        HRESULT hr;
        int r;

        do {
                _cleanup_(closep) int fd = -EBADF;
                const Mount *mount;

                fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                if (fd < 0 && errno == ENOTDIR)
                        continue; /* a file */
                if (fd < 0)
                        return refuse_errno(-errno, name, ret_why);

                mount = mount_of_fd(table, fd);
                hr = mount ? refuse_class(mount, name, ret_why) : VSS_E_OBJECT_NOT_FOUND;
                if (FAILED(hr))
                        return hr;
                if (strcmp(real, mount->target) != 0 && !fd_is_subvolume(mount, fd))
                        continue;

                r = volume_new(table, mount, real, fd, ret);
                return r < 0 ? refuse_errno(r, name, ret_why) : S_OK;
        } while (cut_last(real));

        return refuse(VSS_E_OBJECT_NOT_FOUND, ret_why, "'%s' is on a mount that cannot be seen from here", name);
}

HRESULT volume_containing(const char *name, Volume **ret, char **ret_why) {
        _cleanup_(mount_table_clear) MountTable table = {};
        _cleanup_(freep) char *expanded = NULL, *path = NULL, *real = NULL;
        const Mount *mount;
        struct stat st;
        int r;

        r = mount_table_read(&table);
        if (r < 0)
                return refuse_errno(r, name, ret_why);

        r = expand_guid(&table, name, &expanded);
        if (r == -ENODEV)
                return refuse(VSS_E_OBJECT_NOT_FOUND, ret_why, "no volume has the name '%s'", name);
        if (r < 0 && r != -ENOENT)
                return refuse_errno(r, name, ret_why);
        if (!is_separator(*(expanded ?: name)))
                return refuse(E_INVALIDARG, ret_why, "'%s' is not an absolute path", name);

        r = normalize(&table, expanded ?: name, &path);
        if (r < 0)
                return refuse_errno(r, name, ret_why);

        r = real_ancestor(&table, path, &real, &mount);
        if (r < 0)
                return refuse_path(r, mount, name, ret_why);
        if (stat(real, &st) == 0 && S_ISBLK(st.st_mode))
                return resolve_device(&table, st.st_rdev, name, ret, ret_why);

        return find_root(&table, real, name, ret, ret_why);
}
