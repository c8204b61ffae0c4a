/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Talking to ZFS
 */

#include "providers/zfs/zfs-command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"

/* The names of all snapshots of a large pool. */
#define OUTPUT_MAX ((size_t) 64 * 1024 * 1024)

#define BUSY_PATIENCE_USEC (3 * USEC_PER_SEC)
#define BUSY_INTERVAL_USEC (100 * USEC_PER_MSEC)

int zfs_check_installed(void) {
        if (!command_exists("zfs") || !command_exists("zpool"))
                return provider_fail(-EOPNOTSUPP, "the commands zfs and zpool are not installed");

        return 0;
}

/* There is no other way to tell: the exit status is 1 whatever it was. */
static int errno_from_reason(const char *reason) {
        if (strstr(reason, "out of space") || strstr(reason, "quota exceeded"))
                return -ENOSPC;

        return strstr(reason, "is busy") ? -EBUSY : -EIO;
}

static int fail_as_zfs_says(const Command *c, const char *const *argv) {
        _cleanup_(freep) char *reason = NULL;
        int r;

        r = command_reason(c, &reason);
        if (r < 0)
                return r;

        return provider_fail(errno_from_reason(reason), "'%s %s': %s", argv[0], argv[1],
                             *reason ? reason : "it failed and did not say why");
}

static int finish(Command *c, const char *const *argv, usec_t deadline, bool lenient, char **ret_output) {
        int r, status;

        r = command_wait(c, deadline, &status);
        if (r == -ETIMEDOUT)
                return provider_fail(r, "'%s %s' has not ended in time and goes on alone; see zpool status",
                                     argv[0], argv[1]);
        if (r < 0)
                return r;
        if (status != 0 && (!lenient || status != 1))
                return fail_as_zfs_says(c, argv);

        r = ret_output ? command_output(c, OUTPUT_MAX, ret_output) : 0;
        return r < 0 ? provider_fail(r, "what '%s %s' says cannot be read: %m", argv[0], argv[1]) : 0;
}

int zfs_finish(Command *c, const char *const *argv, usec_t deadline, char **ret_output) {
        return finish(c, argv, deadline, false, ret_output);
}

static int run(const char *const *argv,
               const ProviderSnapshot *s,
               usec_t timeout,
               bool lenient,
               char **ret_output) {
        _cleanup_(command_clear) Command c = COMMAND_INIT;
        int lock_fd = s ? s->lock_fd : -EBADF, r;

        r = command_start(argv, &lock_fd, 1, &c);
        if (r == -ENOENT)
                return provider_fail(-EOPNOTSUPP, "the command %s is not installed", argv[0]);
        if (r < 0)
                return provider_fail(r, "%s cannot be started: %m", argv[0]);

        return finish(&c, argv, usec_add(now_usec(CLOCK_MONOTONIC), timeout), lenient, ret_output);
}

int zfs_run(const char *const *argv, const ProviderSnapshot *s, usec_t timeout, char **ret_output) {
        return run(argv, s, timeout, false, ret_output);
}

int zfs_run_leniently(const char *const *argv,
                      const ProviderSnapshot *s,
                      usec_t timeout,
                      char **ret_output) {
        return run(argv, s, timeout, true, ret_output);
}

/* Nothing tells when it is no longer busy. */
int zfs_run_patiently(const char *const *argv, const ProviderSnapshot *s) {
        const struct timespec interval = timespec_from_usec(BUSY_INTERVAL_USEC);
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), BUSY_PATIENCE_USEC);
        int r;

        while ((r = zfs_run(argv, s, ZFS_CHANGE_TIMEOUT_USEC, NULL)) == -EBUSY &&
               now_usec(CLOCK_MONOTONIC) < deadline)
                (void) nanosleep(&interval, NULL);

        return r == -EBUSY ? provider_fail(r, "somebody still has files of it open") : r;
}

int zfs_next_row(char **text, char **fields, size_t n) {
        char *line = *text, *end = strchrnul(line, '\n');

        if (*line == '\0')
                return 0;

        *text = *end ? end + 1 : end;
        *end = '\0';
        for (size_t i = 0; i < n; ++i) {
                fields[i] = strsep(&line, "\t");
                if (!fields[i])
                        return provider_fail(-EBADMSG, "zfs answers in a form that is not known");
        }

        return line ? provider_fail(-EBADMSG, "zfs answers in a form that is not known") : 1;
}

int zfs_number(const char *text, uint64_t *ret) {
        char *end;
        uint64_t n;

        errno = 0;
        n = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || *end || errno != 0)
                return provider_fail(-EBADMSG, "zfs answers in a form that is not known");

        *ret = n;
        return 0;
}

int zfs_run_for_number(const char *const *argv, uint64_t *ret) {
        _cleanup_(freep) char *output = NULL;
        char *text, *field;
        int r;

        r = zfs_run(argv, NULL, ZFS_QUERY_TIMEOUT_USEC, &output);
        if (r < 0)
                return r;

        text = output;
        r = zfs_next_row(&text, &field, 1);
        if (r == 0)
                return provider_fail(-EBADMSG, "zfs answers in a form that is not known");
        return r < 0 ? r : zfs_number(field, ret);
}
