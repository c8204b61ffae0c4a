/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Connection Shared by Threads
 *
 *         wait()  --- nobody leads ---> leader: dispatch, poll() without the lock, dispatch, ...
 *           |                             |
 *           `-- somebody leads ---> follower: sleeps on @turn until a round is over or the leader goes
 *
 * Anybody who holds the lock may dispatch as well (poll(), disconnect()), or may have queued more than the
 * socket takes. A leader that sleeps in poll() then looks at an old world, so they write to @kick_fd and it
 * looks again.
 *
 * The end of a connection is @ended. From then on nothing is dispatched; every pending call has had its
 * answer, the real one or @lost, which was made beforehand so that running out of memory cannot lose it. When
 * umbrad says before it goes that it takes our access away, @lost becomes what says that.
 * sd-bus owns its descriptor and closes it when it likes; we poll a duplicate, so that no thread ever polls
 * a number that is closed or somebody else's.
 */

#include "wire/wire-client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "wire/wire-names.h"
#include "wire/wire-socket.h"
#include "wire/wire-types.h"

#define DISCONNECTED_SENTENCE "The connection to umbrad has ended."
#define REVOKED_SENTENCE                                                                                    \
        "The administrator has taken the right to talk to umbrad away (umbra.conf); the connection has ended."

typedef struct Pending Pending;

/* A call whose answer goes to a callback. */
struct Pending {
        Pending *previous, *next; /* WireClient.pending */
        WireClient *client;
        sd_bus_slot *slot;
        sd_bus_message_handler_t callback;
        void *userdata;
};

struct WireClient {
        atomic_uint n_ref;
        pid_t pid; /* a fork has our memory, but not our connection */

        pthread_mutex_t lock; /* recursive; guards all that follows */
        unsigned depth;       /* how often its owner has taken it */
        pthread_cond_t turn;

        sd_bus *bus;
        int poll_fd, kick_fd;
        Pending pending;        /* head of a ring */
        sd_bus_message *lost;   /* the answer to calls that get none */
        sd_bus_message *denied; /* what @lost becomes with @revoked */

        bool leading;     /* somebody leads */
        bool polling;     /* and sleeps */
        bool dispatching; /* the owner of the lock is inside sd_bus_process() */
        bool ended;
        bool revoked; /* by umbrad, which said so */
        int error;    /* what ended it */
};

sd_bus *wire_client_lock(WireClient *c) {
        pthread_mutex_lock(&c->lock);
        ++c->depth;
        return c->bus;
}

void wire_client_unlock(WireClient *c) {
        --c->depth;
        pthread_mutex_unlock(&c->lock);
}

/* Gives the lock up altogether, however often this thread has it. */
static unsigned client_unlock_fully(WireClient *c) {
        unsigned depth = c->depth;

        c->depth = 0;
        for (unsigned i = 0; i < depth; ++i)
                pthread_mutex_unlock(&c->lock);

        return depth;
}

static void client_lock_again(WireClient *c, unsigned depth) {
        for (unsigned i = 0; i < depth; ++i)
                pthread_mutex_lock(&c->lock);

        c->depth = depth;
}

static void client_follow(WireClient *c, usec_t deadline) {
        struct timespec until = timespec_from_usec(deadline);
        unsigned depth = c->depth;

        /* A condition gives up one level of a lock, so the others go first. */
        for (unsigned i = 1; i < depth; ++i)
                pthread_mutex_unlock(&c->lock);
        c->depth = 0;

        if (deadline == USEC_INFINITY)
                pthread_cond_wait(&c->turn, &c->lock);
        else
                pthread_cond_timedwait(&c->turn, &c->lock, &until);

        for (unsigned i = 1; i < depth; ++i)
                pthread_mutex_lock(&c->lock);
        c->depth = depth;
}

static void client_kick(WireClient *c) {
        if (c->polling)
                (void) eventfd_write(c->kick_fd, 1);
}

static void pending_unlink(Pending *p) {
        p->previous->next = p->next;
        p->next->previous = p->previous;
        p->previous = p->next = p;
}

static Pending *pending_free(Pending *p) {
        if (!p)
                return NULL;

        pending_unlink(p);
        sd_bus_slot_unref(p->slot);
        free(p);
        return NULL;
}

DEFINE_CLEANUP(Pending *, pending_free)

static void pending_settle(Pending *p, sd_bus_message *answer) {
        sd_bus_error ignored = SD_BUS_ERROR_NULL;

        pending_unlink(p);
        (void) p->callback(answer, p->userdata, &ignored);
        sd_bus_error_free(&ignored);
        pending_free(p);
}

/* Nothing more will come: whoever still waits for an answer gets it now. */
static void client_end(WireClient *c) {
        if (c->ended)
                return;

        c->ended = true;
        if (c->pid == getpid())
                (void) shutdown(c->poll_fd, SHUT_RDWR);
        sd_bus_close(c->bus);

        while (c->pending.next != &c->pending)
                pending_settle(c->pending.next, c->lost);
}

/* Dispatches what is there. From within a callback this does nothing: the round under way goes on. */
static void client_dispatch(WireClient *c) {
        bool any = false;
        int r;

        if (c->dispatching || c->ended)
                return;

        c->dispatching = true;
        while ((r = sd_bus_process(c->bus, NULL)) > 0)
                any = true;
        if (r < 0) {
                c->error = r;
                client_end(c);
        }
        c->dispatching = false;

        if (any || c->ended) {
                pthread_cond_broadcast(&c->turn);
                client_kick(c);
        }
}

/* Sleeps until the socket has something for us, somebody kicks, or the deadline; without the lock. */
static void client_poll(WireClient *c, usec_t deadline) {
        struct pollfd fds[] = {
                { .fd = c->poll_fd, .events = POLLIN },
                { .fd = c->kick_fd, .events = POLLIN },
        };
        struct timespec timeout;
        uint64_t bus_timeout;
        unsigned depth;
        eventfd_t n;
        usec_t now;
        int events;

        events = sd_bus_get_events(c->bus);
        if (events < 0)
                return;
        fds[0].events = (short) events;

        if (sd_bus_get_timeout(c->bus, &bus_timeout) > 0 && bus_timeout < deadline)
                deadline = bus_timeout;
        now = now_usec(CLOCK_MONOTONIC);
        timeout = timespec_from_usec(deadline > now ? deadline - now : 0);

        c->polling = true;
        depth = client_unlock_fully(c);
        (void) ppoll(fds, ELEMENTSOF(fds), deadline == USEC_INFINITY ? NULL : &timeout, NULL);
        client_lock_again(c, depth);
        c->polling = false;

        (void) eventfd_read(c->kick_fd, &n);
}

int wire_client_wait(WireClient *c, bool (*done)(void *arg), void *arg, usec_t deadline) {
        WIRE_CLIENT_LOCKED(c);

        if (c->dispatching)
                return -EDEADLK;

        client_dispatch(c);

        for (;;) {
                if (done(arg))
                        return 0;
                if (c->ended)
                        return -ENOTCONN;
                if (deadline != USEC_INFINITY && now_usec(CLOCK_MONOTONIC) >= deadline)
                        return -ETIMEDOUT;

                if (c->leading) {
                        client_follow(c, deadline);
                        continue;
                }

                c->leading = true;
                client_poll(c, deadline);
                client_dispatch(c);
                c->leading = false;

                /* Whether or not we are done: the next to look may be, or has to lead. */
                pthread_cond_broadcast(&c->turn);
        }
}

void wire_client_wake(WireClient *c) {
        WIRE_CLIENT_LOCKED(c);

        pthread_cond_broadcast(&c->turn);
        client_kick(c);
}

void wire_client_poll(WireClient *c) {
        WIRE_CLIENT_LOCKED(c);

        client_dispatch(c);
}

void wire_client_disconnect(WireClient *c) {
        WIRE_CLIENT_LOCKED(c);

        if (c->ended)
                return;

        if (c->pid == getpid())
                (void) shutdown(c->poll_fd, SHUT_RDWR);

        /* Answers that have arrived are still answers; then comes the end. Within a callback the round under
         * way gets there. */
        client_dispatch(c);
        if (!c->dispatching)
                client_end(c);

        pthread_cond_broadcast(&c->turn);
        client_kick(c);
}

bool wire_client_is_revoked(WireClient *c) {
        WIRE_CLIENT_LOCKED(c);

        return c->revoked;
}

bool wire_client_is_connected(WireClient *c) {
        WIRE_CLIENT_LOCKED(c);

        return !c->ended && sd_bus_is_open(c->bus) > 0;
}

static int client_ended_error(const WireClient *c) {
        return c->revoked ? -EACCES : -ENOTCONN;
}

int wire_client_send(WireClient *c, sd_bus_message *m) {
        int r;

        WIRE_CLIENT_LOCKED(c);

        if (c->ended)
                return client_ended_error(c);

        r = sd_bus_send(c->bus, m, NULL);
        client_kick(c); /* it may have to wait for POLLOUT */
        return r < 0 ? r : 0;
}

static int pending_on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Pending *p = userdata;

        /* sd-bus says "no reply" when the connection ends; we never give it a time-out of its own. */
        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY) && sd_bus_is_open(p->client->bus) <= 0)
                m = p->client->lost;

        pending_settle(p, m);
        return 1;
}

static int client_call(WireClient *c,
                       sd_bus_message *m,
                       sd_bus_message_handler_t callback,
                       void *userdata,
                       Pending **ret) {
        _cleanup_(pending_freep) Pending *p = NULL;
        int r;

        if (c->ended)
                return client_ended_error(c);

        p = calloc_checked(1, sizeof(*p));
        if (!p)
                return -ENOMEM;

        p->previous = p->next = p;
        p->client = c;
        p->callback = callback;
        p->userdata = userdata;

        r = sd_bus_call_async(c->bus, &p->slot, m, pending_on_reply, p, UINT64_MAX);
        if (r < 0)
                return r;

        p->next = &c->pending;
        p->previous = c->pending.previous;
        p->previous->next = p->next->previous = p;

        client_kick(c);
        if (ret)
                *ret = p;
        TAKE_PTR(p);
        return 0;
}

int wire_client_call_async(WireClient *c,
                           sd_bus_message *m,
                           sd_bus_message_handler_t callback,
                           void *userdata) {
        WIRE_CLIENT_LOCKED(c);

        return client_call(c, m, callback, userdata, NULL);
}

/* A call somebody waits for. */
typedef struct Awaited {
        Pending *pending; /* NULL when it is answered */
        sd_bus_message *reply;
} Awaited;

static int awaited_on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Awaited *a = userdata;

        a->pending = NULL;
        a->reply = sd_bus_message_ref(m);
        return 1;
}

static bool awaited_is_done(void *arg) {
        Awaited *a = arg;

        return !a->pending;
}

int wire_client_call(WireClient *c,
                     sd_bus_message *m,
                     usec_t timeout,
                     sd_bus_error *error,
                     sd_bus_message **ret_reply) {
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), timeout);
        Awaited awaited = { NULL };
        const sd_bus_error *e;
        int r;

        WIRE_CLIENT_LOCKED(c);
        _cleanup_message_ sd_bus_message *reply = NULL;

        if (c->dispatching)
                return sd_bus_error_set_errno(error, -EDEADLK);

        r = client_call(c, m, awaited_on_reply, &awaited, &awaited.pending);
        if (r == -ENOTCONN || r == -ECONNRESET)
                (void) sd_bus_error_set_const(error, SD_BUS_ERROR_DISCONNECTED, DISCONNECTED_SENTENCE);
        else if (r == -EACCES)
                (void) sd_bus_error_set_const(error, SD_BUS_ERROR_ACCESS_DENIED, REVOKED_SENTENCE);
        else if (r < 0)
                (void) sd_bus_error_set_errno(error, r);
        if (r < 0)
                return r == -ECONNRESET ? -ENOTCONN : r;

        r = wire_client_wait(c, awaited_is_done, &awaited, deadline);
        reply = awaited.reply;
        if (r == -ETIMEDOUT) {
                pending_free(awaited.pending);
                (void) sd_bus_error_setf(error, SD_BUS_ERROR_TIMEOUT,
                                         "umbrad has not answered '%s' in time.",
                                         sd_bus_message_get_member(m));
        }
        if (r < 0)
                return r;

        e = sd_bus_message_get_error(reply);
        if (e) {
                bool gone = sd_bus_error_has_name(e, SD_BUS_ERROR_DISCONNECTED);

                (void) sd_bus_error_copy(error, e);
                r = -sd_bus_error_get_errno(e);
                return gone || r == 0 ? -ENOTCONN : r;
        }

        if (ret_reply)
                *ret_reply = TAKE_PTR(reply);
        return 0;
}

static void client_init_lock(WireClient *c) {
        pthread_mutexattr_t mutex_attr;
        pthread_condattr_t cond_attr;

        pthread_mutexattr_init(&mutex_attr);
        pthread_mutexattr_settype(&mutex_attr, PTHREAD_MUTEX_RECURSIVE);
        pthread_mutex_init(&c->lock, &mutex_attr);
        pthread_mutexattr_destroy(&mutex_attr);

        pthread_condattr_init(&cond_attr);
        pthread_condattr_setclock(&cond_attr, CLOCK_MONOTONIC);
        pthread_cond_init(&c->turn, &cond_attr);
        pthread_condattr_destroy(&cond_attr);
}

/* The last thing that umbrad says on this connection. */
static int client_on_revoked(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        WireClient *c = userdata;
        sd_bus_message *lost = c->lost;

        if (c->revoked || !c->denied)
                return 0;

        c->revoked = true;
        c->lost = c->denied;
        c->denied = lost;
        return 0;
}

/* Takes @fd over, also when it fails. */
static int client_start_bus(WireClient *c, int fd) {
        int r;

        r = sd_bus_new(&c->bus);
        if (r >= 0)
                r = sd_bus_set_fd(c->bus, fd, fd);
        if (r < 0) {
                (void) fd_close(fd);
                return r;
        }

        r = sd_bus_set_bus_client(c->bus, false);
        if (r < 0)
                return r;

        r = sd_bus_negotiate_fds(c->bus, true);
        if (r < 0)
                return r;

        r = sd_bus_match_signal(c->bus, NULL, NULL, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE,
                                "AccessRevoked", client_on_revoked, c);
        if (r < 0)
                return r;

        return sd_bus_start(c->bus);
}

/* An error message answers some call, so there is one, which is never sent. */
static int client_make_lost(WireClient *c) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(c->bus, &m, NULL, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE,
                                           "GetStatus");
        if (r < 0)
                return r;

        r = sd_bus_message_seal(m, 1, UINT64_MAX);
        if (r < 0)
                return r;

        r = sd_bus_message_new_method_errorf(m, &c->lost, SD_BUS_ERROR_DISCONNECTED, DISCONNECTED_SENTENCE);
        if (r < 0)
                return r;

        return sd_bus_message_new_method_errorf(m, &c->denied, SD_BUS_ERROR_ACCESS_DENIED, REVOKED_SENTENCE);
}

static bool bus_is_ready(void *arg) {
        return sd_bus_is_ready(arg) > 0;
}

int wire_client_connect(const char *path, usec_t timeout, WireClient **ret) {
        usec_t deadline = usec_add(now_usec(CLOCK_MONOTONIC), timeout);
        _cleanup_(wire_client_unrefp) WireClient *c = NULL;
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = wire_socket_connect(path, deadline, &fd);
        if (r < 0)
                return r;

        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        atomic_init(&c->n_ref, 1);
        c->pid = getpid();
        c->poll_fd = c->kick_fd = -EBADF;
        c->pending.previous = c->pending.next = &c->pending;
        client_init_lock(c);

        c->poll_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (c->poll_fd < 0)
                return -errno;

        c->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (c->kick_fd < 0)
                return -errno;

        r = client_start_bus(c, TAKE_FD(fd));
        if (r >= 0)
                r = wire_client_wait(c, bus_is_ready, c->bus, deadline);
        if (r == -ENOTCONN)
                r = c->error == -EPERM ? -EACCES : -ECONNRESET;
        else if (r == -EPIPE)
                r = -ECONNRESET;
        if (r >= 0)
                r = client_make_lost(c);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

WireClient *wire_client_ref(WireClient *c) {
        atomic_fetch_add_explicit(&c->n_ref, 1, memory_order_relaxed);
        return c;
}

WireClient *wire_client_unref(WireClient *c) {
        if (!c || atomic_fetch_sub_explicit(&c->n_ref, 1, memory_order_acq_rel) != 1)
                return NULL;

        if (c->bus) {
                wire_client_disconnect(c);
                sd_bus_message_unref(c->lost);
                sd_bus_message_unref(c->denied);
                sd_bus_unref(c->bus);
        }
        (void) fd_close(c->kick_fd);
        (void) fd_close(c->poll_fd);
        pthread_cond_destroy(&c->turn);
        pthread_mutex_destroy(&c->lock);
        free(c);
        return NULL;
}
