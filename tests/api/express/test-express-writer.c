/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Express Writers
 *
 * Registered, they are there: for requesters, across restarts, without a process; until they are
 * unregistered. [MS: nn-vswriter-ivssexpresswriter]
 */

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include <umbra.h>

#include "api/writer/backup.h"
#include "api/writer/journal.h"
#include "api/writer/puppet.h"
#include "base/alloc.h"
#include "base/guid.h"
#include "base/utf.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "phases/world.h"
#include "wire/wire-client.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"

static World *world;

static const VSS_ID express_id = { 0xe1, 0xbad, 0xc0de, { 0x80, 1 } };
static const VSS_ID other_id = { 0xe2, 0xbad, 0xc0de, { 0x80, 2 } };

static int setup(void **state) {
        world = world_new();
        return chmod(world->dir, 0755); /* else nobody but us gets as far as the socket */
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

static IVssExpressWriter *express_new(void) {
        IVssExpressWriter *w = NULL;

        assert_int_equal(CreateVssExpressWriter(&w), S_OK);
        return w;
}

/* "data" of the volume as component "data", as a puppet has it. */
static IVssExpressWriter *express_described(VSS_ID id, const WCHAR *name) {
        _cleanup_(freep) char *data = NULL;
        _cleanup_(freep) WCHAR *wide = NULL;
        IVssCreateExpressWriterMetadata *m = NULL;
        IVssExpressWriter *w = express_new();

        assert_int_equal(format_to(&data, "%s/data", world->volume), 0);
        assert_int_equal(wide_from_utf8(data, &wide), 0);
        assert_int_equal(IVssExpressWriter_CreateMetadata(w, id, name, VSS_UT_USERDATA, 2, 3, 0, &m), S_OK);
        assert_int_equal(IVssCreateExpressWriterMetadata_SetRestoreMethod(m, VSS_RME_RESTORE_IF_CAN_REPLACE,
                                                                          NULL, NULL, VSS_WRE_NEVER, false),
                         S_OK);
        assert_int_equal(IVssCreateExpressWriterMetadata_AddComponent(m, VSS_CT_FILEGROUP, NULL, L"data",
                                                                      L"Data", NULL, 0, false, false, true,
                                                                      true, 0),
                         S_OK);
        assert_int_equal(IVssCreateExpressWriterMetadata_AddFilesToFileGroup(m, NULL, L"data", wide, L"*",
                                                                             true, NULL, 0xF0F),
                         S_OK);
        IVssCreateExpressWriterMetadata_Release(m);
        return w;
}

static HRESULT express_register(VSS_ID id, const WCHAR *name) {
        IVssExpressWriter *w = express_described(id, name);
        HRESULT hr;

        hr = IVssExpressWriter_Register(w);
        IVssExpressWriter_Release(w);
        return hr;
}

static HRESULT express_unregister(VSS_ID id) {
        IVssExpressWriter *w = express_new();
        HRESULT hr;

        hr = IVssExpressWriter_Unregister(w, id);
        IVssExpressWriter_Release(w);
        return hr;
}

/* Which instance of that class is gathered; GUID_NULL: none. */
static VSS_ID gathered_instance(VSS_ID id) {
        Backup *b = backup_new();
        VSS_ID found = { 0 };

        assert_int_equal(backup_gather(b), S_OK);
        for (UINT i = 0; i < backup_writer_count(b); ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_ID instance, document_instance, writer;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                BSTR name = NULL;

                assert_int_equal(IVssBackupComponents_GetWriterMetadata(b->api, i, &instance, &metadata),
                                 S_OK);
                assert_int_equal(IVssExamineWriterMetadata_GetIdentity(metadata, &document_instance, &writer,
                                                                       &name, &usage, &source),
                                 S_OK);
                assert_true(guid_equal(&instance, &document_instance));
                if (guid_equal(&writer, &id))
                        found = instance;
                SysFreeString(name);
                IVssExamineWriterMetadata_Release(metadata);
        }
        backup_free(b);
        return found;
}

static bool is_gathered(VSS_ID id) {
        VSS_ID instance = gathered_instance(id);

        return !guid_is_null(&instance);
}

static void test_that_a_registered_one_is_there_until_it_is_unregistered(void **state) {
        VSS_ID first, again;

        assert_false(is_gathered(express_id));
        ASSERT_RETURNS(IVssExpressWriter, Register, S_OK, express_register(express_id, L"express"));
        first = gathered_instance(express_id);
        assert_false(guid_is_null(&first));
        ASSERT_RETURNS(IVssExpressWriter, Register, VSS_E_OBJECT_ALREADY_EXISTS,
                       express_register(express_id, L"another name"));

        world_kill_umbrad(world); /* as by a crash */
        world_start_umbrad(world);
        world_await_status(world, "\"express_writers\":1");
        again = gathered_instance(express_id);
        assert_true(guid_equal(&first, &again)); /* [MS: pitfall 48] */
        assert_int_equal(express_register(express_id, L"express"), VSS_E_OBJECT_ALREADY_EXISTS);

        ASSERT_RETURNS(IVssExpressWriter, Unregister, S_OK, express_unregister(express_id));
        assert_false(is_gathered(express_id));
        ASSERT_RETURNS(IVssExpressWriter, Unregister, VSS_E_OBJECT_NOT_FOUND,
                       express_unregister(express_id));
        world_kill_umbrad(world);
        world_start_umbrad(world);
        assert_false(is_gathered(express_id));

        assert_int_equal(express_register(express_id, L"express"),
                         S_OK); /* and may come back, as who it was */
        again = gathered_instance(express_id);
        assert_true(guid_equal(&first, &again));
        assert_int_equal(express_unregister(express_id), S_OK);
}

/* Everything that GatherWriterMetadata brings, as it comes from umbrad. */
static char *gathered_blob(void) {
        WireClient *c = NULL;
        char *blob = NULL;
        size_t size;

        assert_int_equal(wire_client_connect(world->socket, TEST_PATIENCE_USEC, &c), 0);
        {
                WIRE_CLIENT_LOCKED(c);
                sd_bus *bus = wire_client_lock(c);
                static const struct {
                        const char *path, *interface, *member, *types;
                } calls[] = {
                        { WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, "OpenSession",          "u"  },
                        { WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, "Initialize",           "ui" },
                        { WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, "GatherWriterMetadata", "u"  },
                };

                wire_client_unlock(c);
                for (size_t i = 0; i < ELEMENTSOF(calls); ++i) {
                        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

                        assert_true(sd_bus_message_new_method_call(bus, &m, NULL, calls[i].path,
                                                                   calls[i].interface,
                                                                   calls[i].member) >= 0);
                        assert_true(sd_bus_message_append(m, calls[i].types, 1, 0) >= 0);
                        assert_int_equal(wire_client_call(c, m, TEST_PATIENCE_USEC, NULL, &reply), 0);
                        if (i + 1 < ELEMENTSOF(calls))
                                continue;
                        assert_true(sd_bus_message_skip(reply, "a" WIRE_WRITER) >= 0);
                        assert_int_equal(wire_read_blob(reply, 1U << 20, &blob, &size), 0);
                        assert_int_equal(strlen(blob), size);
                }
        }
        wire_client_unref(c);
        return blob;
}

static void test_that_a_loaded_document_comes_back_as_it_was(void **state) {
        /* Nothing here is as we would write it. */
        static const char document[] =
                "<?xml version='1.0'?>\n<WRITER_METADATA version='1.2' xmlns='x-schema:#VssWriterMetadataInfo' >\n"
                "  <BACKUP_LOCATIONS><FILE_GROUP selectable='yes' componentName='c' colour='blue' /></BACKUP_LOCATIONS>\n"
                "  <!-- a word --> <IDENTIFICATION usage='SYSTEM_SERVICE' dataSource='OTHER' friendlyName='Plan of tasks'\n"
                "    instanceId='1BDDD48E-5052-49DB-9B07-B96F96727E6B' writerId='D61D61C8-D73A-4EEE-8CDD-F6F9786B7124'/>\n"
                "  <RESTORE_METHOD writerRestore='never' method='RESTORE_IF_CAN_BE_REPLACED'/>\n</WRITER_METADATA>\n";
        static const VSS_ID id = {
                0xd61d61c8, 0xd73a, 0x4eee, { 0x8c, 0xdd, 0xf6, 0xf9, 0x78, 0x6b, 0x71, 0x24 }
        };
        _cleanup_(freep) char *blob = NULL;
        _cleanup_(freep) WCHAR *wide = NULL;
        IVssExpressWriter *w = express_new();
        VSS_ID instance;

        assert_int_equal(wide_from_utf8(document, &wide), 0);
        ASSERT_RETURNS(IVssExpressWriter, LoadMetadata, S_OK, IVssExpressWriter_LoadMetadata(w, wide, 0));
        assert_int_equal(IVssExpressWriter_Register(w), S_OK);
        IVssExpressWriter_Release(w);
        REACHES_RULE(IVssExpressWriter, "LoadMetadata", "alternative to CreateMetadata");

        world_kill_umbrad(world);
        world_start_umbrad(world);
        blob = gathered_blob();
        assert_string_equal(blob, document); /* [MS: pitfall 48] */
        instance = gathered_instance(id);
        assert_int_equal(instance.Data1, 0x1bddd48e);
        assert_int_equal(express_unregister(id), S_OK);
}

static void test_that_a_document_is_needed_to_register_and_none_to_unregister(void **state) {
        IVssCreateExpressWriterMetadata *m = NULL;
        IVssExpressWriter *w = express_new();

        assert_int_equal(IVssExpressWriter_Register(w), VSS_E_BAD_STATE);
        assert_int_equal(IVssExpressWriter_Unregister(w, express_id), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(
                IVssExpressWriter_CreateMetadata(w, express_id, L"express", VSS_UT_USERDATA, 0, 0, 0, &m),
                S_OK);
        assert_int_equal(IVssExpressWriter_Register(w), VSS_E_INVALID_XML_DOCUMENT);
        assert_non_null(strstr(umbra_last_error(), "SetRestoreMethod"));
        REACHES_RULE(IVssCreateExpressWriterMetadata, "SetRestoreMethod", "required; not VSS_RME_UNDEFINED");
        assert_int_equal(IVssCreateExpressWriterMetadata_SetRestoreMethod(m, VSS_RME_RESTORE_IF_NOT_THERE,
                                                                          NULL, NULL, VSS_WRE_NEVER, false),
                         S_OK);
        assert_int_equal(IVssExpressWriter_Register(w), S_OK);
        REACHES_RULE(IVssExpressWriter, "Register", "requires LoadMetadata or CreateMetadata first");

        /* What is added later is for the next time. */
        assert_int_equal(IVssCreateExpressWriterMetadata_AddComponent(m, VSS_CT_FILEGROUP, NULL, L"late",
                                                                      NULL, NULL, 0, false, false, true,
                                                                      false, 0),
                         S_OK);
        IVssCreateExpressWriterMetadata_Release(m);
        assert_int_equal(IVssExpressWriter_Register(w), VSS_E_OBJECT_ALREADY_EXISTS);
        assert_int_equal(IVssExpressWriter_Unregister(w, express_id), S_OK);
        assert_int_equal(IVssExpressWriter_Release(w), 0);

        /* The object that described it is not needed. */
        assert_int_equal(express_register(express_id, L"express"), S_OK);
        assert_int_equal(express_unregister(express_id), S_OK);
        REACHES_RULE(IVssExpressWriter, "Unregister",
                     "page says CreateMetadata must have been called first");
}

/* What stands in the document about the writer of class @id. */
static char *part_of(BSTR document, VSS_ID id) {
        _cleanup_(freep) char *text = NULL, *writer = NULL;
        char *part, *start, *end;

        assert_int_equal(utf8_from_wide(document, &text), 0);
        assert_int_equal(format_to(&writer, "writerId=\"%s\"", GUID_TO_STRING(&id)), 0);
        start = strstr(text, writer);
        assert_non_null(start);
        end = strstr(start, "</WRITER_COMPONENTS>");
        assert_non_null(end);
        *end = '\0';
        assert_int_equal(strdup_to(start, &part), 0);
        return part;
}

static void test_that_its_components_are_backed_up_and_restored(void **state) {
        static const struct {
                HRESULT (*step)(Backup *b);
                const char *status;
        } walk[] = {
                { backup_prepare,  "STABLE S_OK 0x0 "                      },
                { backup_create,   "WAITING_FOR_BACKUP_COMPLETE S_OK 0x0 " },
                { backup_complete, "STABLE S_OK 0x0 "                      },
        };
        _cleanup_(freep) char *express_part = NULL, *live_part = NULL;
        Puppet *p = puppet_new("live", world->volume, NULL);
        IVssComponent *component;
        BSTR document;
        Backup *b;

        assert_int_equal(express_register(express_id, L"express"), S_OK);
        b = backup_new();
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_writer_count(b), 2);
        backup_expect_status(b, L"express", "STABLE S_OK 0x0 ");
        assert_int_equal(backup_select(b, world->volume), S_OK);
        for (size_t i = 0; i < ELEMENTSOF(walk); ++i) {
                assert_int_equal(walk[i].step(b), S_OK);
                backup_expect_status(b, L"express", walk[i].status);
        }
        component = backup_component(b, L"express");
        assert_non_null(component);
        IVssComponent_Release(component);
        document = backup_document(b);
        backup_free(b);

        /* Nothing came to rest for it, so its copy is as good as the volume's and no better. */
        express_part = part_of(document, express_id);
        live_part = part_of(document, puppet_writer_id);
        assert_non_null(strstr(live_part, "consistency=\"application\""));
        assert_non_null(strstr(express_part, "consistency=\"crash\""));

        /* A restore of an express writer asks nobody, and succeeds. */
        puppet_free(p);
        b = backup_new_for_restore(document);
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(IVssBackupComponents_SetSelectedForRestore(b->api, express_id, VSS_CT_FILEGROUP,
                                                                    NULL, L"data", true),
                         S_OK);
        for (unsigned i = 0; i < 2; ++i) {
                IVssAsync *async = NULL;
                HRESULT hr = i == 0 ? IVssBackupComponents_PreRestore(b->api, &async) :
                                      IVssBackupComponents_PostRestore(b->api, &async);

                assert_int_equal(settle(hr, async), S_OK);
                backup_expect_status(b, L"express", "STABLE S_OK 0x0 ");
        }
        backup_free(b);
        SysFreeString(document);
        assert_int_equal(express_unregister(express_id), S_OK);
}

static void test_that_a_session_keeps_one_that_is_unregistered_meanwhile(void **state) {
        Puppet *p = puppet_new("live", world->volume, NULL);
        Backup *b = backup_new(), *second = backup_new();

        assert_int_equal(express_register(express_id, L"express"), S_OK);
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_gather(second), S_OK);
        assert_int_equal(backup_select(b, world->volume), S_OK);
        assert_int_equal(backup_prepare(b), S_OK);
        assert_int_equal(express_unregister(express_id), S_OK);
        assert_int_equal(backup_create(b), S_OK);
        backup_expect_status(b, L"express", "WAITING_FOR_BACKUP_COMPLETE S_OK 0x0 ");
        assert_false(is_gathered(express_id));
        backup_free(second);
        assert_int_equal(backup_complete(b), S_OK);
        backup_free(b);
        puppet_free(p);
        world_assert_clean(world);
}

static void test_that_an_instance_is_there_once(void **state) {
        static const WCHAR format[] =
                L"<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\"><IDENTIFICATION writerId=\"%hs\" "
                L"instanceId=\"%hs\" friendlyName=\"x\" usage=\"USER_DATA\" dataSource=\"OTHER\"/><RESTORE_METHOD "
                L"method=\"RESTORE_IF_CAN_BE_REPLACED\" writerRestore=\"never\" rebootRequired=\"no\"/><BACKUP_LOCATIONS/>"
                L"</WRITER_METADATA>";
        IVssExpressWriter *w = express_new();
        WCHAR document[1024];

        assert_int_equal(express_register(express_id, L"express"), S_OK);
        swprintf(document, ELEMENTSOF(document), format, GUID_TO_STRING(&other_id),
                 GUID_TO_STRING(&express_id));
        assert_int_equal(IVssExpressWriter_LoadMetadata(w, document, 0), S_OK);
        assert_int_equal(IVssExpressWriter_Register(w), VSS_E_OBJECT_ALREADY_EXISTS);
        IVssExpressWriter_Release(w);
        assert_int_equal(express_register(other_id, L"other"), S_OK); /* two of two classes */
        assert_int_equal(express_unregister(other_id), S_OK);
        assert_int_equal(express_unregister(express_id), S_OK);
}

/* While anything is frozen */

static sd_bus_message *new_manager_call(WireClient *c, const char *member) {
        sd_bus_message *m = NULL;

        assert_true(sd_bus_message_new_method_call(wire_client_lock(c), &m, NULL, WIRE_MANAGER_PATH,
                                                   WIRE_MANAGER_INTERFACE, member) >= 0);
        wire_client_unlock(c);
        return m;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        journal_say("%s", sd_bus_message_is_method_error(m, NULL) ? "refused" : "answered");
        return 0;
}

static bool was_answered(void *arg) {
        return journal_has("answered") || journal_has("refused");
}

static void begin_to_unregister(WireClient *c) {
        WIRE_CLIENT_LOCKED(c);
        _cleanup_message_ sd_bus_message *m = new_manager_call(c, "UnregisterExpressWriter");

        assert_true(sd_bus_message_append(m, "u", WIRE_PROTOCOL_VERSION) >= 0);
        assert_int_equal(wire_append_guid(m, &express_id), 0);
        assert_int_equal(wire_client_call_async(c, m, on_answer, NULL), 0);
}

/* On the same connection, so that umbrad has read what was sent before. */
static void ask_for_status(WireClient *c) {
        WIRE_CLIENT_LOCKED(c);
        _cleanup_message_ sd_bus_message *m = new_manager_call(c, "GetStatus");

        assert_int_equal(wire_client_call(c, m, TEST_PATIENCE_USEC, NULL, NULL), 0);
}

static WireClient *waiting, *given_up;

static void ask_while_frozen(Puppet *p, IVssWriterComponents *components) {
        begin_to_unregister(waiting);
        ask_for_status(waiting);
        begin_to_unregister(given_up);
        ask_for_status(given_up);
        wire_client_disconnect(given_up);
        journal_say("still frozen");
}

static void test_that_the_catalog_is_left_alone_while_anything_is_frozen(void **state) {
        Puppet *p = puppet_new("live", world->volume, NULL);
        Backup *b = backup_new();

        assert_int_equal(express_register(express_id, L"express"), S_OK);
        assert_int_equal(wire_client_connect(world->socket, TEST_PATIENCE_USEC, &waiting), 0);
        assert_int_equal(wire_client_connect(world->socket, TEST_PATIENCE_USEC, &given_up), 0);
        journal_clear();
        p->acts[WIRE_EVENT_FREEZE].does = ask_while_frozen;
        assert_int_equal(backup_run(b, world->volume), S_OK);
        assert_int_equal(wire_client_wait(waiting, was_answered, NULL,
                                          now_usec(CLOCK_MONOTONIC) + TEST_PATIENCE_USEC),
                         0);
        assert_int_equal(journal_count("answered"), 1);
        assert_true(journal_position("still frozen") < journal_position("answered"));
        assert_false(is_gathered(express_id));
        given_up = wire_client_unref(given_up);
        waiting = wire_client_unref(waiting);
        backup_free(b);
        puppet_free(p);
}

/* Who may */

static HRESULT register_as(uid_t uid, gid_t gid, VSS_ID id) {
        int status = -1;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                HRESULT hr;

                if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
                        _exit(3);
                hr = express_register(id, L"applicant");
                if (SUCCEEDED(hr))
                        hr = express_unregister(id);
                _exit(hr == S_OK ? 0 : hr == E_ACCESSDENIED && *umbra_last_error() ? 1 : 2);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status) == 0 ? S_OK : WEXITSTATUS(status) == 1 ? E_ACCESSDENIED : E_FAIL;
}

static void test_that_registering_needs_a_grant_for_that_class(void **state) {
        _cleanup_(freep) char *config = NULL;
        struct passwd *user;
        uid_t uid;
        gid_t gid;

        skip_unless_root();
        user = getpwnam("games");
        if (!user || user->pw_uid == 0)
                skip();
        uid = user->pw_uid;
        gid = user->pw_gid;

        assert_int_equal(register_as(uid, gid, express_id), E_ACCESSDENIED);
        assert_int_equal(format_to(&config, "[writers]\n%.36s = games\n", GUID_TO_STRING(&express_id)), 0);
        world_kill_umbrad(world);
        write_file(world->dir, "umbra.conf", config);
        world->config = path_in(world->dir, "umbra.conf");
        world_start_umbrad(world);
        assert_int_equal(register_as(uid, gid, express_id), S_OK);
        assert_int_equal(register_as(uid, gid, other_id), E_ACCESSDENIED);
        assert_int_equal(register_as(54321, 54321, express_id), E_ACCESSDENIED);
}

/* Umbrad itself looks, whatever a library let pass. */
static HRESULT register_raw(const char *document, size_t size) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        WireClient *c = NULL;
        HRESULT hr = S_OK;

        assert_int_equal(wire_client_connect(world->socket, TEST_PATIENCE_USEC, &c), 0);
        {
                WIRE_CLIENT_LOCKED(c);
                _cleanup_message_ sd_bus_message *m = new_manager_call(c, "RegisterExpressWriter");

                assert_true(sd_bus_message_append(m, "u", WIRE_PROTOCOL_VERSION) >= 0);
                assert_int_equal(wire_append_blob(m, document, size), 0);
                if (wire_client_call(c, m, TEST_PATIENCE_USEC, &error, NULL) < 0)
                        hr = hresult_from_wire_error(&error);
        }
        wire_client_unref(c);
        return hr;
}

static void test_that_umbrad_takes_no_document_on_trust(void **state) {
        _cleanup_(freep) char *endless = calloc_checked((16U << 20) + 1, 1);
        static const char *const documents[] = {
                "",
                "no XML at all",
                "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\">",
                "<!DOCTYPE x [<!ENTITY a \"a\">]><WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\"/>",
                "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\"><IDENTIFICATION "
                "writerId=\"11111111-2222-3333-4444-555555555555\" instanceId=\"11111111-2222-3333-4444-555555555555\" "
                "friendlyName=\"x\" usage=\"USER_DATA\" dataSource=\"OTHER\"/><RESTORE_METHOD method=\"CUSTOM\" "
                "writerRestore=\"always\" rebootRequired=\"no\"/><BACKUP_LOCATIONS/></WRITER_METADATA>",
                "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\"><IDENTIFICATION "
                "writerId=\"11111111-2222-3333-4444-555555555555\" instanceId=\"11111111-2222-3333-4444-555555555555\" "
                "friendlyName=\"x\" usage=\"USER_DATA\" dataSource=\"OTHER\"/><RESTORE_METHOD method=\"RESTORE_IF_CAN_BE_REPLACED\" "
                "writerRestore=\"never\"/><BACKUP_LOCATIONS><EXCLUDE_FILES/></BACKUP_LOCATIONS></WRITER_METADATA>",
        };

        for (size_t i = 0; i < ELEMENTSOF(documents); ++i)
                assert_int_equal(register_raw(documents[i], strlen(documents[i])),
                                 VSS_E_INVALID_XML_DOCUMENT);
        assert_non_null(endless);
        memset(endless, ' ', 16U << 20);
        assert_int_equal(register_raw(endless, (16U << 20) + 1), VSS_E_INVALID_XML_DOCUMENT);
        world_await_status(world, "\"express_writers\":0");
}

/* It would be there for good, and no requester could be told of any writer. */
static void test_that_a_name_that_is_too_long_is_refused(void **state) {
        static WCHAR name[WIRE_TEXT_MAX + 2];

        (void) wmemset(name, L'x', ELEMENTSOF(name) - 1);
        assert_int_equal(express_register(express_id, name), VSS_E_INVALID_XML_DOCUMENT);
        name[WIRE_TEXT_MAX] = L'\0';
        assert_int_equal(express_register(express_id, name), S_OK);
        assert_true(is_gathered(express_id));
        assert_int_equal(express_unregister(express_id), S_OK);
}

static void test_that_there_is_a_limit_to_them(void **state) {
        VSS_ID id = { 0xeee, 0, 0, { 0x80 } };
        HRESULT hr = S_OK;

        for (unsigned i = 0; i < WIRE_EXPRESS_WRITERS_MAX && hr == S_OK; ++i, ++id.Data2)
                hr = express_register(id, L"one of many");
        assert_int_equal(hr, S_OK);
        assert_int_equal(express_register(id, L"one too many"), VSS_E_INSUFFICIENT_STORAGE);
        --id.Data2;
        assert_int_equal(express_unregister(id), S_OK);
        assert_int_equal(express_register(id, L"one of many"), S_OK);
}

static void test_that_nobody_answers_where_umbrad_is_not(void **state) {
        world_kill_umbrad(world);
        assert_int_equal(express_register(express_id, L"express"), VSS_E_UNEXPECTED);
        assert_non_null(strstr(umbra_last_error(), world->socket));
        assert_int_equal(express_unregister(express_id), VSS_E_UNEXPECTED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_registered_one_is_there_until_it_is_unregistered),
                cmocka_unit_test(test_that_a_loaded_document_comes_back_as_it_was),
                cmocka_unit_test(test_that_a_document_is_needed_to_register_and_none_to_unregister),
                cmocka_unit_test(test_that_its_components_are_backed_up_and_restored),
                cmocka_unit_test(test_that_a_session_keeps_one_that_is_unregistered_meanwhile),
                cmocka_unit_test(test_that_an_instance_is_there_once),
                cmocka_unit_test(test_that_the_catalog_is_left_alone_while_anything_is_frozen),
                cmocka_unit_test(test_that_umbrad_takes_no_document_on_trust),
                cmocka_unit_test(test_that_registering_needs_a_grant_for_that_class),
                cmocka_unit_test(test_that_a_name_that_is_too_long_is_refused),
                cmocka_unit_test(test_that_there_is_a_limit_to_them),
                cmocka_unit_test(test_that_nobody_answers_where_umbrad_is_not),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
