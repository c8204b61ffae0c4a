/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Coordinator's End of umbra-guard
 *
 *            READY         hold           HELD         release         THAWED
 *  STARTING ──────> READY ─────> FREEZING ─────> HELD ─────────> THAWING ─────> DONE
 *     │               │             │                               ^            ^
 *     │               │             `──────── release, THAWING ─────┘            │
 *     `───────────────`──── the guard ends, whenever [guard_client_on_exit] ─────┘
 *
 * From FREEZING to THAWING something may be frozen: the list of it stands in <runtime_dir>/held, log lines
 * are kept in memory, and we allocate nothing. THAWING, said by the guard, also comes without our asking: at
 * its deadline, or when it could not freeze. In DONE nothing of ours is frozen, whoever thawed it.
 *
 * A guard that died leaves frozen what it froze, and we have the same descriptors, so we thaw. Its pidfd
 * tells when, and not the end of its socket: only when the last of its threads is gone can there be no
 * FIFREEZE under way that would freeze something after we thawed it. A guard that has lost its mind
 * (stopped, spinning) is killed first, a little after its deadline. But one that said THAWING is at work;
 * what takes long then is the kernel, which we could not hurry, and it thaws as soon as that lets it.
 *
 * The news is told last in each function: the handler may free the client.
 */

#include "guard/guard-client-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/hresult.h"
#include "base/log.h"
#include "base/process-util.h"
#include "base/strv.h"
#include "guard/guard-protocol.h"
#include "guard/held-list.h"

/* How much later than its deadline a healthy guard is heard of. */
#define GRACE_USEC (1 * USEC_PER_SEC)
/* How long we wait, blocking, for a guard whose thaw waits for the kernel. */
#define RELEASE_NOW_USEC (20 * USEC_PER_SEC)

static const unsigned client_may_become[_CLIENT_STATE_MAX] = {
        [CLIENT_STARTING] = 1U << CLIENT_READY | 1U << CLIENT_DONE,
        [CLIENT_READY] = 1U << CLIENT_FREEZING | 1U << CLIENT_DONE,
        [CLIENT_FREEZING] = 1U << CLIENT_HELD | 1U << CLIENT_THAWING | 1U << CLIENT_DONE,
        [CLIENT_HELD] = 1U << CLIENT_THAWING | 1U << CLIENT_DONE,
        [CLIENT_THAWING] = 1U << CLIENT_DONE,
        [CLIENT_DONE] = 0,
};

static bool state_is_holding(ClientState state) {
        return state == CLIENT_FREEZING || state == CLIENT_HELD || state == CLIENT_THAWING;
}

bool guard_client_is_holding(const GuardClient *g) {
        return state_is_holding(g->state);
}

pid_t guard_client_pid(const GuardClient *g) {
        return g->pid;
}

usec_t guard_client_held_usec(const GuardClient *g) {
        return g->held_usec;
}

static int client_enter(GuardClient *g, ClientState to) {
        ClientState from = g->state;

        if (!(client_may_become[from] & 1U << to))
                return -EBADFD;

        g->state = to;

        if (!state_is_holding(from) && state_is_holding(to))
                log_hold();

        if (state_is_holding(from) && !state_is_holding(to)) {
                if (unlink(g->held_path) < 0 && errno != ENOENT)
                        log_warning_errno(errno, "Failed to remove '%s', leaving it: %m", g->held_path);
                log_release();
        }

        return 0;
}

/* In reverse; nothing stops us. */
static void client_thaw_all(GuardClient *g) {
        for (size_t i = g->n; i-- > 0;) {
                int r = hold_end(g->holds + i, g->control);

                if (r < 0)
                        log_error_errno(r, "Failed to thaw '%s', it stays frozen until somebody does: %m",
                                        g->mounts[i]);
        }
}

static void client_kill(GuardClient *g) {
        (void) pidfd_send_signal(g->pidfd, SIGKILL, NULL, 0);
}

/* What we waited for is there; the handler arms the timer for the next. */
static int client_tell(GuardClient *g, GuardEvent event, HRESULT hr) {
        (void) sd_event_source_set_enabled(g->timer, SD_EVENT_OFF);
        g->handler(g, event, hr, g->message[0] != '\0' ? g->message : NULL, g->userdata);
        return 0;
}

static int client_tell_end(GuardClient *g) {
        return client_tell(g, g->failed ? GUARD_FAILED : GUARD_THAWED, g->hr);
}

_printf_(3, 4) static void client_fail(GuardClient *g, HRESULT hr, const char *format, ...) {
        va_list args;

        g->failed = true;
        g->hr = hr;

        va_start(args, format);
        (void) vsnprintf(g->message, sizeof(g->message), format, args);
        va_end(args);
}

/* Why the hold ends, as the guard says. */
static void client_note_reason(GuardClient *g, const GuardReport *report) {
        const char *mount = report->index < g->n ? g->mounts[report->index] : "?";
        char buffer[128];

        g->thaw_begun = true;

        switch ((GuardReason) report->reason) {
        case GUARD_TOLD:
                return;
        case GUARD_DEADLINE:
                if (report->error != 0) {
                        client_fail(g, VSS_E_FLUSH_WRITES_TIMEOUT, "freezing took too long, at '%s'", mount);
                        return;
                }
                client_fail(g, VSS_E_HOLD_WRITES_TIMEOUT, "held for too long; the file systems run again");
                g->failed = false;
                return;
        case GUARD_REFUSED:
                if (report->error == EBUSY)
                        client_fail(g, VSS_E_VOLUME_IN_USE, "somebody else had frozen or suspended '%s' before", mount);
                else
                        client_fail(g, hresult_from_errno(-report->error), "'%s' could not be frozen: %s",
                                    mount, strerror_r(report->error, buffer, sizeof(buffer)));
                return;
        case GUARD_LOST:
                break;
        }

        client_fail(g, VSS_E_UNEXPECTED, "the freeze guard lost its connection");
}

/* Takes the guard's word for it. */
static void client_apply(GuardClient *g, const GuardReport *report) {
        switch ((GuardReportKind) report->kind) {
        case GUARD_SAYS_READY:
                (void) client_enter(g, CLIENT_READY);
                return;
        case GUARD_SAYS_HELD:
                (void) client_enter(g, CLIENT_HELD); /* refused when we have asked for the thaw meanwhile */
                return;
        case GUARD_SAYS_THAWING:
                client_note_reason(g, report);
                (void) client_enter(g, CLIENT_THAWING);
                return;
        case GUARD_SAYS_THAWED:
                g->held_usec = report->held_usec;
                if (report->error != 0) {
                        log_warning_errno(report->error, "The guard failed to thaw, thawing ourselves: %m");
                        client_thaw_all(g);
                }
                (void) client_enter(g, CLIENT_DONE);
                return;
        }
}

/* 1 and the next report; 0 when there is none now; -EPIPE when there will be none. */
static int client_receive(GuardClient *g, GuardReport *ret) {
        ssize_t n;

        n = recv(g->socket, ret, sizeof(*ret), MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;

        return n == sizeof(*ret) ? 1 : -EPIPE;
}

static int client_send(GuardClient *g, GuardCommand command) {
        uint32_t message = (uint32_t) command;

        return send(g->socket, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int guard_client_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        GuardClient *g = userdata;
        ClientState from = g->state;
        GuardReport report;
        int r;

        r = client_receive(g, &report);
        if (r < 0)
                return sd_event_source_set_enabled(g->io, SD_EVENT_OFF); /* guard_client_on_exit() follows */
        if (r == 0)
                return 0;

        client_apply(g, &report);
        if (g->state == from)
                return 0;

        switch (g->state) {
        case CLIENT_READY:
                return client_tell(g, GUARD_READY, S_OK);
        case CLIENT_HELD:
                /* The timer goes on: it is the hold's. */
                g->handler(g, GUARD_HELD, S_OK, NULL, g->userdata);
                return 0;
        case CLIENT_DONE:
                return client_tell_end(g);
        default:
                return 0;
        }
}

/* The guard has ended. If it did not finish its work, we do. */
static void client_take_over(GuardClient *g) {
        GuardReport report;
        int status = 0;

        while (client_receive(g, &report) > 0)
                client_apply(g, &report);

        (void) process_reap(g->pidfd, &status);
        if (g->state == CLIENT_DONE)
                return;

        if (state_is_holding(g->state))
                client_thaw_all(g);

        if (status < 0)
                client_fail(g, VSS_E_UNEXPECTED, "the freeze guard was killed (%s)",
                            sigabbrev_np(-status) ?: "?");
        else
                client_fail(g, VSS_E_UNEXPECTED, "the freeze guard ended with status %d", status);
        (void) client_enter(g, CLIENT_DONE);
}

int guard_client_on_exit(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        GuardClient *g = userdata;
        bool told = g->state == CLIENT_DONE;

        (void) sd_event_source_set_enabled(g->io, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(g->exit, SD_EVENT_OFF);

        client_take_over(g);
        return told ? 0 : client_tell_end(g);
}

int guard_client_on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        GuardClient *g = userdata;

        if (g->thaw_begun) {
                log_warning("The guard waits for the kernel to let go of a file system, going on waiting");
                return 0;
        }

        log_error("The guard does not answer, killing it and thawing ourselves");
        client_kill(g);
        return 0;
}

static int client_arm(GuardClient *g, usec_t timeout) {
        int r;

        r = sd_event_source_set_time_relative(g->timer, timeout);
        if (r < 0)
                return r;

        return sd_event_source_set_enabled(g->timer, SD_EVENT_ONESHOT);
}

int guard_client_hold(GuardClient *g) {
        int r;

        if (g->state != CLIENT_READY)
                return -EBADFD;

        r = held_list_write(g->held_path, g->held);
        if (r < 0)
                return r;

        r = client_arm(g, usec_add(g->max_hold, GRACE_USEC));
        if (r >= 0)
                r = client_send(g, GUARD_FREEZE);
        if (r < 0) {
                (void) sd_event_source_set_enabled(g->timer, SD_EVENT_OFF);
                (void) unlink(g->held_path);
                return r;
        }

        return client_enter(g, CLIENT_FREEZING);
}

int guard_client_release(GuardClient *g) {
        if (!state_is_holding(g->state))
                return -EBADFD;
        if (g->state == CLIENT_THAWING)
                return 0;

        /* A guard that cannot be told has died, or is about to be killed by the timer. */
        (void) client_send(g, GUARD_THAW);
        (void) client_arm(g, GRACE_USEC);
        return client_enter(g, CLIENT_THAWING);
}

/* Takes reports until the thaw is over, the guard has ended (-EPIPE) or time is up (-ETIMEDOUT). */
static int client_wait_done(GuardClient *g, usec_t timeout) {
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), timeout);

        while (g->state != CLIENT_DONE) {
                struct pollfd pollfd = { .fd = g->socket, .events = POLLIN };
                usec_t now = now_usec(CLOCK_MONOTONIC);
                struct timespec left;
                GuardReport report;
                int r;

                if (now >= deadline)
                        return -ETIMEDOUT;

                left = timespec_from_usec(deadline - now);
                (void) ppoll(&pollfd, 1, &left, NULL);

                r = client_receive(g, &report);
                if (r < 0)
                        return r;
                if (r > 0)
                        client_apply(g, &report);
        }

        return 0;
}

void guard_client_release_now(GuardClient *g) {
        int r;

        if (!state_is_holding(g->state))
                return;

        (void) guard_client_release(g);
        (void) sd_event_source_set_enabled(g->timer, SD_EVENT_OFF);

        r = client_wait_done(g, GRACE_USEC);
        if (r == -ETIMEDOUT && g->thaw_begun)
                r = client_wait_done(g, RELEASE_NOW_USEC);
        if (r == 0)
                return;

        if (r == -ETIMEDOUT && g->thaw_begun) {
                log_error("The guard still waits for the kernel to let go of a file system, leaving it");
                return;
        }

        client_kill(g);
        if (process_end(g->pidfd, 0, NULL) == -ETIMEDOUT)
                log_error("The guard cannot be killed, thawing nevertheless");
        (void) sd_event_source_set_enabled(g->exit, SD_EVENT_OFF);

        client_thaw_all(g);
        client_fail(g, VSS_E_UNEXPECTED, "the freeze guard did not answer");
        (void) client_enter(g, CLIENT_DONE);
}

GuardClient *guard_client_free(GuardClient *g) {
        if (!g)
                return NULL;

        guard_client_release_now(g);
        sd_event_source_disable_unref(g->io);
        sd_event_source_disable_unref(g->exit);
        sd_event_source_disable_unref(g->timer);

        /* With its socket closed, a guard that is left to itself knows what to do. */
        fd_close(g->socket);
        if (g->pidfd >= 0 && !state_is_holding(g->state))
                (void) process_end(g->pidfd, 0, NULL);
        fd_close(g->pidfd);

        /* The list stays for as long as something may be frozen. */
        if (state_is_holding(g->state))
                log_release();

        for (size_t i = 0; i < g->n; ++i)
                fd_close(g->holds[i].fd);
        free(g->holds);
        fd_close(g->control);
        strv_free(g->held);
        strv_free(g->mounts);
        free(g->held_path);
        free(g);
        return NULL;
}
