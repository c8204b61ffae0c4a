/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starting umbra-guard
 *
 * A guard that was started is harmless: it has descriptors, and waits to be told.
 */

#include "guard/guard-client-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/strv.h"
#include "guard/device-mapper.h"
#include "guard/guard-protocol.h"
#include "guard/held-list.h"

/* The guard writes out what is dirty before it says that it is ready. */
#define START_USEC (600 * USEC_PER_SEC)

/* What the guard would do if it lives, we can do if it does not. */
static int client_copy_holds(GuardClient *g, const Hold *holds, char *const *mounts, size_t n) {
        g->holds = calloc_checked(n, sizeof(*g->holds));
        if (!g->holds)
                return -ENOMEM;

        for (; g->n < n; ++g->n) {
                _cleanup_(freep) char *entry = NULL;
                Hold *hold = g->holds + g->n;
                int r;

                *hold = holds[g->n];
                hold->fd = fcntl(holds[g->n].fd, F_DUPFD_CLOEXEC, GUARD_FIRST_FD);
                if (hold->fd < 0)
                        return -errno;

                r = strv_append(&g->mounts, mounts[g->n]);
                if (r >= 0)
                        r = held_list_entry(hold, mounts[g->n], &entry);
                if (r >= 0)
                        r = strv_append(&g->held, entry);
                if (r >= 0 && hold->kind != HOLD_FREEZE && g->control < 0)
                        r = g->control = dm_open_control();
                if (r < 0) {
                        fd_close(hold->fd);
                        return r;
                }
        }

        return 0;
}

static int client_arguments(const GuardClient *g, char ***ret) {
        _cleanup_(freep) char *deadline = NULL;
        _cleanup_(strv_freep) char **argv = NULL;
        int r;

        r = format_to(&deadline, "%llu", (unsigned long long) g->max_hold);
        if (r >= 0)
                r = strv_append(&argv, "umbra-guard");
        if (r >= 0)
                r = strv_append(&argv, deadline);
        for (size_t i = 0; r >= 0 && i < g->n; ++i)
                r = strv_append(&argv, hold_kind_to_string(g->holds[i].kind));
        if (r < 0)
                return r;

        *ret = TAKE_PTR(argv);
        return 0;
}

static int client_spawn(GuardClient *g) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(strv_freep) char **argv = NULL;
        _cleanup_(closep) int theirs = -EBADF;
        int fds[1 + GUARD_FDS_MAX], pair[2], r;

        r = program_path("umbra-guard", UMBRA_LIBEXECDIR, &path);
        if (r < 0)
                return r;

        r = client_arguments(g, &argv);
        if (r < 0)
                return r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        g->socket = pair[0];
        theirs = pair[1];

        fds[0] = theirs;
        for (size_t i = 0; i < g->n; ++i)
                fds[1 + i] = g->holds[i].fd;

        /* It outlives us on purpose, and is not to hear what a terminal tells us. */
        return process_spawn(
                &(SpawnOptions){
                        .path = path,
                        .argv = argv,
                        .fds = fds,
                        .n_fds = 1 + g->n,
                        .new_session = true,
                },
                &g->pid,
                &g->pidfd);
}

static int client_watch(GuardClient *g, sd_event *event) {
        int r;

        r = sd_event_add_io(event, &g->io, g->socket, EPOLLIN, guard_client_on_io, g);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(g->io, "guard");

        r = sd_event_add_io(event, &g->exit, g->pidfd, EPOLLIN, guard_client_on_exit, g);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(g->exit, "guard-exit");

        /* What the guard has said comes before that it is gone, and both before whatever else there is to
         * do. */
        r = sd_event_source_set_priority(g->io, SD_EVENT_PRIORITY_IMPORTANT - 1);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(g->exit, SD_EVENT_PRIORITY_IMPORTANT);
        if (r < 0)
                return r;

        r = sd_event_add_time_relative(event, &g->timer, CLOCK_MONOTONIC, START_USEC, 0,
                                       guard_client_on_timer, g);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(g->timer, "guard-timer");
        return 0;
}

int guard_client_new(sd_event *event,
                     const char *runtime_dir,
                     const Hold *holds,
                     char *const *mounts,
                     size_t n,
                     usec_t max_hold,
                     GuardHandler handler,
                     void *userdata,
                     GuardClient **ret) {
        _cleanup_(guard_client_freep) GuardClient *g = NULL;
        int r;

        if (n == 0 || max_hold == 0)
                return -EINVAL;
        if (n > GUARD_FDS_MAX || max_hold > GUARD_DEADLINE_MAX)
                return -E2BIG;

        g = calloc_checked(1, sizeof(*g));
        if (!g)
                return -ENOMEM;

        g->socket = g->pidfd = g->control = -EBADF;
        g->max_hold = max_hold;
        g->handler = handler;
        g->userdata = userdata;

        r = format_to(&g->held_path, "%s/held", runtime_dir);
        if (r < 0)
                return r;

        r = client_copy_holds(g, holds, mounts, n);
        if (r < 0)
                return r;

        r = client_spawn(g);
        if (r < 0)
                return r;

        r = client_watch(g, event);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(g);
        return 0;
}
