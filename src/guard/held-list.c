/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The List of What Is Held
 *
 * Paths and not descriptors, because whoever reads the list was not there when it was written. Opening a
 * directory and thawing it both work on a file system that is frozen. On a device that is suspended even looking
 * for a file may wait, so such a one has its number here. (The way to a mount point is in the kernel's memory for as
 * long as something is mounted there.)
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/macro.h"
#include "base/strv.h"
#include "guard/device-mapper.h"
#include "guard/held-list.h"

/* A byte becomes at most this many: "\134". */
#define ESCAPE_SIZE 4U

static char *append_escaped(char *to, const char *s) {
        for (; *s; ++s)
                if (*s == '\n')
                        to = stpcpy(to, "\\012");
                else if (*s == '\\')
                        to = stpcpy(to, "\\134");
                else
                        *to++ = *s;

        *to++ = '\n';
        return to;
}

static bool unescape(char *line) {
        char *to = line;

        for (const char *p = line; *p;) {
                if (*p != '\\') {
                        *to++ = *p++;
                        continue;
                }

                if (strncmp(p, "\\012", ESCAPE_SIZE) == 0)
                        *to++ = '\n';
                else if (strncmp(p, "\\134", ESCAPE_SIZE) == 0)
                        *to++ = '\\';
                else
                        return false;
                p += ESCAPE_SIZE;
        }

        *to = '\0';
        return true;
}

/* "dm 253:4" */
static bool parse_device(const char *entry, dev_t *ret) {
        unsigned major, minor;
        int n = 0;

        if (sscanf(entry, "dm %u:%u%n", &major, &minor, &n) != 2 || entry[n] != '\0')
                return false;

        *ret = makedev(major, minor);
        return true;
}

int held_list_entry(const Hold *hold, const char *mount, char **ret) {
        if (hold->kind == HOLD_FREEZE)
                return strdup_to(mount, ret);

        return format_to(ret, "dm %u:%u", major(hold->dev), minor(hold->dev));
}

int held_list_write(const char *path, char *const *entries) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 1;
        char *end;

        STRV_FOREACH(entry, entries)
                size += ESCAPE_SIZE * strlen(*entry) + 1;
        if (size > HELD_LIST_SIZE_MAX)
                return -E2BIG;

        text = calloc_checked(size, 1);
        if (!text)
                return -ENOMEM;

        end = text;
        STRV_FOREACH(entry, entries)
                end = append_escaped(end, *entry);

        return file_write_text_atomic(path, 0600, text);
}

static bool is_entry(char *line) {
        dev_t device;

        return line[0] == '/' ? unescape(line) : parse_device(line, &device);
}

int held_list_read(const char *path, char ***ret) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(strv_freep) char **entries = NULL;
        int r;

        r = file_read_text(path, HELD_LIST_SIZE_MAX, &text);
        if (r < 0)
                return r;

        r = strv_split(text, "\n", &entries);
        if (r < 0)
                return r;

        STRV_FOREACH(entry, entries)
                if (!is_entry(*entry))
                        return -EBADMSG;

        *ret = TAKE_PTR(entries);
        return 0;
}

static int resume_device(dev_t device) {
        _cleanup_(closep) int control = dm_open_control();

        return control < 0 ? control : dm_resume(control, device);
}

static int thaw_path(const char *path) {
        Hold hold = { .kind = HOLD_FREEZE };
        _cleanup_(closep) int fd = -EBADF;

        hold.fd = fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
        return fd < 0 ? -errno : hold_end(&hold, -EBADF);
}

int held_list_end(const char *entry) {
        dev_t device;

        return parse_device(entry, &device) ? resume_device(device) : thaw_path(entry);
}
