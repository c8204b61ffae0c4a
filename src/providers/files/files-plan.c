/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a Copy Will Be
 *
 * Looks at the directories above the volume as descriptors; the path is asked for at the end, once.
 */

#include "providers/files/files-plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"

#define NOTE_MAX 4096U

void files_plan_done(FilesPlan *plan) {
        free(plan->parent);
        free(plan->store);
        free(plan->name);
        *plan = (FilesPlan){ 0 };
}

/* Whether we may make a store in @fd, or have one there. Others' directories of that name are not ours. */
static bool can_have_store(int fd) {
        struct stat st;

        if (fstatat(fd, FILES_SHADOW_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return S_ISDIR(st.st_mode) && st.st_uid == geteuid();

        return errno == ENOENT && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
}

/* The directory above @fd. -EXDEV: that is in another mount, or there is none. */
static int open_above(int fd) {
        _cleanup_(closep) int above = -EBADF;
        struct statx here, there;

        above = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (above < 0)
                return -errno;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &here) < 0 ||
            statx(above, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &there) < 0)
                return -errno;

        if ((here.stx_attributes & STATX_ATTR_MOUNT_ROOT) || here.stx_mnt_id != there.stx_mnt_id)
                return -EXDEV;

        return TAKE_FD(above);
}

static int reopen(int fd) {
        int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (again < 0 && errno == EACCES) /* may be entered and written to, though not read */
                again = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return again < 0 ? -errno : again;
}

int files_plan_reflink_parent(int volume_fd, int *ret_fd) {
        _cleanup_(closep) int top = -EBADF, nearest = -EBADF;
        int above;

        top = openat(volume_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (top < 0)
                return -errno;

        while ((above = open_above(top)) >= 0) {
                (void) fd_close(top);
                top = above;
                if (nearest < 0 && can_have_store(top))
                        nearest = fcntl(top, F_DUPFD_CLOEXEC, 3);
        }

        if (can_have_store(top))
                *ret_fd = reopen(top);
        else if (nearest >= 0)
                *ret_fd = reopen(nearest);
        else if (can_have_store(volume_fd))
                *ret_fd = reopen(volume_fd);
        else
                return -EOPNOTSUPP;

        return *ret_fd < 0 ? *ret_fd : 0;
}

static int path_of(int fd, char **ret) {
        _cleanup_(freep) char *path = NULL;
        char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        struct stat st, there;
        ssize_t n;

        path = calloc_checked(PATH_MAX, 1);
        if (!path)
                return -ENOMEM;

        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, PATH_MAX - 1);
        if (n < 0)
                return -errno;

        /* It may have no path any more, or be below a directory that we see elsewhere. */
        path[n] = '\0';
        if (fstat(fd, &st) < 0 || stat(path, &there) < 0)
                return -errno;
        if (st.st_dev != there.st_dev || st.st_ino != there.st_ino)
                return -ESTALE;

        *ret = TAKE_PTR(path);
        return 0;
}

static int complete(FilesPlan *plan, const char *store, const GUID *id) {
        int r;

        r = strdup_to(store, &plan->store);
        if (r < 0)
                return r;

        return strdup_to(GUID_TO_STRING(id), &plan->name);
}

int files_plan_reflink(const ProviderEnv *env, const ProviderSnapshot *s, FilesPlan *ret) {
        _cleanup_(files_plan_done) FilesPlan plan = { .reflink = true };
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = files_plan_reflink_parent(s->volume_fd, &fd);
        if (r < 0)
                return provider_fail(r, "neither it nor a directory above it can be written to");

        r = path_of(fd, &plan.parent);
        if (r < 0)
                return provider_fail(r, "the directory for its clones cannot be named: %m");

        r = complete(&plan, FILES_SHADOW_NAME, &s->id);
        if (r < 0)
                return r;

        *ret = plan;
        plan = (FilesPlan){ 0 };
        return 0;
}

int files_plan_copy(const ProviderEnv *env, const ProviderSnapshot *s, FilesPlan *ret) {
        _cleanup_(files_plan_done) FilesPlan plan = { 0 };
        int r;

        r = strdup_to(env->state_dir, &plan.parent);
        if (r < 0)
                return r;

        r = complete(&plan, FILES_STORE_NAME, &s->id);
        if (r < 0)
                return r;

        *ret = plan;
        plan = (FilesPlan){ 0 };
        return 0;
}

int files_plan_copy_place(const ProviderEnv *env, int *ret_fd) {
        _cleanup_(freep) char *path = NULL;
        int r;

        r = format_to(&path, "%s/" FILES_STORE_NAME, env->state_dir);
        if (r < 0)
                return r;

        for (;;) {
                int fd = open(*path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
                char *slash = strrchr(path, '/');

                if (fd >= 0) {
                        *ret_fd = fd;
                        return 0;
                }
                if (errno != ENOENT || !slash || *path == '\0')
                        return -errno;

                *slash = '\0';
        }
}

static int escape(const char *s, char **ret) {
        char *escaped, *p;

        escaped = p = calloc_checked(strlen(s) + 1, 4);
        if (!escaped)
                return -ENOMEM;

        for (; *s; ++s)
                if (*s > ' ' && *s < 0x7f && *s != '\\')
                        *p++ = *s;
                else
                        p += sprintf(p, "\\x%02x", (unsigned char) *s);

        *ret = escaped;
        return 0;
}

static int unescape(const char *s, char **ret) {
        _cleanup_(freep) char *text = NULL;
        char *p;
        int r;

        r = strdup_to(s, &text);
        if (r < 0)
                return r;

        for (p = text; *s; ++s) {
                char digits[3] = { 0 }, *end;

                if (*s != '\\') {
                        *p++ = *s;
                        continue;
                }

                if (s[1] != 'x' || s[2] == '\0' || s[3] == '\0')
                        return -EBADMSG;
                memcpy(digits, s + 2, 2);
                *p = (char) strtoul(digits, &end, 16);
                if (*end != '\0' || *p == '\0')
                        return -EBADMSG;
                ++p;
                s += 3;
        }

        *p = '\0';
        *ret = TAKE_PTR(text);
        return 0;
}

int files_plan_to_note(const FilesPlan *plan, char **ret) {
        _cleanup_(freep) char *parent = NULL, *note = NULL;
        int r;

        r = escape(plan->parent, &parent);
        if (r < 0)
                return r;

        r = format_to(&note, "kind=%s\nparent=%s\nstore=%s\nname=%s\n", plan->reflink ? "reflink" : "copy",
                      parent, plan->store, plan->name);
        if (r < 0)
                return r;

        if (strlen(note) > NOTE_MAX)
                return provider_fail(-ENAMETOOLONG, "the path of '%s' is too long to be remembered",
                                     plan->parent);

        *ret = TAKE_PTR(note);
        return 0;
}

/* A name in a directory, and nothing that leads elsewhere. */
static bool is_name(const char *s) {
        return s && *s && !strchr(s, '/') && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

int files_plan_from_note(const char *note, FilesPlan *ret) {
        _cleanup_(files_plan_done) FilesPlan plan = { 0 };
        _cleanup_(freep) char *text = NULL;
        char *line, *rest;
        int r;

        r = strdup_to(note ? note : "", &text);
        if (r < 0)
                return r;

        for (rest = text; (line = strsep(&rest, "\n"));) {
                char *value = strchr(line, '='), **slot = NULL;

                if (!value)
                        continue;
                *value++ = '\0';

                if (strcmp(line, "kind") == 0)
                        plan.reflink = strcmp(value, "reflink") == 0;
                else if (strcmp(line, "parent") == 0)
                        slot = &plan.parent;
                else if (strcmp(line, "store") == 0)
                        slot = &plan.store;
                else if (strcmp(line, "name") == 0)
                        slot = &plan.name;

                if (slot) {
                        free(TAKE_PTR(*slot));
                        r = unescape(value, slot);
                        if (r < 0)
                                return r;
                }
        }

        /* The catalog is ours, but what is removed by it had better be what was made by us. */
        if (!plan.parent || plan.parent[0] != '/' || !is_name(plan.store) || !is_name(plan.name))
                return -EBADMSG;

        *ret = plan;
        plan = (FilesPlan){ 0 };
        return 0;
}
