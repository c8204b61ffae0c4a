/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Coordinator's End of umbra-guard
 *
 *                READY           hold             HELD           release          THAWED
 *      STARTING ──────> READY ──────────> FREEZING ─────> HELD ──────────> THAWING ─────> DONE
 *          │              │                  │ release, THAWING              │              ▲
 *          │              │                  `─────────────────>─────────────┘              │
 *          `──────────────`────────── the guard ends, whenever [client_on_exit] ────────────'
 *
 *   From FREEZING to THAWING something may be frozen: the list of it stands in <runtime_dir>/held, log lines are kept
 *   in memory, and we allocate nothing. THAWING, said by the guard, also comes without our asking: at its deadline, or
 *   when it could not freeze.
 *   In DONE nothing of ours is frozen, whoever thawed it.
 *
 * A guard that died leaves frozen what it froze, and we have the same descriptors, so we thaw. Its pidfd tells when,
 * and not the end of its socket: only when the last of its threads is gone can there be no FIFREEZE under way that
 * would freeze something after we thawed it. A guard that has lost its mind (stopped, spinning) is killed first, a
 * little after its deadline. But one that said THAWING is at work; what takes long then is the kernel, which we could
 * not hurry, and it thaws as soon as that lets it.
 *
 * The news is told last in each function: the handler may free the client.
 */

#include "coordinator/guard-client.h"

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

/* The guard writes out what is dirty before it says that it is ready. */
#define START_USEC (600 * USEC_PER_SEC)
/* How much later than its deadline a healthy guard is heard of. */
#define GRACE_USEC (1 * USEC_PER_SEC)
/* How long we wait, blocking, for a guard whose thaw waits for the kernel. */
#define RELEASE_NOW_USEC (20 * USEC_PER_SEC)

#define MESSAGE_SIZE 1024U

typedef enum ClientState {
        CLIENT_STARTING, /* not locked in memory yet */
        CLIENT_READY,    /* may hold */
        CLIENT_FREEZING, /* some are frozen */
        CLIENT_HELD,     /* all are frozen */
        CLIENT_THAWING,  /* some are still frozen */
        CLIENT_DONE,     /* none is frozen, and none will be */
        _CLIENT_STATE_MAX,
} ClientState;

static const unsigned client_may_become[_CLIENT_STATE_MAX] = {
        [CLIENT_STARTING] = 1U << CLIENT_READY | 1U << CLIENT_DONE,
        [CLIENT_READY] = 1U << CLIENT_FREEZING | 1U << CLIENT_DONE,
        [CLIENT_FREEZING] = 1U << CLIENT_HELD | 1U << CLIENT_THAWING | 1U << CLIENT_DONE,
        [CLIENT_HELD] = 1U << CLIENT_THAWING | 1U << CLIENT_DONE,
        [CLIENT_THAWING] = 1U << CLIENT_DONE,
        [CLIENT_DONE] = 0,
};

struct GuardClient {
        ClientState state;
        sd_event_source *io, *exit, *timer;
        int socket, pidfd;
        pid_t pid;
        int *fds;
        char **mounts;
        size_t n;
        char *held_path;
        usec_t max_hold, held_usec;
        bool failed;      /* it never held all */
        bool thaw_begun;  /* the guard said THAWING */
        HRESULT hr;       /* of the hold */
        char message[MESSAGE_SIZE];
        GuardHandler handler;
        void *userdata;
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
                int r = thaw_fd(g->fds[i]);

                if (r < 0)
                        log_error_errno(r, "Failed to thaw '%s', it stays frozen until someone thaws it: %m", g->mounts[i]);
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

__attribute__((format(printf, 3, 4))) static void client_fail(GuardClient *g, HRESULT hr, const char *format, ...) {
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
                        client_fail(g, VSS_E_FLUSH_WRITES_TIMEOUT, "writing out and freezing took too long, at '%s'", mount);
                        return;
                }
                client_fail(g, VSS_E_HOLD_WRITES_TIMEOUT, "the file systems were held for too long, and run again");
                g->failed = false;
                return;
        case GUARD_REFUSED:
                client_fail(g, report->error == EBUSY ? VSS_E_VOLUME_IN_USE : hresult_from_errno(-report->error),
                            report->error == EBUSY ? "'%s' is frozen already, by somebody else (%s)" : "'%s' could not be frozen: %s",
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
                        log_warning_errno(report->error, "The freeze guard failed to thaw, thawing ourselves: %m");
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

static int client_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        GuardClient *g = userdata;
        ClientState from = g->state;
        GuardReport report;
        int r;

        r = client_receive(g, &report);
        if (r < 0)
                return sd_event_source_set_enabled(g->io, SD_EVENT_OFF); /* client_on_exit() follows */
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
                client_fail(g, VSS_E_UNEXPECTED, "the freeze guard was killed (%s)", sigabbrev_np(-status) ?: "unknown signal");
        else
                client_fail(g, VSS_E_UNEXPECTED, "the freeze guard ended with status %d", status);
        (void) client_enter(g, CLIENT_DONE);
}

static int client_on_exit(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        GuardClient *g = userdata;
        bool told = g->state == CLIENT_DONE;

        (void) sd_event_source_set_enabled(g->io, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(g->exit, SD_EVENT_OFF);

        client_take_over(g);
        return told ? 0 : client_tell_end(g);
}

static int client_on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        GuardClient *g = userdata;

        if (g->thaw_begun) {
                log_warning("The freeze guard waits for the kernel to let go of a file system, going on waiting");
                return 0;
        }

        log_error("The freeze guard does not answer, killing it and thawing ourselves");
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

        r = held_list_write(g->held_path, g->mounts);
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
                log_error("The freeze guard still waits for the kernel to let go of a file system, leaving it to that");
                return;
        }

        client_kill(g);
        if (process_end(g->pidfd, 0, NULL) == -ETIMEDOUT)
                log_error("The freeze guard cannot be killed, thawing nevertheless");
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
                fd_close(g->fds[i]);
        free(g->fds);
        strv_free(g->mounts);
        free(g->held_path);
        free(g);
        return NULL;
}

static int client_copy_fds(GuardClient *g, const int *fds, size_t n) {
        g->fds = calloc_checked(n, sizeof(int));
        if (!g->fds)
                return -ENOMEM;

        for (; g->n < n; ++g->n) {
                g->fds[g->n] = fcntl(fds[g->n], F_DUPFD_CLOEXEC, GUARD_FIRST_FD);
                if (g->fds[g->n] < 0)
                        return -errno;
        }

        return 0;
}

static int client_spawn(GuardClient *g) {
        _cleanup_(freep) char *path = NULL, *deadline = NULL, *count = NULL;
        _cleanup_(closep) int theirs = -EBADF;
        int fds[1 + GUARD_FDS_MAX], pair[2], r;

        r = program_path("umbra-guard", UMBRA_LIBEXECDIR, &path);
        if (r < 0)
                return r;

        r = format_to(&deadline, "%llu", (unsigned long long) g->max_hold);
        if (r < 0)
                return r;

        r = format_to(&count, "%zu", g->n);
        if (r < 0)
                return r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        g->socket = pair[0];
        theirs = pair[1];

        fds[0] = theirs;
        memcpy(fds + 1, g->fds, g->n * sizeof(int));

        /* It outlives us on purpose, and is not to hear what a terminal tells us. */
        return process_spawn(
                &(SpawnOptions) {
                        .path = path,
                        .argv = (char *[]) { (char[]) { "umbra-guard" }, deadline, count, NULL },
                        .fds = fds,
                        .n_fds = 1 + g->n,
                        .new_session = true,
                },
                &g->pid,
                &g->pidfd);
}

static int client_watch(GuardClient *g, sd_event *event) {
        int r;

        r = sd_event_add_io(event, &g->io, g->socket, EPOLLIN, client_on_io, g);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(g->io, "guard");

        r = sd_event_add_io(event, &g->exit, g->pidfd, EPOLLIN, client_on_exit, g);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(g->exit, "guard-exit");

        /* What the guard has said comes before that it is gone, and both before whatever else there is to do. */
        r = sd_event_source_set_priority(g->io, SD_EVENT_PRIORITY_IMPORTANT - 1);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(g->exit, SD_EVENT_PRIORITY_IMPORTANT);
        if (r < 0)
                return r;

        r = sd_event_add_time_relative(event, &g->timer, CLOCK_MONOTONIC, START_USEC, 0, client_on_timer, g);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(g->timer, "guard-timer");
        return 0;
}

int guard_client_new(sd_event *event,
                     const char *runtime_dir,
                     const int *fds,
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

        g->socket = g->pidfd = -EBADF;
        g->max_hold = max_hold;
        g->handler = handler;
        g->userdata = userdata;

        r = format_to(&g->held_path, "%s/held", runtime_dir);
        if (r < 0)
                return r;

        r = client_copy_fds(g, fds, n);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; ++i) {
                r = strv_append(&g->mounts, mounts[i]);
                if (r < 0)
                        return r;
        }

        r = client_spawn(g);
        if (r < 0)
                return r;

        r = client_watch(g, event);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(g);
        return 0;
}

int guard_thaw_leftovers(const char *runtime_dir) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(strv_freep) char **mounts = NULL;
        int error = 0, r;

        r = format_to(&path, "%s/held", runtime_dir);
        if (r < 0)
                return r;

        r = held_list_read(path, &mounts);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;

        for (size_t i = strv_length(mounts); i-- > 0;) {
                r = thaw_path(mounts[i]);
                if (r == 0) {
                        log_notice("Thawed '%s', which an earlier life may have left frozen", mounts[i]);
                        continue;
                }

                log_warning_errno(r, "Failed to thaw '%s', which an earlier life may have left frozen, going on: %m", mounts[i]);
                if (r != -ENOENT)
                        error = r;
        }

        /* Kept while something on it may still be frozen. */
        if (error != 0)
                return error;

        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
