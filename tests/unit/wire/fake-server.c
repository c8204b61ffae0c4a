/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The other end of a wire. What goes wrong here is a failure of the test, so it is asserted.
 */

#include "fake-server.h"

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/time-util.h"
#include "wire/wire-error.h"
#include "wire/wire-types.h"

#define PEERS_MAX 64
#define LATER_MAX 256

typedef struct Later {
        sd_bus_message *request;
        usec_t when;
} Later;

typedef struct Peer {
        FakeServer *server;
        pthread_t thread;
        int fd;
        bool close;
        Later later[LATER_MAX];
        size_t n_later;
} Peer;

struct FakeServer {
        FakeServerMode mode;
        char directory[64], path[96];
        int listen_fd, stop_fd, filler_fd;
        pthread_t thread;
        Peer peers[PEERS_MAX];
        size_t n_peers;
};

static void echo(sd_bus_message *m) {
        _cleanup_message_ sd_bus_message *reply = NULL;

        assert(sd_bus_message_new_method_return(m, &reply) >= 0);
        assert(sd_bus_message_copy(reply, m, true) >= 0);
        (void) sd_bus_send(NULL, reply, NULL);
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Peer *peer = userdata;
        const char *member = sd_bus_message_get_member(m), *text;
        uint32_t ms;
        int32_t hr;

        if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0)
                return 0;

        if (strcmp(member, "Echo") == 0)
                echo(m);
        else if (strcmp(member, "Later") == 0) {
                assert(sd_bus_message_read(m, "u", &ms) > 0);
                assert(peer->n_later < LATER_MAX);
                peer->later[peer->n_later++] = (Later){
                        .request = sd_bus_message_ref(m),
                        .when = now_usec(CLOCK_MONOTONIC) + ms * USEC_PER_MSEC,
                };
        } else if (strcmp(member, "Fail") == 0) {
                assert(sd_bus_message_read(m, "is", &hr, &text) > 0);
                return wire_error_set(error, hr, *text ? "%s" : NULL, text);
        } else if (strcmp(member, "Close") == 0)
                peer->close = true;
        else if (strcmp(member, "Garbage") == 0)
                assert(write(peer->fd, "certainly no D-Bus message", 26) == 26);
        else if (strcmp(member, "Sleep") == 0) {
                assert(sd_bus_message_read(m, "u", &ms) > 0);
                usleep(ms * 1000);
        } else if (strcmp(member, "Never") != 0)
                return 0; /* sd-bus answers: unknown method */

        return 1;
}

static usec_t answer_late(Peer *peer) {
        usec_t now = now_usec(CLOCK_MONOTONIC), next = USEC_INFINITY;

        for (size_t i = 0; i < peer->n_later;) {
                if (peer->later[i].when > now) {
                        next = MIN(next, peer->later[i].when);
                        ++i;
                        continue;
                }
                echo(peer->later[i].request);
                sd_bus_message_unref(peer->later[i].request);
                peer->later[i] = peer->later[--peer->n_later];
        }

        return next;
}

static void *peer_main(void *arg) {
        Peer *peer = arg;
        sd_id128_t id;
        sd_bus *bus;
        int r;

        assert(sd_id128_randomize(&id) >= 0);
        assert(sd_bus_new(&bus) >= 0);
        assert(sd_bus_set_fd(bus, peer->fd, peer->fd) >= 0);
        assert(sd_bus_set_server(bus, true, id) >= 0);
        assert(sd_bus_negotiate_fds(bus, true) >= 0);
        assert(sd_bus_add_filter(bus, NULL, on_message, peer) >= 0);
        assert(sd_bus_start(bus) >= 0);

        for (;;) {
                struct pollfd fds[2] = {
                        { .fd = peer->fd },
                        { .fd = peer->server->stop_fd, .events = POLLIN },
                };
                struct timespec timeout;
                usec_t next, now;

                do
                        r = sd_bus_process(bus, NULL);
                while (r > 0 && !peer->close);
                if (r < 0 || peer->close)
                        break;

                next = answer_late(peer);
                now = now_usec(CLOCK_MONOTONIC);
                timeout = timespec_from_usec(next > now ? next - now : 0);
                fds[0].events = (short) sd_bus_get_events(bus);
                (void) ppoll(fds, 2, next == USEC_INFINITY ? NULL : &timeout, NULL);
                if (fds[1].revents)
                        break;
        }

        for (size_t i = 0; i < peer->n_later; ++i)
                sd_bus_message_unref(peer->later[i].request);
        sd_bus_close(bus);
        sd_bus_unref(bus);
        return NULL;
}

static void *server_main(void *arg) {
        FakeServer *s = arg;

        for (;;) {
                struct pollfd fds[2] = {
                        { .fd = s->mode == FAKE_SERVER_FULL ? -1 : s->listen_fd, .events = POLLIN },
                        { .fd = s->stop_fd, .events = POLLIN },
                };
                Peer *peer;
                int fd;

                assert(poll(fds, 2, -1) > 0);
                if (fds[1].revents)
                        return NULL;

                fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                assert(fd >= 0);
                if (s->mode == FAKE_SERVER_CLOSES) {
                        close(fd);
                        continue;
                }

                assert(s->n_peers < PEERS_MAX);
                peer = s->peers + s->n_peers++;
                peer->server = s;
                peer->fd = fd;
                if (s->mode == FAKE_SERVER_TALKS)
                        assert(pthread_create(&peer->thread, NULL, peer_main, peer) == 0);
        }
}

FakeServer *fake_server_start(FakeServerMode mode) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        FakeServer *s = calloc(1, sizeof(*s));

        assert(s);
        s->mode = mode;
        strcpy(s->directory, "/tmp/umbra-wire-XXXXXX");
        assert(mkdtemp(s->directory));
        (void) snprintf(s->path, sizeof(s->path), "%s/sock", s->directory);
        strcpy(address.sun_path, s->path);

        s->stop_fd = eventfd(0, EFD_CLOEXEC);
        s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert(s->stop_fd >= 0 && s->listen_fd >= 0);
        assert(bind(s->listen_fd, (struct sockaddr *) &address, sizeof(address)) == 0);
        assert(listen(s->listen_fd, mode == FAKE_SERVER_FULL ? 0 : 64) == 0);

        s->filler_fd = -1;
        if (mode == FAKE_SERVER_FULL) {
                s->filler_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
                assert(connect(s->filler_fd, (struct sockaddr *) &address, sizeof(address)) == 0);
        }

        assert(pthread_create(&s->thread, NULL, server_main, s) == 0);
        return s;
}

const char *fake_server_path(const FakeServer *s) {
        return s->path;
}

void fake_server_stop(FakeServer *s) {
        assert(eventfd_write(s->stop_fd, 1) == 0);
        pthread_join(s->thread, NULL);
        for (size_t i = 0; i < s->n_peers; ++i)
                if (s->mode == FAKE_SERVER_TALKS)
                        pthread_join(s->peers[i].thread, NULL);
                else
                        close(s->peers[i].fd);

        if (s->filler_fd >= 0)
                close(s->filler_fd);
        close(s->listen_fd);
        close(s->stop_fd);
        unlink(s->path);
        rmdir(s->directory);
        free(s);
}
