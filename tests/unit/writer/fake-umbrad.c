/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An umbrad for One Writer
 */

#include "fake-umbrad.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include <umbra.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/time-util.h"
#include "lib/test-util.h"
#include "wire/wire-types.h"

#define CALLS_MAX 64U

struct FakeCall {
        bool sent, answered;
        HRESULT hr;
        sd_bus_slot *slot;
};

struct FakeUmbrad {
        char *dir, *socket;
        int listen_fd, mute_fd;
        sd_bus *bus;
        bool registered, deserts;
        VSS_ID instance;
        FakeCall calls[CALLS_MAX];
        size_t n_calls;
};

static void fake_listen(FakeUmbrad *f) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        assert_true(strlen(f->socket) < sizeof(address.sun_path));
        strcpy(address.sun_path, f->socket);
        (void) unlink(f->socket);
        f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(f->listen_fd >= 0);
        assert_int_equal(bind(f->listen_fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(f->listen_fd, 8), 0);
}

FakeUmbrad *fake_new(void) {
        FakeUmbrad *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        f->mute_fd = -EBADF;
        f->dir = temp_dir_new();
        f->socket = path_in(f->dir, "umbra.sock");
        fake_listen(f);
        assert_int_equal(umbra_set_socket(f->socket), S_OK);
        return f;
}

FakeUmbrad *fake_free(FakeUmbrad *f) {
        if (!f)
                return NULL;
        fake_die(f);
        fd_close(f->mute_fd);
        fd_close(f->listen_fd);
        free(f->socket);
        temp_dir_free(f->dir);
        free(f);
        return NULL;
}

const char *fake_socket(const FakeUmbrad *f) {
        return f->socket;
}

static int on_register(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeUmbrad *f = userdata;
        uint32_t version;
        VSS_ID id;

        assert_true(sd_bus_message_read(m, "u", &version) >= 0);
        assert_int_equal(version, WIRE_PROTOCOL_VERSION);
        assert_int_equal(wire_read_guid(m, &id), 0);
        assert_int_equal(wire_read_guid(m, &f->instance), 0);
        f->registered = true;
        return f->deserts ? 1 : sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("RegisterWriter", "uayayssuuuuitu", "", on_register, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void fake_turn(FakeUmbrad *f) {
        int r = sd_bus_process(f->bus, NULL);

        assert_true(r >= 0);
        if (r == 0)
                assert_true(sd_bus_wait(f->bus, TEST_PATIENCE_USEC) > 0);
}

static int fake_accept(FakeUmbrad *f) {
        int fd;

        assert_true(eventually_readable(f->listen_fd, TEST_PATIENCE_USEC));
        fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        assert_true(fd >= 0);
        return fd;
}

void fake_meet(FakeUmbrad *f) {
        sd_id128_t id;
        int fd = fake_accept(f);

        assert_null(f->bus);
        f->registered = false;
        assert_int_equal(sd_id128_randomize(&id), 0);
        assert_true(sd_bus_new(&f->bus) >= 0);
        assert_true(sd_bus_set_fd(f->bus, fd, fd) >= 0);
        assert_true(sd_bus_set_server(f->bus, true, id) >= 0);
        assert_true(sd_bus_negotiate_fds(f->bus, true) >= 0);
        assert_true(sd_bus_add_object_vtable(f->bus, NULL, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, manager_vtable, f) >= 0);
        assert_true(sd_bus_start(f->bus) >= 0);
        while (!f->registered)
                fake_turn(f);
}

static void *subscribe_main(void *arg) {
        HRESULT hr = puppet_subscribe(arg);

        return (void *) (intptr_t) hr;
}

void fake_meet_subscriber(FakeUmbrad *f, Puppet *p) {
        pthread_t thread;
        void *hr;

        assert_int_equal(pthread_create(&thread, NULL, subscribe_main, p), 0);
        fake_meet(f);
        assert_int_equal(pthread_join(thread, &hr), 0);
        assert_int_equal((HRESULT) (intptr_t) hr, S_OK);
}

HRESULT fake_desert_subscriber(FakeUmbrad *f, Puppet *p) {
        pthread_t thread;
        void *hr;

        assert_int_equal(pthread_create(&thread, NULL, subscribe_main, p), 0);
        f->deserts = true;
        fake_meet(f);
        f->deserts = false;
        fake_die(f);
        assert_int_equal(pthread_join(thread, &hr), 0);
        return (HRESULT) (intptr_t) hr;
}

void fake_stay_mute(FakeUmbrad *f) {
        f->mute_fd = fd_close(f->mute_fd);
        f->mute_fd = fake_accept(f);
}

void fake_die(FakeUmbrad *f) {
        for (size_t i = 0; i < f->n_calls; ++i)
                sd_bus_slot_unref(f->calls[i].slot);
        f->n_calls = 0;
        memset(f->calls, 0, sizeof(f->calls));
        if (f->bus)
                f->bus = sd_bus_close_unref(f->bus);
}

VSS_ID fake_instance(const FakeUmbrad *f) {
        return f->instance;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        FakeCall *call = userdata;
        int32_t hr = E_FAIL;

        if (!sd_bus_message_is_method_error(m, NULL))
                assert_true(sd_bus_message_read(m, "i", &hr) >= 0);
        call->answered = true;
        call->hr = hr;
        return 1;
}

FakeCall *fake_send(FakeUmbrad *f, WireEvent event, unsigned session, const char *document) {
        const VSS_ID session_id = { session, 1, 1, { 0x81 } }, set_id = { session, 2, 2, { 0x82 } };
        sd_bus_message *m = NULL;
        FakeCall *call;

        assert_true(f->n_calls < CALLS_MAX);
        call = &f->calls[f->n_calls++];
        assert_true(sd_bus_message_new_method_call(f->bus, &m, NULL, WIRE_WRITER_PATH, WIRE_WRITER_INTERFACE, "Event") >= 0);
        assert_true(sd_bus_message_append(m, "u", (uint32_t) event) >= 0);
        assert_true(wire_append_guid(m, &session_id) >= 0);
        assert_true(wire_append_guid(m, &set_id) >= 0);
        assert_true(sd_bus_message_append(m, "iuuu", 0, 0U, 0U, WIRE_EVENT_SELECT_COMPONENTS) >= 0);
        assert_true(sd_bus_message_append(m, "asa(ss)", 1, "/", 0) >= 0);
        assert_true(wire_append_optional_blob(m, document, document ? strlen(document) : 0) >= 0);
        assert_true(sd_bus_call_async(f->bus, &call->slot, m, on_answer, call, UINT64_MAX) >= 0);
        assert_true(sd_bus_flush(f->bus) >= 0);
        sd_bus_message_unref(m);
        return call;
}

bool fake_is_answered(FakeUmbrad *f, FakeCall *call) {
        while (sd_bus_process(f->bus, NULL) > 0) {
        }
        return call->answered;
}

HRESULT fake_await(FakeUmbrad *f, FakeCall *call) {
        while (!call->answered)
                fake_turn(f);
        return call->hr;
}

HRESULT fake_event(FakeUmbrad *f, WireEvent event, unsigned session) {
        static const char document[] =
                "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\" bootableSystemStateBackup=\"no\" "
                "selectComponents=\"yes\" backupType=\"full\"></BACKUP_COMPONENTS>";

        return fake_await(f, fake_send(f, event, session, event == WIRE_EVENT_PREPARE_BACKUP ? document : NULL));
}
