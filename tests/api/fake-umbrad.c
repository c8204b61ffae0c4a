/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An umbrad that does as it is told
 *
 * One thread per client. What goes wrong in here is a failure of the test.
 */

#include "api/fake-umbrad.h"

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

#include "base/alloc.h"
#include "base/time-util.h"
#include "lib/test-util.h"
#include "wire/wire-area.h"
#include "wire/wire-error.h"
#include "wire/wire-names.h"
#include "wire/wire-types.h"

#define PEERS_MAX 256
#define PENDING_MAX 16
#define MEMBERS_MAX 32
#define WRITERS_MAX 16

const GUID fake_set_id = { 0x11111111, 1, 1, { 1, 1, 1, 1, 1, 1, 1, 1 } };
const GUID fake_snapshot_id = { 0x22222222, 2, 2, { 2, 2, 2, 2, 2, 2, 2, 2 } };
const GUID fake_provider_id = { 0x33333333, 3, 3, { 3, 3, 3, 3, 3, 3, 3, 3 } };
static const GUID session_id = { 0x44444444, 4, 4, { 4, 4, 4, 4, 4, 4, 4, 4 } };

typedef struct Member {
        char name[40];
        FakeMood mood;
        HRESULT hr;
        unsigned msec, count;
} Member;

typedef struct Writer {
        GUID instance_id, writer_id;
        char *name, *xml;
} Writer;

typedef struct Pending {
        sd_bus_message *request;
        usec_t when;
} Pending;

typedef struct Peer {
        FakeUmbrad *umbrad;
        pthread_t thread;
        int fd, end_fd;
        bool close;
        Pending pending[PENDING_MAX];
        size_t n_pending;
} Peer;

struct FakeUmbrad {
        char *directory, *path;
        int listen_fd, stop_fd;
        pthread_t thread;

        pthread_mutex_t lock; /* guards what follows */
        Peer peers[PEERS_MAX];
        size_t n_peers;
        Member members[MEMBERS_MAX];
        Writer writers[WRITERS_MAX];
        size_t n_writers;
        unsigned n_snapshots; /* that Query() finds */
        unsigned n_connected;
        bool revoked; /* what those whose @end_fd is written to say first */
};

/* Locked by the caller. */
static Member *member_of(FakeUmbrad *f, const char *name) {
        for (size_t i = 0; i < MEMBERS_MAX; ++i) {
                if (!f->members[i].name[0])
                        (void) snprintf(f->members[i].name, sizeof(f->members[i].name), "%s", name);
                if (strcmp(f->members[i].name, name) == 0)
                        return f->members + i;
        }
        abort();
}

static void append_writers(FakeUmbrad *f, sd_bus_message *reply) {
        _cleanup_(freep) char *all = strdup("");

        assert(sd_bus_message_open_container(reply, 'a', WIRE_WRITER) >= 0);
        for (size_t i = 0; i < f->n_writers; ++i) {
                const WireWriter w = {
                        .instance_id = f->writers[i].instance_id,
                        .writer_id = f->writers[i].writer_id,
                        .name = f->writers[i].name,
                        .document_size = strlen(f->writers[i].xml),
                };
                char *longer = NULL;

                assert(wire_append_writer(reply, &w) >= 0);
                assert(asprintf(&longer, "%s%s", all, f->writers[i].xml) >= 0);
                free(all);
                all = longer;
        }
        assert(sd_bus_message_close_container(reply) >= 0);
        assert(wire_append_blob(reply, all, strlen(all)) >= 0);
}

static void append_statuses(FakeUmbrad *f, sd_bus_message *reply) {
        assert(sd_bus_message_open_container(reply, 'a', WIRE_WRITER_STATUS) >= 0);
        for (size_t i = 0; i < f->n_writers; ++i) {
                const WireWriterStatus s = {
                        .instance_id = f->writers[i].instance_id,
                        .writer_id = f->writers[i].writer_id,
                        .name = f->writers[i].name,
                        .state = i == 0 ? VSS_WS_STABLE : VSS_WS_FAILED_AT_FREEZE,
                        .failure = i == 0 ? S_OK : VSS_E_WRITERERROR_TIMEOUT,
                        .failure_application = i == 0 ? 0 : 7,
                        .message = i == 0 ? NULL : f->writers[i].name,
                };

                assert(wire_append_writer_status(reply, &s) >= 0);
        }
        assert(sd_bus_message_close_container(reply) >= 0);
}

static void append_snapshot(sd_bus_message *reply) {
        char device[] = "/run/umbra/shadow/x", volume[] = "/srv/data/", machine[] = "here";
        const WireSnapshot s = {
                .id = fake_snapshot_id,
                .set_id = fake_set_id,
                .snapshots_count = 1,
                .device_object = device,
                .original_volume = volume,
                .originating_machine = machine,
                .service_machine = machine,
                .provider_id = fake_provider_id,
                .attributes = VSS_VOLSNAP_ATTR_DIFFERENTIAL,
                .timestamp = 132000000000000000,
                .state = VSS_SS_CREATED,
        };

        assert(wire_append_snapshot(reply, &s) >= 0);
}

static void append_query(FakeUmbrad *f, sd_bus_message *request, sd_bus_message *reply) {
        char name[] = "fake", version[] = "1";
        const WireProvider p = {
                .id = fake_provider_id,
                .name = name,
                .type = VSS_PROV_SOFTWARE,
                .version = version,
        };
        unsigned n_snapshots;
        uint32_t type;

        pthread_mutex_lock(&f->lock);
        n_snapshots = f->n_snapshots;
        pthread_mutex_unlock(&f->lock);

        assert(sd_bus_message_read(request, "u", &type) > 0);
        assert(sd_bus_message_open_container(reply, 'a', WIRE_SNAPSHOT) >= 0);
        for (unsigned i = 0; type == VSS_OBJECT_SNAPSHOT && i < n_snapshots; ++i)
                append_snapshot(reply);
        assert(sd_bus_message_close_container(reply) >= 0);
        assert(sd_bus_message_open_container(reply, 'a', WIRE_PROVIDER) >= 0);
        if (type == VSS_OBJECT_PROVIDER)
                assert(wire_append_provider(reply, &p) >= 0);
        assert(sd_bus_message_close_container(reply) >= 0);
}

static void append_volumes(sd_bus_message *reply) {
        char name[] = "\\\\?\\Volume{1}\\", mount_point[] = "/srv/data/", device[] = "/dev/sdz",
             fstype[] = "ext4";
        const WireVolume v = {
                .name = name,
                .mount_point = mount_point,
                .device = device,
                .fstype = fstype,
                .n_snapshots = 1,
        };

        assert(sd_bus_message_open_container(reply, 'a', WIRE_VOLUME) >= 0);
        assert(wire_append_volume(reply, &v) >= 0);
        assert(sd_bus_message_close_container(reply) >= 0);
}

static void append_areas(sd_bus_message *reply) {
        char volume[] = "\\\\?\\Volume{1}\\", place[] = "\\\\?\\Volume{2}\\";
        const WireArea a = { .volume = volume, .place = place, .maximum = -1, .allocated = 7, .used = 5 };

        assert(sd_bus_message_open_container(reply, 'a', WIRE_AREA) >= 0);
        assert(wire_append_area(reply, &a) >= 0);
        assert(sd_bus_message_close_container(reply) >= 0);
}

static void append_place(sd_bus_message *reply) {
        char name[] = "\\\\?\\Volume{2}\\", mount_point[] = "/var";
        const WirePlace p = { .name = name, .mount_point = mount_point, .free = 3, .total = 4 };

        assert(sd_bus_message_open_container(reply, 'a', WIRE_PLACE) >= 0);
        assert(wire_append_place(reply, &p) >= 0);
        assert(sd_bus_message_close_container(reply) >= 0);
}

static void append_found_snapshots(sd_bus_message *reply) {
        assert(sd_bus_message_open_container(reply, 'a', WIRE_SNAPSHOT) >= 0);
        append_snapshot(reply);
        assert(sd_bus_message_close_container(reply) >= 0);
}

static void echo_document(sd_bus_message *request, sd_bus_message *reply, bool optional) {
        _cleanup_(freep) char *document = NULL;
        size_t size;

        assert(sd_bus_message_skip(request, "u") >= 0);
        if (optional) {
                assert(wire_read_optional_blob(request, SIZE_MAX, &document, &size) >= 0);
                assert(wire_append_optional_blob(reply, document, size) >= 0);
        } else {
                assert(wire_read_blob(request, SIZE_MAX, &document, &size) >= 0);
                assert(wire_append_blob(reply, document, size) >= 0);
        }
}

static void append_added_volume(sd_bus_message *request, sd_bus_message *reply) {
        _cleanup_(freep) char *volume = NULL;

        assert(wire_read_text(request, &volume) >= 0);
        assert(wire_append_guid(reply, &fake_snapshot_id) >= 0);
        assert(wire_append_guid(reply, &fake_provider_id) >= 0);
        assert(wire_append_text(reply, volume) >= 0);
}

static void append_answer(FakeUmbrad *f, sd_bus_message *request, sd_bus_message *reply) {
        const char *member = sd_bus_message_get_member(request);
        bool is_document = strcmp(member, "PrepareForBackup") == 0 ||
                           strcmp(member, "BackupComplete") == 0 || strcmp(member, "PreRestore") == 0 ||
                           strcmp(member, "PostRestore") == 0;

        if (strcmp(member, "OpenSession") == 0) {
                assert(sd_bus_message_append(reply, "u", WIRE_PROTOCOL_VERSION) >= 0);
                assert(wire_append_guid(reply, &session_id) >= 0);
        } else if (strcmp(member, "GatherWriterMetadata") == 0)
                append_writers(f, reply);
        else if (strcmp(member, "GatherWriterStatus") == 0)
                append_statuses(f, reply);
        else if (is_document || strcmp(member, "DoSnapshotSet") == 0)
                echo_document(request, reply, !is_document);
        else if (strcmp(member, "StartSnapshotSet") == 0)
                assert(wire_append_guid(reply, &fake_set_id) >= 0);
        else if (strcmp(member, "AddToSnapshotSet") == 0)
                append_added_volume(request, reply);
        else if (strcmp(member, "IsVolumeSupported") == 0)
                assert(sd_bus_message_append(reply, "b", true) >= 0);
        else if (strcmp(member, "AskForeign") == 0)
                assert(sd_bus_message_append(reply, "bi", false, 0) >= 0);
        else if (strcmp(member, "GetSnapshotProperties") == 0)
                append_snapshot(reply);
        else if (strcmp(member, "Query") == 0)
                append_query(f, request, reply);
        else if (strcmp(member, "QueryVolumes") == 0)
                append_volumes(reply);
        else if (strcmp(member, "GetMinimum") == 0)
                assert(sd_bus_message_append(reply, "x", INT64_C(320) << 20) >= 0);
        else if (strcmp(member, "QuerySnapshots") == 0)
                append_found_snapshots(reply);
        else if (strcmp(member, "QueryAreas") == 0)
                append_areas(reply);
        else if (strcmp(member, "QueryPlace") == 0)
                append_place(reply);
        else if (strcmp(member, "Protection") == 0)
                assert(sd_bus_message_append(reply, "ib", 1, 0) >= 0);
        else if (strcmp(member, "DescribeProvider") == 0)
                assert(sd_bus_message_append(reply, "ti", UINT64_C(2), 0) >= 0);
        else if (strcmp(member, "DeleteSnapshots") == 0) {
                assert(sd_bus_message_append(reply, "i", 2) >= 0);
                assert(wire_append_guid(reply, &fake_snapshot_id) >= 0);
                assert(sd_bus_message_append(reply, "i", VSS_E_PROVIDER_VETO) >= 0);
        } else if (strcmp(member, "GetStatus") == 0)
                assert(sd_bus_message_append(reply, "s", "{}") >= 0);
}

static void answer_error(sd_bus_message *request, HRESULT hr) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        wire_error_set(&error, hr, "told to fail");
        (void) sd_bus_reply_method_error(request, &error);
}

static void answer(FakeUmbrad *f, sd_bus_message *request, const Member *how) {
        _cleanup_message_ sd_bus_message *reply = NULL;

        if (how->mood == FAKE_FAILS) {
                answer_error(request, how->hr);
                return;
        }

        assert(sd_bus_message_new_method_return(request, &reply) >= 0);
        if (how->mood == FAKE_TALKS)
                assert(sd_bus_message_append(reply, "d", 3.14) >= 0);
        else
                append_answer(f, request, reply);
        (void) sd_bus_send(NULL, reply, NULL);
}

/* Ends what is pending, all of it or the operation with this number. */
static void cancel(Peer *peer, bool all, uint32_t number) {
        for (size_t i = 0; i < peer->n_pending;) {
                sd_bus_message *request = peer->pending[i].request;
                uint32_t n = 0;

                sd_bus_message_rewind(request, true);
                (void) sd_bus_message_read(request, "u", &n);
                if (!all && n != number) {
                        ++i;
                        continue;
                }
                answer_error(request, VSS_S_ASYNC_CANCELLED);
                sd_bus_message_unref(request);
                peer->pending[i] = peer->pending[--peer->n_pending];
        }
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Peer *peer = userdata;
        FakeUmbrad *f = peer->umbrad;
        const char *member = sd_bus_message_get_member(m);
        uint32_t number;
        Member how;

        if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0)
                return 0;

        pthread_mutex_lock(&f->lock);
        ++member_of(f, member)->count;
        how = *member_of(f, member);
        pthread_mutex_unlock(&f->lock);

        if (strcmp(member, "Cancel") == 0) {
                assert(sd_bus_message_read(m, "u", &number) > 0);
                cancel(peer, false, number);
        } else if (strcmp(member, "AbortBackup") == 0)
                cancel(peer, true, 0);

        if (how.mood == FAKE_GOES)
                peer->close = true;
        else if (how.mood == FAKE_NEVER || how.msec > 0) {
                assert(peer->n_pending < PENDING_MAX);
                peer->pending[peer->n_pending++] = (Pending){
                        .request = sd_bus_message_ref(m),
                        .when = how.mood == FAKE_NEVER ?
                                        USEC_INFINITY :
                                        now_usec(CLOCK_MONOTONIC) + how.msec * USEC_PER_MSEC,
                };
        } else
                answer(f, m, &how);

        return 1;
}

static usec_t answer_late(Peer *peer) {
        usec_t now = now_usec(CLOCK_MONOTONIC), next = USEC_INFINITY;

        for (size_t i = 0; i < peer->n_pending;) {
                sd_bus_message *request = peer->pending[i].request;
                Member how;

                if (peer->pending[i].when > now) {
                        next = MIN(next, peer->pending[i].when);
                        ++i;
                        continue;
                }
                pthread_mutex_lock(&peer->umbrad->lock);
                how = *member_of(peer->umbrad, sd_bus_message_get_member(request));
                pthread_mutex_unlock(&peer->umbrad->lock);
                answer(peer->umbrad, request, &how);
                sd_bus_message_unref(request);
                peer->pending[i] = peer->pending[--peer->n_pending];
        }

        return next;
}

static void peer_gone(FakeUmbrad *f) {
        pthread_mutex_lock(&f->lock);
        --f->n_connected;
        pthread_mutex_unlock(&f->lock);
}

static void say_revoked(Peer *peer, sd_bus *bus) {
        bool revoked;

        pthread_mutex_lock(&peer->umbrad->lock);
        revoked = peer->umbrad->revoked;
        pthread_mutex_unlock(&peer->umbrad->lock);

        if (revoked)
                assert(sd_bus_emit_signal(bus, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, "AccessRevoked",
                                          NULL) >= 0);
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
        r = sd_bus_start(bus);

        while (r >= 0) {
                struct pollfd fds[3] = {
                        { .fd = peer->fd },
                        { .fd = peer->umbrad->stop_fd, .events = POLLIN },
                        { .fd = peer->end_fd, .events = POLLIN },
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
                (void) ppoll(fds, 3, next == USEC_INFINITY ? NULL : &timeout, NULL);
                if (fds[2].revents)
                        say_revoked(peer, bus);
                if (fds[1].revents || fds[2].revents)
                        break;
        }

        for (size_t i = 0; i < peer->n_pending; ++i)
                sd_bus_message_unref(peer->pending[i].request);
        sd_bus_close(bus);
        sd_bus_unref(bus);
        peer_gone(peer->umbrad);
        return NULL;
}

static void *umbrad_main(void *arg) {
        FakeUmbrad *f = arg;

        for (;;) {
                struct pollfd fds[2] = {
                        { .fd = f->listen_fd, .events = POLLIN },
                        { .fd = f->stop_fd, .events = POLLIN },
                };
                Peer *peer;

                assert(poll(fds, 2, -1) > 0);
                if (fds[1].revents)
                        return NULL;

                pthread_mutex_lock(&f->lock);
                assert(f->n_peers < PEERS_MAX);
                peer = f->peers + f->n_peers++;
                peer->umbrad = f;
                peer->fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                peer->end_fd = eventfd(0, EFD_CLOEXEC);
                assert(peer->fd >= 0 && peer->end_fd >= 0);
                ++f->n_connected;
                pthread_mutex_unlock(&f->lock);
                assert(pthread_create(&peer->thread, NULL, peer_main, peer) == 0);
        }
}

FakeUmbrad *fake_umbrad_start(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        FakeUmbrad *f = calloc(1, sizeof(*f));

        assert(f);
        f->directory = temp_dir_new();
        f->path = path_in(f->directory, "umbra.sock");
        f->n_snapshots = 1;
        pthread_mutex_init(&f->lock, NULL);

        strcpy(address.sun_path, f->path);
        f->stop_fd = eventfd(0, EFD_CLOEXEC);
        f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert(f->stop_fd >= 0 && f->listen_fd >= 0);
        assert(bind(f->listen_fd, (struct sockaddr *) &address, sizeof(address)) == 0);
        assert(listen(f->listen_fd, 64) == 0);
        setenv("UMBRA_SOCKET", f->path, true);

        assert(pthread_create(&f->thread, NULL, umbrad_main, f) == 0);
        return f;
}

void fake_umbrad_stop(FakeUmbrad *f) {
        assert(eventfd_write(f->stop_fd, 1) == 0);
        pthread_join(f->thread, NULL);
        for (size_t i = 0; i < f->n_peers; ++i) {
                pthread_join(f->peers[i].thread, NULL);
                close(f->peers[i].end_fd);
        }

        for (size_t i = 0; i < f->n_writers; ++i) {
                free(f->writers[i].name);
                free(f->writers[i].xml);
        }
        close(f->listen_fd);
        close(f->stop_fd);
        free(f->path);
        temp_dir_free(f->directory);
        pthread_mutex_destroy(&f->lock);
        free(f);
}

void fake_umbrad_set(FakeUmbrad *f, const char *member, FakeMood mood, HRESULT hr) {
        pthread_mutex_lock(&f->lock);
        member_of(f, member)->mood = mood;
        member_of(f, member)->hr = hr;
        pthread_mutex_unlock(&f->lock);
}

void fake_umbrad_delay(FakeUmbrad *f, const char *member, unsigned msec) {
        pthread_mutex_lock(&f->lock);
        member_of(f, member)->msec = msec;
        pthread_mutex_unlock(&f->lock);
}

void fake_umbrad_set_snapshots(FakeUmbrad *f, unsigned n) {
        pthread_mutex_lock(&f->lock);
        f->n_snapshots = n;
        pthread_mutex_unlock(&f->lock);
}

void fake_umbrad_add_writer(FakeUmbrad *f,
                            const GUID *instance_id,
                            const GUID *writer_id,
                            const char *name,
                            const char *xml) {
        pthread_mutex_lock(&f->lock);
        assert(f->n_writers < WRITERS_MAX);
        f->writers[f->n_writers++] = (Writer){ *instance_id, *writer_id, strdup(name), strdup(xml) };
        pthread_mutex_unlock(&f->lock);
}

unsigned fake_umbrad_count(FakeUmbrad *f, const char *member) {
        unsigned n;

        pthread_mutex_lock(&f->lock);
        n = member_of(f, member)->count;
        pthread_mutex_unlock(&f->lock);
        return n;
}

typedef struct Connections {
        FakeUmbrad *umbrad;
        unsigned n;
} Connections;

static bool connections_are(void *arg) {
        Connections *c = arg;
        bool same;

        pthread_mutex_lock(&c->umbrad->lock);
        same = c->umbrad->n_connected == c->n;
        pthread_mutex_unlock(&c->umbrad->lock);
        return same;
}

bool fake_umbrad_await_connections(FakeUmbrad *f, unsigned n) {
        return eventually(connections_are, &(Connections){ f, n }, TEST_PATIENCE_USEC);
}

void fake_umbrad_end_connections(FakeUmbrad *f, bool revoked) {
        pthread_mutex_lock(&f->lock);
        f->revoked = revoked;
        for (size_t i = 0; i < f->n_peers; ++i) /* those of peers that have gone are still open */
                assert(eventfd_write(f->peers[i].end_fd, 1) == 0);
        pthread_mutex_unlock(&f->lock);
        assert(fake_umbrad_await_connections(f, 0));
}
