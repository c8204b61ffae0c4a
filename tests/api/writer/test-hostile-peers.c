/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Hostile Peer May Send
 *
 * Bytes that are no message, messages that are no call of ours, calls that make no sense, documents that are
 * a trap. Each is refused, clearly where there is someone to tell, and a backup that another one makes
 * meanwhile is as good as ever.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <umbra.h>

#include "api/storage/storage.h"
#include "api/writer/backup.h"
#include "api/writer/journal.h"
#include "api/writer/puppet.h"
#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "doc/doc-limits.h"
#include "lib/test-util.h"
#include "phases/world.h"
#include "wire/wire-client.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"
#include "wire/wire-names.h"
#include "wire/wire-types.h"

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

/* A backup that began before the hostile peer came, and goes on after it. */
static void assert_others_are_well(void) {
        Puppet *p = puppet_new("honest", world->volume, NULL);
        Backup *b = backup_new();

        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(backup_complete(b), S_OK);
        backup_free(b);
        puppet_free(p);
}

static int connect_raw(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_true(strlen(world->socket) < sizeof(address.sun_path));
        strcpy(address.sun_path, world->socket);
        assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        return fd;
}

static bool is_closed(int fd) {
        char buffer[256];
        ssize_t n;

        do {
                if (!eventually_readable(fd, TEST_PATIENCE_USEC))
                        return false;
                n = read(fd, buffer, sizeof(buffer));
        } while (n > 0);
        return n == 0 || errno == ECONNRESET;
}

static void test_that_bytes_that_are_no_message_end_the_connection(void **state) {
        static const struct {
                const char *bytes;
                size_t size;
        } cases[] = {
#define BYTES(s) { s, sizeof(s) - 1 }
                BYTES("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\r\n\r\n"),
                BYTES("\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nl\1\0\1\xFF\xFF\xFF\xFF\1\0\0\0\xFF\xFF\xFF\x7F" "xxxx"),
                BYTES("\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\nthis is no message at all, and it goes on for a while"),
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                int fd = connect_raw();

                (void) !send(fd, cases[i].bytes, cases[i].size, MSG_NOSIGNAL);
                if (!is_closed(fd))
                        fail_msg("case %zu: the connection goes on", i);
                close(fd);
        }
        assert_others_are_well();
}

static void test_that_half_an_introduction_hinders_nobody(void **state) {
        static const char *const halves[] = { "", "\r", "A", "AUTH EXTERNAL", "AUTH EXTERNAL\r\nDATA\r\n" };
        int fds[ELEMENTSOF(halves)];

        for (size_t i = 0; i < ELEMENTSOF(halves); ++i) {
                fds[i] = connect_raw();
                if (i > 0)
                        assert_int_equal(send(fds[i], "\0", 1, MSG_NOSIGNAL), 1);
                (void) !send(fds[i], halves[i], strlen(halves[i]), MSG_NOSIGNAL);
        }
        assert_others_are_well();
        for (size_t i = 0; i < ELEMENTSOF(halves); ++i)
                close(fds[i]);
        assert_others_are_well();
}

static void test_that_many_connections_hinder_nobody(void **state) {
        int fds[300];

        for (size_t i = 0; i < ELEMENTSOF(fds); ++i)
                fds[i] = connect_raw();
        assert_others_are_well();
        for (size_t i = 0; i < ELEMENTSOF(fds); ++i)
                close(fds[i]);
        assert_others_are_well();
}

/* It neither spins nor lets the others wait: who comes too late is sent away, and not only when those before have
 * said nothing for too long. */
static void test_that_without_descriptors_newcomers_are_sent_away(void **state) {
        struct rlimit before, few = { .rlim_cur = 64 };
        int fds[100];

        assert_int_equal(prlimit(world->umbrad, RLIMIT_NOFILE, NULL, &before), 0);
        few.rlim_max = before.rlim_max;
        assert_int_equal(prlimit(world->umbrad, RLIMIT_NOFILE, &few, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(fds); ++i)
                fds[i] = connect_raw();
        assert_true(is_closed(fds[ELEMENTSOF(fds) - 1]));
        assert_false(eventually_readable(fds[0], 0));

        for (size_t i = 0; i < ELEMENTSOF(fds); ++i)
                close(fds[i]);
        assert_int_equal(prlimit(world->umbrad, RLIMIT_NOFILE, &before, NULL), 0);
        assert_others_are_well();
}

/* A peer that speaks the protocol. */

static WireClient *connect_client(void) {
        WireClient *c = NULL;

        assert_int_equal(wire_client_connect(world->socket, TEST_PATIENCE_USEC, &c), 0);
        return c;
}

static sd_bus_message *new_call(WireClient *c, const char *path, const char *interface, const char *method) {
        sd_bus_message *m = NULL;

        assert_true(sd_bus_message_new_method_call(wire_client_lock(c), &m, NULL, path, interface, method) >= 0);
        wire_client_unlock(c);
        return m;
}

/* The answer's HRESULT; what is not ours is E_FAIL. Drops the message. */
static HRESULT ask(WireClient *c, sd_bus_message *m) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        HRESULT hr = S_OK;

        if (wire_client_call(c, m, TEST_PATIENCE_USEC, &error, NULL) < 0)
                hr = hresult_from_wire_error(&error);
        sd_bus_error_free(&error);
        (void) wire_client_lock(c);
        sd_bus_message_unref(m);
        wire_client_unlock(c);
        return hr;
}

static WireClient *open_session(void) {
        WireClient *c = connect_client();
        sd_bus_message *m = new_call(c, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, "OpenSession");

        assert_true(sd_bus_message_append(m, "u", WIRE_PROTOCOL_VERSION) >= 0);
        assert_int_equal(ask(c, m), S_OK);
        m = new_call(c, WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, "Initialize");
        assert_true(sd_bus_message_append(m, "ui", WIRE_SESSION_BACKUP, (int32_t) VSS_CTX_BACKUP) >= 0);
        assert_int_equal(ask(c, m), S_OK);
        return c;
}

static void close_client(WireClient *c) {
        wire_client_disconnect(c);
        wire_client_unref(c);
}

static void test_that_calls_that_make_no_sense_are_refused(void **state) {
        WireClient *c = connect_client();
        sd_bus_message *m;

        m = new_call(c, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, "OpenSession");
        assert_true(sd_bus_message_append(m, "u", WIRE_PROTOCOL_VERSION + 1) >= 0);
        assert_int_equal(ask(c, m), VSS_E_NOT_SUPPORTED);
        m = new_call(c, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, "OpenSession");
        assert_true(sd_bus_message_append(m, "s", "one") >= 0);
        assert_true(FAILED(ask(c, m)));
        m = new_call(c, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, "Obey");
        assert_true(FAILED(ask(c, m)));
        m = new_call(c, WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, "AbortBackup"); /* without a session */
        assert_int_equal(ask(c, m), VSS_E_BAD_STATE);
        close_client(c);

        c = open_session(); /* a session cannot become a writer or another session */
        m = new_call(c, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, "OpenSession");
        assert_true(sd_bus_message_append(m, "u", WIRE_PROTOCOL_VERSION) >= 0);
        assert_int_equal(ask(c, m), VSS_E_BAD_STATE);
        m = new_call(c, WIRE_SESSION_PATH "/other", WIRE_SESSION_INTERFACE, "AbortBackup"); /* it has one place */
        assert_true(FAILED(ask(c, m)));
        close_client(c);
        assert_others_are_well();
}

/* An array that has become empty, and is made longer by nothing. */
static void test_that_choosing_no_writers_hurts_nobody(void **state) {
        static const struct {
                WireWriterSelection what;
                size_t n;
        } steps[] = { { WIRE_ENABLE_CLASSES, 1 }, { WIRE_DISABLE_CLASSES, 1 }, { WIRE_ENABLE_CLASSES, 0 }, { WIRE_ENABLE_CLASSES, 1 } };
        WireClient *c = open_session();

        for (size_t i = 0; i < ELEMENTSOF(steps); ++i) {
                sd_bus_message *m = new_call(c, WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, "SetWriterSelection");

                (void) wire_client_lock(c);
                assert_true(sd_bus_message_append(m, "u", (uint32_t) steps[i].what) >= 0);
                assert_true(wire_append_guids(m, &puppet_writer_id, steps[i].n) >= 0);
                wire_client_unlock(c);
                assert_int_equal(ask(c, m), S_OK);
        }
        close_client(c);
        assert_others_are_well();
}

static void test_that_a_question_about_a_name_of_any_bytes_is_answered(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_BACKUP);
        BOOL supported;

        assert_int_equal(IVssBackupComponentsEx4_IsVolumeSupported(b, GUID_NULL, wide("/srv/caf\xe9"), &supported), VSS_E_OBJECT_NOT_FOUND);
        assert_non_null(strstr(umbra_last_error(), "'/srv/caf\\xe9'"));
        storage_release(b);
}

/* Calls that are begun and not waited for. */

static int count_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ++*(size_t *) userdata;
        return 1;
}

static void begin(WireClient *c, sd_bus_message *m, size_t *n_answers) {
        (void) wire_client_lock(c);
        assert_int_equal(wire_client_call_async(c, m, count_answer, n_answers), 0);
        sd_bus_message_unref(m);
        wire_client_unlock(c);
}

static sd_bus_message *new_is_supported(WireClient *c) {
        sd_bus_message *m = new_call(c, WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, "IsVolumeSupported");

        (void) wire_client_lock(c);
        assert_true(wire_append_guid(m, &fake_provider) >= 0);
        assert_true(wire_append_text(m, world->volume) >= 0);
        wire_client_unlock(c);
        return m;
}

static void test_that_calls_under_way_have_a_limit(void **state) {
        WireClient *c = open_session();
        size_t n_answers = 0;

        for (size_t i = 0; i < WIRE_OPERATIONS_MAX + 1; ++i) /* those that have ended do not count */
                assert_int_equal(ask(c, new_is_supported(c)), S_OK);
        close_client(c);

        world_script(world, "probe = hang");
        c = open_session();
        for (size_t i = 0; i < WIRE_OPERATIONS_MAX; ++i)
                begin(c, new_is_supported(c), &n_answers);
        assert_int_equal(ask(c, new_is_supported(c)), E_OUTOFMEMORY);
        assert_int_equal(n_answers, 0);

        world_script(world, NULL);
        assert_others_are_well(); /* nor do those of others */
        close_client(c);
        assert_int_equal(n_answers, WIRE_OPERATIONS_MAX);
        assert_others_are_well();
}

static sd_bus_message *new_cancel(WireClient *c) {
        sd_bus_message *m = new_call(c, WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, "Cancel");

        assert_true(sd_bus_message_append(m, "u", 1U) >= 0);
        return m;
}

static void test_that_those_who_wait_for_an_operation_have_a_limit(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        sd_bus_message *m;
        size_t n_answers = 0;
        VSS_ID set_id, id;
        WireClient *c;

        storage_make_set(b, &world->volume, 1, fake_provider, &set_id, &id);
        storage_release(b);
        world_script(world, "break_off = hang");
        c = open_session();
        m = new_call(c, WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, "BreakSnapshotSet");
        (void) wire_client_lock(c);
        assert_true(sd_bus_message_append(m, "u", 1U) >= 0);
        assert_true(wire_append_guid(m, &set_id) >= 0);
        assert_true(sd_bus_message_append(m, "u", 0U) >= 0);
        wire_client_unlock(c);
        begin(c, m, &n_answers);
        world_await_status(world, "\"kind\":\"break\",\"doing\":true");

        for (size_t i = 0; i < WIRE_OPERATIONS_MAX; ++i)
                begin(c, new_cancel(c), &n_answers);
        assert_int_equal(ask(c, new_cancel(c)), E_OUTOFMEMORY);
        assert_int_equal(n_answers, 0);

        world_kill_umbrad(world);
        close_client(c);
        assert_int_equal(n_answers, WIRE_OPERATIONS_MAX + 1);
        world_script(world, NULL);
        world_start_umbrad(world);
        world_await_status(world, "\"deeds\":[]");
        storage_clean_up_broken(world, id);
        assert_others_are_well();
}

/* Asks, and lets the answers lie. The kernel keeps some megabytes of them, so they are long ones. */
static void test_that_who_does_not_read_is_sent_away(void **state) {
        sd_bus *bus = NULL;
        int fd = connect_raw(), few = 4096, r = 0;
        size_t n;

        assert_true(sd_bus_new(&bus) >= 0);
        assert_true(sd_bus_set_fd(bus, fd, fd) >= 0);
        assert_true(sd_bus_start(bus) >= 0);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &few, sizeof(few)), 0); /* or there are as many questions */
        for (n = 0; n < 100 * WIRE_UNREAD_MAX && r >= 0; ++n) {
                sd_bus_message *m = NULL;

                assert_true(sd_bus_message_new_method_call(bus, &m, NULL, WIRE_MANAGER_PATH, "org.freedesktop.DBus.Introspectable",
                                                           "Introspect") >= 0);
                r = sd_bus_send(bus, m, &(uint64_t){ 0 });
                sd_bus_message_unref(m);
                if (r >= 0)
                        r = sd_bus_flush(bus);
        }
        assert_true(r < 0);
        assert_true(n > WIRE_UNREAD_MAX);
        sd_bus_close_unref(bus);
        assert_others_are_well();
}

static char *nested(unsigned depth) {
        char *text = calloc(depth + 1, 8);

        assert_non_null(text);
        for (unsigned i = 0; i < depth; ++i)
                strcat(text, "<a>");
        return text;
}

static const char bomb[] = "<?xml version=\"1.0\"?><!DOCTYPE B [<!ENTITY a \"aaaaaaaaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
                           "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\">]>"
                           "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\">&d;</BACKUP_COMPONENTS>";
static const char outside[] = "<?xml version=\"1.0\"?><!DOCTYPE B [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>"
                              "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\">&a;</BACKUP_COMPONENTS>";
static const char truncated[] = "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\"><WRITER_COMP";

static HRESULT prepare_with(const void *document, size_t size) {
        WireClient *c = open_session();
        sd_bus_message *m = new_call(c, WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, "PrepareForBackup");
        HRESULT hr;

        (void) wire_client_lock(c);
        assert_true(sd_bus_message_append(m, "u", 1U) >= 0);
        assert_true(wire_append_blob(m, document, size) >= 0);
        wire_client_unlock(c);
        hr = ask(c, m);
        close_client(c);
        return hr;
}

static void test_that_a_requesters_document_is_no_trap(void **state) {
        _cleanup_(freep) char *deep = nested(10000);
        const struct {
                const char *name, *text;
                size_t size;
        } cases[] = {
                { "empty",            "",        0                 },
                { "no XML",           "garbage", 7                 },
                { "zeros",            "\0\0\0",  3                 },
                { "truncated",        truncated, strlen(truncated) },
                { "an entity bomb",   bomb,      strlen(bomb)      },
                { "an entity abroad", outside,   strlen(outside)   },
                { "deep",             deep,      strlen(deep)      },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr = prepare_with(cases[i].text, cases[i].size);

                if (hr != VSS_E_INVALID_XML_DOCUMENT && hr != VSS_E_CORRUPT_XML_DOCUMENT)
                        fail_msg("%s: 0x%x", cases[i].name, (unsigned) hr);
        }
        assert_others_are_well();
}

static void test_that_a_document_over_the_limit_is_refused(void **state) {
        size_t size = (size_t) DOCUMENT_SIZE_MAX + 1;
        char *document = malloc(size);
        HRESULT hr;

        assert_non_null(document);
        memset(document, ' ', size);
        hr = prepare_with(document, size);
        free(document);
        assert_true(FAILED(hr));
        assert_others_are_well();
}

/* A writer that speaks the protocol and answers every event with a document of its own. */

typedef struct Liar {
        WireClient *client;
        const char *answers[_WIRE_EVENT_MAX]; /* NULL: none */
        const char *message;                  /* after Identify */
        bool fails;                           /* with it */
} Liar;

static int liar_on_event(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        sd_bus_message *reply = NULL;
        Liar *l = userdata;
        uint32_t event = 0;

        (void) sd_bus_message_read(m, "u", &event);
        if (event >= _WIRE_EVENT_MAX || sd_bus_message_new_method_return(m, &reply) < 0)
                return -EINVAL;
        if (l->fails && event != WIRE_EVENT_IDENTIFY) {
                sd_bus_message_unref(reply);
                return sd_bus_error_set(error, "umbra.Error.VSS_E_WRITERERROR_RETRYABLE", l->message);
        }
        (void) sd_bus_message_append(reply, "ii", S_OK, S_OK);
        (void) wire_append_text(reply, event != WIRE_EVENT_IDENTIFY ? l->message : NULL);
        (void) wire_append_optional_blob(reply, l->answers[event], l->answers[event] ? strlen(l->answers[event]) : 0);
        (void) wire_client_send(l->client, reply);
        sd_bus_message_unref(reply);
        return 1;
}

static const sd_bus_vtable liar_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Event", "uayayiuuuasa(ss)ah", "iisah", liar_on_event, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static const GUID liar_instance = { 0x11a2, 0x11a3, 0x11a4, { 0x81, 1, 2, 3, 4, 5, 6, 7 } };

static const char liar_metadata[] =
        "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.1\" backupSchema=\"0\">"
        "<IDENTIFICATION writerId=\"9d0f5b1e-2c44-4b6f-930a-707570706574\" instanceId=\"000011a2-11a3-11a4-8101-020304050607\" "
        "friendlyName=\"liar\" usage=\"USER_DATA\" dataSource=\"OTHER\"/>"
        "<BACKUP_LOCATIONS><FILE_GROUP logicalPath=\"\" componentName=\"data\" caption=\"\" restoreMetadata=\"no\" notifyOnBackupComplete=\"no\" "
        "selectable=\"yes\" selectableForRestore=\"yes\" componentFlags=\"0\"/></BACKUP_LOCATIONS></WRITER_METADATA>";

static void liar_begin(Liar *l) {
        sd_bus_message *m;

        l->client = connect_client();
        assert_true(sd_bus_add_object_vtable(wire_client_lock(l->client), NULL, WIRE_WRITER_PATH, WIRE_WRITER_INTERFACE, liar_vtable,
                                             l) >= 0);
        wire_client_unlock(l->client);
        m = new_call(l->client, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, "RegisterWriter");
        (void) wire_client_lock(l->client);
        assert_true(sd_bus_message_append(m, "u", WIRE_PROTOCOL_VERSION) >= 0);
        assert_true(wire_append_guid(m, &puppet_writer_id) >= 0);
        assert_true(wire_append_guid(m, &liar_instance) >= 0);
        assert_true(wire_append_text(m, "liar") >= 0);
        assert_true(wire_append_text(m, "liar") >= 0);
        assert_true(sd_bus_message_append(m, "uuuuitu", 1U, 0U, 3U, 3U, (int32_t) VSS_APP_FRONT_END, (uint64_t) 0, 6U) >= 0);
        wire_client_unlock(l->client);
        assert_int_equal(ask(l->client, m), S_OK);
}

static void settle_with(Liar *l, HRESULT begun, IVssAsync *async, HRESULT *ret) {
        HRESULT status = begun;

        /* Both connections are pumped here: the requester's by asking, the writer's by polling. */
        while (SUCCEEDED(begun)) {
                wire_client_poll(l->client);
                assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
                if (status != VSS_S_ASYNC_PENDING)
                        break;
                (void) poll(NULL, 0, 1);
        }
        if (async)
                IVssAsync_Release(async);
        *ret = status;
}

#define WITH_LIAR(l, b, method)                                                    \
        ({                                                                         \
                IVssAsync *async = NULL;                                           \
                HRESULT begun = IVssBackupComponents_##method((b)->api, &async), ended; \
                settle_with((l), begun, async, &ended);                            \
                ended;                                                             \
        })

static void test_that_a_writer_that_describes_itself_with_a_trap_costs_only_itself(void **state) {
        static const char *const traps[] = { NULL, "", "garbage", truncated, bomb, outside };

        for (size_t i = 0; i < ELEMENTSOF(traps); ++i) {
                Puppet *honest = puppet_new("honest", world->volume, NULL);
                Liar l = { .answers = { [WIRE_EVENT_IDENTIFY] = traps[i] } };
                Backup *b = backup_new();

                liar_begin(&l);
                assert_true(SUCCEEDED(WITH_LIAR(&l, b, GatherWriterMetadata)));
                assert_true(backup_writer_count(b) >= 1);
                backup_free(b);
                close_client(l.client);
                puppet_free(honest);
        }
        assert_others_are_well();
}

static void test_that_a_writer_that_answers_with_a_trap_fails_alone(void **state) {
        static const char *const traps[] = { "", "garbage", truncated, bomb, outside };

        for (size_t i = 0; i < ELEMENTSOF(traps); ++i) {
                Liar l = { .answers = { [WIRE_EVENT_IDENTIFY] = liar_metadata, [WIRE_EVENT_PREPARE_BACKUP] = traps[i] } };
                Backup *b = backup_new();
                HRESULT hr;

                liar_begin(&l);
                hr = WITH_LIAR(&l, b, GatherWriterMetadata);
                if (hr != VSS_S_ASYNC_FINISHED)
                        fail_msg("case %zu: 0x%x", i, (unsigned) hr);
                assert_int_equal(backup_writer_count(b), 1);
                assert_int_equal(backup_select(b, world->volume), S_OK);
                assert_int_equal(WITH_LIAR(&l, b, PrepareForBackup), VSS_S_ASYNC_FINISHED);
                backup_expect_status(b, L"liar", "FAILED_AT_PREPARE_BACKUP VSS_E_UNEXPECTED_WRITER_ERROR 0x0 ");
                backup_free(b);
                close_client(l.client);
        }
        assert_others_are_well();
}

/* So much that a requester would not take it: it learns the beginning, and how the others are. */
static void test_that_a_writer_that_talks_and_talks_is_cut_short(void **state) {
        static const char *const expected[] = { "STABLE S_OK 0x0 ", "FAILED_AT_PREPARE_BACKUP VSS_E_WRITERERROR_RETRYABLE 0x0 " };
        char words[2 * WIRE_TEXT_MAX];

        for (size_t i = 0; i < ELEMENTSOF(expected); ++i) {
                Liar l = { .answers = { [WIRE_EVENT_IDENTIFY] = liar_metadata }, .message = words, .fails = i == 1 };
                _cleanup_(freep) char *status = NULL;
                Backup *b = backup_new();

                memset(words, 'x', sizeof(words));
                words[l.fails ? sizeof(words) - 1 : WIRE_TEXT_MAX] = '\0';
                liar_begin(&l);
                assert_int_equal(WITH_LIAR(&l, b, GatherWriterMetadata), VSS_S_ASYNC_FINISHED);
                assert_int_equal(backup_select(b, world->volume), S_OK);
                assert_int_equal(WITH_LIAR(&l, b, PrepareForBackup), VSS_S_ASYNC_FINISHED);

                words[WIRE_MESSAGE_MAX] = '\0';
                assert_int_equal(format_to(&status, "%s%s", expected[i], words), 0);
                backup_expect_status(b, L"liar", status);
                backup_free(b);
                close_client(l.client);
        }
        assert_others_are_well();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_bytes_that_are_no_message_end_the_connection),
                cmocka_unit_test(test_that_half_an_introduction_hinders_nobody),
                cmocka_unit_test(test_that_many_connections_hinder_nobody),
                cmocka_unit_test(test_that_without_descriptors_newcomers_are_sent_away),
                cmocka_unit_test(test_that_calls_that_make_no_sense_are_refused),
                cmocka_unit_test(test_that_choosing_no_writers_hurts_nobody),
                cmocka_unit_test(test_that_a_question_about_a_name_of_any_bytes_is_answered),
                cmocka_unit_test(test_that_calls_under_way_have_a_limit),
                cmocka_unit_test(test_that_those_who_wait_for_an_operation_have_a_limit),
                cmocka_unit_test(test_that_who_does_not_read_is_sent_away),
                cmocka_unit_test(test_that_a_requesters_document_is_no_trap),
                cmocka_unit_test(test_that_a_document_over_the_limit_is_refused),
                cmocka_unit_test(test_that_a_writer_that_describes_itself_with_a_trap_costs_only_itself),
                cmocka_unit_test(test_that_a_writer_that_answers_with_a_trap_fails_alone),
                cmocka_unit_test(test_that_a_writer_that_talks_and_talks_is_cut_short),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
