/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connections
 */

#include "coordinator/connection.h"

#include <errno.h>
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utlist.h>

#include <systemd/sd-id128.h>

#include "base/fd-util.h"
#include "base/log.h"
#include "coordinator/admin-bus.h"
#include "coordinator/area-bus.h"
#include "coordinator/manager-bus.h"
#include "coordinator/manager.h"
#include "coordinator/session-bus.h"
#include "wire/wire-limits.h"

/* How many messages of one client are handled before the others get their turn. */
#define MESSAGES_PER_TURN 64

/* Whoever asks and does not read the answers fills our memory, not his own. */
static bool connection_is_read(Connection *c) {
        uint64_t n = 0;

        if (sd_bus_get_n_queued_write(c->bus, &n) < 0 || n <= WIRE_UNREAD_MAX)
                return true;

        log_notice("Process %d of user %u does not read what it is told, ending its connection", (int) c->pid, (unsigned) c->uid);
        return false;
}

static void connection_update_events(Connection *c) {
        uint32_t wanted;
        int r;

        if (!c->io || !c->bus)
                return;

        r = sd_bus_get_events(c->bus);
        if (r < 0)
                return;
        wanted = EPOLLIN | ((r & EPOLLOUT) ? EPOLLOUT : 0U);
        if (wanted == c->events)
                return;
        if (sd_event_source_set_io_events(c->io, wanted) >= 0)
                c->events = wanted;
}

static int connection_process(Connection *c) {
        for (unsigned i = 0; i < MESSAGES_PER_TURN; ++i) {
                int r;

                if (c->role == ROLE_CLOSED)
                        return 0;
                r = sd_bus_process(c->bus, NULL);
                if (r < 0)
                        return r;
                if (r == 0) {
                        connection_update_events(c);
                        return 0;
                }
                if (!connection_is_read(c))
                        return -ENOBUFS;
        }
        connection_update_events(c);
        return 1; /* there may be more in sd-bus's own queue, which no descriptor announces */
}

static int connection_turn(Connection *c) {
        int r = connection_process(c);

        if (r < 0 || !sd_bus_is_open(c->bus)) {
                connection_close(c);
                return 0;
        }
        return sd_event_source_set_enabled(c->more, r > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int connection_on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        return connection_turn(userdata);
}

/* Set when there is more to read, or when the connection was closed by one of its own handlers. */
static int connection_on_more(sd_event_source *s, void *userdata) {
        Connection *c = userdata;

        if (c->role == ROLE_CLOSED) {
                connection_free(c);
                return 0;
        }
        return connection_turn(c);
}

static int connection_on_auth_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        Connection *c = userdata;

        if (c->role == ROLE_NONE) {
                log_debug("Process %d connected and said nothing, closing its connection", (int) c->pid);
                connection_close(c);
        }
        return 0;
}

static int connection_read_peer(Connection *c) {
        struct ucred cred;
        socklen_t size = sizeof(cred);

        if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
                return -errno;
        c->uid = cred.uid;
        c->gid = cred.gid;
        c->pid = cred.pid;

        size = 64 * sizeof(gid_t);
        for (unsigned attempt = 0; attempt < 2; ++attempt) {
                free(c->groups);
                c->groups = malloc(size);
                if (!c->groups)
                        return -ENOMEM;
                if (getsockopt(c->fd, SOL_SOCKET, SO_PEERGROUPS, c->groups, &size) >= 0) {
                        c->n_groups = size / sizeof(gid_t);
                        return 0;
                }
                if (errno != ERANGE)
                        return -errno;
        }
        return -ERANGE;
}

static int connection_start_bus(Connection *c) {
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        r = sd_bus_new(&c->bus);
        if (r < 0)
                return r;
        r = sd_bus_set_fd(c->bus, c->fd, c->fd);
        if (r < 0)
                return r;
        c->fd = sd_bus_get_fd(c->bus) >= 0 ? sd_bus_get_fd(c->bus) : c->fd;
        r = sd_bus_set_server(c->bus, true, id);
        if (r < 0)
                return r;
        r = sd_bus_negotiate_fds(c->bus, true);
        if (r < 0)
                return r;
        r = manager_bus_attach(c);
        if (r < 0)
                return r;
        r = session_bus_attach(c);
        if (r < 0)
                return r;
        r = admin_bus_attach(c);
        if (r < 0)
                return r;
        r = area_bus_attach(c);
        if (r < 0)
                return r;
        return sd_bus_start(c->bus);
}

static int connection_watch(Connection *c) {
        sd_event *event = c->manager->event;
        int r;

        c->events = EPOLLIN;
        r = sd_event_add_io(event, &c->io, c->fd, c->events, connection_on_io, c);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &c->more, connection_on_more, c);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(c->more, SD_EVENT_OFF);
        if (r < 0)
                return r;
        return sd_event_add_time_relative(event, &c->auth_timer, CLOCK_MONOTONIC, WIRE_AUTH_TIMEOUT_USEC, USEC_PER_SEC,
                                          connection_on_auth_timeout, c);
}

int connection_new(Manager *m, int fd, Connection **ret) {
        Connection *c;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c) {
                fd_close(fd);
                return -ENOMEM;
        }
        c->manager = m;
        c->fd = fd;
        DL_APPEND(m->connections, c);
        ++m->n_connections;

        r = connection_read_peer(c);
        if (r >= 0)
                r = connection_start_bus(c);
        if (r >= 0)
                r = connection_watch(c);
        if (r < 0) {
                connection_free(c);
                return r;
        }

        connection_update_events(c);
        *ret = c;
        return 0;
}

static void connection_end_role(Connection *c) {
        void *object = c->role_object;

        c->role = ROLE_CLOSED;
        c->role_object = NULL;
        if (object)
                c->role_closed(object);
}

Connection *connection_free(Connection *c) {
        if (!c)
                return NULL;

        connection_end_role(c);
        DL_DELETE(c->manager->connections, c);
        --c->manager->n_connections;

        sd_event_source_disable_unref(c->auth_timer);
        sd_event_source_disable_unref(c->more);
        sd_event_source_disable_unref(c->io);
        if (c->bus)
                sd_bus_close_unref(c->bus); /* closes the descriptor */
        else
                fd_close(c->fd);
        /* A thousand writers that left leave nothing behind; umbrad waits for weeks between two backups. */
        if (c->manager->n_connections % 64 == 0)
                (void) malloc_trim(0);
        free(c->groups);
        free(c);
        return NULL;
}

void connection_close(Connection *c) {
        if (c->role == ROLE_CLOSED)
                return;

        connection_end_role(c);
        (void) sd_event_source_set_enabled(c->io, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(c->more, SD_EVENT_ONESHOT);
}

void connection_take_role(Connection *c, ConnectionRole role, void *object, void (*closed)(void *)) {
        assert(c->role == ROLE_NONE);

        c->role = role;
        c->role_object = object;
        c->role_closed = closed;
        c->auth_timer = sd_event_source_disable_unref(c->auth_timer);
}

int connection_send(Connection *c, sd_bus_message *m) {
        int r;

        if (c->role == ROLE_CLOSED)
                return -ENOTCONN;
        r = sd_bus_send(c->bus, m, NULL);
        connection_update_events(c);
        return r;
}

int connection_call(Connection *c, sd_bus_message *m, sd_bus_message_handler_t callback, void *userdata, sd_bus_slot **ret) {
        int r;

        if (c->role == ROLE_CLOSED)
                return -ENOTCONN;
        /* Deadlines are kept by those who wait; sd-bus needs none. */
        r = sd_bus_call_async(c->bus, ret, m, callback, userdata, UINT64_MAX);
        connection_update_events(c);
        return r < 0 ? r : 0;
}
